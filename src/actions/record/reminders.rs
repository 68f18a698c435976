//! What is open is said again: what is critical more often. And what somebody wants to hear nothing of
//! for a while, with what remained of it at the end.

use super::Recorder;
use super::known::Known;
use crate::actions::items::item::{EventKind, Texts};
use crate::actions::store::LedgerError;
use crate::actions::store::columns::{first, read_key};
use crate::parameters;
use crate::text::time;

/// Whether nothing is told of it now. What gets worse is told whoever sleeps: one more of what is
/// forbidden, a severity that rose, a waiver that ended.
pub(super) fn is_silent(known: &Known, kind: EventKind, now: i64) -> bool {
    let waits = matches!(
        kind,
        EventKind::Held
            | EventKind::Recurred
            | EventKind::Regressed
            | EventKind::Resolved
            | EventKind::Spread
            | EventKind::Returned
            | EventKind::Retired
            | EventKind::Overdue
            | EventKind::Reminder
    );
    waits && known.snoozed.is_some_and(|until| until > now)
}

impl Recorder<'_> {
    /// Says again of each item of this host that it is open, where nothing else was said of it for
    /// long enough.
    pub(super) fn remind(&mut self) -> Result<(), LedgerError> {
        let now = self.run.time;
        let is_late = |known: &Known| {
            let last = known.reminded.unwrap_or(known.since).max(known.since);
            let span = self.terms.remind.get(&known.severity);
            span.is_some_and(|span| now.saturating_sub(last) >= *span)
        };
        let here = self.known.iter().filter(|(id, _)| self.here.contains(id));
        let due = here.filter(|(_, known)| known.state.is_live() && is_late(known));
        let due: Vec<(i64, Known)> = due.map(|(id, known)| (*id, known.clone())).collect();
        for (item, known) in due {
            if is_silent(&known, EventKind::Reminder, now) || self.accepted(item)? {
                continue;
            }
            self.db
                .execute("UPDATE items SET reminded = $1 WHERE id = $2", parameters![now, item])?;
            // What is told of it anyway reminds as well.
            if self.news.pieces.iter().any(|piece| piece.item.0 == item) {
                continue;
            }
            let mut row = first(self.db.query(
                "SELECT owner, first_seen, texts FROM items WHERE id = $1",
                parameters![item],
            )?)?;
            let owner = row.maybe_text()?.unwrap_or_else(|| "nobody".into());
            let since = time::day(row.int()?);
            let texts: Texts = serde_json::from_str(&row.text()?).unwrap_or_default();
            let due = known.due.map(|due| format!(", due {}", time::day(due))).unwrap_or_default();
            let mut lines = vec![format!("seen since {since}{due}, owner: {owner}")];
            if !texts.instead.is_empty() {
                lines.push(texts.instead);
            }
            lines.push(format!("verify: {}", texts.command));
            self.tell(item, EventKind::Reminder, lines);
        }
        Ok(())
    }

    /// Ends what was snoozed until now, and says what remained.
    pub(super) fn snoozes(&mut self) -> Result<(), LedgerError> {
        let (now, host) = (self.run.time, self.run.host);
        let rows = self.db.query(
            "SELECT i.policy, i.rule, i.thing_kind, i.thing, i.id FROM items i
             WHERE i.snoozed <= $1
               AND i.id IN (SELECT o.item FROM occurrences o WHERE o.host = $2)
             ORDER BY i.id",
            parameters![now, host],
        )?;
        for mut row in rows {
            let key = read_key(&mut row)?;
            let item = row.int()?;
            self.db.execute("UPDATE items SET snoozed = NULL WHERE id = $1", parameters![item])?;
            if !self.known.contains_key(&item) {
                self.find(item, &key)?;
            }
            let Some(known) = self.known.get_mut(&item) else { continue };
            known.snoozed = None;
            let words = match known.state.is_live() {
                true => format!("it is {} still", known.state),
                false => format!("it is {} meanwhile", known.state),
            };
            self.event(item, EventKind::SnoozeEnded, None, &words)?;
            self.tell(item, EventKind::SnoozeEnded, vec![words]);
        }
        Ok(())
    }
}

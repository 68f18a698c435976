//! Waivers in the ledger: said once when they begin, when they end soon, and when they have ended.

use super::Recorder;
use super::bundles::{Bundle, Violation};
use super::details::violation_lines;
use crate::actions::items::identity::Affected;
use crate::actions::items::item::EventKind;
use crate::actions::query::WAIVED;
use crate::actions::store::LedgerError;
use crate::actions::store::columns::first;
use crate::parameters;
use crate::verdict::{Finding, Outcome};

/// Until when an occurrence is accepted, and whether it has been said that this ends soon.
#[derive(Clone, Copy, Default)]
pub(super) struct Acceptance {
    pub(super) until: Option<i64>,
    pub(super) expiry_told: bool,
}

impl Recorder<'_> {
    /// Says once that a waiver has begun, ends soon, or has ended.
    pub(super) fn waiver(
        &mut self,
        (item, occurrence): (i64, i64),
        affected: &Affected,
        finding: &Finding,
        before: Acceptance,
    ) -> Result<(), LedgerError> {
        let until = finding.waiver().map(|waiver| waiver.expires);
        let soon = |until: i64| until.saturating_sub(self.run.time) <= self.terms.waiver_notice;
        let same = until == before.until;
        let kind = match until {
            None if before.until.is_some() => EventKind::WaiverEnded,
            Some(end) if soon(end) && !(same && before.expiry_told) => EventKind::WaiverExpiring,
            Some(_) if !same => EventKind::Waived,
            _ => return Ok(()),
        };
        self.db.execute(
            "UPDATE occurrences SET waived_until = $1, expiry_told = $2 WHERE id = $3",
            parameters![until, kind == EventKind::WaiverExpiring, occurrence],
        )?;
        // What was accepted still is; who came later is told as that.
        let accepts_some = finding.assertion.accepted_by.is_some();
        if (kind == EventKind::WaiverEnded && accepts_some) || !self.said.insert((item, kind)) {
            return Ok(());
        }
        let words = match finding.waiver() {
            Some(waiver) => format!(
                "{affected}: accepted until {} by {}: {} ({})",
                waiver.last_day(),
                waiver.approved_by,
                waiver.reason,
                waiver.place
            ),
            None => format!("{affected}: counts again"),
        };
        self.event(item, kind, Some(self.run.host), &words)?;
        let mut lines = vec![words];
        if kind == EventKind::WaiverEnded {
            lines.extend(violation_lines(finding));
        }
        self.tell(item, kind, lines);
        Ok(())
    }

    /// While all that is violated of an item is accepted its due date stands still: it moves by that
    /// time afterwards.
    pub(super) fn pause(&mut self, item: i64, bundle: &Bundle) -> Result<(), LedgerError> {
        let now = self.run.time;
        let is_waived = |(_, finding): &Violation| finding.outcome() == Outcome::Waived;
        if bundle.violations.iter().any(is_waived) && self.accepted(item)? {
            self.db.execute(
                "UPDATE items SET paused = $1 WHERE id = $2 AND paused IS NULL",
                parameters![now, item],
            )?;
            return Ok(());
        }
        let rows = self.db.query(
            "UPDATE items SET due = due + CASE WHEN paused < $1 THEN $1 - paused ELSE 0 END, paused = NULL
             WHERE id = $2 AND paused IS NOT NULL RETURNING due",
            parameters![now, item],
        )?;
        if let Some(mut row) = rows.into_iter().next() {
            let due = row.maybe_int()?;
            if let Some(known) = self.known.get_mut(&item) {
                known.due = due;
            }
        }
        Ok(())
    }

    /// Whether all that is violated of an item is accepted.
    pub(super) fn accepted(&mut self, item: i64) -> Result<bool, LedgerError> {
        let sql = format!("SELECT {WAIVED} FROM items i WHERE i.id = $1");
        let mut row = first(self.db.query(&sql, parameters![item])?)?;
        Ok(row.maybe_int()?.is_some_and(|until| until > self.run.time))
    }
}

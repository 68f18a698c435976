//! Recording a run: one transaction, in which the life cycle decides about every item it touches.
//!
//! Rows that a run did not change are not written, but for "last seen" of what is still violated:
//! the ledger grows with changes, not with runs.

mod bundles;
mod culprits;
mod details;
mod grants;
mod host;
mod known;
mod policies;
mod reminders;
mod renamed;
mod rows;
mod rule_statuses;
mod waivers;

use super::items::danger;
use super::items::evidence::EvidenceRecord;
use super::items::item::{EventKind, ItemId};
use super::items::lifecycle::{Look, Presence, Turn, next};
use super::items::news::{News, Piece};
use super::items::observe::{Answers, Run};
use super::store::LedgerError;
use super::store::sql::{Database, transaction};
use super::{tell, undecided};
use crate::parameters;
use crate::policy::Severity;
use crate::text::time;
use crate::verdict::RuleInfo;
use bundles::{Bundle, Violation};
use details::{Details, LISTED, Promised, begun, begun_lines};
use known::{Kept, Known};
use std::collections::{BTreeMap, BTreeSet};
use waivers::Acceptance;

pub use details::item_title;
pub use grants::of_host as grants_of_host;

/// Who the ledger says did what a run saw.
pub const SPOTCHECK: &str = "spotcheck";

/// What a configuration says about items.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Seconds from the first sight of a violation until it is due.
    pub due: BTreeMap<Severity, i64>,
    /// Owner of a policy's items where the policy names none; `*` for all others.
    pub owners: BTreeMap<String, String>,
    /// Seconds before its end from which a waiver is news.
    pub waiver_notice: i64,
    /// Seconds after which an open item is said again; never where there are none.
    pub remind: BTreeMap<Severity, i64>,
}

impl Terms {
    /// Seconds until a violation of a rule is due.
    fn span(&self, rule: &RuleInfo) -> Option<i64> {
        rule.action.due.or_else(|| self.due.get(&rule.severity).copied())
    }

    fn owner(&self, rule: &RuleInfo) -> Option<String> {
        let configured = || self.owners.get(&rule.policy).or_else(|| self.owners.get("*"));
        rule.owner.clone().or_else(|| configured().cloned())
    }
}

/// Records a run; what is new since the last one.
///
/// # Errors
/// When the store fails: then nothing of the run is recorded.
pub fn record(db: &mut dyn Database, run: &Run, terms: &Terms) -> Result<News, LedgerError> {
    transaction(db, |db| {
        let recorder = Recorder {
            db,
            run,
            terms,
            news: News::default(),
            known: BTreeMap::new(),
            said: BTreeSet::new(),
            touched: BTreeMap::new(),
            here: BTreeSet::new(),
            promised: Promised::of(run),
        };
        recorder.record()
    })
}

struct Recorder<'a> {
    db: &'a mut dyn Database,
    run: &'a Run<'a>,
    terms: &'a Terms,
    news: News,
    known: BTreeMap<i64, Known>,
    /// What has been said of an item in this run: forty files with one cause are one piece of news.
    said: BTreeSet<(i64, EventKind)>,
    /// Items of which an occurrence changed without being violated: why, and what was seen.
    touched: BTreeMap<i64, (Vec<String>, Vec<EvidenceRecord>)>,
    /// Items that this host had before the run.
    here: BTreeSet<i64>,
    /// What rules without a title want of each thing, condition by condition.
    promised: Promised,
}

impl Recorder<'_> {
    fn record(mut self) -> Result<News, LedgerError> {
        let run = self.run;
        self.identify()?;
        let gone = self.policies()?;
        self.rename()?;
        let kept = self.kept()?;
        self.here = kept.iter().map(|kept| kept.item).collect();
        let mut seen = BTreeSet::new();
        for bundle in self.bundles(run)? {
            self.violated_item(&bundle, &mut seen)?;
        }
        let answers = Answers::of(self.run).without(&gone);
        for kept in kept.iter().filter(|kept| !seen.contains(&kept.id)) {
            self.look_again(kept, answers.look(&kept.unsettled))?;
        }
        for (item, (whys, evidence)) in std::mem::take(&mut self.touched) {
            self.settle(item, &whys, &evidence)?;
        }
        self.overdue()?;
        self.snoozes()?;
        self.remind()?;
        self.grants()?;
        self.news.undecided = undecided::record(self.db, self.run)?;
        self.standings(&gone)?;
        self.clock()?;
        self.host()?;
        tell::keep(self.db, self.run.host, self.run.time, &self.news)?;
        Ok(self.news)
    }

    /// Something is violated: its item is opened, or goes on. Its occurrences are seen.
    fn violated_item(
        &mut self,
        bundle: &Bundle,
        seen: &mut BTreeSet<i64>,
    ) -> Result<(), LedgerError> {
        let Some(details) = Details::of(bundle, self.terms, &self.promised) else { return Ok(()) };
        let found = bundle.item.map(|item| self.find(item, &bundle.key)).transpose()?.flatten();
        let Some((item, written)) = found else {
            let item = self.open(bundle, &details)?;
            for (affected, finding) in &bundle.violations {
                let occurrence = self.first_occurrence(item, affected, finding)?;
                seen.insert(occurrence);
                self.culprits((item, occurrence), affected, finding, true)?;
                self.waiver((item, occurrence), affected, finding, Acceptance::default())?;
            }
            return self.pause(item, bundle);
        };
        let dangerous = bundle.violations.iter().any(|(_, f)| danger::is_dangerous(f));
        let Some(known) = self.known.get_mut(&item) else { return Ok(()) };
        known.danger = dangerous;
        let (known, is_here) = (known.clone(), self.here.contains(&item));
        let (state, turn) = next(known.state, true, []);
        self.refresh(item, &details, &written)?;
        if known.severity != details.severity {
            self.severity(item, &known, &details)?;
        }
        if let Some(turn) = turn {
            let due = details.span.map(|span| self.run.time.saturating_add(span));
            self.turn(item, state, turn, due)?;
        }
        let mut fresh: Vec<(EventKind, &Violation)> = Vec::new();
        let mut again = Vec::new();
        for violation in &bundle.violations {
            let (affected, finding) = violation;
            let (occurrence, before) = self.occurrence(item, affected, finding)?;
            seen.insert(occurrence);
            let kind = match (turn, before.as_ref().map(|before| before.presence)) {
                (Some(turn), _) => Some(kind_of(turn)),
                (None, None) if is_here => Some(EventKind::More),
                (None, None) => Some(EventKind::Spread),
                (None, Some(Presence::Held)) => Some(EventKind::Recurred),
                (None, Some(Presence::Retired)) => Some(EventKind::Returned),
                (None, Some(Presence::Present)) => None,
            };
            fresh.extend(kind.map(|kind| (kind, violation)));
            // What was seen first is kept with the occurrence.
            if kind.is_some() && before.is_some() {
                again.push(EvidenceRecord::of(finding));
            }
            self.culprits((item, occurrence), affected, finding, kind.is_some())?;
            let waiver = before.map_or(Acceptance::default(), |before| before.waiver);
            self.waiver((item, occurrence), affected, finding, waiver)?;
        }
        // One word for all that begins: what comes back first, then what is there for the first time.
        const ORDER: [EventKind; 4] =
            [EventKind::Recurred, EventKind::Returned, EventKind::More, EventKind::Spread];
        let place = |kind: EventKind| ORDER.iter().position(|one| *one == kind);
        if let Some(kind) = fresh.iter().map(|(kind, _)| *kind).min_by_key(|kind| place(*kind)) {
            let fresh: Vec<&Violation> = fresh.into_iter().map(|(_, one)| one).collect();
            let words = begun(&fresh, &bundle.key.thing, dangerous).join("; ");
            self.event_seen(item, kind, &words, &again)?;
            self.tell(item, kind, begun_lines(&fresh, &bundle.key.thing, dangerous));
        }
        self.pause(item, bundle)
    }

    /// A violation of an earlier run that was not seen again as it was.
    fn look_again(&mut self, kept: &Kept, look: Look) -> Result<(), LedgerError> {
        let key = (&kept.unsettled.key.policy, &kept.unsettled.key.rule);
        let rule = self.run.rules.iter().find(|rule| (&rule.policy, &rule.id) == key);
        let noted = self.known.get(&kept.item).map_or(1, |known| known.verify);
        let verify = rule.map_or(noted, |rule| rule.action.verify);
        let now = kept.tracked.look(look, verify);
        if now == kept.tracked {
            return Ok(());
        }
        self.db.execute(
            "UPDATE occurrences SET presence = $1, held = $2, last_looked = $3 WHERE id = $4",
            parameters![now.presence.name(), now.held, self.run.time, kept.id],
        )?;
        if now.presence == kept.tracked.presence {
            return Ok(());
        }
        let affected = &kept.unsettled.affected;
        let why = match now.presence {
            Presence::Held if look == Look::Gone => {
                format!("{affected}: there is nothing there any more")
            }
            Presence::Held => format!("{affected}: {} was seen to hold", kept.unsettled.condition),
            Presence::Retired if look == Look::NotApplicable => {
                format!("{affected}: its rule does not apply here any more")
            }
            Presence::Retired => format!("{affected}: its rule does not ask about it any more"),
            Presence::Present => format!("{affected}: its rule asks about it again"),
        };
        let touched = self.touched.entry(kept.item).or_default();
        if !touched.0.contains(&why) {
            touched.0.push(why);
        }
        if now.presence == Presence::Held {
            touched.1.extend(EvidenceRecord::again(self.run, &kept.unsettled));
            self.no_culprits(kept.id)?;
            self.end_grants(&kept.unsettled)?;
        }
        Ok(())
    }

    /// The state of an item of which an occurrence of this host was looked at and not violated. Those
    /// of other hosts count as well.
    fn settle(
        &mut self,
        item: i64,
        whys: &[String],
        evidence: &[EvidenceRecord],
    ) -> Result<(), LedgerError> {
        let rows = self.db.query(
            "SELECT presence, host FROM occurrences WHERE item = $1 GROUP BY presence, host",
            parameters![item],
        )?;
        let mut presences = Vec::new();
        let mut is_left_here = false;
        for mut row in rows {
            let presence: Presence = row.word()?;
            is_left_here |= row.text()? == self.run.host && presence == Presence::Present;
            presences.push(presence);
        }
        let Some(known) = self.known.get(&item) else { return Ok(()) };
        let (state, turn) = next(known.state, false, presences);
        let words = whys.join("; ");
        let mut lines: Vec<String> = whys.iter().take(LISTED).cloned().collect();
        if let Some(more) = whys.len().checked_sub(LISTED).filter(|more| *more > 0) {
            lines.push(format!("and {more} more"));
        }
        match turn {
            Some(turn) => {
                self.turn(item, state, turn, None)?;
                self.event_seen(item, kind_of(turn), &words, evidence)?;
                self.tell(item, kind_of(turn), lines);
            }
            None if state.is_live() => {
                self.event_seen(item, EventKind::Held, &words, evidence)?;
                // That a part of it is repaired needs nobody: the rest is known.
                if !is_left_here {
                    self.tell(item, EventKind::Held, lines);
                }
            }
            None => {}
        }
        Ok(())
    }

    /// Says once of each item of this host that its time is up.
    fn overdue(&mut self) -> Result<(), LedgerError> {
        let now = self.run.time;
        let late: Vec<(i64, i64)> = self
            .known
            .iter()
            .filter(|(id, known)| {
                self.here.contains(id) && known.state.is_live() && !known.overdue_told
            })
            .filter_map(|(id, known)| known.due.filter(|due| *due <= now).map(|due| (*id, due)))
            .collect();
        for (item, due) in late {
            if self.accepted(item)? {
                continue;
            }
            self.db
                .execute("UPDATE items SET overdue_told = 1 WHERE id = $1", parameters![item])?;
            let words = format!("was due {}", time::utc(due));
            self.event(item, EventKind::Overdue, None, &words)?;
            self.tell(item, EventKind::Overdue, vec![words]);
        }
        Ok(())
    }

    fn tell(&mut self, item: i64, kind: EventKind, lines: Vec<String>) {
        let Some(known) = self.known.get(&item) else { return };
        if reminders::is_silent(known, kind, self.run.time) {
            return;
        }
        let (title, severity, danger) = (known.title.clone(), known.severity, known.danger);
        let (at, item, subject) = (self.run.time, ItemId(item), known.subject.clone());
        self.news.pieces.push(Piece { at, kind, item, severity, danger, subject, title, lines });
    }
}

/// The event that a turn is.
fn kind_of(turn: Turn) -> EventKind {
    match turn {
        Turn::Resolved => EventKind::Resolved,
        Turn::Regressed => EventKind::Regressed,
        Turn::Reopened => EventKind::Reopened,
        Turn::Retired => EventKind::Retired,
        Turn::Returned => EventKind::Returned,
    }
}

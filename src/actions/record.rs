//! Recording a run: one transaction, in which the life cycle decides about every item it touches.
//!
//! Rows that a run did not change are not written, but for "last seen" of what is still violated:
//! the ledger grows with changes, not with runs.

mod culprits;
mod details;
mod grants;
mod host;
mod known;
mod policies;
mod rows;
mod rule_statuses;
mod waivers;

use super::items::danger;
use super::items::evidence::EvidenceRecord;
use super::items::identity::{Affected, ItemKey};
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
use crate::verdict::{Finding, Outcome, RuleInfo};
use details::{Details, observed, violation_lines};
use known::{Kept, Known};
use std::borrow::Cow;
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
}

impl Terms {
    fn due(&self, rule: &RuleInfo, from: i64) -> Option<i64> {
        let span = rule.action.due.or_else(|| self.due.get(&rule.severity).copied());
        span.map(|span| from.saturating_add(span))
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
    touched: BTreeMap<i64, (Vec<String>, EvidenceRecord)>,
}

impl Recorder<'_> {
    fn record(mut self) -> Result<News, LedgerError> {
        self.identify()?;
        let gone = self.policies()?;
        self.rename()?;
        let kept = self.kept()?;
        let mut seen = BTreeSet::new();
        for (key, affected, finding) in violations(self.run) {
            let item = self.violated_item(&key, &affected, &finding)?;
            seen.insert((item, affected));
        }
        let answers = Answers::of(self.run).without(&gone);
        for kept in kept.iter().filter(|k| !seen.contains(&(k.item, k.unsettled.affected.clone())))
        {
            self.look_again(kept, answers.look(&kept.unsettled))?;
        }
        for (item, (whys, evidence)) in std::mem::take(&mut self.touched) {
            self.settle(item, &whys, &evidence)?;
        }
        let here = kept.iter().map(|kept| kept.item).collect();
        self.overdue(&here)?;
        self.grants()?;
        self.news.undecided = undecided::record(self.db, self.run)?;
        self.standings(&gone)?;
        self.host()?;
        tell::keep(self.db, self.run.host, self.run.time, &self.news)?;
        Ok(self.news)
    }

    /// Items of a rule that has another id now go on under that.
    fn rename(&mut self) -> Result<(), LedgerError> {
        let rules = self.run.rules.clone();
        for rule in rules.iter().filter(|rule| !rule.action.formerly.is_empty()) {
            for old in &rule.action.formerly {
                // Where the new name has such an item already, the old one stays and retires.
                let rows = self.db.query(
                    "UPDATE items SET rule = $1 WHERE policy = $2 AND rule = $3 AND NOT EXISTS (
                         SELECT 1 FROM items AS heir
                         WHERE heir.policy = items.policy AND heir.rule = $1
                           AND heir.thing_kind = items.thing_kind AND heir.thing = items.thing
                           AND heir.condition = items.condition)
                     RETURNING id",
                    parameters![&rule.id, &rule.policy, old],
                )?;
                for mut row in rows {
                    let words = format!("rule {old} is called {} now", rule.id);
                    self.event(row.int()?, EventKind::Renamed, None, &words)?;
                }
            }
        }
        Ok(())
    }

    /// Something is violated: its item is opened, or goes on.
    fn violated_item(
        &mut self,
        key: &ItemKey,
        affected: &Affected,
        finding: &Finding,
    ) -> Result<i64, LedgerError> {
        let details = Details::of(finding, key, self.terms);
        let Some((item, written)) = self.find(key)? else {
            let item = self.open(key, &details, finding)?;
            let occurrence = self.first_occurrence(item, affected, finding)?;
            self.culprits((item, occurrence), affected, finding, true)?;
            self.waiver(item, affected, finding, Acceptance::default())?;
            return Ok(item);
        };
        let Some(known) = self.known.get_mut(&item) else { return Ok(item) };
        known.danger = danger::is_dangerous(finding);
        let known = known.clone();
        let (state, turn) = next(known.state, true, []);
        self.refresh(item, &details, &written)?;
        if known.severity != details.severity {
            self.severity(item, &known, details.severity, &finding.rule)?;
        }
        if let Some(turn) = turn {
            self.turn(item, state, turn, self.terms.due(&finding.rule, self.run.time))?;
        }
        let (occurrence, before) = self.occurrence(item, affected, finding)?;
        let waiver = before.as_ref().map_or(Acceptance::default(), |before| before.waiver);
        let before = before.map(|before| before.presence);
        let kind = match (turn, before) {
            (Some(turn), _) => Some(kind_of(turn)),
            (None, None) => Some(EventKind::Spread),
            (None, Some(Presence::Held)) => Some(EventKind::Recurred),
            (None, Some(Presence::Retired)) => Some(EventKind::Returned),
            (None, Some(Presence::Present)) => None,
        };
        // One word for all that begins with a violation.
        if let Some(kind) = kind
            && self.said.insert((item, EventKind::Opened))
        {
            let words = format!("{affected}: {}", observed(finding));
            // What was seen first is kept with the occurrence.
            match kind {
                EventKind::Spread => self.event(item, kind, Some(self.run.host), &words)?,
                _ => self.event_seen(item, kind, &words, &EvidenceRecord::of(finding))?,
            }
            self.tell(item, kind, violation_lines(finding));
        }
        self.culprits((item, occurrence), affected, finding, kind.is_some())?;
        self.waiver(item, affected, finding, waiver)?;
        Ok(item)
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
            Presence::Held => format!("{affected} was seen to hold"),
            Presence::Retired if look == Look::NotApplicable => {
                format!("{affected}: its rule does not apply here any more")
            }
            Presence::Retired => format!("{affected}: its rule does not ask about it any more"),
            Presence::Present => format!("{affected}: its rule asks about it again"),
        };
        let touched = self.touched.entry(kept.item).or_default();
        touched.0.push(why);
        if now.presence == Presence::Held {
            touched.1.add(self.run, &kept.unsettled);
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
        evidence: &EvidenceRecord,
    ) -> Result<(), LedgerError> {
        let rows = self.db.query(
            "SELECT presence FROM occurrences WHERE item = $1 GROUP BY presence",
            parameters![item],
        )?;
        let mut presences = Vec::new();
        for mut row in rows {
            presences.push(row.word()?);
        }
        let Some(known) = self.known.get(&item) else { return Ok(()) };
        let (state, turn) = next(known.state, false, presences);
        let words = whys.join("; ");
        match turn {
            Some(turn) => {
                self.turn(item, state, turn, None)?;
                self.event_seen(item, kind_of(turn), &words, evidence)?;
                self.tell(item, kind_of(turn), whys.to_vec());
            }
            None if state.is_live() => {
                self.event_seen(item, EventKind::Held, &words, evidence)?;
                self.tell(item, EventKind::Held, whys.to_vec());
            }
            None => {}
        }
        Ok(())
    }

    /// Says once of each item of this host that its time is up.
    fn overdue(&mut self, here: &BTreeSet<i64>) -> Result<(), LedgerError> {
        let now = self.run.time;
        let late: Vec<(i64, i64)> = self
            .known
            .iter()
            .filter(|(id, known)| here.contains(id) && known.state.is_live() && !known.overdue_told)
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
        let (title, severity, danger) = (known.title.clone(), known.severity, known.danger);
        let (at, item, subject) = (self.run.time, ItemId(item), known.subject.clone());
        self.news.pieces.push(Piece { at, kind, item, severity, danger, subject, title, lines });
    }
}

/// The violations of a run, one for each item and affected thing. One that is made of several things,
/// each a piece of work of its own, is as many violations.
fn violations<'a>(run: &'a Run) -> Vec<(ItemKey, Affected, Cow<'a, Finding>)> {
    let mut seen = BTreeSet::new();
    run.findings
        .iter()
        .filter(|finding| matches!(finding.outcome(), Outcome::Fail | Outcome::Waived))
        .flat_map(apart)
        .map(|f| (ItemKey::of(&f), Affected::of(&f.assertion.subject), f))
        .filter(|(key, affected, _)| seen.insert((key.clone(), affected.clone())))
        .collect()
}

fn apart(finding: &Finding) -> Vec<Cow<'_, Finding>> {
    if finding.assertion.objects.is_empty() {
        return vec![Cow::Borrowed(finding)];
    }
    finding.objects().into_iter().map(Cow::Owned).collect()
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

//! The rows of a run: writing what has changed.

use super::bundles::{Bundle, Violation};
use super::details::{Details, begun, begun_lines};
use super::known::Known;
use super::waivers::Acceptance;
use super::{Recorder, SPOTCHECK};
use crate::actions::items::danger;
use crate::actions::items::evidence::EvidenceRecord;
use crate::actions::items::identity::{Affected, shortened};
use crate::actions::items::item::EventKind;
use crate::actions::items::lifecycle::{Presence, State, Turn};
use crate::actions::store::LedgerError;
use crate::actions::store::columns::{add_event, first, rank};
use crate::parameters;
use crate::text::time;
use crate::verdict::Finding;

/// Where an occurrence stood before this run.
pub(super) struct Before {
    pub(super) presence: Presence,
    pub(super) waiver: Acceptance,
}

impl Recorder<'_> {
    pub(super) fn open(&mut self, bundle: &Bundle, details: &Details) -> Result<i64, LedgerError> {
        let (now, key) = (self.run.time, &bundle.key);
        let due = details.span.map(|span| now.saturating_add(span));
        let rows = self.db.query(
            "INSERT INTO items (policy, rule, thing_kind, thing, condition, first_seen, last_seen,
                                state_since, state, due, title, demand, kind, severity, owner,
                                verify, texts)
             VALUES ($1, $2, $3, $4, '', $5, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
             RETURNING id",
            parameters![
                &key.policy,
                &key.rule,
                &key.thing.kind,
                &key.thing.name,
                now,
                State::Open.name(),
                due,
                &details.title,
                details.demand.as_ref(),
                details.kind.name(),
                rank(details.severity),
                details.owner.as_ref(),
                details.verify,
                &details.texts,
            ],
        )?;
        let item = first(rows)?.int()?;
        let danger = bundle.violations.iter().any(|(_, finding)| danger::is_dangerous(finding));
        let known = Known {
            title: details.title.clone(),
            subject: key.thing.to_string(),
            severity: details.severity,
            danger,
            state: State::Open,
            due,
            due_by_hand: false,
            since: now,
            overdue_told: false,
            reminded: None,
            snoozed: None,
            verify: details.verify,
        };
        self.known.insert(item, known);
        let all: Vec<&Violation> = bundle.violations.iter().collect();
        let words = begun(&all, &key.thing, danger).join("; ");
        self.event(item, EventKind::Opened, Some(self.run.host), &words)?;
        self.tell(item, EventKind::Opened, begun_lines(&all, &key.thing, danger));
        Ok(item)
    }

    /// What the rule says today, where that has changed. An owner that somebody set by hand stays.
    pub(super) fn refresh(
        &mut self,
        item: i64,
        details: &Details,
        written: &Details,
    ) -> Result<(), LedgerError> {
        let now = self.run.time;
        self.db.execute("UPDATE items SET last_seen = $1 WHERE id = $2", parameters![now, item])?;
        if details == written {
            return Ok(());
        }
        self.db.execute(
            "UPDATE items SET title = $1, demand = $2, kind = $3, severity = $4,
                    owner = CASE WHEN owner_by_hand = 1 THEN owner ELSE $5 END,
                    verify = $6, texts = $7 WHERE id = $8",
            parameters![
                &details.title,
                details.demand.as_ref(),
                details.kind.name(),
                rank(details.severity),
                details.owner.as_ref(),
                details.verify,
                &details.texts,
                item,
            ],
        )?;
        if let Some(known) = self.known.get_mut(&item) {
            known.title.clone_from(&details.title);
        }
        Ok(())
    }

    /// Notes an occurrence as violated now: its number, and where it stood before, if there was one.
    pub(super) fn occurrence(
        &mut self,
        item: i64,
        affected: &Affected,
        finding: &Finding,
    ) -> Result<(i64, Option<Before>), LedgerError> {
        let evidence = EvidenceRecord::of(finding).to_json();
        let rows = self.db.query(
            "SELECT id, presence, waived_until, expiry_told FROM occurrences
             WHERE item = $1 AND host = $2 AND policy = $3 AND rule = $4 AND affected_kind = $5
               AND affected = $6 AND condition = $7",
            parameters![
                item,
                self.run.host,
                &finding.rule.policy,
                &finding.rule.id,
                &affected.kind,
                &affected.name,
                &shortened(&finding.assertion.condition),
            ],
        )?;
        let rule = &finding.rule;
        let implied = !rule.demands.contains(&finding.assertion.condition);
        let now = self.run.time;
        if let Some(mut row) = rows.into_iter().next() {
            let id = row.int()?;
            let before = Before {
                presence: row.word()?,
                waiver: Acceptance { until: row.maybe_int()?, expiry_told: row.int()? != 0 },
            };
            self.db.execute(
                "UPDATE occurrences SET presence = 'present', held = 0, last_seen = $1,
                        last_looked = $1, asked = $2, implied = $3, evidence_now = $4 WHERE id = $5",
                parameters![now, &rule.asks, implied, &evidence, id],
            )?;
            return Ok((id, Some(before)));
        }
        Ok((self.first_occurrence(item, affected, finding)?, None))
    }

    /// Notes an occurrence that there was not before; its number.
    pub(super) fn first_occurrence(
        &mut self,
        item: i64,
        affected: &Affected,
        finding: &Finding,
    ) -> Result<i64, LedgerError> {
        let rule = &finding.rule;
        let implied = !rule.demands.contains(&finding.assertion.condition);
        let evidence = EvidenceRecord::of(finding).to_json();
        let rows = self.db.query(
            "INSERT INTO occurrences (item, host, policy, rule, affected_kind, affected, condition,
                                      presence, asked, implied, first_seen, last_seen, last_looked,
                                      evidence_then, evidence_now)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'present', $8, $9, $10, $10, $10, $11, $11)
             RETURNING id",
            parameters![
                item,
                self.run.host,
                &rule.policy,
                &rule.id,
                &affected.kind,
                &affected.name,
                &shortened(&finding.assertion.condition),
                &rule.asks,
                implied,
                self.run.time,
                &evidence,
            ],
        )?;
        first(rows)?.int()
    }

    /// Its rule says that it is worse, or less bad, than it did: what is worse is due earlier, and
    /// told. A date that somebody set by hand stays.
    pub(super) fn severity(
        &mut self,
        item: i64,
        known: &Known,
        details: &Details,
    ) -> Result<(), LedgerError> {
        let (now, severity) = (self.run.time, details.severity);
        let due_from = |from: i64| details.span.map(|span| from.saturating_add(span));
        let worse = severity > known.severity;
        let due = match known.due_by_hand {
            true => known.due,
            // Never later than it was, and never over before anybody was told.
            false if worse => [known.due, due_from(now)].into_iter().flatten().min(),
            false => due_from(known.since),
        };
        if due != known.due {
            self.db.execute(
                "UPDATE items SET due = $1, overdue_told = 0 WHERE id = $2",
                parameters![due, item],
            )?;
        }
        let date = match due {
            Some(due) if known.due != Some(due) => format!("; due {}", time::day(due)),
            _ => String::new(),
        };
        let words = format!("severity {severity} was {}{date}", known.severity);
        self.event(item, EventKind::Changed, None, &words)?;
        if let Some(known) = self.known.get_mut(&item) {
            (known.severity, known.due) = (severity, due);
        }
        if worse && known.state.is_live() {
            self.tell(item, EventKind::Changed, vec![words]);
        }
        Ok(())
    }

    pub(super) fn turn(
        &mut self,
        item: i64,
        state: State,
        turn: Turn,
        due: Option<i64>,
    ) -> Result<(), LedgerError> {
        self.db.execute(
            "UPDATE items SET state = $1, state_since = $2 WHERE id = $3",
            parameters![state.name(), self.run.time, item],
        )?;
        if turn.reopens() {
            self.db.execute(
                "UPDATE items SET reopenings = reopenings + 1, due = $1, overdue_told = 0
                 WHERE id = $2",
                parameters![due, item],
            )?;
        }
        if let Some(known) = self.known.get_mut(&item) {
            known.state = state;
            if turn.reopens() {
                (known.due, known.overdue_told) = (due, false);
            }
        }
        Ok(())
    }

    pub(super) fn event(
        &mut self,
        item: i64,
        kind: EventKind,
        host: Option<&str>,
        detail: &str,
    ) -> Result<(), LedgerError> {
        add_event(self.db, item, self.run.time, host, SPOTCHECK, kind, (detail, &[]))
    }

    /// Notes what a run saw, with what it saw.
    pub(super) fn event_seen(
        &mut self,
        item: i64,
        kind: EventKind,
        detail: &str,
        evidence: &[EvidenceRecord],
    ) -> Result<(), LedgerError> {
        let (now, host) = (self.run.time, Some(self.run.host));
        add_event(self.db, item, now, host, SPOTCHECK, kind, (detail, evidence))
    }
}

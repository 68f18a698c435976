//! What the ledger has of this host before a run is recorded.

use super::Recorder;
use super::details::Details;
use crate::actions::items::identity::{Affected, ItemKey};
use crate::actions::items::lifecycle::{State, Tracked};
use crate::actions::items::observe::Unsettled;
use crate::actions::store::LedgerError;
use crate::actions::store::columns::{read_key, read_u32, severity};
use crate::actions::store::sql::Row;
use crate::parameters;
use crate::policy::Severity;

/// An occurrence of this host that is not settled, as the ledger has it.
pub(super) struct Kept {
    pub(super) id: i64,
    pub(super) item: i64,
    pub(super) unsettled: Unsettled,
    pub(super) tracked: Tracked,
}

/// An item that this run is about, as the ledger has it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) title: String,
    /// What it is about: `file /etc/x`.
    pub(super) subject: String,
    pub(super) severity: Severity,
    /// It is about rights; known once a run has seen it violated.
    pub(super) danger: bool,
    pub(super) state: State,
    pub(super) due: Option<i64>,
    /// Somebody set that by hand.
    pub(super) due_by_hand: bool,
    /// Since when it has been in its state.
    pub(super) since: i64,
    pub(super) overdue_told: bool,
    /// When its owner was last reminded of it.
    pub(super) reminded: Option<i64>,
    /// Until when nothing but what is worse is told of it.
    pub(super) snoozed: Option<i64>,
    pub(super) verify: u32,
}

impl Recorder<'_> {
    /// What this host has that is violated, or that was not asked about any more.
    pub(super) fn kept(&mut self) -> Result<Vec<Kept>, LedgerError> {
        let rows = self.db.query(
            "SELECT i.id, i.title, i.severity, i.state, i.due, i.due_by_hand,
                    i.state_since, i.overdue_told, i.reminded, i.snoozed, i.verify,
                    o.policy, o.rule, i.thing_kind, i.thing, o.condition,
                    o.id, o.affected_kind, o.affected, o.presence, o.held, o.asked, o.implied
             FROM occurrences o JOIN items i ON i.id = o.item
             WHERE o.host = $1 AND o.presence IN ('present', 'retired')",
            parameters![self.run.host],
        )?;
        let mut kept = Vec::with_capacity(rows.len());
        for mut row in rows {
            let item = row.int()?;
            let mut known = read_known(&mut row)?;
            let key = read_key(&mut row)?;
            let condition = row.text()?;
            known.subject = key.thing.to_string();
            self.known.insert(item, known);
            kept.push(Kept {
                id: row.int()?,
                item,
                unsettled: {
                    let affected = Affected { kind: row.text()?, name: row.text()? };
                    Unsettled { key, condition, affected, asked: String::new(), implied: false }
                },
                tracked: Tracked { presence: row.word()?, held: read_u32(&mut row)? },
            });
            if let Some(last) = kept.last_mut() {
                last.unsettled.asked = row.text()?;
                last.unsettled.implied = row.int()? != 0;
            }
        }
        Ok(kept)
    }

    /// An item, with what its rule said when it was last violated.
    pub(super) fn find(
        &mut self,
        item: i64,
        key: &ItemKey,
    ) -> Result<Option<(i64, Details)>, LedgerError> {
        let rows = self.db.query(
            "SELECT id, title, severity, state, due, due_by_hand, state_since, overdue_told,
                    reminded, snoozed, verify, demand, kind, owner, texts
             FROM items WHERE id = $1",
            parameters![item],
        )?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
        let item = row.int()?;
        let known = Known { subject: key.thing.to_string(), ..read_known(&mut row)? };
        let written = Details {
            title: known.title.clone(),
            severity: known.severity,
            verify: known.verify,
            demand: row.maybe_text()?,
            kind: row.word()?,
            owner: row.maybe_text()?,
            texts: row.text()?,
            span: None,
        };
        self.known.insert(item, known);
        Ok(Some((item, written)))
    }
}

fn read_known(row: &mut Row) -> Result<Known, LedgerError> {
    Ok(Known {
        title: row.text()?,
        subject: String::new(),
        severity: severity(row.int()?)?,
        danger: false,
        state: row.word()?,
        due: row.maybe_int()?,
        due_by_hand: row.int()? != 0,
        since: row.int()?,
        overdue_told: row.int()? != 0,
        reminded: row.maybe_int()?,
        snoozed: row.maybe_int()?,
        verify: read_u32(row)?,
    })
}

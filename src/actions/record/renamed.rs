//! Rules and policies that are called otherwise: their items go on under the new name.

use super::Recorder;
use crate::actions::items::item::EventKind;
use crate::actions::store::LedgerError;
use crate::parameters;

impl Recorder<'_> {
    /// Items of a rule that has another id now go on under that.
    pub(super) fn rename(&mut self) -> Result<(), LedgerError> {
        let rules = self.run.rules.clone();
        for rule in rules.iter().filter(|rule| !rule.action.formerly.is_empty()) {
            for old in &rule.action.formerly {
                // Where the new name has such an item already, the old one stays and retires.
                let rows = self.db.query(
                    "UPDATE items SET rule = $1 WHERE policy = $2 AND rule = $3 AND NOT EXISTS (
                         SELECT 1 FROM items AS heir
                         WHERE heir.policy = items.policy AND heir.rule = $1
                           AND heir.thing_kind = items.thing_kind AND heir.thing = items.thing)
                     RETURNING id",
                    parameters![&rule.id, &rule.policy, old],
                )?;
                let words = format!("rule {old} is called {} now", rule.id);
                for mut row in rows {
                    self.event(row.int()?, EventKind::Renamed, None, &words)?;
                }
                self.db.execute(
                    "UPDATE occurrences SET rule = $1 WHERE policy = $2 AND rule = $3
                        AND NOT EXISTS (
                         SELECT 1 FROM occurrences AS heir
                         WHERE heir.item = occurrences.item AND heir.host = occurrences.host
                           AND heir.policy = occurrences.policy AND heir.rule = $1
                           AND heir.affected_kind = occurrences.affected_kind
                           AND heir.affected = occurrences.affected
                           AND heir.condition = occurrences.condition)",
                    parameters![&rule.id, &rule.policy, old],
                )?;
            }
        }
        Ok(())
    }

    /// Items of a policy that has another name now go on under that.
    pub(super) fn rename_policy(&mut self, old: &str, new: &str) -> Result<(), LedgerError> {
        let rows = self.db.query(
            "UPDATE items SET policy = $1 WHERE policy = $2 AND NOT EXISTS (
                 SELECT 1 FROM items AS heir
                 WHERE heir.policy = $1 AND heir.rule = items.rule
                   AND heir.thing_kind = items.thing_kind AND heir.thing = items.thing)
             RETURNING id",
            parameters![new, old],
        )?;
        let words = format!("policy {old} is called {new} now");
        for mut row in rows {
            self.event(row.int()?, EventKind::Renamed, None, &words)?;
        }
        self.db.execute(
            "UPDATE occurrences SET policy = $1 WHERE policy = $2 AND NOT EXISTS (
                 SELECT 1 FROM occurrences AS heir
                 WHERE heir.item = occurrences.item AND heir.host = occurrences.host
                   AND heir.policy = $1 AND heir.rule = occurrences.rule
                   AND heir.affected_kind = occurrences.affected_kind
                   AND heir.affected = occurrences.affected
                   AND heir.condition = occurrences.condition)",
            parameters![new, old],
        )?;
        // Nothing of the new name that this host has already is overwritten.
        for (table, same) in [
            ("standings", "heir.rule = standings.rule"),
            ("looks", "heir.policy = $1"),
            (
                "undecided",
                "heir.rule = undecided.rule AND heir.thing_kind = undecided.thing_kind
                 AND heir.thing = undecided.thing AND heir.condition = undecided.condition",
            ),
            (
                "grants",
                "heir.waiver = grants.waiver AND heir.rule = grants.rule
                 AND heir.thing_kind = grants.thing_kind AND heir.thing = grants.thing
                 AND heir.condition = grants.condition AND heir.name = grants.name",
            ),
        ] {
            self.db.execute(
                &format!(
                    "UPDATE {table} SET policy = $1 WHERE policy = $2 AND host = $3
                        AND NOT EXISTS (SELECT 1 FROM {table} AS heir
                            WHERE heir.host = {table}.host AND heir.policy = $1 AND {same})"
                ),
                parameters![new, old, self.run.host],
            )?;
        }
        Ok(())
    }
}

//! Policies that a check had and has no more: taken out, or called otherwise.

use super::Recorder;
use crate::actions::items::item::EventKind;
use crate::actions::store::LedgerError;
use crate::parameters;
use std::collections::{BTreeMap, BTreeSet};

impl Recorder<'_> {
    /// Compares the policies of this check with those that it had the last time. One that is gone goes
    /// on under its new name where a policy that was never seen has most of its rules; else its items
    /// retire, unless another check of the host has it.
    pub(super) fn policies(&mut self) -> Result<BTreeSet<String>, LedgerError> {
        let run = self.run;
        if !run.whole || run.scope.is_empty() {
            return Ok(BTreeSet::new());
        }
        let mut now: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for rule in &run.rules {
            now.entry(&rule.policy).or_default().insert(&rule.id);
        }
        let rows = self.db.query(
            "SELECT policy FROM scopes WHERE host = $1 AND scope = $2",
            parameters![run.host, run.scope],
        )?;
        let mut before = BTreeSet::new();
        for mut row in rows {
            before.insert(row.text()?);
        }
        let mut gone = BTreeSet::new();
        for policy in before.iter().filter(|policy| !now.contains_key(policy.as_str())) {
            self.db.execute(
                "DELETE FROM scopes WHERE host = $1 AND scope = $2 AND policy = $3",
                parameters![run.host, run.scope, policy],
            )?;
            let elsewhere = self.db.query(
                "SELECT host FROM scopes WHERE host = $1 AND policy = $2",
                parameters![run.host, policy],
            )?;
            if !elsewhere.is_empty() {
                continue;
            }
            match self.heir(policy, &now)? {
                Some(heir) => self.rename_policy(policy, &heir)?,
                None => {
                    gone.insert(policy.clone());
                }
            }
        }
        for policy in now.keys().filter(|policy| !before.contains(**policy)) {
            self.db.execute(
                "INSERT INTO scopes (host, scope, policy) VALUES ($1, $2, $3)
                 ON CONFLICT DO NOTHING",
                parameters![run.host, run.scope, *policy],
            )?;
        }
        Ok(gone)
    }

    /// The policy of this run that was never seen on this host and has at least half of the rules.
    fn heir(
        &mut self,
        policy: &str,
        now: &BTreeMap<&str, BTreeSet<&str>>,
    ) -> Result<Option<String>, LedgerError> {
        let host = self.run.host;
        let rows = self.db.query(
            "SELECT rule FROM standings WHERE host = $1 AND policy = $2 AND standing <> 'retired'",
            parameters![host, policy],
        )?;
        let mut rules = BTreeSet::new();
        for mut row in rows {
            rules.insert(row.text()?);
        }
        let rows = self.db.query("SELECT policy FROM looks WHERE host = $1", parameters![host])?;
        let mut seen = BTreeSet::new();
        for mut row in rows {
            seen.insert(row.text()?);
        }
        let common = |own: &BTreeSet<&str>| own.iter().filter(|id| rules.contains(**id)).count();
        let best = now
            .iter()
            .filter(|(name, _)| !seen.contains(**name))
            .map(|(name, own)| (common(own), *name))
            .max();
        Ok(best
            .filter(|(count, _)| *count > 0 && count.saturating_mul(2) >= rules.len())
            .map(|(_, name)| name.to_owned()))
    }

    fn rename_policy(&mut self, old: &str, new: &str) -> Result<(), LedgerError> {
        let rows = self.db.query(
            "UPDATE items SET policy = $1 WHERE policy = $2 AND NOT EXISTS (
                 SELECT 1 FROM items AS heir
                 WHERE heir.policy = $1 AND heir.rule = items.rule
                   AND heir.thing_kind = items.thing_kind AND heir.thing = items.thing
                   AND heir.condition = items.condition)
             RETURNING id",
            parameters![new, old],
        )?;
        let words = format!("policy {old} is called {new} now");
        for mut row in rows {
            self.event(row.int()?, EventKind::Renamed, None, &words)?;
        }
        // The new name was never seen on this host: nothing of it can be in the way.
        for table in ["standings", "looks", "undecided", "grants"] {
            self.db.execute(
                &format!("UPDATE {table} SET policy = $1 WHERE policy = $2 AND host = $3"),
                parameters![new, old, self.run.host],
            )?;
        }
        Ok(())
    }
}

//! Policies that a check had and has no more: taken out, or called otherwise.

use super::Recorder;
use crate::actions::store::LedgerError;
use crate::parameters;
use std::collections::{BTreeMap, BTreeSet};

impl Recorder<'_> {
    /// Compares the policies of this check with those that it had the last time. One that is gone goes
    /// on under its new name where a policy that was never seen has most of its rules; else its items
    /// retire, unless another check of the host has it.
    pub(super) fn policies(&mut self) -> Result<BTreeSet<String>, LedgerError> {
        let run = self.run;
        let mut gone = self.renamed_policies()?;
        if !run.whole || run.scope.is_empty() {
            return Ok(gone);
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
        let lost = |policy: &&String| !now.contains_key(policy.as_str());
        for policy in before.iter().filter(lost) {
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

    /// Policies that say what they were called before take over what this host has of that name; the old
    /// names are gone.
    fn renamed_policies(&mut self) -> Result<BTreeSet<String>, LedgerError> {
        let host = self.run.host;
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for rule in &self.run.rules {
            for old in &rule.policy_formerly {
                names.entry(old.clone()).or_insert_with(|| rule.policy.clone());
            }
        }
        let mut gone = BTreeSet::new();
        for (old, new) in names {
            let seen = self.db.query(
                "SELECT policy FROM looks WHERE host = $1 AND policy = $2",
                parameters![host, &old],
            )?;
            if seen.is_empty() {
                continue;
            }
            self.rename_policy(&old, &new)?;
            for table in ["looks", "scopes"] {
                self.db.execute(
                    &format!("DELETE FROM {table} WHERE host = $1 AND policy = $2"),
                    parameters![host, &old],
                )?;
            }
            gone.insert(old);
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
}

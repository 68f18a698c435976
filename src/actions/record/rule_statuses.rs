//! How each rule stands on this host: written when that changes, so that a rule which was never
//! violated can be said to hold, since when, and when it was last seen to.

use super::Recorder;
use crate::actions::rule_status::RuleStatus;
use crate::actions::store::LedgerError;
use crate::parameters;
use std::collections::{BTreeMap, BTreeSet};

impl Recorder<'_> {
    /// Notes what has changed of it, and what the policies of the run promise.
    pub(super) fn standings(&mut self, removed: &BTreeSet<String>) -> Result<(), LedgerError> {
        let run = self.run;
        let policies: BTreeSet<&str> = run.rules.iter().map(|rule| rule.policy.as_str()).collect();
        let mut looks = self.looks()?;
        let before = self.stood()?;
        let now = RuleStatus::of_rules(run);
        for ((policy, rule), standing) in &now {
            let key = ((*policy).to_owned(), (*rule).to_owned());
            let was = before.get(&key).copied();
            if was == Some(*standing) {
                continue;
            }
            self.turn_of(policy, rule, was, *standing, looks.get(*policy).copied())?;
        }
        for ((policy, rule), was) in &before {
            let gone = run.whole
                && (policies.contains(policy.as_str()) || removed.contains(policy))
                && !now.contains_key(&(policy.as_str(), rule.as_str()));
            if gone && *was != RuleStatus::Retired {
                let look = looks.get(policy).copied();
                self.turn_of(policy, rule, Some(*was), RuleStatus::Retired, look)?;
            }
        }
        for policy in policies {
            // A run of some rules says nothing of the others.
            if !run.whole && looks.contains_key(policy) {
                continue;
            }
            self.db.execute(
                "INSERT INTO looks (host, policy, at) VALUES ($1, $2, $3)
                 ON CONFLICT (host, policy) DO UPDATE SET at = excluded.at",
                parameters![run.host, policy, run.time],
            )?;
            looks.insert(policy.to_owned(), run.time);
        }
        self.promises()
    }

    /// When each policy was last evaluated as a whole on this host.
    fn looks(&mut self) -> Result<BTreeMap<String, i64>, LedgerError> {
        let rows = self
            .db
            .query("SELECT policy, at FROM looks WHERE host = $1", parameters![self.run.host])?;
        rows.into_iter().map(|mut row| Ok((row.text()?, row.int()?))).collect()
    }

    fn stood(&mut self) -> Result<BTreeMap<(String, String), RuleStatus>, LedgerError> {
        let rows = self.db.query(
            "SELECT policy, rule, standing FROM standings WHERE host = $1",
            parameters![self.run.host],
        )?;
        rows.into_iter().map(|mut row| Ok(((row.text()?, row.text()?), row.word()?))).collect()
    }

    fn turn_of(
        &mut self,
        policy: &str,
        rule: &str,
        was: Option<RuleStatus>,
        now: RuleStatus,
        last_look: Option<i64>,
    ) -> Result<(), LedgerError> {
        let (host, time) = (self.run.host, self.run.time);
        self.db.execute(
            "INSERT INTO standings (host, policy, rule, standing, since)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (host, policy, rule)
             DO UPDATE SET standing = excluded.standing, since = excluded.since",
            parameters![host, policy, rule, now.name(), time],
        )?;
        let (Some(was), Some(last_look)) = (was, last_look) else { return Ok(()) };
        self.db.execute(
            "INSERT INTO turns (host, policy, rule, at, was, last_look, became)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            parameters![host, policy, rule, time, was.name(), last_look, now.name()],
        )?;
        Ok(())
    }

    /// What the policies of the run promise, where that has changed.
    fn promises(&mut self) -> Result<(), LedgerError> {
        let promised = self.run.rules.iter().filter_map(|rule| {
            rule.promises.as_ref().map(|promises| (rule.policy.as_str(), promises))
        });
        for (policy, promises) in promised.collect::<BTreeMap<_, _>>() {
            // Texts alone: nothing that could fail.
            let text = serde_json::to_string(&**promises).unwrap_or_default();
            self.db.execute(
                "INSERT INTO promises (policy, postmortem) VALUES ($1, $2)
                 ON CONFLICT (policy) DO UPDATE SET postmortem = excluded.postmortem
                 WHERE promises.postmortem <> excluded.postmortem",
                parameters![policy, &text],
            )?;
        }
        Ok(())
    }
}

//! What breaks a rule, one by one: each has its own first sight and end, and one more of them is news
//! although the item is open already.

use super::Recorder;
use super::details::violation_lines;
use crate::actions::items::evidence::bounded;
use crate::actions::items::identity::Affected;
use crate::actions::items::item::EventKind;
use crate::actions::store::LedgerError;
use crate::parameters;
use crate::verdict::{Finding, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// Most culprits of one occurrence that are kept.
const MOST: usize = 500;

/// Most newcomers that are told one by one.
const TOLD: usize = 10;

impl Recorder<'_> {
    /// Notes the culprits of an occurrence that is violated now. Who was not among them before is news,
    /// unless the violation as a whole is new (`fresh`), or accepted.
    pub(super) fn culprits(
        &mut self,
        (item, occurrence): (i64, i64),
        affected: &Affected,
        finding: &Finding,
        fresh: bool,
    ) -> Result<(), LedgerError> {
        let all = finding.assertion.culprits();
        let whole = all.len() <= MOST;
        let now: BTreeSet<String> = all.iter().take(MOST).map(|name| bounded(name)).collect();
        if now.is_empty() {
            return Ok(());
        }
        let rows = self.db.query(
            "SELECT name, presence FROM culprits WHERE occurrence = $1",
            parameters![occurrence],
        )?;
        let mut before: BTreeMap<String, String> = BTreeMap::new();
        for mut row in rows {
            before.insert(row.text()?, row.text()?);
        }
        let time = self.run.time;
        let mut newcomers = Vec::new();
        for name in &now {
            match before.get(name).map(String::as_str) {
                Some("present") => continue,
                Some(_) => {
                    self.db.execute(
                        "UPDATE culprits SET presence = 'present', ended = NULL
                         WHERE occurrence = $1 AND name = $2",
                        parameters![occurrence, name],
                    )?;
                }
                None => {
                    self.db.execute(
                        "INSERT INTO culprits (occurrence, name, presence, first_seen)
                         VALUES ($1, $2, 'present', $3)",
                        parameters![occurrence, name, time],
                    )?;
                }
            }
            newcomers.push(name.clone());
        }
        let is_gone = |(name, presence): &(&String, &String)| {
            whole && presence.as_str() == "present" && !now.contains(*name)
        };
        for (name, _) in before.iter().filter(is_gone) {
            self.db.execute(
                "UPDATE culprits SET presence = 'held', ended = $1
                 WHERE occurrence = $2 AND name = $3",
                parameters![time, occurrence, name],
            )?;
            self.end_grant(finding, affected, Some(name))?;
        }
        // A ledger of an older version knows none of them: then nothing is known to be new.
        let is_told = fresh || before.is_empty() || finding.outcome() == Outcome::Waived;
        if newcomers.is_empty() || is_told {
            return Ok(());
        }
        let listed: Vec<&str> = newcomers.iter().take(TOLD).map(String::as_str).collect();
        let more = match newcomers.len().saturating_sub(TOLD) {
            0 => String::new(),
            more => format!(" and {more} others"),
        };
        let count = match newcomers.len() {
            1 => "one more".to_owned(),
            count => format!("{count} more"),
        };
        let words = format!("{count}: {}{more}", listed.join("; "));
        self.event(item, EventKind::More, Some(self.run.host), &words)?;
        let mut lines = vec![words];
        lines.extend(violation_lines(finding));
        self.tell(item, EventKind::More, lines);
        Ok(())
    }

    /// Nothing breaks the rule there any more.
    pub(super) fn no_culprits(&mut self, occurrence: i64) -> Result<(), LedgerError> {
        self.db.execute(
            "UPDATE culprits SET presence = 'held', ended = $1
             WHERE occurrence = $2 AND presence = 'present'",
            parameters![self.run.time, occurrence],
        )?;
        Ok(())
    }
}

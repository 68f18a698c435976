//! How a rule stands as a whole, and reading back how all of them do.

use super::items::observe::Run;
use super::store::LedgerError;
use super::store::sql::{Database, Value};
use crate::parameters;
use crate::verdict::{Finding, Outcome, Promises};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How a rule stands on a host, all its conditions together. The worst comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleStatus {
    /// At least one condition was seen not to hold.
    Violated,
    /// None was, but at least one could not be decided.
    Undecided,
    /// It is violated, and a waiver accepts that.
    Waived,
    /// All that applies was seen to hold, and something does.
    Holds,
    /// Nothing of it applies at present.
    Inapplicable,
    /// Its policy has it no more.
    Retired,
}

impl RuleStatus {
    /// All of them.
    pub const ALL: [RuleStatus; 6] = [
        RuleStatus::Violated,
        RuleStatus::Undecided,
        RuleStatus::Waived,
        RuleStatus::Holds,
        RuleStatus::Inapplicable,
        RuleStatus::Retired,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            RuleStatus::Violated => "violated",
            RuleStatus::Undecided => "undecided",
            RuleStatus::Waived => "waived",
            RuleStatus::Holds => "holds",
            RuleStatus::Inapplicable => "inapplicable",
            RuleStatus::Retired => "retired",
        }
    }

    /// How a rule stands that has these findings.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let each = findings.into_iter().map(|finding| match finding.outcome() {
            Outcome::Fail => RuleStatus::Violated,
            Outcome::Unknown => RuleStatus::Undecided,
            Outcome::Waived => RuleStatus::Waived,
            Outcome::Pass => RuleStatus::Holds,
            Outcome::Skipped => RuleStatus::Inapplicable,
        });
        // Of nothing at all nothing is known.
        each.min().unwrap_or(RuleStatus::Undecided)
    }

    /// How the rules of a run stand, by policy and rule.
    pub fn of_rules<'a>(run: &'a Run) -> BTreeMap<(&'a str, &'a str), RuleStatus> {
        let mut findings: BTreeMap<_, Vec<&Finding>> = BTreeMap::new();
        for rule in &run.rules {
            findings.insert((rule.policy.as_str(), rule.id.as_str()), Vec::new());
        }
        for finding in run.findings {
            let key = (finding.rule.policy.as_str(), finding.rule.id.as_str());
            findings.entry(key).or_default().push(finding);
        }
        findings.into_iter().map(|(key, found)| (key, RuleStatus::of(found))).collect()
    }
}

impl fmt::Display for RuleStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for RuleStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = RuleStatus::ALL.into_iter().find(|one| one.name() == text);
        found.ok_or_else(|| format!("`{text}` is no standing of a rule"))
    }
}

/// A rule on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStatus {
    /// Host name.
    pub host: String,
    /// Policy's name.
    pub policy: String,
    /// Rule's id.
    pub rule: String,
    /// How it stands.
    pub standing: RuleStatus,
    /// The run that saw it so first, seconds since 1970-01-01 UTC.
    pub since: i64,
    /// The last run that evaluated the whole policy there, likewise.
    pub seen: i64,
}

/// A rule that came to stand otherwise on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTurn {
    /// Host name.
    pub host: String,
    /// Policy's name.
    pub policy: String,
    /// Rule's id.
    pub rule: String,
    /// The run that saw it, seconds since 1970-01-01 UTC.
    pub at: i64,
    /// How it had stood.
    pub was: RuleStatus,
    /// When it was last seen to stand so, likewise.
    pub last_look: i64,
    /// How it stood from then on.
    pub became: RuleStatus,
}

/// How every rule stands on every host; of one policy, where that is named.
///
/// # Errors
/// When the store fails.
pub fn all(
    db: &mut dyn Database,
    policy: Option<&str>,
) -> Result<Vec<RecordedStatus>, LedgerError> {
    let wanted = policy.map(|_| "WHERE s.policy = $1").unwrap_or_default();
    let sql = format!(
        "SELECT s.host, s.policy, s.rule, s.standing, s.since, l.at
         FROM standings s JOIN looks l ON l.host = s.host AND l.policy = s.policy {wanted}
         ORDER BY s.policy, s.rule, s.host"
    );
    let parameters: Vec<Value> = policy.into_iter().map(Value::from).collect();
    let rows = db.query(&sql, &parameters)?;
    let read = |mut row: super::store::sql::Row| {
        let standing = RecordedStatus {
            host: row.text()?,
            policy: row.text()?,
            rule: row.text()?,
            standing: row.word()?,
            since: row.int()?,
            seen: row.int()?,
        };
        // A run of that rule alone may be younger than the last one of the whole policy.
        Ok(RecordedStatus { seen: standing.seen.max(standing.since), ..standing })
    };
    rows.into_iter().map(read).collect()
}

/// What came to stand otherwise from one time to another, both included, oldest first.
///
/// # Errors
/// When the store fails.
pub fn turns(
    db: &mut dyn Database,
    from: i64,
    to: i64,
    limit: u32,
) -> Result<Vec<RuleTurn>, LedgerError> {
    let rows = db.query(
        "SELECT host, policy, rule, at, was, last_look, became FROM turns
         WHERE at >= $1 AND at <= $2 ORDER BY at, id LIMIT $3",
        parameters![from, to, limit],
    )?;
    rows.into_iter()
        .map(|mut row| {
            Ok(RuleTurn {
                host: row.text()?,
                policy: row.text()?,
                rule: row.text()?,
                at: row.int()?,
                was: row.word()?,
                last_look: row.int()?,
                became: row.word()?,
            })
        })
        .collect()
}

/// What postmortems promised, by policy, as the last recorded runs knew it.
///
/// # Errors
/// When the store fails, or holds something else.
pub fn promises(db: &mut dyn Database) -> Result<Vec<(String, Promises)>, LedgerError> {
    let rows = db.query("SELECT policy, postmortem FROM promises ORDER BY policy", &[])?;
    rows.into_iter()
        .map(|mut row| {
            let policy = row.text()?;
            let promises = serde_json::from_str(&row.text()?)
                .map_err(|error| LedgerError::Damaged(error.to_string()))?;
            Ok((policy, promises))
        })
        .collect()
}

//! What was seen, as it is kept with an occurrence: bounded, whatever a hostile host shows.

use super::identity::Affected;
use super::observe::{Run, Unsettled};
use crate::verdict::{Finding, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most evidence that are kept of one finding.
const SIGHTINGS: usize = 16;
/// Longest text that is kept, in characters.
const LONGEST: usize = 500;

/// EvidenceRecord of one finding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// What the rule wanted.
    pub expected: String,
    /// What was.
    pub observed: String,
    /// Where it was seen, as in the JSON report.
    pub seen: Vec<Value>,
}

impl EvidenceRecord {
    /// The evidence of a finding.
    pub fn of(finding: &Finding) -> Self {
        let assertion = &finding.assertion;
        let seen = finding.seen().iter().take(SIGHTINGS);
        Self {
            expected: bounded(&assertion.expected),
            observed: bounded(&assertion.observed),
            seen: seen.filter_map(|one| serde_json::to_value(one).ok()).map(shorter).collect(),
        }
    }

    /// Adds what a run saw of a violation of an earlier run that holds again.
    pub fn add(&mut self, run: &Run, old: &Unsettled) {
        let is_it = |finding: &&Finding| {
            finding.outcome() == Outcome::Pass
                && (&finding.rule.policy, &finding.rule.id) == (&old.key.policy, &old.key.rule)
                && Affected::of(&finding.assertion.subject) == old.affected
        };
        let same = |finding: &&Finding| finding.assertion.condition == old.key.condition;
        let all = || run.findings.iter().filter(is_it);
        // What was about existence holds by any other condition that could be asked.
        let Some(finding) = all().find(same).or_else(|| all().next()) else { return };
        let EvidenceRecord { expected, observed, seen } = EvidenceRecord::of(finding);
        if self.observed.is_empty() {
            (self.expected, self.observed) = (expected, observed);
        }
        let room = SIGHTINGS.saturating_sub(self.seen.len());
        self.seen.extend(seen.into_iter().take(room));
    }

    /// In words: `0644; expected 0600`.
    pub fn words(&self) -> String {
        match (self.observed.as_str(), self.expected.as_str()) {
            (observed, "") => observed.to_owned(),
            ("", expected) => format!("expected {expected}"),
            (observed, expected) => format!("{observed}; expected {expected}"),
        }
    }

    /// As it is written to the ledger.
    pub fn to_json(&self) -> String {
        // Strings and JSON values only: nothing here can fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was read from the ledger; empty where that makes no sense.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// A text of bounded length. PostgreSQL keeps no NUL, so none is kept.
pub fn bounded(text: &str) -> String {
    let mut out: String =
        text.chars().take(LONGEST).map(|c| if c == '\0' { '␀' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        out.push('…');
    }
    out
}

fn shorter(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(bounded(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(shorter).collect()),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, shorter(value))).collect())
        }
        other => other,
    }
}

//! What was seen, as it is kept with an occurrence: bounded, whatever a hostile host shows.

use super::identity::{Affected, shortened};
use super::observe::{Run, Unsettled};
use crate::verdict::{Finding, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most pieces of evidence that are kept of one finding.
const SIGHTINGS: usize = 16;
/// Longest text that is kept, in characters.
const LONGEST: usize = 500;

/// What was seen of one condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EvidenceRecord {
    /// Key of the condition in the rule; empty in what older ledgers kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub condition: String,
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
            condition: shortened(&assertion.condition),
            expected: bounded(&assertion.expected),
            observed: bounded(&assertion.observed),
            seen: seen.filter_map(|one| serde_json::to_value(one).ok()).map(shorter).collect(),
        }
    }

    /// What a run saw of a violation of an earlier run that holds again.
    pub fn again(run: &Run, old: &Unsettled) -> Option<Self> {
        let is_it = |finding: &&Finding| {
            finding.outcome() == Outcome::Pass
                && (&finding.rule.policy, &finding.rule.id) == (&old.key.policy, &old.key.rule)
                && Affected::of(&finding.assertion.subject) == old.affected
        };
        let same = |finding: &&Finding| finding.assertion.condition == old.condition;
        let all = || run.findings.iter().filter(is_it);
        // What was about existence holds by any other condition that could be asked.
        all().find(same).or_else(|| all().next()).map(Self::of)
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

    /// Several as they are written to the ledger; nothing where there is none.
    pub fn list_to_json(all: &[Self]) -> Option<String> {
        match all {
            [] => None,
            [one] => Some(one.to_json()),
            several => {
                let kept = several.get(..SIGHTINGS.min(several.len())).unwrap_or_default();
                Some(serde_json::to_string(kept).unwrap_or_default())
            }
        }
    }

    /// Several as they were read from the ledger; none where that makes no sense.
    pub fn list_from_json(text: &str) -> Vec<Self> {
        let one = || serde_json::from_str(text).map(|one| vec![one]);
        serde_json::from_str(text).or_else(|_| one()).unwrap_or_default()
    }

    /// As it was read from the ledger; empty where that makes no sense.
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// What was observed, without process ids and places that stand in brackets: they say nothing later.
/// What stands in other brackets (of a regular expression, of sudo's `(ALL)`) is what was found.
pub fn lasting(observed: &str) -> String {
    let mut out = String::new();
    let mut rest = observed;
    while let Some((before, behind)) = rest.split_once(" (") {
        out.push_str(before);
        match behind.split_once(')') {
            Some((inside, after)) if is_pids(inside) || is_place(inside) => rest = after,
            _ => {
                out.push_str(" (");
                rest = behind;
            }
        }
    }
    out + rest
}

fn is_place(inside: &str) -> bool {
    let line = inside.starts_with('/').then(|| inside.rsplit_once(':')).flatten();
    line.is_some_and(|(_, line)| line.parse::<u32>().is_ok())
}

fn is_pids(inside: &str) -> bool {
    let words = inside.strip_prefix("pids ").or_else(|| inside.strip_prefix("pid "));
    words.is_some_and(|words| words.starts_with(|c: char| c.is_ascii_digit()))
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

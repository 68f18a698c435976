//! What spotcheck remembers from run to run: how many there were, so that another part of the files
//! is read again in each, and what the last report said, so that nobody accepts what he has not seen.

use super::{beside, read, write_whole};
use crate::facts::drift::Drift;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What the name of the file ends with.
const END: &str = ".state";
/// Larger ones are not read.
const LIMIT: u64 = 64 << 20;
/// The most changes that are remembered of a report.
const CHANGES: usize = 100_000;

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Number of runs.
    #[serde(default)]
    pub runs: u64,
    /// The last report's name.
    #[serde(default)]
    pub report: String,
    /// The digest of the baseline that it was about.
    #[serde(default)]
    pub baseline: String,
    /// Digests of its changes, by class and name.
    #[serde(default)]
    pub changes: BTreeMap<String, String>,
}

impl State {
    /// What is remembered of a baseline; nothing where that cannot be read: it is only convenience.
    pub fn load(baseline: &Path) -> Self {
        read(&beside(baseline, END), LIMIT)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    /// Takes note of a report.
    pub fn note(&mut self, drift: &Drift) {
        self.runs += 1;
        self.report = drift.digest();
        self.baseline = drift.against.digest.clone().unwrap_or_default();
        let counts = drift.changes.iter().filter(|change| {
            change
                .deltas
                .iter()
                .any(|delta| delta.explanation != crate::facts::drift::Explanation::Rewritten)
        });
        self.changes = counts
            .take(CHANGES)
            .map(|change| (format!("{} {}", change.class.name(), change.name), change.digest()))
            .collect();
    }

    /// Remembers it; whether that could be done.
    pub fn save(&self, baseline: &Path) -> bool {
        serde_json::to_vec(self)
            .is_ok_and(|bytes| write_whole(&beside(baseline, END), &bytes).is_ok())
    }
}

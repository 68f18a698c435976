//! Drift for people and for programs.

mod fold;
pub mod human;
pub mod json;

use crate::facts::drift::Drift;
use crate::facts::host::Host;
use crate::verdict::Exit;

/// All that a run of `drift` has to say.
pub struct DriftReport<'a> {
    /// The target.
    pub host: &'a Host,
    /// When it was looked at, seconds since 1970-01-01 UTC.
    pub time: i64,
    /// What has changed.
    pub drift: &'a Drift,
    /// What else a person should know.
    pub notes: Vec<String>,
}

/// 1 for drift that counts; 2 where something could not be seen.
pub fn exit(drift: &Drift) -> Exit {
    if drift.changes.iter().any(|change| change.explanation.counts()) {
        Exit::Violated
    } else if !drift.gaps.is_empty() || !drift.unseen.is_empty() {
        Exit::Undecided
    } else {
        Exit::Holds
    }
}

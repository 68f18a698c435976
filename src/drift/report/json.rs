//! For programs: versioned JSON with everything, explained or not.

use super::{DriftReport, exit};
use crate::facts::drift::{Against, Change, Explanation};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// Version of this format. Fields may be added; what is there keeps its meaning.
pub const VERSION: u32 = 1;

/// The report of a run of `drift`.
#[derive(Serialize, JsonSchema)]
pub struct JsonDrift<'a> {
    /// Version of this format.
    pub version: u32,
    /// Version of spotcheck.
    pub spotcheck: &'static str,
    /// Name of the target.
    pub target: &'a str,
    /// When it was looked at, RFC 3339.
    pub time: String,
    /// What it was compared with.
    pub against: &'a Against,
    /// What tells this report from others.
    pub report: String,
    /// Number of changes of each explanation.
    pub counts: BTreeMap<Explanation, usize>,
    /// All changes, those that matter most first.
    pub changes: &'a [Change],
    /// What could not be seen: so many, and the first of them.
    pub unseen: Unseen,
    /// What it took.
    pub effort: EffortJson,
    /// What else a person should know.
    pub notes: &'a [String],
    /// Exit code.
    pub exit: u8,
}

/// What could not be seen.
#[derive(Serialize, JsonSchema)]
pub struct Unseen {
    /// How much.
    pub count: u64,
    /// The first of it, in words.
    pub first: Vec<String>,
}

/// What it took.
#[derive(Serialize, JsonSchema)]
pub struct EffortJson {
    /// Files that were looked at.
    pub files: u64,
    /// Files whose content was read.
    pub read: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

/// The report.
pub fn render(report: &DriftReport) -> String {
    let drift = report.drift;
    let words = drift.unseen.iter().chain(&drift.gaps.first).map(ToString::to_string).collect();
    let json = JsonDrift {
        version: VERSION,
        spotcheck: env!("CARGO_PKG_VERSION"),
        target: &report.host.name,
        time: crate::text::time::rfc3339(report.time),
        against: &drift.against,
        report: drift.digest(),
        counts: Explanation::ALL.into_iter().map(|kind| (kind, drift.count(kind))).collect(),
        changes: &drift.changes,
        unseen: Unseen { count: drift.gaps.count + drift.unseen.len() as u64, first: words },
        effort: EffortJson {
            files: drift.effort.files,
            read: drift.effort.read,
            bytes: drift.effort.bytes,
        },
        notes: &report.notes,
        exit: exit(drift).code(),
    };
    // Nothing in it can fail to be written.
    serde_json::to_string_pretty(&json).unwrap_or_default() + "\n"
}

/// The schema of the report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(JsonDrift).to_value()
}

//! Counts, and the exit code they amount to.

use super::assertion::Reason;
use super::finding::Finding;
use super::outcome::Outcome;
use crate::policy::Severity;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many findings of each outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Summary {
    /// Rules that were evaluated or skipped.
    pub rules: usize,
    /// Conditions that hold.
    pub pass: usize,
    /// Conditions that are violated.
    pub fail: usize,
    /// Conditions that could not be decided.
    pub unknown: usize,
    /// Conditions that are violated, which a waiver accepts.
    pub waived: usize,
    /// Conditions and rules that do not apply.
    pub skipped: usize,
}

/// Exit codes of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything holds.
    Holds,
    /// 1: at least one violation that counts.
    Violated,
    /// 2: no violation, but something could not be decided, or nothing was evaluated.
    Undecided,
    /// 3: spotcheck could not run.
    CouldNotRun,
}

impl Exit {
    /// The number that the process ends with.
    pub const fn code(self) -> u8 {
        match self {
            Exit::Holds => 0,
            Exit::Violated => 1,
            Exit::Undecided => 2,
            Exit::CouldNotRun => 3,
        }
    }
}

impl Summary {
    /// Counts the findings.
    pub fn of(findings: &[Finding]) -> Self {
        let count = |outcome| findings.iter().filter(|f| f.outcome() == outcome).count();
        let rules: BTreeSet<_> = findings.iter().map(|f| Arc::as_ptr(&f.rule)).collect();
        Self {
            rules: rules.len(),
            pass: count(Outcome::Pass),
            fail: count(Outcome::Fail),
            unknown: count(Outcome::Unknown),
            waived: count(Outcome::Waived),
            skipped: count(Outcome::Skipped),
        }
    }

    /// All conditions, one that does not apply among them.
    pub fn conditions(&self) -> usize {
        self.pass + self.fail + self.unknown + self.waived + self.skipped
    }

    /// Nothing was decided either way: no evidence, so no success.
    pub fn nothing_evaluated(&self) -> bool {
        self.pass == 0 && self.fail == 0 && self.waived == 0
    }
}

/// Whether something was skipped that only a running host could show.
pub fn needs_running(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| matches!(finding.assertion.reason, Some(Reason::NotRunning)))
}

/// The exit code of a run, violations below `fail_on` not counting.
pub fn exit(findings: &[Finding], fail_on: Severity) -> Exit {
    let violated = |f: &&Finding| f.outcome() == Outcome::Fail && f.rule.severity >= fail_on;
    let summary = Summary::of(findings);
    if findings.iter().any(|f| violated(&f)) {
        Exit::Violated
    } else if summary.unknown > 0 || summary.nothing_evaluated() {
        Exit::Undecided
    } else {
        Exit::Holds
    }
}

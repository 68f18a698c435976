//! Back-tests: what rules say of recordings whose truth is known.
//!
//! A rule *fires* on a recording when it finds a violation there. On a recording of an incident that
//! is what is wanted; on one of a healthy host it is a false alarm. What a recording cannot decide is
//! neither.

use super::finding::{Finding, RuleInfo};
use super::outcome::Outcome;
use super::summary::{Exit, exit};
use crate::policy::Severity;
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// What a recording is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// An incident: some rule has to fire.
    Bad,
    /// A healthy host: no rule may fire.
    Good,
    /// Any time: how often each rule fires is counted.
    History,
}

/// What a rule says of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It finds a violation: what it is about, and which.
    Fires(String),
    /// Everything it asks holds.
    Silent,
    /// The recording does not tell: why.
    Undecided(String),
    /// It does not apply: why.
    NotApplicable(String),
}

/// One recording, judged by all rules.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The file.
    pub path: String,
    /// What it is of.
    pub role: Role,
    /// Name of the host.
    pub host: String,
    /// When it was recorded, seconds since 1970-01-01 UTC.
    pub time: i64,
    /// What `check` would exit with.
    pub exit: Exit,
    /// For each rule, in their order.
    pub answers: Vec<Answer>,
}

/// Whether a recording was judged as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// An incident, and some rule fires.
    Caught,
    /// An incident, and everything holds.
    Missed,
    /// A healthy host, and everything holds.
    Silent,
    /// A healthy host, and some rule fires.
    FalseAlarm,
    /// Neither can be told.
    Undecided,
    /// Of the history: it is only counted.
    Counted,
}

/// Judges the findings of one recording; `rules` in the order of the plan.
pub fn judge(rules: &[Arc<RuleInfo>], findings: &[Finding]) -> (Exit, Vec<Answer>) {
    let of = |rule: &Arc<RuleInfo>| {
        let own: Vec<&Finding> =
            findings.iter().filter(|finding| Arc::ptr_eq(&finding.rule, rule)).collect();
        answer(&own)
    };
    (exit(findings, Severity::Info), rules.iter().map(of).collect())
}

fn answer(findings: &[&Finding]) -> Answer {
    let first = |outcome| findings.iter().find(|finding| finding.outcome() == outcome);
    let words = |finding: &Finding| {
        let assertion = &finding.assertion;
        let observed = if assertion.observed.is_empty() { "violated" } else { &assertion.observed };
        format!("{}: {}: {observed}", assertion.subject, assertion.condition)
    };
    let why = |finding: &Finding| finding.reason().unwrap_or_default();
    if let Some(finding) = first(Outcome::Fail) {
        Answer::Fires(words(finding))
    } else if let Some(finding) = first(Outcome::Unknown) {
        Answer::Undecided(why(finding))
    } else if first(Outcome::Pass).is_some() {
        Answer::Silent
    } else {
        let skipped = findings.first().map(|finding| why(finding));
        Answer::NotApplicable(skipped.unwrap_or_else(|| "nothing was asked".to_owned()))
    }
}

impl Trial {
    /// Whether it was judged as it should be.
    pub fn verdict(&self) -> Verdict {
        match (self.role, self.exit) {
            (Role::History, _) => Verdict::Counted,
            (Role::Bad, Exit::Violated) => Verdict::Caught,
            (Role::Bad, Exit::Holds) => Verdict::Missed,
            (Role::Good, Exit::Violated) => Verdict::FalseAlarm,
            (Role::Good, Exit::Holds) => Verdict::Silent,
            _ => Verdict::Undecided,
        }
    }
}

/// What all recordings say of one rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tally {
    /// Recordings on which it fires.
    pub fires: usize,
    /// Recordings on which it finds nothing.
    pub silent: usize,
    /// Recordings that do not tell.
    pub undecided: usize,
    /// Recordings to which it does not apply.
    pub not_applicable: usize,
}

impl Tally {
    /// Counts the answers of the rule with this number on recordings of one role.
    pub fn of(trials: &[Trial], role: Role, rule: usize) -> Self {
        let mut tally = Tally::default();
        for answer in trials.iter().filter(|t| t.role == role).filter_map(|t| t.answers.get(rule)) {
            match answer {
                Answer::Fires(_) => tally.fires += 1,
                Answer::Silent => tally.silent += 1,
                Answer::Undecided(_) => tally.undecided += 1,
                Answer::NotApplicable(_) => tally.not_applicable += 1,
            }
        }
        tally
    }

    /// How many recordings there are.
    pub fn all(&self) -> usize {
        self.fires + self.silent + self.undecided + self.not_applicable
    }
}

/// The exit code of a back-test. `every_rule`: each rule has to catch an incident, not only one of
/// them.
pub fn conclude(trials: &[Trial], rules: usize, every_rule: bool) -> Exit {
    let has = |wanted: &[Verdict]| trials.iter().any(|trial| wanted.contains(&trial.verdict()));
    let tallies = || (0..rules).map(|rule| Tally::of(trials, Role::Bad, rule));
    let idle = |tally: &Tally| every_rule && tally.fires == 0;
    // A count over recordings that do not tell is no count.
    let uncounted = || (0..rules).any(|rule| Tally::of(trials, Role::History, rule).undecided > 0);
    if has(&[Verdict::Missed, Verdict::FalseAlarm])
        || tallies().any(|tally| idle(&tally) && tally.undecided == 0)
    {
        Exit::Violated
    } else if has(&[Verdict::Undecided]) || tallies().any(|tally| idle(&tally)) || uncounted() {
        Exit::Undecided
    } else {
        Exit::Holds
    }
}

//! A checklist: groups of tasks, and what is to be done about each.

use super::measure::Progress;
use crate::actions::items::item::ItemId;
use crate::policy::{ActionKind, Severity};

/// A checklist.
#[derive(Clone, Debug, PartialEq)]
pub struct Checklist {
    /// When it was made, seconds since 1970-01-01 UTC.
    pub time: i64,
    /// What it is about, in words: a ledger, or a host.
    pub scope: String,
    /// Measures with their work, policy by policy; then work that serves no measure.
    pub groups: Vec<Group>,
}

/// A measure and the work that it still takes.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Policy's name.
    pub policy: String,
    /// Postmortem in a few words; `None` for work that serves no measure.
    pub postmortem: Option<String>,
    /// The measure; `None` likewise.
    pub measure: Option<String>,
    /// Ids of the rules that serve it.
    pub rules: Vec<String>,
    /// How far it is kept.
    pub progress: Progress,
    /// What is to be done.
    pub tasks: Vec<Task>,
    /// What keeps it from being known, in words.
    pub notes: Vec<String>,
}

/// A piece of work.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// Short id, where a ledger gave it one.
    pub id: Option<ItemId>,
    /// It was seen repaired.
    pub done: bool,
    /// Verb and object.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// Kind of work.
    pub kind: ActionKind,
    /// Where it stands, in words.
    pub state: String,
    /// Who does it.
    pub owner: Option<String>,
    /// By when, seconds since 1970-01-01 UTC.
    pub due: Option<i64>,
    /// Its time is up.
    pub overdue: bool,
    /// What was seen where, one in each line.
    pub evidence: Vec<String>,
    /// Steps that repair it.
    pub corrective: Vec<String>,
    /// What keeps it from coming back.
    pub preventive: Option<String>,
    /// The command that verifies it.
    pub verify: String,
    /// Tickets, runbooks.
    pub links: Vec<String>,
}

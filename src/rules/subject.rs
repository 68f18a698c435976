//! What a rule can be about, and what it takes to be about it.

use super::condition::ConditionInfo;
use super::reference::Refers;
use crate::host::{Target, Wants};
use crate::policy::node::{Fields, Node};
use crate::policy::{Diagnostics, Policy};
use crate::verdict::Assertion;
use std::path::PathBuf;

/// What a rule can be about.
pub struct SubjectKind {
    /// The key in a rule: `file`.
    pub key: &'static str,
    /// What its value is, for the reference: `path or glob`.
    pub value: &'static str,
    /// Keys beside `must` that belong to this subject, with their meaning.
    pub options: &'static [(&'static str, &'static str)],
    /// What `must` may demand.
    pub conditions: fn() -> Vec<&'static ConditionInfo>,
    /// `must` takes names of the subject's own (settings), not only conditions of the list.
    pub open: bool,
    /// Its page in the reference, as Markdown: what it asks, why, an example.
    pub page: &'static str,
    /// Its conditions can be combined by `any`, `all` and `not`: those of subjects that may have
    /// many violations, a finding each, do not hold or not hold as a whole.
    pub combines: bool,
    /// Its value may be a pattern that stands for several things.
    pub patterns: bool,
    /// What of it `same_as` can refer to.
    pub refers: Option<Refers>,
    /// Reads the demands of a rule.
    pub compile: fn(&Scope, Input, &mut Diagnostics) -> Option<Box<dyn Check>>,
}

/// The subjects that a rule can be about, in the order of the reference.
pub type Subjects = &'static [&'static SubjectKind];

/// What a rule gives to the subject it is about.
pub struct Input {
    /// The value of the subject's key.
    pub subject: Node,
    /// Fields of the rule that are not taken yet: the subject's options.
    pub fields: Fields,
    /// The demands.
    pub must: Node,
}

/// What is known beside the rule while it is read.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The policy, for its services.
    pub policy: &'a Policy,
    /// All subjects, for references to them.
    pub subjects: Subjects,
}

/// A rule's demands, ready to be compared with facts, maybe by a thread that can be given up.
pub trait Check: Send {
    /// One assertion for each condition and each thing it is about. Never empty.
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion>;

    /// Says whose content it will ask for, so that an image's archive is read once. What is left out
    /// is found all the same, more slowly.
    fn wants(&self, _wants: &mut Wants) {}

    /// Says below which directories it will ask for an inventory, so that one walk does for all.
    fn walks(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

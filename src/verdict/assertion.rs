//! What a check says about one subject and one condition.

use super::evidence::Evidence;
use super::outcome::Outcome;
use crate::facts::{Cause, Fact, Unknown};
use crate::policy::waiver::Waiver;
use std::fmt;
use std::sync::Arc;

/// What an assertion is about: a kind and a name that mean the same on every host and in every
/// run. Never a pid, an inode or a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// `service`, `port`, `file` ...
    pub kind: &'static str,
    /// Service name, protocol and port, path, account.
    pub name: String,
}

impl Subject {
    /// A subject.
    pub fn new(kind: &'static str, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// One condition of one rule, compared with what is. Made with [`Assertion::of`] and its builder
/// methods, closed by [`Assertion::decide`] or one of its relatives.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// What it is about.
    pub subject: Subject,
    /// The condition's key in the policy: `owner`, `run_as`, a setting's path.
    pub condition: String,
    /// Does it hold?
    pub outcome: Outcome,
    /// What the rule wants, in words.
    pub expected: String,
    /// What is, in words.
    pub observed: String,
    /// Why it is unknown or skipped.
    pub reason: Option<Reason>,
    /// Evidence.
    pub seen: Vec<Evidence>,
    /// Commands or steps that repair it, derived from what was seen.
    pub corrective: Vec<String>,
    /// The thing that a violation comes from when that is not the subject itself: a directory that
    /// forty files suffer from. Violations of one rule with one cause are one action item.
    pub cause: Option<Subject>,
    /// What breaks the rule, each by a name that says the same in every run: this key, that account,
    /// a member, a line, a listener. One more of them is news; see [`Assertion::culprits`].
    pub offenders: Vec<String>,
    /// Objects that a violation is made of, each a piece of work of its own: the files that drifted.
    pub objects: Vec<Object>,
    /// Those are all that there are.
    pub all_objects: bool,
    /// The offenders that a waiver accepts, where it does not accept all.
    pub accepted: Vec<String>,
    /// That waiver.
    pub accepted_by: Option<Arc<Waiver>>,
}

/// One of the things that a violation is made of.
#[derive(Clone, Debug)]
pub struct Object {
    /// The thing.
    pub subject: Subject,
    /// What is wrong with it, in words.
    pub observed: String,
    /// Evidence.
    pub seen: Vec<Evidence>,
    /// Steps that repair it.
    pub corrective: Vec<String>,
}

/// Bounds a name that others have chosen; one that is cut stays distinct by a digest.
fn shorten(name: &mut String) {
    const LONGEST: usize = 300;
    if name.contains('\0') {
        *name = name.replace('\0', "␀");
    }
    if name.chars().nth(LONGEST).is_some() {
        let digest = blake3::hash(name.as_bytes()).to_hex();
        let head: String = name.chars().take(LONGEST).collect();
        *name = format!("{head}…{}", digest.chars().take(16).collect::<String>());
    }
}

impl Object {
    /// Its name among the offenders: of a file the path.
    pub fn name(&self) -> String {
        match self.subject.kind {
            "file" => self.subject.name.clone(),
            kind => format!("{kind} {}", self.subject.name),
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub enum Reason {
    /// Something could not be seen.
    Unknown(Unknown),
    /// Only a running host could show it.
    NotRunning,
    /// The rule does not apply.
    NotApplicable(String),
    /// It was looked for and is not there, which the rule allows.
    Absent(String),
    /// The violation is accepted.
    Waived(Arc<Waiver>),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Unknown(unknown) => unknown.fmt(f),
            Reason::NotRunning => f.write_str("needs a running host"),
            Reason::NotApplicable(why) | Reason::Absent(why) => f.write_str(why),
            Reason::Waived(waiver) => write!(
                f,
                "accepted until {} by {}: {}",
                waiver.last_day(),
                waiver.approved_by,
                waiver.reason
            ),
        }
    }
}

impl Assertion {
    /// Begins an assertion; until it is decided it is unknown.
    pub fn of(subject: &Subject, condition: impl Into<String>) -> Self {
        Self {
            subject: subject.clone(),
            condition: condition.into(),
            outcome: Outcome::Unknown,
            expected: String::new(),
            observed: String::new(),
            reason: None,
            seen: Vec::new(),
            corrective: Vec::new(),
            cause: None,
            offenders: Vec::new(),
            objects: Vec::new(),
            all_objects: false,
            accepted: Vec::new(),
            accepted_by: None,
        }
    }

    /// What is wanted.
    pub fn expected(mut self, words: impl Into<String>) -> Self {
        self.expected = words.into();
        self
    }

    /// What is.
    pub fn observed(mut self, words: impl Into<String>) -> Self {
        self.observed = words.into();
        self
    }

    /// Adds evidence.
    pub fn seen(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        self.seen.extend(evidence);
        self
    }

    /// Adds a step that repairs a violation; reports show it only when there is one.
    pub fn repair(mut self, step: impl Into<String>) -> Self {
        self.corrective.push(step.into());
        self
    }

    /// The same for an assertion that has been decided: only of a violation the steps are found out.
    pub fn repaired_by<I: IntoIterator<Item = String>>(self, steps: impl FnOnce() -> I) -> Self {
        match self.outcome {
            Outcome::Fail => steps().into_iter().fold(self, Self::repair),
            _ => self,
        }
    }

    /// Names what a violation comes from, where that is not the subject itself.
    pub fn caused_by(mut self, cause: Option<Subject>) -> Self {
        self.cause = cause;
        self
    }

    /// Names what breaks the rule; see [`Assertion::culprits`].
    pub fn offenders<I: IntoIterator<Item = S>, S: Into<String>>(mut self, names: I) -> Self {
        self.offenders.extend(names.into_iter().map(Into::into));
        self
    }

    /// Names the things that a violation is made of, each a piece of work of its own; `all`: there are
    /// no others.
    pub fn made_of(mut self, objects: Vec<Object>, all: bool) -> Self {
        (self.objects, self.all_objects) = (objects, all);
        self
    }

    /// What breaks the rule, by names that say the same in every run: what the check says, else what
    /// it saw that has such a name. Never a pid, an inode, a time or the number of a line.
    pub fn culprits(&self) -> Vec<String> {
        let mut names: Vec<String> = match self.offenders.is_empty() {
            true => self.seen.iter().filter_map(Evidence::lasting_name).collect(),
            false => self.offenders.clone(),
        };
        names.iter_mut().for_each(shorten);
        names.sort();
        names.dedup();
        names
    }

    /// Closes it with the answer.
    pub fn decide(self, holds: Fact<bool>) -> Self {
        match holds {
            Ok(true) => self.pass(),
            Ok(false) => self.fail(),
            Err(why) => self.unknown(why),
        }
    }

    /// It holds.
    pub fn pass(mut self) -> Self {
        self.outcome = Outcome::Pass;
        self
    }

    /// It does not hold.
    pub fn fail(mut self) -> Self {
        self.outcome = Outcome::Fail;
        self
    }

    /// It could not be seen. What only a running host could show does not apply to an image, so
    /// that is skipped.
    pub fn unknown(mut self, why: Unknown) -> Self {
        if why.cause == Cause::NotRunning {
            self.outcome = Outcome::Skipped;
            self.reason = Some(Reason::NotRunning);
            return self;
        }
        self.outcome = Outcome::Unknown;
        self.reason = Some(Reason::Unknown(why));
        self
    }

    /// It does not hold, and that is accepted.
    pub(super) fn waive(&mut self, waiver: Arc<Waiver>) {
        self.outcome = Outcome::Waived;
        self.reason = Some(Reason::Waived(waiver));
    }

    /// It is not there, and the rule allows that: seen, unlike what does not apply.
    pub fn absent(mut self, why: impl Into<String>) -> Self {
        self.outcome = Outcome::Skipped;
        self.reason = Some(Reason::Absent(why.into()));
        self
    }

    /// It does not apply.
    pub fn skipped(mut self, why: impl Into<String>) -> Self {
        self.outcome = Outcome::Skipped;
        self.reason = Some(Reason::NotApplicable(why.into()));
        self
    }
}

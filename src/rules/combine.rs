//! Demands of a rule: conditions, and their combination by `any`, `all` and `not`.
//!
//! The logic is three-valued. What could not be seen decides nothing: `any` holds when one of its
//! parts does, whatever the others are; otherwise an unknown part makes it unknown. The `not` of an
//! unknown is unknown.

use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::rules::condition::Test;
use crate::rules::guard_gaps::guard_gaps;
use crate::verdict::assertion::Reason;
use crate::verdict::{Assertion, Evidence, Outcome, Subject};

/// The combining keys with their meaning, for errors, schema and reference.
pub const COMBINATORS: [(&str, &str); 3] = [
    ("any", "at least one of these groups of conditions holds: [{ … }, { … }]"),
    ("all", "each of these groups of conditions holds: [{ … }, { … }]"),
    ("not", "none of these conditions holds: { … }"),
];

/// What a rule demands under one key of `must`.
pub struct Demand<S> {
    name: String,
    kind: Kind<S>,
}

enum Kind<S> {
    /// One condition, and its value where that is true or false.
    One(Option<bool>, Test<S>),
    /// Several.
    Combined(Combined<S>),
}

/// Groups of conditions; all conditions of a group must hold.
pub enum Combined<S> {
    /// One of the groups holds.
    Any(Vec<Vec<Demand<S>>>),
    /// Every group holds.
    All(Vec<Vec<Demand<S>>>),
    /// None of the conditions of the group holds.
    Not(Vec<Demand<S>>),
}

impl<S> Demand<S> {
    /// A single condition; `says` is its value where that is true or false.
    pub fn one(name: &str, says: Option<bool>, test: Test<S>) -> Self {
        Self { name: name.to_owned(), kind: Kind::One(says, test) }
    }

    /// A combination.
    pub fn combined(name: &str, combined: Combined<S>) -> Self {
        Self { name: name.to_owned(), kind: Kind::Combined(combined) }
    }

    /// Its key under `must`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Compares it with the facts.
    pub fn judge(&self, view: &S, target: &dyn Target) -> Assertion {
        self.judge_some(&|_| true, view, target).unwrap_or_else(|| {
            // Only a combination of nothing, which the reader refuses, has no answer.
            let why = Cause::Unsupported("demands nothing".into());
            Assertion::of(&Subject::new("rule", ""), &self.name).unknown(Unknown::new("rule", why))
        })
    }

    /// The same where only some conditions can be asked, because the subject does not exist.
    /// `None`: the answer depends on others.
    pub fn judge_some(
        &self,
        can: &dyn Fn(&str) -> bool,
        view: &S,
        target: &dyn Target,
    ) -> Option<Assertion> {
        match &self.kind {
            Kind::One(_, test) => {
                can(&self.name).then(|| guard_gaps(target, |target| test(view, target)))
            }
            Kind::Combined(combined) => {
                let leaf = |demand: &Self| demand.judge_some(can, view, target);
                combined.verdict(&leaf).into_assertion(&self.name)
            }
        }
    }

    /// The same where some conditions have an answer other than their own, because what they ask
    /// for cannot be seen.
    pub fn judge_or(
        &self,
        instead: &dyn Fn(&str) -> Option<Assertion>,
        view: &S,
        target: &dyn Target,
    ) -> Option<Assertion> {
        match &self.kind {
            Kind::One(_, test) => {
                let ask = || guard_gaps(target, |target| test(view, target));
                Some(instead(&self.name).unwrap_or_else(ask))
            }
            Kind::Combined(combined) => {
                let leaf = |demand: &Self| demand.judge_or(instead, view, target);
                combined.verdict(&leaf).into_assertion(&self.name)
            }
        }
    }

    /// Whether it is one of these conditions, or combines one.
    pub fn asks(&self, names: &[&str]) -> bool {
        let any = |group: &Vec<Self>| group.iter().any(|demand| demand.asks(names));
        match &self.kind {
            Kind::One(..) => names.contains(&self.name()),
            Kind::Combined(Combined::Any(groups) | Combined::All(groups)) => groups.iter().any(any),
            Kind::Combined(Combined::Not(group)) => any(group),
        }
    }

    /// What it comes to when the subject does not exist: `exists: false` holds then, and so may
    /// a combination with it. `None`: it takes the subject to tell.
    pub fn if_missing(&self, subject: &Subject) -> Option<Assertion> {
        match &self.kind {
            Kind::One(Some(wanted), _) if self.name == "exists" => Some(
                Assertion::of(subject, "exists")
                    .expected(if *wanted { "to exist" } else { "not to exist" })
                    .observed("does not exist")
                    .decide(Ok(!wanted)),
            ),
            Kind::One(..) => None,
            Kind::Combined(combined) => {
                combined.verdict(&|demand| demand.if_missing(subject)).into_assertion(&self.name)
            }
        }
    }
}

/// What a combination comes to.
pub(super) struct Verdict {
    /// `None`: it takes a subject that does not exist to tell.
    pub(super) holds: Option<Fact<bool>>,
    pub(super) expected: String,
    pub(super) observed: Vec<String>,
    pub(super) seen: Vec<Evidence>,
    pub(super) steps: Vec<String>,
    subject: Option<Subject>,
}

type Leaf<'a, S> = &'a dyn Fn(&Demand<S>) -> Option<Assertion>;

impl<S> Combined<S> {
    fn verdict(&self, leaf: Leaf<S>) -> Verdict {
        let groups = |groups: &[Vec<Demand<S>>]| -> Vec<Verdict> {
            groups.iter().map(|group| conjunction(group, leaf)).collect()
        };
        match self {
            Combined::Any(parts) => {
                let mut parts = groups(parts);
                let holds = any(parts.iter().map(|part| part.holds.clone()));
                // Each part's steps lead to a state that will do: those of the first are enough.
                let with_steps = parts.iter_mut().filter(|part| !part.steps.is_empty());
                with_steps.skip(1).for_each(|part| part.steps.clear());
                join(parts, " or ", holds)
            }
            Combined::All(parts) => {
                let parts = groups(parts);
                let holds = all(parts.iter().map(|part| part.holds.clone()));
                join(parts, " and ", holds)
            }
            Combined::Not(group) => {
                let parts: Vec<Verdict> =
                    group.iter().map(|one| Verdict::of(one.name(), leaf(one))).collect();
                let holds = any(parts.iter().map(|part| part.holds.clone()));
                let mut part = join(parts, " or ", holds.map(|fact| fact.map(|one| !one)));
                part.expected = format!("not ({})", part.expected);
                part.steps.clear();
                part
            }
        }
    }
}

fn conjunction<S>(group: &[Demand<S>], leaf: Leaf<S>) -> Verdict {
    let parts: Vec<Verdict> =
        group.iter().map(|demand| Verdict::of(demand.name(), leaf(demand))).collect();
    let holds = all(parts.iter().map(|part| part.holds.clone()));
    join(parts, " and ", holds)
}

/// One verdict of several, with the words and evidence of all.
pub(super) fn join(parts: Vec<Verdict>, word: &str, holds: Option<Fact<bool>>) -> Verdict {
    let expected: Vec<String> = parts.iter().map(|part| part.expected.clone()).collect();
    let subject = parts.iter().find_map(|part| part.subject.clone());
    let mut joined = Verdict {
        holds,
        expected: expected.join(word),
        observed: Vec::new(),
        seen: Vec::new(),
        steps: Vec::new(),
        subject,
    };
    for part in parts {
        let is_new = |words: &String| !joined.observed.contains(words);
        let observed: Vec<String> = part.observed.into_iter().filter(is_new).collect();
        joined.observed.extend(observed);
        for evidence in part.seen {
            if !joined.seen.contains(&evidence) {
                joined.seen.push(evidence);
            }
        }
        joined.steps.extend(part.steps);
    }
    joined
}

impl Verdict {
    /// The verdict of one condition.
    pub(super) fn of(name: &str, assertion: Option<Assertion>) -> Self {
        let Some(assertion) = assertion else {
            return Verdict {
                holds: None,
                expected: name.to_owned(),
                observed: Vec::new(),
                seen: Vec::new(),
                steps: Vec::new(),
                subject: None,
            };
        };
        let holds = match (assertion.outcome, &assertion.reason) {
            (Outcome::Pass, _) => Ok(true),
            (Outcome::Fail, _) => Ok(false),
            (_, Some(Reason::Unknown(why))) => Err(why.clone()),
            (_, Some(Reason::NotRunning)) => Err(Unknown::new(name, Cause::NotRunning)),
            (_, why) => {
                let why = why.as_ref().map(ToString::to_string).unwrap_or_default();
                Err(Unknown::new(name, Cause::Unsupported(why)))
            }
        };
        // A combination inside this one has said its names already.
        let combined = COMBINATORS.iter().any(|(known, _)| *known == name);
        let named = |words: &str| match combined {
            true => words.to_owned(),
            false => format!("{name}: {words}"),
        };
        let failed = assertion.outcome == Outcome::Fail;
        Verdict {
            holds: Some(holds),
            expected: if combined {
                format!("({})", assertion.expected)
            } else {
                named(&assertion.expected)
            },
            observed: if assertion.observed.is_empty() {
                Vec::new()
            } else {
                vec![named(&assertion.observed)]
            },
            seen: assertion.seen,
            steps: if failed { assertion.corrective } else { Vec::new() },
            subject: Some(assertion.subject),
        }
    }

    fn into_assertion(self, name: &str) -> Option<Assertion> {
        let holds = self.holds?;
        let subject = self.subject.unwrap_or_else(|| Subject::new("rule", name));
        let assertion = Assertion::of(&subject, name)
            .expected(self.expected)
            .observed(self.observed.join("; "))
            .seen(self.seen);
        Some(self.steps.into_iter().fold(assertion, Assertion::repair).decide(holds))
    }
}

/// True when one is true, else without an answer when one is, else unknown when one is, else false.
pub(super) fn any(parts: impl Iterator<Item = Option<Fact<bool>>> + Clone) -> Option<Fact<bool>> {
    if parts.clone().any(|part| part == Some(Ok(true))) {
        return Some(Ok(true));
    }
    let known: Option<Vec<Fact<bool>>> = parts.collect();
    known.map(crate::facts::any)
}

/// False when one is false, else without an answer when one is, else unknown when one is, else true.
pub(super) fn all(parts: impl Iterator<Item = Option<Fact<bool>>> + Clone) -> Option<Fact<bool>> {
    let negated = parts.map(|part| part.map(|fact| fact.map(|holds| !holds)));
    any(negated).map(|fact| fact.map(|one_fails| !one_fails))
}

//! One rule over several things: alternatives with subjects of their own, lists of subjects, and how
//! many of the things that a rule is about must be as it says.
//!
//! The logic is that of [`combine`](super::combine): what could not be seen decides nothing. Parts that
//! do not apply (`absent: skip`) say nothing at all, neither yes nor no.

use super::Check;
use super::combine::{Verdict, all, any, join};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Target, Wants};
use crate::policy::expect::Expect;
use crate::policy::operand::Number;
use crate::verdict::assertion::Reason;
use crate::verdict::{Assertion, Outcome, Subject};
use std::path::PathBuf;

/// The keys of a rule that stand in the place of a subject, with their meaning.
pub const GROUPS: [(&str, &str); 3] = [
    (
        "any_of",
        "at least one of these holds, each with its own subject and must: [{ package: …, must: { … } }, …]",
    ),
    ("all_of", "each of these holds, for groups inside of the others: [{ …, must: { … } }, …]"),
    (
        "none_of",
        "not one of these conditions holds, of none of these subjects: [{ …, must: { … } }, …]",
    ),
];

/// The keys of `must` that say how many of several things are meant, with their meaning.
pub const QUANTIFIERS: [(&str, &str); 4] = [
    ("every", "each of the things that the rule is about is like this, as without a word: { … }"),
    ("some", "at least one of them is like this: { … }"),
    ("none", "not one of them has any of this: { … }"),
    ("count", "so many of them are like this: { of: { … }, at_least: 1 }"),
];

/// Several checks, each with findings of its own.
pub struct Each(pub Vec<Box<dyn Check>>);

impl Check for Each {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        self.0.iter().flat_map(|check| check.assertions(target)).collect()
    }

    fn wants(&self, wants: &mut Wants) {
        self.0.iter().for_each(|check| check.wants(wants));
    }

    fn walks(&self) -> Vec<PathBuf> {
        self.0.iter().flat_map(|check| check.walks()).collect()
    }
}

/// Which of several checks have to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// One of them as a whole.
    Any,
    /// Nothing of any of them.
    None,
}

/// Checks with subjects of their own, and one finding for all.
pub struct Alternatives {
    /// Which have to hold.
    pub group: Group,
    /// For the finding.
    pub subject: Subject,
    /// The checks.
    pub parts: Each,
}

impl Check for Alternatives {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let parts: Vec<Verdict> = self
            .parts
            .0
            .iter()
            .filter_map(|part| together(part.assertions(target), self.group))
            .collect();
        let name = match self.group {
            Group::Any => "any_of",
            Group::None => "none_of",
        };
        let assertion = Assertion::of(&self.subject, name);
        if parts.is_empty() {
            return vec![assertion.absent("nothing of this is there")];
        }
        let holds = any(parts.iter().map(|part| part.holds.clone()));
        let (holds, mut parts) = match self.group {
            Group::Any => (holds, parts),
            Group::None => (holds.map(|fact| fact.map(|one| !one)), parts),
        };
        match self.group {
            // Each part's steps lead to a state that will do: those of the first are enough.
            Group::Any => {
                let with_steps = parts.iter_mut().filter(|part| !part.steps.is_empty());
                with_steps.skip(1).for_each(|part| part.steps.clear());
            }
            // What repairs a part would bring about what is not to be.
            Group::None => parts.iter_mut().for_each(|part| part.steps.clear()),
        }
        let joined = join(parts, " or ", holds);
        let expected = match self.group {
            Group::Any => joined.expected.clone(),
            Group::None => format!("not ({})", joined.expected),
        };
        vec![closed(assertion.expected(expected), joined)]
    }

    fn wants(&self, wants: &mut Wants) {
        self.parts.wants(wants);
    }

    fn walks(&self) -> Vec<PathBuf> {
        self.parts.walks()
    }
}

/// How many of the things that a check is about have to be as it says.
pub enum Quantity {
    /// One of them.
    Some,
    /// So many.
    Count(Expect<Number>),
}

/// A check of several things, and one finding for all.
pub struct Quantified {
    /// How many.
    pub quantity: Quantity,
    /// For the finding.
    pub subject: Subject,
    /// The check.
    pub check: Box<dyn Check>,
}

impl Check for Quantified {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let groups = by_subject(self.check.assertions(target));
        let first = groups.iter().flatten().next().map(|one| format!("{} ", one.subject));
        let things: Vec<Verdict> =
            groups.into_iter().filter_map(|assertions| together(assertions, Group::Any)).collect();
        let name = match self.quantity {
            Quantity::Some => "some",
            Quantity::Count(_) => "count",
        };
        let assertion = Assertion::of(&self.subject, name);
        // What is wanted is the same for all: the first says it, without its name.
        let without = |words: &str| words.replace(first.as_deref().unwrap_or("\0"), "");
        let Some(wanted) = things.first().map(|thing| without(&thing.expected)) else {
            return vec![assertion.absent("nothing of this is there")];
        };
        let answers: Vec<Option<Fact<bool>>> =
            things.iter().map(|thing| thing.holds.clone()).collect();
        let yes = answers.iter().filter(|answer| **answer == Some(Ok(true))).count();
        let unknown = answers.iter().flatten().find_map(|answer| answer.clone().err());
        let (expected, holds) = match &self.quantity {
            Quantity::Some => (format!("one with {wanted}"), any(answers.iter().cloned())),
            Quantity::Count(expect) => {
                let open = answers.iter().flatten().filter(|answer| answer.is_err()).count();
                let words = format!("{} with {wanted}", expect.show());
                (words, Some(counted(expect, yes, open, unknown)))
            }
        };
        let total = things.len();
        let mut joined = join(things, " or ", holds);
        /// The most things that are told.
        const TOLD: usize = 5;
        let more = joined.observed.len().saturating_sub(TOLD);
        joined.observed.truncate(TOLD);
        joined.observed.insert(0, format!("{yes} of {total}"));
        if more > 0 {
            joined.observed.push(format!("and {more} more"));
        }
        // The steps would change each of them.
        joined.steps.clear();
        vec![closed(assertion.expected(expected), joined)]
    }

    fn wants(&self, wants: &mut Wants) {
        self.check.wants(wants);
    }

    fn walks(&self) -> Vec<PathBuf> {
        self.check.walks()
    }
}

/// Whether a number is as wanted of which only the bounds are known.
fn counted(
    expect: &Expect<Number>,
    yes: usize,
    open: usize,
    unknown: Option<Unknown>,
) -> Fact<bool> {
    let least = expect.holds_for(yes as u64);
    let same = (yes..=yes.saturating_add(open)).all(|n| expect.holds_for(n as u64) == least);
    match (same, unknown) {
        (false, Some(why)) => Err(why),
        _ => Ok(least),
    }
}

fn closed(assertion: Assertion, verdict: Verdict) -> Assertion {
    let holds = verdict.holds.unwrap_or_else(|| {
        let why = Cause::Unsupported("demands nothing".into());
        Err(Unknown::new("rule", why))
    });
    let assertion = assertion.observed(verdict.observed.join("; ")).seen(verdict.seen);
    verdict.steps.into_iter().fold(assertion, Assertion::repair).decide(holds)
}

/// What the assertions of one part come to: all of them have to hold, and of what is not to be, one is
/// enough. `None`: it does not apply.
fn together(assertions: Vec<Assertion>, group: Group) -> Option<Verdict> {
    let applies = |assertion: &Assertion| {
        !matches!(assertion.reason, Some(Reason::NotApplicable(_) | Reason::Absent(_)))
            || assertion.outcome != Outcome::Skipped
    };
    let verdict = |assertion: Assertion| {
        let is_group = GROUPS.iter().any(|(name, _)| *name == assertion.condition);
        let name = match is_group {
            // Its parts are named already.
            true => assertion.condition.clone(),
            false => format!("{} {}", assertion.subject, assertion.condition),
        };
        let mut verdict = Verdict::of(&name, Some(assertion));
        if is_group {
            let bare = |words: &str| words.trim_start_matches(&format!("{name}: ")).to_owned();
            verdict.expected = format!("({})", bare(&verdict.expected));
            verdict.observed.iter_mut().for_each(|words| *words = bare(words));
        }
        verdict
    };
    let parts: Vec<Verdict> = assertions.into_iter().filter(applies).map(verdict).collect();
    if parts.is_empty() {
        return None;
    }
    let answers = parts.iter().map(|part| part.holds.clone());
    Some(match group {
        Group::Any => {
            let holds = all(answers);
            join(parts, " and ", holds)
        }
        Group::None => {
            let holds = any(answers);
            join(parts, " or ", holds)
        }
    })
}

/// The assertions about each thing, in the order in which they are told.
fn by_subject(assertions: Vec<Assertion>) -> Vec<Vec<Assertion>> {
    let mut things: Vec<Vec<Assertion>> = Vec::new();
    let mut places: std::collections::BTreeMap<Subject, usize> = std::collections::BTreeMap::new();
    for assertion in assertions {
        match places.get(&assertion.subject).and_then(|place| things.get_mut(*place)) {
            Some(thing) => thing.push(assertion),
            None => {
                places.insert(assertion.subject.clone(), things.len());
                things.push(vec![assertion]);
            }
        }
    }
    things
}

//! Nothing is concluded from what a recording does not have.
//!
//! A check may take "cannot be told" for "no" where on a host that does no harm: a script that cannot be
//! read names no program. On a recording it would make answers of questions that nobody asked. So
//! a recording keeps a note of the first question it has no answer to while an assertion is made, and
//! with such a note nothing is decided.

use crate::facts::Unknown;
use crate::host::Target;
use crate::verdict::assertion::Reason;
use crate::verdict::{Assertion, Outcome};

/// What comes of some work, and the first question in it to which a recording has no answer. What
/// has been remembered from before would hide that, so nothing has.
fn watched<T>(target: &dyn Target, work: impl FnOnce(&dyn Target) -> T) -> (T, Option<Unknown>) {
    match target.afresh() {
        Some(fresh) => {
            let done = work(&*fresh);
            (done, fresh.gap())
        }
        None => (work(target), None),
    }
}

/// One assertion, as far as it rests on answers.
pub fn guard_gaps(target: &dyn Target, ask: impl FnOnce(&dyn Target) -> Assertion) -> Assertion {
    let (assertion, gap) = watched(target, ask);
    without(assertion, gap.as_ref())
}

/// What a reader is told beside the answer, such as a step that repairs: nothing is decided by it.
pub fn advice<T>(target: &dyn Target, work: impl FnOnce(&dyn Target) -> T) -> T {
    watched(target, work).0
}

/// All assertions of a check, which share what was asked to begin with.
pub fn all_certain(
    target: &dyn Target,
    ask: impl FnOnce(&dyn Target) -> Vec<Assertion>,
) -> Vec<Assertion> {
    let (assertions, gap) = watched(target, ask);
    assertions.into_iter().map(|assertion| without(assertion, gap.as_ref())).collect()
}

fn without(assertion: Assertion, gap: Option<&Unknown>) -> Assertion {
    let decided = match assertion.outcome {
        Outcome::Pass | Outcome::Fail | Outcome::Waived => true,
        Outcome::Skipped => {
            matches!(assertion.reason, Some(Reason::NotApplicable(_) | Reason::Absent(_)))
        }
        Outcome::Unknown => false,
    };
    match gap {
        Some(why) if decided => assertion.unknown(why.clone()),
        _ => assertion,
    }
}

//! Which violations are about rights, so that they are told first.

use crate::facts::danger::is_thing;
use crate::verdict::Finding;

/// Whether a violation is about who may become root, or already is.
pub fn is_dangerous(finding: &Finding) -> bool {
    let assertion = &finding.assertion;
    let of = |subject: &crate::verdict::Subject| is_thing(subject.kind, &subject.name);
    of(&assertion.subject) || assertion.cause.as_ref().is_some_and(of)
}

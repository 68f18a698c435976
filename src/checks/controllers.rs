//! Conditions that ask who controls things: one finding for each cause.

use crate::access::Person;
use crate::control::{Cause, Items, causes};
use crate::facts::Fact;
use crate::facts::file::FileKind;
use crate::host::Target;
use crate::policy::operand::Principal;
use crate::rules::identity::{user_id, user_name};
use crate::text;
use crate::verdict::{Assertion, Evidence, Subject};
use std::collections::BTreeSet;

/// Those whom a rule allows to control something; uid 0 always is.
pub(super) struct Allowed {
    uids: BTreeSet<u32>,
    names: BTreeSet<String>,
    words: String,
}

impl Allowed {
    /// Looks the names up. One that no account has is nobody's.
    pub(super) fn of(users: &[Principal], target: &dyn Target) -> Fact<Self> {
        let mut allowed =
            Self { uids: BTreeSet::from([0]), names: BTreeSet::new(), words: String::new() };
        let mut words = Vec::new();
        for user in users {
            allowed.uids.extend(user_id(target, user)?);
            match user {
                Principal::Name(name) => {
                    allowed.names.insert(name.clone());
                    words.push(name.clone());
                }
                Principal::Id(id) => words.push(user_name(target, *id)),
            }
        }
        allowed.words = words.join(", ");
        Ok(allowed)
    }

    /// Whether somebody is one of them.
    pub(super) fn has(&self, person: &Person) -> bool {
        let name = person.name.as_ref().is_some_and(|name| self.names.contains(name));
        name || person.uid.is_some_and(|uid| self.uids.contains(&uid))
    }

    /// Their names.
    pub(super) fn words(&self) -> &str {
        &self.words
    }
}

/// Who could change one of the items, compared with those who may: a violation for each cause, or
/// the one answer that there is none. What could not be seen turns a pass into unknown.
pub(super) fn controlled(
    subject: &Subject,
    condition: &str,
    items: &Items,
    allowed: &Allowed,
    target: &dyn Target,
) -> Vec<Assertion> {
    let about = || {
        Assertion::of(subject, condition)
            .expected(format!("controlled only by {}", allowed.words()))
    };
    let answer = causes(target, items, &|person| allowed.has(person));
    if !answer.causes.is_empty() {
        return answer.causes.iter().map(|cause| violation(about(), cause, target)).collect();
    }
    let about =
        about().observed(format!("{} files and directories, all of them", answer.looked_at));
    vec![about.decide(answer.gaps.first().map_or(Ok(true), |why| Err(why.clone())))]
}

fn violation(about: Assertion, cause: &Cause, target: &dyn Target) -> Assertion {
    let kind = if cause.fact.kind == FileKind::Directory { "directory" } else { "file" };
    let about = about
        .observed(cause.words(target))
        .seen([Evidence::file(&cause.component, &cause.fact)])
        .caused_by(Some(Subject::new(kind, text::path(&cause.component))));
    cause.repairs(target).into_iter().fold(about, Assertion::repair).fail()
}

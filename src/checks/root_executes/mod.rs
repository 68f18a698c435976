#![doc = include_str!("page.md")]

use super::controllers::{Allowed, controlled};
use super::sudo::several;
use crate::control::root;
use crate::facts::{Cause, Unknown};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{each, operand};
use crate::policy::operand::Principal;
use crate::rules::combine::Demand;
use crate::rules::compile::one_of;
use crate::rules::condition::{
    Condition, ConditionInfo, Form, infos, read_all, refuse_combinators,
};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Subject};
use std::cell::RefCell;

/// `root_executes:`
pub static ROOT_EXECUTES: SubjectKind = SubjectKind {
    key: "root_executes",
    value: "all",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: false,
    patterns: false,
    refers: None,
    compile,
};

/// What conditions see.
pub struct RootView {
    subject: Subject,
    found: RefCell<Vec<Assertion>>,
}

static CONDITIONS: &[Condition<RootView>] = &[Condition {
    info: ConditionInfo {
        name: "controlled_only_by",
        doc: "Nobody but these users, and root, could change anything of it or add to it.",
        form: Form::Words,
        example: "[root]",
    },
    read: |node, _, problems| {
        let users: Vec<Principal> = each(node, problems, operand);
        Some(Box::new(move |view, target| controlled_only_by(view, &users, target)))
    },
}];

fn controlled_only_by(view: &RootView, users: &[Principal], target: &dyn Target) -> Assertion {
    const NAME: &str = "controlled_only_by";
    let about = || Assertion::of(&view.subject, NAME);
    let allowed = match Allowed::of(users, target) {
        Ok(allowed) => allowed,
        Err(why) => return about().unknown(why),
    };
    let items = root::items(target);
    let mut answers = controlled(&view.subject, NAME, &items, &allowed, target).into_iter();
    let first = answers.next();
    view.found.borrow_mut().extend(answers);
    first.unwrap_or_else(|| {
        let why = Cause::Unsupported("there was no answer".into());
        about().unknown(Unknown::new(NAME, why))
    })
}

struct RootCheck {
    tests: Vec<Demand<RootView>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    problems.ok(one_of(&input.subject, &["all"]));
    refuse_combinators(&input.must, infos(CONDITIONS), problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(RootCheck { tests }))
}

impl Check for RootCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("root_executes", "all");
        let view = RootView { subject, found: RefCell::default() };
        several(&self.tests, &view, &view.found, target)
    }
}

#![doc = include_str!("page.md")]

use super::accounts::{all_listed, earned};
use crate::facts::Fact;
use crate::facts::account::Group;
use crate::facts::host::TargetKind;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{Expect, operand};
use crate::policy::operand::{Number, Principal, Text};
use crate::policy::set::SetOf;
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Evidence, Outcome, Subject};
use std::collections::BTreeSet;

/// `group:`
pub static GROUP: SubjectKind = SubjectKind {
    key: "group",
    value: "group name or gid",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// A group, as conditions see it.
pub struct GroupView {
    subject: Subject,
    group: Group,
}

static CONDITIONS: &[Condition<GroupView>] = &[
    Condition {
        info: ConditionInfo {
            name: "exists",
            doc: "There is such a group (true), or there is not (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| {
                about(view, "exists")
                    .expected(if wanted { "to exist" } else { "not to exist" })
                    .observed(format!("exists (gid {})", view.group.gid))
                    .decide(Ok(wanted))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "gid",
            doc: "Group id.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "33",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Number>::parse(node))?;
            Some(Box::new(move |view, _| {
                about(view, "gid")
                    .expected(expect.show())
                    .observed(view.group.gid.to_string())
                    .decide(Ok(expect.holds_for(view.group.gid.into())))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "members",
            doc: "Its members, those who have it as their primary group included; [] for none.",
            form: Form::Set,
            example: "{ only: [www-data] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("members", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| members(view, &wanted, target)))
        },
    },
];

struct GroupCheck {
    group: Principal,
    absent: Absent,
    says_existence: Option<bool>,
    tests: Vec<Demand<GroupView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let group = problems.ok(operand(&input.subject));
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    let says_existence =
        super::file::field(&input.must, "exists").and_then(|node| node.as_boolean());
    Some(Box::new(GroupCheck { group: group?, absent, says_existence, tests }))
}

impl Check for GroupCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("group", self.group.to_string());
        match crate::rules::identity::group(target, &self.group) {
            Ok(Some(group)) => {
                let view = GroupView { subject, group };
                self.tests.iter().map(|demand| demand.judge(&view, target)).collect()
            }
            Ok(None) => {
                let says = self.says_existence;
                if_missing(&subject, &self.tests, says, self.absent, target)
            }
            Err(why) => vec![Assertion::of(&subject, "exists").unknown(why)],
        }
    }
}

fn about(view: &GroupView, condition: &str) -> Assertion {
    let group = &view.group;
    Assertion::of(&view.subject, condition).seen([Evidence::account(
        &group.name,
        group.gid,
        group.origin,
    )])
}

/// The answers for an account that does not exist. A line that was not understood may be it.
pub fn if_missing<S>(
    subject: &Subject,
    demands: &[Demand<S>],
    says_existence: Option<bool>,
    absent: Absent,
    target: &dyn Target,
) -> Vec<Assertion> {
    let answers = super::file::if_missing(subject, demands, says_existence, absent);
    let complete = target.accounts().and_then(|accounts| match target.host().kind {
        // A host that runs has asked its name services for just this one.
        TargetKind::Host => earned(&accounts, true),
        TargetKind::Image => all_listed(&accounts, true),
    });
    match complete {
        Ok(_) => answers,
        Err(why) => answers
            .into_iter()
            .map(|answer| match answer.outcome {
                Outcome::Fail => answer,
                _ => answer.unknown(why.clone()),
            })
            .collect(),
    }
}

/// Everybody in a group: those it lists, those whose primary group it is, and members of other
/// lines with its id, since that is all that the kernel knows.
fn all_members(group: &Group, target: &dyn Target) -> Fact<BTreeSet<String>> {
    let accounts = target.accounts()?;
    let lines = accounts.groups.iter().filter(|line| line.gid == group.gid);
    let listed = lines.chain([group]).flat_map(|line| line.members.iter().cloned());
    let primary = accounts.users.iter().filter(|user| user.gid == group.gid);
    Ok(listed.chain(primary.map(|user| user.name.clone())).collect())
}

fn members(view: &GroupView, wanted: &SetOf<Expect<Text>>, target: &dyn Target) -> Assertion {
    let expected = format!("members: {}", wanted.show(Expect::show));
    let assertion = about(view, "members").expected(expected);
    let members: Vec<String> = match all_members(&view.group, target) {
        Ok(members) => members.into_iter().collect(),
        Err(why) => return assertion.unknown(why),
    };
    let judged = wanted.judge(&members, |expect, name| Ok(expect.holds_for(name)));
    let strangers: Vec<&str> =
        judged.strangers.iter().filter_map(|at| members.get(*at)).map(String::as_str).collect();
    let observed = match (members.is_empty(), strangers.as_slice()) {
        (true, _) => "no members".to_owned(),
        (false, []) => members.join(", "),
        (false, strangers) => format!("{} as well", strangers.join(", ")),
    };
    let assertion = assertion.offenders(strangers.iter().copied());
    // A line that was not understood may be a member that is missed.
    let holds = match judged.holds {
        Ok(holds) => target
            .accounts()
            .and_then(|all| all_listed(&all, holds || strangers.is_empty()))
            .map(|_| holds),
        unknown => unknown,
    };
    // So may an account of a service that is not listed, where a rule says who else may be in it.
    let holds = match (holds, wanted.is_open_ended(), crate::access::unlisted(target)) {
        (Ok(true), false, Ok(Some(why)) | Err(why)) => Err(why),
        (Ok(false), _, Ok(Some(why)) | Err(why)) if strangers.is_empty() => Err(why),
        (holds, ..) => holds,
    };
    assertion.observed(observed).decide(holds)
}

#![doc = include_str!("page.md")]

use super::files::{is_allowed, pattern, shown};
use super::setuid::View;
use crate::access::listing;
use crate::facts::file::FileKind;
use crate::facts::inventory::{Found, Tally};
use crate::facts::{Fact, Unknown, any};
use crate::host::Target;
use crate::inventory::inventory;
use crate::policy::Diagnostics;
use crate::policy::expect::Expect;
use crate::policy::node::Node;
use crate::policy::operand::Principal;
use crate::policy::service::absolute_path;
use crate::policy::set::only;
use crate::rules::combine::Demand;
use crate::rules::condition::{
    Condition, ConditionInfo, Form, infos, read_all, refuse_combinators,
};
use crate::rules::identity::{group_is, group_name, user_is, user_name};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::text::shell::quote_path;
use crate::verdict::{Assertion, Evidence, Outcome, Subject};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `tree:`
pub static TREE: SubjectKind = SubjectKind {
    key: "tree",
    value: "all, or a directory",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: false,
    patterns: false,
    refers: None,
    compile,
};

/// The most findings of one condition; beyond that they are counted.
const FINDINGS: usize = 200;

static CONDITIONS: &[Condition<View>] = &[
    Condition {
        info: ConditionInfo {
            name: "world_writable",
            doc: "Only these files, and directories without sticky bit, can be written by everybody; \
                  [] allows none.",
            form: Form::Only,
            example: "[]",
        },
        read: |node, _, problems| {
            let allowed = only("world_writable", node, problems, pattern)?;
            Some(Box::new(move |view, target| {
                let open = &view.inventory.world_writable;
                let strangers = open.iter().filter(|one| !is_allowed(&allowed, &one.path, target));
                view.found
                    .borrow_mut()
                    .extend(strangers.map(|one| open_to_all(one, &shown(&allowed))));
                let count = format!("{} of {} files", open.len(), view.inventory.entries);
                walked(view, "world_writable", shown(&allowed), count)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "unowned",
            doc: "false: every file has an owner and a group that there is.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            if problems.ok(node.boolean())? {
                problems.push(node.expected("false"));
                return None;
            }
            Some(Box::new(|view, target| {
                let user = |uid: u32| Ok(target.user_by_id(uid)?.is_some());
                let group = |gid: u32| Ok(target.group_by_id(gid)?.is_some());
                let expected = "an owner and a group that there is";
                owned(view, "unowned", expected, "owner", &view.inventory.owners, &user, &|uid| {
                    format!("uid {uid}, which no account has")
                });
                owned(view, "unowned", expected, "group", &view.inventory.groups, &group, &|gid| {
                    format!("gid {gid}, which no group has")
                });
                walked(
                    view,
                    "unowned",
                    expected.into(),
                    format!("{} files", view.inventory.entries),
                )
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "owners",
            doc: "Every file belongs to one of these users.",
            form: Form::Only,
            example: "{ only: [root, www-data] }",
        },
        read: |node, _, problems| {
            let users: Vec<Expect<Principal>> = only("owners", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| {
                let is = |uid: u32| any(users.iter().map(|user| user_is(target, user, uid)));
                let words = list(&users);
                let owners = &view.inventory.owners;
                owned(view, "owners", &words, "owner", owners, &is, &|uid| user_name(target, uid));
                walked(view, "owners", words, format!("{} files", view.inventory.entries))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "groups",
            doc: "Every file belongs to one of these groups.",
            form: Form::Only,
            example: "{ only: [root, adm] }",
        },
        read: |node, _, problems| {
            let groups: Vec<Expect<Principal>> = only("groups", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| {
                let is = |gid: u32| any(groups.iter().map(|group| group_is(target, group, gid)));
                let words = list(&groups);
                let found = &view.inventory.groups;
                owned(view, "groups", &words, "group", found, &is, &|gid| group_name(target, gid));
                walked(view, "groups", words, format!("{} files", view.inventory.entries))
            }))
        },
    },
];

fn list(of: &[Expect<Principal>]) -> String {
    format!("one of {}", of.iter().map(Expect::show).collect::<Vec<_>>().join(", "))
}

fn open_to_all(one: &Found, expected: &str) -> Assertion {
    let path = quote_path(&one.path);
    let directory = one.fact.kind == FileKind::Directory;
    let assertion = Assertion::of(&Subject::new("file", text::path(&one.path)), "world_writable")
        .expected(format!("writable by everybody {expected}"))
        .observed(listing(&one.fact))
        .seen([Evidence::file(&one.path, &one.fact)])
        .repair(format!("chmod o-w {path}"));
    match directory {
        true => assertion.repair(format!("chmod +t {path} # where everybody has to write there")),
        false => assertion,
    }
    .fail()
}

/// A violation for each owner or group that may not be one.
fn owned(
    view: &View,
    condition: &str,
    expected: &str,
    kind: &'static str,
    tallies: &BTreeMap<u32, Tally>,
    may: &dyn Fn(u32) -> Fact<bool>,
    name: &dyn Fn(u32) -> String,
) {
    for (id, tally) in tallies {
        let subject =
            Subject::new(kind, format!("{} in {}", name(*id), text::path(&view.inventory.place)));
        let first: Vec<String> = tally.first.iter().take(3).map(|path| text::path(path)).collect();
        let more = if tally.count as usize > first.len() { ", …" } else { "" };
        let plural = if tally.count == 1 { "file" } else { "files" };
        let assertion = Assertion::of(&subject, condition).expected(expected).observed(format!(
            "{}: {} {plural} ({}{more})",
            name(*id),
            tally.count,
            first.join(", ")
        ));
        let option = if kind == "owner" { "-uid" } else { "-gid" };
        let place = quote_path(&view.inventory.place);
        match may(*id) {
            Ok(true) => {}
            Ok(false) => view.found.borrow_mut().push(
                assertion
                    .repair(format!("find {place} -xdev {option} {id} -ls # whose are they?"))
                    .fail(),
            ),
            Err(why) => view.found.borrow_mut().push(assertion.unknown(why)),
        }
    }
}

/// The answer where nothing was found: it holds, if everything could be seen.
pub(super) fn walked(view: &View, condition: &str, expected: String, seen: String) -> Assertion {
    let out: Vec<String> = view
        .inventory
        .left_out
        .iter()
        .map(|(path, why)| format!("{} ({why})", text::path(path)))
        .collect();
    let observed =
        if out.is_empty() { seen } else { format!("{seen}; left out: {}", out.join(", ")) };
    let unread = view.inventory.unread.first();
    Assertion::of(&view.subject, condition)
        .expected(expected)
        .observed(observed)
        .decide(unread.map_or(Ok(true), |why| Err(why.clone())))
}

/// Reads what a rule of this kind is about.
pub(super) fn place(node: &Node, problems: &mut Diagnostics) -> Option<PathBuf> {
    if node.text("").is_ok_and(|text| text == "all") {
        return Some(PathBuf::from("/"));
    }
    let path = absolute_path(node).map_err(|_| node.expected("`all`, or an absolute path"));
    problems.ok(path).map(|path| path.components().collect())
}

/// The answers to all conditions of a rule about a place.
pub(super) fn answers(
    kind: &'static str,
    place: &Path,
    tests: &[Demand<View>],
    target: &dyn Target,
) -> Vec<Assertion> {
    let name = if place == Path::new("/") { "all".to_owned() } else { text::path(place) };
    let subject = Subject::new(kind, name);
    let unseen = |why: Unknown| -> Vec<Assertion> {
        let about = |test: &Demand<View>| Assertion::of(&subject, test.name());
        tests.iter().map(|test| about(test).unknown(why.clone())).collect()
    };
    let inventory = match inventory(target, place) {
        Ok(Some(inventory)) => inventory,
        Ok(None) => {
            let exists = Assertion::of(&subject, "exists").expected("a directory");
            return vec![exists.observed("there is none").fail()];
        }
        Err(why) => return unseen(why),
    };
    let view = View { subject, inventory, found: RefCell::default() };
    let mut all = Vec::new();
    for test in tests {
        let answer = test.judge(&view, target);
        let mut found = view.found.take();
        // What was not seen may be a further violation; those that were seen are told anyway.
        if found.is_empty() || answer.outcome != Outcome::Pass {
            all.push(answer);
        }
        let more = found.len().saturating_sub(FINDINGS);
        found.truncate(FINDINGS);
        all.extend(found);
        if more > 0 {
            let further = Assertion::of(&view.subject, test.name());
            all.push(further.observed(format!("and {more} more")).expected("none").fail());
        }
    }
    all
}

struct TreeCheck {
    place: PathBuf,
    tests: Vec<Demand<View>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let place = place(&input.subject, problems);
    refuse_combinators(&input.must, infos(CONDITIONS), problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(TreeCheck { place: place?, tests }))
}

impl Check for TreeCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        answers("tree", &self.place, &self.tests, target)
    }

    fn walks(&self) -> Vec<PathBuf> {
        vec![self.place.clone()]
    }
}

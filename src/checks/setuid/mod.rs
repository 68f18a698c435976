#![doc = include_str!("page.md")]

use super::controllers::{Allowed as Controllers, controlled};
use super::files::{is_allowed, pattern, shown};
use super::tree::{answers, place, walked};
use crate::control::person::gives_a_shell;
use crate::control::{Items, functions};
use crate::facts::inventory::{Formerly, Found, Inventory, Privileges};
use crate::facts::{Cause, Unknown, capability};
use crate::formats::packages::owners::owners;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{each, operand};
use crate::policy::operand::Principal;
use crate::rules::combine::Demand;
use crate::rules::condition::{
    Condition, ConditionInfo, Form, infos, only_true, read_all, refuse_combinators,
};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::text::shell::quote_path;
use crate::verdict::{Assertion, Evidence, Outcome, Subject};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `setuid:`
pub static SETUID: SubjectKind = SubjectKind {
    key: "setuid",
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

/// What conditions see.
pub struct View {
    pub(super) subject: Subject,
    pub(super) inventory: Arc<Inventory>,
    /// Violations that a condition found, a finding each.
    pub(super) found: RefCell<Vec<Assertion>>,
}

static CONDITIONS: &[Condition<View>] = &[
    Condition {
        info: ConditionInfo {
            name: "only",
            doc: "Only these files are setuid, setgid or have capabilities; [] allows none.",
            form: Form::Words,
            example: "[/usr/bin/su, /usr/bin/passwd]",
        },
        read: |node, _, problems| {
            let allowed = each(node, problems, pattern);
            Some(Box::new(move |view, target| {
                let all = view.inventory.privileged.iter();
                let strangers = all.filter(|one| !is_allowed(&allowed, &one.path, target));
                let violation = |one: &Found| {
                    about(one, "only")
                        .expected(format!("setuid, setgid or capabilities {}", shown(&allowed)))
                        .fail()
                };
                view.found.borrow_mut().extend(strangers.map(violation));
                all_seen(view, "only", shown(&allowed), counted(view, "in the list"))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "packaged",
            doc: "Each of these files belongs to an installed package.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, target| packaged(view, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "in_baseline",
            doc: "Each of these files was so when the baseline of `spotcheck baseline create` was \
                  taken: owner, group, setuid, setgid and capabilities.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, target| in_baseline(view, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "shells",
            doc: "false: none of these files gives a shell or writes any file by its own means, or \
                  has a capability that amounts to root.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            if problems.ok(node.boolean())? {
                problems.push(node.expected("false"));
                return None;
            }
            Some(Box::new(|view, target| {
                let expected = "nothing that gives its rights away";
                for one in &view.inventory.privileged {
                    if let Some(why) = gives_a_shell(target, one) {
                        let words = format!("{why}; {}", words(one));
                        let finding = about(one, "shells").expected(expected).observed(words);
                        view.found.borrow_mut().push(finding.fail());
                    }
                }
                all_seen(view, "shells", expected.into(), counted(view, "keep their rights"))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "controlled_only_by",
            doc: "Nobody but these users, and root, could change one of these files or replace it.",
            form: Form::Words,
            example: "[root]",
        },
        read: |node, _, problems| {
            let users: Vec<Principal> = each(node, problems, operand);
            Some(Box::new(move |view, target| {
                const NAME: &str = "controlled_only_by";
                let allowed = match Controllers::of(&users, target) {
                    Ok(allowed) => allowed,
                    Err(why) => return Assertion::of(&view.subject, NAME).unknown(why),
                };
                let mut items = Items::default();
                for one in &view.inventory.privileged {
                    // Its owner could not give it more rights than they have.
                    items.add_but_for_owner(&one.path, words(one), one.fact.uid);
                }
                items.unread.extend(view.inventory.unread.iter().cloned());
                items.unread.extend(unwalked(view));
                let mut answers =
                    controlled(&view.subject, NAME, &items, &allowed, target).into_iter();
                let first = answers.next();
                view.found.borrow_mut().extend(answers);
                first.unwrap_or_else(|| all_seen(view, NAME, String::new(), String::new()))
            }))
        },
    },
];

/// What is special about a file: `setuid root`, `cap_net_raw`.
fn words(one: &Found) -> String {
    let mut words = Vec::new();
    for (bit, word, id) in [(0o4000, "setuid", one.fact.uid), (0o2000, "setgid", one.fact.gid)] {
        if one.fact.mode.0 & bit != 0 {
            words.push(if id == 0 { format!("{word} root") } else { format!("{word} {id}") });
        }
    }
    match &one.capabilities {
        Ok(Some(held)) => {
            let mut text = capability::show(held.permitted | held.inheritable);
            if let Some(root) = held.root.filter(|id| *id != 0) {
                text.push_str(&format!(" (for the user namespace whose root is uid {root})"));
            }
            words.push(text);
        }
        Ok(None) => {}
        Err(why) => words.push(why.to_string()),
    }
    if one.nosuid {
        words.push("without effect, mounted nosuid".to_owned());
    }
    words.join(", ")
}

fn about(one: &Found, condition: &str) -> Assertion {
    let subject = Subject::new("file", text::path(&one.path));
    let path = quote_path(&one.path);
    let mut assertion = Assertion::of(&subject, condition)
        .observed(format!("{}, mode {}", words(one), one.fact.mode))
        .seen([Evidence::file(&one.path, &one.fact)]);
    if one.fact.mode.0 & 0o6000 != 0 {
        assertion = assertion.repair(format!("chmod u-s,g-s {path}"));
    }
    if one.capabilities != Ok(None) {
        assertion = assertion.repair(format!("setcap -r {path}"));
    }
    assertion
}

fn counted(view: &View, words: &str) -> String {
    let count = view.inventory.privileged.len();
    format!("{count} of {} files, all {words}", view.inventory.entries)
}

fn packaged(view: &View, target: &dyn Target) -> Assertion {
    let paths: BTreeSet<PathBuf> =
        view.inventory.privileged.iter().map(|one| one.path.clone()).collect();
    let expected = "belongs to an installed package";
    let owned = match owners(target, &paths) {
        Ok(owned) => owned,
        Err(why) => {
            let assertion = Assertion::of(&view.subject, "packaged").expected(expected);
            return match paths.is_empty() {
                true => all_seen(view, "packaged", expected.into(), "there are none".into()),
                false => assertion.unknown(why),
            };
        }
    };
    let dpkg = matches!(target.file(Path::new("/var/lib/dpkg/status")), Ok(Some(_)));
    let overrides = match target.read(Path::new("/var/lib/dpkg/statoverride")) {
        Ok(content) => content.unwrap_or_default(),
        Err(why) => {
            return Assertion::of(&view.subject, "packaged").expected(expected).unknown(why);
        }
    };
    for one in &view.inventory.privileged {
        if dpkg && owned.contains_key(&one.path) && !is_meant(one, &overrides) {
            let assertion = about(one, "packaged").expected(expected);
            let observed = format!("{}; its package does not give it these", assertion.observed);
            view.found.borrow_mut().push(assertion.observed(observed).fail());
        }
        if !owned.contains_key(&one.path) {
            let assertion = about(one, "packaged").expected(expected);
            let observed = format!("{}; no package has it", assertion.observed);
            view.found.borrow_mut().push(assertion.observed(observed).fail());
        }
    }
    all_seen(view, "packaged", expected.into(), counted(view, "of packages"))
}

/// Whether a program's rights are those that some package gives a program of that name, or that the
/// administrator has told dpkg (`statoverride`). dpkg itself keeps no modes.
fn is_meant(one: &Found, overrides: &[u8]) -> bool {
    let name = one.path.file_name().unwrap_or_default().to_string_lossy();
    let path = text::path(&one.path);
    let overridden = String::from_utf8_lossy(overrides).lines().any(|line| {
        let mut words = line.split_whitespace().skip(2);
        let privileged = words.next().is_some_and(|mode| mode.len() == 4 && !mode.starts_with('0'));
        privileged && words.next() == Some(&path)
    });
    functions::is_shipped(&name) || overridden
}

/// The answer where nothing was found: it holds, if every place was looked at in which such a program
/// has an effect.
fn all_seen(view: &View, condition: &str, expected: String, seen: String) -> Assertion {
    let answer = walked(view, condition, expected, seen);
    match unwalked(view) {
        Some(why) if answer.outcome == Outcome::Pass => answer.unknown(why),
        _ => answer,
    }
}

/// A place where programs may give rights that nobody has seen.
fn unwalked(view: &View) -> Option<Unknown> {
    let why = "a filesystem that is not walked, and not mounted nosuid";
    let place = view.inventory.unwalked_rights.first()?;
    Some(Unknown::new(text::path(place), Cause::Unsupported(why.into())))
}

fn in_baseline(view: &View, target: &dyn Target) -> Assertion {
    const NAME: &str = "in_baseline";
    let expected = "as in the baseline";
    let all = &view.inventory.privileged;
    let paths: Vec<PathBuf> = all.iter().map(|one| one.path.clone()).collect();
    let known = match crate::host::before::formerly(target, &view.inventory.place, &paths) {
        Ok(known) if known.len() == all.len() => known,
        Ok(_) => {
            let why = Cause::Malformed("it was asked about other files".into());
            let why = Unknown::new("baseline", why);
            return Assertion::of(&view.subject, NAME).expected(expected).unknown(why);
        }
        Err(why) => return Assertion::of(&view.subject, NAME).expected(expected).unknown(why),
    };
    for (one, before) in all.iter().zip(known) {
        let finding = about(one, NAME).expected(expected);
        let observed = finding.observed.clone();
        view.found.borrow_mut().push(match before {
            Formerly::Was(before) if gives_more(one, &before) => {
                finding.observed(format!("{observed}; it was {}", former_words(&before))).fail()
            }
            Formerly::Was(_) => continue,
            Formerly::Absent => finding.observed(format!("{observed}; it was not there")).fail(),
            Formerly::NotSeen(why) => finding.unknown(why),
        });
    }
    all_seen(view, NAME, expected.into(), counted(view, "as in the baseline"))
}

/// Whether a file gives other rights than it did, or to more people. One that gives fewer is no
/// danger.
fn gives_more(one: &Found, before: &Privileges) -> bool {
    const RIGHTS: u16 = 0o6111;
    const OF_GROUP: u16 = 0o2010;
    let mode = one.fact.mode.0;
    let capable = match (&one.capabilities, &before.capabilities) {
        (Ok(Some(now)), Some(then)) => now != then,
        (Ok(Some(_)), None) => true,
        // What could not be read makes the whole answer unknown.
        (Ok(None) | Err(_), _) => false,
    };
    mode & RIGHTS & !before.mode.0 != 0
        || one.fact.uid != before.uid
        || (mode & OF_GROUP != 0 && one.fact.gid != before.gid)
        || capable
}

fn former_words(before: &Privileges) -> String {
    let held = before.capabilities.map(|held| capability::show(held.permitted | held.inheritable));
    let held = held.map(|held| format!(", {held}")).unwrap_or_default();
    format!("mode {}, owner {}, group {}{held}", before.mode, before.uid, before.gid)
}

struct SetuidCheck {
    place: PathBuf,
    tests: Vec<Demand<View>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let place = place(&input.subject, problems);
    refuse_combinators(&input.must, infos(CONDITIONS), problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(SetuidCheck { place: place?, tests }))
}

impl Check for SetuidCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        answers("setuid", &self.place, &self.tests, target)
    }

    fn walks(&self) -> Vec<PathBuf> {
        vec![self.place.clone()]
    }
}

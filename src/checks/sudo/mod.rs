#![doc = include_str!("page.md")]

use super::controllers::{Allowed as Controllers, controlled};
use crate::control::granted::{items, loads_code};
use crate::control::shells;
use crate::control::sudo::{Allowed, allowed, command_words};
use crate::facts::Fact;
use crate::facts::settings::Location;
use crate::facts::sudo::Sudoers;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{Expect, each, operand};
use crate::policy::node::Node;
use crate::policy::operand::{Principal, Text};
use crate::policy::set::only;
use crate::rules::combine::Demand;
use crate::rules::compile::one_of;
use crate::rules::condition::{
    Condition, ConditionInfo, Form, infos, read_all, refuse_combinators,
};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text::shell::quote_path;
use crate::verdict::{Assertion, Evidence, Outcome, Subject};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// `sudo:`
pub static SUDO: SubjectKind = SubjectKind {
    key: "sudo",
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
pub struct SudoView {
    subject: Subject,
    sudoers: Arc<Sudoers>,
    found: RefCell<Vec<Assertion>>,
}

static CONDITIONS: &[Condition<SudoView>] = &[
    Condition {
        info: ConditionInfo {
            name: "root",
            doc: "Only these users may run everything, a shell, or any program of a directory as \
                  root; [] allows nobody but root.",
            form: Form::Only,
            example: "{ only: [deploy] }",
        },
        read: |node, _, problems| {
            let users: Vec<Expect<Text>> = only("root", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| {
                let expected = format!("root through sudo only for [{}]", shown(&users));
                each_grant(view, "root", &expected, target, &|one| {
                    if !one.as_root || !one.is_unlimited() {
                        return None;
                    }
                    strangers(one, one.others(target), true, &users)
                })
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "without_password",
            doc: "Only these users may run anything as root without being asked for a password \
                  (NOPASSWD, !authenticate).",
            form: Form::Only,
            example: "[]",
        },
        read: |node, _, problems| {
            let users: Vec<Expect<Text>> = only("without_password", node, problems, Expect::parse)?;
            Some(Box::new(move |view, target| {
                let expected = format!("no password asked only of [{}]", shown(&users));
                each_grant(view, "without_password", &expected, target, &|one| {
                    if !one.as_root {
                        return None;
                    }
                    strangers(one, one.open_to(target), one.open_to_unlisted, &users)
                })
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "negations",
            doc: "false: no command is taken out of ALL or of a directory: a copy of it under \
                  another name is not taken out.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, target| {
                each_grant(view, "negations", "no command taken out with !", target, &|one| {
                    let wide = one.is_unlimited() && one.as_root;
                    let out = one.commands.iter().filter(|command| command.negated);
                    let out: Vec<String> = out.map(command_words).collect();
                    (wide && !out.is_empty()).then(|| Ok(out.join(", ")))
                })
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "wildcards",
            doc: "false: no command of root's has a wildcard: in arguments it matches spaces and \
                  slashes, and so further arguments. A regular expression counts where it lets \
                  through any characters, such as .* and [^/]+.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, target| {
                each_grant(view, "wildcards", "no wildcard in a command", target, &|one| {
                    let open = |word: &str| match word.starts_with('^') {
                        true => shells::is_open_expression(word),
                        false => word.contains(['*', '?', '[']),
                    };
                    let wild = |command: &&crate::facts::sudo::Member| {
                        !command.negated && of_patterns(&command.text).into_iter().any(open)
                    };
                    let wild: Vec<String> =
                        one.commands.iter().filter(wild).map(command_words).collect();
                    (one.as_root && !wild.is_empty()).then(|| Ok(wild.join(", ")))
                })
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "shell_escapes",
            doc: "false: no single command of root's gives a shell or writes any file by its own \
                  means: editors, pagers, interpreters, tar, find, systemctl and others, unless NOEXEC.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(|view, target| {
                let expected = "no command that gives a shell";
                each_grant(view, "shell_escapes", expected, target, &|one| {
                    if !one.as_root || one.is_unlimited() {
                        return None;
                    }
                    let found: Vec<String> =
                        one.shell_escapes().into_iter().map(command_words).collect();
                    (!found.is_empty()).then(|| Ok(found.join(", ")))
                })
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "loader_variables",
            doc: "false: no variable is kept or may be set that decides what code root's programs \
                  load: env_keep with LD_*, !env_reset, setenv.",
            form: Form::OneOf(&["false"]),
            example: "false",
        },
        read: |node, _, problems| {
            only_false(node, problems)?;
            Some(Box::new(loader_variables))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "controlled_only_by",
            doc: "Nobody but these users, and root, could change sudo's files, the programs that \
                  may be run as root, or a directory of secure_path.",
            form: Form::Words,
            example: "[root]",
        },
        read: |node, _, problems| {
            let users: Vec<Principal> = each(node, problems, operand);
            Some(Box::new(move |view, target| controlled_only_by(view, &users, target)))
        },
    },
];

fn only_false(node: &Node, problems: &mut Diagnostics) -> Option<()> {
    if problems.ok(node.boolean())? {
        problems.push(node.expected("false"));
        return None;
    }
    Some(())
}

fn shown(users: &[Expect<Text>]) -> String {
    users.iter().map(Expect::show).collect::<Vec<_>>().join(", ")
}

/// Those who have a grant and are neither root nor named by the rule; or why there may be some. A rule
/// that names a group as sudoers does (`%ops`) allows whoever is in it.
fn strangers(
    one: &Allowed,
    who: BTreeSet<String>,
    unlisted: bool,
    users: &[Expect<Text>],
) -> Option<Fact<String>> {
    let fits = |name: &String| users.iter().any(|expect| expect.holds_for(name));
    let others: Vec<String> = who.into_iter().filter(|name| !fits(name)).collect();
    if others.is_empty() {
        let mut unlisted = one.unlisted.iter().filter(|(group, _)| unlisted && !fits(group));
        return unlisted.next().map(|(_, why)| Err(why.clone()));
    }
    Some(Ok(format!("{} may run {}", others.join(", "), one.words())))
}

fn line(at: &Location, words: &str) -> Evidence {
    Evidence::line(&at.file, at.line, words)
}

/// A violation for each grant of which there is something to say.
fn each_grant(
    view: &SudoView,
    condition: &str,
    expected: &str,
    target: &dyn Target,
    wrong: &dyn Fn(&Allowed) -> Option<Fact<String>>,
) -> Assertion {
    let all = match allowed(target, &view.sudoers) {
        Ok(all) => all,
        Err(why) => return Assertion::of(&view.subject, condition).unknown(why),
    };
    let mut gap = None;
    for one in &all {
        let known = !one.others(target).is_empty();
        let unlisted = one.unlisted.values().next();
        if !known && unlisted.is_none() {
            continue;
        }
        let found = wrong(one).map(|found| match (known, unlisted) {
            // Whether anybody has it cannot be told.
            (false, Some(why)) => found.and(Err(why.clone())),
            _ => found,
        });
        if let Some(Err(why)) = &found {
            gap.get_or_insert_with(|| why.clone());
        }
        if let Some(Ok(words)) = found {
            let who: Vec<&str> = one.grant.users.iter().map(|user| user.text.as_str()).collect();
            let subject = Subject::new("sudo", who.join(", "));
            let at = &one.grant.at;
            view.found.borrow_mut().push(
                Assertion::of(&subject, condition)
                    .expected(expected)
                    .observed(format!("{words} ({at})"))
                    .seen([line(at, &one.words())])
                    .repair(format!("visudo -f {} # line {}", quote_path(&at.file), at.line))
                    .fail(),
            );
        }
    }
    let answer = sound(view, condition, expected, format!("{} grants", all.len()));
    match gap {
        Some(why) => answer.unknown(why),
        None => answer,
    }
}

/// The answer where nothing was found.
fn sound(view: &SudoView, condition: &str, expected: &str, seen: String) -> Assertion {
    let unread = view.sudoers.unread.first();
    let files = view.sudoers.files.iter().map(|file| Evidence::line(file, 0, "read"));
    Assertion::of(&view.subject, condition)
        .expected(expected)
        .observed(seen)
        .seen(files)
        .decide(unread.map_or(Ok(true), |why| Err(why.clone())))
}

fn loader_variables(view: &SudoView, _: &dyn Target) -> Assertion {
    const NAME: &str = "loader_variables";
    let expected = "no variable that decides what code is loaded";
    let mut wrong: Vec<(&Location, String)> = Vec::new();
    for one in &view.sudoers.defaults {
        let value = one.value.as_deref().unwrap_or_default();
        match one.name.as_str() {
            "env_keep" | "env_check" if one.operator != "-=" && !one.negated => {
                let names = value.split_whitespace().filter(|name| loads_code(name));
                wrong.extend(names.map(|name| (&one.at, format!("{} {name}", one.name))));
            }
            "env_reset" if one.negated => wrong.push((&one.at, "!env_reset".to_owned())),
            "setenv" if !one.negated => wrong.push((&one.at, "setenv".to_owned())),
            _ => {}
        }
    }
    for one in &view.sudoers.grants {
        // ALL means SETENV, too, and everything else.
        if one.command.text != "ALL" && one.tags.iter().any(|tag| tag == "SETENV") {
            wrong.push((&one.at, format!("SETENV: {}", one.command.text)));
        }
    }
    for (at, words) in wrong {
        let subject = Subject::new("sudo", words.clone());
        view.found.borrow_mut().push(
            Assertion::of(&subject, NAME)
                .expected(expected)
                .observed(format!("{words} ({at})"))
                .seen([line(at, &words)])
                .repair(format!("visudo -f {} # line {}", quote_path(&at.file), at.line))
                .fail(),
        );
    }
    sound(view, NAME, expected, "none".into())
}

fn controlled_only_by(view: &SudoView, users: &[Principal], target: &dyn Target) -> Assertion {
    const NAME: &str = "controlled_only_by";
    let about = || Assertion::of(&view.subject, NAME);
    let (allowed_users, grants) =
        match (Controllers::of(users, target), allowed(target, &view.sudoers)) {
            (Ok(users), Ok(grants)) => (users, grants),
            (Err(why), _) | (_, Err(why)) => return about().unknown(why),
        };
    let items = items(&view.sudoers, &grants, target);
    let mut answers = controlled(&view.subject, NAME, &items, &allowed_users, target).into_iter();
    let first = answers.next();
    view.found.borrow_mut().extend(answers);
    first.unwrap_or_else(|| sound(view, NAME, "", String::new()))
}

/// The words of a command in which sudo looks for patterns. A single `^…$` behind the path is one
/// expression, spaces and all.
fn of_patterns(command: &str) -> Vec<&str> {
    match command.split_once(" ^") {
        Some((path, _)) => {
            let rest = command.get(path.len() + 1..).unwrap_or_default();
            path.split_whitespace().chain([rest]).collect()
        }
        None => command.split_whitespace().collect(),
    }
}

struct SudoCheck {
    tests: Vec<Demand<SudoView>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    problems.ok(one_of(&input.subject, &["all"]));
    refuse_combinators(&input.must, infos(CONDITIONS), problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(SudoCheck { tests }))
}

impl Check for SudoCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let sudoers = crate::formats::sudoers::rules(target);
        let view =
            SudoView { subject: Subject::new("sudo", "all"), sudoers, found: RefCell::default() };
        several(&self.tests, &view, &view.found, target)
    }
}

/// The answers to conditions that find several violations.
pub(super) fn several<V>(
    tests: &[Demand<V>],
    view: &V,
    found: &RefCell<Vec<Assertion>>,
    target: &dyn Target,
) -> Vec<Assertion> {
    let mut all = Vec::new();
    for test in tests {
        let answer = test.judge(view, target);
        let found = found.take();
        if found.is_empty() || answer.outcome != Outcome::Pass {
            all.push(answer);
        }
        all.extend(found);
    }
    all
}

//! What a rule may demand of a file.

use crate::access::Permission;
use crate::checks::file::access::{could, users_only};
use crate::checks::file::content::{Digest, contains, multi_line, not_contains, patterns, sha256};
use crate::checks::file::writers::writable_only_by;
use crate::checks::file::{FileView, link_words};
use crate::facts::file::FileFact;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, Term, each, each_of_some};
use crate::policy::mode::ModeExpectation;
use crate::policy::operand::{Principal, Size, Text};
use crate::rules::compile::some_of;
use crate::rules::condition::{Condition, ConditionInfo, Form};
use crate::rules::identity::{group_id, group_is, group_name, missing_user, user_is, user_name};
use crate::rules::repair_guard::is_open;
use crate::text::{self, shell};
use crate::verdict::{Assertion, Evidence};
use regex::Regex;
use std::path::Path;

const KINDS: &[&str] =
    &["file", "directory", "symlink", "socket", "fifo", "block_device", "char_device"];

/// The conditions of `file:`.
pub static CONDITIONS: &[Condition<FileView>] = &[
    Condition {
        info: ConditionInfo {
            name: "exists",
            doc: "There is such a file (true), or there is not (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| exists(view, wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "type",
            doc: "Type of the path itself, symbolic links not followed.",
            form: Form::SomeOf(KINDS),
            example: "file",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(some_of(node, KINDS))?;
            Some(Box::new(move |view, _| {
                let found = view.link.kind.name();
                about(view, "type", &view.path, &view.link)
                    .expected(wanted.show())
                    .observed(found)
                    .decide(Ok(wanted.holds_for(found)))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "owner",
            doc: "Owner, by name or id.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "root",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                let (path, file) = file_of(view);
                let holds = user_is(target, &expect, file.uid);
                let mut observed = user_name(target, file.uid);
                if holds == Ok(false)
                    && let Some(name) = missing_user(target, &expect)
                {
                    observed.push_str(&format!("; there is no user {name} here"));
                }
                let led = led_by_others(view, target);
                let assertion = about(view, "owner", path, file).expected(expect.show());
                match led.filter(|_| holds != Ok(false)) {
                    Some(why) => {
                        let link = Evidence::file(&view.path, &view.link);
                        assertion.observed(format!("{observed}, but {why}")).seen([link]).fail()
                    }
                    None => assertion.observed(observed).decide(holds).repaired_by(|| chown(view)),
                }
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "group",
            doc: "Group, by name or id.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "root",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                let (path, file) = file_of(view);
                let holds = group_is(target, &expect, file.gid);
                let mut observed = group_name(target, file.gid);
                if holds == Ok(false)
                    && let Some(Principal::Name(name)) = expect.wanted()
                    && group_id(target, &Principal::Name(name.clone())) == Ok(None)
                {
                    observed.push_str(&format!("; there is no group {name} here"));
                }
                let led = led_by_others(view, target);
                let assertion = about(view, "group", path, file).expected(expect.show());
                match led.filter(|_| holds != Ok(false)) {
                    Some(why) => {
                        let link = Evidence::file(&view.path, &view.link);
                        assertion.observed(format!("{observed}, but {why}")).seen([link]).fail()
                    }
                    None => assertion.observed(observed).decide(holds).repaired_by(|| chown(view)),
                }
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "mode",
            doc: "Permission bits: exact (\"0640\"), as chmod writes them (\"u+rw,o-w\": must have, \
                  must not have), or { at_most: \"0640\" }, { at_least: \"0400\" }.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "\"u+rw,o-w\"",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<ModeExpectation>::parse(node))?;
            if always_holds(&expect) {
                problems.push(
                    Diagnostic::at(&node.span, "every mode is within this bound")
                        .help("name the bits: at_most: \"0644\", at_least: \"u+r\""),
                );
                return None;
            }
            Some(Box::new(move |view, _| mode(view, &expect)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "readable_by",
            doc: "This user could open it for reading, decided as the kernel does along the whole \
                  path; a list names users each of whom could, { not: … } users none of whom could.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "nginx",
        },
        read: |node, _, problems| {
            users_only(node, 'r', problems);
            let users = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                could(view, "readable_by", &users, Permission::Read, target)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "writable_by",
            doc: "This user could open it for writing, decided likewise; lists and { not: … } mean \
                  the same as for readable_by.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "{ not: www-data }",
        },
        read: |node, _, problems| {
            users_only(node, 'w', problems);
            let users = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                could(view, "writable_by", &users, Permission::Write, target)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "executable_by",
            doc: "This user could execute it, or enter it where it is a directory, decided likewise; \
                  lists and { not: … } mean the same as for readable_by.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "app",
        },
        read: |node, _, problems| {
            users_only(node, 'x', problems);
            let users = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| {
                could(view, "executable_by", &users, Permission::Execute, target)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "writable_only_by",
            doc: "Nobody but these users, and root, could write it: owner, group members, ACL \
                  entries and others are looked at.",
            form: Form::Words,
            example: "[root, deploy]",
        },
        read: |node, _, problems| {
            users_only(node, 'w', problems);
            let users: Vec<Principal> = each(node, problems, crate::policy::expect::operand);
            Some(Box::new(move |view, target| writable_only_by(view, &users, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "target",
            doc: "What the symbolic link points to, as stored in it.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "/etc/nginx/sites-available/default",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                let found = view.link.link_target.as_deref().map(text::path);
                let holds = found.as_deref().is_some_and(|found| expect.holds_for(found));
                about(view, "target", &view.path, &view.link)
                    .expected(format!("a symbolic link to {}", expect.show()))
                    .observed(
                        found.map_or("not a symbolic link".into(), |to| format!("link to {to}")),
                    )
                    .decide(Ok(holds))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "size",
            doc: "Size in bytes; K, M and G are powers of 1024.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_most: 10M }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Size>::parse(node))?;
            Some(Box::new(move |view, _| {
                let (path, file) = file_of(view);
                about(view, "size", path, file)
                    .expected(expect.show())
                    .observed(format!("{} bytes", file.size))
                    .decide(Ok(expect.holds_for(file.size)))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "sha256",
            doc: "SHA-256 of its content, in hexadecimal.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Digest>::parse(node))?;
            Some(Box::new(move |view, target| sha256(view, &expect, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "contains",
            doc: "This regular expression matches somewhere in its content (^ and $ match at lines). \
                  Several are a set: { all: [...] }, { any: [...] } or { none: [...] }.",
            form: Form::Patterns,
            example: "'^root:'",
        },
        read: |node, _, problems| {
            let wanted = patterns(node, problems)?;
            Some(Box::new(move |view, target| contains(view, &wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "not_contains",
            doc: "None of these regular expressions matches anywhere in its content.",
            form: Form::Words,
            example: "'^\\+'",
        },
        read: |node, _, problems| {
            let patterns: Vec<Regex> = each_of_some(node, problems, multi_line);
            Some(Box::new(move |view, target| not_contains(view, &patterns, target)))
        },
    },
];

/// Begins an assertion about a file, with it as evidence.
pub(crate) fn about(view: &FileView, condition: &str, path: &Path, file: &FileFact) -> Assertion {
    Assertion::of(&view.subject, condition).seen([Evidence::file(path, file)])
}

/// The file that a view leads to; for a link that leads nowhere, which only conditions about the
/// link itself are asked of, the link.
pub(crate) fn file_of(view: &FileView) -> (&Path, &FileFact) {
    match &view.file {
        Some((path, file)) => (path, file),
        None => (&view.path, &view.link),
    }
}

fn exists(view: &FileView, wanted: bool) -> Assertion {
    let found = view.file.is_some();
    let observed = match &view.file {
        Some((_, file)) => format!("exists ({})", file.kind.name()),
        None => format!("a symbolic link to {}, which does not exist", link_words(&view.link)),
    };
    about(view, "exists", &view.path, &view.link)
        .expected(if wanted { "to exist" } else { "not to exist" })
        .observed(observed)
        // A link that leads nowhere is something that is there.
        .decide(Ok(wanted && found))
}

/// Whose link decides what a path leads to, where that is somebody who can make another: then it says
/// nothing whose file it leads to now.
fn led_by_others(view: &FileView, target: &dyn Target) -> Option<String> {
    let to = view.link.link_target.as_deref()?;
    let folder = target.file(view.path.parent()?).ok().flatten()?;
    let others = is_open(&folder, &view.link) || folder.uid != 0;
    others.then(|| {
        format!(
            "{} is a link to {} (uid {}), in a directory that others than root may write",
            text::path(&view.path),
            text::path(to),
            view.link.uid
        )
    })
}

/// `chown owner:group path` for what the rule wants of both.
fn chown(view: &FileView) -> Option<String> {
    let path = shell::quote_path(&view.path);
    let word = |principal: &Principal| shell::quote(principal.to_string().as_bytes());
    match (&view.wanted.owner, &view.wanted.group) {
        (Some(owner), Some(group)) => Some(format!("chown {}:{} {path}", word(owner), word(group))),
        (Some(owner), None) => Some(format!("chown {} {path}", word(owner))),
        (None, Some(group)) => Some(format!("chgrp {} {path}", word(group))),
        (None, None) => None,
    }
}

fn mode(view: &FileView, expect: &Expect<ModeExpectation>) -> Assertion {
    let (path, file) = file_of(view);
    let holds = expect.holds(&mut |term| {
        Ok(match term {
            Term::Is(wanted) => wanted.holds(file.mode, file.kind),
            Term::AtMost(limit) => limit.at_most(file.mode, file.kind),
            Term::AtLeast(limit) => limit.at_least(file.mode, file.kind),
            Term::Matches(_) => false,
        })
    });
    about(view, "mode", path, file)
        .expected(expect.show())
        .observed(file.mode.to_string())
        .decide(holds)
        .repaired_by(|| {
            let spec = chmod(expect, file)?;
            let spec = shell::quote(spec.as_bytes());
            Some(format!("chmod {spec} {}", shell::quote_path(&view.path)))
        })
}

/// Whether a bound forbids or requires nothing, so that the rule would pass whatever is seen.
fn always_holds(expect: &Expect<ModeExpectation>) -> bool {
    match expect {
        Expect::Term(Term::AtMost(limit)) => !limit.forbids(),
        Expect::Term(Term::AtLeast(limit)) => !limit.requires(),
        Expect::Any(all) | Expect::All(all) => all.iter().any(always_holds),
        Expect::Not(inner) => always_holds(inner),
        Expect::Term(_) => false,
    }
}

/// The argument for chmod that repairs a mode.
fn chmod(expect: &Expect<ModeExpectation>, file: &FileFact) -> Option<String> {
    match expect {
        Expect::Term(Term::Is(wanted)) => Some(wanted.repair(file.mode, file.kind)),
        Expect::Term(Term::AtMost(limit)) => Some(limit.repair_at_most(file.mode, file.kind)),
        Expect::Term(Term::AtLeast(limit)) => Some(limit.repair_at_least(file.mode, file.kind)),
        Expect::Any(all) => all.first().and_then(|first| chmod(first, file)),
        Expect::All(all) => all.iter().find_map(|one| chmod(one, file)),
        _ => None,
    }
}

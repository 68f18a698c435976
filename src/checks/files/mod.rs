#![doc = include_str!("page.md")]

use crate::facts::file::{FileFact, FileKind};
use crate::facts::host::TargetKind;
use crate::facts::{Cause, Fact, Unknown, capability};
use crate::host::Target;
use crate::host::glob::{self, Pattern};
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::Node;
use crate::policy::service::absolute_path;
use crate::policy::set::only;
use crate::rules::combine::Demand;
use crate::rules::compile::one_of;
use crate::rules::condition::{
    Condition, ConditionInfo, Form, infos, read_all, refuse_combinators,
};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::text::shell::quote_path;
use crate::verdict::{Assertion, Evidence, Outcome, Subject};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `files:`
pub static FILES: SubjectKind = SubjectKind {
    key: "files",
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

/// Directories whose files are not of the image.
const LEFT_OUT: [&str; 3] = ["/proc", "/sys", "/dev"];
/// The most files that are looked at.
const LIMIT: usize = 2_000_000;

static CONDITIONS: &[Condition<Walked>] = &[
    Condition {
        info: ConditionInfo {
            name: "setuid",
            doc: "Only these files run as their owner (setuid); [] allows none.",
            form: Form::Only,
            example: "{ only: [/usr/bin/su, /usr/bin/passwd] }",
        },
        read: |node, _, problems| {
            let allowed = only("setuid", node, problems, pattern)?;
            Some(judge("setuid", 0o4000, "u-s", allowed))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "setgid",
            doc: "Only these files run as their group (setgid); [] allows none.",
            form: Form::Only,
            example: "{ only: [/usr/bin/chage] }",
        },
        read: |node, _, problems| {
            let allowed = only("setgid", node, problems, pattern)?;
            Some(judge("setgid", 0o2000, "g-s", allowed))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "capabilities",
            doc: "Only these files have file capabilities; [] allows none.",
            form: Form::Only,
            example: "{ only: [/usr/bin/ping] }",
        },
        read: |node, _, problems| {
            let allowed = only("capabilities", node, problems, pattern)?;
            Some(Box::new(move |walked, target| capabilities(walked, &allowed, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "world_writable",
            doc: "Only these files and directories can be written by everybody; a sticky directory \
                  such as /tmp does not count. [] allows none.",
            form: Form::Only,
            example: "{ only: [/srv/upload] }",
        },
        read: |node, _, problems| {
            let allowed = only("world_writable", node, problems, pattern)?;
            Some(Box::new(move |walked, target| {
                let writable = |fact: &FileFact| {
                    let sticky = fact.kind == FileKind::Directory && fact.mode.0 & 0o1000 != 0;
                    let counts = matches!(fact.kind, FileKind::File | FileKind::Directory);
                    counts && fact.mode.0 & 0o002 != 0 && !sticky
                };
                beyond(walked, ("world_writable", "o-w"), &allowed, writable, target)
            }))
        },
    },
];

/// What conditions see.
pub struct Walked {
    files: Vec<(PathBuf, Arc<FileFact>)>,
    /// Violations that the conditions found, a finding each.
    found: std::cell::RefCell<Vec<Assertion>>,
}

/// A file that may have a privilege.
pub(super) struct Allowed {
    text: String,
    /// Whether it names one file.
    literal: bool,
    pattern: Pattern,
}

/// Reads a path or pattern.
pub(super) fn pattern(node: &Node) -> Result<Allowed, Diagnostic> {
    let text = text::path(&absolute_path(node)?);
    let pattern = Pattern::new(&text)
        .map_err(|error| Diagnostic::at(&node.span, "not a pattern").label(error))?;
    Ok(Allowed { literal: !glob::is_pattern(&text), text, pattern })
}

/// Directories of `/` that are links into `/usr` where the two are merged, `file-hierarchy(7)`.
const MERGED: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

/// The other name of a file where `/usr` is merged: `/bin/su` of `/usr/bin/su` and the other way round.
fn other_name(path: &Path) -> Option<(PathBuf, &'static str)> {
    let inside = path.strip_prefix("/").ok()?;
    let in_usr = inside.strip_prefix("usr").ok();
    let rest = in_usr.unwrap_or(inside);
    let top = MERGED.into_iter().find(|top| rest.starts_with(top))?;
    let other = if in_usr.is_some() { Path::new("/") } else { Path::new("/usr") };
    Some((other.join(rest), top))
}

/// Whether a file is in the list. A name means the program by both of its names, since distributions
/// differ; a pattern means a place, which has two names only where `/bin` is a link.
pub(super) fn is_allowed(allowed: &[Allowed], path: &Path, target: &dyn Target) -> bool {
    let other = other_name(path);
    let merged = || {
        let top = other.as_ref().map(|(_, top)| Path::new("/").join(top));
        let fact = top.and_then(|top| target.file(&top).ok().flatten());
        fact.is_some_and(|fact| fact.kind == FileKind::Symlink)
    };
    allowed.iter().any(|one| {
        let by_other = || other.as_ref().is_some_and(|(other, _)| one.pattern.matches(other));
        one.pattern.matches(path) || by_other() && (one.literal || merged())
    })
}

/// The list in words.
pub(super) fn shown(allowed: &[Allowed]) -> String {
    let names: Vec<&str> = allowed.iter().map(|one| one.text.as_str()).collect();
    format!("only of [{}]", names.join(", "))
}

fn judge(
    name: &'static str,
    bit: u16,
    change: &'static str,
    allowed: Vec<Allowed>,
) -> crate::rules::condition::Test<Walked> {
    Box::new(move |walked, target| {
        let has = |fact: &FileFact| fact.kind == FileKind::File && fact.mode.0 & bit != 0;
        beyond(walked, (name, change), &allowed, has, target)
    })
}

/// Files with a privilege that are not in the list.
fn beyond(
    walked: &Walked,
    (condition, change): (&str, &str),
    allowed: &[Allowed],
    has: impl Fn(&FileFact) -> bool,
    target: &dyn Target,
) -> Assertion {
    let mut count: usize = 0;
    for (path, fact) in walked.files.iter().filter(|(_, fact)| has(fact)) {
        count += 1;
        if is_allowed(allowed, path, target) {
            continue;
        }
        walked.found.borrow_mut().push(
            Assertion::of(&Subject::new("file", text::path(path)), condition)
                .expected(format!("{condition} {}", shown(allowed)))
                .observed(fact.mode.to_string())
                .seen([Evidence::file(path, fact)])
                .repair(format!("chmod {change} {}", quote_path(path)))
                .fail(),
        );
    }
    all_fine(condition, count, walked, shown(allowed))
}

/// The assertion for a condition without violation.
fn all_fine(condition: &str, count: usize, walked: &Walked, expected: String) -> Assertion {
    Assertion::of(&Subject::new("files", "all"), condition)
        .expected(expected)
        .observed(format!("{count} of {} files, all in the list", walked.files.len()))
        .pass()
}

fn capabilities(walked: &Walked, allowed: &[Allowed], target: &dyn Target) -> Assertion {
    let mut count = 0;
    for (path, fact) in walked.files.iter().filter(|(_, fact)| fact.kind == FileKind::File) {
        let assertion = || {
            Assertion::of(&Subject::new("file", text::path(path)), "capabilities")
                .expected(format!("capabilities {}", shown(allowed)))
                .seen([Evidence::file(path, fact)])
        };
        let found = match target.file_capabilities(path) {
            Ok(None) => continue,
            Ok(Some(found)) => found,
            Err(why) => {
                walked.found.borrow_mut().push(assertion().unknown(why));
                continue;
            }
        };
        count += 1;
        if !is_allowed(allowed, path, target) {
            let words = capability::show(found.permitted | found.inheritable);
            let step = format!("setcap -r {}", quote_path(path));
            walked.found.borrow_mut().push(assertion().observed(words).repair(step).fail());
        }
    }
    all_fine("capabilities", count, walked, shown(allowed))
}

struct FilesCheck {
    tests: Vec<Demand<Walked>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    problems.ok(one_of(&input.subject, &["all"]));
    // Each condition may have many violations, a finding each: that is not one that holds or not.
    refuse_combinators(&input.must, infos(CONDITIONS), problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(FilesCheck { tests }))
}

impl Check for FilesCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("files", "all");
        let unseen = |why: Unknown| {
            let named = self.tests.iter().map(|test| Assertion::of(&subject, test.name()));
            named.map(|assertion| assertion.unknown(why.clone())).collect()
        };
        if target.host().kind == TargetKind::Host {
            let why =
                "not asked of a running host: `setuid:` and `tree:` ask the same there".to_owned();
            return unseen(Unknown::new("all files", Cause::Unsupported(why)));
        }
        let files = match walk(target) {
            Ok(files) => files,
            Err(why) => return unseen(why),
        };
        let walked = Walked { files, found: std::cell::RefCell::default() };
        let mut assertions = Vec::new();
        for test in &self.tests {
            let answer = test.judge(&walked, target);
            let found = walked.found.take();
            // An answer that is not about the list itself (a list that could not be told) stands alone.
            if found.is_empty() || answer.outcome != Outcome::Pass {
                assertions.push(answer);
            } else {
                assertions.extend(found);
            }
        }
        assertions
    }
}

/// Every file, directories before what is in them.
fn walk(target: &dyn Target) -> Fact<Vec<(PathBuf, Arc<FileFact>)>> {
    let mut files = Vec::new();
    let mut pending = vec![PathBuf::from("/")];
    while let Some(folder) = pending.pop() {
        let names = target.list(&folder)?.unwrap_or_default();
        for name in names.iter() {
            let path = folder.join(name);
            let Some(fact) = target.file(&path)? else { continue };
            if fact.kind == FileKind::Directory
                && !LEFT_OUT.iter().any(|out| path == Path::new(out))
            {
                pending.push(path.clone());
            }
            files.push((path, fact));
            if files.len() > LIMIT {
                let why = Cause::TooLarge(format!("more than {LIMIT} files"));
                return Err(Unknown::new("all files", why));
            }
        }
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

#![doc = include_str!("page.md")]

pub mod access;
pub mod conditions;
pub mod content;
mod refer;
pub mod writers;

use crate::checks::file::conditions::CONDITIONS;
use crate::facts::file::{FileFact, FileKind};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Target, Wants, glob};
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::Expect;
use crate::policy::node::{Node, Value};
use crate::policy::operand::Principal;
use crate::policy::service::absolute_path;
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::verdict::{Assertion, Evidence, Subject};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// `file:`
pub static FILE: SubjectKind = SubjectKind {
    key: "file",
    value: "absolute path or glob",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: true,
    refers: Some(refer::REFERS),
    compile,
};

/// One file, as conditions see it.
pub struct FileView {
    /// For assertions.
    pub subject: Subject,
    /// The path that the rule names.
    pub path: PathBuf,
    /// The path itself, links not followed.
    pub link: Arc<FileFact>,
    /// Where the path leads to: path and file; `None` for a link that leads nowhere.
    pub file: Option<(PathBuf, Arc<FileFact>)>,
    /// The owner and group that the rule wants, so that one command repairs both.
    pub wanted: Ownership,
}

/// Owner and group, as far as a rule names them.
#[derive(Clone, Debug, Default)]
pub struct Ownership {
    /// Owner.
    pub owner: Option<Principal>,
    /// Group.
    pub group: Option<Principal>,
}

struct FileCheck {
    path: PathBuf,
    absent: Absent,
    wanted: Ownership,
    /// The rule says itself whether the file is to exist.
    says_existence: Option<bool>,
    tests: Vec<Demand<FileView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let path = problems.ok(path_or_glob(&input.subject));
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    let find = |name: &str| field(&input.must, name);
    let principal =
        |name| find(name).and_then(|node| Expect::<Principal>::parse(node).ok()?.wanted().cloned());
    let check = FileCheck {
        path: path?,
        absent,
        wanted: Ownership { owner: principal("owner"), group: principal("group") },
        says_existence: find("exists").and_then(|node| node.as_boolean()),
        tests,
    };
    Some(Box::new(check))
}

/// Reads an absolute path, or a glob that is one.
pub fn path_or_glob(node: &Node) -> Result<PathBuf, Diagnostic> {
    let path = absolute_path(node)?;
    match path.to_str().filter(|text| glob::is_pattern(text)).map(glob::validate) {
        Some(Err(why)) => Err(Diagnostic::at(&node.span, "not a glob pattern").label(why)),
        _ => Ok(path),
    }
}

/// The paths that a rule is about.
pub fn expand(path: &Path, target: &dyn Target) -> Fact<Vec<PathBuf>> {
    match path.to_str() {
        Some(pattern) if glob::is_pattern(pattern) => glob::expand(target, pattern),
        _ => Ok(vec![path.to_owned()]),
    }
}

/// The answer for something that does not exist.
pub fn missing(subject: &Subject, says_existence: Option<bool>, absent: Absent) -> Assertion {
    let exists = Assertion::of(subject, "exists").expected("to exist").observed("does not exist");
    match (says_existence, absent) {
        (Some(false), _) => exists.expected("not to exist").pass(),
        (_, Absent::Skip) => exists.absent("does not exist"),
        (_, Absent::Fail) => exists.fail(),
    }
}

/// The answers for something that does not exist: what the rule itself says of that, and where it
/// demands more of it than that, [`missing`].
pub fn if_missing<S>(
    subject: &Subject,
    demands: &[Demand<S>],
    says_existence: Option<bool>,
    absent: Absent,
) -> Vec<Assertion> {
    if says_existence.is_some() {
        return vec![missing(subject, says_existence, absent)];
    }
    let mut answers: Vec<Assertion> =
        demands.iter().filter_map(|demand| demand.if_missing(subject)).collect();
    if answers.len() < demands.len() {
        answers.push(missing(subject, None, absent));
    }
    answers
}

/// One of the conditions under `must`.
pub fn field<'a>(must: &'a Node, name: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &must.value else { return None };
    entries.iter().find(|(key, _)| key.text == name).map(|(_, node)| node)
}

impl Check for FileCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let rule_subject = Subject::new("file", text::path(&self.path));
        let exists = Assertion::of(&rule_subject, "exists").expected("to exist");
        let paths = match expand(&self.path, target) {
            Ok(paths) => paths,
            Err(why) => return vec![exists.unknown(why)],
        };
        let mut assertions = Vec::new();
        for path in paths {
            let subject = Subject::new("file", text::path(&path));
            match view(subject.clone(), &path, &self.wanted, target) {
                Ok(Some(view)) => self.judge(&view, target, &mut assertions),
                Ok(None) => {}
                Err(why) => {
                    let names = self.tests.iter().map(Demand::name).collect::<Vec<_>>();
                    assertions.push(Assertion::of(&subject, names.join(", ")).unknown(why));
                }
            }
        }
        if assertions.is_empty() {
            assertions.extend(if_missing(
                &rule_subject,
                &self.tests,
                self.says_existence,
                self.absent,
            ));
        }
        assertions
    }

    fn wants(&self, wants: &mut Wants) {
        let path = text::path(&self.path);
        let asks = |names: &[&str]| self.tests.iter().any(|demand| demand.asks(names));
        if asks(&["contains", "not_contains"]) {
            wants.content(&path);
        }
        if asks(&["sha256"]) {
            wants.digest(&path);
        }
    }
}

impl FileCheck {
    fn judge(&self, view: &FileView, target: &dyn Target, assertions: &mut Vec<Assertion>) {
        let dangling = view.file.is_none();
        // A pattern means the regular files where contents are asked for: directories, and links that
        // lead nowhere, have none.
        let many = self.path.to_str().is_some_and(glob::is_pattern);
        let regular = view.file.as_ref().is_some_and(|(_, file)| file.kind == FileKind::File);
        let content = |name: &str| matches!(name, "contains" | "not_contains" | "sha256");
        if many && !regular && self.tests.iter().all(|demand| content(demand.name())) {
            return;
        }
        // Of a link that leads nowhere only the link itself can be judged.
        let can_judge = |name: &str| {
            (!dangling || matches!(name, "exists" | "type" | "target"))
                && !(many && !regular && content(name))
        };
        let judged: Vec<Assertion> = self
            .tests
            .iter()
            .filter_map(|demand| demand.judge_some(&can_judge, view, target))
            .collect();
        if dangling && judged.len() < self.tests.len() && self.says_existence.is_none() {
            let words = link_words(&view.link);
            assertions.push(
                Assertion::of(&view.subject, "exists")
                    .expected("to exist")
                    .observed(format!("a symbolic link to {words}, which does not exist"))
                    .seen([Evidence::file(&view.path, &view.link)])
                    .fail(),
            );
        }
        assertions.extend(judged);
    }
}

/// The target of a link in words.
pub fn link_words(link: &FileFact) -> String {
    link.link_target.as_deref().map_or_else(|| "nowhere".into(), text::path)
}

fn view(
    subject: Subject,
    path: &Path,
    wanted: &Ownership,
    target: &dyn Target,
) -> Fact<Option<FileView>> {
    let Some(link) = target.file(path)? else { return Ok(None) };
    let file = follow(path, &link, target)?;
    Ok(Some(FileView { subject, path: path.to_owned(), link, file, wanted: wanted.clone() }))
}

/// The file that a path leads to, symbolic links followed. `None`: there is none.
pub(super) fn reached(path: &Path, target: &dyn Target) -> Fact<Option<(PathBuf, Arc<FileFact>)>> {
    match target.file(path)? {
        Some(first) => follow(path, &first, target),
        None => Ok(None),
    }
}

/// Where a path leads to, symbolic links at its end followed: at most 40, as `path_resolution(7)` says.
fn follow(
    path: &Path,
    first: &Arc<FileFact>,
    target: &dyn Target,
) -> Fact<Option<(PathBuf, Arc<FileFact>)>> {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    let mut fact = Arc::clone(first);
    for _ in 0..=MOST_LINKS {
        let Some(to) = fact.link_target.clone().filter(|_| fact.kind == FileKind::Symlink) else {
            return Ok(Some((path, fact)));
        };
        path = joined(path.parent().unwrap_or(Path::new("/")), &to);
        match target.file(&path)? {
            Some(next) => fact = next,
            None => return Ok(None),
        }
    }
    Err(Unknown::new(text::path(&path), Cause::Unsupported("too many symbolic links".into())))
}

/// `folder/to`, with leading `..` kept: only the kernel may resolve these, the folder may be a link.
fn joined(folder: &Path, to: &Path) -> PathBuf {
    let mut path = folder.to_owned();
    for component in to.components() {
        match component {
            Component::RootDir => path = PathBuf::from("/"),
            Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => path.push(".."),
            Component::Normal(name) => path.push(name),
        }
    }
    path
}

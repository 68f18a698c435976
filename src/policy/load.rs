//! Policy files and folders to policies, every error collected.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::document::Policy;
use super::library::{self, BuiltIn};
use super::node::{Node, Value};
use super::read::{FILE_LIMIT, policy_files, read};
use super::service::Service;
use super::source::{Source, Span};
use super::vars::{Usage, Vars};
use super::yaml;
use crate::text;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most text of all policy files of one run, in bytes.
const TOTAL_LIMIT: usize = 64 << 20;
/// Most files on the way from a named policy to one that it includes.
const INCLUDE_LIMIT: usize = 32;

/// Loads the named policies: those of the library by their names, files and folders by their paths;
/// or the built-in one when there is none.
///
/// `vars` come from the command line and win over those of the files. All problems of all files are
/// filed; the policies are only complete when there are none.
pub fn load(
    paths: &[PathBuf],
    built_in: &BuiltIn,
    vars: &Vars,
    problems: &mut Diagnostics,
) -> Vec<Policy> {
    let mut loader = Loader::new(vars);
    if paths.is_empty() {
        loader.built_in(built_in, problems);
    }
    for path in paths {
        loader.named(path, problems);
    }
    for name in vars.names().filter(|name| !loader.usage.names.contains(*name)) {
        let message = format!("no policy of this run has a variable `{name}`");
        let known = loader.known_vars.iter().map(String::as_str);
        problems.push(vars.complain(name, message).suggest(name, known));
    }
    refuse_duplicates(&loader.policies, problems);
    loader.policies
}

/// Loads one policy from its text, as if it stood in a file of that name; what it includes is
/// looked for relative to that.
pub fn load_text(name: &str, text: &str, vars: &Vars, problems: &mut Diagnostics) -> Vec<Policy> {
    let mut loader = Loader::new(vars);
    loader.text(PathBuf::from(name), text.to_owned(), problems);
    refuse_duplicates(&loader.policies, problems);
    loader.policies
}

struct Loader<'a> {
    vars: &'a Vars,
    policies: Vec<Policy>,
    /// By canonical path.
    seen: HashMap<PathBuf, State>,
    /// Bytes of all files so far.
    bytes: usize,
    /// How many includes lead to the file that is being read.
    depth: usize,
    usage: Usage,
    known_vars: BTreeSet<String>,
}

/// How far a file is.
enum State {
    /// It is being read: who includes it now closes a circle.
    Open,
    /// It has errors, which have been filed.
    Failed,
    /// It has been read, and this is what it offers to those that include it.
    Read(Offer),
}

/// What an included file brings along.
#[derive(Clone, Default)]
struct Offer {
    vars: Vars,
    services: BTreeMap<String, Service>,
}

impl<'a> Loader<'a> {
    fn new(vars: &'a Vars) -> Self {
        Self {
            vars,
            policies: Vec::new(),
            seen: HashMap::new(),
            bytes: 0,
            depth: 0,
            usage: Usage::default(),
            known_vars: BTreeSet::new(),
        }
    }

    /// Reads what the command line names. A file that is called like a policy of the library is meant only
    /// with a path (`./sshd`).
    fn named(&mut self, path: &Path, problems: &mut Diagnostics) {
        let word = path.to_str().filter(|word| library::is_name(word));
        if let Some(policy) = word.and_then(library::by_name) {
            self.built_in(policy, problems);
        } else if let Some(word) = word.filter(|_| path.symlink_metadata().is_err()) {
            let names = library::LIBRARY.map(|policy| policy.name);
            problems.push(
                Diagnostic::command_line(format!("there is no policy and no file `{word}`"))
                    .suggest(word, names),
            );
        } else {
            self.path(path, None, problems);
        }
    }

    fn built_in(&mut self, policy: &BuiltIn, problems: &mut Diagnostics) {
        let file = PathBuf::from(policy.file);
        if self.seen.insert(file.clone(), State::Open).is_none() {
            self.text(file, policy.text.to_owned(), problems);
        }
    }

    /// Reads a file or all of a folder. `from` is the place that includes it, if one does.
    fn path(&mut self, path: &Path, from: Option<&Span>, problems: &mut Diagnostics) -> Vec<Offer> {
        if path.is_dir() {
            let files = policy_files(path, problems);
            return files.iter().filter_map(|file| self.file(file, from, problems)).collect();
        }
        self.file(path, from, problems).into_iter().collect()
    }

    fn file(
        &mut self,
        path: &Path,
        from: Option<&Span>,
        problems: &mut Diagnostics,
    ) -> Option<Offer> {
        let identity = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        match (self.seen.get(&identity), from) {
            (Some(State::Read(offer)), _) => return Some(offer.clone()),
            (Some(State::Open), Some(from)) => {
                let file = text::path(path);
                let message = format!("includes in a circle: `{file}` is being read already");
                problems.push(Diagnostic::at(from, message));
                return None;
            }
            (Some(State::Open | State::Failed), _) => return None,
            (None, _) => {}
        }
        if self.seen.len() >= FILE_LIMIT {
            let message = format!("more than {FILE_LIMIT} policy files in one run");
            problems.push(Diagnostic::path(path, message));
            return None;
        }
        self.seen.insert(identity.clone(), State::Open);
        let offer = match problems.ok(read(path)) {
            Some(text) => self.text(path.to_owned(), text, problems),
            None => None,
        };
        let state = offer.clone().map_or(State::Failed, State::Read);
        self.seen.insert(identity, state);
        offer
    }

    fn text(&mut self, path: PathBuf, text: String, problems: &mut Diagnostics) -> Option<Offer> {
        self.bytes += text.len();
        if self.bytes > TOTAL_LIMIT {
            let message = format!("all policies are larger than {} MiB", TOTAL_LIMIT >> 20);
            problems.push(Diagnostic::path(&path, message));
            return None;
        }
        let source = Arc::new(Source::new(path, text));
        let before = problems.len();
        let Some(mut root) = yaml::parse(&source, problems) else {
            if problems.len() == before {
                problems.push(Diagnostic::at(&Span::file(&source), "an empty file is no policy"));
            }
            return None;
        };
        let mut offer = self.includes(&mut root, &source.path, problems);
        if let Some(node) = take(&mut root, "vars") {
            offer.vars = offer.vars.overridden_by(&Vars::parse(&node, problems));
        }
        self.known_vars.extend(offer.vars.names().map(str::to_owned));
        self.usage.names.extend(offer.vars.names().map(str::to_owned));
        let vars = offer.vars.overridden_by(self.vars);
        vars.interpolate(&mut root, &mut self.usage, problems);
        let fields = problems.ok(root.into_fields("a policy"))?;
        let policy = Policy::parse(fields, &vars, offer.services.clone(), problems);
        self.usage.names.extend(policy.when_vars().map(str::to_owned));
        offer.services = policy.services.clone();
        self.policies.push(policy);
        Some(offer)
    }

    /// Loads what `include:` names and takes it out of the tree.
    fn includes(&mut self, root: &mut Node, path: &Path, problems: &mut Diagnostics) -> Offer {
        let mut offer = Offer::default();
        let Some(node) = take(root, "include") else { return offer };
        let folder = path.parent().unwrap_or(Path::new(""));
        if self.depth >= INCLUDE_LIMIT {
            let message = format!("includes lead more than {INCLUDE_LIMIT} files deep");
            problems.push(Diagnostic::at(&node.span, message));
            return offer;
        }
        self.depth += 1;
        for item in node.items() {
            let Some(name) = problems.ok(item.text("a path")) else { continue };
            if name.contains("${") {
                let message = "variables are not known here";
                problems.push(
                    Diagnostic::at(&item.span, message)
                        .help("an include is read before the variables, since it may bring some"),
                );
                continue;
            }
            let target = folder.join(name);
            if !target.exists() {
                let message = format!("cannot include `{name}`: no such file or folder");
                problems.push(Diagnostic::at(&item.span, message).label("relative to this file"));
                continue;
            }
            for included in self.path(&target, Some(&item.span), problems) {
                offer.vars = offer.vars.overridden_by(&included.vars);
                offer.services.extend(included.services);
            }
        }
        self.depth -= 1;
        offer
    }
}

fn take(root: &mut Node, name: &str) -> Option<Node> {
    let Value::Map(entries) = &mut root.value else { return None };
    let index = entries.iter().position(|(key, _)| key.text == name)?;
    Some(entries.remove(index).1)
}

/// Variables from a file: a YAML mapping of names to values, for `--vars FILE`.
pub fn vars_file(path: &Path, problems: &mut Diagnostics) -> Vars {
    let Some(text) = problems.ok(read(path)) else { return Vars::default() };
    let source = Arc::new(Source::new(path.to_owned(), text));
    let before = problems.len();
    match yaml::parse(&source, problems) {
        Some(root) => Vars::parse(&root, problems),
        None => {
            if problems.len() == before {
                let place = Span::file(&source);
                problems.push(Diagnostic::at(&place, "there is no variable in this file"));
            }
            Vars::default()
        }
    }
}

/// The same rule id twice would make two things of one name in reports and in `--rule`.
fn refuse_duplicates(policies: &[Policy], problems: &mut Diagnostics) {
    let mut rules: HashMap<&str, &Span> = HashMap::new();
    let mut names: HashMap<&str, &Span> = HashMap::new();
    for policy in policies.iter().filter(|policy| !policy.id.is_empty()) {
        if let Some(first) = names.insert(&policy.id, &policy.span) {
            let message = format!("two policies are called `{}`", policy.id);
            problems.push(Diagnostic::at(&policy.span, message).also(first, "the other one"));
        }
        for rule in policy.rules.iter().filter(|rule| !rule.id.is_empty()) {
            if let Some(first) = rules.insert(&rule.id, &rule.span) {
                let message = format!("two rules have the id `{}`", rule.id);
                problems.push(Diagnostic::at(&rule.span, message).also(first, "first used here"));
            }
        }
    }
    let mut successors: HashMap<&str, &Span> = HashMap::new();
    for policy in policies {
        for old in &policy.formerly {
            let message = format!("`formerly: {old}`");
            let taken = names.get(old.as_str()).map(|first| (*first, "a policy has that name"));
            let heir = successors.insert(old, &policy.span);
            let heir = heir.map(|first| (first, "this one says so too"));
            if let Some((place, words)) = taken.or(heir) {
                problems.push(Diagnostic::at(&policy.span, message).also(place, words));
            }
        }
    }
    // Action items of the old name go on under the new one, so it cannot be in use, nor go on twice.
    let mut heirs: HashMap<&str, &Span> = HashMap::new();
    for rule in policies.iter().flat_map(|policy| &policy.rules) {
        for old in &rule.action.formerly {
            let message = format!("`formerly: {old}`");
            let taken =
                rules.get(old.as_str()).map(|first| (*first, "a rule of today has that id"));
            let heir = heirs.insert(old, &rule.span).map(|first| (first, "this one says so too"));
            if let Some((place, words)) = taken.or(heir) {
                problems.push(Diagnostic::at(&rule.span, message).also(place, words));
            }
        }
    }
}

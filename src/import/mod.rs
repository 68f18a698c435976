//! A way in for people who have files of goss, container-structure-test or Wazuh.
//!
//! What is exact becomes a rule. What is not is listed with its reason, and never becomes a rule that
//! means less. Every rule is read by spotcheck itself before it is written, so the output has no errors.

mod command;
mod container_structure_test;
mod goss;
mod pattern;
mod wazuh;
mod words;

use crate::policy::node::{Node, Value};
use crate::policy::source::Source;
use crate::policy::vars::Vars;
use crate::policy::{Diagnostics, load, yaml};
use crate::rules::Subjects;
use crate::rules::plan::Plan;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use words::slug;

/// The formats that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// `goss.yaml`
    Goss,
    /// `schemaVersion: 2.0.0`
    ContainerStructureTest,
    /// Security Configuration Assessment.
    Wazuh,
}

impl Foreign {
    fn name(self) -> &'static str {
        match self {
            Foreign::Goss => "goss",
            Foreign::ContainerStructureTest => "container-structure-test",
            Foreign::Wazuh => "Wazuh SCA",
        }
    }
}

/// One rule to be written.
#[derive(Clone, Debug, Default)]
struct Rule {
    /// What it is about: `file`, and its value as YAML.
    subject: (&'static str, String),
    /// Conditions, their values as YAML.
    must: Vec<(String, String)>,
    title: Option<String>,
    why: Option<String>,
    corrective: Option<String>,
    /// Where the meaning is not quite the same, and how.
    note: Option<String>,
    /// The id is made of this, where it is not to be that of the subject.
    id: Option<String>,
}

/// How an assertion was carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    RawBytes,
    Changed,
    Left,
}

/// What comes of the files.
pub struct Import {
    rules: Vec<Rule>,
    /// What was not carried over, with the reason.
    left: Vec<(String, String)>,
    counts: BTreeMap<String, [usize; 3]>,
    sources: Vec<String>,
    /// Files that a file names, each with the words by which it does.
    named: Vec<(PathBuf, String)>,
    /// Where the file lies that is read.
    folder: PathBuf,
}

impl Import {
    /// An import of nothing yet.
    pub fn new() -> Self {
        Self {
            rules: Vec::new(),
            left: Vec::new(),
            counts: BTreeMap::new(),
            sources: Vec::new(),
            named: Vec::new(),
            folder: PathBuf::new(),
        }
    }

    /// Takes the files that those read so far name (`gossfile:` of goss) and that have to be read too,
    /// each with the words by which it is named.
    pub fn take_named(&mut self) -> Vec<(PathBuf, String)> {
        std::mem::take(&mut self.named)
    }

    /// Says that a file that another names was not read.
    pub fn leave_named(&mut self, named: String, why: impl Into<String>) {
        self.leave("gossfile", named, why);
    }

    /// Reads one file. The error says why it is none that can be read.
    pub fn add(&mut self, path: &Path, text: &str) -> Result<(), Diagnostics> {
        let source = Arc::new(Source::new(path.to_owned(), text.to_owned()));
        let mut problems = Diagnostics::default();
        let document = yaml::parse(&source, &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        let none = || {
            let mut problems = Diagnostics::default();
            let message = "neither goss, container-structure-test nor Wazuh SCA";
            let help = "a template of goss is rendered first: goss render > plain.yaml";
            problems.push(crate::policy::Diagnostic::path(path, message).help(help));
            problems
        };
        let document = document.ok_or_else(none)?;
        let foreign = kind_of(&document).ok_or_else(none)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        self.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        self.sources.push(format!("{} ({})", crate::text::printable(&name), foreign.name()));
        match foreign {
            Foreign::Goss => goss::read(&document, self),
            Foreign::ContainerStructureTest => container_structure_test::read(&document, self),
            Foreign::Wazuh => wazuh::read(&document, self),
        }
        Ok(())
    }

    /// Adds a rule that says so many assertions.
    fn rule(&mut self, kind: &str, rule: Rule) {
        if rule.must.is_empty() {
            return;
        }
        // What is one name there would stand for several here.
        let (subject, name) = &rule.subject;
        if ["unit", "package", "sysctl"].contains(subject) && name.contains(['*', '?', '[', '{']) {
            let told = format!("{subject} {name}");
            return self.leave(kind, told, "a name that reads as a pattern here");
        }
        let how = if rule.note.is_some() { Carried::Changed } else { Carried::RawBytes };
        self.count(kind, how, rule.must.len());
        self.rules.push(rule);
    }

    /// Says that something was not carried over.
    fn leave(&mut self, kind: &str, what: impl Into<String>, why: impl Into<String>) {
        self.count(kind, Carried::Left, 1);
        self.left.push((what.into(), why.into()));
    }

    fn count(&mut self, kind: &str, how: Carried, number: usize) {
        let counts = self.counts.entry(kind.to_owned()).or_default();
        if let Some(count) = counts.get_mut(how as usize) {
            *count += number;
        }
    }

    /// Whether something was not carried over.
    pub fn left_out(&self) -> bool {
        !self.left.is_empty()
    }

    /// How much of each kind is exact, changed and left out.
    pub fn table(&self) -> String {
        let mut out = format!("{:<22} {:>6} {:>8} {:>9}\n", "kind", "exact", "changed", "left out");
        let mut total = [0; 3];
        for (kind, counts) in &self.counts {
            let [exact, changed, left] = counts;
            let _ = writeln!(out, "{kind:<22} {exact:>6} {changed:>8} {left:>9}");
            for (sum, count) in total.iter_mut().zip(counts) {
                *sum += count;
            }
        }
        let [exact, changed, left] = total;
        let _ = writeln!(out, "{:<22} {exact:>6} {changed:>8} {left:>9}", "all");
        out
    }

    /// The policy. Rules that spotcheck itself would refuse are left out with what it says of them.
    pub fn policy(&mut self, id: &str, subjects: Subjects) -> String {
        let mut taken = HashSet::new();
        let mut kept = Vec::new();
        for rule in std::mem::take(&mut self.rules) {
            let base = rule.id.clone().unwrap_or_else(|| {
                let (kind, value) = &rule.subject;
                format!("{kind}-{value}")
            });
            let base = slug(&base);
            let mut name = base.clone();
            let mut number = 2;
            while !taken.insert(name.clone()) {
                name = format!("{base}-{number}");
                number += 1;
            }
            let text = rule.text(&name);
            match refused(&text, subjects) {
                None => kept.push((rule, text)),
                Some(why) => {
                    taken.remove(&name);
                    let (kind, value) = &rule.subject;
                    self.leave("refused", format!("{kind}: {value}"), why);
                }
            }
        }
        let mut out = format!("policy: {}\n", slug(id));
        let _ = writeln!(out, "# Imported from {}.", self.sources.join(", "));
        if kept.is_empty() {
            out.push_str("rules: []\n");
        } else {
            out.push_str("rules:\n");
        }
        for (rule, text) in &kept {
            if let Some(note) = &rule.note {
                let _ = writeln!(out, "  # changed: {}", one_line(note));
            }
            out.push_str(text);
        }
        if !self.left.is_empty() {
            out.push_str("\n# not carried over\n");
        }
        for (what, why) in &self.left {
            let _ = writeln!(out, "# - {}: {}", one_line(what), one_line(why));
        }
        self.rules = kept.into_iter().map(|(rule, _)| rule).collect();
        out
    }
}

impl Default for Import {
    fn default() -> Self {
        Self::new()
    }
}

impl Rule {
    fn new(kind: &'static str, value: impl Into<String>) -> Self {
        Self { subject: (kind, value.into()), ..Self::default() }
    }

    fn must(mut self, condition: impl Into<String>, value: impl Into<String>) -> Self {
        self.must.push((condition.into(), value.into()));
        self
    }

    fn text(&self, id: &str) -> String {
        let mut out = format!("  - id: {id}\n");
        let (kind, value) = &self.subject;
        let told = [("title", &self.title), (*kind, &Some(value.clone()))];
        for (key, value) in told {
            if let Some(value) = value {
                let _ = writeln!(out, "    {key}: {value}");
            }
        }
        out.push_str("    must:\n");
        for (condition, value) in &self.must {
            let _ = writeln!(out, "      {condition}: {value}");
        }
        for (key, value) in [("why", &self.why), ("corrective", &self.corrective)] {
            if let Some(value) = value {
                let _ = writeln!(out, "    {key}: {value}");
            }
        }
        out
    }
}

/// What spotcheck has against a rule.
fn refused(rule: &str, subjects: Subjects) -> Option<String> {
    let mut problems = Diagnostics::default();
    let text = format!("policy: imported\nrules:\n{rule}");
    let policies = load::load_text("imported.yaml", &text, &Vars::default(), &mut problems);
    Plan::compile(policies, subjects, &mut problems);
    let first = problems.into_sorted().into_iter().next()?;
    let told = first.render(false);
    let line = told.lines().next().unwrap_or_default();
    Some(line.trim_start_matches("error: ").to_owned())
}

/// A comment is one line, without anything that a terminal would obey.
fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    crate::text::printable(&text).chars().take(LONGEST).collect()
}

/// Which tool a file is for, by its keys.
fn kind_of(document: &Node) -> Option<Foreign> {
    const GOSS: [&str; 16] = [
        "file",
        "package",
        "addr",
        "port",
        "service",
        "user",
        "group",
        "command",
        "dns",
        "process",
        "kernel-param",
        "mount",
        "interface",
        "http",
        "matching",
        "gossfile",
    ];
    let Value::Map(entries) = &document.value else { return None };
    let has = |name: &str| entries.iter().any(|(key, _)| key.text == name);
    if has("schemaVersion") {
        return Some(Foreign::ContainerStructureTest);
    }
    if has("checks") && has("policy") {
        return Some(Foreign::Wazuh);
    }
    GOSS.iter().any(|name| has(name)).then_some(Foreign::Goss)
}

#![doc = include_str!("page.md")]

mod refer;

use crate::facts::package::{Manager, Package, PackageState, Packages};
use crate::facts::{Cause, Fact, Unknown, all};
use crate::formats::versions;
use crate::host::Target;
use crate::host::glob::{NamePattern, is_pattern};
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, Term};
use crate::policy::node::Node;
use crate::policy::operand::{Text, Version};
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text::shell;
use crate::verdict::{Assertion, Evidence, Subject};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// `package:`
pub static PACKAGE: SubjectKind = SubjectKind {
    key: "package",
    value: "name of a package, or name:architecture, or a pattern of names",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: true,
    refers: Some(refer::REFERS),
    compile,
};

/// The packages of one name.
pub struct PackageView {
    subject: Subject,
    name: String,
    /// Those that are there, or were.
    packages: Vec<Package>,
    /// What keeps this from being known to be all.
    gap: Option<Unknown>,
    manager: Option<Manager>,
}

static CONDITIONS: &[Condition<PackageView>] = &[
    Condition {
        info: ConditionInfo {
            name: "installed",
            doc: "It is installed (true), or nothing of it is but perhaps its configuration (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| installed(view, wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "version",
            doc: "Version as its manager orders versions.",
            form: Form::Expectation { ordered: true, textual: true },
            example: "{ at_least: \"1.18.0-6.1\" }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Version>::parse(node))?;
            Some(Box::new(move |view, _| version(view, &expect)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "held",
            doc: "It is kept from being upgraded: dpkg's hold, a version in /etc/apk/world. rpm's \
                  database does not say.",
            form: Form::Boolean,
            example: "false",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| held(view, wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "architecture",
            doc: "Architecture in the manager's words: amd64, x86_64, all.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "amd64",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                let holds = view.there().map(|one| Ok(expect.holds_for(&one.architecture)));
                view.about("architecture")
                    .expected(expect.show())
                    .observed(view.words(|one| one.architecture.clone()))
                    .decide(view.earned(all(holds)))
            }))
        },
    },
];

struct PackageCheck {
    name: String,
    /// The name stands for several.
    pattern: Option<NamePattern>,
    absent: Absent,
    tests: Vec<Demand<PackageView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let pattern = problems.ok(pattern(&input.subject))?;
    let name = match &pattern {
        Some(_) => input.subject.text("a package").ok().map(str::to_owned),
        None => problems.ok(package_name(&input.subject)),
    };
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(PackageCheck { name: name?, pattern, absent, tests }))
}

/// A pattern of names, where it is one.
fn pattern(node: &Node) -> Result<Option<NamePattern>, Diagnostic> {
    let text = node.text("the name of a package")?;
    if !is_pattern(text) {
        return Ok(None);
    }
    let wrong = |why: String| Diagnostic::at(&node.span, "not a pattern of names").label(why);
    NamePattern::new(text).map(Some).map_err(wrong)
}

/// The name of a package, without patterns.
pub fn package_name(node: &Node) -> Result<String, Diagnostic> {
    let text = node.text("the name of a package")?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "+-._:".contains(c);
    if text.chars().all(fits) {
        Ok(text.to_owned())
    } else {
        Err(node.expected("a package's name"))
    }
}

impl Check for PackageCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let found = match crate::formats::packages::installed(target) {
            Ok(found) => found,
            Err(why) => {
                let subject = Subject::new("package", self.name.clone());
                let unknown = |demand: &Demand<PackageView>| {
                    Assertion::of(&subject, demand.name()).unknown(why.clone())
                };
                return self.tests.iter().map(unknown).collect();
            }
        };
        let names: BTreeSet<&str> = match &self.pattern {
            Some(pattern) => {
                let names = found.all.iter().map(|package| package.name.as_str());
                names.filter(|name| pattern.matches(name)).collect()
            }
            None => BTreeSet::new(),
        };
        if names.is_empty() {
            return self.judge(&self.name, &found, target);
        }
        names.into_iter().flat_map(|name| self.judge(name, &found, target)).collect()
    }
}

impl PackageCheck {
    fn judge(&self, name: &str, found: &Packages, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("package", name);
        let packages: Vec<Package> = found.named(name).cloned().collect();
        let manager = packages.first().or(found.all.first()).map(|package| package.manager);
        let gap = found.unread.first().cloned();
        let view = PackageView { subject, name: name.to_owned(), packages, gap, manager };
        let can_judge = |name: &str| view.there().next().is_some() || name == "installed";
        let mut assertions: Vec<Assertion> = self
            .tests
            .iter()
            .filter_map(|demand| demand.judge_some(&can_judge, &view, target))
            .collect();
        if assertions.is_empty() {
            let answer = installed(&view, true);
            assertions.push(match (&view.gap, self.absent) {
                (None, Absent::Skip) => answer.absent("not installed"),
                _ => answer,
            });
        }
        assertions
    }
}

impl PackageView {
    /// Packages whose files are there, at least in part.
    fn there(&self) -> impl Iterator<Item = &Package> + Clone {
        self.packages.iter().filter(|package| package.state != PackageState::ConfigFiles)
    }

    fn about(&self, condition: &str) -> Assertion {
        let line = |package: &Package| {
            let words = format!("{} {}", package.name, package.version);
            Evidence::line(&package.at.file, package.at.line, words)
        };
        Assertion::of(&self.subject, condition).seen(self.packages.iter().map(line))
    }

    fn words(&self, word: impl Fn(&Package) -> String) -> String {
        let several = self.there().count() > 1;
        let words = self.there().map(|package| match several {
            true => format!("{} ({})", word(package), package.architecture),
            false => word(package),
        });
        words.collect::<Vec<_>>().join(", ")
    }

    /// There may be another package of the name in what could not be read.
    fn earned(&self, holds: Fact<bool>) -> Fact<bool> {
        match (&holds, &self.gap) {
            (Ok(true), Some(why)) => Err(why.clone()),
            _ => holds,
        }
    }

    /// A command of the package's manager.
    fn command(&self, dpkg: &str, rpm: &str, apk: &str) -> Option<String> {
        let command = match self.manager? {
            Manager::Dpkg => dpkg,
            Manager::Rpm => rpm,
            Manager::Apk => apk,
        };
        // Which of a pattern's packages is meant, only people know.
        (!is_pattern(&self.name))
            .then(|| format!("{command} {}", shell::quote(self.name.as_bytes())))
    }
}

fn installed(view: &PackageView, wanted: bool) -> Assertion {
    let word = |package: &Package| match &package.state {
        PackageState::Installed => format!("installed {}", package.version),
        PackageState::ConfigFiles => "removed, its configuration is left".into(),
        PackageState::Broken(word) => format!("{word} {}", package.version),
    };
    let words: Vec<String> = view.packages.iter().map(word).collect();
    let whole = view.there().any(|package| package.state == PackageState::Installed);
    let broken = view.there().any(|package| package.state != PackageState::Installed);
    let holds = match (whole, broken, &view.gap) {
        (_, true, _) => Ok(false),
        (true, false, _) => Ok(wanted),
        (false, false, Some(why)) => Err(why.clone()),
        (false, false, None) => Ok(!wanted),
    };
    let step = match (wanted, broken) {
        (true, true) => view.command("dpkg --configure", "dnf reinstall", "apk fix"),
        (true, false) => view.command("apt-get install", "dnf install", "apk add"),
        (false, _) => view.command("apt-get remove", "dnf remove", "apk del"),
    };
    let assertion = view
        .about("installed")
        .expected(if wanted { "installed" } else { "not installed" })
        .observed(if words.is_empty() { "not installed".into() } else { words.join(", ") });
    assertion.decide(holds).repaired_by(|| step)
}

fn version(view: &PackageView, expect: &Expect<Version>) -> Assertion {
    let fits = |package: &Package| {
        let order =
            |wanted: &Version| versions::compare(package.manager, &package.version, &wanted.0);
        expect.holds(&mut |term| {
            Ok(match term {
                Term::Is(wanted) => order(wanted) == Ordering::Equal,
                Term::AtMost(wanted) => order(wanted) != Ordering::Greater,
                Term::AtLeast(wanted) => order(wanted) != Ordering::Less,
                Term::Matches(pattern) => pattern.is_match(&package.version),
            })
        })
    };
    let holds = all(view.there().map(fits));
    let upgrade =
        view.command("apt-get install --only-upgrade", "dnf upgrade", "apk add --upgrade");
    let assertion = view
        .about("version")
        .expected(expect.show())
        .observed(view.words(|package| package.version.clone()));
    assertion.decide(view.earned(holds)).repaired_by(|| upgrade)
}

fn held(view: &PackageView, wanted: bool) -> Assertion {
    let fits = |package: &Package| match package.held {
        Some(held) => Ok(held == wanted),
        None => {
            let why = "locks are kept by plugins, not by its database".to_owned();
            let what = format!("{} {}", package.manager.name(), package.name);
            Err(Unknown::new(what, Cause::Unsupported(why)))
        }
    };
    let word = |package: &Package| match package.held {
        Some(true) => "held".to_owned(),
        Some(false) => "not held".to_owned(),
        None => "unknown".to_owned(),
    };
    let step = match wanted {
        true => view.command("apt-mark hold", "dnf versionlock add", "apk add"),
        false => view.command("apt-mark unhold", "dnf versionlock delete", "apk add"),
    };
    let assertion = view
        .about("held")
        .expected(if wanted { "held" } else { "not held" })
        .observed(view.words(word));
    let holds = all(view.there().map(fits));
    assertion.decide(view.earned(holds)).repaired_by(|| step)
}

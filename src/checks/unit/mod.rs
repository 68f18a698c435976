#![doc = include_str!("page.md")]

pub mod active;
pub mod conditions;
mod refer;
pub mod user;

use super::file::{field, missing};
use crate::checks::unit::conditions::{CONDITIONS, cannot_be_told, refuse_unanswerable, setting};
use crate::facts::host::TargetKind;
use crate::facts::process::Selector;
use crate::facts::settings::Settings;
use crate::facts::unit::Unit;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::systemd::{names, units};
use crate::host::Target;
use crate::host::glob::{NamePattern, is_pattern};
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::Node;
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{infos, read_open};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Evidence, Subject};
use std::collections::BTreeSet;
use std::sync::Arc;

/// `unit:`
pub static UNIT: SubjectKind = SubjectKind {
    key: "unit",
    value: "name of a systemd unit with its suffix: nginx.service, or a pattern of names",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: true,
    page: include_str!("page.md"),
    combines: true,
    patterns: true,
    refers: Some(refer::REFERS),
    compile,
};

/// A unit, as conditions see it.
pub struct UnitView {
    /// For assertions.
    pub subject: Subject,
    /// The name that the rule gives.
    pub name: String,
    /// `None`: there is no such unit.
    pub unit: Option<Arc<Unit>>,
}

impl UnitView {
    /// An assertion that shows the unit's file.
    pub fn about(&self, condition: &str) -> Assertion {
        let file = self.unit.iter().map(|unit| Evidence::line(&unit.fragment, 0, unit.id.clone()));
        Assertion::of(&self.subject, condition).seen(file)
    }

    /// The name behind all aliases.
    pub fn id(&self) -> &str {
        self.unit.as_ref().map_or(&self.name, |unit| &unit.id)
    }

    /// The settings, where there are any to be judged.
    pub fn settings(&self) -> Option<&Fact<Settings>> {
        self.unit.as_ref().filter(|unit| !unit.masked).map(|unit| &unit.settings)
    }
}

struct UnitCheck {
    name: String,
    /// The name stands for several.
    pattern: Option<NamePattern>,
    absent: Absent,
    says_existence: Option<bool>,
    tests: Vec<Demand<UnitView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let pattern = problems.ok(pattern(&input.subject))?;
    let name = match &pattern {
        Some(_) => input.subject.text("the name of a unit").ok().map(str::to_owned),
        None => problems.ok(unit_name(&input.subject)),
    };
    let absent = take_absent(&mut input, problems);
    let says_existence = field(&input.must, "exists").and_then(|node| node.as_boolean());
    let tests = read_open(CONDITIONS, Arc::new(setting), &input.must, scope, problems);
    let name = name?;
    // Of a pattern it is only known later what its units are.
    if pattern.is_none() || names::has_kind(&name) {
        refuse_unanswerable(&name, &input.must, problems);
    }
    Some(Box::new(UnitCheck { name, pattern, absent, says_existence, tests }))
}

/// A pattern of names, where it is one.
fn pattern(node: &Node) -> Result<Option<NamePattern>, Diagnostic> {
    let text = node.text("the name of a unit")?;
    if !is_pattern(text) {
        return Ok(None);
    }
    let wrong = |why: String| Diagnostic::at(&node.span, "not a pattern of names").label(why);
    NamePattern::new(text).map(Some).map_err(wrong)
}

/// The name of a unit with its suffix.
pub fn unit_name(node: &Node) -> Result<String, Diagnostic> {
    let text = node.text("the name of a unit")?;
    if names::is_valid(text) {
        return Ok(text.to_owned());
    }
    let wrong = Diagnostic::at(&node.span, format!("`{text}` is not the name of a unit"));
    Err(match text.contains(['.', '/', ' ']) {
        true => wrong.help("a name with its suffix, such as nginx.service or ssh.socket"),
        false => wrong.help(format!("write {text}.service")),
    })
}

/// The unit of that name.
pub fn find(name: &str, target: &dyn Target) -> Fact<Option<Arc<Unit>>> {
    crate::formats::systemd::units::unit(target, name)
}

impl Check for UnitCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let Some(pattern) = &self.pattern else { return self.judge(&self.name, target) };
        let index = units::index(target);
        let wanted = |name: &&str| names::is_valid(name) && pattern.matches(name);
        let mut names: BTreeSet<String> = index
            .all()
            .into_iter()
            .chain(index.wanted())
            .filter(wanted)
            .map(str::to_owned)
            .collect();
        let mut gap = index.unread.first().cloned();
        if self.tests.iter().any(|demand| demand.asks(&["active"]))
            && target.host().kind == TargetKind::Host
        {
            // What runs may have lost its file.
            match target.processes(&Selector::default()) {
                Ok(selection) => {
                    gap = gap.or_else(|| selection.gap().cloned());
                    for process in &selection.processes {
                        match &process.cgroup {
                            Ok(group) => names.extend(
                                group.unit.iter().filter(|name| wanted(&name.as_str())).cloned(),
                            ),
                            Err(why) => gap = gap.or_else(|| Some(why.clone())),
                        }
                    }
                }
                Err(why) => gap = gap.or(Some(why)),
            }
        }
        // Aliases are the unit that they name, and a template is none by itself.
        let mut ids = BTreeSet::new();
        for name in names.iter().filter(|name| !names::is_template(name)) {
            match index.id_of(name) {
                Ok(id) => ids.insert(id.unwrap_or_else(|| name.clone())),
                Err(_) => ids.insert(name.clone()),
            };
        }
        let mut assertions: Vec<Assertion> =
            ids.iter().flat_map(|name| self.judge(name, target)).collect();
        match gap {
            // There may be further units.
            Some(why) => {
                let subject = Subject::new("unit", self.name.clone());
                assertions.extend(self.unseen(&subject, &why));
            }
            None if assertions.is_empty() => assertions.extend(self.judge(&self.name, target)),
            None => {}
        }
        assertions
    }
}

impl UnitCheck {
    /// The answers about the unit of one name.
    fn judge(&self, name: &str, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("unit", name);
        let unit = match find(name, target) {
            Ok(unit) => unit,
            Err(why) => return self.unseen(&subject, &why),
        };
        let view = UnitView { subject, name: name.to_owned(), unit };
        if self.pattern.is_some() && view.unit.is_some() {
            let instead = |condition: &str| {
                let why = Unknown::new(name, Cause::Unsupported(cannot_be_told(name, condition)?));
                Some(Assertion::of(&view.subject, condition).unknown(why))
            };
            let judge = |demand: &Demand<UnitView>| demand.judge_or(&instead, &view, target);
            return self.tests.iter().filter_map(judge).collect();
        }
        // Of a unit that does not exist it can still be said that it is neither enabled nor active.
        let can_judge =
            |name: &str| view.unit.is_some() || matches!(name, "exists" | "enabled" | "active");
        let mut assertions: Vec<Assertion> = self
            .tests
            .iter()
            .filter_map(|demand| demand.judge_some(&can_judge, &view, target))
            .collect();
        if assertions.len() < self.tests.len() && self.says_existence != Some(true) {
            assertions.push(missing(&view.subject, self.says_existence, self.absent));
        }
        assertions
    }

    fn unseen(&self, subject: &Subject, why: &Unknown) -> Vec<Assertion> {
        let unknown =
            |demand: &Demand<UnitView>| Assertion::of(subject, demand.name()).unknown(why.clone());
        self.tests.iter().map(unknown).collect()
    }
}

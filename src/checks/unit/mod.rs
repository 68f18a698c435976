#![doc = include_str!("page.md")]

pub mod active;
pub mod conditions;
mod refer;
pub mod user;

use super::file::{field, missing};
use crate::checks::unit::conditions::{CONDITIONS, setting};
use crate::facts::settings::Settings;
use crate::facts::unit::Unit;
use crate::facts::{Fact, Unknown};
use crate::formats::systemd::names;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::Node;
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{infos, read_open};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Evidence, Subject};
use std::sync::Arc;

/// `unit:`
pub static UNIT: SubjectKind = SubjectKind {
    key: "unit",
    value: "name of a systemd unit with its suffix: nginx.service",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: true,
    page: include_str!("page.md"),
    combines: true,
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
    absent: Absent,
    says_existence: Option<bool>,
    tests: Vec<Demand<UnitView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let name = problems.ok(unit_name(&input.subject));
    let absent = take_absent(&mut input, problems);
    let says_existence = field(&input.must, "exists").and_then(|node| node.as_boolean());
    let tests = read_open(CONDITIONS, Arc::new(setting), &input.must, scope, problems);
    let name = name?;
    crate::checks::unit::conditions::refuse_unanswerable(&name, &input.must, problems);
    Some(Box::new(UnitCheck { name, absent, says_existence, tests }))
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
        let subject = Subject::new("unit", self.name.clone());
        let unit = match find(&self.name, target) {
            Ok(unit) => unit,
            Err(why) => return self.unseen(&subject, &why),
        };
        let view = UnitView { subject, name: self.name.clone(), unit };
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
}

impl UnitCheck {
    fn unseen(&self, subject: &Subject, why: &Unknown) -> Vec<Assertion> {
        let unknown =
            |demand: &Demand<UnitView>| Assertion::of(subject, demand.name()).unknown(why.clone());
        self.tests.iter().map(unknown).collect()
    }
}

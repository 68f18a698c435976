//! A unit of systemd: whether it is enabled, active or masked, and its settings after drop-ins.
//!
//! The value is a name with its suffix: `nginx.service`, `ssh.socket`, `apt-daily.timer`,
//! `getty@tty1.service`. Aliases are followed. Files are found as systemd finds them: of several
//! with one name the one in the most important directory (`/etc`, `/run`, `/usr/lib`) counts as a
//! whole, then drop-ins apply in the order of their names.
//!
//! A key with a dot is a setting, section first: `Service.NoNewPrivileges`, `Socket.ListenStream`,
//! `Timer.OnCalendar`. What a setting may be demanded to be, `spotcheck explain config` says; where
//! it is not set, systemd's documented default is judged. These are declarations: what a running
//! process has, `service:` tells. They differ when a unit was edited and not restarted.
//!
//! `user` and `group` say as whom `ExecStart=` runs: the last `User=`, root without one, root too
//! behind the prefixes `+` and `!`; a number is the account that has it.
//!
//! `enabled` asks for links, as systemd does; presets are not asked. A package's own link in
//! `/usr/lib` counts, one of `enable --runtime` does not survive a boot and does not. `state` is
//! the word of `systemctl is-enabled`. `active` is told by what a unit has: a service processes in
//! its control group (or, with `RemainAfterExit=`, systemd's note of its present life in
//! `/run/systemd/units`), a slice the group itself (without one it is unknown), a mount or automount
//! its place in the list of mounts, a swap one in that of swap space, a socket its ports and files
//! held by systemd. Of timers, paths and targets nothing but systemd knows, so lint refuses the
//! question.
//!
//! That there is no such unit violates a rule, unless it says `absent: skip` or all it demands is
//! that the unit is not there, not enabled or not active. A unit that is masked has no settings.
//!
//! ```yaml
//! policy: example
//! rules:
//!   - id: nginx-unit-confined
//!     severity: high
//!     unit: nginx.service
//!     absent: skip
//!     must: { enabled: true, user: { not: root }, Service.NoNewPrivileges: true }
//!   - id: no-telnet
//!     severity: critical
//!     unit: telnet.socket
//!     must: { enabled: false, active: false }
//! ```

use super::combine::Demand;
use super::compile::{ABSENT, Absent, take_absent};
use super::condition::{infos, read_open};
use super::file::{field, missing};
use super::unit_conditions::{CONDITIONS, setting};
use super::{Check, Input, Scope, SubjectKind};
use crate::facts::settings::Settings;
use crate::facts::unit::Unit;
use crate::facts::{Fact, Unknown};
use crate::formats::systemd::names;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::Node;
use crate::verdict::{Assertion, Sighting, Subject};
use std::sync::Arc;

/// `unit:`
pub static UNIT: SubjectKind = SubjectKind {
    key: "unit",
    value: "name of a systemd unit with its suffix: nginx.service",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: true,
    source: include_str!("unit.rs"),
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
        let file = self.unit.iter().map(|unit| Sighting::line(&unit.fragment, 0, unit.id.clone()));
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
    super::unit_conditions::refuse_unanswerable(&name, &input.must, problems);
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
    target.derived().unit(target, name)
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

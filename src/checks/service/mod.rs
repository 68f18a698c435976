#![doc = include_str!("page.md")]

pub mod as_declared;
pub mod conditions;
pub mod config;
pub mod control;
pub mod declared;
pub mod identity;
pub mod processes;
mod refer;
pub mod root;
mod sandbox;
mod started;

use crate::checks::service::conditions::CONDITIONS;
use crate::checks::service::declared::{Found, Part};
use crate::facts::host::TargetKind;
use crate::facts::process::Process;
use crate::facts::{Cause, Unknown};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::each_of_some;
use crate::policy::service::{Service, absolute_path};
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, one_of, take_absent};
use crate::rules::condition::{infos, read_all};
use crate::rules::services::{reference, select};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Subject};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

const OPTIONS: &[(&str, &str)] = &[
    ABSENT,
    ("processes", "all (default), workers (without the topmost ones), or master (these alone)"),
    (
        "configuration",
        "configuration files that count for controlled_only_by, with all that they include: a path \
         or a list",
    ),
];

/// `service:`
pub static SERVICE: SubjectKind = SubjectKind {
    key: "service",
    value: "name of a service of the policy, or how to find one: { exe: /usr/sbin/nginx }",
    options: OPTIONS,
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: Some(refer::REFERS),
    compile,
};

/// `process:`, the same under the name that fits a single program.
pub static PROCESS: SubjectKind = SubjectKind { key: "process", refers: None, ..SERVICE };

/// The processes of a service, as conditions see them.
pub struct ServiceView {
    /// For assertions.
    pub subject: Subject,
    /// Its definition.
    pub service: Service,
    /// The processes that the rule is about, by pid.
    pub processes: Vec<Arc<Process>>,
    /// What keeps this from being known to be all.
    pub gap: Option<Unknown>,
    /// Which processes were left out, being containers'.
    pub left_out: Option<String>,
    /// What starts the service, on a target that does not run: then there are no processes.
    pub declared: Option<Found>,
    /// Configuration files that the rule names.
    pub configuration: Vec<PathBuf>,
    /// Violations beyond the first of a condition that finds several, a finding each.
    pub found: std::cell::RefCell<Vec<Assertion>>,
}

struct ServiceCheck {
    service: Service,
    subject: Subject,
    part: Part,
    absent: Absent,
    configuration: Vec<PathBuf>,
    tests: Vec<Demand<ServiceView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let service = reference(&input.subject, scope.policy, problems);
    let absent = take_absent(&mut input, problems);
    let part = match input.fields.take("processes") {
        None => Part::All,
        Some(node) => match problems.ok(one_of(&node, &["all", "workers", "master"])) {
            Some("workers") => Part::Workers,
            Some("master") => Part::Master,
            _ => Part::All,
        },
    };
    let configuration = match input.fields.take("configuration") {
        Some(node) => each_of_some(&node, problems, absolute_path),
        None => Vec::new(),
    };
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    let service = service?;
    let subject = Subject::new("service", service.name.clone());
    Some(Box::new(ServiceCheck { service, subject, part, absent, configuration, tests }))
}

impl Check for ServiceCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        if target.host().kind == TargetKind::Image {
            return self.declared(target);
        }
        let running = Assertion::of(&self.subject, "running").expected(format!(
            "processes of {} ({})",
            self.service.name,
            self.service.criteria()
        ));
        let selection = match select(&self.service, target) {
            Ok(selection) => selection,
            Err(why) => return vec![running.unknown(why)],
        };
        let gap = selection.gap().cloned();
        let left_out = selection.left_out();
        let view = ServiceView {
            subject: self.subject.clone(),
            service: self.service.clone(),
            processes: self.part.of(selection.processes),
            gap,
            left_out,
            declared: None,
            configuration: self.configuration.clone(),
            found: std::cell::RefCell::default(),
        };
        let about_existence = |name: &str| matches!(name, "running" | "count");
        let mut assertions: Vec<Assertion> = self
            .tests
            .iter()
            .flat_map(|demand| {
                let can_judge = |name: &str| !view.processes.is_empty() || about_existence(name);
                let answer = demand.judge_some(&can_judge, &view, target);
                several(demand, answer, &view)
            })
            .collect();
        if assertions.is_empty() {
            let what = if self.part == Part::Workers { "worker process" } else { "process" };
            let running = running.observed(match &view.left_out {
                Some(left_out) => format!("no {what} runs; {left_out}"),
                None => format!("no {what} runs"),
            });
            assertions.push(match (view.gap, self.absent) {
                (Some(why), _) => running.unknown(why),
                (None, Absent::Skip) => running.skipped(format!("no {what} of it runs")),
                (None, Absent::Fail) => {
                    crate::checks::service::conditions::start_steps(&self.service, target)
                        .into_iter()
                        .fold(running, Assertion::repair)
                        .fail()
                }
            });
        }
        assertions
    }
}

impl ServiceCheck {
    fn declared(&self, target: &dyn Target) -> Vec<Assertion> {
        let found = match declared::find(&self.service, self.part, target) {
            Ok(found) => found,
            Err(why) => return vec![declared::none(&self.subject, Err(why), self.absent)],
        };
        let nothing = found.starts.is_empty();
        let view = ServiceView {
            subject: self.subject.clone(),
            service: self.service.clone(),
            processes: Vec::new(),
            gap: None,
            left_out: None,
            declared: Some(found),
            configuration: self.configuration.clone(),
            found: std::cell::RefCell::default(),
        };
        if nothing {
            let about_existence = |name: &str| matches!(name, "running" | "count");
            let judge =
                |demand: &Demand<ServiceView>| demand.judge_some(&about_existence, &view, target);
            let mut answers: Vec<Assertion> = self.tests.iter().filter_map(judge).collect();
            if answers.is_empty() {
                let found = view.declared.as_ref().map_or_else(|| Err(unsaid()), Ok);
                answers.push(declared::none(&self.subject, found, self.absent));
            }
            return answers;
        }
        let instead = |name: &str| declared::needs_running(name, &view);
        let answers = self.tests.iter().map(|demand| {
            let answer = demand.judge_or(&instead, &view, target);
            several(demand, answer, &view)
        });
        answers.flatten().collect()
    }
}

fn unsaid() -> Unknown {
    Unknown::new("what starts it", Cause::NotRunning)
}

/// The answer of a condition, and what it found beside that. Within a combination only one counts.
fn several(
    demand: &Demand<ServiceView>,
    answer: Option<Assertion>,
    view: &ServiceView,
) -> Vec<Assertion> {
    let further = view.found.take();
    let alone = matches!(demand.name(), "controlled_only_by" | "config");
    answer.into_iter().chain(further.into_iter().filter(|_| alone)).collect()
}

impl Part {
    /// The processes that a rule means. The topmost ones are those whose parent is not of the service.
    pub(super) fn of(self, processes: Vec<Arc<Process>>) -> Vec<Arc<Process>> {
        if self == Part::All {
            return processes;
        }
        let pids: BTreeSet<u32> = processes.iter().map(|process| process.pid).collect();
        let wanted = |process: &Arc<Process>| {
            let is_worker = pids.contains(&process.ppid);
            is_worker == (self == Part::Workers)
        };
        processes.into_iter().filter(wanted).collect()
    }
}

//! A service: a set of processes, and as whom and with which rights they run.
//!
//! A service is found by what `services:` of the policy says of it: systemd unit, executable, name,
//! arguments, pid file; all that are given must match. `user:` in such a definition says as whom the
//! service is meant to run; it selects processes only when nothing else is given, since narrowing by
//! it would hide exactly the process that runs as somebody else. The value of `service:` is a name
//! from `services:`, or a definition written in place.
//!
//! Conditions look at every thread of every process of the service. A service without any process
//! violates the rule, unless the rule says `absent: skip`. Processes that could not be looked at
//! turn a pass into unknown. Processes of containers on the host are not the host's, unless the
//! definition says `containers: true`.
//!
//! Some daemons keep a root process by design and work as somebody else (nginx, apache, sshd):
//! `processes: workers` leaves out the topmost processes of the service, `processes: master` looks
//! at those alone.
//!
//! `root_equivalent: false` says which of these amount to root. uid 0 is seen as this host sees it:
//! the root of a rootless container is another user. Capabilities count where the process lives in
//! this user namespace: chown, dac_override, dac_read_search, fowner, setgid, setuid, sys_module,
//! sys_rawio, sys_ptrace, sys_admin, sys_boot, mknod, setfcap, mac_override and mac_admin
//! (docs/privilege.md says why). Objects decide, not the names of groups.
//!
//! `declared_equals_live` finds the unit that was edited and not applied: reloaded, but not restarted.
//! A process that gave up rights by itself has not drifted.
//!
//! In an image or root filesystem nothing runs; there `run_as`, `never_root`, `root_equivalent` and
//! `controlled_only_by` are told from what is declared: the image's User and command, systemd's units
//! with their drop-ins and users of sysusers.d, supervisord's programs; of workers by `user` of nginx
//! and `User` of Apache. A command that starts as root and may drop privileges (gosu, su-exec,
//! setpriv in a shell script) is unknown. Everything else is skipped, since it needs a running host.
//!
//! `controlled_only_by` asks who could change what the service does: its executable and mapped
//! libraries, the script that an interpreter runs, its unit with drop-ins, environment files and all
//! commands, PATH and library directories (missing ones too, where somebody could make them), its
//! working directory, and the `configuration:` that the rule names with all that it includes. For
//! each of them every directory on the way counts, symbolic links followed. Whoever owns or may write
//! one of these, or may replace a name on the way, controls the service. uid 0 always may; a group
//! that has no members gives nobody anything. What comes from one directory is one finding, with the
//! route: `/opt (drwxrwxr-x root:staff) -> bob via group staff`. `spotcheck who-can control` answers
//! the same as a question.
//!
//! ```yaml
//! policy: example
//! services:
//!   nginx: { exe: /usr/sbin/nginx, user: nginx }
//! rules:
//!   - id: nginx-not-root
//!     severity: critical
//!     service: nginx
//!     must: { run_as: nginx, never_root: true }
//!     why: A web server that runs as root hands the host to whoever breaks it.
//! ```

use super::combine::Demand;
use super::compile::{ABSENT, Absent, one_of, take_absent};
use super::condition::{infos, read_all};
use super::declared_service::{self, Found, Part};
use super::service_conditions::CONDITIONS;
use super::{Check, Input, Scope, SubjectKind, identity};
use crate::facts::host::TargetKind;
use crate::facts::process::{Process, Selector};
use crate::facts::{Fact, Unknown};
use crate::host::{Selection, Target};
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::each_of_some;
use crate::policy::node::{Node, Value};
use crate::policy::service::{Service, absolute_path};
use crate::policy::{Diagnostics, Policy};
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
    source: include_str!("service.rs"),
    compile,
};

/// `process:`, the same under the name that fits a single program.
pub static PROCESS: SubjectKind = SubjectKind { key: "process", ..SERVICE };

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

/// A service by name, or defined in place.
pub fn reference(node: &Node, policy: &Policy, problems: &mut Diagnostics) -> Option<Service> {
    if let Value::Map(_) = &node.value {
        return Service::parse(None, node, problems);
    }
    let name = problems.ok(node.text("a service"))?;
    let known = policy.services.get(name).cloned();
    if known.is_none() {
        problems.push(
            Diagnostic::at(&node.span, format!("there is no service `{name}` in this policy"))
                .suggest(name, policy.services.keys().map(String::as_str))
                .help(format!("define it: services: {{ {name}: {{ exe: /usr/sbin/{name} }} }}")),
        );
    }
    known
}

/// The processes of a service.
pub(super) fn select(service: &Service, target: &dyn Target) -> Fact<Selection> {
    let Some(selector) = selector(service, target)? else { return Ok(Selection::default()) };
    let mut selection = target.processes(&selector)?;
    // A zombie has ended; only its parent has not asked how yet.
    selection.processes.retain(|process| process.exe != Ok(None));
    Ok(selection)
}

/// How a target finds the processes of a service. `None`: nobody has the name of the user by which
/// they are to be found, so there are none.
pub fn selector(service: &Service, target: &dyn Target) -> Fact<Option<Selector>> {
    let uid = match (&service.user, service.selects_by_user()) {
        (Some(user), true) => match identity::user_id(target, user)? {
            Some(uid) => Some(uid),
            None => return Ok(None),
        },
        _ => None,
    };
    Ok(Some(Selector {
        unit: service.unit.clone(),
        exe: service.exe.clone(),
        name: service.process_name.clone(),
        cmdline: service.cmdline.clone(),
        pid_file: service.pid_file.clone(),
        uid,
        containers: service.containers,
    }))
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
        let view = ServiceView {
            subject: self.subject.clone(),
            service: self.service.clone(),
            processes: self.part.of(selection.processes),
            gap,
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
            let running = running.observed(format!("no {what} runs"));
            assertions.push(match (view.gap, self.absent) {
                (Some(why), _) => running.unknown(why),
                (None, Absent::Skip) => running.skipped(format!("no {what} of it runs")),
                (None, Absent::Fail) => {
                    super::service_conditions::start_steps(&self.service, target)
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
        let found = match declared_service::find(&self.service, self.part, target) {
            Ok(found) if !found.starts.is_empty() => found,
            other => return vec![declared_service::none(&self.subject, other, self.absent)],
        };
        let view = ServiceView {
            subject: self.subject.clone(),
            service: self.service.clone(),
            processes: Vec::new(),
            gap: None,
            declared: Some(found),
            configuration: self.configuration.clone(),
            found: std::cell::RefCell::default(),
        };
        let instead = |name: &str| declared_service::needs_running(name, &view);
        let answers = self.tests.iter().map(|demand| {
            let answer = demand.judge_or(&instead, &view, target);
            several(demand, answer, &view)
        });
        answers.flatten().collect()
    }
}

/// The answer of a condition, and what it found beside that. Within a combination only one counts.
fn several(
    demand: &Demand<ServiceView>,
    answer: Option<Assertion>,
    view: &ServiceView,
) -> Vec<Assertion> {
    let further = view.found.take();
    let alone = demand.name() == "controlled_only_by";
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

//! Who holds a socket, and whether that is who should.

use crate::checks::port::published;
use crate::checks::program;
use crate::checks::service::conditions;
use crate::checks::service::processes::pid_list;
use crate::facts::listener::{Holders, Listener};
use crate::facts::process::Process;
use crate::facts::{Cause, Fact, Unknown, any};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::Expect;
use crate::policy::node::{Node, Value};
use crate::policy::operand::{AbsolutePath, Principal};
use crate::policy::service::Service;
use crate::rules::Scope;
use crate::rules::identity::user_is;
use crate::rules::services::{reference, selector};
use crate::text;
use crate::verdict::Evidence;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Who may hold a socket.
#[derive(Clone, Debug)]
pub enum Bound {
    /// A process of this service.
    Service(Box<Service>),
    /// A process that runs this executable.
    Exe(Expect<AbsolutePath>),
    /// A process all of whose uids are this user's.
    User(Expect<Principal>),
}

impl Bound {
    /// Reads a service's name, `{ exe: … }`, `{ user: … }` or a service defined in place.
    fn parse(node: &Node, scope: &Scope, problems: &mut Diagnostics) -> Option<Bound> {
        if let Value::Map(entries) = &node.value
            && let [(key, value)] = entries.as_slice()
        {
            match key.text.as_str() {
                "exe" => return problems.ok(Expect::parse(value)).map(Bound::Exe),
                "user" => return problems.ok(Expect::parse(value)).map(Bound::User),
                _ => {}
            }
        }
        reference(node, scope.policy, problems).map(|service| Bound::Service(Box::new(service)))
    }

    /// In words.
    pub fn show(&self) -> String {
        match self {
            Bound::Service(service) => service.name.clone(),
            Bound::Exe(exe) => exe.show(),
            Bound::User(user) => format!("user {}", user.show()),
        }
    }

    /// How to start the service that should hold the port, if there is a unit for it.
    pub fn start_step(&self, target: &dyn Target) -> Option<String> {
        match self {
            Bound::Service(service) => conditions::start_steps(service, target).into_iter().next(),
            _ => None,
        }
    }

    fn is(&self, process: &Process, target: &dyn Target) -> Fact<bool> {
        match self {
            Bound::Service(service) => match selector(service, target)? {
                Some(selector) => target.is_picked(process.pid, &selector),
                None => Ok(false),
            },
            Bound::Exe(expect) => {
                let exe = process.exe.clone()?;
                exe.map_or(Ok(false), |exe| program::is_expected(expect, &exe, target))
            }
            Bound::User(expect) => {
                let threads = process.seen_threads()?;
                let uids: BTreeSet<u32> = threads.iter().flat_map(|t| t.uid.distinct()).collect();
                crate::facts::all(uids.into_iter().map(|uid| user_is(target, expect, uid)))
            }
        }
    }
}

/// One process that holds a socket.
#[derive(Clone)]
pub struct Holder {
    /// The process, unless it could not be looked at.
    pub process: Result<Arc<Process>, (u32, Unknown)>,
    /// Name of the user it runs as.
    user: String,
}

/// All holders of some sockets, each process once, and what could not be seen.
pub fn holders_of(
    sockets: &[Listener],
    target: &dyn Target,
) -> Fact<(Vec<Holder>, Option<Unknown>)> {
    if sockets.is_empty() {
        return Ok((Vec::new(), None));
    }
    let inodes: BTreeSet<u32> = sockets.iter().map(|socket| socket.inode).collect();
    let found = target.holders(&inodes)?;
    let mut looked_at: BTreeMap<u32, Option<Holder>> = BTreeMap::new();
    let mut unseen = None;
    for socket in sockets {
        let Holders { pids, unseen: others } =
            found.get(&socket.inode).cloned().unwrap_or_default();
        let mut left = false;
        for pid in &pids {
            let holder = looked_at.entry(*pid).or_insert_with(|| match target.process(*pid) {
                Ok(Some(process)) => Some(Holder::new(Ok(process), target)),
                // It ended between the two looks: no holder any more.
                Ok(None) => None,
                Err(why) => Some(Holder::new(Err((*pid, why)), target)),
            });
            left |= holder.is_some();
        }
        let nobody = || match pids.is_empty() {
            true => {
                let why = "no process holds it: it belongs to the kernel, or has just been closed";
                Unknown::new(socket.to_string(), Cause::Unsupported(why.to_owned()))
            }
            // It may have been handed on: each socket needs a holder of its own.
            false => Unknown::new(format!("holders of {socket}"), Cause::Vanished),
        };
        unseen = unseen.or(others).or_else(|| (!left).then(nobody));
    }
    Ok((looked_at.into_values().flatten().collect(), unseen))
}

impl Holder {
    fn new(process: Result<Arc<Process>, (u32, Unknown)>, target: &dyn Target) -> Self {
        let user = match &process {
            Ok(process) => crate::checks::service::processes::identity_of(process, target),
            Err(_) => "an unreadable user".into(),
        };
        Self { process, user }
    }

    /// As evidence.
    pub fn evidence(&self) -> Option<Evidence> {
        self.process.as_ref().ok().map(|process| Evidence::process(process))
    }

    /// Whether it is one of those who may.
    pub fn is_any_of(&self, wanted: &[Bound], target: &dyn Target) -> Fact<bool> {
        match &self.process {
            Ok(process) => any(wanted.iter().map(|bound| bound.is(process, target))),
            Err((_, why)) => Err(why.clone()),
        }
    }

    /// Holders in words: `apache2 (/usr/sbin/apache2, unit apache2.service; root: pid 4711;
    /// www-data: pids 4712, 4713; since 2026-11-01 10:02:11 UTC)`.
    pub fn describe(holders: &[Holder]) -> String {
        let mut programs: BTreeMap<String, Vec<&Holder>> = BTreeMap::new();
        for holder in holders {
            let program = match &holder.process {
                Ok(process) => process.comm.clone(),
                Err(_) => "a process that cannot be read".into(),
            };
            programs.entry(program).or_default().push(holder);
        }
        let words = programs.into_iter().map(|(program, holders)| {
            format!("{program} ({})", Self::details(&holders).join("; "))
        });
        words.collect::<Vec<_>>().join(", ")
    }

    fn details(holders: &[&Holder]) -> Vec<String> {
        let mut details = Vec::new();
        let processes = || holders.iter().filter_map(|holder| holder.process.as_ref().ok());
        let exes: BTreeSet<String> = processes()
            .map(|process| match &process.exe {
                Ok(Some(exe)) => program::words(exe),
                _ => "executable not readable".into(),
            })
            .collect();
        details.extend(exes);
        let units: BTreeSet<String> = processes()
            .filter_map(|process| process.cgroup.as_ref().ok()?.unit.clone())
            .map(|unit| format!("unit {unit}"))
            .collect();
        details.extend(units);
        let containers: BTreeSet<String> = processes()
            .filter_map(|process| process.inside.as_ref())
            .map(|container| format!("in a container: {container}"))
            .collect();
        details.extend(containers);
        let mut users: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for holder in holders {
            users.entry(&holder.user).or_default().push(holder.pid());
        }
        details
            .extend(users.into_iter().map(|(user, pids)| format!("{user}: {}", pid_list(&pids))));
        let since = processes().map(|process| process.started).min();
        details.extend(since.map(|since| format!("since {}", text::time::utc(since))));
        details
    }

    /// Commands that make strangers let go of sockets: stop their unit, or kill the topmost of them.
    /// What process 1 holds is a socket unit's, and process 1 is not to be killed.
    pub fn stop_steps(
        strangers: &[&Holder],
        sockets: &[Listener],
        target: &dyn Target,
    ) -> Vec<String> {
        let pids: BTreeSet<u32> =
            strangers.iter().map(|holder| holder.pid()).filter(|pid| *pid != 1).collect();
        let mut steps = BTreeSet::new();
        let mut kill = Vec::new();
        for process in strangers.iter().filter_map(|holder| holder.process.as_ref().ok()) {
            if let Some(step) = published::stop(process, target) {
                steps.insert(step);
                continue;
            }
            if process.pid == 1 {
                steps.extend(sockets.iter().map(|socket| stop_socket_unit(socket, target)));
                continue;
            }
            let unit = process.cgroup.as_ref().ok().and_then(|cgroup| cgroup.unit.clone());
            match unit.filter(|unit| unit.ends_with(".service")) {
                Some(unit) => {
                    steps.insert(format!("systemctl stop {}", text::shell::quote(unit.as_bytes())));
                }
                None if !pids.contains(&process.ppid) => kill.push(process.pid.to_string()),
                None => {}
            }
        }
        let mut steps: Vec<String> = steps.into_iter().collect();
        if !kill.is_empty() {
            steps.push(format!("kill {}", kill.join(" ")));
        }
        steps
    }

    fn pid(&self) -> u32 {
        match &self.process {
            Ok(process) => process.pid,
            Err((pid, _)) => *pid,
        }
    }

    /// Whether it has the rights of root: one thread with one uid 0 is enough, since threads share
    /// their memory and a saved uid can be taken up again.
    pub fn is_root(&self) -> Fact<bool> {
        match &self.process {
            Ok(process) => {
                Ok(process.seen_threads()?.iter().any(|thread| thread.uid.all().contains(&0)))
            }
            Err((_, why)) => Err(why.clone()),
        }
    }
}

/// Stops the socket unit that opens a port, or says how to find it.
fn stop_socket_unit(socket: &Listener, target: &dyn Target) -> String {
    match crate::declared::daemons::socket_unit(target, socket) {
        Some(unit) => format!("systemctl stop {}", text::shell::quote(unit.as_bytes())),
        None => format!(
            "systemctl list-sockets # names the unit of port {}: systemctl stop NAME.socket",
            socket.port
        ),
    }
}

/// Reads one or more allowed holders, filing errors.
pub fn bounds(node: &Node, scope: &Scope, problems: &mut Diagnostics) -> Vec<Bound> {
    node.items().iter().filter_map(|item| Bound::parse(item, scope, problems)).collect()
}

//! What runs now: whoever could change the program of a process of root's, its libraries or its
//! script takes it over with its next start, whatever has started it. Processes of login sessions are
//! left out, in which root looks at other people's files, and those of containers, whose paths are not
//! the host's.

use super::person::Route;
use super::{Items, process};
use crate::access::Person;
use crate::access::root_equivalent::CAPABILITIES;
use crate::facts::account::User;
use crate::facts::capability;
use crate::facts::host::TargetKind;
use crate::facts::process::{Process, Selector, Thread};
use crate::host::Target;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Interpreters whose first operand is a script.
const INTERPRETERS: [&str; 9] =
    ["sh", "bash", "dash", "python", "perl", "ruby", "node", "php", "lua"];

/// Adds what the processes of a user are made of; for root those, too, whose capabilities amount to
/// root. Routes: accounts that such a process is of.
pub(super) fn add(target: &dyn Target, user: &User, items: &mut Items) -> Vec<Route> {
    if target.host().kind == TargetKind::Image {
        return Vec::new();
    }
    let selection = match target.processes(&Selector::default()) {
        Ok(selection) => selection,
        Err(why) => {
            items.unread.push(why);
            return Vec::new();
        }
    };
    items.unread.extend(selection.hidden.clone());
    let mut routes = Vec::new();
    let mut seen = BTreeSet::new();
    for process in &selection.processes {
        if process.kernel_thread || is_elsewhere(process) {
            continue;
        }
        let threads = match process.seen_threads() {
            Ok(threads) => threads,
            Err(why) => {
                items.unread.push(why);
                continue;
            }
        };
        let runs_as = threads.iter().any(|thread| thread.uid.all().contains(&user.uid));
        let counts = user.uid == 0 && !runs_as && is_of_the_host(target, process.pid);
        let mighty = if counts { mighty(threads) } else { None };
        if !runs_as && mighty.is_none() {
            continue;
        }
        if let (Some((bit, why)), Some(thread)) = (mighty, threads.first())
            && process.cgroup.as_ref().is_ok_and(|cgroup| cgroup.unit.is_none())
        {
            // Of a unit its declaration tells.
            let uid = thread.uid.effective;
            let person = match target.user_by_id(uid) {
                Ok(Some(user)) => user.name,
                _ => Person { name: None, uid: Some(uid), gids: BTreeSet::new() }.to_string(),
            };
            routes.push(Route {
                place: format!("process {}", process.pid),
                people: BTreeSet::from([person]),
                right: format!("runs it with {}, which {why}", capability::name(bit)),
            });
        }
        made_of(target, process, &mut seen, items);
    }
    routes
}

/// Whether its paths are not the host's, or it is of a session.
fn is_elsewhere(process: &Process) -> bool {
    let contained = process.container != Ok(false) || process.inside.is_some();
    let other = matches!(&process.exe, Ok(Some(exe)) if exe.hosts != Ok(true));
    let session =
        process.cgroup.as_ref().is_ok_and(|cgroup| cgroup.path.starts_with("/user.slice/"));
    contained || other || session
}

/// Whether its capabilities are those of the first user namespace.
fn is_of_the_host(target: &dyn Target, pid: u32) -> bool {
    let of = |pid: u32| {
        let link = target.file(Path::new(&format!("/proc/{pid}/ns/user")));
        link.ok().flatten().and_then(|fact| fact.link_target.clone())
    };
    of(pid) == of(1)
}

/// The capability of a process by which it amounts to root, with the way there.
fn mighty(threads: &[Thread]) -> Option<(u8, &'static str)> {
    let held = threads.iter().fold(0, |all, one| all | one.capabilities.permitted);
    CAPABILITIES.iter().find(|(bit, _)| capability::has(held, *bit)).copied()
}

fn made_of(
    target: &dyn Target,
    process: &Process,
    seen: &mut BTreeSet<PathBuf>,
    items: &mut Items,
) {
    let pid = process.pid;
    let Ok(Some(exe)) = &process.exe else { return };
    if seen.insert(exe.path.clone()) {
        items.add(&exe.path, format!("executable of process {pid}"));
        match process::mapped(target, pid) {
            Ok(paths) => {
                for path in paths {
                    items.add(path, format!("library of process {pid}"));
                }
            }
            Err(why) => items.unread.push(why),
        }
    }
    let name = text::path(&exe.path);
    let name = name.rsplit('/').next().unwrap_or_default();
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let Ok(words) = &process.cmdline else { return };
    if INTERPRETERS.contains(&bare) {
        let script = words.iter().skip(1).find(|word| !word.starts_with('-'));
        if let Some(script) = script.filter(|word| word.starts_with('/')) {
            let path = Path::new(script);
            if seen.insert(path.to_owned()) {
                items.add(path, format!("script of process {pid}"));
            }
        }
    }
}

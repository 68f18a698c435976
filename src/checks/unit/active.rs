//! Whether a unit is active, as far as anybody but systemd can tell: by control groups, mounts, swap
//! space and sockets, and by what systemd leaves in `/run`.

use crate::checks::unit::UnitView;
use crate::checks::unit::conditions::{systemctl, value_of};
use crate::facts::host::TargetKind;
use crate::facts::listener::Protocol;
use crate::facts::process::Selector;
use crate::facts::settings::Settings;
use crate::facts::{Cause, Fact, Unknown, all};
use crate::formats::systemd::{self, names};
use crate::host::Target;
use crate::text;
use crate::verdict::{Assertion, Evidence};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Types of units of which it can be told.
pub const CAN_BE_TOLD: [&str; 7] =
    ["automount", "mount", "scope", "service", "slice", "socket", "swap"];

/// Compares it with what a rule wants.
pub fn active(view: &UnitView, wanted: bool, target: &dyn Target) -> Assertion {
    let assertion = view.about("active").expected(if wanted { "active" } else { "not active" });
    if target.host().kind == TargetKind::Image {
        return assertion.unknown(Unknown::new(view.id(), Cause::NotRunning));
    }
    let verb = if wanted { "start" } else { "stop" };
    let assertion = assertion.repair(systemctl(verb, view));
    let found = match names::kind(&view.name) {
        "socket" => socket_is_held(view, target),
        "mount" => is_mounted(view, target, &|filesystem| filesystem != "autofs"),
        "automount" => is_mounted(view, target, &|filesystem| filesystem == "autofs"),
        "swap" => is_swap(view, target),
        "slice" => has_group(view, target),
        _ => return by_processes(view, wanted, assertion, target),
    };
    match found {
        Ok((is, words)) => assertion.observed(words).decide(Ok(is == wanted)),
        Err(why) => assertion.unknown(why),
    }
}

fn by_processes(
    view: &UnitView,
    wanted: bool,
    assertion: Assertion,
    target: &dyn Target,
) -> Assertion {
    let selector = Selector { unit: Some(view.id().to_owned()), ..Selector::default() };
    let selection = match target.processes(&selector) {
        Ok(selection) => selection,
        Err(why) => return assertion.unknown(why),
    };
    if !selection.processes.is_empty() {
        let pids: Vec<u32> = selection.processes.iter().map(|process| process.pid).collect();
        return assertion
            .observed(format!("active: {}", crate::checks::service::processes::pid_list(&pids)))
            .seen(selection.processes.iter().map(|process| Evidence::process(process)))
            .decide(Ok(wanted));
    }
    if let Some(why) = selection.gap() {
        return assertion.unknown(why.clone());
    }
    let none = "no process is in its control group";
    if !remains(view) {
        return assertion.observed(none).decide(Ok(!wanted));
    }
    match has_run(view, target) {
        Ok(Some(link)) => assertion
            .observed("active: what it started has ended (RemainAfterExit=)")
            .seen([Evidence::line(&link, 0, "there")])
            .decide(Ok(wanted)),
        Ok(None) => assertion.observed(none).decide(Ok(!wanted)),
        Err(why) => assertion.unknown(why),
    }
}

/// A service can be active without a process: what it started has ended, and that is all right.
fn remains(view: &UnitView) -> bool {
    let Some(Ok(settings)) = view.settings() else { return false };
    let found = settings.lookup("Service.RemainAfterExit");
    found.into_iter().any(|found| value_of(found).is_some_and(systemd::is_yes))
}

/// The link by which systemd tells journald of the unit's present life; it is gone when the unit
/// becomes inactive or fails (`unit_unlink_state_files()` of `core/unit.c`).
fn has_run(view: &UnitView, target: &dyn Target) -> Fact<Option<PathBuf>> {
    let folder = Path::new("/run/systemd/units");
    let link = folder.join(format!("invocation:{}", view.id()));
    if target.file(&link)?.is_some() {
        return Ok(Some(link));
    }
    if target.file(folder)?.is_some() {
        return Ok(None);
    }
    let why = "it stays active when its processes have ended (RemainAfterExit=), which only \
               systemd can see";
    Err(unknown(view, why))
}

fn unknown(view: &UnitView, why: &str) -> Unknown {
    Unknown::new(view.id(), Cause::Unsupported(why.to_owned()))
}

/// The path that the unit's name stands for.
fn path(view: &UnitView) -> Fact<PathBuf> {
    names::path(view.id()).ok_or_else(|| unknown(view, "its name is not that of a path"))
}

fn is_mounted(
    view: &UnitView,
    target: &dyn Target,
    fits: &dyn Fn(&str) -> bool,
) -> Fact<(bool, String)> {
    let point = path(view)?;
    let mounts = crate::formats::mounts::in_force(target)?;
    let found = mounts.iter().rfind(|mount| mount.point == point && fits(&mount.filesystem));
    let words = match found {
        Some(mount) => format!("{} {} is mounted there", mount.source, mount.filesystem),
        None => format!("nothing of the kind is mounted at {}", text::path(&point)),
    };
    Ok((found.is_some(), words))
}

/// Whether the kernel swaps there: `proc_swaps(5)`.
fn is_swap(view: &UnitView, target: &dyn Target) -> Fact<(bool, String)> {
    let wanted = path(view)?;
    let list = Path::new("/proc/swaps");
    let Some(content) = target.read(list)? else {
        return Ok((false, "this kernel has no swap space".into()));
    };
    let text = String::from_utf8_lossy(&content);
    let mut spaces = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    let Some(first) = spaces.next() else { return Ok((false, "there is no swap space".into())) };
    if [first].into_iter().chain(spaces).any(|space| Path::new(space) == wanted) {
        return Ok((true, "the kernel swaps there".into()));
    }
    Err(unknown(view, "the kernel swaps elsewhere; whether that is the same device is not known"))
}

/// Whether a slice has a control group: systemd removes it when the slice becomes inactive. It makes
/// it when it is first needed, so that one without may be active all the same.
fn has_group(view: &UnitView, target: &dyn Target) -> Fact<(bool, String)> {
    let roots = ["/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"];
    for root in roots.map(Path::new) {
        if target.file(&root.join("cgroup.procs"))?.is_none() {
            continue;
        }
        if target.file(&root.join(names::slice_group(view.id())))?.is_some() {
            return Ok((true, "has a control group".into()));
        }
        let why = "a slice without a control group, which may be active and not needed yet";
        return Err(unknown(view, why));
    }
    Err(unknown(view, "no control groups are mounted in the places where systemd has them"))
}

/// Whether systemd, which is process 1, holds every port and socket file that a socket unit names.
fn socket_is_held(view: &UnitView, target: &dyn Target) -> Fact<(bool, String)> {
    let wanted = match view.settings() {
        Some(Ok(settings)) => stream_addresses(settings),
        Some(Err(why)) => return Err(why.clone()),
        None => return Ok((false, "no such socket can be started".into())),
    };
    if wanted.is_empty() {
        let why = "a socket that neither a TCP port nor a file tells: whether it is active, only \
                   systemd can see";
        return Err(unknown(view, why));
    }
    let held = |address: &Address| -> Fact<bool> {
        let inodes = match address {
            Address::Port(port) => {
                let listeners = target.listeners()?;
                let ours = listeners.iter().filter(|l| l.port == *port);
                ours.filter(|l| l.protocol == Protocol::Tcp).map(|socket| socket.inode).collect()
            }
            Address::File(path) => listening_files(path, target)?,
        };
        by_process_1(&inodes, target)
    };
    let words: Vec<String> = wanted.iter().map(Address::to_string).collect();
    let held = all(wanted.iter().map(held))?;
    let verb = if held { "holds" } else { "does not hold" };
    Ok((held, format!("systemd {verb} {}", words.join(" and "))))
}

fn by_process_1(inodes: &BTreeSet<u32>, target: &dyn Target) -> Fact<bool> {
    if inodes.is_empty() {
        return Ok(false);
    }
    let holders = target.holders(inodes)?;
    let mut gap = None;
    for holder in inodes.iter().filter_map(|inode| holders.get(inode)) {
        if holder.pids.contains(&1) {
            return Ok(true);
        }
        gap = gap.or(holder.unseen.clone());
    }
    gap.map_or(Ok(false), Err)
}

/// Inodes of the sockets that listen at a path, by `proc_net(5)`.
fn listening_files(path: &str, target: &dyn Target) -> Fact<BTreeSet<u32>> {
    const LISTENS: u32 = 0x0001_0000;
    let list = Path::new("/proc/net/unix");
    let Some(content) = target.read(list)? else {
        let why = Cause::Unsupported("there is no such file here".to_owned());
        return Err(Unknown::new(list.display().to_string(), why));
    };
    let text = String::from_utf8_lossy(&content);
    let found = text.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let flags = u32::from_str_radix(words.get(3)?, 16).ok()?;
        let inode = words.get(6)?.parse().ok()?;
        (flags & LISTENS != 0 && words.get(7) == Some(&path)).then_some(inode)
    });
    Ok(found.collect())
}

/// Where a socket unit listens.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Port(u16),
    File(String),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Port(port) => write!(f, "{port}/tcp"),
            Address::File(path) => f.write_str(path),
        }
    }
}

fn stream_addresses(settings: &Settings) -> Vec<Address> {
    let found = settings.lookup("Socket.ListenStream").into_iter().filter_map(value_of);
    found
        .filter_map(|value| match value.strip_prefix('/') {
            // Links such as /var/run the kernel's list does not have.
            Some(_) if value.contains('%') => None,
            Some(_) => Some(Address::File(value.replacen("/var/run/", "/run/", 1))),
            None if value.starts_with('@') => None,
            None => value.rsplit(':').next()?.parse().ok().map(Address::Port),
        })
        .collect()
}

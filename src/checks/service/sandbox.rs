//! What systemd sets up around a process before it starts it, as far as `/proc` shows it of the
//! process: namespaces, mounts, the bounding set, and how many system call filters there are.
//!
//! What the settings do is `systemd.exec(5)`; which capabilities they take away is
//! `unit_patch_contexts()` of systemd's `core/unit.c`, which install filters is
//! `exec_invoke()` of its `core/exec-invoke.c`. A thing that the process shares with process 1 was
//! not set up for it.

use crate::checks::service::as_declared::{last, on};
use crate::facts::process::{Process, Thread};
use crate::facts::settings::Settings;
use crate::facts::unit::Unit;
use crate::facts::{Cause, Fact, Unknown, capability};
use crate::formats::systemd::is_yes;
use crate::host::Target;
use std::path::{Path, PathBuf};

/// Settings with a namespace of its own.
const NAMESPACES: [(&str, &str); 4] = [
    ("PrivateNetwork", "net"),
    ("PrivateIPC", "ipc"),
    ("ProtectHostname", "uts"),
    ("PrivateUsers", "user"),
];
/// Settings that take capabilities from the bounding set.
const CAPABILITIES: [(&str, &[&str]); 4] = [
    ("ProtectKernelModules", &["CAP_SYS_MODULE"]),
    ("ProtectKernelLogs", &["CAP_SYSLOG"]),
    ("ProtectClock", &["CAP_SYS_TIME", "CAP_WAKE_ALARM"]),
    ("PrivateDevices", &["CAP_MKNOD", "CAP_SYS_RAWIO"]),
];
/// Settings that make systemd install a system call filter, whatever their value.
const FILTERS: [&str; 4] =
    ["SystemCallFilter", "SystemCallArchitectures", "SystemCallLog", "RestrictAddressFamilies"];
/// The same where they are on.
const FILTERS_IF_ON: [&str; 8] = [
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "LockPersonality",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectClock",
    "ProtectHostname",
    "PrivateDevices",
];
/// Since systemd 253 on a kernel that can, `prctl(2)` does this, and nothing shows it.
const NO_FILTER_EVERYWHERE: &str = "MemoryDenyWriteExecute";

/// The differences, each in words.
///
/// # Errors
/// Where nothing differs as far as can be told, and something cannot be told.
pub(super) fn differences(
    unit: &Unit,
    settings: &Settings,
    process: &Process,
    threads: &[Thread],
    target: &dyn Target,
) -> Fact<Vec<String>> {
    let mut found = Vec::new();
    let mut gap = None;
    let mut take = |answer: Fact<Vec<String>>| match answer {
        Ok(words) => found.extend(words),
        Err(why) => drop(gap.get_or_insert(why)),
    };
    for (key, namespace) in NAMESPACES {
        if on(settings, key) {
            take(namespaces(key, namespace, process.pid, target));
        }
    }
    for (key, names) in CAPABILITIES {
        if on(settings, key) {
            take(Ok(capabilities(key, names, threads)));
        }
    }
    take(mounts(unit, settings, process.pid, target));
    take(filters(settings, process.pid, threads, target));
    match gap {
        Some(why) if found.is_empty() => Err(why),
        _ => Ok(found),
    }
}

fn namespaces(key: &str, namespace: &str, pid: u32, target: &dyn Target) -> Fact<Vec<String>> {
    let of = |pid: u32| -> Fact<PathBuf> {
        let link = format!("/proc/{pid}/ns/{namespace}");
        let fact = target.file(Path::new(&link))?;
        let seen = fact.and_then(|fact| fact.link_target.clone());
        seen.ok_or_else(|| Unknown::new(link, Cause::Unsupported("it is not shown".into())))
    };
    Ok(match of(pid)? == of(1)? {
        true => vec![format!("{key}= is declared, and its {namespace} namespace is that of all")],
        false => Vec::new(),
    })
}

fn capabilities(key: &str, names: &[&str], threads: &[Thread]) -> Vec<String> {
    let taken = crate::formats::systemd::capability_set(names.iter().copied());
    let left = threads.iter().fold(0, |all, one| all | one.capabilities.bounding) & taken;
    match left {
        0 => Vec::new(),
        left => vec![format!("{key}= is declared, and it may have {}", capability::show(left))],
    }
}

/// What is seen at a place: `proc_pid_mountinfo(5)`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    point: PathBuf,
    /// Device, and the directory of its filesystem.
    what: (String, String),
    read_only: bool,
}

/// The mounts that a process sees.
fn table(pid: u32, target: &dyn Target) -> Fact<Vec<Seen>> {
    let file = format!("/proc/{pid}/mountinfo");
    let content = target.read(Path::new(&file))?.ok_or_else(|| {
        Unknown::new(&file, Cause::Unsupported("there is no such file here".into()))
    })?;
    let text = String::from_utf8_lossy(&content);
    let of_line = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let (device, root) = (words.get(2)?, words.get(3)?);
        let (point, options) = (words.get(4)?, words.get(5)?);
        Some(Seen {
            point: PathBuf::from(point),
            what: ((*device).to_owned(), (*root).to_owned()),
            read_only: options.split(',').any(|option| option == "ro"),
        })
    };
    let malformed =
        || Unknown::new(&file, Cause::Malformed("a line is not of its format".to_owned()));
    let lines = text.lines().filter(|line| !line.is_empty());
    lines.map(|line| of_line(line).ok_or_else(malformed)).collect()
}

/// The mount that a path lies on: of the longest the last one.
fn seen<'a>(table: &'a [Seen], path: &str) -> Option<&'a Seen> {
    let over = table.iter().filter(|one| Path::new(path).starts_with(&one.point));
    over.max_by_key(|one| one.point.as_os_str().len())
}

fn mounts(unit: &Unit, settings: &Settings, pid: u32, target: &dyn Target) -> Fact<Vec<String>> {
    let value = |key: &str| last(settings, key).filter(|value| !value.is_empty());
    // Places that have to be others than those of process 1, and places that have to be read-only.
    let mut own: Vec<(String, &str)> = Vec::new();
    let mut read_only: Vec<(String, &str)> = Vec::new();
    if let Some(declared) = value("PrivateTmp").filter(|v| is_yes(v) || v == "disconnected") {
        own.push((format!("PrivateTmp={declared}"), "/tmp"));
    }
    if on(settings, "PrivateDevices") {
        own.push(("PrivateDevices=yes".to_owned(), "/dev"));
    }
    for key in ["RootDirectory", "RootImage"] {
        if let Some(declared) = value(key).filter(|value| value != "/") {
            own.push((format!("{key}={declared}"), "/"));
        }
    }
    if let Some(declared) = value("ProtectHome") {
        for home in ["/home", "/root", "/run/user"] {
            let words = format!("ProtectHome={declared}");
            match declared.as_str() {
                "read-only" => read_only.push((words, home)),
                value if is_yes(value) || value == "tmpfs" => own.push((words, home)),
                _ => {}
            }
        }
    }
    if let Some(declared) = value("ProtectSystem") {
        let places: &[&str] = match declared.as_str() {
            "strict" => &["/", "/usr", "/etc"],
            "full" => &["/usr", "/etc"],
            value if is_yes(value) => &["/usr"],
            _ => &[],
        };
        let places = places.iter().map(|place| (format!("ProtectSystem={declared}"), *place));
        read_only.extend(places);
    }
    if on(settings, "ProtectKernelTunables") {
        read_only.push(("ProtectKernelTunables=yes".to_owned(), "/proc/sys"));
    }
    if value("ProtectControlGroups").is_some_and(|value| is_yes(&value) || value == "strict") {
        read_only.push(("ProtectControlGroups=yes".to_owned(), "/sys/fs/cgroup"));
    }
    if own.is_empty() && read_only.is_empty() {
        return Ok(Vec::new());
    }
    let id = &unit.id;
    let mounts = table(pid, target)?;
    let mut found: Vec<String> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for (declared, place) in read_only {
        let open = seen(&mounts, place).is_some_and(|mount| !mount.read_only);
        if open && !told.contains(&declared) && is_there(place, target)? {
            found.push(format!(
                "{declared} is declared in {id}, and {place} is not read-only for it"
            ));
            told.push(declared);
        }
    }
    if own.is_empty() {
        return Ok(found);
    }
    let hosts = match table(1, target) {
        Ok(hosts) => hosts,
        Err(_) if !found.is_empty() => return Ok(found),
        Err(why) => return Err(why),
    };
    for (declared, place) in own {
        let what = |table| seen(table, place).map(|mount| &mount.what);
        if what(&mounts) == what(&hosts) && !told.contains(&declared) && is_there(place, target)? {
            found
                .push(format!("{declared} is declared in {id}, and {place} is that of all for it"));
            told.push(declared);
        }
    }
    Ok(found)
}

/// What is not there needs no protection.
fn is_there(place: &str, target: &dyn Target) -> Fact<bool> {
    Ok(["/", "/usr", "/etc"].contains(&place) || target.file(Path::new(place))?.is_some())
}

/// Filters that the settings make systemd install, against those that the process has beyond what it
/// has from process 1, as everything in a container has.
fn filters(
    settings: &Settings,
    pid: u32,
    threads: &[Thread],
    target: &dyn Target,
) -> Fact<Vec<String>> {
    let set = |key: &&&str| last(settings, key).is_some_and(|value| !value.is_empty());
    let namespaces = last(settings, "RestrictNamespaces")
        .is_some_and(|value| !value.is_empty() && !is_no(&value));
    let declared = FILTERS.iter().filter(set).count()
        + FILTERS_IF_ON.iter().filter(|key| on(settings, key)).count()
        + usize::from(namespaces);
    let perhaps = on(settings, NO_FILTER_EVERYWHERE);
    if declared == 0 && !perhaps {
        return Ok(Vec::new());
    }
    let none = threads.iter().any(|thread| thread.seccomp == Some(0));
    if none && declared > 0 {
        return Ok(vec!["a system call filter is declared, and it has none".to_owned()]);
    }
    let not_shown = |what: &str, why: &str| {
        Unknown::new(format!("/proc/{what}/status"), Cause::Unsupported(why.to_owned()))
    };
    let own = match none {
        true => 0,
        false => {
            let why = "how many system call filters it has is not shown";
            let all = installed(pid, target)?.ok_or_else(|| not_shown(&pid.to_string(), why))?;
            let base = installed(1, target)?.ok_or_else(|| not_shown("1", why))?;
            all.saturating_sub(base)
        }
    };
    if own < declared {
        let words = format!("{declared} system call filters are declared, and it has {own}");
        return Ok(vec![words]);
    }
    if perhaps && own == declared {
        let why = format!("whether {NO_FILTER_EVERYWHERE}= is in force is not shown");
        return Err(not_shown(&pid.to_string(), &why));
    }
    Ok(Vec::new())
}

/// How many filters a process has; `None`: there are some, and their number is not shown (before
/// Linux 5.9).
fn installed(pid: u32, target: &dyn Target) -> Fact<Option<usize>> {
    let file = format!("/proc/{pid}/status");
    let content = target.read(Path::new(&file))?.ok_or_else(|| {
        Unknown::new(&file, Cause::Unsupported("there is no such file here".into()))
    })?;
    let text = String::from_utf8_lossy(&content);
    let field = |name: &str| {
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(name));
        lines.find_map(|rest| rest.strip_prefix(':')?.trim().parse::<usize>().ok())
    };
    Ok(match field("Seccomp_filters") {
        Some(count) => Some(count),
        None => (field("Seccomp") == Some(0)).then_some(0),
    })
}

fn is_no(value: &str) -> bool {
    ["no", "false", "off", "0", "n", "f"].contains(&value.to_ascii_lowercase().as_str())
}

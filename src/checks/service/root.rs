//! `root_equivalent` of a service: whether it is root, or could become it by what it holds.

use crate::access::Credentials;
use crate::access::root_equivalent::{Object, by_capabilities, by_objects, objects};
use crate::checks::service::ServiceView;
use crate::checks::service::declared::Found;
use crate::checks::service::processes::pid_list;
use crate::declared::rights;
use crate::declared::units::values;
use crate::facts::process::{Process, Thread};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::systemd::capability_set;
use crate::host::Target;
use crate::verdict::{Assertion, Evidence};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

const NAME: &str = "root_equivalent";

/// Whether no thread of it amounts to root.
pub(crate) fn root_equivalent(view: &ServiceView, target: &dyn Target) -> Assertion {
    let about = Assertion::of(&view.subject, NAME).expected("nothing that amounts to root");
    let objects = match objects(target) {
        Ok(objects) => objects,
        Err(why) => return about.unknown(why),
    };
    if let Some(found) = &view.declared {
        return declared(about, found, &objects, target);
    }
    let mut reasons: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    let mut gap = view.gap.clone();
    let mut guilty = Vec::new();
    for process in &view.processes {
        match of_process(process, &objects, target) {
            Ok(found) => {
                if !found.is_empty() {
                    guilty.push(Evidence::process(process));
                }
                for reason in found {
                    reasons.entry(reason).or_default().push(process.pid);
                }
            }
            Err(why) => gap = gap.or(Some(why)),
        }
    }
    let words: Vec<String> =
        reasons.iter().map(|(why, pids)| format!("{} {why}", pid_list(pids))).collect();
    match (words.is_empty(), gap) {
        (false, _) => about.observed(words.join("; ")).seen(guilty).fail(),
        (true, Some(why)) => about.unknown(why),
        (true, None) => {
            let seen = view.processes.iter().map(|process| Evidence::process(process));
            about.observed("neither uid 0 nor a capability, file or socket").seen(seen).pass()
        }
    }
}

/// Why a process amounts to root.
fn of_process(
    process: &Process,
    objects: &[Object],
    target: &dyn Target,
) -> Fact<BTreeSet<String>> {
    let mut reasons = BTreeSet::new();
    let reach = reach_of_capabilities(process.pid, target)?;
    for thread in process.seen_threads()? {
        // What the kernel shows here are ids of this namespace: uid 0 of a rootless container is
        // another one.
        if thread.uid.all().contains(&0) {
            reasons.insert(root_words(thread));
        }
        let held = thread.capabilities.permitted | thread.capabilities.ambient;
        reasons.extend(by_capabilities(held & reach));
        let groups = thread.groups.iter().copied().chain(thread.gid.all());
        let mut ids: BTreeSet<u32> = thread.uid.all().into_iter().collect();
        ids.remove(&0);
        for uid in ids {
            let who = Credentials { uid, gids: groups.clone().collect(), capabilities: 0 };
            reasons.extend(by_objects(target, objects, &who)?);
        }
    }
    Ok(reasons)
}

fn root_words(thread: &Thread) -> String {
    let places = ["real", "effective", "saved", "filesystem"];
    let of: Vec<&str> = thread
        .uid
        .all()
        .into_iter()
        .zip(places)
        .filter(|(uid, _)| *uid == 0)
        .map(|(_, place)| place)
        .collect();
    let without = match thread.capabilities.permitted {
        0 => "; without capabilities it still owns root's files",
        _ => "",
    };
    format!("uid 0 ({}{without})", of.join(", "))
}

/// Capabilities that reach root's files and ids where uid 0 of the host is mapped into a user
/// namespace: over owners, modes and ids. All others are asked of the namespace that owns the object.
const OVER_IDS: &[u8] = &[0, 1, 2, 3, 6, 7, 31];

/// The capabilities of a process that count on the host, one bit each. In a user namespace of its own
/// they reach only what is mapped there.
fn reach_of_capabilities(pid: u32, target: &dyn Target) -> Fact<u64> {
    let namespace = |of: &str| -> Fact<Option<PathBuf>> {
        let path = PathBuf::from(format!("/proc/{of}/ns/user"));
        Ok(target.file(&path)?.and_then(|fact| fact.link_target.clone()))
    };
    // A kernel without user namespaces has no such link.
    match (namespace(&pid.to_string())?, namespace("self")?) {
        (Some(theirs), Some(ours)) if theirs != ours => {}
        _ => return Ok(u64::MAX),
    }
    let file = PathBuf::from(format!("/proc/{pid}/uid_map"));
    let Some(map) = target.read(&file)? else {
        return Err(Unknown::new(crate::text::path(&file), Cause::Vanished));
    };
    let maps_root = String::from_utf8_lossy(&map).lines().any(|line| {
        // Inside, outside, count.
        let mut numbers = line.split_whitespace().skip(1).map(str::parse::<u32>);
        matches!((numbers.next(), numbers.next()), (Some(Ok(0)), Some(Ok(1..))))
    });
    let over_ids = OVER_IDS.iter().fold(0, |all, bit| all | 1 << bit);
    Ok(if maps_root { over_ids } else { 0 })
}

/// The same from what an image or root filesystem declares.
fn declared(about: Assertion, found: &Found, objects: &[Object], target: &dyn Target) -> Assertion {
    let mut reasons = BTreeSet::new();
    let mut gap = found.gap.clone();
    for start in &found.starts {
        let judge = || -> Fact<BTreeSet<String>> {
            let identity = start.identity.as_ref().map_err(Unknown::clone)?;
            if identity.uid == Some(0) {
                return Ok(BTreeSet::from([format!("{} is declared to run as root", start.by)]));
            }
            // A user that is made when it starts owns nothing.
            let uid = identity.uid.unwrap_or(u32::MAX - 1);
            let mut gids = match target.user_by_id(uid)? {
                Some(user) => target.groups_of(&user)?,
                None => BTreeSet::new(),
            };
            gids.extend(identity.gid);
            let mut held = rights::gained(start, target)?.capabilities;
            if let Some(unit) = &start.unit {
                held |= given_by_unit(unit, &mut gids, target)?;
            }
            let who = Credentials { uid, gids, capabilities: 0 };
            let mut words = by_objects(target, objects, &who)?;
            words.extend(by_capabilities(held));
            Ok(words.into_iter().map(|words| format!("{} {words}", identity.words)).collect())
        };
        match judge() {
            Ok(found) => reasons.extend(found),
            Err(why) => gap = gap.or(Some(why)),
        }
    }
    let seen = found.starts.iter();
    let about =
        about.seen(seen.map(|start| Evidence::line(&start.at.file, start.at.line, &start.text)));
    match (reasons.is_empty(), gap) {
        (false, _) => about.observed(reasons.into_iter().collect::<Vec<_>>().join("; ")).fail(),
        (true, Some(why)) => about.unknown(why),
        (true, None) => about.observed("declared as nobody who could become root").pass(),
    }
}

/// What a unit gives to its processes beside the rights of its user: groups, and capabilities that
/// stay when the user is no longer root.
fn given_by_unit(name: &str, gids: &mut BTreeSet<u32>, target: &dyn Target) -> Fact<u64> {
    let Some(unit) = crate::formats::systemd::units::unit(target, name)? else { return Ok(0) };
    let settings = unit.settings.as_ref().map_err(Unknown::clone)?;
    for (line, _) in values(settings, "Service.SupplementaryGroups") {
        if line.is_empty() {
            continue;
        }
        for group in line.split_whitespace() {
            match group.parse() {
                Ok(gid) => drop(gids.insert(gid)),
                Err(_) => gids.extend(target.group(group)?.map(|group| group.gid)),
            }
        }
    }
    let ambient = values(settings, "Service.AmbientCapabilities");
    Ok(capability_set(ambient.iter().map(|(value, _)| value.as_str())))
}

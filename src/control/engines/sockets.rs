//! Sockets through which an engine starts anything as its user: where units and command lines place
//! them, and who may write to them once they are there.

use super::commands::values as options;
use crate::access::root_equivalent::{Object, PermissionWord};
use crate::access::{Permission, Person, decide};
use crate::control::person::Route;
use crate::declared::units::values;
use crate::facts::account::User;
use crate::facts::unit::Unit;
use crate::facts::{Fact, Unknown};
use crate::formats::json;
use crate::formats::systemd::{names, words};
use crate::host::Target;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Daemons of engines, and the options with the addresses that they listen on.
const DAEMONS: [(&str, &[&str]); 9] = [
    ("dockerd", &["H", "host"]),
    ("docker", &["H", "host"]),
    ("podman", &[]),
    ("containerd", &["a", "address"]),
    ("buildkitd", &["addr"]),
    ("cri-dockerd", &["container-runtime-endpoint"]),
    ("crio", &["listen"]),
    ("balena-engine-daemon", &["H", "host"]),
    ("nerdctl", &[]),
];
/// Socket units of engines by their names; those of daemons above are known by their service.
const SOCKET_UNITS: [&str; 14] = [
    "docker.socket",
    "podman.socket",
    "containerd.socket",
    "crio.socket",
    "cri-docker.socket",
    "buildkit.socket",
    "libvirtd.socket",
    "virtqemud.socket",
    "virtlxcd.socket",
    "lxd.socket",
    "incus.socket",
    "snap.lxd.daemon.unix.socket",
    "balena-engine.socket",
    "lxd-installer.socket",
];
/// What somebody becomes who may write to one.
const WHY: &str = "its master starts any process as root";

/// An address that a daemon listens on, with where that is said.
struct Address {
    value: String,
    place: String,
    /// Clients have to show a certificate.
    verified: bool,
}

/// Addresses of the daemons that units start, and of `daemon.json`.
fn addresses(target: &dyn Target, unread: &mut Vec<Unknown>) -> Vec<Address> {
    let mut found = Vec::new();
    for unit in units(target, unread) {
        let Ok(settings) = &unit.settings else { continue };
        for (line, at) in values(settings, "Service.ExecStart") {
            let (_, line) = crate::declared::units::split_prefix(&line);
            let line: Vec<String> = words(line);
            let line: Vec<&str> = line.iter().map(String::as_str).collect();
            let daemon = line.iter().position(|word| {
                let name = word.rsplit('/').next().unwrap_or_default();
                DAEMONS.iter().any(|(daemon, _)| *daemon == name)
            });
            let Some(daemon) = daemon else { continue };
            let name = line.get(daemon).and_then(|word| word.rsplit('/').next());
            let arguments = line.get(daemon.saturating_add(1)..).unwrap_or_default();
            let verified = arguments.iter().any(|word| word.starts_with("--tlsverify"));
            let known = DAEMONS.iter().find(|(daemon, _)| Some(*daemon) == name);
            let mut all: Vec<&str> = known
                .iter()
                .flat_map(|(_, names)| names.iter())
                .flat_map(|name| options(arguments, name))
                .collect();
            // podman system service unix:///…
            if arguments.starts_with(&["system", "service"]) {
                all.extend(arguments.iter().copied().filter(|word| word.contains("://")));
            }
            found.extend(all.into_iter().map(|value| Address {
                value: value.to_owned(),
                place: at.to_string(),
                verified,
            }));
        }
    }
    let daemon = Path::new("/etc/docker/daemon.json");
    match target.read_marked(daemon) {
        Ok(Some(content)) if !content.trim_ascii().is_empty() => {
            if let Ok(settings) = json::parse(target, daemon, &content) {
                let all = &settings.root.settings;
                let verified = all.iter().any(|s| s.name == "tlsverify" && s.value == "true");
                found.extend(all.iter().filter(|s| s.name == "hosts").map(|setting| Address {
                    value: setting.value.clone(),
                    place: setting.at.to_string(),
                    verified,
                }));
            }
        }
        Ok(_) => {}
        Err(why) => unread.push(why),
    }
    found
}

fn units(target: &dyn Target, unread: &mut Vec<Unknown>) -> Vec<Arc<Unit>> {
    let index = crate::formats::systemd::units::index(target);
    let mut found = Vec::new();
    for name in index.all() {
        match crate::formats::systemd::units::unit(target, name) {
            Ok(Some(unit)) if !unit.masked => found.push(unit),
            Ok(_) => {}
            Err(why) => unread.push(why),
        }
    }
    found
}

/// Sockets of files that are there.
pub(super) fn objects(target: &dyn Target, unread: &mut Vec<Unknown>) -> Vec<Object> {
    let mut found = BTreeSet::new();
    for address in addresses(target, unread) {
        let path = address.value.strip_prefix("unix://").unwrap_or(&address.value);
        if !path.starts_with('/') {
            continue;
        }
        match target.file(Path::new(path)) {
            Ok(Some(_)) => drop(found.insert(Object {
                path: PathBuf::from(path),
                wanted: vec![PermissionWord::Write],
                why: WHY,
            })),
            Ok(None) => {}
            Err(why) => unread.push(why),
        }
    }
    found.into_iter().collect()
}

/// Addresses of the network without certificates, and sockets that systemd makes for a group.
pub(super) fn routes(target: &dyn Target, unread: &mut Vec<Unknown>) -> Fact<Vec<Route>> {
    let mut found = Vec::new();
    for address in addresses(target, unread) {
        let network = address.value.starts_with("tcp://")
            || address.value.starts_with("http://")
            || address.value.starts_with(':')
            || address.value.parse::<std::net::SocketAddr>().is_ok();
        if network && !address.verified {
            found.push(Route {
                place: address.place,
                people: BTreeSet::from([Person::everyone().to_string()]),
                right: format!(
                    "reaches {}, where an engine of root asks for no certificate",
                    address.value
                ),
            });
        }
    }
    for unit in units(target, unread) {
        if SOCKET_UNITS.contains(&unit.id.as_str()) && unit.starts_at_boot() {
            found.extend(by_socket_unit(target, &unit, unread)?);
        }
    }
    Ok(found)
}

/// Who may write to the socket of a unit, systemd.socket(5), where it is not there yet.
fn by_socket_unit(
    target: &dyn Target,
    unit: &Unit,
    unread: &mut Vec<Unknown>,
) -> Fact<Option<Route>> {
    let settings = unit.settings.as_ref().map_err(Clone::clone)?;
    let last = |key: &str| values(settings, &format!("Socket.{key}")).pop();
    let path = values(settings, "Socket.ListenStream").into_iter().find_map(|(value, at)| {
        let value = value.replace("%t", "/run");
        let value = names::expand(&value, &unit.id).unwrap_or(value);
        value.starts_with('/').then_some((value, at))
    });
    let Some((path, at)) = path else { return Ok(None) };
    if target.file(Path::new(&path))?.is_some() {
        // It is judged as it is.
        return Ok(None);
    }
    let mode = last("SocketMode").and_then(|(mode, _)| u32::from_str_radix(&mode, 8).ok());
    let mode = mode.unwrap_or(0o666);
    let mut people = BTreeSet::new();
    let mut right = format!("may write {path}, which {} makes: {WHY}", unit.id);
    if mode & 0o002 != 0 {
        people.insert(Person::everyone().to_string());
    } else if mode & 0o020 != 0
        && let Some((group, _)) = last("SocketGroup")
    {
        let group = match group.parse::<u32>() {
            Ok(gid) => target.group_by_id(gid)?,
            Err(_) => target.group(&group)?,
        };
        let Some(group) = group else { return Ok(None) };
        let all = target.memo().table::<crate::access::Memo>().people(target)?;
        let members = all.with_groups(&BTreeSet::from([group.gid]), target);
        unread.extend(members.gap);
        let in_group = |person: &&Person| {
            person.uid != Some(0) && all.credentials(person).gids.contains(&group.gid)
        };
        people.extend(members.people.iter().filter(in_group).map(Person::to_string));
        right = format!("{right} (group {})", group.name);
    }
    Ok((!people.is_empty()).then(|| Route { place: at.to_string(), people, right }))
}

/// Sockets of an engine that a user runs himself: who may write there runs what he likes as the user.
pub(super) fn rootless(
    target: &dyn Target,
    user: &User,
    unread: &mut Vec<Unknown>,
) -> Fact<Vec<Route>> {
    let run = format!("/run/user/{}", user.uid);
    let mut found = Vec::new();
    for name in [
        "podman/podman.sock",
        "docker.sock",
        "containerd/containerd.sock",
        "buildkit/buildkitd.sock",
        "buildkit-default/buildkitd.sock",
        "libvirt/libvirt-sock",
        "libvirt/virtqemud-sock",
    ] {
        let path = Path::new(&run).join(name);
        let Some(fact) = target.file(&path)? else { continue };
        let all = target.memo().table::<crate::access::Memo>().people(target)?;
        let mut people = BTreeSet::new();
        let members = all.with_groups(&BTreeSet::from([fact.gid]), target);
        unread.extend(members.gap.filter(|_| fact.mode.0 & 0o020 != 0));
        let mut candidates = members.people;
        candidates.push(Person::everyone());
        for person in candidates {
            if person.uid.is_some_and(|uid| uid == 0 || uid == user.uid) {
                continue;
            }
            let who = all.credentials(&person);
            let ruling = decide(target, &path, &who, Permission::Write)?;
            if ruling.is_some_and(|ruling| ruling.allowed) {
                people.insert(person.to_string());
            }
        }
        if !people.is_empty() {
            let right = format!("may write to it: it starts any process as {}", user.name);
            found.push(Route { place: text::path(&path), people, right });
        }
    }
    Ok(found)
}

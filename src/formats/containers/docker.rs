//! What dockerd keeps of a container: `DATA/containers/ID/config.v2.json` and `hostconfig.json`, by
//! `container.Container` and `api/types/container/hostconfig.go` of moby.

use super::{is_id, json, names, text, words};
use crate::facts::capability::{ALL, mask, parse};
use crate::facts::container::{HostPath, Kept, KeptContainers};
use crate::facts::listener::{Listener, Protocol};
use crate::host::Target;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

/// Where it keeps them unless `daemon.json` says otherwise.
const DATA: &str = "/var/lib/docker";
const DAEMON: &str = "/etc/docker/daemon.json";

/// What a container has without being given anything: `oci/caps/defaults.go` of moby.
const DEFAULT: [&str; 14] = [
    "CAP_AUDIT_WRITE",
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_RAW",
    "CAP_SETFCAP",
    "CAP_SETGID",
    "CAP_SETPCAP",
    "CAP_SETUID",
    "CAP_SYS_CHROOT",
];

pub(super) fn add(target: &dyn Target, found: &mut KeptContainers) {
    let daemon = json(target, Path::new(DAEMON), found).unwrap_or(Value::Null);
    let data = ["/data-root", "/graph"].map(|key| text(&daemon, key)).into_iter();
    let data = data.into_iter().find(|path| path.starts_with('/')).unwrap_or(DATA);
    // userns-remap keeps all in a directory named by the ids: dockerd(8).
    let mut places = vec![PathBuf::from(data)];
    if !text(&daemon, "/userns-remap").is_empty() {
        let digits = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.contains('.') && name.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        places.extend(names(target, Path::new(data), found).into_iter().filter(digits));
    }
    for place in places {
        let all = names(target, &place.join("containers"), found);
        for directory in all.into_iter().filter(|path| is_id(path)) {
            let at = directory.join("config.v2.json");
            // A container that is being removed has neither.
            let Some(config) = json(target, &at, found) else { continue };
            let Some(host) = json(target, &directory.join("hostconfig.json"), found) else {
                continue;
            };
            found.all.push(container(at, &config, &host, &daemon));
        }
    }
}

fn container(at: PathBuf, config: &Value, host: &Value, daemon: &Value) -> Kept {
    let id = text(config, "/ID").to_owned();
    let name = text(config, "/Name").trim_start_matches('/');
    let privileged = host.pointer("/Privileged").and_then(Value::as_bool).unwrap_or_default();
    let unconfined = |what: &str| {
        let says = |option: &str| {
            let (name, value) = option.split_once(['=', ':']).unwrap_or((option, ""));
            name == what && value == "unconfined"
        };
        privileged || words(host, "/SecurityOpt").any(says)
    };
    let apparmor = match unconfined("apparmor") {
        true => String::new(),
        false => match text(config, "/AppArmorProfile") {
            "unconfined" => String::new(),
            profile => profile.to_owned(),
        },
    };
    let is_default = !words(host, "/SecurityOpt").any(|option| option.starts_with("seccomp"));
    let default_off = is_default && text(daemon, "/seccomp-profile") == "unconfined";
    Kept {
        name: if name.is_empty() { id.clone() } else { name.to_owned() },
        id,
        engine: "docker".into(),
        image: text(config, "/Config/Image").to_owned(),
        pod: String::new(),
        at,
        user: text(config, "/Config/User").to_owned(),
        privileged: Some(privileged),
        capabilities: capabilities(host, privileged),
        seccomp: !unconfined("seccomp") && !default_off,
        apparmor,
        user_namespace: !text(daemon, "/userns-remap").is_empty()
            && text(host, "/UsernsMode") != "host"
            && !privileged,
        host_namespaces: host_namespaces(host),
        mounts: mounts(config, host),
        published: published(host),
        restart: match text(host, "/RestartPolicy/Name") {
            "" => "no".into(),
            name => name.to_owned(),
        },
    }
}

/// What is added and dropped, `ALL` first, names with or without `CAP_`: `oci/caps/utils.go`.
fn capabilities(host: &Value, privileged: bool) -> u64 {
    if privileged {
        return ALL;
    }
    let set = |names: &mut dyn Iterator<Item = &str>| {
        names.filter_map(parse).fold(0, |set, bit| set | mask(bit))
    };
    let is_all = |pointer: &str| words(host, pointer).any(|word| word.eq_ignore_ascii_case("all"));
    let begin = match (is_all("/CapAdd"), is_all("/CapDrop")) {
        (true, _) => ALL,
        (false, true) => 0,
        (false, false) => set(&mut DEFAULT.into_iter()),
    };
    begin & !set(&mut words(host, "/CapDrop")) | set(&mut words(host, "/CapAdd"))
}

fn host_namespaces(host: &Value) -> Vec<String> {
    let modes = [
        ("cgroup", "/CgroupnsMode"),
        ("ipc", "/IpcMode"),
        ("network", "/NetworkMode"),
        ("pid", "/PidMode"),
        ("uts", "/UTSMode"),
    ];
    let shared = modes.iter().filter(|(_, pointer)| text(host, pointer) == "host");
    shared.map(|(name, _)| (*name).to_owned()).collect()
}

/// `Binds` as they were asked for, and `MountPoints` as they are; a volume is the engine's own.
fn mounts(config: &Value, host: &Value) -> Vec<HostPath> {
    let points = config.pointer("/MountPoints").and_then(Value::as_object);
    let mut found: Vec<HostPath> = points
        .into_iter()
        .flat_map(|points| points.values())
        .filter(|point| text(point, "/Type") != "volume" && text(point, "/Driver").is_empty())
        .map(|point| HostPath {
            source: PathBuf::from(text(point, "/Source")),
            writable: point.pointer("/RW").and_then(Value::as_bool).unwrap_or(true),
        })
        .collect();
    for bind in words(host, "/Binds") {
        let mut parts = bind.split(':');
        let source = PathBuf::from(parts.next().unwrap_or_default());
        let options = parts.nth(1).unwrap_or_default();
        let writable = !options.split(',').any(|option| option == "ro");
        found.push(HostPath { source, writable });
    }
    found.retain(|mount| mount.source.is_absolute());
    // What is both asked for and mounted is one.
    found.sort_by(|a, b| (&a.source, b.writable).cmp(&(&b.source, a.writable)));
    found.dedup_by(|later, first| later.source == first.source);
    found
}

/// `PortBindings`: `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`.
fn published(host: &Value) -> Vec<Listener> {
    let bindings = host.pointer("/PortBindings").and_then(Value::as_object);
    let each = bindings.into_iter().flatten().flat_map(|(inside, outside)| {
        let protocol = if inside.ends_with("/udp") { Protocol::Udp } else { Protocol::Tcp };
        let outside = outside.as_array().into_iter().flatten();
        outside.flat_map(move |one| {
            // An empty port is chosen at each start.
            let port: Option<u16> = text(one, "/HostPort").parse().ok().filter(|port| *port != 0);
            let addresses = match text(one, "/HostIp") {
                "" => vec![IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
                address => address.parse().into_iter().collect(),
            };
            let socket = move |address| {
                let port = port?;
                let v6_only = matches!(address, IpAddr::V6(_)).then_some(true);
                Some(Listener { protocol, address, port, v6_only, interface: 0, inode: 0, uid: 0 })
            };
            addresses.into_iter().filter_map(socket)
        })
    });
    each.collect()
}

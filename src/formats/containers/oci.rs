//! The specification that an engine writes for the runtime: `config.json`, by `config.md` and
//! `config-linux.md` of the OCI runtime specification. Podman, CRI-O and containerd keep it.

use super::{is_id, json, names, text, words};
use crate::facts::capability;
use crate::facts::container::{HostPath, Kept, KeptContainers};
use crate::facts::{Cause, Unknown};
use crate::formats::toml;
use crate::host::Target;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where Podman and CRI-O keep containers unless `storage.conf` says otherwise, containers-storage.conf(5).
const STORAGE: [&str; 2] = ["/var/lib/containers/storage", "/run/containers/storage"];
/// The first that is there counts.
const STORAGE_CONF: [&str; 2] =
    ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"];
/// Where containerd keeps those that run, a directory for each of its namespaces.
const TASKS: [&str; 2] = [
    "/run/containerd/io.containerd.runtime.v2.task",
    "/run/k3s/containerd/io.containerd.runtime.v2.task",
];

pub(super) fn add(target: &dyn Target, found: &mut KeptContainers) {
    let mut places: BTreeSet<PathBuf> = STORAGE.map(PathBuf::from).into_iter().collect();
    places.extend(configured(target, found));
    for place in places {
        // A directory for each driver: overlay-containers, vfs-containers.
        let of_drivers = names(target, &place, found);
        for place in
            of_drivers.iter().filter(|path| path.to_string_lossy().ends_with("-containers"))
        {
            of_storage(target, place, found);
        }
    }
    for place in TASKS.map(Path::new) {
        for namespace in names(target, place, found) {
            // Those of dockerd, which keeps more of them.
            if namespace.ends_with("moby") {
                continue;
            }
            for directory in names(target, &namespace, found) {
                let at = directory.join("config.json");
                let Some(spec) = json(target, &at, found) else { continue };
                found.all.push(container(at, id_of(&directory), "containerd", &spec));
            }
        }
    }
}

/// `graphroot` and `runroot` of the configuration.
fn configured(target: &dyn Target, found: &mut KeptContainers) -> Vec<PathBuf> {
    for path in STORAGE_CONF.map(Path::new) {
        let settings = match target.read(path) {
            Ok(None) => continue,
            Ok(Some(content)) => toml::parse(target, path, &content),
            Err(why) => Err(why),
        };
        let settings = match settings {
            Ok(settings) => settings,
            Err(why) => {
                found.unread.push(why);
                continue;
            }
        };
        let storage = settings.root.blocks.iter().filter(|block| block.name == "storage");
        let paths = storage.flat_map(|block| &block.settings).filter(|setting| {
            matches!(setting.name.as_str(), "graphroot" | "runroot")
                && setting.value.starts_with('/')
        });
        return paths.map(|setting| PathBuf::from(&setting.value)).collect();
    }
    Vec::new()
}

/// Those that `containers.json` of containers/storage lists, with the specifications beside it.
fn of_storage(target: &dyn Target, place: &Path, found: &mut KeptContainers) {
    let list = json(target, &place.join("containers.json"), found).unwrap_or(Value::Null);
    for one in list.as_array().into_iter().flatten() {
        // Text with JSON in it.
        let metadata: Value = serde_json::from_str(text(one, "/metadata")).unwrap_or_default();
        let id = text(one, "/id").to_owned();
        let directory = place.join(&id);
        if !is_id(&directory) {
            continue;
        }
        let at = directory.join("userdata/config.json");
        let name = [text(&metadata, "/name"), text(one, "/names/0"), &id].map(str::to_owned);
        let name = name.into_iter().find(|name| !name.is_empty()).unwrap_or_default();
        let before = found.unread.len();
        let Some(spec) = json(target, &at, found) else {
            if found.unread.len() == before {
                let why = "it has never been started, and what it may do is kept in a database of its \
                           engine, which is not read";
                let cause = Cause::Unsupported(why.to_owned());
                found.unread.push(Unknown::new(format!("container {name}"), cause));
            }
            continue;
        };
        let is_crio = annotation(&spec, "io.container.manager") == "cri-o";
        let engine = if is_crio { "cri-o" } else { "podman" };
        let mut kept = container(at, id, engine, &spec);
        if !is_crio {
            kept.name = name;
        }
        if kept.image.is_empty() {
            text(&metadata, "/image-name").clone_into(&mut kept.image);
        }
        found.all.push(kept);
    }
}

fn id_of(directory: &Path) -> String {
    directory.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn annotation<'a>(spec: &'a Value, key: &str) -> &'a str {
    let annotations = spec.get("annotations");
    annotations.and_then(|all| all.get(key)).and_then(Value::as_str).unwrap_or_default()
}

/// The first of these annotations that is there: CRI of containerd, then CRI-O.
fn first<'a>(spec: &'a Value, keys: [&str; 2]) -> &'a str {
    keys.map(|key| annotation(spec, key))
        .into_iter()
        .find(|one| !one.is_empty())
        .unwrap_or_default()
}

fn container(at: PathBuf, id: String, engine: &str, spec: &Value) -> Kept {
    let name = first(spec, ["io.kubernetes.cri.container-name", "io.kubernetes.container.name"])
        .to_owned();
    let name = match (name.as_str(), annotation(spec, "nerdctl/name")) {
        ("", "") => id.clone(),
        ("", name) => name.to_owned(),
        _ => name,
    };
    let image = first(spec, ["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"]);
    let pod = first(spec, ["io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"]);
    let space = first(spec, ["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"]);
    let uid = spec.pointer("/process/user/uid").and_then(Value::as_u64).unwrap_or_default();
    let bounding = words(spec, "/process/capabilities/bounding").filter_map(capability::parse);
    let capabilities = bounding.fold(0, |set, bit| set | capability::mask(bit));
    Kept {
        name,
        engine: engine.to_owned(),
        image: image.to_owned(),
        pod: if pod.is_empty() { String::new() } else { format!("{space}/{pod}") },
        at,
        user: uid.to_string(),
        privileged: match annotation(spec, "io.podman.annotations.privileged") {
            "TRUE" => Some(true),
            _ => None,
        },
        capabilities,
        seccomp: spec.pointer("/linux/seccomp").is_some_and(|filter| !filter.is_null()),
        apparmor: match text(spec, "/process/apparmorProfile") {
            "unconfined" => String::new(),
            profile => profile.to_owned(),
        },
        user_namespace: has(spec, "user"),
        host_namespaces: ["cgroup", "ipc", "network", "pid", "uts"]
            .into_iter()
            .filter(|kind| !has(spec, kind))
            .map(str::to_owned)
            .collect(),
        mounts: mounts(spec, &id),
        id,
        published: Vec::new(),
        restart: String::new(),
    }
}

/// Whether it has a namespace that is not the host's: what is not listed is inherited.
fn has(spec: &Value, kind: &str) -> bool {
    let all = spec.pointer("/linux/namespaces").and_then(Value::as_array);
    all.into_iter().flatten().any(|one| text(one, "/type") == kind)
}

/// Bind mounts of what the engine does not keep itself: its files for `/etc/hosts` and the like.
fn mounts(spec: &Value, id: &str) -> Vec<HostPath> {
    const OWN: [&str; 6] = [
        "/var/lib/containers/storage",
        "/run/containers/storage",
        "/var/lib/containerd/io.containerd",
        "/run/containerd/io.containerd",
        "/run/k3s/containerd",
        "/var/lib/kubelet/pods",
    ];
    let all = spec.pointer("/mounts").and_then(Value::as_array);
    let binds = all.into_iter().flatten().filter(|mount| {
        let bound = words(mount, "/options").any(|option| option == "bind" || option == "rbind");
        let source = text(mount, "/source");
        let own = source.contains(id) || OWN.iter().any(|own| source.starts_with(own));
        (bound || text(mount, "/type") == "bind") && source.starts_with('/') && !own
    });
    let path = |mount: &Value| HostPath {
        source: PathBuf::from(text(mount, "/source")),
        writable: !words(mount, "/options").any(|option| option == "ro"),
    };
    binds.map(path).collect()
}

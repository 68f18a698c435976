//! Quadlets: files of which podman's generator makes units of root, podman-systemd.unit(5).

use super::commands::{placed, workload as of_words};
use super::workload::Workload;
use crate::control::Items;
use crate::declared::units::values;
use crate::facts::settings::Settings;
use crate::formats::glob3;
use crate::formats::systemd::{self, is_yes, words};
use crate::host::Target;
use crate::text;
use std::path::Path;

/// Where the generator looks for those of root.
const DIRECTORIES: [&str; 3] =
    ["/etc/containers/systemd", "/run/containers/systemd", "/usr/share/containers/systemd"];
/// What it makes units of.
const SUFFIXES: [&str; 8] =
    ["container", "kube", "pod", "volume", "network", "image", "build", "artifact"];
/// The generator; without it nobody reads them.
const GENERATORS: [&str; 3] = [
    "/usr/lib/systemd/system-generators/podman-system-generator",
    "/lib/systemd/system-generators/podman-system-generator",
    "/usr/libexec/podman/quadlet",
];

/// Adds quadlets of root, where there is something that reads them.
pub(super) fn add(target: &dyn Target, items: &mut Items) {
    let mut generator = false;
    for place in GENERATORS {
        match target.file(Path::new(place)) {
            Ok(found) => generator |= found.is_some(),
            Err(why) => items.unread.push(why),
        }
    }
    if !generator {
        return;
    }
    for directory in DIRECTORIES {
        match target.file(Path::new(directory)) {
            Ok(Some(_)) => drop(items.add(directory, "directory of quadlets")),
            Ok(None) => continue,
            Err(why) => {
                items.unread.push(why);
                continue;
            }
        }
        let mut unread = Vec::new();
        // Directories below count as well.
        for pattern in [format!("{directory}/*"), format!("{directory}/*/*")] {
            for path in glob3::expand(target, &pattern, &mut unread) {
                look(target, &path, items);
            }
        }
        items.unread.extend(unread);
    }
}

fn look(target: &dyn Target, path: &Path, items: &mut Items) {
    let suffix = path.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
    let dropin = suffix == "conf"
        && path.parent().is_some_and(|parent| parent.extension().is_some_and(|end| end == "d"));
    if !SUFFIXES.contains(&suffix) && !dropin {
        // A directory of drop-ins, or of further quadlets. Users' own are not root's.
        let users = path.components().any(|part| part.as_os_str() == "users");
        if !users {
            items.add(path, "directory of quadlets");
        }
        return;
    }
    items.add(path, if dropin { "drop-in of a quadlet" } else { "quadlet" });
    let content = match target.read_marked(path) {
        Ok(Some(content)) => content,
        Ok(None) => return,
        Err(why) => return items.unread.push(why),
    };
    // systemd skips what it cannot read.
    let Ok(settings) = systemd::parse(target, path, &content) else { return };
    let name = text::path(path);
    let folder = path.parent();
    let all = |key: &str| values(&settings, key).into_iter().map(|(value, _)| value);
    for key in ["Kube.Yaml", "Kube.ConfigMap", "Build.File", "Container.EnvironmentFile"] {
        for file in all(key).filter_map(|file| placed(&file, folder)) {
            items.add(file, format!("{key}= of {name}"));
        }
    }
    workload(&settings, folder).add(&name, items);
}

fn workload(settings: &Settings, folder: Option<&Path>) -> Workload {
    let all = |key: &str| -> Vec<String> {
        values(settings, &format!("Container.{key}")).into_iter().map(|(value, _)| value).collect()
    };
    // PodmanArgs= are options of `podman run`, with an image to end them.
    let arguments: Vec<String> = all("PodmanArgs").iter().flat_map(|line| words(line)).collect();
    let mut options: Vec<&str> = arguments.iter().map(String::as_str).collect();
    options.push("image");
    let mut workload = of_words(&options, folder);
    for volume in all("Volume") {
        workload.volume(&volume, folder);
    }
    for mount in all("Mount") {
        workload.mount_option(&mount, folder);
    }
    for names in all("AddCapability") {
        names.split_whitespace().for_each(|name| workload.capability(name));
    }
    workload.privileged |= !all("AddDevice").is_empty()
        || all("SecurityLabelDisable").iter().any(|value| is_yes(value)) && workload.privileged;
    workload.user = all("User").pop().or(workload.user);
    workload.directory = all("WorkingDir").pop().or(workload.directory);
    for key in ["Entrypoint", "Exec", "HealthCmd"] {
        workload.command.extend(all(key).iter().flat_map(|line| words(line)));
    }
    workload
}

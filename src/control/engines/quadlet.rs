//! Quadlets: files of which podman's generator makes units of root, podman-systemd.unit(5).

use super::commands::{placed, workload as of_words};
use super::workload::Workload;
use crate::control::Items;
use crate::formats::glob3;
use crate::formats::systemd::words;
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

/// The most lines of one file that are looked at.
const LINES: usize = 10_000;

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
    if dropin {
        return;
    }
    let mut settings = Vec::new();
    assignments(target, path, &mut settings, items);
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    for directory in DIRECTORIES {
        let pattern = format!("{directory}/{name}.d/*.conf");
        let mut unread = Vec::new();
        for dropin in glob3::expand(target, &pattern, &mut unread) {
            items.add(&dropin, "drop-in of a quadlet");
            assignments(target, &dropin, &mut settings, items);
        }
        items.unread.extend(unread);
    }
    let name = text::path(path);
    let folder = path.parent();
    for key in ["Kube.Yaml", "Kube.ConfigMap", "Build.File", "Container.EnvironmentFile"] {
        for file in all(&settings, key).iter().filter_map(|file| placed(file, folder)) {
            items.add(file, format!("{key}= of {name}"));
        }
    }
    workload(&settings, folder).add(&name, items);
}

/// Reads `Key=value` of every section, in their order: `Section.Key` and value.
fn assignments(
    target: &dyn Target,
    path: &Path,
    settings: &mut Vec<(String, String)>,
    items: &mut Items,
) {
    let content = match target.read_marked(path) {
        Ok(content) => content.unwrap_or_default(),
        Err(why) => return items.unread.push(why),
    };
    let text = String::from_utf8_lossy(&content).replace("\\\n", " ");
    let mut section = String::new();
    for line in text.lines().map(str::trim).take(LINES) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if !line.starts_with(['#', ';'])
            && let Some((key, value)) = line.split_once('=')
        {
            settings.push((format!("{section}.{}", key.trim()), value.trim().to_owned()));
        }
    }
}

/// All values of a key; an empty one takes those before it away.
fn all(settings: &[(String, String)], key: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, value) in settings.iter().filter(|(name, _)| name == key) {
        if value.is_empty() {
            found.clear();
        } else {
            found.push(value.clone());
        }
    }
    found
}

fn workload(settings: &[(String, String)], folder: Option<&Path>) -> Workload {
    let all = |key: &str| all(settings, &format!("Container.{key}"));
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
    workload.privileged |= !all("AddDevice").is_empty();
    workload.user = all("User").pop().or(workload.user);
    workload.directory = all("WorkingDir").pop().or(workload.directory);
    for key in ["Entrypoint", "Exec", "HealthCmd"] {
        workload.command.extend(all(key).iter().flat_map(|line| words(line)));
    }
    workload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    #[test]
    fn a_quadlet_is_read_with_its_drop_ins_and_all_of_its_volumes() {
        let quadlet = "[Container]\nImage=x\nVolume=/home/carl/app:/app\nVolume=/:/host\n\
            PodmanArgs=--privileged\nExec=/app/run.sh\n";
        let host = Memory::new()
            .file(GENERATORS[0], 0o755, 0, 0, "")
            .file("/etc/containers/systemd/web.container", 0o644, 0, 0, quadlet)
            .file(
                "/etc/containers/systemd/web.container.d/a.conf",
                0o644,
                0,
                0,
                "[Container]\nEntrypoint=/host/opt/x\n",
            );
        let mut items = Items::default();
        add(&host, &mut items);
        for path in [
            "/etc/containers/systemd",
            "/etc/containers/systemd/web.container",
            "/etc/containers/systemd/web.container.d/a.conf",
            "/home/carl/app/run.sh",
            "/opt/x",
        ] {
            assert!(items.contains(Path::new(path)), "{path}: {items:?}");
        }
    }

    #[test]
    fn without_the_generator_nobody_reads_quadlets() {
        let host = Memory::new().file("/etc/containers/systemd/a.kube", 0o644, 0, 0, "");
        let mut items = Items::default();
        add(&host, &mut items);
        assert!(items.is_empty());
    }
}

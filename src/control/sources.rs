//! Where what root uses comes from: packages, mounts, kernel parameters that name programs, exports
//! that take root of other machines for root.

use super::person::Route;
use super::{Items, command};
use crate::commands::Context;
use crate::formats::glob3;
use crate::host::Target;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Kernel parameters that name a program which the kernel runs as root.
const PARAMETERS: [&str; 4] =
    ["kernel.core_pattern", "kernel.modprobe", "kernel.hotplug", "kernel.poweroff_cmd"];
/// Where they are set, sysctl.d(5).
const SYSCTL: [&str; 5] = [
    "/etc/sysctl.conf",
    "/etc/sysctl.d/*.conf",
    "/run/sysctl.d/*.conf",
    "/usr/local/lib/sysctl.d/*.conf",
    "/usr/lib/sysctl.d/*.conf",
];
/// Programs that offer exports.
const SERVERS: [&str; 2] = ["/usr/sbin/exportfs", "/usr/sbin/rpc.mountd"];

/// Adds what is read or run from there.
pub(super) fn add(target: &dyn Target, items: &mut Items) {
    each(target, &SYSCTL, items, |file, line, items| {
        let Some((name, value)) = line.split_once('=') else { return };
        let name = name.trim().trim_start_matches('-').replace('/', ".");
        if !PARAMETERS.contains(&name.as_str()) {
            return;
        }
        let value = value.trim();
        let value = match name.ends_with("core_pattern") {
            true => value.strip_prefix('|').unwrap_or_default(),
            false => value,
        };
        if let Some(program) = value.split_whitespace().next().filter(|path| path.starts_with('/'))
        {
            let why = format!("program of {name} in {},", text::path(file));
            command::add_program(target, Path::new(program), Context::new(why), items);
        }
    });
    for folder in ["/var/cache/apt/archives", "/var/lib/apt/lists"] {
        if matches!(target.file(Path::new(folder)), Ok(Some(_))) {
            items.add(folder, "directory of packages that apt installs");
        }
    }
    each(target, &APT, items, |file, line, items| {
        for word in line.split_whitespace() {
            let path = ["file:", "copy:"].iter().find_map(|scheme| word.strip_prefix(scheme));
            if let Some(path) = path {
                let path = format!("/{}", path.trim_start_matches('/'));
                items.add(PathBuf::from(path), format!("packages of {},", text::path(file)));
            }
        }
    });
    mounts(target, items);
}

/// Sources of packages, sources.list(5).
const APT: [&str; 3] = [
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/*.list",
    "/etc/apt/sources.list.d/*.sources",
];

fn each(
    target: &dyn Target,
    patterns: &[&str],
    items: &mut Items,
    mut what: impl FnMut(&Path, &str, &mut Items),
) {
    for pattern in patterns {
        let mut unread = Vec::new();
        for file in glob3::expand(target, pattern, &mut unread) {
            match target.read(&file) {
                Ok(content) => {
                    let content = content.unwrap_or_default();
                    let text = String::from_utf8_lossy(&content);
                    let lines = text.lines().map(str::trim);
                    for line in lines.filter(|line| !line.starts_with(['#', ';'])) {
                        what(&file, line, items);
                    }
                }
                Err(why) => unread.push(why),
            }
        }
        items.unread.extend(unread);
    }
}

/// What is mounted from a file or directory: whoever owns that decides what is there. A directory
/// counts where root uses what lies below the place that it is mounted on.
fn mounts(target: &dyn Target, items: &mut Items) {
    let mut found: Vec<(String, String, String, String)> = Vec::new();
    each(target, &["/etc/fstab"], items, |_, line, _| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        if let [source, place, kind, options, ..] = fields.as_slice() {
            let options = format!("{options},{kind}");
            found.push((source.to_string(), place.to_string(), options, "/etc/fstab".into()));
        }
    });
    let index = crate::formats::systemd::units::index(target);
    for name in index.all().into_iter().filter(|name| name.ends_with(".mount")) {
        if let Ok(Some(unit)) = crate::formats::systemd::units::unit(target, name)
            && !unit.masked
            && let Ok(settings) = &unit.settings
        {
            let last = |key: &str| {
                let value = crate::declared::units::values(settings, &format!("Mount.{key}")).pop();
                value.map(|(value, _)| value).unwrap_or_default()
            };
            found.push((last("What"), last("Where"), last("Options"), unit.id.clone()));
        }
    }
    for (source, place, options, by) in found {
        let has = |name: &str| options.split(',').any(|option| option == name);
        let plain = source.starts_with('/') && !source.starts_with("/dev/");
        if !plain || has("overlay") || has("swap") {
            continue;
        }
        let below = || items.iter().any(|(path, _)| path.starts_with(&place));
        // An image holds files of any owner, setuid ones too.
        let counts = if has("bind") || has("rbind") { below() } else { !has("nosuid") || below() };
        if counts {
            items.add(PathBuf::from(source), format!("what {by} mounts on {place},"));
        }
    }
}

/// Exports and package sources by which others become root.
pub(super) fn routes(target: &dyn Target, items: &mut Items) -> Vec<Route> {
    let mut found = Vec::new();
    let mut number = 0;
    let serves =
        SERVERS.iter().any(|program| matches!(target.file(Path::new(program)), Ok(Some(_))));
    if serves {
        each(target, &["/etc/exports", "/etc/exports.d/*.exports"], items, |file, line, _| {
            if line.contains("no_root_squash") && line.contains("rw") {
                let right = "root of a client may leave a setuid program there (no_root_squash)";
                found.push(Route {
                    place: format!("{}: {line}", text::path(file)),
                    people: BTreeSet::from(["everyone who is root on a client".to_owned()]),
                    right: right.to_owned(),
                });
            }
        });
    }
    each(target, &APT, items, |file, line, _| {
        number += 1;
        let unsigned =
            line.contains("trusted=yes") || line.to_ascii_lowercase().starts_with("trusted: yes");
        let remote = line.contains("http:") || line.contains("ftp:");
        if unsigned && remote {
            found.push(Route {
                place: text::path(file),
                people: BTreeSet::from(["everyone on the way to that server".to_owned()]),
                right: "may answer with packages of their own, which are installed unsigned"
                    .to_owned(),
            });
        }
    });
    found
}

//! Where systemd looks for units and drop-ins: `systemd.unit(5)`, "Unit File Load Path".

use crate::facts::{Cause, Unknown};
use crate::formats::conf_files;
use crate::host::Files;
use std::path::{Path, PathBuf};

/// Directories of system units, the most important first.
pub const UNITS: &[&str] = &[
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// Directories of the configuration of systemd's daemons, the most important first.
const CONFIGURATION: &[&str] =
    &["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

/// Types of units, as their names end.
pub const TYPES: &[&str] = &[
    "automount",
    "device",
    "mount",
    "path",
    "scope",
    "service",
    "slice",
    "socket",
    "swap",
    "target",
    "timer",
];

/// Whether a path looks like one of systemd's files.
pub fn recognises(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    TYPES.contains(&extension)
        || extension == "conf" && path.components().any(|part| part.as_os_str() == "systemd")
}

/// The drop-ins for the file at `path`, in the order in which they apply. What could not be seen is
/// added to `unread`, and so is a unit of the same name that systemd would take instead.
pub fn find(files: &dyn Files, path: &Path, unread: &mut Vec<Unknown>) -> Vec<PathBuf> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
    else {
        return Vec::new();
    };
    let standard = |directories: &[&'static str]| {
        directories.iter().any(|directory| Path::new(directory) == parent)
    };
    let (directories, names): (&[&str], Vec<String>) = if standard(UNITS) {
        shadowed(files, path, parent, name, unread);
        (UNITS, unit_names(name))
    } else if standard(CONFIGURATION) {
        (CONFIGURATION, vec![name.to_owned()])
    } else {
        (&[], vec![name.to_owned()])
    };
    let type_name = name.rsplit('.').next().unwrap_or_default();
    let mut places: Vec<PathBuf> = Vec::new();
    let own = [parent.to_path_buf()];
    let searched = directories.iter().map(PathBuf::from);
    for directory in searched.chain(own.into_iter().filter(|_| directories.is_empty())) {
        places.extend(names.iter().map(|name| directory.join(format!("{name}.d"))));
    }
    // The drop-ins for all units of a type are the least specific, whatever their directory.
    if directories == UNITS && TYPES.contains(&type_name) {
        places.extend(UNITS.iter().map(|dir| Path::new(dir).join(format!("{type_name}.d"))));
    }
    conf_files::collect(files, &places, unread)
}

fn shadowed(files: &dyn Files, path: &Path, parent: &Path, name: &str, unread: &mut Vec<Unknown>) {
    let before = UNITS.iter().map(Path::new).take_while(|directory| *directory != parent);
    for directory in before {
        let other = directory.join(name);
        // /lib is /usr/lib on merged systems: the same file is no other one.
        let same = |a: &Path, b: &Path| match (files.file(a), files.file(b)) {
            (Ok(Some(a)), Ok(Some(b))) => (a.device, a.inode) == (b.device, b.inode),
            _ => false,
        };
        match files.file(&other) {
            Ok(None) => {}
            Ok(Some(_)) if same(&other, path) => {}
            Ok(Some(_)) => {
                let why = format!("{} takes its place", other.display());
                let cause = Cause::Unsupported(why);
                unread.push(Unknown::new(path.display().to_string(), cause));
            }
            Err(unknown) => unread.push(unknown),
        }
    }
}

/// The names whose drop-ins apply to a unit, the most specific first: `a-b@c.service` has those of
/// `a-b@.service` and `a-.service` too.
pub fn unit_names(name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    let Some((stem, suffix)) = name.rsplit_once('.') else { return names };
    let prefix = match stem.split_once('@') {
        Some((prefix, instance)) => {
            if !instance.is_empty() {
                names.push(format!("{prefix}@.{suffix}"));
            }
            prefix
        }
        None => stem,
    };
    let mut dashes: Vec<usize> = prefix.match_indices('-').map(|(at, _)| at).collect();
    dashes.reverse();
    for at in dashes.into_iter().take(64) {
        let shorter = format!("{}.{suffix}", prefix.get(..=at).unwrap_or_default());
        if at > 0 && !names.contains(&shorter) {
            names.push(shorter);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::unit_names;

    #[test]
    fn instance_template_and_prefixes_have_their_own_drop_ins() {
        assert_eq!(unit_names("a-b@c.service"), ["a-b@c.service", "a-b@.service", "a-.service"]);
        assert_eq!(unit_names("nginx.service"), ["nginx.service"]);
    }
}

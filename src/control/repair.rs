//! What would take something away from those who control it. What would do harm is advice instead: a
//! home directory stays its owner's, a device as it is, a setuid program whose it is.

use super::Cause;
use crate::access::Deed;
use crate::facts::file::FileKind;
use crate::host::Target;
use crate::text::shell::quote_path;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most commands for one cause.
const STEPS: usize = 40;
/// Filesystems of the kernel, whose owners and modes are not for an administrator to change.
const KERNEL: [&str; 3] = ["/dev", "/proc", "/sys"];

impl Cause {
    /// Commands, and advice as comments of a shell.
    pub fn repairs(&self, target: &dyn Target) -> Vec<String> {
        let homes = homes(target);
        let all = std::iter::once(self).chain(&self.below);
        let mut steps: Vec<String> = Vec::new();
        for step in all.flat_map(|one| steps_of(one, &homes)) {
            if !steps.contains(&step) {
                steps.push(step);
            }
        }
        let more = steps.len().saturating_sub(STEPS);
        if more > 0 {
            steps.truncate(STEPS);
            let place = crate::text::path(&self.component);
            steps.push(format!("# and {more} more of this kind below {place}"));
        }
        steps
    }
}

/// Home directories that belong to their account, which works in them.
fn homes(target: &dyn Target) -> BTreeSet<PathBuf> {
    let Ok(accounts) = target.accounts() else { return BTreeSet::new() };
    let own = accounts.users.iter().filter(|user| user.uid != 0 && user.home.starts_with('/'));
    own.filter(|user| {
        let fact = target.file(Path::new(&user.home));
        matches!(fact, Ok(Some(fact)) if fact.uid == user.uid)
    })
    .map(|user| PathBuf::from(&user.home))
    .collect()
}

fn steps_of(cause: &Cause, homes: &BTreeSet<PathBuf>) -> Vec<String> {
    if KERNEL.iter().any(|place| cause.component.starts_with(place)) {
        return Vec::new();
    }
    let what = cause.items.keys().next().unwrap_or(&cause.component);
    let to = || {
        let name = what.file_name().unwrap_or_default().to_string_lossy();
        quote_path(&Path::new("/usr/local/sbin").join(&*name))
    };
    if let Some(home) = home(&cause.component, homes) {
        let (name, home) = (quote_path(what), quote_path(&home));
        let searched = cause.items.values().any(|why| why.starts_with("directory of PATH"));
        return vec![match searched {
            true => format!("# take {name} out of PATH: it is in the home directory {home}"),
            false => format!(
                "# let it be {}, root's own, instead of {name} in the home directory {home}",
                to()
            ),
        }];
    }
    let path = quote_path(&cause.component);
    let mut steps = Vec::new();
    let through = |start: &str| cause.people.keys().any(|right| right.starts_with(start));
    if through("as its owner") {
        // A setuid program gives the rights of whose it is.
        let privileged = cause.fact.kind == FileKind::File && cause.fact.mode.0 & 0o6000 != 0;
        let link = if cause.fact.kind == FileKind::Symlink { "-h " } else { "" };
        steps.push(match privileged {
            true => {
                format!("# {path} gives away its owner's rights: let it be {}, root's own", to())
            }
            false => format!("chown {link}root {path}"),
        });
    }
    if cause.people.keys().any(|right| right.contains("by ACL")) {
        steps.push(format!("setfacl -b {path}"));
    }
    let group = through("via group") && !cause.people.keys().all(|right| right.contains("by ACL"));
    let change = match (group, through("as everybody")) {
        (true, true) => "go-w",
        (true, false) => "g-w",
        (false, true) => "o-w",
        (false, false) => "",
    };
    // The shared directories are sticky for a reason: what is missing there has to be made.
    let sticky = cause.fact.mode.0 & 0o1000 != 0;
    let mut created = cause.deeds.iter().filter(|(deed, _)| *deed == Deed::Create);
    match (sticky, created.next()) {
        (true, Some((_, object))) => {
            let name = quote_path(object);
            steps.push(format!("install -d -o root -m 0755 {name} # or name another place"));
        }
        _ if !change.is_empty() => steps.push(format!("chmod {change} {path}")),
        _ => {}
    }
    steps
}

/// The home directory that a path is or lies in.
fn home(path: &Path, homes: &BTreeSet<PathBuf>) -> Option<PathBuf> {
    if let Some(home) = homes.iter().find(|home| path.starts_with(home)) {
        return Some(home.clone());
    }
    let mut parts = path.strip_prefix("/home").ok()?.components();
    Some(Path::new("/home").join(parts.next()?))
}

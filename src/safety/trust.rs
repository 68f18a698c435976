//! Who else could have written what steers a run.
//!
//! A run with rights obeys its policies, variables, waivers and configuration, and believes its
//! ledger. So each of these, and every directory on the way to it, must be writable by root, or by
//! the user of the run, alone: as `sudo(8)` asks of sudoers, `cron(8)` of crontabs and `sshd(8)` of
//! `authorized_keys` (`StrictModes`). A directory with the sticky bit, such as /tmp, is no obstacle
//! where what lies in it belongs to one of the two: nobody else can rename or remove that.

use super::way::{Obstacle, Place, Step, walk};
use crate::text;
use rustix::fs::{FileType, Stat};
use rustix::process::{geteuid, getuid};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// Write permission of group and others.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Whether `--trust-any-owner` was given.
static ANY_OWNER: AtomicBool = AtomicBool::new(false);

/// From now on nobody asks who could have written what steers the run.
pub fn trust_any_owner() {
    ANY_OWNER.store(true, Ordering::Relaxed);
}

/// Whether this process has rights that its user does not have anyway: it is root's, setuid, or has
/// capabilities.
pub fn is_privileged() -> bool {
    static PRIVILEGED: OnceLock<bool> = OnceLock::new();
    *PRIVILEGED.get_or_init(|| {
        let user = geteuid();
        let capable =
            || rustix::thread::capabilities(None).is_ok_and(|sets| !sets.effective.is_empty());
        user.is_root() || user != getuid() || capable()
    })
}

/// Whether a user id is that of root, or of this run.
pub fn is_ours(uid: u32) -> bool {
    uid == 0 || uid == geteuid().as_raw() || is_nobody_here(uid)
}

/// In a user namespace, files of everybody who is not in it belong to one id: it says nothing about
/// who they are, and nobody in there can act as them.
fn is_nobody_here(uid: u32) -> bool {
    static OVERFLOW: OnceLock<Option<u32>> = OnceLock::new();
    let overflow = OVERFLOW.get_or_init(|| {
        let map = std::fs::read_to_string("/proc/self/uid_map").ok()?;
        let mut words = map.split_whitespace();
        let whole = [words.next(), words.next(), words.next()]
            == [Some("0"), Some("0"), Some("4294967295")];
        let id = std::fs::read_to_string("/proc/sys/kernel/overflowuid").ok()?;
        if whole { None } else { id.trim().parse().ok() }
    });
    uid != 0 && *overflow == Some(uid)
}

/// Whether others than root and the user of the run can make, rename and remove files in a directory.
pub fn others_write(folder: &Stat) -> bool {
    !is_ours(folder.st_uid) || folder.st_mode & OTHERS_WRITE != 0
}

/// Whether an entry of a directory that others may write is safe from them: the sticky bit of
/// somebody trusted, and an entry of somebody trusted.
pub fn is_kept_by_sticky(folder: &Stat, entry: &Stat) -> bool {
    folder.st_mode & STICKY != 0 && is_ours(folder.st_uid) && is_ours(entry.st_uid)
}

/// Refuses a file that others could have written, where this run has rights; `--trust-any-owner`
/// turns that off.
///
/// # Errors
/// Which component it is, who can write it, and the repair.
pub fn require(path: &Path) -> Result<(), String> {
    if ANY_OWNER.load(Ordering::Relaxed) || !is_privileged() {
        return Ok(());
    }
    check(path).map(drop)
}

/// The same for a directory in which files are made beside each other (a database and its journal):
/// there the sticky bit does not help, since others could make the second file first.
///
/// # Errors
/// Likewise.
pub fn require_folder(path: &Path) -> Result<(), String> {
    if ANY_OWNER.load(Ordering::Relaxed) || !is_privileged() {
        return Ok(());
    }
    let place = check(path)?;
    weakness(&place.path, &place.stat).map_or(Ok(()), Err)
}

/// The same for a file that others are made beside, wherever links lead to it.
///
/// # Errors
/// Likewise.
pub fn require_with_folder(path: &Path) -> Result<(), String> {
    if ANY_OWNER.load(Ordering::Relaxed) || !is_privileged() {
        return Ok(());
    }
    let place = check(path)?;
    require_folder(place.path.parent().unwrap_or(Path::new("/")))
}

/// Whether every component of the way to a file is trusted, whoever asks.
///
/// # Errors
/// Which is not, and the repair.
pub fn check(path: &Path) -> Result<Place, String> {
    let place = walk(path, &mut |step| match untrusted(step) {
        Some(why) => Err(why),
        None => Ok(()),
    });
    place.map_err(|obstacle| match obstacle {
        Obstacle::Refused(why) => why,
        kernel @ Obstacle::Kernel(..) => kernel.words(),
    })
}

fn untrusted(step: &Step) -> Option<String> {
    // A link has no mode; who can replace it is what counts.
    if step.is_link() {
        return (others_write(step.folder) && !is_kept_by_sticky(step.folder, step.stat)).then(
            || {
                let uid = step.stat.st_uid;
                format!("{}: a link of uid {uid} leads on", text::path(step.path))
            },
        );
    }
    let is_folder = FileType::from_raw_mode(step.stat.st_mode) == FileType::Directory;
    // What lies in it is looked at next.
    let is_sticky = is_folder && step.stat.st_mode & STICKY != 0 && is_ours(step.stat.st_uid);
    if is_sticky { None } else { weakness(step.path, step.stat) }
}

/// Who else can write something, and the repair.
fn weakness(path: &Path, stat: &Stat) -> Option<String> {
    let (shown, quoted) = (text::path(path), text::shell::quote_path(path));
    let mode = stat.st_mode & 0o7777;
    if !is_ours(stat.st_uid) {
        return Some(format!(
            "{shown} belongs to uid {}, who can write it (mode {mode:04o}): chown root {quoted}",
            stat.st_uid
        ));
    }
    let (letters, who) = match mode & OTHERS_WRITE {
        0o022 => ("go", "everybody"),
        0o002 => ("o", "everybody"),
        0o020 => ("g", "its group"),
        _ => return None,
    };
    Some(format!("{shown} can be written by {who} (mode {mode:04o}): chmod {letters}-w {quoted}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn chmod(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_weakest_component_of_the_way_is_named_with_its_repair() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("policies");
        fs::create_dir(&inner).unwrap();
        chmod(&inner, 0o755);
        let file = inner.join("p.yaml");
        fs::write(&file, "").unwrap();
        chmod(&file, 0o644);
        assert!(check(&file).is_ok());
        chmod(&file, 0o646);
        let why = check(&file).err().unwrap();
        assert!(why.contains("(mode 0646): chmod o-w "), "{why}");
        chmod(&file, 0o644);
        chmod(&inner, 0o775);
        let why = check(&file).err().unwrap();
        assert!(why.contains("/policies can be written by its group"), "{why}");
    }

    #[test]
    fn a_sticky_directory_is_no_obstacle_for_what_belongs_to_us_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let sticky = folder.path().join("tmp");
        fs::create_dir(&sticky).unwrap();
        chmod(&sticky, 0o1777);
        let file = sticky.join("p.yaml");
        fs::write(&file, "").unwrap();
        chmod(&file, 0o600);
        assert!(check(&file).is_ok());
        // But a second file beside it can be made by anybody.
        assert!(check(&sticky).is_ok());
        chmod(&sticky, 0o777);
        assert!(check(&file).is_err());
    }

    #[test]
    fn a_link_is_followed_and_what_it_leads_to_is_asked_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        fs::write(open.join("p.yaml"), "").unwrap();
        chmod(&open, 0o777);
        let link = folder.path().join("link.yaml");
        symlink("open/p.yaml", &link).unwrap();
        let why = check(&link).err().unwrap();
        assert!(why.contains("/open can be written by everybody"), "{why}");
    }
}

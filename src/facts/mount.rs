//! Mounts: those that are (`proc_pid_mountinfo(5)`) and those that are to be (`fstab(5)`).

use super::settings::Location;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One mount, or one line that asks for one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where it is mounted.
    pub point: PathBuf,
    /// Type of filesystem.
    pub filesystem: String,
    /// Device, or what the filesystem takes for one; `UUID=…` as written.
    pub source: String,
    /// Options of the mount and of its filesystem; `ro` where one of them says so.
    pub options: BTreeSet<String>,
    /// Number of the mount, and of the one that it is mounted on; 0 in `fstab(5)`.
    #[serde(default)]
    pub id: u32,
    /// Number of the mount that it lies on.
    #[serde(default)]
    pub parent: u32,
    /// Where it stands.
    pub at: Location,
}

/// The mount that a path without links lies on: from mount to mount, as the kernel walks. One that a
/// later mount of its own or of a directory above covers is not come to.
pub fn covering<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let ids: BTreeSet<u32> = mounts.iter().map(|mount| mount.id).collect();
    if ids.len() < mounts.len() {
        return None;
    }
    let is_root = |mount: &&Mount| mount.point == Path::new("/") && !ids.contains(&mount.parent);
    let mut here = mounts.iter().find(is_root)?;
    // A mount is passed once.
    for _ in 0..mounts.len() {
        let below = mounts.iter().filter(|mount| {
            mount.parent == here.id && mount.id != here.id && path.starts_with(&mount.point)
        });
        match below.min_by_key(|mount| mount.point.components().count()) {
            Some(next) => here = next,
            None => break,
        }
    }
    Some(here)
}

/// What is mounted at a path without links. Where the table does not tell how mounts lie on each other,
/// the last one of the table.
pub fn mounted_at<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    match covering(mounts, path) {
        Some(mount) => Some(mount).filter(|mount| mount.point == path),
        None => mounts.iter().rfind(|mount| mount.point == path),
    }
}

impl Mount {
    /// Whether an option is in force. What has no word of its own (`suid`, `dev`, `exec`) is when
    /// its opposite is not.
    pub fn has(&self, option: &str) -> bool {
        match option {
            "suid" | "dev" | "exec" => !self.options.contains(&format!("no{option}")),
            "async" => !self.options.contains("sync"),
            _ => self.options.contains(option),
        }
    }
}

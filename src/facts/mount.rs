//! Mounts: those that are (`proc_pid_mountinfo(5)`) and those that are to be (`fstab(5)`).

use super::settings::Location;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

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
    /// Where it stands.
    pub at: Location,
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

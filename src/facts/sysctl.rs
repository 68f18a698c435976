//! Kernel parameters as they are configured for the next boot, `sysctl.d(5)`.

use super::Unknown;
use super::settings::Location;
use serde::{Deserialize, Serialize};

/// All assignments of all files in the order in which they apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SysctlSettings {
    /// Assignments and exclusions.
    pub lines: Vec<SysctlLine>,
    /// Files and folders that could not be read: they may decide differently.
    pub unread: Vec<Unknown>,
    /// Whether systemd writes them at boot, and not sysctl(8).
    #[serde(default)]
    pub by_systemd: bool,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SysctlLine {
    /// Path below `/proc/sys`, with slashes: `net/ipv4/ip_forward`; may be a pattern.
    pub key: String,
    /// The value, words separated by one space. `None`: patterns leave this key alone (`-key`).
    pub value: Option<String>,
    /// Where it stands.
    pub at: Location,
}

//! Kernel modules: what `modprobe.d(5)` says of them.

use super::Unknown;
use super::settings::Location;
use serde::{Deserialize, Serialize};

/// Everything that files of `modprobe.d` say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleRules {
    /// `blacklist` and `install` in the order of the files.
    pub rules: Vec<ModuleRule>,
    /// Files that could not be read.
    pub unread: Vec<Unknown>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleRule {
    /// Name of the module with `_` for `-`.
    pub module: String,
    /// `None`: its aliases do not load it (`blacklist`). Otherwise the command that is run instead
    /// of loading it (`install`).
    pub install: Option<String>,
    /// Where it stands.
    pub at: Location,
}

//! What a host has beside files, as names with attributes, so that it can be compared with what it
//! had at another time.

use super::Unknown;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The kinds of things.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A file.
    File,
    /// The settings of a configuration file.
    Settings,
    /// A listening socket.
    Listener,
    /// A service that runs, and as whom.
    Service,
    /// A user.
    Account,
    /// A group.
    Group,
    /// A line that gives rights to users, of `sudoers(5)`.
    Sudo,
    /// A unit of systemd, and whether it is enabled.
    Unit,
    /// A kernel parameter as it is now.
    Sysctl,
    /// A mounted filesystem.
    Mount,
    /// A loaded kernel module.
    KernelModule,
    /// An installed package.
    Package,
    /// A part of the configuration of a container image.
    Image,
}

impl Class {
    /// All of them, in the order of reports.
    pub const ALL: [Class; 13] = [
        Class::Image,
        Class::Listener,
        Class::Service,
        Class::Account,
        Class::Group,
        Class::Sudo,
        Class::Unit,
        Class::Sysctl,
        Class::Mount,
        Class::KernelModule,
        Class::Settings,
        Class::File,
        Class::Package,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Class::File => "file",
            Class::Settings => "settings",
            Class::Listener => "listener",
            Class::Service => "service",
            Class::Account => "account",
            Class::Group => "group",
            Class::Sudo => "sudo",
            Class::Unit => "unit",
            Class::Sysctl => "sysctl",
            Class::Mount => "mount",
            Class::KernelModule => "kernel_module",
            Class::Package => "package",
            Class::Image => "image",
        }
    }

    /// The class of that word.
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// The value of an attribute that could not be seen; nothing has such a name.
pub const UNSEEN: &str = "\0";

/// Attributes by name.
pub type Attributes = BTreeMap<String, String>;

/// Everything beside files, by class and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Objects {
    /// By class, then by name. A class that is not there was not looked at.
    pub all: BTreeMap<Class, BTreeMap<String, Attributes>>,
    /// What could not be seen.
    #[serde(default)]
    pub unseen: Vec<(Class, Unknown)>,
}

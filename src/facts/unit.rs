//! Units of systemd, as `systemd.unit(5)` describes them.

use super::Fact;
use super::settings::Settings;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One unit: its files, what starts it, and its settings after drop-ins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// The name that aliases lead to, with its suffix: `ssh.service` for `sshd.service`.
    pub id: String,
    /// The unit file; of a masked unit the file or link that masks it.
    pub fragment: PathBuf,
    /// Drop-ins in the order in which they apply.
    pub dropins: Vec<PathBuf>,
    /// It cannot be started: its file is empty or leads to `/dev/null`.
    pub masked: bool,
    /// What `systemctl is-enabled` says.
    pub state: UnitFileState,
    /// What it says of the unit itself where it was asked for by an alias, of which `state` says `alias` alone.
    #[serde(default)]
    pub behind_alias: Option<UnitFileState>,
    /// Links in `*.wants`, `*.requires` and `*.upholds` that start it together with another unit.
    pub wanted_by: Vec<PathBuf>,
    /// Settings after drop-ins; none for a masked unit.
    pub settings: Fact<Settings>,
}

impl Unit {
    /// Whether something starts it at the next boot: it is enabled, or a package or generator links
    /// it. Links of `systemctl enable --runtime` do not survive a boot.
    pub fn starts_at_boot(&self) -> bool {
        let lasts = |link: &PathBuf| {
            !link.starts_with("/run") || link.to_string_lossy().contains("/generator")
        };
        let state = self.behind_alias.unwrap_or(self.state);
        !self.masked && (state == UnitFileState::Enabled || self.wanted_by.iter().any(lasts))
    }
}

/// The states of a unit file, as `systemctl(1)` explains them under `is-enabled`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitFileState {
    /// Linked as its `[Install]` section says, for good.
    Enabled,
    /// The same until the next boot.
    EnabledRuntime,
    /// Its file lies outside of the search path and is linked into it.
    Linked,
    /// The same until the next boot.
    LinkedRuntime,
    /// The name is a link to another unit.
    Alias,
    /// Cannot be started.
    Masked,
    /// Cannot be started until the next boot.
    MaskedRuntime,
    /// Nothing in it says how it could be enabled.
    Static,
    /// Not enabled itself, but units of `Also=` or other names of it may be.
    Indirect,
    /// Could be enabled and is not.
    Disabled,
    /// Made by a generator.
    Generated,
    /// Made by a program at run time.
    Transient,
}

impl UnitFileState {
    /// All states, in the order of the manual page.
    pub const ALL: [UnitFileState; 12] = [
        UnitFileState::Enabled,
        UnitFileState::EnabledRuntime,
        UnitFileState::Linked,
        UnitFileState::LinkedRuntime,
        UnitFileState::Alias,
        UnitFileState::Masked,
        UnitFileState::MaskedRuntime,
        UnitFileState::Static,
        UnitFileState::Indirect,
        UnitFileState::Disabled,
        UnitFileState::Generated,
        UnitFileState::Transient,
    ];

    /// The word that `systemctl is-enabled` prints.
    pub const fn name(self) -> &'static str {
        match self {
            UnitFileState::Enabled => "enabled",
            UnitFileState::EnabledRuntime => "enabled-runtime",
            UnitFileState::Linked => "linked",
            UnitFileState::LinkedRuntime => "linked-runtime",
            UnitFileState::Alias => "alias",
            UnitFileState::Masked => "masked",
            UnitFileState::MaskedRuntime => "masked-runtime",
            UnitFileState::Static => "static",
            UnitFileState::Indirect => "indirect",
            UnitFileState::Disabled => "disabled",
            UnitFileState::Generated => "generated",
            UnitFileState::Transient => "transient",
        }
    }
}

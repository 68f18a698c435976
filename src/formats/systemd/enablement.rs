//! Whether a unit is enabled, as `systemctl is-enabled` tells from files alone.
//!
//! The rules are those of `unit_file_lookup_state()` in systemd's `install.c`: links count, presets
//! do not. Links in `/etc/systemd/system` decide at once; those in `/run` are good until the next
//! boot; those elsewhere are the vendor's and make only instances `static`.

use super::names;
use super::units::{Directory, Entry, Index, Resolved};
use crate::facts::settings::Settings;
use crate::facts::unit::UnitFileState as State;
use std::ffi::OsStr;
use std::path::Path;

const PERSISTENT: &str = "/etc/systemd/system";

/// What `[Install]` says.
struct Install {
    name: String,
    aliases: Vec<String>,
    default_instance: Option<String>,
    has_rules: bool,
    has_also: bool,
}

/// The state of a unit that is not masked, asked for under `name`.
pub(super) fn state(index: &Index, name: &str, unit: &Resolved, settings: &Settings) -> State {
    let file_name = unit.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    if name != file_name && !names::is_instance(&unit.id) {
        return State::Alias;
    }
    let below =
        |paths: &[&str]| paths.iter().any(|path| unit.path.parent() == Some(Path::new(path)));
    if below(&[
        "/run/systemd/generator.early",
        "/run/systemd/generator",
        "/run/systemd/generator.late",
    ]) {
        return State::Generated;
    }
    if below(&["/run/systemd/transient"]) {
        return State::Transient;
    }
    let install = Install::of(&unit.id, settings);
    if let Some(state) = linked(index, unit, &install, true) {
        return state;
    }
    if linked(index, unit, &install, false).is_some() {
        return State::Indirect;
    }
    match (install.has_rules, install.has_also) {
        (true, _) => State::Disabled,
        (false, true) => State::Indirect,
        (false, false) => State::Static,
    }
}

/// `find_symlinks_in_scope()`: the state that links to the unit give it; with `known`, only links
/// of the names count that `[Install]` would make.
fn linked(index: &Index, unit: &Resolved, install: &Install, known: bool) -> Option<State> {
    let (mut runtime, mut elsewhere) = (false, false);
    let (mut own_link, mut own_runtime_link) = (false, false);
    // A directory less important than the one with the unit cannot have its name again.
    let mut below = false;
    for directory in &index.directories {
        let persistent = directory.path == Path::new(PERSISTENT);
        let in_run = directory.path.starts_with("/run");
        if has_link(directory, install, known) {
            if persistent {
                return Some(State::Enabled);
            }
            runtime |= in_run;
            elsewhere |= !in_run;
        } else if !below && matches!(directory.entries.get(&install.name), Some(Entry::Link(_))) {
            own_link |= persistent;
            own_runtime_link |= in_run;
        }
        below |= unit.path.starts_with(&directory.path);
    }
    if runtime {
        return Some(State::EnabledRuntime);
    }
    if elsewhere && names::is_instance(&install.name) {
        return Some(State::Static);
    }
    match (own_link, own_runtime_link) {
        (true, _) => Some(State::Linked),
        (false, true) => Some(State::LinkedRuntime),
        (false, false) => None,
    }
}

/// Whether a directory has a link to the unit, in a `*.wants` or as an alias.
fn has_link(directory: &Directory, install: &Install, known: bool) -> bool {
    let counts = |name: &str| !known || install.knows(name);
    // In a *.wants only the name of a link matters, wherever it leads to.
    let wanted = directory.wants.iter().any(|path| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_instance = || names::template(name).as_deref() == Some(install.name.as_str());
        (name == install.name || is_instance()) && counts(name)
    });
    wanted
        || directory.entries.iter().any(|(name, entry)| match entry {
            // A link of the unit's own name only brings in a file from elsewhere.
            Entry::Link(target) if *name != install.name => {
                let target = target.file_name().and_then(OsStr::to_str).unwrap_or_default();
                target == install.name && counts(name)
            }
            _ => false,
        })
}

impl Install {
    fn of(name: &str, settings: &Settings) -> Self {
        let words = |key: &str| -> Vec<String> {
            let section = settings.root.blocks.iter().filter(|block| block.name == "Install");
            let set = section.flat_map(|block| &block.settings).filter(|set| set.name == key);
            set.flat_map(|set| set.value.split_whitespace())
                .filter_map(|word| names::expand(word, name))
                .collect()
        };
        let any = |keys: &[&str]| keys.iter().any(|key| !words(key).is_empty());
        Install {
            name: name.to_owned(),
            aliases: words("Alias"),
            default_instance: words("DefaultInstance").pop(),
            has_rules: any(&["Alias", "WantedBy", "RequiredBy", "UpheldBy"]),
            has_also: any(&["Also"]),
        }
    }

    /// `is_symlink_with_known_name()`.
    fn knows(&self, name: &str) -> bool {
        let default = || {
            let instance = self.default_instance.as_deref()?;
            names::is_template(&self.name).then(|| names::instantiate(&self.name, instance))?
        };
        name == self.name
            || self.aliases.iter().any(|alias| alias == name)
            || default().as_deref() == Some(name)
    }
}

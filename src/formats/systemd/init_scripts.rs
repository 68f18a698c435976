//! Init scripts as units: `systemd-sysv-generator(8)` makes a service of each script in `/etc/init.d` that has no
//! unit of its name. On a host that runs, the unit lies with those of generators and is found there; of a
//! root directory or an image nobody has made it yet.
//!
//! The rules are those of systemd's `sysv-generator.c`: regular files with an execute bit for their owner, a
//! name without `.sh`, and links `S??NAME` in `/etc/rc2.d` to `/etc/rc5.d`, which start it.

use super::parse_with;
use crate::facts::Unknown;
use crate::facts::file::FileKind;
use crate::facts::unit::{Unit, UnitFileState};
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const SCRIPTS: &str = "/etc/init.d";
/// Of those that `rcnd_table` lists, the ones that a boot enters.
const LEVELS: [&str; 4] = ["/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d"];
const OWNER_EXECUTES: u16 = 0o100;

/// The scripts by the names of their units.
#[derive(Clone, Debug, Default)]
pub(super) struct InitScripts {
    scripts: BTreeMap<String, PathBuf>,
    /// Links that start one, by the name of its unit.
    links: BTreeMap<String, Vec<PathBuf>>,
}

impl InitScripts {
    pub(super) fn read(files: &dyn Files, unread: &mut Vec<Unknown>) -> Self {
        let mut found = Self::default();
        for name in super::units::listed(files, Path::new(SCRIPTS), unread) {
            let path = Path::new(SCRIPTS).join(&name);
            match crate::host::route::route(files, &path).map(|route| route.end) {
                Ok(Some((_, fact)))
                    if fact.kind == FileKind::File && fact.mode.0 & OWNER_EXECUTES != 0 =>
                {
                    found.scripts.insert(unit_name(&name), path);
                }
                Ok(_) => {}
                Err(why) => unread.push(why),
            }
        }
        if found.scripts.is_empty() {
            return found;
        }
        for level in LEVELS.map(Path::new) {
            for name in super::units::listed(files, level, unread) {
                if let Some(script) = started(&name) {
                    found.links.entry(unit_name(script)).or_default().push(level.join(&name));
                }
            }
        }
        found
    }

    /// The unit that the generator would make; `None` where there is no such script.
    pub(super) fn unit(
        &self,
        files: &dyn Files,
        name: &str,
        dropins: Vec<PathBuf>,
        unread: Vec<Unknown>,
    ) -> Option<Unit> {
        let path = self.scripts.get(name)?;
        let wanted_by = self.links.get(name).cloned().unwrap_or_default();
        let shown = path.display();
        // What `generate_unit_file()` writes, of what rules ask for.
        let content = format!(
            "[Unit]\nSourcePath={shown}\n[Service]\nType=forking\nRestart=no\nTimeoutSec=5min\n\
             IgnoreSIGPIPE=no\nKillMode=process\nGuessMainPID=no\nRemainAfterExit=yes\n\
             ExecStart={shown} start\nExecStop={shown} stop\n"
        );
        let settings = parse_with(files, Path::new(name), path, content.as_bytes(), &dropins);
        let settings = settings.map(|mut settings| {
            settings.unread.splice(0..0, unread);
            settings
        });
        // systemctl asks systemd-sysv-install, which goes by the links.
        let state = match wanted_by.is_empty() {
            true => UnitFileState::Disabled,
            false => UnitFileState::Enabled,
        };
        Some(Unit {
            id: name.to_owned(),
            fragment: path.clone(),
            dropins,
            masked: false,
            state,
            behind_alias: None,
            wanted_by,
            settings,
        })
    }
}

/// `sysv_translate_name()`.
fn unit_name(script: &str) -> String {
    format!("{}.service", script.strip_suffix(".sh").unwrap_or(script))
}

/// The script that a link of a run level starts: `S`, two digits, its name.
fn started(link: &str) -> Option<&str> {
    let rest = link.strip_prefix('S')?;
    let (digits, name) = rest.split_at_checked(2)?;
    (digits.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_scripts_are_named_as_the_generator_names_them() {
        assert_eq!(started("S01oldd"), Some("oldd"));
        for other in ["K01oldd", "S1oldd", "S01", "Sxxoldd", "README"] {
            assert_eq!(started(other), None, "{other}");
        }
        assert_eq!(
            (unit_name("a.sh").as_str(), unit_name("a").as_str()),
            ("a.service", "a.service")
        );
    }
}

//! `grub.cfg` as `grub-mkconfig` writes it: menu entries with a line `linux FILE OPTION…` each. The
//! language of GRUB is a shell's; nothing of it is run here. What would need that is unknown.

use super::{Entry, grub_env};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use crate::text;
use std::path::Path;

const PLACES: [&str; 2] = ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"];
const LOADERS: [&str; 4] = ["linux", "linux16", "linuxefi", "kernel"];

/// The entry that is started where nobody chooses, or every one where that is not known.
pub(super) fn entries(files: &dyn Files) -> Fact<Vec<Entry>> {
    for place in PLACES {
        let path = Path::new(place);
        let Some(content) = files.read(path)? else { continue };
        let menu = Menu::read(path, &String::from_utf8_lossy(&content))?;
        return menu.in_force(files);
    }
    Ok(Vec::new())
}

/// The entries of a menu; those of submenus are marked.
#[derive(Default)]
struct Menu {
    entries: Vec<(Entry, bool)>,
    default: Option<String>,
}

impl Menu {
    fn read(path: &Path, content: &str) -> Fact<Self> {
        let mut menu = Self::default();
        let (mut title, mut submenus) = (String::new(), Vec::new());
        let mut depth = 0_usize;
        for (number, line) in (1..).zip(content.lines()) {
            let line = line.trim();
            let first = line.split_whitespace().next().unwrap_or_default();
            match first {
                "submenu" if line.ends_with('{') => submenus.push(depth),
                "menuentry" => title = quoted(line).unwrap_or_default(),
                "set" => menu.note_default(line),
                _ if LOADERS.contains(&first) => {
                    // The first word is the kernel's file.
                    let options = line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ");
                    if options.contains('$') {
                        let why = format!("line {number} uses variables of GRUB");
                        return Err(Unknown::new(text::path(path), Cause::Unsupported(why)));
                    }
                    let entry = Entry::new(&title, path, number, &options);
                    menu.entries.push((entry, !submenus.is_empty()));
                }
                _ => {}
            }
            if line.ends_with('{') {
                depth += 1;
            } else if line == "}" {
                depth = depth.saturating_sub(1);
                submenus.retain(|opened| *opened < depth);
            }
        }
        Ok(menu)
    }

    /// `set default="0"`; of several that branches of a script choose among the last constant one.
    fn note_default(&mut self, line: &str) {
        let value = line.strip_prefix("set").map(str::trim);
        if let Some(value) = value.and_then(|rest| rest.strip_prefix("default=")) {
            self.default = Some(value.trim_matches(['"', '\'']).to_owned());
        }
    }

    /// The first entry where 0 is the default and nothing is chosen for once (`next_entry`).
    fn in_force(self, files: &dyn Files) -> Fact<Vec<Entry>> {
        let variables = grub_env::variables(files)?;
        let chosen = |name: &str| variables.get(name).is_some_and(|value| !value.is_empty());
        let is_first = self.default.as_deref() == Some("0") && !chosen("next_entry");
        let at_top = self.entries.iter().position(|(_, inside)| !inside);
        Ok(match at_top {
            Some(first) if is_first => {
                self.entries.into_iter().skip(first).take(1).map(|(entry, _)| entry).collect()
            }
            _ => self.entries.into_iter().map(|(entry, _)| entry).collect(),
        })
    }
}

/// The first word in quotes of a line.
fn quoted(line: &str) -> Option<String> {
    let start = line.find(['\'', '"'])?;
    let quote = line.get(start..)?.chars().next()?;
    let rest = line.get(start + 1..)?;
    rest.split(quote).next().map(str::to_owned)
}

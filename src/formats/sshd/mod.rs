//! sshd: the first value of a keyword wins, and `Match` blocks may say otherwise for some.
//!
//! A rule that asks for `permitrootlogin` is answered with *every* value that can be in force: the
//! global one and that of each `Match` block. Where only a `Match` block gives a value, the
//! default stands beside it as the global one (at line 0), so that a good exception never hides a
//! bad rule. The blocks themselves are there too, as `Match` with their criteria as label.

pub mod keywords;
pub(super) mod line;

use super::include::Includes;
use super::limits::{Budget, malformed, too_large};
use super::{Format, last_word};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The OpenSSH daemon's configuration.
pub const FORMAT: Format = Format {
    name: "sshd",
    doc: "sshd_config(5): the first value wins, includes; the values of `Match` blocks count beside \
          the global one. Members of AllowUsers and the like are values of their own.",
    recognises,
    parse,
    also: |path, text| keywords::spellings(&keywords::canonical(last_word(path)), text),
    default,
    kind: |path| keywords::kind(path.rsplit('.').next().unwrap_or_default()),
    special: |path| keywords::special(path.rsplit('.').next().unwrap_or_default()),
    table: None,
    blocks: &[],
};

/// `SERVCONF_MAX_DEPTH` of OpenSSH.
const INCLUDE_DEPTH: usize = 16;

/// What relative names in `Include` belong to, whatever the file's own directory.
const DIRECTORY: &str = "/etc/ssh";

fn recognises(path: &Path) -> bool {
    let named = |wanted: &str| path.components().any(|part| part.as_os_str() == wanted);
    path.file_name().is_some_and(|name| name == "sshd_config") || named("sshd_config.d")
}

/// Whether it is one of the files that the main configuration includes.
fn is_part(path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.ends_with("sshd_config.d"))
}

fn default(path: &str) -> Option<&'static str> {
    if path.contains('.') { None } else { keywords::default(path) }
}

/// Parses a configuration and what it includes.
///
/// # Errors
/// Where sshd would refuse a line's syntax, or a bound is met. An include that cannot be read is
/// told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        entries: Vec::new(),
        matches: Vec::new(),
    };
    reader.read_file(path, content, 0, &[])?;
    let root = reader.assemble(path);
    let part = is_part(path);
    let Includes { read, unread, .. } = reader.includes;
    Ok(Settings {
        root,
        files: read,
        unread,
        inherits: false,
        ignore_case: true,
        part,
        ..Settings::default()
    })
}

/// One value, and under which `Match` blocks it stands (indices, the outermost first).
struct Entry {
    setting: Setting,
    under: Vec<usize>,
}

/// A `Match` line.
struct Criteria {
    label: String,
    at: Location,
    /// `Match all`: no condition.
    always: bool,
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    entries: Vec<Entry>,
    matches: Vec<Criteria>,
}

impl Reader<'_> {
    /// Reads a file whose lines stand under the `Match` blocks `outer`. A `Match` within it ends
    /// with the file.
    fn read_file(
        &mut self,
        path: &Path,
        content: &[u8],
        chain: usize,
        outer: &[usize],
    ) -> Fact<()> {
        let mut under = outer.to_vec();
        for (index, raw) in content.split(|byte| *byte == b'\n').enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            if raw.contains(&0) {
                return Err(malformed(path, number, "a NUL byte"));
            }
            let words = line::split(raw).map_err(|why| malformed(path, number, why))?;
            let Some((keyword, arguments)) = words else { continue };
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line: number };
            let name = keywords::canonical(&keyword);
            if name == "match" {
                let label = arguments.join(" ");
                let always = label.eq_ignore_ascii_case("all");
                under = outer.to_vec();
                under.push(self.matches.len());
                self.matches.push(Criteria { label, at, always });
                continue;
            }
            if let Some(why) = keywords::refused(&name, &arguments) {
                return Err(malformed(path, number, format!("sshd would not start: {why}")));
            }
            self.add(&name, &arguments, &at, &under)?;
            if name == "include" {
                for pattern in &arguments {
                    self.include(pattern, chain, &under)?;
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        arguments: &[String],
        at: &Location,
        under: &[usize],
    ) -> Fact<()> {
        let whole = arguments.join(" ");
        let under = under.to_vec();
        let mut add = |setting: Setting| {
            self.budget.take(&at.file)?;
            self.entries.push(Entry { setting, under: under.clone() });
            Ok(())
        };
        let values = if keywords::is_list(name) { arguments.to_vec() } else { vec![whole] };
        values.iter().try_for_each(|value| add(setting(name, value, at)))
    }

    fn include(&mut self, name: &str, chain: usize, under: &[usize]) -> Fact<()> {
        if chain >= INCLUDE_DEPTH {
            let limit = format!("included more than {INCLUDE_DEPTH} files deep");
            self.includes.unread.push(too_large(Path::new(name), limit));
            return Ok(());
        }
        if name.starts_with('~') || name.contains('\u{fffd}') {
            let cause = Cause::Unsupported("an Include that cannot be resolved".into());
            self.includes.unread.push(Unknown::new(name, cause));
            return Ok(());
        }
        let full = PathBuf::from(DIRECTORY).join(name);
        // Even a plain name may be missing: sshd takes it as a pattern that matches nothing.
        for path in self.includes.expand(&full.to_string_lossy()) {
            let missing = Some("sshd would not start: this included file does not exist");
            if let Some(content) = self.includes.open(&path, missing) {
                self.read_file(&path, &content, chain + 1, under)?;
            }
        }
        Ok(())
    }

    /// Applies the rule of the first value, and brings global and conditional values together.
    fn assemble(&self, path: &Path) -> Block {
        let mut root = Block {
            name: String::new(),
            label: String::new(),
            at: Location { file: path.to_path_buf(), line: 0 },
            settings: Vec::new(),
            blocks: Vec::new(),
            empty_list: false,
        };
        let in_force = self.in_force();
        let always = |entry: &Entry| {
            entry.under.iter().all(|index| self.matches.get(*index).is_some_and(|m| m.always))
        };
        let decided: BTreeSet<&str> = in_force
            .iter()
            .filter(|entry| always(entry))
            .map(|entry| entry.setting.name.as_str())
            .collect();
        let mut completed: BTreeSet<&str> = BTreeSet::new();
        for entry in &in_force {
            let name = entry.setting.name.as_str();
            if !decided.contains(name) && completed.insert(name) {
                let value = keywords::default(name).unwrap_or_default();
                let global = setting(name, value, &root.at);
                push(&mut root, &global);
            }
            push(&mut root, &entry.setting);
        }
        root.blocks = self.match_blocks(&in_force);
        root
    }

    /// Entries without those that an earlier one under the same condition makes void.
    fn in_force(&self) -> Vec<&Entry> {
        let mut seen: BTreeMap<(String, &[usize]), &Location> = BTreeMap::new();
        let mut last: BTreeMap<(&str, &[usize]), &Location> = BTreeMap::new();
        for entry in self.entries.iter().filter(|e| keywords::last_holds(&e.setting.name)) {
            last.insert((&entry.setting.name, &entry.under), &entry.setting.at);
        }
        let mut kept = Vec::new();
        for entry in &self.entries {
            let name = entry.setting.name.as_str();
            // A subsystem is a setting for each name.
            let key = match name {
                "subsystem" => {
                    let program = entry.setting.value.split(' ').next().unwrap_or_default();
                    format!("{name} {program}")
                }
                _ => name.to_owned(),
            };
            let at = &entry.setting.at;
            let first = *seen.entry((key, entry.under.as_slice())).or_insert(at);
            let holds = last.get(&(name, entry.under.as_slice())).copied().unwrap_or(first);
            if keywords::is_additive(name) || std::ptr::eq(holds, at) {
                kept.push(entry);
            }
        }
        kept
    }

    /// The `Match` blocks, each with the settings that stand in it.
    fn match_blocks(&self, in_force: &[&Entry]) -> Vec<Block> {
        let block = |criteria: &Criteria| Block {
            name: "Match".to_owned(),
            label: criteria.label.clone(),
            at: criteria.at.clone(),
            settings: Vec::new(),
            blocks: Vec::new(),
            empty_list: false,
        };
        let mut blocks: Vec<Block> = self.matches.iter().map(block).collect();
        for entry in in_force {
            if let Some(block) = entry.under.last().and_then(|index| blocks.get_mut(*index)) {
                push(block, &entry.setting);
            }
        }
        blocks
    }
}

fn setting(name: &str, value: &str, at: &Location) -> Setting {
    Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        also: keywords::spellings(name, value),
        at: at.clone(),
    }
}

/// Adds a setting under all names of its keyword.
fn push(block: &mut Block, setting: &Setting) {
    for alias in keywords::aliases(&setting.name) {
        block.settings.push(Setting { name: alias.to_owned(), ..setting.clone() });
    }
    block.settings.push(setting.clone());
}

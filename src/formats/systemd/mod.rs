//! systemd's unit and configuration files, `systemd.syntax(7)`, with their drop-ins.
//!
//! Of most keys the last value holds and an empty one takes it back; some are lists, to which every
//! line adds until an empty one begins them anew. Values are kept as written: what quotes and
//! specifiers mean depends on the key.

mod dropins;
pub mod enablement;
pub mod environment;
pub mod exposure;
mod init_scripts;
mod keys;
pub mod names;
pub mod syscalls;
pub mod units;

use super::include::Includes;
use super::limits::{Budget, malformed};
use super::{Format, last_word};
use crate::facts::settings::{Block, Location, Setting, Settings, Undecided};
use crate::facts::{Cause, Fact, Unknown, capability};
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Unit files and configuration files of systemd.
pub const FORMAT: Format = Format {
    name: "systemd",
    doc: "systemd units with drop-ins from all standard directories: the last value holds, lists \
          add up, an empty value resets. DynamicUser= gives what it implies.",
    recognises: dropins::recognises,
    parse,
    also: |path, text| keys::spellings(last_word(path), text),
    default: keys::default,
    kind: keys::kind,
    special: keys::special,
    table: None,
    blocks: &[],
};

/// Other spellings of the default of a setting path such as `Service.NoNewPrivileges`.
pub fn same_default(path: &str, default: &str) -> Vec<String> {
    keys::spellings(path.rsplit('.').next().unwrap_or_default(), default)
}

/// Whether a value is a yes to systemd.
pub fn is_yes(value: &str) -> bool {
    keys::boolean(value) == Some(true)
}

/// Words of a value, quotes removed. Close enough to `extract_first_word()` to find programs and
/// their arguments; escapes are kept as they are.
pub fn words(value: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let (mut quote, mut begun) = (None, false);
    for c in value.chars() {
        match (c, quote) {
            ('"' | '\'', None) => (quote, begun) = (Some(c), true),
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (c, _) => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

/// The set that `CapabilityBoundingSet=` and `AmbientCapabilities=` amount to, `systemd.exec(5)`:
/// lines add up, one that begins with `~` takes away (from everything, if it is the first), an empty
/// one begins anew. Names that are not known are passed over, as systemd does.
pub fn capability_set<'a>(values: impl IntoIterator<Item = &'a str>) -> u64 {
    let mut set = None;
    for value in values {
        let (inverted, names) = match value.strip_prefix('~') {
            Some(names) => (true, names),
            None => (false, value),
        };
        let named = names
            .split_whitespace()
            .filter_map(capability::parse)
            .fold(0, |all, bit| all | capability::mask(bit));
        set = match (set, inverted) {
            _ if value.is_empty() => Some(0),
            (None, true) => Some(capability::ALL & !named),
            (Some(set), true) => Some(set & !named),
            (set, false) => Some(set.unwrap_or(0) | named),
        };
    }
    set.unwrap_or(0)
}

/// Parses a unit or configuration file and the drop-ins that apply to it.
///
/// # Errors
/// Where systemd would refuse the file, or a bound is met. A drop-in that cannot be read, or a unit
/// that takes this one's place, is told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut unread = Vec::new();
    let dropins = dropins::find(files, path, &mut unread);
    let mut settings = parse_with(files, path, path, content, &dropins)?;
    settings.unread.splice(0..0, unread);
    Ok(settings)
}

/// Parses a unit file and exactly these drop-ins. `name` is what the unit is called; with
/// `DynamicUser=` its user is called like it.
fn parse_with(
    files: &dyn Files,
    name: &Path,
    path: &Path,
    content: &[u8],
    dropins: &[PathBuf],
) -> Fact<Settings> {
    let mut includes = Includes::new(files, path);
    let mut unit = Unit::default();
    unit.read(path, content)?;
    for dropin in dropins {
        if let Some(content) = includes.open(dropin, None) {
            unit.read(dropin, &content)?;
        }
    }
    let refused = std::mem::take(&mut unit.refused);
    let mut root = unit.finish(path);
    keys::imply(name, &mut root);
    let undecided = specifiers(name, &mut root);
    let Includes { read, unread, .. } = includes;
    Ok(Settings { root, files: read, unread, refused, undecided, ..Settings::default() })
}

/// Adds what specifiers such as `%i` stand for, as far as the unit's name tells it (`systemd.unit(5)`).
/// A share such as `200%` has none.
fn specifiers(name: &Path, root: &mut Block) -> Vec<Undecided> {
    let unit = name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut undecided = Vec::new();
    for setting in root.blocks.iter_mut().flat_map(|block| &mut block.settings) {
        let mut behind =
            setting.value.match_indices('%').map(|(at, _)| setting.value.get(at + 1..));
        let letter = |rest: Option<&str>| {
            rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        if !behind.any(letter) {
            continue;
        }
        let of_instance = ["%i", "%I", "%j", "%J"].iter().any(|s| setting.value.contains(s));
        let expanded = names::expand(&setting.value, unit)
            .filter(|_| !of_instance || names::is_instance(unit));
        match expanded {
            Some(text) => setting.also.push(text),
            None => {
                let why =
                    format!("what the specifiers in `{}` stand for is not known", setting.value);
                undecided.push(Undecided {
                    name: setting.name.clone(),
                    why: Unknown::new(setting.at.to_string(), Cause::Unsupported(why)),
                    adds: keys::is_list(&setting.name),
                });
            }
        }
    }
    undecided
}

/// Assignments in force so far.
#[derive(Default)]
struct Unit {
    budget: Budget,
    /// Sections in the order in which they came up.
    sections: Vec<(String, Location)>,
    indices: BTreeMap<String, usize>,
    /// For section (by index) and key the values in force, each with its place in the order.
    values: BTreeMap<(usize, String), Vec<(usize, Setting)>>,
    count: usize,
    /// Assignments that systemd passes over.
    refused: Vec<Setting>,
}

impl Unit {
    fn read(&mut self, path: &Path, content: &[u8]) -> Fact<()> {
        let mut section = None;
        for (number, line) in logical_lines(content) {
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line: number };
            // systemd passes over lines that are not UTF-8, and over those without `=`.
            let Ok(line) = std::str::from_utf8(&line) else { continue };
            let line = line.trim_matches([' ', '\t', '\n', '\r']);
            if let Some(header) = line.strip_prefix('[') {
                let Some(name) = header.strip_suffix(']') else {
                    return Err(malformed(path, number, "a section without its closing bracket"));
                };
                section = Some(self.section(name, at));
                continue;
            }
            // Assignments outside of a section are ignored as well.
            let (Some((key, value)), Some(section)) = (line.split_once('='), section) else {
                continue;
            };
            self.assign(section, key.trim(), value.trim(), at);
        }
        Ok(())
    }

    fn section(&mut self, name: &str, at: Location) -> usize {
        *self.indices.entry(name.to_owned()).or_insert_with(|| {
            self.sections.push((name.to_owned(), at));
            self.sections.len() - 1
        })
    }

    fn assign(&mut self, section: usize, key: &str, value: &str, at: Location) {
        // An empty or wrong boolean is ignored, so what was said before still holds.
        let of = self.sections.get(section).map_or("", |(name, _)| name.as_str());
        if keys::is_refused(of, key, value) {
            if !value.is_empty() {
                let (name, value) = (key.to_owned(), value.to_owned());
                self.refused.push(Setting { name, value, also: Vec::new(), at });
            }
            return;
        }
        let values = self.values.entry((section, key.to_owned())).or_default();
        if value.is_empty() || !keys::is_list(key) {
            values.clear();
        }
        if !value.is_empty() || keys::empty_is_a_value(key) {
            self.count += 1;
            let (name, value) = (key.to_owned(), value.to_owned());
            // Servers are values of their own.
            let each = matches!(key, "NTP" | "FallbackNTP" | "DNS" | "FallbackDNS");
            let members = value.split_whitespace().filter(|member| each && *member != value);
            let members: Vec<String> = members.map(str::to_owned).collect();
            let also = keys::spellings(key, &value);
            if members.is_empty() {
                values.push((self.count, Setting { name, value, also, at }));
                return;
            }
            for member in members {
                let also = vec![value.clone()];
                let (name, at) = (name.clone(), at.clone());
                values.push((self.count, Setting { name, value: member, also, at }));
            }
        }
    }

    fn finish(self, path: &Path) -> Block {
        let block = |name: &str, at: Location| Block {
            name: name.to_owned(),
            label: String::new(),
            at,
            settings: Vec::new(),
            blocks: Vec::new(),
            empty_list: false,
        };
        let mut root = block("", Location { file: path.to_path_buf(), line: 0 });
        root.blocks = self.sections.into_iter().map(|(name, at)| block(&name, at)).collect();
        let mut all: Vec<(usize, usize, Setting)> = Vec::new();
        for ((section, _), values) in self.values {
            all.extend(values.into_iter().map(|(order, setting)| (order, section, setting)));
        }
        all.sort_by_key(|(order, _, _)| *order);
        for (_, section, setting) in all {
            if let Some(block) = root.blocks.get_mut(section) {
                block.settings.push(setting);
            }
        }
        root
    }
}

/// Lines that say something, those joined that end in a backslash, each with the number of its
/// first. Comments are passed over even between joined lines: `config_parse()` of `conf-parser.c`.
/// One at a time, so that a file of nothing but lines meets the bound before it fills the memory.
fn logical_lines(content: &[u8]) -> impl Iterator<Item = (u32, Vec<u8>)> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut lines = (1_u32..)
        .zip(content.split(|byte| *byte == b'\n'))
        .filter(|(_, line)| !matches!(line.trim_ascii_start().first(), Some(b'#' | b';')));
    let mut next = move || {
        let (first, line) = lines.next()?;
        let mut joined = line.to_vec();
        let mut last = line;
        while last.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1 {
            joined.pop();
            joined.push(b' ');
            let Some((_, line)) = lines.next() else { break };
            joined.extend_from_slice(line);
            last = line;
        }
        Some((first, joined))
    };
    std::iter::from_fn(move || {
        loop {
            let (first, line) = next()?;
            if !line.trim_ascii().is_empty() {
                return Some((first, line));
            }
        }
    })
}

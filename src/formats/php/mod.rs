//! PHP: `php.ini` and the files of the directory that is scanned behind it, the last value wins.
//!
//! The directory is `conf.d` beside a `php.ini` (Debian, the official images) or `php.d` (Fedora);
//! its files that end in `.ini` are read in the order of their names. Sections have no meaning, but
//! for `[PATH=/dir]` and `[HOST=name]`: what follows them holds there only, so those values count
//! beside the global one, and the blocks are there under `PATH` and `HOST` with the directory or
//! host as their label. A name alone sets nothing. `On`, `yes` and `true` are `1` to PHP, `Off`,
//! `no`, `none` and `false` nothing at all; expressions such as `E_ALL & ~E_NOTICE` are known as
//! numbers too. Members of `disable_functions` are values of their own.
//!
//! Not in these files is what a pool of php-fpm (`php_admin_value`), apache, `.user.ini`,
//! `PHP_INI_SCAN_DIR` or `-d` say, and what the command line's own PHP sets for itself.

mod names;
pub(super) mod scan;

use super::include::Includes;
use super::limits::{Budget, malformed};
use super::{Format, last};
use crate::facts::settings::{Block, Location, Setting, Settings, Undecided};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use scan::{Scanner, Statement};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

pub use names::defaults;

/// PHP's configuration.
pub const FORMAT: Format = Format {
    name: "php",
    doc: "php.ini and the conf.d or php.d beside it: the last value wins; values of [PATH=] and \
          [HOST=] sections count beside the global one; members of disable_functions are values of \
          their own; `error_reporting` is known as a number too.",
    recognises,
    parse,
    also: |path, text| names::spellings(path.trim_matches('"'), text, text),
    default: names::default,
    kind: names::kind,
    special: names::special,
    table: None,
    blocks: &[],
};

fn recognises(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let inside = |wanted: &str| path.components().any(|part| part.as_os_str() == wanted);
    let scanned = inside("php") && (inside("conf.d") || inside("mods-available"));
    name == "php.ini" || name.ends_with(".ini") && (scanned || inside("php.d"))
}

/// Parses a main configuration with all that is scanned behind it, or one scanned file.
///
/// # Errors
/// Where PHP would refuse the file's syntax (it goes on with what stands before the error), or a
/// bound is met. What cannot be read or resolved is told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        global: Vec::new(),
        special: BTreeMap::new(),
        lists: BTreeSet::new(),
        undecided: Vec::new(),
    };
    // In its place each server API reads the file named like it, php_ini_search_path of main/php_ini.c.
    let instead = beside_sapi(files, path);
    let main = instead.as_ref().and_then(|own| reader.includes.open(own, None));
    match (&instead, main) {
        (Some(own), Some(content)) => reader.read(own, &content)?,
        _ => reader.read(path, content)?,
    }
    for scanned in reader.scanned(files, path) {
        let Some(content) = reader.includes.open(&scanned, None) else { continue };
        // PHP warns of a file that it does not understand, and goes on with the next.
        if let Err(why) = reader.read(&scanned, &content) {
            reader.includes.unread.push(why);
        }
    }
    Ok(reader.finish(path))
}

/// `php-cli.ini` beside a `php.ini` in a directory `cli`, and so for the other server APIs; where the
/// directory does not tell which reads it, any that is there.
fn beside_sapi(files: &dyn Files, path: &Path) -> Option<PathBuf> {
    const NAMES: [(&str, &str); 4] =
        [("cli", "cli"), ("fpm", "fpm-fcgi"), ("cgi", "cgi-fcgi"), ("apache2", "apache2handler")];
    if path.file_name() != Some(OsStr::new("php.ini")) {
        return None;
    }
    let directory = path.parent()?;
    let of = directory.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let known = NAMES.iter().filter(|(name, _)| *name == of);
    let mut own = known.map(|(_, api)| directory.join(format!("php-{api}.ini")));
    own.find(|own| matches!(files.file(own), Ok(Some(_))))
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    global: Vec<Setting>,
    /// Blocks by kind and label.
    special: BTreeMap<(&'static str, String), Block>,
    /// Names that are given as arrays, of which every value counts.
    lists: BTreeSet<String>,
    /// Settings whose values stand on what is not known.
    undecided: Vec<Undecided>,
}

impl Reader<'_> {
    /// The files that are read behind a `php.ini`, in their order.
    fn scanned(&mut self, files: &dyn Files, path: &Path) -> Vec<PathBuf> {
        let beside = path.parent().unwrap_or(Path::new("/"));
        if path.file_name() != Some(OsStr::new("php.ini")) {
            return Vec::new();
        }
        for directory in [beside.join("conf.d"), beside.join("php.d")] {
            match files.list(&directory) {
                Ok(None) => {}
                Ok(Some(names)) => {
                    let ours = names.iter().filter(|name| name.as_bytes().ends_with(b".ini"));
                    return ours.map(|name| directory.join(name)).collect();
                }
                Err(why) => self.includes.unread.push(why),
            }
        }
        Vec::new()
    }

    fn read(&mut self, path: &Path, content: &[u8]) -> Fact<()> {
        let mut scanner = Scanner::new(content);
        let mut section: Option<(&'static str, String)> = None;
        loop {
            let known = |name: &str| {
                let found = self.global.iter().rev().find(|setting| setting.name == name);
                found.map(|setting| setting.also.last().unwrap_or(&setting.value).clone())
            };
            let next = scanner.next(&known);
            let (line, statement) = next.map_err(|error| malformed(path, error.line, error.why))?;
            let at = Location { file: path.to_path_buf(), line };
            let (name, value) = match statement {
                Statement::End => return Ok(()),
                Statement::Section(header) => {
                    section = special(&header);
                    if let Some(key) = &section {
                        let block = || Block::new(key.0, key.1.clone(), at);
                        self.special.entry(key.clone()).or_insert_with(block);
                    }
                    continue;
                }
                Statement::Entry { name, key, value } => {
                    if key.is_some() {
                        self.lists.insert(name.clone());
                    }
                    (name, value)
                }
            };
            for what in &value.unresolved {
                let cause = Cause::Unsupported(format!("{what} is not known"));
                let why = Unknown::new(at.to_string(), cause);
                self.undecided.push(Undecided { name: name.clone(), why, adds: false });
            }
            let into = match section.as_ref().and_then(|key| self.special.get_mut(key)) {
                Some(block) => &mut block.settings,
                None => &mut self.global,
            };
            // A list replaces the one before it as a whole.
            if names::is_list(&name) {
                into.retain(|setting| setting.name != name);
            }
            for (value, php) in names::members(&name, &value.written, &value.php) {
                self.budget.take(path)?;
                let also = names::spellings(&name, value, php);
                let (name, value) = (name.clone(), value.to_owned());
                into.push(Setting { name, value, also, at: at.clone() });
            }
        }
    }

    fn finish(self, path: &Path) -> Settings {
        let Reader { includes: Includes { read, mut unread, .. }, lists, undecided, .. } = self;
        let in_force = |said: Vec<Setting>| {
            last::in_force(said, |setting| {
                let every = names::is_list(&setting.name) || lists.contains(&setting.name);
                (!every && !names::adds_up(&setting.name)).then(|| setting.name.clone())
            })
        };
        let mut root = Block::root(path);
        root.settings = in_force(self.global);
        let global: BTreeSet<String> = root.settings.iter().map(|s| s.name.clone()).collect();
        let mut completed = BTreeSet::new();
        for mut block in self.special.into_values() {
            block.settings = in_force(block.settings);
            for setting in &block.settings {
                let name = &setting.name;
                if !global.contains(name) && completed.insert(name.clone()) {
                    // Elsewhere the default holds: a good exception never hides it.
                    match names::default(name) {
                        Some(value) => {
                            let also = names::spellings(name, value, value);
                            let (name, value) = (name.clone(), value.to_owned());
                            let at = root.at.clone();
                            root.settings.push(Setting { name, value, also, at });
                        }
                        None => {
                            let what = format!("what PHP does with {name} elsewhere is not known");
                            let place = setting.at.to_string();
                            unread.push(Unknown::new(place, Cause::Unsupported(what)));
                        }
                    }
                }
                root.settings.push(setting.clone());
            }
            root.blocks.push(block);
        }
        Settings {
            root,
            files: read,
            unread,
            inherits: false,
            ignore_case: false,
            part: is_part(path),
            undecided,
            ..Settings::default()
        }
    }
}

/// Whether it is one of the files that are scanned behind the main one.
fn is_part(path: &Path) -> bool {
    let parent = path.parent().and_then(Path::file_name);
    parent.is_some_and(|name| name == "conf.d" || name == "php.d" || name == "mods-available")
}

/// The directory or host that a section is about; `None` for one without meaning.
fn special(header: &str) -> Option<(&'static str, String)> {
    let begins = |word: &str| header.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let kind = match () {
        () if begins("PATH") => "PATH",
        () if begins("HOST") => "HOST",
        () => return None,
    };
    let label = header.get(4..)?.trim_start().strip_prefix('=')?.trim();
    // Hosts are compared in lower case, and a directory is the same with a slash behind it.
    let label = match kind {
        "HOST" => label.to_ascii_lowercase(),
        _ => label.trim_end_matches('/').to_owned(),
    };
    Some((kind, label))
}

//! PostgreSQL: the last value of a name wins, and `postgresql.auto.conf` comes last of all.
//!
//! `ALTER SYSTEM` writes that file into the data directory: the one that `data_directory` names,
//! or else that of the configuration file itself, if it is one. Where neither is so, what is in
//! force cannot be known. Members of `listen_addresses` and other lists are values of their own.
//! What is set for a database or role (`ALTER DATABASE`, `ALTER ROLE`) or on the command line is
//! not in these files.

pub mod names;
mod token;

use super::include::Includes;
use super::limits::{Budget, malformed, too_large};
use super::{Format, last};
use crate::facts::file::FileKind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use token::Token;

/// The configuration of PostgreSQL.
pub const FORMAT: Format = Format {
    name: "postgresql",
    doc: "postgresql.conf: the last value wins, include, include_if_exists, include_dir, and \
          postgresql.auto.conf behind all; members of `listen_addresses` are values of their own; \
          sizes and times are also known in the setting's own unit, `true` and `1` as `on`.",
    recognises,
    parse,
    also: |path, text| names::spellings(&path.to_ascii_lowercase(), text),
    default: names::default,
    kind: names::kind,
    special: names::special,
    table: None,
    blocks: &[],
};

/// `CONF_FILE_MAX_DEPTH` of PostgreSQL.
const INCLUDE_DEPTH: usize = 10;

fn recognises(path: &Path) -> bool {
    let named = |wanted: &str| path.file_name().is_some_and(|name| name == wanted);
    named("postgresql.conf") || named("postgresql.auto.conf")
}

/// Parses a configuration, what it includes and `postgresql.auto.conf`.
///
/// # Errors
/// Where PostgreSQL would refuse a line's syntax, or a bound is met. A file that cannot be read is
/// told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let includes = Includes::new(files, path);
    let mut reader = Reader { files, includes, budget: Budget::default(), said: Vec::new() };
    reader.read(path, content, 0)?;
    if path.file_name().is_none_or(|name| name != AUTO) {
        reader.read_auto(path)?;
    }
    let mut root = Block::root(path);
    let in_force = last::in_force(reader.said, |said| match said.name.as_str() {
        "include" | "include_if_exists" | "include_dir" => None,
        name => Some(name.to_owned()),
    });
    for setting in in_force {
        if !names::is_list(&setting.name) {
            root.settings.push(setting);
            continue;
        }
        for member in setting.value.split(',') {
            reader.budget.take(path)?;
            let value = member.trim().trim_matches('"').to_owned();
            let also = names::spellings(&setting.name, &value);
            root.settings.push(Setting { value, also, ..setting.clone() });
        }
    }
    let Includes { read, unread, .. } = reader.includes;
    Ok(Settings {
        root,
        files: read,
        unread,
        inherits: false,
        ignore_case: true,
        ..Settings::default()
    })
}

/// The file that `ALTER SYSTEM` writes.
const AUTO: &str = "postgresql.auto.conf";

struct Reader<'a> {
    files: &'a dyn Files,
    includes: Includes<'a>,
    budget: Budget,
    said: Vec<Setting>,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, content: &[u8], depth: usize) -> Fact<()> {
        for (line, text) in (1_u32..).zip(content.split(|byte| *byte == b'\n')) {
            if text.contains(&0) {
                return Err(malformed(path, line, "a NUL byte"));
            }
            let tokens = token::split(text).map_err(|why| malformed(path, line, why))?;
            let (name, value) = match tokens.as_slice() {
                [] => continue,
                [
                    Token::Id(name) | Token::QualifiedId(name),
                    Token::Equals,
                    Token::Id(value) | Token::Value(value),
                ]
                | [
                    Token::Id(name) | Token::QualifiedId(name),
                    Token::Id(value) | Token::Value(value),
                ] => (name.to_ascii_lowercase(), value),
                _ => return Err(malformed(path, line, "expected name = value")),
            };
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line };
            let also = names::spellings(&name, value);
            self.said.push(Setting { name: name.clone(), value: value.clone(), also, at });
            let own = path.parent().unwrap_or(Path::new("/"));
            let wanted = own.join(value);
            match name.as_str() {
                "include" => self.include(&wanted, depth, Some(MISSING))?,
                "include_if_exists" => self.include(&wanted, depth, None)?,
                "include_dir" => self.include_dir(&wanted, depth)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn include(&mut self, path: &Path, depth: usize, missing: Option<&str>) -> Fact<()> {
        if depth >= INCLUDE_DEPTH {
            let limit = format!("included more than {INCLUDE_DEPTH} files deep");
            self.includes.unread.push(too_large(path, limit));
            return Ok(());
        }
        match self.includes.open(path, missing) {
            Some(content) => self.read(path, &content, depth + 1),
            None => Ok(()),
        }
    }

    /// Files whose names end in `.conf` and do not begin with a period, sorted as in the C locale.
    fn include_dir(&mut self, directory: &Path, depth: usize) -> Fact<()> {
        let names = match self.files.list(directory) {
            Ok(Some(names)) => names,
            Ok(None) => {
                let cause = Cause::Malformed(MISSING.into());
                self.includes.unread.push(Unknown::new(directory.display().to_string(), cause));
                return Ok(());
            }
            Err(why) => {
                self.includes.unread.push(why);
                return Ok(());
            }
        };
        for name in names.iter() {
            let bytes = name.as_bytes();
            if bytes.len() < 6 || bytes.starts_with(b".") || !bytes.ends_with(b".conf") {
                continue;
            }
            let path = directory.join(name);
            let is_directory = |kind: &FileKind| *kind == FileKind::Directory;
            if !matches!(self.files.file(&path), Ok(Some(file)) if is_directory(&file.kind)) {
                self.include(&path, depth, Some(MISSING))?;
            }
        }
        Ok(())
    }

    /// Reads what `ALTER SYSTEM` wrote.
    fn read_auto(&mut self, main: &Path) -> Fact<()> {
        let last = self.said.iter().rev().find(|setting| setting.name == "data_directory");
        let directory = match last.map(|setting| PathBuf::from(&setting.value)) {
            Some(named) => named,
            None => match self.data_directory(main) {
                Ok(directory) => directory,
                Err(why) => {
                    self.includes.unread.push(why);
                    return Ok(());
                }
            },
        };
        if !directory.is_absolute() {
            let why = "a relative data_directory depends on where PostgreSQL was started";
            self.includes.unread.push(Unknown::new(AUTO, Cause::Unsupported(why.into())));
            return Ok(());
        }
        let path = directory.join(AUTO);
        match self.includes.open(&path, None) {
            Some(content) => self.read(&path, &content, 0),
            None => Ok(()),
        }
    }

    /// The directory of the main file, if it is a data directory.
    fn data_directory(&self, main: &Path) -> Fact<PathBuf> {
        let own = main.parent().unwrap_or(Path::new("/"));
        for name in ["PG_VERSION", AUTO] {
            if self.files.file(&own.join(name))?.is_some() {
                return Ok(own.to_path_buf());
            }
        }
        let why = "no data_directory is given, so where it lies, to override all, is not known";
        Err(Unknown::new(AUTO, Cause::Unsupported(why.into())))
    }
}

const MISSING: &str = "PostgreSQL would not start: what is included does not exist";

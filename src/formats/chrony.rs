//! chrony: a directive a line, chrony.conf(5) and `CNF_ParseLine()`.
//!
//! Directives are of any case; a line that begins with `!`, `;`, `#` or `%` is a comment. Of directives
//! of sources and access every line counts, of others the last. Files of `include`, `confdir` and
//! `sourcedir` are read.

use super::include::Includes;
use super::limits::Budget;
use super::table::{Row, Table};
use super::{Format, last};
use crate::facts::quantity::Kind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::Path;

/// The configuration of chronyd.
pub const FORMAT: Format = Format {
    name: "chrony",
    doc: "chrony.conf(5): every line of sources and access counts, the last one of others; a \
          directive without a value is there with an empty one.",
    recognises: |path| {
        let inside = |wanted: &str| path.components().any(|part| part.as_os_str() == wanted);
        let conf = |e| e == "conf" || e == "sources";
        path.file_name().is_some_and(|name| name == "chrony.conf")
            || inside("chrony") && path.extension().is_some_and(conf)
            || path.parent().is_some_and(|parent| parent.ends_with("chrony.d"))
    },
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

/// chrony.conf(5) of 4.0 to 4.6.
static TABLE: Table = Table {
    rows: &[
        Row::new("acquisitionport", Kind::Number),
        Row::new("cmdport", Kind::Number).or("323"),
        Row::new("clientloglimit", Kind::Number).or("524288"),
        Row::new("log", Kind::Text),
        Row::new("maxdistance", Kind::Number).or("3.0"),
        Row::new("maxsamples", Kind::Number).or("0"),
        Row::new("maxupdateskew", Kind::Number).or("1000"),
        Row::new("minsources", Kind::Number).or("1"),
        Row::new("port", Kind::Number).or("123"),
        Row::new("stratumweight", Kind::Number).or("0.001"),
    ],
    others: Kind::Open,
    any_case: true,
};

/// Directives of which every line counts.
const EVERY: &[&str] = &[
    "allow",
    "bindacqaddress",
    "bindaddress",
    "bindcmdaddress",
    "broadcast",
    "cmdallow",
    "cmddeny",
    "confdir",
    "deny",
    "hwtimestamp",
    "include",
    "initstepslew",
    "log",
    "mailonchange",
    "peer",
    "pool",
    "refclock",
    "server",
    "sourcedir",
];

/// Parses the configuration and what it includes.
///
/// # Errors
/// When a bound is met. What cannot be read is told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        said: Vec::new(),
        files,
    };
    reader.read(path, content, 0)?;
    let mut root = Block::root(path);
    root.settings = last::in_force(reader.said, |setting| {
        (!EVERY.contains(&setting.name.as_str())).then(|| setting.name.clone())
    });
    let Includes { read, unread, .. } = reader.includes;
    let part = !path.ends_with("chrony.conf");
    Ok(Settings { root, files: read, unread, ignore_case: true, part, ..Settings::default() })
}

struct Reader<'a> {
    files: &'a dyn Files,
    includes: Includes<'a>,
    budget: Budget,
    said: Vec<Setting>,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, content: &[u8], depth: usize) -> Fact<()> {
        let text = String::from_utf8_lossy(content);
        for (line, raw) in (1_u32..).zip(text.lines()) {
            let mut words = raw.split_whitespace();
            let Some(first) = words.next().filter(|word| !word.starts_with(['!', ';', '#', '%']))
            else {
                continue;
            };
            self.budget.take(path)?;
            let name = first.to_ascii_lowercase();
            let arguments: Vec<&str> = words.collect();
            let value = arguments.join(" ");
            // A source is named by its first argument.
            let also =
                arguments.first().filter(|first| **first != value).map(|one| (*one).to_owned());
            let at = Location { file: path.to_path_buf(), line };
            match name.as_str() {
                "include" => self.include(&value, depth)?,
                "confdir" | "sourcedir" => {
                    let end = if name == "confdir" { ".conf" } else { ".sources" };
                    self.folders(&arguments, end, depth)?;
                }
                _ => {}
            }
            self.said.push(Setting { name, value, also: also.into_iter().collect(), at });
        }
        Ok(())
    }

    fn include(&mut self, pattern: &str, depth: usize) -> Fact<()> {
        if !pattern.starts_with('/') || depth >= 10 {
            let cause = Cause::Unsupported("an include that cannot be resolved".into());
            self.includes.unread.push(Unknown::new(pattern, cause));
            return Ok(());
        }
        for path in self.includes.expand(pattern) {
            if let Some(content) = self.includes.open(&path, None) {
                self.read(&path, &content, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Files of several folders in the order of their names; of one name the first folder's counts.
    fn folders(&mut self, folders: &[&str], end: &str, depth: usize) -> Fact<()> {
        if depth >= 10 {
            return Ok(());
        }
        let mut found = std::collections::BTreeMap::new();
        for folder in folders {
            match self.files.list(Path::new(folder)) {
                Ok(names) => {
                    for name in names.iter().flat_map(|names| names.iter()) {
                        if name.to_string_lossy().ends_with(end) {
                            found
                                .entry(name.clone())
                                .or_insert_with(|| Path::new(folder).join(name));
                        }
                    }
                }
                Err(why) => self.includes.unread.push(why),
            }
        }
        for path in found.into_values() {
            if let Some(content) = self.includes.open(&path, None) {
                self.read(&path, &content, depth + 1)?;
            }
        }
        Ok(())
    }
}

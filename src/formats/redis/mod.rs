//! redis: the last value of a name wins, includes stand where they are written.
//!
//! Names are compared without regard to case, and an old name (`slaveof`) is the newer one
//! (`replicaof`). What adds up is kept: `save` points, each `user`, `rename-command` and
//! `loadmodule`; of `client-output-buffer-limit` the last of each class. Every address of `bind`
//! is a value of its own. (redis 7 drops the `save` points before an include when it meets one
//! behind it, earlier versions do not: here all of them count.) What `CONFIG SET` changed in a
//! running redis is not in the file, and options of the command line come behind it.

mod line;
pub mod names;

use super::include::Includes;
use super::limits::{Budget, malformed, too_large};
use super::{Format, glob3, last};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The configuration of redis.
pub const FORMAT: Format = Format {
    name: "redis",
    doc: "redis.conf: the last value wins, includes; every address of `bind`, every `save` point, \
          `user` and `rename-command` is a value of its own; old names are the new ones.",
    recognises,
    parse,
    also: |path, text| names::spellings(&names::canonical(path), text),
    default: names::default,
    kind: names::kind,
    special: names::special,
    table: None,
    blocks: &[],
};

/// How many files may include one another in a chain; redis has no bound but its stack.
const INCLUDE_DEPTH: usize = 16;

fn recognises(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let inside = path.components().any(|part| part.as_os_str() == "redis");
    name == "redis.conf" || inside && name.ends_with(".conf") && name != "sentinel.conf"
}

/// Parses a configuration and what it includes.
///
/// # Errors
/// Where redis would refuse a line's syntax, or a bound is met. An include that cannot be read is
/// told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        directory: None,
        said: Vec::new(),
        save: Vec::new(),
        bind: Vec::new(),
    };
    reader.read(vec![(path.to_path_buf(), Arc::new(content.to_vec()))], 0)?;
    let mut root = Block::root(path);
    let mut single = last::in_force(reader.said, replaces);
    single.retain(|setting| !names::is_none(&setting.name, &setting.value));
    for setting in single.into_iter().chain(reader.save).chain(reader.bind) {
        for old in names::aliases(&setting.name) {
            root.settings.push(Setting { name: old.to_owned(), ..setting.clone() });
        }
        root.settings.push(setting);
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

/// What a setting replaces when it comes later; `None` for what adds up.
fn replaces(setting: &Setting) -> Option<(String, String)> {
    let first = setting.value.split(' ').next().unwrap_or_default().to_ascii_lowercase();
    let class = match setting.name.as_str() {
        "user" | "loadmodule" | "include" | "sentinel" => return None,
        "client-output-buffer-limit" if first == "slave" => "replica".to_owned(),
        "client-output-buffer-limit" | "rename-command" => first,
        _ => String::new(),
    };
    Some((setting.name.clone(), class))
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    /// Where redis is at this line: `dir` takes it there at once.
    directory: Option<PathBuf>,
    said: Vec<Setting>,
    /// The `save` points and the addresses in force so far.
    save: Vec<Setting>,
    bind: Vec<Setting>,
}

/// A file and its content.
type Part = (PathBuf, Arc<Vec<u8>>);

impl Reader<'_> {
    /// Reads files as one text, as redis does with all that a pattern matches.
    fn read(&mut self, parts: Vec<Part>, chain: usize) -> Fact<()> {
        // A last line without line feed goes on in the next file.
        let mut open: Option<(Location, Vec<u8>)> = None;
        for (path, content) in parts {
            let mut lines = (1_u32..).zip(content.split(|byte| *byte == b'\n')).peekable();
            while let Some((line, bytes)) = lines.next() {
                let at = Location { file: path.clone(), line };
                let (at, text) = match open.take() {
                    Some((at, before)) => (at, [&before, bytes].concat()),
                    None => (at, bytes.to_vec()),
                };
                match lines.peek() {
                    Some(_) => self.line(&at, &text, chain)?,
                    None => open = (!text.is_empty()).then_some((at, text)),
                }
            }
        }
        match open {
            Some((at, text)) => self.line(&at, &text, chain),
            None => Ok(()),
        }
    }

    fn line(&mut self, at: &Location, text: &[u8], chain: usize) -> Fact<()> {
        let refused = |why: &str| malformed(&at.file, at.line, why);
        if text.contains(&0) {
            return Err(refused("a NUL byte"));
        }
        let words = line::split(text).map_err(refused)?;
        let Some((name, arguments)) = words.split_first() else { return Ok(()) };
        self.budget.take(&at.file)?;
        let name = names::canonical(name);
        match (name.as_str(), arguments) {
            ("save", _) => {
                // `save` adds points; without any (`save ""`) it drops those before it.
                let none = arguments.iter().all(String::is_empty);
                let points = self.each(&name, at, if none { &[] } else { arguments }, 2)?;
                if none || self.save.first().is_some_and(|setting| setting.value.is_empty()) {
                    self.save.clear();
                }
                self.save.extend(points);
            }
            ("bind", _) => self.bind = self.each(&name, at, arguments, 1)?,
            ("client-output-buffer-limit", _) => {
                let classes = self.each(&name, at, arguments, 4)?;
                self.said.extend(classes);
            }
            ("include", [pattern]) => {
                self.said.push(setting(&name, at, pattern.clone()));
                self.include(pattern, chain)?;
            }
            ("dir", [directory]) => {
                let before = self.directory.take().unwrap_or_default();
                self.directory = Some(before.join(directory)).filter(|dir| dir.is_absolute());
                self.said.push(setting(&name, at, directory.clone()));
            }
            ("include" | "dir", _) | (_, []) => return Err(refused("wrong number of arguments")),
            _ => self.said.push(setting(&name, at, arguments.join(" "))),
        }
        Ok(())
    }

    /// A value for each `size` arguments, one for none at all.
    fn each(
        &mut self,
        name: &str,
        at: &Location,
        arguments: &[String],
        size: usize,
    ) -> Fact<Vec<Setting>> {
        if arguments.is_empty() {
            return Ok(vec![setting(name, at, String::new())]);
        }
        let groups = arguments.chunks(size);
        groups
            .map(|group| {
                self.budget.take(&at.file)?;
                Ok(setting(name, at, group.join(" ")))
            })
            .collect()
    }

    fn include(&mut self, name: &str, chain: usize) -> Fact<()> {
        if chain >= INCLUDE_DEPTH {
            let limit = format!("included more than {INCLUDE_DEPTH} files deep");
            self.includes.unread.push(too_large(Path::new(name), limit));
            return Ok(());
        }
        let full = self.directory.clone().unwrap_or_default().join(name);
        if !full.is_absolute() || name.contains('\u{fffd}') {
            let why = "an include that depends on the directory in which redis was started";
            self.includes.unread.push(Unknown::new(name, Cause::Unsupported(why.into())));
            return Ok(());
        }
        let paths = if glob3::is_pattern(name) {
            self.includes.expand(&full.to_string_lossy())
        } else {
            vec![full]
        };
        let mut parts = Vec::new();
        for path in paths {
            let missing = Some("redis would not start: this included file does not exist");
            if let Some(content) = self.includes.open(&path, missing) {
                parts.push((path, content));
            }
        }
        self.read(parts, chain + 1)
    }
}

fn setting(name: &str, at: &Location, value: String) -> Setting {
    let also = names::spellings(name, &value);
    Setting { name: name.to_owned(), value, also, at: at.clone() }
}

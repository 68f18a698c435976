//! `sudoers(5)`: who may run what as whom.
//!
//! Read as sudo reads it: `@include` and `@includedir` (names with a period or a tilde at the end are
//! passed over), line continuation, quotes, the four kinds of alias, `Defaults` of all scopes, tags
//! that stay in force for the commands behind them. A line that is not understood is told, and sudo
//! itself passes over no more than that line.

mod line;
mod scan;

use crate::facts::sudo::Sudoers;
use crate::facts::{Cause, Unknown};
use crate::host::Files;
use crate::text;
use std::path::{Path, PathBuf};

/// The file.
pub const SUDOERS: &str = "/etc/sudoers";
/// Where sudo looks for rules.
const NSSWITCH: &str = "/etc/nsswitch.conf";
/// The configuration of sudo's front end.
const SUDO_CONF: &str = "/etc/sudo.conf";
/// How deep includes may lead, as in sudo.
const DEPTH: usize = 128;
/// The most lines of all files.
const LINES: usize = 100_000;

/// Reads the file with all that it includes. `host` is what `%h` stands for. Without the file there
/// is nothing that sudo lets anybody do.
pub fn read(files: &dyn Files, host: &str) -> Sudoers {
    let mut reader =
        Reader { files, host, sudoers: Sudoers::default(), lines: 0, open: Vec::new() };
    reader.file(Path::new(SUDOERS));
    let elsewhere = elsewhere(files);
    reader.sudoers.unread.extend(elsewhere);
    reader.sudoers
}

/// What makes sudo obey more than this file: rules of a name service, another file or another plugin.
fn elsewhere(files: &dyn Files) -> Vec<Unknown> {
    let mut found = Vec::new();
    let mut read = |path: &str, of: &dyn Fn(&str) -> Option<String>| match files
        .read(Path::new(path))
    {
        Ok(content) => {
            let content = content.unwrap_or_default();
            let text = String::from_utf8_lossy(&content);
            let why = text.lines().find_map(|line| of(line.split('#').next().unwrap_or_default()));
            found.extend(why.map(|why| Unknown::new(path, Cause::Unsupported(why))));
        }
        Err(why) => found.push(why),
    };
    read(NSSWITCH, &|line| {
        let sources = line.trim().strip_prefix("sudoers:")?;
        let other = sources.split_whitespace().find(|word| *word != "files" && !word.contains('['));
        other
            .filter(|word| !word.contains(']'))
            .map(|word| format!("sudo has rules from `{word}` too, which are not read"))
    });
    read(SUDO_CONF, &|line| {
        let mut words = line.split_whitespace();
        let plugin = words.next() == Some("Plugin");
        let own = words.clone().next() == Some("sudoers_policy")
            && !words.any(|word| word.starts_with("sudoers_file="));
        let policy = line.contains("_policy") || line.contains("sudoers_file=");
        (plugin && policy && !own)
            .then(|| "sudo obeys another file or plugin, which is not read".to_owned())
    });
    found
}

struct Reader<'a> {
    files: &'a dyn Files,
    host: &'a str,
    sudoers: Sudoers,
    lines: usize,
    open: Vec<PathBuf>,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path) {
        let shown = text::path(path);
        if self.open.len() >= DEPTH || self.open.iter().any(|open| open == path) {
            let why = Cause::Malformed("includes lead in a circle, or too deep".into());
            return self.sudoers.unread.push(Unknown::new(shown, why));
        }
        let content = match self.files.read(path) {
            Ok(Some(content)) => content,
            Ok(None) if self.open.is_empty() => return,
            Ok(None) => {
                let why = Cause::Malformed("is included and does not exist".into());
                return self.sudoers.unread.push(Unknown::new(shown, why));
            }
            Err(why) => return self.sudoers.unread.push(why),
        };
        if let Some(why) = self.is_ignored(path) {
            let why = format!("sudo ignores the file: {why}");
            return self.sudoers.ignored.push((path.to_owned(), why));
        }
        self.open.push(path.to_owned());
        self.sudoers.files.push(path.to_owned());
        for (number, line) in scan::logical_lines(&String::from_utf8_lossy(&content)) {
            self.lines += 1;
            if self.lines > LINES {
                let why = Cause::TooLarge(format!("more than {LINES} lines"));
                self.sudoers.unread.push(Unknown::new(shown, why));
                break;
            }
            if let Some((directory, target)) = scan::include(&line) {
                self.include(path, directory, &target);
                continue;
            }
            if let Err(why) = line::read(&line, path, number, &mut self.sudoers) {
                let why = Cause::Malformed(format!("line {number}: {why}"));
                self.sudoers.unread.push(Unknown::new(shown.clone(), why));
            }
        }
        self.open.pop();
    }

    /// Why sudo does not read a file that is there: whoever else owns or may write it (`sudo_secure_file()`).
    /// Where `/` is not root's, the files have been unpacked by somebody else and owners say nothing.
    fn is_ignored(&self, path: &Path) -> Option<&'static str> {
        let owner = |path: &Path| {
            let end = crate::host::route::route(self.files, path).ok()?.end;
            end.map(|(_, fact)| fact)
        };
        if owner(Path::new("/")).is_none_or(|root| root.uid != 0) {
            return None;
        }
        let fact = owner(path)?;
        if fact.uid != 0 {
            Some("it does not belong to root")
        } else if fact.mode.0 & 0o002 != 0 {
            Some("everybody may write it")
        } else if fact.mode.0 & 0o020 != 0 && fact.gid != 0 {
            Some("another group than root's may write it")
        } else {
            None
        }
    }

    fn include(&mut self, from: &Path, directory: bool, target: &str) {
        let target = target.replace("%h", self.host.split('.').next().unwrap_or_default());
        let path = from.parent().unwrap_or(Path::new("/")).join(target);
        if !directory {
            return self.file(&path);
        }
        match self.files.list(&path) {
            Ok(names) => {
                for name in names.iter().flat_map(|names| names.iter()) {
                    let shown = name.to_string_lossy();
                    let regular = || {
                        let end = crate::host::route::route(self.files, &path.join(name));
                        let end = end.ok().and_then(|route| route.end);
                        end.is_none_or(|(_, fact)| fact.kind == crate::facts::file::FileKind::File)
                    };
                    if !shown.contains('.') && !shown.ends_with('~') && regular() {
                        self.file(&path.join(name));
                    }
                }
            }
            Err(why) => self.sudoers.unread.push(why),
        }
    }
}

/// What sudo lets whom do on this host, read once a run.
pub fn rules(target: &dyn crate::host::Target) -> std::sync::Arc<Sudoers> {
    target.memo().get_or_init(|| std::sync::Arc::new(read(target, &target.host().name)))
}

//! Files of variables in the shell's syntax: `os-release(5)`, `/etc/default/*`, environment files.
//!
//! The last assignment wins. Nothing is expanded: `$HOME/x` is kept as written. Where a file is a
//! script, lines that only branch (`if`, `else`, `fi`) make every assignment count, since any may
//! be the one in force; a line that could assign in ways not seen here leaves a gap.

use super::Format;
use super::limits::{Budget, malformed};
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings, Undecided};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::BTreeSet;
use std::path::Path;

/// Variables.
pub const FORMAT: Format = Format {
    name: "env",
    doc: "Variables in shell syntax (os-release, /etc/default): quotes, `export`; the last \
          assignment wins; nothing is expanded.",
    recognises,
    parse,
    also: |_, _| Vec::new(),
    default: |_| None,
    kind: |_| Kind::Open,
    special: |_| Special::None,
};

fn recognises(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(name, "os-release" | "environment" | "envvars" | "locale.conf" | ".env")
        || name.ends_with(".env")
        || path.parent() == Some(Path::new("/etc/default"))
        || path.parent() == Some(Path::new("/etc/sysconfig"))
}

/// Parses a file of variables.
///
/// # Errors
/// When a quote is not closed, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let text = String::from_utf8_lossy(content);
    let mut reader = Reader {
        path,
        rest: &text,
        line: 1,
        said: Vec::new(),
        unread: None,
        undecided: Vec::new(),
    };
    let mut budget = Budget::default();
    let mut branches = false;
    while reader.next_line() {
        budget.take(path)?;
        branches |= reader.statement()?;
    }
    let settings = in_force(reader.said, branches);
    let at = Location { file: path.to_path_buf(), line: 0 };
    let root = Block {
        name: String::new(),
        label: String::new(),
        at,
        settings,
        blocks: Vec::new(),
        empty_list: false,
    };
    Ok(Settings {
        root,
        files: vec![path.to_path_buf()],
        unread: reader.unread.into_iter().collect(),
        inherits: false,
        ignore_case: false,
        undecided: reader.undecided,
        ..Settings::default()
    })
}

/// What a file says of a variable: its name, and its value or (`unset`) none.
type Said = (String, Option<Setting>);

/// The last word on each variable, or all of them where any may hold.
fn in_force(said: Vec<Said>, all: bool) -> Vec<Setting> {
    if all {
        return said.into_iter().filter_map(|(_, setting)| setting).collect();
    }
    let mut seen = BTreeSet::new();
    let last = said.into_iter().rev().filter(|(name, _)| seen.insert(name.clone()));
    let mut settings: Vec<Setting> = last.filter_map(|(_, setting)| setting).collect();
    settings.reverse();
    settings
}

struct Reader<'a> {
    path: &'a Path,
    rest: &'a str,
    line: u32,
    said: Vec<Said>,
    unread: Option<Unknown>,
    undecided: Vec<Undecided>,
}

impl Reader<'_> {
    /// Goes to the next line with something on it that is not a comment.
    fn next_line(&mut self) -> bool {
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r']);
            match trimmed.chars().next() {
                None => return false,
                Some('\n') => {
                    self.line = self.line.saturating_add(1);
                    self.rest = trimmed.get(1..).unwrap_or_default();
                }
                Some('#') => self.rest = trimmed.find('\n').map_or("", |at| tail(trimmed, at)),
                Some(_) => {
                    self.rest = trimmed;
                    return true;
                }
            }
        }
    }

    /// Reads one statement; says whether it branches.
    fn statement(&mut self) -> Fact<bool> {
        let body = self.rest.strip_prefix("export ").map_or(self.rest, str::trim_start);
        let length = body.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let name = body.get(..length.unwrap_or(0)).unwrap_or_default();
        let after = tail(body, name.len());
        if let Some(value) = after.strip_prefix('=')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        {
            let at = Location { file: self.path.to_path_buf(), line: self.line };
            let name = name.to_owned();
            self.rest = value;
            let written = value;
            let value = self.value()?;
            if let Some(what) = expands(written.get(..written.len() - self.rest.len())) {
                let cause = Cause::Unsupported(format!("what {what} stands for is not known"));
                let why = Unknown::new(at.to_string(), cause);
                self.undecided.push(Undecided { name: name.clone(), why, adds: false });
            }
            let setting = Setting { name: name.clone(), value, also: Vec::new(), at };
            self.said.push((name, Some(setting)));
            return Ok(false);
        }
        let end = self.rest.find('\n').unwrap_or(self.rest.len());
        let line = self.rest.get(..end).unwrap_or_default().trim();
        let branches = self.command(line);
        self.rest = tail(self.rest, end);
        Ok(branches)
    }

    /// Takes note of a line that is no assignment; says whether it branches.
    fn command(&mut self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match first {
            "export" if words.clone().all(plain) => return false,
            "unset" if words.clone().all(plain) => {
                self.said.extend(words.map(|name| (name.to_owned(), None)));
                return false;
            }
            "fi" | "else" | "then" if words.next().is_none() => return true,
            // A test assigns nothing. `${X:=y}` does, and so may what follows `then`.
            "if" | "elif" => {
                let test = line.strip_suffix("then").unwrap_or(line).trim_end();
                let test = test.strip_suffix(';').unwrap_or(test);
                let simple = !test.contains([';', '&', '|', '`', '(']) && !test.contains(":=");
                let tests = matches!(words.next(), Some("[" | "[[" | "test"));
                if simple && tests {
                    return true;
                }
            }
            _ => {}
        }
        // One gap says it: the file is a program.
        if self.unread.is_none() {
            let why = format!("line {}: a shell command, which is not run", self.line);
            let cause = Cause::Unsupported(why);
            self.unread = Some(Unknown::new(self.path.display().to_string(), cause));
        }
        true
    }

    /// The value at the beginning of the rest, up to the end of its line.
    fn value(&mut self) -> Fact<String> {
        let start = self.line;
        let mut value = String::new();
        let mut quote: Option<char> = None;
        let mut space = false;
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            self.line = self.line.saturating_add(u32::from(c == '\n'));
            match (quote, c) {
                (None, '\n') => {
                    self.line -= 1;
                    end = at;
                    break;
                }
                (None, ' ' | '\t' | '\r') => {
                    space = true;
                    continue;
                }
                (None, '#') if space => {
                    end = tail(self.rest, at).find('\n').map_or(end, |to| at + to);
                    break;
                }
                _ => {}
            }
            if std::mem::take(&mut space) && !value.is_empty() {
                value.push(' ');
            }
            match (quote, c) {
                (None, '"' | '\'') => quote = Some(c),
                (Some(open), _) if open == c => quote = None,
                (None | Some('"'), '\\') => match chars.next() {
                    // A backslash at the end of a line joins it with the next.
                    Some((_, '\n')) => self.line = self.line.saturating_add(1),
                    Some((_, next)) => {
                        if quote.is_some() && !matches!(next, '"' | '\\' | '$' | '`') {
                            value.push('\\');
                        }
                        value.push(next);
                    }
                    None => {}
                },
                _ => value.push(c),
            }
        }
        if quote.is_some() {
            return Err(malformed(self.path, start, "a quote that is not closed"));
        }
        self.rest = tail(self.rest, end);
        Ok(value)
    }
}

/// What of a value as it is written stands for something else: a variable or a command. Not within
/// single quotes, and not what a backslash takes its meaning from.
fn expands(written: Option<&str>) -> Option<&'static str> {
    let (mut quote, mut escaped) = (None, false);
    for c in written.unwrap_or_default().chars() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match (quote, c) {
            (Some('\''), _) if c != '\'' => {}
            (_, '\\') => escaped = true,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (_, '$') => return Some("a variable or command of the shell"),
            (_, '`') => return Some("a command of the shell"),
            (None, '#') => return None,
            _ => {}
        }
    }
    None
}

fn tail(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

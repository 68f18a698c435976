//! Files of variables in the shell's syntax: `os-release(5)`, `/etc/default/*`, environment files.
//!
//! As a shell reads it with `. FILE`, the "Shell Command Language" of POSIX: a line may hold several
//! assignments, and the last one of a name wins. Nothing is run: what a variable or command stands for
//! is undecided. Where a file is a script, lines that only branch (`if`, `else`, `fi`) make every
//! assignment count, since any may be the one in force; a line that could assign in ways not seen here
//! leaves a gap. systemd reads such files by rules of its own, which are in `systemd/environment.rs`;
//! where a shell would see a command and others a value of several words, the value is undecided.

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
    doc: "Variables in shell syntax (os-release, /etc/default): several on a line; the last \
          one wins; what a shell expands is undecided.",
    recognises,
    parse,
    also: |_, _| Vec::new(),
    default: |_| None,
    kind: |_| Kind::Open,
    special: |_| Special::None,
    table: None,
    blocks: &[],
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
    let text = String::from_utf8_lossy(content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content));
    let mut reader = Reader { path, rest: &text, line: 1, said: Vec::new(), unread: None };
    let mut budget = Budget::default();
    let mut branches = false;
    while reader.next_line() {
        budget.take(path)?;
        branches |= reader.statement(&mut budget)?;
    }
    let mut root = Block::root(path);
    let mut undecided = Vec::new();
    for said in in_force(reader.said, branches) {
        undecided.extend(said.undecided.map(|why| Undecided { name: said.name, why, adds: false }));
        root.settings.extend(said.setting);
    }
    Ok(Settings {
        root,
        files: vec![path.to_path_buf()],
        unread: reader.unread.into_iter().collect(),
        undecided,
        ..Settings::default()
    })
}

/// What a file says of a variable.
struct Said {
    name: String,
    /// Its value; none with `unset`.
    setting: Option<Setting>,
    /// Why the value is not known for sure.
    undecided: Option<Unknown>,
}

/// The last word on each variable, or all of them where any may hold.
fn in_force(said: Vec<Said>, all: bool) -> Vec<Said> {
    if all {
        return said;
    }
    let mut seen = BTreeSet::new();
    let mut last: Vec<Said> =
        said.into_iter().rev().filter(|said| seen.insert(said.name.clone())).collect();
    last.reverse();
    last
}

struct Reader<'a> {
    path: &'a Path,
    rest: &'a str,
    line: u32,
    said: Vec<Said>,
    unread: Option<Unknown>,
}

/// Words that may stand before assignments.
const DECLARES: [&str; 2] = ["export", "readonly"];

/// Commands of the shell itself that may set variables.
const BUILT_IN: [&str; 8] = [".", "eval", "export", "read", "readonly", "set", "source", "unset"];

impl Reader<'_> {
    /// Goes to the next line with something on it that is not a comment.
    fn next_line(&mut self) -> bool {
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t', '\r', ';']);
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
    fn statement(&mut self, budget: &mut Budget) -> Fact<bool> {
        let start = self.said.len();
        let begin = self.rest;
        let declares = DECLARES.iter().find_map(|word| {
            let rest = self.rest.strip_prefix(word)?;
            rest.starts_with([' ', '\t']).then(|| rest.trim_start_matches([' ', '\t']))
        });
        self.rest = declares.unwrap_or(self.rest);
        self.names(declares.is_some());
        while let Some((name, value)) = assignment(self.rest) {
            budget.take(self.path)?;
            let (name, written) = (name.to_owned(), value);
            let at = Location { file: self.path.to_path_buf(), line: self.line };
            self.rest = value;
            let value = self.word()?;
            let written = written.get(..written.len() - self.rest.len()).unwrap_or_default();
            let unknown = |what: &str| {
                let cause = Cause::Unsupported(format!("what {what} stands for is not known"));
                Unknown::new(at.to_string(), cause)
            };
            let undecided = expands(written).map(unknown);
            let setting = Setting { name: name.clone(), value, also: Vec::new(), at };
            self.said.push(Said { name, setting: Some(setting), undecided });
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            self.names(declares.is_some());
        }
        let line = line_of(self.rest);
        let assigned = self.said.len() > start;
        if !assigned {
            self.rest = begin;
            let line = line_of(self.rest);
            let branches = self.command(line.trim());
            self.rest = tail(self.rest, line.len());
            return Ok(branches);
        }
        let next = line.trim_start_matches([' ', '\t']);
        match next.chars().next() {
            None | Some('#' | ';') if !next.starts_with(";;") => {}
            Some('\r') if line.trim().is_empty() => {
                self.doubt(start, "the line ends in a carriage return, which a shell takes along");
            }
            // `A=1 program` sets it for the program alone, while others read on.
            Some(c) if declares.is_none() && !"&|<>();".contains(c) => {
                let first = line.split_whitespace().next().unwrap_or_default();
                if BUILT_IN.contains(&first) || first.ends_with("()") {
                    self.command(line.trim());
                }
                let why = format!("a shell takes `{first}` for a command, others for its value");
                self.doubt(start, &why);
                // As others read it.
                if let Some(setting) = self.said.last_mut().and_then(|said| said.setting.as_mut()) {
                    let plain = line.split(['#', ';']).next().unwrap_or_default().trim();
                    setting.value = format!("{} {plain}", setting.value);
                }
            }
            _ => {
                self.command(line.trim());
            }
        }
        self.rest = match line.trim_start().starts_with(';') {
            true => self.rest,
            false => tail(self.rest, line.len()),
        };
        Ok(false)
    }

    /// Passes over names without a value, of which `export` says only that they are passed on.
    fn names(&mut self, declares: bool) {
        while declares && assignment(self.rest).is_none() {
            let name = self.rest.find(|c: char| !is_name(c)).unwrap_or(self.rest.len());
            let after = tail(self.rest, name);
            if name == 0 || !after.is_empty() && !after.starts_with([' ', '\t', '\n', ';']) {
                break;
            }
            self.rest = after.trim_start_matches([' ', '\t']);
        }
    }

    /// Takes note that what was said since `start` may not hold.
    fn doubt(&mut self, start: usize, why: &str) {
        for said in self.said.iter_mut().skip(start) {
            let at = said.setting.as_ref().map(|setting| setting.at.to_string());
            let why = Unknown::new(at.unwrap_or_default(), Cause::Unsupported(why.to_owned()));
            said.undecided.get_or_insert(why);
        }
    }

    /// Takes note of a line that is no assignment; says whether it branches.
    fn command(&mut self, line: &str) -> bool {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match first {
            "export" if words.clone().all(plain) => return false,
            "unset" if words.clone().all(plain) => {
                self.said.extend(words.map(|name| Said {
                    name: name.to_owned(),
                    setting: None,
                    undecided: None,
                }));
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

    /// The word at the beginning of the rest, quotes removed.
    fn word(&mut self) -> Fact<String> {
        let start = self.line;
        let mut value = String::new();
        let mut quote: Option<char> = None;
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            match (quote, c) {
                (None, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')') => {
                    end = at;
                    break;
                }
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
                // What is put in is no part of this word's quotes.
                (None | Some('"'), '$' | '`') => {
                    let inner = put_in(tail(self.rest, at));
                    value.push_str(inner);
                    self.line = self.line.saturating_add(line_breaks(inner));
                    while chars.clone().next().is_some_and(|(next, _)| next < at + inner.len()) {
                        chars.next();
                    }
                }
                _ => value.push(c),
            }
            self.line = self.line.saturating_add(u32::from(c == '\n'));
        }
        if quote.is_some() {
            return Err(malformed(self.path, start, "a quote that is not closed"));
        }
        self.rest = tail(self.rest, end);
        Ok(value)
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn line_breaks(text: &str) -> u32 {
    u32::try_from(text.matches('\n').count()).unwrap_or(u32::MAX)
}

/// What a text that begins with `$` or a backtick has put in: `$(command)`, `${name}`, `` `command` ``;
/// of a plain variable the sign alone.
fn put_in(text: &str) -> &str {
    let (open, close) = match text.as_bytes() {
        [b'$', b'(', ..] => ('(', ')'),
        [b'$', b'{', ..] => ('{', '}'),
        [b'`', ..] => {
            let end = text.get(1..).and_then(|rest| rest.find('`')).map_or(text.len(), |at| at + 2);
            return text.get(..end).unwrap_or(text);
        }
        _ => return text.get(..1).unwrap_or(text),
    };
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        depth += usize::from(c == open);
        if c == close {
            depth -= 1;
            if depth == 0 {
                return text.get(..=at).unwrap_or(text);
            }
        }
    }
    text
}

/// The name of an assignment that begins a text, and what stands behind its `=`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !is_name(c))?;
    let (name, after) = text.split_at_checked(end)?;
    let value = after.strip_prefix('=')?;
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then_some((name, value))
}

/// What is left of the line.
fn line_of(text: &str) -> &str {
    text.get(..text.find('\n').unwrap_or(text.len())).unwrap_or_default()
}

/// What of a value as it is written stands for something else: a variable or a command. Not within
/// single quotes, and not what a backslash takes its meaning from.
fn expands(written: &str) -> Option<&'static str> {
    let (mut quote, mut escaped) = (None, false);
    if written.starts_with('~') || written.contains(":~") {
        return Some("a home directory");
    }
    for c in written.chars() {
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
            _ => {}
        }
    }
    None
}

fn tail(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

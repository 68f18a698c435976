//! Java's `.properties`: `key=value`, `key: value` or `key value`, the last value wins.
//!
//! `java.util.Properties.load()`: `#` and `!` begin comments, a backslash at the end of a line joins it
//! with the next, and `\uXXXX` is a character.

use super::limits::Budget;
use super::{Format, last};
use crate::facts::Fact;
use crate::facts::quantity::Kind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::host::Files;
use std::path::Path;

/// Properties of Java programs.
pub const FORMAT: Format = Format {
    name: "properties",
    doc: "Java properties: `key=value`, `key: value`, `key value`; the last value wins; names with \
          dots as they are written.",
    recognises: |path| path.extension().is_some_and(|extension| extension == "properties"),
    parse,
    kind: |_| Kind::Words(&BOOLEANS),
    ..Format::PLAIN
};

/// `Boolean.parseBoolean()` is of any case; another word may be anything.
static BOOLEANS: Words = Words::among_others(&[&["true"], &["false"]]);

/// Parses the file.
///
/// # Errors
/// When a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let text = String::from_utf8_lossy(content);
    let mut budget = Budget::default();
    let mut said = Vec::new();
    let mut lines = (1_u32..).zip(text.lines());
    let start = |line: &'_ str| line.trim_start_matches([' ', '\t', '\u{c}']).to_owned();
    while let Some((line, first)) = lines.next() {
        let mut whole = start(first);
        if whole.is_empty() || whole.starts_with(['#', '!']) {
            continue;
        }
        budget.take(path)?;
        while whole.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
            whole.pop();
            let Some((_, more)) = lines.next() else { break };
            whole.push_str(&start(more));
        }
        let (name, value) = split(&whole);
        let at = Location { file: path.to_path_buf(), line };
        said.push(Setting { name: unescaped(name), value: unescaped(value), also: Vec::new(), at });
    }
    let mut root = Block::root(path);
    root.settings = last::in_force(said, |setting| Some(setting.name.clone()));
    Ok(Settings { root, files: vec![path.to_path_buf()], ..Settings::default() })
}

/// Key and value; the key ends at the first `=`, `:` or white space that no backslash precedes.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if std::mem::take(&mut escaped) {
            continue;
        }
        match c {
            '\\' => escaped = true,
            '=' | ':' | ' ' | '\t' | '\u{c}' => {
                let blank = [' ', '\t', '\u{c}'];
                let (name, rest) = line.split_at(at);
                let rest = rest.trim_start_matches(blank);
                let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
                return (name, rest.trim_start_matches(blank));
            }
            _ => {}
        }
    }
    (line, "")
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let digits: String = chars.by_ref().take(4).collect();
                let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
                out.push(code.unwrap_or('\u{fffd}'));
            }
            other => out.extend(other),
        }
    }
    out
}

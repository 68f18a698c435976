//! Files of `[sections]` with `name = value`: what many programs read.
//!
//! The family has no common rule for repeated names: some readers take the last, some the first,
//! some all. So all are kept, and a rule has to hold for each. Sections of one name (and label,
//! as in `[remote "origin"]`) are one block.

use super::limits::{Budget, malformed};
use super::{Format, git, php_fpm, samba};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::Path;

/// Files with sections.
pub const FORMAT: Format = Format {
    name: "ini",
    doc: "Sections with `name = value` or `name: value`; comments with `;` and `#`; repeated names \
          all count; a name alone means true.",
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
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("ini" | "cnf" | "cfg"))
}

/// Parses a file with sections: as its owner does where the path tells who that is, whatever the
/// rule calls the format.
///
/// # Errors
/// When a section's bracket is not closed, or a bound is met.
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let owners = [&php_fpm::FORMAT, &samba::FORMAT, &git::FORMAT];
    match owners.iter().find(|format| (format.recognises)(path)) {
        Some(owner) => (owner.parse)(files, path, content),
        None => generic(files, path, content),
    }
}

/// Parses a file of which nobody is known to be the owner.
///
/// # Errors
/// When a section's bracket is not closed, or a bound is met.
pub fn generic(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut budget = Budget::default();
    let mut root = block(path, 0, "", "");
    let mut known: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut current: Option<usize> = None;
    let text = String::from_utf8_lossy(content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content));
    for (number, line) in logical_lines(&text) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        budget.take(path)?;
        if let Some(header) = line.strip_prefix('[') {
            let Some((name, label)) = section(header) else {
                return Err(malformed(path, number, "a section without its closing bracket"));
            };
            let key = (name.to_lowercase(), label.clone());
            let index = *known.entry(key).or_insert_with(|| {
                root.blocks.push(block(path, number, &name, &label));
                root.blocks.len() - 1
            });
            current = Some(index);
            continue;
        }
        let setting = assignment(line, Location { file: path.to_path_buf(), line: number });
        let into = current.and_then(|index| root.blocks.get_mut(index));
        match into {
            Some(block) => block.settings.push(setting),
            None => root.settings.push(setting),
        }
    }
    let files = vec![path.to_path_buf()];
    Ok(Settings {
        root,
        files,
        unread: Vec::new(),
        inherits: false,
        ignore_case: true,
        ..Settings::default()
    })
}

fn block(path: &Path, line: u32, name: &str, label: &str) -> Block {
    Block {
        name: name.to_owned(),
        label: label.to_owned(),
        at: Location { file: path.to_path_buf(), line },
        settings: Vec::new(),
        blocks: Vec::new(),
        empty_list: false,
    }
}

/// Lines with those joined that end in a backslash, each with the number of its first. One at a
/// time, so that a file of nothing but lines meets the bound before it fills the memory.
fn logical_lines(text: &str) -> impl Iterator<Item = (u32, String)> {
    let mut lines = (1_u32..).zip(text.lines());
    std::iter::from_fn(move || {
        let (first, line) = lines.next()?;
        // A comment does not go on in the next line.
        if line.trim_start().starts_with(['#', ';']) {
            return Some((first, line.to_owned()));
        }
        let mut joined = String::new();
        let mut line = line;
        loop {
            match line.strip_suffix('\\') {
                Some(part) if !part.ends_with('\\') => joined.push_str(part),
                _ => {
                    joined.push_str(line);
                    return Some((first, joined));
                }
            }
            let Some((_, next)) = lines.next() else { return Some((first, joined)) };
            line = next;
        }
    })
}

/// Name and label of `name "label"]`.
fn section(header: &str) -> Option<(String, String)> {
    let (inside, _) = header.rsplit_once(']')?;
    // A comment behind the header may hold a bracket of its own.
    let inside = match header.split_once(']') {
        Some((first, behind)) if behind.trim_start().starts_with(['#', ';']) => first,
        _ => inside,
    };
    Some(match inside.split_once(char::is_whitespace) {
        Some((name, label)) if label.trim().starts_with('"') => {
            (name.trim().to_owned(), unquote(label.trim()))
        }
        _ => (inside.trim().to_owned(), String::new()),
    })
}

fn assignment(line: &str, at: Location) -> Setting {
    // As Python's configparser does: the name ends at whichever comes first.
    match line.split_once(['=', ':']) {
        Some((name, value)) => {
            Setting { name: name.trim().to_owned(), value: value_of(value), also: Vec::new(), at }
        }
        // `skip-networking` of MySQL, `bare` of git.
        None => {
            let also = vec!["true".to_owned()];
            Setting { name: value_of(line), value: String::new(), also, at }
        }
    }
}

/// A value without the comment that may follow it, and without its quotes.
fn value_of(raw: &str) -> String {
    let mut quote = None;
    let mut escaped = false;
    let mut end = raw.len();
    let mut space = true;
    for (at, c) in raw.char_indices() {
        match c {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '#' | ';' if quote.is_none() && space => {
                end = at;
                break;
            }
            '"' | '\'' if quote.is_none() && space => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            _ => {}
        }
        space = c.is_whitespace();
    }
    unquote(raw.get(..end).unwrap_or(raw).trim())
}

/// The text within quotes that enclose all of it.
fn unquote(text: &str) -> String {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            let double = quote == '"';
            return if double { inner.replace("\\\"", "\"") } else { inner.to_owned() };
        }
    }
    text.to_owned()
}

//! git's configuration: sections with subsections, the last value wins.
//!
//! Names of sections and variables are of any case, those of subsections are not. A variable alone is
//! true, a setting may stand behind its section, and a flag has many words. Variables of several
//! values (`safe.directory`) keep all of them. What `include.path` names is read where it stands;
//! `includeIf` depends on the repository and leaves a gap. A subsection is a block with a label:
//! `remote["origin"].url` or `remote.origin.url`. git-config(1) and `config.c` of git.

use super::include::Includes;
use super::limits::{Budget, malformed};
use super::sections::Sections;
use super::table::{Row, Table};
use super::{Format, last};
use crate::facts::quantity::Kind;
use crate::facts::settings::{Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::Path;

/// The configuration of git.
pub const FORMAT: Format = Format {
    name: "git",
    doc: "gitconfig: the last value wins, but for variables of several values; all words of a flag; \
          include.path; `remote[\"origin\"].url` is that of a subsection.",
    recognises,
    parse,
    also: spellings,
    table: Some(&TABLE),
    ..Format::PLAIN
};

/// `git_parse_maybe_bool()`: a number is a flag as well, and so is nothing behind `=`.
static FLAG: Words = Words::of(&[&["true", "yes", "on", "1"], &["false", "no", "off", "0", ""]]);
/// Variables that are a flag or something else.
static OTHERS: Words =
    Words::among_others(&[&["true", "yes", "on", "1"], &["false", "no", "off", "0", ""]]);
const FLAGS: Kind = Kind::Words(&FLAG);

static TABLE: Table = Table {
    rows: &[
        Row::new("core.bare", FLAGS),
        Row::new("core.filemode", FLAGS),
        Row::new("core.hookspath", Kind::Text),
        Row::new("core.protecthfs", FLAGS),
        Row::new("core.protectntfs", FLAGS).or("true"),
        Row::new("core.symlinks", FLAGS).or("true"),
        Row::new("fetch.fsckobjects", FLAGS).or("false"),
        Row::new("http.followredirects", Kind::Words(&OTHERS)).or("initial"),
        Row::new("http.sslverify", FLAGS).or("true"),
        Row::new("push.default", Kind::Text).or("simple"),
        Row::new("receive.denydeletes", FLAGS).or("false"),
        Row::new("receive.denynonfastforwards", FLAGS).or("false"),
        Row::new("receive.fsckobjects", FLAGS).or("false"),
        Row::new("transfer.fsckobjects", FLAGS).or("false"),
        Row::new("user.email", Kind::Text),
        Row::new("user.name", Kind::Text),
    ],
    others: Kind::Words(&OTHERS),
    any_case: true,
};

/// Variables of which every value counts, git-config(1).
const SEVERAL: &[&str] = &[
    "credential.helper",
    "http.extraheader",
    "remote.fetch",
    "remote.push",
    "remote.url",
    "remote.pushurl",
    "safe.directory",
    "transfer.hiderefs",
    "uploadpack.hiderefs",
    "receive.hiderefs",
    "url.insteadof",
    "url.pushinsteadof",
    "include.path",
    "includeif.path",
    "versionsort.suffix",
];

/// `MAX_INCLUDE_DEPTH` of `config.c`.
const INCLUDE_DEPTH: usize = 10;

fn recognises(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(name, "gitconfig" | ".gitconfig")
        || path.ends_with(".git/config")
        || path.ends_with("git/config")
}

/// Parses a configuration and what it includes.
///
/// # Errors
/// Where git would refuse the file, or a bound is met.
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        sections: Sections::new(path),
    };
    reader.read(path, content, 0)?;
    let mut root = reader.sections.finish();
    for block in &mut root.blocks {
        let section = block.name.to_lowercase();
        let said = std::mem::take(&mut block.settings);
        block.settings = last::in_force(said, |setting| {
            let name = setting.name.to_lowercase();
            let several = SEVERAL.contains(&format!("{section}.{name}").as_str());
            (!several).then_some(name)
        });
    }
    let Includes { read, unread, .. } = reader.includes;
    Ok(Settings { root, files: read, unread, ignore_case: true, ..Settings::default() })
}

/// What a number is beside its text: with its factor multiplied, and to a flag true unless it is 0
/// (`git_parse_maybe_bool()`, `git_parse_signed()`).
fn spellings(path: &str, value: &str) -> Vec<String> {
    let digits = value.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G']);
    let shift = match value.get(digits.len()..).unwrap_or_default() {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return Vec::new(),
    };
    let number = digits.parse::<i64>().ok().and_then(|number| number.checked_mul(1 << shift));
    let Some(number) = number else { return Vec::new() };
    let flag = matches!(TABLE.kind(path), Kind::Words(words) if !words.others);
    let flag = flag.then(|| (number != 0).to_string());
    let number = (shift > 0).then(|| number.to_string());
    number.into_iter().chain(flag).collect()
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    sections: Sections,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, content: &[u8], depth: usize) -> Fact<()> {
        let text =
            String::from_utf8_lossy(content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content));
        let mut scanner = Scanner { rest: &text, line: 1 };
        let mut section = String::new();
        while scanner.next_word() {
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line: scanner.line };
            let refused = |why| malformed(path, at.line, why);
            if scanner.rest.starts_with('[') {
                let (name, label) = scanner.section().map_err(refused)?;
                section = name.to_lowercase();
                self.sections.open(&name, &label, at, str::to_lowercase);
                continue;
            }
            let (name, value) = scanner.variable().map_err(refused)?;
            let also = match &value {
                None => vec!["true".to_owned()],
                Some(value) => spellings(&format!("{section}.{name}"), value),
            };
            let setting = Setting {
                name: name.clone(),
                also,
                value: value.clone().unwrap_or_default(),
                at: at.clone(),
            };
            self.sections.push(setting);
            match (section.as_str(), name.eq_ignore_ascii_case("path")) {
                ("include", true) => self.include(path, &value.unwrap_or_default(), depth)?,
                ("includeif", true) => {
                    let why = "an include that depends on the repository".to_owned();
                    self.includes
                        .unread
                        .push(Unknown::new(at.to_string(), Cause::Unsupported(why)));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A file that is not there git passes over.
    fn include(&mut self, from: &Path, name: &str, depth: usize) -> Fact<()> {
        if name.starts_with(['~', '%']) || depth >= INCLUDE_DEPTH {
            let cause = Cause::Unsupported("an include that cannot be resolved".into());
            self.includes.unread.push(Unknown::new(name, cause));
            return Ok(());
        }
        let full = from.parent().unwrap_or(Path::new("/")).join(name);
        if let Some(content) = self.includes.open(&full, None) {
            // What is open here goes on behind the include in git as well: `git_parse_source()`.
            self.read(&full, &content, depth + 1)?;
        }
        Ok(())
    }
}

/// `git_parse_source()` and what it calls.
struct Scanner<'a> {
    rest: &'a str,
    line: u32,
}

impl Scanner<'_> {
    fn bump(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let c = chars.next()?;
        self.rest = chars.as_str();
        self.line = self.line.saturating_add(u32::from(c == '\n'));
        Some(c)
    }

    /// Passes over white space and comments; whether anything follows.
    fn next_word(&mut self) -> bool {
        loop {
            match self.rest.chars().next() {
                None => return false,
                Some('#' | ';') => while self.bump().is_some_and(|c| c != '\n') {},
                Some(c) if c.is_whitespace() => {
                    self.bump();
                }
                Some(_) => return true,
            }
        }
    }

    /// Name and subsection of `[name "sub"]` or `[name.sub]`.
    fn section(&mut self) -> Result<(String, String), &'static str> {
        self.bump();
        let (mut name, mut label) = (String::new(), String::new());
        loop {
            match self.bump().ok_or("a section without its closing bracket")? {
                ']' => break,
                c if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') => name.push(c),
                ' ' | '\t' => {
                    self.rest = self.rest.trim_start_matches([' ', '\t']);
                    if self.bump() != Some('"') {
                        return Err("a subsection without quotes");
                    }
                    loop {
                        match self.bump() {
                            None | Some('\n') => return Err("a subsection that does not end"),
                            Some('"') => break,
                            Some('\\') => label.extend(self.bump().filter(|c| *c != '\n')),
                            Some(c) => label.push(c),
                        }
                    }
                    if self.bump() != Some(']') {
                        return Err("a section without its closing bracket");
                    }
                    return Ok((name, label));
                }
                _ => return Err("a section's name of other characters"),
            }
        }
        // An old way to write a subsection, which is of any case.
        match name.split_once('.') {
            Some((name, label)) => Ok((name.to_owned(), label.to_lowercase())),
            None => Ok((name, label)),
        }
    }

    /// A variable and its value; none where it stands alone.
    fn variable(&mut self) -> Result<(String, Option<String>), &'static str> {
        let mut name = String::new();
        while let Some(c) = self.rest.chars().next() {
            if !(c.is_ascii_alphanumeric() || c == '-') {
                break;
            }
            name.push(c);
            self.bump();
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err("a variable's name of other characters");
        }
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        match self.rest.chars().next() {
            None | Some('\n' | '#' | ';') => Ok((name, None)),
            Some('\r') if self.rest.starts_with("\r\n") => Ok((name, None)),
            Some('=') => {
                self.bump();
                Ok((name, Some(self.value()?)))
            }
            Some(_) => Err("a variable with something else than = behind it"),
        }
    }

    /// `parse_value()`: quotes may stand anywhere, white space at both ends does not count.
    fn value(&mut self) -> Result<String, &'static str> {
        let (mut value, mut kept) = (String::new(), 0);
        let mut quoted = false;
        while let Some(c) = self.rest.chars().next() {
            if c == '\n' {
                break;
            }
            self.bump();
            match c {
                '#' | ';' if !quoted => {
                    while self.rest.chars().next().is_some_and(|c| c != '\n') {
                        self.bump();
                    }
                    break;
                }
                '"' => quoted = !quoted,
                '\\' => match self.bump() {
                    Some('\n') => continue,
                    Some('\r') if self.rest.starts_with('\n') => {
                        self.bump();
                        continue;
                    }
                    Some('t') => value.push('\t'),
                    Some('n') => value.push('\n'),
                    Some('b') => value.push('\u{8}'),
                    Some(c @ ('\\' | '"')) => value.push(c),
                    _ => return Err("an escape that git does not know"),
                },
                c if c.is_whitespace() && !quoted => {
                    if !value.is_empty() {
                        value.push(c);
                    }
                    continue;
                }
                c => value.push(c),
            }
            kept = value.len();
        }
        if quoted {
            return Err("a quote that is not closed");
        }
        value.truncate(kept);
        Ok(value)
    }
}

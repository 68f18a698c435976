//! BIND's `named.conf`: statements that end in `;`, with blocks in braces.
//!
//! `options`, `view`, `zone` and the like are blocks, what follows the name their label:
//! `zone["example.org"].allow-transfer`. A list of addresses (`allow-query { any; }`) is a setting of
//! several values. Zones and views take what they do not say from `options`. "Configuration Reference"
//! of BIND 9, `named-checkconf -p`.

use super::Format;
use super::include::Includes;
use super::limits::{Budget, malformed};
use super::table::{Row, Table};
use crate::facts::quantity::Kind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::Path;

/// The configuration of named.
pub const FORMAT: Format = Format {
    name: "named",
    doc: "named.conf: blocks with labels, lists of addresses as values of one setting, `include`; \
          zones take what they do not say from `options`.",
    recognises: |path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == "named.conf" || name.starts_with("named.conf.")
    },
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

static FLAG: Words = Words::of(&[&["yes", "true", "1"], &["no", "false", "0"]]);
static OTHERS: Words = Words::among_others(&[&["yes", "true", "1"], &["no", "false", "0"]]);
const FLAGS: Kind = Kind::Words(&FLAG);

/// Defaults of 9.16 to 9.20.
static TABLE: Table = Table {
    rows: &[
        Row::new("options.querylog", FLAGS).or("no"),
        Row::new("options.recursion", FLAGS).or("yes"),
        Row::new("options.version", Kind::Text),
        Row::new("recursion", FLAGS),
    ],
    others: Kind::Words(&OTHERS),
    any_case: false,
};

/// Statements whose block is a list.
fn is_list(name: &str) -> bool {
    name.starts_with("allow-")
        || name.starts_with("listen-on")
        || matches!(
            name,
            "also-notify"
                | "blackhole"
                | "forwarders"
                | "keep-response-order"
                | "masters"
                | "match-clients"
                | "match-destinations"
                | "no-case-compress"
                | "primaries"
                | "sortlist"
        )
}

/// What zones and views take from `options`.
fn is_inherited(name: &str) -> bool {
    matches!(
        name,
        "allow-notify"
            | "allow-query"
            | "allow-transfer"
            | "also-notify"
            | "dnssec-validation"
            | "forward"
            | "forwarders"
            | "notify"
            | "recursion"
            | "allow-recursion"
            | "allow-query-cache"
    )
}

/// Parses a configuration and what it includes.
///
/// # Errors
/// Where named would refuse the syntax, or a bound is met.
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader { includes: Includes::new(files, path), budget: Budget::default() };
    let mut root = Block::root(path);
    reader.read(path, content, &mut root, 0)?;
    inherit(&mut root, &mut reader.budget, path)?;
    let Includes { read, unread, .. } = reader.includes;
    let part = !path.ends_with("named.conf");
    Ok(Settings { root, files: read, unread, part, ..Settings::default() })
}

fn inherit(root: &mut Block, budget: &mut Budget, path: &Path) -> Fact<()> {
    let options = root.blocks.iter().find(|block| block.name == "options").cloned();
    let passed: Vec<Setting> = options
        .into_iter()
        .flat_map(|block| block.settings)
        .filter(|setting| is_inherited(&setting.name))
        .collect();
    for block in root.blocks.iter_mut().filter(|b| matches!(b.name.as_str(), "zone" | "view")) {
        take(block, &passed, budget, path)?;
        let (own, inner) = (block.settings.clone(), block.name == "view");
        let own: Vec<Setting> = own.into_iter().filter(|s| is_inherited(&s.name)).collect();
        for zone in block.blocks.iter_mut().filter(|b| inner && b.name == "zone") {
            take(zone, &own, budget, path)?;
        }
    }
    Ok(())
}

fn take(block: &mut Block, passed: &[Setting], budget: &mut Budget, path: &Path) -> Fact<()> {
    let own: Vec<String> = block.settings.iter().map(|setting| setting.name.clone()).collect();
    for setting in passed.iter().filter(|setting| !own.contains(&setting.name)) {
        budget.take(path)?;
        block.settings.push(setting.clone());
    }
    Ok(())
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, content: &[u8], root: &mut Block, depth: usize) -> Fact<()> {
        let text = String::from_utf8_lossy(content);
        let mut scanner = Scanner { rest: &text, line: 1 };
        let statements = self.block(path, &mut scanner, 0)?;
        for statement in statements {
            if statement.words.first().is_some_and(|word| word == "include") {
                let name = statement.words.get(1).cloned().unwrap_or_default();
                self.include(&name, root, depth)?;
                continue;
            }
            add(root, statement, path);
        }
        Ok(())
    }

    fn include(&mut self, name: &str, root: &mut Block, depth: usize) -> Fact<()> {
        if !name.starts_with('/') || depth >= 10 {
            let why = "an include that depends on the directory of the server";
            self.includes.unread.push(Unknown::new(name, Cause::Unsupported(why.into())));
            return Ok(());
        }
        for path in self.includes.expand(name) {
            let missing = Some("named would not start: this included file does not exist");
            if let Some(content) = self.includes.open(&path, missing) {
                self.read(&path, &content, root, depth + 1)?;
            }
        }
        Ok(())
    }

    /// Statements up to the closing brace, or the end of the file.
    fn block(&mut self, path: &Path, scanner: &mut Scanner, depth: usize) -> Fact<Vec<Statement>> {
        self.budget.depth(path, depth)?;
        let mut found = Vec::new();
        let mut statement = Statement { words: Vec::new(), inner: None, line: 0 };
        loop {
            let line = scanner.line;
            match scanner.token().map_err(|why| malformed(path, line, why))? {
                None if depth > 0 => {
                    return Err(malformed(path, line, "a brace that is not closed"));
                }
                None | Some(Token::Close) if !statement.words.is_empty() => {
                    return Err(malformed(path, line, "a statement without its ;"));
                }
                None => return Ok(found),
                Some(Token::Close) if depth == 0 => {
                    return Err(malformed(path, line, "a closing brace without its opening one"));
                }
                Some(Token::Close) => return Ok(found),
                Some(Token::Open) => {
                    statement.inner = Some(self.block(path, scanner, depth + 1)?)
                }
                Some(Token::End) => {
                    self.budget.take(path)?;
                    let empty = Statement { words: Vec::new(), inner: None, line: 0 };
                    let whole = std::mem::replace(&mut statement, empty);
                    if !whole.words.is_empty() || whole.inner.is_some() {
                        found.push(whole);
                    }
                }
                Some(Token::Word(word)) => {
                    if statement.words.is_empty() {
                        statement.line = scanner.line;
                    }
                    statement.words.push(word);
                }
            }
        }
    }
}

struct Statement {
    words: Vec<String>,
    inner: Option<Vec<Statement>>,
    line: u32,
}

impl Statement {
    fn text(&self) -> String {
        let mut text = self.words.join(" ");
        if let Some(inner) = &self.inner {
            let inner: Vec<String> = inner.iter().map(|one| format!("{};", one.text())).collect();
            text = format!("{text} {{ {} }}", inner.join(" ")).trim().to_owned();
        }
        text
    }
}

fn add(into: &mut Block, statement: Statement, path: &Path) {
    let at = Location { file: path.to_path_buf(), line: statement.line };
    let Some((name, arguments)) = statement.words.split_first() else { return };
    let label = arguments.join(" ");
    let setting = |value: String, also: Vec<String>| Setting {
        name: name.clone(),
        value,
        also,
        at: at.clone(),
    };
    let Some(inner) = statement.inner else {
        let first = arguments.first().filter(|one| **one != label).cloned();
        into.settings.push(setting(label, first.into_iter().collect()));
        return;
    };
    if is_list(name) {
        if inner.is_empty() {
            let mut block = Block::new(name.clone(), label, at);
            block.empty_list = true;
            into.blocks.push(block);
            return;
        }
        for one in inner {
            let value = one.text();
            let also = if label.is_empty() { None } else { Some(format!("{label} {value}")) };
            into.settings.push(setting(value, also.into_iter().collect()));
        }
        return;
    }
    // Behind the name of a zone may stand its class.
    let named = matches!(name.as_str(), "zone" | "view");
    let label = arguments.first().filter(|_| named).cloned().unwrap_or(label);
    let mut block = Block::new(name.clone(), label, at);
    inner.into_iter().for_each(|one| add(&mut block, one, path));
    into.blocks.push(block);
}

enum Token {
    Word(String),
    Open,
    Close,
    End,
}

struct Scanner<'a> {
    rest: &'a str,
    line: u32,
}

impl Scanner<'_> {
    fn skip(&mut self, length: usize) {
        let (passed, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        let breaks = u32::try_from(passed.matches('\n').count()).unwrap_or(u32::MAX);
        self.line = self.line.saturating_add(breaks);
        self.rest = rest;
    }

    /// `isc_lex` with the comments of C, C++ and the shell.
    fn token(&mut self) -> Result<Option<Token>, &'static str> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.skip(blank);
            let end = |to: &str, rest: &str| rest.find(to).map(|at| at + to.len());
            let length = match self.rest {
                rest if rest.starts_with('#') || rest.starts_with("//") => {
                    end("\n", rest).unwrap_or(rest.len())
                }
                rest if rest.starts_with("/*") => {
                    end("*/", rest).ok_or("a comment that does not end")?
                }
                _ => break,
            };
            self.skip(length);
        }
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let token = match first {
            '{' => Token::Open,
            '}' => Token::Close,
            ';' => Token::End,
            '"' => {
                let inside = self.rest.get(1..).unwrap_or_default();
                let length = inside.find('"').ok_or("a quote that is not closed")?;
                let word = inside.get(..length).unwrap_or_default().to_owned();
                self.skip(length + 2);
                return Ok(Some(Token::Word(word)));
            }
            _ => {
                let stop = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"' | '#');
                let mut length = self.rest.find(stop).unwrap_or(self.rest.len());
                let word = self.rest.get(..length).unwrap_or_default();
                // A comment may begin behind a word; a slash alone is part of an address.
                let comment = ["//", "/*"].iter().filter_map(|mark| word.find(mark)).min();
                length = comment.unwrap_or(length);
                let word = word.get(..length).unwrap_or_default().to_owned();
                self.skip(length);
                return Ok(Some(Token::Word(word)));
            }
        };
        self.skip(1);
        Ok(Some(token))
    }
}

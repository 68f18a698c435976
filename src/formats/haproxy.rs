//! HAProxy: sections of lines, "Configuration Manual", section 2.
//!
//! A section is a block, what follows its name the label: `frontend["www"].bind`. Keywords whose first
//! argument says what they set (`timeout client 30s`, `option httplog`, `stats socket …`) are settings
//! of both words: `defaults.timeout client`. An `option` alone is on, with `no` before it off. What a
//! `defaults` section says holds in the sections behind it that do not say it themselves.

use super::Format;
use super::limits::{Budget, malformed};
use super::table::{Row, Table};
use crate::facts::Fact;
use crate::facts::quantity::Kind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::host::Files;
use std::path::Path;

/// The configuration of HAProxy.
pub const FORMAT: Format = Format {
    name: "haproxy",
    doc: "haproxy.cfg: sections with labels; `timeout client`, `option httplog` and the like are \
          settings of two words; sections take what they do not say from `defaults`.",
    recognises: |path| {
        path.file_name().is_some_and(|name| name == "haproxy.cfg")
            || path.components().any(|part| part.as_os_str() == "haproxy")
                && path.extension().is_some_and(|e| e == "cfg")
    },
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

/// An option, and `no option`.
static ON: Words = Words::among_others(&[&["on", "yes", "true"], &["off", "no", "false"]]);
const TIME: Kind = Kind::Duration { bare: 1000 };
static MODE: Words = Words {
    groups: &[&["tcp"], &["http"], &["health"], &["log"], &["spop"]],
    any_case: false,
    others: false,
};

/// "Configuration Manual" of 2.4 to 3.0. Times without a unit are milliseconds.
static TABLE: Table = Table {
    rows: &[
        Row::new("chroot", Kind::Text),
        Row::new("global.user", Kind::Text),
        Row::new("maxconn", Kind::Number),
        Row::new("mode", Kind::Words(&MODE)),
        Row::new("timeout check", TIME),
        Row::new("timeout client", TIME),
        Row::new("timeout client-fin", TIME),
        Row::new("timeout connect", TIME),
        Row::new("timeout http-keep-alive", TIME),
        Row::new("timeout http-request", TIME),
        Row::new("timeout queue", TIME),
        Row::new("timeout server", TIME),
        Row::new("timeout tarpit", TIME),
        Row::new("timeout tunnel", TIME),
        Row::new("tune.ssl.default-dh-param", Kind::Number),
    ],
    others: Kind::Words(&ON),
    any_case: false,
};

/// Sections; another word at the beginning of a line is a setting.
const SECTIONS: &[&str] = &[
    "backend",
    "cache",
    "crt-store",
    "defaults",
    "fcgi-app",
    "frontend",
    "global",
    "http-errors",
    "listen",
    "log-forward",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "traces",
    "userlist",
];

/// Sections that take from `defaults`.
const PROXIES: &[&str] = &["backend", "frontend", "listen"];

/// Keywords whose first argument belongs to the name.
const OF_TWO_WORDS: &[&str] =
    &["option", "stats", "timeout", "errorfile", "compression", "email-alert"];

/// Keywords of which every line counts, so that a proxy's own does not replace those of `defaults`.
const EVERY: &[&str] =
    &["log", "http-request", "http-response", "tcp-request", "errorfile", "bind", "server"];

/// Parses the configuration.
///
/// # Errors
/// Where HAProxy would not start, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut budget = Budget::default();
    let mut root = Block::root(path);
    let text = String::from_utf8_lossy(content);
    for (number, raw) in (1_u32..).zip(text.lines()) {
        let words = words(raw).map_err(|why| malformed(path, number, why))?;
        let Some((first, arguments)) = words.split_first() else { continue };
        budget.take(path)?;
        let at = Location { file: path.to_path_buf(), line: number };
        if SECTIONS.contains(&first.as_str()) {
            root.blocks.push(Block::new(first.clone(), arguments.join(" "), at));
            continue;
        }
        let block = root.blocks.last_mut();
        let block =
            block.ok_or_else(|| malformed(path, number, "a keyword outside of all sections"))?;
        block.settings.push(setting(first, arguments, at));
    }
    inherit(&mut root, &mut budget, path)?;
    Ok(Settings { root, files: vec![path.to_path_buf()], ..Settings::default() })
}

fn setting(first: &str, arguments: &[String], at: Location) -> Setting {
    let (off, first, arguments) = match (first, arguments.split_first()) {
        ("no", Some((first, arguments))) => (true, first.as_str(), arguments),
        _ => (false, first, arguments),
    };
    let (name, arguments) = match arguments.split_first() {
        Some((second, rest)) if OF_TWO_WORDS.contains(&first) => {
            (format!("{first} {second}"), rest)
        }
        _ => (first.to_owned(), arguments),
    };
    let value = match (off, arguments.is_empty()) {
        (true, _) => "off".to_owned(),
        (false, true) => "on".to_owned(),
        _ => arguments.join(" "),
    };
    let first = arguments.first().filter(|one| **one != value && !off).cloned();
    Setting { name, value, also: first.into_iter().collect(), at }
}

/// What `defaults` say holds in the proxies that follow them, or that name them with `from`.
fn inherit(root: &mut Block, budget: &mut Budget, path: &Path) -> Fact<()> {
    let mut last: Option<usize> = None;
    for index in 0..root.blocks.len() {
        let (before, rest) = root.blocks.split_at_mut(index);
        let Some(block) = rest.first_mut() else { break };
        let named = block.label.split_once(" from ").map(|(_, name)| name.trim().to_owned());
        let chosen = match &named {
            Some(name) => before.iter().rposition(|b| {
                b.name == "defaults" && b.label.split(' ').next() == Some(name.as_str())
            }),
            None => last.filter(|_| PROXIES.contains(&block.name.as_str())),
        };
        for setting in chosen.and_then(|at| before.get(at)).iter().flat_map(|b| &b.settings) {
            let adds = EVERY.contains(&setting.name.split(' ').next().unwrap_or_default());
            if adds || !block.settings.iter().any(|own| own.name == setting.name) {
                budget.take(path)?;
                block.settings.push(setting.clone());
            }
        }
        if block.name == "defaults" {
            last = Some(index);
        }
    }
    Ok(())
}

/// `parse_line()` of `tools.c`: quotes, backslashes, comments.
fn words(line: &str) -> Result<Vec<String>, &'static str> {
    let (mut words, mut word, mut begun) = (Vec::new(), String::new(), false);
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '#') => break,
            (None, c) if c.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None | Some('"'), '\\') => word.extend(chars.next()),
            _ => word.push(c),
        }
        begun = true;
    }
    if quote.is_some() {
        return Err("a quote that is not closed");
    }
    if begun {
        words.push(word);
    }
    Ok(words)
}

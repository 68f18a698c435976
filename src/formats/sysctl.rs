//! `sysctl.conf(5)` and `sysctl.d(5)`: `key = value`, the last value wins.
//!
//! A key can be asked for as the one name that it is (`"net.ipv4.ip_forward"`, in quotes) or as a
//! path (`net.ipv4.ip_forward`): it stands in the root under its full name and in a block for each
//! of its parts.

use super::limits::{Budget, malformed};
use super::{Format, sysctl_d};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::Path;

/// Kernel parameters.
pub const FORMAT: Format = Format {
    name: "sysctl",
    doc: "sysctl.conf(5): `key = value`, the last value wins; `-key` ignores errors only; keys with \
          slashes are the same as with dots.",
    recognises: |path| {
        path.file_name().is_some_and(|name| name == "sysctl.conf")
            || path.extension().is_some_and(|extension| extension == "conf")
                && path.parent().is_some_and(|parent| parent.ends_with("sysctl.d"))
    },
    parse,
    also: |_, text| spellings("", text),
    default: |_| None,
    kind: |_| Kind::Number,
    special: |_| Special::None,
    table: None,
    blocks: &[],
};

/// The most parts of one key.
const PARTS: usize = 16;

/// Parses one file of kernel parameters.
///
/// # Errors
/// When a line is none of the format's, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut budget = Budget::default();
    let mut last: BTreeMap<String, Setting> = BTreeMap::new();
    let text = String::from_utf8_lossy(content);
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        budget.take(path)?;
        let (optional, line) = match line.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        let Some((key, value)) = line.split_once('=') else {
            // `-key` alone only keeps patterns from setting that key, `sysctl.d(5)`.
            if optional {
                continue;
            }
            return Err(malformed(path, number, "expected key = value"));
        };
        let name = dotted(key.trim());
        if name.matches('.').count() >= PARTS {
            return Err(malformed(path, number, "a key of too many parts"));
        }
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        let at = Location { file: path.to_path_buf(), line: number };
        let also = spellings(&name, &value);
        // Both names of one parameter say what is in force.
        let other = sysctl_d::alias(&name).map(str::to_owned);
        for name in std::iter::once(name).chain(other) {
            let (value, also, at) = (value.clone(), also.clone(), at.clone());
            last.insert(name.clone(), Setting { name, value, also, at });
        }
    }
    let mut root = block(path, 0, "");
    for setting in last.values() {
        place(&mut root, &setting.name, setting);
    }
    let mut all: Vec<Setting> = last.into_values().filter(|s| s.name.contains('.')).collect();
    all.sort_by_key(|setting| setting.at.line);
    root.settings.extend(all);
    let files = vec![path.to_path_buf()];
    Ok(Settings {
        root,
        files,
        unread: Vec::new(),
        inherits: false,
        ignore_case: false,
        ..Settings::default()
    })
}

/// What the kernel makes of a value, in decimal: `strtol(3)` without a given base reads each number,
/// and what stands behind white space and is none is passed over (`proc_get_long()` and
/// `proc_skip_spaces()` of `kernel/sysctl.c`).
pub fn spellings(_key: &str, value: &str) -> Vec<String> {
    let number = |word: &str| {
        let (sign, digits) = word.strip_prefix('-').map_or(("", word), |digits| ("-", digits));
        let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
        let number = match (hex, digits.strip_prefix('0')) {
            (Some(hex), _) => u64::from_str_radix(hex, 16).ok()?,
            (None, Some(octal)) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok()?,
            _ if digits.starts_with('+') => return None,
            _ => digits.parse::<u64>().ok()?,
        };
        Some(format!("{sign}{number}"))
    };
    let numbers: Vec<String> = value.split_whitespace().map_while(number).collect();
    let read = numbers.join(" ");
    if read.is_empty() || read == value { Vec::new() } else { vec![read] }
}

/// A key with dots between its parts. If a slash comes first, slashes are what separates, and a dot
/// is part of a name (`net/ipv4/conf/eth0.1/forwarding`), which is written as a slash then.
fn dotted(key: &str) -> String {
    match key.find(['.', '/']).and_then(|at| key.as_bytes().get(at)) {
        Some(b'/') => key
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                other => other,
            })
            .collect(),
        _ => key.to_owned(),
    }
}

/// Puts a setting into the blocks that the parts of its name stand for.
fn place(block: &mut Block, name: &str, setting: &Setting) {
    let Some((first, rest)) = name.split_once('.') else {
        block.settings.push(Setting { name: name.to_owned(), ..setting.clone() });
        return;
    };
    // Names come sorted, so a block that is there already is the last one.
    if block.blocks.last().is_none_or(|last| last.name != first) {
        block.blocks.push(self::block(&setting.at.file, setting.at.line, first));
    }
    if let Some(inner) = block.blocks.last_mut() {
        place(inner, rest, setting);
    }
}

fn block(path: &Path, line: u32, name: &str) -> Block {
    Block {
        name: name.to_owned(),
        label: String::new(),
        at: Location { file: path.to_path_buf(), line },
        settings: Vec::new(),
        blocks: Vec::new(),
        empty_list: false,
    }
}

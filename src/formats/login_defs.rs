//! `login.defs(5)`: a name and a value in each line, the last value wins.
//!
//! As `getdef.c` of shadow reads it: a value begins behind white space and quotes and ends at the
//! next quote, so nothing can follow it as a comment. Numbers may be octal (`022`) or hexadecimal.
//! Programs that use PAM read only part of the names, see the manual page of each.

use super::limits::{Budget, malformed};
use super::{Format, last};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::host::Files;
use std::path::Path;

/// Settings of the shadow password suite.
pub const FORMAT: Format = Format {
    name: "login.defs",
    doc: "login.defs(5): `NAME value`, the last value wins; octal and hexadecimal numbers are known \
          in decimal as well.",
    recognises: |path| path.file_name().is_some_and(|name| name == "login.defs"),
    parse,
    also: |_, text| number(text).into_iter().collect(),
    default: |_| None,
    kind,
    special,
    table: None,
    blocks: &[],
};

/// shadow reads lines in pieces of this many bytes.
const LINE: usize = 1023;

/// `getdef_bool()` of shadow: yes, in any case, and everything else is no.
static FLAG: Words = Words::of(&[&["yes"], &["no"]]);
static FLAG_OR_MORE: Words = Words::among_others(&[&["yes"], &["no"]]);

/// Settings that are yes or no.
const FLAGS: &[&str] = &[
    "CREATE_HOME",
    "DEFAULT_HOME",
    "FAILLOG_ENAB",
    "FORCE_SHADOW",
    "LASTLOG_ENAB",
    "LOG_OK_LOGINS",
    "LOG_UNKFAIL_ENAB",
    "MAIL_CHECK_ENAB",
    "MD5_CRYPT_ENAB",
    "OBSCURE_CHECKS_ENAB",
    "PASS_ALWAYS_WARN",
    "PORTTIME_CHECKS_ENAB",
    "QUOTAS_ENAB",
    "SU_WHEEL_ONLY",
    "SYSLOG_SG_ENAB",
    "SYSLOG_SU_ENAB",
    "USERGROUPS_ENAB",
];

/// login.defs(5) says of each what it counts.
fn kind(path: &str) -> Kind {
    const DAY: u64 = 86_400_000_000;
    match path {
        "PASS_MAX_DAYS" | "PASS_MIN_DAYS" | "PASS_WARN_AGE" => Kind::Duration { bare: DAY },
        "FAIL_DELAY" | "LOGIN_TIMEOUT" => Kind::SECONDS,
        "HOME_MODE" | "TTYPERM" | "UMASK" => Kind::Octal,
        "ENCRYPT_METHOD" => Kind::AnyCase,
        "ENV_PATH" | "ENV_SUPATH" | "MAIL_DIR" => Kind::Text,
        _ if FLAGS.contains(&path) => Kind::Words(&FLAG),
        _ => Kind::Words(&FLAG_OR_MORE),
    }
}

/// Without ageing a password is valid for ever, and without a time login(1) waits for ever.
fn special(path: &str) -> Special {
    match path {
        "LOGIN_TIMEOUT" => Special::ZeroIsNoLimit,
        "PASS_MAX_DAYS" => Special::NegativeIsNoLimit,
        _ => Special::None,
    }
}

/// Parses a file of settings.
///
/// # Errors
/// When a line is longer than shadow reads at once, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut budget = Budget::default();
    let mut said = Vec::new();
    for (line, bytes) in (1_u32..).zip(content.split(|byte| *byte == b'\n')) {
        if bytes.len() >= LINE || bytes.contains(&0) {
            return Err(malformed(path, line, "a line that shadow would not read as a whole"));
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches(is_space).trim_start_matches([' ', '\t']);
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        budget.take(path)?;
        // A name alone sets nothing.
        let Some((name, rest)) = text.split_once([' ', '\t']) else { continue };
        let value = rest.trim_start_matches([' ', '"', '\t']);
        let value = value.split('"').next().unwrap_or_default().to_owned();
        let mut also: Vec<String> =
            number(&value).filter(|number| *number != value).into_iter().collect();
        if FLAGS.contains(&name) && !value.eq_ignore_ascii_case("yes") {
            also.push("no".into());
        }
        let at = Location { file: path.to_path_buf(), line };
        said.push(Setting { name: name.to_owned(), value, also, at });
    }
    let mut root = Block::root(path);
    root.settings = last::in_force(said, |setting| Some(setting.name.clone()));
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

/// `isspace(3)` in the C locale.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// A number as `strtol(3)` reads it without a given base, in decimal.
fn number(text: &str) -> Option<String> {
    let number = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok()?,
        None if text.starts_with('0') => u64::from_str_radix(text, 8).ok()?,
        None => return None,
    };
    Some(number.to_string())
}

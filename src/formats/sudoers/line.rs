//! One logical line of sudoers: an alias, a `Defaults` line, or who may run what.

use super::scan::Scanner;
use crate::facts::settings::Location;
use crate::facts::sudo::{AliasKind, Default_, Grant, Member, Sudoers};
use std::path::Path;

const ALIASES: [(&str, AliasKind); 5] = [
    ("User_Alias", AliasKind::User),
    ("Runas_Alias", AliasKind::Runas),
    ("Host_Alias", AliasKind::Host),
    ("Cmnd_Alias", AliasKind::Command),
    ("Cmd_Alias", AliasKind::Command),
];
/// Tags: each pair takes the place of the other.
const TAGS: [(&str, &str); 9] = [
    ("PASSWD", "NOPASSWD"),
    ("EXEC", "NOEXEC"),
    ("SETENV", "NOSETENV"),
    ("LOG_INPUT", "NOLOG_INPUT"),
    ("LOG_OUTPUT", "NOLOG_OUTPUT"),
    ("MAIL", "NOMAIL"),
    ("FOLLOW", "NOFOLLOW"),
    ("FOLLOWLNK", "NOFOLLOWLNK"),
    ("INTERCEPT", "NOINTERCEPT"),
];
/// Options in front of a command.
const OPTIONS: [&str; 10] = [
    "ROLE",
    "TYPE",
    "CWD",
    "CHROOT",
    "TIMEOUT",
    "NOTBEFORE",
    "NOTAFTER",
    "PRIVS",
    "LIMITPRIVS",
    "APPARMOR_PROFILE",
];

/// Reads a line into what is known so far.
pub(super) fn read(
    line: &str,
    file: &Path,
    number: u32,
    sudoers: &mut Sudoers,
) -> Result<(), String> {
    let at = Location { file: file.to_owned(), line: number };
    for (word, kind) in ALIASES {
        if let Some(rest) = line.strip_prefix(word)
            && rest.starts_with(char::is_whitespace)
        {
            return aliases(rest, kind, sudoers);
        }
    }
    if let Some(rest) = line.strip_prefix("Defaults")
        && rest.starts_with(|c: char| c.is_whitespace() || "@:>!".contains(c))
    {
        return defaults(rest, &at, sudoers);
    }
    grants(line, &at, sudoers)
}

fn aliases(rest: &str, kind: AliasKind, sudoers: &mut Sudoers) -> Result<(), String> {
    let mut scanner = Scanner::new(rest);
    loop {
        let name = scanner.word()?;
        if !is_alias(&name) {
            return Err(format!("`{name}` is not the name of an alias"));
        }
        if !scanner.take("=") {
            return Err(format!("alias {name} lacks its `=`"));
        }
        let members = match kind {
            AliasKind::Command => {
                let mut list = Vec::new();
                loop {
                    let negated = scanner.negation();
                    list.push(Member { negated, text: scanner.command()? });
                    if !scanner.take(",") {
                        break list;
                    }
                }
            }
            _ => scanner.members()?,
        };
        if sudoers.aliases.insert((kind, name.clone()), members).is_some() {
            return Err(format!("alias {name} is defined twice"));
        }
        if scanner.is_empty() {
            return Ok(());
        }
        if !scanner.take(":") {
            return Err("something stands behind the list".into());
        }
    }
}

/// Whether a word is the name of an alias: capitals, digits and underscores.
pub fn is_alias(word: &str) -> bool {
    word != "ALL"
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn defaults(rest: &str, at: &Location, sudoers: &mut Sudoers) -> Result<(), String> {
    let mut scope = None;
    let mut scanner = Scanner::new(rest);
    if let Some(kind) = rest.chars().next().filter(|c| "@:>!".contains(*c)) {
        scanner.take(&kind.to_string());
        let list = match kind {
            '!' => {
                let mut list = vec![Member { negated: false, text: scanner.word()? }];
                while scanner.take(",") {
                    list.push(Member { negated: scanner.negation(), text: scanner.word()? });
                }
                list
            }
            _ => scanner.members()?,
        };
        scope = Some((kind, list));
    }
    loop {
        let negated = scanner.negation();
        let end = scanner
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(scanner.rest.len());
        let whole = scanner.rest;
        let name = whole.get(..end).unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err("a setting is missing".into());
        }
        scanner.rest = whole.get(end..).unwrap_or_default().trim_start();
        let operator = ["+=", "-=", "="].into_iter().find(|operator| scanner.take(operator));
        let value = match operator {
            Some(_) => Some(value(&mut scanner)?),
            None => None,
        };
        sudoers.defaults.push(Default_ {
            scope: scope.clone(),
            name,
            value,
            operator: operator.unwrap_or_default().to_owned(),
            negated,
            at: at.clone(),
        });
        if scanner.is_empty() {
            return Ok(());
        }
        if !scanner.take(",") {
            return Err("something stands behind a setting".into());
        }
    }
}

/// The value of a setting: in quotes, or up to a comma.
fn value(scanner: &mut Scanner) -> Result<String, String> {
    let whole = scanner.rest;
    let mut out = String::new();
    let quoted = whole.starts_with('"');
    let mut chars = whole.char_indices().skip(usize::from(quoted));
    let mut end = whole.len();
    let mut closed = !quoted;
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                if let Some((_, next)) = chars.next() {
                    out.push(next);
                }
            }
            '"' if quoted => {
                end = at + 1;
                closed = true;
                break;
            }
            ',' if !quoted => {
                end = at;
                break;
            }
            _ => out.push(c),
        }
    }
    if !closed {
        return Err("a quote is not closed".into());
    }
    scanner.rest = whole.get(end..).unwrap_or_default().trim_start();
    Ok(if quoted { out } else { out.trim_end().to_owned() })
}

fn grants(line: &str, at: &Location, sudoers: &mut Sudoers) -> Result<(), String> {
    let mut scanner = Scanner::new(line);
    let users = scanner.members()?;
    let mut found = Vec::new();
    loop {
        let hosts = scanner.members()?;
        if !scanner.take("=") {
            return Err("it lacks its `=`".into());
        }
        commands(&mut scanner, &users, &hosts, at, &mut found)?;
        if scanner.is_empty() {
            // Only a line that is sound as a whole counts.
            sudoers.grants.append(&mut found);
            return Ok(());
        }
        if !scanner.take(":") {
            return Err("something stands behind a command".into());
        }
    }
}

/// The commands behind one list of hosts; who runs them and tags stay in force from one to the next.
fn commands(
    scanner: &mut Scanner,
    users: &[Member],
    hosts: &[Member],
    at: &Location,
    found: &mut Vec<Grant>,
) -> Result<(), String> {
    let (mut runas_users, mut runas_groups) = (None, None);
    let mut password = None;
    let mut tags: Vec<String> = Vec::new();
    let (mut not_before, mut not_after, mut chroot) = (None, None, None);
    loop {
        if scanner.take("(") {
            (runas_users, runas_groups) = runas(scanner)?;
        }
        while let Some((name, value)) = option(scanner)? {
            match name {
                "NOTBEFORE" => not_before = Some(value),
                "NOTAFTER" => not_after = Some(value),
                "CHROOT" => chroot = Some(value),
                _ => {}
            }
        }
        while let Some(tag) = tag(scanner) {
            match tag.as_str() {
                "PASSWD" => password = Some(true),
                "NOPASSWD" => password = Some(false),
                _ => {
                    let pair = TAGS.iter().find(|(yes, no)| *yes == tag || *no == tag);
                    tags.retain(|old| pair.is_none_or(|(yes, no)| old != yes && old != no));
                    tags.push(tag);
                }
            }
        }
        let negated = scanner.negation();
        let command = Member { negated, text: scanner.command()? };
        found.push(Grant {
            users: users.to_vec(),
            hosts: hosts.to_vec(),
            runas_users: runas_users.clone(),
            runas_groups: runas_groups.clone(),
            password,
            not_before: not_before.clone(),
            not_after: not_after.clone(),
            chroot: chroot.clone(),
            tags: tags.clone(),
            command,
            at: at.clone(),
        });
        if !scanner.take(",") {
            return Ok(());
        }
    }
}

type RunAs = (Option<Vec<Member>>, Option<Vec<Member>>);

fn runas(scanner: &mut Scanner) -> Result<RunAs, String> {
    let users = match scanner.rest.starts_with([':', ')']) {
        // `(:group)` and `()` run as the invoking user.
        true => Vec::new(),
        false => scanner.members()?,
    };
    let groups = if scanner.take(":") && !scanner.rest.starts_with(')') {
        Some(scanner.members()?)
    } else {
        None
    };
    match scanner.take(")") {
        true => Ok((Some(users), groups)),
        false => Err("a parenthesis is not closed".into()),
    }
}

/// Reads `CWD=/x` and its like: its name and value.
fn option(scanner: &mut Scanner) -> Result<Option<(&'static str, String)>, String> {
    for name in OPTIONS {
        let Some(rest) = scanner.rest.strip_prefix(name) else { continue };
        let Some(rest) = rest.trim_start().strip_prefix('=') else { continue };
        scanner.rest = rest.trim_start();
        return Ok(Some((name, scanner.word()?)));
    }
    Ok(None)
}

fn tag(scanner: &mut Scanner) -> Option<String> {
    for tag in TAGS.iter().flat_map(|(yes, no)| [*yes, *no]) {
        let rest = scanner.rest.strip_prefix(tag).map(str::trim_start);
        if let Some(rest) = rest.and_then(|rest| rest.strip_prefix(':')) {
            scanner.rest = rest.trim_start();
            return Some(tag.to_owned());
        }
    }
    None
}

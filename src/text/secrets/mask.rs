//! Taking secrets out of a text, line by line, so that everything else in it stays what it was.

use super::{is_secret_setting, regex, shapes};
use ::regex::{Captures, Regex};
use std::sync::OnceLock;

/// A name, and what gives it a value.
const ASSIGNMENT: &str = r#"([A-Za-z][A-Za-z0-9_.-]*)["']?[ \t]*(?:=>|:=|[=:])[ \t]*"#;
/// A line that begins with a name and goes on with a value.
const DIRECTIVE: &str = r"^([ \t]*)([A-Za-z][A-Za-z0-9_.-]*)[ \t]+(\S.*?)(;?[ \t]*)$";
/// An option of a command with its value as the next word.
const OPTION: &str = r"(--?[A-Za-z][A-Za-z-]*)[ \t]+([^\s-]\S*)";
/// An element of XML.
const ELEMENT: &str = r"<([A-Za-z][A-Za-z0-9_.-]*)>([^<>]+)</";
/// What stands behind the name of a scheme in a header.
const BEARER: &str =
    r#"(?i)\bauthorization["']?[ \t]*:?[ \t]*["']?(bearer|basic|token)[ \t]+([^\s"';]+)"#;
/// Hashes of passwords: `crypt(5)`, SCRAM, PostgreSQL's md5.
const HASH: &str = r#"\$(?:1|2[abxy]?|5|6|7|y|gy|sha1|md5|apr1|argon2[a-z]*|pbkdf2[a-z0-9-]*)\$[^\s:"',]{8,}|SCRAM-SHA-\d+\$[^\s"',]{8,}|\bmd5[0-9a-f]{32}\b"#;
/// Redis: `user NAME on >PASSWORD`.
const REDIS_USER: &str = r"^[ \t]*user[ \t]";
const REDIS_PASSWORD: &str = r"([ \t][>#<!])(\S+)";
/// What occurs in every line with a secret that is recognised here.
const HINT: &str = r"(?i)pass|pw|secret|token|key|cred|auth|psk|conninfo|\$[0-9a-z]|://|scram|md5|akia|asia|gh[pousr]_|github_pat|glpat|xox|eyj|user\s";
/// Keys that span lines, or whose kind of line nobody can tell.
const KEY: &str = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File|AGE-SECRET-KEY-1";

/// A text without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Masked {
    /// There are none.
    Unchanged,
    /// The mark stands in their places; there are as many lines as before.
    Text(String),
    /// Nothing of it can be told: why.
    Whole(&'static str),
}

/// Puts `mark` in the place of every secret. It must be a single word.
pub fn mask(text: &str, mark: &str) -> Masked {
    static IS_KEY: OnceLock<Option<Regex>> = OnceLock::new();
    if regex(&IS_KEY, KEY).is_none_or(|key| key.is_match(text)) {
        return Masked::Whole("a private key");
    }
    let mut changed = false;
    let mut out = String::with_capacity(text.len());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(whole) = lines.next() {
        let line = whole.trim_end_matches(['\n', '\r']);
        let end = whole.get(line.len()..).unwrap_or_default();
        match masked_line(line, mark, lines.peek().copied()) {
            None => return Masked::Whole("a secret that is not in one line"),
            Some(masked) => {
                changed |= masked != line;
                out.push_str(&masked);
                out.push_str(end);
            }
        }
    }
    if changed { Masked::Text(out) } else { Masked::Unchanged }
}

/// A line without its secrets. `None`: one of them goes on in the next line.
fn masked_line(line: &str, mark: &str, next: Option<&str>) -> Option<String> {
    static HINTS: OnceLock<Option<Regex>> = OnceLock::new();
    if !regex(&HINTS, HINT)?.is_match(line) {
        return Some(line.to_owned());
    }
    let mut line = assignments(line, mark, next)?;
    line = directive(&line, mark)?;
    static PARTS: OnceLock<Vec<Option<Regex>>> = OnceLock::new();
    let parts =
        PARTS.get_or_init(|| [OPTION, ELEMENT, BEARER].map(|text| Regex::new(text).ok()).into());
    for (index, part) in parts.iter().enumerate() {
        let part = part.as_ref()?;
        let replaced = part.replace_all(&line, |found: &Captures| {
            let group = |number| found.get(number).map_or("", |group| group.as_str());
            let name = group(1).trim_start_matches('-');
            let always = index == 2;
            if (always || (is_secret(name) && name != "auth")) && is_value(group(2)) {
                group(0).replacen(group(2), mark, 1)
            } else {
                group(0).to_owned()
            }
        });
        line = replaced.into_owned();
    }
    static HASHES: OnceLock<Option<Regex>> = OnceLock::new();
    line = regex(&HASHES, HASH)?.replace_all(&line, mark).into_owned();
    static USERS: OnceLock<Option<Regex>> = OnceLock::new();
    static PASSWORDS: OnceLock<Option<Regex>> = OnceLock::new();
    if regex(&USERS, REDIS_USER)?.is_match(&line) {
        let with = |found: &Captures| format!("{}{mark}", found.get(1).map_or("", |m| m.as_str()));
        line = regex(&PASSWORDS, REDIS_PASSWORD)?.replace_all(&line, with).into_owned();
    }
    for shape in shapes() {
        // What has been masked before may have kept its shape.
        let with = |found: &Captures| {
            let found = found.get(0).map_or("", |found| found.as_str());
            if found.contains(mark) {
                return found.to_owned();
            }
            match (found.split_once("://"), found.rsplit_once(':')) {
                (Some(_), Some((before, _))) => format!("{before}:{mark}@"),
                _ => format!("{}-{mark}", shape.harmless),
            }
        };
        line = shape.regex.replace_all(&line, with).into_owned();
    }
    Some(line)
}

/// Whether what is given to a name is a secret; systemd's credentials are given by name or path.
fn is_secret(name: &str) -> bool {
    const BY_NAME: [&str; 5] = ["Load", "LoadEncrypted", "Import", "Condition", "Assert"];
    let given =
        name.strip_suffix("Credential").or_else(|| name.strip_suffix("CredentialEncrypted"));
    is_secret_setting(name) && !given.is_some_and(|how| BY_NAME.contains(&how))
}

/// Masks what is given to names by `=` or `:`.
fn assignments(line: &str, mark: &str, next: Option<&str>) -> Option<String> {
    static IS: OnceLock<Option<Regex>> = OnceLock::new();
    let is = regex(&IS, ASSIGNMENT)?;
    let mut out = String::with_capacity(line.len());
    let mut from = 0;
    while let Some(found) = line.get(from..).and_then(|rest| is.captures(rest)) {
        let whole = found.get(0)?;
        let (start, end) = (from + whole.start(), from + whole.end());
        out.push_str(line.get(from..end)?);
        from = end;
        if !is_secret(found.get(1)?.as_str()) {
            continue;
        }
        let value = line.get(end..)?;
        // `password: |` and `secrets: [` go on below.
        let opens = matches!(value.trim_end(), "|" | ">" | "|-" | ">-" | "|+" | ">+")
            || value.starts_with(['[', '{']);
        let indent = |line: &str| line.len() - line.trim_start().len();
        let nested = value.trim().is_empty()
            && whole.as_str().trim_end().ends_with(':')
            && next.is_some_and(|next| !next.trim().is_empty() && indent(next) > indent(line));
        if opens || nested || (value.ends_with('\\') && is_value(value.trim_end_matches('\\'))) {
            return None;
        }
        let name_is_quoted = whole.as_str().contains(['"', '\'']);
        let length = value_length(value, line.get(..start)?, name_is_quoted)?;
        let (secret, rest) = value.split_at_checked(length)?;
        if is_value(secret.trim_matches(['"', '\''])) {
            let own = secret.chars().next().filter(|c| matches!(c, '"' | '\''));
            // A number in JSON: what stands in its place has to be a value too.
            let quote = own.or_else(|| name_is_quoted.then_some('"'));
            let quote = quote.map(String::from).unwrap_or_default();
            out.push_str(&format!("{quote}{mark}{quote}"));
        } else {
            out.push_str(secret);
        }
        from = line.len() - rest.len();
    }
    out.push_str(line.get(from..)?);
    Some(out)
}

/// How far a value goes: in quotes to their end; at the beginning of a line to its end; elsewhere to
/// the end of the word, or of the quotes that it stands in. `None`: its quotes do not end here.
fn value_length(value: &str, before: &str, name_is_quoted: bool) -> Option<usize> {
    let open = |quote: &char| !name_is_quoted && before.matches(*quote).count() % 2 == 1;
    let inside = ['"', '\''].into_iter().find(open);
    if let Some(quote @ ('"' | '\'')) = value.chars().next()
        && inside != Some(quote)
    {
        let mut escaped = false;
        let end = value.char_indices().skip(1).find(|(_, c)| {
            let ends = *c == quote && !escaped;
            escaped = *c == '\\' && !escaped;
            ends
        });
        return end.map(|(at, _)| at + 1);
    }
    let first = before.trim().trim_start_matches('-').trim_start();
    let alone = first.is_empty() || first == "export";
    let ends: &[char] = match inside {
        Some('"') => &['"'],
        Some(_) => &['\''],
        None if name_is_quoted => &[',', '}', ']', ' ', '\t'],
        None if alone => return Some(value.trim_end().len()),
        None => &[' ', '\t', '"', '\'', ';', ',', '&', ')', '}'],
    };
    Some(value.find(ends).unwrap_or(value.len()))
}

/// Masks `requirepass VALUE`: a line that begins with the name. Modules of PAM begin with
/// `password` too.
fn directive(line: &str, mark: &str) -> Option<String> {
    static IS: OnceLock<Option<Regex>> = OnceLock::new();
    const OF_PAM: [&str; 6] = ["required", "requisite", "sufficient", "optional", "include", "sub"];
    let Some(found) = regex(&IS, DIRECTIVE)?.captures(line) else { return Some(line.to_owned()) };
    let group = |number| found.get(number).map_or("", |group| group.as_str());
    let (name, value) = (group(2), group(3));
    let of_pam = value.starts_with('[') || OF_PAM.iter().any(|word| value.starts_with(word));
    let assigned = value.starts_with(['=', ':']) || value.contains(mark);
    if of_pam || assigned || name == "auth" || !is_secret(name) || !is_value(value) {
        return Some(line.to_owned());
    }
    let gap = line.get(group(1).len() + name.len()..)?;
    let gap = gap.get(..gap.len() - gap.trim_start().len())?;
    Some(format!("{}{name}{gap}{mark}{}", group(1), group(4)))
}

/// Whether a value can be a secret at all: neither a switch nor the name of a variable.
fn is_value(value: &str) -> bool {
    let value = value.trim();
    let switch =
        ["true", "false", "yes", "no", "on", "off", "0", "1", "none", "null", "~", "\"\"", "''"];
    let variable = value.starts_with("${") || value.starts_with("$(") || value.starts_with("%(");
    let name = value.strip_prefix('$').is_some_and(|rest| {
        !rest.is_empty() && rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    !value.is_empty()
        && !variable
        && !name
        && !switch.contains(&value.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests;

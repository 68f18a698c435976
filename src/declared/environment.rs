//! Variables in the command of a unit, `systemd.service(5)` under "Command lines".

use super::units::values;
use crate::facts::settings::{Lookup, Settings};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::systemd::{self, environment};
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::Path;

/// What `Environment=` and `EnvironmentFile=` of a unit say; files win.
///
/// # Errors
/// Where one of the files cannot be read: any variable may be another.
pub fn of(settings: &Settings, files: &dyn Files) -> Fact<BTreeMap<String, String>> {
    let mut variables = BTreeMap::new();
    for (line, _) in values(settings, "Service.Environment") {
        for word in systemd::words(&line) {
            if let Some((name, value)) = word.split_once('=') {
                variables.insert(name.to_owned(), value.to_owned());
            }
        }
    }
    for (place, _) in values(settings, "Service.EnvironmentFile") {
        let place = place.strip_prefix('-').unwrap_or(&place);
        if place.contains(['*', '?', '[', '%']) {
            let why = "a pattern or specifier, which is not followed here".to_owned();
            return Err(Unknown::new(format!("EnvironmentFile={place}"), Cause::Unsupported(why)));
        }
        let place = Path::new(place).to_path_buf();
        let Some(content) = files.read_marked(&place)? else { continue };
        variables.extend(environment::variables(&place, &content)?);
    }
    Ok(variables)
}

/// The words of a command with variables replaced: `$NAME` as a word of its own becomes the words of
/// its value, `${NAME}` is replaced within its word. One that nobody sets is empty.
pub fn expand(words: Vec<String>, variables: &BTreeMap<String, String>) -> Vec<String> {
    let mut expanded = Vec::new();
    for word in words {
        match word.strip_prefix('$').filter(|name| is_name(name)) {
            Some(name) => {
                let value = variables.get(name).map_or("", String::as_str);
                expanded.extend(value.split_whitespace().map(str::to_owned));
            }
            None => expanded.push(within(&word, variables)),
        }
    }
    expanded
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn within(word: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        match after.split_once('}').filter(|(name, _)| is_name(name)) {
            Some((name, behind)) => {
                out.push_str(variables.get(name).map_or("", String::as_str));
                rest = behind;
            }
            None => {
                out.push_str("${");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Whether a lookup found a value that is a yes.
pub fn is_yes(found: Lookup<'_>) -> bool {
    matches!(found, Lookup::Set(setting) if systemd::is_yes(&setting.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_words_or_parts_of_words() {
        let variables = [("OPTS", "-p 22 -4"), ("X", "a b")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let words =
            |line: &str| expand(line.split(' ').map(str::to_owned).collect(), &variables).join("|");
        assert_eq!(words("sshd -D $OPTS $NONE"), "sshd|-D|-p|22|-4");
        assert_eq!(words("x --a=${X}/c ${NONE} ${"), "x|--a=a b/c||${");
    }
}

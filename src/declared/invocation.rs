//! With which arguments a daemon is started.

use super::program::base;
use crate::facts::start::Start;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::systemd::words;
use std::path::PathBuf;

/// Words that stand before a command and are none.
const BEFORE: [&str; 8] = ["exec", "then", "else", "do", "nohup", "command", "env", "!"];
/// Actions of `apachectl(8)`, which are no arguments of the daemon.
const ACTIONS: [&str; 6] = ["start", "stop", "restart", "graceful", "graceful-stop", "status"];

/// What the arguments of a daemon say that its configuration would say otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// The configuration, where it is not the usual one.
    pub file: Option<PathBuf>,
    /// Settings by name that come before those of the configuration.
    pub settings: Vec<(String, String)>,
}

impl Invocation {
    /// The values of a setting, if any is given.
    pub fn get(&self, name: &str) -> Option<Vec<&str>> {
        let values = self.settings.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
        Some(values).filter(|values| !values.is_empty())
    }
}

/// The arguments that the daemon of these names gets.
///
/// # Errors
/// Where a script decides, or variables that are not known here.
pub fn arguments(start: &Start, names: &[&str]) -> Fact<Vec<String>> {
    let own = start.program.as_ref().map(|path| path.to_string_lossy().into_owned());
    let own = own.unwrap_or_default();
    let is = |word: &String| names.contains(&base(word));
    let rest: Vec<String> = start.command.iter().skip(1).cloned().collect();
    let found = if is(&own) {
        Some(rest)
    } else if ["apachectl", "apache2ctl"].contains(&base(&own)) {
        Some(rest.into_iter().filter(|word| !ACTIONS.contains(&word.as_str())).collect())
    } else if let Some(at) = rest.iter().position(is) {
        Some(rest.iter().skip(at + 1).cloned().collect())
    } else {
        let text = match &start.script {
            Some(script) => script.clone(),
            None => rest.join("\n"),
        };
        in_text(&text, names, if start.script.is_some() { &rest } else { &[] })
    };
    let unclear = |why: &str| {
        let what = format!("the arguments of {} from {}", names.join(" or "), start.by);
        Unknown::new(what, Cause::Unsupported(why.to_owned()))
    };
    match found {
        None => Err(unclear("a script decides them")),
        Some(words) if words.iter().any(|word| word.contains(['$', '`'])) => {
            Err(unclear("they depend on variables"))
        }
        Some(words) => Ok(words),
    }
}

/// The arguments in a script's text; `None` where it does not show, or shows several.
fn in_text(text: &str, names: &[&str], parameters: &[String]) -> Option<Vec<String>> {
    let mut found: Option<Vec<String>> = None;
    let joined = text.replace("\\\n", " ");
    for command in joined.lines().flat_map(|line| line.split(['&', '|'])) {
        // A directive of nginx ends in a semicolon too, within quotes.
        let words = words(command);
        let Some(at) = words.iter().position(|word| names.contains(&base(word))) else { continue };
        let before = words.iter().take(at);
        if words.first().is_some_and(|word| word.starts_with('#'))
            || !before.clone().all(|w| BEFORE.contains(&w.as_str()) || w.contains('='))
        {
            continue;
        }
        let mut arguments = Vec::new();
        for word in words.iter().skip(at + 1) {
            match word.as_str() {
                "$@" | "${@}" => arguments.extend(parameters.iter().cloned()),
                word => arguments.push(word.trim_end_matches(';').to_owned()),
            }
        }
        if found.as_ref().is_some_and(|known| *known != arguments) {
            return None;
        }
        found = Some(arguments);
    }
    found
}

/// Goes through arguments: `value(option)` says what the option sets, for those that take a value,
/// in a word of its own or glued to the letter (`-p 22`, `-p22`).
///
/// # Errors
/// What `set` gives.
pub fn each_option(
    arguments: &[String],
    takes_value: &str,
    mut set: impl FnMut(char, &str) -> Fact<()>,
) -> Fact<()> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let Some(letters) = word.strip_prefix('-') else { continue };
        for (at, letter) in letters.char_indices() {
            if takes_value.contains(letter) {
                let glued = letters.get(at + letter.len_utf8()..).unwrap_or_default();
                let next = || words.next().map_or("", String::as_str);
                let mut next = next;
                set(letter, if glued.is_empty() { next() } else { glued })?;
                break;
            }
        }
    }
    Ok(())
}

/// The answer to an option whose meaning is not followed here.
pub fn not_followed<T>(option: &str) -> Fact<T> {
    let why = "an option whose effect is not followed here".to_owned();
    Err(Unknown::new(option, Cause::Unsupported(why)))
}

/// An absolute path.
///
/// # Errors
/// For one that depends on where the daemon is started.
pub fn absolute(path: &str) -> Fact<PathBuf> {
    if path.starts_with('/') {
        return Ok(PathBuf::from(path));
    }
    let why = "a path that depends on where the daemon is started".to_owned();
    Err(Unknown::new(path, Cause::Unsupported(why)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, parameters: &[&str]) -> Option<String> {
        let parameters: Vec<String> = parameters.iter().map(|word| (*word).to_owned()).collect();
        in_text(text, &["nginx"], &parameters).map(|words| words.join("|"))
    }

    #[test]
    fn a_script_shows_arguments_where_it_runs_the_daemon() {
        let script = "#!/bin/sh\nif [ \"$1\" = nginx ]; then\n  chown nginx /var/log/nginx\nfi\n\
                      X=1 exec nginx -g 'daemon off;' \\\n -c /x \"$@\"\n";
        assert_eq!(of(script, &["-e", "y"]).as_deref(), Some("-g|daemon off|-c|/x|-e|y"));
        assert_eq!(of("nginx && tail -f /x", &[]).as_deref(), Some(""));
    }

    #[test]
    fn different_arguments_are_none() {
        assert_eq!(of("nginx -t\nexec nginx", &[]), None);
        assert_eq!(of("# nginx\nwhich nginx", &[]), None);
    }

    #[test]
    fn values_of_options_are_words_or_glued() {
        let arguments = ["-D", "-p", "22", "-Dp23", "x"].map(str::to_owned);
        let mut found = Vec::new();
        let set = |letter: char, value: &str| {
            found.push(format!("{letter}{value}"));
            Ok(())
        };
        each_option(&arguments, "p", set).unwrap();
        assert_eq!(found, ["p22", "p23"]);
    }
}

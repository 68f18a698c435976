//! With which arguments a daemon is started.

use super::program::base;
use crate::commands::{self, Context, UNKNOWN};
use crate::facts::start::Start;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use std::path::PathBuf;

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
pub fn arguments(start: &Start, names: &[&str], target: &dyn Target) -> Fact<Vec<String>> {
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
        in_command(start, names, target)
    };
    let unclear = |why: &str| {
        let what = format!("the arguments of {} from {}", names.join(" or "), start.by);
        Unknown::new(what, Cause::Unsupported(why.to_owned()))
    };
    match found {
        None => Err(unclear("a script decides them")),
        Some(words) if words.iter().any(|word| word.contains(['$', '`', UNKNOWN])) => {
            Err(unclear("they depend on variables"))
        }
        Some(words) => Ok(words),
    }
}

/// The arguments in what a command comes to; `None` where it does not show, or shows several.
fn in_command(start: &Start, names: &[&str], target: &dyn Target) -> Option<Vec<String>> {
    let reading = commands::argv(target, &start.command, Context::new(&start.by));
    let is = |run: &&commands::Run| names.contains(&base(&run.program.to_string_lossy()));
    let mut found = reading.runs.iter().filter(is).map(|run| &run.arguments);
    let first = found.next()?;
    found.all(|other| other == first).then(|| first.clone())
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
    use crate::facts::settings::Location;
    use crate::facts::start::Identity;
    use crate::targets::memory::Memory;

    fn of(script: &str, parameters: &[&str]) -> Option<String> {
        let host =
            Memory::new().file("/entry", 0o755, 0, 0, script).file("/bin/sh", 0o755, 0, 0, "");
        let command = ["/entry"].iter().chain(parameters).map(|word| (*word).to_owned()).collect();
        let start = Start {
            by: "a test".into(),
            at: Location { file: "/x".into(), line: 0 },
            text: String::new(),
            unit: None,
            program: None,
            command,
            script: None,
            identity: Ok(Identity::root()),
            enabled: Ok(true),
        };
        in_command(&start, &["nginx"], &host).map(|words| words.join("|"))
    }

    #[test]
    fn a_script_shows_arguments_where_it_runs_the_daemon() {
        let script = "#!/bin/sh\nif [ \"$1\" = nginx ]; then\n  chown nginx /var/log/nginx\nfi\n\
                      X=1 exec nginx -g 'daemon off;' \\\n -c /x \"$@\"\n";
        assert_eq!(of(script, &["-e", "y"]).as_deref(), Some("-g|daemon off;|-c|/x|-e|y"));
        assert_eq!(of("#!/bin/sh\nnginx && tail -f /x", &[]).as_deref(), Some(""));
    }

    #[test]
    fn different_arguments_are_none() {
        assert_eq!(of("#!/bin/sh\nnginx -t\nexec nginx", &[]), None);
        assert_eq!(of("#!/bin/sh\n# nginx\nwhich nginx", &[]), None);
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

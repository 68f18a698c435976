//! The programs that a line of cron runs, as far as its text tells: the first word of each command of
//! the shell text, looked for as the shell would.

use crate::facts::cron::CronJob;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use std::path::{Path, PathBuf};

/// Where cron looks where its table says nothing, `PATH` of crontab(5).
const PATH: &str = "/usr/bin:/bin";
/// What the shell does itself; what follows are arguments.
const BUILTINS: &[&str] = &[
    "cd", "test", "[", "[[", ":", "true", "false", "exit", "return", "echo", "printf", "export",
    "set", "unset", "command", "type", "eval", "read", "wait", "umask", "trap", "ulimit", "shift",
    "for", "case", "esac", "fi", "done", "local", "kill", "pwd", "hash", "alias", "break",
    "continue",
];
/// What stands before a command.
const BEFORE: &[&str] =
    &["if", "then", "else", "elif", "while", "until", "do", "!", "exec", "time", "nohup", "."];

/// The programs of a job, in its order.
///
/// # Errors
/// Where one is named in a way that does not tell which file it is.
pub fn of(job: &CronJob, target: &dyn Target) -> Fact<Vec<PathBuf>> {
    // A script as a whole.
    if job.at.line == 0 {
        return Ok(vec![job.at.file.clone()]);
    }
    let mut programs = Vec::new();
    let quoted = job.command.contains(['"', '\'']);
    for command in job.command.split([';', '&', '|', '(', ')', '{', '}', '`', '\n']) {
        let Some(word) = first_word(command) else { continue };
        match find(word, job, target)? {
            Some(program) => programs.push(program),
            // Part of a text in quotes, most likely.
            None if quoted => {}
            None => {
                let why = format!("`{word}` is in no directory of its PATH");
                return Err(Unknown::new(job.at.to_string(), Cause::Unsupported(why)));
            }
        }
    }
    Ok(programs)
}

/// The word that names the program of one command; `None` where the shell itself does it.
fn first_word(command: &str) -> Option<&str> {
    let mut words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'']));
    let word = words.find(|word| {
        let assigns = word.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        !assigns && !word.is_empty() && !BEFORE.contains(word) && !is_redirection(word)
    })?;
    (!BUILTINS.contains(&word)).then_some(word)
}

/// `>/dev/null`, `2>&1`, and the `1` that is left of it.
fn is_redirection(word: &str) -> bool {
    word.contains(['<', '>']) || word.chars().all(|c| c.is_ascii_digit())
}

fn find(word: &str, job: &CronJob, target: &dyn Target) -> Fact<Option<PathBuf>> {
    if word.starts_with('/') {
        return Ok(Some(PathBuf::from(word)));
    }
    if word.contains(['/', '$', '*', '?', '~']) {
        let why = format!("which program `{word}` is, is decided when it runs");
        return Err(Unknown::new(job.at.to_string(), Cause::Unsupported(why)));
    }
    let path = job.path.as_deref().unwrap_or(PATH);
    for directory in path.split(':').filter(|directory| directory.starts_with('/')) {
        let program = Path::new(directory).join(word);
        if target.file(&program)?.is_some() {
            return Ok(Some(program));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::settings::Location;
    use crate::targets::memory::Memory;

    fn programs(command: &str, path: Option<&str>) -> Fact<Vec<String>> {
        let at = Location { file: "/etc/crontab".into(), line: 1 };
        let job = CronJob {
            user: "root".into(),
            schedule: "@daily".into(),
            command: command.into(),
            path: path.map(str::to_owned),
            at,
        };
        let host = Memory::new().file("/usr/bin/run-parts", 0o755, 0, 0, "").file(
            "/opt/bin/backup",
            0o755,
            0,
            0,
            "",
        );
        of(&job, &host).map(|all| all.iter().map(|path| path.display().to_string()).collect())
    }

    #[test]
    fn lines_as_distributions_have_them_are_understood() {
        for (command, found) in [
            ("cd / && run-parts --report /etc/cron.hourly", vec!["/usr/bin/run-parts"]),
            (
                "test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )",
                vec!["/usr/bin/run-parts"],
            ),
            (
                "[ -x /usr/lib/x ] && if [ ! -d /run/systemd/system ]; then /usr/lib/x; fi",
                vec!["/usr/lib/x"],
            ),
            (
                "test -e /run/x || SERVICE_MODE=1 /usr/lib/scrub -A >/dev/null 2>&1",
                vec!["/usr/lib/scrub"],
            ),
            ("command -v run-parts > /dev/null && run-parts 1 1", vec!["/usr/bin/run-parts"]),
            (". /etc/profile; exec /usr/bin/x | logger", vec!["/etc/profile", "/usr/bin/x"]),
            ("/usr/bin/perl -e 'print 1; exit'", vec!["/usr/bin/perl"]),
        ] {
            let told = programs(command, None);
            if command.contains("logger") {
                assert!(told.is_err_and(|why| why.to_string().contains("`logger` is in no")));
            } else {
                assert_eq!(told, Ok(found.into_iter().map(str::to_owned).collect()), "{command}");
            }
        }
    }

    #[test]
    fn a_name_is_looked_for_in_the_path_of_its_table() {
        assert!(programs("backup", None).is_err());
        assert_eq!(programs("backup", Some("/bin:/opt/bin")), Ok(vec!["/opt/bin/backup".into()]));
        assert!(programs("./backup", Some("/opt/bin")).is_err());
        assert!(programs("$HOME/backup", None).is_err());
    }
}

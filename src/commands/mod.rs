//! One reading of a command line: which programs it starts, as whom and from where; what is read as
//! code; what is merely named; and what could not be told, with the reason.
//!
//! Everything that has a command asks here: jobs of cron, units, rules of sudo, hooks, entry points
//! of images. A command is words ([`argv`], as `execve(2)` has them) or a text for a shell
//! ([`shell`]). Wrappers such as `nice`, `flock`, `sudo -u` are unwrapped in any nesting
//! (`wrappers.rs`), interpreters and shells are followed into their scripts (`interpreters.rs`,
//! `shell/`), daemons to the configuration that they are given (`configured.rs`).
//!
//! Nothing is run. What a text puts together when it runs is a [`Gap`], and so is a program that is
//! in no directory of the search path. The operands of a program that is not known here are told as
//! such: it may run them.

mod configured;
mod context;
mod imports;
mod interpreters;
mod known;
mod options;
mod reader;
mod reading;
mod scripts;
mod shell;
mod special;
mod wrappers;

pub use context::{Context, PATH, Who};
pub use reading::{Gap, GapKind, Operand, Read, Reading, Run, Set, Wildcard};
pub use scripts::{Memo, Opened, open};

use crate::facts::cron::CronJob;
use crate::host::Target;
use reader::{Reader, Stdin};
use std::path::Path;

/// Reads a command of several words.
pub fn argv(target: &dyn Target, words: &[String], context: Context) -> Reading {
    let mut reader = Reader::new(target);
    reader.command(words, &context, &Stdin::None, false);
    reader.reading
}

/// The words of a command without wrappers in front that change nothing about it: `tini --`,
/// `nice -n 5`.
pub fn bare(words: &[String]) -> &[String] {
    let mut rest = words;
    while let Some((first, arguments)) = rest.split_first() {
        let name = first.rsplit('/').next().unwrap_or_default();
        let plain = wrappers::find(name).filter(|one| one.effect == wrappers::Effect::Nothing);
        let Some(wrapper) = plain else { break };
        let (_, behind) = options::leading(arguments, wrapper.valued);
        match behind.get(wrapper.before..) {
            Some(behind) if !behind.is_empty() => rest = behind,
            _ => break,
        }
    }
    rest
}

/// Whether a program of this name only starts another one.
pub fn is_wrapper(name: &str) -> bool {
    wrappers::find(name).is_some() || special::WRAPPERS.contains(&name)
}

/// Whether a program of this name makes whoever may use it root unless another user is named: it is
/// setuid, and decides by itself for whom it does so.
pub fn raises(name: &str) -> bool {
    let root =
        |one: &wrappers::Wrapper| matches!(one.effect, wrappers::Effect::User(_, Some("root")));
    name == "su" || wrappers::find(name).is_some_and(root)
}

/// What stands in the words of a command for what cannot be told.
pub const UNKNOWN: char = shell::word::UNKNOWN;

/// Reads a job of cron: its command, and the shell that its table names.
pub fn cron(target: &dyn Target, job: &CronJob, home: Option<&str>) -> Reading {
    let why = format!("job of {}", job.at);
    if job.at.line == 0 {
        return program(target, &job.at.file, Context::new(why));
    }
    let mut reading = shell(target, &job.command, Context::of_cron(job, why, home));
    for (name, value) in job.variables.iter().filter(|(name, _)| name == "SHELL") {
        let why = format!("{name} of {}", job.at);
        reading.runs.extend(program(target, Path::new(value), Context::new(why)).runs);
    }
    reading
}

/// Reads a text that a shell is given.
pub fn shell(target: &dyn Target, text: &str, mut context: Context) -> Reading {
    let mut reader = Reader::new(target);
    shell::Shell::read(&mut reader, text, &mut context);
    reader.reading
}

/// Reads a program or script that is started without arguments.
pub fn program(target: &dyn Target, file: &Path, context: Context) -> Reading {
    let mut reader = Reader::new(target);
    reader.program(file, &[], &context, &Stdin::None, true);
    reader.reading
}

/// Reads a file that a shell reads as commands.
pub fn shell_file(target: &dyn Target, file: &Path, mut context: Context) -> Reading {
    let mut reader = Reader::new(target);
    reader.source(&file.to_string_lossy(), &[], &mut context);
    reader.reading
}

#[cfg(test)]
mod tests;

//! Whether a process is one that its unit would start today: `ExecStart=` may have been changed since,
//! or the groups of its user.
//!
//! A program may start another one in its place, and write over its own arguments. Only what neither
//! explains is a difference: another program where a binary is declared, another script, other
//! arguments behind the same first word.

use crate::checks::service::as_declared::{last, on};
use crate::commands::{self, Context};
use crate::declared::environment;
use crate::declared::program::{base, real};
use crate::declared::units::{split_prefix, values};
use crate::facts::Fact;
use crate::facts::process::{Process, Thread};
use crate::facts::settings::Settings;
use crate::facts::unit::Unit;
use crate::formats::systemd::{names, words};
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::Path;

/// What differs between a process and the commands that are declared, in words.
///
/// # Errors
/// Where a path that decides it cannot be followed.
pub(super) fn command(
    unit: &Unit,
    settings: &Settings,
    process: &Process,
    target: &dyn Target,
) -> Fact<Option<String>> {
    let (Ok(Some(exe)), Ok(live)) = (&process.exe, &process.cmdline) else { return Ok(None) };
    // What is left of a command that has ended is not what was started.
    if last(settings, "Type").as_deref() == Some("oneshot") {
        return Ok(None);
    }
    let mut differs = None;
    for (line, _) in values(settings, "Service.ExecStart") {
        let Some(command) = argv(unit, settings, &line, target) else { return Ok(None) };
        match compare(&command, &exe.path, live, target)? {
            Compared::Same | Compared::Untold => return Ok(None),
            Compared::Other(what) => differs = Some(format!("{what} (ExecStart={line})")),
        }
    }
    Ok(differs)
}

/// A command with the name that it is given as its first word.
struct Command {
    words: Vec<String>,
    zero: String,
}

/// The words of a line; `None` where a part is only known when it is started.
fn argv(unit: &Unit, settings: &Settings, line: &str, target: &dyn Target) -> Option<Command> {
    let (prefix, command) = split_prefix(line);
    let words = words(command);
    // A backslash and `;` between commands are systemd's own.
    if words.iter().any(|word| word.contains('\\') || word == ";") {
        return None;
    }
    let words: Option<Vec<String>> =
        words.iter().map(|word| names::expand(word, &unit.id)).collect();
    let mut words = words?;
    if words.iter().any(|word| word.contains('$')) && !prefix.contains(':') {
        let variables = environment::of(settings, target).ok()?;
        words = environment::expand(words, &variables);
        if words.iter().any(|word| word.contains('$')) {
            return None;
        }
    }
    let zero = match prefix.contains('@') {
        true if words.len() > 1 => words.remove(1),
        true => return None,
        false => words.first()?.clone(),
    };
    Some(Command { words, zero })
}

enum Compared {
    Same,
    /// It may be the one.
    Untold,
    Other(String),
}

fn compare(command: &Command, exe: &Path, live: &[String], target: &dyn Target) -> Fact<Compared> {
    let Some((program, arguments)) = command.words.split_first() else {
        return Ok(Compared::Untold);
    };
    let is_exe = |path: &str| -> Fact<bool> {
        Ok(Path::new(path) == exe || real(path, target)?.is_some_and(|end| end == exe))
    };
    let (first, rest) = match live.split_first() {
        Some((first, rest)) => (first.as_str(), rest),
        None => ("", &[][..]),
    };
    if is_exe(program)? {
        // Whoever writes over its arguments seldom leaves the first as it was.
        let written_over = first != command.zero || (rest.is_empty() && !arguments.is_empty());
        return Ok(match written_over || rest == arguments {
            true => Compared::Same,
            false => Compared::Other(format!(
                "it was started with other arguments, `{}`",
                rest.join(" ")
            )),
        });
    }
    let reading = commands::argv(target, &command.words, Context::new("ExecStart="));
    let mut started = None;
    for run in &reading.runs {
        if is_exe(&run.program.to_string_lossy())? {
            started = Some(run);
            break;
        }
    }
    match started {
        // The interpreter of a script: which script it runs stands in its words.
        Some(run) if run.gives_way && program.starts_with('/') => {
            let names = |word: &String| word == program || base(word) == base(program);
            let told =
                is_exe(first).unwrap_or(false) || base(first) == base(&exe.to_string_lossy());
            let is_script = run.arguments.iter().any(names);
            Ok(match told && is_script && !rest.is_empty() && !rest.iter().any(names) {
                true => Compared::Other(format!("it runs `{}`", rest.join(" "))),
                false => Compared::Same,
            })
        }
        Some(_) => Ok(Compared::Same),
        // A program that is declared by itself may start another one in its place, but seldom one of
        // another name; a script, and what could not be followed, may start anything.
        None => {
            let alone = reading.runs.len() == 1 && reading.gaps.is_empty();
            let known = matches!(target.file(Path::new(program)), Ok(Some(_)));
            let renamed = base(program) != base(&exe.to_string_lossy());
            Ok(match alone && known && renamed {
                true => Compared::Other(format!("it is {}", crate::text::path(exe))),
                false => Compared::Untold,
            })
        }
    }
}

/// Groups that a process has and that its user would not be given today. Only root can give itself
/// groups, and PAM may add some.
///
/// # Errors
/// Where the groups of the user or a declared group cannot be told.
pub(super) fn groups(
    unit: &Unit,
    settings: &Settings,
    threads: &[Thread],
    target: &dyn Target,
) -> Fact<Option<String>> {
    let named = last(settings, "User").filter(|name| !name.is_empty());
    let Some(user) = named.and_then(|name| names::expand(&name, &unit.id)) else { return Ok(None) };
    let pam = last(settings, "PAMName").is_some_and(|name| !name.is_empty());
    let root = threads.iter().any(|thread| thread.uid.all().contains(&0));
    if pam || root {
        return Ok(None);
    }
    let account = match user.parse() {
        Ok(uid) => target.user_by_id(uid)?,
        Err(_) => target.user(&user)?,
    };
    let mut declared: BTreeSet<u32> = threads.iter().flat_map(|one| one.gid.all()).collect();
    match account {
        Some(account) => declared.extend(target.groups_of(&account)?),
        None if on(settings, "DynamicUser") => {}
        None => return Ok(None),
    }
    for (line, _) in values(settings, "Service.SupplementaryGroups") {
        for name in line.split_whitespace() {
            let Some(name) = names::expand(name, &unit.id) else { return Ok(None) };
            match name.parse() {
                Ok(gid) => drop(declared.insert(gid)),
                Err(_) => declared.extend(target.group(&name)?.map(|group| group.gid)),
            }
        }
    }
    let more: BTreeSet<u32> =
        threads.iter().flat_map(|one| one.groups.difference(&declared)).copied().collect();
    let names = more.iter().map(|gid| match target.group_by_id(*gid) {
        Ok(Some(group)) => group.name,
        _ => gid.to_string(),
    });
    let names: Vec<String> = names.collect();
    Ok((!names.is_empty()).then(|| {
        format!("beyond the groups of {user} and SupplementaryGroups= it has {}", names.join(", "))
    }))
}

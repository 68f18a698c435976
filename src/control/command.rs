//! What a command leads to, as things that somebody may control: its programs with their libraries,
//! scripts, what they read as code. [`crate::commands`] reads the command.

use super::{Items, engines, environment, program};
use crate::commands::{self, Context, Gap, GapKind, Opened, Operand, Reading, Who};
use crate::facts::file::FileKind;
use crate::host::Target;
use crate::host::route::route;
use std::path::Path;

pub use crate::commands::PATH;

/// Where distributions put what they run. What their scripts put together when they run is made of
/// their own settings; that of other scripts may be anything.
const DISTRIBUTION: &[&str] = &[
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/libexec",
    "/usr/share",
    "/bin",
    "/sbin",
    "/lib",
    "/etc",
    "/var/lib/dpkg",
];

/// Adds what a command of several words runs.
pub fn add(target: &dyn Target, words: &[String], context: Context, items: &mut Items) {
    take(target, commands::argv(target, words, context), items);
}

/// Adds what a shell command in one text runs.
pub fn add_shell(target: &dyn Target, text: &str, context: Context, items: &mut Items) {
    take(target, commands::shell(target, text, context), items);
}

/// Adds a program or script and what it leads to.
pub fn add_program(target: &dyn Target, file: &Path, context: Context, items: &mut Items) {
    take(target, commands::program(target, file, context), items);
}

/// Adds a file that a shell reads as commands, and what it leads to.
pub fn add_shell_file(target: &dyn Target, file: &Path, context: Context, items: &mut Items) {
    take(target, commands::shell_file(target, file, context), items);
}

/// How much something counts that is run by somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    Fully,
    Perhaps,
    Not,
}

fn counts(target: &dyn Target, who: &Who, items: &mut Items) -> Counts {
    let Who::User(name) = who else {
        return match who {
            Who::Unclear(_) if items.of_root => Counts::Perhaps,
            _ => Counts::Fully,
        };
    };
    if !items.of_root {
        return Counts::Fully;
    }
    let user = match name.parse::<u32>() {
        Ok(uid) => return if uid == 0 { Counts::Fully } else { Counts::Not },
        Err(_) => target.user(name),
    };
    match user {
        Ok(Some(user)) if user.uid != 0 => Counts::Not,
        // A user that there is not runs nothing.
        Ok(None) if name != "root" => Counts::Not,
        Ok(_) => Counts::Fully,
        Err(why) => {
            items.unread.push(why);
            Counts::Perhaps
        }
    }
}

fn take(target: &dyn Target, reading: Reading, items: &mut Items) {
    for run in &reading.runs {
        match counts(target, &run.who, items) {
            Counts::Fully => {
                if items.add(&run.program, &run.why) {
                    libraries(target, &run.program, &run.why, items);
                }
                let from = run.from.as_deref();
                engines::add_run(target, &run.program, &run.arguments, from, &run.why, items);
            }
            Counts::Perhaps => {
                items.doubt(&run.program, format!("{}, as whom cannot be told", run.why));
            }
            Counts::Not => {}
        }
    }
    for read in reading.reads.iter().chain(&reading.missing) {
        match counts(target, &read.who, items) {
            Counts::Fully => drop(items.add(&read.path, &read.why)),
            Counts::Perhaps => {
                items.doubt(&read.path, format!("{}, as whom cannot be told", read.why));
            }
            Counts::Not => {}
        }
    }
    for set in &reading.set {
        if counts(target, &set.who, items) == Counts::Fully {
            let known: Vec<&str> =
                set.value.split(':').filter(|part| !part.contains('$')).collect();
            environment::add(&set.name, &known.join(":"), &set.why, items);
        }
    }
    for wildcard in &reading.wildcards {
        if counts(target, &wildcard.who, items) == Counts::Fully {
            let why = format!(
                "directory whose file names {} takes for options, {}",
                wildcard.program, wildcard.why
            );
            items.add(&wildcard.directory, why);
        }
    }
    for operand in reading.operands.iter().filter(|operand| !operand.is_data) {
        if counts(target, &operand.who, items) != Counts::Not && is_file(target, operand, items) {
            let why = format!("{} which {} may run", operand.why, operand.program);
            items.doubt(&operand.path, why);
        }
    }
    for gap in reading.gaps {
        if counts(target, &gap.who, items) != Counts::Not {
            untold(gap, items);
        }
    }
}

fn is_file(target: &dyn Target, operand: &Operand, items: &mut Items) -> bool {
    match route(target, &operand.path) {
        Ok(route) => route.end.is_some_and(|(_, fact)| fact.kind == FileKind::File),
        Err(why) => {
            items.unread.push(why);
            false
        }
    }
}

fn untold(gap: Gap, items: &mut Items) {
    match (gap.kind, &gap.script) {
        // Whoever could make one of that name has been told.
        (GapKind::NotFound, _) => {}
        (GapKind::Unseen, _) | (GapKind::Composed, None) => items.unread.push(gap.unknown),
        (GapKind::Composed, Some(script)) => {
            let own = DISTRIBUTION.iter().any(|place| script.starts_with(place));
            if own { items.unfollowed.push(gap.unknown) } else { items.unread.push(gap.unknown) }
        }
    }
}

fn libraries(target: &dyn Target, file: &Path, why: &str, items: &mut Items) {
    if let Ok(Opened::Script { .. } | Opened::Text { .. }) = commands::open(target, file) {
        return;
    }
    match route(target, file) {
        Ok(route) => {
            if let Some((at, fact)) = route.end
                && fact.kind == FileKind::File
            {
                program::add_libraries(target, &at, why, items);
            }
        }
        Err(unknown) => items.unread.push(unknown),
    }
}

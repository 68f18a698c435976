//! Programs and scripts that may go on as somebody else than who they were started as.

use super::program::{base, real};
use crate::commands::{self, Context, Who};
use crate::facts::file::{FileKind, Match};
use crate::facts::start::Start;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::cache::Answers;
use crate::host::{Target, learn};
use regex::Regex;
use std::path::{Path, PathBuf};

/// The text of the scripts that programs are, read once a run.
#[derive(Default)]
struct Scripts(Answers<PathBuf, String>);

/// Takes note of the script that a command is, and of what keeps its user from being known: a
/// program that may change it.
pub fn settle(start: &mut Start, target: &dyn Target) {
    if start.script.is_none() {
        match start.program.as_deref().map_or(Ok(None), |path| known_script(path, target)) {
            Ok(script) => start.script = script,
            // A script that is not seen may start something else as somebody else.
            Err(why) => {
                start.identity = start.identity.clone().and(Err(why));
                return;
            }
        }
    }
    let Ok(identity) = &start.identity else { return };
    let root = identity.uid == Some(0);
    if let Some(changer) = changer(start, root, target) {
        let why = match root {
            true => format!("starts as root and may drop privileges ({changer})"),
            false => format!("may become root ({changer})"),
        };
        start.identity = Err(Unknown::new(start.command.join(" "), Cause::Unsupported(why)));
    }
}

/// The program by which a command may change its user: root needs none to be setuid.
fn changer(start: &Start, root: bool, target: &dyn Target) -> Option<String> {
    let reading = commands::argv(target, &start.command, Context::new(&start.by));
    let name = |run: &commands::Run| base(&run.program.to_string_lossy()).to_owned();
    if !root {
        let mut names = reading.runs.iter().map(name);
        return names.find(|name| commands::raises(name));
    }
    let is_root = |who: &Who| matches!(who, Who::User(name) if name == "root" || name == "0");
    let changed = |run: &commands::Run| run.who != Who::Same && !is_root(&run.who);
    let at = reading.runs.iter().position(changed)?;
    let before = reading.runs.iter().take(at).rev().find(|run| run.gives_way);
    Some(before.map(name).unwrap_or_default())
}

/// The text of a script, read once a run; `None` for what is not one.
///
/// # Errors
/// Those of [`script`].
pub(super) fn known_script(path: &Path, target: &dyn Target) -> Fact<Option<String>> {
    target.memo().table::<Scripts>().0.get(path, || script(path, target))
}

/// The text of a script; what is not there or is no script has none.
///
/// # Errors
/// Where it cannot be seen, or is too long to be looked through.
pub(super) fn script(path: &Path, target: &dyn Target) -> Fact<Option<String>> {
    const LONGEST: u64 = 64 << 10;
    const MARK: &[u8] = b"#!";
    let Some(mut fact) = target.file(path)? else { return Ok(None) };
    if fact.kind == FileKind::Symlink
        && let Some(end) = real(&path.to_string_lossy(), target)?
        && let Some(found) = target.file(&end)?
    {
        fact = found;
    }
    if fact.size > LONGEST {
        // Programs are not kept in recordings: whether one is a script is.
        let begins = learn(target, "script", path, |target| {
            Ok(target.part(path, 0, MARK.len())?.is_some_and(|bytes| bytes == MARK))
        });
        let too_large = || {
            let limit = format!("a script of more than {} KiB", LONGEST >> 10);
            Unknown::new(path.display().to_string(), Cause::TooLarge(limit))
        };
        return if begins? { Err(too_large()) } else { Ok(None) };
    }
    // Asked like this, so that a recording can tell of a program whose bytes it does not keep.
    let Ok(is_script) = Regex::new(r"\A#!") else { return Ok(None) };
    match target.first_match(path, &is_script) {
        // Of an image that goes by, no more than how it begins is known of most programs.
        Err(why) => match super::startable::first_line(path, target) {
            Ok(None) => Ok(None),
            _ => Err(why),
        },
        Ok(None | Some(Match::Nowhere)) => Ok(None),
        Ok(Some(_)) => {
            let bytes = target.read_marked(path)?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        }
    }
}

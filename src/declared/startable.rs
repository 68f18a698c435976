//! Whether the program of an image is there, and its user may execute it.

use super::entrypoint::find;
use super::libraries;
use super::user::Resolved;
use crate::access::{Credentials, Permission, decide};
use crate::facts::file::FileKind;
use crate::facts::image::ImageConfig;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Target, learn};
use crate::text;
use std::path::{Path, PathBuf};

/// How a script begins.
const MARK: &[u8] = b"#!";
/// How much the kernel reads of a script, `BINPRM_BUF_SIZE` of `linux/binfmts.h`.
const BEGIN: usize = 256;
/// How many interpreters may lie behind each other, `fs/exec.c`.
const INTERPRETERS: usize = 5;

/// What keeps the container's first program from being started, if anything does. `loads`: its libraries
/// are looked for, too.
///
/// # Errors
/// Where it cannot be looked at.
pub fn obstacle(
    config: &ImageConfig,
    user: &Resolved,
    loads: bool,
    target: &dyn Target,
) -> Fact<Option<String>> {
    let Some(first) = config.entrypoint.iter().chain(&config.cmd).next() else { return Ok(None) };
    let Some(mut path) = find(first, config, target)? else {
        return Ok(Some(format!("`{first}` is in no directory of PATH")));
    };
    let gids = target
        .user_by_id(user.uid)?
        .map(|user| target.groups_of(&user))
        .transpose()?
        .unwrap_or_default();
    // The root of a container may execute what has the bit for anybody, as CAP_DAC_OVERRIDE has it.
    let who = Credentials::of(user.uid, gids.into_iter().chain([user.gid]));
    let mut needed_by = String::new();
    for _ in 0..INTERPRETERS {
        let because = |why: String| Ok(Some(format!("{needed_by}{why}")));
        if let Some(why) = executable(&path, &who, target)? {
            return because(why);
        }
        let Some(line) = first_line(&path, target)? else {
            if !loads {
                return Ok(None);
            }
            return match libraries::missing(&path, config, &who, target)? {
                Some(why) => because(why),
                None => Ok(None),
            };
        };
        let Some(interpreter) = line.split_whitespace().next() else {
            return because(format!("{} names no interpreter", text::path(&path)));
        };
        needed_by = format!("{} needs {interpreter}: ", text::path(&path));
        path = PathBuf::from(interpreter);
    }
    Ok(Some(format!("{needed_by}more than {INTERPRETERS} interpreters")))
}

/// The line behind `#!` of a script, as far as the kernel reads it; `None` for what is none.
///
/// # Errors
/// Where the file cannot be read.
pub fn first_line(path: &Path, target: &dyn Target) -> Fact<Option<String>> {
    // Programs are not kept in recordings: how one begins is.
    learn(target, "first line", path, |target| {
        let mark = target.part(path, 0, MARK.len())?;
        if mark.as_deref() != Some(MARK) {
            return Ok(None);
        }
        let begin = target.part(path, 0, BEGIN)?.unwrap_or_default();
        let line = begin.strip_prefix(MARK).and_then(|rest| rest.split(|b| *b == b'\n').next());
        Ok(line.map(|line| String::from_utf8_lossy(line).into_owned()))
    })
}

/// Why somebody may not execute a file, if that is so.
///
/// # Errors
/// Where that cannot be told.
pub(super) fn executable(
    path: &Path,
    who: &Credentials,
    target: &dyn Target,
) -> Fact<Option<String>> {
    let shown = text::path(path);
    let Some(ruling) = decide(target, path, who, Permission::Execute)? else {
        return Ok(Some(format!("there is no {shown}")));
    };
    if !ruling.allowed {
        return Ok(Some(format!("uid {} may not execute {shown} ({})", who.uid, ruling.because)));
    }
    let kind = target.file(&ruling.component)?.map(|file| file.kind);
    Ok(match kind {
        Some(FileKind::Directory) => Some(format!("{shown} is a directory")),
        _ => None,
    })
}

/// That nothing is declared which could be looked at.
pub fn nothing_declared() -> Unknown {
    let why = "neither ENTRYPOINT nor CMD says what it starts".to_owned();
    Unknown::new("the image's command", Cause::Unsupported(why))
}

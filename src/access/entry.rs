//! A name in a directory: whether somebody may create it, or remove it and so put something else
//! in its place. The rules are those of `may_create()`, `may_delete()` and `__check_sticky()` of the
//! kernel's `fs/namei.c`.

use super::resolve::{Search, Walk, walk};
use super::{Credentials, Ruling, class, read_only};
use crate::facts::file::{FileFact, FileKind};
use crate::facts::{Cause, Fact, Unknown, capability};
use crate::host::Files;
use std::path::Path;

/// The sticky bit of `inode(7)`.
const STICKY: u16 = 0o1000;

/// Whether `who` may create the name at the end of `path`, where there is none, or rename what is
/// there, whatever it is: a link at the end is not followed.
///
/// `None`: the directory does not exist.
///
/// # Errors
/// Where something that the answer depends on could not be seen, and for a path that ends in no name.
pub fn decide_entry(files: &dyn Files, path: &Path, who: &Credentials) -> Fact<Option<Ruling>> {
    let (Some(parent), Some(_)) = (path.parent(), path.file_name()) else {
        let why = "only a name in a directory can be created or replaced".to_owned();
        return Err(Unknown::new(path.display().to_string(), Cause::Unsupported(why)));
    };
    let (directory, fact) = match walk(files, parent, who, Search::AsIs)? {
        Walk::Reached { path, fact } => (path, fact),
        Walk::Stopped(ruling) => return Ok(Some(ruling)),
        Walk::Missing => return Ok(None),
    };
    if fact.kind != FileKind::Directory {
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default();
    let entry = files.file(&directory.join(name))?;
    let wanted = class::WRITE | class::EXECUTE;
    let verdict = class::check(files, &directory, &fact, who, wanted)?;
    let because = if !verdict.allowed {
        verdict.because
    } else if read_only(files, &directory, FileKind::Directory)? {
        "the filesystem is mounted read-only".to_owned()
    } else if let Some(why) = entry.as_ref().and_then(|entry| pinned(&fact, entry, who)) {
        why.to_owned()
    } else if let Some(why) = protected(files, &directory, entry.is_some().then_some(path))? {
        why.to_owned()
    } else {
        let because = verdict.because;
        return Ok(Some(Ruling {
            allowed: true,
            append_only: false,
            component: directory,
            because,
        }));
    };
    Ok(Some(Ruling { allowed: false, append_only: false, component: directory, because }))
}

/// Why not even root makes a name in a directory, or (where there is an `entry`) takes it away: the flags
/// of `chattr(1)`, see `may_create()` and `may_delete()`.
pub(super) fn protected(
    files: &dyn Files,
    directory: &Path,
    entry: Option<&Path>,
) -> Fact<Option<&'static str>> {
    let of_directory = files.protection(directory)?;
    if of_directory.immutable {
        return Ok(Some("the directory is immutable (chattr +i)"));
    }
    let Some(entry) = entry else { return Ok(None) };
    if of_directory.append_only {
        return Ok(Some("the directory is append-only (chattr +a)"));
    }
    Ok(files.protection(entry)?.pins())
}

/// Why an entry stays where it is although its directory may be written.
pub(super) fn pinned(
    directory: &FileFact,
    entry: &FileFact,
    who: &Credentials,
) -> Option<&'static str> {
    if is_mounted(directory, entry) {
        return Some("something is mounted there, which cannot be renamed (EBUSY)");
    }
    let owner = entry.uid == who.uid || directory.uid == who.uid;
    let kept = directory.mode.0 & STICKY != 0
        && !owner
        && !capability::has(who.capabilities, capability::FOWNER);
    kept.then_some("the directory is sticky, and neither it nor what is there belongs to them")
}

/// Whether another filesystem is mounted on an entry. A bind mount of the same filesystem is not
/// seen; then the answer is that it could be replaced.
fn is_mounted(directory: &FileFact, entry: &FileFact) -> bool {
    entry.kind == FileKind::Directory && directory.device != entry.device
}

//! The walk along a path, one component after the other, as `path_resolution(7)` describes it
//! and `link_path_walk()` of `fs/namei.c` does it.

use super::{Credentials, Ruling, class};
use crate::facts::file::{FileFact, FileKind};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use crate::host::path::{LINK_LIMIT, PATH_LIMIT, components, ends_in_slash, target_of};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most bytes of one component (`NAME_MAX`).
const NAME_LIMIT: usize = 255;
/// The switch of `proc_sys_fs(5)` against link attacks in shared directories.
const PROTECTED_SYMLINKS: &str = "/proc/sys/fs/protected_symlinks";

/// Where a walk ended.
pub(super) enum Walk {
    /// At a file that is no symbolic link; the path has none on the way either.
    Reached {
        /// Canonical path.
        path: PathBuf,
        /// The file.
        fact: Arc<FileFact>,
    },
    /// At a component that may not be passed.
    Stopped(Ruling),
    /// At a name that does not exist (`ENOENT`, `ENOTDIR`).
    Missing,
}

/// When a directory may be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// With the permissions that there are.
    AsIs,
    /// With those that the walker could have: whoever owns a directory can `chmod` it.
    AsOwnerLikes,
}

/// A directory, or at the very end a file, that the walk came to.
struct Place {
    path: PathBuf,
    fact: Arc<FileFact>,
}

/// Walks along an absolute path with the rights of `who`, following links up to its very end.
pub(super) fn walk(
    files: &dyn Files,
    path: &Path,
    who: &Credentials,
    search: Search,
) -> Fact<Walk> {
    let text = path.as_os_str();
    if !path.is_absolute() {
        let why = "only an absolute path can be decided".to_owned();
        return Err(Unknown::new(path.display().to_string(), Cause::Unsupported(why)));
    }
    if text.len() > PATH_LIMIT {
        return Ok(Walk::Stopped(Ruling::denied(path, "the path is longer than 4095 bytes")));
    }
    let Some(fact) = files.file(Path::new("/"))? else { return Ok(Walk::Missing) };
    let root = Place { path: PathBuf::from("/"), fact };
    // The directories that led here: `..` goes back, at the root it stays.
    let mut trail: Vec<Place> = Vec::new();
    let mut pending = components(text);
    let mut directory_wanted = ends_in_slash(text);
    let mut links = 0;
    while let Some(name) = pending.pop() {
        let here = trail.last().unwrap_or(&root);
        if here.fact.kind != FileKind::Directory {
            return Ok(Walk::Missing);
        }
        if let Some(ruling) = search_denied(files, here, who, search)? {
            return Ok(Walk::Stopped(ruling));
        }
        if name == "." {
            continue;
        }
        if name == ".." {
            trail.pop();
            continue;
        }
        let next = here.path.join(&name);
        if name.len() > NAME_LIMIT {
            return Ok(Walk::Stopped(Ruling::denied(&next, "the name is longer than 255 bytes")));
        }
        let Some(fact) = files.file(&next)? else { return Ok(Walk::Missing) };
        if fact.kind != FileKind::Symlink {
            trail.push(Place { path: next, fact });
            continue;
        }
        links += 1;
        if links > LINK_LIMIT {
            return Ok(Walk::Stopped(Ruling::denied(&next, "more than 40 symbolic links (ELOOP)")));
        }
        let last = pending.is_empty();
        if last && let Some(ruling) = follow_denied(files, here, &next, &fact, who)? {
            return Ok(Walk::Stopped(ruling));
        }
        let target = target_of(&next, &fact)?;
        if target.is_empty() {
            return Ok(Walk::Missing);
        }
        if target.len() > PATH_LIMIT {
            let because = "the link's target is longer than 4095 bytes";
            return Ok(Walk::Stopped(Ruling::denied(&next, because)));
        }
        if target.as_bytes().first() == Some(&b'/') {
            trail.clear();
        }
        directory_wanted |= last && ends_in_slash(target);
        pending.extend(components(target));
    }
    let Place { path, fact } = trail.pop().unwrap_or(root);
    if directory_wanted && fact.kind != FileKind::Directory {
        return Ok(Walk::Missing);
    }
    Ok(Walk::Reached { path, fact })
}

/// Why the directory may not be passed, if so.
fn search_denied(
    files: &dyn Files,
    directory: &Place,
    who: &Credentials,
    search: Search,
) -> Fact<Option<Ruling>> {
    if search == Search::AsOwnerLikes && directory.fact.uid == who.uid {
        return Ok(None);
    }
    let verdict = class::check(files, &directory.path, &directory.fact, who, class::EXECUTE)?;
    if verdict.allowed {
        return Ok(None);
    }
    let because = format!("{}, x is needed to pass", verdict.because);
    Ok(Some(Ruling::denied(&directory.path, because)))
}

/// Why a link at the end of a path may not be followed, if so: `may_follow_link()`. In a sticky
/// directory that all may write to, a link is followed only by its owner, or if it belongs to the
/// owner of the directory. No capability helps. The switch is looked at only where it decides.
fn follow_denied(
    files: &dyn Files,
    directory: &Place,
    link: &Path,
    fact: &FileFact,
    who: &Credentials,
) -> Fact<Option<Ruling>> {
    const STICKY_AND_WRITABLE: u16 = 0o1002;
    let shared = directory.fact.mode.0 & STICKY_AND_WRITABLE == STICKY_AND_WRITABLE;
    if fact.uid == who.uid || !shared || directory.fact.uid == fact.uid {
        return Ok(None);
    }
    let Some(content) = files.read(Path::new(PROTECTED_SYMLINKS))? else {
        let why = format!("following {} depends on it, and it is not there", link.display());
        return Err(Unknown::new(PROTECTED_SYMLINKS, Cause::Unsupported(why)));
    };
    match content.trim_ascii() {
        b"0" => Ok(None),
        b"1" => Ok(Some(Ruling::denied(
            link,
            format!("fs.protected_symlinks: link of uid {} in a sticky directory", fact.uid),
        ))),
        _ => {
            let why = "neither 0 nor 1".to_owned();
            Err(Unknown::new(PROTECTED_SYMLINKS, Cause::Malformed(why)))
        }
    }
}

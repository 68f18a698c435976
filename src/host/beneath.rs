//! Files below a directory that stands for `/`.
//!
//! `openat2(2)` with `RESOLVE_IN_ROOT` finds them: absolute symbolic links begin at that directory and
//! `..` stops there. Where there is no such call the same is done step by step. That is so before
//! Linux 5.6, and wherever a filter of system calls forbids it: systemd answers every `openat2` with
//! `ENOSYS` in a unit with `RestrictSUIDSGID=`, since a filter cannot look at the mode in its argument,
//! and older profiles of container engines answer `EPERM`.
//!
//! The steps never open `..` and never follow a link by the kernel: each name is opened with
//! `O_PATH|O_NOFOLLOW` below a descriptor that was reached the same way, `..` goes back to the
//! descriptor before, and links are read and walked as text. So nobody who moves directories meanwhile
//! can lead the way out.

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat, openat2, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::sys::statfs::{PROC_SUPER_MAGIC, fstatfs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a look-up is begun again when the kernel could not rule out that somebody moved a
/// directory meanwhile (`EAGAIN` of `openat2(2)`).
const TRIES: usize = 8;
/// The most symbolic links that one path may lead through, `path_resolution(7)`.
const LINK_LIMIT: usize = 40;
/// The longest path (`PATH_MAX` without its final zero).
const PATH_LIMIT: usize = 4095;

/// Whether symbolic links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// All of them; the last one not with `O_NOFOLLOW`.
    Follow,
    /// None: one on the way is `ELOOP`.
    Refuse,
}

/// Opens what a path leads to below `root`. `flags`: `O_PATH`, or those of a directory to be listed.
///
/// # Errors
/// Those of `openat2(2)`: `EAGAIN` where directories keep being moved.
pub fn open(root: impl AsFd, path: &Path, flags: OFlag, links: Links) -> nix::Result<OwnedFd> {
    static MISSING: AtomicBool = AtomicBool::new(false);
    let root = root.as_fd();
    if MISSING.load(Ordering::Relaxed) {
        return step_by_step(root, path, flags, links);
    }
    let inside = path.strip_prefix("/").unwrap_or(path);
    let inside = if inside.as_os_str().is_empty() { Path::new(".") } else { inside };
    let resolve = match links {
        Links::Follow => ResolveFlag::RESOLVE_NO_MAGICLINKS,
        Links::Refuse => ResolveFlag::RESOLVE_NO_SYMLINKS,
    };
    let how = OpenHow::new().flags(flags).resolve(resolve | ResolveFlag::RESOLVE_IN_ROOT);
    for _ in 0..TRIES {
        match openat2(root, inside, how) {
            Err(Errno::EAGAIN) => {}
            Err(Errno::ENOSYS | Errno::EPERM) => {
                MISSING.store(true, Ordering::Relaxed);
                return step_by_step(root, path, flags, links);
            }
            opened => return opened,
        }
    }
    Err(Errno::EAGAIN)
}

/// [`open`] without `openat2(2)`.
///
/// # Errors
/// The same.
pub fn step_by_step(
    root: BorrowedFd<'_>,
    path: &Path,
    flags: OFlag,
    links: Links,
) -> nix::Result<OwnedFd> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.len() > PATH_LIMIT {
        return Err(Errno::ENAMETOOLONG);
    }
    let mut pending = names(bytes);
    // Directories that were come through, the last one being where the next name is looked up.
    let mut trail: Vec<OwnedFd> = Vec::new();
    let mut followed = 0;
    while let Some(name) = pending.pop() {
        let here = trail.last().map_or(root, AsFd::as_fd);
        // A name may follow on directories only, `.` and `..` as well.
        if kind(here)? != SFlag::S_IFDIR {
            return Err(Errno::ENOTDIR);
        }
        match name.as_slice() {
            b"." => continue,
            b".." => {
                trail.pop();
                continue;
            }
            _ => {}
        }
        let step = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let next = openat(here, name.as_slice(), step, Mode::empty())?;
        let stays = pending.is_empty() && flags.contains(OFlag::O_NOFOLLOW);
        if stays || kind(next.as_fd())? != SFlag::S_IFLNK {
            trail.push(next);
            continue;
        }
        followed += 1;
        if followed > LINK_LIMIT || links == Links::Refuse {
            return Err(Errno::ELOOP);
        }
        let target = readlinkat(&next, "")?;
        let target = target.as_bytes();
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        if is_magic(&next, target)? {
            return Err(Errno::ELOOP);
        }
        if target.starts_with(b"/") {
            trail.clear();
        }
        pending.extend(names(target));
    }
    let found = match trail.pop() {
        Some(found) => found,
        None => root.try_clone_to_owned().map_err(|_| Errno::EMFILE)?,
    };
    finish(found, flags)
}

/// What was found, opened as it was asked for.
fn finish(found: OwnedFd, flags: OFlag) -> nix::Result<OwnedFd> {
    if flags.contains(OFlag::O_DIRECTORY) && kind(found.as_fd())? != SFlag::S_IFDIR {
        return Err(Errno::ENOTDIR);
    }
    if flags.contains(OFlag::O_PATH) {
        return Ok(found);
    }
    if !flags.contains(OFlag::O_DIRECTORY) {
        return Err(Errno::EINVAL);
    }
    openat(&found, ".", flags, Mode::empty())
}

fn kind(file: BorrowedFd<'_>) -> nix::Result<SFlag> {
    Ok(SFlag::from_bits_truncate(fstat(file)?.st_mode) & SFlag::S_IFMT)
}

/// Whether a link is one of those in `/proc/PID` that lead to something whatever their text says. The
/// others of procfs are relative.
fn is_magic(link: &OwnedFd, target: &[u8]) -> nix::Result<bool> {
    let odd = target.starts_with(b"/") || target.contains(&b':');
    Ok(odd && fstatfs(link)?.filesystem_type() == PROC_SUPER_MAGIC)
}

/// The names of a path, the last one first. A slash at the end means the same as `/.`: that what
/// comes before is a directory.
fn names(path: &[u8]) -> Vec<Vec<u8>> {
    let end = path.ends_with(b"/").then(|| b".".to_vec());
    let names = path.rsplit(|byte| *byte == b'/').filter(|name| !name.is_empty());
    end.into_iter().chain(names.map(<[u8]>::to_vec)).collect()
}

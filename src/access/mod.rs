//! What a user may do to a file, decided as the kernel decides it.
//!
//! The rules are those of `path_resolution(7)`, `acl(5)`, `capabilities(7)` and of the kernel's
//! `fs/namei.c` and `fs/posix_acl.c`. Nothing is opened: the answer follows from what
//! [`Files`] says about owners, modes, access control lists and mounts, so it is the same for a
//! live host and a recording. What cannot be seen makes the answer unknown.
//!
//! Decided here: search permission on every directory of the path, symbolic links (at most 40,
//! `fs.protected_symlinks`), the class that applies, access control lists, the capabilities
//! that override, read-only filesystems, immutable and append-only files; the names in a directory with its sticky bit
//! ([`decide_entry`]), and from both who controls what a path leads to ([`who_controls`]). Not decided here, since [`Files`] does not say:
//! `noexec` and `nodev` mounts, security modules, and user
//! namespaces (ids are those of the initial one). All of these can only take permissions away.

mod acl;
mod class;
pub mod control;
mod entry;
#[cfg(test)]
mod fake;
mod holders;
pub mod people;
mod resolve;
pub mod root_equivalent;
mod unlisted;
mod writers;

pub use class::listing;
pub use control::{Control, Deed, Memo, Way, who_controls};
pub use entry::decide_entry;
pub use people::{Members, People, Person};
pub use unlisted::unlisted;
pub use writers::{Writer, Writers, writers};

use crate::facts::file::FileKind;
use crate::facts::{Fact, capability};
use crate::host::Files;
use class::Verdict;
use resolve::Walk;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// With which rights a file is accessed, see `credentials(7)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Filesystem user id.
    pub uid: u32,
    /// Filesystem group id and supplementary groups.
    pub gids: BTreeSet<u32>,
    /// Effective capabilities, one bit each.
    pub capabilities: u64,
}

impl Credentials {
    /// What a fresh login of this user has: every capability for uid 0, none for others.
    pub fn of(uid: u32, gids: impl IntoIterator<Item = u32>) -> Self {
        let capabilities = if uid == 0 { capability::ALL } else { 0 };
        Self { uid, gids: gids.into_iter().collect(), capabilities }
    }
}

/// What is wanted of a file: the permission bits of `inode(7)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Open for reading; for a directory, list it.
    Read,
    /// Open for writing; for a directory, create and remove names in it (needs search as well).
    Write,
    /// Execute; for a directory, search it.
    Execute,
}

impl Permission {
    /// The bits that have to be granted together, by one class or one entry of an ACL.
    fn bits(self, kind: FileKind) -> u8 {
        match (self, kind) {
            (Permission::Read, _) => class::READ,
            (Permission::Write, FileKind::Directory) => class::WRITE | class::EXECUTE,
            (Permission::Write, _) => class::WRITE,
            (Permission::Execute, _) => class::EXECUTE,
        }
    }
}

/// The answer, with the component of the path that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Whether the kernel would allow it.
    pub allowed: bool,
    /// Writing is not allowed save at the end of the file (`O_APPEND`).
    pub append_only: bool,
    /// The file or directory that decided.
    pub component: PathBuf,
    /// Why, in words: `other class has ---`, `group class has r-- (gid 33)`,
    /// `ACL entry user:33:rwx, mask leaves r--`.
    pub because: String,
}

impl Ruling {
    fn denied(component: &Path, because: impl Into<String>) -> Self {
        Self {
            allowed: false,
            append_only: false,
            component: component.to_owned(),
            because: because.into(),
        }
    }
}

impl fmt::Display for Ruling {
    /// `/opt/app: group class has r-- (gid 33)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.component.display(), self.because)
    }
}

/// Whether `who` may do `wanted` to the file that `path` leads to, symbolic links followed.
///
/// `None`: there is no such file. As for the kernel, a directory on the way that may not be
/// searched denies before anybody learns whether the file exists.
///
/// # Errors
/// When a directory, a link or an ACL that the answer depends on could not be seen.
pub fn decide(
    files: &dyn Files,
    path: &Path,
    who: &Credentials,
    wanted: Permission,
) -> Fact<Option<Ruling>> {
    let (path, fact) = match resolve::walk(files, path, who, resolve::Search::AsIs)? {
        Walk::Reached { path, fact } => (path, fact),
        Walk::Stopped(ruling) => return Ok(Some(ruling)),
        Walk::Missing => return Ok(None),
    };
    if wanted == Permission::Execute && !matches!(fact.kind, FileKind::File | FileKind::Directory) {
        // execve(2): EACCES, whatever the mode says.
        let because = format!("a {} cannot be executed", fact.kind.name());
        return Ok(Some(Ruling::denied(&path, because)));
    }
    let verdict = class::check(files, &path, &fact, who, wanted.bits(fact.kind))?;
    if verdict.allowed && wanted == Permission::Write {
        if read_only(files, &path, fact.kind)? {
            return Ok(Some(Ruling::denied(&path, "the filesystem is mounted read-only")));
        }
        let protection = files.protection(&path)?;
        if protection.immutable {
            // inode_permission(): "Nobody gets write access to an immutable file."
            return Ok(Some(Ruling::denied(&path, "it is immutable (chattr +i)")));
        }
        if protection.append_only && fact.kind != FileKind::Directory {
            // may_open(): without O_APPEND, EPERM.
            let because = format!("{}, but it is append-only (chattr +a)", verdict.because);
            return Ok(Some(Ruling { append_only: true, ..Ruling::denied(&path, because) }));
        }
    }
    let Verdict { allowed, because, .. } = verdict;
    Ok(Some(Ruling { allowed, append_only: false, component: path, because }))
}

/// Whether a write gives `EROFS`. What a device, FIFO or socket takes is not written to the
/// filesystem (`sb_permission()`, `special_file()`).
fn read_only(files: &dyn Files, path: &Path, kind: FileKind) -> Fact<bool> {
    match kind {
        FileKind::File | FileKind::Directory | FileKind::Symlink => files.read_only(path),
        FileKind::Socket | FileKind::Fifo | FileKind::BlockDevice | FileKind::CharDevice => {
            Ok(false)
        }
    }
}

#[cfg(test)]
mod tests;

//! The files of the host, by the system's own look-up. Nothing here waits for a FIFO, a device or
//! a lease: what is opened has been seen to be a regular file first.
//!
//! What does not depend on how a path was looked up is shared with root filesystems.

use crate::facts::file::{Acl, FileCapabilities, FileFact, FileKind, Mode, Protection};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{acl, filecap};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{Mode as OpenMode, SFlag, fstat};
use nix::sys::statvfs::{FsFlags, statvfs};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The most names of one directory that are listed.
const LIST_LIMIT: usize = 1 << 20;
/// Larger files are not hashed (256 GiB): a sparse file may claim to have 8 EiB.
const HASH_LIMIT: u64 = 256 << 30;
/// What is read at first of a file that is wanted whole.
const FIRST_READ: usize = 8 << 10;

/// `lstat(2)`; `None` for no such file.
pub(super) fn file(path: &Path) -> Fact<Option<FileFact>> {
    absolute(path)?;
    let Some(meta) = existing(path, fs::symlink_metadata(path))? else { return Ok(None) };
    let link_target = match kind(meta.mode()) {
        Some(FileKind::Symlink) => match fs::read_link(path) {
            Ok(target) => Some(target),
            // Replaced by something else since.
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => {
                return Err(Unknown::new(name(path), Cause::Vanished));
            }
            Err(error) => return existing(path, Err(error)),
        },
        _ => None,
    };
    fact(path, &meta, link_target).map(Some)
}

/// The fact that `stat(2)` amounts to.
pub(in crate::targets) fn fact(
    path: &Path,
    meta: &fs::Metadata,
    link_target: Option<PathBuf>,
) -> Fact<FileFact> {
    let kind = kind(meta.mode()).ok_or_else(|| {
        let cause = Cause::Malformed(format!("a file of unknown kind, mode {:o}", meta.mode()));
        Unknown::new(name(path), cause)
    })?;
    if let Some(overflow) = overflow()
        && (meta.uid() == overflow || meta.gid() == overflow)
    {
        let why = "the user namespace of spotcheck has no id for its owner or group, which is shown \
                   as nobody's (user_namespaces(7)); run it in the host's user namespace";
        return Err(Unknown::new(name(path), Cause::Unsupported(why.to_owned())));
    }
    Ok(FileFact {
        kind,
        uid: meta.uid(),
        gid: meta.gid(),
        mode: Mode((meta.mode() & 0o7777) as u16),
        size: meta.size(),
        device: meta.dev(),
        inode: meta.ino(),
        links: meta.nlink(),
        modified: meta.mtime(),
        changed: meta.ctime(),
        link_target,
    })
}

/// The id that stands for all ids that the reader's user namespace lacks; `None` where it has that one
/// itself, so that it is somebody's.
fn overflow() -> Option<u32> {
    static OVERFLOW: std::sync::OnceLock<Option<u32>> = std::sync::OnceLock::new();
    *OVERFLOW.get_or_init(|| {
        let read = |path: &str| fs::read_to_string(path).ok();
        let overflow = read("/proc/sys/kernel/overflowuid").and_then(|id| id.trim().parse().ok());
        let overflow: u32 = overflow.unwrap_or(65534);
        let map = read("/proc/self/uid_map")?;
        let covers = |line: &str| {
            let mut words = line.split_ascii_whitespace().map(str::parse::<u64>);
            let (Some(Ok(first)), Some(Ok(_)), Some(Ok(count))) =
                (words.next(), words.next(), words.next())
            else {
                return false;
            };
            (first..first.saturating_add(count)).contains(&u64::from(overflow))
        };
        (!map.lines().any(covers)).then_some(overflow)
    })
}

/// The extended access ACL.
pub(super) fn access_acl(path: &Path) -> Fact<Option<Acl>> {
    absolute(path)?;
    acl_of(path, xattr::get(path, acl::ACCESS_XATTR))
}

/// The ACL that an attribute's value amounts to.
pub(in crate::targets) fn acl_of(
    path: &Path,
    value: io::Result<Option<Vec<u8>>>,
) -> Fact<Option<Acl>> {
    match value {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => acl::parse(&bytes).map_err(|why| {
            Unknown::new(format!("ACL of {}", path.display()), Cause::Malformed(why))
        }),
        // A filesystem without ACLs, or a symbolic link, which never has one.
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => Ok(None),
        Err(error) => Err(Unknown::from_io(format!("ACL of {}", path.display()), &error)),
    }
}

/// The file capabilities that an attribute's value amounts to.
pub(in crate::targets) fn capabilities_of(
    path: &Path,
    value: io::Result<Option<Vec<u8>>>,
) -> Fact<Option<FileCapabilities>> {
    let what = || format!("capabilities of {}", path.display());
    match value {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => filecap::parse(&bytes)
            .map(Some)
            .map_err(|why| Unknown::new(what(), Cause::Malformed(why))),
        Err(error) if error.raw_os_error() == Some(Errno::EOPNOTSUPP as i32) => Ok(None),
        Err(error) => Err(Unknown::from_io(what(), &error)),
    }
}

/// Whole content of a regular file of at most `most` bytes.
pub(super) fn read(path: &Path, most: u64) -> Fact<Option<Vec<u8>>> {
    let Some(file) = regular(path)? else { return Ok(None) };
    content(path, file, most).map(Some)
}

/// Everything in an open file of at most `most` bytes.
pub(in crate::targets) fn content(path: &Path, file: File, most: u64) -> Fact<Vec<u8>> {
    // Configuration is small: room for all of it, so that it takes one call to read and one to see
    // that it ends. Files of /proc and /sys have no size, so what is read counts.
    let mut bytes = Vec::with_capacity(FIRST_READ);
    let limit = most.saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|e| Unknown::from_io(name(path), &e))?;
    bytes.shrink_to_fit();
    if bytes.len() as u64 > most {
        let cause = Cause::TooLarge(format!("more than {most} bytes"));
        return Err(Unknown::new(name(path), cause));
    }
    Ok(bytes)
}

/// So many bytes of a regular file, from an offset on.
pub(super) fn read_part(path: &Path, offset: u64, length: usize) -> Fact<Option<Vec<u8>>> {
    regular(path)?.map(|file| part(path, &file, offset, length)).transpose()
}

/// So many bytes of an open file, from an offset on; fewer where it ends before.
pub(in crate::targets) fn part(
    path: &Path,
    file: &File,
    offset: u64,
    length: usize,
) -> Fact<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset.saturating_add(filled as u64)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Unknown::from_io(name(path), &error)),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// SHA-256 in lower-case hexadecimal.
pub(super) fn sha256(path: &Path) -> Fact<Option<String>> {
    let Some(file) = regular(path)? else { return Ok(None) };
    digest(path, file).map(Some)
}

/// SHA-256 of an open file.
pub(in crate::targets) fn digest(path: &Path, mut file: File) -> Fact<String> {
    let mut hash = Sha256::new();
    let mut total: u64 = 0;
    let mut chunk = vec![0; 128 << 10];
    loop {
        let count = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Unknown::from_io(name(path), &error)),
        };
        hash.update(chunk.get(..count).unwrap_or_default());
        total = total.saturating_add(count as u64);
        if total > HASH_LIMIT {
            let cause = Cause::TooLarge(format!("more than {HASH_LIMIT} bytes"));
            return Err(Unknown::new(name(path), cause));
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Names in a directory, sorted.
pub(super) fn list(path: &Path) -> Fact<Option<Vec<OsString>>> {
    absolute(path)?;
    let Some(entries) = existing(path, fs::read_dir(path))? else { return Ok(None) };
    names(path, entries).map(Some)
}

/// The names of an open directory, sorted.
pub(in crate::targets) fn names(path: &Path, entries: fs::ReadDir) -> Fact<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in entries {
        match entry {
            Ok(entry) => names.push(entry.file_name()),
            Err(error) => return Err(Unknown::from_io(name(path), &error)),
        }
        if names.len() > LIST_LIMIT {
            let cause = Cause::TooLarge(format!("more than {LIST_LIMIT} names"));
            return Err(Unknown::new(name(path), cause));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a write would give `EROFS`: the flag of the mount or of its filesystem.
pub(super) fn read_only(path: &Path) -> Fact<bool> {
    absolute(path)?;
    match statvfs(path) {
        Ok(stat) => Ok(stat.flags().contains(FsFlags::ST_RDONLY)),
        Err(errno) => Err(Unknown::from_io(name(path), &errno.into())),
    }
}

/// The flags of `chattr(1)` that bind root.
pub(super) fn protection(path: &Path) -> Fact<Protection> {
    absolute(path)?;
    protection_of(path, rustix::fs::CWD, path)
}

/// The same for what has been opened, or for a path below it. A filesystem that has no such flags
/// leaves them out of the mask, and the kernel out of the answer (`statx(2)`).
pub(in crate::targets) fn protection_of(
    path: &Path,
    at: impl AsFd,
    below: &Path,
) -> Fact<Protection> {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags, statx};
    let flags = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW;
    match statx(at, below, flags, StatxFlags::TYPE) {
        Ok(found) => Ok(Protection {
            immutable: found.stx_attributes.contains(StatxAttributes::IMMUTABLE),
            append_only: found.stx_attributes.contains(StatxAttributes::APPEND),
        }),
        Err(errno) => {
            let found = existing(path, Err(errno.into()))?;
            Ok(found.unwrap_or_default())
        }
    }
}

/// Opens a regular file for reading without ever waiting; `None` for no such file.
///
/// `O_PATH` finds the file without opening it, so that a FIFO is not joined and a device is not
/// started. What then is opened through the descriptor is the file that was looked at, whatever
/// has been put at the path since. `O_NONBLOCK` is for leases and for files of `/proc` that wait.
fn regular(path: &Path) -> Fact<Option<File>> {
    absolute(path)?;
    let found = open(path, OFlag::O_PATH | OFlag::O_CLOEXEC, OpenMode::empty());
    let Some(handle) = existing(path, found.map_err(io::Error::from))? else { return Ok(None) };
    open_regular(path, &handle).map(Some)
}

/// Opens the regular file that an `O_PATH` descriptor stands for.
pub(in crate::targets) fn open_regular(path: &Path, handle: &OwnedFd) -> Fact<File> {
    let stat = fstat(handle).map_err(|errno| Unknown::from_io(name(path), &errno.into()))?;
    match kind(stat.st_mode) {
        Some(FileKind::File) => {}
        other => {
            let kind = other.map_or("file of unknown kind", FileKind::name).replace('_', " ");
            let cause = Cause::Unsupported(format!("a {kind}, not a regular file"));
            return Err(Unknown::new(name(path), cause));
        }
    }
    let again = format!("/proc/self/fd/{}", handle.as_raw_fd());
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    match open(again.as_str(), flags, OpenMode::empty()) {
        Ok(file) => Ok(File::from(file)),
        Err(Errno::EAGAIN) => {
            let cause = Cause::Io("another program holds a lease on it".to_owned());
            Err(Unknown::new(name(path), cause))
        }
        Err(errno) => Err(Unknown::from_io(name(path), &errno.into())),
    }
}

/// `ENOENT` and `ENOTDIR` mean that there is no such file; any other error means not knowing.
pub(in crate::targets) fn existing<T>(path: &Path, result: io::Result<T>) -> Fact<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(Unknown::from_io(name(path), &error)),
    }
}

/// What a relative path means depends on where spotcheck was started.
pub(in crate::targets) fn absolute(path: &Path) -> Fact<()> {
    if path.is_absolute() {
        return Ok(());
    }
    Err(Unknown::new(name(path), Cause::Malformed("not an absolute path".to_owned())))
}

fn kind(mode: u32) -> Option<FileKind> {
    match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFREG => Some(FileKind::File),
        SFlag::S_IFDIR => Some(FileKind::Directory),
        SFlag::S_IFLNK => Some(FileKind::Symlink),
        SFlag::S_IFSOCK => Some(FileKind::Socket),
        SFlag::S_IFIFO => Some(FileKind::Fifo),
        SFlag::S_IFBLK => Some(FileKind::BlockDevice),
        SFlag::S_IFCHR => Some(FileKind::CharDevice),
        _ => None,
    }
}

pub(in crate::targets) fn name(path: &Path) -> String {
    path.display().to_string()
}

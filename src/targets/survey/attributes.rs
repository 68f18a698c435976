//! The attributes of one file: `statx(2)`, the target of a link, extended attributes.

use crate::facts::file::{FileKind, Mode};
use crate::facts::snapshot::{Algorithm, Content, Extra, Record, Time};
use rustix::fs::{AtFlags, Statx, StatxFlags};
use rustix::io::Errno;
use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Flags of `statx(2)` that somebody sets on a file; the others say how it is mounted.
const FLAGS: u64 = 0x4 | 0x10 | 0x20 | 0x40 | 0x800 | 0x10_0000 | 0x20_0000;
const MOUNT_ROOT: u64 = 0x2000;
/// Longer values of extended attributes are kept as their digest.
const VALUE_KEPT: usize = 512;
/// The most extended attributes of one file.
const XATTR_COUNT: usize = 128;
/// The most bytes that the kernel gives for names or for a value (`XATTR_SIZE_MAX`).
pub(super) const XATTR_LIMIT: usize = 64 << 10;

/// `statx(2)` of a name in a directory, not following a link, not mounting anything.
pub(super) fn statx(directory: BorrowedFd, name: &CStr) -> Result<Statx, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    rustix::fs::statx(directory, name, flags, StatxFlags::BASIC_STATS)
}

/// The same of an open file.
pub(super) fn statx_fd(file: BorrowedFd) -> Result<Statx, Errno> {
    rustix::fs::statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
}

/// What `statx(2)` says, without content, link and extended attributes. `None`: a kind of file that
/// this is too old to know.
pub(super) fn record(stat: &Statx) -> Option<Record> {
    let kind = match u32::from(stat.stx_mode) & 0o170_000 {
        0o100_000 => FileKind::File,
        0o040_000 => FileKind::Directory,
        0o120_000 => FileKind::Symlink,
        0o140_000 => FileKind::Socket,
        0o010_000 => FileKind::Fifo,
        0o060_000 => FileKind::BlockDevice,
        0o020_000 => FileKind::CharDevice,
        _ => return None,
    };
    let flags = stat.stx_attributes.bits() & FLAGS;
    let device = matches!(kind, FileKind::BlockDevice | FileKind::CharDevice)
        .then_some((stat.stx_rdev_major, stat.stx_rdev_minor));
    let extra = (flags != 0 || device.is_some())
        .then(|| Box::new(Extra { flags, device, ..Extra::default() }));
    Some(Record {
        name_end: 0,
        kind,
        mode: Mode(stat.stx_mode & 0o7777),
        uid: stat.stx_uid,
        gid: stat.stx_gid,
        links: stat.stx_nlink,
        package: 0,
        filesystem: filesystem(stat),
        inode: stat.stx_ino,
        size: stat.stx_size,
        modified: Time { seconds: stat.stx_mtime.tv_sec, nanoseconds: stat.stx_mtime.tv_nsec },
        changed: Time { seconds: stat.stx_ctime.tv_sec, nanoseconds: stat.stx_ctime.tv_nsec },
        content: Content::None,
        extra,
    })
}

/// The device of a filesystem.
pub(super) fn filesystem(stat: &Statx) -> u64 {
    u64::from(stat.stx_dev_major) << 32 | u64::from(stat.stx_dev_minor)
}

/// Whether something is mounted there, on a filesystem like that of its directory or another. Kernels
/// before 5.8 cannot tell the first.
pub(super) fn is_mount(stat: &Statx, around: impl Fn() -> u64) -> bool {
    if stat.stx_attributes_mask.bits() & MOUNT_ROOT != 0 {
        return stat.stx_attributes.bits() & MOUNT_ROOT != 0;
    }
    filesystem(stat) != around()
}

/// Where a thread looks for extended attributes, for which the kernel takes only paths.
pub(super) enum Place {
    /// The thread's working directory is the directory; a name is a path.
    Here,
    /// Paths through `/proc/self/fd`.
    Through(Arc<OwnedFd>),
}

/// Names and values.
pub(super) type Xattrs = Vec<(Vec<u8>, Vec<u8>)>;

/// Extended attributes of a name, sorted. `Err` in words.
pub(super) fn xattrs(place: &Place, name: &CStr, buffer: &mut Vec<u8>) -> Result<Xattrs, Errno> {
    let mut through = Vec::new();
    let path: &[u8] = match place {
        Place::Here => name.to_bytes(),
        Place::Through(directory) => {
            through
                .extend_from_slice(format!("/proc/self/fd/{}/", directory.as_raw_fd()).as_bytes());
            through.extend_from_slice(name.to_bytes());
            &through
        }
    };
    buffer.resize(XATTR_LIMIT, 0);
    let size = match rustix::fs::llistxattr(path, buffer.as_mut_slice()) {
        Ok(0) => return Ok(Vec::new()),
        Ok(size) => size,
        Err(Errno::NOTSUP | Errno::NOSYS) => return Ok(Vec::new()),
        Err(errno) => return Err(errno),
    };
    let names: Vec<Vec<u8>> = buffer
        .get(..size)
        .unwrap_or_default()
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
        .map(<[u8]>::to_vec)
        .collect();
    if names.len() > XATTR_COUNT {
        return Err(Errno::TOOBIG);
    }
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let value = match rustix::fs::lgetxattr(path, name.as_slice(), buffer.as_mut_slice()) {
            Ok(size) => buffer.get(..size).unwrap_or_default(),
            // Removed meanwhile: then its change tells.
            Err(Errno::NODATA) => continue,
            Err(errno) => return Err(errno),
        };
        all.push((name, kept(value)));
    }
    all.sort_unstable();
    Ok(all)
}

/// A value, or what stands for a long one.
pub(super) fn kept(value: &[u8]) -> Vec<u8> {
    if value.len() <= VALUE_KEPT {
        return value.to_vec();
    }
    let mut words = format!("{} bytes, {} ", value.len(), Algorithm::Blake3.name()).into_bytes();
    words.extend_from_slice(blake3::hash(value).to_hex().as_bytes());
    words
}

/// Sets parts of a record that few files have.
pub(super) fn extra(record: &mut Record) -> &mut Extra {
    record.extra.get_or_insert_with(Box::default)
}

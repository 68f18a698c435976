//! Files, as `inode(7)` and `acl(5)` describe them.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;

/// The kind of a file, `S_IFMT` of `inode(7)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Regular file.
    File,
    /// Directory.
    Directory,
    /// Symbolic link.
    Symlink,
    /// Unix domain socket.
    Socket,
    /// FIFO (named pipe).
    Fifo,
    /// Block device.
    BlockDevice,
    /// Character device.
    CharDevice,
}

impl FileKind {
    /// The name that policies use.
    pub const fn name(self) -> &'static str {
        match self {
            FileKind::File => "file",
            FileKind::Directory => "directory",
            FileKind::Symlink => "symlink",
            FileKind::Socket => "socket",
            FileKind::Fifo => "fifo",
            FileKind::BlockDevice => "block_device",
            FileKind::CharDevice => "char_device",
        }
    }

    /// The `S_IF*` bits of `st_mode`, `inode(7)`.
    pub const fn bits(self) -> u32 {
        match self {
            FileKind::File => 0o100_000,
            FileKind::Directory => 0o040_000,
            FileKind::Symlink => 0o120_000,
            FileKind::Socket => 0o140_000,
            FileKind::Fifo => 0o010_000,
            FileKind::BlockDevice => 0o060_000,
            FileKind::CharDevice => 0o020_000,
        }
    }

    /// The letter that `ls -l` shows.
    pub const fn letter(self) -> char {
        match self {
            FileKind::File => '-',
            FileKind::Directory => 'd',
            FileKind::Symlink => 'l',
            FileKind::Socket => 's',
            FileKind::Fifo => 'p',
            FileKind::BlockDevice => 'b',
            FileKind::CharDevice => 'c',
        }
    }
}

/// Permission bits: the lower 12 bits of `st_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mode(pub u16);

impl fmt::Display for Mode {
    /// Four octal digits, as `chmod(1)` takes them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// One file, not following a symbolic link at its end (`lstat(2)`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFact {
    /// Kind of file.
    pub kind: FileKind,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits. With an extended ACL the group bits are the ACL's mask, see `acl(5)`.
    pub mode: Mode,
    /// Size in bytes.
    pub size: u64,
    /// Device number of the filesystem.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Number of hard links.
    pub links: u64,
    /// Last change of content, seconds since 1970-01-01 UTC. Programs can set it at will.
    pub modified: i64,
    /// Last change of inode or content, seconds since 1970-01-01 UTC. Only the kernel sets it.
    pub changed: i64,
    /// Target of a symbolic link, as stored.
    #[serde(with = "super::raw_bytes::maybe_path", default)]
    pub link_target: Option<PathBuf>,
}

/// What `chattr(1)` has set: the inode flags that bind root as well, `ioctl_iflags(2)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// `FS_IMMUTABLE_FL`: neither written, nor changed in owner and mode, nor removed or renamed; in
    /// such a directory no name is made or removed.
    pub immutable: bool,
    /// `FS_APPEND_FL`: written only at its end; not changed, removed or renamed. In such a directory
    /// names are made and not removed.
    pub append_only: bool,
}

impl Protection {
    /// Why what has it stays under its name, whatever its directory allows (`may_delete()`).
    pub const fn pins(self) -> Option<&'static str> {
        match self {
            Protection { immutable: true, .. } => Some("it is immutable (chattr +i)"),
            Protection { append_only: true, .. } => Some("it is append-only (chattr +a)"),
            _ => None,
        }
    }
}

/// Where a regular expression matches the content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// For the first time in this line, from 1.
    Line(usize),
    /// Nowhere.
    Nowhere,
}

/// What a file gives to whoever runs it, see `capabilities(7)`, "File capabilities".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileCapabilities {
    /// Added to the permitted set, one bit each.
    pub permitted: u64,
    /// Kept of the inheritable set.
    pub inheritable: u64,
    /// Raised into the effective set at once.
    pub effective: bool,
    /// They count only in a user namespace whose root is this uid; `None`: wherever it is run.
    pub root: Option<u32>,
}

/// An access control list, see `acl(5)`. Only extended ones occur as a fact: a minimal list is
/// just the mode bits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Entries in the order of the extended attribute.
    pub entries: Vec<AclEntry>,
}

/// One entry of an access control list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AclEntry {
    /// To whom it applies.
    pub who: AclTag,
    /// Permission bits: 4 read, 2 write, 1 execute.
    pub perms: u8,
}

/// To whom an ACL entry applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AclTag {
    /// The owner.
    UserObj,
    /// A named user, by uid.
    User(u32),
    /// The owning group.
    GroupObj,
    /// A named group, by gid.
    Group(u32),
    /// The upper bound for named users and all groups.
    Mask,
    /// Everybody else.
    Other,
}

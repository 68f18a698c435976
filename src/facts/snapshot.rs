//! What a filesystem looked like at one time: every file with every attribute that can tell of a
//! change, kept so compactly that 160,000 of them fit into 30 MB.

use super::Unknown;
use super::file::{FileKind, Mode};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A moment, as the kernel keeps it for inodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Time {
    /// Seconds since 1970-01-01 UTC.
    pub seconds: i64,
    /// Nanoseconds beyond.
    pub nanoseconds: u32,
}

/// How contents were digested.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// BLAKE3, 256 bits.
    #[default]
    Blake3,
    /// SHA-256, as images and rpm use it.
    Sha256,
    /// MD5, as dpkg uses it; only to compare with what dpkg knows.
    Md5,
    /// SHA-1, as apk uses it; likewise.
    Sha1,
}

impl Algorithm {
    /// Bytes of a digest.
    pub const fn size(self) -> usize {
        match self {
            Algorithm::Blake3 | Algorithm::Sha256 => 32,
            Algorithm::Md5 => 16,
            Algorithm::Sha1 => 20,
        }
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Blake3 => "blake3",
            Algorithm::Sha256 => "sha256",
            Algorithm::Md5 => "md5",
            Algorithm::Sha1 => "sha1",
        }
    }
}

/// What is known of the content of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// It is no regular file, or nobody wants to know (a log).
    #[default]
    None,
    /// Its digest. A shorter one fills the beginning.
    Digest([u8; 32]),
    /// It was written to whenever it was read.
    Unstable,
    /// It could not be read; the snapshot's gaps say why.
    Unreadable,
}

/// What few files have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// Target of a symbolic link.
    pub link: Vec<u8>,
    /// Extended attributes, sorted by name: ACLs and file capabilities among them.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// Inode flags as `stx_attributes` of `statx(2)` has them: immutable, append-only, no dump,
    /// compressed, encrypted, verity.
    pub flags: u64,
    /// Major and minor number of a device file.
    pub device: Option<(u32, u32)>,
}

/// One file: what `statx(2)` says, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where its name ends in the names of its directory; it begins where that of the record before
    /// ends.
    pub name_end: u32,
    /// Kind of file.
    pub kind: FileKind,
    /// Permission bits.
    pub mode: Mode,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Hard links.
    pub links: u32,
    /// Number of the package that it belonged to, in the snapshot's list, from 1; 0 for none.
    pub package: u32,
    /// Major number of the filesystem's device in the upper half, minor number in the lower.
    pub filesystem: u64,
    /// Inode number.
    pub inode: u64,
    /// Size in bytes.
    pub size: u64,
    /// Last change of content.
    pub modified: Time,
    /// Last change of inode or content; only the kernel sets it.
    pub changed: Time,
    /// Content.
    pub content: Content,
    /// What few files have.
    pub extra: Option<Box<Extra>>,
}

impl Record {
    /// Whether it is certainly the same file with the same content and attributes, by what the
    /// kernel alone sets.
    pub fn same_inode(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.inode == other.inode
            && self.filesystem == other.filesystem
            && self.size == other.size
            && self.modified == other.modified
            && self.changed == other.changed
    }

    /// Whether nothing at all has changed.
    pub fn same(&self, other: &Self) -> bool {
        self.same_inode(other)
            && (self.mode, self.uid, self.gid, self.links)
                == (other.mode, other.uid, other.gid, other.links)
            && self.content == other.content
            && self.extra == other.extra
    }

    /// Target of a symbolic link; empty for anything else.
    pub fn link(&self) -> &[u8] {
        self.extra.as_ref().map(|extra| extra.link.as_slice()).unwrap_or_default()
    }

    /// The value of an extended attribute.
    pub fn xattr(&self, name: &[u8]) -> Option<&[u8]> {
        let xattrs = &self.extra.as_ref()?.xattrs;
        xattrs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_slice())
    }

    /// Inode flags.
    pub fn flags(&self) -> u64 {
        self.extra.as_ref().map(|extra| extra.flags).unwrap_or_default()
    }
}

/// The files of one directory, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    /// Path, absolute in the target.
    pub path: Vec<u8>,
    /// The names of all records, one behind the other.
    pub names: Vec<u8>,
    /// Records in the order of their names.
    pub records: Vec<Record>,
}

impl Directory {
    /// A directory without anything in it.
    pub fn new(path: Vec<u8>) -> Self {
        Self { path, ..Self::default() }
    }

    /// Adds a record; names have to come in order.
    pub fn push(&mut self, name: &[u8], mut record: Record) {
        self.names.extend_from_slice(name);
        record.name_end = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        self.records.push(record);
    }

    /// The records with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Record)> {
        let mut start = 0;
        self.records.iter().map(move |record| {
            let end = record.name_end as usize;
            let name = self.names.get(start..end).unwrap_or_default();
            start = end;
            (name, record)
        })
    }

    /// The record of a name.
    pub fn get(&self, name: &[u8]) -> Option<&Record> {
        let index = self.index(name)?;
        self.records.get(index)
    }

    /// Where the record of a name is.
    pub fn index(&self, name: &[u8]) -> Option<usize> {
        let at = |index: usize| {
            let start = match index.checked_sub(1) {
                Some(before) => self.records.get(before)?.name_end as usize,
                None => 0,
            };
            self.names.get(start..self.records.get(index)?.name_end as usize)
        };
        let (mut low, mut high) = (0, self.records.len());
        while low < high {
            let middle = low.midpoint(high);
            match at(middle)?.cmp(name) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The path of a file in it.
    pub fn path_of(&self, name: &[u8]) -> Vec<u8> {
        join(&self.path, name)
    }
}

/// A path and a name below it.
pub fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    let mut whole = Vec::with_capacity(path.len() + name.len() + 1);
    whole.extend_from_slice(path);
    if whole.last() != Some(&b'/') {
        whole.push(b'/');
    }
    whole.extend_from_slice(name);
    whole
}

/// The directory and the name of a path; `None` for `/`.
pub fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    let name = path.get(slash + 1..)?;
    let folder = if slash == 0 { path.get(..1)? } else { path.get(..slash)? };
    if name.is_empty() { None } else { Some((folder, name)) }
}

/// All files, by directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Directories sorted by the bytes of their paths.
    pub directories: Vec<Directory>,
}

impl Tree {
    /// The directory of a path.
    pub fn directory(&self, path: &[u8]) -> Option<&Directory> {
        self.position(path).and_then(|index| self.directories.get(index))
    }

    /// Where the directory of a path is.
    pub fn position(&self, path: &[u8]) -> Option<usize> {
        self.directories.binary_search_by(|directory| directory.path.as_slice().cmp(path)).ok()
    }

    /// The record of a path.
    pub fn get(&self, path: &[u8]) -> Option<&Record> {
        let (folder, name) = split(path)?;
        self.directory(folder)?.get(name)
    }

    /// Number of files.
    pub fn len(&self) -> usize {
        self.directories.iter().map(|directory| directory.records.len()).sum()
    }

    /// No file at all.
    pub fn is_empty(&self) -> bool {
        self.directories.iter().all(|directory| directory.records.is_empty())
    }
}

/// What it took to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effort {
    /// Files that were looked at.
    pub files: u64,
    /// Files whose content was read.
    pub read: u64,
    /// Bytes of content that were read.
    pub bytes: u64,
}

impl std::ops::AddAssign for Effort {
    fn add_assign(&mut self, other: Self) {
        self.files += other.files;
        self.read += other.read;
        self.bytes += other.bytes;
    }
}

/// Parts that could not be seen: so many, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gaps {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Unknown>,
}

impl Gaps {
    /// The most that are kept in words.
    const KEPT: usize = 100;

    /// One more.
    pub fn push(&mut self, why: Unknown) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(why);
        }
    }

    /// Those of others.
    pub fn append(&mut self, other: Self) {
        self.count += other.count;
        let room = Self::KEPT.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
    }

    /// Everything was seen.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Lower-case hexadecimal.
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        Record {
            name_end: 0,
            kind: FileKind::File,
            mode: Mode(0o644),
            uid: 0,
            gid: 0,
            links: 1,
            package: 0,
            filesystem: 1,
            inode: 2,
            size: 3,
            modified: Time::default(),
            changed: Time::default(),
            content: Content::None,
            extra: None,
        }
    }

    #[test]
    fn a_record_is_small() {
        assert!(size_of::<Record>() <= 144, "{}", size_of::<Record>());
    }

    #[test]
    fn names_are_found_in_the_order_of_their_bytes() {
        let mut directory = Directory::new(b"/etc".to_vec());
        for name in ["a", "ab", "b", "z\u{ff}"] {
            directory.push(name.as_bytes(), record());
        }
        for (index, name) in ["a", "ab", "b", "z\u{ff}"].iter().enumerate() {
            assert_eq!(directory.index(name.as_bytes()), Some(index));
        }
        assert_eq!(directory.index(b"aa"), None);
        assert_eq!(directory.index(b""), None);
    }

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        assert_eq!(split(b"/etc/x"), Some((&b"/etc"[..], &b"x"[..])));
        assert_eq!(split(b"/etc"), Some((&b"/"[..], &b"etc"[..])));
        assert_eq!(split(b"/"), None);
        assert_eq!(join(b"/", b"etc"), b"/etc");
        assert_eq!(join(b"/etc", b"x"), b"/etc/x");
    }
}

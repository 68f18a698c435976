//! The files of an image, its layers merged: inodes and the names that lead to them.

use crate::facts::file::{Acl, FileFact, FileKind, Mode};
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::image::layer::{Content, Entry, Parts, Sums};
use crate::targets::image::limits::DEPTH_LIMIT;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The most symbolic links that one path may lead through, `path_resolution(7)`.
pub const LINK_LIMIT: usize = 40;

/// Number of an inode in its tree.
pub type Id = usize;

/// The inode of `/`.
pub const ROOT: Id = 0;

/// A file or directory without its names.
#[derive(Clone, Debug)]
pub struct Inode {
    /// Kind of file.
    pub kind: FileKind,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u16,
    /// Size in bytes.
    pub size: u64,
    /// Last change of content, seconds since 1970-01-01 UTC.
    pub modified: i64,
    /// Target of a symbolic link.
    pub link: Vec<u8>,
    /// Access control list, or why its bytes are none.
    pub acl: Option<Result<Acl, String>>,
    /// Value of `security.capability`.
    pub capability: Option<Vec<u8>>,
    /// Content.
    pub content: Content,
    /// Digests of the content, where they were asked for.
    pub sums: Option<Box<Sums>>,
    /// Parts of a program that are kept.
    pub parts: Parts,
    /// The layer that made it what it is, counted from 0.
    pub layer: usize,
    /// Number of names.
    pub names: u64,
    /// What is in a directory.
    pub children: BTreeMap<Box<[u8]>, Id>,
}

impl Inode {
    /// A directory that no layer describes: `root:root 0755`.
    pub fn directory(layer: usize) -> Self {
        Self {
            kind: FileKind::Directory,
            uid: 0,
            gid: 0,
            mode: 0o755,
            size: 0,
            modified: 0,
            link: Vec::new(),
            acl: None,
            capability: None,
            content: Content::None,
            sums: None,
            parts: None,
            layer,
            names: 1,
            children: BTreeMap::new(),
        }
    }

    /// What a layer puts somewhere.
    pub fn of(entry: Entry, layer: usize) -> Self {
        Self {
            kind: entry.kind,
            uid: entry.uid,
            gid: entry.gid,
            mode: entry.mode,
            size: entry.size,
            modified: entry.modified,
            link: entry.link,
            acl: entry.acl,
            capability: entry.capability,
            content: entry.content,
            sums: entry.sums,
            parts: entry.parts,
            layer,
            names: 1,
            children: BTreeMap::new(),
        }
    }

    /// Whether a rule could tell the two apart.
    pub fn same_attributes(&self, other: &Self) -> bool {
        (self.kind, self.uid, self.gid, self.mode) == (other.kind, other.uid, other.gid, other.mode)
            && self.acl == other.acl
            && self.capability == other.capability
    }
}

/// A filesystem in memory.
#[derive(Clone, Debug)]
pub struct Tree {
    inodes: Vec<Inode>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { inodes: vec![Inode::directory(0)] }
    }
}

impl Tree {
    /// Files whose content is in a layer, by number, offset and size, in the order of their offsets.
    pub fn stored(&self, layer: usize, limit: u64) -> Vec<(Id, u64, u64)> {
        let place = |(id, inode): (Id, &Inode)| match inode.content {
            Content::Stored(offset) if inode.layer == layer && inode.size <= limit => {
                Some((id, offset, inode.size))
            }
            _ => None,
        };
        let mut all: Vec<_> = self.inodes.iter().enumerate().filter_map(place).collect();
        all.sort_unstable_by_key(|(_, offset, _)| *offset);
        all
    }

    /// An inode.
    pub fn inode(&self, id: Id) -> Option<&Inode> {
        self.inodes.get(id)
    }

    /// An inode to be changed.
    pub fn inode_mut(&mut self, id: Id) -> Option<&mut Inode> {
        self.inodes.get_mut(id)
    }

    /// A new inode without a name.
    pub fn add(&mut self, inode: Inode) -> Id {
        self.inodes.push(inode);
        self.inodes.len() - 1
    }

    /// What a directory has under a name.
    pub fn child(&self, directory: Id, name: &[u8]) -> Option<Id> {
        self.inodes.get(directory)?.children.get(name).copied()
    }

    /// Gives an inode a name. What had that name loses it.
    pub fn enter(&mut self, directory: Id, name: &[u8], id: Id) {
        if let Some(directory) = self.inodes.get_mut(directory) {
            directory.children.insert(name.into(), id);
        }
    }

    /// Takes a name away.
    pub fn remove(&mut self, directory: Id, name: &[u8]) {
        if let Some(directory) = self.inodes.get_mut(directory) {
            directory.children.remove(name);
        }
    }

    /// Counts the names of every inode that still has one and forgets the content of the others.
    pub fn count_names(&mut self) {
        let mut names = vec![0_u64; self.inodes.len()];
        let mut pending = vec![ROOT];
        if let Some(root) = names.get_mut(ROOT) {
            *root = 2;
        }
        while let Some(id) = pending.pop() {
            let Some(inode) = self.inodes.get(id) else { continue };
            for child in inode.children.values() {
                let is_directory =
                    self.inodes.get(*child).is_some_and(|c| c.kind == FileKind::Directory);
                if let Some(count) = names.get_mut(*child) {
                    *count += if is_directory { 2 } else { 1 };
                }
                if is_directory {
                    pending.push(*child);
                    if let Some(count) = names.get_mut(id) {
                        *count += 1;
                    }
                }
            }
        }
        for (inode, count) in self.inodes.iter_mut().zip(names) {
            inode.names = count;
            if count == 0 {
                inode.content = Content::None;
            }
        }
    }

    /// Where a path leads, symbolic links on the way followed, one at the end if asked. `None`: there
    /// is no such file. Absolute links begin at the root of the image, `..` stops there.
    ///
    /// # Errors
    /// For more than 40 links and for paths deeper than directories may lie.
    pub fn resolve(&self, path: &Path, follow_last: bool) -> Fact<Option<Id>> {
        let refuse = |why: &str| {
            let cause = Cause::Io(why.to_owned());
            Err(Unknown::new(crate::text::path(path), cause))
        };
        let bytes = path.as_os_str().as_bytes();
        let must_be_directory = bytes.ends_with(b"/");
        let mut pending: Vec<Vec<u8>> = components(bytes);
        let mut trail: Vec<Id> = Vec::new();
        let mut links = 0;
        while let Some(name) = pending.pop() {
            let here = trail.last().copied().unwrap_or(ROOT);
            if self.kind(here) != Some(FileKind::Directory) {
                return Ok(None);
            }
            if name == b".." {
                trail.pop();
                continue;
            }
            let Some(next) = self.child(here, &name) else { return Ok(None) };
            let Some(inode) = self.inode(next) else { return Ok(None) };
            let follow = follow_last || must_be_directory || !pending.is_empty();
            if inode.kind != FileKind::Symlink || !follow {
                trail.push(next);
                if trail.len() > DEPTH_LIMIT {
                    return refuse("too deep a path");
                }
                continue;
            }
            links += 1;
            if links > LINK_LIMIT {
                return refuse("too many levels of symbolic links");
            }
            if inode.link.is_empty() {
                return Ok(None);
            }
            if inode.link.starts_with(b"/") {
                trail.clear();
            }
            pending.extend(components(&inode.link));
        }
        let found = trail.last().copied().unwrap_or(ROOT);
        if must_be_directory && self.kind(found) != Some(FileKind::Directory) {
            return Ok(None);
        }
        Ok(Some(found))
    }

    fn kind(&self, id: Id) -> Option<FileKind> {
        self.inode(id).map(|inode| inode.kind)
    }

    /// What `lstat(2)` would say. Device and inode numbers are the tree's own; the time of the last
    /// change of the inode is not part of an image, that of the content stands for it.
    pub fn fact(&self, id: Id) -> Option<FileFact> {
        let inode = self.inode(id)?;
        Some(FileFact {
            kind: inode.kind,
            uid: inode.uid,
            gid: inode.gid,
            mode: Mode(inode.mode),
            size: inode.size,
            device: 1,
            inode: id as u64 + 1,
            links: inode.names,
            modified: inode.modified,
            changed: inode.modified,
            link_target: (inode.kind == FileKind::Symlink)
                .then(|| PathBuf::from(OsStr::from_bytes(&inode.link))),
        })
    }

    /// Names in a directory, sorted.
    pub fn names(&self, id: Id) -> Vec<OsString> {
        let children = self.inode(id).map(|inode| inode.children.keys());
        children.into_iter().flatten().map(|name| OsString::from_vec(name.to_vec())).collect()
    }
}

/// The names of a path, the last one first, without empty ones and `.`.
pub fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.rsplit(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
        .collect()
}

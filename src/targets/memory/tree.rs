//! A filesystem made of plain data. Directories on the way to a file are made as needed
//! (`root:root 0755`), and symbolic links are followed as the kernel follows them, including its
//! limit.

use crate::facts::file::{Acl, FileCapabilities, FileFact, FileKind, Mode, Protection};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, READ_LIMIT};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The most symbolic links that one path may lead through, `path_resolution(7)`.
const LINK_LIMIT: usize = 40;

/// One file: what `lstat(2)` says, its content and its access control list.
#[derive(Clone, Debug)]
struct Node {
    fact: Arc<FileFact>,
    content: Arc<Vec<u8>>,
    acl: Option<Acl>,
    capabilities: Option<FileCapabilities>,
}

/// A filesystem of plain data.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: BTreeMap<PathBuf, Node>,
    unreadable: BTreeSet<PathBuf>,
    read_only: BTreeSet<PathBuf>,
    protected: BTreeMap<PathBuf, Protection>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// A filesystem that holds nothing but `/`.
    pub fn new() -> Self {
        let mut tree = Self {
            nodes: BTreeMap::new(),
            unreadable: BTreeSet::new(),
            read_only: BTreeSet::new(),
            protected: BTreeMap::new(),
        };
        tree.add(Path::new("/"), fact(FileKind::Directory, 0o755, 0, 0), Vec::new());
        tree
    }

    /// Adds a file of any kind, and the directories that lead to it. The number of its inode and
    /// its size are seen to here.
    pub fn add(&mut self, path: &Path, mut file: FileFact, content: Vec<u8>) {
        for parent in path.ancestors().skip(1) {
            if !self.nodes.contains_key(parent) {
                self.add(parent, fact(FileKind::Directory, 0o755, 0, 0), Vec::new());
            }
        }
        file.size = content.len() as u64;
        file.inode = self.nodes.get(path).map_or(self.nodes.len() as u64 + 1, |n| n.fact.inode);
        let node = Node {
            fact: Arc::new(file),
            content: Arc::new(content),
            acl: None,
            capabilities: None,
        };
        self.nodes.insert(path.to_path_buf(), node);
    }

    /// Gives a file an extended access control list.
    pub fn set_acl(&mut self, path: &Path, acl: Acl) {
        if let Some(node) = self.nodes.get_mut(path) {
            node.acl = Some(acl);
        }
    }

    /// Changes owner and group of a file.
    pub fn own(&mut self, path: &Path, uid: u32, gid: u32) {
        if let Some(node) = self.nodes.get_mut(path) {
            let fact = Arc::make_mut(&mut node.fact);
            (fact.uid, fact.gid) = (uid, gid);
        }
    }

    /// Gives a file capabilities.
    pub fn set_capabilities(&mut self, path: &Path, capabilities: FileCapabilities) {
        if let Some(node) = self.nodes.get_mut(path) {
            node.capabilities = Some(capabilities);
        }
    }

    /// Makes the reader be refused (`EACCES`) here: a file cannot be read, a directory neither be
    /// listed nor be passed.
    pub fn refuse(&mut self, path: &Path) {
        self.unreadable.insert(path.to_path_buf());
    }

    /// Mounts everything at and below this path read-only.
    pub fn mount_read_only(&mut self, path: &Path) {
        self.read_only.insert(path.to_path_buf());
    }

    /// Sets flags of a file.
    pub fn protect(&mut self, path: &Path, protection: Protection) {
        self.protected.insert(path.to_path_buf(), protection);
    }

    /// Where a path leads to, links on the way followed, the last one if asked. `None`: nowhere.
    pub fn resolve(&self, path: &Path, follow_last: bool) -> Fact<Option<PathBuf>> {
        let mut pending: Vec<OsString> = components(path);
        let mut here = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = pending.pop() {
            if name == ".." {
                here.pop();
                continue;
            }
            if self.unreadable.contains(&here) && self.kind(&here) == Some(FileKind::Directory) {
                return Err(Unknown::new(path.display().to_string(), Cause::PermissionDenied));
            }
            here.push(&name);
            let Some(node) = self.nodes.get(&here) else { return Ok(None) };
            match (node.fact.kind, &node.fact.link_target) {
                (FileKind::Symlink, Some(target)) if follow_last || !pending.is_empty() => {
                    links += 1;
                    if links > LINK_LIMIT {
                        let cause = Cause::Io("too many levels of symbolic links".into());
                        return Err(Unknown::new(path.display().to_string(), cause));
                    }
                    pending.extend(components(target));
                    if target.is_absolute() {
                        here = PathBuf::from("/");
                    } else {
                        here.pop();
                    }
                }
                (FileKind::Directory, _) => {}
                _ if pending.is_empty() => {}
                _ => return Ok(None),
            }
        }
        Ok(Some(here))
    }

    fn kind(&self, path: &Path) -> Option<FileKind> {
        self.nodes.get(path).map(|node| node.fact.kind)
    }

    fn node(&self, path: &Path, follow_last: bool) -> Fact<Option<(PathBuf, &Node)>> {
        let resolved = self.resolve(path, follow_last)?;
        Ok(resolved.and_then(|at| self.nodes.get(&at).map(|node| (at, node))))
    }
}

impl Files for Tree {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        Ok(self.node(path, false)?.map(|(_, node)| node.fact.clone()))
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        Ok(self.node(path, false)?.and_then(|(_, node)| node.acl.clone()))
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        Ok(self.node(path, false)?.and_then(|(_, node)| node.capabilities))
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        let Some((at, node)) = self.node(path, true)? else { return Ok(None) };
        let unknown = |cause| Err(Unknown::new(path.display().to_string(), cause));
        if self.unreadable.contains(&at) {
            return unknown(Cause::PermissionDenied);
        }
        if node.fact.kind != FileKind::File {
            return unknown(Cause::Unsupported("not a regular file".into()));
        }
        if node.content.len() as u64 > READ_LIMIT {
            return unknown(Cause::TooLarge(format!("more than {READ_LIMIT} bytes")));
        }
        Ok(Some(node.content.clone()))
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        let Some((at, node)) = self.node(path, true)? else { return Ok(None) };
        if node.fact.kind != FileKind::Directory {
            return Ok(None);
        }
        if self.unreadable.contains(&at) {
            return Err(Unknown::new(path.display().to_string(), Cause::PermissionDenied));
        }
        let inside = self.nodes.keys().filter(|entry| entry.parent() == Some(at.as_path()));
        let mut names: Vec<OsString> =
            inside.filter_map(|entry| entry.file_name()).map(OsString::from).collect();
        names.sort();
        Ok(Some(Arc::new(names)))
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        let content = self.read(path)?;
        Ok(content.map(|bytes| {
            Sha256::digest(bytes.as_slice()).iter().map(|byte| format!("{byte:02x}")).collect()
        }))
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        let at = self.resolve(path, false)?;
        Ok(at.and_then(|at| self.protected.get(&at).copied()).unwrap_or_default())
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        let at = self.resolve(path, true)?.unwrap_or_else(|| path.to_path_buf());
        Ok(at.ancestors().any(|above| self.read_only.contains(above)))
    }
}

/// The names of a path, last one first, without `/` and `.`.
fn components(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    });
    let mut names: Vec<OsString> = names.collect();
    names.reverse();
    names
}

/// A file of that kind, owner and mode; everything else is nothing special.
pub fn fact(kind: FileKind, mode: u16, uid: u32, gid: u32) -> FileFact {
    FileFact {
        kind,
        uid,
        gid,
        mode: Mode(mode & 0o7777),
        size: 0,
        device: 1,
        inode: 0,
        links: 1,
        modified: 0,
        changed: 0,
        link_target: None,
    }
}

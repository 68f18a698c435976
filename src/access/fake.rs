//! A filesystem made of words, for tests.

use super::Credentials;
use crate::facts::file::{Acl, AclEntry, AclTag, FileFact, FileKind, Mode, Protection};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files by canonical path; the root directory is always there.
pub(crate) struct Fake {
    files: BTreeMap<PathBuf, FileFact>,
    acls: BTreeMap<PathBuf, Acl>,
    contents: BTreeMap<PathBuf, Vec<u8>>,
    hidden: BTreeSet<PathBuf>,
    protected: BTreeMap<PathBuf, Protection>,
    pub read_only: bool,
}

impl Fake {
    pub fn new() -> Self {
        let fake = Self {
            files: BTreeMap::new(),
            acls: BTreeMap::new(),
            contents: BTreeMap::new(),
            hidden: BTreeSet::new(),
            protected: BTreeMap::new(),
            read_only: false,
        };
        fake.dir("/", 0, 0, 0o755)
    }

    fn put(mut self, path: &str, kind: FileKind, ids: (u32, u32), mode: u16) -> Self {
        let fact = FileFact {
            kind,
            uid: ids.0,
            gid: ids.1,
            mode: Mode(mode),
            size: 0,
            device: 1,
            inode: self.files.len() as u64 + 1,
            links: 1,
            modified: 0,
            changed: 0,
            link_target: None,
        };
        self.files.insert(path.into(), fact);
        self
    }

    pub fn kind(self, kind: FileKind, path: &str, uid: u32, gid: u32, mode: u16) -> Self {
        self.put(path, kind, (uid, gid), mode)
    }

    pub fn dir(self, path: &str, uid: u32, gid: u32, mode: u16) -> Self {
        self.put(path, FileKind::Directory, (uid, gid), mode)
    }

    pub fn file(self, path: &str, uid: u32, gid: u32, mode: u16) -> Self {
        self.put(path, FileKind::File, (uid, gid), mode)
    }

    pub fn link(mut self, path: &str, uid: u32, target: &str) -> Self {
        self = self.put(path, FileKind::Symlink, (uid, 0), 0o777);
        self.files.get_mut(Path::new(path)).unwrap().link_target = Some(target.into());
        self
    }

    /// Sets an ACL; as on Linux its mask becomes the group bits of the mode.
    pub fn acl(mut self, path: &str, entries: &[(AclTag, u8)]) -> Self {
        let entries: Vec<AclEntry> =
            entries.iter().map(|(who, perms)| AclEntry { who: *who, perms: *perms }).collect();
        let mode = &mut self.files.get_mut(Path::new(path)).unwrap().mode.0;
        for entry in &entries {
            let bits = u16::from(entry.perms);
            match entry.who {
                AclTag::UserObj => *mode = *mode & !0o700 | bits << 6,
                AclTag::Mask => *mode = *mode & !0o070 | bits << 3,
                AclTag::Other => *mode = *mode & !0o007 | bits,
                _ => {}
            }
        }
        self.acls.insert(path.into(), Acl { entries });
        self
    }

    pub fn content(mut self, path: &str, bytes: &[u8]) -> Self {
        self.contents.insert(path.into(), bytes.to_owned());
        self
    }

    pub fn protected(mut self, path: &str, immutable: bool, append_only: bool) -> Self {
        self.protected.insert(path.into(), Protection { immutable, append_only });
        self
    }

    /// Looking at this path, or at its ACL, is refused.
    pub fn hidden(mut self, path: &str) -> Self {
        self.hidden.insert(path.into());
        self
    }

    fn seen(&self, path: &Path) -> Fact<()> {
        if self.hidden.contains(path) {
            return Err(Unknown::new(path.display().to_string(), Cause::PermissionDenied));
        }
        Ok(())
    }
}

impl Files for Fake {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        self.seen(path)?;
        Ok(self.files.get(path).cloned().map(Arc::new))
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        self.seen(&path.join("acl"))?;
        Ok(self.acls.get(path).cloned())
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        Ok(self.contents.get(path).cloned().map(Arc::new))
    }

    fn list(&self, _path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        Ok(None)
    }

    fn sha256(&self, _path: &Path) -> Fact<Option<String>> {
        Ok(None)
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        Ok(self.protected.get(path).copied().unwrap_or_default())
    }

    fn read_only(&self, _path: &Path) -> Fact<bool> {
        Ok(self.read_only)
    }
}

/// A user without capabilities.
pub(crate) fn user(uid: u32, gids: &[u32]) -> Credentials {
    Credentials::of(uid, gids.iter().copied())
}

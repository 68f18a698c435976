//! The live filesystem as plainly as it can be read: a second, independent implementation of
//! [`Files`] that tests compare decisions with. It follows links on the way as the host does.

use spotcheck::facts::file::{Acl, AclEntry, AclTag, FileFact, FileKind, Mode, Protection};
use spotcheck::facts::{Cause, Fact, Unknown};
use spotcheck::host::Files;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

const EOPNOTSUPP: i32 = 95;
const ENOTDIR: i32 = 20;

/// Files of this host, each looked at once.
#[derive(Default)]
pub struct PlainFiles {
    files: RefCell<HashMap<PathBuf, Option<Arc<FileFact>>>>,
    acls: RefCell<HashMap<PathBuf, Option<Acl>>>,
    /// Answers `read_only` instead of the mount.
    pub read_only: Option<bool>,
}

fn unknown(path: &Path, error: &io::Error) -> Unknown {
    Unknown::from_io(path.display().to_string(), error)
}

fn absent(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(ENOTDIR)
}

fn fact(path: &Path, metadata: &fs::Metadata) -> FileFact {
    let of = metadata.file_type();
    let kind = match () {
        () if of.is_symlink() => FileKind::Symlink,
        () if of.is_dir() => FileKind::Directory,
        () if of.is_fifo() => FileKind::Fifo,
        () if of.is_socket() => FileKind::Socket,
        () if of.is_block_device() => FileKind::BlockDevice,
        () if of.is_char_device() => FileKind::CharDevice,
        () => FileKind::File,
    };
    FileFact {
        kind,
        uid: metadata.uid(),
        gid: metadata.gid(),
        mode: Mode((metadata.mode() & 0o7777) as u16),
        size: metadata.size(),
        device: metadata.dev(),
        inode: metadata.ino(),
        links: metadata.nlink(),
        modified: metadata.mtime(),
        changed: metadata.ctime(),
        link_target: of.is_symlink().then(|| fs::read_link(path).unwrap()),
    }
}

/// `system.posix_acl_access`: version 2 and entries of tag, permissions and id, little-endian.
pub fn decode_acl(bytes: &[u8]) -> Acl {
    assert_eq!(bytes[..4], [2, 0, 0, 0], "version");
    let entry = |raw: &[u8]| {
        let id = u32::from_le_bytes(raw[4..8].try_into().unwrap());
        let who = match raw[0] {
            0x01 => AclTag::UserObj,
            0x02 => AclTag::User(id),
            0x04 => AclTag::GroupObj,
            0x08 => AclTag::Group(id),
            0x10 => AclTag::Mask,
            0x20 => AclTag::Other,
            tag => panic!("tag {tag}"),
        };
        AclEntry { who, perms: raw[2] }
    };
    Acl { entries: bytes[4..].chunks_exact(8).map(entry).collect() }
}

/// The reverse of [`decode_acl`], with the entries in the order that the kernel insists on.
pub fn encode_acl(entries: &[(AclTag, u8)]) -> Vec<u8> {
    let mut raw: Vec<(u16, u32, u8)> = entries
        .iter()
        .map(|(who, perms)| match *who {
            AclTag::UserObj => (0x01, u32::MAX, *perms),
            AclTag::User(id) => (0x02, id, *perms),
            AclTag::GroupObj => (0x04, u32::MAX, *perms),
            AclTag::Group(id) => (0x08, id, *perms),
            AclTag::Mask => (0x10, u32::MAX, *perms),
            AclTag::Other => (0x20, u32::MAX, *perms),
        })
        .collect();
    raw.sort_by_key(|(tag, ..)| *tag);
    let mut bytes = vec![2, 0, 0, 0];
    for (tag, id, perms) in raw {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(u16::from(perms).to_le_bytes());
        bytes.extend(id.to_le_bytes());
    }
    bytes
}

impl Files for PlainFiles {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        if let Some(known) = self.files.borrow().get(path) {
            return Ok(known.clone());
        }
        let found = match fs::symlink_metadata(path) {
            Ok(metadata) => Some(Arc::new(fact(path, &metadata))),
            Err(error) if absent(&error) => None,
            Err(error) => return Err(unknown(path, &error)),
        };
        self.files.borrow_mut().insert(path.to_owned(), found.clone());
        Ok(found)
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        if let Some(known) = self.acls.borrow().get(path) {
            return Ok(known.clone());
        }
        let found = match xattr::get(path, "system.posix_acl_access") {
            Ok(bytes) => bytes.map(|bytes| decode_acl(&bytes)),
            Err(error) if error.raw_os_error() == Some(EOPNOTSUPP) => None,
            Err(error) => return Err(unknown(path, &error)),
        };
        self.acls.borrow_mut().insert(path.to_owned(), found.clone());
        Ok(found)
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        match fs::read(path) {
            Ok(bytes) => Ok(Some(Arc::new(bytes))),
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(unknown(path, &error)),
        }
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        match fs::read_dir(path) {
            Ok(entries) => {
                let mut names: Vec<_> =
                    entries.filter_map(Result::ok).map(|entry| entry.file_name()).collect();
                names.sort();
                Ok(Some(Arc::new(names)))
            }
            Err(error) if absent(&error) => Ok(None),
            Err(error) => Err(unknown(path, &error)),
        }
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        let why = "not needed by these tests".to_owned();
        Err(Unknown::new(path.display().to_string(), Cause::Unsupported(why)))
    }

    /// As lsattr(1) shows them.
    fn protection(&self, path: &Path) -> Fact<Protection> {
        let output = std::process::Command::new("lsattr").arg("-d").arg(path).output();
        let Ok(output) = output else { return Ok(Protection::default()) };
        let letters = String::from_utf8_lossy(&output.stdout);
        let letters = letters.split(' ').next().unwrap_or_default();
        Ok(Protection { immutable: letters.contains('i'), append_only: letters.contains('a') })
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        use nix::sys::statvfs::{FsFlags, statvfs};
        if let Some(answer) = self.read_only {
            return Ok(answer);
        }
        let found = statvfs(path).map_err(|errno| unknown(path, &errno.into()))?;
        Ok(found.flags().contains(FsFlags::ST_RDONLY))
    }
}

//! A root filesystem in a directory: an unpacked image, a chroot, a mounted disk.
//!
//! Every look-up stays [`beneath`]: the directory is `/`, absolute symbolic links begin there and `..`
//! stops there, so that a link to `/etc/hostname` never reads that of the machine spotcheck runs on.
//! Links in `/proc` that lead out whatever their text says are not followed.

use crate::facts::file::{Acl, FileCapabilities, FileFact, FileKind, Protection};
use crate::facts::process::FileId;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{acl, filecap};
use crate::host::beneath::Links;
use crate::host::{Files, READ_LIMIT, beneath};
use crate::targets::live::filesystem::{
    absolute, acl_of, capabilities_of, content, digest, existing, fact, name, names, open_regular,
    part, protection_of,
};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open, readlinkat};
use nix::sys::stat::Mode;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory that is the `/` of a target.
#[derive(Debug)]
pub struct Rootfs {
    root: OwnedFd,
}

impl Rootfs {
    /// Opens a directory.
    ///
    /// # Errors
    /// In words, when it cannot be opened or holds nothing: an empty directory (a volume that was
    /// not mounted) would answer every question with "does not exist".
    pub fn open(directory: &Path) -> Result<Self, String> {
        let place = crate::text::path(directory);
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = open(directory, flags, Mode::empty())
            .map_err(|errno| format!("{place}: cannot be opened: {}", errno.desc()))?;
        let rootfs = Self { root };
        match rootfs.list(Path::new("/")) {
            Ok(Some(names)) if names.is_empty() => {
                Err(format!("{place}: an empty directory, not a root filesystem"))
            }
            Ok(_) => Ok(rootfs),
            Err(why) => Err(format!("{place}: {why}")),
        }
    }

    /// The regular file that a path leads to, open for reading; `None` for no such file.
    ///
    /// # Errors
    /// Where it may not be read or is no regular file.
    pub fn open_file(&self, path: &Path) -> Fact<Option<File>> {
        let Some(handle) = self.handle(path, true)? else { return Ok(None) };
        open_regular(path, &handle).map(Some)
    }

    /// Device and inode of what a path leads to, links followed; `None` for no such file.
    ///
    /// # Errors
    /// Where it cannot be looked up.
    pub fn identity(&self, path: &Path) -> Fact<Option<FileId>> {
        let Some(handle) = self.handle(path, true)? else { return Ok(None) };
        let meta = File::from(handle).metadata().map_err(|e| Unknown::from_io(name(path), &e))?;
        Ok(Some(FileId { device: meta.dev(), inode: meta.ino() }))
    }

    /// An `O_PATH` descriptor of what a path leads to inside; `None` for no such file.
    fn handle(&self, path: &Path, follow: bool) -> Fact<Option<OwnedFd>> {
        absolute(path)?;
        let mut flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        flags.set(OFlag::O_NOFOLLOW, !follow);
        match beneath::open(&self.root, path, flags, Links::Follow) {
            Err(Errno::EAGAIN) => Err(Unknown::new(name(path), Cause::Vanished)),
            found => existing(path, found.map_err(Into::into)),
        }
    }
}

/// The way to a descriptor's file for calls that take only paths. It is a link, to be followed.
fn through(handle: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()))
}

impl Files for Rootfs {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        let Some(handle) = self.handle(path, false)? else { return Ok(None) };
        let handle = File::from(handle);
        let meta = handle.metadata().map_err(|error| Unknown::from_io(name(path), &error))?;
        let link = match meta.is_symlink() {
            true => Some(
                readlinkat(&handle, "")
                    .map_err(|errno| Unknown::from_io(name(path), &errno.into()))?,
            ),
            false => None,
        };
        Ok(Some(Arc::new(fact(path, &meta, link.map(PathBuf::from))?)))
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        let symlink = |fact: &Arc<FileFact>| fact.kind == FileKind::Symlink;
        if self.file(path)?.as_ref().is_none_or(symlink) {
            return Ok(None);
        }
        let Some(handle) = self.handle(path, false)? else { return Ok(None) };
        acl_of(path, xattr::get_deref(through(&handle), acl::ACCESS_XATTR))
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        if self.file(path)?.is_none_or(|fact| fact.kind != FileKind::File) {
            return Ok(None);
        }
        let Some(handle) = self.handle(path, false)? else { return Ok(None) };
        capabilities_of(path, xattr::get_deref(through(&handle), filecap::XATTR))
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.read_up_to(path, READ_LIMIT)
    }

    fn read_up_to(&self, path: &Path, limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        let file = self.open_file(path)?;
        file.map(|file| content(path, file, limit).map(Arc::new)).transpose()
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        let Some(handle) = self.handle(path, true)? else { return Ok(None) };
        let entries = existing(path, fs::read_dir(through(&handle)))?;
        entries.map(|entries| names(path, entries).map(Arc::new)).transpose()
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        self.open_file(path)?.map(|file| digest(path, file)).transpose()
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        match self.handle(path, false)? {
            Some(handle) => protection_of(path, &handle, Path::new("")),
            None => Ok(Protection::default()),
        }
    }

    /// How it will be mounted where it runs is not known here; that it can be written is the answer
    /// that grants nothing to a rule.
    fn read_only(&self, _: &Path) -> Fact<bool> {
        Ok(false)
    }

    fn part(&self, path: &Path, offset: u64, length: usize) -> Fact<Option<Vec<u8>>> {
        self.open_file(path)?.map(|file| part(path, &file, offset, length)).transpose()
    }

    fn root_directory(&self) -> Fact<Option<OwnedFd>> {
        let root = self.root.try_clone();
        root.map(Some).map_err(|error| Unknown::from_io("/", &error))
    }
}

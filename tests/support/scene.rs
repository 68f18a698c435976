//! A small scene in a temporary directory: files made one by one, then asked about.

use super::kernel_probe::{Probe, Somebody};
use super::plain_files::{PlainFiles, encode_acl};
use spotcheck::access::{Permission, decide, decide_entry};
use spotcheck::facts::file::AclTag;
use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory that everybody can reach, and a process to ask the kernel with.
pub struct Scene {
    place: TempDir,
    probe: Probe,
    pub files: PlainFiles,
    /// Command through which the kernel is asked.
    pub through: Vec<String>,
}

impl Scene {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { place, probe: Probe::new(), files: PlainFiles::default(), through: Vec::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn own(self, name: &str, uid: u32, gid: u32, mode: u32) -> Self {
        lchown(self.path(name), Some(uid), Some(gid)).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    pub fn file(self, name: &str, uid: u32, gid: u32, mode: u32) -> Self {
        fs::write(self.path(name), "").unwrap();
        self.own(name, uid, gid, mode)
    }

    pub fn dir(self, name: &str, uid: u32, gid: u32, mode: u32) -> Self {
        fs::create_dir(self.path(name)).unwrap();
        self.own(name, uid, gid, mode)
    }

    pub fn fifo(self, name: &str, uid: u32, gid: u32, mode: u32) -> Self {
        nix::unistd::mkfifo(&self.path(name), nix::sys::stat::Mode::S_IRUSR).unwrap();
        self.own(name, uid, gid, mode)
    }

    pub fn link(self, name: &str, uid: u32, target: impl AsRef<Path>) -> Self {
        symlink(target, self.path(name)).unwrap();
        lchown(self.path(name), Some(uid), Some(uid)).unwrap();
        self
    }

    pub fn acl(self, name: &str, entries: &[(AclTag, u8)]) -> Self {
        let acl = encode_acl(entries);
        xattr::set(self.path(name), "system.posix_acl_access", &acl).unwrap();
        self
    }

    /// Reading, writing and executing, such as `r-x`: what the kernel allows and `decide` agrees to.
    pub fn allows(&self, name: &str, somebody: &Somebody) -> String {
        let path = self.path(name);
        let through: Vec<&str> = self.through.iter().map(String::as_str).collect();
        let (who, answers) = self.probe.ask(somebody, &through, std::slice::from_ref(&path));
        let mut allowed = String::new();
        let wanted = [Permission::Read, Permission::Write, Permission::Execute];
        for ((wanted, letter), kernel) in wanted.into_iter().zip("rwx".chars()).zip(answers[0].1) {
            let ruling = decide(&self.files, &path, &who, wanted).unwrap();
            let ours = match &ruling {
                Some(ruling) if ruling.allowed => 'y',
                Some(_) => 'n',
                None => '0',
            };
            assert_eq!(ours, kernel, "{wanted:?} {name} as {who:?}: {ruling:?}, kernel: {kernel}");
            allowed.push(if kernel == 'y' { letter } else { '-' });
        }
        allowed
    }
}

/// Names in directories.
impl Scene {
    /// Whether somebody may create this name or put aside what has it: what the kernel allows and
    /// `decide_entry` agrees to. `None`: there is no such directory.
    pub fn lets_replace(&self, name: &str, somebody: &Somebody) -> Option<bool> {
        let path = self.path(name);
        let (who, answers) = self.probe.ask(somebody, &[], std::slice::from_ref(&path));
        let ruling = decide_entry(&self.files, &path, &who).unwrap();
        let ours = match &ruling {
            Some(ruling) if ruling.allowed => 'y',
            Some(_) => 'n',
            None => '0',
        };
        let kernel = answers[0].1[3];
        assert_eq!(ours, kernel, "{name} as {who:?}: {ruling:?}, kernel: {kernel}");
        ruling.map(|ruling| ruling.allowed)
    }
}

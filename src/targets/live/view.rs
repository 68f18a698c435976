//! Whose mounts spotcheck sees.
//!
//! systemd's `ProtectSystem=`, `ProtectHome=`, `PrivateTmp=` and the like, `ip netns exec` and
//! containers in the host's pid namespace give a process a mount namespace of its own: read-only
//! where the host's is not, empty where the host's is full. A rule asks about the host, and the host
//! is what process 1 sees. So where the namespaces differ, files are looked up through
//! `/proc/1/root` (`proc_pid_root(5)`, which takes `CAP_SYS_PTRACE`), and mounts and their flags are
//! those of `/proc/1/mountinfo`. Without that capability only paths at which both have the same
//! mount are answered; all others are unknown.

use crate::facts::process::FileId;
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::live::{filesystem, patience};
use crate::targets::rootfs::Rootfs;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The mount table of this process.
pub(super) const OWN: &str = "/proc/self/mountinfo";
/// The mount table of the host.
pub(super) const HOST: &str = "/proc/1/mountinfo";
const HOST_ROOT: &str = "/proc/1/root";
const LIMIT: usize = 64 << 20;
/// How long a filesystem may take to say what a file is.
const PATIENCE: Duration = Duration::from_secs(2);

/// How this process sees the files of the host.
#[derive(Debug)]
pub(super) enum View {
    /// Its mounts are the host's.
    Shared,
    /// Its mounts are others; the host's files can be reached through process 1.
    Through {
        /// What process 1 calls `/`.
        root: Arc<Rootfs>,
        /// Mounts of the host.
        host: Table,
    },
    /// Its mounts are others, and it may not look through process 1.
    Apart {
        /// Mounts of this process.
        own: Table,
        /// Mounts of the host.
        host: Table,
        /// Why not.
        why: String,
    },
    /// Whether its mounts are the host's could not be seen (`hidepid=`).
    Unsure(Unknown),
}

impl View {
    /// Compares the mounts of this process with those of process 1.
    pub(super) fn look() -> Self {
        let (own, host) = match (Table::read(OWN), Table::read(HOST)) {
            (Ok(own), Ok(host)) => (own, host),
            (Err(why), _) | (_, Err(why)) => return View::Unsure(why),
        };
        if same_namespace().unwrap_or_else(|| own.shares_a_mount_with(&host)) {
            return View::Shared;
        }
        match Rootfs::open(Path::new(HOST_ROOT)) {
            Ok(root) => View::Through { root: Arc::new(root), host },
            Err(why) => View::Apart { own, host, why },
        }
    }

    /// Whether a path leads to the same file here and on the host, as far as mounts decide.
    pub(super) fn reaches(&self, path: &Path) -> Fact<()> {
        let View::Apart { own, host, why } = self else { return Ok(()) };
        // The same processes and kernel, wherever it is mounted.
        if path.starts_with("/proc") {
            return Ok(());
        }
        match (own.place(path), host.place(path)) {
            (Some(here), Some(there)) if here == there => Ok(()),
            _ => Err(apart(path, why)),
        }
    }

    /// Device and inode of what a path leads to on the host, links followed. `None`: nothing.
    pub(super) fn identity(&self, path: &Path) -> Fact<Option<FileId>> {
        let path = path.to_owned();
        let found = match self {
            View::Through { root, .. } => {
                let root = Arc::clone(root);
                patience::within(PATIENCE, {
                    let path = path.clone();
                    move || root.identity(&path)
                })
            }
            View::Shared => patience::within(PATIENCE, {
                let path = path.clone();
                move || {
                    let file = filesystem::existing(&path, fs::metadata(&path))?;
                    Ok(file.map(|file| FileId { device: file.dev(), inode: file.ino() }))
                }
            }),
            View::Apart { .. } | View::Unsure(_) => {
                self.follows(&path)?;
                if let View::Unsure(why) = self {
                    return Err(why.clone());
                }
                return View::Shared.identity(&path);
            }
        };
        found.map_err(|error| Unknown::from_io(crate::text::path(&path), &error))?
    }

    /// The same for what a path leads to when links are followed.
    pub(super) fn follows(&self, path: &Path) -> Fact<()> {
        self.reaches(path)?;
        let View::Apart { why, .. } = self else { return Ok(()) };
        match fs::canonicalize(path) {
            Ok(end) => self.reaches(&end),
            // A link that leads nowhere here may lead somewhere on the host.
            Err(_) if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) => {
                Err(apart(path, why))
            }
            Err(_) => Ok(()),
        }
    }

    /// Whether a write on the host would give `EROFS`, where this process's own mount does not tell.
    pub(super) fn read_only(&self, path: &Path, own: Fact<bool>) -> Fact<bool> {
        match self {
            View::Shared => own,
            View::Through { host, .. } | View::Apart { host, .. } => {
                let why = || Cause::Malformed(format!("tells no mount of {}", path.display()));
                let mount = host.covering(path).ok_or_else(|| Unknown::new(HOST, why()))?;
                Ok(mount.read_only)
            }
            // That it can be written is the answer that grants nothing to a rule.
            View::Unsure(why) => match own {
                Ok(true) => Err(why.clone()),
                other => other,
            },
        }
    }

    /// The mount table that a rule is about.
    pub(super) fn mountinfo(&self) -> Fact<&'static str> {
        match self {
            View::Shared => Ok(OWN),
            View::Through { .. } | View::Apart { .. } => Ok(HOST),
            View::Unsure(why) => Err(why.clone()),
        }
    }
}

fn apart(path: &Path, why: &str) -> Unknown {
    let why = format!(
        "spotcheck has mounts of its own (ProtectHome=, PrivateTmp= ...) and the host another one \
         there, which it cannot reach ({why}); run it as root with CAP_SYS_PTRACE and without \
         RestrictSUIDSGID=, or with the host's mounts"
    );
    Unknown::new(path.display().to_string(), Cause::Unsupported(why))
}

/// By the names of the namespaces, which only who may trace process 1 is told.
fn same_namespace() -> Option<bool> {
    let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    Some(of("self")? == of("1")?)
}

/// One line of `proc_pid_mountinfo(5)`.
#[derive(Debug)]
struct Mounted {
    id: u32,
    parent: u32,
    device: String,
    root: PathBuf,
    point: PathBuf,
    read_only: bool,
}

/// All mounts of a namespace below the root of one process.
#[derive(Debug)]
pub(super) struct Table(Vec<Mounted>);

impl Table {
    fn read(path: &str) -> Fact<Self> {
        let bytes = match crate::targets::live::proc_file::bounded(path, LIMIT) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let cause = Cause::TooLarge(format!("more than {LIMIT} bytes"));
                return Err(Unknown::new(path, cause));
            }
            // hidepid= hides processes from all but root.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Unknown::new(path, Cause::PermissionDenied));
            }
            Err(error) => return Err(Unknown::from_io(path, &error)),
        };
        Table::parse(&bytes).ok_or_else(|| {
            Unknown::new(path, Cause::Malformed("a line is not of its format".to_owned()))
        })
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(line).collect::<Option<_>>().map(Self)
    }

    /// Ids of mounts are unique among all namespaces.
    pub(super) fn shares_a_mount_with(&self, other: &Table) -> bool {
        let ids: BTreeSet<u32> = other.0.iter().map(|mount| mount.id).collect();
        self.0.iter().any(|mount| ids.contains(&mount.id))
    }

    /// Whether the root directory is the same place of the same filesystem.
    pub(super) fn has_the_root_of(&self, other: &Table) -> bool {
        let root = Path::new("/");
        let place = |table: &Table| {
            let mount = table.covering(root).filter(|mount| mount.point == root)?;
            Some((mount.device.clone(), mount.root.clone()))
        };
        place(self).is_some_and(|own| place(other) == Some(own))
    }

    /// The mount that a path without links lies on: from mount to mount, as the kernel walks.
    fn covering(&self, path: &Path) -> Option<&Mounted> {
        let mut here = self.0.iter().find(|mount| {
            mount.point == Path::new("/") && !self.0.iter().any(|other| other.id == mount.parent)
        })?;
        // A mount is passed once.
        for _ in 0..self.0.len() {
            let below = self.0.iter().filter(|mount| {
                mount.parent == here.id && mount.id != here.id && path.starts_with(&mount.point)
            });
            match below.min_by_key(|mount| mount.point.components().count()) {
                Some(next) => here = next,
                None => break,
            }
        }
        Some(here)
    }

    /// The filesystem that a path lies on, and where in it.
    fn place(&self, path: &Path) -> Option<(&str, PathBuf)> {
        let mount = self.covering(path)?;
        let rest = path.strip_prefix(&mount.point).ok()?;
        Some((&mount.device, mount.root.join(rest)))
    }
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn line(line: &[u8]) -> Option<Mounted> {
    let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let text = |index: usize| std::str::from_utf8(words.get(index)?).ok();
    let dash = words.iter().position(|word| *word == b"-")?;
    let is_read_only = |list: &[u8]| list.split(|byte| *byte == b',').any(|word| word == b"ro");
    Some(Mounted {
        id: text(0)?.parse().ok()?,
        parent: text(1)?.parse().ok()?,
        device: text(2)?.to_owned(),
        root: crate::formats::mounts::path(words.get(3)?),
        point: crate::formats::mounts::path(words.get(4)?),
        read_only: is_read_only(words.get(5)?) || is_read_only(words.get(dash + 3)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(lines: &[&str]) -> Table {
        Table::parse(lines.join("\n").as_bytes()).unwrap()
    }

    #[test]
    fn the_mount_that_covers_a_path_is_found_as_the_kernel_walks() {
        let table = table(&[
            "1 0 8:1 / / rw - ext4 a rw",
            "2 1 8:2 / /a/b rw - ext4 b rw",
            "3 1 8:3 /sub /a ro - ext4 c rw",
            "4 3 8:4 / /a rw - ext4 d ro",
        ]);
        let device = |path: &str| table.covering(Path::new(path)).unwrap().device.as_str();
        assert_eq!(device("/x"), "8:1");
        assert_eq!(device("/a/b/c"), "8:4", "/a/b is hidden by what was mounted on /a later");
        assert_eq!(device("/ab"), "8:1");
        assert!(table.covering(Path::new("/a")).unwrap().read_only, "the filesystem is");
    }

    #[test]
    fn a_bind_mount_of_the_same_place_is_the_same_place() {
        let host = table(&["1 0 8:1 / / rw - ext4 a rw"]);
        let own = table(&[
            "11 10 8:1 / / ro - ext4 a rw",
            "12 11 8:1 /srv /srv ro - ext4 a rw",
            "13 11 0:9 / /home ro - tmpfs x ro",
        ]);
        let view = View::Apart { own, host, why: "closed".into() };
        assert_eq!(view.reaches(Path::new("/srv/x")), Ok(()));
        assert_eq!(view.read_only(Path::new("/srv/x"), Ok(true)), Ok(false));
        assert!(view.reaches(Path::new("/home/bob")).is_err());
    }

    #[test]
    fn ids_of_mounts_tell_namespaces_apart() {
        let one = table(&["1 0 8:1 / / rw - ext4 a rw", "5 1 0:4 / /proc rw - proc p rw"]);
        let chroot = table(&["5 1 0:4 / /proc rw - proc p rw"]);
        let other = table(&["7 6 8:1 / / rw - ext4 a rw"]);
        assert!(one.shares_a_mount_with(&chroot));
        assert!(!one.shares_a_mount_with(&other));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_run_for_ever(text in "([0-9]{1,2} [0-9]{1,2} 8:1 / /[ab/]{0,3} rw - x y rw\n|\\PC){0,20}") {
            if let Some(table) = Table::parse(text.as_bytes()) {
                let _ = table.covering(Path::new("/a/b"));
            }
        }
    }
}

//! Mounts whose questions somebody else answers, or never does: a server (NFS, CIFS, Ceph), or a
//! process of this host (FUSE).
//!
//! One whose server is gone keeps whoever asks it anything, a plain `stat(2)` of its root included, for
//! ever and uninterruptibly. So nothing on such a mount is asked but on a thread that can be given up,
//! and what has not answered once is not asked again: everything on it is unknown, and the rest of
//! the run goes on. Which paths lie on one is found out from the mount table and the links on the
//! way, since looking at the place itself is what must not be done.

use crate::facts::{Cause, Fact, Unknown};
use crate::formats::mounts;
use crate::targets::live::{is_apart, patience, proc_file};
use crate::text;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Filesystems that a server answers for, by the name that `proc_pid_mountinfo(5)` gives their type
/// (`filesystems(5)`, `mount(8)`). FUSE has a type for each program: `fuse.sshfs`.
const SERVERS: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fuse",
    "fuseblk",
    "gfs2",
    "glusterfs",
    "gpfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "smb3",
    "smbfs",
    "virtiofs",
    "autofs",
];
/// How long a mount may take to say something about a file.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Most links that are followed on one way, as the kernel does (`MAXSYMLINKS`).
const LINKS: usize = 40;
const LIMIT: usize = 64 << 20;
/// Mounts that are given up, and the most of them: a user may make many that never answer.
static GIVEN_UP: AtomicUsize = AtomicUsize::new(0);
const MOST: usize = 64;

/// A mount that may not answer.
#[derive(Debug)]
pub struct Distant {
    name: String,
    is_silent: AtomicBool,
}

impl Distant {
    /// Asks something about what lies on it, for a limited time.
    ///
    /// # Errors
    /// Where it has not answered, now or before.
    pub fn ask<T: Send + 'static>(
        &self,
        path: &Path,
        limit: Duration,
        question: impl FnOnce() -> Fact<T> + Send + 'static,
    ) -> Fact<T> {
        if self.is_silent.load(Ordering::Relaxed) {
            return Err(self.silent(path));
        }
        match patience::within_of((&GIVEN_UP, MOST), limit, question) {
            Ok(answer) => answer,
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                self.is_silent.store(true, Ordering::Relaxed);
                Err(self.silent(path))
            }
            Err(error) => Err(Unknown::from_io(text::path(path), &error)),
        }
    }

    fn silent(&self, path: &Path) -> Unknown {
        let why = format!("it lies on {}, a mount that does not answer", self.name);
        Unknown::new(text::path(path), Cause::TimedOut(why))
    }
}

/// The mounts of a mount table that may not answer, by their place; that of `/` is left out, since
/// without it there is no run.
#[derive(Debug, Default)]
pub struct Mounts {
    by_point: BTreeMap<PathBuf, Arc<Distant>>,
}

impl Mounts {
    /// Those of a mount table. Where that cannot be read, none are known.
    pub fn read(table: &str) -> Self {
        let content = proc_file::bounded(table, LIMIT).ok().flatten().unwrap_or_default();
        Self::of(&content)
    }

    /// Those of the content of a mount table. Of several mounts on one place the last is seen.
    fn of(content: &[u8]) -> Self {
        let mut by_point = BTreeMap::new();
        for mount in mounts::of_content(content) {
            let kind = mount.filesystem.as_str();
            let is_distant = SERVERS.contains(&kind) || kind.starts_with("fuse.");
            if !is_distant || mount.point == Path::new("/") {
                by_point.remove(&mount.point);
                continue;
            }
            let source = text::printable(&mount.source).into_owned();
            let name = format!("{} ({kind}, {source})", text::path(&mount.point));
            let one = Arc::new(Distant { name, is_silent: AtomicBool::new(false) });
            by_point.insert(mount.point, one);
        }
        Self { by_point }
    }

    /// Those of this process, read once.
    pub fn own() -> &'static Self {
        static OWN: OnceLock<Mounts> = OnceLock::new();
        OWN.get_or_init(|| Self::read("/proc/self/mountinfo"))
    }

    /// Those below a directory, by the path below it.
    pub fn below(&self, root: &Path) -> BTreeMap<Vec<u8>, Arc<Distant>> {
        let below = self.by_point.iter().filter_map(|(point, one)| {
            let path = Path::new("/").join(point.strip_prefix(root).ok()?);
            Some((path.into_os_string().into_vec(), Arc::clone(one)))
        });
        below.collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_point.is_empty()
    }

    /// The one at this very place.
    pub fn at(&self, point: &Path) -> Option<&Arc<Distant>> {
        self.by_point.get(point)
    }
}

/// Whether something that this host is asked may never be answered, so that a thread of whoever asks, and
/// its process with it, cannot end.
pub fn may_hang() -> bool {
    !Mounts::own().is_empty() || (is_apart() && !Mounts::read("/proc/1/mountinfo").is_empty())
}

/// Ways to files, from the root on, with what is known of the directories on them.
#[derive(Debug, Default)]
pub struct Ways {
    /// Directories without a link on their way, on no distant mount.
    plain: RefCell<HashSet<PathBuf>>,
}

impl Ways {
    /// The distant mount that a path leads to, by what `look` says of a place that is on none: where
    /// its link leads to, if it is one. `follow`: a link at the end as well.
    pub fn distant<'a>(
        &self,
        mounts: &'a Mounts,
        path: &Path,
        follow: bool,
        look: &dyn Fn(&Path) -> Option<PathBuf>,
    ) -> Option<&'a Arc<Distant>> {
        if mounts.is_empty() {
            return None;
        }
        let mut left = names(path);
        let mut at = PathBuf::from("/");
        let mut links = 0;
        while let Some(name) = left.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            let next = at.join(&name);
            if let Some(found) = mounts.at(&next) {
                return Some(found);
            }
            if (left.is_empty() && !follow) || self.plain.borrow().contains(&next) {
                at = next;
                continue;
            }
            match look(&next) {
                Some(to) => {
                    links += 1;
                    if links > LINKS {
                        return None;
                    }
                    if to.is_absolute() {
                        at = PathBuf::from("/");
                    }
                    names(&to).into_iter().rev().for_each(|name| left.push_front(name));
                }
                None => {
                    if !left.is_empty() {
                        self.plain.borrow_mut().insert(next.clone());
                    }
                    at = next;
                }
            }
        }
        None
    }
}

fn names(path: &Path) -> VecDeque<OsString> {
    let name = |component| match component {
        Component::Normal(name) => Some(OsString::from(name)),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mounts() -> Mounts {
        Mounts::of(
            b"1 0 8:1 / / rw - ext4 a rw\n2 1 0:4 / /srv/data rw - nfs4 box:/x rw\n\
              3 1 0:5 / /home/a/mnt rw - fuse.sshfs b rw\n4 1 0:6 / /old rw - nfs c rw\n\
              5 4 0:7 / /old rw - tmpfs d rw\n",
        )
    }

    #[test]
    fn a_path_lies_on_a_mount_by_whatever_links_lead_there() {
        let mounts = mounts();
        let look = |path: &Path| match path.to_str() {
            Some("/data") => Some(PathBuf::from("srv/data")),
            Some("/srv/link") => Some(PathBuf::from("../data/x")),
            Some("/circle") => Some(PathBuf::from("/circle")),
            _ => None,
        };
        let ways = Ways::default();
        for _ in 0..2 {
            let name = |path: &str, follow| {
                let found = ways.distant(&mounts, Path::new(path), follow, &look);
                found.map(|found| found.name.split(' ').next().unwrap_or_default().to_owned())
            };
            for path in ["/srv/data", "/srv/data/a", "/data/y", "/srv/../data/y", "/srv/link/z"] {
                assert_eq!(name(path, false).as_deref(), Some("/srv/data"), "{path}");
            }
            for path in ["/", "/srv", "/srv/database", "/data", "/srv/link", "/old/x", "/circle/x"]
            {
                assert_eq!(name(path, false), None, "{path}");
            }
            assert_eq!(name("/srv/link", true).as_deref(), Some("/srv/data"));
            assert_eq!(name("/home/a/mnt/b", true).as_deref(), Some("/home/a/mnt"));
        }
    }

    #[test]
    fn what_has_not_answered_is_not_asked_again() {
        let mounts = mounts();
        let (path, limit) = (Path::new("/srv/data/x"), Duration::from_millis(20));
        let distant = mounts.at(Path::new("/srv/data")).unwrap();
        assert_eq!(distant.ask(path, Duration::from_secs(5), || Ok(1)), Ok(1));
        let late = distant.ask(path, limit, || {
            std::thread::sleep(Duration::from_millis(500));
            Ok(1)
        });
        let why = "/srv/data/x: it lies on /srv/data (nfs4, box:/x), a mount that does not answer";
        assert_eq!(late.unwrap_err().to_string(), why);
        assert!(distant.ask(path, limit, || Ok(1)).is_err());
    }
}

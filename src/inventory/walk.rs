//! The walk over directories of this machine, by as many threads as there are processors (four at
//! most). Each directory is opened from the root of the target without following any link, listed
//! with `getdents64(2)`, and each name in it looked at with `fstatat(2)`. The attribute with
//! capabilities is asked for of regular files that somebody may execute or whose owner, not being
//! root, could make so. Nothing is opened but directories.

use crate::facts::file::{FileCapabilities, FileFact, FileKind, Mode};
use crate::facts::inventory::{Found, Inventory};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::filecap;
use crate::host::beneath;
use crate::host::beneath::Links;
use crate::inventory::mounts::Mounts;
use crate::inventory::{may_be_executed, places_of, too_large, tops};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use rustix::fs::{AtFlags, FileType, RawDir, Stat, lgetxattr, statat};
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};

/// The most threads.
const THREADS: usize = 4;
/// Bytes of names that the kernel is asked for at once.
const BUFFER: usize = 32 << 10;
/// The most directories that wait.
const PENDING: usize = 4_000_000;
/// The longest value of the attribute: version 3 has 24 bytes.
const ATTRIBUTE: usize = 64;

/// A directory to be walked.
struct Directory {
    path: PathBuf,
    nosuid: bool,
    device: u64,
}

/// What all threads share.
struct Shared<'a> {
    root: &'a OwnedFd,
    places: &'a [PathBuf],
    mounts: &'a Mounts,
    queue: Mutex<Queue>,
    news: Condvar,
    /// Threads that wait for directories: the others give them some of theirs.
    waiting: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    pending: Vec<Directory>,
    /// Threads that have directories of their own and may still find more.
    busy: usize,
}

/// Everything that matters below each of the places.
pub(super) fn walk(root: &OwnedFd, places: &[PathBuf], mounts: &Mounts) -> Fact<Vec<Inventory>> {
    let shared = Shared {
        root,
        places,
        mounts,
        queue: Mutex::new(Queue::default()),
        news: Condvar::new(),
        waiting: AtomicUsize::new(0),
    };
    let mut first = Worker::new(&shared);
    let mut pending = Vec::new();
    for place in tops(places) {
        if mounts.left_out(&place).is_some_and(|why| !why.is_empty()) {
            let why = format!("{} is not on a filesystem of this machine", place.display());
            return Err(Unknown::new(crate::text::path(&place), Cause::Unsupported(why)));
        }
        let nosuid = mounts.nosuid(&place);
        let device = first.top(&place, nosuid)?;
        pending.push(Directory { path: place, nosuid, device });
    }
    if let Ok(mut queue) = shared.queue.lock() {
        queue.pending = pending;
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let mut found = first.found;
    std::thread::scope(|scope| {
        // On threads of their own, even a single one: their working directory is not that of the
        // program. One that cannot be started is work for the others.
        let workers: Vec<_> = (0..threads)
            .filter_map(|_| {
                let work = || Worker::new(&shared).with_own_directory().work();
                std::thread::Builder::new().spawn_scoped(scope, work).ok()
            })
            .collect();
        if workers.is_empty() {
            merge(&mut found, Worker::new(&shared).work());
        }
        for worker in workers {
            match worker.join() {
                Ok(theirs) => merge(&mut found, theirs),
                Err(_) => {
                    let why = Cause::Io("a thread of the walk ended early".into());
                    found.iter_mut().for_each(|one| {
                        one.unread.push(Unknown::new("the walk", why.clone()));
                    });
                }
            }
        }
    });
    Ok(found)
}

/// Where engines keep images and containers by default.
const DATA: [&str; 9] = [
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/containers/storage",
    "/var/lib/rancher",
    "/var/lib/kubelet/pods",
    "/var/lib/lxd",
    "/var/lib/incus",
    "/var/snap/lxd/common/lxd",
    "/var/lib/machines",
];

/// Layers of images and root directories of containers are not the host's files, as long as nobody
/// but root passes the directory that they are in.
fn is_unreachable_data(path: &Path, stat: &Stat) -> bool {
    let open = if stat.st_gid == 0 { 0o001 } else { 0o011 };
    stat.st_uid == 0 && stat.st_mode & open == 0 && DATA.iter().any(|data| Path::new(data) == path)
}

/// Why another filesystem below a root directory is not walked: it is the kernel's (the empty text), or
/// one that may not answer. Numbers are those of `statfs(2)`.
fn not_of_this_machine(root: &OwnedFd, path: &Path) -> Option<String> {
    const KERNEL: [u32; 9] = [
        0x9fa0,
        0x6265_6572,
        0x0027_e0eb,
        0x6367_7270,
        0x1cd1,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0xcafe_4a11,
    ];
    const REMOTE: [u32; 8] = [
        0x6573_5546,
        0x6969,
        0xff53_4d42,
        0xfe53_4d42,
        0x0102_1997,
        0x517b,
        0x00c3_6400,
        0x5346_414f,
    ];
    let Ok(opened) = open(root, path) else { return Some("not walked: another filesystem".into()) };
    let Ok(stat) = rustix::fs::fstatfs(&opened) else {
        return Some("not walked: another filesystem".into());
    };
    let Ok(kind) = u32::try_from(stat.f_type) else { return None };
    if KERNEL.contains(&kind) {
        return Some(String::new());
    }
    REMOTE.contains(&kind).then(|| "not walked: another filesystem, of other machines".into())
}

fn merge(found: &mut [Inventory], theirs: Vec<Inventory>) {
    for (ours, theirs) in found.iter_mut().zip(theirs) {
        ours.merge(theirs);
    }
}

/// One thread.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    found: Vec<Inventory>,
    /// The thread has a working directory of its own.
    own_directory: bool,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared<'a>) -> Self {
        let found = shared.places.iter().cloned().map(Inventory::of).collect();
        Self { shared, found, own_directory: false }
    }

    /// Threads share their working directory unless they ask not to; a sandbox may forbid that.
    fn with_own_directory(mut self) -> Self {
        self.own_directory = nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS).is_ok();
        self
    }

    fn work(mut self) -> Vec<Inventory> {
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        while let Some(first) = self.next() {
            let mut mine = vec![first];
            while let Some(directory) = mine.pop() {
                match self.list(&directory, &mut buffer) {
                    Ok(below) if mine.len() + below.len() <= PENDING => mine.extend(below),
                    Ok(_) => {
                        let why = format!("more than {PENDING} directories");
                        self.unread(&directory.path, too_large(&directory.path, why));
                    }
                    Err(why) => self.unread(&directory.path, why),
                }
                self.share(&mut mine);
            }
            let Ok(mut queue) = self.shared.queue.lock() else { break };
            queue.busy -= 1;
            if queue.busy == 0 {
                self.shared.news.notify_all();
            }
        }
        self.found
    }

    /// Gives half of the directories, the first found, to threads that have none.
    fn share(&self, mine: &mut Vec<Directory>) {
        if mine.len() < 2 || self.shared.waiting.load(Ordering::Relaxed) == 0 {
            return;
        }
        let Ok(mut queue) = self.shared.queue.lock() else { return };
        if queue.pending.is_empty() {
            queue.pending.extend(mine.drain(..mine.len() / 2));
            self.shared.news.notify_all();
        }
    }

    /// The next directory. `None`: there is none, and no other thread will find one.
    fn next(&self) -> Option<Directory> {
        let mut queue = self.shared.queue.lock().ok()?;
        loop {
            if let Some(directory) = queue.pending.pop() {
                queue.busy += 1;
                return Some(directory);
            }
            if queue.busy == 0 {
                return None;
            }
            self.shared.waiting.fetch_add(1, Ordering::Relaxed);
            let woken = self.shared.news.wait(queue);
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            queue = woken.ok()?;
        }
    }

    fn unread(&mut self, path: &Path, why: Unknown) {
        for index in places_of(self.shared.places, path) {
            if let Some(inventory) = self.found.get_mut(index) {
                inventory.unread.push(why.clone());
            }
        }
    }

    /// Looks at a place itself; the number of its filesystem.
    fn top(&mut self, place: &Path, nosuid: bool) -> Fact<u64> {
        let directory = open(self.shared.root, place)?;
        let stat = rustix::fs::fstat(&directory)
            .map_err(|error| Unknown::from_io(crate::text::path(place), &error.into()))?;
        let mut local = Local::default();
        let within = places_of(self.shared.places, place);
        local.see(place.file_name().unwrap_or_default(), &stat);
        self.keep(&within, place.to_owned(), &stat, Ok(None), nosuid);
        local.add(place.parent().unwrap_or(place), &within, &mut self.found);
        Ok(stat.st_dev)
    }

    /// Looks at everything in a directory; the directories in it.
    fn list(
        &mut self,
        directory: &Directory,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Fact<Vec<Directory>> {
        let unread =
            |error: std::io::Error| Unknown::from_io(crate::text::path(&directory.path), &error);
        let opened = match open(self.shared.root, &directory.path) {
            Ok(opened) => opened,
            // Removed or replaced since it was seen.
            Err(why) if why.cause == Cause::Vanished => return Ok(Vec::new()),
            Err(why) => return Err(why),
        };
        let within = places_of(self.shared.places, &directory.path);
        let mut attributes = Attributes::of(&opened, self.own_directory);
        let mounted = self.shared.mounts.within(&directory.path);
        let mut local = Local::default();
        let mut below = Vec::new();
        let mut entries = RawDir::new(&opened, buffer);
        while let Some(entry) = entries.next() {
            let entry = entry.map_err(|error| unread(error.into()))?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let os_name = OsStr::from_bytes(name.to_bytes());
            let is_point = mounted.is_some_and(|names| names.contains(os_name));
            if is_point
                && let Some(why) = self.shared.mounts.left_out(&directory.path.join(os_name))
            {
                self.leave_out(&within, directory.path.join(os_name), why);
                continue;
            }
            let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
            let stat = match statat(&opened, name, flags) {
                Ok(stat) => stat,
                Err(rustix::io::Errno::NOENT) => continue,
                Err(error) => {
                    let path = crate::text::path(&directory.path.join(os_name));
                    let why = Unknown::from_io(path, &error.into());
                    self.unread(&directory.path, why);
                    continue;
                }
            };
            let kind = FileType::from_raw_mode(stat.st_mode);
            local.see(os_name, &stat);
            match kind {
                FileType::Directory => {
                    let path = directory.path.join(os_name);
                    // A place below counts its own directory as well: it is listed here.
                    self.keep(&within, path.clone(), &stat, Ok(None), directory.nosuid);
                    if is_unreachable_data(&path, &stat) {
                        self.leave_out(&within, path, String::new());
                        continue;
                    }
                    let crossed = stat.st_dev != directory.device;
                    if crossed
                        && !self.shared.mounts.crosses
                        && let Some(why) = not_of_this_machine(self.shared.root, &path)
                    {
                        self.leave_out(&within, path, why);
                        continue;
                    }
                    let nosuid = if crossed || is_point {
                        self.shared.mounts.nosuid(&path)
                    } else {
                        directory.nosuid
                    };
                    self.begin(&path, &within, &stat, nosuid);
                    below.push(Directory { path, nosuid, device: stat.st_dev });
                }
                FileType::RegularFile => {
                    let shown = || crate::text::path(&directory.path.join(os_name));
                    let capabilities = match may_be_executed(stat.st_mode, stat.st_uid) {
                        true => attributes.capabilities(name, shown),
                        false => Ok(None),
                    };
                    let special = stat.st_mode & 0o6002 != 0 || capabilities != Ok(None);
                    if special {
                        let path = directory.path.join(os_name);
                        self.keep(&within, path, &stat, capabilities, directory.nosuid);
                    }
                }
                _ if stat.st_mode & 0o002 != 0 && kind == FileType::BlockDevice => {
                    let path = directory.path.join(os_name);
                    self.keep(&within, path, &stat, Ok(None), directory.nosuid);
                }
                _ => {}
            }
        }
        local.add(&directory.path, &within, &mut self.found);
        Ok(below)
    }

    /// Counts a place that begins here; its parent has been counted for the places above.
    fn begin(&mut self, path: &Path, above: &[usize], stat: &Stat, nosuid: bool) {
        for (index, place) in self.shared.places.iter().enumerate() {
            if place == path && !above.contains(&index) {
                let mut local = Local::default();
                let parent = path.parent().unwrap_or(path);
                local.see(path.file_name().unwrap_or_default(), stat);
                local.add(parent, &[index], &mut self.found);
                self.keep(&[index], path.to_owned(), stat, Ok(None), nosuid);
            }
        }
    }

    fn leave_out(&mut self, within: &[usize], path: PathBuf, why: String) {
        if why.is_empty() {
            return;
        }
        let rights = self.shared.mounts.may_give_rights(&path);
        for index in within {
            if let Some(inventory) = self.found.get_mut(*index) {
                inventory.unwalked_rights.extend(rights.then(|| path.clone()));
                inventory.left_out.insert(path.clone(), why.clone());
            }
        }
    }

    /// Keeps a file that matters.
    fn keep(
        &mut self,
        within: &[usize],
        path: PathBuf,
        stat: &Stat,
        capabilities: Fact<Option<FileCapabilities>>,
        nosuid: bool,
    ) {
        let Some(fact) = fact(stat) else { return };
        let one = Found { path, fact, capabilities, nosuid };
        for index in within {
            if let Some(inventory) = self.found.get_mut(*index) {
                inventory.keep(&one);
            }
        }
    }
}

/// Counts of one directory, with the first name for each owner and group.
#[derive(Default)]
struct Local {
    entries: u64,
    owners: BTreeMap<u32, (u64, PathBuf)>,
    groups: BTreeMap<u32, (u64, PathBuf)>,
}

impl Local {
    fn see(&mut self, name: &OsStr, stat: &Stat) {
        self.entries += 1;
        for (tallies, id) in [(&mut self.owners, stat.st_uid), (&mut self.groups, stat.st_gid)] {
            match tallies.get_mut(&id) {
                Some((count, first)) => {
                    *count += 1;
                    if name < first.as_os_str() {
                        *first = PathBuf::from(name);
                    }
                }
                None => drop(tallies.insert(id, (1, PathBuf::from(name)))),
            }
        }
    }

    fn add(self, directory: &Path, within: &[usize], found: &mut [Inventory]) {
        for index in within {
            let Some(inventory) = found.get_mut(*index) else { continue };
            inventory.entries += self.entries;
            let owners = (&mut inventory.owners, &self.owners);
            for (tallies, local) in [owners, (&mut inventory.groups, &self.groups)] {
                for (id, (count, first)) in local {
                    tallies.entry(*id).or_default().add(*count, directory.join(first));
                }
            }
        }
    }
}

/// Opens a directory below the root, following no link.
fn open(root: &OwnedFd, path: &Path) -> Fact<OwnedFd> {
    let flags = OFlag::O_RDONLY
        | OFlag::O_DIRECTORY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC;
    match beneath::open(root, path, flags, Links::Refuse) {
        Ok(directory) => Ok(directory),
        // Moved or replaced by something else since it was seen.
        Err(Errno::EAGAIN | Errno::ELOOP | Errno::ENOTDIR) => {
            Err(Unknown::new(crate::text::path(path), Cause::Vanished))
        }
        Err(errno) => Err(Unknown::from_io(crate::text::path(path), &errno.into())),
    }
}

fn fact(stat: &Stat) -> Option<FileFact> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::Socket => FileKind::Socket,
        FileType::Fifo => FileKind::Fifo,
        FileType::BlockDevice => FileKind::BlockDevice,
        FileType::CharacterDevice => FileKind::CharDevice,
        _ => return None,
    };
    Some(FileFact {
        kind,
        uid: stat.st_uid,
        gid: stat.st_gid,
        mode: Mode((stat.st_mode & 0o7777) as u16),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        device: stat.st_dev,
        inode: stat.st_ino,
        links: u64::from(stat.st_nlink as u32),
        modified: stat.st_mtime,
        changed: stat.st_ctime,
        link_target: None,
    })
}

/// Attributes of the files in an open directory. A call that takes a name in a directory came only
/// with Linux 6.13. The shortest way is the name, for a thread that can make the directory its own;
/// else it leads through the descriptor's link in `/proc`, which takes the kernel much longer.
struct Attributes {
    path: Vec<u8>,
    prefix: usize,
    /// This filesystem has none.
    none: bool,
}

impl Attributes {
    fn of(directory: &OwnedFd, own_directory: bool) -> Self {
        let here = own_directory && rustix::process::fchdir(directory).is_ok();
        let path = match here {
            true => b"./".to_vec(),
            false => format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes(),
        };
        Self { prefix: path.len(), path, none: false }
    }

    fn capabilities(
        &mut self,
        name: &CStr,
        shown: impl Fn() -> String,
    ) -> Fact<Option<FileCapabilities>> {
        use rustix::io::Errno;
        if self.none {
            return Ok(None);
        }
        self.path.truncate(self.prefix);
        self.path.extend_from_slice(name.to_bytes_with_nul());
        let path = CStr::from_bytes_with_nul(&self.path).unwrap_or(c"");
        let mut value = [0_u8; ATTRIBUTE];
        let what = || format!("capabilities of {}", shown());
        match lgetxattr(path, c"security.capability", &mut value) {
            Ok(length) => filecap::parse(value.get(..length).unwrap_or_default())
                .map(Some)
                .map_err(|why| Unknown::new(what(), Cause::Malformed(why))),
            // Removed meanwhile, or none.
            Err(Errno::NODATA | Errno::NOENT) => Ok(None),
            Err(Errno::OPNOTSUPP) => {
                self.none = true;
                Ok(None)
            }
            Err(error) => Err(Unknown::from_io(what(), &error.into())),
        }
    }
}

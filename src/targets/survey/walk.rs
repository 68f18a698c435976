//! All directories, by several threads.
//!
//! Jobs lie on a stack, so that the directories that are open are few: those on the way to what is
//! looked at now.

use crate::facts::snapshot::{Directory, Record, split};
use crate::facts::{Cause, Unknown};
use crate::host::beneath;
use crate::host::beneath::Links;
use crate::targets::distant::Mounts;
use crate::targets::survey::directory::{Distants, Picks, Tools};
use crate::targets::survey::request::{DEPTH_LIMIT, FILE_LIMIT, Found, Request, Survey};
use crate::text;
use nix::fcntl::OFlag;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

/// Something to be done.
enum Job {
    /// Look at these names of a directory, which is reached as everybody reaches it.
    Names { path: Vec<u8>, names: Vec<Vec<u8>> },
    /// Enter a directory.
    Enter { parent: Arc<OwnedFd>, name: Vec<u8>, path: Vec<u8>, depth: u16 },
    /// Read files of a listing.
    Read { directory: Arc<OwnedFd>, listing: usize, picks: Picks },
}

#[derive(Default)]
struct Queue {
    jobs: Vec<Job>,
    working: usize,
    /// Threads that wait for jobs: nobody need be woken where there are none.
    waiting: usize,
    /// Listings, in the order in which they were made. Those with files to be read wait for that.
    listings: Vec<Listing>,
}

enum Listing {
    Same(usize),
    Other(Directory),
}

struct Shared {
    root: OwnedFd,
    queue: Mutex<Queue>,
    wake: Condvar,
    files: AtomicU64,
}

impl Shared {
    /// A thread that panicked cannot have left a queue half changed.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Looks at the files below `root`, a directory that is `/` to them.
///
/// # Errors
/// When the directory cannot be opened.
pub fn walk(root: &Path, request: &Request) -> Result<Survey, Unknown> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(root, flags, Mode::empty())
        .map_err(|errno| Unknown::from_io(text::path(root), &errno.into()))?;
    let distant = distant_mounts(&root);
    let mut survey = Survey::default();
    let jobs = first_jobs(request);
    let shared = Shared {
        root,
        queue: Mutex::new(Queue { jobs, ..Queue::default() }),
        wake: Condvar::new(),
        files: AtomicU64::new(0),
    };
    let threads = request.threads.clamp(1, 16);
    std::thread::scope(|scope| {
        // On threads of their own, even a single one: their working directory is not that of the
        // program.
        let work = || scope.spawn(|| work(request, &shared, &distant));
        let workers: Vec<_> = (0..threads).map(|_| work()).collect();
        for worker in workers {
            match worker.join() {
                Ok(tools) => {
                    survey.gaps.append(tools.gaps);
                    survey.unseen.extend(tools.unseen);
                    survey.mounts.extend(tools.mounts);
                    survey.effort += tools.effort;
                }
                Err(_) => {
                    let why = Cause::Io("a thread ended early".into());
                    survey.gaps.push(Unknown::new("files", why));
                }
            }
        }
    });
    let listings = std::mem::take(&mut shared.lock().listings);
    survey.found = listings
        .into_iter()
        .map(|listing| match listing {
            Listing::Same(index) => Found::Same(index),
            Listing::Other(directory) => Found::Listing(directory),
        })
        .collect();
    Ok(survey)
}

/// The mounts below a directory that may never answer, by their path below it. Which these are in the
/// namespace of process 1, through which the directory may have been reached, is asked as well.
fn distant_mounts(root: &OwnedFd) -> Distants {
    let place = rustix::fs::readlink(format!("/proc/self/fd/{}", root.as_raw_fd()), Vec::new());
    let place = place.unwrap_or_default();
    let place = Path::new(OsStr::from_bytes(place.as_bytes()));
    let mut all = Mounts::own().below(place);
    if place == Path::new("/")
        && std::fs::read_link("/proc/self/ns/mnt").ok() != std::fs::read_link("/proc/1/ns/mnt").ok()
    {
        all.extend(Mounts::read("/proc/1/mountinfo").below(place));
    }
    all
}

/// A job for each directory in which something is asked for by name.
fn first_jobs(request: &Request) -> Vec<Job> {
    let mut by_folder: BTreeMap<&[u8], Vec<Vec<u8>>> = BTreeMap::new();
    for path in request.paths {
        match split(path) {
            Some((folder, name)) => by_folder.entry(folder).or_default().push(name.to_vec()),
            None => by_folder.entry(b"/").or_default().push(Vec::new()),
        }
    }
    let job = |(path, names): (&[u8], _)| Job::Names { path: path.to_vec(), names };
    by_folder.into_iter().map(job).collect()
}

/// Opens a directory by its path; links on the way are followed, within the root. `None`: there is
/// none, which is no gap: what was there before has been removed.
fn open_folder(root: &OwnedFd, folder: &[u8], tools: &mut Tools) -> Option<Arc<OwnedFd>> {
    use nix::errno::Errno;
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let name = Path::new(OsStr::from_bytes(folder));
    if let Some(point) = name.ancestors().find(|at| tools.is_silent(root, at)) {
        tools.silent_gap(folder, point);
        return None;
    }
    match beneath::open(root, name, flags, Links::Follow) {
        Ok(directory) => return Some(Arc::new(directory)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => {}
        // The kernel could not rule out that somebody moved a directory meanwhile.
        Err(Errno::EAGAIN) => tools.gap(folder, rustix::io::Errno::NOENT),
        Err(errno) => tools.gap(folder, rustix::io::Errno::from_raw_os_error(errno as i32)),
    }
    None
}

fn work<'a>(request: &'a Request<'a>, shared: &Shared, distant: &'a Distants) -> Tools<'a> {
    let mut tools = Tools::new(request, distant);
    while let Some(job) = next(shared) {
        if tools.is_late() {
            let (what, why) = job.left(shared);
            tools.gaps.push(Unknown::new(what, Cause::TimedOut(why)));
        } else {
            job.run(&mut tools, shared);
        }
        let mut queue = shared.lock();
        queue.working -= 1;
        if queue.working == 0 && queue.jobs.is_empty() {
            shared.wake.notify_all();
        }
    }
    tools
}

fn next(shared: &Shared) -> Option<Job> {
    let mut queue = shared.lock();
    loop {
        if let Some(job) = queue.jobs.pop() {
            queue.working += 1;
            return Some(job);
        }
        if queue.working == 0 {
            return None;
        }
        queue.waiting += 1;
        queue = shared.wake.wait(queue).unwrap_or_else(std::sync::PoisonError::into_inner);
        queue.waiting -= 1;
    }
}

impl Job {
    /// What is not done when the time is over.
    fn left(&self, shared: &Shared) -> (String, String) {
        match self {
            Job::Names { path, .. } | Job::Enter { path, .. } => {
                (text::bytes(path), "not looked at when the time was over".to_owned())
            }
            Job::Read { listing, picks, .. } => {
                let queue = shared.lock();
                let path = match queue.listings.get(*listing) {
                    Some(Listing::Other(found)) => text::bytes(&found.path),
                    _ => "files to be read".to_owned(),
                };
                let why =
                    format!("{} files in it were not read when the time was over", picks.len());
                (path, why)
            }
        }
    }

    fn run(self, tools: &mut Tools, shared: &Shared) {
        match self {
            Job::Names { path, names } => {
                let Some(directory) = open_folder(&shared.root, &path, tools) else { return };
                if names.iter().any(Vec::is_empty) {
                    let name = b".".to_vec();
                    Job::Enter { parent: directory, name, path, depth: 0 }.run(tools, shared);
                } else {
                    list(tools, shared, &directory, path, Some(&names), 0);
                }
            }
            Job::Enter { parent, name, path, depth } => {
                if depth >= DEPTH_LIMIT {
                    let why = format!("more than {DEPTH_LIMIT} directories deep");
                    tools.gaps.push(Unknown::new(text::bytes(&path), Cause::TooLarge(why)));
                    return;
                }
                let flags = OFlags::RDONLY
                    | OFlags::DIRECTORY
                    | OFlags::NOFOLLOW
                    | OFlags::NONBLOCK
                    | OFlags::CLOEXEC;
                let opened =
                    match openat(&parent, &name[..], flags | OFlags::NOATIME, Mode::empty()) {
                        Err(Errno::PERM) => openat(&parent, &name[..], flags, Mode::empty()),
                        opened => opened,
                    };
                match opened {
                    Ok(directory) => {
                        list(tools, shared, &Arc::new(directory), path, None, depth);
                    }
                    // Gone, or replaced by something else, since it was listed.
                    Err(Errno::NOENT) => {}
                    Err(errno) => tools.gap(&path, errno),
                }
            }
            Job::Read { directory, listing, picks } => {
                read(tools, shared, &directory, listing, picks)
            }
        }
    }
}

fn list(
    tools: &mut Tools,
    shared: &Shared,
    directory: &Arc<OwnedFd>,
    path: Vec<u8>,
    only: Option<&[Vec<u8>]>,
    depth: u16,
) {
    let Some(outcome) = tools.look(directory, &path, only) else { return };
    let seen = outcome.listing.records.len() as u64;
    let total = shared.files.fetch_add(seen, Ordering::Relaxed) + seen;
    if total > FILE_LIMIT {
        let why = format!("more than {FILE_LIMIT} files");
        tools.gaps.push(Unknown::new(text::bytes(&path), Cause::TooLarge(why)));
        return;
    }
    // Names of one directory that are asked for are opened from there, which `O_PATH` allows.
    let mut queue = shared.lock();
    let number = queue.listings.len();
    queue.listings.push(match outcome.same {
        Some(position) => Listing::Same(position),
        None => Listing::Other(outcome.listing),
    });
    let enter = outcome.enter.into_iter().map(|entered| Job::Enter {
        parent: Arc::clone(directory),
        name: entered.name,
        path: entered.path,
        depth: depth + 1,
    });
    queue.jobs.extend(enter);
    queue.jobs.extend(outcome.later.into_iter().map(|picks| Job::Read {
        directory: Arc::clone(directory),
        listing: number,
        picks,
    }));
    let wake = queue.waiting > 0;
    drop(queue);
    if wake {
        shared.wake.notify_all();
    }
}

fn read(
    tools: &mut Tools,
    shared: &Shared,
    directory: &Arc<OwnedFd>,
    listing: usize,
    picks: Picks,
) {
    let (path, records) = {
        let queue = shared.lock();
        let Some(Listing::Other(found)) = queue.listings.get(listing) else { return };
        let records: Vec<Option<Record>> =
            picks.iter().map(|(at, _)| found.records.get(*at).cloned()).collect();
        (found.path.clone(), records)
    };
    let mut read = Vec::with_capacity(picks.len());
    for ((at, name), record) in picks.iter().zip(records) {
        let (Some(record), Ok(name)) = (record, CStr::from_bytes_with_nul(name)) else { continue };
        read.extend(tools.read(directory, name, &record, &path).map(|record| (*at, record)));
    }
    if let Some(Listing::Other(found)) = shared.lock().listings.get_mut(listing) {
        for (at, record) in read {
            if let Some(place) = found.records.get_mut(at) {
                *place = record;
            }
        }
    }
}

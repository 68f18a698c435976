//! Which processes hold a socket: a walk through `/proc/*/fd`, the one expensive question.
//!
//! Every process is looked at, since a socket may have any number of holders (a server and its
//! workers). Per descriptor that is one `readlinkat` into a buffer that is used again, and a
//! comparison of bytes; two threads share the work.

use crate::facts::listener::Holders;
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::live::proc_file;
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads that share the work.
const WORKERS: usize = 2;
/// Pids that a worker takes at once.
const BATCH: usize = 32;
/// The link of a socket is `socket:[` and at most 20 digits and `]`.
const LINK_LIMIT: usize = 32;

/// Every holder that was seen, and what could not be looked into.
#[derive(Debug, Default)]
struct Seen {
    holders: HashMap<u32, BTreeSet<u32>>,
    refused: BTreeMap<u32, Unknown>,
}

/// For each of the socket inodes all processes that hold it.
///
/// A socket that nobody is seen to hold is the kernel's own, or a process of another pid namespace
/// holds it, or it was closed meanwhile: its holders are unknown, not none. `hidden` says why
/// `/proc` may leave out processes, if it may.
pub(super) fn scan(
    wanted: &BTreeSet<u32>,
    hidden: Option<&Unknown>,
) -> Fact<BTreeMap<u32, Holders>> {
    let pids = fs::read_dir("/proc").and_then(proc_file::numbers);
    let pids = pids.map_err(|error| Unknown::from_io("/proc", &error))?;
    let proc =
        openat(CWD, "/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| Unknown::from_io("/proc", &error.into()))?;
    let next = AtomicUsize::new(0);
    let work = || worker(&proc, &pids, &next, wanted);
    let mut seen = std::thread::scope(|scope| {
        // If no thread can be had, this one does all of the work.
        let others: Vec<_> = (1..WORKERS)
            .filter_map(|_| std::thread::Builder::new().spawn_scoped(scope, work).ok())
            .collect();
        let mut seen = work();
        for other in others {
            match other.join() {
                Ok(more) => seen.merge(more),
                Err(_) => {
                    let cause = Cause::Io("a thread of spotcheck failed".to_owned());
                    seen.refused.insert(0, Unknown::new("/proc/*/fd", cause));
                }
            }
        }
        seen
    });
    let unseen = seen.unseen().or_else(|| hidden.cloned());
    let answer = |inode: &u32| {
        let pids: Vec<u32> = seen.holders.remove(inode).unwrap_or_default().into_iter().collect();
        let nobody = || {
            let why = "no process of this pid namespace holds it (the kernel, a process outside, \
                       or it was closed meanwhile)";
            Unknown::new(format!("socket {inode}"), Cause::Unsupported(why.to_owned()))
        };
        let unseen = unseen.clone().or_else(|| pids.is_empty().then(nobody));
        (*inode, Holders { pids, unseen })
    };
    Ok(wanted.iter().map(answer).collect())
}

impl Seen {
    fn merge(&mut self, other: Seen) {
        for (inode, pids) in other.holders {
            self.holders.entry(inode).or_default().extend(pids);
        }
        self.refused.extend(other.refused);
    }

    /// One reason for all that was refused, naming the first and counting the others.
    fn unseen(&self) -> Option<Unknown> {
        let first = self.refused.values().next()?;
        let what = match self.refused.len() {
            1 => first.what.clone(),
            count => format!("{} and {} more", first.what, count.saturating_sub(1)),
        };
        Some(Unknown::new(what, first.cause.clone()))
    }
}

fn worker(proc: &OwnedFd, pids: &[u32], next: &AtomicUsize, wanted: &BTreeSet<u32>) -> Seen {
    let mut seen = Seen::default();
    let mut buffer = vec![MaybeUninit::uninit(); 32 << 10];
    loop {
        let start = next.fetch_add(BATCH, Ordering::Relaxed);
        let batch = pids.get(start..).unwrap_or_default();
        if batch.is_empty() {
            return seen;
        }
        for &pid in batch.get(..BATCH).unwrap_or(batch) {
            let mut found = |inode: u32| {
                if wanted.contains(&inode) {
                    seen.holders.entry(inode).or_default().insert(pid);
                }
            };
            if let Err(error) = process(proc, pid, &mut buffer, &mut found) {
                let what = format!("/proc/{pid}/fd");
                seen.refused.insert(pid, Unknown::from_io(what, &error.into()));
            }
        }
    }
}

/// Looks through the descriptors of one process. One that ends meanwhile is no error.
///
/// Threads share their descriptors unless they were made without `CLONE_FILES` or called
/// `unshare(2)`, which no server does: they are not looked at one by one. But where the main
/// thread has ended, its directory is empty, and the other threads have the descriptors.
fn process(
    proc: &OwnedFd,
    pid: u32,
    buffer: &mut [MaybeUninit<u8>],
    found: &mut dyn FnMut(u32),
) -> Result<(), Errno> {
    if directory(proc, &format!("{pid}/fd"), buffer, found)? > 0 {
        return Ok(());
    }
    // Kernel threads and zombies have no descriptors either, and no other threads.
    for tid in proc_file::threads(pid).unwrap_or_default() {
        if tid != pid && directory(proc, &format!("{pid}/task/{tid}/fd"), buffer, found)? > 0 {
            break;
        }
    }
    Ok(())
}

/// Reports the sockets of one directory of descriptors, and returns how many descriptors it has.
fn directory(
    proc: &OwnedFd,
    path: &str,
    buffer: &mut [MaybeUninit<u8>],
    found: &mut dyn FnMut(u32),
) -> Result<usize, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let fd = match openat(proc, path, flags, Mode::empty()) {
        Ok(fd) => fd,
        Err(error) => return gone(error).map(|()| 0),
    };
    let mut count: usize = 0;
    let mut entries = RawDir::new(&fd, buffer);
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return gone(error).map(|()| count),
        };
        let name = entry.file_name();
        if name.to_bytes().starts_with(b".") {
            continue;
        }
        count = count.saturating_add(1);
        let mut link = [MaybeUninit::uninit(); LINK_LIMIT];
        match readlinkat_raw(&fd, name, &mut link) {
            Ok((link, _)) => {
                if let Some(inode) = socket_inode(link) {
                    found(inode);
                }
            }
            Err(error) => gone(error)?,
        }
    }
    Ok(count)
}

/// What has ended, or was closed, meanwhile is no error.
fn gone(error: Errno) -> Result<(), Errno> {
    match error {
        Errno::NOENT | Errno::SRCH => Ok(()),
        other => Err(other),
    }
}

/// The inode in `socket:[4711]`.
pub fn socket_inode(link: &[u8]) -> Option<u32> {
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u32, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit.wrapping_sub(b'0')))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::TcpListener;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn only_links_of_sockets_name_an_inode() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        assert_eq!(socket_inode(b"socket:[4294967295]"), Some(u32::MAX));
        for other in ["socket:[]", "socket:[1", "socket:[x]", "pipe:[1]", "socket:[4294967296]", ""]
        {
            assert_eq!(socket_inode(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_reader_is_found_to_hold_its_own_socket() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let fd = std::os::fd::AsRawFd::as_raw_fd(&listener);
        let inode = fs::metadata(format!("/proc/self/fd/{fd}")).unwrap().ino() as u32;
        let found = scan(&BTreeSet::from([inode]), None).unwrap();
        assert_eq!(found[&inode].pids, [std::process::id()]);
    }

    #[test]
    fn a_socket_that_nobody_holds_has_unknown_holders() {
        let found = scan(&BTreeSet::from([0]), None).unwrap();
        assert!(found[&0].pids.is_empty());
        assert!(found[&0].unseen.is_some());
    }

    #[test]
    fn refusals_are_counted() {
        let mut seen = Seen::default();
        for pid in [9, 7, 8] {
            let what = format!("/proc/{pid}/fd");
            seen.refused.insert(pid, Unknown::new(what, Cause::PermissionDenied));
        }
        let unseen = seen.unseen().unwrap();
        assert_eq!(unseen.to_string(), "/proc/7/fd and 2 more: permission denied");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = socket_inode(&bytes);
        }
    }
}

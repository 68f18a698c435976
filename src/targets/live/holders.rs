//! Which processes hold a socket: a walk through the descriptors of all, the one expensive question.
//!
//! Every process is looked at, since a socket may have any number of holders (a server and its
//! workers). Per descriptor that is one `readlinkat` into a buffer that is used again, and a
//! comparison of bytes; two threads share the work. Processes come and go meanwhile: a walk counts if
//! all that were listed were still there, else what is new is looked at as well.

use crate::facts::listener::Holders;
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::live::descriptors::{Found, Reader, Sink};
use crate::targets::live::stat::Stat;
use crate::targets::live::{parts, processes};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Threads that share the work.
const WORKERS: usize = 2;
/// Pids that a worker takes at once.
const BATCH: usize = 32;
/// How often processes are listed again because some went before they were looked at.
const LOOKS: usize = 24;
/// How often all are looked at because a descriptor was on its way between two of them.
const WALKS: usize = 3;

/// Every holder that was seen, and what could not be looked into.
#[derive(Debug, Default)]
struct Seen {
    holders: HashMap<u32, BTreeSet<u32>>,
    refused: BTreeMap<u32, Unknown>,
    /// Processes that were gone before they were looked at.
    gone: BTreeSet<u32>,
    /// A zombie was among them, whose children may be younger than the list.
    ended: bool,
    /// Why there may be holders within what was seen.
    more: Option<String>,
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
    let proc =
        openat(CWD, "/proc", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| Unknown::from_io("/proc", &error.into()))?;
    let mut seen = Seen::default();
    for _ in 0..WALKS {
        seen = walk(&proc, wanted)?;
        // What was on its way is with somebody now, who may have been passed over.
        if seen.more.is_none() {
            break;
        }
    }
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

/// Looks at all processes, and at those that come, until none was missed.
fn walk(proc: &OwnedFd, wanted: &BTreeSet<u32>) -> Fact<Seen> {
    let mut seen = Seen::default();
    let mut looked: BTreeSet<u32> = BTreeSet::new();
    let mut pids = processes::list()?;
    for look in 1.. {
        let found = share(proc, &pids, wanted);
        looked.extend(pids.iter().filter(|pid| !found.gone.contains(pid)));
        let missed = !found.gone.is_empty() || found.ended;
        seen.merge(found);
        if !missed {
            break;
        }
        if look >= LOOKS {
            let what = format!("a process that was gone before it was looked at, {LOOKS} times");
            seen.refused.insert(0, Unknown::new(what, Cause::Vanished));
            break;
        }
        pids = processes::list()?;
        pids.retain(|pid| !looked.contains(pid));
    }
    Ok(seen)
}

/// Shares the processes among threads.
fn share(proc: &OwnedFd, pids: &[u32], wanted: &BTreeSet<u32>) -> Seen {
    let next = AtomicUsize::new(0);
    let work = || worker(proc, pids, &next, wanted);
    if pids.len() <= BATCH {
        return work();
    }
    std::thread::scope(|scope| {
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
    })
}

impl Seen {
    fn merge(&mut self, other: Seen) {
        for (inode, pids) in other.holders {
            self.holders.entry(inode).or_default().extend(pids);
        }
        self.refused.extend(other.refused);
        self.gone.extend(other.gone);
        self.ended |= other.ended;
        self.more = self.more.take().or(other.more);
    }

    /// One reason for all that was refused, naming the first and counting the others.
    fn unseen(&self) -> Option<Unknown> {
        let Some(first) = self.refused.values().next() else {
            let why = self.more.as_ref()?;
            return Some(Unknown::new("all holders", Cause::Unsupported(why.clone())));
        };
        let what = match self.refused.len() {
            1 => first.what.clone(),
            count => format!("{} and {} more", first.what, count.saturating_sub(1)),
        };
        Some(Unknown::new(what, first.cause.clone()))
    }
}

/// Keeps what one process holds of what is wanted.
struct Keep<'a> {
    seen: &'a mut Seen,
    asked: &'a mut HashSet<u32>,
    wanted: &'a BTreeSet<u32>,
    pid: u32,
}

impl Sink for Keep<'_> {
    fn socket(&mut self, inode: u32) -> bool {
        if self.wanted.contains(&inode) {
            self.seen.holders.entry(inode).or_default().insert(self.pid);
            return false;
        }
        // A Unix socket, perhaps, in which a wanted one may be on its way.
        self.asked.insert(inode)
    }

    fn more(&mut self, why: String) {
        self.seen.more.get_or_insert(why);
    }
}

fn worker(proc: &OwnedFd, pids: &[u32], next: &AtomicUsize, wanted: &BTreeSet<u32>) -> Seen {
    let mut seen = Seen::default();
    let mut asked = HashSet::new();
    let mut reader = Reader::new(proc);
    loop {
        let start = next.fetch_add(BATCH, Ordering::Relaxed);
        let batch = pids.get(start..).unwrap_or_default();
        if batch.is_empty() {
            return seen;
        }
        for &pid in batch.get(..BATCH).unwrap_or(batch) {
            let mut keep = Keep { seen: &mut seen, asked: &mut asked, wanted, pid };
            match reader.process(pid, &mut keep) {
                Ok(Found::Whole) => {}
                Ok(Found::Nothing) => seen.ended |= has_ended(pid),
                Ok(Found::Gone) => {
                    seen.gone.insert(pid);
                }
                Err(error) => {
                    let what = format!("/proc/{pid}/fd");
                    seen.refused.insert(pid, Unknown::from_io(what, &error.into()));
                }
            }
        }
    }
}

/// Whether it is a zombie, about to be one, or gone by now; a kernel thread has no descriptors either.
fn has_ended(pid: u32) -> bool {
    let ends = |stat: Stat| !stat.kernel_thread && (parts::is_dead(&stat) || parts::is_ending(pid));
    parts::read_stat(pid).map_or(true, ends)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::net::TcpListener;
    use std::os::unix::fs::MetadataExt;

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
}

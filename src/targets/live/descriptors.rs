//! What the descriptors of one process hold: sockets, and sockets within them, below `/proc/PID/fd`
//! and `/proc/PID/task/TID/fd`, `proc_pid_fd(5)`.

use crate::targets::live::{fdinfo, parts, proc_file};
use rustix::fs::{Mode, OFlags, RawDir, StatxFlags, openat, readlinkat_raw, statx};
use rustix::io::Errno;
use std::collections::HashSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

/// The longest link that means something here is `socket:[` and at most 20 digits and `]`.
const LINK_LIMIT: usize = 32;
/// How often threads are listed again because some ended before they were looked at.
const LOOKS: usize = 8;

/// What was seen, in the order of the descriptors.
pub(super) trait Sink {
    /// A descriptor, or a file that is registered with an `io_uring(7)`, is this socket. Returns whether it is worth
    /// asking what waits in it.
    fn socket(&mut self, inode: u32) -> bool;

    /// There may be more than could be told: why.
    fn more(&mut self, why: String);
}

/// How a process was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// All of its descriptors were looked at.
    Whole,
    /// It has none: a kernel thread, or a zombie whose children go on.
    Nothing,
    /// It, or one of its threads, ended before it was looked at.
    Gone,
}

/// One reader, whose buffer is used again.
pub(super) struct Reader<'a> {
    proc: &'a OwnedFd,
    buffer: Vec<MaybeUninit<u8>>,
    /// Descriptors were closed while they were looked at, by one who ends perhaps: the kernel lists the rest
    /// of them as if there were none.
    shaken: bool,
}

/// With more descriptors than this they are listed in several steps.
const AT_ONCE: usize = 1000;

impl<'a> Reader<'a> {
    pub(super) fn new(proc: &'a OwnedFd) -> Self {
        Self { proc, buffer: vec![MaybeUninit::uninit(); 32 << 10], shaken: false }
    }

    /// Looks through all descriptors of a process.
    ///
    /// Threads share one table unless they were made without `CLONE_FILES` or called `unshare(2)`.
    /// Nothing but `kcmp(2)` would tell, and that is not to be had without `unsafe`, so where there are threads
    /// each is looked at. A main thread that has ended has no table any more, the others do.
    pub(super) fn process(&mut self, pid: u32, sink: &mut dyn Sink) -> Result<Found, Errno> {
        self.shaken = false;
        let found = self.all_of(pid, sink)?;
        Ok(match found {
            Found::Whole if self.shaken && parts::is_ending(pid) => Found::Gone,
            found => found,
        })
    }

    fn all_of(&mut self, pid: u32, sink: &mut dyn Sink) -> Result<Found, Errno> {
        let Some(mut count) = self.directory(&format!("{pid}/fd"), sink)? else {
            return Ok(Found::Gone);
        };
        if count > 0 && self.is_alone(pid) {
            return Ok(Found::Whole);
        }
        let mut looked = HashSet::from([pid]);
        for _ in 0..LOOKS {
            let Ok(tids) = proc_file::threads(pid) else { return Ok(Found::Gone) };
            let mut missed = false;
            for tid in tids {
                if !looked.insert(tid) {
                    continue;
                }
                match self.directory(&format!("{pid}/task/{tid}/fd"), sink)? {
                    Some(more) => count = count.saturating_add(more),
                    None => missed = true,
                }
            }
            if !missed {
                return Ok(if count > 0 { Found::Whole } else { Found::Nothing });
            }
        }
        Ok(Found::Gone)
    }

    /// Whether the process has one thread: the number of links of `/proc/PID/task` counts them, and
    /// itself and its parent (`proc_task_getattr()` of `fs/proc/base.c`).
    fn is_alone(&self, pid: u32) -> bool {
        let flags = rustix::fs::AtFlags::empty();
        let task = statx(self.proc, format!("{pid}/task"), flags, StatxFlags::NLINK);
        task.is_ok_and(|task| task.stx_nlink <= 3)
    }

    /// Reports the sockets of one directory of descriptors, and returns how many descriptors it has;
    /// `None` if it is gone, which may be before the last of them was seen.
    fn directory(&mut self, path: &str, sink: &mut dyn Sink) -> Result<Option<usize>, Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = match openat(self.proc, path, flags, Mode::empty()) {
            Ok(fd) => fd,
            Err(error) => return gone(error).map(|()| None),
        };
        let mut count: usize = 0;
        let mut entries = RawDir::new(&fd, &mut self.buffer);
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return gone(error).map(|()| None),
            };
            let name = entry.file_name();
            if name.to_bytes().starts_with(b".") {
                continue;
            }
            count = count.saturating_add(1);
            let mut link = [MaybeUninit::uninit(); LINK_LIMIT];
            let link = match readlinkat_raw(&fd, name, &mut link) {
                Ok((link, _)) => link,
                // Closed meanwhile: no error.
                Err(error) => {
                    gone(error)?;
                    self.shaken = true;
                    continue;
                }
            };
            let asks = match socket_inode(link) {
                Some(inode) => sink.socket(inode),
                None => link == b"anon_inode:[io_uring]",
            };
            if asks && let Ok(number) = name.to_str() {
                within(path, number, sink);
            }
        }
        self.shaken |= count > AT_ONCE;
        Ok(Some(count))
    }
}

/// What a descriptor holds in turn: files in flight in a socket, files registered with a ring.
fn within(path: &str, number: &str, sink: &mut dyn Sink) {
    let file = format!("/proc/{path}info/{number}");
    // Closed meanwhile, or a kernel that does not say: then there is nothing that could be told.
    let Ok(Some(bytes)) = proc_file::bounded(&file, fdinfo::LIMIT) else { return };
    let holds = fdinfo::parse(&bytes);
    for inode in &holds.sockets {
        sink.socket(*inode);
    }
    if holds.in_flight > 0 {
        sink.more(format!("of {file}, in which {} wait to be taken by a process", holds.in_flight));
    }
    if holds.unnamed > 0 {
        sink.more(format!("{file} has {} registered files that it does not name", holds.unnamed));
    }
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

    #[test]
    fn only_links_of_sockets_name_an_inode() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        assert_eq!(socket_inode(b"socket:[4294967295]"), Some(u32::MAX));
        for other in ["socket:[]", "socket:[1", "socket:[x]", "pipe:[1]", "socket:[4294967296]", ""]
        {
            assert_eq!(socket_inode(other.as_bytes()), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = socket_inode(&bytes);
        }
    }
}

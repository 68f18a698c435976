//! What is known of one process, each part read when it is first asked for and then kept.

use crate::facts::process::{FileId, Thread};
use crate::facts::{Cause, Unknown};
use crate::targets::live::cgroup::Membership;
use crate::targets::live::proc_file::{Miss, Seen};
use crate::targets::live::stat::Stat;
use crate::targets::live::status::Status;
use crate::targets::live::whose::{self, Mounts};
use crate::targets::live::{cgroup, proc_file, stat, status};
use std::cell::{Cell, OnceCell};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const STAT_LIMIT: usize = 16 << 10;
/// A thread may have 65,536 supplementary groups of up to 11 bytes each.
const STATUS_LIMIT: usize = 2 << 20;
const CGROUP_LIMIT: usize = 1 << 20;
/// Arguments beyond this are not looked at: no sane command line is longer, and all of them may
/// have to be kept.
const CMDLINE_LIMIT: usize = 1 << 20;

/// The parts of one process.
#[derive(Debug)]
pub(super) struct Parts {
    pid: u32,
    stat: OnceCell<Seen<Stat>>,
    exe: OnceCell<Seen<Option<Running>>>,
    mounts: OnceCell<Seen<Mounts>>,
    cmdline: OnceCell<Seen<Vec<String>>>,
    cgroup: OnceCell<Seen<Membership>>,
    status: OnceCell<Seen<Status>>,
    /// It was seen to have ended: a zombie.
    ended: Cell<bool>,
}

impl Parts {
    pub(super) fn new(pid: u32) -> Self {
        Self {
            pid,
            stat: OnceCell::new(),
            exe: OnceCell::new(),
            mounts: OnceCell::new(),
            cmdline: OnceCell::new(),
            cgroup: OnceCell::new(),
            status: OnceCell::new(),
            ended: Cell::new(false),
        }
    }

    /// `/proc/PID/stat`.
    pub(super) fn stat(&self) -> &Seen<Stat> {
        self.stat.get_or_init(|| {
            let stat = read_stat(self.pid);
            self.note_end(stat.as_ref().ok());
            stat
        })
    }

    /// Whether one of the answers until now showed that all of it has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.get()
    }

    fn note_end(&self, stat: Option<&Stat>) {
        if stat.is_some_and(|stat| is_dead(stat) && stat.threads <= 1) {
            self.ended.set(true);
        }
    }

    /// The executable; `None` for kernel threads and zombies.
    pub(super) fn exe(&self) -> &Seen<Option<Running>> {
        self.exe.get_or_init(|| {
            let miss = match proc_file::link(self.pid, "exe") {
                Ok(link) => return Ok(Some(running(self.pid, link))),
                Err(Miss::Gone) => return Err(Miss::Gone),
                Err(Miss::Unknown(unknown)) => unknown,
            };
            // Kernel threads and zombies have none. Without privilege the kernel refuses to say
            // even that, but `stat` can be read.
            let stat = read_stat(self.pid)?;
            self.note_end(Some(&stat));
            if stat.kernel_thread {
                return Ok(None);
            }
            if stat.threads > 1 {
                // The main thread may have ended while others go on; they still have it.
                if let Some(link) = self.of_threads(|task| proc_file::link(self.pid, task), "exe") {
                    return Ok(Some(running(self.pid, link)));
                }
            }
            // `ENOENT` without being a zombie yet: it has given up its memory and is ending.
            if (is_dead(&stat) && stat.threads <= 1) || matches!(miss.cause, Cause::Unsupported(_))
            {
                self.ended.set(true);
                return Ok(None);
            }
            Err(Miss::Unknown(miss))
        })
    }

    /// What of its mounts it shares with process 1. What has ended shares nothing any more, and
    /// counts as the host's.
    pub(super) fn mounts(&self) -> &Seen<Mounts> {
        self.mounts.get_or_init(|| {
            let stat = self.stat().as_ref().map_err(Clone::clone)?;
            if !is_dead(stat) {
                return whose::mounts(self.pid);
            }
            let others = proc_file::threads(self.pid)?.into_iter().filter(|tid| *tid != self.pid);
            let mut answers = others.map(whose::mounts).filter(|mounts| *mounts != Err(Miss::Gone));
            answers.next().unwrap_or(Ok(Mounts::Shared))
        })
    }

    /// The arguments, not valid UTF-8 replaced. Empty ones at the end are dropped: programs that
    /// set their own title pad it with NULs.
    pub(super) fn cmdline(&self) -> &Seen<Vec<String>> {
        self.cmdline.get_or_init(|| {
            let read = |name: &str| proc_file::read(self.pid, name, CMDLINE_LIMIT);
            let mut bytes = read("cmdline")?;
            if bytes.is_empty() && self.stat().as_ref().is_ok_and(|stat| stat.threads > 1) {
                bytes = self.of_threads(read, "cmdline").unwrap_or_default();
            }
            Ok(arguments(&bytes))
        })
    }

    /// `/proc/PID/cgroup`.
    pub(super) fn cgroup(&self) -> &Seen<Membership> {
        self.cgroup.get_or_init(|| {
            let bytes = proc_file::read(self.pid, "cgroup", CGROUP_LIMIT)?;
            cgroup::parse(&bytes).map_err(|why| malformed(self.pid, "cgroup", why))
        })
    }

    /// `/proc/PID/status`: the main thread.
    pub(super) fn status(&self) -> &Seen<Status> {
        self.status.get_or_init(|| read_status(self.pid, self.pid, "status"))
    }

    /// First answer that a thread other than the main one gives.
    fn of_threads<T>(&self, ask: impl Fn(&str) -> Seen<T>, name: &str) -> Option<T> {
        let tids = proc_file::threads(self.pid).ok()?;
        let others = tids.into_iter().filter(|tid| *tid != self.pid);
        others.map(|tid| ask(&format!("task/{tid}/{name}"))).find_map(Result::ok)
    }
}

/// `/proc/PID/stat`, read anew.
pub(super) fn read_stat(pid: u32) -> Seen<Stat> {
    let bytes = proc_file::read(pid, "stat", STAT_LIMIT)?;
    stat::parse(&bytes).ok_or_else(|| malformed(pid, "stat", "not of its format".to_owned()))
}

/// All threads, read anew. Those that end meanwhile are left out.
pub(super) fn read_threads(pid: u32) -> Seen<Vec<Thread>> {
    let mut threads = Vec::new();
    for tid in proc_file::threads(pid)? {
        match read_status(pid, tid, &format!("task/{tid}/status")) {
            Ok(status) => threads.push(status.thread),
            Err(Miss::Gone) => {}
            // The directory of an ended thread is gone, that of its process is not.
            Err(Miss::Unknown(Unknown { cause: Cause::Unsupported(_), .. })) => {}
            Err(unknown) => return Err(unknown),
        }
    }
    // The first is the main thread.
    threads.sort_by_key(|thread| (thread.tid != pid, thread.tid));
    if threads.is_empty() { Err(Miss::Gone) } else { Ok(threads) }
}

fn read_status(pid: u32, tid: u32, name: &str) -> Seen<Status> {
    let bytes = proc_file::read(pid, name, STATUS_LIMIT)?;
    status::parse(tid, &bytes).map_err(|why| malformed(pid, name, why))
}

fn malformed(pid: u32, name: &str, why: String) -> Miss {
    Miss::Unknown(Unknown::new(format!("/proc/{pid}/{name}"), Cause::Malformed(why)))
}

/// Ended, and waiting for its parent (`Z`) or not even that (`X`).
pub(super) fn is_dead(stat: &Stat) -> bool {
    matches!(stat.state, b'Z' | b'X' | b'x')
}

/// Whether a process has given up its memory, which it does before its descriptors (`do_exit()` of
/// `kernel/exit.c`), or cannot be seen.
pub(super) fn is_ending(pid: u32) -> bool {
    proc_file::link(pid, "exe").is_err()
}

/// Splits the content of `/proc/PID/cmdline`.
pub fn arguments(bytes: &[u8]) -> Vec<String> {
    let Some(last) = bytes.iter().rposition(|b| *b != 0) else { return Vec::new() };
    let used = bytes.get(..=last).unwrap_or_default();
    used.split(|b| *b == 0).map(|arg| String::from_utf8_lossy(arg).into_owned()).collect()
}

/// What a process runs, as the kernel tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Running {
    /// Path, without the kernel's `" (deleted)"`.
    pub(super) path: PathBuf,
    /// The kernel says that the file has been removed.
    pub(super) deleted: bool,
    /// Device and inode of the file.
    pub(super) file: Seen<FileId>,
}

/// Understands the kernel's `" (deleted)"`, which is also a legal end of a file's name.
fn running(pid: u32, link: PathBuf) -> Running {
    const DELETED: &[u8] = b" (deleted)";
    let file = whose::linked(pid, "exe");
    let bytes = link.as_os_str().as_bytes();
    let Some(path) = bytes.strip_suffix(DELETED) else {
        return Running { path: link, deleted: false, file };
    };
    let path = PathBuf::from(OsString::from_vec(path.to_vec()));
    let is_there = |name: &Path| file.as_ref().is_ok_and(|own| whose::is_at(pid, name, *own));
    if is_there(&link) {
        return Running { path: link, deleted: false, file };
    }
    Running { path, deleted: true, file }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_end_at_nul_and_padding_is_dropped() {
        assert_eq!(arguments(b"nginx\0-g\0daemon off;\0"), ["nginx", "-g", "daemon off;"]);
        assert_eq!(arguments(b"a\0\0b\0"), ["a", "", "b"]);
        assert_eq!(arguments(b"postgres: writer\0\0\0\0"), ["postgres: writer"]);
        assert_eq!(arguments(b"nginx: master"), ["nginx: master"]);
        assert_eq!(arguments(b"\xff\0"), ["\u{fffd}"]);
        assert!(arguments(b"").is_empty());
        assert!(arguments(b"\0\0").is_empty());
    }

    #[test]
    fn the_reader_itself_is_fully_visible() {
        let parts = Parts::new(std::process::id());
        assert_eq!(parts.stat().as_ref().unwrap().ppid, std::os::unix::process::parent_id());
        let exe = parts.exe().as_ref().unwrap().as_ref().unwrap();
        assert_eq!(exe.path, std::env::current_exe().unwrap());
        let arguments: Vec<_> = std::env::args().collect();
        assert_eq!(parts.cmdline().as_ref().unwrap(), &arguments);
        assert!(parts.cgroup().is_ok());
        assert!(parts.status().is_ok());
        assert!(!read_threads(std::process::id()).unwrap().is_empty());
    }

    #[test]
    fn a_pid_that_no_process_has_is_gone() {
        // Beyond the largest pid_max that the kernel accepts.
        let parts = Parts::new(1 << 23);
        assert_eq!(parts.stat(), &Err(Miss::Gone));
        assert_eq!(parts.exe(), &Err(Miss::Gone));
        assert_eq!(read_threads(1 << 23), Err(Miss::Gone));
    }
}

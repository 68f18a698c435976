//! The processes of the host: one list of pids per run, to which only what was missed is added, and
//! what is known of each.

use crate::facts::process::{Cgroup, Container, Executable, FileId, Process, Thread};
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::live::cgroup::Membership;
use crate::targets::live::mountinfo::HidePid;
use crate::targets::live::parts::{Parts, Running};
use crate::targets::live::proc_file::{Miss, Seen};
use crate::targets::live::view::View;
use crate::targets::live::whose::{self, Mounts};
use crate::targets::live::{cgroup, mountinfo, parts, proc_file};
use rustix::time::{ClockId, clock_gettime};
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// How often a process that changes its program while being read is read again.
const ATTEMPTS: usize = 3;
const MOUNTINFO_LIMIT: usize = 16 << 20;
const NANOSECONDS: i128 = 1_000_000_000;

/// All processes, as far as they have been asked about.
#[derive(Debug, Default)]
pub(super) struct Processes {
    pids: RefCell<Option<Fact<Rc<BTreeSet<u32>>>>>,
    ended: RefCell<BTreeSet<u32>>,
    entries: RefCell<BTreeMap<u32, Rc<Entry>>>,
    clock: OnceCell<Clock>,
    init_group: OnceCell<Membership>,
    host_files: RefCell<HashMap<PathBuf, Fact<Option<FileId>>>>,
    view: Rc<OnceCell<View>>,
}

/// One process.
#[derive(Debug)]
pub(super) struct Entry {
    pid: u32,
    /// Read one by one at first; from one moment once the process is complete.
    parts: RefCell<Rc<Parts>>,
    complete: OnceCell<Fact<Option<Arc<Process>>>>,
}

/// What turns ticks since boot into a time.
#[derive(Clone, Copy, Debug)]
struct Clock {
    /// Nanoseconds from 1970-01-01 UTC until the host booted.
    boot: i128,
    ticks_per_second: i128,
}

impl Entry {
    pub(super) fn parts(&self) -> Rc<Parts> {
        self.parts.borrow().clone()
    }

    /// The whole process, if it has been read already and was there.
    pub(super) fn completed(&self) -> Option<&Fact<Option<Arc<Process>>>> {
        self.complete.get()
    }
}

impl Processes {
    /// Those of the host whose files `view` shows.
    pub(super) fn new(view: Rc<OnceCell<View>>) -> Self {
        Self { view, ..Self::default() }
    }

    /// Pids as `/proc` listed them when first asked, and those that [`Self::list_again`] has found.
    pub(super) fn pids(&self) -> Fact<Rc<BTreeSet<u32>>> {
        let mut known = self.pids.borrow_mut();
        known.get_or_insert_with(|| Ok(Rc::new(list()?.into_iter().collect()))).clone()
    }

    /// Lists once more, and returns what was not known.
    pub(super) fn list_again(&self) -> Fact<Rc<BTreeSet<u32>>> {
        let known = self.pids()?;
        let now = list()?.into_iter();
        let new: BTreeSet<u32> = now.filter(|pid| !known.contains(pid)).collect();
        let all = known.iter().chain(&new).copied().collect();
        self.pids.replace(Some(Ok(Rc::new(all))));
        Ok(Rc::new(new))
    }

    /// Takes one that has ended out of the list: its pid may come again.
    pub(super) fn forget(&self, pid: u32) {
        self.entries.borrow_mut().remove(&pid);
        if let Some(Ok(pids)) = self.pids.borrow_mut().as_mut() {
            Rc::make_mut(pids).remove(&pid);
        }
    }

    /// Whether this process was not known to have ended while it stays in the list.
    pub(super) fn is_first_seen_ended(&self, pid: u32) -> bool {
        self.ended.borrow_mut().insert(pid)
    }

    pub(super) fn entry(&self, pid: u32) -> Rc<Entry> {
        let mut entries = self.entries.borrow_mut();
        let entry = entries.entry(pid).or_insert_with(|| {
            let parts = RefCell::new(Rc::new(Parts::new(pid)));
            Rc::new(Entry { pid, parts, complete: OnceCell::new() })
        });
        Rc::clone(entry)
    }

    /// The process as a whole, from one moment; `None` if it is gone.
    pub(super) fn complete(&self, entry: &Entry) -> Fact<Option<Arc<Process>>> {
        let read = || match self.assemble(entry) {
            Ok(process) => Ok(Some(Arc::new(process))),
            Err(Miss::Gone) => Ok(None),
            Err(Miss::Unknown(unknown)) => Err(unknown),
        };
        entry.complete.get_or_init(read).clone()
    }

    /// Reads everything between two looks at `stat`. If the start time differs, the pid belongs to
    /// another process now, and the one asked about is gone. If the name differs, it has executed
    /// another program in between, and the parts may be of two minds: once more.
    fn assemble(&self, entry: &Entry) -> Seen<Process> {
        let known = entry.parts().stat().as_ref().ok().map(|stat| stat.start_ticks);
        for attempt in 1.. {
            let parts = Rc::new(Parts::new(entry.pid));
            let process = self.read(&parts, entry.pid)?;
            let again = parts::read_stat(entry.pid)?;
            if again.start_ticks != process.start_ticks
                || known.is_some_and(|ticks| ticks != process.start_ticks)
            {
                return Err(Miss::Gone);
            }
            let same_program = parts.stat().as_ref().is_ok_and(|stat| stat.comm == again.comm);
            if same_program || attempt >= ATTEMPTS {
                entry.parts.replace(parts);
                return Ok(process);
            }
        }
        Err(Miss::Gone)
    }

    fn read(&self, parts: &Parts, pid: u32) -> Seen<Process> {
        let stat = parts.stat().clone()?;
        Ok(Process {
            pid,
            start_ticks: stat.start_ticks,
            started: self.clock().time(stat.start_ticks),
            ppid: stat.ppid,
            comm: String::from_utf8_lossy(&stat.comm).into_owned(),
            kernel_thread: stat.kernel_thread,
            exe: fact(self.executable(parts, pid))?,
            cmdline: fact(parts.cmdline().clone())?,
            cgroup: fact(parts.cgroup().clone().map(|group| self.group(group)))?,
            threads: fact::<Vec<Thread>>(parts::read_threads(pid))?,
            container: fact(self.container(parts).map(|container| container.is_some()))?,
            inside: self.container(parts).ok().flatten(),
        })
    }

    /// The group as a fact, with its unit.
    pub(super) fn group(&self, membership: Membership) -> Cgroup {
        let below = cgroup::below_root(&membership.path, &self.init_group().path);
        let unit = cgroup::system_unit(below);
        Cgroup { path: membership.path, unit }
    }

    /// The container that the process is in; `None`: it is the host's, see [`Container`].
    pub(super) fn container(&self, parts: &Parts) -> Seen<Option<Container>> {
        let group = parts.cgroup().as_ref();
        // Within a container everything stands below the group that its engine made.
        if let Ok(group) = group
            && self.init_group().container.is_none()
            && let Some(container) = &group.container
        {
            return Ok(Some(container.clone()));
        }
        match parts.mounts().as_ref().map_err(Clone::clone)? {
            Mounts::Apart => {
                let unnamed = Container { name: String::new(), engine: "not known".into() };
                let named = group.ok().and_then(|group| cgroup::machine(&group.path));
                Ok(Some(named.unwrap_or(unnamed)))
            }
            Mounts::Shared | Mounts::Sandbox | Mounts::Own | Mounts::OwnApart => Ok(None),
        }
    }

    /// What it runs, and whether that is the host's.
    fn executable(&self, parts: &Parts, pid: u32) -> Seen<Option<Executable>> {
        let Some(running) = parts.exe().as_ref().map_err(Clone::clone)? else { return Ok(None) };
        let hosts = fact(self.is_hosts(parts, running))?;
        let file = running.file.clone().ok();
        let deleted = running.deleted || self.is_covered(parts, pid, running);
        Ok(Some(Executable { path: running.path.clone(), deleted, file, hosts }))
    }

    /// Whether the file that is run is the host's of that path, or was when it was started.
    pub(super) fn is_hosts(&self, parts: &Parts, running: &Running) -> Seen<bool> {
        let mounts = parts.mounts().as_ref().map_err(Clone::clone);
        // The kernel's path is the host's path: it was the file there, whatever is there now.
        if mounts == Ok(&Mounts::Shared) {
            return Ok(true);
        }
        let own = running.file.clone()?;
        if self.host_file(&running.path).map_err(Miss::Unknown)? == Some(own) {
            return Ok(true);
        }
        match mounts? {
            Mounts::Shared => Ok(true),
            // It has been removed there too, in an upgrade say, and lay where the host's lies.
            Mounts::Sandbox if running.deleted => {
                let Some(parent) = running.path.parent() else { return Ok(false) };
                let parent = self.host_file(parent).map_err(Miss::Unknown)?;
                Ok(parent.is_some_and(|parent| parent.device == own.device))
            }
            Mounts::Sandbox | Mounts::Own | Mounts::Apart | Mounts::OwnApart => Ok(false),
        }
    }

    /// Whether another file is at the path of what it runs: one is mounted over it.
    fn is_covered(&self, parts: &Parts, pid: u32, running: &Running) -> bool {
        let Ok(own) = running.file else { return false };
        let now = match parts.mounts() {
            Ok(Mounts::Shared) => self.host_file(&running.path).ok().flatten(),
            _ => whose::at_path(pid, &running.path),
        };
        now.is_some_and(|now| now != own)
    }

    /// Device and inode of what a path leads to on the host.
    pub(super) fn host_file(&self, path: &Path) -> Fact<Option<FileId>> {
        if let Some(known) = self.host_files.borrow().get(path) {
            return known.clone();
        }
        let found = self.view.get_or_init(View::look).identity(path);
        self.host_files.borrow_mut().insert(path.to_owned(), found.clone());
        found
    }

    /// The group of pid 1: the root of what systemd manages.
    fn init_group(&self) -> &Membership {
        self.init_group.get_or_init(|| Parts::new(1).cgroup().clone().unwrap_or_default())
    }

    fn clock(&self) -> Clock {
        *self.clock.get_or_init(Clock::read)
    }
}

impl Clock {
    /// The two clocks say when the host booted to the microsecond; `btime` of `/proc/stat` would be cut
    /// to seconds, and a process seem up to a second older than the file that it was started with.
    fn read() -> Self {
        let nanoseconds = |id| {
            let time = clock_gettime(id);
            i128::from(time.tv_sec) * NANOSECONDS + i128::from(time.tv_nsec)
        };
        let boot = nanoseconds(ClockId::Realtime) - nanoseconds(ClockId::Boottime);
        // 100 on every architecture of today, see times(2).
        let ticks = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten();
        let ticks_per_second = ticks.filter(|ticks| *ticks > 0).unwrap_or(100).into();
        Self { boot, ticks_per_second }
    }

    /// Seconds since 1970-01-01 UTC, so many ticks after the host booted.
    fn time(self, ticks: u64) -> i64 {
        let since_boot = i128::from(ticks) * NANOSECONDS / self.ticks_per_second;
        let seconds = (self.boot + since_boot).div_euclid(NANOSECONDS);
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }
}

/// A part that cannot be seen is an unknown part; of a process that is gone there are no parts.
fn fact<T>(seen: Seen<T>) -> Seen<Fact<T>> {
    match seen {
        Ok(value) => Ok(Ok(value)),
        Err(Miss::Unknown(unknown)) => Ok(Err(unknown)),
        Err(Miss::Gone) => Err(Miss::Gone),
    }
}

/// What `/proc` lists. The kernel goes through it by ascending pid, and gives pids out ascending, so
/// that a child is listed where its parent has been passed over; but where it begins again with low
/// ones meanwhile, both may be missed: once more.
pub(super) fn list() -> Fact<Vec<u32>> {
    let unknown = |error: std::io::Error| Unknown::from_io("/proc", &error);
    let mut pids = Vec::new();
    for _ in 0..ATTEMPTS {
        let before = last_pid();
        pids.extend(fs::read_dir("/proc").and_then(proc_file::numbers).map_err(unknown)?);
        if last_pid() >= before {
            break;
        }
    }
    pids.sort_unstable();
    pids.dedup();
    // Whatever is mounted there must know this very process.
    if pids.binary_search(&std::process::id()).is_err() {
        let why = "it does not list the processes of this pid namespace".to_owned();
        return Err(Unknown::new("/proc", Cause::Unsupported(why)));
    }
    Ok(pids)
}

/// The pid that was given out last, the fifth field of `/proc/loadavg`, `proc_loadavg(5)`.
fn last_pid() -> Option<u32> {
    let bytes = proc_file::bounded("/proc/loadavg", 4096).ok().flatten()?;
    std::str::from_utf8(&bytes).ok()?.split_ascii_whitespace().nth(4)?.parse().ok()
}

/// Whether `/proc` leaves processes out for this reader.
pub(super) fn hidden(full_privilege: bool) -> Option<Unknown> {
    const FILE: &str = "/proc/self/mountinfo";
    if full_privilege {
        return None;
    }
    let bytes = match proc_file::bounded(FILE, MOUNTINFO_LIMIT) {
        Ok(bytes) => bytes.unwrap_or_default(),
        Err(error) => return Some(Unknown::from_io(FILE, &error)),
    };
    match mountinfo::hide_pid(&bytes) {
        Some(HidePid::Visible) => None,
        Some(HidePid::Hidden { except }) => {
            let own = nix::unistd::getgroups().unwrap_or_default();
            let member = except.is_some_and(|gid| {
                nix::unistd::getegid().as_raw() == gid || own.iter().any(|g| g.as_raw() == gid)
            });
            let what = "processes of other users (hidepid= of /proc)";
            (!member).then(|| Unknown::new(what, Cause::PermissionDenied))
        }
        None => {
            let why = "no proc filesystem is mounted there".to_owned();
            Some(Unknown::new("/proc", Cause::Unsupported(why)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_second_are_added_before_they_are_cut() {
        let clock =
            Clock { boot: 1_700_000_000 * NANOSECONDS + 900_000_000, ticks_per_second: 100 };
        assert_eq!(clock.time(0), 1_700_000_000);
        assert_eq!(clock.time(95), 1_700_000_001);
        assert_eq!(clock.time(110), 1_700_000_002);
        let before = Clock { boot: -1, ..clock };
        assert_eq!((before.time(0), before.time(1)), (-1, 0));
        assert_eq!(clock.time(u64::MAX), 184_467_440_737_095_516 + 1_700_000_000 + 1);
    }

    #[test]
    fn the_reader_is_a_process_that_started_a_moment_ago() {
        let processes = Processes::default();
        let own = processes.entry(std::process::id());
        let process = processes.complete(&own).unwrap().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let age = now.as_secs() as i64 - process.started;
        assert!((-2..600).contains(&age), "{age} seconds old");
        assert!(process.threads.as_ref().is_ok_and(|threads| threads[0].tid == process.pid));
    }

    #[test]
    fn a_process_is_read_once() {
        let processes = Processes::default();
        let read = || processes.complete(&processes.entry(std::process::id())).unwrap().unwrap();
        assert!(Arc::ptr_eq(&read(), &read()));
    }
}

//! Processes, as `proc(5)` describes them.

use super::{Cause, Fact, Unknown};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// One process (a thread group). Each part that the kernel may refuse is a fact of its own, since
/// without root `status` and `cgroup` of a stranger's process can be read and `exe` cannot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Process {
    /// Process id in the reader's pid namespace.
    pub pid: u32,
    /// Field 22 of `/proc/PID/stat`, in clock ticks since boot. With `pid` it identifies a process:
    /// pids are reused.
    pub start_ticks: u64,
    /// Start time in seconds since 1970-01-01 UTC (boot time plus `start_ticks`).
    pub started: i64,
    /// Parent's pid.
    pub ppid: u32,
    /// The kernel's name of the process, cut at 15 bytes; any byte may occur in it.
    pub comm: String,
    /// A kernel thread (`PF_KTHREAD`): it has no executable and is nobody's service.
    pub kernel_thread: bool,
    /// Executable; `None` for kernel threads and for zombies, which no longer have one.
    pub exe: Fact<Option<Executable>>,
    /// Arguments (`/proc/PID/cmdline`), not valid UTF-8 replaced; empty for kernel threads.
    pub cmdline: Fact<Vec<String>>,
    /// Control group memberships.
    pub cgroup: Fact<Cgroup>,
    /// Identity and privilege of every thread, in the order of their thread ids, from one moment
    /// of reading `/proc/PID/task`. The first is the main thread while that exists.
    pub threads: Fact<Vec<Thread>>,
    /// The process lives in a container: in a nested pid namespace, or in a control group that a
    /// container engine made.
    pub container: Fact<bool>,
}

impl Selector {
    /// Every process of user space, those of containers too.
    pub fn everything() -> Self {
        Self { containers: true, ..Self::default() }
    }
}

impl Process {
    /// Its threads, at least one.
    ///
    /// # Errors
    /// Where they could not be seen. Of no threads everything would hold, so none is unknown too.
    pub fn seen_threads(&self) -> Fact<&[Thread]> {
        match &self.threads {
            Ok(threads) if threads.is_empty() => {
                let what = format!("threads of process {}", self.pid);
                Err(Unknown::new(what, Cause::Vanished))
            }
            Ok(threads) => Ok(threads),
            Err(why) => Err(why.clone()),
        }
    }
}

/// What a process runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executable {
    /// Path as its own mount namespace knows it, without the kernel's `" (deleted)"`.
    #[serde(with = "super::exact::path")]
    pub path: PathBuf,
    /// The file is no longer at that path: the program on disk has been replaced or removed.
    pub deleted: bool,
}

/// Where a process stands in the control group hierarchy, see `cgroups(7)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroup {
    /// Path in the hierarchy that systemd manages (`0::` or `name=systemd`).
    pub path: String,
    /// The systemd unit of that path, as `systemd.slice(5)` nests them: `nginx.service`, `session-3.scope`.
    pub unit: Option<String>,
}

/// Credentials and confinement of one thread, from `/proc/PID/task/TID/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Thread id.
    pub tid: u32,
    /// User ids.
    pub uid: Ids,
    /// Group ids.
    pub gid: Ids,
    /// Supplementary group ids.
    pub groups: BTreeSet<u32>,
    /// Capability sets.
    pub capabilities: Capabilities,
    /// `NoNewPrivs`: `execve(2)` cannot add privileges, see `prctl(2)`. `None`: this kernel does not say.
    pub no_new_privs: Option<bool>,
    /// `Seccomp`: 0 off, 1 strict, 2 filter. `None`: this kernel does not say.
    pub seccomp: Option<u8>,
}

/// The four ids of `credentials(7)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Real: whose process it is.
    pub real: u32,
    /// Effective: what permission checks use.
    pub effective: u32,
    /// Saved: what the process may switch back to.
    pub saved: u32,
    /// Filesystem: what file access uses.
    pub filesystem: u32,
}

impl Ids {
    /// All four, in the order of `/proc/PID/status`.
    pub fn all(self) -> [u32; 4] {
        [self.real, self.effective, self.saved, self.filesystem]
    }

    /// Those of the four that differ: nearly always one.
    pub fn distinct(self) -> impl Iterator<Item = u32> {
        let all = self.all();
        let new = move |(at, id): &(usize, u32)| !all.iter().take(*at).any(|seen| seen == id);
        all.into_iter().enumerate().filter(new).map(|(_, id)| id)
    }
}

/// The five capability sets of `capabilities(7)`, one bit per capability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// What survives `execve(2)` of a file that inherits.
    pub inheritable: u64,
    /// What the thread can raise.
    pub permitted: u64,
    /// What counts now.
    pub effective: u64,
    /// The ceiling for what `execve(2)` can add.
    pub bounding: u64,
    /// What survives `execve(2)` of any program.
    pub ambient: u64,
}

/// How to recognise the processes of a service. All criteria that are given must match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Selector {
    /// systemd unit, with its suffix: `nginx.service`.
    pub unit: Option<String>,
    /// Executable's path.
    pub exe: Option<PathBuf>,
    /// The process's name. Compared with `comm` up to the 15 bytes that the kernel keeps.
    pub name: Option<String>,
    /// Regular expression that must match the arguments, joined by single spaces.
    pub cmdline: Option<String>,
    /// File that holds the pid of the main process; that process and its descendants match.
    pub pid_file: Option<PathBuf>,
    /// Owner of the process (real or effective uid), already resolved to a number.
    pub uid: Option<u32>,
    /// Processes of containers count as well.
    pub containers: bool,
}

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
    /// The process is one of a container and not the host's: see [`Container`] for what decides.
    pub container: Fact<bool>,
    /// The container, as far as it can be told; only where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<Container>,
}

/// A container, as its control group names it.
///
/// What runs in a control group that only root could have put it into, and that a container engine
/// made, is a container's. So is what has a root directory and mounts of its own that root made for
/// it. A pid namespace, a user namespace or mounts alone make none: sandboxes of services and
/// browsers have them, and any user can make them. What a user separated by his own means stays the
/// host's, whatever he calls its control group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Container {
    /// Its id, shortened as engines do, or its name where the group has that.
    pub name: String,
    /// Who made it: `docker`, `podman`, `kubernetes`, `lxc` ..., or `container`.
    pub engine: String,
}

impl std::fmt::Display for Container {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name.as_str() {
            "" => write!(f, "one without a name ({})", self.engine),
            name => write!(f, "{name} ({})", self.engine),
        }
    }
}

/// What a file is, whatever it is called: device and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileId {
    /// Device.
    pub device: u64,
    /// Inode.
    pub inode: u64,
}

impl Selector {
    /// Every process of user space, those of containers too.
    pub fn everything() -> Self {
        Self { containers: true, ..Self::default() }
    }

    /// Whether a pid file is all there is to recognise the processes by.
    pub fn is_by_pid_file_alone(&self) -> bool {
        self.pid_file.is_some()
            && self.unit.is_none()
            && self.exe.is_none()
            && self.name.is_none()
            && self.cmdline.is_none()
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
    #[serde(with = "super::raw_bytes::path")]
    pub path: PathBuf,
    /// The file is no longer at that path: the program on disk has been replaced or removed, or
    /// another file is mounted over it.
    pub deleted: bool,
    /// Device and inode of the file; `None` where they could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileId>,
    /// It is the host's file of that path, or was when it was started. A path alone proves nothing:
    /// every user may mount a file of his own over `/usr/sbin/nginx` in namespaces of his own.
    #[serde(default = "super::not_recorded")]
    pub hosts: Fact<bool>,
}

impl Executable {
    /// Whether it is the host's program that has one of these names, or is this file.
    ///
    /// # Errors
    /// Where its name fits and its file cannot be seen.
    pub fn is_program(&self, names: &[PathBuf], file: Option<FileId>) -> Fact<bool> {
        if file.is_some() && self.file == file {
            return Ok(true);
        }
        if names.contains(&self.path) { self.hosts.clone() } else { Ok(false) }
    }
}

/// Where a process stands in the control group hierarchy, see `cgroups(7)`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cgroup {
    /// Path in the hierarchy that systemd manages (`0::` or `name=systemd`).
    pub path: String,
    /// The systemd unit of that path, as `systemd.slice(5)` nests them: `nginx.service`, `session-3.scope`.
    pub unit: Option<String>,
}

impl Cgroup {
    /// Whether it is the group of a quadlet's container (`podman run --cgroups=split`), directly
    /// below that of its unit: `web.service/libpod-payload-ID`.
    pub fn is_payload_of_unit(&self) -> bool {
        let prefix = "libpod-payload-";
        let id = |id: &str| id.len() >= 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.below_service().and_then(|name| name.strip_prefix(prefix)).is_some_and(id)
    }

    /// Whether it is the group of the supervisor of such a container.
    pub fn is_supervisor(&self) -> bool {
        self.below_service() == Some("supervisor")
    }

    /// The name directly below the group of a service.
    fn below_service(&self) -> Option<&str> {
        let names = self.path.split('/').filter(|name| !name.is_empty() && *name != "..");
        let mut rest = names.skip_while(|name| name.ends_with(".slice"));
        rest.next().filter(|name| name.ends_with(".service"))?;
        rest.next()
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_container_of_a_quadlet_stands_below_its_unit() {
        let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let group = |path: String| Cgroup { path, unit: None };
        assert!(group(format!("/system.slice/a.service/libpod-payload-{id}")).is_payload_of_unit());
        assert!(!group("/system.slice/a.service/libpod-payload-x".into()).is_payload_of_unit());
        assert!(!group(format!("/machine.slice/libpod-{id}.scope")).is_payload_of_unit());
        assert!(group("/system.slice/a.service/supervisor".into()).is_supervisor());
        assert!(!group("/system.slice/supervisor.service".into()).is_supervisor());
    }

    #[test]
    fn a_program_is_its_file_and_a_path_counts_only_as_the_hosts() {
        let own = FileId { device: 1, inode: 2 };
        let names = [PathBuf::from("/usr/sbin/nginx")];
        let exe = |path: &str, hosts| Executable {
            path: PathBuf::from(path),
            deleted: false,
            file: Some(own),
            hosts: Ok(hosts),
        };
        assert_eq!(exe("/usr/sbin/nginx", true).is_program(&names, None), Ok(true));
        assert_eq!(exe("/usr/sbin/nginx", false).is_program(&names, None), Ok(false));
        assert_eq!(exe("/app/nginx", false).is_program(&names, Some(own)), Ok(true));
        let other = FileId { device: 1, inode: 3 };
        assert_eq!(exe("/usr/sbin/nginx", false).is_program(&names, Some(other)), Ok(false));
        let blind =
            Executable { hosts: super::super::not_recorded(), ..exe("/usr/sbin/nginx", true) };
        assert!(blind.is_program(&names, None).is_err());
    }
}

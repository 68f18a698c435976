//! From where spotcheck looks: which namespaces it shares with process 1, `namespaces(7)`.
//!
//! A rule asks about the host, and the host is what process 1 has. What the kernel answers depends on
//! the namespaces of who asks: `/proc/sys/net` is that of the reader's own network namespace, whatever
//! proc filesystem it is read from, `/proc/sys/kernel/shmmax` of its IPC namespace, `uname(2)` of its
//! UTS namespace. Where these are not process 1's, a thread joins them for the question alone
//! (`setns(2)`, which takes `CAP_SYS_ADMIN`), or the answer is unknown.

use crate::facts::{Cause, Fact, Unknown};
use nix::sched::{CloneFlags, setns};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What processes may have of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// Mounts, `mount_namespaces(7)`.
    Mount,
    /// Sockets, interfaces, packet filter, `net.*`: `network_namespaces(7)`.
    Network,
    /// Shared memory and message queues, `ipc_namespaces(7)`.
    Ipc,
    /// Host name, `uts_namespaces(7)`.
    Uts,
    /// Ids of users and groups, and how far capabilities reach: `user_namespaces(7)`.
    User,
    /// Ids of processes, `pid_namespaces(7)`.
    Pid,
    /// Control groups, `cgroup_namespaces(7)`.
    Cgroup,
}

/// Whether something is shared with process 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Share {
    /// It is process 1's.
    Same,
    /// It is another.
    Other,
    /// That cannot be told, because.
    Unsure(Unknown),
}

impl Namespace {
    /// All of them.
    pub const ALL: [Namespace; 7] = [
        Namespace::Mount,
        Namespace::Network,
        Namespace::Ipc,
        Namespace::Uts,
        Namespace::User,
        Namespace::Pid,
        Namespace::Cgroup,
    ];

    /// Its name, as the kernel's documentation has it.
    pub fn name(self) -> &'static str {
        match self {
            Namespace::Mount => "mount",
            Namespace::Network => "network",
            Namespace::Ipc => "IPC",
            Namespace::Uts => "UTS",
            Namespace::User => "user",
            Namespace::Pid => "pid",
            Namespace::Cgroup => "cgroup",
        }
    }

    fn article(self) -> &'static str {
        if self == Namespace::Ipc { "an" } else { "a" }
    }

    /// Where a process mostly has one of its own from.
    fn usual_reason(self) -> &'static str {
        match self {
            Namespace::Mount => "ProtectSystem=, PrivateTmp=, a container",
            Namespace::Network => {
                "PrivateNetwork=, ip netns exec, a container without --net=host or hostNetwork"
            }
            Namespace::Ipc => "PrivateIPC=, a container without --ipc=host or hostIPC",
            Namespace::Uts => "ProtectHostname=, a container without --uts=host",
            Namespace::User => "PrivateUsers=, a rootless container, userns-remap",
            Namespace::Pid => "a container without --pid=host or hostPID",
            Namespace::Cgroup => "a container without --cgroupns=host",
        }
    }

    /// The name of its link in `/proc/PID/ns`.
    fn link(self) -> &'static str {
        match self {
            Namespace::Mount => "mnt",
            Namespace::Network => "net",
            Namespace::Ipc => "ipc",
            Namespace::Uts => "uts",
            Namespace::User => "user",
            Namespace::Pid => "pid",
            Namespace::Cgroup => "cgroup",
        }
    }

    /// The inode of the one that the kernel makes first, where that has always been the same:
    /// `include/linux/proc_ns.h`.
    fn initial(self) -> Option<u64> {
        match self {
            Namespace::Ipc => Some(0xEFFF_FFFF),
            Namespace::Uts => Some(0xEFFF_FFFE),
            Namespace::User => Some(0xEFFF_FFFD),
            Namespace::Pid => Some(0xEFFF_FFFC),
            Namespace::Cgroup => Some(0xEFFF_FFFB),
            Namespace::Mount | Namespace::Network => None,
        }
    }

    /// What `setns(2)` takes. A thread can join neither the mounts nor the ids of another process.
    fn flag(self) -> Option<CloneFlags> {
        match self {
            Namespace::Network => Some(CloneFlags::CLONE_NEWNET),
            Namespace::Ipc => Some(CloneFlags::CLONE_NEWIPC),
            Namespace::Uts => Some(CloneFlags::CLONE_NEWUTS),
            Namespace::Mount | Namespace::User | Namespace::Pid | Namespace::Cgroup => None,
        }
    }

    /// Whether it is process 1's, found out once: spotcheck never changes its own.
    pub fn share(self) -> &'static Share {
        static SHARES: [OnceLock<Share>; 7] = [const { OnceLock::new() }; 7];
        let place = Self::ALL.iter().position(|one| *one == self).and_then(|at| SHARES.get(at));
        place.map_or(&Share::Same, |place| place.get_or_init(|| look(self)))
    }
}

/// Whether processes have the ids here that the kernel itself has for them: no container around.
pub fn is_first_pid_namespace() -> bool {
    let link = format!("/proc/self/ns/{}", Namespace::Pid.link());
    fs::metadata(link).is_ok_and(|link| Some(link.ino()) == Namespace::Pid.initial())
}

/// The namespace that decides what a file below `/proc` says to whoever reads it. The kernel registers
/// these tables for each namespace: `ipc/ipc_sysctl.c`, `ipc/mq_sysctl.c`, `kernel/utsname_sysctl.c`,
/// `kernel/ucount.c`, `net/sysctl_net.c`.
pub fn governing(path: &Path) -> Option<Namespace> {
    const IPC: [&str; 12] = [
        "auto_msgmni",
        "msg_next_id",
        "msgmax",
        "msgmnb",
        "msgmni",
        "sem",
        "sem_next_id",
        "shm_next_id",
        "shm_rmid_forced",
        "shmall",
        "shmmax",
        "shmmni",
    ];
    let below = path.strip_prefix("/proc/sys").ok()?;
    let mut parts = below.iter().filter_map(|part| part.to_str());
    match (parts.next()?, parts.next()) {
        ("net", _) => Some(Namespace::Network),
        ("user", Some(_)) => Some(Namespace::User),
        ("fs", Some("mqueue")) => Some(Namespace::Ipc),
        ("kernel", Some("hostname" | "domainname")) => Some(Namespace::Uts),
        ("kernel", Some(name)) if IPC.contains(&name) => Some(Namespace::Ipc),
        _ => None,
    }
}

/// A path below `/proc/net`, which is always the reader's own namespace, as process 1 has it.
pub fn of_process_1(path: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix("/proc/net").ok()?;
    (*Namespace::Network.share() == Share::Other).then(|| Path::new("/proc/1/net").join(below))
}

/// Asks something whose answer depends on a namespace, as process 1 would be answered.
///
/// # Errors
/// Where that namespace is another one, and may not be joined.
pub fn as_process_1<T: Send>(
    namespace: Namespace,
    what: &str,
    ask: impl FnOnce() -> Fact<T> + Send,
) -> Fact<T> {
    match namespace.share() {
        Share::Same => return ask(),
        // Who may not look at process 1 sees nothing of what is apart there alone. In a network of
        // another namespace than process 1's the rest is hardly its either.
        Share::Unsure(_) if *Namespace::Network.share() != Share::Other => return ask(),
        Share::Unsure(_) | Share::Other => {}
    }
    let apart = |why: &str| apart(namespace, what, why);
    let Some(flag) = namespace.flag() else {
        return Err(apart("a thread cannot join that of process 1"));
    };
    let join = move || -> Result<(), String> {
        let path = format!("/proc/1/ns/{}", namespace.link());
        let file = File::open(&path).map_err(|error| format!("{path}: {error}"))?;
        setns(&file, flag).map_err(|errno| format!("setns(2) to {path}: {}", errno.desc()))
    };
    // The namespace is left with the thread.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, || match join() {
            Ok(()) => ask(),
            Err(why) => Err(apart(&why)),
        });
        let answer = thread.map_err(|error| apart(&error.to_string()))?.join();
        answer.unwrap_or_else(|_| Err(apart("the thread that asked has ended")))
    })
}

fn apart(namespace: Namespace, what: &str, why: &str) -> Unknown {
    let (article, name, reason) = (namespace.article(), namespace.name(), namespace.usual_reason());
    let why = format!(
        "spotcheck has {article} {name} namespace of its own ({reason}), and cannot ask in that of \
         process 1 ({why}); run it with CAP_SYS_ADMIN and CAP_SYS_PTRACE, or in the host's namespace"
    );
    Unknown::new(what, Cause::Unsupported(why))
}

fn look(namespace: Namespace) -> Share {
    let told = match namespace {
        Namespace::Pid => return pid_share(),
        Namespace::Network => inodes("net/dev"),
        _ => Err(Unknown::new("/proc/1/ns", Cause::PermissionDenied)),
    };
    let linked = inodes(&format!("ns/{}", namespace.link()));
    match linked.or(told) {
        Ok((own, first)) if own == first => Share::Same,
        Ok(_) => Share::Other,
        Err(why) => without_links(namespace).unwrap_or(Share::Unsure(why)),
    }
}

/// For who may not trace process 1. Where process 1 is the one that the kernel started, its namespaces
/// are those that the kernel made first, and everybody may look at his own links.
fn without_links(namespace: Namespace) -> Option<Share> {
    if namespace == Namespace::User {
        let map = |pid: &str| fs::read(format!("/proc/{pid}/uid_map")).ok();
        return Some(if map("self")? == map("1")? { Share::Same } else { Share::Other });
    }
    let own = |namespace: Namespace| {
        let link = fs::metadata(format!("/proc/self/ns/{}", namespace.link())).ok()?;
        Some(link.ino() == namespace.initial()?)
    };
    if !own(Namespace::Pid)? {
        return None;
    }
    Some(if own(namespace)? { Share::Same } else { Share::Other })
}

/// The inodes of one file of this process and of process 1: each namespace has one of its own.
fn inodes(name: &str) -> Fact<(u64, u64)> {
    let inode = |pid: &str| {
        let path = format!("/proc/{pid}/{name}");
        let file = fs::metadata(&path);
        file.map(|file| file.ino()).map_err(|error| Unknown::from_io(path, &error))
    };
    Ok((inode("self")?, inode("1")?))
}

/// Process 1 is that of the proc filesystem at `/proc`; it is this process's own where that lists this
/// process by its own id.
fn pid_share() -> Share {
    match fs::read_link("/proc/self") {
        Ok(own) if own.as_os_str() == std::process::id().to_string().as_str() => Share::Same,
        Ok(_) => Share::Other,
        Err(error) => Share::Unsure(Unknown::from_io("/proc/self", &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parameter_says_depends_on_the_namespace_that_the_kernel_keeps_it_for() {
        for (path, namespace) in [
            ("/proc/sys/net/ipv4/ip_forward", Some(Namespace::Network)),
            ("/proc/sys/net", Some(Namespace::Network)),
            ("/proc/sys/kernel/shmmax", Some(Namespace::Ipc)),
            ("/proc/sys/kernel/sem", Some(Namespace::Ipc)),
            ("/proc/sys/fs/mqueue/msg_max", Some(Namespace::Ipc)),
            ("/proc/sys/kernel/hostname", Some(Namespace::Uts)),
            ("/proc/sys/user/max_user_namespaces", Some(Namespace::User)),
            ("/proc/sys/kernel/randomize_va_space", None),
            ("/proc/sys/fs/protected_symlinks", None),
            ("/proc/sys/kernel/shmmax2", None),
            ("/proc/sys", None),
            ("/etc/hostname", None),
        ] {
            assert_eq!(governing(Path::new(path)), namespace, "{path}");
        }
    }

    #[test]
    fn every_table_of_the_kernel_that_is_kept_for_ipc_and_uts_is_known() {
        // A namespace of its own has other files only of what is kept for the namespace; these are
        // all that this kernel has in `kernel/` by these beginnings.
        let names = fs::read_dir("/proc/sys/kernel").unwrap();
        for name in names.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
            let of_ipc = ["shm", "msg", "sem"].iter().any(|start| name.starts_with(start));
            let found = governing(&Path::new("/proc/sys/kernel").join(&name));
            assert_eq!(found == Some(Namespace::Ipc), of_ipc || name == "auto_msgmni", "{name}");
        }
    }

    #[test]
    fn what_is_shared_is_asked_without_a_thread() {
        let own = std::thread::current().id();
        if *Namespace::Ipc.share() != Share::Other {
            let asked = as_process_1(Namespace::Ipc, "test", || Ok(std::thread::current().id()));
            assert_eq!(asked, Ok(own));
        }
    }
}

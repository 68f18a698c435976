//! A process of plain data, said in the words that matter and with plain values for all others.

use crate::facts::process::{Capabilities, Cgroup, Container, Executable, Ids, Process, Thread};
use crate::facts::{Unknown, capability};
use std::path::Path;

/// A process to be: made with [`Running::program`], changed by the other methods.
#[derive(Clone, Debug)]
pub struct Running(Process);

impl From<Running> for Process {
    fn from(running: Running) -> Self {
        running.0
    }
}

impl Running {
    /// A process with one thread that runs this executable as root with every capability, a child
    /// of pid 1, in no unit. Its name is that of the executable, as far as the kernel keeps it.
    pub fn program(pid: u32, exe: impl AsRef<Path>) -> Self {
        const COMM_LENGTH: usize = 15;
        let path = exe.as_ref().to_path_buf();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self(Process {
            pid,
            start_ticks: u64::from(pid),
            started: i64::from(pid),
            ppid: 1,
            comm: name.chars().take(COMM_LENGTH).collect(),
            kernel_thread: false,
            cmdline: Ok(vec![path.to_string_lossy().into_owned()]),
            exe: Ok(Some(Executable { path, deleted: false, file: None, hosts: Ok(true) })),
            cgroup: Ok(Cgroup::default()),
            threads: Ok(vec![thread(pid, 0, 0)]),
            container: Ok(false),
            inside: None,
        })
    }

    /// Every thread so far has this uid and gid in all four places, and no capabilities but for
    /// uid 0.
    pub fn owned_by(self, uid: u32, gid: u32) -> Self {
        self.each_thread(|one| *one = thread(one.tid, uid, gid))
    }

    /// Changes every thread so far.
    pub fn each_thread(mut self, change: impl Fn(&mut Thread)) -> Self {
        if let Ok(threads) = &mut self.0.threads {
            threads.iter_mut().for_each(change);
        }
        self
    }

    /// Adds a thread that has this uid and gid in all four places.
    pub fn with_thread(mut self, tid: u32, uid: u32, gid: u32) -> Self {
        if let Ok(threads) = &mut self.0.threads {
            threads.push(thread(tid, uid, gid));
        }
        self
    }

    /// Its parent.
    pub fn child_of(mut self, pid: u32) -> Self {
        self.0.ppid = pid;
        self
    }

    /// Its systemd unit.
    pub fn in_unit(mut self, unit: &str) -> Self {
        let path = format!("/system.slice/{unit}");
        self.0.cgroup = Ok(Cgroup { path, unit: Some(unit.to_owned()) });
        self
    }

    /// Its arguments.
    pub fn arguments(mut self, words: &[&str]) -> Self {
        self.0.cmdline = Ok(words.iter().map(|word| (*word).to_owned()).collect());
        self
    }

    /// Its name, which a process can change.
    pub fn named(mut self, comm: &str) -> Self {
        self.0.comm = comm.to_owned();
        self
    }

    /// Its executable has been replaced or removed.
    pub fn deleted(mut self) -> Self {
        if let Ok(Some(exe)) = &mut self.0.exe {
            exe.deleted = true;
        }
        self
    }

    /// It lives in a container.
    pub fn in_container(mut self) -> Self {
        self.0.container = Ok(true);
        self.running_a_file_of_its_own()
    }

    /// It lives in this container of an engine, as its control group names it.
    pub fn in_container_of(mut self, name: &str, engine: &str) -> Self {
        self.0.inside = Some(Container { name: name.to_owned(), engine: engine.to_owned() });
        self.in_container()
    }

    /// What it runs is not the host's file of that path: another one is mounted there for it.
    pub fn running_a_file_of_its_own(mut self) -> Self {
        if let Ok(Some(exe)) = &mut self.0.exe {
            exe.hosts = Ok(false);
        }
        self
    }

    /// Its control group.
    pub fn in_group(mut self, path: &str, unit: Option<&str>) -> Self {
        self.0.cgroup = Ok(Cgroup { path: path.to_owned(), unit: unit.map(str::to_owned) });
        self
    }

    /// Its executable cannot be seen.
    pub fn unreadable_exe(mut self, why: Unknown) -> Self {
        self.0.exe = Err(why);
        self
    }

    /// Its threads, and with them its users and rights, cannot be seen.
    pub fn unreadable_threads(mut self, why: Unknown) -> Self {
        self.0.threads = Err(why);
        self
    }

    /// It is a kernel thread.
    pub fn of_the_kernel(mut self) -> Self {
        self.0.kernel_thread = true;
        self.0.exe = Ok(None);
        self.0.cmdline = Ok(Vec::new());
        self
    }
}

fn thread(tid: u32, uid: u32, gid: u32) -> Thread {
    let all = |id| Ids { real: id, effective: id, saved: id, filesystem: id };
    let held = if uid == 0 { capability::ALL } else { 0 };
    Thread {
        tid,
        uid: all(uid),
        gid: all(gid),
        groups: std::collections::BTreeSet::new(),
        capabilities: Capabilities {
            permitted: held,
            effective: held,
            bounding: capability::ALL,
            ..Capabilities::default()
        },
        no_new_privs: Some(false),
        seccomp: Some(0),
    }
}

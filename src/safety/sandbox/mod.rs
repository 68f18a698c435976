//! Rights that are given away before anything hostile is read.
//!
//! The thread that reads images, recordings, other people's files and `/proc`, and those that it
//! starts, keep of the rights of the run what reading takes. What is given away belongs to the thread:
//! reports and the ledger are written by another one. In order:
//!
//! * `no_new_privs` (`prctl(2)`): no program that is executed gains rights,
//! * `files` (`landlock(7)`): of what does not run, nothing but the target can be opened; no network,
//! * capabilities (`capabilities(7)`): to read and to look at processes, and none for an image,
//! * `calls` (`seccomp(2)`): no program is executed, no process started, nothing mounted, traced,
//!   loaded or changed.
//!
//! Landlock is left out on a running host: a process that is restricted by it may not look at those
//! that are not (`/proc/PID/exe`), which is what is asked of a running host.
//!
//! A fault in memory safety of a thread is one of the process: then it is the calls that still
//! are refused there. That is weaker than a process of its own; the crates that parse are Rust but for
//! the decoder of zstd and SQLite, and SQLite reads nothing here.

mod calls;
mod files;

use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether `--no-sandbox` was given.
static OFF: AtomicBool = AtomicBool::new(false);

/// From now on nothing is given away.
pub fn turn_off() {
    OFF.store(true, Ordering::Relaxed);
}

/// What the work of a thread takes.
#[derive(Clone, Debug, Default)]
pub struct Need {
    /// Only this is read; all files, of a running host, where there is none.
    pub reads: Option<Vec<PathBuf>>,
    /// Directories in which files are written; nothing is changed where there are none.
    pub writes: Vec<PathBuf>,
    /// Namespaces of process 1 are entered, to see its sockets.
    pub enters_namespaces: bool,
    /// Settings of the kernel are read that only `CAP_SYS_ADMIN` may see (`net.core.bpf_jit_harden`).
    pub reads_guarded_settings: bool,
}

/// What a thread could not give away, in words, each with what is missing for it.
pub type Missing = Vec<String>;

/// Gives away, on this thread and those that it starts, what its work does not take. What the kernel
/// lacks is left out and said.
pub fn enter(need: &Need) -> Missing {
    let mut missing = Missing::new();
    if OFF.load(Ordering::Relaxed) {
        return missing;
    }
    let mut layer = |name: &str, done: Result<(), String>| {
        if let Err(why) = done {
            missing.push(format!("{name}: {why}"));
        }
    };
    layer("no_new_privs", rustix::thread::set_no_new_privs(true).map_err(|e| e.to_string()));
    if let Some(reads) = &need.reads {
        layer("landlock", files::restrict(reads, &need.writes));
    }
    layer("capabilities", reduce(need).map_err(|errno| errno.to_string()));
    layer("seccomp", calls::restrict(need));
    missing
}

/// Keeps of the capabilities of this thread those that its work takes.
fn reduce(need: &Need) -> rustix::io::Result<()> {
    let now = capabilities(None)?;
    let mut keep = CapabilitySet::DAC_READ_SEARCH;
    if need.reads.is_none() {
        // To look at processes of others; and not to change the time of access of their files.
        keep |= CapabilitySet::SYS_PTRACE | CapabilitySet::FOWNER;
    }
    if need.enters_namespaces || need.reads_guarded_settings {
        keep |= CapabilitySet::SYS_ADMIN;
    }
    if !need.writes.is_empty() {
        keep |= CapabilitySet::DAC_OVERRIDE;
    }
    let sets = CapabilitySets {
        effective: now.effective & keep,
        permitted: now.permitted & keep,
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, sets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File, OpenOptions};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    /// What a thread can do after it has given its rights away.
    fn inside<T: Send>(need: &Need, work: impl FnOnce(Missing) -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(|| work(enter(need))).join().unwrap())
    }

    fn at_rest(folder: &std::path::Path) -> Need {
        Need { reads: Some(vec![folder.to_owned()]), ..Need::default() }
    }

    #[test]
    fn no_layer_is_missing_on_a_kernel_that_has_all() {
        let folder = tempfile::tempdir().unwrap();
        for need in [at_rest(folder.path()), Need::default()] {
            assert_eq!(inside(&need, |missing| missing), Missing::new());
        }
    }

    #[test]
    fn what_is_executed_gains_nothing() {
        assert!(inside(&Need::default(), |_| rustix::thread::no_new_privs().unwrap()));
    }

    #[test]
    fn nothing_but_the_target_can_be_read_where_it_does_not_run() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "x").unwrap();
        let (own, other) = inside(&at_rest(folder.path()), |_| {
            (fs::read(folder.path().join("a")), File::open("/etc/passwd"))
        });
        assert_eq!(own.unwrap(), b"x");
        assert_eq!(other.unwrap_err().raw_os_error(), Some(nix::libc::EACCES));
        assert!(File::open("/etc/passwd").is_ok(), "the rest of the program still can");
        assert!(inside(&Need::default(), |_| File::open("/etc/passwd")).is_ok());
    }

    #[test]
    fn of_capabilities_those_to_read_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let now = capabilities(None).unwrap().effective;
        let left = inside(&at_rest(folder.path()), |_| capabilities(None).unwrap());
        assert_eq!(left.effective, now & CapabilitySet::DAC_READ_SEARCH);
        assert_eq!(left.permitted, left.effective);
        let left = inside(&Need::default(), |_| capabilities(None).unwrap().effective);
        assert!(!left.intersects(CapabilitySet::SYS_ADMIN | CapabilitySet::DAC_OVERRIDE));
    }

    #[test]
    fn nothing_is_changed_executed_or_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "x").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        for need in [Need::default(), at_rest(folder.path())] {
            let is_at_rest = need.reads.is_some();
            inside(&need, |_| {
                let write = OpenOptions::new().write(true).open(&path);
                let append = OpenOptions::new().append(true).open(&path);
                let new = File::create_new(folder.path().join("b"));
                assert!(write.is_err() && append.is_err() && new.is_err());
                assert!(fs::remove_file(&path).is_err());
                assert!(fs::rename(&path, folder.path().join("c")).is_err());
                assert!(fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).is_err());
                assert!(std::os::unix::fs::chown(&path, Some(1), None).is_err());
                assert!(std::os::unix::fs::symlink("a", folder.path().join("d")).is_err());
                assert!(fs::create_dir(folder.path().join("e")).is_err());
                assert!(Command::new("/bin/true").status().is_err());
                assert!(nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).is_err());
                assert_eq!(TcpStream::connect(address).is_err(), is_at_rest);
                // What reading takes still works.
                assert!(std::thread::Builder::new().spawn(|| ()).unwrap().join().is_ok());
                assert_eq!(fs::read(&path).unwrap(), b"x");
                assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            });
        }
        assert!(TcpStream::connect(address).is_ok());
    }

    #[test]
    fn what_has_to_be_written_can_be_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let (own, other) = (folder.path().join("own"), folder.path().join("other"));
        fs::create_dir(&own).unwrap();
        fs::create_dir(&other).unwrap();
        let need = Need { writes: vec![own.clone()], ..at_rest(&other) };
        let (in_own, in_other) =
            inside(&need, |_| (fs::write(own.join("a"), "x"), fs::write(other.join("a"), "x")));
        assert!(in_own.is_ok() && in_other.is_err());
    }
}

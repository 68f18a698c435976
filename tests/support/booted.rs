//! A whole Debian with systemd, booted as a container: real units, real control groups.

use super::cgroups::Cgroups;
use super::machine::Output;
use super::needs::{Need, needs};
use super::program::copy_program;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const SUITE: &str = "bookworm";
const PACKAGES: &str =
    "systemd,systemd-sysv,dbus,iproute2,procps,nginx-light,openssh-server,cron,sudo";

/// A tree with these packages besides has a name of its own.
const WITH_APACHE: (&str, &str) = ("bookworm-with-apache2", ",apache2,python3");

/// Which control group hierarchies systemd uses in the container.
#[derive(Clone, Copy, Debug)]
pub enum Hierarchy {
    /// cgroups v1 `name=systemd` beside v2, or what the host has.
    Inherited,
    /// cgroups v2 alone, as current distributions boot.
    Unified,
}

/// A booted container; it is powered off when dropped.
pub struct Booted {
    nspawn: Child,
    leader: u32,
    root: PathBuf,
    /// nspawn takes whatever group it is started in for the container. Two containers in one group
    /// would take each other's `system.slice/nginx.service` away while a process is put there
    /// (`status=219/CGROUP`).
    cgroups: Cgroups,
}

impl Booted {
    /// Boots a Debian of its own. The tree is made once with debootstrap, and a copy is booted.
    pub fn new(hierarchy: Hierarchy) -> Option<Self> {
        Self::of(hierarchy, SUITE, "")
    }

    /// The same with apache2, which is installed and not enabled, and with python3.
    pub fn with_apache(hierarchy: Hierarchy) -> Option<Self> {
        let (tree, more) = WITH_APACHE;
        Self::of(hierarchy, tree, more)
    }

    fn of(hierarchy: Hierarchy, tree: &str, more: &str) -> Option<Self> {
        let wanted = [
            Need::Root,
            Need::Namespaces,
            Need::ControlGroups,
            Need::Command("debootstrap"),
            Need::Command("systemd-nspawn"),
        ];
        if !needs(&wanted) {
            return None;
        }
        let root = copy_of_tree(tree, more);
        let cgroups = Cgroups::new();
        assert!(cgroups.are_usable(), "a container has control groups of its own");
        let mut command = Command::new("sh");
        command
            .args(["-c", &format!("set -e\n{}exec \"$@\"", cgroups.enter("")), "sh"])
            .arg("systemd-nspawn")
            .args(["--quiet", "--register=no", "--keep-unit", "--private-network", "--boot", "-D"])
            .arg(&root)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if let Hierarchy::Unified = hierarchy {
            command.env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        }
        let nspawn = command.spawn().expect("systemd-nspawn starts");
        let mut booted = Self { nspawn, leader: 0, root, cgroups };
        let up = || {
            booted.leader = child_of(booted.nspawn.id())?;
            let state = booted.sh("systemctl is-system-running").stdout;
            matches!(state.trim(), "running" | "degraded").then_some(())
        };
        wait(up).expect("the container boots");
        Some(booted)
    }

    /// Runs a shell script inside as root.
    pub fn sh(&self, script: &str) -> Output {
        let leader = self.leader.to_string();
        let output = Command::new("nsenter")
            .args(["-t", &leader, "-a", "sh", "-c", script])
            .output()
            .expect("nsenter runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        Output { status: output.status.code(), stdout, stderr }
    }

    /// The pid, outside, of its first process: what `nsenter --target` takes.
    pub fn leader(&self) -> u32 {
        self.leader
    }

    /// Where a path of the container can be reached from outside.
    pub fn outside(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// Writes a file inside.
    pub fn write(&self, path: &str, content: &str) {
        std::fs::write(self.outside(path), content).expect("the container's files can be written");
    }
}

impl Drop for Booted {
    fn drop(&mut self) {
        // nspawn takes SIGTERM as the order to power off; SIGKILL if that takes too long.
        let pid = nix::unistd::Pid::from_raw(self.nspawn.id() as i32);
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM);
        let ended = wait(|| self.nspawn.try_wait().ok().flatten());
        if ended.is_none() {
            let _ = self.nspawn.kill();
            let _ = self.nspawn.wait();
        }
        self.cgroups.remove();
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// The only child of a process: for nspawn the init of its container.
fn child_of(pid: u32) -> Option<u32> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    std::fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

fn wait<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + Duration::from_secs(120);
    while Instant::now() < deadline {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    None
}

fn copy_of_tree(name: &str, more: &str) -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let tree = cache.join(name);
    // Two tests, perhaps of two processes, want the same tree: one makes it, the other waits.
    let lock = std::fs::File::create(cache.join("tree.lock")).expect("the lock can be made");
    lock.lock().expect("the lock can be had");
    if !tree.exists() {
        let new = cache.join("new-tree");
        debootstrap(&format!("{PACKAGES}{more}"), &new);
        if !more.is_empty() {
            // nginx and apache2 would both want port 80.
            let root: &std::ffi::OsStr = new.as_os_str();
            run("systemctl", &["--root".as_ref(), root, "disable".as_ref(), "apache2".as_ref()]);
        }
        std::fs::rename(&new, &tree).expect("the tree can be kept");
    }
    static COPIES: AtomicU32 = AtomicU32::new(0);
    let number = COPIES.fetch_add(1, Ordering::Relaxed);
    let copy = cache.join(format!("booted-{}-{number}", std::process::id()));
    run("cp", &["-a".as_ref(), "--reflink=auto".as_ref(), tree.as_os_str(), copy.as_os_str()]);
    let program = Path::new(env!("CARGO_BIN_EXE_spotcheck"));
    copy_program(program, &copy.join("usr/local/bin/spotcheck"));
    copy
}

/// Makes a tree with these packages. They come over the network, which may fail for a moment.
fn debootstrap(packages: &str, tree: &Path) {
    const TRIES: u32 = 3;
    let include = format!("--include={packages}");
    for tried in 1..=TRIES {
        let _ = std::fs::remove_dir_all(tree);
        let args =
            ["--variant=minbase".as_ref(), include.as_ref(), SUITE.as_ref(), tree.as_os_str()];
        match attempt("debootstrap", &args) {
            Ok(()) => return,
            Err(why) => assert!(tried < TRIES, "{why}"),
        }
    }
}

fn run(program: &str, args: &[&std::ffi::OsStr]) {
    attempt(program, args).unwrap();
}

fn attempt(program: &str, args: &[&std::ffi::OsStr]) -> Result<(), String> {
    let output = Command::new(program).args(args).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let told = || format!("{program} failed: {}{}", text(&output.stdout), text(&output.stderr));
    output.status.success().then_some(()).ok_or_else(told)
}

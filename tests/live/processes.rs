//! Processes of the live host, compared with what was started and with what `ps(1)` says.

// Helpers of tests may be as blunt as tests, which clippy cannot see.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::live_support::{
    AS_NOBODY, Running, again, copy_program, output, root, run_again, skip, sleep_at, tool,
};
use spotcheck::facts::process::Selector;
use spotcheck::facts::{Cause, Unknown};
use spotcheck::host::{Selection, Target};
use spotcheck::targets::live::Live;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

fn pids(selection: &Selection) -> Vec<u32> {
    selection.processes.iter().map(|process| process.pid).collect()
}

fn select(selector: &Selector) -> Selection {
    Live::new().processes(selector).unwrap()
}

fn by_exe(path: impl Into<PathBuf>) -> Selector {
    Selector { exe: Some(path.into()), containers: true, ..Selector::default() }
}

#[test]
fn a_process_has_the_identity_it_was_given() {
    if !root() || !tool("setpriv") {
        return;
    }
    let child = Running::start(Command::new("setpriv").args([
        "--ruid=1001",
        "--euid=1002",
        "--rgid=1003",
        "--egid=1004",
        "--groups=5,7,1000",
        "--no-new-privs",
        "--bounding-set=-sys_admin",
        "sleep",
        "300",
    ]));
    child.wait_until(|pid| output("ps", &["-o", "comm=", &pid.to_string()]).trim() == "sleep");
    let process = Live::new().process(child.pid()).unwrap().unwrap();
    let [thread] = process.threads.as_ref().unwrap().as_slice() else { panic!("{process:?}") };
    let ps = |column: &str| {
        let text = output("ps", &["-o", &format!("{column}="), &child.pid().to_string()]);
        text.trim().to_owned()
    };
    for (column, value) in [
        ("ruid", thread.uid.real),
        ("euid", thread.uid.effective),
        ("suid", thread.uid.saved),
        ("fuid", thread.uid.filesystem),
        ("rgid", thread.gid.real),
        ("egid", thread.gid.effective),
        ("sgid", thread.gid.saved),
        ("fgid", thread.gid.filesystem),
        ("ppid", process.ppid),
    ] {
        assert_eq!(ps(column), value.to_string(), "{column}");
    }
    assert_eq!((thread.uid.real, thread.uid.effective), (1001, 1002));
    assert_eq!(thread.groups.iter().copied().collect::<Vec<_>>(), [5, 7, 1000]);
    assert_eq!(thread.no_new_privs, Some(true));
    assert_eq!(thread.capabilities.bounding >> 21 & 1, 0, "CAP_SYS_ADMIN");
    assert_eq!(ps("comm"), process.comm);
    assert_eq!(process.cmdline.as_ref().unwrap(), &["sleep", "300"]);
    let started: i64 = output("date", &["+%s", "-d", &ps("lstart")]).trim().parse().unwrap();
    assert!((started - process.started).abs() <= 1, "{started} and {}", process.started);
}

#[test]
fn a_process_is_found_by_executable_name_and_arguments() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("a-name-of-more-than-15");
    let child = sleep_at(&path);
    assert_eq!(pids(&select(&by_exe(&path))), [child.pid()]);
    let name = Selector {
        name: Some("a-name-of-more-than-15".to_owned()),
        containers: true,
        ..Selector::default()
    };
    assert_eq!(pids(&select(&name)), [child.pid()]);
    let cmdline = Selector {
        cmdline: Some(format!("^{} 3[0]+$", regex::escape(path.to_str().unwrap()))),
        containers: true,
        ..Selector::default()
    };
    assert_eq!(pids(&select(&cmdline)), [child.pid()]);
    // All that are given must match.
    let nobody = Selector { uid: Some(4_000_000_000), ..by_exe(&path) };
    assert!(pids(&select(&nobody)).is_empty());
    let own = Selector { uid: Some(nix::unistd::geteuid().as_raw()), ..by_exe(&path) };
    assert_eq!(pids(&select(&own)), [child.pid()]);
    let unit = Selector { unit: Some("no-such-unit.service".to_owned()), ..by_exe(&path) };
    assert!(pids(&select(&unit)).is_empty());
}

#[test]
fn a_link_to_the_directory_or_the_program_is_another_name_of_it() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("sbin")).unwrap();
    symlink("sbin", dir.path().join("merged")).unwrap();
    symlink("server-2.0", dir.path().join("sbin/server")).unwrap();
    let child = sleep_at(&dir.path().join("sbin/server-2.0"));
    for name in ["sbin/server-2.0", "merged/server-2.0", "sbin/server", "merged/server"] {
        assert_eq!(pids(&select(&by_exe(dir.path().join(name)))), [child.pid()], "{name}");
    }
}

#[test]
fn a_replaced_program_still_matches_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("server");
    let child = sleep_at(&path);
    copy_program(Path::new("/bin/sleep"), &path.with_extension("new"));
    std::fs::rename(path.with_extension("new"), &path).unwrap();
    let found = select(&by_exe(&path));
    assert_eq!(pids(&found), [child.pid()]);
    let exe = found.processes[0].exe.clone().unwrap().unwrap();
    assert_eq!((exe.path, exe.deleted), (path, true));
}

#[test]
fn a_program_whose_name_ends_in_deleted_is_not_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("server (deleted)");
    let child = sleep_at(&path);
    let exe = || Live::new().process(child.pid()).unwrap().unwrap().exe.clone().unwrap().unwrap();
    assert_eq!((exe().path, exe().deleted), (path.clone(), false));
    std::fs::remove_file(&path).unwrap();
    assert_eq!((exe().path, exe().deleted), (path, true));
}

#[test]
fn a_name_may_look_like_other_fields() {
    let dir = tempfile::tempdir().unwrap();
    let child = sleep_at(&dir.path().join("x) Z 1 (y"));
    let process = Live::new().process(child.pid()).unwrap().unwrap();
    assert_eq!(process.comm, "x) Z 1 (y");
    assert_eq!(process.ppid, std::process::id());
    assert!(!process.kernel_thread);
}

#[test]
fn a_zombie_is_there_but_runs_nothing() {
    let child = Running(Command::new("true").spawn().unwrap());
    child.wait_until(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ")
    });
    let process = Live::new().process(child.pid()).unwrap().unwrap();
    assert_eq!(process.exe, Ok(None));
    assert!(!process.kernel_thread);
    assert_eq!(process.cmdline, Ok(Vec::new()));
    assert!(!pids(&select(&by_exe("/bin/true"))).contains(&child.pid()));
}

#[test]
fn a_process_that_has_ended_is_gone() {
    let child = Running::start(Command::new("sleep").arg("300"));
    let (pid, live) = (child.pid(), Live::new());
    let all =
        || Selector { name: Some("sleep".to_owned()), containers: true, ..Selector::default() };
    assert!(!live.processes(&by_exe("/nowhere")).unwrap().processes.iter().any(|p| p.pid == pid));
    drop(child);
    let found = live.processes(&all()).unwrap();
    assert!(!pids(&found).contains(&pid));
    assert!(found.undecided.is_empty());
    assert_eq!(live.process(pid), Ok(None));
}

#[test]
fn a_program_that_forks_and_exits_all_the_time_is_not_taken_for_one_that_does_not_run() {
    if !tool("python3") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (stop, start) = (dir.path().join("stop"), dir.path().join("start"));
    // Its name is inherited; every process lives for a fraction of a millisecond. It ends by itself.
    let script = "import ctypes,os,signal,sys,time\n\
                  ctypes.CDLL(None).prctl(15,b'sc-hopping',0,0,0)\n\
                  signal.signal(signal.SIGCHLD,signal.SIG_IGN)\n\
                  end=time.time()+120\nopen(sys.argv[2],'w')\n\
                  while time.time()<end and not os.path.exists(sys.argv[1]):\n \
                  if os.fork(): os._exit(0)\n";
    let mut first = Running(
        Command::new("python3").args(["-c", script]).args([&stop, &start]).spawn().unwrap(),
    );
    crate::live_support::wait_until(|| start.exists());
    first.0.wait().unwrap();
    let hopping = Selector { name: Some("sc-hopping".into()), ..Selector::default() };
    let mut missed = 0;
    for _ in 0..10 {
        let selection = select(&hopping);
        missed += usize::from(selection.processes.is_empty() && selection.gap().is_none());
    }
    std::fs::write(&stop, "").unwrap();
    assert_eq!(missed, 0, "of 10 looks");
}

#[test]
fn kernel_threads_never_match() {
    let live = Live::new();
    let Ok(Some(thread)) = live.process(2) else { return skip("no kernel threads to be seen") };
    if !thread.kernel_thread {
        return skip("no kernel threads to be seen");
    }
    assert_eq!(thread.exe, Ok(None));
    let name = Selector { name: Some(thread.comm.clone()), ..Selector::default() };
    assert!(!pids(&select(&name)).contains(&2));
    let everything = Selector { containers: true, ..Selector::default() };
    assert!(select(&everything).processes.iter().all(|process| !process.kernel_thread));
}

#[test]
fn a_pid_file_stands_for_its_process_and_the_descendants() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("worker");
    copy_program(Path::new("/bin/sleep"), &path);
    let script = format!("sh -c '{} 300; true'; true", path.display());
    let main = Running::start(Command::new("sh").args(["-c", &script]).stdin(Stdio::null()));
    let worker = || pids(&select(&by_exe(&path)));
    crate::live_support::wait_until(|| worker().len() == 1);
    let file = dir.path().join("main.pid");
    let with_file = |content: &str| {
        std::fs::write(&file, content).unwrap();
        let selector =
            Selector { pid_file: Some(file.clone()), containers: true, ..Selector::default() };
        pids(&select(&selector))
    };
    let family = with_file(&format!("{}\n", main.pid()));
    assert_eq!(family.len(), 3, "the main process, a shell and the worker: {family:?}");
    assert!(family.contains(&main.pid()) && family.contains(&worker()[0]));
    assert_eq!(with_file(&worker()[0].to_string()), worker());
    for stale in ["8388608", "", "nginx", "-1"] {
        assert!(with_file(stale).is_empty(), "{stale:?}");
    }
    std::fs::remove_file(&file).unwrap();
    let gone = Selector { pid_file: Some(file), containers: true, ..Selector::default() };
    assert!(pids(&select(&gone)).is_empty());
    for pid in family {
        let _ = Command::new("kill").arg(pid.to_string()).status();
    }
}

#[test]
fn a_process_whose_main_thread_has_ended_is_still_seen_whole() {
    if !tool("python3") {
        return;
    }
    // exit(2), unlike exit(3), ends the calling thread only.
    let script = "import ctypes,threading,time\n\
        threading.Thread(target=time.sleep,args=(300,)).start()\n\
        ctypes.CDLL(None).syscall(ctypes.c_long(%d),0)";
    let exit = if cfg!(target_arch = "x86_64") { "60" } else { "93" };
    let script = script.replace("%d", exit);
    let child = Running(
        Command::new("python3").args(["-c", &script]).stdin(Stdio::null()).spawn().unwrap(),
    );
    child.wait_until(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().contains(") Z ")
    });
    let process = Live::new().process(child.pid()).unwrap().unwrap();
    let exe = process.exe.clone().unwrap().unwrap();
    assert!(exe.path.to_string_lossy().contains("python3"), "{exe:?}");
    assert!(process.cmdline.as_ref().unwrap()[0].ends_with("python3"));
    assert_eq!(process.threads.as_ref().unwrap().len(), 2);
    assert!(pids(&select(&by_exe(exe.path))).contains(&child.pid()));
}

/// A program in namespaces of its own, made by `unshare` with these arguments and this script; `$1` is
/// the program and `$2` a directory.
fn apart(arguments: &[&str], script: &str, program: &Path, directory: &Path) -> Running {
    let paths = [program.to_str().unwrap(), directory.to_str().unwrap()];
    Running::start(
        Command::new("unshare").args(arguments).args(["sh", "-c", script, "sh"]).args(paths),
    )
}

#[test]
fn a_pid_namespace_alone_makes_no_container() {
    if !root() || !tool("unshare") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("hidden");
    copy_program(Path::new("/bin/sleep"), &path);
    let _child = apart(&["-p", "-f", "--kill-child"], "exec \"$1\" 300", &path, dir.path());
    crate::live_support::wait_until(|| !select(&by_exe(&path)).processes.is_empty());
    assert_eq!(select(&by_exe(&path)).processes[0].container, Ok(false));
    assert_eq!(pids(&select(&Selector { containers: false, ..by_exe(&path) })).len(), 1);
}

#[test]
fn another_root_directory_with_mounts_of_its_own_makes_a_container() {
    if !root() || !tool("unshare") || !tool("busybox") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::create_dir_all(root.join("bin")).unwrap();
    let path = root.join("bin/busybox");
    std::fs::copy("/bin/busybox", &path).unwrap();
    let script = "mount --bind \"$2\" \"$2\"; cd \"$2\"; mkdir old; pivot_root . old; \
                  exec /bin/busybox sleep 301";
    let _child = apart(&["-m"], script, &path, &root);
    let named = |containers| {
        select(&Selector {
            cmdline: Some("busybox sleep 301$".into()),
            containers,
            ..Selector::default()
        })
    };
    let inside = |found: &spotcheck::host::Selection| {
        found.processes.iter().any(|process| process.container == Ok(true))
    };
    let mut found = named(true);
    for _ in 0..200 {
        if inside(&found) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(25));
        found = named(true);
    }
    if found.processes.is_empty() {
        return skip("busybox needs libraries here");
    }
    let exe = found.processes[0].exe.clone().unwrap().unwrap();
    assert_eq!(found.processes[0].container, Ok(true));
    assert_eq!(exe.hosts, Ok(false), "{exe:?}");
    let left_out = named(false);
    assert!(pids(&left_out).is_empty());
    let told = left_out.left_out().unwrap();
    assert!(told.starts_with("1 process of 1 container was not asked"), "{told}");
}

#[test]
fn a_file_that_is_mounted_over_a_program_for_one_process_is_not_the_hosts() {
    if !root() || !tool("unshare") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    let (real, fake) = (root.join("server"), root.join("fake"));
    copy_program(Path::new("/bin/true"), &real);
    copy_program(Path::new("/bin/sleep"), &fake);
    let script = "mount --bind \"$2\" \"$1\"; exec \"$1\" 302";
    let child = apart(&["-m"], script, &real, &fake);
    let process = |pid| Live::new().process(pid).unwrap().unwrap();
    child.wait_until(|pid| process(pid).comm == "server");
    let process = process(child.pid());
    let exe = process.exe.clone().unwrap().unwrap();
    assert_eq!((exe.path, exe.hosts), (real.clone(), Ok(false)));
    assert_eq!(process.container, Ok(false));
    assert!(pids(&select(&by_exe(&real))).is_empty());
}

/// A control group that is removed again.
struct Group(PathBuf);

impl Drop for Group {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
        let _ = self.0.parent().map(std::fs::remove_dir);
    }
}

#[test]
fn a_process_belongs_to_the_unit_whose_group_it_is_in() {
    if !root() {
        return;
    }
    let own = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let hierarchy =
        if own.contains(":name=systemd:") { "/sys/fs/cgroup/systemd" } else { "/sys/fs/cgroup" };
    let unit = format!("spotcheck{}.service", std::process::id());
    let path = Path::new(hierarchy).join("spotcheck.slice").join(&unit);
    let child = Running::start(Command::new("sleep").arg("300"));
    let group = Group(path.clone());
    let moved = std::fs::create_dir_all(&path)
        .and_then(|()| std::fs::write(path.join("cgroup.procs"), child.pid().to_string()));
    if moved.is_err() {
        return skip("cannot make a control group");
    }
    let selector = Selector { unit: Some(unit.clone()), ..Selector::default() };
    let found = select(&selector);
    assert_eq!(pids(&found), [child.pid()]);
    let process = &found.processes[0];
    assert_eq!(process.cgroup.as_ref().unwrap().unit, Some(unit));
    assert_eq!(process.container, Ok(false));
    drop(child);
    assert!(pids(&select(&selector)).is_empty());
    drop(group);
}

#[test]
fn without_privilege_what_cannot_be_seen_is_undecided() {
    if let Some(pid) = again() {
        let live = Live::new();
        assert!(!live.host().privilege.full);
        let pid: u32 = pid.parse().unwrap();
        let found = live.processes(&by_exe("/bin/sleep")).unwrap();
        let about = format!("/proc/{pid}/exe: permission denied");
        assert!(found.undecided.iter().any(|u| u.to_string() == about), "{found:?}");
        // The name is known, and a known no outweighs.
        let named = Selector { name: Some("not-sleep".to_owned()), ..by_exe("/bin/sleep") };
        let found = live.processes(&named).unwrap();
        assert!(found.undecided.is_empty(), "{found:?}");
        // What the kernel tells everybody is known.
        let process = live.process(pid).unwrap().unwrap();
        assert_eq!(process.exe.as_ref().unwrap_err().cause, Cause::PermissionDenied);
        assert!(process.threads.is_ok() && process.cmdline.is_ok());
        // Nobody can see what kernel threads run, and yet it is known: nothing.
        if let Ok(Some(thread)) = live.process(2)
            && thread.kernel_thread
        {
            assert_eq!(thread.exe, Ok(None));
        }
        return;
    }
    if !root() || !tool("setpriv") {
        return;
    }
    let child = Running::start(Command::new("sleep").arg("300"));
    let name = "without_privilege_what_cannot_be_seen_is_undecided";
    run_again(name, &AS_NOBODY, &child.pid().to_string());
}

#[test]
fn hidden_processes_are_not_taken_for_absent_ones() {
    if let Some(what) = again() {
        let found = select(&by_exe("/bin/sleep"));
        assert!(found.processes.is_empty());
        match what.as_str() {
            "hidepid=2" => {
                assert!(found.hidden.is_some(), "{found:?}");
                // The one that is hidden is not said to be absent, nor to hold nothing.
                let live = Live::new();
                assert!(live.process(2).is_err());
                let own = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let port = own.local_addr().unwrap().port();
                let all = live.listeners().unwrap();
                let inode = all.iter().find(|l| l.port == port).unwrap().inode;
                let holders = live.holders(&std::iter::once(inode).collect()).unwrap();
                assert_eq!(holders[&inode].pids, [std::process::id()]);
                assert_eq!(holders[&inode].unseen, found.hidden);
            }
            _ => assert!(!found.undecided.is_empty(), "{found:?}"),
        }
        assert!(found.gap().is_some());
        return;
    }
    if !root() || !tool("setpriv") || !tool("unshare") {
        return;
    }
    let _child = Running::start(Command::new("sleep").arg("300"));
    for option in ["hidepid=2", "hidepid=1"] {
        // A mount of its own, so that the host's is left alone.
        let script = format!("sleep 300 & mount -t proc -o {option} proc /proc && exec \"$@\"");
        let mut prefix = vec!["unshare", "--mount", "sh", "-c", &script, "sh"];
        prefix.extend(AS_NOBODY);
        // The instance belongs to the pid namespace, whose options a mount would change for all.
        prefix.splice(1..2, ["--mount", "--pid", "--fork", "--kill-child"]);
        run_again("hidden_processes_are_not_taken_for_absent_ones", &prefix, option);
    }
}

struct Calm<'a>(&'a AtomicBool);

impl Drop for Calm<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_storm_of_short_processes_causes_no_error_and_no_wrong_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap().join("steady");
    let child = sleep_at(&path);
    // Some hosts guard their init even from root.
    let guarded = select(&by_exe(&path)).undecided;
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Also when an assertion below fails.
        let calm = Calm(&done);
        let storm = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                let script = "i=0; while [ $i -lt 250 ]; do /bin/true & i=$((i+1)); done; wait";
                Command::new("sh").args(["-c", script]).status().unwrap();
                count += 250;
            }
            count
        });
        for round in 0..25 {
            let found = select(&by_exe(&path));
            assert_eq!(pids(&found), [child.pid()], "round {round}");
            // Without root there are always others whose programs are not to be seen.
            let others = |u: &Unknown| u.needs_root() && !nix::unistd::geteuid().is_root();
            // What was gone whenever its turn came is not known, and that is said.
            let missed = |u: &Unknown| u.cause == Cause::Vanished;
            let mut undecided = found.undecided.iter();
            assert!(
                undecided.all(|u| guarded.contains(u) || others(u) || missed(u)),
                "round {round}: {:?}",
                found.undecided
            );
            let everything = Selector {
                cmdline: Some(String::new()),
                uid: Some(nix::unistd::geteuid().as_raw()),
                containers: true,
                ..Selector::default()
            };
            let found = select(&everything);
            assert!(pids(&found).contains(&child.pid()), "round {round}");
            assert!(found.undecided.iter().all(missed), "round {round}: {:?}", found.undecided);
            for process in &found.processes {
                assert!(!process.kernel_thread);
                assert!(
                    process.exe.as_ref().err().is_none_or(|e| guarded.contains(e)),
                    "{process:?}"
                );
                assert!(process.threads.as_ref().is_ok_and(|threads| !threads.is_empty()));
                if let Ok(Some(exe)) = &process.exe {
                    assert!(exe.path.is_absolute(), "{process:?}");
                }
            }
        }
        drop(calm);
        let count = storm.join().unwrap();
        assert!(count > 1000, "only {count} processes");
    });
    assert!(Path::new(&path).exists());
}

//! A host does not hold still: processes come and go, pids are used again, files are replaced. None
//! of it makes a false finding or a crash.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::Stage;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

const POLICY: &str = include_str!("../../policies/nginx.yaml");

/// Ends what runs beside a test, also when an assertion fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something again and again while spotcheck runs `rounds` times with this policy. Every run
/// has to end with one of the codes; returns how many ended with 0.
fn meanwhile(policy: &Path, rounds: usize, codes: &[i32], disturb: impl Fn(usize) + Sync) -> usize {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let ending = Ending(&done);
        let disturbed = scope.spawn(|| {
            let mut count = 0;
            while !done.load(Ordering::Relaxed) {
                disturb(count);
                count += 1;
            }
            count
        });
        let mut held = 0;
        for round in 0..rounds {
            let run =
                Command::new(env!("CARGO_BIN_EXE_spotcheck")).arg("check").arg(policy).output();
            let run = run.unwrap();
            let code = run.status.code().expect("not ended by a signal");
            let report = String::from_utf8_lossy(&run.stdout);
            assert!(codes.contains(&code), "round {round}: exit {code}\n{report}");
            assert!(run.stderr.is_empty(), "{}", String::from_utf8_lossy(&run.stderr));
            held += usize::from(code == 0);
        }
        drop(ending);
        let count = disturbed.join().unwrap();
        assert!(count > rounds, "only {count} disturbances");
        held
    })
}

fn policy_in(folder: &Path, rules: &str) -> std::path::PathBuf {
    let path = folder.join("policy.yaml");
    fs::write(&path, format!("policy: race\nrules:\n{rules}")).unwrap();
    path
}

#[test]
fn a_file_that_is_replaced_all_the_time_is_judged_by_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    let (file, next) = (place.join("it"), place.join("next"));
    let uid = nix::unistd::geteuid();
    // Every version is as the rules want it, but of another size and of another inode.
    let replace = |round: usize| {
        fs::write(&next, format!("listen 8080;\n{}", "# more\n".repeat(round % 500))).unwrap();
        fs::rename(&next, &file).unwrap();
    };
    replace(0);
    let at = file.display();
    let policy = policy_in(
        folder.path(),
        &format!(
            "  - {{ id: whose, file: {at}, must: {{ type: file, owner: {uid}, mode: 'u+rw,o-w' }} }}
  - {{ id: text, file: {at}, must: {{ contains: '^listen 8080;$', not_contains: evil }} }}
  - {{ id: size, file: {at}, must: {{ size: {{ at_most: 10K }}, writable_by: {uid} }} }}
  - {{ id: conf, config: {at}, format: nginx, must: {{ listen: 8080 }} }}
"
        ),
    );
    // It is there at every moment: nothing keeps it from being seen.
    assert_eq!(meanwhile(&policy, 60, &[0], replace), 60);
}

#[test]
fn files_that_come_and_go_are_not_violations() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    fs::create_dir(place.join("spool")).unwrap();
    fs::write(place.join("spool/stays"), "ok\n").unwrap();
    let next = place.join("next");
    let come_and_go = |round: usize| {
        let name = place.join(format!("spool/job-{}", round % 50));
        if fs::remove_file(&name).is_err() {
            fs::write(&next, "ok\n").unwrap();
            fs::rename(&next, &name).unwrap();
        }
    };
    let at = place.display();
    let policy = policy_in(
        folder.path(),
        &format!(
            "  - {{ id: jobs, file: {at}/spool/*, must: {{ type: file, mode: 'u+rw,o-w', contains: ok }} }}
  - {{ id: deep, file: '{at}/**/stays', must: {{ exists: true }} }}
"
        ),
    );
    // One that goes after its owner and mode were seen, and before its content, is unknown.
    assert!(meanwhile(&policy, 60, &[0, 2], come_and_go) > 0);
}

#[test]
fn a_link_that_is_turned_all_the_time_leads_to_one_of_its_targets() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().canonicalize().unwrap();
    for name in ["a", "b"] {
        fs::create_dir(place.join(name)).unwrap();
        fs::write(place.join(name).join("conf"), "ok\n").unwrap();
    }
    let (link, next) = (place.join("current"), place.join("next"));
    let turn = |round: usize| {
        std::os::unix::fs::symlink(["a", "b"][round % 2], &next).unwrap();
        fs::rename(&next, &link).unwrap();
    };
    turn(0);
    let at = place.display();
    let policy = policy_in(
        folder.path(),
        &format!(
            "  - {{ id: link, file: {at}/current, must: {{ type: symlink, target: [a, b] }} }}
  - {{ id: conf, file: {at}/current/conf, must: {{ contains: ok, size: 3 }} }}
"
        ),
    );
    assert!(meanwhile(&policy, 60, &[0, 2], turn) > 0);
}

#[test]
fn a_storm_of_processes_leaves_the_answer_as_it_is() {
    let Some(stage) = Stage::healthy() else { return };
    storm(&stage);
    all_runs_hold(&stage);
}

/// Since Linux 6.14 a pid namespace has a limit of its own for pids: with few of them each is used
/// again within moments.
#[test]
fn pids_that_are_used_again_all_the_time_are_not_mixed_up() {
    let Some(stage) = Stage::healthy() else { return };
    let release = nix::sys::utsname::uname().unwrap().release().to_string_lossy().into_owned();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|n| n.parse().unwrap_or(0));
    if (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) < (6, 14) {
        eprintln!("SKIPPED (needs Linux 6.14, this is {release}): pids that are used again");
        return;
    }
    let outside = fs::read("/proc/sys/kernel/pid_max").unwrap();
    stage.must("echo 400 > /proc/sys/kernel/pid_max");
    assert_eq!(fs::read("/proc/sys/kernel/pid_max").unwrap(), outside);
    storm(&stage);
    all_runs_hold(&stage);
}

/// Thousands of processes, some of them of root and of nginx's name, that end at once.
fn storm(stage: &Stage) {
    stage.must("ln -s /usr/bin/true /mnt/nginx");
    for name in ["one", "two"] {
        let script = "while :; do for i in 1 2 3 4 5 6 7 8; do /mnt/nginx & done; wait; done";
        stage.start(&format!("storm-{name}.service"), &format!("sh -c '{script}' &"));
    }
}

fn all_runs_hold(stage: &Stage) {
    stage.write("/mnt/nginx.yaml", POLICY);
    stage.write("/mnt/more.yaml", MORE);
    let forks = || {
        let stat = fs::read_to_string("/proc/stat").unwrap();
        let line = stat.lines().find_map(|line| line.strip_prefix("processes ")).unwrap();
        line.trim().parse::<u64>().unwrap()
    };
    let (before, start) = (forks(), Instant::now());
    let mut round = 0;
    while round < 40 || forks() - before < 5000 {
        let output = stage.run(&["check", "nginx.yaml", "more.yaml"]);
        assert_eq!(output.status, Some(0), "round {round}: {}\n{}", output.stdout, output.stderr);
        assert_eq!(output.stderr, "");
        round += 1;
        assert!(start.elapsed() < Duration::from_secs(120), "{} forks", forks() - before);
    }
}

const MORE: &str = "
policy: more
services: { web: { exe: /usr/sbin/nginx } }
rules:
  - { id: known-ports, listeners: all, must: { only: [{ port: 8080/tcp, by: web }], root_alone: [] } }
  - { id: not-root, service: web, must: { never_root: true, run_as: nginx, count: 3, capabilities: [] } }
  - { id: workers, service: web, processes: workers, must: { count: 2 } }
  - { id: pid-file, service: { pid_file: /run/nginx/nginx.pid }, must: { count: 3, run_as: nginx } }
  - { id: absent, service: { exe: /usr/sbin/apache2 }, must: { running: false } }
";

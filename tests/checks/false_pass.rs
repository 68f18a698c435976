//! The false passes that such tools are known for, each staged on a real machine: what could not be
//! seen is never reported as fine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Machine, Need, Output, Stage, needs};

fn machine() -> Option<Machine> {
    needs(&[Need::Root, Need::Namespaces]).then(Machine::new)
}

fn policy(rules: &str) -> String {
    format!("policy: trap\nrules:\n{rules}\n")
}

const NOBODY: u32 = 65534;

/// A run of one policy inside.
trait Trap {
    fn check(&self, rules: &str) -> Output;
    fn check_as_nobody(&self, rules: &str) -> Output;
}

impl Trap for Machine {
    fn check(&self, rules: &str) -> Output {
        self.write("/mnt/trap.yaml", &policy(rules));
        self.run(&["check", "trap.yaml", "--verbose"])
    }

    fn check_as_nobody(&self, rules: &str) -> Output {
        self.write("/mnt/trap.yaml", &policy(rules));
        self.run_as(NOBODY, &["check", "trap.yaml", "--verbose"])
    }
}

/// Undecided: exit code 2, and nothing is said to hold.
#[track_caller]
fn is_undecided(output: &Output, reason: &str) {
    assert_eq!(output.status, Some(2), "{}\n{}", output.stdout, output.stderr);
    assert!(output.stdout.contains("UNKNOWN"), "{}", output.stdout);
    assert!(output.stdout.contains(reason), "{}", output.stdout);
    assert!(!output.stdout.contains(" hold"), "{}", output.stdout);
}

// --- sockets -------------------------------------------------------------------------------------

const PORT_FREE: &str = "  - { id: free, port: 8080/tcp, must: { listening: false } }
  - { id: ours, port: 8080/tcp, absent: skip, must: { bound_by: { exe: /usr/sbin/nginx } } }
  - { id: none, listeners: all, must: { only: [] } }";

/// Runs the program without netlink, `/proc/net` being an empty directory that only root may enter.
fn without_sockets(machine: &Machine, wrapper: &str) -> Output {
    machine.write("/mnt/trap.yaml", &policy(PORT_FREE));
    machine.must("mkdir -p /mnt/closed && chmod 0700 /mnt/closed");
    // The shell becomes the program, so that the mount is over its own /proc/self/net.
    machine.sh(&format!(
        "mount --bind /mnt/closed /proc/$$/net && exec {wrapper} strace -D -qq -o /dev/null \
         -e trace=socket -e inject=socket:error=EPERM /mnt/spotcheck check trap.yaml"
    ))
}

#[test]
fn sockets_that_cannot_be_listed_do_not_make_a_port_free() {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("strace")]) {
        return;
    }
    let machine = Machine::new();
    let drop = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all";
    is_undecided(&without_sockets(&machine, drop), "/proc/net/protocols: permission denied");
    is_undecided(&without_sockets(&machine, ""), "/proc/net/");
}

#[test]
fn a_stranger_that_shares_the_socket_is_named() {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("cc")]) {
        return;
    }
    let machine = Machine::new();
    machine.write("/mnt/share.c", SHARE);
    machine.must("cc -o /mnt/share /mnt/share.c");
    let rule = "  - { id: ours, port: 9000/tcp, must: { bound_by: { exe: /mnt/share } } }
  - { id: listed, listeners: all, must: { only: [{ port: 9000/tcp, by: { exe: /mnt/share } }] } }";
    machine.start_program("share.service", "/mnt/share", "");
    machine.until("it listens", || machine.listens(9000));
    let output = machine.check(rule);
    assert_eq!(output.status, Some(0), "{}", output.stdout);
    // At the signal it forks, and the child becomes another program that has inherited the socket.
    machine.must("pkill -USR1 -x share");
    machine.until("the stranger runs", || machine.sh("pgrep -x sleep").status == Some(0));
    let output = machine.check(rule);
    assert_eq!(output.status, Some(1), "{}", output.stdout);
    assert!(output.stdout.contains("2 violated"), "{}", output.stdout);
    assert!(output.stdout.contains("sleep (/usr/bin/sleep; "), "{}", output.stdout);
}

const SHARE: &str = r#"
#include <arpa/inet.h>
#include <signal.h>
#include <unistd.h>
static void nothing(int number) { (void)number; }
int main(void) {
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(9000) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGUSR1, nothing);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 1)) return 1;
    pause();
    if (fork() == 0) execl("/usr/bin/sleep", "sleep", "1000", (char *)0);
    for (;;) pause();
}
"#;

#[test]
fn a_holder_that_cannot_be_seen_is_unknown() {
    let Some(stage) = Stage::healthy() else { return };
    let output = stage.check_as_nobody(
        "  - { id: ours, port: 8080/tcp, must: { bound_by: { exe: /usr/sbin/nginx } } }
  - { id: listed, listeners: all, must: { only: [{ port: 8080/tcp, by: { exe: /usr/sbin/nginx } }] } }
  - { id: alone, listeners: all, must: { root_alone: [] } }",
    );
    is_undecided(&output, "permission denied");
}

// --- processes -----------------------------------------------------------------------------------

const NOT_ROOT: &str =
    "  - { id: gone, service: { exe: /usr/bin/sleep }, must: { running: false } }
  - { id: idle, service: { exe: /usr/bin/sleep }, absent: skip, must: { never_root: true } }
  - { id: few, process: { name: sleep }, must: { count: { at_most: 0 } } }";

#[test]
fn a_process_that_is_hidden_is_not_one_that_does_not_run() {
    let Some(machine) = machine() else { return };
    machine.start_program("nap.service", "/usr/bin/sleep", "1000");
    machine.must("mount -o remount,hidepid=2 /proc");
    is_undecided(&machine.check_as_nobody(NOT_ROOT), "hidepid=");
    assert_eq!(machine.check(NOT_ROOT).status, Some(1));
}

#[test]
fn a_process_whose_program_is_hidden_may_be_any() {
    let Some(machine) = machine() else { return };
    machine.start_program("nap.service", "/usr/bin/sleep", "1000");
    let by_exe = "  - { id: gone, service: { exe: /usr/bin/sleep }, must: { running: false } }";
    is_undecided(&machine.check_as_nobody(by_exe), "permission denied");
}

#[test]
fn zero_processes_do_not_pass() {
    let Some(machine) = machine() else { return };
    let output = machine.check(
        "  - { id: all, service: { exe: /mnt/nothing }, must: { never_root: true, run_as: nobody } }",
    );
    assert_eq!(output.status, Some(1), "{}", output.stdout);
    assert!(output.stdout.contains("no process runs"), "{}", output.stdout);
}

#[test]
fn an_alias_of_root_is_root() {
    let Some(machine) = machine() else { return };
    machine.must("echo 'toor:x:0:0::/:/bin/sh' >> /etc/passwd; cp /usr/bin/sleep /mnt/nap");
    machine.start_program("nap.service", "/mnt/nap", "1000");
    let output = machine.check(
        "  - { id: never, service: { exe: /mnt/nap }, must: { never_root: true } }
  - { id: alias, service: { exe: /mnt/nap }, must: { run_as: { not: toor } } }
  - { id: ids, accounts: all, must: { uid_0: { only: [root] } } }",
    );
    assert_eq!(output.status, Some(1));
    assert!(output.stdout.contains("3 violated · exit 1"), "{}", output.stdout);
}

#[test]
fn one_thread_that_stayed_root_is_found() {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("cc")]) {
        return;
    }
    let machine = Machine::new();
    machine.write("/mnt/mixed.c", MIXED);
    machine.must("cc -pthread -o /mnt/mixed /mnt/mixed.c");
    machine.start_program("mixed.service", "/mnt/mixed", "");
    machine.until("the main thread has changed its ids", || {
        machine.sh("grep -q '^Uid:.65534' /proc/$(pgrep -x mixed)/status").status == Some(0)
    });
    let output = machine.check(
        "  - { id: never, service: { exe: /mnt/mixed }, must: { never_root: true } }
  - { id: user, service: { exe: /mnt/mixed }, must: { run_as: nobody } }",
    );
    assert_eq!(output.status, Some(1));
    assert!(output.stdout.contains("never_root  root+nobody"), "{}", output.stdout);
    assert!(output.stdout.contains("2 violated · exit 1"), "{}", output.stdout);
}

/// Credentials are per thread for the kernel; only the C library's wrapper changes all of them.
const MIXED: &str = r"
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *stay(void *unused) { for (;;) pause(); return unused; }
int main(void) {
    pthread_t thread;
    pthread_create(&thread, 0, stay, 0);
    syscall(SYS_setresuid, 65534, 65534, 65534);
    for (;;) pause();
}
";

// --- files ---------------------------------------------------------------------------------------

#[test]
fn a_file_behind_a_closed_door_is_not_absent() {
    let Some(machine) = machine() else { return };
    machine.must("mkdir -m 0700 /mnt/safe && echo > /mnt/safe/key");
    for rule in [
        "  - { id: x, file: /mnt/safe/key, must: { exists: false } }",
        "  - { id: x, file: /mnt/safe/*, must: { exists: false } }",
        "  - { id: x, file: /mnt/*/key, absent: skip, must: { mode: '0600' } }",
        "  - { id: x, file: /mnt/safe/key, absent: skip, must: { not_contains: secret } }",
        "  - { id: x, when: { file: /mnt/safe/key }, user: root, must: { uid: 0 } }",
        "  - { id: x, config: /mnt/safe/key, format: nginx, absent: skip, must: { user: { set: false } } }",
        "  - { id: x, service: { pid_file: /mnt/safe/key }, must: { running: false } }",
    ] {
        is_undecided(&machine.check_as_nobody(rule), "/mnt/safe");
    }
}

#[test]
fn an_include_behind_a_closed_door_is_unknown() {
    let Some(stage) = Stage::healthy() else { return };
    stage.must(
        "cd /etc/nginx && chmod -R a+rX . && mkdir -m 0700 closed
         echo 'server { listen 9090; }' > closed/site.conf
         sed -i 's|http {|http {\\n    include closed/*.conf;|' nginx.conf",
    );
    let rule = "  - { id: x, config: /etc/nginx/nginx.conf, must: { http.server.listen: 8080 } }";
    is_undecided(&stage.check_as_nobody(rule), "/etc/nginx/closed");
    let output = stage.check(rule);
    assert_eq!(output.status, Some(1), "{}", output.stdout);
    assert!(output.stdout.contains("listen 9090"), "{}", output.stdout);
}

#[test]
fn hashes_that_only_root_may_read_are_unknown() {
    let Some(machine) = machine() else { return };
    let rules = "  - { id: empty, accounts: all, must: { empty_passwords: false } }
  - { id: login, user: root, must: { can_login: false } }";
    machine.must("sed -i 's|^root:[^:]*:\\(.*\\):[^:]*$|root:x:\\1:/bin/sh|' /etc/passwd");
    machine.must("chmod 0640 /etc/shadow");
    is_undecided(&machine.check_as_nobody(rules), "/etc/shadow: permission denied");
}

// --- policies ------------------------------------------------------------------------------------

#[test]
fn a_policy_that_applies_nowhere_is_not_a_success() {
    let Some(machine) = machine() else { return };
    let output = machine.check(
        "  - { id: a, when: { file: /nothing }, user: root, must: { uid: 0 } }
  - { id: b, service: { exe: /nothing }, absent: skip, must: { never_root: true } }
  - { id: c, file: /nothing, absent: skip, must: { owner: root } }
  - { id: d, port: 1/tcp, absent: skip, must: { bound_by: { exe: /nothing } } }",
    );
    assert_eq!(output.status, Some(2), "{}", output.stdout);
    assert!(output.stdout.contains("Nothing was evaluated"), "{}", output.stdout);
}

#[test]
fn one_rule_that_cannot_be_read_means_that_none_is_evaluated() {
    let Some(machine) = machine() else { return };
    let good = "  - { id: good, user: root, must: { uid: 1 } }\n";
    assert_eq!(machine.check(good).status, Some(1));
    for bad in [
        "  - { id: bad, user: root, must: { uidd: 0 } }",
        "  - { id: bad, user: root, must: { uid: zero } }",
        "  - { id: bad, user: root }",
        "  - { id: bad, user: root, must: {} }",
        "  - { id: bad, usr: root, must: { uid: 0 } }",
        "  - { id: good, user: root, must: { uid: 0 } }",
        "  - nonsense",
    ] {
        let output = machine.check(&format!("{good}{bad}"));
        assert_eq!(output.status, Some(3), "{bad}: {}", output.stdout);
        assert_eq!(output.stdout, "", "{bad}");
        assert!(output.stderr.contains("nothing was evaluated"), "{bad}: {}", output.stderr);
    }
}

// --- mounts --------------------------------------------------------------------------------------

const WRITABLE: &str =
    "  - { id: read-only, file: /mnt/shop/conf, must: { writable_by: { not: bob } } }
  - { id: safe, file: /mnt/shop/conf, must: { writable_only_by: root } }
  - { id: mounted-ro, mount: /mnt, must: { options: { all: ro } } }
  - { id: no-home, file: /mnt/home/key, must: { exists: false } }";

/// In a mount namespace of its own, as systemd's `ProtectSystem=` and `ProtectHome=` make it.
const PROTECTED: &str = "unshare --mount sh -ec 'mount --rbind /mnt /mnt; cd /mnt;
    mount -t tmpfs none /mnt/home; mount -o remount,bind,ro /mnt; exec \"$@\"' sh";

fn shop() -> Option<Machine> {
    let machine = machine()?;
    machine.must(
        "useradd bob; mkdir /mnt/shop /mnt/home; touch /mnt/shop/conf /mnt/home/key;
         chown bob /mnt/shop/conf",
    );
    machine.write("/mnt/trap.yaml", &policy(WRITABLE));
    Some(machine)
}

#[test]
fn mounts_of_its_own_do_not_make_a_file_unwritable_or_absent() {
    let Some(machine) = shop() else { return };
    let words = "FAIL medium read-only  file /mnt/shop/conf
  writable_by  bob can: /mnt/shop/conf: owner class has rw-";
    let plain = machine.run(&["check", "trap.yaml"]);
    assert!(plain.stdout.contains(words), "{}", plain.stdout);
    let protected = machine.sh(&format!("{PROTECTED} /mnt/spotcheck check trap.yaml"));
    let without_time = |output: &Output| {
        output.stdout.lines().skip(1).map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(without_time(&protected), without_time(&plain));
    assert_eq!(protected.status, Some(1));
    assert!(plain.stdout.contains("4 violated"), "{}", plain.stdout);
}

#[test]
fn where_the_hosts_mounts_cannot_be_reached_what_differs_is_unknown() {
    let Some(machine) = shop() else { return };
    let drop = "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all";
    let output = machine.sh(&format!("{PROTECTED} {drop} /mnt/spotcheck check trap.yaml"));
    assert!(output.stdout.contains("FAIL medium read-only"), "{}", output.stdout);
    assert!(output.stdout.contains("FAIL medium mounted-ro"), "{}", output.stdout);
    let home = "UNKNOWN no-home  file /mnt/home/key
  exists  undecided: /mnt/home/key: spotcheck has mounts of its own";
    assert!(output.stdout.contains(home), "{}", output.stdout);
}

// --- namespaces ----------------------------------------------------------------------------------

/// What depends on the namespace of who asks: of the machine, none of it is what a new namespace has.
const OF_THE_HOST: &str = "  - { id: forward, sysctl: net.ipv4.ip_forward, must: { value: 1 } }
  - { id: ttl, sysctl: net.ipv4.ip_default_ttl, must: { value: 33 } }
  - { id: memory, sysctl: kernel.shmmni, must: { value: 4321 } }
  - { id: name, sysctl: kernel.hostname, must: { value: pet-shop } }
  - { id: busy, port: 8081/tcp, must: { listening: true } }";

/// Runs the program in network, IPC and UTS namespaces of its own.
fn from_elsewhere(machine: &Machine, wrapper: &str, rules: &str) -> Output {
    machine.write("/mnt/trap.yaml", &policy(rules));
    machine.sh(&format!(
        "unshare --net --ipc --uts sh -c 'hostname elsewhere; \
         exec {wrapper} /mnt/spotcheck check trap.yaml --verbose'"
    ))
}

/// A machine whose kernel parameters are other than those of a new namespace.
fn with_parameters() -> Option<Machine> {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("busybox")]) {
        return None;
    }
    let machine = Machine::new();
    machine.must(
        "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 33 >/proc/sys/net/ipv4/ip_default_ttl
         busybox httpd -p 8081",
    );
    Some(machine)
}

#[test]
fn parameters_and_sockets_are_those_of_process_1_and_not_of_the_readers_namespaces() {
    let Some(machine) = with_parameters() else { return };
    // The machine shares these two with the real one, which is left alone.
    let value =
        |name: &str| machine.must(&format!("cat /proc/sys/kernel/{name}")).trim().to_owned();
    let rules =
        OF_THE_HOST.replace("4321", &value("shmmni")).replace("pet-shop", &value("hostname"));
    let here = machine.check(&rules);
    assert_eq!(here.status, Some(0), "{}", here.stdout);
    let there = from_elsewhere(&machine, "", &rules);
    assert_eq!(there.status, Some(0), "{}\n{}", there.stdout, there.stderr);
    let heading = |output: &Output| output.stdout.split(" · ").next().map(str::to_owned);
    assert_eq!(heading(&there), heading(&here), "the host has the name of process 1");
}

#[test]
fn what_may_not_be_asked_in_the_namespaces_of_process_1_is_undecided() {
    let Some(machine) = with_parameters() else { return };
    // None of this is so on the machine, and all of it in the reader's own namespaces.
    let rules = "  - { id: forward, sysctl: net.ipv4.ip_forward, must: { value: 0 } }
  - { id: ttl, sysctl: net.ipv4.ip_default_ttl, must: { value: 64 } }
  - { id: name, sysctl: kernel.hostname, must: { value: elsewhere } }";
    let drop = "setpriv --bounding-set=-sys_admin --inh-caps=-all";
    for wrapper in [drop, "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all"] {
        let output = from_elsewhere(&machine, wrapper, rules);
        is_undecided(&output, "namespace of its own");
        assert!(!output.stdout.contains("FAIL"), "{}", output.stdout);
    }
}

#[test]
fn whether_the_host_forwards_ports_is_not_told_by_the_readers_own_namespace() {
    let Some(machine) = with_parameters() else { return };
    let rules = "  - { id: free, port: 8099/tcp, must: { listening: false } }";
    for wrapper in ["", "setpriv --bounding-set=-sys_admin --inh-caps=-all"] {
        let output = from_elsewhere(&machine, wrapper, rules);
        assert_eq!(output.status, Some(2), "{}\n{}", output.stdout, output.stderr);
        assert!(output.stdout.contains("UNKNOWN free"), "{}", output.stdout);
    }
}

#[test]
fn a_proc_filesystem_without_parameters_does_not_say_that_the_kernel_has_none() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.write(
        "/mnt/trap.yaml",
        &policy(
            "  - { id: a, sysctl: net.ipv4.ip_forward, absent: skip, must: { value: 0 } }
  - { id: b, sysctl: kernel.randomize_va_space, absent: skip, must: { value: 2 } }",
        ),
    );
    // Seen through process 1 by who may, and not at all by who may not.
    let run = |wrapper: &str| {
        machine.sh(&format!(
            "unshare --mount sh -c 'mount -t proc -o subset=pid proc /proc; \
             exec {wrapper} /mnt/spotcheck check trap.yaml --verbose'"
        ))
    };
    let seen = run("");
    assert!(seen.stdout.contains("pass b"), "{}\n{}", seen.stdout, seen.stderr);
    let unseen = run("setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all");
    assert_eq!(unseen.status, Some(2), "{}\n{}", unseen.stdout, unseen.stderr);
    assert!(unseen.stdout.contains("ProcSubset"), "{}", unseen.stdout);
}

#[test]
fn who_is_in_a_container_is_told_that_it_is_judged_itself() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    let rules = "  - { id: name, user: root, must: { uid: 0 } }";
    assert!(!machine.check(rules).stdout.contains("container"));
    machine.write("/run/.containerenv", "");
    let output = machine.check(rules);
    assert!(
        output.stdout.contains("(a podman container: it is judged itself, not its host)"),
        "{}",
        output.stdout
    );
}

#[test]
fn doctor_says_what_cannot_be_told_from_here() {
    let Some(machine) = with_parameters() else { return };
    let run = |wrapper: &str| {
        machine.sh(&format!("unshare --net --ipc --uts {wrapper} /mnt/spotcheck doctor"))
    };
    let here = machine.run(&["doctor"]);
    assert_eq!(here.status, Some(0), "{}", here.stdout);
    let there = run("");
    assert_eq!(there.status, Some(0), "{}", there.stdout);
    assert!(there.stdout.contains("network: its own"), "{}", there.stdout);
    assert!(there.stdout.contains("asked in the namespace of process 1"), "{}", there.stdout);
    let blind = run("setpriv --bounding-set=-sys_admin --inh-caps=-all");
    assert_eq!(blind.status, Some(2), "{}", blind.stdout);
    assert!(blind.stdout.contains("unknown: /proc/sys/net/ipv4/ip_forward"), "{}", blind.stdout);
}

//! `service:` and `process:`: every condition with each of its outcomes, on plain data, and how the
//! report says it of real processes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Answers, Machine, Need, Rule, Stage, denied, needs, rule, scrubbed};
use spotcheck::targets::memory::{Memory, Running};

const NGINX: &str = "services: { nginx: { exe: /usr/sbin/nginx } }";

/// A master of root with two workers of nginx.
fn web() -> Memory {
    accounts()
        .process(nginx(10).in_unit("nginx.service"))
        .process(nginx(11).owned_by(101, 101).child_of(10).in_unit("nginx.service"))
        .process(nginx(12).owned_by(101, 101).child_of(10).in_unit("nginx.service"))
        .process(Running::program(1, "/usr/lib/systemd/systemd").child_of(0))
}

fn accounts() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("nginx", 101, 101)
        .user("www", 101, 101)
        .group("root", 0, &[])
        .group("nginx", 101, &[])
        .group("ssl", 200, &[])
}

fn nginx(pid: u32) -> Running {
    Running::program(pid, "/usr/sbin/nginx")
}

fn alone(process: Running) -> Memory {
    accounts().process(process)
}

fn must(conditions: &str) -> Rule {
    rule(&format!("service: nginx\nmust: {{ {conditions} }}")).given(NGINX)
}

fn workers_must(conditions: &str) -> Rule {
    rule(&format!("service: nginx\nprocesses: workers\nmust: {{ {conditions} }}")).given(NGINX)
}

// --- running and count ---------------------------------------------------------------------------

#[test]
fn a_service_with_processes_runs() {
    let words = "running: nginx (pids 11, 12); root (pid 10); expected running";
    must("running: true").on(&web()).passes_with(words);
    must("running: false").on(&web()).fails_with(&words.replace("expected", "expected not"));
}

#[test]
fn a_service_without_processes_does_not_run_and_the_repair_starts_its_unit() {
    let host = accounts().file("/usr/lib/systemd/system/nginx.service", 0o644, 0, 0, "");
    let words = "running: no process found by exe /usr/sbin/nginx; expected running";
    must("running: true").on(&host).fails_with(words).repaired_by("systemctl start nginx.service");
    must("running: false").on(&host).passes();
}

#[test]
fn without_the_unit_file_no_unit_is_made_up() {
    let answers = must("running: true").on(&accounts());
    assert!(answers.findings[0].corrective().is_empty());
}

#[test]
fn a_hidden_process_is_not_a_service_that_does_not_run() {
    let host = accounts().hiding_processes(denied("processes of other users"));
    for conditions in ["running: true", "running: false", "count: 0", "never_root: true"] {
        let answers = must(conditions).on(&host);
        assert!(answers.to_string().starts_with("unknown "), "{answers:?}");
        assert_eq!(answers.exit(), 2);
    }
}

#[test]
fn a_process_whose_program_cannot_be_seen_may_be_the_service() {
    let host = alone(Running::program(7, "/?").unreadable_exe(denied("/proc/7/exe")));
    must("running: true").on(&host).unknown_with("running: /proc/7/exe: permission denied");
    must("running: false").on(&host).unknown_with("running: /proc/7/exe: permission denied");
    must("never_root: true").on(&host).unknown_with("running: /proc/7/exe: permission denied");
}

#[test]
fn processes_are_counted() {
    must("count: 3").on(&web()).passes_with("count: 3; expected number of processes: 3");
    must("count: { at_most: 2 }")
        .on(&web())
        .fails_with("count: 3; expected number of processes: at most 2");
    must("count: 0").on(&accounts()).passes();
}

#[test]
fn a_count_is_decided_by_what_is_seen_where_more_could_not_change_it() {
    let host = web().unreadable_process(99, denied("/proc/99/exe"));
    must("count: { at_least: 3 }").on(&host).passes();
    must("count: { at_most: 2 }")
        .on(&host)
        .fails_with("count: 3; expected number of processes: at most 2");
    must("count: 3").on(&host).unknown_with("count: /proc/99/exe: permission denied");
    must("count: { at_least: 4 }").on(&host).unknown_with("count: /proc/99/exe: permission denied");
    must("count: { at_most: 3 }").on(&host).unknown_with("count: /proc/99/exe: permission denied");
}

#[test]
fn zero_processes_do_not_pass_and_say_that_none_runs() {
    for conditions in ["never_root: true", "run_as: nginx", "capabilities: []", "seccomp: filter"] {
        must(conditions).on(&accounts()).fails_with(
            "running: no process runs; expected processes of nginx (exe /usr/sbin/nginx)",
        );
    }
}

#[test]
fn a_rule_may_say_that_no_process_is_needed() {
    let skip = "service: nginx\nabsent: skip\nmust: { never_root: true }";
    let answers = rule(skip).given(NGINX).on(&accounts());
    answers.skipped_with("running: no process of it runs");
    assert_eq!(answers.exit(), 2, "nothing was evaluated");
    let host = accounts().hiding_processes(denied("processes"));
    rule(skip).given(NGINX).on(&host).unknown_with("running: processes: permission denied");
}

// --- as whom -------------------------------------------------------------------------------------

#[test]
fn every_process_runs_as_the_user_or_none_is_overlooked() {
    let words = "run_as: nginx (pids 11, 12); root (pid 10); expected user nginx";
    must("run_as: nginx").on(&web()).fails_with(words);
    workers_must("run_as: nginx").on(&web()).passes();
    workers_must("run_as: nginx:nginx").on(&web()).passes();
    workers_must("run_as: 101").on(&web()).passes();
}

#[test]
fn another_name_of_the_same_uid_is_the_same_user() {
    workers_must("run_as: www").on(&web()).passes();
    let host = alone(nginx(5)).user("toor", 0, 0);
    must("run_as: toor").on(&host).passes();
    must("run_as: { not: toor }")
        .on(&host)
        .fails_with("run_as: root (pid 5); expected user not toor");
    must("never_root: true")
        .on(&host)
        .fails_with("never_root: root (pid 5); expected no uid 0 in any thread");
}

#[test]
fn the_group_counts_when_it_is_asked_for() {
    let host = alone(nginx(5).owned_by(101, 0));
    must("run_as: nginx").on(&host).passes();
    must("run_as: nginx:nginx")
        .on(&host)
        .fails_with("run_as: nginx:root (pid 5); expected user nginx, group nginx");
    must("run_as: { group: root }").on(&host).passes();
}

#[test]
fn a_user_that_does_not_exist_is_said_to() {
    must("run_as: ghost")
        .on(&alone(nginx(5)))
        .fails_with("run_as: root (pid 5); there is no user ghost here; expected user ghost");
}

#[test]
fn a_user_that_cannot_be_looked_up_is_unknown() {
    let host = alone(nginx(5).owned_by(101, 101)).unreachable_nss(denied("passwd by nss"));
    must("run_as: ldap-user").on(&host).unknown_with("run_as: passwd by nss: permission denied");
}

#[test]
fn root_is_found_in_each_of_the_four_ids() {
    let change: [fn(&mut spotcheck::facts::process::Ids); 4] =
        [|u| u.real = 0, |u| u.effective = 0, |u| u.saved = 0, |u| u.filesystem = 0];
    for change in change {
        let process = nginx(5).owned_by(101, 101).each_thread(|thread| change(&mut thread.uid));
        let host = alone(process);
        must("never_root: true")
            .on(&host)
            .fails_with("never_root: root+nginx (pid 5); expected no uid 0 in any thread");
        must("run_as: nginx")
            .on(&host)
            .fails_with("run_as: root+nginx (pid 5); expected user nginx");
    }
}

#[test]
fn one_thread_with_another_user_is_enough() {
    let host = alone(nginx(5).owned_by(101, 101).with_thread(6, 0, 0));
    must("never_root: true")
        .on(&host)
        .fails_with("never_root: root+nginx (pid 5); expected no uid 0 in any thread");
    must("run_as: nginx").on(&host).fails_with("run_as: root+nginx (pid 5); expected user nginx");
}

#[test]
fn a_process_without_a_thread_to_look_at_is_unknown() {
    let mut process: spotcheck::facts::process::Process = nginx(5).into();
    process.threads = Ok(Vec::new());
    let host = accounts().process(process);
    for conditions in ["never_root: true", "run_as: nginx", "capabilities: []", "groups: []"] {
        let answers = must(conditions).on(&host);
        assert!(answers.to_string().starts_with("unknown "), "{answers:?}");
    }
}

#[test]
fn users_that_cannot_be_seen_are_unknown_and_one_that_is_seen_to_be_root_is_not() {
    let blind = nginx(6).unreadable_threads(denied("/proc/6/status"));
    let host = alone(nginx(5).owned_by(101, 101)).process(blind.clone());
    must("never_root: true")
        .on(&host)
        .unknown_with("never_root: /proc/6/status: permission denied");
    let host = alone(nginx(5)).process(blind);
    must("never_root: true").on(&host).fails_with(
        "never_root: root (pid 5); unreadable (pid 6); expected no uid 0 in any thread",
    );
}

#[test]
fn what_may_be_a_further_process_keeps_a_pass_from_being_earned() {
    let host = alone(nginx(5).owned_by(101, 101)).unreadable_process(9, denied("/proc/9/exe"));
    must("never_root: true").on(&host).unknown_with("never_root: /proc/9/exe: permission denied");
    must("run_as: nginx").on(&host).unknown_with("run_as: /proc/9/exe: permission denied");
}

// --- rights --------------------------------------------------------------------------------------

fn in_groups(gids: &'static [u32]) -> Memory {
    alone(
        nginx(5)
            .owned_by(101, 101)
            .each_thread(move |thread| thread.groups.extend(gids.iter().copied())),
    )
}

#[test]
fn supplementary_groups_are_all_among_those_allowed() {
    must("groups: []").on(&in_groups(&[])).passes();
    must("groups: []").on(&in_groups(&[101])).passes();
    must("groups: { only: [ssl] }").on(&in_groups(&[101, 200])).passes();
    must("groups: []")
        .on(&in_groups(&[101, 200]))
        .fails_with("groups: nginx+ssl (pid 5); expected supplementary groups: none");
    let unreadable = alone(nginx(5).unreadable_threads(denied("/proc/5/status")));
    must("groups: []").on(&unreadable).unknown_with("groups: /proc/5/status: permission denied");
}

fn with_capabilities(change: fn(&mut spotcheck::facts::process::Capabilities, u64)) -> Memory {
    const NET_BIND_SERVICE: u64 = 1 << 10;
    alone(
        nginx(5)
            .owned_by(101, 101)
            .each_thread(|thread| change(&mut thread.capabilities, NET_BIND_SERVICE)),
    )
}

#[test]
fn capabilities_of_four_sets_are_all_among_those_allowed() {
    type Change = fn(&mut spotcheck::facts::process::Capabilities, u64);
    let sets: [Change; 4] = [
        |sets, bit| sets.inheritable |= bit,
        |sets, bit| sets.permitted |= bit,
        |sets, bit| sets.effective |= bit,
        |sets, bit| sets.ambient |= bit,
    ];
    for change in sets {
        let host = with_capabilities(change);
        must("capabilities: { only: [CAP_NET_BIND_SERVICE] }").on(&host).passes();
        must("capabilities: []")
            .on(&host)
            .fails_with("capabilities: cap_net_bind_service (pid 5); expected none");
    }
    must("capabilities: []").on(&with_capabilities(|_, _| ())).passes();
    must("capabilities: []")
        .on(&alone(nginx(5)))
        .fails_with("capabilities: all (pid 5); expected none");
    let unreadable = alone(nginx(5).unreadable_threads(denied("/proc/5/status")));
    must("capabilities: []")
        .on(&unreadable)
        .unknown_with("capabilities: /proc/5/status: permission denied");
}

#[test]
fn no_new_privs_is_set_in_every_thread() {
    let set = |value| alone(nginx(5).each_thread(move |thread| thread.no_new_privs = value));
    must("no_new_privs: true").on(&set(Some(true))).passes();
    must("no_new_privs: true")
        .on(&set(Some(false)))
        .fails_with("no_new_privs: NoNewPrivs: 0 (pid 5); expected NoNewPrivs: 1");
    must("no_new_privs: true")
        .on(&set(None))
        .unknown_with("no_new_privs: NoNewPrivs of /proc/5/status: not shown by this kernel");
    let one = nginx(5).each_thread(|thread| thread.no_new_privs = Some(true)).with_thread(6, 0, 0);
    must("no_new_privs: true")
        .on(&alone(one))
        .fails_with("no_new_privs: NoNewPrivs: 0+1 (pid 5); expected NoNewPrivs: 1");
}

#[test]
fn seccomp_is_in_the_mode_asked_for() {
    let mode = |value| alone(nginx(5).each_thread(move |thread| thread.seccomp = value));
    must("seccomp: filter").on(&mode(Some(2))).passes();
    must("seccomp: strict").on(&mode(Some(1))).passes();
    must("seccomp: disabled").on(&mode(Some(0))).passes();
    must("seccomp: filter")
        .on(&mode(Some(0)))
        .fails_with("seccomp: Seccomp: 0 (pid 5); expected Seccomp: 2 (filter)");
    must("seccomp: disabled")
        .on(&mode(None))
        .unknown_with("seccomp: Seccomp of /proc/5/status: not shown by this kernel");
}

// --- program -------------------------------------------------------------------------------------

fn by_name(conditions: &str) -> Rule {
    rule(&format!("process: {{ name: nginx }}\nmust: {{ {conditions} }}"))
}

#[test]
fn the_executable_of_every_process_is_looked_at() {
    by_name("executable: /usr/sbin/nginx").on(&web()).passes();
    by_name("executable: { matches: ^/usr/ }").on(&web()).passes();
    let fake = web().process(Running::program(66, "/tmp/nginx"));
    by_name("executable: /usr/sbin/nginx").on(&fake).fails_with(
        "executable: /tmp/nginx (pid 66); /usr/sbin/nginx (pids 10, 11, 12); expected /usr/sbin/nginx",
    );
    let blind = alone(nginx(5).unreadable_exe(denied("/proc/5/exe")));
    by_name("executable: /usr/sbin/nginx")
        .on(&blind)
        .unknown_with("executable: /proc/5/exe: permission denied");
}

#[test]
fn a_program_that_has_been_replaced_is_found_and_its_unit_restarted() {
    let host = alone(nginx(5).deleted());
    must("deleted_executable: false")
        .on(&host)
        .fails_with("deleted_executable: /usr/sbin/nginx (deleted) (pid 5); expected program files that are still in place");
    rule("service: { unit: nginx.service }\nmust: { deleted_executable: false }")
        .on(&alone(nginx(5).deleted().in_unit("nginx.service")))
        .repaired_by("systemctl restart nginx.service");
    must("deleted_executable: false").on(&web()).passes();
    let blind = alone(nginx(5).unreadable_exe(denied("/proc/5/exe")));
    by_name("deleted_executable: false")
        .on(&blind)
        .unknown_with("deleted_executable: /proc/5/exe: permission denied");
}

// --- which processes -----------------------------------------------------------------------------

#[test]
fn workers_and_master_are_told_apart() {
    workers_must("never_root: true").on(&web()).passes();
    rule("service: nginx\nprocesses: master\nmust: { run_as: root, count: 1 }")
        .given(NGINX)
        .on(&web())
        .passes();
    let lonely = alone(nginx(10));
    workers_must("never_root: true").on(&lonely).fails_with(
        "running: no worker process runs; expected processes of nginx (exe /usr/sbin/nginx)",
    );
}

#[test]
fn the_user_of_a_definition_does_not_hide_who_runs_as_somebody_else() {
    rule("service: nginx\nmust: { never_root: true }")
        .given("services: { nginx: { exe: /usr/sbin/nginx, user: nginx } }")
        .on(&web())
        .fails_with(
            "never_root: nginx (pids 11, 12); root (pid 10); expected no uid 0 in any thread",
        );
    rule("service: { user: nginx }\nmust: { count: 2 }").on(&web()).passes();
    rule("service: { user: ghost }\nmust: { running: false }").on(&web()).passes();
}

#[test]
fn processes_of_containers_are_not_the_hosts_unless_asked_for() {
    let host = alone(nginx(5).in_container());
    must("running: true")
        .on(&host)
        .fails_with("running: no process found by exe /usr/sbin/nginx; expected running");
    rule("service: { exe: /usr/sbin/nginx, containers: true }\nmust: { running: true }")
        .on(&host)
        .passes();
}

#[test]
fn an_unreadable_pid_file_is_not_a_service_that_does_not_run() {
    let host = web().file("/run/nginx.pid", 0o600, 0, 0, "10").unreadable("/run/nginx.pid");
    let answers: Answers =
        rule("service: { pid_file: /run/nginx.pid }\nmust: { running: false }").on(&host);
    answers.unknown_with("running: /run/nginx.pid: permission denied");
}

#[test]
fn conditions_that_say_nothing_are_refused() {
    for conditions in ["never_root: false", "no_new_privs: false", "deleted_executable: true", ""] {
        must(conditions).is_refused();
    }
    assert!(must("capabilities: { only: [net_bind] }").is_refused().contains("unknown capability"));
    assert!(must("runing: true").is_refused().contains("did you mean `running`?"));
}

// --- real processes ------------------------------------------------------------------------------

const POLICY: &str = "
policy: scene
rules:
  - id: not-root
    severity: critical
    service: { exe: /usr/sbin/nginx }
    must: { never_root: true, run_as: nginx }
    why: A web server that runs as root hands the host to whoever breaks it.
  - id: workers-not-root
    service: { exe: /usr/sbin/nginx }
    processes: workers
    must: { never_root: true, capabilities: [], deleted_executable: false }
";

#[test]
fn the_report_says_which_processes_run_as_root_and_which_do_not() {
    let Some(stage) = Stage::healthy() else { return };
    stage.nginx_as_root();
    stage.write("/mnt/web.yaml", POLICY);
    insta::assert_snapshot!(scrubbed(&stage.run(&["check", "web.yaml"])), @r#"
    spotcheck on [host] · as root · [time]

    FAIL critical not-root  service exe /usr/sbin/nginx
      never_root  nginx ([pid]); root ([pid]); expected no uid 0 in any thread
      run_as      nginx ([pid]); root ([pid]); expected user nginx
      why         A web server that runs as root hands the host to whoever breaks it.
      verify      spotcheck check web.yaml --rule not-root
      policy      web.yaml:4

    2 rules, 5 conditions: 2 violated, 3 hold · exit 1
    exited 1
    "#);
}

#[test]
fn the_report_says_that_a_service_does_not_run() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.write("/etc/systemd/system/bell.service", "");
    machine.write(
        "/mnt/bell.yaml",
        "policy: bell\nrules:\n  - id: bell-rings\n    service: bell\n    must: { running: true }\n\
         services: { bell: { exe: /mnt/bell } }\n",
    );
    insta::assert_snapshot!(scrubbed(&machine.run(&["check", "bell.yaml"])), @r#"
    spotcheck on [host] · as root · [time]

    FAIL medium bell-rings  service bell
      running  no process found by exe /mnt/bell; expected running
      repair   systemctl start bell.service
      verify   spotcheck check bell.yaml --rule bell-rings
      policy   bell.yaml:3

    1 rule, 1 condition: 1 violated · exit 1
    exited 1
    "#);
}

// --- config ---------------------------------------------------------------------------------------

#[test]
fn settings_are_those_that_the_processes_were_started_with() {
    let master = |command: &[&str]| nginx(10).arguments(command);
    let host = |command: &[&str]| {
        accounts()
            .process(master(command))
            .process(nginx(11).arguments(&["nginx: worker process"]).child_of(10))
            .file("/etc/nginx/nginx.conf", 0o644, 0, 0, "user good; http { server { listen 80; } }")
            .file("/srv/other.conf", 0o644, 0, 0, "user bad;\nhttp { server { listen 81; } }")
    };
    let plain = host(&["nginx: master process /usr/sbin/nginx"]);
    must("config: { user: good, http.server.listen: 80 }").on(&plain).passes();
    let other = host(&["nginx: master process /usr/sbin/nginx -c /srv/other.conf"]);
    must("config: { user: good, http.server.listen: 80 }")
        .on(&other)
        .fails_about("user bad (/srv/other.conf:1)");
    assert_eq!(must("config: { user: good, http.server.listen: 80 }").on(&other).lines().len(), 2);
    let said = host(&["nginx: master process nginx -g daemon off; user root;"]);
    must("config: { user: good }").on(&said).fails_about("user root (/proc/10/cmdline:1)");
    must("config: { daemon: 'off' }").on(&said).passes();
    let missing = host(&["nginx: master process nginx -c /srv/missing.conf"]);
    assert_eq!(must("config: { user: good }").on(&missing).exit(), 2);
    let hidden = host(&["nginx: worker process"]);
    assert_eq!(must("config: { user: good }").on(&hidden).exit(), 2);
    must("config: [user]").is_refused();
}

#[test]
fn what_the_command_line_says_wins_over_the_file() {
    let ask = |service: &str, command: &[&str], file: &str, text: &str, setting: &str| {
        let host = accounts()
            .process(Running::program(10, service).arguments(command))
            .file(file, 0o644, 0, 0, text);
        rule(&format!("service: it\nmust: {{ config: {{ {setting} }} }}"))
            .given(&format!("services: {{ it: {{ exe: {service} }} }}"))
            .on(&host)
            .exit()
    };
    let sshd = |command: &[&str], setting: &str| {
        let text = "PermitRootLogin no\nMatch User x\nX11Forwarding yes\n";
        ask("/usr/sbin/sshd", command, "/etc/ssh/sshd_config", text, setting)
    };
    assert_eq!(sshd(&["/usr/sbin/sshd", "-D"], "PermitRootLogin: no"), 0);
    assert_eq!(
        sshd(&["/usr/sbin/sshd", "-D", "-o", "PermitRootLogin=yes"], "PermitRootLogin: no"),
        1
    );
    assert_eq!(sshd(&["/usr/sbin/sshd", "-oX11Forwarding=no"], "X11Forwarding: no"), 1);
    let maria = |command: &[&str], setting: &str| {
        ask("/usr/sbin/mariadbd", command, "/m.cnf", "[mysqld]\nlocal-infile=0\n", setting)
    };
    let file = "--defaults-file=/m.cnf";
    assert_eq!(maria(&["mariadbd", file], "mysqld.local_infile: OFF"), 0);
    assert_eq!(maria(&["mariadbd", file, "--local-infile=1"], "mysqld.local_infile: OFF"), 1);
    let postgres = |command: &[&str], setting: &str| {
        let text = "ssl = on\ndata_directory = '/d'\n";
        ask("/usr/bin/postgres", command, "/d/postgresql.conf", text, setting)
    };
    assert_eq!(postgres(&["postgres", "-D", "/d"], "ssl: on"), 0);
    assert_eq!(postgres(&["postgres", "-D", "/d", "-c", "ssl=off"], "ssl: on"), 1);
}

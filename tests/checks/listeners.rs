//! `listeners:`: what may be open on a host, by whom, and what root alone may serve.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, Stage, denied, rule, scrubbed};
use spotcheck::targets::memory::{Memory, Running};

const SERVICES: &str =
    "services: { nginx: { exe: /usr/sbin/nginx }, sshd: { exe: /usr/sbin/sshd } }";
const ANY: [u8; 4] = [0, 0, 0, 0];
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];
const ANY6: [u16; 8] = [0; 8];

/// sshd of root on 22, nginx with workers on 8080.
fn host() -> Memory {
    processes().tcp((ANY, 22), 1, &[20]).tcp((ANY, 8080), 2, &[10, 11])
}

fn processes() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("www", 33, 33)
        .process(Running::program(10, "/usr/sbin/nginx"))
        .process(Running::program(11, "/usr/sbin/nginx").owned_by(33, 33).child_of(10))
        .process(Running::program(20, "/usr/sbin/sshd"))
        .process(Running::program(66, "/tmp/miner").owned_by(33, 33))
}

fn must(conditions: &str) -> Rule {
    rule(&format!("listeners: all\nmust: {{ {conditions} }}")).given(SERVICES)
}

fn network_must(conditions: &str) -> Rule {
    rule(&format!("listeners: all\nreach: network\nmust: {{ {conditions} }}")).given(SERVICES)
}

const SSHD: &str =
    "0.0.0.0:22/tcp held by sshd (/usr/sbin/sshd; root: pid 20; since 1970-01-01 00:00:20 UTC)";

// --- only ----------------------------------------------------------------------------------------

#[test]
fn every_open_port_is_in_the_list() {
    must("only: [22/tcp, 8080/tcp]").on(&host()).passes();
    must("only: [1-65535/tcp]").on(&host()).passes();
    must("only: [8080/tcp]")
        .on(&host())
        .fails_with(&format!("only: {SSHD}; expected not open: it is not in the list"))
        .repaired_by("kill 20");
}

#[test]
fn an_address_in_the_list_lets_no_socket_be_that_others_can_reach_too() {
    let on = |address: &str| {
        let address: std::net::IpAddr = address.parse().unwrap();
        processes().tcp((address, 5432), 9, &[66])
    };
    let loopback = must("only: ['127.0.0.1:5432/tcp', '[::1]:5432/tcp']");
    for address in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        loopback.on(&on(address)).passes();
    }
    for address in ["0.0.0.0", "::", "10.1.2.3", "fe80::1", "127.0.0.2"] {
        loopback.on(&on(address)).fails_about("expected not open: it is not in the list");
    }
    must("only: ['127.0.0.1:5000-6000/tcp']").on(&on("0.0.0.0")).fails_about("0.0.0.0:5432/tcp");
    must("only: ['0.0.0.0:5432/tcp']").on(&on("0.0.0.0")).passes();
    must("only: ['0.0.0.0:5432/tcp']").on(&on("10.1.2.3")).passes();
    must("only: ['0.0.0.0:5432/tcp']").on(&on("::")).fails_about("[::]:5432/tcp");
    must("only: ['[::]:5432/tcp']").on(&on("::")).passes();
    must("only: ['[::]:5432/tcp']").on(&on("0.0.0.0")).fails_about("0.0.0.0:5432/tcp");
    // Who may hold it is asked of the entries that let it be, and of no other.
    must("only: [{ port: '127.0.0.1:5432/tcp' }, { port: 5432/tcp, by: nginx }]")
        .on(&on("0.0.0.0"))
        .fails_about("expected held by nginx");
}

#[test]
fn every_port_that_is_too_much_is_a_finding_of_its_own() {
    let answers = must("only: []").on(&host().udp((ANY, 53), 3, &[66]));
    let subjects: Vec<String> =
        answers.findings.iter().map(|finding| finding.assertion.subject.to_string()).collect();
    assert_eq!(subjects, ["port 22/tcp", "port 53/udp", "port 8080/tcp"]);
}

#[test]
fn who_holds_a_port_can_be_demanded_too() {
    let only = "only: [{ port: 22/tcp, by: sshd }, { port: 8080/tcp, by: [nginx] }]";
    must(only).on(&host()).passes();
    let stolen = processes().tcp((ANY, 22), 1, &[66]).tcp((ANY, 8080), 2, &[10, 11]);
    must(only).on(&stolen).fails_with(
        "only: 0.0.0.0:22/tcp held by miner (/tmp/miner; www: pid 66; since 1970-01-01 00:01:06 \
         UTC); expected held by sshd",
    );
    let shared = processes().tcp((ANY, 22), 1, &[20, 66]);
    let answers = must(only).on(&shared);
    assert!(answers.to_string().starts_with("fail only"), "{answers:?}");
}

#[test]
fn who_may_hold_a_port_on_one_address_may_not_on_another() {
    let only =
        "only: [{ port: '127.0.0.1:80/tcp', by: nginx }, { port: '10.0.0.1:80/tcp', by: sshd }]";
    let right = processes().tcp((LOOPBACK, 80), 1, &[10]).tcp(([10, 0, 0, 1], 80), 2, &[20]);
    must(only).on(&right).passes();
    let swapped = processes().tcp((LOOPBACK, 80), 1, &[20]).tcp(([10, 0, 0, 1], 80), 2, &[10]);
    let answers = must(only).on(&swapped);
    assert!(answers.to_string().starts_with("fail only"), "{answers:?}");
}

#[test]
fn an_address_that_is_not_in_the_list_is_too_much_and_only_its_holders_are_stopped() {
    let host = processes().tcp((LOOPBACK, 80), 1, &[20]).tcp(([10, 0, 0, 1], 80), 2, &[66]);
    let answers = must("only: ['127.0.0.1:80/tcp']").on(&host);
    answers.fails_with(
        "only: 10.0.0.1:80/tcp held by miner (/tmp/miner; www: pid 66; since 1970-01-01 00:01:06 \
         UTC); expected not open: it is not in the list",
    );
    assert_eq!(answers.findings[0].corrective(), ["kill 66"]);
}

#[test]
fn holders_that_may_be_unseen_keep_a_pass_from_being_earned() {
    let host = host().perhaps_other_holders(1, denied("/proc/1/fd"));
    let only = "only: [{ port: 22/tcp, by: sshd }, 8080/tcp]";
    must(only).on(&host).unknown_with("only: /proc/1/fd: permission denied");
    must("only: [22/tcp, 8080/tcp]").on(&host).passes();
    let answers = must("only: [8080/tcp]").on(&host);
    assert!(answers.to_string().starts_with("fail only"), "{answers:?}");
}

#[test]
fn sockets_that_cannot_be_listed_are_unknown() {
    let host = host().unlistable_sockets(denied("/proc/net/tcp"));
    for conditions in ["only: [22/tcp]", "root_alone: []"] {
        let answers = must(conditions).on(&host);
        answers.unknown_with("listening: /proc/net/tcp: permission denied");
        assert_eq!(answers.exit(), 2);
    }
}

#[test]
fn a_host_without_listeners_has_nothing_too_much() {
    must("only: []")
        .on(&processes())
        .passes_with("only: nothing listens; expected nothing beyond the list");
}

#[test]
fn what_only_this_host_can_reach_can_be_left_out() {
    let host =
        processes().tcp((LOOPBACK, 631), 1, &[66]).tcp(([0, 0, 0, 0, 0, 0, 0, 1], 631), 2, &[66]);
    network_must("only: []").on(&host).passes();
    let answers = must("only: []").on(&host);
    assert!(answers.to_string().starts_with("fail only"), "{answers:?}");
    let answers = network_must("only: []").on(&host.tcp((ANY6, 631), 3, &[66]));
    assert!(answers.to_string().starts_with("fail only: [::]:631/tcp"), "{answers:?}");
}

// --- root_alone ----------------------------------------------------------------------------------

#[test]
fn root_alone_serves_only_by_those_named() {
    must("root_alone: [sshd]").on(&host()).passes();
    must("root_alone: [{ exe: /usr/sbin/sshd }]").on(&host()).passes();
    must("root_alone: []")
        .on(&host())
        .fails_with(&format!("root_alone: {SSHD}; expected not held by root alone"));
}

#[test]
fn a_socket_of_root_is_not_excused_by_another_ones_unprivileged_holder() {
    let host = processes().tcp((ANY, 8080), 1, &[20]).tcp((ANY6, 8080), 2, &[66]);
    let answers = must("root_alone: []").on(&host);
    assert!(answers.to_string().starts_with("fail root_alone"), "{answers:?}");
}

#[test]
fn an_alias_of_root_is_root() {
    let host =
        Memory::new().user("toor", 0, 0).process(Running::program(5, "/x")).tcp((ANY, 80), 1, &[5]);
    let answers = must("root_alone: []").on(&host);
    assert!(answers.to_string().starts_with("fail root_alone"), "{answers:?}");
}

#[test]
fn a_process_with_one_thread_of_root_is_root_and_so_is_one_that_can_become_it() {
    let mixed = Running::program(5, "/x").owned_by(33, 33).with_thread(6, 0, 0);
    let saved = Running::program(5, "/x").owned_by(33, 33).each_thread(|t| t.uid.saved = 0);
    for process in [mixed, saved] {
        let answers =
            must("root_alone: []").on(&Memory::new().process(process).tcp((ANY, 80), 1, &[5]));
        assert!(answers.to_string().starts_with("fail root_alone"), "{answers:?}");
    }
}

#[test]
fn who_cannot_be_seen_may_be_root_or_not() {
    let blind = Running::program(5, "/x").unreadable_threads(denied("/proc/5/status"));
    let answers =
        must("root_alone: []").on(&processes().process(blind.clone()).tcp((ANY, 80), 1, &[5]));
    answers.unknown_with("root_alone: /proc/5/status: permission denied");
    // Beside a process of root it may be the unprivileged one.
    let host = processes().process(blind.clone()).tcp((ANY, 80), 1, &[5, 20]);
    must("root_alone: []").on(&host).unknown_with("root_alone: /proc/5/status: permission denied");
    // One that is seen to be unprivileged is enough.
    must("root_alone: []").on(&processes().process(blind).tcp((ANY, 80), 1, &[5, 66])).passes();
    let host = processes().tcp((ANY, 80), 1, &[20]).perhaps_other_holders(1, denied("/proc/1/fd"));
    must("root_alone: []").on(&host).unknown_with("root_alone: /proc/1/fd: permission denied");
    must("root_alone: [sshd]").on(&host).unknown_with("root_alone: /proc/1/fd: permission denied");
}

#[test]
fn what_is_no_list_of_ports_is_refused() {
    assert!(must("only: [http]").is_refused().contains("expected a port"));
    assert!(must("only: [{ by: nginx }]").is_refused().contains("port"));
    assert!(must("onyl: []").is_refused().contains("did you mean `only`?"));
    must("").is_refused();
    rule("listeners: some\nmust: { only: [] }").is_refused();
}

// --- real sockets --------------------------------------------------------------------------------

#[test]
fn the_report_names_each_port_that_is_too_much() {
    let Some(stage) = Stage::healthy() else { return };
    stage.write("/mnt/ports.yaml", POLICY);
    let report = scrubbed(&stage.run(&["check", "ports.yaml"])).replace("unit nginx.service; ", "");
    insta::assert_snapshot!(report.replace("systemctl stop nginx.service", "kill [pid]"), @r#"
    spotcheck on [host] · as root · [time]

    FAIL high known-ports  port 8080/tcp
      only    0.0.0.0:8080/tcp held by nginx (/usr/sbin/nginx; nginx: [pid]; since [time]); expected not open: it is not in the list
      repair  kill [pid]
      verify  spotcheck check ports.yaml --rule known-ports
      policy  ports.yaml:4

    2 rules, 2 conditions: 1 violated, 1 holds · exit 1
    exited 1
    "#);
    stage.nginx_as_root();
    let verbose = scrubbed(&stage.run(&["check", "ports.yaml", "--rule", "no-root-alone"]));
    insta::assert_snapshot!(verbose, @r#"
    spotcheck on [host] · as root · [time]

    Everything holds.
    1 rule, 1 condition: 1 holds · exit 0
    exited 0
    "#);
}

const POLICY: &str = "
policy: scene
rules:
  - id: known-ports
    severity: high
    listeners: all
    must: { only: [22/tcp] }
  - id: no-root-alone
    listeners: all
    must: { root_alone: [] }
";

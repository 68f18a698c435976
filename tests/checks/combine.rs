//! `any`, `all` and `not` within a rule, for several subjects, on plain data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, denied, rule};
use spotcheck::targets::memory::{Memory, Running};
use spotcheck::verdict::Outcome;

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("bob", 7, 7)
        .group("root", 0, &[])
        .group("bob", 7, &[])
        .file("/etc/x", 0o640, 0, 7, "port 80")
}

fn file(conditions: &str) -> Rule {
    rule(&format!("file: /etc/x\nmust: {{ {conditions} }}"))
}

#[test]
fn one_group_that_holds_is_enough_for_any() {
    file("any: [{ owner: bob }, { owner: root, mode: \"0640\" }]").on(&host()).passes_with(
        "any: owner: root; mode: 0640; expected owner: bob or owner: root and mode: 0640",
    );
    let neither = file("any: [{ owner: bob }, { owner: root, mode: \"0600\" }]").on(&host());
    neither.fails_with(
        "any: owner: root; mode: 0640; expected owner: bob or owner: root and mode: 0600",
    );
    neither.repaired_by("chmod 0600 /etc/x");
}

#[test]
fn every_group_has_to_hold_for_all_and_no_condition_for_not() {
    file("all: [{ owner: root }, { group: bob }]").on(&host()).passes();
    assert_eq!(file("all: [{ owner: root }, { group: root }]").on(&host()).exit(), 1);
    file("not: { owner: bob, group: root }").on(&host()).passes();
    assert_eq!(file("not: { owner: root, group: bob }").on(&host()).exit(), 1);
    // None of them, not "not both".
    assert_eq!(file("not: { owner: root, group: root }").on(&host()).exit(), 1);
    file("not: { any: [{ owner: bob }, { group: root }] }").on(&host()).passes();
}

#[test]
fn what_could_not_be_seen_decides_nothing() {
    let hidden = host().unreadable("/etc/x");
    let unseen = "contains: \"port 80\"";
    file(&format!("any: [{{ owner: root }}, {{ {unseen} }}]")).on(&hidden).passes();
    assert_eq!(file(&format!("any: [{{ owner: bob }}, {{ {unseen} }}]")).on(&hidden).exit(), 2);
    assert_eq!(file(&format!("all: [{{ owner: bob }}, {{ {unseen} }}]")).on(&hidden).exit(), 1);
    assert_eq!(file(&format!("all: [{{ owner: root }}, {{ {unseen} }}]")).on(&hidden).exit(), 2);
    assert_eq!(file(&format!("not: {{ {unseen} }}")).on(&hidden).exit(), 2);
}

#[test]
fn of_a_missing_subject_only_what_needs_none_is_decided() {
    let gone = |conditions: &str| rule(&format!("file: /gone\nmust: {{ {conditions} }}"));
    gone("any: [{ exists: false }, { owner: root }]").on(&host()).passes();
    gone("any: [{ owner: bob }, { owner: root }]")
        .on(&host())
        .fails_with("exists: does not exist; expected to exist");
    // That there is no owner is no evidence of another owner.
    gone("not: { owner: root }")
        .on(&host())
        .fails_with("exists: does not exist; expected to exist");
    gone("not: { exists: true }").on(&host()).passes();
    let user = rule("user: eve\nmust: { any: [{ exists: false }, { shell: /bin/false }] }");
    user.on(&host()).passes();
    let user = rule("user: eve\nmust: { not: { shell: /bin/sh } }");
    user.on(&host()).fails_with("exists: does not exist; expected to exist");
}

#[test]
fn no_process_is_no_evidence_for_a_process() {
    let none = rule("service: { exe: /x }\nmust: { not: { run_as: root } }").on(&host());
    assert_eq!(none.exit(), 1, "{none}");
    rule("service: { exe: /x }\nmust: { any: [{ running: false }, { run_as: bob }] }")
        .on(&host())
        .passes();
    let runs = host().process(Running::program(9, "/x"));
    let found = rule("service: { exe: /x }\nmust: { any: [{ running: false }, { run_as: bob }] }");
    assert_eq!(found.on(&runs).exit(), 1);
    assert_eq!(found.on(&host().hiding_processes(denied("/proc"))).exit(), 2);
}

#[test]
fn settings_and_ports_can_be_combined_too() {
    let nginx = host().file("/etc/nginx/nginx.conf", 0o644, 0, 0, "user www;\n");
    rule("config: /etc/nginx/nginx.conf\nmust: { any: [{ user: nginx }, { user: www }] }")
        .on(&nginx)
        .passes();
    rule("port: 80/tcp\nmust: { any: [{ listening: false }, { addresses: { only: loopback } }] }")
        .on(&host())
        .passes();
}

#[test]
fn nothing_combined_and_unknown_words_are_refused() {
    for lines in ["any: []", "not: {}", "any: [{}]", "all: [owner]"] {
        file(lines).is_refused();
    }
    let refusal = file("any: [{ ownr: root }]").is_refused();
    assert!(refusal.contains("did you mean `owner`"), "{refusal}");
    let deep = format!("{}owner: root{}", "not: { ".repeat(30), " }".repeat(30));
    file(&deep).is_refused();
}

#[test]
fn in_an_image_what_only_a_running_host_shows_decides_nothing() {
    let image = host().file("/etc/sysctl.d/a.conf", 0o644, 0, 0, "kernel.x = 1").image();
    let parameter = |conditions: &str| rule(&format!("sysctl: kernel.x\nmust: {{ {conditions} }}"));
    parameter("not: { value: 0 }").on(&image).skipped_with("not: needs a running host");
    parameter("any: [{ value: 1 }, { configured: 1 }]").on(&image).passes();
    assert_eq!(parameter("all: [{ value: 1 }, { configured: 0 }]").on(&image).exit(), 1);
    // What could not be seen is not excused by what needs a running host.
    let closed = image.unreadable("/etc/sysctl.d/a.conf");
    let both = parameter("any: [{ value: 1 }, { configured: 1 }]");
    assert_eq!(both.on(&closed).exit(), 2);
    assert!(both.on(&closed).findings.iter().all(|f| f.outcome() == Outcome::Unknown));
}

#[test]
fn conditions_that_list_every_violation_are_not_combined() {
    let refused = rule("files: all\nmust: { any: [{ setuid: [] }, { setgid: [] }] }").is_refused();
    assert!(refused.contains("unknown key `any`"), "{refused}");
}

//! One rule over several things: alternatives, lists, patterns, and how many of them are meant.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Answers, rule};
use spotcheck::targets::memory::{Memory, Running};

const STATUS: &str = "Package: telnetd\nStatus: install ok installed\nArchitecture: amd64\n\
                      Version: 1\n\nPackage: inetutils-talkd\nStatus: install ok installed\n\
                      Architecture: amd64\nVersion: 1\n\nPackage: gone\n\
                      Status: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n";

fn host() -> Memory {
    let owned = |host: Memory, name: &str, mode: u16, uid: u32, text: &str| {
        host.file(format!("/etc/rules.d/{name}.rules"), mode, uid, 0, text)
    };
    let host = Memory::new().user("root", 0, 0).user("bob", 7, 7).group("root", 0, &[]).file(
        "/var/lib/dpkg/status",
        0o644,
        0,
        0,
        STATUS,
    );
    let host = owned(host, "10-a", 0o640, 0, "-w /etc/passwd\n");
    let host = owned(host, "20-b", 0o640, 0, "-w /etc/group\n");
    owned(host, "30-c", 0o644, 7, "")
}

fn files(must: &str) -> Answers {
    rule(&format!("file: /etc/rules.d/*.rules\nmust: {{ {must} }}")).on(&host())
}

// --- any_of, none_of ------------------------------------------------------------------------------

const TELNET: &str = "any_of:\n  - package: telnetd\n    must: { installed: false }\n  \
                      - unit: telnet.socket\n    must: { enabled: false, active: false }\n";

fn socket(host: Memory) -> Memory {
    let unit = "[Socket]\nListenStream=23\n[Install]\nWantedBy=sockets.target\n";
    host.file("/usr/lib/systemd/system/telnet.socket", 0o644, 0, 0, unit)
}

#[test]
fn one_of_several_subjects_is_enough() {
    rule(TELNET).on(&host()).passes();
    let wants = "/etc/systemd/system/sockets.target.wants/telnet.socket";
    let enabled = socket(host()).symlink(wants, "/usr/lib/systemd/system/telnet.socket");
    let answers = rule(TELNET).on(&enabled);
    assert_eq!(answers.lines().len(), 1, "{answers}");
    answers
        .fails_about("package telnetd installed: installed 1; unit telnet.socket enabled: enabled");
    answers.fails_about(
        "expected package telnetd installed: not installed or unit telnet.socket enabled: not \
         started at boot and unit telnet.socket active: not active",
    );
    answers.repaired_by("apt-get remove telnetd");
    let bare = enabled.file("/var/lib/dpkg/status", 0o644, 0, 0, "");
    rule(TELNET).on(&bare).passes();
}

#[test]
fn what_cannot_be_seen_decides_nothing_among_alternatives() {
    let closed = host().unreadable("/etc/rules.d/10-a.rules");
    let of = |owner: &str| {
        rule(&format!(
            "any_of:\n- file: /etc/rules.d/10-a.rules\n  must: {{ contains: nothing }}\n\
             - file: /etc/rules.d/30-c.rules\n  must: {{ owner: {owner} }}\n"
        ))
    };
    of("bob").on(&closed).passes();
    assert_eq!(of("root").on(&closed).exit(), 2);
    assert_eq!(of("root").on(&host()).exit(), 1);
    let none = "none_of:\n- file: /etc/rules.d/10-a.rules\n  must: { contains: nothing }\n";
    assert_eq!(rule(none).on(&closed).exit(), 2);
    rule(none).on(&host()).passes();
}

#[test]
fn none_means_not_one_condition_of_not_one_thing() {
    let none = |must: &str| {
        rule(&format!("none_of:\n- file: /etc/rules.d/*.rules\n  must: {{ {must} }}\n")).on(&host())
    };
    none("mode: \"0777\"").passes();
    // One of three files, and one of two conditions.
    assert_eq!(none("owner: bob").exit(), 1);
    assert_eq!(none("mode: \"0777\", owner: bob").exit(), 1);
    let nothing = rule("none_of:\n- file: /nothing\n  absent: skip\n  must: { owner: bob }\n");
    nothing.on(&host()).skipped_with("none_of: nothing of this is there");
}

#[test]
fn groups_can_be_nested_and_name_their_parts() {
    let both = "any_of:\n- all_of:\n  - package: telnetd\n    must: { installed: true }\n  \
                - user: bob\n    must: { uid: 8 }\n- none_of:\n  - user: bob\n    must: { uid: UID }\n";
    rule(&both.replace("UID", "9")).on(&host()).passes();
    rule(&both.replace("UID", "7")).on(&host()).fails_about("or (not (user bob uid: 7))");
}

#[test]
fn what_cannot_be_a_group_is_refused() {
    let refused = |text: &str, words: &str| {
        let refusal = rule(text).is_refused();
        assert!(refusal.contains(words), "{refusal}");
    };
    refused("any_of: []", "this rule demands nothing");
    refused("any_of: { user: bob }", "expected a list of subjects, each with its must");
    refused("any_of:\n- user: bob", "this rule demands nothing");
    refused("any_of:\n- must: { uid: 1 }", "this rule has no subject");
    refused("any_of:\n- user: bob\n  must: { uid: 1 }\n  severity: high", "unknown key `severity`");
    refused(
        "any_of:\n- user: bob\n  must: { uid: 1 }\nmust: { uid: 1 }",
        "`must` stands inside of",
    );
    refused("any_of:\n- user: bob\n  must: { uid: 1 }\nuser: bob", "this is a second subject");
    refused("any_off:\n- user: bob\n  must: { uid: 1 }\nmust: { uid: 1 }", "did you mean `any_of`");
    let deep = (0..9).fold("{ user: bob, must: { uid: 1 } }".to_owned(), |inner, _| {
        format!("{{ any_of: [{inner}] }}")
    });
    refused(&format!("any_of: [{deep}]"), "nested too deeply");
}

// --- lists ----------------------------------------------------------------------------------------

#[test]
fn a_list_of_subjects_is_a_finding_for_each() {
    let answers =
        rule("package: [telnetd, rsh-server, gone]\nmust: { installed: false }").on(&host());
    assert_eq!(answers.lines().len(), 3, "{answers}");
    answers.fails_with("installed: installed 1; expected not installed");
    let subjects: Vec<String> =
        answers.findings.iter().map(|finding| finding.assertion.subject.to_string()).collect();
    assert_eq!(subjects, ["package telnetd", "package rsh-server", "package gone"]);
    rule("file: [/etc/rules.d/10-a.rules, /nothing]\nabsent: skip\nmust: { owner: root }")
        .on(&host())
        .findings
        .iter()
        .for_each(|finding| assert_ne!(finding.outcome(), spotcheck::verdict::Outcome::Fail));
}

#[test]
fn a_slip_in_a_rule_about_many_is_told_once() {
    let refusal = rule("file: [/a, /b, /c]\nmust: { onwer: root }").is_refused();
    assert_eq!(refusal.matches("unknown key `onwer`").count(), 1, "{refusal}");
    let refusal = rule("file: [a, b]\nmust: { owner: root }").is_refused();
    assert!(refusal.contains("`a`") && refusal.contains("`b`"), "{refusal}");
    let refusal = rule("file: [/a, /a]\nmust: { owner: root }").is_refused();
    assert!(refusal.contains("`/a` stands here twice"), "{refusal}");
    let refusal = rule("file: []\nmust: { owner: root }").is_refused();
    assert!(refusal.contains("expected absolute path or glob"), "{refusal}");
}

// --- how many -------------------------------------------------------------------------------------

#[test]
fn every_is_what_a_pattern_means_anyway() {
    files("every: { owner: root }").fails_with("owner: bob; expected root");
    files("owner: root").fails_with("owner: bob; expected root");
    files("every: { type: file }").passes();
}

#[test]
fn some_of_the_files_is_enough() {
    let answers = files("some: { contains: \"^-w /etc/passwd\" }");
    assert_eq!(answers.lines().len(), 1, "{answers}");
    answers.passes();
    files("some: { owner: bob, mode: \"0644\" }").passes();
    // Both of one file, not each of another.
    files("some: { owner: bob, mode: \"0640\" }").fails_about("some: 0 of 3");
    let closed = host().unreadable("/etc/rules.d/20-b.rules");
    let some = rule("file: /etc/rules.d/*.rules\nmust: { some: { contains: nothing } }");
    assert_eq!(some.on(&closed).exit(), 2);
    assert_eq!(some.on(&host()).exit(), 1);
    rule("file: /none/*\nmust: { some: { owner: root } }").on(&host()).fails_about("0 of 1");
}

#[test]
fn none_of_the_files_is_like_this_and_nothing_is_no_pass() {
    files("none: { mode: \"0777\" }").passes();
    files("none: { owner: bob }").fails_about("not: owner: bob");
    rule("file: /none/*\nmust: { none: { owner: bob } }")
        .on(&host())
        .fails_with("exists: does not exist; expected to exist");
}

#[test]
fn so_many_of_the_files_are_like_this() {
    files("count: { of: { owner: root }, is: 2 }").passes();
    files("count: { of: { owner: root }, at_least: 1, at_most: 2 }").passes();
    files("count: { of: { owner: root }, at_least: 3 }").fails_about("count: 2 of 3");
    let closed = host().unreadable("/etc/rules.d/20-b.rules");
    let count = |number: &str| {
        let must = format!("count: {{ of: {{ contains: etc }}, {number} }}");
        rule(&format!("file: /etc/rules.d/*.rules\nmust: {{ {must} }}")).on(&closed).exit()
    };
    assert_eq!(count("at_least: 1"), 0);
    assert_eq!(count("at_least: 2"), 2, "the closed one may be the second");
    assert_eq!(count("at_least: 3"), 1);
    assert_eq!(count("is: 0"), 1);
}

#[test]
fn a_number_of_one_thing_is_refused() {
    let refused = |text: &str, words: &str| {
        let refusal = rule(text).is_refused();
        assert!(refusal.contains(words), "{refusal}");
    };
    refused("file: /a\nmust: { some: { owner: root } }", "`some` is about several things");
    refused("file: /*\nmust: { count: { at_least: 1 } }", "expected of: { … }");
    refused("file: /*\nmust: { count: { of: { owner: root } } }", "expected a number");
    refused("file: /*\nmust: { some: { onwer: root } }", "unknown key `onwer`");
}

#[test]
fn some_of_several_configurations_has_the_setting() {
    let host = Memory::new().file("/etc/app/a.ini", 0o644, 0, 0, "[x]\ny = 1\n").file(
        "/etc/app/b.ini",
        0o644,
        0,
        0,
        "[x]\ny = 2\n",
    );
    let of = |must: &str| rule(&format!("config: /etc/app/*.ini\nmust: {{ {must} }}")).on(&host);
    of("some: { x.y: 2 }").passes();
    assert_eq!(of("x.y: 2").exit(), 1);
    assert_eq!(of("some: { x.y: 3 }").exit(), 1);
    assert_eq!(of("none: { x.y: 2 }").exit(), 1);
}

// --- patterns -------------------------------------------------------------------------------------

#[test]
fn a_pattern_of_packages_is_each_of_them() {
    let answers = rule("package: \"*-talkd\"\nmust: { installed: false }").on(&host());
    answers.fails_with("installed: installed 1; expected not installed");
    answers.repaired_by("apt-get remove inetutils-talkd");
    rule("package: \"rsh*\"\nmust: { installed: false }").on(&host()).passes();
    rule("package: \"gon?\"\nmust: { installed: false }").on(&host()).passes();
    assert_eq!(rule("package: \"rsh*\"\nmust: { installed: true }").on(&host()).exit(), 1);
    rule("package: \"a/*\"\nmust: { installed: true }").is_refused();
}

#[test]
fn a_pattern_of_units_is_each_of_them_and_what_runs_without_a_file() {
    let unit = "[Service]\nExecStart=/x\n[Install]\nWantedBy=x.target\n";
    let there = |host: Memory, name: &str| {
        host.file(format!("/usr/lib/systemd/system/{name}"), 0o644, 0, 0, unit)
    };
    let units = there(there(there(host(), "autofs.service"), "autofs-b.service"), "other.service");
    let wants = "/etc/systemd/system/x.target.wants/other.service";
    let units = units.symlink(wants, "/usr/lib/systemd/system/other.service");
    let answers = rule("unit: autofs*.service\nmust: { enabled: false, active: false }").on(&units);
    assert_eq!(answers.lines().len(), 4, "{answers}");
    answers.passes();
    rule("unit: \"*.service\"\nmust: { enabled: false }").on(&units).fails_about("other.service");
    rule("unit: \"*.service\"\nmust: { some: { enabled: true } }").on(&units).passes();
    let runs = units.process(Running::program(9, "/x").in_unit("autofs-old.service"));
    assert_eq!(rule("unit: autofs*\nmust: { active: false }").on(&runs).exit(), 1);
    rule("unit: nothing.*\nmust: { enabled: false, active: false }").on(&host()).passes();
    let timer = there(host(), "autofs.timer");
    assert_eq!(rule("unit: autofs.*\nmust: { active: false }").on(&timer).exit(), 2);
    rule("unit: \"*.timer\"\nmust: { active: true }").is_refused();
}

#[test]
fn a_pattern_of_kernel_parameters_is_each_of_them() {
    let at = |name: &str| format!("/proc/sys/net/ipv4/conf/{name}/rp_filter");
    let host = Memory::new()
        .file(at("all"), 0o644, 0, 0, "1\n")
        .file(at("eth0"), 0o644, 0, 0, "0\n")
        .file(at("eth0.100"), 0o644, 0, 0, "1\n");
    let of = |must: &str| rule(&format!("sysctl: net.ipv4.conf.*.rp_filter\nmust: {{ {must} }}"));
    let answers = of("value: 1").on(&host);
    assert_eq!(answers.lines().len(), 3, "{answers}");
    answers.repaired_by("sysctl -w net.ipv4.conf.eth0.rp_filter=1");
    let named = |name: &str| answers.findings.iter().any(|one| one.assertion.subject.name == name);
    assert!(named("net.ipv4.conf.eth0/100.rp_filter"), "{answers}");
    of("some: { value: 0 }").on(&host).passes();
    assert_eq!(of("value: 1").on(&Memory::new()).exit(), 1);
    assert_eq!(of("value: 1").on(&Memory::new().image()).exit(), 2);
}

//! `when:`: what applies, what does not, and what cannot be known to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Machine, Need, Rule, denied, needs, rule, scrubbed};
use spotcheck::targets::memory::Memory;

fn debian() -> Memory {
    Memory::new()
        .os_release("ID", "raspbian")
        .os_release("ID_LIKE", "debian")
        .user("root", 0, 0)
        .file("/etc/nginx/nginx.conf", 0o644, 0, 0, "")
}

fn when(conditions: &str) -> Rule {
    rule(&format!("when: {{ {conditions} }}\nuser: root\nmust: {{ uid: 0 }}"))
}

#[test]
fn a_rule_applies_to_a_system_and_to_those_like_it() {
    for os in ["raspbian", "debian", "[fedora, debian]", "{ not: fedora }", "{ matches: ^deb }"] {
        when(&format!("os: {os}")).on(&debian()).passes();
    }
    let answers = when("os: fedora").on(&debian());
    answers.skipped_with("when: os is raspbian, expected fedora");
    assert_eq!(answers.exit(), 2, "nothing was evaluated");
}

#[test]
fn a_system_is_named_by_an_id_that_there_may_be() {
    // Ids are lower case by definition, so that no other case could mean something else.
    when("os: Debian").on(&debian()).passes();
    for (never, meant) in [("debain", "debian"), ("Red Hat", "rhel"), ("'debian 12'", "debian")] {
        let refused = when(&format!("os: {never}")).is_refused();
        assert!(refused.contains(&format!("{meant} is meant")), "{refused}");
        let refused = when(&format!("os: [alpine, {{ not: {never} }}]")).is_refused();
        assert!(refused.contains(&format!("{meant} is meant")), "{refused}");
    }
}

#[test]
fn not_one_system_means_none_of_those_that_it_is_like() {
    when("os: { not: debian }")
        .on(&debian())
        .skipped_with("when: os is raspbian, expected not debian");
}

#[test]
fn a_system_that_is_not_known_is_unknown_not_another_one() {
    let answers = when("os: debian").on(&Memory::new().user("root", 0, 0));
    answers.unknown_with("when: os-release: missing or not to be read, so the system is not known");
    assert_eq!(answers.exit(), 2);
    let nameless = Memory::new().user("root", 0, 0).os_release("NAME", "LFS");
    when("os: linux").on(&nameless).passes();
}

#[test]
fn a_rule_applies_where_all_files_exist() {
    when("file: /etc/nginx/nginx.conf").on(&debian()).passes();
    when("file: [/etc/nginx, /etc/apache2]")
        .on(&debian())
        .skipped_with("when: /etc/apache2 does not exist");
}

#[test]
fn a_file_that_may_not_be_looked_at_leaves_unknown_whether_the_rule_applies() {
    let host = debian().unreadable("/etc/nginx");
    when("file: /etc/nginx/nginx.conf")
        .on(&host)
        .unknown_with("when: /etc/nginx/nginx.conf: permission denied");
}

#[test]
fn a_rule_applies_to_hosts_or_to_images() {
    when("target: host").on(&debian()).passes();
    when("target: image").on(&debian()).skipped_with("when: target is not image");
    when("target: image").on(&debian().image()).passes();
    when("target: host").on(&debian().image()).skipped_with("when: target is not host");
}

#[test]
fn a_rule_applies_where_variables_have_their_values() {
    let vars = "vars: { role: web }";
    when("var: { role: web }").given(vars).on(&debian()).passes();
    when("var: { role: [db, web] }").given(vars).on(&debian()).passes();
    when("var: { role: db }").given(vars).on(&debian()).skipped_with("when: role is web, not db");
}

#[test]
fn all_conditions_have_to_hold() {
    when("os: debian, file: /etc/nginx, target: host").on(&debian()).passes();
    when("os: debian, file: /nothing").on(&debian()).skipped_with("when: /nothing does not exist");
}

#[test]
fn a_whole_policy_applies_or_not() {
    let given = |head: &str| rule("user: root\nmust: { uid: 0 }").given(head);
    given("when: { os: debian }").on(&debian()).passes();
    given("when: { os: fedora }")
        .on(&debian())
        .skipped_with("when: os is raspbian, expected fedora");
    let both = when("file: /nothing").given("when: { os: fedora }");
    both.on(&debian()).skipped_with("when: os is raspbian, expected fedora");
}

#[test]
fn what_does_not_apply_is_not_looked_at() {
    let host = debian().unreadable_accounts(denied("/etc/passwd"));
    when("os: fedora").on(&host).skipped_with("when: os is raspbian, expected fedora");
}

#[test]
fn conditions_that_do_not_exist_are_refused() {
    assert!(when("oss: debian").is_refused().contains("did you mean `os`?"));
    assert!(when("target: container").is_refused().contains("host or image"));
    assert!(
        when("var: { roll: web }")
            .given("vars: { role: web }")
            .is_refused()
            .contains("did you mean `role`?")
    );
}

#[test]
fn a_run_in_which_no_rule_applies_is_not_a_success() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine
        .must("rm -f /etc/os-release && printf 'ID=debian\nPRETTY_NAME=Test\n' > /etc/os-release");
    machine.write(
        "/mnt/none.yaml",
        "policy: scene\nwhen: { os: plan9 }\nrules:\n  - id: a\n    user: root\n    must: { uid: 0 }\n  \
         - id: b\n    port: 22/tcp\n    must: { listening: true }\n",
    );
    let output = machine.run(&["check", "none.yaml", "--verbose"]);
    insta::assert_snapshot!(scrubbed(&output), @r#"
    spotcheck on [host] · as root · [time]
    skipped a  os is debian, expected plan9
    skipped b  os is debian, expected plan9

    Nothing was evaluated, so nothing is known to hold.
    Left out by `when`: a (os is debian, expected plan9), b (os is debian, expected plan9).
    2 rules, 2 conditions: 2 not applicable · exit 2
    exited 2
    "#);
}

// --- version, packages, services ------------------------------------------------------------------

#[test]
fn a_rule_applies_from_a_version_of_the_system_on() {
    let host = |version: &str| debian().os_release("VERSION_ID", version);
    when("os_version: { at_least: \"12\" }").on(&host("12")).passes();
    when("os_version: { at_least: \"22.04\", at_most: \"24.04\" }").on(&host("22.10")).passes();
    when("os_version: { at_least: \"9.10\" }")
        .on(&host("9.9"))
        .skipped_with("when: os version is 9.9, expected at least 9.10");
    let words = "when: os-release: has no VERSION_ID, so the version is not known";
    when("os_version: \"12\"").on(&debian()).unknown_with(words);
}

#[test]
fn a_rule_applies_where_a_package_is_installed() {
    let status = "Package: nginx\nStatus: install ok installed\nVersion: 1\n";
    let host = debian().file("/var/lib/dpkg/status", 0o644, 0, 0, status);
    when("package: nginx").on(&host).passes();
    when("package: [nginx, redis]").on(&host).skipped_with("when: package redis is not installed");
    let answers = when("package: nginx").on(&debian());
    assert_eq!(answers.exit(), 2, "{answers}");
    assert!(answers.to_string().starts_with("unknown "), "{answers}");
}

#[test]
fn a_rule_applies_where_a_service_runs() {
    let given = "services: { web: { exe: /usr/sbin/nginx } }";
    let rule = || when("service: web").given(given);
    let nginx = spotcheck::targets::memory::Running::program(9, "/usr/sbin/nginx");
    rule().on(&debian().process(nginx)).passes();
    rule().on(&debian()).skipped_with("when: no process of web runs");
    let hidden = debian().hiding_processes(denied("/proc"));
    assert!(rule().on(&hidden).to_string().starts_with("unknown "));
    let refusal = when("service: wbe").given(given).is_refused();
    assert!(refusal.contains("did you mean `web`"), "{refusal}");
}

#[test]
fn none_of_the_conditions_under_not_may_hold() {
    when("not: { os: fedora }").on(&debian()).passes();
    when("not: { os: debian }").on(&debian()).skipped_with("when: what `not` names applies here");
    // None of them, not "not both".
    when("not: { os: fedora, file: /etc/nginx }")
        .on(&debian())
        .skipped_with("when: what `not` names applies here");
    when("not: { file: [/etc/apache2, /etc/nginx] }")
        .on(&debian())
        .skipped_with("when: what `not` names applies here");
    let closed = debian().unreadable("/etc/nginx");
    assert_eq!(when("not: { file: /etc/nginx/nginx.conf }").on(&closed).exit(), 2);
}

#[test]
fn one_group_under_any_is_enough() {
    when("any: [{ os: fedora }, { file: /etc/nginx }]").on(&debian()).passes();
    when("any: [{ os: fedora }, { file: /etc/apache2 }]")
        .on(&debian())
        .skipped_with("when: os is raspbian, expected fedora, and /etc/apache2 does not exist");
    let closed = debian().unreadable("/etc/nginx");
    let any = |os: &str| when(&format!("any: [{{ os: {os} }}, {{ file: /etc/nginx/nginx.conf }}]"));
    any("debian").on(&closed).passes();
    assert_eq!(any("fedora").on(&closed).exit(), 2);
    when("any: []").is_refused();
    when("not: {}").is_refused();
}

#[test]
fn a_condition_that_does_not_hold_decides_whatever_could_not_be_seen() {
    let closed = debian().unreadable("/etc/nginx");
    when("file: [/etc/nginx/nginx.conf, /etc/apache2]")
        .on(&closed)
        .skipped_with("when: /etc/apache2 does not exist");
}

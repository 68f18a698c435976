//! `user:`: every condition with each of its outcomes, on plain data, and how the report says it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Machine, Need, Rule, denied, needs, rule, scrubbed};
use spotcheck::facts::account::{Origin, PasswordField, User};
use spotcheck::targets::memory::Memory;

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("bob", 1000, 100)
        .password("bob", PasswordField::Hash("$y$".into()))
        .group("root", 0, &[])
        .group("users", 100, &[])
        .group("adm", 4, &["bob"])
}

fn must(conditions: &str) -> Rule {
    rule(&format!("user: bob\nmust: {{ {conditions} }}"))
}

fn without_files() -> Memory {
    host().unreadable_accounts(denied("/etc/passwd"))
}

// --- existence -----------------------------------------------------------------------------------

#[test]
fn an_account_exists_or_not() {
    must("exists: true").on(&host()).passes_with("exists: exists (uid 1000); expected to exist");
    must("exists: false")
        .on(&host())
        .fails_with("exists: exists (uid 1000); expected not to exist")
        .repaired_by("userdel bob");
    let nobody = Memory::new();
    must("exists: true").on(&nobody).fails_with("exists: does not exist; expected to exist");
    must("exists: false").on(&nobody).passes();
    must("uid: 1000").on(&nobody).fails_with("exists: does not exist; expected to exist");
    rule("user: bob\nabsent: skip\nmust: { uid: 1000 }")
        .on(&nobody)
        .skipped_with("exists: does not exist");
    rule("user: 1000\nmust: { exists: true }").on(&host()).passes();
}

#[test]
fn accounts_that_cannot_be_read_are_unknown() {
    for conditions in ["exists: false", "exists: true", "uid: 1000", "can_login: false"] {
        let answers = must(conditions).on(&without_files());
        answers.unknown_with("exists: /etc/passwd: permission denied");
        assert_eq!(answers.exit(), 2);
    }
}

#[test]
fn a_line_that_was_not_understood_may_be_the_account() {
    let host = Memory::new().malformed_account("/etc/passwd:3: no uid");
    let unknown = "exists: /etc/passwd:3: no uid: not a line of its format";
    must("exists: false").on(&host).unknown_with(unknown);
    rule("user: bob\nabsent: skip\nmust: { uid: 0 }").on(&host).unknown_with(unknown);
}

#[test]
fn a_name_that_only_the_name_service_knows_is_found_there_and_the_evidence_says_so() {
    let carol = User {
        name: "carol".into(),
        password: PasswordField::Locked,
        uid: 2000,
        gid: 100,
        gecos: String::new(),
        home: "/home/carol".into(),
        shell: "/bin/bash".into(),
        line: 0,
        origin: Origin::Nss,
    };
    let answers = rule("user: carol\nmust: { uid: 2000 }").on(&host().account(carol));
    answers.passes();
    assert!(format!("{:?}", answers.findings[0].seen()).contains("nss"));
    let host = host().unreachable_nss(denied("passwd by nss"));
    let exists = "exists: passwd by nss: permission denied";
    rule("user: carol\nmust: { exists: false }").on(&host).unknown_with(exists);
    rule("user: bob\nmust: { exists: true }").on(&host).passes();
}

// --- ids and groups ------------------------------------------------------------------------------

#[test]
fn ids_are_compared_as_numbers() {
    must("uid: 1000").on(&host()).passes_with("uid: 1000; expected 1000");
    must("uid: { at_least: 1001 }").on(&host()).fails_with("uid: 1000; expected at least 1001");
    let alias = Memory::new().user("bob", 0, 0);
    must("uid: { not: 0 }").on(&alias).fails_with("uid: 0; expected not 0");
}

#[test]
fn the_primary_group_is_compared_by_id() {
    must("group: users").on(&host()).passes();
    must("group: [100, 101]").on(&host()).passes();
    must("group: root").on(&host()).fails_with("group: users; expected root");
    let blind = host().unreachable_nss(denied("group by nss"));
    must("group: ldap-group").on(&blind).unknown_with("group: group by nss: permission denied");
}

#[test]
fn all_groups_are_among_those_allowed() {
    must("groups: { only: [users, adm] }")
        .on(&host())
        .passes_with("groups: adm, users; expected groups: only users, adm");
    must("groups: { only: [users] }")
        .on(&host())
        .fails_with("groups: adm, users; expected groups: only users");
    let more = host().nss_group("wheel", 10, &["bob"]);
    must("groups: { only: [users, adm] }")
        .on(&more)
        .fails_with("groups: adm, wheel, users; expected groups: only users, adm");
    let blind = host().unreachable_nss(denied("group by nss"));
    must("groups: { only: [users, adm] }")
        .on(&blind)
        .unknown_with("groups: group by nss: permission denied");
}

#[test]
fn it_belongs_to_each_of_the_groups() {
    must("member_of: { all: [adm, users] }").on(&host()).passes();
    must("member_of: { all: [adm, root] }")
        .on(&host())
        .fails_with("member_of: adm, users; expected groups: all of adm, root")
        .repaired_by("usermod --append --groups root bob");
    let blind = host().unreachable_nss(denied("group by nss"));
    must("member_of: { all: adm }")
        .on(&blind)
        .unknown_with("member_of: group by nss: permission denied");
}

// --- shell, home, login --------------------------------------------------------------------------

#[test]
fn shell_and_home_are_compared_as_text() {
    must("shell: /bin/sh, home: /home/bob").on(&host()).passes();
    must("shell: { matches: nologin$ }")
        .on(&host())
        .fails_with("shell: /bin/sh; expected matching /nologin$/");
    must("shell: /usr/sbin/nologin, home: /nonexistent")
        .on(&host())
        .fails_with("home: /home/bob; expected /nonexistent")
        .repaired_by("usermod --shell /usr/sbin/nologin bob")
        .repaired_by("usermod --home /nonexistent bob");
    let empty = host().but("bob", |user| user.shell.clear());
    must("shell: /bin/sh").on(&empty).passes();
    must("shell: { not: /bin/sh }").on(&empty).fails_with("shell: /bin/sh; expected not /bin/sh");
}

#[test]
fn who_can_log_in_has_a_password_and_a_shell() {
    let words = "can_login: shell /bin/sh, has a password ($y$); expected cannot log in";
    must("can_login: true").on(&host()).passes();
    must("can_login: false")
        .on(&host())
        .fails_with(words)
        .repaired_by("usermod --lock --shell /usr/sbin/nologin bob");
    for shell in ["/usr/sbin/nologin", "/bin/false"] {
        let host = host().but("bob", |user| user.shell = shell.into());
        must("can_login: false").on(&host).passes();
    }
    for (password, can) in [
        (PasswordField::Locked, false),
        (PasswordField::Empty, true),
        (PasswordField::Hash("des".into()), true),
    ] {
        let host = host().but("bob", |user| user.password = password.clone());
        must(&format!("can_login: {can}")).on(&host).passes();
        assert_eq!(must(&format!("can_login: {}", !can)).on(&host).exit(), 1, "{password:?}");
    }
}

#[test]
fn an_empty_shell_is_a_shell() {
    let host = host().but("bob", |user| user.shell.clear());
    must("can_login: true")
        .on(&host)
        .passes_with("can_login: shell /bin/sh, has a password ($y$); expected can log in");
}

#[test]
fn without_shadow_nobody_knows_who_can_log_in() {
    let host = host().unreadable_shadow(denied("/etc/shadow"));
    for can in [true, false] {
        must(&format!("can_login: {can}"))
            .on(&host)
            .unknown_with("can_login: /etc/shadow: permission denied");
    }
    // What stands in passwd itself is known.
    let locked = host.but("bob", |user| user.password = PasswordField::Locked);
    must("can_login: false").on(&locked).passes();
}

#[test]
fn a_line_of_shadow_that_was_not_understood_may_hold_the_password() {
    let host = Memory::new().user("bob", 1000, 100);
    must("can_login: false").on(&host).passes();
    // The line of another account in another file says nothing about it.
    let odd = Memory::new().user("bob", 1000, 100).malformed_account("/etc/passwd:3: the user id");
    must("can_login: false").on(&odd).passes();
    must("can_login: false")
        .on(&host.malformed_account("/etc/shadow:9: one field"))
        .unknown_with("can_login: /etc/shadow:9: one field: not a line of its format");
}

#[test]
fn conditions_that_do_not_exist_are_refused() {
    assert!(must("shel: /bin/sh").is_refused().contains("did you mean `shell`?"));
    must("uid: many").is_refused();
    must("").is_refused();
}

// --- a real host ---------------------------------------------------------------------------------

#[test]
fn the_report_says_what_is_wrong_with_an_account() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must("echo 'bell:x:4711:4711::/:' >> /etc/passwd; echo 'bell:x:4711:' >> /etc/group");
    machine.must("echo 'bell:$y$j9T$salt$hash:19000::::::' >> /etc/shadow");
    machine.write("/mnt/bell.yaml", POLICY);
    insta::assert_snapshot!(scrubbed(&machine.run(&["check", "bell.yaml"])), @r#"
    spotcheck on [host] · as root · [time]

    FAIL high bell-cannot-log-in  user bell
      can_login  shell /bin/sh, has a password ($y$); expected cannot log in
      home       /; expected /nonexistent
      repair     usermod --lock --shell /usr/sbin/nologin bell
      repair     usermod --home /nonexistent bell
      verify     spotcheck check bell.yaml --rule bell-cannot-log-in
      policy     bell.yaml:4

    2 rules, 5 conditions: 2 violated, 3 hold · exit 1
    exited 1
    "#);
}

const POLICY: &str = r#"
policy: scene
rules:
  - id: bell-cannot-log-in
    severity: high
    user: bell
    must: { uid: 4711, can_login: false, home: /nonexistent, group: bell }
  - id: no-ghost
    user: ghost-of-christmas
    must: { exists: false }
"#;

#[test]
fn a_bare_list_of_groups_is_refused_with_all_that_it_could_mean() {
    let refused = must("groups: [users, adm]").is_refused();
    for word in ["only", "all", "any", "none", "exactly"] {
        assert!(refused.contains(&format!("groups: {{ {word}: [users, adm] }}")), "{refused}");
    }
    must("groups: users").is_refused();
    must("member_of: users").is_refused();
    must("groups: { contains: users }").is_refused();
}

#[test]
fn what_a_list_of_groups_means_is_said_by_its_word() {
    must("groups: { all: [users] }").on(&host()).passes();
    must("groups: { any: [users, wheel] }").on(&host()).passes();
    must("groups: { none: [wheel] }").on(&host()).passes();
    must("groups: { exactly: [adm, users] }").on(&host()).passes();
    assert_eq!(must("groups: { exactly: [users] }").on(&host()).exit(), 1);
    assert_eq!(must("groups: { not: adm }").on(&host()).exit(), 1);
    must("groups: { all: [users], none: [adm] }")
        .on(&host())
        .fails_with("groups: adm, users; expected groups: users and none of adm");
}

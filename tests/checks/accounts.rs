//! `accounts:`: every condition with each of its outcomes, on plain data, and how the report says
//! it of real account files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Machine, Need, Rule, denied, needs, rule, scrubbed};
use spotcheck::facts::account::PasswordField;
use spotcheck::targets::memory::Memory;

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .password("root", PasswordField::Locked)
        .user("bob", 1000, 1000)
        .password("bob", PasswordField::Hash("$y$".into()))
        .group("root", 0, &[])
        .group("bob", 1000, &[])
}

fn must(conditions: &str) -> Rule {
    rule(&format!("accounts: all\nmust: {{ {conditions} }}"))
}

const ALL: [&str; 5] = [
    "uid_0: { only: [root] }",
    "empty_passwords: false",
    "duplicate_ids: false",
    "duplicate_names: false",
    "can_login: { only: [bob] }",
];

#[test]
fn sound_accounts_pass() {
    for conditions in ALL {
        must(conditions).on(&host()).passes();
    }
}

#[test]
fn accounts_that_cannot_be_read_are_unknown() {
    let blind = host().unreadable_accounts(denied("/etc/passwd"));
    for conditions in ALL {
        let condition = conditions.split(':').next().unwrap();
        must(conditions)
            .on(&blind)
            .unknown_with(&format!("{condition}: /etc/passwd: permission denied"));
    }
}

#[test]
fn a_line_that_was_not_understood_keeps_a_pass_from_being_earned() {
    let host = host().malformed_account("/etc/passwd:3: no uid");
    for conditions in ALL {
        let condition = conditions.split(':').next().unwrap();
        must(conditions)
            .on(&host)
            .unknown_with(&format!("{condition}: /etc/passwd:3: no uid: not a line of its format"));
    }
}

#[test]
fn another_name_with_uid_0_is_another_root() {
    must("uid_0: { only: [root] }")
        .on(&host().user("toor", 0, 0))
        .fails_with("uid_0: toor; expected uid 0: only root");
    must("uid_0: { only: [root, toor] }").on(&host().user("toor", 0, 0)).passes();
    let host = host().user("toor", 0, 0).malformed_account("/etc/passwd:9: no uid");
    must("uid_0: { only: [root] }").on(&host).fails_with("uid_0: toor; expected uid 0: only root");
}

#[test]
fn a_password_that_nobody_is_asked_for_is_found_in_both_files() {
    must("empty_passwords: false")
        .on(&host().user("eve", 1001, 1001).password("eve", PasswordField::Empty))
        .fails_with("empty_passwords: eve; expected no account without a password")
        .repaired_by("passwd --lock eve");
    let host = host().but("bob", |user| user.password = PasswordField::Empty);
    must("empty_passwords: false")
        .on(&host)
        .fails_with("empty_passwords: bob; expected no account without a password");
}

#[test]
fn without_shadow_passwords_are_unknown_but_for_those_seen_to_be_empty() {
    let blind = host().unreadable_shadow(denied("/etc/shadow"));
    must("empty_passwords: false")
        .on(&blind)
        .unknown_with("empty_passwords: /etc/shadow: permission denied");
    must("can_login: { only: [bob] }")
        .on(&blind)
        .unknown_with("can_login: /etc/shadow: permission denied");
    let open = blind.but("root", |user| user.password = PasswordField::Empty);
    must("empty_passwords: false")
        .on(&open)
        .fails_with("empty_passwords: root; expected no account without a password");
    must("uid_0: { only: [root] }").on(&open).passes();
}

#[test]
fn ids_that_are_shared_are_named() {
    must("duplicate_ids: false")
        .on(&host().user("robert", 1000, 1000).group("staff", 0, &[]))
        .fails_with("duplicate_ids: uid 1000: bob, robert; gid 0: root, staff; expected every uid and gid once");
}

#[test]
fn names_that_are_shared_are_named() {
    must("duplicate_names: false")
        .on(&host().user("bob", 1001, 1001).group("bob", 1001, &[]))
        .fails_with("duplicate_names: user bob: 1000, 1001; group bob: 1000, 1001; expected every name once");
}

#[test]
fn who_can_log_in_is_among_those_allowed() {
    must("can_login: { only: [bob] }")
        .on(&host())
        .passes_with("can_login: bob; expected able to log in: only bob");
    must("can_login: { only: [root] }")
        .on(&host())
        .fails_with("can_login: bob; expected able to log in: only root");
    let host = host().user("guest", 1002, 1000).password("guest", PasswordField::Empty);
    must("can_login: { only: [bob] }")
        .on(&host)
        .fails_with("can_login: guest; expected able to log in: only bob");
    let host = host.but("guest", |user| user.shell = "/usr/sbin/nologin".into());
    must("can_login: { only: [bob] }").on(&host).passes();
}

#[test]
fn an_account_seen_to_be_able_to_log_in_is_a_violation_whatever_else_is_hidden() {
    let blind = host()
        .unreadable_shadow(denied("/etc/shadow"))
        .user("guest", 1002, 1000)
        .but("guest", |user| user.password = PasswordField::Empty);
    must("can_login: { only: [bob] }")
        .on(&blind)
        .fails_with("can_login: guest; expected able to log in: only bob");
}

#[test]
fn conditions_that_say_nothing_are_refused() {
    for conditions in ["empty_passwords: true", "duplicate_ids: true", "duplicate_names: true", ""]
    {
        must(conditions).is_refused();
    }
    rule("accounts: some\nmust: { uid_0: { only: [root] } }").is_refused();
    assert!(must("uid0: [root]").is_refused().contains("did you mean `uid_0`?"));
}

#[test]
fn the_report_names_the_second_root_and_the_line_it_stands_in() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must(
        "printf 'root:x:0:0:root:/root:/bin/sh\ntoor::0:0::/:/bin/sh\n' > /etc/passwd
         echo 'root:x:0:' > /etc/group; echo 'root:*:19000::::::' > /etc/shadow",
    );
    machine.write("/mnt/accounts.yaml", POLICY);
    let args = ["check", "accounts.yaml", "--verbose"];
    insta::assert_snapshot!(scrubbed(&machine.run(&args)), @r#"
    spotcheck on [host] · as root · [time]

    FAIL critical one-root  accounts all
      uid_0            toor; expected uid 0: only root
      seen             /etc/passwd:2: toor, uid 0
      empty_passwords  toor; expected no account without a password
      seen             /etc/passwd:2: toor, uid 0
      duplicate_ids    uid 0: root, toor; expected every uid and gid once
      repair           passwd --lock toor
      verify           spotcheck check accounts.yaml --rule one-root
      policy           accounts.yaml:4
    pass one-root  all duplicate_names: all different

    1 rule, 4 conditions: 3 violated, 1 holds · exit 1
    exited 1
    "#);
}

const POLICY: &str = r#"
policy: scene
rules:
  - id: one-root
    severity: critical
    accounts: all
    must: { uid_0: { only: [root] }, empty_passwords: false, duplicate_ids: false, duplicate_names: false }
"#;

#[test]
fn nobody_logs_in_with_an_expired_account_or_a_shell_that_is_not_there() {
    let able = |shadow: &str, shell: &str| {
        let shadow = spotcheck::formats::passwd::shadow("s", format!("ann:{shadow}\n").as_bytes());
        let aging = shadow.entries[0].aging;
        assert_eq!(shadow.malformed, Vec::<String>::new());
        (aging.bars(20_000).is_none(), shell.to_owned())
    };
    for (line, good) in [
        ("$6$x$y:19000::::::", true),
        ("$6$x$y:19000:0:99999:7::20001:", true),
        ("$6$x$y:19000:0:99999:7::20000:", false),
        ("$6$x$y:19000:0:99999:7::18000:", false),
        ("$6$x$y:15000:0:90:7:30::", false),
        ("$6$x$y:15000:0:90:7:::", true),
        ("$6$x$y:19950:0:40:7:30::", true),
        ("$6$x$y:19930:0:40:7:29::", false),
        ("$6$x$y:0:0:90:7:30::", true),
    ] {
        assert_eq!(able(line, "").0, good, "{line}");
    }
    let shell = |path: &str| {
        let host = spotcheck::targets::memory::Memory::new()
            .user("root", 0, 0)
            .user("ann", 1001, 1001)
            .group("ann", 1001, &[])
            .file("/bin/sh", 0o755, 0, 0, "")
            .file("/bin/secret", 0o700, 0, 0, "")
            .password("ann", spotcheck::facts::account::PasswordField::Hash("$6$".into()))
            .but("ann", |ann| ann.shell = path.to_owned());
        crate::support::rule("user: ann\nmust: { can_login: false }").on(&host).exit()
    };
    assert_eq!(shell("/bin/sh"), 1);
    assert_eq!(shell(""), 1);
    assert_eq!(shell("/bin/gone"), 0);
    assert_eq!(shell("/bin/secret"), 0);
    // A tree without the directory is no whole system.
    assert_eq!(shell("/opt/shells/sh"), 1);
}

#[test]
fn accounts_of_a_directory_are_not_known_and_those_of_the_files_are() {
    let ldap = host().other_accounts("passwd: ldap in /etc/nsswitch.conf brings in others");
    must("uid_0: { only: [root] }").on(&ldap).unknown_about("passwd: ldap in /etc/nsswitch.conf");
    must("duplicate_ids: false").on(&ldap).unknown_about("in no file of this host");
    rule("group: bob\nmust: { members: { only: [bob] } }").on(&ldap).unknown_about("members");
    // What is seen to be wrong is wrong, whoever else there is.
    must("uid_0: { only: [nobody] }").on(&ldap).fails_about("uid_0");
    // A host that runs has asked its name services for just this one.
    rule("user: eve\nmust: { exists: false }").on(&ldap).passes();
}

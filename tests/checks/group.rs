//! `group:`: every condition with each of its outcomes, on plain data, and how the report says it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Machine, Need, Rule, denied, needs, rule, scrubbed};
use spotcheck::targets::memory::Memory;

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("bob", 1000, 100)
        .user("eve", 1001, 42)
        .group("shadow", 42, &["bob"])
        .group("empty", 50, &[])
}

fn must(conditions: &str) -> Rule {
    rule(&format!("group: shadow\nmust: {{ {conditions} }}"))
}

#[test]
fn a_group_exists_or_not() {
    must("exists: true").on(&host()).passes_with("exists: exists (gid 42); expected to exist");
    must("exists: false").on(&host()).fails_with("exists: exists (gid 42); expected not to exist");
    let none = Memory::new();
    must("exists: false").on(&none).passes();
    must("members: []").on(&none).fails_with("exists: does not exist; expected to exist");
    rule("group: shadow\nabsent: skip\nmust: { members: [] }")
        .on(&none)
        .skipped_with("exists: does not exist");
    rule("group: 42\nmust: { exists: true }").on(&host()).passes();
}

#[test]
fn groups_that_cannot_be_read_are_unknown() {
    let blind = host().unreadable_accounts(denied("/etc/group"));
    for conditions in ["exists: false", "gid: 42", "members: []"] {
        must(conditions).on(&blind).unknown_with("exists: /etc/group: permission denied");
    }
    let host = Memory::new().unreachable_nss(denied("group by nss"));
    must("exists: false").on(&host).unknown_with("exists: group by nss: permission denied");
    let host = Memory::new().malformed_account("/etc/group:3: no gid");
    must("exists: false")
        .on(&host)
        .unknown_with("exists: /etc/group:3: no gid: not a line of its format");
}

#[test]
fn ids_are_compared_as_numbers() {
    must("gid: 42").on(&host()).passes_with("gid: 42; expected 42");
    must("gid: { at_most: 41 }").on(&host()).fails_with("gid: 42; expected at most 41");
}

#[test]
fn members_include_those_who_have_it_as_their_primary_group() {
    must("members: { only: [bob, eve] }")
        .on(&host())
        .passes_with("members: bob, eve; expected members: only bob, eve");
    must("members: { only: [bob] }")
        .on(&host())
        .fails_with("members: eve as well; expected members: only bob");
    must("members: []").on(&host()).fails_with("members: bob, eve as well; expected members: none");
    rule("group: empty\nmust: { members: [] }")
        .on(&host())
        .passes_with("members: no members; expected members: none");
    must("members: { only: { matches: '^(bob|eve)$' } }").on(&host()).passes();
}

#[test]
fn members_of_another_line_with_the_same_id_are_members() {
    for name in ["shadow", "alias"] {
        let host = host().group(name, 42, &["mallory"]);
        must("members: { only: [bob, eve] }")
            .on(&host)
            .fails_with("members: mallory as well; expected members: only bob, eve");
    }
}

#[test]
fn a_line_that_was_not_understood_may_name_another_member() {
    let host = host().malformed_account("/etc/group:9: no gid");
    must("members: { only: [bob, eve] }")
        .on(&host)
        .unknown_with("members: /etc/group:9: no gid: not a line of its format");
    must("members: { only: [bob] }")
        .on(&host)
        .fails_with("members: eve as well; expected members: only bob");
}

#[test]
fn a_group_of_the_name_service_has_the_members_that_it_lists() {
    let host = host().nss_group("devs", 900, &["carol"]);
    rule("group: devs\nmust: { members: { only: [carol] } }").on(&host).passes();
    rule("group: devs\nmust: { members: [] }")
        .on(&host)
        .fails_with("members: carol as well; expected members: none");
}

#[test]
fn conditions_that_do_not_exist_are_refused() {
    assert!(must("member: []").is_refused().contains("did you mean `members`?"));
    must("").is_refused();
}

#[test]
fn the_report_names_who_should_not_be_a_member() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must(
        "echo 'bells:x:4711:daemon' >> /etc/group; echo 'chimes:x:4711:mail,man' >> /etc/group",
    );
    machine.write(
        "/mnt/bells.yaml",
        "policy: scene\nrules:\n  - id: bells-alone\n    severity: high\n    group: bells\n    \
         must: { gid: 4711, members: { only: [daemon] } }\n",
    );
    insta::assert_snapshot!(scrubbed(&machine.run(&["check", "bells.yaml"])), @r#"
    spotcheck on [host] · as root · [time]

    FAIL high bells-alone  group bells
      members  mail, man as well; expected members: only daemon
      verify   spotcheck check bells.yaml --rule bells-alone
      policy   bells.yaml:3

    1 rule, 2 conditions: 1 violated, 1 holds · exit 1
    exited 1
    "#);
}

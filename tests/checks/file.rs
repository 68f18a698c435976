//! `file:`: every condition with each of its outcomes, on plain data, and how the report says it of
//! real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Answers, Machine, Need, Rule, denied, needs, rule, scrubbed};
use spotcheck::facts::account::Origin;
use spotcheck::facts::file::{Acl, AclEntry, AclTag, FileKind, Protection};
use spotcheck::targets::memory::Memory;

fn accounts() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("bob", 1000, 1000)
        .user("eve", 1001, 1001)
        .user("robert", 1000, 1000)
        .group("root", 0, &[])
        .group("bob", 1000, &[])
        .group("staff", 50, &["eve"])
}

/// `/etc/x` of bob:staff with this mode.
fn x(mode: u16) -> Memory {
    accounts().file("/etc/x", mode, 1000, 50, "one\ntwo\nsecret=hunter2\n")
}

fn file(path: &str, conditions: &str) -> Rule {
    rule(&format!("file: {path}\nmust: {{ {conditions} }}"))
}

fn must(conditions: &str) -> Rule {
    file("/etc/x", conditions)
}

fn hidden() -> Memory {
    x(0o644).unreadable("/etc")
}

// --- whose it is ---------------------------------------------------------------------------------

#[test]
fn digits_are_the_name_of_an_account_first() {
    // As `chown 1000` takes them: there is an account that is called so.
    let host = x(0o644).user("1000", 7, 7).group("50", 8, &[]);
    must("owner: 1000").on(&host).fails_about("owner: bob");
    must("owner: 7").on(&host).fails_about("owner: bob");
    must("group: 50").on(&host).fails_about("group: staff");
    must("owner: 1000, group: 50").on(&x(0o644)).passes();
    rule("user: 1000\nmust: { uid: 7 }").on(&host).passes();
    rule("user: 7\nmust: { uid: 7 }").on(&host).passes();
    rule("group: 50\nmust: { gid: 8 }").on(&host).passes();
}

// --- text ---------------------------------------------------------------------------------------

#[test]
fn a_pattern_finds_its_line_however_the_file_is_written() {
    let text = "Port 22\nPermitRootLogin yes\n";
    let dos = text.replace('\n', "\r\n");
    let marked = "\u{feff}PermitRootLogin yes\r\n".to_owned();
    let wide: Vec<u8> =
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for content in [text.as_bytes(), dos.as_bytes(), marked.as_bytes(), &wide] {
        let host = accounts().file("/etc/x", 0o644, 0, 0, content);
        must("not_contains: '^PermitRootLogin yes$'")
            .on(&host)
            .fails_about("PermitRootLogin yes$/ in line");
        must("contains: '^PermitRootLogin yes$'").on(&host).passes();
        must("contains: '^PermitRootLogin no$'").on(&host).fails_about("no /^PermitRootLogin no$/");
    }
    must("not_contains: '\\r'")
        .on(&accounts().file("/etc/x", 0o644, 0, 0, dos))
        .fails_about("in line 1");
}

#[test]
fn two_stars_find_files_in_hidden_directories_too() {
    let host = accounts().file("/home/bob/id_rsa", 0o600, 1000, 1000, "").file(
        "/home/bob/.ssh/id_rsa",
        0o666,
        1000,
        1000,
        "",
    );
    file("'/home/**/id_rsa'", "mode: '0600'").on(&host).fails_about("mode: 0666");
    file("'/home/**'", "mode: o-w").on(&host).fails_about("0666");
    file("'/**/.ssh/*'", "mode: '0600'").on(&host).fails_about("0666");
}

#[test]
fn whoever_owns_an_immutable_file_cannot_write_it() {
    let flags = |immutable, append_only| Protection { immutable, append_only };
    let eve = "writable_by: bob";
    must(eve).on(&x(0o644)).passes();
    must(eve).on(&x(0o644).protected("/etc/x", flags(true, false))).fails_about(
        "writable_by: bob cannot: /etc/x: it is immutable (chattr +i); expected writable by bob",
    );
    must("writable_by: root")
        .on(&x(0o644).protected("/etc/x", flags(true, false)))
        .fails_about("immutable");
    must("writable_by: { not: bob }")
        .on(&x(0o644).protected("/etc/x", flags(true, false)))
        .passes();
    must("writable_only_by: [root]").on(&x(0o644).protected("/etc/x", flags(true, false))).passes();
}

#[test]
fn who_can_only_append_neither_can_write_a_file_nor_cannot() {
    let append =
        |mode| x(mode).protected("/etc/x", Protection { immutable: false, append_only: true });
    let only = "bob can append only: /etc/x: owner class has rw- (uid 1000), but it is append-only (chattr +a)";
    must("writable_by: bob").on(&append(0o644)).fails_about(only);
    must("writable_by: { not: bob }").on(&append(0o644)).fails_about(only);
    must("writable_by: { not: eve }").on(&append(0o644)).passes();
    // Its owner cannot change the mode either.
    must("writable_only_by: [root]").on(&append(0o644)).fails_about("bob: owner, mode rw-r--r--");
    must("writable_only_by: [root]").on(&append(0o444)).passes();
    must("writable_only_by: [root]").on(&x(0o444)).fails_about("bob: owner");
}

// --- existence -----------------------------------------------------------------------------------

#[test]
fn a_file_exists_or_not() {
    must("exists: true").on(&x(0o644)).passes_with("exists: exists (file); expected to exist");
    must("exists: false").on(&x(0o644)).fails_with("exists: exists (file); expected not to exist");
    must("exists: true").on(&accounts()).fails_with("exists: does not exist; expected to exist");
    must("exists: false").on(&accounts()).passes();
}

#[test]
fn a_file_that_may_not_be_looked_at_is_unknown_not_absent() {
    for conditions in ["exists: false", "exists: true", "owner: root", "mode: '0644'"] {
        let condition = conditions.split(':').next().unwrap();
        let answers = must(conditions).on(&hidden());
        answers.unknown_with(&format!("{condition}: /etc/x: permission denied"));
        assert_eq!(answers.exit(), 2);
    }
    rule("file: /etc/x\nabsent: skip\nmust: { owner: root }")
        .on(&hidden())
        .unknown_with("owner: /etc/x: permission denied");
}

#[test]
fn a_file_that_is_missing_fails_unless_the_rule_says_otherwise() {
    must("owner: root").on(&accounts()).fails_with("exists: does not exist; expected to exist");
    let skip = rule("file: /etc/x\nabsent: skip\nmust: { owner: root }");
    let answers = skip.on(&accounts());
    answers.skipped_with("exists: does not exist");
    assert_eq!(answers.exit(), 2, "nothing was evaluated");
}

#[test]
fn a_link_that_leads_nowhere_is_a_file_that_does_not_exist() {
    let host = accounts().symlink("/etc/x", "gone");
    let words = "exists: a symbolic link to gone, which does not exist; expected to exist";
    must("exists: true").on(&host).fails_with(words);
    must("owner: root").on(&host).fails_with(words);
    must("type: symlink, target: gone").on(&host).passes();
}

#[test]
fn a_link_that_leads_to_itself_is_unknown() {
    let host = accounts().symlink("/etc/x", "x");
    let answers = must("owner: root").on(&host);
    assert!(answers.to_string().starts_with("unknown owner"), "{answers:?}");
}

// --- globs ---------------------------------------------------------------------------------------

#[test]
fn every_match_of_a_glob_is_judged() {
    let host = accounts()
        .file("/etc/a/key", 0o600, 0, 0, "")
        .file("/etc/b/key", 0o644, 0, 0, "")
        .file("/etc/b/other", 0o666, 0, 0, "");
    let answers = file("/etc/*/key", "mode: '0600'").on(&host);
    assert_eq!(
        answers.lines(),
        ["pass mode: 0600; expected 0600", "fail mode: 0644; expected 0600"]
    );
    answers.repaired_by("chmod 0600 /etc/b/key");
}

#[test]
fn a_glob_that_matches_nothing_fails_and_one_that_cannot_be_expanded_is_unknown() {
    file("/etc/*/key", "mode: '0600'")
        .on(&accounts())
        .fails_with("exists: does not exist; expected to exist");
    let host = accounts().file("/etc/a/key", 0o600, 0, 0, "").unreadable("/etc/a");
    for pattern in ["/etc/a/*", "/etc/*/k*", "/etc/**/key"] {
        for conditions in ["mode: '0600'", "exists: false"] {
            let answers = file(&format!("'{pattern}'"), conditions).on(&host);
            assert!(answers.to_string().starts_with("unknown "), "{pattern}: {answers:?}");
        }
    }
}

// --- type, owner, group --------------------------------------------------------------------------

#[test]
fn every_type_is_told_apart() {
    let kinds = [
        (FileKind::Socket, "socket"),
        (FileKind::Fifo, "fifo"),
        (FileKind::BlockDevice, "block_device"),
        (FileKind::CharDevice, "char_device"),
    ];
    for (kind, name) in kinds {
        let host = accounts().special("/etc/x", kind, 0o644);
        must(&format!("type: {name}")).on(&host).passes();
        must("type: file").on(&host).fails_with(&format!("type: {name}; expected file"));
    }
    must("type: file").on(&x(0o644)).passes();
    file("/etc", "type: directory").on(&x(0o644)).passes();
    let link = x(0o644).symlink("/etc/l", "x");
    file("/etc/l", "type: symlink").on(&link).passes();
    file("/etc/l", "type: file").on(&link).fails_with("type: symlink; expected file");
    must("type: file").on(&hidden()).unknown_with("type: /etc/x: permission denied");
}

#[test]
fn owner_and_group_are_compared_by_id_and_repaired_together() {
    must("owner: bob").on(&x(0o644)).passes_with("owner: bob; expected bob");
    must("owner: 1000").on(&x(0o644)).passes();
    must("owner: robert").on(&x(0o644)).passes();
    must("group: [root, staff]").on(&x(0o644)).passes();
    must("owner: root, group: root")
        .on(&x(0o644))
        .fails_with("owner: bob; expected root")
        .fails_with("group: staff; expected root")
        .repaired_by("chown root:root /etc/x");
    must("group: root").on(&x(0o644)).repaired_by("chgrp root /etc/x");
    must("owner: { not: bob }").on(&x(0o644)).fails_with("owner: bob; expected not bob");
}

#[test]
fn an_owner_without_a_name_is_shown_by_number_and_a_name_without_an_account_is_said_to_have_none() {
    let host = accounts().file("/etc/x", 0o644, 4711, 4712, "");
    must("owner: ghost, group: ghosts")
        .on(&host)
        .fails_with("owner: 4711; there is no user ghost here; expected ghost")
        .fails_with("group: 4712; there is no group ghosts here; expected ghosts");
}

#[test]
fn a_name_that_cannot_be_looked_up_is_unknown() {
    let host = x(0o644).unreachable_nss(denied("passwd by nss"));
    must("owner: ldap-user").on(&host).unknown_with("owner: passwd by nss: permission denied");
    must("group: ldap-group").on(&host).unknown_with("group: passwd by nss: permission denied");
}

#[test]
fn links_are_followed_to_the_file_that_they_lead_to() {
    let host = x(0o600).symlink("/a", "/b").symlink("/b", "etc/x");
    file("/a", "owner: bob, mode: '0600'").on(&host).passes();
    let host = host.unreadable("/etc");
    file("/a", "owner: bob").on(&host).unknown_with("owner: /etc/x: permission denied");
}

// --- mode ----------------------------------------------------------------------------------------

#[test]
fn modes_mean_what_chmod_means() {
    must("mode: '0644'").on(&x(0o644)).passes_with("mode: 0644; expected 0644");
    must("mode: '0644'").on(&x(0o4644)).fails_with("mode: 4644; expected 0644");
    must("mode: 'u+rw,o-w'")
        .on(&x(0o646))
        .fails_with("mode: 0646; expected u+rw,o-w")
        .repaired_by("chmod o-w /etc/x");
    must("mode: { at_most: '0640' }").on(&x(0o400)).passes();
    must("mode: { at_most: '0640' }").on(&x(0o604)).fails_with("mode: 0604; expected at most 0640");
    must("mode: { at_least: '0400' }")
        .on(&x(0o000))
        .fails_with("mode: 0000; expected at least 0400");
    must("mode: { not: '0777' }").on(&x(0o777)).fails_with("mode: 0777; expected not 0777");
    must("mode: '0644'").on(&hidden()).unknown_with("mode: /etc/x: permission denied");
}

#[test]
fn a_mode_written_as_yaml_would_misread_it_is_refused_or_meant_as_written() {
    must("mode: 0644").on(&x(0o644)).passes();
    must("mode: 640").is_refused();
    must("mode: { at_most: '7777' }").is_refused();
    assert!(must("mode: u+rw,o-w").is_refused().contains("quote"));
}

// --- access --------------------------------------------------------------------------------------

#[test]
fn who_can_read_is_decided_along_the_whole_path() {
    must("executable_by: bob").on(&x(0o500)).passes();
    must("executable_by: eve")
        .on(&x(0o604))
        .fails_with("executable_by: eve cannot: /etc/x: group class has --- (gid 50); expected executable by eve");
    // Root needs the bit for somebody.
    must("executable_by: root").on(&x(0o600)).fails_about("executable_by");
    must("executable_by: root").on(&x(0o601)).passes();
    must("executable_by: { not: [bob, eve] }").on(&x(0o644)).passes();
    must("readable_by: bob").on(&x(0o400)).passes();
    must("readable_by: [bob, eve]").on(&x(0o440)).passes();
    must("readable_by: root").on(&x(0o000)).passes();
    must("readable_by: eve")
        .on(&x(0o404))
        .fails_with("readable_by: eve cannot: /etc/x: group class has --- (gid 50); expected readable by eve")
        .repaired_by("setfacl -m u:eve:r /etc/x");
    let closed = x(0o644).dir("/etc", 0o700, 0, 0);
    must("readable_by: bob").on(&closed).fails_with(
        "readable_by: bob cannot: /etc: other class has ---, x is needed to pass; expected readable by bob",
    )
    .repaired_by("setfacl -m u:bob:x /etc");
}

#[test]
fn who_cannot_read_is_decided_likewise() {
    must("readable_by: { not: [bob, eve] }").on(&x(0o000)).passes();
    let answers = must("readable_by: { not: [bob, eve] }").on(&x(0o040));
    assert!(answers.to_string().contains("eve can: /etc/x: group class has r-- (gid 50)"));
    answers.fails_with(&answers.lines()[0]["fail ".len()..]);
}

#[test]
fn the_mask_of_an_acl_counts_not_the_group_bits() {
    let acl = |mask| Acl {
        entries: [
            (AclTag::UserObj, 6),
            (AclTag::User(1001), 6),
            (AclTag::GroupObj, 0),
            (AclTag::Mask, mask),
            (AclTag::Other, 0),
        ]
        .map(|(who, perms)| AclEntry { who, perms })
        .to_vec(),
    };
    let host = |mask: u8| x(0o600 | u16::from(mask) << 3).with_acl("/etc/x", acl(mask));
    must("readable_by: eve, writable_by: eve").on(&host(6)).passes();
    must("readable_by: eve, writable_by: { not: eve }").on(&host(4)).passes();
    must("writable_only_by: [bob, robert]").on(&host(4)).passes();
    let answers = must("writable_only_by: [bob, robert]").on(&host(6));
    assert!(answers.to_string().contains("eve: ACL"), "{answers:?}");
}

#[test]
fn an_unknown_user_can_do_nothing_and_is_said_not_to_exist() {
    must("readable_by: ghost")
        .on(&x(0o644))
        .fails_with("readable_by: there is no user ghost here; expected readable by ghost");
    let host = x(0o644).unreachable_nss(denied("passwd by nss"));
    must("readable_by: ghost")
        .on(&host)
        .unknown_with("readable_by: passwd by nss: permission denied");
    must("writable_by: ghost")
        .on(&host)
        .unknown_with("writable_by: passwd by nss: permission denied");
}

#[test]
fn who_can_write_is_decided_likewise_and_a_read_only_mount_denies() {
    must("writable_by: bob").on(&x(0o200)).passes();
    must("writable_by: bob").on(&x(0o200).mounted_read_only("/")).fails_with(
        "writable_by: bob cannot: /etc/x: the filesystem is mounted read-only; expected writable by bob",
    );
    let answers = must("writable_by: bob").on(&x(0o200).mounted_read_only("/"));
    assert!(answers.findings[0].corrective().is_empty(), "no ACL helps: {answers:?}");
    must("writable_by: { not: eve }").on(&x(0o620)).fails_with(
        "writable_by: eve can: /etc/x: group class has -w- (gid 50); expected writable by not eve",
    );
}

#[test]
fn nobody_else_can_write() {
    must("writable_only_by: [bob, robert]").on(&x(0o644)).passes();
    let words = |answers: Answers| answers.to_string();
    assert!(
        words(must("writable_only_by: root").on(&x(0o444)))
            .contains("bob: owner, mode r--r--r--, which its owner can change")
    );
    assert!(
        words(must("writable_only_by: [bob, robert]").on(&x(0o664)))
            .contains("eve: member of group staff")
    );
    assert!(
        words(must("writable_only_by: [bob, robert]").on(&x(0o646)))
            .contains("everyone: other class")
    );
    // An account of the same uid is a way to the same rights.
    assert!(words(must("writable_only_by: bob").on(&x(0o644))).contains("robert: owner"));
    must("writable_only_by: [bob, robert]")
        .on(&hidden())
        .unknown_with("writable_only_by: /etc/x: permission denied");
}

#[test]
fn accounts_that_were_not_understood_keep_a_pass_from_being_earned() {
    let rule = must("writable_only_by: [bob, robert]");
    rule.on(&x(0o644).malformed_account("/etc/group:9: no gid"))
        .unknown_with("writable_only_by: /etc/group:9: no gid: not a line of its format");
    let host = x(0o644).unreadable_accounts(denied("/etc/passwd"));
    rule.on(&host).unknown_with("writable_only_by: /etc/passwd: permission denied");
}

// --- content -------------------------------------------------------------------------------------

#[test]
fn the_target_of_a_link_is_compared_as_it_is_stored() {
    let host = x(0o644).symlink("/etc/l", "./x");
    file("/etc/l", "target: ./x")
        .on(&host)
        .passes_with("target: link to ./x; expected a symbolic link to ./x");
    file("/etc/l", "target: { matches: x$ }").on(&host).passes();
    file("/etc/l", "target: /etc/x")
        .on(&host)
        .fails_with("target: link to ./x; expected a symbolic link to /etc/x");
    must("target: y")
        .on(&host)
        .fails_with("target: not a symbolic link; expected a symbolic link to y");
    must("target: y").on(&hidden()).unknown_with("target: /etc/x: permission denied");
}

#[test]
fn sizes_are_compared_in_bytes() {
    must("size: 23").on(&x(0o644)).passes_with("size: 23 bytes; expected 23 bytes");
    must("size: { at_most: 1K }").on(&x(0o644)).passes();
    must("size: { at_least: 1K }")
        .on(&x(0o644))
        .fails_with("size: 23 bytes; expected at least 1024 bytes");
    must("size: 23").on(&hidden()).unknown_with("size: /etc/x: permission denied");
}

#[test]
fn content_is_compared_by_its_digest() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let host = accounts().file("/etc/x", 0o644, 0, 0, "");
    must(&format!("sha256: {empty}")).on(&host).passes();
    must(&format!("sha256: {}", empty.to_uppercase())).on(&host).passes();
    let answers = must(&format!("sha256: {empty}")).on(&x(0o644));
    assert!(answers.to_string().starts_with("fail sha256"), "{answers:?}");
    must(&format!("sha256: {empty}"))
        .on(&x(0o644).unreadable("/etc/x"))
        .unknown_with("sha256: /etc/x: permission denied");
    must("sha256: abc").is_refused();
}

#[test]
fn content_is_searched_line_by_line_and_never_repeated() {
    must("contains: '^two$'")
        .on(&x(0o644))
        .passes_with("contains: /^two$/ in line 2; expected contains /^two$/");
    must("contains: { all: ['^one', '^three'] }").on(&x(0o644)).fails_with(
        "contains: /^one/ in line 1, no /^three/; expected contains all of /^one/, /^three/",
    );
    must("not_contains: '^three'").on(&x(0o644)).passes();
    let answers = must("not_contains: 'secret=.*'").on(&x(0o644));
    answers
        .fails_with("not_contains: /secret=.*/ in line 3; expected does not contain /secret=.*/");
    assert!(!format!("{:?}", answers.findings).contains("hunter2"));
}

#[test]
fn content_that_cannot_be_read_is_unknown() {
    for host in [x(0o644).unreadable("/etc/x"), accounts().special("/etc/x", FileKind::Fifo, 0o644)]
    {
        for condition in ["contains", "not_contains"] {
            let answers = must(&format!("{condition}: a")).on(&host);
            assert!(
                answers.to_string().starts_with(&format!("unknown {condition}")),
                "{answers:?}"
            );
        }
    }
    let large = accounts().file("/etc/x", 0o644, 0, 0, vec![b'a'; (16 << 20) + 1]);
    let answers = must("not_contains: b").on(&large);
    assert!(answers.to_string().starts_with("unknown not_contains"), "{answers:?}");
}

#[test]
fn the_name_service_may_know_the_user() {
    let mut carol = spotcheck::host::Target::user(&accounts(), "eve").unwrap().unwrap();
    carol.name = "carol".into();
    carol.uid = 2000;
    carol.origin = Origin::Nss;
    let host = x(0o640).account(carol).nss_group("devs", 50, &["carol"]);
    must("readable_by: carol").on(&host).passes();
}

#[test]
fn members_that_only_the_name_service_knows_can_write_too() {
    let shared = || accounts().file("/etc/x", 0o664, 0, 900, "");
    let words = must("writable_only_by: root").on(&shared().nss_group("devs", 900, &["carol"]));
    assert!(words.to_string().contains("carol: member of group devs"), "{words:?}");
    // Many a directory does not say who its members are.
    must("writable_only_by: root")
        .on(&shared().nss_group("devs", 900, &[]))
        .unknown_with("writable_only_by: members of group devs: its name service lists no members");
    must("writable_only_by: root").on(&shared()).passes();
    let closed = accounts().file("/etc/x", 0o644, 0, 900, "").nss_group("devs", 900, &[]);
    must("writable_only_by: root").on(&closed).passes();
}

#[test]
fn conditions_that_say_nothing_are_refused() {
    assert!(must("ownr: root").is_refused().contains("did you mean `owner`?"));
    assert!(file("etc/x", "exists: true").is_refused().contains("absolute path"));
    must("").is_refused();
    must("contains: '('").is_refused();
}

// --- real files ----------------------------------------------------------------------------------

#[test]
fn the_report_says_what_is_wrong_with_a_file_and_how_to_repair_it() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must("mkdir -m 0750 '/mnt/the shop' && echo key=1 > '/mnt/the shop/it'\\''s' && chmod 0666 /mnt/the*/it*");
    machine.write("/mnt/files.yaml", POLICY);
    insta::assert_snapshot!(scrubbed(&machine.run(&["check", "files.yaml"])), @r#"
    spotcheck on [host] · as root · [time]

    FAIL high its-mine  The shop's file belongs to the shop
      owner         /mnt/the shop/it's: root; expected daemon
      mode          /mnt/the shop/it's: 0666; expected at most 0640
      readable_by   /mnt/the shop/it's: nobody cannot: /mnt/the shop: other class has ---, x is needed to pass; expected readable by nobody
      not_contains  /mnt/the shop/it's: /^key=/ in line 1; expected does not contain /^key=/
      repair        chown daemon '/mnt/the shop/it'\''s'
      repair        chmod g-w,o-rw '/mnt/the shop/it'\''s'
      repair        setfacl -m u:nobody:x '/mnt/the shop'
      verify        spotcheck check files.yaml --rule its-mine
      policy        files.yaml:4

    2 rules, 7 conditions: 4 violated, 3 hold · exit 1
    exited 1
    "#);
}

#[test]
fn the_report_says_first_how_much_cannot_be_seen_without_root() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must("mkdir -m 0700 '/mnt/the shop' && echo key=1 > '/mnt/the shop/it'\\''s'");
    machine.write("/mnt/files.yaml", POLICY);
    insta::assert_snapshot!(scrubbed(&machine.run_as(65534, &["check", "files.yaml"])), @r#"
    spotcheck on [host] · as uid 65534 · [time]
    2 rules cannot be decided: without root 2 facts cannot be seen; run as root to decide

    UNKNOWN its-mine  The shop's file belongs to the shop
      owner, mode, readable_by, writable_only_by, not_contains  /mnt/the shop/it's: undecided: /mnt/the shop/it's: permission denied
      policy                                                    files.yaml:4

    UNKNOWN its-there  file /mnt/the shop/*
      exists  undecided: /mnt/the shop: permission denied; expected to exist
      policy  files.yaml:14

    2 rules, 2 conditions: 2 undecided · exit 2
    exited 2
    "#);
}

const POLICY: &str = r#"
policy: scene
rules:
  - id: its-mine
    title: The shop's file belongs to the shop
    severity: high
    file: /mnt/the shop/it's
    must:
      owner: daemon
      mode: { at_most: "0640" }
      readable_by: nobody
      writable_only_by: daemon
      not_contains: "^key="
  - id: its-there
    file: /mnt/the shop/*
    must: { type: file, size: { at_most: 1K } }
"#;

#[test]
fn of_what_is_not_to_be_there_nothing_else_is_asked() {
    let refused = must("exists: false, owner: root").is_refused();
    assert!(refused.contains("`owner` asks for something of what is not to be there"), "{refused}");
    must("any: [{ exists: false }, { owner: bob }]").on(&x(0o644)).passes();
}

#[test]
fn a_link_that_leads_nowhere_is_something_that_is_there() {
    let host = Memory::new().symlink("/etc/x", "/nowhere");
    assert_eq!(must("exists: false").on(&host).exit(), 1);
    assert_eq!(must("exists: true").on(&host).exit(), 1);
}

#[test]
fn a_class_of_chmod_is_no_user() {
    for word in ["other", "others", "world", "all", "everybody", "group", "owner"] {
        let refused = must(&format!("writable_by: {{ not: {word} }}")).is_refused();
        assert!(refused.contains(&format!("`{word}` is no user")), "{refused}");
    }
    let refused = must("readable_by: { not: [others] }").is_refused();
    assert!(refused.contains("o-r"), "{refused}");
    must("writable_only_by: [root, everybody]").is_refused();
}

#[test]
fn that_a_user_who_does_not_exist_cannot_write_proves_nothing() {
    assert_eq!(must("writable_by: { not: wwwdata }").on(&x(0o644)).exit(), 2);
    assert_eq!(must("writable_by: wwwdata").on(&x(0o644)).exit(), 1);
}

#[test]
fn a_type_may_be_one_of_several_or_none_of_some() {
    must("type: [file, directory]").on(&x(0o644)).passes();
    must("type: { not: symlink }").on(&x(0o644)).passes();
    assert_eq!(must("type: { not: [file, socket] }").on(&x(0o644)).exit(), 1);
    must("type: { not: link }").is_refused();
}

#[test]
fn slashes_around_an_expression_are_refused() {
    let refused = must("not_contains: /PermitRootLogin yes/").is_refused();
    assert!(refused.contains("slashes around a regular expression"), "{refused}");
    must("not_contains: '/usr/local/bin'").on(&x(0o644)).passes();
}

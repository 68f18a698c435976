//! `spotcheck import`: what comes of other tools' files, and that no change which violates the
//! original is one that the imported policy lets pass.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::Folder;
use spotcheck::checks::SUBJECTS;
use spotcheck::import::Import;
use spotcheck::policy::vars::Vars;
use spotcheck::policy::{Diagnostics, load};
use spotcheck::rules::plan::Plan;
use spotcheck::targets::memory::Memory;
use spotcheck::verdict::Outcome;
use std::path::Path;

fn imported(text: &str) -> (String, bool) {
    let mut import = Import::new();
    assert!(import.add(Path::new("foreign.yaml"), text).is_ok(), "{text}");
    let policy = import.policy("imported", SUBJECTS);
    (policy, import.left_out())
}

/// Whether the imported policy holds on a host.
fn holds(policy: &str, host: &Memory) -> bool {
    let mut problems = Diagnostics::default();
    let policies = load::load_text("imported.yaml", policy, &Vars::default(), &mut problems);
    let plan = Plan::compile(policies, SUBJECTS, &mut problems);
    let shown: Vec<_> = problems.into_sorted().iter().map(|one| one.render(false)).collect();
    assert!(shown.is_empty(), "{policy}\n{}", shown.join("\n"));
    let findings = plan.evaluate(host);
    assert!(!findings.is_empty(), "{policy}");
    findings.iter().all(|finding| finding.assertion.outcome == Outcome::Pass)
}

const GOSS: &str = r#"
file:
  /etc/app.conf:
    exists: true
    mode: "0640"
    owner: root
    group: root
    contents: ["port 80", "/^user\\s+web$/", "!/^debug/"]
  /etc/dir: { filetype: directory, mode: "0755" }
  /etc/link: { filetype: symlink, mode: "0777", linked-to: /etc/app.conf }
  /etc/gone: { exists: false }
user:
  web: { exists: true, uid: 33, groups: [web], home: /srv, shell: /bin/false }
group:
  web: { exists: true, gid: 33 }
"#;

const APP: &str = "port 80\nuser  web\n";

fn without_app() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .file(
            "/etc/passwd",
            0o644,
            0,
            0,
            "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv:/bin/false\n",
        )
        .dir("/etc/dir", 0o755, 0, 0)
        .symlink("/etc/link", "/etc/app.conf")
}

fn healthy() -> Memory {
    without_app().file("/etc/app.conf", 0o640, 0, 0, APP)
}

const FILES: &str = r#"
file:
  /etc/app.conf:
    exists: true
    mode: "0640"
    owner: root
    contents: ["port 80", "/^user\\s+web$/", "!/^debug/"]
  /etc/dir: { filetype: directory, mode: "0755" }
  /etc/link: { filetype: symlink, mode: "0777", linked-to: /etc/app.conf }
  /etc/gone: { exists: false }
"#;

#[test]
fn every_change_that_goss_would_tell_is_told() {
    let (policy, left) = imported(FILES);
    assert!(!left, "{policy}");
    assert!(holds(&policy, &healthy()), "{policy}");
    let app = |mode, uid, text: &str| without_app().file("/etc/app.conf", mode, uid, 0, text);
    let elsewhere = || without_app().file("/etc/other", 0o640, 0, 0, APP);
    let mutants: Vec<(&str, Memory)> = vec![
        ("removed", without_app()),
        ("mode", app(0o644, 0, APP)),
        ("setuid", app(0o4640, 0, APP)),
        ("owner", app(0o640, 33, APP)),
        ("text gone", app(0o640, 0, "user web\n")),
        ("line gone", app(0o640, 0, "port 80\n")),
        ("across two lines", app(0o640, 0, "port 80\nuser\nweb\n")),
        ("what should not be there", app(0o640, 0, "port 80\nuser web\ndebug on\n")),
        ("a link to a file that is right", elsewhere().symlink("/etc/app.conf", "/etc/other")),
        ("a link to nothing", without_app().symlink("/etc/app.conf", "/nowhere")),
        ("there after all", healthy().file("/etc/gone", 0o600, 0, 0, "")),
        ("there as a link to nothing", healthy().symlink("/etc/gone", "/nowhere")),
    ];
    for (what, mutant) in mutants {
        assert!(!holds(&policy, &mutant), "{what} passes:\n{policy}");
    }
}

#[test]
fn a_mode_is_the_four_digits_that_goss_writes() {
    let mode = |mode: &str| imported(&format!("file: {{ /x: {{ mode: '{mode}' }} }}\n"));
    let host = |mode| Memory::new().user("root", 0, 0).file("/x", mode, 0, 0, "");
    let (policy, left) = mode("4755");
    assert!(!left, "{policy}");
    assert!(holds(&policy, &host(0o4755)), "{policy}");
    assert!(!holds(&policy, &host(0o755)), "{policy}");
    for never in ["04755", "644", "0999", "rw"] {
        assert!(mode(never).1, "{never}");
    }
}

#[test]
fn accounts_services_and_ports_are_carried_over_in_our_words() {
    let (policy, left) = imported(GOSS);
    assert!(!left, "{policy}");
    assert!(policy.contains("groups: { all: [web] }"), "{policy}");
    let (policy, _) = imported(
        "service:\n  nginx: { enabled: true, running: true }\n  x: { enabled: false }\n\
         port:\n  tcp:80: { listening: true }\n  tcp6:81: { listening: true, ip: ['::'] }\n",
    );
    for words in [
        "unit: nginx.service",
        "active: true",
        "state: { not: [enabled, enabled-runtime, static, alias, indirect, generated] }",
        "addresses: { any: ipv4 }",
        "addresses: { all: [\"::\"] }",
    ] {
        assert!(policy.contains(words), "{words}:\n{policy}");
    }
}

#[test]
fn what_there_is_no_word_for_is_listed_with_its_reason() {
    let (policy, left) = imported(
        "command:\n  echo hi: { exit-status: 0, stdout: [hi] }\n  \
         systemctl is-active ssh: { exit-status: 0 }\nhttp:\n  http://x: { status: 200 }\n\
         file:\n  /a: { md5: x, exists: true, contents: ['/a\\nb/'] }\n",
    );
    assert!(left);
    for words in [
        "# - command echo hi: spotcheck starts no process",
        "# - http http://x: spotcheck does not use the network",
        "# - file /a: md5: there is no key for it",
        "# - file /a: contents /a\\nb/: this expression cannot be kept within a line",
        "active: true",
    ] {
        assert!(policy.contains(words), "{words}:\n{policy}");
    }
}

#[test]
fn an_expression_of_a_whole_file_is_not_matched_line_by_line() {
    let test = |pattern: &str| {
        let text = format!(
            "schemaVersion: 2.0.0\nfileContentTests:\n  - name: a\n    path: /etc/app.conf\n    \
             expectedContents: ['{pattern}']\n"
        );
        holds(&imported(&text).0, &healthy())
    };
    assert!(test("^port"));
    assert!(test("user +web"));
    // Our own expressions match at every line.
    assert!(!test("^user"));
    assert!(!test("port 80$"));
}

#[test]
fn rights_as_go_writes_them_are_modes() {
    let test = |words: &str, mode: u16| {
        let text = format!(
            "schemaVersion: 2.0.0\nfileExistenceTests:\n  - {{ name: a, path: /x, {words} }}\n"
        );
        let host = Memory::new().user("root", 0, 0).file("/x", mode, 0, 0, "");
        holds(&imported(&text).0, &host)
    };
    assert!(test("permissions: '-rwxr-xr-x'", 0o755));
    assert!(!test("permissions: '-rwxr-xr-x'", 0o4755));
    assert!(!test("permissions: 'drwxr-xr-x'", 0o755));
    assert!(test("permissions: 'urwxr-xr-x'", 0o4755));
    assert!(test("isExecutableBy: any", 0o001));
    assert!(!test("isExecutableBy: any", 0o644));
    assert!(!test("isExecutableBy: owner", 0o011));
    assert!(test("uid: 0, gid: 0", 0o644));
    assert!(!test("uid: 1", 0o644));
    assert!(!test("shouldExist: false", 0o644));
}

#[test]
fn a_check_of_wazuh_is_a_rule_for_each_of_its_rules() {
    let sca = |condition: &str, rules: &str| {
        format!(
            "policy: {{ id: x }}\nchecks:\n  - id: 7\n    title: seven\n    \
             condition: {condition}\n    rules: {rules}\n"
        )
    };
    let (policy, left) = imported(&sca("all", "['f:/etc/app.conf -> r:^PORT\\s+80$', 'not f:/x']"));
    assert!(!left, "{policy}");
    assert!(holds(&policy, &healthy()), "{policy}");
    assert!(!holds(&policy, &healthy().file("/x", 0o600, 0, 0, "")));
    let (policy, _) = imported(&sca("none", "['f:/etc/app.conf -> r:^port']"));
    assert!(!holds(&policy, &healthy()), "{policy}");
    // Half of a check would mean less than the check.
    let (policy, left) = imported(&sca("all", "['f:/etc/app.conf', 'c:ls -> r:x']"));
    assert!(left && !policy.contains("/etc/app.conf"), "{policy}");
    let (_, left) = imported(&sca("any", "['f:/a', 'f:/b']"));
    assert!(left);
}

#[test]
fn whatever_stands_in_a_file_the_policy_has_no_errors() {
    for text in [
        "file:\n  '/a\"${x}\\\\b': { owner: '${y}', mode: '0999', group: [a], contents: ['${z}', '/(/'] }\n",
        "file:\n  ? /a\n  : { owner: !x }\n",
        "user:\n  'a:b': { uid: x }\nport:\n  tcp:99999: { listening: true }\n  x: {}\n",
        "package: [a]\nservice: a\nfile: { /a: 3 }\nmount: { a: { opts: ['defaults'] } }\n",
        "schemaVersion: 3\nmetadataTest: { cmd: 1, exposedPorts: [x], envVars: [{ key: a }] }\n",
        "policy: x\nchecks: [{ rules: [1, {}] }, 3, { condition: all, rules: ['f:/a -> r:[', 'p:'] }]\n",
        "kernel-param:\n  'a b': { value: { gt: x } }\nprocess:\n  '': { running: true }\n",
    ] {
        let mut import = Import::new();
        if import.add(Path::new("x.yaml"), text).is_err() {
            continue;
        }
        let policy = import.policy("x", SUBJECTS);
        let mut problems = Diagnostics::default();
        let policies = load::load_text("x.yaml", &policy, &Vars::default(), &mut problems);
        Plan::compile(policies, SUBJECTS, &mut problems);
        let shown: Vec<_> = problems.into_sorted().iter().map(|one| one.render(false)).collect();
        assert!(shown.is_empty(), "{policy}\n{}", shown.join("\n"));
    }
}

#[test]
fn the_command_says_by_its_exit_code_whether_all_was_carried_over() {
    let folder = Folder::with("file: { /etc/passwd: { exists: true } }\n");
    let whole = folder.run(&["import", "policy.yaml"]);
    assert_eq!(whole.status, Some(0), "{}", whole.stderr);
    assert!(whole.stdout.contains("file: /etc/passwd"), "{}", whole.stdout);
    let part = Folder::with("file: { /a: { exists: true, md5: x } }\n");
    assert_eq!(part.run(&["import", "policy.yaml"]).status, Some(2));
    let table = part.run(&["import", "--table", "policy.yaml"]);
    assert!(table.stdout.contains("exact"), "{}", table.stdout);
    let other = Folder::with("a: b\n");
    assert_eq!(other.run(&["import", "policy.yaml"]).status, Some(3));
}

#[test]
fn files_that_a_file_of_goss_names_are_read_once_and_told_where_they_cannot_be() {
    let folder = Folder::with("gossfile:\n  sub/a.yaml: {}\nfile: { /one: { exists: true } }\n");
    std::fs::create_dir(folder.path("sub")).unwrap();
    folder.write("sub/a.yaml", "gossfile: { b.yaml: {} }\nfile: { /two: { exists: true } }\n");
    folder.write("sub/b.yaml", "gossfile: { a.yaml: {}, x: { file: ../policy.yaml } }\nfile: { /three: { exists: true } }\n");
    let whole = folder.run(&["import", "policy.yaml"]);
    assert_eq!(whole.status, Some(0), "{}{}", whole.stdout, whole.stderr);
    for path in ["/one", "/two", "/three"] {
        assert_eq!(whole.stdout.matches(&format!("file: {path}\n")).count(), 1, "{}", whole.stdout);
    }
    folder.write("sub/b.yaml", "gossfile: { nowhere.yaml: {}, 'c*.yaml': {}, t.yaml: {} }\n");
    folder.write("sub/t.yaml", "{{ range .Vars }}\n");
    let part = folder.run(&["import", "policy.yaml"]);
    assert_eq!(part.status, Some(2), "{}", part.stdout);
    for told in ["gossfile nowhere.yaml: No such file", "a pattern: give its files", "a template"] {
        assert!(part.stdout.contains(told), "{told}: {}", part.stdout);
    }
}

#[test]
fn a_name_that_would_be_a_pattern_here_is_left_out() {
    let (policy, left) = imported("package: { 'nginx*': { installed: false } }\n");
    assert!(left && !policy.contains("package: "), "{policy}");
    let (policy, left) = imported("kernel-param: { 'net.*.x': { value: '1' } }\n");
    assert!(left && !policy.contains("sysctl: "), "{policy}");
}

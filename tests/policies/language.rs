//! What the words of a policy mean: values and operators, variables, includes, `when:`, exit codes.
//! Each test runs the real program on files that it has made itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Need, Output, needs};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// The scene: a file of five bytes, a link to it, and a configuration.
fn scene() -> Folder {
    let folder = Folder::new();
    folder.write("five", "12345").write("nginx.conf", NGINX);
    symlink("five", folder.path("link")).unwrap();
    folder
}

const NGINX: &str = "\
user www-data;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
events { worker_connections 1024; }
http { client_max_body_size 8m; server { listen 8080; } server { listen 8081; } }
";

fn report(output: &Output) -> Value {
    assert_eq!(output.stderr, "", "{output:#?}");
    serde_json::from_str(&output.stdout).expect("the report is JSON")
}

/// The findings of a policy, its `@` replaced by the scene's folder.
fn findings(folder: &Folder, policy: &str, args: &[&str]) -> Vec<Value> {
    folder.write("policy.yaml", policy.replace('@', &folder.text("")));
    let args = [&["check", "policy.yaml", "--format", "json"], args].concat();
    report(&folder.run(&args))["findings"].as_array().unwrap().clone()
}

/// The outcome of one condition of a subject of the scene, such as `file: @five` and `size: 5`.
fn outcome(subject: &str, condition: &str) -> String {
    let policy = format!(
        "policy: p\nvars: {{ five: 5 }}\nrules:\n  - id: r\n    {subject}\n    must:\n      {condition}\n"
    );
    let findings = findings(&scene(), &policy, &[]);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings[0]["outcome"].as_str().unwrap().to_owned()
}

/// Each of these conditions of a subject has this outcome.
fn all(wanted: &str, subject: &str, conditions: &[&str]) {
    for condition in conditions {
        assert_eq!(outcome(subject, condition), wanted, "{subject}, {condition}");
    }
}

const FIVE: &str = "file: @five";
const LINK: &str = "file: @link";
const CONFIG: &str = "config: @nginx.conf\n    format: nginx";
const ROOT: &str = "user: root";

#[test]
fn a_literal_is_that_very_value() {
    all("pass", FIVE, &["size: 5", "size: \"5\"", "size: ${five}", "type: file"]);
    all("fail", FIVE, &["size: 4", "type: directory"]);
    all("pass", CONFIG, &["user: www-data", "worker_processes: auto", "\"user\": 'www-data'"]);
    all("fail", CONFIG, &["user: www", "user: WWW-DATA", "user: root"]);
    all("pass", ROOT, &["uid: 0", "home: /root", "group: root", "group: 0"]);
}

#[test]
fn a_list_is_any_of_its_values() {
    all("pass", FIVE, &["size: [4, 5]", "size: [5]", "size: [{ at_least: 9 }, 5]"]);
    all("fail", FIVE, &["size: [4, 6]", "size: [{ at_least: 9 }, 4]"]);
    all("pass", CONFIG, &["user: [nginx, www-data]", "http.server.listen: [8080, 8081]"]);
    all("fail", CONFIG, &["user: [nginx, nobody]", "http.server.listen: [8080]"]);
}

#[test]
fn not_is_the_opposite() {
    all("pass", FIVE, &["size: { not: 4 }", "size: { not: [4, 6] }", "size: { not: { not: 5 } }"]);
    all("fail", FIVE, &["size: { not: 5 }", "size: { not: [4, 5] }"]);
    all("pass", CONFIG, &["user: { not: root }", "user: { not: [root, nobody] }"]);
    all("fail", CONFIG, &["user: { not: www-data }", "http.server.listen: { not: 8081 }"]);
    all("fail", ROOT, &["uid: { not: 0 }", "shell: { not: { matches: . } }"]);
}

#[test]
fn at_most_and_at_least_include_their_limit() {
    all("pass", FIVE, &["size: { at_most: 5 }", "size: { at_least: 5 }", "size: { at_most: 1K }"]);
    all("fail", FIVE, &["size: { at_most: 4 }", "size: { at_least: 6 }", "size: { at_least: 1K }"]);
    let connections = "events.worker_connections";
    all("pass", CONFIG, &[&format!("{connections}: {{ at_least: 512, at_most: 1024 }}")]);
    all("fail", CONFIG, &[&format!("{connections}: {{ at_least: 1025 }}")]);
    all("pass", CONFIG, &["http.client_max_body_size: { at_most: 8M }"]);
    all("fail", CONFIG, &["http.client_max_body_size: { at_most: 7M }"]);
    all("pass", ROOT, &["uid: { at_most: 0 }"]);
}

#[test]
fn what_is_no_number_is_neither_at_most_nor_at_least_but_unknown() {
    all("unknown", CONFIG, &["worker_processes: { at_most: 4 }", "error_log: { at_least: 1 }"]);
    all("unknown", CONFIG, &["worker_processes: { not: { at_most: 4 } }"]);
    // What is decided already needs no number.
    all("pass", CONFIG, &["worker_processes: [auto, { at_most: 4 }]"]);
}

#[test]
fn several_operators_must_all_hold() {
    all("pass", FIVE, &["size: { at_least: 1, at_most: 9, not: 6 }"]);
    all("fail", FIVE, &["size: { at_least: 1, at_most: 4 }", "size: { at_least: 1, not: 5 }"]);
}

#[test]
fn matches_finds_its_expression_anywhere_in_the_text() {
    all("pass", LINK, &["target: { matches: '^five$' }", "target: { matches: iv }"]);
    all("fail", LINK, &["target: { matches: '^ive' }", "target: { not: { matches: five } }"]);
    all("pass", CONFIG, &["user: { matches: '^www-' }", "error_log: { matches: '\\bnotice$' }"]);
    all("fail", CONFIG, &["user: { matches: '^data' }"]);
    all("pass", ROOT, &["home: { matches: '^/' }", "shell: [/none, { matches: . }]"]);
}

#[test]
fn matches_is_refused_where_a_value_is_no_text() {
    for (subject, condition) in [(FIVE, "size"), (FIVE, "owner"), (FIVE, "mode"), (ROOT, "uid")] {
        let rule = format!("{subject}\n    must: {{ {condition}: {{ matches: x }} }}");
        let policy = format!("policy: p\nrules:\n  - id: r\n    {}\n", rule.replace('@', "/"));
        let output = Folder::with(policy).run(&["lint", "policy.yaml"]);
        assert_eq!(output.status, Some(3), "{condition}");
        assert!(output.stderr.contains("`matches` means nothing"), "{}", output.stderr);
    }
}

#[test]
fn a_setting_says_contains_set_and_default() {
    all("pass", CONFIG, &["http.server.listen: { some: 8081 }", "pid: { set: false }"]);
    all("fail", CONFIG, &["http.server.listen: { some: 80 }", "user: { set: false }"]);
    all("fail", CONFIG, &["pid: x", "pid: { is: x, default: y }"]);
    all("pass", CONFIG, &["pid: { is: x, default: x }", "user: { is: www-data, default: x }"]);
}

/// The title of the one rule after all variables, as a way to see them.
fn title(folder: &Folder, head: &str, args: &[&str]) -> String {
    let policy = format!(
        "policy: p\n{head}\nrules:\n  - id: r\n    title: \"${{a}}\"\n    file: /\n    must: {{ type: directory }}\n"
    );
    findings(folder, &policy, args)[0]["title"].as_str().unwrap().to_owned()
}

#[test]
fn variables_are_replaced_in_any_scalar() {
    let policy = "\
policy: p
title: for ${who}
owner: ${who}
postmortem: { id: PM, title: t, measures: [\"about ${who}\"] }
vars: { who: web, name: five, size: 5 }
services: { one: { exe: \"/nonexistent/${who}\", user: \"${who}\" } }
rules:
  - id: r
    title: ${who} and ${who}
    measure: 1
    file: '@${name}'
    must: { size: [4, \"${size}\"] }
    why: '${who}${who}'
    corrective: [\"a ${who}\"]
    preventive: >-
      folded ${who}
    reference: [\"${who}(8)\"]
  - { id: s, service: one, must: { running: false } }
";
    let found = findings(&scene(), policy, &[]);
    let rule = &found[0];
    assert_eq!(rule["outcome"], "pass");
    assert_eq!(rule["title"], "web and web");
    assert_eq!(rule["owner"], "web");
    assert_eq!(rule["measures"][0], "about web");
    assert_eq!(rule["why"], "webweb");
    assert_eq!(rule["preventive"], "folded web");
    assert_eq!(rule["references"][0], "web(8)");
    let seen = found[1]["observed"].as_str().unwrap();
    assert!(seen.contains("/nonexistent/web"), "{seen}");
}

#[test]
fn two_dollars_stand_for_one_that_is_no_variable() {
    let folder = Folder::new();
    let of = |text: &str| {
        let policy = format!(
            "policy: p\nvars: {{ a: x }}\nrules:\n  - id: r\n    title: '{text}'\n    file: /\n    must: {{ type: directory }}\n"
        );
        findings(&folder, &policy, &[])[0]["title"].as_str().unwrap().to_owned()
    };
    assert_eq!(of("$${a} ${a}"), "${a} x");
    assert_eq!(of("$a $ {a} $$ a}"), "$a $ {a} $$ a}");
    assert_eq!(of("$${ not closed"), "${ not closed");
}

#[test]
fn the_value_of_a_variable_cannot_bring_in_anything_but_text() {
    let folder = Folder::new();
    for value in ["x, must: {}", "\"", "x\n    severity: low", "${a}", "*a", "# x", "$${b}"] {
        assert_eq!(title(&folder, "vars: { a: x }", &["--var", &format!("a={value}")]), value);
    }
}

#[test]
fn var_wins_over_vars_files_over_the_policy_over_its_includes() {
    let folder = Folder::new();
    folder.write("base.yaml", "policy: base\nvars: { a: include }\n");
    folder.write("one.yaml", "a: first file\n").write("two.yaml", "a: second file\n");
    let include = "include: base.yaml";
    let both = "include: base.yaml\nvars: { a: policy }";
    assert_eq!(title(&folder, include, &[]), "include");
    assert_eq!(title(&folder, both, &[]), "policy");
    assert_eq!(title(&folder, both, &["--vars", "one.yaml"]), "first file");
    let files = ["--vars", "one.yaml", "--vars", "two.yaml"];
    assert_eq!(title(&folder, both, &files), "second file");
    let all = [&["--var", "a=command line"], &files[..]].concat();
    assert_eq!(title(&folder, both, &all), "command line");
    assert_eq!(title(&folder, both, &["--var", "a=1", "--var", "a=2=3"]), "2=3");
    assert_eq!(title(&folder, include, &["--var", "a="]), "");
    // A policy need not have a value of its own.
    assert_eq!(title(&folder, "", &["--var", "a=only here"]), "only here");
}

#[test]
fn later_includes_win_over_earlier_ones() {
    let folder = Folder::new();
    folder.write("b.yaml", "policy: b\nvars: { a: from b }\n");
    folder.write("c.yaml", "policy: c\nvars: { a: from c }\n");
    assert_eq!(title(&folder, "include: [b.yaml, c.yaml]", &[]), "from c");
    assert_eq!(title(&folder, "include: [c.yaml, b.yaml]", &[]), "from b");
}

#[test]
fn an_include_brings_vars_services_and_rules_along() {
    let folder = Folder::new();
    folder.write(
        "sub/shared.yaml",
        "policy: shared\nvars: { kind: directory }\nservices: { web: { exe: /none } }\n\
         include: deeper\n",
    );
    folder.write(
        "sub/deeper/more.yaml",
        "policy: more\nvars: { more: \"true\" }\nservices: { mail: { exe: /none } }\nrules:\n  \
         - { id: of-more, file: /, must: { type: directory } }\n",
    );
    let policy = "\
policy: p
include: sub/shared.yaml
rules:
  - { id: a, file: /, must: { type: \"${kind}\" } }
  - { id: b, service: web, must: { running: false } }
  - { id: c, service: mail, must: { running: false } }
  - { id: d, title: \"${more}\", file: /, must: { exists: true } }
";
    let found = findings(&folder, policy, &[]);
    let rules: Vec<_> = found.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
    assert_eq!(rules, ["of-more", "a", "b", "c", "d"], "included rules come first");
    for finding in found.iter().filter(|finding| finding["subject"]["kind"] == "file") {
        assert_eq!(finding["outcome"], "pass", "{finding:#?}");
    }
}

#[test]
fn what_is_not_included_is_not_known() {
    let folder = Folder::new();
    folder.write("a.yaml", "policy: a\nvars: { x: 1 }\nservices: { web: { exe: /none } }\n");
    folder.write(
        "b.yaml",
        "policy: b\nrules:\n  - { id: r, title: \"${x}\", service: web, must: { running: true } }\n",
    );
    let output = folder.run(&["lint", "a.yaml", "b.yaml"]);
    assert_eq!(output.status, Some(3));
    assert!(output.stderr.contains("unknown variable `x`"), "{}", output.stderr);
    assert!(output.stderr.contains("there is no service `web`"), "{}", output.stderr);
}

/// Outcome and reason of a rule about `/` that applies only `when`.
fn when(folder: &Folder, when: &str, args: &[&str]) -> (String, String) {
    let policy = format!(
        "policy: p\nvars: {{ role: web }}\nrules:\n  - id: r\n    when: {when}\n    file: /\n    must: {{ type: directory }}\n"
    );
    let found = findings(folder, &policy, args);
    let text = |key: &str| found[0][key].as_str().unwrap_or_default().to_owned();
    (text("outcome"), text("reason"))
}

fn applies() -> (String, String) {
    ("pass".into(), String::new())
}

fn skipped(why: &str) -> (String, String) {
    ("skipped".into(), why.into())
}

#[test]
fn when_names_the_target() {
    let folder = Folder::new();
    assert_eq!(when(&folder, "{ target: host }", &[]), applies());
    assert_eq!(when(&folder, "{ target: image }", &[]), skipped("target is not image"));
}

#[test]
fn when_names_files_that_must_all_exist() {
    let folder = scene();
    let (there, missing) = (folder.text("five"), folder.text("none"));
    assert_eq!(when(&folder, &format!("{{ file: {there} }}"), &[]), applies());
    let why = format!("{missing} does not exist");
    assert_eq!(when(&folder, &format!("{{ file: {missing} }}"), &[]), skipped(&why));
    assert_eq!(when(&folder, &format!("{{ file: [{there}, {missing}] }}"), &[]), skipped(&why));
}

#[test]
fn when_names_the_distribution_or_one_it_is_like() {
    let folder = Folder::new();
    let release = fs::read_to_string("/etc/os-release").unwrap();
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    let id = value("ID");
    assert_eq!(when(&folder, &format!("{{ os: {id} }}"), &[]), applies());
    assert_eq!(when(&folder, &format!("{{ os: [plan9, {id}] }}"), &[]), applies());
    assert_eq!(when(&folder, &format!("{{ os: {{ matches: '^{id}$' }} }}"), &[]), applies());
    for like in value("ID_LIKE").split_whitespace() {
        assert_eq!(when(&folder, &format!("{{ os: {like} }}"), &[]), applies());
    }
    let why = format!("os is {id}, expected plan9");
    assert_eq!(when(&folder, "{ os: plan9 }", &[]), skipped(&why));
}

#[test]
fn when_not_an_os_excludes_what_is_like_it() {
    let folder = Folder::new();
    let release = fs::read_to_string("/etc/os-release").unwrap();
    let id = release.lines().find_map(|line| line.strip_prefix("ID=")).unwrap().trim_matches('"');
    assert_eq!(when(&folder, &format!("{{ os: {{ not: {id} }} }}"), &[]).0, "skipped");
    assert_eq!(when(&folder, "{ os: { not: plan9 } }", &[]), applies());
}

#[test]
fn when_names_variables() {
    let folder = Folder::new();
    assert_eq!(when(&folder, "{ var: { role: web } }", &[]), applies());
    assert_eq!(when(&folder, "{ var: { role: [db, web] } }", &[]), applies());
    let why = "role is web, not db";
    assert_eq!(when(&folder, "{ var: { role: db } }", &[]), skipped(why));
    let db = ["--var", "role=db"];
    assert_eq!(when(&folder, "{ var: { role: db } }", &db), applies());
}

#[test]
fn a_variable_that_only_when_asks_for_may_come_from_the_command_line() {
    let rule = "{ id: r, when: { var: { stage: live } }, file: /, must: { type: directory } }";
    let policy = format!("policy: p\nrules:\n  - {rule}\n");
    let found = findings(&Folder::new(), &policy, &["--var", "stage=live"]);
    assert_eq!(found[0]["outcome"], "pass");
}

#[test]
fn when_of_a_policy_goes_for_all_of_its_rules() {
    let policy = "\
policy: p
when: { target: image }
rules:
  - { id: a, file: /, must: { exists: false } }
  - { id: b, when: { target: host }, file: /, must: { exists: false } }
";
    let folder = Folder::with(policy);
    let found = findings(&folder, policy, &[]);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|finding| finding["outcome"] == "skipped"), "{found:#?}");
    assert_eq!(folder.run(&["check", "policy.yaml"]).status, Some(2));
}

#[test]
fn when_on_evidence_that_cannot_be_seen_is_unknown() {
    if !needs(&[Need::Root, Need::Command("setpriv")]) {
        return;
    }
    let folder = Folder::new();
    folder.write("closed/inside", "");
    fs::set_permissions(folder.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    let inside = folder.text("closed/inside");
    let rule =
        format!("{{ id: r, when: {{ file: {inside} }}, file: /, must: {{ owner: nobody }} }}");
    folder.write("policy.yaml", format!("policy: p\nrules:\n  - {rule}\n"));
    let output = folder.run_as(65_534, &["check", "policy.yaml", "--format", "json"]);
    assert_eq!(output.status, Some(2));
    let finding = &report(&output)["findings"][0];
    assert_eq!(finding["outcome"], "unknown");
    assert!(finding["reason"].as_str().unwrap().contains("denied"), "{finding:#?}");
}

/// The exit code of a check of rules about `/`: each is a severity and a demand.
fn exit(rules: &[(&str, &str)], args: &[&str]) -> Option<i32> {
    let mut policy = "policy: p\nrules:\n".to_owned();
    for (number, (severity, must)) in rules.iter().enumerate() {
        policy.push_str(&format!(
            "  - {{ id: r{number}, severity: {severity}, file: /, must: {{ {must} }} }}\n"
        ));
    }
    if rules.is_empty() {
        policy = "policy: p\nrules: []\n".to_owned();
    }
    Folder::with(policy).run(&[&["check", "policy.yaml"], args].concat()).status
}

const HOLDS: (&str, &str) = ("critical", "type: directory");
const LOW: (&str, &str) = ("low", "type: file");
const HIGH: (&str, &str) = ("high", "type: file");
/// No account has this name, so that nobody can say whether it is the owner.
const UNDECIDED: (&str, &str) = ("low", "readable_by: no-such-user-of-spotcheck");

#[test]
fn everything_holds_is_exit_0() {
    assert_eq!(exit(&[HOLDS, HOLDS], &[]), Some(0));
}

#[test]
fn a_violation_is_exit_1_whatever_else_there_is() {
    assert_eq!(exit(&[HOLDS, LOW], &[]), Some(1));
    assert_eq!(exit(&[HOLDS, UNDECIDED, LOW], &[]), Some(1));
}

#[test]
fn fail_on_counts_violations_from_that_severity_on() {
    for (least, wanted) in [("info", 1), ("low", 1), ("medium", 0), ("high", 0), ("critical", 0)] {
        assert_eq!(exit(&[HOLDS, LOW], &["--fail-on", least]), Some(wanted), "{least}");
    }
    assert_eq!(exit(&[LOW, HIGH], &["--fail-on", "high"]), Some(1));
    assert_eq!(exit(&[LOW, HIGH], &["--fail-on", "critical"]), Some(0));
}

#[test]
fn nothing_evaluated_is_exit_2() {
    assert_eq!(exit(&[], &[]), Some(2));
    let policy = "policy: p\nvars: { a: 1 }\n";
    assert_eq!(Folder::with(policy).run(&["check", "policy.yaml"]).status, Some(2));
    let rule = "{ id: r, when: { target: image }, file: /, must: { exists: true } }";
    let policy = format!("policy: p\nrules:\n  - {rule}\n");
    assert_eq!(Folder::with(policy).run(&["check", "policy.yaml"]).status, Some(2));
    let rule = "{ id: r, file: /nonexistent/x, absent: skip, must: { owner: root } }";
    let policy = format!("policy: p\nrules:\n  - {rule}\n");
    assert_eq!(Folder::with(policy).run(&["check", "policy.yaml"]).status, Some(2));
}

#[test]
fn the_exit_code_in_the_report_is_the_one_of_the_program() {
    for (policy, code) in [("type: directory", 0), ("type: file", 1)] {
        let policy = format!("policy: p\nrules:\n  - {{ id: r, file: /, must: {{ {policy} }} }}\n");
        let output = Folder::with(policy).run(&["check", "policy.yaml", "--format", "json"]);
        assert_eq!(output.status, Some(code));
        assert_eq!(report(&output)["exit_code"], code);
    }
}

#[test]
fn a_subject_that_does_not_exist_fails_unless_the_rule_says_skip() {
    for subject in ["file: /nonexistent", "user: nobody-at-all", "group: nobody-at-all"] {
        let rule = |absent: &str| {
            let exists = if subject.starts_with("file") { "owner: root" } else { "exists: true" };
            format!("policy: p\nrules:\n  - {{ id: r, {subject}{absent}, must: {{ {exists} }} }}\n")
        };
        let of = |absent: &str| findings(&Folder::new(), &rule(absent), &[])[0]["outcome"].clone();
        assert_eq!(of(""), "fail", "{subject}");
        assert_eq!(of(", absent: fail"), "fail", "{subject}");
        if subject.starts_with("file") {
            assert_eq!(of(", absent: skip"), "skipped", "{subject}");
        }
    }
}

#[test]
fn ports_are_written_as_docker_and_kubernetes_users_write_them() {
    let lint = |port: &str| {
        let rule = format!("{{ id: r, port: \"{port}\", must: {{ listening: false }} }}");
        Folder::with(format!("policy: p\nrules:\n  - {rule}\n"))
            .run(&["lint", "policy.yaml"])
            .status
    };
    for port in [
        "8080/tcp",
        "8080",
        "53/udp",
        "127.0.0.1:5432/tcp",
        "[::1]:5432/tcp",
        "[::]:80",
        "8000-8010/tcp",
        "0.0.0.0:1-65535/udp",
    ] {
        assert_eq!(lint(port), Some(0), "{port}");
    }
    for port in [
        "",
        "0",
        "65536",
        "80/TCP",
        "::1:80",
        "localhost:80",
        "10-9",
        "80,81",
        "-80",
        "+80",
        " 80",
        "80/tcp/udp",
        "[127.0.0.1]:80",
        "http",
    ] {
        assert_eq!(lint(port), Some(3), "{port}");
    }
}

#[test]
fn booleans_are_true_and_false_only() {
    let lint = |value: &str| {
        let rule = format!("{{ id: r, file: /, must: {{ exists: {value} }} }}");
        Folder::with(format!("policy: p\nrules:\n  - {rule}\n"))
            .run(&["lint", "policy.yaml"])
            .status
    };
    assert_eq!((lint("true"), lint("false")), (Some(0), Some(0)));
    for value in ["yes", "no", "on", "off", "True", "TRUE", "y", "1", "\"true\"", "~", "[true]"] {
        assert_eq!(lint(value), Some(3), "{value}");
    }
}

#[test]
fn the_same_file_named_twice_is_read_once() {
    let folder =
        Folder::with("policy: p\nrules:\n  - { id: r, file: /, must: { type: directory } }\n");
    symlink("policy.yaml", folder.path("link.yaml")).unwrap();
    let args = ["lint", "policy.yaml", "./policy.yaml", ".", "link.yaml"];
    let output = folder.run(&args);
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), "1 rule, no errors\n"));
}

#[test]
fn rule_evaluates_the_named_rules_alone() {
    let folder = Folder::with(
        "policy: p\nrules:\n  - { id: a, file: /, must: { type: directory } }\n  \
         - { id: b, file: /, must: { type: file } }\n  - { id: c, file: /, must: { type: fifo } }\n",
    );
    assert_eq!(folder.run(&["check", "policy.yaml", "--rule", "a"]).status, Some(0));
    let args = ["check", "policy.yaml", "--rule", "b", "--rule", "a", "--format", "json"];
    let report = report(&folder.run(&args));
    assert_eq!(report["summary"]["rules"], 2);
    assert_eq!(report["findings"][0]["rule"], "a", "in the order of the policy");
}

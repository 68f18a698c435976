//! Input that is wrong, hostile or unreadable: a clear message, exit 3, in time, and never a panic.
//! `Folder::run` fails a test when the program hangs, panics or is killed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Need, needs};
use insta::assert_snapshot;
use nix::sys::stat::Mode;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};

/// A policy without errors.
const GOOD: &str = "policy: good\nrules:\n  - { id: g, file: /, must: { type: directory } }\n";

/// What both `lint` and `check` say of `policy.yaml` in this folder.
fn refused(folder: &Folder) -> String {
    let said = refused_with(folder, &["lint", "policy.yaml"]);
    assert_eq!(said, refused_with(folder, &["check", "policy.yaml"]));
    said
}

fn refused_with(folder: &Folder, args: &[&str]) -> String {
    let output = folder.run(args);
    assert_eq!(output.status, Some(3), "{args:?}: {output:#?}");
    assert_eq!(output.stdout, "", "{args:?}");
    output.stderr
}

/// What is said of a policy with this content.
fn refused_content(content: impl AsRef<[u8]>) -> String {
    refused(&Folder::with(content))
}

#[test]
fn an_alias_bomb_is_refused_at_its_first_anchor() {
    let mut bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (name, inner) in ('b'..'z').zip('a'..) {
        let aliases = vec![format!("*{inner}"); 9].join(", ");
        bomb.push_str(&format!("{name}: &{name} [{aliases}]\n"));
    }
    assert_snapshot!(refused_content(bomb), @r"
    error: anchors are not allowed in policies
     --> policy.yaml:1:4
      |
    1 | a: &a [x, x, x, x, x, x, x, x, x]
      |    ^^
      |
      = help: use a variable: ${name}

    1 error; nothing was evaluated
    ");
}

#[test]
fn fifty_thousand_brackets_are_refused() {
    assert_snapshot!(refused_content("[".repeat(50_000)), @r"
    error: nested deeper than 32 levels
    --> policy.yaml:1:256

    1 error; nothing was evaluated
    ");
    let closed = "[".repeat(50_000) + &"]".repeat(50_000);
    assert!(refused_content(closed).contains("nested deeper than 32 levels"));
}

#[test]
fn fifty_thousand_braces_are_refused() {
    assert!(refused_content("{a: ".repeat(50_000)).contains("nested deeper than 32 levels"));
    assert!(refused_content("{".repeat(50_000)).contains("error"));
}

#[test]
fn deep_indentation_is_refused() {
    let ladder: String = (0..2_800).map(|depth| " ".repeat(depth) + "a:\n").collect();
    assert!(refused_content(ladder).contains("nested deeper than 32 levels"));
    assert!(refused_content("- ".repeat(50_000) + "x").contains("nested deeper than 32 levels"));
}

#[test]
fn invalid_utf8_names_the_line() {
    assert_snapshot!(refused_content(b"policy: p\ntitle: \xff\xfe\n"), @r"
    error: is not valid UTF-8, first in line 2
    --> policy.yaml

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_empty_file_is_no_policy() {
    assert_snapshot!(refused_content(""), @r"
    error: an empty file is no policy
     --> policy.yaml:1:1
      |
    1 |
      | ^

    1 error; nothing was evaluated
    ");
    assert!(refused_content("# nothing but a comment\n").contains("an empty file is no policy"));
    assert!(refused_content("---\n...\n").contains("error"));
}

#[test]
fn an_empty_file_is_told_among_other_errors() {
    let folder = Folder::new();
    folder.write("a.yaml", "policy: a\nx: y\n").write("b.yaml", "");
    let said = refused_with(&folder, &["lint", "."]);
    assert!(said.contains("unknown key `x`") && said.contains("an empty file is no policy"));
}

#[test]
fn a_folder_without_policies_is_refused() {
    let folder = Folder::new();
    folder.write("empty/readme.txt", "no policy").write("empty/.hidden.yaml", GOOD);
    assert_snapshot!(refused_with(&folder, &["check", "empty"]), @r"
    error: has no policy in it (no *.yaml or *.yml)
    --> empty

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_missing_path_is_refused() {
    assert_snapshot!(refused(&Folder::new()), @r"
    error: cannot be read: No such file or directory (os error 2)
    --> policy.yaml

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_fifo_is_refused_without_waiting_for_a_writer() {
    let folder = Folder::new();
    nix::unistd::mkfifo(&folder.path("policy.yaml"), Mode::from_bits_truncate(0o600)).unwrap();
    assert_snapshot!(refused(&folder), @r"
    error: is neither a regular file nor a folder
    --> policy.yaml

    1 error; nothing was evaluated
    ");
    assert!(refused_with(&folder, &["lint", "."]).contains("neither a regular file nor a folder"));
    let vars = refused_with(&folder, &["lint", "--vars", "policy.yaml"]);
    assert!(vars.contains("neither a regular file nor a folder"), "{vars}");
}

#[test]
fn devices_are_refused() {
    for device in ["/dev/null", "/dev/zero", "/dev/tty"] {
        let said = refused_with(&Folder::new(), &["lint", device]);
        assert!(said.contains(device), "{said}");
    }
}

#[test]
fn a_sparse_file_of_a_gibibyte_is_refused_unread() {
    let folder = Folder::new();
    fs::File::create(folder.path("policy.yaml")).unwrap().set_len(1 << 30).unwrap();
    assert_snapshot!(refused(&folder), @r"
    error: is larger than 4 MiB, the limit for a policy
    --> policy.yaml

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unreadable_file_or_folder_is_refused() {
    if !needs(&[Need::Root, Need::Command("setpriv")]) {
        return;
    }
    let folder = Folder::new();
    folder.write("policy.yaml", GOOD).write("folder/policy.yaml", GOOD).write("dir/in/b.yaml", "");
    for name in ["policy.yaml", "folder", "dir/in"] {
        fs::set_permissions(folder.path(name), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let mut all = String::new();
    for path in ["policy.yaml", "folder", "folder/policy.yaml", "dir"] {
        let output = folder.run_as(65_534, &["check", path]);
        assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""));
        all.push_str(&output.stderr);
    }
    assert_snapshot!(all, @r"
    error: cannot be read: Permission denied (os error 13)
    --> policy.yaml

    1 error; nothing was evaluated
    error: cannot be read: Permission denied (os error 13)
    --> folder

    1 error; nothing was evaluated
    error: cannot be read: Permission denied (os error 13)
    --> folder/policy.yaml

    1 error; nothing was evaluated
    error: cannot be read: Permission denied (os error 13)
    --> dir/in

    1 error; nothing was evaluated
    ");
}

#[test]
fn circles_of_includes_are_refused() {
    let folder = Folder::new();
    folder.write("policy.yaml", "policy: a\ninclude: b.yaml\n");
    folder.write("b.yaml", "policy: b\ninclude: [policy.yaml]\n");
    assert_snapshot!(refused(&folder), @r"
    error: includes in a circle: `policy.yaml` is being read already
     --> b.yaml:2:11
      |
    2 | include: [policy.yaml]
      |           ^^^^^^^^^^^

    1 error; nothing was evaluated
    ");
    let oneself = Folder::with("policy: a\ninclude: policy.yaml\n");
    assert!(refused(&oneself).contains("includes in a circle"));
    let own_folder = Folder::with("policy: a\ninclude: .\n");
    assert!(refused(&own_folder).contains("includes in a circle"));
}

#[test]
fn a_file_that_two_include_is_no_circle() {
    let folder = Folder::with("policy: a\ninclude: [b.yaml, c.yaml]\n");
    folder.write("b.yaml", "policy: b\ninclude: d.yaml\n");
    folder.write("c.yaml", "policy: c\ninclude: d.yaml\n");
    folder.write("d.yaml", "policy: d\n");
    assert_eq!(folder.run(&["lint", "policy.yaml"]).status, Some(0));
    assert_eq!(folder.run(&["lint", "."]).status, Some(0));
}

#[test]
fn a_chain_of_includes_ends_somewhere() {
    let folder = Folder::new();
    for number in 0..200 {
        let text = format!("policy: p{number}\ninclude: {}.yaml\n", number + 1);
        folder.write(&format!("{number}.yaml"), text);
    }
    folder.write("200.yaml", "policy: last\n");
    let said = refused_with(&folder, &["lint", "0.yaml"]);
    assert!(said.contains("more than 32 files deep"), "{said}");
}

#[test]
fn a_missing_include_is_refused() {
    assert_snapshot!(refused_content("policy: p\ninclude: [none.yaml, \"${x}.yaml\"]\n"), @r#"
    error: cannot include `none.yaml`: no such file or folder
     --> policy.yaml:2:11
      |
    2 | include: [none.yaml, "${x}.yaml"]
      |           ^^^^^^^^^ relative to this file

    error: variables are not known here
     --> policy.yaml:2:22
      |
    2 | include: [none.yaml, "${x}.yaml"]
      |                      ^^^^^^^^^^^
      |
      = help: an include is read before the variables, since it may bring some

    2 errors; nothing was evaluated
    "#);
}

#[test]
fn an_error_in_an_included_file_is_told_once() {
    let folder = Folder::with("policy: a\ninclude: [b.yaml, b.yaml]\n");
    folder.write("b.yaml", "policy: b\nx: y\n");
    assert_snapshot!(refused(&folder), @r#"
    error: unknown key `x`
     --> b.yaml:2:1
      |
    2 | x: y
      | ^
      |
      = help: known here: policy, title, owner, formerly, postmortem, include, vars, services, when, tags, waivers, drift, rules

    1 error; nothing was evaluated
    "#);
    // As often as it is asked for: a file that failed is no circle.
    folder.write("b.yaml", "policy: [b\n");
    assert!(!refused(&folder).contains("circle"));
}

#[test]
fn an_unknown_format_of_the_report_is_refused() {
    let folder = Folder::with(GOOD);
    let args = ["check", "policy.yaml", "--format", "nonsense"];
    assert_snapshot!(refused_with(&folder, &args), @r#"
    error: invalid value 'nonsense' for '--format <FORMAT>'
      [possible values: human, json, junit, sarif, github, gitlab, tap, markdown, checklist, prometheus, nagios, mail]

    For more information, try '--help'.
    "#);
    let args = ["check", "policy.yaml", "--format", "jsn"];
    assert!(refused_with(&folder, &args).contains("'json'"));
}

#[test]
fn an_output_without_its_path_or_format_is_refused() {
    let folder = Folder::with(GOOD);
    let of = |output| refused_with(&folder, &["check", "policy.yaml", "--output", output]);
    assert_snapshot!(of("json"), @r"error: --output takes FORMAT=PATH, found `json`");
    assert_snapshot!(of("json="), @r"error: --output takes FORMAT=PATH, found `json=`");
    assert_snapshot!(of("jsn=report"), @"error: --output: no format `jsn`; known are human, json, junit, sarif, github, gitlab, tap, markdown, checklist, prometheus, nagios");
    assert!(!folder.path("report").exists());
}

#[test]
fn an_output_that_cannot_be_written_is_told_after_the_report() {
    let folder = Folder::with(GOOD);
    let output = folder.run(&["check", "policy.yaml", "--output", "json=none/report"]);
    assert_eq!(output.status, Some(3));
    assert!(output.stdout.contains("holds"), "{}", output.stdout);
    assert_snapshot!(output.stderr, @"error: none/report: the report cannot be written: there is no such folder");
}

#[test]
fn an_unknown_rule_asks_for_the_close_one() {
    let folder = Folder::with(GOOD.replace("id: g", "id: root-is-a-folder"));
    let of = |rule| refused_with(&folder, &["check", "policy.yaml", "--rule", rule]);
    assert_snapshot!(of("root-is-a-fodler"), @r"error: no policy of this run has a rule `root-is-a-fodler`; did you mean `root-is-a-folder`?");
    assert_snapshot!(of("banana"), @r"error: no policy of this run has a rule `banana`");
}

#[test]
fn a_variable_of_the_command_line_has_to_be_one() {
    let folder = Folder::with(GOOD.replace("rules", "vars: { port: 80 }\nrules"));
    let of = |args: &[&str]| refused_with(&folder, &[&["check", "policy.yaml"], args].concat());
    assert_snapshot!(of(&["--var", "port"]), @r"
    error: --var takes NAME=VALUE, found `port`

    1 error; nothing was evaluated
    ");
    assert_snapshot!(of(&["--var", "=80"]), @r"
    error: --var takes NAME=VALUE, found `=80`

    1 error; nothing was evaluated
    ");
    assert_snapshot!(of(&["--var", "prot=80"]), @r"
    error: no policy of this run has a variable `prot`; did you mean `port`?

    1 error; nothing was evaluated
    ");
    assert!(of(&["--var"]).contains("NAME=VALUE"));
}

#[test]
fn a_file_of_variables_is_as_strict_as_a_policy() {
    let folder = Folder::with(GOOD.replace("rules", "vars: { port: 80 }\nrules"));
    let of = |content: &str| {
        folder.write("vars.yaml", content);
        refused_with(&folder, &["check", "policy.yaml", "--vars", "vars.yaml"])
    };
    assert_snapshot!(of("port: 81\nprot: 82\n"), @r"
    error: no policy of this run has a variable `prot`
     --> vars.yaml:2:1
      |
    2 | prot: 82
      | ^^^^ did you mean `port`?

    1 error; nothing was evaluated
    ");
    assert_snapshot!(of("port: [81]\n"), @r"
    error: expected a value, found a list
     --> vars.yaml:1:7
      |
    1 | port: [81]
      |       ^^^^

    1 error; nothing was evaluated
    ");
    assert_snapshot!(of("a b: 81\n"), @r"
    error: `a b` cannot be the name of a variable
     --> vars.yaml:1:1
      |
    1 | a b: 81
      | ^^^ letters, digits, - _ .

    1 error; nothing was evaluated
    ");
    assert!(of("").contains("no variable"));
    assert!(of("- 1\n").contains("expected variables"));
    let args = ["check", "policy.yaml", "--vars", "none.yaml"];
    assert!(refused_with(&folder, &args).contains("none.yaml"));
}

#[test]
fn usage_that_is_wrong_is_exit_3_and_help_is_exit_0() {
    let folder = Folder::new();
    for args in [
        &["chekc"][..],
        &[],
        &["check", "--no-such-option"],
        &["check", "--fail-on", "hihg"],
        &["check", "--quiet", "--verbose"],
        &["explain"],
        &["explain", "fiel"],
        &["schema", "nonsense"],
    ] {
        refused_with(&folder, args);
    }
    for args in [&["--help"][..], &["--version"], &["check", "--help"], &["help", "lint"]] {
        let output = folder.run(args);
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn circles_of_symbolic_links_are_refused() {
    let folder = Folder::new();
    symlink("policy.yaml", folder.path("policy.yaml")).unwrap();
    assert_snapshot!(refused(&folder), @r"
    error: cannot be read: Too many levels of symbolic links (os error 40)
    --> policy.yaml

    1 error; nothing was evaluated
    ");
    let folder = Folder::new();
    folder.write("sub/policy.yaml", GOOD);
    symlink("..", folder.path("sub/up")).unwrap();
    assert_snapshot!(refused_with(&folder, &["lint", "."]), @r"
    error: is a link back to ., a circle
    --> ./sub/up

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_link_to_nothing_in_a_folder_is_refused() {
    let folder = Folder::with(GOOD);
    symlink("/nonexistent/policy", folder.path("other.yaml")).unwrap();
    assert_snapshot!(refused_with(&folder, &["lint", "."]), @r"
    error: cannot be read: No such file or directory (os error 2)
    --> ./other.yaml

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_folder_deeper_than_anybody_looks_is_refused_not_left_out() {
    let folder = Folder::with(GOOD);
    folder.write(&format!("{}policy.yaml", "d/".repeat(20)), "policy: [\n");
    let said = refused_with(&folder, &["lint", "."]);
    assert!(said.contains("is more than 16 folders deep"), "{said}");
}

#[test]
fn a_whole_filesystem_is_no_folder_of_policies() {
    let folder = Folder::new();
    for number in 0..50_100 {
        fs::write(folder.path(&number.to_string()), "").unwrap();
    }
    let said = refused_with(&folder, &["lint", "."]);
    assert!(said.contains("has more than 50000 files and folders in it"), "{said}");
}

#[test]
fn huge_scalars_keys_and_lines_are_refused_with_short_messages() {
    let x = "x".repeat(3_000_000);
    let policies = [
        format!("policy: {x}\n"),
        format!("policy: \"{x}\"\n"),
        format!("policy: |\n  {x}\n"),
        format!("\"{x}\": p\n"),
        format!("{x}: p\n"),
        format!("policy: p\n{}a", " ".repeat(3_000_000)),
        format!("policy: p\nrules: [{{ id: a, file: {x}, must: {{ mode: {x} }} }}]\n"),
        format!("policy: p\n# {x}\nx: y\n"),
    ];
    for policy in policies {
        let said = refused_content(&policy);
        assert!(said.len() < 20_000, "{} bytes: {}…", said.len(), &said[..200]);
    }
}

#[test]
fn a_hundred_thousand_errors_are_counted_in_time() {
    let lines: String = (0..30_000).map(|i| format!("key-{i}: x\n")).collect();
    assert!(refused_content(format!("policy: p\n{lines}")).contains("30000 errors"));
    let flow: String = (0..30_000).map(|i| format!(", key-{i}: x")).collect();
    assert!(refused_content(format!("{{policy: p{flow}}}\n")).contains("30000 errors"));
    let rules = "- { id: r, file: x, must: { owner: [] } }\n".repeat(10_000);
    assert!(refused_content(format!("policy: p\nrules:\n{rules}")).contains("29999 errors"));
}

#[test]
fn more_values_than_a_policy_can_need_are_refused() {
    let items = "[a,a,a,a,a,a,a,a],".repeat(40_000);
    assert!(refused_content(format!("policy: p\nx: [{items}]\n")).contains("more than 200000"));
}

#[test]
fn variables_that_multiply_are_refused_before_the_memory_is_full() {
    let value = "v".repeat(100_000);
    let uses = r#""${a}","#.repeat(50_000);
    let head = format!("policy: p\nvars: {{ a: {value} }}\n");
    let policy = format!("{head}postmortem: {{ id: P, title: t, measures: [{uses}] }}\n");
    assert!(refused_content(policy).contains("the variables of this run make more than 16 MiB"));
    let policy = format!("{head}title: \"{}\"\n", "${a}".repeat(99));
    assert!(refused_content(policy).contains("too long after its variables were replaced"));
}

#[test]
fn control_characters_of_a_policy_never_reach_the_terminal() {
    let folder = Folder::new();
    let name = OsStr::from_bytes(b"\x1b[31m.yaml");
    fs::write(folder.as_ref().join(name), "policy: p\nx: y\n").unwrap();
    folder.write("a.yaml", "policy: \"\\e[31m\\u202e\\a\"\n\"k\\e[2J\": x\n");
    folder.write("b.yaml", "policy: p\u{202e}q\n");
    folder.write("c.yaml", b"policy: \x1b]0;title\x07\n");
    folder.write("d.yaml", "policy: d\rx: \u{9b}31m\n");
    let said = refused_with(&folder, &["lint", "."]);
    let raw = said.chars().find(|&c| (c.is_control() && c != '\n') || c == '\u{202e}');
    assert_eq!(raw, None, "{said:?}");
    assert_snapshot!(said, @r#"
    error: unknown key `x`
     --> ./\x1b[31m.yaml:2:1
      |
    2 | x: y
      | ^
      |
      = help: known here: policy, title, owner, formerly, postmortem, include, vars, services, when, tags, waivers, drift, rules

    error: expected a name of letters, digits, `-`, `_` and `.`, found `\x1b[31m\u{202e}\x07`
     --> ./a.yaml:1:9
      |
    1 | policy: "\e[31m\u202e\a"
      |         ^^^^^^^^^^^^^^^^

    error: unknown key `k\x1b[2J`
     --> ./a.yaml:2:1
      |
    2 | "k\e[2J": x
      | ^^^^^^^^
      |
      = help: known here: policy, title, owner, formerly, postmortem, include, vars, services, when, tags, waivers, drift, rules

    error: expected a name of letters, digits, `-`, `_` and `.`, found `p\u{202e}q`
     --> ./b.yaml:1:9
      |
    1 | policy: p�q
      |         ^^^

    error: not valid YAML: unexpected character: `\u{1b}'
     --> ./c.yaml:1:9
      |
    1 | policy: ?]0;title?
      |         ^

    error: not valid YAML: unexpected character: `\u{9b}'
     --> ./d.yaml:1:14
      |
    1 | policy: d?x: ¿31m
      |              ^

    6 errors; nothing was evaluated
    "#);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_are_read() {
    for text in [GOOD.replace('\n', "\r\n"), format!("\u{feff}{GOOD}")] {
        let output = Folder::with(text).run(&["lint", "policy.yaml"]);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
    }
    let wrong = GOOD.replace("type", "tpye").replace('\n', "\r\n");
    assert_snapshot!(refused_content(wrong), @r"
    error: unknown key `tpye`
     --> policy.yaml:3:31
      |
    3 |   - { id: g, file: /, must: { tpye: directory } }
      |                               ^^^^ did you mean `type`?

    1 error; nothing was evaluated
    ");
    let wrong = "\u{feff}polciy: p\n";
    assert_snapshot!(refused_content(wrong), @r"
    error: a policy begins with its name
     --> policy.yaml:1:1
      |
    1 | polciy: p
      | ^
      |
      = help: add a line such as `policy: web-stack`

    error: unknown key `polciy`
     --> policy.yaml:1:1
      |
    1 | polciy: p
      | ^^^^^^ did you mean `policy`?

    2 errors; nothing was evaluated
    ");
}

#[test]
fn a_closed_standard_output_ends_quietly() {
    let script = "set -o pipefail; \"$0\" checks | true; \"$0\" explain file | head -1 >&2";
    let folder = Folder::new();
    let output = std::process::Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_spotcheck")])
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
}

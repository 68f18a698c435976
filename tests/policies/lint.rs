//! What `spotcheck lint` says of wrong policies, word for word: each error with its place, the
//! line, a caret, and what was probably meant.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::Folder;
use insta::assert_snapshot;

/// The errors of one policy. It has to have some.
fn lint(policy: &str) -> String {
    let output = Folder::with(policy).run(&["lint", "policy.yaml"]);
    assert_eq!(output.status, Some(3), "{output:#?}");
    assert_eq!(output.stdout, "");
    output.stderr
}

/// The errors of a policy of one rule, given without its id.
fn lint_rule(rule: &str) -> String {
    lint(&format!("policy: p\nrules:\n  - id: r\n    {}\n", rule.replace('\n', "\n    ")))
}

/// The errors of a rule about a file with these demands.
fn lint_must(must: &str) -> String {
    lint_rule(&format!("file: /etc/passwd\nmust: {must}"))
}

#[test]
fn a_policy_without_errors_says_how_many_rules_it_has() {
    let policy = "policy: p\nrules:\n  - { id: r, file: /, must: { owner: root } }\n";
    let output = Folder::with(policy).run(&["lint", "policy.yaml"]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), "1 rule, no errors\n"));
    assert_eq!(output.stderr, "");
}

#[test]
fn the_shipped_policies_have_no_errors() {
    let policies = concat!(env!("CARGO_MANIFEST_DIR"), "/policies");
    let output = Folder::new().run(&["lint", policies]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(Folder::new().run(&["lint"]).status, Some(0));
}

#[test]
fn an_unknown_key_of_a_policy_asks_for_the_close_one() {
    assert_snapshot!(lint("policy: p\nrulse: []\n"), @r"
    error: unknown key `rulse`
     --> policy.yaml:2:1
      |
    2 | rulse: []
      | ^^^^^ did you mean `rules`?

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unknown_key_of_a_rule_asks_for_the_close_one() {
    assert_snapshot!(lint_rule("file: /etc/passwd\nseverty: high\nmust: { owner: root }"), @r"
    error: unknown key `severty`
     --> policy.yaml:5:5
      |
    5 |     severty: high
      |     ^^^^^^^ did you mean `severity`?

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unknown_condition_asks_for_the_close_one() {
    assert_snapshot!(lint_must("{ onwer: root }"), @r"
    error: unknown key `onwer`
     --> policy.yaml:5:13
      |
    5 |     must: { onwer: root }
      |             ^^^^^ did you mean `owner`?

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unknown_operator_asks_for_the_close_one() {
    assert_snapshot!(lint_must("{ size: { atmost: 10M } }"), @r"
    error: unknown key `atmost`
     --> policy.yaml:5:21
      |
    5 |     must: { size: { atmost: 10M } }
      |                     ^^^^^^ did you mean `at_most`?

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unknown_key_that_is_close_to_nothing_lists_what_is_known() {
    assert_snapshot!(lint("policy: p\nbanana: []\n"), @r#"
    error: unknown key `banana`
     --> policy.yaml:2:1
      |
    2 | banana: []
      | ^^^^^^
      |
      = help: known here: policy, title, owner, formerly, postmortem, include, vars, services, when, tags, waivers, drift, rules

    1 error; nothing was evaluated
    "#);
}

#[test]
fn columns_are_counted_in_characters() {
    assert_snapshot!(lint("policy: p\npostmortem: { title: \"äöü €𝄞\", measure: [] }\n"), @r#"
    error: unknown key `measure`
     --> policy.yaml:2:32
      |
    2 | postmortem: { title: "äöü €𝄞", measure: [] }
      |                                ^^^^^^^ did you mean `measures`?

    1 error; nothing was evaluated
    "#);
}

#[test]
fn a_value_of_a_wrong_type_says_what_is_expected() {
    assert_snapshot!(lint("policy: [p]\nvars: x\nrules: { id: r }\n"), @r"
    error: expected a name, found a list
     --> policy.yaml:1:9
      |
    1 | policy: [p]
      |         ^^^

    error: expected variables and their values, found `x`
     --> policy.yaml:2:7
      |
    2 | vars: x
      |       ^

    error: expected a list of rules, found a mapping
     --> policy.yaml:3:8
      |
    3 | rules: { id: r }
      |        ^^^^^^^^^

    3 errors; nothing was evaluated
    ");
}

#[test]
fn a_number_that_is_none_is_refused() {
    assert_snapshot!(lint_must("{ size: { at_most: lots } }"), @r"
    error: expected a size in bytes, found `lots`
     --> policy.yaml:5:30
      |
    5 |     must: { size: { at_most: lots } }
      |                              ^^^^ such as 512, 4K, 10M or 2G

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_operator_that_means_nothing_for_the_type_is_refused() {
    assert_snapshot!(lint_must("{ owner: { at_most: root }, size: { matches: x } }"), @r"
    error: `at_most` means nothing for a name or a numeric id
     --> policy.yaml:5:22
      |
    5 |     must: { owner: { at_most: root }, size: { matches: x } }
      |                      ^^^^^^^

    error: `matches` means nothing for a size in bytes
     --> policy.yaml:5:47
      |
    5 |     must: { owner: { at_most: root }, size: { matches: x } }
      |                                               ^^^^^^^

    2 errors; nothing was evaluated
    ");
}

#[test]
fn the_booleans_of_yaml_1_1_are_refused() {
    assert_snapshot!(lint_must("{ exists: yes }"), @r"
    error: expected true or false, found `yes`
     --> policy.yaml:5:21
      |
    5 |     must: { exists: yes }
      |                     ^^^ write true, without quotes

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_quoted_boolean_is_refused() {
    assert_snapshot!(lint_must("{ exists: \"true\" }"), @r#"
    error: expected true or false, found `true`
     --> policy.yaml:5:21
      |
    5 |     must: { exists: "true" }
      |                     ^^^^^^ write true, without quotes

    1 error; nothing was evaluated
    "#);
}

#[test]
fn a_duplicate_key_names_both_places() {
    assert_snapshot!(lint_must("\n  owner: root\n  owner: nobody"), @r"
    error: `owner` is given twice
     --> policy.yaml:7:7
      |
    6 |       owner: root
      |       ----- first given here
    7 |       owner: nobody
      |       ^^^^^ given again here

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_duplicate_rule_id_in_one_file_names_both_places() {
    let rule = "  - { id: r, file: /, must: { owner: root } }\n";
    assert_snapshot!(lint(&format!("policy: p\nrules:\n{rule}{rule}")), @r"
    error: two rules have the id `r`
     --> policy.yaml:4:11
      |
    3 |   - { id: r, file: /, must: { owner: root } }
      |           - first used here
    4 |   - { id: r, file: /, must: { owner: root } }
      |           ^

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_duplicate_rule_id_across_files_names_both_files() {
    let folder = Folder::new();
    let rules = "rules:\n  - { id: r, file: /, must: { owner: root } }\n";
    folder.write("a.yaml", format!("policy: a\n{rules}"));
    folder.write("b.yaml", format!("policy: b\n# another line\n{rules}"));
    let output = folder.run(&["lint", "a.yaml", "b.yaml"]);
    assert_eq!(output.status, Some(3));
    assert_snapshot!(output.stderr, @r"
    error: two rules have the id `r`
     --> b.yaml:4:11
      |
    4 |   - { id: r, file: /, must: { owner: root } }
      |           ^
      |
     ::: a.yaml:3:11
      |
    3 |   - { id: r, file: /, must: { owner: root } }
      |           - first used here

    1 error; nothing was evaluated
    ");
}

#[test]
fn two_policies_of_one_name_are_refused() {
    let folder = Folder::new();
    folder.write("a.yaml", "policy: p\n").write("b.yaml", "policy: p\n");
    assert_snapshot!(folder.run(&["lint", "a.yaml", "b.yaml"]).stderr, @r"
    error: two policies are called `p`
     --> b.yaml:1:1
      |
    1 | policy: p
      | ^^^^^^^^^
      |
     ::: a.yaml:1:1
      |
    1 | policy: p
      | --------- the other one

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unknown_variable_asks_for_the_close_one_and_draws_no_second_error() {
    assert_snapshot!(lint(
        "policy: p\nvars: { port: 8080 }\nrules:\n  - id: r\n    port: ${prot}/tcp\n    \
         must: { listening: true }\n"
    ), @r"
    error: unknown variable `prot`
     --> policy.yaml:5:11
      |
    5 |     port: ${prot}/tcp
      |           ^^^^^^^^^^^ did you mean `port`?
      |
      = help: define it under `vars:` or give it with --var prot=VALUE

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_variable_that_is_not_closed_says_how_to_write_a_literal_one() {
    assert_snapshot!(lint_rule("file: /etc/${name\nmust: { owner: root }"), @r"
    error: `${` without its `}`
     --> policy.yaml:4:11
      |
    4 |     file: /etc/${name
      |           ^^^^^^^^^^^
      |
      = help: write $${ for a literal ${

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_variable_in_a_variable_is_refused() {
    assert_snapshot!(lint("policy: p\nvars: { a: 1, b: \"${a}\" }\n"), @r#"
    error: a variable cannot use another variable
     --> policy.yaml:2:18
      |
    2 | vars: { a: 1, b: "${a}" }
      |                  ^^^^^^
      |
      = help: write the value out

    1 error; nothing was evaluated
    "#);
}

#[test]
fn an_unquoted_variable_in_braces_says_to_quote_it() {
    assert_snapshot!(lint(
        "policy: p\nvars: { port: 80 }\nrules:\n  - id: r\n    config: /etc/nginx/nginx.conf\n    \
         must: { http.server.listen: ${port} }\n"
    ), @r#"
    error: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'
     --> policy.yaml:6:34
      |
    6 |     must: { http.server.listen: ${port} }
      |                                  ^
      |
      = help: inside { } and [ ] quote a variable: "${name}"

    1 error; nothing was evaluated
    "#);
}

#[test]
fn a_text_with_a_colon_says_to_quote_it() {
    assert_snapshot!(lint("policy: p\ntitle: Why: because\n"), @r"
    error: not valid YAML: mapping values are not allowed in this context
     --> policy.yaml:2:11
      |
    2 | title: Why: because
      |           ^
      |
      = help: quote a text that has a colon in it; else look at the indentation

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unquoted_mode_with_a_comma_is_pointed_at_behind_the_comma() {
    let said = lint_must("{ owner: root, mode: u+rw,o-w }");
    assert!(said.contains("policy.yaml:5:37"), "{said}");
    assert_snapshot!(said, @r#"
    error: a comma inside { } ends the value
     --> policy.yaml:5:37
      |
    5 |     must: { owner: root, mode: u+rw,o-w }
      |                                     ^^^ this became a key of its own
      |
      = help: quote the whole mode, as in mode: "u+rw,o-w"

    1 error; nothing was evaluated
    "#);
}

#[test]
fn a_bare_decimal_mode_is_refused_with_both_of_its_readings() {
    assert_snapshot!(lint_must("{ mode: 416 }"), @r#"
    error: expected a mode, found `416`
     --> policy.yaml:5:19
      |
    5 |     must: { mode: 416 }
      |                   ^^^ `416` without a leading zero is a decimal number in YAML: write `mode: "0416"`, or `mode: "0640"` if the decimal number is meant

    1 error; nothing was evaluated
    "#);
}

#[test]
fn a_mode_that_looks_octal_but_lacks_its_zero_is_refused() {
    assert_snapshot!(lint_must("{ mode: 640 }"), @r#"
    error: expected a mode, found `640`
     --> policy.yaml:5:19
      |
    5 |     must: { mode: 640 }
      |                   ^^^ `640` without a leading zero is a decimal number in YAML: write `mode: "0640"`, or `mode: "1200"` if the decimal number is meant

    1 error; nothing was evaluated
    "#);
}

#[test]
fn octal_modes_are_octal_quoted_or_not() {
    for mode in ["0640", "\"0640\"", "'640'", "0o640", "\"00640\""] {
        let rule =
            format!("policy: p\nrules:\n  - {{ id: r, file: /, must: {{ mode: {mode} }} }}\n");
        let output = Folder::with(&rule).run(&["lint", "policy.yaml"]);
        assert_eq!(output.status, Some(0), "{mode}: {}", output.stderr);
    }
}

#[test]
fn a_mode_with_a_digit_that_is_not_octal_is_refused() {
    assert_snapshot!(lint_must("{ mode: \"0689\" }"), @r#"
    error: expected a mode, found `0689`
     --> policy.yaml:5:19
      |
    5 |     must: { mode: "0689" }
      |                   ^^^^^^ `8` in `0689` is not an octal digit: use 0 to 7

    1 error; nothing was evaluated
    "#);
}

#[test]
fn an_unknown_service_asks_for_the_close_one() {
    assert_snapshot!(lint(
        "policy: p\nservices: { nginx: { exe: /usr/sbin/nginx } }\nrules:\n  - id: r\n    \
         service: ngnix\n    must: { running: true }\n"
    ), @r"
    error: there is no service `ngnix` in this policy
     --> policy.yaml:5:14
      |
    5 |     service: ngnix
      |              ^^^^^ did you mean `nginx`?
      |
      = help: define it: services: { ngnix: { exe: /usr/sbin/ngnix } }

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_service_that_nothing_finds_is_refused() {
    assert_snapshot!(lint("policy: p\nservices: { a: {}, b: { unit: nginx }, c: { exe: nginx } }\n"), @r"
    error: nothing says how to find this service
     --> policy.yaml:2:16
      |
    2 | services: { a: {}, b: { unit: nginx }, c: { exe: nginx } }
      |                ^^
      |
      = help: give one or more of unit, exe, name, cmdline, pid_file, user

    error: `nginx` lacks the suffix of a unit
     --> policy.yaml:2:31
      |
    2 | services: { a: {}, b: { unit: nginx }, c: { exe: nginx } }
      |                               ^^^^^
      |
      = help: write nginx.service

    error: expected an absolute path, found `nginx`
     --> policy.yaml:2:50
      |
    2 | services: { a: {}, b: { unit: nginx }, c: { exe: nginx } }
      |                                                  ^^^^^

    3 errors; nothing was evaluated
    ");
}

#[test]
fn an_unknown_format_asks_for_the_close_one() {
    assert_snapshot!(lint_rule("config: /etc/x\nformat: ngnix\nmust: { a: b }"), @r"
    error: unknown format `ngnix`
     --> policy.yaml:5:13
      |
    5 |     format: ngnix
      |             ^^^^^ did you mean `nginx`?

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_bad_regular_expression_says_what_is_wrong() {
    assert_snapshot!(lint_must("{ contains: \"a(b\" }"), @r#"
    error: not a regular expression
     --> policy.yaml:5:23
      |
    5 |     must: { contains: "a(b" }
      |                       ^^^^^ unclosed group

    1 error; nothing was evaluated
    "#);
}

#[test]
fn a_regular_expression_that_grows_too_large_is_refused() {
    assert_snapshot!(lint_must("{ contains: \"(a{1000}){1000}\" }"), @r#"
    error: not a regular expression
     --> policy.yaml:5:23
      |
    5 |     must: { contains: "(a{1000}){1000}" }
      |                       ^^^^^^^^^^^^^^^^^ Compiled regex exceeds size limit of 1048576 bytes.

    1 error; nothing was evaluated
    "#);
}

#[test]
fn two_subjects_in_one_rule_are_refused() {
    assert_snapshot!(lint_rule("file: /etc/passwd\nuser: root\nmust: { exists: true }"), @r"
    error: a rule is about one thing; this is a second subject
     --> policy.yaml:5:5
      |
    5 |     user: root
      |     ^^^^
      |
      = help: make it a rule of its own, or a list of the one kind; for either of both write any_of

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_rule_without_a_subject_lists_the_subjects() {
    assert_snapshot!(lint_rule("severity: high\nmust: { owner: root }"), @r#"
    error: this rule has no subject
     --> policy.yaml:3:9
      |
    3 |   - id: r
      |         ^
      |
      = help: say what it is about: service, process, unit, package, sysctl, mount, kernel_module, boot_option, container, cron, port, listeners, file, config, user, group, accounts, files, root_executes, sudo, ssh_keys, drift, setuid, tree, image

    1 error; nothing was evaluated
    "#);
}

#[test]
fn a_misspelt_subject_is_found_beside_the_options_of_the_right_one() {
    assert_snapshot!(lint_rule("absent: skip\nflie: /etc/passwd\nmust: { owner: root }"), @r"
    error: unknown key `flie`
     --> policy.yaml:5:5
      |
    5 |     flie: /etc/passwd
      |     ^^^^ did you mean `file`?

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_rule_without_must_demands_nothing() {
    assert_snapshot!(lint_rule("file: /etc/passwd"), @r"
    error: this rule demands nothing
     --> policy.yaml:3:9
      |
    3 |   - id: r
      |         ^
      |
      = help: say under `must:` what has to hold

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_empty_must_demands_nothing() {
    assert_snapshot!(lint_must("{}"), @r"
    error: this rule demands nothing
     --> policy.yaml:5:11
      |
    5 |     must: {}
      |           ^^
      |
      = help: say under `must:` what has to hold

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_must_that_is_no_mapping_is_refused() {
    assert_snapshot!(lint_must("[owner, root]"), @r"
    error: expected conditions, such as { key: value }, found a list
     --> policy.yaml:5:11
      |
    5 |     must: [owner, root]
      |           ^^^^^^^^^^^^^

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_condition_that_demands_nothing_is_refused() {
    assert_snapshot!(lint_rule(
        "service: { exe: /usr/sbin/nginx }\nmust: { never_root: false, running: true }"
    ), @r"
    error: `false` demands nothing here
     --> policy.yaml:5:25
      |
    5 |     must: { never_root: false, running: true }
      |                         ^^^^^
      |
      = help: leave the condition out instead

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_empty_list_is_refused_where_it_would_hold_for_anything() {
    assert_snapshot!(lint_must("{ contains: { all: [] }, owner: [] }"), @r"
    error: expected at least one value, found an empty list
     --> policy.yaml:5:30
      |
    5 |     must: { contains: { all: [] }, owner: [] }
      |                              ^^

    error: expected at least one value, found an empty list
     --> policy.yaml:5:43
      |
    5 |     must: { contains: { all: [] }, owner: [] }
      |                                           ^^

    2 errors; nothing was evaluated
    ");
    assert_snapshot!(lint_rule("user: root\nmust: { member_of: { all: [] }, shell: { not: [] } }"), @r"
    error: expected at least one value, found an empty list
     --> policy.yaml:5:31
      |
    5 |     must: { member_of: { all: [] }, shell: { not: [] } }
      |                               ^^

    error: expected at least one value, found an empty list
     --> policy.yaml:5:51
      |
    5 |     must: { member_of: { all: [] }, shell: { not: [] } }
      |                                                   ^^

    2 errors; nothing was evaluated
    ");
    assert_snapshot!(lint_rule(
        "listeners: all\nmust: { only: [{ port: 22/tcp, by: [] }], root_alone: [] }"
    ), @r"
    error: expected who may hold it, found an empty list
     --> policy.yaml:5:40
      |
    5 |     must: { only: [{ port: 22/tcp, by: [] }], root_alone: [] }
      |                                        ^^

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_name_that_is_missing_is_no_number() {
    assert_snapshot!(lint_must("{ owner: \"\" }"), @r#"
    error: expected a name or a numeric id, found an empty text
     --> policy.yaml:5:20
      |
    5 |     must: { owner: "" }
      |                    ^^ a name is missing

    1 error; nothing was evaluated
    "#);
}

#[test]
fn what_a_setting_takes_is_told_in_full() {
    assert_snapshot!(lint_rule(
        "config: /etc/nginx/nginx.conf\nmust: { a: { is: b, not: c }, d: { exactl: x }, e: { default: x } }"
    ), @r"
    error: `is` cannot be combined with other demands
     --> policy.yaml:5:18
      |
    5 |     must: { a: { is: b, not: c }, d: { exactl: x }, e: { default: x } }
      |                  ^^
      |
      = help: only `default:` may stand beside it

    error: unknown key `exactl`
     --> policy.yaml:5:40
      |
    5 |     must: { a: { is: b, not: c }, d: { exactl: x }, e: { default: x } }
      |                                        ^^^^^^ did you mean `exactly`?

    error: expected what it must be, such as { is: 22, default: 22 }, found a mapping
     --> policy.yaml:5:56
      |
    5 |     must: { a: { is: b, not: c }, d: { exactl: x }, e: { default: x } }
      |                                                        ^^^^^^^^^^^^^^

    3 errors; nothing was evaluated
    ");
}

#[test]
fn a_measure_that_the_postmortem_lacks_is_refused() {
    assert_snapshot!(lint(
        "policy: p\npostmortem: { id: PM-1, title: t, measures: [one, two] }\nrules:\n  - id: r\n    \
         measure: [2, 3]\n    file: /\n    must: { owner: root }\n"
    ), @r"
    error: there is no measure 3
     --> policy.yaml:5:18
      |
    5 |     measure: [2, 3]
      |                  ^ the postmortem of this policy has 2

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_relative_path_is_refused() {
    assert_snapshot!(lint_rule("file: etc/passwd\nmust: { owner: root }"), @r"
    error: expected an absolute path, found `etc/passwd`
     --> policy.yaml:4:11
      |
    4 |     file: etc/passwd
      |           ^^^^^^^^^^

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_port_that_is_none_shows_how_ports_are_written() {
    assert_snapshot!(lint_rule("port: 80800/tcp\nmust: { listening: true }"), @r"
    error: expected a port, found `80800/tcp`
     --> policy.yaml:4:11
      |
    4 |     port: 80800/tcp
      |           ^^^^^^^^^ such as 8080/tcp, 53/udp, 127.0.0.1:5432/tcp, 8000-8010/tcp

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_rule_without_an_id_is_refused() {
    assert_snapshot!(lint("policy: p\nrules:\n  - file: /\n    must: { owner: root }\n"), @r"
    error: a rule without an id
     --> policy.yaml:3:5
      |
    3 |   - file: /
      |     ^^^^^^^
      |
      = help: give it a name that stays: `id: nginx-not-root`

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_policy_without_a_name_is_refused() {
    assert_snapshot!(lint("title: t\n"), @r"
    error: a policy begins with its name
     --> policy.yaml:1:1
      |
    1 | title: t
      | ^
      |
      = help: add a line such as `policy: web-stack`

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_unknown_severity_asks_for_the_close_one() {
    assert_snapshot!(lint_rule("severity: hihg\nfile: /\nmust: { owner: root }"), @r"
    error: unknown severity `hihg`
     --> policy.yaml:4:15
      |
    4 |     severity: hihg
      |               ^^^^ did you mean `high`?

    1 error; nothing was evaluated
    ");
}

#[test]
fn when_knows_its_keys_and_values() {
    assert_snapshot!(lint_rule(
        "when: { os: debian, target: hosst, fil: /x, var: { role: web } }\nfile: /\n\
         must: { owner: root }"
    ), @r"
    error: expected host or image, found `hosst`
     --> policy.yaml:4:33
      |
    4 |     when: { os: debian, target: hosst, fil: /x, var: { role: web } }
      |                                 ^^^^^

    error: unknown key `fil`
     --> policy.yaml:4:40
      |
    4 |     when: { os: debian, target: hosst, fil: /x, var: { role: web } }
      |                                        ^^^ did you mean `file`?

    error: unknown variable `role`
     --> policy.yaml:4:56
      |
    4 |     when: { os: debian, target: hosst, fil: /x, var: { role: web } }
      |                                                        ^^^^

    3 errors; nothing was evaluated
    ");
}

#[test]
fn an_alias_is_refused() {
    assert_snapshot!(lint("policy: p\nvars: { a: *x }\n"), @r"
    error: aliases are not allowed in policies
     --> policy.yaml:2:12
      |
    2 | vars: { a: *x }
      |            ^
      |
      = help: write the value out, or use a variable: ${name}

    1 error; nothing was evaluated
    ");
}

#[test]
fn an_anchor_is_refused_before_any_alias_of_it() {
    assert_snapshot!(lint("policy: p\nvars: { a: &x 1, b: *x }\n"), @r"
    error: anchors are not allowed in policies
     --> policy.yaml:2:12
      |
    2 | vars: { a: &x 1, b: *x }
      |            ^^
      |
      = help: use a variable: ${name}

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_tag_is_refused() {
    assert_snapshot!(lint("policy: !!str p\n"), @r"
    error: tags are not allowed in policies
     --> policy.yaml:1:9
      |
    1 | policy: !!str p
      |         ^^^^^
      |
      = help: leave it out: every condition knows what type of value it takes

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_merge_key_is_refused() {
    assert_snapshot!(lint("policy: p\nvars:\n  <<: { a: 1 }\n"), @r"
    error: merge keys are not allowed in policies
     --> policy.yaml:3:3
      |
    3 |   <<: { a: 1 }
      |   ^^

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_second_document_is_refused() {
    assert_snapshot!(lint("policy: p\n---\npolicy: q\n"), @r"
    error: a second document in one file
     --> policy.yaml:2:1
      |
    2 | ---
      | ^^^
      |
      = help: give every policy a file of its own

    1 error; nothing was evaluated
    ");
}

#[test]
fn a_key_that_is_no_word_is_refused() {
    assert_snapshot!(lint("policy: p\nvars: { [a]: b }\n"), @r"
    error: a key must be a word
     --> policy.yaml:2:9
      |
    2 | vars: { [a]: b }
      |         ^

    1 error; nothing was evaluated
    ");
}

#[test]
fn errors_of_several_files_come_in_one_go_sorted_by_place() {
    let folder = Folder::new();
    folder.write("b.yaml", "policy: b\nowenr: x\nrules:\n  - { id: c, flie: /, must: { a: b } }\n");
    folder.write(
        "a.yaml",
        "policy: a\nrules:\n  - id: x y\n    file: /\n    must: { mod: \"0640\" }\n",
    );
    folder.write("c.yaml", "policy: [\n");
    folder.write("good.yaml", "policy: g\nrules:\n  - { id: g, file: /, must: { owner: root } }\n");
    let output = folder.run(&["lint", "good.yaml", "b.yaml", "c.yaml", "a.yaml", "none.yaml"]);
    assert_eq!(output.status, Some(3));
    assert_snapshot!(output.stderr, @r#"
    error: expected a name of letters, digits, `-`, `_` and `.`, found `x y`
     --> a.yaml:3:9
      |
    3 |   - id: x y
      |         ^^^

    error: unknown key `mod`
     --> a.yaml:5:13
      |
    5 |     must: { mod: "0640" }
      |             ^^^ did you mean `mode`?

    error: unknown key `owenr`
     --> b.yaml:2:1
      |
    2 | owenr: x
      | ^^^^^ did you mean `owner`?

    error: unknown key `flie`
     --> b.yaml:4:14
      |
    4 |   - { id: c, flie: /, must: { a: b } }
      |              ^^^^ did you mean `file`?

    error: not valid YAML: unclosed bracket '['
     --> c.yaml:1:9
      |
    1 | policy: [
      |         ^

    error: cannot be read: No such file or directory (os error 2)
    --> none.yaml

    6 errors; nothing was evaluated
    "#);
}

#[test]
fn one_wrong_rule_means_that_none_is_evaluated() {
    let folder = Folder::new();
    folder.write("good.yaml", "policy: g\nrules:\n  - { id: g, file: /, must: { owner: root } }\n");
    folder.write("bad.yaml", "policy: b\nrules:\n  - { id: b, file: /, must: { ownre: root } }\n");
    for args in [&["check", "."][..], &["check", ".", "--rule", "g", "--output", "json=out"]] {
        let output = folder.run(args);
        assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""));
        assert!(output.stderr.ends_with("1 error; nothing was evaluated\n"), "{}", output.stderr);
        assert!(!folder.path("out").exists());
    }
}

#[test]
fn more_errors_than_anybody_reads_are_counted() {
    let slips: String = (0..150).map(|i| format!("k{i}: x\n")).collect();
    let said = lint(&format!("policy: p\n{slips}"));
    assert_eq!(said.matches("error: unknown key").count(), 100);
    assert!(said.ends_with("150 errors (100 of them shown); nothing was evaluated\n"));
}

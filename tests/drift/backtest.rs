//! `spotcheck backtest`: on the recordings of the incident that are kept in `tests/recordings`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Output};
use insta::assert_snapshot;
use serde_json::Value;
use std::fs;

const BAD: [&str; 4] = ["--bad", "during.json.zst", "--bad", "as-root.json.zst"];
const GOOD: [&str; 2] = ["--good", "healthy.json.zst"];

/// The recordings of the incident, its policy, and others that are to be tried.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("nginx.yaml", include_str!("../../policies/nginx.yaml"));
    for name in ["during", "as-root", "healthy"] {
        let file = format!("{}/tests/recordings/1/{name}.json.zst", env!("CARGO_MANIFEST_DIR"));
        folder.write(&format!("{name}.json.zst"), fs::read(file).unwrap());
    }
    folder
}

fn rules(lines: &[&str]) -> String {
    let rules: Vec<String> = lines.iter().map(|line| format!("  - {{ {line} }}\n")).collect();
    format!(
        "policy: new\nservices: {{ nginx: {{ exe: /usr/sbin/nginx }} }}\nrules:\n{}",
        rules.concat()
    )
}

const OWNED: &str = "id: owned, file: /etc/nginx/nginx.conf, must: { owner: nginx }";
const HELD: &str = "id: held, port: 8080/tcp, must: { bound_by: nginx }";
/// Holds whatever happens.
const IDLE: &str = "id: idle, user: root, must: { uid: 0 }";
/// Violated whatever happens.
const LOUD: &str = "id: loud, user: root, must: { uid: 1 }";
/// Nobody has recorded that.
const OTHER: &str = "id: other, file: /etc/nginx/mime.types, must: { owner: nginx }";

fn test(policy: &str, args: &[&str]) -> Output {
    let folder = folder();
    folder.write("new.yaml", policy);
    folder.run(&[&["backtest", "new.yaml"], args].concat())
}

fn said(output: &Output) -> String {
    format!("{}{}exit {:?}", output.stdout, output.stderr, output.status)
}

#[test]
fn the_rules_of_the_incident_catch_it_and_are_silent_on_the_healthy_host() {
    let output = folder()
        .run(&[&["backtest", "nginx.yaml", "--every-rule"], BAD.as_slice(), &GOOD].concat());
    assert_snapshot!(said(&output), @"
    caught      bad   during.json.zst (spots-spot, 2026-11-01 11:02:11 UTC)
    caught      bad   as-root.json.zst (spots-spot, 2026-11-01 12:02:11 UTC)
    silent      good  healthy.json.zst (spots-spot, 2026-11-01 10:02:11 UTC)

    nginx-running (critical): would have caught 1 of 2 · false alarms 0 of 1
      during.json.zst: fires: service nginx: running: no process found by exe /usr/sbin/nginx
      as-root.json.zst: does not fire: everything it asks holds

    nginx-not-root (critical): would have caught 1 of 2 · false alarms 0 of 1
      during.json.zst: does not apply: no process of it runs
      as-root.json.zst: fires: service nginx: run_as: nginx (pids 211, 212); root (pid 210)

    nginx-port (critical): would have caught 1 of 2 · false alarms 0 of 1
      during.json.zst: fires: port 8080/tcp: bound_by: [::]:8080/tcp held by apache2 (/usr/sbin/apache2; unit apache2.service; root: pid 85; www-data: pids 86, 87; since 2026-11-01 11:02:10 UTC)
      as-root.json.zst: does not fire: everything it asks holds

    nginx-conf-owned (high): would have caught 1 of 2 · false alarms 0 of 1
      during.json.zst: fires: file /etc/nginx/nginx.conf: owner: root
      as-root.json.zst: does not fire: everything it asks holds

    nginx-settings (high): would have caught 1 of 2 · false alarms 0 of 1
      during.json.zst: fires: config /etc/nginx/nginx.conf: http.server.listen: listen 8081 (/etc/nginx/nginx.conf:13)
      as-root.json.zst: does not fire: everything it asks holds

    5 rules on 2 bad, 1 good, 0 of the history: as it should be · exit 0
    exit Some(0)
    ");
}

#[test]
fn a_rule_that_catches_nothing_is_told_and_counts_when_every_rule_has_to() {
    let policy = rules(&[OWNED, IDLE]);
    let during = ["--bad", "during.json.zst"];
    assert_snapshot!(said(&test(&policy, &during)), @"
    caught      bad   during.json.zst (spots-spot, 2026-11-01 11:02:11 UTC)

    owned (medium): would have caught 1 of 1
      during.json.zst: fires: file /etc/nginx/nginx.conf: owner: root

    idle (medium): would have caught 0 of 1
      during.json.zst: does not fire: everything it asks holds

    2 rules on 1 bad, 0 good, 0 of the history: as it should be · exit 0
    exit Some(0)
    ");
    assert_eq!(test(&policy, &[&during[..], &["--every-rule"]].concat()).status, Some(1));
    assert_eq!(
        test(&policy, &[&during[..], &["--every-rule", "--rule", "owned"]].concat()).status,
        Some(0)
    );
}

#[test]
fn an_incident_that_is_missed_fails_the_test() {
    assert_snapshot!(said(&test(&rules(&[IDLE]), &["--bad", "during.json.zst"])), @"
    MISSED      bad   during.json.zst (spots-spot, 2026-11-01 11:02:11 UTC)

    idle (medium): would have caught 0 of 1
      during.json.zst: does not fire: everything it asks holds

    1 rule on 1 bad, 0 good, 0 of the history: not as it should be · exit 1
    exit Some(1)
    ");
    // Each of several has to be caught.
    assert_eq!(test(&rules(&[OWNED]), &BAD).status, Some(1));
}

#[test]
fn a_false_alarm_fails_the_test() {
    assert_snapshot!(said(&test(&rules(&[LOUD]), &GOOD)), @"
    FALSE ALARM good  healthy.json.zst (spots-spot, 2026-11-01 10:02:11 UTC)

    loud (medium): false alarms 1 of 1
      healthy.json.zst: fires: user root: uid: 0

    1 rule on 0 bad, 1 good, 0 of the history: not as it should be · exit 1
    exit Some(1)
    ");
}

#[test]
fn what_a_recording_does_not_have_is_undecided_and_never_a_pass() {
    assert_snapshot!(said(&test(&rules(&[OTHER]), &[&GOOD[..], &["--bad", "during.json.zst"]].concat())), @"
    undecided   bad   during.json.zst (spots-spot, 2026-11-01 11:02:11 UTC)
    undecided   good  healthy.json.zst (spots-spot, 2026-11-01 10:02:11 UTC)

    other (medium): would have caught 0 of 1 · false alarms 0 of 1
      during.json.zst: undecided: /etc/nginx/mime.types: not in the recording; record again with this policy
      healthy.json.zst: undecided: /etc/nginx/mime.types: not in the recording; record again with this policy

    1 rule on 1 bad, 1 good, 0 of the history: not everything can be decided · exit 2
    exit Some(2)
    ");
    // Beside a rule that holds it is no more silent.
    assert_eq!(test(&rules(&[IDLE, OTHER]), &GOOD).status, Some(2));
    // An incident that another rule catches is caught.
    assert_eq!(test(&rules(&[OWNED, OTHER]), &["--bad", "during.json.zst"]).status, Some(0));
    assert_eq!(
        test(&rules(&[OWNED, OTHER]), &["--bad", "during.json.zst", "--every-rule"]).status,
        Some(2)
    );
    // Of what does not apply nothing is known either.
    let elsewhere = format!("when: {{ os: alpine }}\n{}", rules(&[IDLE]));
    assert_eq!(test(&elsewhere, &GOOD).status, Some(2));
}

/// [`folder`] with four recordings in a folder of their own.
fn with_history() -> Folder {
    let folder = folder();
    for (name, of) in [("1", "healthy"), ("2", "healthy"), ("3", "during"), ("4", "as-root")] {
        let recording = fs::read(folder.path(&format!("{of}.json.zst"))).unwrap();
        folder.write(&format!("history/{name}.json.zst"), recording);
    }
    folder
}

#[test]
fn the_page_shows_what_is_printed() {
    let folder = with_history();
    folder.write("new.yaml", rules(&[OWNED]));
    let command =
        "backtest new.yaml --bad during.json.zst --good healthy.json.zst --history history";
    let output = folder.run(&command.split(' ').collect::<Vec<_>>());
    let page = include_str!("../../docs/recordings.md");
    let shown = format!("```console\n$ spotcheck {command}\n{}```\n", output.stdout);
    assert!(page.contains(&shown), "docs/recordings.md does not show\n{shown}");
}

#[test]
fn over_a_history_it_is_counted_how_often_each_rule_would_have_fired() {
    let folder = with_history();
    folder
        .write("history/notes.txt", "no recording")
        .write("history/.spotcheck-x.json.zst", "half of one");
    folder.write("new.yaml", rules(&[HELD, IDLE]));
    let history = ["backtest", "new.yaml", "--history", "history"];
    assert_snapshot!(said(&folder.run(&history)), @"
    held (medium): would have fired 1 of 4 times

    idle (medium): would have fired 0 of 4 times

    2 rules on 0 bad, 0 good, 4 of the history: counted · exit 0
    exit Some(0)
    ");
    folder.write("history/5.json.zst", "broken");
    assert_snapshot!(said(&folder.run(&history)), @"
    unreadable  history/5.json.zst: not a recording of spotcheck

    held (medium): would have fired 1 of 4 times

    idle (medium): would have fired 0 of 4 times

    2 rules on 0 bad, 0 good, 4 of the history: not everything can be decided · exit 2
    exit Some(2)
    ");
    assert_snapshot!(said(&folder.run(&["backtest", "new.yaml", "--bad", "history/5.json.zst"])), @"
    error: recording history/5.json.zst: not a recording of spotcheck
    exit Some(3)
    ");
}

#[test]
fn a_history_that_does_not_tell_is_no_silence() {
    let folder = with_history();
    folder.write("new.yaml", rules(&[OTHER]));
    let history = ["--history", "history"];
    let test = |more: &[&str]| {
        folder.run(&[&["backtest", "new.yaml"][..], history.as_slice(), more].concat())
    };
    assert_snapshot!(said(&test(&[])), @"

    other (medium): would have fired 0 of 4 times, undecided 4
      history/1.json.zst: undecided: /etc/nginx/mime.types: not in the recording; record again with this policy
      history/2.json.zst: undecided: /etc/nginx/mime.types: not in the recording; record again with this policy
      history/3.json.zst: undecided: /etc/nginx/mime.types: not in the recording; record again with this policy
      history/4.json.zst: undecided: /etc/nginx/mime.types: not in the recording; record again with this policy

    1 rule on 0 bad, 0 good, 4 of the history: not everything can be decided · exit 2
    exit Some(2)
    ");
    // It does not hide what is worse, and is not hidden by what is well.
    folder.write("new.yaml", rules(&[OWNED, OTHER]));
    assert_eq!(test(&["--bad", "during.json.zst"]).status, Some(2));
    folder.write("new.yaml", rules(&[LOUD, OTHER]));
    assert_eq!(test(&GOOD).status, Some(1));
}

#[test]
fn the_report_for_programs_is_what_its_schema_says() {
    let folder = folder();
    let schema: Value = serde_json::from_str(&folder.run(&["schema", "backtest"]).stdout).unwrap();
    let args = [&["backtest", "nginx.yaml", "--format", "json"], BAD.as_slice(), &GOOD].concat();
    let report: Value = serde_json::from_str(&folder.run(&args).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}");
    let rule = &report["rules"][1];
    assert_eq!(
        (&report["exit_code"], &rule["rule"]),
        (&Value::from(0), &Value::from("nginx-not-root"))
    );
    assert_eq!(rule["measures"][0], "Run nginx with a less-privileged user");
    assert_snapshot!(serde_json::to_string_pretty(&rule["answers"]).unwrap(), @r#"
    [
      {
        "path": "during.json.zst",
        "answer": "not_applicable",
        "why": "no process of it runs"
      },
      {
        "path": "as-root.json.zst",
        "answer": "fires",
        "why": "service nginx: run_as: nginx (pids 211, 212); root (pid 210)"
      },
      {
        "path": "healthy.json.zst",
        "answer": "silent"
      }
    ]
    "#);
    assert_snapshot!(serde_json::to_string_pretty(&report["recordings"][0]).unwrap(), @r#"
    {
      "path": "during.json.zst",
      "role": "bad",
      "host": "spots-spot",
      "time": "2026-11-01T11:02:11Z",
      "verdict": "caught"
    }
    "#);
}

#[test]
fn bad_usage_is_told() {
    let folder = folder();
    folder.write("empty/x", "");
    let said: String = [
        vec!["backtest", "nginx.yaml"],
        vec!["backtest", "nginx.yaml", "--bad", "none.json.zst"],
        vec!["backtest", "nginx.yaml", "--history", "empty"],
        vec!["backtest", "nginx.yaml", "--good", "healthy.json.zst", "--rule", "nginx-prot"],
        vec!["backtest", "nginx.yaml", "--good", "healthy.json.zst", "--every-rule"],
        vec!["backtest", "none.yaml", "--good", "healthy.json.zst"],
    ]
    .iter()
    .map(|args| {
        let output = folder.run(args);
        assert_eq!((output.status, output.stdout.as_str()), (Some(3), ""), "{args:?}");
        output.stderr
    })
    .collect();
    assert_snapshot!(said, @"
    error: the following required arguments were not provided:
      --bad <RECORDING>

    Usage: spotcheck backtest --bad <RECORDING> <POLICY>...

    For more information, try '--help'.
    error: recording none.json.zst: No such file or directory (os error 2)
    error: empty: no recording (*.json.zst, *.json) is in it
    error: no policy of this run has a rule `nginx-prot`; did you mean `nginx-port`?
    error: the following required arguments were not provided:
      --bad <RECORDING>

    Usage: spotcheck backtest --bad <RECORDING> --good <RECORDING> --every-rule <POLICY>...

    For more information, try '--help'.
    error: cannot be read: No such file or directory (os error 2)
    --> none.yaml

    1 error; nothing was evaluated
    ");
}

//! Which rules of a run are evaluated: `--tags`, `--skip-tags`, `--severity`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::Command;

const POLICY: &str = "policy: tagged
tags: base
rules:
  - id: one
    severity: low
    tags: [web, slow]
    user: root
    must: { uid: 0 }
  - id: two
    severity: high
    user: root
    must: { uid: 0 }
";

/// Exit code, the ids of the rules that were evaluated, and what was said on standard error.
fn check(options: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, POLICY).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", path.to_str().unwrap(), "--format", "json"])
        .args(options)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let ids = ["one", "two"].into_iter().filter(|id| text.contains(&format!("\"{id}\"")));
    let ids = ids.map(str::to_owned).collect();
    (output.status.code(), ids, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn tags_choose_rules_by_their_own_and_their_policys_words() {
    for (options, ids) in [
        (vec![], vec!["one", "two"]),
        (vec!["--tags", "web"], vec!["one"]),
        (vec!["--tags", "web,base"], vec!["one", "two"]),
        (vec!["--skip-tags", "slow"], vec!["two"]),
        (vec!["--tags", "base", "--skip-tags", "web"], vec!["two"]),
        (vec!["--severity", "medium"], vec!["two"]),
    ] {
        let (exit, evaluated, errors) = check(&options);
        assert_eq!(
            (exit, evaluated),
            (Some(0), ids.iter().map(|id| (*id).to_owned()).collect()),
            "{options:?} {errors}"
        );
    }
}

#[test]
fn when_nothing_is_left_to_evaluate_that_is_no_success() {
    assert_eq!(check(&["--severity", "critical"]).0, Some(2));
    assert_eq!(check(&["--tags", "web", "--skip-tags", "slow"]).0, Some(2));
}

#[test]
fn a_tag_that_no_rule_has_is_a_slip() {
    let (exit, _, errors) = check(&["--tags", "wbe"]);
    assert_eq!(exit, Some(3));
    assert!(errors.contains("did you mean `web`?"), "{errors}");
}

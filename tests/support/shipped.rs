//! A shipped policy in its three states: good, each rule violated, absent.

use super::machine::{Machine, Output};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A rule, and a script that violates that one and no other.
pub type Violation = (&'static str, &'static str);

/// What a policy said.
pub struct Verdict {
    pub status: Option<i32>,
    /// The report for people, for messages.
    pub text: String,
    findings: Vec<Value>,
}

/// Where a shipped policy lies in this repository.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("policies/{name}.yaml"))
}

/// Evaluates a shipped policy inside a machine.
pub fn check(machine: &Machine, name: &str, more: &[&str]) -> Verdict {
    let inside = format!("policies/{name}.yaml");
    let text = std::fs::read_to_string(path(name)).expect("the policy can be read");
    machine.write(&format!("/mnt/{inside}"), &text);
    let run = |format: &[&str]| machine.run(&[&["check", &inside], format, more].concat());
    verdict(run(&["--format", "json"]), run(&[]).stdout)
}

fn verdict(json: Output, text: String) -> Verdict {
    let report: Value = serde_json::from_str(&json.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}{}", json.stdout, json.stderr));
    let findings = report["findings"].as_array().expect("findings").clone();
    Verdict { status: json.status, text, findings }
}

impl Verdict {
    /// The rules with a finding of this outcome.
    pub fn rules(&self, outcome: &str) -> BTreeSet<String> {
        let has = |finding: &&Value| finding["outcome"] == outcome;
        let name = |finding: &Value| finding["rule"].as_str().expect("a name").to_owned();
        self.findings.iter().filter(has).map(name).collect()
    }

    /// Everything holds, and every rule but those was decided.
    pub fn holds_except_skipped(&self, skipped: &[&str]) {
        assert_eq!(self.status, Some(0), "{}", self.text);
        let skipped: BTreeSet<String> = skipped.iter().map(|rule| (*rule).to_owned()).collect();
        assert_eq!(self.rules("skipped"), skipped, "{}", self.text);
    }

    /// Why this is not the verdict that a violation of this rule alone should lead to.
    fn is_not_told_by(&self, rule: &str) -> Option<&'static str> {
        let repairs = |finding: &Value| {
            finding["outcome"] == "fail"
                && finding["corrective"].as_array().is_some_and(|steps| !steps.is_empty())
        };
        if self.rules("fail") != BTreeSet::from([rule.to_owned()]) {
            return Some("not told by this rule alone");
        }
        if !self.rules("unknown").is_empty() {
            return Some("something is undecided");
        }
        if self.status != Some(1) {
            return Some("another exit code");
        }
        (!self.findings.iter().any(repairs)).then_some("no step repairs it")
    }

    /// Nothing of this policy applies: that is not a success, and the exit code says so.
    pub fn does_not_apply(&self) {
        assert_eq!(self.status, Some(2), "{}", self.text);
        assert_eq!(self.rules("pass"), BTreeSet::new(), "{}", self.text);
        assert_eq!(self.rules("fail"), BTreeSet::new(), "{}", self.text);
        assert_eq!(self.rules("unknown"), BTreeSet::new(), "{}", self.text);
    }
}

/// Violates each rule of a policy on a machine of its own. The rule has to say so, no other rule
/// may, and the finding has to say what to do. No rule of the policy may be left out.
pub fn each_violation_is_told_by_its_rule_alone(
    name: &str,
    stage: impl Fn() -> Machine,
    violations: &[Violation],
) {
    let problems: Vec<String> = violations
        .iter()
        .filter_map(|(rule, script)| {
            let machine = stage();
            machine.must(script);
            let verdict = check(&machine, name, &[]);
            let why = verdict.is_not_told_by(rule)?;
            Some(format!("{rule}: {why} after:\n{script}\n{}", verdict.text))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let tried: BTreeSet<&str> = violations.iter().map(|(rule, _)| *rule).collect();
    let text = std::fs::read_to_string(path(name)).expect("the policy can be read");
    let rules: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("  - id: ")).collect();
    assert_eq!(tried, rules, "every rule of {name} is violated once");
}

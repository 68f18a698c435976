//! What today's answers say about yesterday's violation.

use super::*;
use crate::facts::{Cause, Unknown};
use crate::policy::Diagnostics;
use crate::policy::library::HOST;
use crate::policy::load::load;
use crate::policy::vars::Vars;
use crate::rules::plan::Plan;
use crate::verdict::{Assertion, Subject};

const POLICY: &str = "policy: web\nrules:\n  \
    - { id: keys, file: '/k/*', must: { mode: '0600', owner: root } }\n  \
    - { id: other, file: /o, must: { owner: root } }\n";

/// The rules of a policy as a run knows them.
fn rules(text: &str) -> Vec<Arc<RuleInfo>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, text).unwrap();
    let mut problems = Diagnostics::default();
    let policies = load(&[file], &HOST, &Vars::default(), &mut problems);
    let plan = Plan::compile(policies, crate::checks::SUBJECTS, &mut problems);
    assert!(problems.is_empty());
    plan.rules().cloned().collect()
}

fn answer(rule: &Arc<RuleInfo>, name: &str, condition: &str) -> (Arc<RuleInfo>, Assertion) {
    (Arc::clone(rule), Assertion::of(&Subject::new("file", name), condition))
}

fn finding((rule, assertion): (Arc<RuleInfo>, Assertion)) -> Finding {
    Finding { rule, assertion }
}

fn blind() -> Unknown {
    Unknown::new("/k", Cause::PermissionDenied)
}

fn old(name: &str, condition: &str, asked: &str, implied: bool) -> Unsettled {
    let thing = Affected { kind: "file".into(), name: name.into() };
    let key = ItemKey { policy: "web".into(), rule: "keys".into(), thing: thing.clone() };
    Unsettled { key, condition: condition.into(), affected: thing, asked: asked.into(), implied }
}

fn look_in(text: &str, whole: bool, findings: &[Finding], old: &Unsettled) -> Look {
    let run = Run {
        host: "h",
        time: 0,
        machine: None,
        scope: "",
        exit: 0,
        whole,
        rules: rules(text),
        findings,
    };
    Answers::of(&run).look(old)
}

fn look(findings: &[Finding], old: &Unsettled) -> Look {
    look_in(POLICY, true, findings, old)
}

const ASKED: &str = "file /k/*";

#[test]
fn a_pass_by_name_holds_and_an_unknown_says_nothing() {
    let keys = &rules(POLICY)[0];
    let violation = old("/k/a", "mode", ASKED, false);
    let (rule, assertion) = answer(keys, "/k/a", "mode");
    let pass = finding((rule.clone(), assertion.clone().pass()));
    assert_eq!(look(&[pass], &violation), Look::Holds);
    let unknown = finding((rule, assertion.unknown(blind())));
    assert_eq!(look(&[unknown], &violation), Look::NotSeen);
}

#[test]
fn a_thing_that_is_gone_holds_only_when_its_whole_rule_was_decided() {
    let keys = &rules(POLICY)[0];
    let violation = old("/k/a", "mode", ASKED, false);
    let (rule, other) = answer(keys, "/k/b", "mode");
    let decided = finding((rule.clone(), other.clone().pass()));
    assert_eq!(look(std::slice::from_ref(&decided), &violation), Look::Holds);
    let unknown = finding((rule.clone(), other.clone().unknown(blind())));
    assert_eq!(look(&[decided.clone(), unknown], &violation), Look::NotSeen);
    let skipped = finding((rule, other.skipped("does not apply")));
    assert_eq!(look(&[decided, skipped], &violation), Look::NotSeen);
    assert_eq!(look(&[], &violation), Look::NotSeen);
}

#[test]
fn other_conditions_of_the_same_thing_say_nothing_about_this_one() {
    let keys = &rules(POLICY)[0];
    let (rule, assertion) = answer(keys, "/k/a", "exists");
    let missing = finding((rule, assertion.fail()));
    assert_eq!(look(&[missing], &old("/k/a", "mode", ASKED, false)), Look::NotSeen);
}

#[test]
fn a_thing_that_is_seen_exists_again() {
    let keys = &rules(POLICY)[0];
    let (rule, assertion) = answer(keys, "/k/a", "mode");
    let seen = finding((rule.clone(), assertion.clone().fail()));
    assert_eq!(look(&[seen], &old("/k/a", "exists", ASKED, true)), Look::Holds);
    let unseen = finding((rule, assertion.unknown(blind())));
    assert_eq!(look(&[unseen], &old("/k/a", "exists", ASKED, true)), Look::NotSeen);
}

#[test]
fn a_rule_that_went_or_asks_about_something_else_retires() {
    let violation = old("/k/a", "mode", ASKED, false);
    let without_rule = "policy: web\nrules:\n  - { id: other, file: /o, must: { owner: root } }\n";
    assert_eq!(look_in(without_rule, true, &[], &violation), Look::NotAsked);
    let other_path =
        "policy: web\nrules:\n  - { id: keys, file: '/l/*', must: { mode: '0600' } }\n";
    assert_eq!(look_in(other_path, true, &[], &violation), Look::NotAsked);
    let other_condition =
        "policy: web\nrules:\n  - { id: keys, file: '/k/*', must: { owner: root } }\n";
    assert_eq!(look_in(other_condition, true, &[], &violation), Look::NotAsked);
}

#[test]
fn a_run_of_some_rules_or_of_another_policy_says_nothing_about_the_others() {
    let violation = old("/k/a", "mode", ASKED, false);
    let without_rule = "policy: web\nrules:\n  - { id: other, file: /o, must: { owner: root } }\n";
    assert_eq!(look_in(without_rule, false, &[], &violation), Look::NotSeen);
    let other_policy = "policy: db\nrules:\n  - { id: other, file: /o, must: { owner: root } }\n";
    assert_eq!(look_in(other_policy, true, &[], &violation), Look::NotSeen);
}

//! A checklist of one run, without a ledger: every measure of the postmortems behind the policies,
//! ticked where it was seen to hold, with the work that the others take.

use super::words::sentence;
use super::{Report, Style};
use crate::actions::ItemKey;
use crate::actions::checklist::{Checklist, Group, Progress, Seen, Task, document};
use crate::actions::record::item_title;
use crate::actions::rule_status::RuleStatus;
use crate::prose;
use crate::verdict::measure::Measure;
use crate::verdict::{Finding, Outcome, Promises};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Most reasons for not knowing that are listed below a measure.
const NOTES: usize = 10;

/// Renders the report.
pub fn render(report: &Report, _: Style) -> String {
    prose::markdown(&document(&checklist(report)))
}

fn checklist(report: &Report) -> Checklist {
    let now = report.time.as_second();
    let mut groups = Vec::new();
    for (policy, promises) in promises(report) {
        for measure in &promises.measures {
            groups.push(group(report, policy, &promises, measure, now));
        }
    }
    let rest = || report.findings.iter().filter(|finding| finding.rule.measures.is_empty());
    let untold = rest().filter(|finding| finding.outcome() == Outcome::Unknown);
    let untold: Vec<String> = untold.take(NOTES).map(note).collect();
    let rest = tasks(rest());
    if !rest.is_empty() || !untold.is_empty() {
        groups.push(Group {
            policy: String::new(),
            postmortem: None,
            measure: None,
            rules: Vec::new(),
            progress: Progress::Violated { violations: rest.len() },
            tasks: rest,
            notes: untold,
        });
    }
    Checklist { time: now, scope: format!("What was seen on {}", report.host.name), groups }
}

/// The postmortems behind the policies of the run, in their order.
fn promises(report: &Report) -> Vec<(&str, Arc<Promises>)> {
    let mut all: Vec<(&str, Arc<Promises>)> = Vec::new();
    for rule in report.findings.iter().map(|finding| &finding.rule) {
        if let Some(promises) = &rule.promises
            && !all.iter().any(|(policy, _)| *policy == rule.policy)
        {
            all.push((&rule.policy, Arc::clone(promises)));
        }
    }
    all
}

fn group(report: &Report, policy: &str, promises: &Promises, measure: &Measure, now: i64) -> Group {
    let own = || {
        let serves = |f: &&Finding| f.rule.policy == policy && measure.rules.contains(&f.rule.id);
        report.findings.iter().filter(serves)
    };
    let seen = |rule: &String| {
        let findings: Vec<&Finding> = own().filter(|finding| finding.rule.id == *rule).collect();
        // A rule that was left out of the run has not been seen.
        let seen =
            || Seen { standing: RuleStatus::of(findings.iter().copied()), since: None, at: now };
        if findings.is_empty() { Vec::new() } else { vec![seen()] }
    };
    let rules: Vec<Vec<Seen>> = measure.rules.iter().map(seen).collect();
    let tasks = tasks(own());
    let violated = own().filter(|finding| finding.outcome() == Outcome::Fail);
    let live: std::collections::BTreeSet<ItemKey> = violated.map(ItemKey::of).collect();
    let untold = own().filter(|f| matches!(f.outcome(), Outcome::Unknown | Outcome::Skipped));
    Group {
        policy: policy.to_owned(),
        postmortem: Some(promises.name()),
        measure: Some(measure.text.clone()),
        rules: measure.rules.clone(),
        progress: Progress::of(&rules, live.len()),
        tasks,
        notes: untold.take(NOTES).map(note).collect(),
    }
}

/// Why something is not known, below what it keeps from being ticked.
fn note(finding: &Finding) -> String {
    format!("{}: {}", finding.rule.id, sentence(finding))
}

/// Violations as pieces of work: what is wrong with one thing, or has one cause, is one.
fn tasks<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Task> {
    let is_violated = |f: &&Finding| matches!(f.outcome(), Outcome::Fail | Outcome::Waived);
    let mut all: Vec<(ItemKey, Vec<&Finding>)> = Vec::new();
    let mut places: BTreeMap<ItemKey, usize> = BTreeMap::new();
    for finding in findings.filter(is_violated) {
        let key = ItemKey::of(finding);
        let place = *places.entry(key.clone()).or_insert(all.len());
        match all.get_mut(place) {
            Some((_, own)) => own.push(finding),
            None => all.push((key, vec![finding])),
        }
    }
    all.iter().filter_map(|(key, own)| task(key, own)).collect()
}

fn task(key: &ItemKey, own: &[&Finding]) -> Option<Task> {
    let first = own.first()?;
    let rule = &first.rule;
    let counting = own.iter().find(|finding| finding.outcome() != Outcome::Waived);
    let state = match first.reason() {
        Some(reason) if counting.is_none() => reason,
        _ => "violated".into(),
    };
    let mut corrective: Vec<String> = Vec::new();
    for step in own.iter().flat_map(|finding| finding.corrective()) {
        if !corrective.contains(step) {
            corrective.push(step.clone());
        }
    }
    Some(Task {
        id: None,
        done: false,
        title: item_title(key, own.iter().copied()),
        severity: rule.severity,
        kind: rule.action.kind,
        state,
        owner: rule.owner.clone(),
        due: None,
        overdue: false,
        evidence: own.iter().map(|finding| sentence(finding)).collect(),
        corrective,
        preventive: rule.preventive.clone(),
        verify: rule.verify(),
        links: rule.action.links.clone(),
    })
}

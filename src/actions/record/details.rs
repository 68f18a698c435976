//! What its rules say about an item, in the words of the day.

use super::Terms;
use super::bundles::{Bundle, Violation};
use crate::actions::items::evidence::{bounded, lasting};
use crate::actions::items::identity::{Affected, ItemKey};
use crate::actions::items::item::Texts;
use crate::actions::items::observe::Run;
use crate::policy::{ActionKind, Severity};
use crate::verdict::{Finding, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// Most violations that are told one by one, unless they are about rights.
pub(super) const LISTED: usize = 10;

/// What the rules say about an item today.
#[derive(PartialEq)]
pub(super) struct Details {
    pub(super) title: String,
    pub(super) demand: Option<String>,
    pub(super) kind: ActionKind,
    pub(super) severity: Severity,
    pub(super) owner: Option<String>,
    pub(super) verify: u32,
    pub(super) texts: String,
    /// Seconds until it is due; of what is written in the ledger nothing.
    pub(super) span: Option<i64>,
}

impl Details {
    /// `None` of no violation at all.
    pub(super) fn of(bundle: &Bundle, terms: &Terms, promised: &Promised) -> Option<Self> {
        let lead = bundle.lead()?;
        let rule = &lead.rule;
        let rules = || bundle.violations.iter().map(|(_, finding)| &finding.rule);
        let each = |of: fn(&crate::verdict::RuleInfo) -> &[String]| {
            let mut seen = BTreeSet::new();
            let all = rules().flat_map(|rule| of(rule)).filter(|one| seen.insert(one.as_str()));
            all.cloned().collect()
        };
        let texts = Texts {
            why: rule.why.clone(),
            corrective: bundle.corrective(),
            preventive: rule.preventive.clone(),
            command: rule.verify_from_anywhere(),
            measures: each(|rule| &rule.measures),
            postmortem: rule.postmortem.clone(),
            ties: each(|rule| &rule.ties),
            links: each(|rule| &rule.action.links),
            references: each(|rule| &rule.references),
            instead: instead(bundle),
        };
        Some(Self {
            title: promised.title(lead, &bundle.key, &bundle.violations),
            demand: rule.title.clone(),
            kind: rule.action.kind,
            severity: rules().map(|rule| rule.severity).max().unwrap_or(rule.severity),
            owner: terms.owner(rule),
            verify: rules().map(|rule| rule.action.verify).max().unwrap_or(1),
            // Texts alone: nothing that could fail.
            texts: serde_json::to_string(&texts).unwrap_or_default(),
            span: rules().filter_map(|rule| terms.span(rule)).min(),
        })
    }
}

/// What is instead of what was promised, without what will not be so tomorrow.
fn instead(bundle: &Bundle) -> String {
    let mut seen = BTreeSet::new();
    let mut words: Vec<String> = Vec::new();
    for (_, finding) in &bundle.violations {
        let assertion = &finding.assertion;
        if !assertion.observed.is_empty() && seen.insert(&assertion.condition) {
            let one = found(&assertion.condition, &lasting(&assertion.observed));
            if !words.contains(&one) {
                words.push(one);
            }
        }
    }
    bounded(&words.join(", "))
}

/// A condition with what is wanted, as it is said: `mode 0644`, `readable by www`, `runs as user nginx`.
fn wanted(condition: &str, words: &str) -> String {
    match (condition, words) {
        ("never_root", _) => "never as root".into(),
        ("run_as", words) => format!("runs as {words}"),
        ("exists", "to exist") => "exists".into(),
        ("exists" | "bound_by" | "deleted_executable", words) => words.into(),
        (condition, words) => with_condition(condition, words),
    }
}

/// What is instead: a value with its name, a sentence as it is.
fn found(condition: &str, words: &str) -> String {
    match words.contains(' ') {
        true => words.to_owned(),
        false => with_condition(condition, words),
    }
}

/// The condition is left out where the words say it themselves.
fn with_condition(condition: &str, words: &str) -> String {
    let name = condition.replace('_', " ");
    let first = |text: &str| text.split(' ').next().unwrap_or_default().to_owned();
    match words {
        "" => name,
        words if first(words) == first(&name) => words.to_owned(),
        words => format!("{name} {words}"),
    }
}

/// What rules without a title want of the things that they are violated by, condition by condition, in
/// the order of the policy: what holds of it is part of the promise.
#[derive(Default)]
pub(super) struct Promised(BTreeMap<(ItemKey, Affected), Vec<(String, String)>>);

impl Promised {
    /// What the violated rules of a run promise.
    pub(super) fn of(run: &Run) -> Self {
        let untitled = || run.findings.iter().filter(|finding| finding.rule.title.is_none());
        let key =
            |finding: &Finding| (ItemKey::of(finding), Affected::of(&finding.assertion.subject));
        let mut all = Self::default();
        for finding in untitled() {
            if matches!(finding.outcome(), Outcome::Fail | Outcome::Waived) {
                all.0.insert(key(finding), Vec::new());
            }
        }
        for finding in untitled().filter(|finding| finding.outcome().is_decided()) {
            let assertion = &finding.assertion;
            if let Some(wants) = all.0.get_mut(&key(finding)) {
                let want = (assertion.condition.clone(), assertion.expected.clone());
                if !wants.contains(&want) {
                    wants.push(want);
                }
            }
        }
        all
    }

    fn title(&self, lead: &Finding, key: &ItemKey, violations: &[Violation]) -> String {
        let own = ItemKey::of(lead);
        let affected = Affected::of(&lead.assertion.subject);
        match self.0.get(&(own, affected)) {
            Some(wants) if key.thing == Affected::of(&lead.assertion.subject) => {
                promise(lead, &key.thing, wants)
            }
            _ => item_title(key, violations.iter().map(|(_, finding)| finding.as_ref())),
        }
    }
}

/// The promise that is broken: the rule's title, else what it wants of the thing.
pub fn item_title<'a>(key: &ItemKey, findings: impl IntoIterator<Item = &'a Finding>) -> String {
    let mut wants: Vec<(String, String)> = Vec::new();
    let mut lead = None;
    for finding in findings {
        let assertion = &finding.assertion;
        let want = (assertion.condition.clone(), assertion.expected.clone());
        if !wants.contains(&want) {
            wants.push(want);
        }
        lead.get_or_insert(finding);
    }
    lead.map(|lead| promise(lead, &key.thing, &wants)).unwrap_or_default()
}

fn promise(lead: &Finding, thing: &Affected, wants: &[(String, String)]) -> String {
    let rule = &lead.rule;
    if lead.assertion.subject.kind == "drift" && thing.kind != "drift" {
        let promise = rule.title.as_ref().unwrap_or(&rule.id);
        return bounded(&format!("{promise}: {thing} has changed"));
    }
    match &rule.title {
        Some(title) if title.contains(&thing.name) => bounded(title),
        Some(title) => bounded(&format!("{title} ({thing})")),
        None => {
            let wants: Vec<String> =
                wants.iter().map(|(condition, words)| wanted(condition, words)).collect();
            bounded(&format!("{thing}: {}", wants.join(", ")))
        }
    }
}

fn observed(finding: &Finding) -> String {
    let assertion = &finding.assertion;
    let parts = [
        Some(assertion.observed.clone()).filter(|text| !text.is_empty()),
        Some(format!("expected {}", assertion.expected)).filter(|_| !assertion.expected.is_empty()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What is seen violated for the first time, or again, one in each line. All of them where they are
/// about rights.
pub(super) fn begun(violations: &[&Violation], thing: &Affected, dangerous: bool) -> Vec<String> {
    let most = if dangerous { usize::MAX } else { LISTED };
    let words = |(affected, finding): &Violation| {
        let words = format!("{}: {}", finding.assertion.condition, observed(finding));
        if affected == thing { words } else { format!("{affected}, {words}") }
    };
    // Two rules that want the same say the same.
    let mut lines: Vec<String> = Vec::new();
    let mut seen = BTreeSet::new();
    for line in violations.iter().map(|violation| words(violation)) {
        if seen.insert(line.clone()) {
            lines.push(line);
        }
    }
    if let Some(more) = lines.len().checked_sub(most).filter(|more| *more > 0) {
        lines.truncate(most);
        lines.push(format!("and {more} more"));
    }
    lines
}

/// The same with what is to be done, and how to verify it.
pub(super) fn begun_lines(
    violations: &[&Violation],
    thing: &Affected,
    dangerous: bool,
) -> Vec<String> {
    let mut lines = begun(violations, thing, dangerous);
    let mut seen = BTreeSet::new();
    let mut each = |lines: &mut Vec<String>, all: Vec<String>| {
        lines.extend(all.into_iter().filter(|line| seen.insert(line.clone())));
    };
    let steps = violations.iter().flat_map(|(_, finding)| finding.corrective());
    each(&mut lines, steps.map(|step| format!("repair: {step}")).collect());
    let verify = violations.iter().map(|(_, finding)| finding.rule.verify());
    each(&mut lines, verify.map(|command| format!("verify: {command}")).collect());
    lines
}

pub(super) fn violation_lines(finding: &Finding) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", finding.assertion.condition, observed(finding))];
    lines.extend(finding.corrective().iter().map(|step| format!("repair: {step}")));
    lines.push(format!("verify: {}", finding.rule.verify()));
    lines
}

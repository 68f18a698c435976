//! What a rule says about an item, in the words of the day.

use super::Terms;
use crate::actions::items::evidence::bounded;
use crate::actions::items::identity::ItemKey;
use crate::actions::items::item::Texts;
use crate::policy::{ActionKind, Severity};
use crate::verdict::Finding;

/// What the rule says about an item today.
#[derive(PartialEq)]
pub(super) struct Details {
    pub(super) title: String,
    pub(super) demand: Option<String>,
    pub(super) kind: ActionKind,
    pub(super) severity: Severity,
    pub(super) owner: Option<String>,
    pub(super) verify: u32,
    pub(super) texts: String,
}

impl Details {
    pub(super) fn of(finding: &Finding, key: &ItemKey, terms: &Terms) -> Self {
        let rule = &finding.rule;
        let texts = Texts {
            why: rule.why.clone(),
            corrective: finding.corrective().to_vec(),
            preventive: rule.preventive.clone(),
            command: rule.verify_from_anywhere(),
            measures: rule.measures.clone(),
            postmortem: rule.postmortem.clone(),
            ties: rule.ties.clone(),
            links: rule.action.links.clone(),
            references: rule.references.clone(),
        };
        Self {
            title: item_title(finding, key),
            demand: rule.title.clone(),
            kind: rule.action.kind,
            severity: rule.severity,
            owner: terms.owner(rule),
            verify: rule.action.verify,
            // Texts alone: nothing that could fail.
            texts: serde_json::to_string(&texts).unwrap_or_default(),
        }
    }
}

/// Verb and object: `Repair owner of file /etc/nginx/nginx.conf: expected nginx`.
pub fn item_title(finding: &Finding, key: &ItemKey) -> String {
    if finding.assertion.subject.kind == "drift" && key.thing.kind != "drift" {
        let promise = finding.rule.title.as_ref().unwrap_or(&finding.rule.id);
        return bounded(&format!("{promise}: {} has changed", key.thing));
    }
    let verb = match finding.rule.action.kind {
        ActionKind::Mitigate => "Mitigate",
        ActionKind::Prevent => "Secure",
        ActionKind::Detect => "Watch",
        ActionKind::Process => "Settle",
        ActionKind::Repair => "Repair",
    };
    let expected = match finding.assertion.expected.as_str() {
        "" => String::new(),
        expected => format!(": expected {expected}"),
    };
    bounded(&format!("{verb} {} of {}{expected}", key.condition, key.thing))
}

pub(super) fn observed(finding: &Finding) -> String {
    let assertion = &finding.assertion;
    let parts = [
        Some(assertion.observed.clone()).filter(|text| !text.is_empty()),
        Some(format!("expected {}", assertion.expected)).filter(|_| !assertion.expected.is_empty()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

pub(super) fn violation_lines(finding: &Finding) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", finding.assertion.condition, observed(finding))];
    lines.extend(finding.corrective().iter().map(|step| format!("repair: {step}")));
    lines.push(format!("verify: {}", finding.rule.verify()));
    lines
}

//! What several formats say of a finding, said once.

use crate::policy::Severity;
use crate::text;
use crate::verdict::{Evidence, Finding, Outcome};
use sha2::{Digest, Sha256};
use std::path::Path;

/// A finding in one sentence: `file /etc/x, mode: 0666; expected o-w`.
pub fn sentence(finding: &Finding) -> String {
    let assertion = &finding.assertion;
    let mut parts = Vec::new();
    if !assertion.observed.is_empty() {
        parts.push(assertion.observed.clone());
    }
    match (finding.outcome(), finding.reason()) {
        (Outcome::Unknown, Some(reason)) => parts.push(format!("undecided: {reason}")),
        (Outcome::Skipped, Some(reason)) => parts.push(reason),
        _ => {}
    }
    if !assertion.expected.is_empty() {
        parts.push(format!("expected {}", assertion.expected));
    }
    format!("{}, {}: {}", assertion.subject, assertion.condition, parts.join("; "))
}

/// The rule's title, or what it is about.
pub fn title(finding: &Finding) -> String {
    finding.rule.title.clone().unwrap_or_else(|| finding.assertion.subject.to_string())
}

/// Everything that helps to repair it, one thing a line.
pub fn details(finding: &Finding) -> Vec<String> {
    let mut lines = Vec::new();
    for evidence in finding.seen() {
        if let Evidence::Layer { layer, created_by, .. } = evidence {
            let layer = layer.map(|number| format!("layer {number}"));
            let parts: Vec<String> = layer.into_iter().chain(created_by.clone()).collect();
            lines.push(format!("made by: {}", parts.join(" · ")));
        }
    }
    lines.extend(finding.rule.why.iter().map(|why| format!("why: {why}")));
    lines.extend(finding.corrective().iter().map(|step| format!("repair: {step}")));
    lines.extend(finding.rule.preventive.iter().map(|text| format!("prevent: {text}")));
    lines.push(format!("verify: {}", finding.rule.verify()));
    lines
}

/// The policy file as continuous integration wants it: relative to the directory of the run.
pub fn policy_file(finding: &Finding) -> String {
    let file = &finding.rule.file;
    let here = std::env::current_dir().unwrap_or_default();
    let relative = file.strip_prefix(&here).unwrap_or(file);
    text::path(relative.strip_prefix(Path::new(".")).unwrap_or(relative))
}

/// What stays the same from run to run while it is the same finding: nothing of it depends on
/// numbers, times or wording.
pub fn fingerprint(finding: &Finding) -> String {
    let subject = &finding.assertion.subject;
    let mut hash = Sha256::new();
    let parts = [
        finding.rule.policy.as_str(),
        &finding.rule.id,
        subject.kind,
        &subject.name,
        &finding.assertion.condition,
    ];
    for part in parts {
        // The length keeps `a` + `bc` apart from `ab` + `c`.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Findings that somebody has to look at: violations, and what could not be decided.
pub fn noteworthy(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|f| matches!(f.outcome(), Outcome::Fail | Outcome::Unknown))
}

/// Whether a violation is of the kind that stops a pipeline.
pub fn is_grave(severity: Severity) -> bool {
    severity >= Severity::High
}

//! GitLab's code quality report: violations, and what could not be decided, at the policy's line.

use super::words::{fingerprint, noteworthy, policy_file, sentence, title};
use super::{Report, Style};
use crate::policy::Severity;
use crate::verdict::{Finding, Outcome};
use serde_json::{Value, json};

/// Renders the report.
pub fn render(report: &Report, _: Style) -> String {
    let issues: Vec<Value> = noteworthy(&report.findings).map(issue).collect();
    let mut out = serde_json::to_string_pretty(&issues).unwrap_or_default();
    out.push('\n');
    out
}

fn issue(finding: &Finding) -> Value {
    json!({
        "description": format!("{}: {}", title(finding), sentence(finding)),
        "check_name": finding.rule.id,
        "fingerprint": fingerprint(finding),
        "severity": severity(finding),
        "location": {
            "path": policy_file(finding),
            "lines": { "begin": finding.rule.line.max(1) },
        },
    })
}

fn severity(finding: &Finding) -> &'static str {
    match (finding.outcome(), finding.rule.severity) {
        (Outcome::Unknown, _) => "minor",
        (_, Severity::Critical) => "blocker",
        (_, Severity::High) => "critical",
        (_, Severity::Medium) => "major",
        (_, Severity::Low) => "minor",
        (_, Severity::Info) => "info",
    }
}

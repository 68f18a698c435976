//! SARIF 2.1.0 for code scanning: violations, and what could not be decided.
//!
//! A location is the policy file and line that asked: GitHub refuses results without a location in
//! the repository. What was looked at (a path in an image) is the logical location.

use super::words::{details, fingerprint, noteworthy, policy_file, sentence, title};
use super::{Report, Style};
use crate::policy::Severity;
use crate::verdict::{Finding, Outcome, RuleInfo};
use serde_json::{Value, json};

/// Renders the report.
pub fn render(report: &Report, _: Style) -> String {
    let mut rules: Vec<&RuleInfo> = Vec::new();
    let mut results = Vec::new();
    for finding in noteworthy(&report.findings) {
        let known = rules.iter().position(|rule| rule.id == finding.rule.id);
        let index = known.unwrap_or(rules.len());
        if known.is_none() {
            rules.push(&finding.rule);
        }
        results.push(result(finding, index));
    }
    let rules: Vec<Value> = rules.into_iter().map(rule).collect();
    let sarif = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "spotcheck",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": true,
                "exitCode": report.exit,
                "startTimeUtc": report.time.to_string(),
            }],
            "properties": { "target": report.host.name },
            "results": results,
        }],
    });
    let mut out = serde_json::to_string_pretty(&sarif).unwrap_or_default();
    out.push('\n');
    out
}

fn rule(rule: &RuleInfo) -> Value {
    let text = rule.title.clone().unwrap_or_else(|| rule.id.clone());
    let mut help = Vec::new();
    help.extend(rule.why.clone());
    help.extend(rule.corrective.iter().cloned());
    help.extend(rule.preventive.clone());
    help.extend(rule.references.iter().cloned());
    json!({
        "id": rule.id,
        "shortDescription": { "text": text },
        "help": { "text": if help.is_empty() { text.clone() } else { help.join("\n") } },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": ["security"],
            // GitHub orders by it.
            "security-severity": security_severity(rule.severity),
        },
    })
}

fn result(finding: &Finding, index: usize) -> Value {
    let undecided = finding.outcome() == Outcome::Unknown;
    let subject = &finding.assertion.subject;
    let text =
        format!("{}: {}\n{}", title(finding), sentence(finding), details(finding).join("\n"));
    json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        // A level is allowed for the kind `fail` only.
        "kind": if undecided { "open" } else { "fail" },
        "level": if undecided { "none" } else { level(finding.rule.severity) },
        "message": { "text": text },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": uri(&policy_file(finding)), "uriBaseId": "%SRCROOT%" },
                "region": { "startLine": finding.rule.line.max(1) },
            },
            "logicalLocations": [{
                "name": subject.name,
                "fullyQualifiedName": format!("{} {}", subject, finding.assertion.condition),
                "kind": "resource",
            }],
        }],
        "partialFingerprints": { "spotcheck/v1": fingerprint(finding) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
        Severity::Info => "1.0",
    }
}

/// A relative reference, RFC 3986: what is not plain is percent-encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

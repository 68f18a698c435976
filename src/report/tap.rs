//! The Test Anything Protocol, version 14. What could not be decided is `not ok`, since a consumer
//! knows nothing between the two and it must not pass.

use super::words::{details, sentence};
use super::{Report, Style};
use crate::text::printable;
use crate::verdict::{Finding, Outcome};
use std::fmt::Write as _;

/// Renders the report.
pub fn render(report: &Report, _: Style) -> String {
    let mut out = String::from("TAP version 14\n");
    let _ = writeln!(out, "1..{}", report.findings.len());
    for (number, finding) in (1..).zip(&report.findings) {
        let description = description(finding);
        match finding.outcome() {
            Outcome::Fail | Outcome::Unknown => {
                let _ = writeln!(out, "not ok {number} - {description}");
                diagnostics(&mut out, finding);
            }
            Outcome::Skipped => {
                let why = escape(&finding.reason().unwrap_or_default());
                let _ = writeln!(out, "ok {number} - {description} # SKIP {why}");
            }
            _ => {
                let _ = writeln!(out, "ok {number} - {description}");
            }
        }
    }
    out
}

fn description(finding: &Finding) -> String {
    let assertion = &finding.assertion;
    escape(&format!("{}: {}, {}", finding.rule.id, assertion.subject, assertion.condition))
}

/// A block of YAML; its texts are written as JSON strings, which YAML 1.2 takes as they are.
fn diagnostics(out: &mut String, finding: &Finding) {
    let quoted = |text: &str| serde_json::to_string(&printable(text)).unwrap_or_default();
    let _ = writeln!(out, "  ---");
    let _ = writeln!(out, "  message: {}", quoted(&sentence(finding)));
    let _ = writeln!(out, "  severity: {}", finding.rule.severity);
    let _ = writeln!(out, "  outcome: {}", finding.outcome());
    let _ = writeln!(out, "  details:");
    for line in details(finding) {
        let _ = writeln!(out, "    - {}", quoted(&line));
    }
    let _ = writeln!(out, "  ...");
}

/// `#` begins a directive, a backslash escapes.
fn escape(text: &str) -> String {
    printable(text).replace('\\', "\\\\").replace('#', "\\#")
}

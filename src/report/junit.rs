//! JUnit XML, which every continuous integration shows: a suite for each policy, a case for each
//! assertion. A violation is a failure, what could not be decided an error.

use super::words::{details, sentence, title};
use super::{Report, Style};
use crate::text::printable;
use crate::verdict::{Finding, Outcome};
use std::fmt::Write as _;

/// Renders the report.
pub fn render(report: &Report, _: Style) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = counts(&report.findings.iter().collect::<Vec<_>>());
    let time = escape(&report.time.to_string());
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<testsuites name=\"spotcheck\" {counts}>");
    // Findings of one policy need not be in a row: every platform of an image comes with all policies.
    let mut policies: Vec<&str> = Vec::new();
    for finding in &report.findings {
        let policy = finding.rule.policy.as_str();
        if !policies.contains(&policy) {
            policies.push(policy);
        }
    }
    for policy in policies {
        let all: Vec<&Finding> =
            report.findings.iter().filter(|f| f.rule.policy == policy).collect();
        let counts = self::counts(&all);
        let (name, host) = (escape(policy), escape(&report.host.name));
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" hostname=\"{host}\" timestamp=\"{time}\" {counts}>"
        );
        for finding in all {
            case(&mut out, finding);
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

fn counts(findings: &[&Finding]) -> String {
    let count = |outcome| findings.iter().filter(|f| f.outcome() == outcome).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        findings.len(),
        count(Outcome::Fail),
        count(Outcome::Unknown),
        count(Outcome::Skipped)
    )
}

fn case(out: &mut String, finding: &Finding) {
    let class = escape(&format!("{}.{}", finding.rule.policy, finding.rule.id));
    let assertion = &finding.assertion;
    let name = escape(&format!("{}, {}", assertion.subject, assertion.condition));
    let _ = write!(out, "    <testcase classname=\"{class}\" name=\"{name}\"");
    let element = match finding.outcome() {
        Outcome::Fail => "failure",
        Outcome::Unknown => "error",
        Outcome::Skipped => {
            let why = escape(&finding.reason().unwrap_or_default());
            let _ = writeln!(out, ">\n      <skipped message=\"{why}\"/>\n    </testcase>");
            return;
        }
        _ => {
            out.push_str("/>\n");
            return;
        }
    };
    let message = escape(&format!("{}: {}", title(finding), sentence(finding)));
    let kind = finding.rule.severity;
    let text = escape_lines(&details(finding));
    let _ = writeln!(
        out,
        ">\n      <{element} type=\"{kind}\" message=\"{message}\">{text}</{element}>\n    </testcase>"
    );
}

fn escape_lines(lines: &[String]) -> String {
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n")
}

/// Text for an attribute or element. Control characters, which XML 1.0 has no way to write, are shown
/// as escapes.
fn escape(text: &str) -> String {
    printable(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}")
}

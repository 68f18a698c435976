//! Annotations of GitHub Actions: workflow commands on standard output, at the policy's line.

use super::words::{details, is_grave, noteworthy, policy_file, sentence, title};
use super::{Report, Style};
use crate::policy::Severity;
use crate::text::printable;
use crate::verdict::{Finding, Outcome};
use std::fmt::Write as _;

/// Renders the report; nothing when there is nothing to say.
pub fn render(report: &Report, _: Style) -> String {
    let mut out = String::new();
    for finding in noteworthy(&report.findings) {
        let file = property(&policy_file(finding));
        let line = finding.rule.line.max(1);
        let title = property(&format!("{}: {}", finding.rule.id, title(finding)));
        let mut lines = vec![sentence(finding)];
        lines.extend(details(finding));
        let lines: Vec<String> = lines.iter().map(|line| printable(line).into_owned()).collect();
        let message = data(&lines.join("\n"));
        let command = command(finding);
        let _ = writeln!(out, "::{command} file={file},line={line},title={title}::{message}");
    }
    out
}

fn command(finding: &Finding) -> &'static str {
    match (finding.outcome(), finding.rule.severity) {
        (Outcome::Unknown, _) => "warning",
        (_, severity) if is_grave(severity) => "error",
        (_, Severity::Info) => "notice",
        _ => "warning",
    }
}

/// The escapes of the runner (`command.ts` of actions/toolkit): without them a line feed in a file
/// name would begin a command of its own.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(&printable(text)).replace(':', "%3A").replace(',', "%2C")
}

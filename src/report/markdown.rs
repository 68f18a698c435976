//! Markdown for a job summary or a merge request: what has to be done, then the counts.

use super::words::{details, noteworthy, policy_file, sentence, title};
use super::{Report, Style};
use crate::prose::escape;
use crate::verdict::{Finding, Outcome, Summary};
use std::fmt::Write as _;

/// Renders the report.
pub fn render(report: &Report, style: Style) -> String {
    let mut out = String::new();
    let name = escape(&report.host.name);
    let Summary { pass, fail, unknown, skipped, .. } = report.summary;
    let verdict = match (fail, unknown) {
        (0, 0) if report.summary.nothing_evaluated() => "nothing was evaluated",
        (0, 0) => "everything holds",
        (0, _) => "not everything could be decided",
        _ => "there are violations",
    };
    let _ = writeln!(out, "## spotcheck on {name}: {verdict}\n");
    let _ = writeln!(out, "| violated | undecided | hold | not applicable |");
    let _ = writeln!(out, "| ---: | ---: | ---: | ---: |");
    let _ = writeln!(out, "| {fail} | {unknown} | {pass} | {skipped} |");
    for outcome in [Outcome::Fail, Outcome::Unknown] {
        let mut all: Vec<&Finding> =
            noteworthy(&report.findings).filter(|f| f.outcome() == outcome).collect();
        if all.is_empty() {
            continue;
        }
        all.sort_by_key(|finding| std::cmp::Reverse(finding.rule.severity));
        let heading = if outcome == Outcome::Fail { "Violations" } else { "Undecided" };
        let _ = writeln!(out, "\n### {heading}\n");
        for finding in all {
            item(&mut out, finding);
        }
    }
    if style.verbose {
        let _ = writeln!(out, "\n### Hold or do not apply\n");
        let others = |f: &&Finding| !matches!(f.outcome(), Outcome::Fail | Outcome::Unknown);
        for finding in report.findings.iter().filter(others) {
            let _ = writeln!(out, "- {} {}", finding.outcome(), escape(&sentence(finding)));
        }
    }
    out
}

fn item(out: &mut String, finding: &Finding) {
    let rule = &finding.rule;
    let (id, title) = (escape(&rule.id), escape(&title(finding)));
    let _ = writeln!(out, "- **{id}** ({}): {title}", rule.severity);
    let _ = writeln!(out, "  - {}", escape(&sentence(finding)));
    for line in details(finding) {
        let _ = writeln!(out, "  - {}", escape(&line));
    }
    let _ = writeln!(out, "  - policy: {}:{}", escape(&policy_file(finding)), rule.line);
}

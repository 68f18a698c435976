//! The report for Nagios, Icinga, Naemon and Checkmk: one line with performance data, then a line for
//! each thing that is wrong, and the plugins' own exit codes.
//!
//! The [plugin guidelines](https://www.monitoring-plugins.org/doc/guidelines.html) say 0 OK, 1 WARNING,
//! 2 CRITICAL, 3 UNKNOWN: violations of severity high and critical are CRITICAL, others WARNING. What
//! could not be decided is UNKNOWN, unless something is violated. `--fail-on` leaves out violations
//! below it.

use super::{Report, Style};
use crate::policy::Severity;
use crate::text::printable;
use crate::verdict::{Finding, Outcome};
use std::fmt::Write as _;

/// Name of the format.
pub const NAME: &str = "nagios";

/// Most things that are listed: a plugin's output may be cut after 4 KiB (8 KiB in newer ones).
const LISTED: usize = 20;
/// Longest line of the list, in characters.
const LONGEST: usize = 160;

/// A status of the plugin guidelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Everything holds.
    Ok,
    /// Violated, none of it severe.
    Warning,
    /// Violated.
    Critical,
    /// Could not be decided.
    Unknown,
}

impl Status {
    /// The status of a run.
    pub fn of(report: &Report) -> Self {
        let worst = violations(report).map(|finding| finding.rule.severity).max();
        match worst {
            Some(Severity::High | Severity::Critical) => Status::Critical,
            Some(_) => Status::Warning,
            None if report.exit == 0 => Status::Ok,
            None => Status::Unknown,
        }
    }

    /// Exit code.
    pub const fn code(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::Warning => 1,
            Status::Critical => 2,
            Status::Unknown => 3,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Status::Ok => "OK",
            Status::Warning => "WARNING",
            Status::Critical => "CRITICAL",
            Status::Unknown => "UNKNOWN",
        }
    }
}

fn violations(report: &Report) -> impl Iterator<Item = &Finding> {
    let counts = |f: &&Finding| f.outcome() == Outcome::Fail && f.rule.severity >= report.fail_on;
    report.findings.iter().filter(counts)
}

/// What a plugin that could not run says.
pub fn could_not_run() -> String {
    "SPOTCHECK UNKNOWN - could not run, see standard error\n".into()
}

/// Renders a report.
pub fn render(report: &Report, _: Style) -> String {
    let summary = &report.summary;
    let status = Status::of(report).name();
    let mut out = format!(
        "SPOTCHECK {status} - {} violated, {} undecided, {} waived, {} hold",
        summary.fail, summary.unknown, summary.waived, summary.pass
    );
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        " | violated={};;0;0; undecided={};;0;0; waived={};;;0; hold={};;;0; skipped={};;;0;",
        summary.fail, summary.unknown, summary.waived, summary.pass, summary.skipped
    );
    if let Some(counts) = report.ledger {
        let _ = write!(out, " open={};;;0; overdue={};;0;0;", counts.open, counts.overdue);
    }
    out.push('\n');
    let mut wrong: Vec<&Finding> = violations(report).collect();
    wrong.sort_by_key(|finding| std::cmp::Reverse(finding.rule.severity));
    wrong.extend(report.findings.iter().filter(|f| f.outcome() == Outcome::Unknown));
    for finding in wrong.iter().take(LISTED) {
        let _ = writeln!(out, "{}", line(finding));
    }
    if let Some(more) = wrong.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "... and {more} more");
    }
    out
}

/// One thing that is wrong. A bar would begin performance data.
fn line(finding: &Finding) -> String {
    let assertion = &finding.assertion;
    let (word, what) = match finding.outcome() {
        Outcome::Fail => (finding.rule.severity.name(), assertion.observed.clone()),
        _ => ("undecided", finding.reason().unwrap_or_default()),
    };
    let text =
        format!("{word} {} {} {}: {what}", finding.rule.id, assertion.subject, assertion.condition);
    let line: String = printable(&text).replace('|', "¦").chars().take(LONGEST).collect();
    line
}

//! The report for Prometheus, in its text format: for the textfile collector of node_exporter.
//!
//! `--output prometheus=/var/lib/node_exporter/spotcheck.prom` replaces the file as a whole. Labels
//! come from policies alone (policy, rule, severity, service), never from a host's file names or
//! processes, so their number is bounded by the policies; beyond [`RULE_LIMIT`] rules the rest is
//! counted in `spotcheck_rules_left_out` only. Host and time of scrape are added by Prometheus.

use super::{Report, Style};
use crate::verdict::waiver::WaiverStatus;
use crate::verdict::{Finding, Outcome, RuleInfo};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Name of the format.
pub const NAME: &str = "prometheus";

/// Most rules that have time series of their own.
pub const RULE_LIMIT: usize = 1000;

/// Outcomes with a number each, as `spotcheck_rule_state` shows them.
const STATES: [(Outcome, u8); 5] = [
    (Outcome::Pass, 0),
    (Outcome::Fail, 1),
    (Outcome::Unknown, 2),
    (Outcome::Waived, 3),
    (Outcome::Skipped, 4),
];

/// Findings of one rule.
#[derive(Default)]
struct Tally {
    violations: usize,
    unknowns: usize,
    worst: Option<Outcome>,
}

/// Renders a report.
pub fn render(report: &Report, _: Style) -> String {
    let mut page = Page(String::new());
    let mut rules: BTreeMap<(&str, &str), (&RuleInfo, String, Tally)> = BTreeMap::new();
    for finding in &report.findings {
        let key = (finding.rule.policy.as_str(), finding.rule.id.as_str());
        let entry = rules
            .entry(key)
            .or_insert_with(|| (&finding.rule, service(finding).to_owned(), Tally::default()));
        let outcome = finding.outcome();
        entry.2.violations += usize::from(outcome == Outcome::Fail);
        entry.2.unknowns += usize::from(outcome == Outcome::Unknown);
        entry.2.worst = Some(entry.2.worst.map_or(outcome, |worst| worst.min(outcome)));
    }
    let shown: Vec<(String, &Tally)> = rules
        .values()
        .take(RULE_LIMIT)
        .map(|(rule, service, tally)| (labels(rule, service), tally))
        .collect();
    page.family(
        "spotcheck_rule_state",
        "State of a rule: 0 holds, 1 violated, 2 could not be decided, 3 waived, 4 not applicable.",
    );
    for (labels, tally) in &shown {
        let number = STATES.iter().find(|(outcome, _)| Some(*outcome) == tally.worst);
        page.sample("spotcheck_rule_state", labels, number.map_or(2, |(_, number)| *number).into());
    }
    page.family("spotcheck_rule_violations", "Conditions of a rule that are violated.");
    for (labels, tally) in &shown {
        page.sample("spotcheck_rule_violations", labels, count(tally.violations));
    }
    page.family("spotcheck_rule_unknowns", "Conditions of a rule that could not be decided.");
    for (labels, tally) in &shown {
        page.sample("spotcheck_rule_unknowns", labels, count(tally.unknowns));
    }
    let left_out = count(rules.len().saturating_sub(RULE_LIMIT));
    page.single("spotcheck_rules_left_out", "Rules without time series of their own.", left_out);
    let summary = &report.summary;
    page.family("spotcheck_findings", "Conditions by outcome.");
    let outcomes = [
        ("fail", summary.fail),
        ("unknown", summary.unknown),
        ("waived", summary.waived),
        ("skipped", summary.skipped),
        ("pass", summary.pass),
    ];
    for (outcome, number) in outcomes {
        page.sample("spotcheck_findings", &format!("{{outcome=\"{outcome}\"}}"), count(number));
    }
    waivers(&mut page, report);
    if let Some(counts) = report.ledger {
        let help = "Action items of this host that are to be done.";
        page.single("spotcheck_items_open", help, counts.open);
        let help = "Action items of this host whose time is up.";
        page.single("spotcheck_items_overdue", help, counts.overdue);
    }
    let help = "Exit code of the last run: 0 everything holds, 1 violated, 2 undecided.";
    page.single("spotcheck_exit_code", help, report.exit.into());
    let time = report.time.as_second();
    page.single("spotcheck_last_run_timestamp_seconds", "When the last run began.", time);
    let success = if report.exit == 0 {
        Some(time)
    } else {
        report.ledger.and_then(|counts| counts.last_success)
    };
    if let Some(success) = success {
        let help = "When the last run began in which everything held.";
        page.single("spotcheck_last_success_timestamp_seconds", help, success);
    }
    page.family("spotcheck_build_info", "Version of spotcheck.");
    let version = format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"));
    page.sample("spotcheck_build_info", &version, 1);
    page.0
}

fn waivers(page: &mut Page, report: &Report) {
    const END: &str = "spotcheck_waiver_expiry_timestamp_seconds";
    page.family(
        END,
        "End of the waivers that accept a violation of a rule, or did until they ended.",
    );
    let mut ends: BTreeMap<&str, i64> = BTreeMap::new();
    for notice in report.waivers.iter().filter(|notice| notice.standing != WaiverStatus::Unused) {
        for rule in &notice.waiver.rules {
            let end = ends.entry(rule).or_insert(notice.waiver.expires);
            *end = notice.waiver.expires.min(*end);
        }
    }
    for (rule, end) in ends.into_iter().take(RULE_LIMIT) {
        page.sample(END, &format!("{{rule=\"{}\"}}", escaped(rule)), end);
    }
    let unused =
        report.waivers.iter().filter(|notice| notice.standing == WaiverStatus::Unused).count();
    let help = "Waivers that accept nothing that is violated.";
    page.single("spotcheck_waivers_unused", help, count(unused));
}

/// The service that a rule is about, as its policy calls it; empty where it is about something else.
fn service(finding: &Finding) -> &str {
    let subject = &finding.assertion.subject;
    if subject.kind == "service" { &subject.name } else { "" }
}

fn labels(rule: &RuleInfo, service: &str) -> String {
    format!(
        "{{policy=\"{}\",rule=\"{}\",severity=\"{}\",service=\"{}\"}}",
        escaped(&rule.policy),
        escaped(&rule.id),
        rule.severity,
        escaped(service)
    )
}

/// A label's value: backslash, quote and line feed are escaped.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

struct Page(String);

impl Page {
    // Writing to a String cannot fail, here and below.
    fn family(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn sample(&mut self, name: &str, labels: &str, value: i64) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, help: &str, value: i64) {
        self.family(name, help);
        self.sample(name, "", value);
    }
}

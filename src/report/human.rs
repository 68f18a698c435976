//! The report for people: one screen for the incident, every line of use at three in the morning.
//!
//! Violations first, worst first, each with what was expected, what is, the repair, what keeps it
//! from coming back, how to verify, and which policy line asked. What could not be decided comes
//! next with its reason. What holds is a count, or with `--verbose` a line each.

use super::{Report, Style};
use crate::policy::Severity;
use crate::text::{printable, time};
use crate::verdict::waiver::WaiverStatus;
use crate::verdict::{Evidence, Finding, Outcome};
use colored::{ColoredString, Colorize};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Renders a report for a terminal or a mail.
pub fn render(report: &Report, style: Style) -> String {
    // `colored` decides once for the process; a report for a file beside one for a terminal needs
    // its own decision.
    colored::control::set_override(style.colour);
    let mut page = Page { out: String::new(), style };
    page.head(report);
    let mut rules = by_rule(&report.findings, &[Outcome::Fail, Outcome::Unknown]);
    rules.sort_by_key(|findings| (worst(findings), std::cmp::Reverse(severity(findings))));
    for findings in rules {
        page.rule(&findings);
    }
    for findings in by_rule(&report.findings, &[Outcome::Waived]) {
        page.brief(Outcome::Waived, &findings);
    }
    page.waivers(report);
    if style.verbose {
        for outcome in [Outcome::Skipped, Outcome::Pass] {
            for findings in by_rule(&report.findings, &[outcome]) {
                page.brief(outcome, &findings);
            }
        }
    }
    page.summary(report);
    colored::control::unset_override();
    page.out
}

/// Findings of some outcomes, those of one rule together, in the order of the rules.
fn by_rule<'a>(findings: &'a [Finding], outcomes: &[Outcome]) -> Vec<Vec<&'a Finding>> {
    let mut rules: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings.iter().filter(|finding| outcomes.contains(&finding.outcome())) {
        match rules.last_mut() {
            Some(rule) if rule.first().is_some_and(|f| f.rule.id == finding.rule.id) => {
                rule.push(finding);
            }
            _ => rules.push(vec![finding]),
        }
    }
    rules
}

fn severity(findings: &[&Finding]) -> Severity {
    findings.first().map(|finding| finding.rule.severity).unwrap_or_default()
}

/// A rule is as bad as its worst finding.
fn worst(findings: &[&Finding]) -> Outcome {
    findings.iter().map(|finding| finding.outcome()).min().unwrap_or(Outcome::Pass)
}

struct Page {
    out: String,
    style: Style,
}

impl Page {
    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn head(&mut self, report: &Report) {
        let host = &report.host;
        let os = host.os("PRETTY_NAME").unwrap_or("unknown system");
        let user = if host.privilege.uid == 0 {
            "root".into()
        } else {
            format!("uid {}", host.privilege.uid)
        };
        let time = time::utc(report.time.as_second());
        let what = if host.recorded.is_some() { "a recording of " } else { "" };
        let inside = host
            .inside
            .as_ref()
            .map(|engine| format!(" (a {engine} container: it is judged itself, not its host)"));
        let inside = inside.unwrap_or_default();
        let words = format!("spotcheck on {what}{}{inside} · {os} · as {user} · {time}", host.name);
        self.line(&printable(&words).bold().to_string());
        let blocked: BTreeSet<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.outcome() == Outcome::Unknown)
            .map(|finding| finding.rule.id.as_str())
            .collect();
        let needs_root = report
            .findings
            .iter()
            .filter(|finding| finding.outcome() == Outcome::Unknown && finding.needs_root())
            .count();
        if !blocked.is_empty() {
            let rules = counted(blocked.len(), "rule");
            let why = match needs_root {
                0 => String::from("see the reasons below"),
                _ if !host.privilege.full => format!(
                    "without root {} cannot be seen; run as root to decide",
                    counted(needs_root, "fact")
                ),
                _ => format!("{} may not be read", counted(needs_root, "fact")),
            };
            let line = format!("{rules} cannot be decided: {why}");
            self.line(&line.yellow().to_string());
        }
    }

    fn rule(&mut self, findings: &[&Finding]) {
        let Some(first) = findings.first() else { return };
        let rule = &first.rule;
        let outcome = worst(findings);
        let subject = &first.assertion.subject;
        let title = rule.title.clone().unwrap_or_else(|| subject.to_string());
        self.line("");
        let badge = badge(outcome, rule.severity);
        self.line(&format!("{badge} {}  {}", printable(&rule.id).bold(), printable(&title)));
        let said = rule.title.is_none() && findings.iter().all(|f| f.assertion.subject == *subject);
        let mut fields: Vec<(&str, String)> = Vec::new();
        for finding in findings {
            fields.push((&finding.assertion.condition, answer(finding, said)));
            if self.style.verbose {
                // Layers come once, below.
                let seen = finding.seen().iter().filter(|s| layer_words(s).is_none());
                fields.extend(seen.map(|s| ("seen", sighting_words(s))));
            }
        }
        if outcome == Outcome::Fail {
            let failed = findings.iter().filter(|finding| finding.outcome() == Outcome::Fail);
            let mut steps: Vec<String> =
                failed.flat_map(|finding| finding.seen().iter().filter_map(layer_words)).collect();
            steps.dedup();
            fields.extend(steps.into_iter().map(|step| ("made by", step)));
            fields.extend(rule.why.clone().map(|why| ("why", why)));
            let mut steps: Vec<&String> = Vec::new();
            for step in findings.iter().flat_map(|finding| finding.corrective()) {
                if !steps.contains(&step) {
                    steps.push(step);
                }
            }
            fields.extend(steps.into_iter().map(|step| ("repair", step.clone())));
            fields.extend(rule.preventive.clone().map(|words| ("prevent", words)));
            fields.push(("verify", rule.verify()));
        }
        let place = format!("{}:{}", crate::text::path(&rule.file), rule.line);
        let measures = match rule.measures.as_slice() {
            [] => String::new(),
            measures => format!(" (measure: {})", measures.join("; ")),
        };
        fields.push(("policy", format!("{place}{measures}")));
        self.fields(&fields);
    }

    /// Fields of a rule, their names aligned:
    /// `  repair   chown nginx:nginx /etc/nginx/nginx.conf`. Wrapped to the terminal but for
    /// commands, which have to stay in one piece to be pasted.
    fn fields(&mut self, fields: &[(&str, String)]) {
        const NARROWEST: usize = 30;
        let label =
            fields.iter().map(|(name, _)| printable(name).chars().count()).max().unwrap_or(0);
        let indent = label + 4;
        for (name, text) in fields {
            let text = printable(text);
            let command = matches!(*name, "repair" | "verify");
            let width = self.style.width.filter(|_| !command).unwrap_or(usize::MAX);
            let lines = wrap(&text, width.saturating_sub(indent).max(NARROWEST));
            for (index, line) in lines.iter().enumerate() {
                let name = if index == 0 { printable(name) } else { "".into() };
                let lead = format!("  {name:<label$}  ").dimmed();
                let line = if command { line.cyan() } else { line.normal() };
                let _ = writeln!(self.out, "{lead}{line}");
            }
        }
    }

    /// One line for a rule that holds or does not apply.
    fn brief(&mut self, outcome: Outcome, findings: &[&Finding]) {
        let Some(first) = findings.first() else { return };
        let words: Vec<String> = findings
            .iter()
            .map(|finding| match finding.reason() {
                Some(reason) if outcome == Outcome::Waived => format!(
                    "{} {}: {}; {reason}",
                    finding.assertion.subject.name,
                    finding.assertion.condition,
                    finding.assertion.observed
                ),
                Some(reason) => reason,
                None => format!(
                    "{} {}: {}",
                    finding.assertion.subject.name,
                    finding.assertion.condition,
                    finding.assertion.observed
                ),
            })
            .collect();
        let badge = badge(outcome, first.rule.severity);
        let line =
            format!("{badge} {}  {}", printable(&first.rule.id), printable(&words.join(" · ")));
        self.line(&line);
    }

    /// Waivers that somebody has to look at.
    fn waivers(&mut self, report: &Report) {
        for notice in &report.waivers {
            let waiver = &notice.waiver;
            let (rules, day) = (waiver.rules.join(", "), waiver.last_day());
            let words = match notice.standing {
                WaiverStatus::Used => continue,
                WaiverStatus::Expired => format!("expired after {day}: {rules} counts again"),
                WaiverStatus::Expiring => format!("ends with {day}: then {rules} counts again"),
                WaiverStatus::Unused => {
                    format!("accepts nothing that is violated: {rules}; remove it")
                }
            };
            let line = format!("waiver {words} ({})", waiver.place);
            let line = printable(&line);
            let line = match notice.standing {
                WaiverStatus::Unused => line.dimmed(),
                _ => line.yellow(),
            };
            self.line(&line.to_string());
        }
    }

    fn summary(&mut self, report: &Report) {
        let summary = &report.summary;
        let mut parts = Vec::new();
        let mut part = |count: usize, word: &str, paint: fn(String) -> ColoredString| {
            if count > 0 {
                parts.push(paint(format!("{count} {word}")).to_string());
            }
        };
        part(summary.fail, "violated", |text| text.red().bold());
        part(summary.unknown, "undecided", |text| text.yellow().bold());
        part(summary.waived, "waived", |text| text.yellow());
        let hold = if summary.pass == 1 { "holds" } else { "hold" };
        part(summary.pass, hold, |text| text.green());
        part(summary.skipped, "not applicable", |text| text.normal());
        self.line("");
        if summary.nothing_evaluated() && summary.unknown == 0 {
            let nothing = "Nothing was evaluated, so nothing is known to hold.";
            self.line(&nothing.yellow().bold().to_string());
        }
        if let Some(words) = not_for_this_target(report) {
            self.line(&words.yellow().to_string());
        }
        if summary.fail == 0 && summary.unknown == 0 && summary.pass > 0 {
            let words = match summary.waived {
                0 => "Everything holds.",
                _ => "Everything holds but for what is waived.",
            };
            self.line(&words.green().bold().to_string());
        }
        let quiet = report
            .findings
            .iter()
            .filter(|f| f.outcome() == Outcome::Fail && f.rule.severity < report.fail_on)
            .count();
        let below = match quiet {
            0 => String::new(),
            n => format!(" ({n} below --fail-on {})", report.fail_on),
        };
        let rules = counted(summary.rules, "rule");
        let conditions = counted(summary.conditions(), "condition");
        self.line(&format!(
            "{rules}, {conditions}: {}{below} · exit {}",
            parts.join(", "),
            report.exit
        ));
    }
}

/// The rules that `when:` has left out, in one line: one that never applies would go unnoticed.
fn not_for_this_target(report: &Report) -> Option<String> {
    const NAMED: usize = 5;
    let skipped = report.findings.iter().filter(|finding| {
        finding.outcome() == Outcome::Skipped && finding.assertion.condition == "when"
    });
    let mut named: Vec<String> = skipped
        .map(|finding| {
            let why = finding.reason().unwrap_or_default();
            format!("{} ({})", printable(&finding.rule.id), printable(&why))
        })
        .collect();
    named.dedup();
    let more = named.len().saturating_sub(NAMED);
    named.truncate(NAMED);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    (!named.is_empty()).then(|| format!("Left out by `when`: {}.", named.join(", ")))
}

fn badge(outcome: Outcome, severity: Severity) -> ColoredString {
    match outcome {
        Outcome::Fail => match severity {
            Severity::Critical | Severity::High => format!("FAIL {severity}").red().bold(),
            _ => format!("FAIL {severity}").red(),
        },
        Outcome::Unknown => "UNKNOWN".to_owned().yellow().bold(),
        Outcome::Waived => format!("waived {severity}").yellow(),
        Outcome::Skipped => "skipped".to_owned().dimmed(),
        Outcome::Pass => "pass".to_owned().green(),
    }
}

/// What one condition found: `0000, expected u+rw,o-w`.
fn answer(finding: &Finding, subject_said: bool) -> String {
    let assertion = &finding.assertion;
    let mut parts = Vec::new();
    if !assertion.observed.is_empty() {
        parts.push(assertion.observed.clone());
    }
    if finding.outcome() == Outcome::Unknown {
        let reason = finding.reason().unwrap_or_default();
        parts.push(format!("undecided: {reason}"));
    }
    if !assertion.expected.is_empty() {
        parts.push(format!("expected {}", assertion.expected));
    }
    let about = if subject_said { String::new() } else { format!("{}: ", assertion.subject.name) };
    format!("{about}{}", parts.join("; "))
}

fn counted(count: usize, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

fn sighting_words(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Process { pid, comm, exe, uids, unit, started, .. } => {
            let exe = exe.as_deref().unwrap_or("?");
            let uids = uids.map_or("?".into(), |ids| format!("{ids:?}"));
            let unit = unit.as_deref().unwrap_or("-");
            format!(
                "process {pid} {comm} exe {exe} uids {uids} unit {unit} since {}",
                time::utc(*started)
            )
        }
        Evidence::Socket { socket, inode, uid } => {
            format!("socket {socket} inode {inode} uid {uid}")
        }
        Evidence::File { path, uid, gid, mode, inode, changed, .. } => format!(
            "file {path} {mode} uid {uid} gid {gid} inode {inode} changed {}",
            time::utc(*changed)
        ),
        Evidence::Line { file, line: 0, text } => format!("{file}: {text}"),
        Evidence::Line { file, line, text } => format!("{file}:{line}: {text}"),
        Evidence::Account { name, id, origin } => format!("account {name} id {id} from {origin}"),
        Evidence::Layer { .. } => layer_words(evidence).unwrap_or_default(),
    }
}

/// The step that introduced a violation: `2 sha256:…: RUN chmod 666 /etc/b`.
fn layer_words(evidence: &Evidence) -> Option<String> {
    let Evidence::Layer { layer, digest, created_by } = evidence else { return None };
    let short = |digest: &String| digest.chars().take(19).collect::<String>();
    let parts = [
        layer.map(|number| format!("layer {number}")),
        digest.as_ref().map(short).filter(|digest| !digest.is_empty()),
        created_by.clone(),
    ];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
}

/// Breaks text at spaces into lines of at most `width` characters; a longer word stays whole.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let length = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(line) if length == 0 => line.push_str(word),
            Some(line) if length.saturating_add(1 + word.chars().count()) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

//! The report for programs. `spotcheck schema report` prints its JSON Schema, made from these types.
//!
//! Text is exact: nothing is neutralised here but what JSON itself escapes.

use super::{Report, Style};
use crate::facts::host::TargetKind;
use crate::policy::Severity;
use crate::policy::waiver::Waiver;
use crate::text;
use crate::verdict::waiver::{Notice, WaiverStatus};
use crate::verdict::{Evidence, Finding, Outcome, Summary};
use schemars::JsonSchema;
use serde::Serialize;

/// Version of this format. It grows when a field changes its meaning or goes; new fields do not count.
pub const VERSION: u32 = 1;

/// A report of spotcheck.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "spotcheck report")]
pub struct JsonReport<'a> {
    /// Version of this format.
    version: u32,
    /// The tool that wrote it.
    tool: Tool,
    /// When the run began, RFC 3339, UTC.
    time: String,
    /// What was checked.
    host: JsonHost<'a>,
    /// Counts.
    summary: &'a Summary,
    /// Exit code of the run: 0 everything holds, 1 violated, 2 undecided.
    exit_code: u8,
    /// Every finding, in the order of the rules.
    findings: Vec<JsonFinding<'a>>,
    /// Waivers for this host, and where they stand.
    waivers: Vec<JsonNotice<'a>>,
}

/// A waiver and where it stands.
#[derive(Serialize, JsonSchema)]
struct JsonNotice<'a> {
    /// Where it stands.
    standing: WaiverStatus,
    /// Violations that it accepts, or would if it had not expired.
    violations: usize,
    #[serde(flatten)]
    waiver: JsonWaiver<'a>,
}

/// A waiver.
#[derive(Serialize, JsonSchema)]
struct JsonWaiver<'a> {
    /// Ids of the rules whose violations it accepts.
    rules: &'a [String],
    /// Its last day, UTC.
    until: String,
    /// Who accepted it.
    approved_by: &'a str,
    /// Why.
    reason: &'a str,
    /// Where it stands written.
    place: &'a str,
}

impl<'a> JsonWaiver<'a> {
    fn of(waiver: &'a Waiver) -> Self {
        Self {
            rules: &waiver.rules,
            until: waiver.last_day(),
            approved_by: &waiver.approved_by,
            reason: &waiver.reason,
            place: &waiver.place,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Tool {
    /// Always `spotcheck`.
    name: &'static str,
    /// Its version.
    version: &'static str,
}

#[derive(Serialize, JsonSchema)]
struct JsonHost<'a> {
    /// Host name.
    name: &'a str,
    /// A running host, or an image.
    kind: TargetKind,
    /// `PRETTY_NAME` of os-release(5).
    os: Option<&'a str>,
    /// Kernel release, if it runs.
    kernel: Option<&'a str>,
    /// Effective uid that facts were read with.
    uid: u32,
    /// Whether that was enough to see every file and process.
    full_privilege: bool,
    /// When the facts were recorded, RFC 3339, UTC; none where they were looked up by this run.
    recorded: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct JsonFinding<'a> {
    /// Policy's name.
    policy: &'a str,
    /// Rule's id.
    rule: &'a str,
    /// Rule's title.
    title: Option<&'a str>,
    /// Team or role that answers for the policy.
    owner: Option<&'a str>,
    /// How bad a violation is.
    severity: Severity,
    /// What it is about, the same on every host.
    subject: JsonSubject<'a>,
    /// Key of the condition in the rule.
    condition: &'a str,
    /// Does it hold?
    outcome: Outcome,
    /// Why it is unknown, skipped or waived.
    reason: Option<String>,
    /// The waiver that accepts the violation.
    waiver: Option<JsonWaiver<'a>>,
    /// What the rule wants, in words.
    expected: &'a str,
    /// What is, in words.
    observed: &'a str,
    /// EvidenceRecord.
    seen: &'a [Evidence],
    /// What can happen while it is violated.
    why: Option<&'a str>,
    /// Steps that repair a violation.
    corrective: &'a [String],
    /// What keeps it from coming back.
    preventive: Option<&'a str>,
    /// Command that checks this rule alone.
    verify: String,
    /// Measures of the postmortem that the rule serves.
    measures: &'a [String],
    /// Where the demand comes from.
    references: &'a [String],
    /// The place in the policy that asked.
    asked_by: Place,
}

#[derive(Serialize, JsonSchema)]
struct JsonSubject<'a> {
    /// `service`, `port`, `file` ...
    kind: &'a str,
    /// Its name.
    name: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Place {
    /// Policy file.
    file: String,
    /// Line, from 1.
    line: usize,
    /// Column in characters, from 1.
    column: usize,
}

/// Renders a report as JSON.
pub fn render(report: &Report, _: Style) -> String {
    let host = &report.host;
    let time = report.time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let json = JsonReport {
        version: VERSION,
        tool: Tool { name: "spotcheck", version: env!("CARGO_PKG_VERSION") },
        time: time.clone(),
        host: JsonHost {
            name: &host.name,
            kind: host.kind,
            os: host.os("PRETTY_NAME"),
            kernel: host.kernel.as_deref(),
            uid: host.privilege.uid,
            full_privilege: host.privilege.full,
            recorded: host.recorded.and(Some(time.clone())),
        },
        summary: &report.summary,
        exit_code: report.exit,
        findings: report.findings.iter().map(finding).collect(),
        waivers: report.waivers.iter().map(notice).collect(),
    };
    // These types hold no maps with keys that are not text, the only thing that could fail.
    let mut out = serde_json::to_string_pretty(&json).unwrap_or_default();
    out.push('\n');
    out
}

fn notice(notice: &Notice) -> JsonNotice<'_> {
    JsonNotice {
        standing: notice.standing,
        violations: notice.findings,
        waiver: JsonWaiver::of(&notice.waiver),
    }
}

fn finding(finding: &Finding) -> JsonFinding<'_> {
    let rule = &*finding.rule;
    let assertion = &finding.assertion;
    JsonFinding {
        policy: &rule.policy,
        rule: &rule.id,
        title: rule.title.as_deref(),
        owner: rule.owner.as_deref(),
        severity: rule.severity,
        subject: JsonSubject { kind: assertion.subject.kind, name: &assertion.subject.name },
        condition: &assertion.condition,
        outcome: finding.outcome(),
        reason: finding.reason(),
        waiver: finding.waiver().map(|waiver| JsonWaiver::of(waiver)),
        expected: &assertion.expected,
        observed: &assertion.observed,
        seen: finding.seen(),
        why: rule.why.as_deref(),
        corrective: finding.corrective(),
        preventive: rule.preventive.as_deref(),
        verify: rule.verify(),
        measures: &rule.measures,
        references: &rule.references,
        asked_by: Place { file: text::path(&rule.file), line: rule.line, column: rule.column },
    }
}

/// The JSON Schema of the report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(JsonReport).to_value()
}

//! The report of a back-test: for people, and as JSON for programs.

use crate::policy::Severity;
use crate::text::{printable, time};
use crate::verdict::backtest::{Answer, Role, Tally, Trial, Verdict};
use crate::verdict::{Exit, RuleInfo};
use colored::{ColoredString, Colorize};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;
use std::sync::Arc;

/// Version of the JSON format. It grows when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// Everything that a back-test has found.
pub struct Backtest<'a> {
    /// The rules that were tried, in their order.
    pub rules: &'a [Arc<RuleInfo>],
    /// The recordings that they were tried on.
    pub trials: &'a [Trial],
    /// Recordings of the history that could not be read, each with the reason.
    pub unreadable: &'a [String],
    /// What it comes to.
    pub exit: Exit,
}

/// For people.
pub fn human(backtest: &Backtest, colour: bool) -> String {
    colored::control::set_override(colour);
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    for trial in backtest.trials.iter().filter(|trial| trial.role != Role::History) {
        let when = time::utc(trial.time);
        let role = if trial.role == Role::Bad { "bad " } else { "good" };
        let text = format!("{role}  {} ({}, {when})", trial.path, trial.host);
        line(format!("{} {}", word(trial.verdict()), printable(&text)));
    }
    for why in backtest.unreadable {
        line(format!("{} {}", "unreadable ".yellow(), printable(why)));
    }
    for (number, rule) in backtest.rules.iter().enumerate() {
        line(String::new());
        for text in of_rule(backtest.trials, number, rule) {
            line(text);
        }
    }
    line(String::new());
    line(sum(backtest));
    colored::control::unset_override();
    out
}

/// The words that a column shows, all of one width.
fn word(verdict: Verdict) -> ColoredString {
    match verdict {
        Verdict::Caught => "caught     ".green(),
        Verdict::Missed => "MISSED     ".red().bold(),
        Verdict::Silent => "silent     ".green(),
        Verdict::FalseAlarm => "FALSE ALARM".red().bold(),
        Verdict::Undecided => "undecided  ".yellow(),
        Verdict::Counted => "counted    ".normal(),
    }
}

fn of_rule(trials: &[Trial], number: usize, rule: &RuleInfo) -> Vec<String> {
    let tally = |role| Tally::of(trials, role, number);
    let (bad, good, history) = (tally(Role::Bad), tally(Role::Good), tally(Role::History));
    let mut words = Vec::new();
    if bad.all() > 0 {
        words.push(format!("would have caught {} of {}", bad.fires, bad.all()));
    }
    if good.all() > 0 {
        words.push(format!("false alarms {} of {}", good.fires, good.all()));
    }
    if history.all() > 0 {
        let undecided = match history.undecided {
            0 => String::new(),
            undecided => format!(", undecided {undecided}"),
        };
        let (fires, all) = (history.fires, history.all());
        words.push(format!("would have fired {fires} of {all} times{undecided}"));
    }
    let name = printable(&rule.id).bold();
    let mut lines = vec![format!("{name} ({}): {}", rule.severity.name(), words.join(" · "))];
    for trial in trials {
        let Some(answer) = trial.answers.get(number) else { continue };
        let said = match (trial.role, answer) {
            (_, Answer::Undecided(why)) => format!("undecided: {why}"),
            (Role::History, _) | (Role::Good, Answer::Silent | Answer::NotApplicable(_)) => {
                continue;
            }
            (_, Answer::Fires(what)) => format!("fires: {what}"),
            (_, Answer::Silent) => "does not fire: everything it asks holds".to_owned(),
            (_, Answer::NotApplicable(why)) => format!("does not apply: {why}"),
        };
        lines.push(format!("  {}", printable(&format!("{}: {said}", trial.path))));
    }
    lines
}

fn sum(backtest: &Backtest) -> String {
    let count = |role: Role| backtest.trials.iter().filter(|trial| trial.role == role).count();
    let words = format!(
        "{} on {} bad, {} good, {} of the history: ",
        counted(backtest.rules.len(), "rule"),
        count(Role::Bad),
        count(Role::Good),
        count(Role::History)
    );
    let result = match backtest.exit {
        Exit::Holds if count(Role::Bad) + count(Role::Good) == 0 => "counted",
        Exit::Holds => "as it should be",
        Exit::Violated => "not as it should be",
        Exit::Undecided | Exit::CouldNotRun => "not everything can be decided",
    };
    format!("{words}{result} · exit {}", backtest.exit.code())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A back-test.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "spotcheck back-test")]
struct JsonBacktest<'a> {
    /// Version of this format.
    version: u32,
    /// Version of spotcheck.
    spotcheck: &'static str,
    /// Exit code: 0 as it should be, 1 missed or false alarm, 2 undecided.
    exit_code: u8,
    /// The recordings.
    recordings: Vec<JsonTrial<'a>>,
    /// Recordings of the history that could not be read, each with the reason.
    unreadable: &'a [String],
    /// The rules.
    rules: Vec<JsonRule<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct JsonTrial<'a> {
    /// The file.
    path: &'a str,
    /// What it is of.
    role: Role,
    /// Name of the host.
    host: &'a str,
    /// When it was recorded, RFC 3339, UTC.
    time: String,
    /// Whether it was judged as it should be.
    verdict: Verdict,
}

#[derive(Serialize, JsonSchema)]
struct JsonRule<'a> {
    /// Policy's name.
    policy: &'a str,
    /// Rule's id.
    rule: &'a str,
    /// How bad a violation is.
    severity: Severity,
    /// Measures of the postmortem that it serves.
    measures: &'a [String],
    /// On recordings of incidents.
    bad: Tally,
    /// On recordings of healthy hosts; where it fires is a false alarm.
    good: Tally,
    /// On the history.
    history: Tally,
    /// What it says of each recording, in their order.
    answers: Vec<JsonAnswer<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct JsonAnswer<'a> {
    /// The recording.
    path: &'a str,
    /// `fires`, `silent`, `undecided` or `not_applicable`.
    answer: &'static str,
    /// What is violated, or why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
}

/// For programs.
pub fn json(backtest: &Backtest) -> String {
    let recordings = backtest.trials.iter().map(|trial| JsonTrial {
        path: &trial.path,
        role: trial.role,
        host: &trial.host,
        time: time::rfc3339(trial.time),
        verdict: trial.verdict(),
    });
    let rules = backtest.rules.iter().enumerate().map(|(number, rule)| {
        let tally = |role| Tally::of(backtest.trials, role, number);
        let answers = backtest.trials.iter().filter_map(|trial| {
            let (answer, why) = match trial.answers.get(number)? {
                Answer::Fires(what) => ("fires", Some(what.as_str())),
                Answer::Silent => ("silent", None),
                Answer::Undecided(why) => ("undecided", Some(why.as_str())),
                Answer::NotApplicable(why) => ("not_applicable", Some(why.as_str())),
            };
            Some(JsonAnswer { path: &trial.path, answer, why })
        });
        JsonRule {
            policy: &rule.policy,
            rule: &rule.id,
            severity: rule.severity,
            measures: &rule.measures,
            bad: tally(Role::Bad),
            good: tally(Role::Good),
            history: tally(Role::History),
            answers: answers.collect(),
        }
    });
    let json = JsonBacktest {
        version: VERSION,
        spotcheck: env!("CARGO_PKG_VERSION"),
        exit_code: backtest.exit.code(),
        recordings: recordings.collect(),
        unreadable: backtest.unreadable,
        rules: rules.collect(),
    };
    // These types hold no maps with keys that are not text, the only thing that could fail.
    let mut out = String::new();
    let _ = writeln!(out, "{}", serde_json::to_string_pretty(&json).unwrap_or_default());
    out
}

/// The JSON Schema of the report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(JsonBacktest).to_value()
}

//! The timeline: what happened when, and what says so.

use super::case::{Case, begins, ends, evidence};
use super::facts::{Found, one_of_each_condition};
use super::trace::{Trace, traces};
use crate::actions::export::Whole;
use crate::actions::items::identity::Affected;
use crate::actions::items::item::{Event, EventKind, Item, ItemId};
use crate::actions::rule_status::RuleStatus;
use crate::text::time;
use std::collections::{BTreeMap, BTreeSet};

/// What a line of the timeline is about, in the order in which lines of one second are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A run saw it hold for the last time.
    LastGood,
    /// Something was changed or started, and then it was violated.
    Change,
    /// A run saw it violated.
    Seen,
    /// Somebody entered something.
    Entered,
    /// Something was changed or started, and then it held.
    Repair,
    /// A run saw it hold again.
    Verified,
    /// Something else that a run noted.
    Noted,
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    /// When, seconds since 1970-01-01 UTC.
    pub at: i64,
    /// What it is about.
    pub kind: Kind,
    /// What happened.
    pub what: String,
    /// What says so.
    pub source: String,
}

/// The timeline of a case, oldest first.
pub fn of(case: &Case) -> Vec<Line> {
    let mut lines = last_good(case);
    // What is said of several items is told once, with all of them.
    let mut told: BTreeMap<Line, BTreeSet<ItemId>> = BTreeMap::new();
    let mut seen: BTreeMap<(i64, &str, &str, &Affected), Found> = BTreeMap::new();
    let mut held: BTreeMap<(i64, &str), Vec<&Item>> = BTreeMap::new();
    for (whole, event) in case.events() {
        let item = &whole.item;
        let host = event.host.as_deref().unwrap_or("some host");
        for line in lines_of(case, whole, event, host) {
            told.entry(line).or_default().insert(item.id);
        }
        if begins(event.kind) {
            let key = (event.at, host, item.key.rule.as_str(), &item.key.thing);
            let found = seen.entry(key).or_insert(Found { seen: Vec::new(), at: event.at });
            found.seen.extend(evidence(whole, event).into_iter().map(|one| (item, one)));
            one_of_each_condition(&mut found.seen);
        } else if ends(event.kind) {
            held.entry((event.at, host)).or_default().push(item);
        }
    }
    lines.extend(told.into_iter().map(|(line, ids)| {
        let ids: Vec<String> = ids.iter().map(ItemId::to_string).collect();
        Line { what: format!("{} ({})", line.what, ids.join(", ")), ..line }
    }));
    lines.extend(seen.into_iter().filter(|(_, found)| !found.seen.is_empty()).map(
        |((at, host, rule, _), found)| Line {
            at,
            kind: Kind::Seen,
            what: format!("Seen by {rule}: {} {}", found.short(), found.ids()),
            source: run(host),
        },
    ));
    lines.extend(held.into_iter().map(|((at, host), items)| {
        let rules: BTreeSet<&str> = items.iter().map(|item| item.key.rule.as_str()).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let ids: Vec<String> = items.iter().map(|item| item.id.to_string()).collect();
        Line {
            at,
            kind: Kind::Verified,
            what: format!("Seen to hold again: {} ({})", rules.join(", "), ids.join(", ")),
            source: run(host),
        }
    }));
    lines.sort();
    lines
}

fn run(host: &str) -> String {
    format!("run of spotcheck on {host}")
}

/// The last run that saw each rule hold before it was violated, run by run.
fn last_good(case: &Case) -> Vec<Line> {
    let mut runs: BTreeMap<(i64, &str), BTreeSet<&str>> = BTreeMap::new();
    for turn in &case.turns {
        if turn.was == RuleStatus::Holds && turn.became == RuleStatus::Violated {
            runs.entry((turn.last_look, &turn.host)).or_default().insert(&turn.rule);
        }
    }
    let line = |((at, host), rules): ((i64, &str), BTreeSet<&str>)| Line {
        at,
        kind: Kind::LastGood,
        what: format!(
            "A run saw {} hold for the last time",
            rules.into_iter().collect::<Vec<_>>().join(", ")
        ),
        source: run(host),
    };
    runs.into_iter().map(line).collect()
}

/// Traces that the evidence of an event holds, and what was entered.
fn lines_of(case: &Case, whole: &Whole, event: &Event, host: &str) -> Vec<Line> {
    let traced = |kind, after: i64| {
        let all = evidence(whole, event);
        let all: Vec<_> = all.iter().flat_map(|one| traces(one, after, event.at)).collect();
        let by = format!("seen by the run of {} on {host}", clock(event.at));
        let line = |trace: Trace| Line {
            at: trace.at,
            kind,
            what: trace.what,
            source: format!("{}, {by}", trace.source),
        };
        all.into_iter().map(line).collect()
    };
    if begins(event.kind) {
        return traced(Kind::Change, case.last_good(whole, event).unwrap_or(case.period.from - 1));
    }
    if ends(event.kind) {
        let began = whole.events.iter().filter(|one| begins(one.kind) && one.at <= event.at);
        let after = began.map(|one| one.at).max().unwrap_or(case.period.from - 1);
        return traced(Kind::Repair, after);
    }
    let line = |(kind, what)| {
        let source = if kind == Kind::Entered { "entered in the ledger".into() } else { run(host) };
        Line { at: event.at, kind, what, source }
    };
    noted(event).map(line).into_iter().collect()
}

/// What was entered or noted of an item. Who did it is not told: that is for the ledger.
fn noted(event: &Event) -> Option<(Kind, String)> {
    let with = |words: &str| match event.detail.as_str() {
        "" => words.to_owned(),
        detail => format!("{words}: {detail}"),
    };
    Some(match event.kind {
        EventKind::Acknowledged => (Kind::Entered, with("Acknowledged")),
        EventKind::Assigned => (Kind::Entered, with("Assigned")),
        EventKind::Due => (Kind::Entered, with("Due date changed")),
        EventKind::Comment => (Kind::Entered, with("Comment")),
        EventKind::Closed => (Kind::Entered, with("Closed by hand")),
        EventKind::Overdue => (Kind::Noted, with("Overdue")),
        EventKind::Waived => (Kind::Noted, with("Waived")),
        EventKind::WaiverEnded => (Kind::Noted, with("Waiver ended")),
        EventKind::Retired => (Kind::Noted, with("Not asked about any more")),
        _ => return None,
    })
}

/// A time of the day, for a source: its line has the date.
fn clock(seconds: i64) -> String {
    time::utc(seconds).chars().skip("2026-11-01 ".len()).collect()
}

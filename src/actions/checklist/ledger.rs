//! The checklist of a ledger.

use crate::actions::checklist::measure::{Progress, Seen};
use crate::actions::checklist::model::{Checklist, Group, Task};
use crate::actions::export::Whole;
use crate::actions::items::evidence::EvidenceRecord;
use crate::actions::items::item::Item;
use crate::actions::items::lifecycle::{Presence, State};
use crate::actions::query::Filter;
use crate::actions::rule_status::{RecordedStatus, RuleStatus};
use crate::actions::{Ledger, LedgerError};
use crate::text::time;
use crate::verdict::Promises;
use crate::verdict::measure::Measure;
use std::collections::BTreeSet;

/// Most hosts and things of an item that are listed one by one.
const EVIDENCE: usize = 10;

/// The checklist of these items, under all measures that the ledger knows of; of one policy, where
/// that is named.
///
/// # Errors
/// When the store fails.
pub fn from_ledger(
    ledger: &mut Ledger,
    items: &[Whole],
    policy: Option<&str>,
    scope: String,
    now: i64,
) -> Result<Checklist, LedgerError> {
    let standings = ledger.standings(policy)?;
    let promises = ledger.promises()?;
    let states = State::ALL.into_iter().filter(|state| state.is_live()).collect();
    let live =
        ledger.items(&Filter { states, policy: policy.map(str::to_owned), ..Filter::default() })?;
    let mut groups = Vec::new();
    let mut placed = BTreeSet::new();
    let of_policy = |name: &&(String, Promises)| policy.is_none_or(|wanted| wanted == name.0);
    for (policy, promises) in promises.iter().filter(of_policy) {
        for measure in &promises.measures {
            let serves = |item: &Item| {
                item.key.policy == *policy && item.texts.measures.contains(&measure.text)
            };
            let own: Vec<&Whole> = items.iter().filter(|whole| serves(&whole.item)).collect();
            placed.extend(own.iter().map(|whole| whole.item.id));
            let live = live.iter().filter(|item| serves(item)).count();
            let rules = seen_of(measure, policy, &standings);
            groups.push(Group {
                policy: policy.clone(),
                postmortem: Some(promises.name()),
                measure: Some(measure.text.clone()),
                rules: measure.rules.clone(),
                progress: Progress::of(&rules, live),
                tasks: own.iter().map(|whole| task(whole, now)).collect(),
                notes: notes(measure, policy, &standings),
            });
        }
    }
    let rest: Vec<&Whole> = items.iter().filter(|whole| !placed.contains(&whole.item.id)).collect();
    if !rest.is_empty() {
        let live = rest.iter().filter(|whole| whole.item.state.is_live()).count();
        groups.push(Group {
            policy: String::new(),
            postmortem: None,
            measure: None,
            rules: Vec::new(),
            progress: Progress::Violated { violations: live },
            tasks: rest.iter().map(|whole| task(whole, now)).collect(),
            notes: Vec::new(),
        });
    }
    Ok(Checklist { time: now, scope, groups })
}

/// What the ledger knows of each rule of a measure.
pub fn seen_of(measure: &Measure, policy: &str, standings: &[RecordedStatus]) -> Vec<Vec<Seen>> {
    let seen = |rule: &String| {
        standings
            .iter()
            .filter(|one| one.policy == policy && one.rule == *rule)
            .filter(|one| one.standing != RuleStatus::Retired)
            .map(|one| Seen { standing: one.standing, since: Some(one.since), at: one.seen })
            .collect()
    };
    measure.rules.iter().map(seen).collect()
}

fn notes(measure: &Measure, policy: &str, standings: &[RecordedStatus]) -> Vec<String> {
    let untold = |one: &&RecordedStatus| {
        one.policy == policy
            && measure.rules.contains(&one.rule)
            && matches!(one.standing, RuleStatus::Undecided | RuleStatus::Inapplicable)
    };
    let words = |one: &RecordedStatus| {
        let (rule, host, since) = (&one.rule, &one.host, time::utc(one.since));
        match one.standing {
            RuleStatus::Undecided => format!("{rule} cannot be decided on {host} since {since}"),
            _ => format!("{rule} does not apply on {host} since {since}"),
        }
    };
    standings.iter().filter(untold).take(EVIDENCE).map(words).collect()
}

fn task(whole: &Whole, now: i64) -> Task {
    let item = &whole.item;
    let since = time::day(item.state_since);
    let waived = item.waived_until.filter(|until| *until > now);
    let state = match (item.state, waived) {
        (State::Resolved, _) => format!("seen repaired {since}"),
        (State::Closed, _) => format!("closed by hand {since}, not seen repaired"),
        (State::Retired, _) => format!("not asked about since {since}, not seen repaired"),
        (state, Some(until)) => format!("{state}, waived until {}", time::day(until)),
        (state, None) => format!("{state} since {since}"),
    };
    Task {
        id: Some(item.id),
        done: item.state == State::Resolved,
        title: item.title.clone(),
        severity: item.severity,
        kind: item.kind,
        state,
        owner: item.owner.clone(),
        due: item.due.filter(|_| item.state.is_live()),
        overdue: item.is_overdue(now),
        evidence: evidence(whole),
        corrective: item.texts.corrective.clone(),
        preventive: item.texts.preventive.clone(),
        verify: item.texts.command.clone(),
        links: item.texts.links.clone(),
    }
}

fn evidence(whole: &Whole) -> Vec<String> {
    let present = whole.occurrences.iter().filter(|one| one.presence == Presence::Present);
    let words = |one: &crate::actions::Occurrence| {
        let now = EvidenceRecord::from_json(&one.evidence_now);
        let seen = time::utc(one.last_seen);
        let (host, condition) = (&one.host, &one.condition);
        format!("{host}, {}, {condition}: {} (seen {seen})", one.affected, now.words())
    };
    let mut lines: Vec<String> = present.clone().take(EVIDENCE).map(words).collect();
    if let Some(more) = present.count().checked_sub(EVIDENCE).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    lines
}

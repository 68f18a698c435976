//! What a postmortem is about: the items of a time, with all that is known of them.

use super::cluster::{self, Cluster};
use crate::actions::checklist::{Checklist, from_ledger};
use crate::actions::export::Whole;
use crate::actions::items::evidence::EvidenceRecord;
use crate::actions::items::item::{Event, EventKind, Occurrence};
use crate::actions::rule_status::{RuleStatus, RuleTurn};
use crate::actions::{Ledger, LedgerError};
use std::collections::BTreeSet;

/// Most items that one draft tells of; who has more has several incidents.
const MOST_ITEMS: usize = 200;

/// Most events that are looked at.
const MOST_EVENTS: u32 = 20_000;

/// From when to when, seconds since 1970-01-01 UTC, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first second.
    pub from: i64,
    /// Its last second.
    pub to: i64,
}

/// What a postmortem is about.
pub struct Case {
    /// The time that it is about.
    pub period: Period,
    /// Items to which something happened in that time, with what did.
    pub items: Vec<Whole>,
    /// Rules that came to stand otherwise.
    pub turns: Vec<RuleTurn>,
    /// Items that facts tie together.
    pub clusters: Vec<Cluster>,
    /// The measures of the policies involved, with the items.
    pub checklist: Checklist,
    /// Items that were left out because there are too many.
    pub omitted: usize,
}

/// Gathers what happened in a time; of one service, where that is named.
///
/// # Errors
/// When the store fails.
pub fn gather(
    ledger: &mut Ledger,
    period: Period,
    service: Option<&str>,
    now: i64,
) -> Result<Case, LedgerError> {
    let events = ledger.events_between(period.from, period.to, MOST_EVENTS)?;
    let ids: BTreeSet<_> =
        events.iter().filter(|event| is_telling(event)).map(|event| event.item).collect();
    let mut items = Vec::new();
    for id in ids {
        let Some(item) = ledger.item(id)? else { continue };
        let occurrences = ledger.occurrences(id)?;
        let events = events.iter().filter(|event| event.item == id).cloned().collect();
        items.push(Whole { item, occurrences, events });
    }
    let mut clusters = cluster::of(&items);
    if let Some(service) = service {
        clusters.retain(|cluster| cluster.is_about(service));
    }
    let wanted: BTreeSet<_> = clusters.iter().flat_map(|cluster| cluster.items.clone()).collect();
    items.retain(|whole| wanted.contains(&whole.item.id));
    items.sort_by_key(|whole| (std::cmp::Reverse(whole.item.severity), whole.item.id));
    let omitted = items.len().saturating_sub(MOST_ITEMS);
    items.truncate(MOST_ITEMS);
    let kept: BTreeSet<_> = items.iter().map(|whole| whole.item.id).collect();
    for cluster in &mut clusters {
        cluster.items.retain(|id| kept.contains(id));
    }
    clusters.retain(|cluster| !cluster.items.is_empty());
    let policies: BTreeSet<&str> =
        items.iter().map(|whole| whole.item.key.policy.as_str()).collect();
    let rules: BTreeSet<(&str, &str)> = items
        .iter()
        .map(|whole| (whole.item.key.policy.as_str(), whole.item.key.rule.as_str()))
        .collect();
    let turns = ledger.turns(period.from, period.to, MOST_EVENTS)?;
    let turns: Vec<RuleTurn> = turns
        .into_iter()
        .filter(|turn| rules.contains(&(turn.policy.as_str(), turn.rule.as_str())))
        .collect();
    let mut checklist = from_ledger(ledger, &items, None, "The ledger".into(), now)?;
    checklist
        .groups
        .retain(|group| group.measure.is_none() || policies.contains(group.policy.as_str()));
    Ok(Case { period, items, turns, clusters, checklist, omitted })
}

/// Whether it makes its item part of what happened: comments on something else do not.
fn is_telling(event: &Event) -> bool {
    begins(event.kind) || matches!(event.kind, EventKind::Resolved | EventKind::Held)
}

/// Whether something was seen violated that was not seen so before.
pub fn begins(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Opened
            | EventKind::Spread
            | EventKind::More
            | EventKind::Recurred
            | EventKind::Regressed
            | EventKind::Reopened
            | EventKind::Returned
    )
}

/// Whether something was seen repaired.
pub fn ends(kind: EventKind) -> bool {
    matches!(kind, EventKind::Resolved | EventKind::Held)
}

/// What the run of an event saw, condition by condition: kept with the event, or with the occurrences
/// that it began.
pub fn evidence(whole: &Whole, event: &Event) -> Vec<EvidenceRecord> {
    let text = event.evidence.as_deref();
    let mut all = text.map(EvidenceRecord::list_from_json).unwrap_or_default();
    // What older ledgers kept with an event is of the condition that its item was about.
    for one in all.iter_mut().filter(|one| one.condition.is_empty()) {
        one.condition.clone_from(&event.condition);
    }
    let began = whole.occurrences.iter().filter(|one| {
        begins(event.kind)
            && one.first_seen == event.at
            && event.host.as_ref().is_none_or(|host| *host == one.host)
            && (event.condition.is_empty() || event.condition == one.condition)
    });
    all.extend(began.map(Occurrence::first_evidence));
    all
}

impl Case {
    /// When a rule was last seen to hold on a host before a run saw it violated.
    pub fn last_good(&self, whole: &Whole, event: &Event) -> Option<i64> {
        let key = &whole.item.key;
        self.turns
            .iter()
            .find(|turn| {
                turn.at == event.at
                    && (&turn.policy, &turn.rule) == (&key.policy, &key.rule)
                    && event.host.as_ref() == Some(&turn.host)
                    && turn.was == RuleStatus::Holds
            })
            .map(|turn| turn.last_look)
    }

    /// All events with their items, oldest first.
    pub fn events(&self) -> Vec<(&Whole, &Event)> {
        let each = |whole| move |event| (whole, event);
        let mut all: Vec<(&Whole, &Event)> =
            self.items.iter().flat_map(|whole| whole.events.iter().map(each(whole))).collect();
        all.sort_by_key(|(whole, event)| (event.at, whole.item.id));
        all
    }

    /// The hosts on which something was seen.
    pub fn hosts(&self) -> BTreeSet<&str> {
        let events = self.items.iter().flat_map(|whole| &whole.events);
        events.filter_map(|event| event.host.as_deref()).collect()
    }
}

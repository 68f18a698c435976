//! Violations in words, rule by rule, and what they mean for each other by what they are.

use super::case::{Case, begins, evidence};
use super::cluster::Cluster;
use crate::actions::export::Whole;
use crate::actions::items::evidence::{EvidenceRecord, lasting};
use crate::actions::items::item::{Item, ItemId};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen violated of one thing by one rule, condition by condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<'a> {
    /// The item with what was seen of each condition; items, where a thing has several.
    pub seen: Vec<(&'a Item, EvidenceRecord)>,
    /// When it was first seen in the time of the case, seconds since 1970-01-01 UTC.
    pub at: i64,
}

impl Found<'_> {
    /// Ids of its items, in one bracket: `(SC-3, SC-4)`.
    pub fn ids(&self) -> String {
        let ids: BTreeSet<ItemId> = self.seen.iter().map(|(item, _)| item.id).collect();
        let ids: Vec<String> = ids.iter().map(ItemId::to_string).collect();
        format!("({})", ids.join(", "))
    }

    /// In a few words: `nginx was not running`.
    pub fn short(&self) -> String {
        let name = self.seen.first().map(|(item, _)| subject(item)).unwrap_or_default();
        let mut words: Vec<String> = Vec::new();
        for phrase in self.seen.iter().map(|(item, evidence)| phrase(item, evidence)) {
            let after_had = words.iter().any(|word| word.starts_with("had "));
            words.push(match phrase.strip_prefix("had ") {
                Some(rest) if after_had => rest.to_owned(),
                _ => phrase,
            });
        }
        format!("{name} {}", words.join(", "))
    }

    /// In all words: `file /etc/x, owner: root; expected nginx · mode: 0000; expected u+rw`.
    pub fn full(&self) -> String {
        let thing = self.seen.first().map(|(item, _)| item.key.thing.to_string());
        let each = self
            .seen
            .iter()
            .map(|(_, evidence)| format!("{}: {}", evidence.condition, evidence.words()));
        let each: Vec<String> = each.collect();
        format!("{}, {}", thing.unwrap_or_default(), each.join(" · "))
    }

    /// Why it matters, as its rule says.
    pub fn why(&self) -> Option<&str> {
        self.seen.first().and_then(|(item, _)| item.texts.why.as_deref())
    }
}

/// What it is about, as a sentence begins with it.
fn subject(item: &Item) -> String {
    let thing = &item.key.thing;
    match thing.kind.as_str() {
        "service" | "process" | "file" | "config" => thing.name.clone(),
        _ => thing.to_string(),
    }
}

fn phrase(item: &Item, evidence: &EvidenceRecord) -> String {
    let EvidenceRecord { condition, expected, observed, .. } = evidence;
    match (item.key.thing.kind.as_str(), condition.as_str()) {
        ("service" | "process", "running") if expected == "running" => "was not running".into(),
        ("service" | "process", "never_root") => "had processes with the rights of root".into(),
        ("service" | "process", "run_as") => {
            format!("ran as {}", lasting(observed).replace("; ", " and "))
        }
        ("config", _) => format!("said {}, expected {expected}", lasting(observed)),
        ("port", "bound_by") if !programs(evidence).is_empty() => {
            format!("was held by {}", programs(evidence).join(", "))
        }
        ("file", condition @ ("owner" | "group" | "mode")) => format!("had {condition} {observed}"),
        ("file", "readable_by") => format!("was not {expected}"),
        (_, condition) => format!("had {condition} {}, expected {expected}", lasting(observed)),
    }
}

/// What was found in the time of a case, in the order in which it was first seen.
pub fn found<'a>(case: &'a Case, wanted: impl Fn(ItemId) -> bool) -> Vec<Found<'a>> {
    let mut all: BTreeMap<_, Found> = BTreeMap::new();
    for whole in case.items.iter().filter(|whole| wanted(whole.item.id)) {
        let Some((at, evidence)) = first_seen(whole) else { continue };
        let key = &whole.item.key;
        let place = all
            .entry((&key.policy, &key.rule, &key.thing))
            .or_insert_with(|| Found { seen: Vec::new(), at });
        place.at = place.at.min(at);
        place.seen.extend(evidence.into_iter().map(|one| (&whole.item, one)));
    }
    let mut all: Vec<Found> = all.into_values().collect();
    for found in &mut all {
        found.seen.sort_by_key(|(item, _)| item.id);
        one_of_each_condition(&mut found.seen);
    }
    all.sort_by_key(|found| (found.at, found.seen.first().map(|(item, _)| item.id)));
    all
}

/// What was first seen of an item in the time of the case.
fn first_seen(whole: &Whole) -> Option<(i64, Vec<EvidenceRecord>)> {
    let began = whole.events.iter().filter(|event| begins(event.kind));
    let seen: Vec<(i64, EvidenceRecord)> = began
        .flat_map(|event| evidence(whole, event).into_iter().map(|one| (event.at, one)))
        .collect();
    let at = seen.first()?.0;
    Some((at, seen.into_iter().map(|(_, one)| one).collect()))
}

/// Of many files with one cause the first says what was found.
pub fn one_of_each_condition(seen: &mut Vec<(&Item, EvidenceRecord)>) {
    let mut told = BTreeSet::new();
    seen.retain(|(item, one)| told.insert((item.id, one.condition.clone())));
}

/// What the facts of a cluster mean for each other. No cause is guessed: each sentence follows from
/// what a port is and from what the kernel does when a file is opened.
pub fn meanings(case: &Case, cluster: &Cluster) -> Vec<String> {
    let own = found(case, |id| cluster.items.contains(&id));
    let own: Vec<&(&Item, EvidenceRecord)> = own.iter().flat_map(|found| &found.seen).collect();
    let is = |item: &Item, evidence: &EvidenceRecord, kind: &str, condition: &str| {
        item.key.thing.kind == kind && evidence.condition == condition
    };
    let is_down = |(item, evidence): &&&(&Item, EvidenceRecord)| {
        is(item, evidence, "service", "running") && evidence.expected == "running"
    };
    let mut out = BTreeSet::new();
    for (down, _) in own.iter().filter(is_down) {
        let service = &down.key.thing.name;
        let tie = format!("service {service}");
        for (item, evidence) in own.iter().filter(|(item, _)| item.texts.ties.contains(&tie)) {
            let (name, ids) = (&item.key.thing.name, format!("({}, {})", down.id, item.id));
            let holders = programs(evidence);
            if is(item, evidence, "port", "bound_by") && !holders.is_empty() {
                let holders = holders.join(", ");
                out.insert(format!(
                    "While {holders} held port {name}, {service} could not bind it {ids}."
                ));
            }
            if is(item, evidence, "file", "readable_by") {
                out.insert(format!(
                    "While the user of {service} could not read {name}, {service} could not start \
                     with it {ids}."
                ));
            }
        }
    }
    out.into_iter().collect()
}

/// The programs that an evidence shows, each once.
fn programs(evidence: &EvidenceRecord) -> Vec<String> {
    let is_process = |seen: &&Value| seen.get("kind").and_then(Value::as_str) == Some("process");
    let name = |seen: &Value| seen.get("comm").and_then(Value::as_str).map(str::to_owned);
    let names: BTreeSet<String> =
        evidence.seen.iter().filter(is_process).filter_map(name).collect();
    names.into_iter().collect()
}

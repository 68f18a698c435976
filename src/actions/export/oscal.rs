//! A plan of action and milestones as OSCAL 1.2 has it (NIST, model `plan-of-action-and-milestones`).
//!
//! Every UUID is of version 5, made from what it names: the same item has the same UUID in every
//! revision, on every machine. An item is a `poam-item` with a `risk` (its status, its deadline, what
//! repairs it) and an `observation` for each host and thing.

use super::Export;
use crate::actions::export::whole::Whole;
use crate::actions::items::evidence::EvidenceRecord;
use crate::actions::items::item::{Event, EventKind, Occurrence};
use crate::actions::items::lifecycle::{Presence, State};
use crate::prose::escape;
use crate::text::printable;
use crate::text::time::{day, rfc3339};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The version of OSCAL that the document is written for. `tests/oscal` has NIST's schema of it.
const OSCAL: &str = "1.2.1";

/// Where the names of our properties come from.
const NAMESPACE: &str = "urn:spotcheck:poam";

/// The plan.
pub fn render(export: &Export) -> String {
    let tool = id(&["tool"]);
    let origins = json!([{ "actors": [{ "type": "tool", "actor-uuid": tool }] }]);
    let parties = parties(export.items);
    let mut metadata = json!({
        "title": line(&format!("Action items of {}", export.system)),
        "last-modified": rfc3339(export.now),
        "version": rfc3339(export.now),
        "oscal-version": OSCAL,
        "props": [property("made-by", "spotcheck"), property("tool-version", env!("CARGO_PKG_VERSION"))],
    });
    let listed: Vec<Value> = parties
        .iter()
        .map(|(name, uuid)| json!({ "uuid": uuid, "type": "organization", "name": word(name) }))
        .collect();
    if !listed.is_empty() {
        insert(&mut metadata, "roles", vec![json!({ "id": "owner", "title": "Owner" })]);
    }
    insert(&mut metadata, "parties", listed);
    let observations: Vec<Value> =
        export.items.iter().flat_map(|whole| observations(whole, &origins)).collect();
    let risks: Vec<Value> =
        export.items.iter().map(|whole| risk(whole, export, &origins)).collect();
    let items: Vec<Value> = export.items.iter().map(|whole| item(whole, &origins)).collect();
    let mut plan = json!({
        "uuid": id(&["plan", export.system]),
        "metadata": metadata,
        "system-id": { "id": word(export.system) },
        "local-definitions": { "components": [{
            "uuid": tool,
            "type": "software",
            "title": "spotcheck",
            "description": "Compares rules of policies with facts of hosts.",
            "status": { "state": "operational" },
        }] },
    });
    insert(&mut plan, "observations", observations);
    insert(&mut plan, "risks", risks);
    insert(&mut plan, "poam-items", items);
    format!("{:#}\n", json!({ "plan-of-action-and-milestones": plan }))
}

/// OSCAL has no empty lists: what is empty is left out.
fn insert(object: &mut Value, key: &str, list: Vec<Value>) {
    if let Value::Object(fields) = object
        && !list.is_empty()
    {
        fields.insert(key.to_owned(), Value::Array(list));
    }
}

/// The UUID of what these words name. The name of a name space of our own, so that nobody else's
/// words make the same.
fn id(words: &[&str]) -> String {
    let space = Uuid::new_v5(&Uuid::NAMESPACE_URL, NAMESPACE.as_bytes());
    let mut name = Vec::new();
    for word in words {
        // With its length, so that no two lists of words are the same bytes.
        name.extend((word.len() as u64).to_le_bytes());
        name.extend(word.as_bytes());
    }
    Uuid::new_v5(&space, &name).to_string()
}

fn parties(items: &[Whole]) -> BTreeMap<&str, String> {
    let owners = items.iter().filter_map(|whole| whole.item.owner.as_deref());
    owners.map(|owner| (owner, id(&["party", owner]))).collect()
}

fn observation_id(whole: &Whole, one: &Occurrence) -> String {
    let fingerprint = whole.item.key.fingerprint();
    id(&[
        "observation",
        &fingerprint,
        &one.host,
        &one.rule,
        &one.affected.kind,
        &one.affected.name,
        &one.condition,
    ])
}

fn observations(whole: &Whole, origins: &Value) -> Vec<Value> {
    let one = |one: &Occurrence| {
        let evidence = EvidenceRecord::from_json(&one.evidence_now);
        let standing = match one.presence {
            Presence::Present => "violated",
            Presence::Held => "seen to hold again",
            Presence::Retired => "not asked about any more",
        };
        json!({
            "uuid": observation_id(whole, one),
            "title": line(&format!("{} of {} on {}", one.condition, one.affected, one.host)),
            "description": line(&evidence.words()),
            "props": [
                property("host", &one.host),
                property("standing", standing),
                property("first-seen", &rfc3339(one.first_seen)),
            ],
            "methods": ["TEST"],
            "types": ["finding"],
            "origins": origins,
            "relevant-evidence": [{ "description": line(&format!(
                "expected: {}; observed: {}", evidence.expected, evidence.observed
            )) }],
            "collected": rfc3339(one.last_seen),
        })
    };
    whole.occurrences.iter().map(one).collect()
}

fn related(whole: &Whole) -> Vec<Value> {
    let ids = whole.occurrences.iter().map(|one| observation_id(whole, one));
    ids.map(|uuid| json!({ "observation-uuid": uuid })).collect()
}

fn risk(whole: &Whole, export: &Export, origins: &Value) -> Value {
    let (item, fingerprint) = (&whole.item, whole.item.key.fingerprint());
    let waived = item.waived_until.is_some_and(|until| until > export.now);
    let status = match item.state {
        State::Resolved => "closed",
        // Nobody has seen it repaired: the risk is still there.
        State::Closed | State::Retired => "deviation-approved",
        _ if waived => "deviation-approved",
        State::Acknowledged => "remediating",
        State::Open | State::Regressed => "open",
    };
    let mut risk = json!({
        "uuid": id(&["risk", &fingerprint]),
        "title": line(&item.title),
        "description": line(item.demand.as_deref().unwrap_or(&item.title)),
        "statement": line(item.texts.why.as_deref().unwrap_or("No reason is written down.")),
        "props": [property("severity", item.severity.name())],
        "status": status,
        "origins": origins,
    });
    let Value::Object(fields) = &mut risk else { return risk };
    if let Some(due) = item.due {
        fields.insert("deadline".into(), rfc3339(due).into());
    }
    let log = whole.events.iter().enumerate().map(|(n, event)| entry(&fingerprint, n, event));
    insert(&mut risk, "remediations", vec![response(whole, &fingerprint)]);
    let log: Vec<Value> = log.collect();
    if let Value::Object(fields) = &mut risk
        && !log.is_empty()
    {
        fields.insert("risk-log".into(), json!({ "entries": log }));
    }
    insert(&mut risk, "related-observations", related(whole));
    risk
}

/// What repairs it, with the day on which it is due as its milestone.
fn response(whole: &Whole, fingerprint: &str) -> Value {
    let item = &whole.item;
    let steps = match item.texts.corrective.as_slice() {
        [] => "Nobody has written down how.".to_owned(),
        steps => steps.iter().map(|step| line(step)).collect::<Vec<_>>().join("; then "),
    };
    let mut response = json!({
        "uuid": id(&["response", fingerprint]),
        "lifecycle": if item.state == State::Resolved { "completed" } else { "planned" },
        "title": line(&item.title),
        "description": steps,
        "props": [property("type", item.kind.name())],
    });
    let Some(due) = item.due else { return response };
    let mut task = json!({
        "uuid": id(&["milestone", fingerprint]),
        "type": "milestone",
        "title": line(&format!("Seen repaired by {}", day(due))),
        "timing": { "on-date": { "date": rfc3339(due) } },
    });
    if let (Some(owner), Value::Object(fields)) = (&item.owner, &mut task) {
        let party = id(&["party", owner]);
        fields.insert(
            "responsible-roles".into(),
            json!([{ "role-id": "owner", "party-uuids": [party] }]),
        );
    }
    insert(&mut response, "tasks", vec![task]);
    response
}

fn entry(fingerprint: &str, number: usize, event: &Event) -> Value {
    let at = rfc3339(event.at);
    let host = event.host.as_deref().map(|host| format!(" on {host}")).unwrap_or_default();
    let mut entry = json!({
        "uuid": id(&["entry", fingerprint, &number.to_string()]),
        "title": line(&format!("{}{host}", event.kind)),
        "start": at,
        "end": at,
    });
    let status = match event.kind {
        EventKind::Opened | EventKind::Regressed | EventKind::Reopened | EventKind::Returned => {
            Some("open")
        }
        EventKind::Acknowledged => Some("remediating"),
        EventKind::Resolved => Some("closed"),
        EventKind::Waived => Some("deviation-approved"),
        _ => None,
    };
    if let Value::Object(fields) = &mut entry {
        if !event.detail.is_empty() {
            fields.insert("description".into(), line(&event.detail).into());
        }
        if let Some(status) = status {
            fields.insert("status-change".into(), status.into());
        }
    }
    entry
}

fn item(whole: &Whole, origins: &Value) -> Value {
    let (item, fingerprint) = (&whole.item, whole.item.key.fingerprint());
    let mut props = vec![
        property("id", &item.id.to_string()),
        property("state", item.state.name()),
        property("severity", item.severity.name()),
        property("policy", &item.key.policy),
        property("rule", &item.key.rule),
        property("verify", &item.texts.command),
    ];
    props.extend(item.owner.iter().map(|owner| property("owner", owner)));
    props.extend(item.texts.postmortem.iter().map(|text| property("postmortem", text)));
    props.extend(item.texts.measures.iter().map(|text| property("measure", text)));
    let description = match &item.texts.preventive {
        Some(preventive) => format!("{}. To keep it so: {preventive}", item.title),
        None => item.title.clone(),
    };
    let mut out = json!({
        "uuid": id(&["item", &fingerprint]),
        "title": line(&item.title),
        "description": line(&description),
        "props": props,
        "origins": origins,
        "related-risks": [{ "risk-uuid": id(&["risk", &fingerprint]) }],
    });
    insert(&mut out, "related-observations", related(whole));
    out
}

fn property(name: &str, value: &str) -> Value {
    let mut fields = Map::new();
    fields.insert("name".into(), name.into());
    fields.insert("ns".into(), NAMESPACE.into());
    fields.insert("value".into(), word(value).into());
    Value::Object(fields)
}

/// A string as OSCAL wants it: one line, something in it, nothing but that at its ends.
fn word(text: &str) -> String {
    match printable(text).trim() {
        "" => "-".to_owned(),
        text => text.to_owned(),
    }
}

/// A line of Markdown in which nothing of others means anything.
fn line(text: &str) -> String {
    word(&escape(text))
}

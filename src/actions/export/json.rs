//! Items for programs, with all that belongs to them, and the measures that they serve.
//!
//! Text is exact: nothing is neutralised here but what JSON itself escapes.

use super::Export;
use crate::actions::checklist::Group;
use crate::actions::export::whole::Whole;
use crate::actions::items::item::{Event, Occurrence};
use crate::text::time::rfc3339;
use serde_json::{Value, json};

/// Version of the JSON export. It grows when a field changes its meaning or goes.
pub const VERSION: u32 = 2;

/// All items as one JSON document.
pub fn render(export: &Export) -> String {
    let items: Vec<Value> = export.items.iter().map(|whole| item(whole, export.now)).collect();
    let groups = export.checklist.groups.iter().filter(|group| group.measure.is_some());
    let measures: Vec<Value> = groups.map(measure).collect();
    let document = json!({
        "version": VERSION,
        "time": rfc3339(export.now),
        "measures": measures,
        "items": items,
    });
    format!("{document:#}\n")
}

fn measure(group: &Group) -> Value {
    let ids = group.tasks.iter().filter_map(|task| task.id).map(|id| id.to_string());
    json!({
        "policy": group.policy,
        "postmortem": group.postmortem,
        "measure": group.measure,
        "rules": group.rules,
        "progress": group.progress,
        "done": group.progress.is_done(),
        "items": ids.collect::<Vec<_>>(),
    })
}

fn item(whole: &Whole, now: i64) -> Value {
    let Whole { item, occurrences, events } = whole;
    json!({
        "id": item.id.to_string(),
        "fingerprint": item.key.fingerprint(),
        "policy": item.key.policy,
        "rule": item.key.rule,
        "subject": { "kind": item.key.thing.kind, "name": item.key.thing.name },
        "conditions": whole.conditions(),
        "title": item.title,
        "demand": item.demand,
        "type": item.kind,
        "severity": item.severity,
        "owner": item.owner,
        "state": item.state,
        "state_since": rfc3339(item.state_since),
        "due": item.due.map(rfc3339),
        "overdue": item.is_overdue(now),
        "waived_until": item.waived_until.map(rfc3339),
        "first_seen": rfc3339(item.first_seen),
        "last_seen": rfc3339(item.last_seen),
        "reopenings": item.reopenings,
        "verify": item.verify,
        "why": item.texts.why,
        "corrective": item.texts.corrective,
        "preventive": item.texts.preventive,
        "verify_command": item.texts.command,
        "postmortem": item.texts.postmortem,
        "measures": item.texts.measures,
        "links": item.texts.links,
        "references": item.texts.references,
        "occurrences": occurrences.iter().map(occurrence).collect::<Vec<_>>(),
        "events": events.iter().map(event).collect::<Vec<_>>(),
    })
}

fn occurrence(one: &Occurrence) -> Value {
    json!({
        "host": one.host,
        "policy": one.policy,
        "rule": one.rule,
        "condition": one.condition,
        "affected": { "kind": one.affected.kind, "name": one.affected.name },
        "state": one.presence.name(),
        "held": one.held,
        "first_seen": rfc3339(one.first_seen),
        "last_seen": rfc3339(one.last_seen),
        "evidence_then": one.first_evidence(),
        "evidence_now": one.last_evidence(),
    })
}

fn event(event: &Event) -> Value {
    json!({
        "time": rfc3339(event.at),
        "host": event.host,
        "actor": event.actor,
        "event": event.kind.name(),
        "detail": event.detail,
    })
}

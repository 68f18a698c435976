//! Whether a document is a valid plan of action and milestones of OSCAL.
//!
//! NIST's own JSON Schema (`tests/oscal`) decides on keys, required fields, and the patterns of UUIDs,
//! tokens and times. It says nothing of references and little of words; NIST's constraints on those
//! are asked here.

use jsonschema::Validator;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../oscal/poam-1.2.1.json")).expect("NIST's schema is JSON")
});

static VALIDATOR: LazyLock<Validator> =
    LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("NIST's schema is one"));

/// The words that NIST's model lists for a field, by where the field stands. Others are allowed for
/// some of them, and then mean something to nobody.
const WORDS: [(&str, &[&str]); 12] = [
    ("metadata/parties/type", &["organization", "person"]),
    ("local-definitions/components/type", &["software", "service", "hardware", "system"]),
    (
        "local-definitions/components/status/state",
        &["under-development", "operational", "disposition", "other"],
    ),
    ("observations/methods", &["EXAMINE", "INTERVIEW", "TEST", "UNKNOWN"]),
    (
        "observations/types",
        &[
            "ssp-statement-issue",
            "control-objective",
            "mitigation",
            "finding",
            "discovery",
            "historic",
        ],
    ),
    ("observations/origins/actors/type", ACTORS),
    ("risks/origins/actors/type", ACTORS),
    ("poam-items/origins/actors/type", ACTORS),
    ("risks/status", STATUS),
    ("risks/risk-log/entries/status-change", STATUS),
    ("risks/remediations/lifecycle", &["recommendation", "planned", "completed"]),
    ("risks/remediations/tasks/type", &["milestone", "action"]),
];

const ACTORS: &[&str] = &["tool", "assessment-platform", "party"];

const STATUS: &[&str] = &[
    "open",
    "investigating",
    "remediating",
    "deviation-requested",
    "deviation-approved",
    "closed",
];

/// What is not valid in it; nothing where all of it is.
pub fn problems(document: &Value) -> Vec<String> {
    let mut problems: Vec<String> = VALIDATOR
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    let plan = &document["plan-of-action-and-milestones"];
    let version = plan["metadata"]["oscal-version"].as_str().unwrap_or_default();
    let id = SCHEMA["$id"].as_str().expect("the schema has a name");
    if !id.contains(&format!("/oscal/{version}/")) {
        problems.push(format!("it is of OSCAL {version}, and the schema is {id}"));
    }
    // Where each identifier is defined: by the kind of what bears it.
    let mut defined: BTreeMap<&str, String> = BTreeMap::new();
    let mut used: Vec<(String, &str)> = Vec::new();
    each(plan, "", &mut |place, value| {
        let key = place.rsplit('/').next().unwrap_or_default();
        if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == place)
            && !words.contains(&value)
        {
            problems.push(format!("{place}: OSCAL does not know `{value}`"));
        }
        match key {
            "uuid" => {
                // Of a name: in the next revision it will be the same.
                if value.as_bytes().get(14) != Some(&b'5') {
                    problems.push(format!("{place}: {value} is not of version 5"));
                }
                if let Some(other) = defined.insert(value, place.to_owned()) {
                    problems.push(format!("{place}: {value} names {other} already"));
                }
            }
            "party-uuids" | "role-id" => used.push((place.to_owned(), value)),
            key if key.ends_with("-uuid") => used.push((place.to_owned(), value)),
            _ => {}
        }
    });
    let roles: BTreeSet<&str> = plan["metadata"]["roles"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|role| role["id"].as_str())
        .collect();
    for (place, id) in used {
        let at = defined.get(id).map(String::as_str);
        let found = match place.rsplit('/').next().unwrap_or_default() {
            "role-id" => roles.contains(id),
            "party-uuids" => at == Some("metadata/parties/uuid"),
            "actor-uuid" => at == Some("local-definitions/components/uuid"),
            "observation-uuid" => at == Some("observations/uuid"),
            "risk-uuid" => at == Some("risks/uuid"),
            _ => false,
        };
        if !found {
            problems.push(format!("{place}: {id} is nowhere"));
        }
    }
    problems
}

/// Every text in it with the keys that lead there.
fn each<'a>(value: &'a Value, place: &str, look: &mut dyn FnMut(&str, &'a str)) {
    match value {
        Value::String(text) => look(place, text),
        Value::Array(items) => items.iter().for_each(|item| each(item, place, look)),
        Value::Object(fields) => {
            for (key, value) in fields {
                let place = if place.is_empty() { key.clone() } else { format!("{place}/{key}") };
                each(value, &place, look);
            }
        }
        _ => {}
    }
}

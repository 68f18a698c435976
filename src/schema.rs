//! The JSON Schema of policy files, made from the same tables that read them: editors complete and
//! explain keys from it.
//!
//! It is as strict as a schema can be without knowing names and places: `spotcheck lint` knows
//! more (services, variables, regular expressions), but whatever the schema refuses, lint refuses.
//!
//! A rule lists all keys that any rule may have, so that an editor offers them at once; what `must`
//! takes then depends on the subject's key (`if`/`then`), so that an error is told where it is and
//! not as "matches none of nine".

mod value;

use crate::checks::SUBJECTS;
use crate::facts::object::Class;
use crate::policy::document::{POLICY_KEYS, RULE_KEYS};
use crate::policy::severity::Severity;
use crate::policy::{ActionKind, drift, service, waiver, when};
use crate::rules::SubjectKind;
use crate::rules::combine::COMBINATORS;
use crate::rules::condition::Form;
use crate::rules::several::{GROUPS, QUANTIFIERS};
use serde_json::{Map, Value, json};
use value::{boolean, condition, one_of, one_or_many, reference, scalar, setting};

/// The schema.
pub fn policy_schema() -> Value {
    let root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "spotcheck policy",
        "description": "What must hold on a host or in an image.",
        "required": ["policy"],
    });
    let root = merge(root, object(&POLICY_KEYS, policy_key));
    let definitions = json!({
        "service": object(&service::KEYS, |key| match key {
            "containers" => boolean(),
            _ => scalar(),
        }),
        "when": object(&when::KEYS, |key| match key {
            "target" => one_of(&["host", "image"]),
            "var" => json!({ "type": "object", "additionalProperties": reference("text") }),
            "os" => reference("text"),
            "os_version" => reference("any"),
            "not" | "any" => one_or_many(reference("when")),
            _ => one_or_many(scalar()),
        }),
        "rule": rule(),
        "part": part(),
    });
    let musts = SUBJECTS.iter().map(|kind| (must_name(kind), must(kind))).collect();
    let definitions = merge(definitions, value::definitions());
    with(root, "$defs", merge(definitions, Value::Object(musts)))
}

/// Where the schema of a subject's conditions stands, which groups of them refer to.
fn must_name(kind: &SubjectKind) -> String {
    format!("must_{}", kind.key)
}

fn policy_key(key: &str) -> Value {
    match key {
        "postmortem" => object(
            &[
                ("id", "number or key of the postmortem document"),
                ("title", "its title"),
                ("measures", "corrective and preventative measures that were written down"),
            ],
            |key| if key == "measures" { one_or_many(scalar()) } else { scalar() },
        ),
        "vars" => json!({ "type": "object", "additionalProperties": scalar() }),
        "services" => json!({ "type": "object", "additionalProperties": reference("service") }),
        "when" => reference("when"),
        "include" | "tags" | "formerly" => one_or_many(scalar()),
        "waivers" => {
            let waiver = object(&waiver::KEYS, |key| match key {
                "rule" => one_or_many(scalar()),
                "starts" | "expires" => json!({ "type": "string", "format": "date" }),
                _ => scalar(),
            });
            let required = json!(["rule", "reason", "approved_by", "expires"]);
            one_or_many(json!({ "anyOf": [scalar(), with(waiver, "required", required)] }))
        }
        "drift" => object(&drift::KEYS, |key| match key {
            "cross_filesystems" => boolean(),
            "classes" => one_or_many(one_of(&Class::ALL.map(Class::name))),
            "expected" => one_or_many(with(
                object(&drift::EXPECTED_KEYS, |key| match key {
                    "attributes" => one_or_many(scalar()),
                    _ => scalar(),
                }),
                "required",
                json!(["path", "why"]),
            )),
            _ => one_or_many(scalar()),
        }),
        "rules" => json!({ "type": "array", "items": reference("rule") }),
        _ => scalar(),
    }
}

fn rule() -> Value {
    let properties = object(&RULE_KEYS, rule_key).get("properties").cloned().unwrap_or_default();
    about(properties, &["id"], &RULE_KEYS.map(|(name, _)| name))
}

/// A part of `any_of` and its relatives: a subject of its own, and what it must be.
fn part() -> Value {
    let must = json!({ "must": described(rule_key("must"), "what the subject must be") });
    about(must, &[], &["must"])
}

/// What is about one subject, or a group of parts that each are; `own` are the keys beside that.
fn about(mut properties: Value, required: &[&str], own: &[&str]) -> Value {
    for (name, doc) in GROUPS {
        let parts = json!({ "type": "array", "minItems": 1, "items": reference("part") });
        properties = with(properties, name, described(parts, doc));
    }
    for kind in SUBJECTS {
        for (name, schema, doc) in own_keys(kind) {
            if properties.get(name).is_none() {
                properties = with(properties, name, described(schema, doc));
            }
        }
    }
    let by_subject: Vec<Value> = SUBJECTS.iter().map(|kind| of_subject(kind, own)).collect();
    let groups: Vec<&str> = own
        .iter()
        .copied()
        .filter(|key| *key != "must")
        .chain(GROUPS.map(|(name, _)| name))
        .collect();
    let of_group = GROUPS.map(|(name, _)| {
        json!({ "if": { "required": [name] }, "then": { "propertyNames": { "enum": groups } } })
    });
    let all: Vec<Value> = by_subject.into_iter().chain(of_group).collect();
    let subjects: Vec<Value> = SUBJECTS
        .iter()
        .map(|kind| json!({ "required": [kind.key, "must"] }))
        .chain(GROUPS.map(|(name, _)| json!({ "required": [name] })))
        .collect();
    json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
        "properties": properties,
        "oneOf": subjects,
        "allOf": all,
    })
}

fn rule_key(key: &str) -> Value {
    match key {
        "severity" => one_of(&Severity::ALL.map(Severity::name)),
        "measure" => one_or_many(json!({ "type": ["integer", "string"] })),
        "when" => reference("when"),
        "corrective" | "reference" | "links" | "formerly" | "tags" => one_or_many(scalar()),
        "type" => one_of(&ActionKind::ALL.map(ActionKind::name)),
        "verify" => json!({ "type": "integer", "minimum": 1, "maximum": 1000 }),
        "due" => json!({ "type": "string", "pattern": "^[0-9]+[smhdw]$" }),
        "must" => json!({ "type": "object", "minProperties": 1 }),
        _ => scalar(),
    }
}

/// The subject's own key and its options.
fn own_keys(kind: &SubjectKind) -> Vec<(&'static str, Value, &'static str)> {
    let options = kind.options.iter().map(|(name, doc)| (*name, value::option(name), *doc));
    std::iter::once((kind.key, value::subject(kind.key), kind.value)).chain(options).collect()
}

/// What goes for a rule that has this subject's key.
fn of_subject(kind: &SubjectKind, own: &[&str]) -> Value {
    let keys: Vec<&str> =
        own.iter().copied().chain(own_keys(kind).iter().map(|(name, _, _)| *name)).collect();
    let mut properties = Map::new();
    let doc = format!("what this {} must be", kind.key);
    properties.insert("must".to_owned(), described(reference(&must_name(kind)), &doc));
    for (name, schema, doc) in own_keys(kind) {
        properties.insert(name.to_owned(), described(schema, doc));
    }
    json!({
        "if": { "required": [kind.key] },
        "then": { "properties": properties, "propertyNames": { "enum": keys } },
    })
}

fn must(kind: &SubjectKind) -> Value {
    let mut properties = Map::new();
    for (name, doc) in COMBINATORS.iter().filter(|_| kind.combines) {
        let group = reference(&must_name(kind));
        let schema = if *name == "not" { group } else { one_or_many(group) };
        properties.insert((*name).to_owned(), described(schema, doc));
    }
    for (name, doc) in QUANTIFIERS.iter().filter(|_| kind.combines) {
        if (kind.conditions)().iter().any(|info| info.name == *name) {
            continue;
        }
        let group = reference(&must_name(kind));
        let schema = if *name == "count" { counted(&group) } else { group };
        // A file of settings may have one of that name.
        let schema = if kind.open { json!({ "anyOf": [schema, setting()] }) } else { schema };
        properties.insert((*name).to_owned(), described(schema, doc));
    }
    for info in (kind.conditions)() {
        // An open subject's settings are told by the example of one.
        if kind.open && info.form == Form::Special {
            continue;
        }
        properties.insert(info.name.to_owned(), described(condition(info), info.doc));
    }
    json!({
        "type": "object",
        "minProperties": 1,
        "additionalProperties": if kind.open { setting() } else { json!(false) },
        "properties": properties,
    })
}

/// So many of several things.
fn counted(group: &Value) -> Value {
    let keys = [
        ("of", "what each is like that counts"),
        ("is", "so many, as a number or an expectation"),
        ("at_least", "so many or more"),
        ("at_most", "so many or fewer"),
        ("not", "not so many"),
    ];
    let counted =
        object(&keys, |key| if key == "of" { group.clone() } else { reference("number") });
    with(counted, "required", json!(["of"]))
}

fn object(keys: &[(&str, &str)], schema: impl Fn(&str) -> Value) -> Value {
    let properties: Map<String, Value> =
        keys.iter().map(|(key, doc)| ((*key).to_owned(), described(schema(key), doc))).collect();
    json!({ "type": "object", "additionalProperties": false, "properties": properties })
}

fn described(schema: Value, doc: &str) -> Value {
    with(schema, "description", json!(doc))
}

/// The object with one more field.
fn with(object: Value, key: &str, value: Value) -> Value {
    merge(object, json!({ key: value }))
}

/// The object with the fields of another.
fn merge(mut into: Value, from: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut into, from) {
        into.extend(from);
    }
    into
}

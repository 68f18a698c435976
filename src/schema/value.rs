//! Schemas of the values that stand in a policy.

use super::{described, object, with};
use crate::checks::config::wanted::QUANTIFIERS;
use crate::formats::FORMATS;
use crate::policy::set::WORDS;
use crate::rules::condition::{ConditionInfo, Form};
use serde_json::{Map, Value, json};

/// Keys of an expectation with their meaning.
const OPERATORS: [(&str, &str); 4] = [
    ("not", "it must not be this, nor any of a list"),
    ("at_most", "this or less; of a mode: no bit outside"),
    ("at_least", "this or more; of a mode: all of these bits"),
    ("matches", "regular expression that is found somewhere in it"),
];

/// What schemas of values refer to.
pub fn definitions() -> Value {
    json!({
        "scalar": { "type": ["string", "number", "boolean"] },
        "variable": { "type": "string", "pattern": "\\$\\{[^}]*\\}" },
        "same_as": with(
            object(&[("same_as", "a fact of another subject: service.nginx.user")], |_| scalar()),
            "required",
            json!(["same_as"]),
        ),
        "value": expectation("value", false, false),
        "number": expectation("number", true, false),
        "text": expectation("text", false, true),
        "any": expectation("any", true, true),
        "holder": { "anyOf": [
            scalar(),
            reference("service"),
            object(&[("exe", "path of the executable")], |_| reference("text")),
            object(&[("user", "as whom it runs")], |_| reference("value")),
        ]},
    })
}

/// A literal, a list of alternatives, or operators.
fn expectation(name: &str, ordered: bool, textual: bool) -> Value {
    let mut operators = Map::new();
    for (operator, doc) in OPERATORS {
        let schema = match operator {
            "not" => reference(name),
            "matches" if textual => scalar(),
            "at_most" | "at_least" if ordered => scalar_or_same(),
            _ => continue,
        };
        operators.insert(operator.to_owned(), described(schema, doc));
    }
    json!({ "anyOf": [
        scalar(),
        reference("same_as"),
        { "type": "array", "minItems": 1, "items": reference(name) },
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": false,
            "properties": operators,
        },
    ]})
}

/// What a condition takes.
pub fn condition(info: &ConditionInfo) -> Value {
    let schema = match (info.form, info.name) {
        (Form::Boolean, _) => boolean(),
        (Form::True, _) => either_or_variable(json!({ "const": true })),
        (Form::OneOf(["false"]), _) => either_or_variable(json!({ "const": false })),
        (Form::OneOf(words), _) => one_of(words),
        (Form::SomeOf(words), "enabled") => json!({ "anyOf": [
            true_false_or(words),
            { "type": "array", "minItems": 1, "items": true_false_or(words) },
            object(&[("not", "it must be none of these")], |_| one_or_more(true_false_or(words))),
        ]}),
        (Form::FalseButAllowed, _) => json!({ "anyOf": [
            either_or_variable(json!({ "const": false })),
            with(
                object(&[("allow", "names that are none; `*` stands for any characters")], |_| {
                    one_or_more(scalar())
                }),
                "required",
                json!(["allow"]),
            ),
        ]}),
        (Form::SomeOf(words), _) => json!({ "anyOf": [
            one_of(words),
            { "type": "array", "minItems": 1, "items": one_of(words) },
            object(&[("not", "it must be none of these")], |_| one_or_more(one_of(words))),
        ]}),
        (Form::Words, _) => one_or_many(reference("text")),
        (Form::Set, _) => set(&WORDS.map(|(word, _, doc)| (word, doc)), true),
        (Form::Only, _) => set(&[("only", "nothing beyond these")], true),
        (Form::Patterns, _) => {
            let all = WORDS.iter().filter(|(word, ..)| ["all", "any", "none"].contains(word));
            let words: Vec<(&str, &str)> = all.map(|(word, _, doc)| (*word, *doc)).collect();
            json!({ "anyOf": [scalar_or_same(), set(&words, false)] })
        }
        (Form::Arguments, _) => json!({ "anyOf": [
            reference("text"),
            { "type": "array", "items": scalar_or_same() },
            object(&[("not", "it must not be these arguments")], |_| {
                json!({ "type": "array", "items": scalar_or_same() })
            }),
        ]}),
        (Form::Named, _) => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": reference("text"),
        }),
        (Form::Special, "only") => one_or_many(allowed_port()),
        (Form::Special, "job") => one_or_more(job()),
        (Form::Special, "config") => json!({
            "type": "object",
            "minProperties": 1,
            "additionalProperties": setting(),
        }),
        (Form::Special, _) => one_or_many(reference("holder")),
        (Form::Expectation { .. }, "run_as") => json!({ "anyOf": [
            reference("value"),
            object(&[("user", "its user"), ("group", "its group")], |_| reference("value")),
        ]}),
        (Form::Expectation { ordered, textual }, _) => reference(match (ordered, textual) {
            (false, false) => "value",
            (true, false) => "number",
            (false, true) => "text",
            (true, true) => "any",
        }),
    };
    with(schema, "examples", json!([info.example]))
}

/// A set: words, each with its members.
fn set(words: &[(&str, &str)], may_be_empty: bool) -> Value {
    let mut keys = words.to_vec();
    if words.iter().any(|(word, _)| *word == "none") {
        keys.push(("not", "as `none`"));
    }
    let object = with(
        object(&keys, |word| match word {
            "only" | "exactly" => one_or_many(reference("any")),
            _ => one_or_more(reference("any")),
        }),
        "minProperties",
        json!(1),
    );
    match may_be_empty {
        true => json!({ "anyOf": [{ "type": "array", "maxItems": 0 }, object] }),
        false => object,
    }
}

/// Words of which two are what YAML makes of `true` and `false`.
fn true_false_or(words: &[&str]) -> Value {
    json!({ "anyOf": [{ "type": "boolean" }, one_of(words)] })
}

/// A job of cron.
fn job() -> Value {
    let keys = [
        ("command", "what is run"),
        ("schedule", "when, by its fields or a name such as @daily"),
        ("as", "whose rights it has"),
    ];
    let job = object(&keys, |key| reference(if key == "as" { "value" } else { "text" }));
    with(job, "minProperties", json!(1))
}

fn allowed_port() -> Value {
    let keys = [("port", "the port, or a range: 22/tcp"), ("by", "who may hold it")];
    let entry = object(&keys, |key| match key {
        "port" => scalar(),
        _ => one_or_many(reference("holder")),
    });
    json!({ "anyOf": [scalar(), with(entry, "required", json!(["port"]))] })
}

/// What stands behind a setting's path.
pub fn setting() -> Value {
    let keys = [
        ("default", "what applies where it is not set"),
        ("split", "what separates the members of a value that is a set"),
    ];
    let words =
        WORDS.iter().filter(|(word, ..)| *word != "none").map(|(word, _, doc)| (*word, *doc));
    let own =
        keys.into_iter().chain(QUANTIFIERS).chain(words).chain(OPERATORS).map(|(key, doc)| {
            let schema = match key {
                "set" => boolean(),
                "count" => reference("number"),
                "is" | "every" | "some" | "none" | "not" => reference("any"),
                "only" | "exactly" => one_or_many(reference("any")),
                "all" | "any" => one_or_more(reference("any")),
                "at_most" | "at_least" => scalar_or_same(),
                _ => scalar(),
            };
            (key.to_owned(), described(schema, doc))
        });
    json!({ "anyOf": [
        scalar(),
        reference("same_as"),
        { "type": "array", "minItems": 1, "items": reference("any") },
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": false,
            "properties": own.collect::<Map<String, Value>>(),
        },
    ]})
}

/// What the key of a subject takes.
pub fn subject(key: &str) -> Value {
    match key {
        "service" | "process" => one_or_more(json!({ "anyOf": [scalar(), reference("service")] })),
        "listeners" | "accounts" | "files" => one_of(&["all"]),
        "image" => one_of(&["config"]),
        // A list of subjects is the same rule about each.
        _ => one_or_more(scalar()),
    }
}

/// What an option of a subject takes.
pub fn option(name: &str) -> Value {
    match name {
        "absent" => one_of(&["fail", "skip"]),
        "processes" => one_of(&["all", "workers", "master"]),
        "reach" => one_of(&["any", "network"]),
        "format" => one_of(&FORMATS.iter().map(|format| format.name).collect::<Vec<_>>()),
        _ => scalar(),
    }
}

/// `true` or `false`.
pub fn boolean() -> Value {
    either_or_variable(json!({ "type": "boolean" }))
}

/// One of these words.
pub fn one_of(words: &[&str]) -> Value {
    either_or_variable(json!({ "enum": words }))
}

/// A variable may stand for any scalar; what it comes to is for lint to see.
fn either_or_variable(schema: Value) -> Value {
    json!({ "anyOf": [schema, reference("variable")] })
}

/// Anything but a list or a mapping.
pub fn scalar() -> Value {
    reference("scalar")
}

/// A literal, or a fact of another subject.
fn scalar_or_same() -> Value {
    json!({ "anyOf": [scalar(), reference("same_as")] })
}

/// One of the definitions.
pub fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// One, or a list of some.
fn one_or_more(one: Value) -> Value {
    json!({ "anyOf": [one.clone(), { "type": "array", "minItems": 1, "items": one }] })
}

/// One, or a list, which may be empty: nobody, none.
pub fn one_or_many(one: Value) -> Value {
    json!({ "anyOf": [one.clone(), { "type": "array", "items": one }] })
}

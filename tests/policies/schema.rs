//! `spotcheck schema`: what editors and programs are told must agree with what spotcheck reads and
//! writes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, pages};
use insta::assert_snapshot;
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use spotcheck::policy::node::{Node, Scalar, Value as Yaml};
use spotcheck::policy::source::Source;
use spotcheck::policy::{Diagnostics, yaml};
use std::fs;
use std::sync::Arc;

fn schema(which: &str) -> Value {
    let output = Folder::new().run(&["schema", which]);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    serde_json::from_str(&output.stdout).unwrap()
}

fn policy_validator() -> Validator {
    jsonschema::validator_for(&schema("policy")).expect("the schema is one")
}

/// A policy as an editor sees it, by the core schema of YAML 1.2.
fn to_json(policy: &str) -> Value {
    let mut problems = Diagnostics::default();
    let source = Arc::new(Source::new("policy.yaml".into(), policy.to_owned()));
    let root = yaml::parse(&source, &mut problems);
    let shown: Vec<_> = problems.into_sorted().iter().map(|p| p.render(false)).collect();
    assert!(shown.is_empty(), "{policy}\n{}", shown.join("\n"));
    node(&root.expect("a document"))
}

fn node(node: &Node) -> Value {
    match &node.value {
        Yaml::Scalar(text) => scalar(text),
        Yaml::List(items) => items.iter().map(self::node).collect(),
        Yaml::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.text.clone(), self::node(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
    }
}

fn scalar(scalar: &Scalar) -> Value {
    let text = scalar.text.as_str();
    match text {
        _ if scalar.is_null() => Value::Null,
        _ if scalar.quoted => json!(text),
        "true" | "false" => json!(text == "true"),
        _ => match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => json!(number),
            (_, Ok(number)) if number.is_finite() => json!(number),
            _ => json!(text),
        },
    }
}

/// Where a policy breaks the schema, and how, the deepest place first.
fn errors(validator: &Validator, policy: &str) -> Vec<String> {
    let policy = to_json(policy);
    let mut errors: Vec<_> = validator.iter_errors(&policy).collect();
    errors.sort_by_key(|error| std::cmp::Reverse(error.instance_path().as_str().len()));
    errors.iter().map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn all_schemas_are_schemas() {
    for which in ["policy", "report", "drift"] {
        let schema = schema(which);
        assert!(jsonschema::meta::is_valid(&schema), "{which}");
    }
}

#[test]
fn every_shipped_policy_is_valid() {
    let validator = policy_validator();
    for path in pages::shipped() {
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(errors(&validator, &text), [""; 0], "{}", path.display());
    }
}

#[test]
fn every_example_of_every_page_is_valid() {
    let validator = policy_validator();
    for (subject, example) in pages::examples() {
        assert_eq!(errors(&validator, &example), [""; 0], "{subject}:\n{example}");
    }
}

#[test]
fn the_example_of_every_condition_is_valid() {
    let validator = policy_validator();
    for (name, policy) in pages::condition_examples() {
        assert_eq!(errors(&validator, &policy), [""; 0], "{name}:\n{policy}");
    }
}

/// Policies that use every shape which the language has.
const RIGHT: [&str; 15] = [
    "policy: p",
    "policy: 2026\ntitle: 7\nowner: true\nvars: { a: 1, b: x, c: false }\ninclude: [a.yaml]",
    "policy: p\npostmortem: { id: 1, title: t, measures: one }\nwhen: { os: [debian, { not: x }], file: [/a, /b], target: host, var: { a: { matches: x } } }",
    "policy: p\nrules: [{ id: r, severity: \"${s}\", measure: [1, 2], corrective: [a, b], reference: x, file: /a, must: { exists: true } }]",
    "policy: p\nrules: [{ id: r, file: /a, must: { mode: 0640, size: [1, { at_most: 4K }], owner: { not: [root, 0] } } }]",
    "policy: p\nrules:\n  - id: r\n    file: /a\n    must: { mode: { at_most: \"0640\", not: [\"0600\"] } }\n    absent: ${absent}",
    "policy: p\nrules: [{ id: r, service: { exe: /a, containers: true }, processes: workers, must: { run_as: { user: [a, b], group: { not: c } } } }]",
    "policy: p\nrules: [{ id: r, port: 80, must: { bound_by: [a, { exe: { matches: x } }, { user: 0 }, { unit: a.service }], addresses: [] } }]",
    "policy: p\nrules: [{ id: r, listeners: all, reach: network, must: { only: [22/tcp, 80, { port: 1-9, by: [a, { exe: /b }] }], root_alone: [] } }]",
    "policy: p\nrules: [{ id: r, config: /a, format: nginx, must: { a.b: x, c: [1, 2], d: { some: { matches: x } }, e: { set: false }, f: { is: [a], default: b }, g: { not: { at_most: 4 } } } }]",
    "policy: p\ntags: [a, b]\nwhen: { os_version: { at_least: 12 }, package: [a, b], service: c }\nrules: [{ id: r, tags: x, file: /a, must: { any: [{ owner: root }, { not: { all: [{ group: a }, { mode: 0640 }] } }], not: { exists: false } } }]",
    "policy: p\nrules: [{ id: r, unit: a.service, must: { enabled: true, user: { not: { same_as: file./a.owner } }, Service.User: x, Service.UMask: { at_most: { same_as: file./a.mode } }, any: { Socket.X: [1, { same_as: user.a.uid }] } } }]",
    "policy: p\nrules: [{ id: r, package: a, must: { version: { at_least: 1.2, not: [1.3] }, held: false } }, { id: s, mount: /a, must: { options: { all: [ro] }, as_configured: true } }]",
    "policy: p\nrules: [{ id: r, accounts: all, must: { uid_0: { only: [root, { matches: ^r }] }, can_login: [] } }]",
    "policy: p\nrules:\n  - id: r\n    user: root\n    must:\n      can_login: ${may}\n      groups: []\n      shell: { not: { matches: x } }",
];

#[test]
fn every_shape_of_the_language_is_valid() {
    let validator = policy_validator();
    for policy in RIGHT {
        assert_eq!(errors(&validator, policy), [""; 0], "{policy}");
    }
}

/// Policies that a schema can refuse, and the place where it should.
const WRONG: [(&str, &str); 48] = [
    ("", "title: no name"),
    ("", "policy: p\nrulse: []"),
    ("", "[]"),
    ("/policy", "policy: [p]"),
    ("/policy", "policy:"),
    ("/title", "policy: p\ntitle: { a: b }"),
    ("/vars", "policy: p\nvars: [a]"),
    ("/vars/a", "policy: p\nvars: { a: [1] }"),
    ("/vars/a", "policy: p\nvars: { a: }"),
    ("/include", "policy: p\ninclude: { a: b }"),
    ("/services", "policy: p\nservices: [nginx]"),
    ("/services/a", "policy: p\nservices: { a: nginx }"),
    ("/services/a", "policy: p\nservices: { a: { exee: /a } }"),
    ("/services/a/containers", "policy: p\nservices: { a: { exe: /a, containers: yes } }"),
    ("/postmortem", "policy: p\npostmortem: { name: a }"),
    ("/postmortem/measures", "policy: p\npostmortem: { id: a, title: b, measures: { a: b } }"),
    ("/when", "policy: p\nwhen: { oss: debian }"),
    ("/when/target", "policy: p\nwhen: { target: hosst }"),
    ("/when/file", "policy: p\nwhen: { file: { a: b } }"),
    ("/when/os", "policy: p\nwhen: { os: { at_most: 12 } }"),
    ("/rules", "policy: p\nrules: { id: r }"),
    ("/rules/0", "policy: p\nrules: [r]"),
    ("/rules/0", "policy: p\nrules: [{ file: /a, must: { exists: true } }]"),
    ("/rules/0", "policy: p\nrules: [{ id: r, file: /a }]"),
    ("/rules/0", "policy: p\nrules: [{ id: r, must: { exists: true } }]"),
    ("/rules/0", "policy: p\nrules: [{ id: r, file: /a, user: b, must: { exists: true } }]"),
    ("/rules/0", "policy: p\nrules: [{ id: r, file: /a, severty: low, must: { exists: true } }]"),
    ("/rules/0", "policy: p\nrules: [{ id: r, file: /a, format: nginx, must: { exists: true } }]"),
    (
        "/rules/0",
        "policy: p\nrules: [{ id: r, accounts: all, absent: skip, must: { uid_0: { only: [root] } } }]",
    ),
    (
        "/rules/0/severity",
        "policy: p\nrules: [{ id: r, severity: bad, file: /a, must: { exists: true } }]",
    ),
    (
        "/rules/0/measure",
        "policy: p\nrules: [{ id: r, measure: { a: b }, file: /a, must: { exists: true } }]",
    ),
    (
        "/rules/0/absent",
        "policy: p\nrules: [{ id: r, absent: skpi, file: /a, must: { exists: true } }]",
    ),
    (
        "/rules/0/accounts",
        "policy: p\nrules: [{ id: r, accounts: some, must: { uid_0: { only: [root] } } }]",
    ),
    ("/rules/0/format", "policy: p\nrules: [{ id: r, config: /a, format: ngnix, must: { a: b } }]"),
    (
        "/rules/0/processes",
        "policy: p\nrules: [{ id: r, process: { exe: /a }, processes: some, must: { running: true } }]",
    ),
    ("/rules/0/must", "policy: p\nrules: [{ id: r, file: /a, must: {} }]"),
    ("/rules/0/must", "policy: p\nrules: [{ id: r, file: /a, must: [exists] }]"),
    ("/rules/0/must", "policy: p\nrules: [{ id: r, file: /a, must: { onwer: root } }]"),
    ("/rules/0/must", "policy: p\nrules: [{ id: r, file: /a, must: { run_as: root } }]"),
    ("/rules/0/must", "policy: p\nrules: [{ id: r, file: /a, must: { mode: u+rw,o-w } }]"),
    ("/rules/0/must/exists", "policy: p\nrules: [{ id: r, file: /a, must: { exists: yes } }]"),
    ("/rules/0/must/type", "policy: p\nrules: [{ id: r, file: /a, must: { type: fil } }]"),
    ("/rules/0/must/owner", "policy: p\nrules: [{ id: r, file: /a, must: { owner: [] } }]"),
    ("/rules/0/must/owner", "policy: p\nrules: [{ id: r, file: /a, must: { owner: { nto: a } } }]"),
    (
        "/rules/0/must/owner",
        "policy: p\nrules: [{ id: r, file: /a, must: { owner: { at_most: a } } }]",
    ),
    (
        "/rules/0/must/size",
        "policy: p\nrules: [{ id: r, file: /a, must: { size: { matches: a } } }]",
    ),
    (
        "/rules/0/must/never_root",
        "policy: p\nrules: [{ id: r, service: { exe: /a }, must: { never_root: false } }]",
    ),
    (
        "/rules/0/must/a",
        "policy: p\nrules: [{ id: r, config: /a, format: nginx, must: { a: { contain: b } } }]",
    ),
];

#[test]
fn a_wrong_policy_is_refused_at_its_place() {
    let validator = policy_validator();
    for (place, policy) in WRONG {
        let errors = errors(&validator, policy);
        let first = errors.first().unwrap_or_else(|| panic!("nothing wrong with\n{policy}"));
        assert!(first.starts_with(&format!("{place}: ")), "{policy}\n{errors:#?}");
        assert!(errors.len() <= 3, "{policy}\n{errors:#?}");
    }
}

#[test]
fn whatever_the_schema_refuses_lint_refuses() {
    let folder = Folder::new();
    for (_, policy) in WRONG {
        folder.write("policy.yaml", policy);
        let output = folder.run(&["lint", "policy.yaml"]);
        assert_eq!(output.status, Some(3), "{policy}\n{output:#?}");
    }
}

#[test]
fn an_error_in_a_rule_is_told_where_it_is_and_not_as_none_of_nine() {
    let policy = "policy: p\nrules: [{ id: r, file: /a, must: { onwer: root } }]";
    assert_snapshot!(errors(&policy_validator(), policy).join("\n"), @r"/rules/0/must: Additional properties are not allowed ('onwer' was unexpected)");
    let policy = "policy: p\nrules: [{ id: r, file: /a, processes: all, must: { owner: root } }]";
    assert_snapshot!(errors(&policy_validator(), policy).join("\n"), @r#"/rules/0: "processes" is not one of "id", "title" or 17 other candidates"#);
}

/// Every property of a schema without a description, by its path.
fn undescribed(schema: &Value, path: &str, found: &mut Vec<String>) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = format!("{path}/{key}");
                if let ("properties", Value::Object(properties)) = (key.as_str(), value) {
                    for (name, property) in properties {
                        if property.get("description").and_then(Value::as_str).is_none() {
                            found.push(format!("{path}/{name}"));
                        }
                    }
                }
                undescribed(value, &path, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| undescribed(item, path, found)),
        _ => {}
    }
}

#[test]
fn every_property_has_a_description() {
    for which in ["policy", "report", "drift"] {
        let mut found = Vec::new();
        undescribed(&schema(which), "", &mut found);
        assert!(found.is_empty(), "{which}: {found:#?}");
    }
}

/// A report as JSON, valid by its own schema.
fn valid_report(args: &[&str]) -> Value {
    let output = Folder::new().run(&[&["check", "--format", "json"], args].concat());
    assert!(matches!(output.status, Some(0..=2)), "{output:#?}");
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let validator = jsonschema::validator_for(&schema("report")).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!(report["exit_code"], output.status.unwrap());
    report
}

#[test]
fn the_report_of_the_built_in_policy_is_valid_and_complete() {
    let report = valid_report(&[]);
    assert_eq!(report["version"], 1);
    assert_eq!(
        report["tool"],
        json!({ "name": "spotcheck", "version": env!("CARGO_PKG_VERSION") })
    );
    assert!(report["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let host = &report["host"];
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    assert_eq!(host["name"], name.trim());
    assert_eq!(host["kind"], "host");
    assert_eq!(host["uid"], nix::unistd::geteuid().as_raw());
    assert!(host["full_privilege"].is_boolean() && host["kernel"].is_string());
    let findings = report["findings"].as_array().unwrap();
    let count = |outcome: &str| findings.iter().filter(|f| f["outcome"] == outcome).count();
    for outcome in ["pass", "fail", "unknown", "skipped"] {
        assert_eq!(report["summary"][outcome], count(outcome), "{outcome}");
    }
    for finding in findings {
        for key in ["policy", "rule", "severity", "condition", "verify"] {
            assert!(finding[key].as_str().is_some_and(|text| !text.is_empty()), "{finding:#?}");
        }
        let place = &finding["asked_by"];
        assert!(place["line"].as_u64() > Some(1) && place["column"].as_u64() > Some(1));
        match finding["outcome"].as_str().unwrap() {
            "pass" | "fail" => {
                assert_ne!(finding["expected"], "", "{finding:#?}");
                assert_ne!(finding["observed"], "", "{finding:#?}");
            }
            _ => assert_ne!(finding["reason"].as_str().unwrap_or_default(), "", "{finding:#?}"),
        }
    }
    let with_evidence = findings.iter().filter(|f| !f["seen"].as_array().unwrap().is_empty());
    assert!(with_evidence.count() > 5);
}

#[test]
fn the_report_of_the_incident_s_policy_is_valid() {
    let policy = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/nginx.yaml");
    let report = valid_report(&[policy]);
    let rules: Vec<_> = report["findings"].as_array().unwrap().iter().map(|f| &f["rule"]).collect();
    for rule in ["nginx-running", "nginx-port", "nginx-conf-owned", "nginx-settings"] {
        assert!(rules.iter().any(|r| *r == rule), "{rule}");
    }
    assert_eq!(report["findings"][0]["measures"], json!(["Add a monitoring system"]));
    assert_eq!(report["findings"][0]["owner"], "web-team");
}

#[test]
fn a_report_in_a_file_is_the_one_on_standard_output() {
    let folder =
        Folder::with("policy: p\nrules:\n  - { id: r, file: /, must: { type: directory } }\n");
    let args = ["check", "policy.yaml", "--format", "json", "--output", "json=report.json"];
    let output = folder.run(&[&args[..], &["--output", "human=report.txt"]].concat());
    assert_eq!(output.status, Some(0));
    assert_eq!(fs::read_to_string(folder.path("report.json")).unwrap(), output.stdout);
    assert!(fs::read_to_string(folder.path("report.txt")).unwrap().contains("exit 0"));
}

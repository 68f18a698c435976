//! The formats side by side: one report, hostile names in it, in every format.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use spotcheck::facts::host::{Host, Privilege, TargetKind};
use spotcheck::facts::{Cause, Unknown};
use spotcheck::policy::Severity;
use spotcheck::policy::document::ActionHints;
use spotcheck::report::{FORMATS, Report, Style, by_name};
use spotcheck::verdict::{Assertion, Evidence, Finding, RuleInfo, Subject, Summary, summary};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn rule(id: &str, severity: Severity, line: usize) -> Arc<RuleInfo> {
    Arc::new(RuleInfo {
        policy: "web".to_owned(),
        policy_formerly: Vec::new(),
        policy_title: "Web".to_owned(),
        owner: Some("web-team".to_owned()),
        id: id.to_owned(),
        title: Some(format!("Title of {id}")),
        severity,
        tags: Vec::new(),
        measures: Vec::new(),
        why: Some("It <matters> & more.".to_owned()),
        corrective: Vec::new(),
        preventive: None,
        references: vec!["passwd(5)".to_owned()],
        file: PathBuf::from("policies/my web.yaml"),
        line,
        column: 5,
        action: ActionHints::default(),
        asks: id.to_owned(),
        demands: Vec::new(),
        postmortem: None,
        options: String::new(),
        promises: None,
        ties: Vec::new(),
    })
}

/// A report with every outcome and with names that try to break out of their format.
fn report() -> Report {
    let hostile = "/etc/a\n::error::b,c:d|`x` <i> \"q\" # % \u{1b}[2J@all";
    let layer = Evidence::Layer {
        layer: Some(2),
        digest: Some("sha256:0123".to_owned()),
        created_by: Some("RUN chmod 666 /etc/b".to_owned()),
    };
    let file = Subject::new("file", hostile);
    let findings = [
        (
            rule("bad-mode", Severity::Critical, 7),
            Assertion::of(&file, "mode")
                .expected("o-w")
                .observed("0666")
                .seen([Evidence::line(Path::new("/etc/a"), 3, "x"), layer])
                .repair("chmod o-w /etc/a")
                .fail(),
        ),
        (
            rule("unseen", Severity::High, 9),
            Assertion::of(&Subject::new("file", "/etc/shadow"), "owner")
                .expected("root")
                .unknown(Unknown::new("/etc/shadow", Cause::PermissionDenied)),
        ),
        (
            rule("elsewhere", Severity::Low, 11),
            Assertion::of(&Subject::new("service", "nginx"), "running")
                .unknown(Unknown::new("processes", Cause::NotRunning)),
        ),
        (
            rule("fine", Severity::Info, 13),
            Assertion::of(&Subject::new("user", "root"), "uid").observed("0").expected("0").pass(),
        ),
    ];
    let findings: Vec<Finding> =
        findings.into_iter().map(|(rule, assertion)| Finding { rule, assertion }).collect();
    Report {
        host: Host {
            name: "shop/app:1".to_owned(),
            kind: TargetKind::Image,
            kernel: None,
            os_release: Vec::new(),
            privilege: Privilege { uid: 0, full: true },
            recorded: None,
            inside: None,
        },
        time: "2026-11-01T10:00:00Z".parse().unwrap(),
        summary: Summary::of(&findings),
        exit: summary::exit(&findings, Severity::Info).code(),
        findings,
        fail_on: Severity::Info,
        waivers: Vec::new(),
        ledger: None,
    }
}

fn render(format: &str) -> String {
    (by_name(format).unwrap().render)(&report(), Style::default())
}

#[test]
fn every_format_says_the_same_in_its_own_way() {
    for format in FORMATS.iter().filter(|format| !["human", "json"].contains(&format.name)) {
        insta::assert_snapshot!(format!("format_{}", format.name), render(format.name));
    }
}

#[test]
fn every_format_ends_its_last_line_and_keeps_terminals_safe() {
    for format in FORMATS {
        let text = render(format.name);
        assert!(text.ends_with('\n'), "{}", format.name);
        assert!(!text.contains('\u{1b}'), "{}", format.name);
    }
}

#[test]
fn a_line_feed_in_a_name_begins_no_command_of_github() {
    let text = render("github");
    assert_eq!(text.lines().count(), 2, "{text}");
    for line in text.lines() {
        assert!(line.starts_with("::error file=") || line.starts_with("::warning file="), "{line}");
    }
}

#[test]
fn tap_counts_every_finding_and_passes_nothing_undecided() {
    let text = render("tap");
    let results: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("ok ") || line.starts_with("not ok "))
        .collect();
    assert_eq!(results.len(), 4);
    assert!(results[1].starts_with("not ok 2"), "{text}");
    assert!(results[2].contains(" # SKIP needs a running host"), "{text}");
}

#[test]
fn json_formats_are_json_and_fingerprints_differ() {
    for format in ["json", "sarif", "gitlab"] {
        let _: serde_json::Value = serde_json::from_str(&render(format)).unwrap();
    }
    let issues: Vec<serde_json::Value> = serde_json::from_str(&render("gitlab")).unwrap();
    assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"]);
    assert_eq!(issues[0]["fingerprint"].as_str().unwrap().len(), 64);
}

#[test]
fn sarif_places_are_relative_and_every_result_has_one() {
    let sarif: serde_json::Value = serde_json::from_str(&render("sarif")).unwrap();
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "policies/my%20web.yaml");
        assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
    }
}

/// Differential: an XML parser of somebody else takes the report.
#[test]
fn junit_is_well_formed_xml() {
    use std::io::Write as _;
    if !crate::support::needs(&[crate::support::Need::Command("xmllint")]) {
        return;
    }
    let mut child = std::process::Command::new("xmllint")
        .args(["--noout", "-"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(render("junit").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

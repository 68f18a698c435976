//! The founding incident, end to end: the shipped policy on the real daemons, before, during and
//! after. The report during the attack is the one that the README shows.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::{Need, Output, Stage, needs};
use regex::Regex;
use serde_json::Value;

const POLICY: &str = include_str!("../../policies/nginx.yaml");

fn staged() -> Option<Stage> {
    // Without control groups of its own a staged daemon has no unit, and reports say so.
    if !needs(&[Need::ControlGroups]) {
        return None;
    }
    let stage = Stage::healthy()?;
    stage.must("mkdir -p /mnt/policies");
    stage.write("/mnt/policies/nginx.yaml", POLICY);
    Some(stage)
}

fn check(stage: &Stage, more: &[&str]) -> Output {
    stage.run(&[&["check", "policies/nginx.yaml"], more].concat())
}

/// The report with what differs from run to run and from machine to machine made equal.
fn steady(report: &str) -> String {
    let equal = [
        (
            r"spotcheck on \S+ · .* · as",
            "spotcheck on spots-spot · Debian GNU/Linux 12 (bookworm) · as",
        ),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "2026-11-01 10:02:11 UTC"),
        (r"pid \d+", "pid 4711"),
        (r"pids \d+, \d+", "pids 4712, 4713"),
    ];
    equal.iter().fold(report.to_owned(), |text, (pattern, with)| {
        Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

#[test]
fn before_the_attack_everything_holds() {
    let Some(stage) = staged() else { return };
    let report = check(&stage, &[]);
    assert_eq!(report.status, Some(0), "{}", report.stdout);
    assert!(report.stdout.contains("Everything holds."));
    assert_eq!(report.stderr, "");
}

#[test]
fn during_the_attack_one_screen_says_all_of_it_as_the_readme_shows() {
    let Some(stage) = staged() else { return };
    stage.attack();
    let report = check(&stage, &[]);
    assert_eq!(report.status, Some(1));
    assert!(report.stdout.lines().count() <= 50, "more than one screen");
    crate::support::readme::shows("spotcheck check policies/nginx.yaml", &steady(&report.stdout));
}

#[test]
fn during_the_attack_the_json_report_carries_the_evidence() {
    let Some(stage) = staged() else { return };
    stage.attack();
    let json: Value = serde_json::from_str(&check(&stage, &["--format", "json"]).stdout).unwrap();
    let findings = json["findings"].as_array().unwrap();
    let of = |rule: &str, condition: &str| {
        findings
            .iter()
            .find(|finding| finding["rule"] == rule && finding["condition"] == condition)
            .unwrap_or_else(|| panic!("no finding {rule} {condition} in {json:#}"))
    };
    let port = of("nginx-port", "bound_by");
    assert_eq!(port["outcome"], "fail");
    let holders: Vec<&Value> =
        port["seen"].as_array().unwrap().iter().filter(|seen| seen["kind"] == "process").collect();
    assert!(holders.len() >= 3, "master and workers: {port:#}");
    for holder in &holders {
        assert_eq!(holder["exe"], "/usr/sbin/apache2");
        assert_eq!(holder["unit"], "apache2.service");
    }
    assert!(holders.iter().any(|holder| holder["uids"][1] == 0), "the master is root");
    let mode = &of("nginx-conf-owned", "mode")["seen"][0];
    assert_eq!((mode["uid"].as_u64(), mode["mode"].as_str()), (Some(0), Some("0000")));
    let listen = &of("nginx-settings", "http.server.listen")["seen"][0];
    assert_eq!(
        (listen["file"].as_str(), listen["line"].as_u64()),
        (Some("/etc/nginx/nginx.conf"), Some(13))
    );
    assert_eq!(of("nginx-conf-owned", "readable_by")["outcome"], "fail");
}

#[test]
fn the_corrective_steps_of_the_report_pasted_into_a_shell_repair_the_host() {
    let Some(stage) = staged() else { return };
    stage.attack();
    let json: Value = serde_json::from_str(&check(&stage, &["--format", "json"]).stdout).unwrap();
    let steps: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["outcome"] == "fail")
        .flat_map(|finding| finding["corrective"].as_array().unwrap())
        .map(|step| step.as_str().unwrap())
        .collect();
    // No systemd runs on the stage: units are stopped and started by hand, the rest is pasted.
    for step in
        steps.iter().filter(|step| !step.contains("systemctl") && !step.contains("journalctl"))
    {
        stage.must(step);
    }
    assert!(steps.contains(&"chown nginx:nginx /etc/nginx/nginx.conf"), "{steps:?}");
    assert!(steps.contains(&"systemctl stop apache2.service"), "{steps:?}");
    for rule in ["nginx-conf-owned", "nginx-settings"] {
        let verify = check(&stage, &["--rule", rule]);
        assert_eq!(verify.status, Some(0), "{rule}: {}", verify.stdout);
    }
}

#[test]
fn after_the_engineers_repair_everything_holds_again() {
    let Some(stage) = staged() else { return };
    stage.attack();
    stage.repair();
    let report = check(&stage, &[]);
    assert_eq!(report.status, Some(0), "{}", report.stdout);
    assert!(report.stdout.contains("Everything holds."));
}

#[test]
fn an_nginx_started_as_root_is_told_apart_from_its_workers() {
    let Some(stage) = staged() else { return };
    stage.nginx_as_root();
    let report = check(&stage, &[]);
    assert_eq!(report.status, Some(1));
    let report = steady(&report.stdout);
    assert!(
        report
            .contains("run_as      nginx (pids 4712, 4713); root (pid 4711); expected user nginx"),
        "{report}"
    );
    assert!(report.contains("never_root  nginx (pids 4712, 4713); root (pid 4711)"), "{report}");
}

#[test]
fn without_root_what_cannot_be_seen_is_undecided_and_said_up_front() {
    let Some(stage) = staged() else { return };
    let report = stage.run_as(4242, &["check", "policies/nginx.yaml"]);
    assert_eq!(report.status, Some(2), "{}{}", report.stdout, report.stderr);
    let second = report.stdout.lines().nth(1).unwrap_or_default();
    assert!(second.contains("rules cannot be decided: without root"), "{}", report.stdout);
    assert!(!report.stdout.contains("FAIL"), "{}", report.stdout);
}

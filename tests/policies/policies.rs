//! What all shipped policies have in common: they are whole, tested, and quiet on a stock Debian.
#![allow(missing_docs, clippy::unwrap_used)]

use crate::support::booted::{Booted, Hierarchy};
use crate::support::shipped;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The founding incident is a policy of one site, not for every host.
const OF_A_SITE: &[&str] = &["nginx"];

/// What the kernel says is a matter of the machine that the test runs on.
const OF_THE_KERNEL: &str = "kernel";

fn names() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let stem =
        |entry: std::fs::DirEntry| entry.path().file_stem().unwrap().to_string_lossy().into_owned();
    std::fs::read_dir(folder).unwrap().map(|entry| stem(entry.unwrap())).collect()
}

fn text(name: &str) -> String {
    std::fs::read_to_string(shipped::path(name)).unwrap()
}

#[test]
fn all_of_them_together_are_sound() {
    let lint = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["lint", "policies"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&lint.stderr).into_owned();
    assert_eq!(lint.status.code(), Some(0), "{said}");
}

#[test]
fn every_rule_says_why_what_prevents_it_and_where_it_comes_from() {
    for name in names().iter().filter(|name| !OF_A_SITE.contains(&name.as_str())) {
        let text = text(name);
        for rule in text.split("\n  - id: ").skip(1) {
            let has = |key: &str| rule.contains(&format!("\n    {key}: "));
            for key in ["title", "severity", "why", "preventive", "reference"] {
                assert!(has(key), "policies/{name}.yaml: a rule without {key}: {rule}");
            }
        }
    }
}

#[test]
fn every_one_is_tested_and_in_the_readme_of_policies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = std::fs::read_to_string(root.join("docs/policies.md")).unwrap();
    for name in names() {
        let test = match name.as_str() {
            "nginx" => "actions/incident".to_owned(),
            "host" => "live/systemd_host".to_owned(),
            name => format!("policies/{}", name.replace('-', "_")),
        };
        assert!(root.join(format!("tests/{test}.rs")).exists(), "there is no tests/{test}.rs");
        let row = format!("| [{name}](../policies/{name}.yaml) |");
        assert!(table.contains(&row), "docs/policies.md does not list {name}");
    }
}

#[test]
fn a_stock_debian_that_was_booted_holds_them_all() {
    let Some(host) = Booted::new(Hierarchy::Inherited) else { return };
    host.sh("mkdir /root/policies");
    let depends = |name: &&String| OF_A_SITE.contains(&name.as_str()) || *name == OF_THE_KERNEL;
    for name in names().iter().filter(|name| !depends(name)) {
        host.write(&format!("/root/policies/{name}.yaml"), &text(name));
    }
    let report = host.sh("spotcheck check --verbose /root/policies");
    assert_eq!(report.status, Some(0), "{}{}", report.stdout, report.stderr);
    for rule in ["sshd-root-login", "sshd-port", "cron-running", "sudo-secure-path"] {
        let passed = report
            .stdout
            .lines()
            .any(|line| line.to_ascii_lowercase().starts_with("pass") && line.contains(rule));
        assert!(passed, "{rule} was not decided:\n{}", report.stdout);
    }
}

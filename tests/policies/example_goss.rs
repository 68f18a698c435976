//! `examples/goss`: what the policy says of the host that the goss file describes, before and
//! during the attack.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use crate::support::Stage;

const POLICY: &str = include_str!("../../examples/goss/spotcheck.yaml");

#[test]
fn the_policy_of_the_example_is_free_of_errors() {
    let lint = std::process::Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["lint", "examples/goss/spotcheck.yaml"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stderr));
}

#[test]
fn the_policy_of_the_example_tells_the_healthy_host_from_the_attacked_one() {
    let Some(stage) = Stage::healthy() else { return };
    stage.write("/mnt/spotcheck.yaml", POLICY);
    let healthy = stage.run(&["check", "spotcheck.yaml"]);
    assert_eq!(healthy.status, Some(0), "{}{}", healthy.stdout, healthy.stderr);

    stage.attack();
    let attacked = stage.run(&["check", "spotcheck.yaml"]);
    assert_eq!(attacked.status, Some(1), "{}", attacked.stdout);
    for rule in ["nginx-conf", "nginx-settings", "nginx-runs", "no-apache", "web-port"] {
        assert!(attacked.stdout.contains(rule), "{rule} holds:\n{}", attacked.stdout);
    }
}

/// goss itself, which `benches/run` builds, agrees with the example's first half.
#[test]
fn goss_says_of_the_same_hosts_what_its_file_asks_where_it_was_built() {
    let goss =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/bin/goss-v0.4.10");
    if !goss.exists() {
        return;
    }
    let Some(stage) = Stage::healthy() else { return };
    stage.write("/mnt/goss.yaml", include_str!("../../examples/goss/goss.yaml"));
    let validate = format!("{} --gossfile /mnt/goss.yaml validate --no-color", goss.display());
    let healthy = stage.sh(&validate);
    assert_eq!(healthy.status, Some(0), "{}{}", healthy.stdout, healthy.stderr);
    stage.attack();
    assert_eq!(stage.sh(&validate).status, Some(1));
}

//! `policies/image.yaml` in three states: an image as it should be, each rule violated, and a
//! target that it is not for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, Tar};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/policies/image.yaml");
const GOOD: &str = r#"{ "User": "1000", "Env": ["PATH=/bin"], "Cmd": ["/srv/app"], "Healthcheck": { "Test": ["CMD", "/srv/app", "--check"] } }"#;

fn files() -> Tar {
    Tar::new()
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/srv:/bin/false\n")
        .file("etc/group", "root:x:0:\napp:x:1000:\n")
        .file("etc/shadow", "root:*:19000:0:99999:7:::\napp:!:19000:0:99999:7:::\n")
        .owned("bin/false", 0o755, (0, 0), "\x7fELF")
        .owned("srv/app", 0o755, (0, 0), "#!/bin/false\n")
}

/// Exit code and the rules that are violated.
fn check(name: &str, config: &str, files: Tar) -> (Option<i32>, BTreeSet<String>) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, Image::new(config, [files]).docker_old(name)).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", POLICY, "--format", "json", "--image"])
        .arg(&archive)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let failed = report["findings"].as_array().unwrap().iter().filter(|f| f["outcome"] == "fail");
    let rules = failed.map(|f| f["rule"].as_str().unwrap().to_owned()).collect();
    (output.status.code(), rules)
}

#[test]
fn an_image_as_it_should_be_violates_nothing() {
    let (_, violated) = check("shop/app:1.4", GOOD, files());
    assert_eq!(violated, BTreeSet::new());
}

#[test]
fn each_rule_is_violated_on_its_own() {
    let root = GOOD.replace("1000", "0");
    let secret = GOOD.replace("PATH=/bin", "DB_PASSWORD=hunter2");
    let labelled = GOOD.replace("\"Cmd\"", "\"Labels\": { \"db_password\": \"hunter2\" }, \"Cmd\"");
    let mute = r#"{ "User": "1000", "Cmd": ["/srv/app"] }"#;
    let cases: Vec<(&str, &str, &str, Tar)> = vec![
        ("image-not-root", "shop/app:1.4", root.as_str(), files()),
        ("image-secrets-in-env", "shop/app:1.4", secret.as_str(), files()),
        (
            "image-secret-files",
            "shop/app:1.4",
            GOOD,
            files().file("root/.netrc", "machine x login u password p"),
        ),
        ("image-secrets-in-history", "shop/app:1.4", labelled.as_str(), files()),
        ("image-setuid", "shop/app:1.4", GOOD, files().owned("srv/tool", 0o4755, (0, 0), "")),
        (
            "image-world-writable",
            "shop/app:1.4",
            GOOD,
            files().owned("srv/state", 0o666, (0, 0), ""),
        ),
        ("image-sudo", "shop/app:1.4", GOOD, files().file("usr/bin/sudo", "")),
        (
            "image-package-caches",
            "shop/app:1.4",
            GOOD,
            files().file("var/cache/apt/archives/a.deb", ""),
        ),
        ("image-healthcheck", "shop/app:1.4", mute, files()),
        ("image-tag", "shop/app:latest", GOOD, files()),
    ];
    for (rule, name, config, files) in cases {
        let (exit, violated) = check(name, config, files);
        assert_eq!((exit, violated), (Some(1), BTreeSet::from([rule.to_owned()])), "{rule}");
    }
    let second =
        "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/srv:/bin/false\ntoor:x:0:0::/:/bin/sh\n";
    let (_, violated) = check("shop/app:1.4", GOOD, files().file("etc/passwd", second));
    assert!(violated.contains("image-accounts"), "{violated:?}");
}

#[test]
fn on_a_running_host_it_is_not_applicable_and_no_success() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_spotcheck")).args(["check", POLICY]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn it_is_built_in_and_judges_images_when_no_policy_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, Image::new("{}", [files()]).docker_old("shop/app:1.4")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--image"])
        .arg(&archive)
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{report}");
    assert!(report.contains("FAIL critical image-not-root"), "{report}");
    let again = format!("spotcheck check --rule image-not-root --image {}", archive.display());
    assert!(report.contains(&again), "{report}");
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--image", "-"])
        .stdin(fs::File::open(&archive).unwrap())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("spotcheck check --rule image-not-root --image -\n"), "{report}");
}

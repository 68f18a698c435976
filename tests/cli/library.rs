//! The policies that are part of the program: by name, as a list, and copied into a folder.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::Folder;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What lies in `policies/` of this repository.
fn shipped() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_policy_of_the_folder_is_part_of_the_program() {
    let folder = Folder::new();
    let copied = folder.run(&["policies", "copy", "--to", "all"]);
    assert_eq!(copied.status, Some(0), "{copied:#?}");
    let entries = fs::read_dir(folder.path("all")).unwrap();
    let names: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, shipped());
    let again = folder.run(&["policies", "copy", "sshd", "--to", "all"]);
    assert_eq!(again.status, Some(3));
    assert!(again.stderr.contains("all/sshd.yaml: it exists already"), "{again:#?}");
}

#[test]
fn a_policy_is_shown_as_it_is() {
    let shown = Folder::new().run(&["policies", "show", "sshd"]).stdout;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/sshd.yaml");
    assert_eq!(shown, fs::read_to_string(path).unwrap());
    let unknown = Folder::new().run(&["policies", "show", "shd"]);
    assert_eq!(unknown.status, Some(3));
    assert!(unknown.stderr.contains("did you mean `sshd`?"), "{unknown:#?}");
}

#[test]
fn the_list_says_of_each_whether_it_applies_here() {
    let list = Folder::new().run(&["policies"]).stdout;
    assert!(list.contains("sshd         sshd lets in only whom it should"), "{list}");
    assert!(list.contains("rules; does not apply here: target is not image"), "{list}");
    assert!(list.contains("rules; an example of a policy for one site"), "{list}");
}

#[test]
fn a_name_is_a_policy_of_the_library_and_a_path_is_a_file() {
    let folder = Folder::with(
        "policy: own\nrules:\n  - { id: own-rule, file: /, must: { type: directory } }\n",
    );
    fs::copy(folder.path("policy.yaml"), folder.path("sshd")).unwrap();
    let count = |args: &[&str]| folder.run(&[&["lint"], args].concat()).stdout;
    assert_eq!(count(&["./sshd"]), "1 rule, no errors\n");
    assert_eq!(count(&["sshd"]), "17 rules, no errors\n");
    assert_eq!(count(&["sshd", "sshd", "policy.yaml"]), "18 rules, no errors\n");
    let mistyped = folder.run(&["check", "kernal"]);
    assert_eq!(mistyped.status, Some(3));
    assert!(mistyped.stderr.contains("no policy and no file `kernal`"), "{mistyped:#?}");
    assert!(mistyped.stderr.contains("did you mean `kernel`?"), "{mistyped:#?}");
}

#[test]
fn what_is_violated_can_be_verified_by_the_name_of_the_policy() {
    let folder = Folder::new();
    let root = folder.path("root/etc");
    fs::create_dir_all(&root).unwrap();
    fs::create_dir_all(root.join("../usr/bin")).unwrap();
    fs::write(root.join("../usr/bin/sudo"), "").unwrap();
    fs::write(root.join("sudoers"), "root ALL=(ALL:ALL) ALL\nALL ALL=(ALL) NOPASSWD: ALL\n")
        .unwrap();
    fs::write(root.join("passwd"), "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/:/bin/sh\n")
        .unwrap();
    fs::write(root.join("group"), "root:x:0:\nbob:x:1000:\n").unwrap();
    let report = folder.run(&["check", "sudo", "--root", "root"]);
    assert_eq!(report.status, Some(1), "{report:#?}");
    assert!(report.stdout.contains("spotcheck check sudo --rule sudo-"), "{report:#?}");
    assert!(report.stdout.contains("<built-in>/sudo.yaml"), "{report:#?}");
}

#[test]
fn auto_checks_with_every_policy_that_has_something_to_ask() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path("root/etc/redis")).unwrap();
    fs::write(folder.path("root/etc/redis/redis.conf"), "bind 0.0.0.0\n").unwrap();
    fs::write(folder.path("root/etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
    let report = folder.run(&["check", "--auto", "--root", "root", "--format", "json"]).stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let of = |policy: &str, outcome: &str| {
        let findings = report["findings"].as_array().unwrap().iter();
        findings.filter(|one| one["policy"] == policy && one["outcome"] == outcome).count()
    };
    assert!(of("redis", "fail") > 0, "{report:#}");
    assert_eq!(of("apache", "fail") + of("apache", "unknown"), 0, "{report:#}");
    assert_eq!(of("nginx", "skipped") + of("nginx", "fail"), 0, "it is of one site");
}

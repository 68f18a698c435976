//! What a machine with nothing but the binary offers: completions, manual pages, explanations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Need, needs};
use std::process::{Command, Stdio};

fn spotcheck(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotcheck"));
    command.args(args).stdin(Stdio::null());
    command
}

/// What bash is offered for the last of these words.
fn offered(words: &[&str]) -> String {
    let output = spotcheck(&[&["--"], words].concat())
        .env("SPOTCHECK_COMPLETE", "bash")
        .env("_CLAP_IFS", "\n")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_shell_is_offered_policies_rules_and_tags_by_their_names() {
    assert!(offered(&["spotcheck", "check", "ssh"]).lines().any(|line| line == "sshd"));
    let rules = offered(&["spotcheck", "check", "--rule", "sshd-root-l"]);
    assert_eq!(rules.trim(), "sshd-root-login");
    assert!(offered(&["spotcheck", "comp"]).contains("completions"));
}

#[test]
fn a_variable_that_was_left_behind_changes_no_check() {
    let folder = Folder::with("policy: p\nrules:\n  - { id: r, file: /, must: { type: file } }\n");
    let output = spotcheck(&["check", "policy.yaml"])
        .current_dir(folder.path("."))
        .env("SPOTCHECK_COMPLETE", "bash")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn the_scripts_are_sound_in_their_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let script = spotcheck(&["completions", shell]).output().unwrap();
        assert_eq!(script.status.code(), Some(0));
        assert!(!script.stdout.is_empty());
        if shell == "bash" && needs(&[Need::Command("bash")]) {
            let folder = Folder::new();
            std::fs::write(folder.path("script"), &script.stdout).unwrap();
            let check = Command::new("bash").arg("-n").arg(folder.path("script")).status();
            assert!(check.unwrap().success());
        }
    }
}

#[test]
fn every_command_and_the_language_have_a_manual_page() {
    let folder = Folder::new();
    let output = folder.run(&["man", "pages"]);
    assert_eq!(output.status, Some(0), "{output:#?}");
    let names = [
        "spotcheck.1",
        "spotcheck-check.1",
        "spotcheck-baseline-create.1",
        "spotcheck-policy.5",
        "spotcheck.toml.5",
    ];
    for name in names {
        let path = folder.path("pages").join(name);
        assert!(path.exists(), "there is no {name}");
    }
    if needs(&[Need::Command("man")]) {
        for entry in std::fs::read_dir(folder.path("pages")).unwrap() {
            let path = entry.unwrap().path();
            let page = Command::new("man")
                .args(["--warnings", "-l", "-Tutf8", "-P", "cat"])
                .arg(&path)
                .output()
                .unwrap();
            assert!(page.status.success(), "{path:?}");
            let said = String::from_utf8_lossy(&page.stderr).into_owned();
            assert_eq!(said, "", "{path:?}");
        }
    }
}

#[test]
fn everything_that_can_be_typed_can_be_explained() {
    let folder = Folder::new();
    for word in [
        "when",
        "services",
        "vars",
        "waivers",
        "run_as",
        "exit-codes",
        "severity",
        "configuration",
        "file",
        "nginx",
    ] {
        let output = folder.run(&["explain", word]);
        assert_eq!(output.status, Some(0), "{word}: {output:#?}");
    }
    let run_as = folder.run(&["explain", "run_as"]).stdout;
    assert!(run_as.starts_with("run_as: a condition of `service:`"), "{run_as}");
    assert!(folder.run(&["explain", "waivers"]).stdout.contains("approved_by"));
    assert!(folder.run(&["explain", "waiver"]).stderr.contains("did you mean `waivers`?"));
}

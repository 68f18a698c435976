//! The examples for continuous integration say what the program takes, and the hook works.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, Tar};
use crate::support::{Need, needs};
use spotcheck::facts::settings::Block;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const HOOK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/ci/pre-push");

fn hook(image: &Path) -> Option<i32> {
    Command::new(HOOK)
        .env("SPOTCHECK", env!("CARGO_BIN_EXE_spotcheck"))
        .env("IMAGE", image)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .code()
}

#[test]
fn the_hook_lets_a_good_image_through_and_stops_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let files = || {
        Tar::new()
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .file("etc/group", "root:x:0:\n")
            .owned("app", 0o755, (0, 0), "ELF")
    };
    let good = r#"{"User":"1000","Entrypoint":["/app"],"Healthcheck":{"Test":["CMD","/app"]}}"#;
    fs::write(&path, Image::new(good, [files()]).docker_old("shop/app:1")).unwrap();
    assert_eq!(hook(&path), Some(0));
    fs::write(&path, Image::new("{}", [files()]).docker_old("shop/app:1")).unwrap();
    assert_eq!(hook(&path), Some(1));
    fs::write(&path, "").unwrap();
    assert_eq!(hook(&path), Some(3));
}

#[test]
fn the_hook_is_clean_shell() {
    if !needs(&[Need::Command("shellcheck")]) {
        return;
    }
    assert!(Command::new("shellcheck").arg(HOOK).status().unwrap().success());
}

/// All values of a name in a YAML file, in their order.
fn values(name: &str, file: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci").join(file);
    let nothing = spotcheck::targets::memory::Memory::new();
    let settings = spotcheck::formats::yaml::FORMAT.parse;
    let settings = settings(&nothing, &path, &fs::read(&path).unwrap()).unwrap();
    fn collect(block: &Block, name: &str, found: &mut Vec<String>) {
        let own = block.settings.iter().filter(|setting| setting.name == name);
        found.extend(own.map(|setting| setting.value.clone()));
        block.blocks.iter().for_each(|inner| collect(inner, name, found));
    }
    let mut found = Vec::new();
    collect(&settings.root, name, &mut found);
    found
}

/// What the jobs run is clean shell, as actionlint would see to.
#[test]
fn the_scripts_of_the_jobs_are_clean_shell() {
    if !needs(&[Need::Command("shellcheck")]) {
        return;
    }
    let scripts = [
        values("run", "github-actions.yml"),
        values("script", "gitlab-ci.yml"),
        values("before_script", "gitlab-ci.yml"),
        values("run", "../../action.yml"),
    ];
    let scripts = scripts.concat();
    assert!(scripts.iter().filter(|script| script.contains("spotcheck check")).count() >= 2);
    for script in scripts {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script");
        fs::write(&path, &script).unwrap();
        let told = Command::new("shellcheck").args(["--shell=bash"]).arg(&path).output().unwrap();
        assert!(told.status.success(), "{script}\n{}", String::from_utf8_lossy(&told.stdout));
    }
}

#[test]
fn every_step_of_the_workflow_uses_or_runs_something() {
    let file = "github-actions.yml";
    let steps = values("uses", file).len() + values("run", file).len();
    let text = fs::read_to_string(Path::new(HOOK).with_file_name(file)).unwrap();
    assert_eq!(steps, text.lines().filter(|line| line.starts_with("      - ")).count());
    assert_eq!(values("runs-on", file), ["ubuntu-latest"]);
    assert!(values("uses", file).iter().all(|action| action.contains("@v")), "versions are said");
}

#[test]
fn every_option_and_policy_in_the_examples_exists() {
    let help =
        Command::new(env!("CARGO_BIN_EXE_spotcheck")).args(["check", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for example in ["github-actions.yml", "gitlab-ci.yml"] {
        let text = fs::read_to_string(root.join("examples/ci").join(example)).unwrap();
        let from = text.find("spotcheck check").unwrap();
        let command: Vec<&str> = text[from..]
            .split_whitespace()
            .filter(|word| *word != "\\")
            .take_while(|word| !matches!(*word, "-" | "artifacts:"))
            .collect();
        for word in command {
            if let Some(option) = word.strip_prefix("--") {
                assert!(help.contains(&format!("--{option}")), "{example}: {word}");
            }
            if word == "image" {
                assert!(spotcheck::policy::library::by_name(word).is_some());
            }
            if word.starts_with("policies/") {
                assert!(root.join(word).exists(), "{example}: {word}");
            }
            if let Some((format, _)) = word.split_once('=') {
                assert!(spotcheck::report::by_name(format).is_some(), "{example}: {word}");
            }
        }
    }
}

/// The composite action, run as GitHub runs its steps: with inputs in the environment, by bash.
#[test]
fn the_composite_action_installs_checks_and_fails_as_the_check_does() {
    if !needs(&[Need::Command("bash"), Need::Command("curl"), Need::Command("sha256sum")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let files = || Tar::new().file("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    fs::write(at("image.tar"), Image::new("{}", [files()]).docker_old("shop/app:1")).unwrap();
    let binary = env!("CARGO_BIN_EXE_spotcheck");
    let sum = Command::new("sha256sum").arg(binary).output().unwrap().stdout;
    let sum = String::from_utf8(sum).unwrap();
    let sum = sum.split(' ').next().unwrap();
    let run = |script: &str, sum: &str| {
        Command::new("bash")
            .args(["-e", "-o", "pipefail", "-c", script])
            .env("RUNNER_TEMP", folder.path())
            .env("GITHUB_STEP_SUMMARY", at("summary"))
            .env("URL", format!("file://{binary}"))
            .env("SHA256", sum)
            .env("IMAGE", at("image.tar"))
            .env("POLICIES", "image")
            .env("FAIL_ON", "info")
            .env("SARIF", at("out.sarif"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap()
            .code()
    };
    let steps = values("run", "../../action.yml");
    assert_eq!(run(&steps[0], &"0".repeat(64)), Some(1), "another digest is refused");
    assert_eq!(run(&steps[0], sum), Some(0));
    assert_eq!(run(&steps[1], sum), Some(1), "the image runs as root");
    assert!(fs::read_to_string(at("out.sarif")).unwrap().contains("\"version\""));
    assert!(fs::read_to_string(at("summary")).unwrap().contains("image-"), "there is a summary");
}

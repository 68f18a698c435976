//! What reaches a terminal, a pipe and a file: always in the same order, never a control character
//! that somebody else chose, colour only for people, and no noise when nobody listens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Machine, Need, Stage, copy_program, needs};
use regex::Regex;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const NGINX: &str = include_str!("../../policies/nginx.yaml");

fn spotcheck(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotcheck"));
    command.args(arguments).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.env("TERM", "xterm");
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with a policy that is violated, and one that cannot be read.
struct Policies {
    folder: tempfile::TempDir,
}

impl Policies {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write(
            "bad.yaml",
            "policy: bad\nrules:\n  - { id: a, fil: /etc/passwd, must: { owner: root } }\n",
        );
        write(
            "violated.yaml",
            "policy: violated\nrules:\n  - { id: a, file: /etc/passwd, must: { exists: false } }\n",
        );
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

// --- order ---------------------------------------------------------------------------------------

/// All findings without what differs from run to run.
fn findings(json: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(json).unwrap();
    let steady = Regex::new(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC").unwrap();
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| steady.replace_all(&finding.to_string(), "T").into()).collect()
}

#[test]
fn the_same_host_gives_the_same_report_in_the_same_order() {
    let Some(stage) = Stage::healthy() else { return };
    stage.attack();
    stage.write("/mnt/nginx.yaml", NGINX);
    let run = || findings(&stage.run(&["check", "nginx.yaml", "--format", "json"]).stdout);
    let first = run();
    assert!(first.len() > 5);
    for _ in 0..10 {
        assert_eq!(run(), first);
    }
    let human = || stage.run(&["check", "nginx.yaml", "--verbose"]).stdout;
    let first: Vec<String> = human().lines().skip(1).map(str::to_owned).collect();
    assert_eq!(human().lines().skip(1).map(str::to_owned).collect::<Vec<_>>(), first);
}

#[test]
fn the_order_in_which_files_were_made_does_not_show() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..40).map(|n| format!("file-{:02}", n * 7 % 40)).collect();
    let mut sorted = names.clone();
    sorted.sort();
    for (place, order) in [("a", &names), ("b", &sorted)] {
        fs::create_dir(folder.path().join(place)).unwrap();
        for name in order {
            fs::write(folder.path().join(place).join(name), "").unwrap();
        }
        let policy = folder.path().join("policy.yaml");
        let at = folder.path().join(place);
        let rules = format!(
            "policy: p\nrules:\n  - {{ id: a, file: {}/*, must: {{ size: 1 }} }}\n",
            at.display()
        );
        fs::write(&policy, rules).unwrap();
        let json = ["check", policy.to_str().unwrap(), "--format", "json"];
        let report: Value =
            serde_json::from_slice(&spotcheck(&json).output().unwrap().stdout).unwrap();
        let found: Vec<String> = report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["subject"]["name"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> =
            sorted.iter().map(|name| format!("{}/{name}", at.display())).collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn policies_are_read_in_the_order_of_their_names() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["c", "a", "d", "b"] {
        let rule = format!(
            "policy: {name}\nrules:\n  - {{ id: rule-{name}, user: root, must: {{ uid: 0 }} }}\n"
        );
        fs::write(folder.path().join(format!("{name}.yaml")), rule).unwrap();
    }
    let json = ["check", folder.path().to_str().unwrap(), "--format", "json"];
    let report: Value = serde_json::from_slice(&spotcheck(&json).output().unwrap().stdout).unwrap();
    let rules: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert_eq!(rules, ["rule-a", "rule-b", "rule-c", "rule-d"]);
}

// --- control characters --------------------------------------------------------------------------

/// What repaints a terminal, hides text, or lets a line end where it does not.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;x\u{7}\r\u{9b}\u{202e}";

#[track_caller]
fn is_clean(text: &str) {
    let raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}' || c == '\u{200b}';
    assert!(!text.contains(raw), "{text:?}");
}

#[test]
fn names_and_contents_that_somebody_else_chose_reach_no_terminal_raw_and_are_exact_in_json() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    let name = format!("/mnt/shop/file{EVIL}");
    machine.write(&name, "");
    machine.write("/mnt/shop/web.conf", &format!("user \"{EVIL}\";\n"));
    let program = format!("/mnt/nap\u{1b}[31m{EVIL}");
    copy_program(Path::new("/usr/bin/sleep"), &machine.outside(&program));
    machine.write("/mnt/start", &format!("'{program}' 1000 &\n"));
    machine.must(
        "echo \"$(printf 'ev\\033[2Jil'):x:0:0::/:/bin/sh\" >> /etc/passwd
         chown 4242 /mnt/shop/web.conf",
    );
    machine.start("nap.service", "cd /mnt; setpriv --reuid=4242 --clear-groups sh /mnt/start");
    machine.until("the program runs", || machine.sh("pgrep -u 4242 -f 1000").status == Some(0));
    let policy = format!("/mnt/policy{EVIL}.yaml");
    machine.write(&policy, HOSTILE);
    let output = machine.run(&["check", &policy, "--verbose"]);
    assert_eq!((output.status, output.stderr.as_str()), (Some(1), ""), "{}", output.stdout);
    is_clean(&output.stdout);
    for shown in ["file\\x1b[2J", "nap\\x1b[31m", "ev\\x1b[2Jil", "user \\x1b[2J", "policy\\x1b[2J"]
    {
        assert!(output.stdout.contains(shown), "{shown} in {}", output.stdout);
    }
    let output = machine.run(&["check", &policy, "--format", "json"]);
    assert!(!output.stdout.contains('\u{1b}') && !output.stdout.contains('\u{7}'));
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let strings = strings_of(&report);
    let comm: String = program.trim_start_matches("/mnt/").chars().take(15).collect();
    for exact in [name.as_str(), program.as_str(), comm.as_str(), "ev\u{1b}[2Jil"] {
        assert!(strings.iter().any(|text| text == exact), "{exact:?} in {strings:#?}");
    }
    assert!(strings.contains(&format!("user {EVIL}")), "{strings:#?}");
}

const HOSTILE: &str = "
policy: hostile
rules:
  - { id: files, file: /mnt/shop/*, must: { size: 4711 } }
  - { id: program, service: { user: 4242 }, must: { executable: /bin/nothing } }
  - { id: accounts, accounts: all, must: { uid_0: { only: [root] } } }
  - { id: setting, config: /mnt/shop/web.conf, format: nginx, must: { user: www } }
  - { id: owner, file: /mnt/shop/file*, must: { owner: nobody, mode: '0600' } }
";

/// Every string in a document.
fn strings_of(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings_of).collect(),
        Value::Object(fields) => fields.values().flat_map(strings_of).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn commands_that_repair_can_be_pasted_whatever_a_file_is_called() {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("bash")]) {
        return;
    }
    let machine = Machine::new();
    let name = format!("/mnt/shop/it's $(touch pwned) {EVIL}");
    machine.write(&name, "");
    machine.write(
        "/mnt/p.yaml",
        "policy: p\nrules:\n  - { id: a, file: /mnt/shop/*, must: { owner: daemon, mode: '0600' } }\n",
    );
    let output = machine.run(&["check", "p.yaml"]);
    let repairs: Vec<&str> = output
        .stdout
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("repair"))
        .map(str::trim)
        .collect();
    assert_eq!(repairs.len(), 2, "{}", output.stdout);
    machine.write("/mnt/repair", &repairs.join("\n"));
    machine.must("bash -e /mnt/repair && ! test -e /mnt/pwned");
    assert_eq!(machine.run(&["check", "p.yaml"]).status, Some(0));
}

#[test]
fn errors_about_hostile_policies_are_clean_too() {
    let policies = Policies::new();
    let path = policies.path(&format!("x{EVIL}.yaml"));
    fs::write(
        &path,
        "policy: p\nrules:\n  - { id: a, \"fi\\e[2Jle\": /x, must: { owner: \"\\e[31m\" } }\n",
    )
    .unwrap();
    for command in ["lint", "check"] {
        let output = spotcheck(&[command, path.to_str().unwrap()]).output().unwrap();
        assert_eq!(output.status.code(), Some(3));
        is_clean(&text(&output.stderr));
    }
    for arguments in [
        ["check", "--rule", EVIL],
        ["check", "--output", EVIL],
        ["check", "--var", EVIL],
        ["explain", EVIL, "--help="],
    ] {
        let output = spotcheck(&arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
        is_clean(&text(&output.stderr));
    }
}

// --- colour --------------------------------------------------------------------------------------

/// What a terminal gets from a shell command, the exit code being that of the command.
fn on_terminal(command: &str, environment: &[(&str, &str)]) -> Output {
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", command, "/dev/null"]).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        script.env_remove(name);
    }
    script.env("TERM", "xterm").envs(environment.iter().copied()).output().unwrap()
}

fn on_terminals() -> bool {
    needs(&[Need::Command("script")])
}

const PROGRAM: &str = env!("CARGO_BIN_EXE_spotcheck");

/// Colours and nothing else: no cursor is moved, no title set.
#[track_caller]
fn has_only_colours(terminal: &str) {
    assert!(terminal.contains("\u{1b}["), "no colour: {terminal:?}");
    let rest =
        Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(terminal, "").replace("\r\n", "\n");
    is_clean(&rest);
}

#[test]
fn a_terminal_gets_colours_and_a_pipe_none() {
    let policies = Policies::new();
    let path = policies.name("violated.yaml");
    is_clean(&text(&spotcheck(&["check", &path]).output().unwrap().stdout));
    if !on_terminals() {
        return;
    }
    let command = format!("{PROGRAM} check {path}");
    let terminal = on_terminal(&command, &[]);
    assert_eq!(terminal.status.code(), Some(1));
    has_only_colours(&text(&terminal.stdout));
    for environment in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = text(&on_terminal(&command, &[environment]).stdout).replace("\r\n", "\n");
        assert!(plain.contains("FAIL"), "{plain}");
        is_clean(&plain);
    }
    // https://no-color.org: an empty value is none.
    has_only_colours(&text(&on_terminal(&command, &[("NO_COLOR", "")]).stdout));
}

#[test]
fn each_stream_is_coloured_by_what_it_is() {
    if !on_terminals() {
        return;
    }
    let policies = Policies::new();
    let (bad, violated) = (policies.name("bad.yaml"), policies.name("violated.yaml"));
    let file = policies.name("file");
    let aside = || fs::read_to_string(&file).unwrap();
    // Errors on the terminal, the report into a file, and the other way round.
    has_only_colours(&text(&on_terminal(&format!("{PROGRAM} lint {bad} >{file}"), &[]).stdout));
    assert_eq!(aside(), "");
    on_terminal(&format!("{PROGRAM} lint {bad} 2>{file}"), &[]);
    assert!(aside().contains("did you mean"), "{}", aside());
    is_clean(&aside());
    has_only_colours(&text(
        &on_terminal(&format!("{PROGRAM} check {violated} 2>{file}"), &[]).stdout,
    ));
    assert_eq!(aside(), "");
    on_terminal(&format!("{PROGRAM} check {violated} >{file}"), &[]);
    is_clean(&aside());
    // A report for a file beside one for the terminal has no colours either.
    let both = format!("{PROGRAM} check {violated} --output human={file}");
    has_only_colours(&text(&on_terminal(&both, &[]).stdout));
    assert!(aside().contains("FAIL"), "{}", aside());
    is_clean(&aside());
}

#[test]
fn names_of_others_reach_a_terminal_as_little_as_a_pipe() {
    if !on_terminals() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("x{EVIL}")), "").unwrap();
    let policy = folder.path().join("p.yaml");
    let at = folder.path().display();
    fs::write(
        &policy,
        format!("policy: p\nrules:\n  - {{ id: a, file: {at}/x*, must: {{ size: 1 }} }}\n"),
    )
    .unwrap();
    let terminal = on_terminal(&format!("{PROGRAM} check --verbose {}", policy.display()), &[]);
    has_only_colours(&text(&terminal.stdout));
}

// --- a reader that has gone ----------------------------------------------------------------------

/// Runs with a standard output that nobody reads.
fn into_the_void(arguments: &[&str], folder: &Path) -> Output {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = spotcheck(arguments);
    let child = command.current_dir(folder).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn when_nobody_reads_any_more_it_ends_quietly_and_with_its_exit_code() {
    let policies = Policies::new();
    for (arguments, code) in [
        (&["check", "violated.yaml"][..], 1),
        (&["check", "violated.yaml", "--format", "json"], 1),
        (&["check", "violated.yaml", "--verbose"], 1),
        (&["lint", "violated.yaml"], 0),
        (&["explain", "file"], 0),
        (&["checks"], 0),
        (&["schema", "policy"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
    ] {
        let output = into_the_void(arguments, policies.folder.path());
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn a_reader_that_takes_one_line_gets_it() {
    let policies = Policies::new();
    let script = format!("{PROGRAM} schema policy | head -1; echo \"${{PIPESTATUS[0]}}\"");
    let output =
        Command::new("bash").args(["-c", &script]).current_dir(policies.folder.path()).output();
    let output = output.unwrap();
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("{\n0\n".into(), String::new()));
}

#[test]
fn a_full_disk_is_an_error_not_a_success() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    let policies = Policies::new();
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output =
        spotcheck(&["check", &policies.name("violated.yaml")]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(text(&output.stderr).contains("cannot be written"), "{}", text(&output.stderr));
}

//! Made for cron: silence when nothing has changed, an end in time, and a pile-up of nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use crate::support::deaf_mount::DeafMount;
use crate::support::{Machine, Need, Output, needs};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// A folder with a file, a policy about it, and a ledger.
struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { folder: tempfile::tempdir().unwrap() };
        host.write(
            "p.yaml",
            &format!(
                "policy: web\nrules:\n  - {{ id: private, severity: high, file: '{}', must: {{ \
                 mode: '0600' }} }}\n",
                host.path("conf").display()
            ),
        );
        host.write("conf", "");
        host.mode(0o644);
        host
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn mode(&self, mode: u32) {
        fs::set_permissions(self.path("conf"), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn waiver(&self, expires: &str) {
        self.write(
            "w.yaml",
            &format!(
                "waivers:\n  - rule: private\n    reason: The deploy is late\n    \
                 approved_by: alice\n    expires: {expires}\n"
            ),
        );
    }

    fn run(&self, args: &[&str]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
            .current_dir(self.folder.path())
            .args(args)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Output {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    fn check(&self, options: &[&str]) -> Output {
        self.run(&[&["check", "p.yaml", "--ledger", "l.db"], options].concat())
    }

    /// What cron would mail, and the exit code.
    fn cron(&self, options: &[&str]) -> (Option<i32>, String) {
        let output = self.check(&[&["--changes-only", "--timeout", "30s"], options].concat());
        (output.status, output.stdout + &output.stderr)
    }
}

#[test]
fn cron_mails_what_is_new_and_nothing_else() {
    let host = Host::new();
    let (code, mail) = host.cron(&[]);
    assert_eq!(code, Some(1));
    assert!(mail.contains(": high: 1 new\n\nNEW             SC-1 high  file /"), "{mail}");
    assert!(mail.contains("    repair: chmod 0600 /"), "{mail}");
    assert_eq!(host.cron(&[]), (Some(1), String::new()));
    host.mode(0o600);
    let (code, mail) = host.cron(&[]);
    assert_eq!(code, Some(0));
    assert!(mail.contains(": 1 resolved\n\nresolved        SC-1 high"), "{mail}");
    assert_eq!(host.cron(&[]), (Some(0), String::new()));
    host.mode(0o666);
    let (code, mail) = host.cron(&[]);
    assert_eq!(code, Some(1));
    assert!(mail.contains(": high: 1 regressed\n\nREGRESSED       SC-1 high"), "{mail}");
}

#[test]
fn a_configured_ledger_records_every_run() {
    let host = Host::new();
    host.write("config.toml", "ledger = 'configured.db'\n[due]\nhigh = '2d'\n");
    assert_eq!(host.run(&["check", "p.yaml", "--config", "config.toml"]).status, Some(1));
    let list = host.run(&["actions", "--config", "config.toml", "list"]);
    assert!(list.stdout.starts_with("SC-1 "), "{list:?}");
    let plain = host.run(&["check", "p.yaml", "--config", "config.toml", "--no-track"]);
    assert_eq!(plain.status, Some(1));
    host.write("config.toml", "ledgr = 'configured.db'\n");
    let wrong = host.run(&["check", "p.yaml", "--config", "config.toml"]);
    assert_eq!(wrong.status, Some(3));
    assert!(wrong.stderr.contains("config.toml:1:1"), "{wrong:?}");
    assert_eq!(host.run(&["check", "p.yaml", "--config", "missing.toml"]).status, Some(3));
}

#[test]
fn people_work_on_items_with_the_actions_command() {
    let host = Host::new();
    host.check(&[]);
    let actions = |args: &[&str]| host.run(&[&["actions", "--ledger", "l.db"], args].concat());
    assert!(actions(&["ack", "SC-1", "-m", "on it"]).stdout.contains("acknowledged"));
    assert!(actions(&["assign", "sc-1", "bob"]).stdout.contains("(bob)"));
    assert!(actions(&["due", "1", "2030-01-31"]).stdout.contains("due 2030-01-31"));
    assert_eq!(actions(&["comment", "SC-1", "see OPS-1"]).status, Some(0));
    assert_eq!(actions(&["close", "SC-1"]).status, Some(3), "a reason is needed");
    assert_eq!(actions(&["close", "SC-1", "--reason", " "]).status, Some(3));
    assert_eq!(actions(&["close", "SC-1", "--reason", "not ours"]).status, Some(0));
    assert_eq!(actions(&["list"]).stdout, "No such action items.\n");
    assert!(actions(&["list", "--state", "closed"]).stdout.starts_with("SC-1 "));
    let show = actions(&["show", "SC-1"]).stdout;
    for words in ["closed since", "see OPS-1", "on it", "not ours", "repair      chmod 0600"] {
        assert!(show.contains(words), "{words}: {show}");
    }
    let history = actions(&["history"]).stdout;
    assert_eq!(history.lines().count(), 6, "{history}");
    let export = actions(&["export", "--all"]).stdout;
    let export: serde_json::Value = serde_json::from_str(&export).unwrap();
    assert_eq!(export["items"][0]["id"], "SC-1");
    assert_eq!(export["items"][0]["occurrences"][0]["evidence_now"]["observed"], "0644");
    assert!(
        actions(&["export", "--all", "--format", "markdown"]).stdout.contains("- [ ] **SC-1**")
    );
    for missing in [["show", "SC-9"], ["ack", "SC-9"], ["history", "SC-9"], ["show", "x"]] {
        assert_eq!(actions(&missing).status, Some(3));
    }
    let elsewhere = host.run(&["actions", "--ledger", "nowhere.db", "list"]);
    assert_eq!(elsewhere.status, Some(3));
    assert!(!host.path("nowhere.db").exists());
}

#[test]
fn a_waived_violation_is_shown_and_does_not_count_until_the_waiver_ends() {
    let host = Host::new();
    host.waiver("2999-12-31");
    let output = host.check(&["--waivers", "w.yaml", "--format", "human"]);
    assert_eq!(output.status, Some(0), "{output:?}");
    let words = "waived high private";
    assert!(output.stdout.contains(words), "{output:?}");
    assert!(output.stdout.contains("accepted until 2999-12-31 by alice: The deploy is late"));
    let json = host.check(&["--waivers", "w.yaml", "--format", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["findings"][0]["outcome"], "waived");
    assert_eq!(json["findings"][0]["waiver"]["approved_by"], "alice");
    assert_eq!(json["summary"]["waived"], 1);
    let schema: serde_json::Value =
        serde_json::from_str(&host.run(&["schema", "report"]).stdout).unwrap();
    let valid = jsonschema::validator_for(&schema).unwrap();
    assert!(valid.is_valid(&json), "{:?}", valid.iter_errors(&json).next());

    host.waiver("2020-12-31");
    let output = host.check(&["--waivers", "w.yaml"]);
    assert_eq!(output.status, Some(1));
    let words = "waiver expired after 2020-12-31: private counts again";
    assert!(output.stdout.contains(words), "{output:?}");

    host.mode(0o600);
    let output = host.check(&["--waivers", "w.yaml"]);
    assert!(output.stdout.contains("accepts nothing that is violated"), "{output:?}");
}

#[test]
fn a_malformed_waiver_is_an_error_with_its_place_and_nothing_is_evaluated() {
    let host = Host::new();
    let refused = |text: &str, words: &str| {
        host.write("w.yaml", text);
        let output = host.check(&["--waivers", "w.yaml"]);
        assert_eq!(output.status, Some(3), "{text}");
        assert!(output.stderr.contains(words), "{text}\n{}", output.stderr);
        assert_eq!(output.stdout, "");
    };
    let whole = "rule: private, reason: r, approved_by: a, expires: 2030-01-01";
    let with = |from: &str, to: &str| format!("waivers:\n  - {{ {} }}\n", whole.replace(from, to));
    refused(&with(", expires: 2030-01-01", ""), "a waiver without `expires`");
    refused(&with("rule: private, ", ""), "a waiver without `rule`");
    refused(&with("reason: r", "reason: ''"), "w.yaml:2");
    refused(&with("2030-01-01", "2030-02-30"), "expected a date such as 2026-12-31");
    refused(&with("2030-01-01", "soon"), "expected a date such as 2026-12-31");
    refused(&with("rule:", "rul:"), "did you mean `rule`");
    refused(&with("rule:", "starts: 2031-01-01, rule:"), "it expires before it starts");
    refused(&with("rule:", "host: 'web[', rule:"), "expected a name or a glob");
    refused("waiver: []\n", "did you mean `waivers`");
    refused("", "");
}

#[test]
fn a_configuration_may_limit_how_long_a_waiver_lasts() {
    let host = Host::new();
    host.write("config.toml", "waiver_longest = '90d'\n");
    let with = |dates: &str| {
        host.write(
            "w.yaml",
            &format!("waivers:\n  - {{ rule: private, reason: r, approved_by: a, {dates} }}\n"),
        );
        host.run(&["check", "p.yaml", "--config", "config.toml", "--waivers", "w.yaml"])
    };
    let output = with("starts: 2030-01-01, expires: 2030-06-01");
    assert_eq!(output.status, Some(3), "{output:?}");
    assert!(output.stderr.contains("w.yaml:2:5: this waiver lasts until 2030-06-01"), "{output:?}");
    assert!(output.stderr.contains("`waiver_longest` of the configuration is 90d"), "{output:?}");
    assert_eq!(with("expires: 2999-12-31").status, Some(3), "from now, where it names no start");
    assert_eq!(with("starts: 2030-01-01, expires: 2030-04-01").status, Some(1));
}

#[test]
fn waivers_may_stand_in_a_policy_for_its_own_rules() {
    let host = Host::new();
    let rule = fs::read_to_string(host.path("p.yaml")).unwrap();
    let waiver =
        "waivers:\n  - { rule: private, reason: r, approved_by: a, expires: 2999-01-01 }\n";
    host.write("p.yaml", &format!("{rule}{waiver}"));
    assert_eq!(host.check(&[]).status, Some(0));
    host.write("p.yaml", &format!("{rule}{}", waiver.replace("private", "privat")));
    let output = host.check(&[]);
    assert_eq!(output.status, Some(3));
    assert!(output.stderr.contains("did you mean `private`"), "{output:?}");
    host.waiver("2999-12-31");
    host.write("p.yaml", &format!("{rule}waivers: w.yaml\n"));
    assert_eq!(host.check(&[]).status, Some(0));
}

#[test]
fn a_waiver_for_other_hosts_or_subjects_or_for_later_accepts_nothing() {
    let host = Host::new();
    for limit in ["host: other*", "subject: /etc/*", "starts: 2998-01-01"] {
        host.write(
            "w.yaml",
            &format!(
                "waivers:\n  - {{ rule: private, {limit}, reason: r, approved_by: a, expires: \
                 2999-01-01 }}\n"
            ),
        );
        assert_eq!(host.check(&["--waivers", "w.yaml"]).status, Some(1), "{limit}");
    }
}

#[test]
fn a_mount_that_is_gone_ends_neither_the_run_nor_its_report() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    if !DeafMount::is_possible() {
        assert_ne!(std::env::var("SPOTCHECK_REQUIRE_ALL").as_deref(), Ok("1"), "no /dev/fuse");
        eprintln!("SKIPPED (needs /dev/fuse)");
        return;
    }
    let machine = Machine::new();
    let mount = DeafMount::new(&machine, "/mnt/gone");
    machine.write(
        "/mnt/p.yaml",
        "policy: web\nrules:\n  - { id: first, file: /etc/passwd, must: { owner: root } }\n  \
         - { id: stuck, file: /mnt/gone/x, must: { owner: root } }\n  \
         - { id: last, file: /etc/group, must: { owner: root } }\n",
    );
    let start = Instant::now();
    let check = ["check", "p.yaml", "--timeout", "2s", "--ledger", "/mnt/l.db", "--changes-only"];
    let output = machine.run(&check);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stdout.contains("stuck: file /mnt/gone/x evaluation: "), "{output:?}");
    assert!(output.stdout.contains("no answer when the 2s of --timeout were over"), "{output:?}");
    assert!(output.stdout.contains("not asked when the 2s of --timeout were over"), "{output:?}");
    let report = machine.run(&["check", "p.yaml", "--timeout", "1s", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    let outcomes: Vec<&str> =
        json["findings"].as_array().unwrap().iter().filter_map(|f| f["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["pass", "unknown", "unknown"]);
    mount.end(&machine);
}

#[test]
fn policies_on_a_mount_that_is_gone_do_not_hang_the_run_either() {
    if !needs(&[Need::Root, Need::Namespaces]) || !DeafMount::is_possible() {
        return;
    }
    let machine = Machine::new();
    let mount = DeafMount::new(&machine, "/mnt/gone");
    let start = Instant::now();
    let output = machine.run(&["check", "gone/p.yaml", "--timeout", "1s"]);
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stderr.contains("did not end in time"), "{output:?}");
    assert!(start.elapsed() < Duration::from_secs(25), "{:?}", start.elapsed());
    mount.end(&machine);
}

#[test]
fn with_a_limit_everything_else_is_as_without() {
    let host = Host::new();
    for args in [
        ["check", "p.yaml", "--format=json", "--fail-on=info"].as_slice(),
        &["check", "p.yaml", "--format=nagios"],
        &["check", "missing.yaml"],
        &["check", "p.yaml", "--rule", "no-such-rule"],
    ] {
        let without = host.run(args);
        let with = host.run(&[args, &["--timeout", "20s"]].concat());
        let time =
            |text: &str| text.lines().filter(|l| !l.contains("\"time\"")).collect::<String>();
        assert_eq!(with.status, without.status);
        assert_eq!((time(&with.stdout), with.stderr), (time(&without.stdout), without.stderr));
    }
    assert_eq!(host.run(&["check", "p.yaml", "--timeout", "0s"]).status, Some(3));
    assert_eq!(host.run(&["check", "p.yaml", "--timeout", "soon"]).status, Some(3));
}

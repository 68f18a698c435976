//! Recordings: what is found on one is what was found on the host, wherever and by whomever it is
//! read, and what was not recorded is never taken for an answer.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, Tar};
use crate::support::{Folder, Need, Output, Stage, denied, needs, pages, rule};
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::Value;
use spotcheck::facts::process::Selector;
use spotcheck::host::{Files, Target};
use spotcheck::policy::Diagnostics;
use spotcheck::policy::load::load_text;
use spotcheck::policy::vars::Vars;
use spotcheck::rules::plan::Plan;
use spotcheck::targets::live::Live;
use spotcheck::targets::memory::{Memory, Running};
use spotcheck::targets::recording::answers::Answers;
use spotcheck::targets::recording::{Playback, Recorder, Recording, basics, store};
use spotcheck::verdict::{Finding, Outcome};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const NGINX: &str = include_str!("../../policies/nginx.yaml");
/// Somebody without any rights.
const NOBODY: u32 = 4242;

/// Recorded, written, read again.
fn replayed(target: &dyn Target, ask: impl FnOnce(&Recorder)) -> Playback {
    let recorder = Recorder::new(target);
    ask(&recorder);
    let bytes = store::encode(&recorder.finish(1_700_000_000, false)).unwrap();
    Playback::new(store::decode(&bytes).unwrap())
}

/// Everything about findings that a reader is told.
fn told(findings: &[Finding]) -> Vec<String> {
    let told = |finding: &Finding| format!("{} {:?}", finding.rule.id, finding.assertion);
    findings.iter().map(told).collect()
}

fn plan(policy: &str) -> Plan {
    let mut problems = Diagnostics::default();
    let policies = load_text("policy.yaml", policy, &Vars::default(), &mut problems);
    let plan = Plan::compile(policies, spotcheck::checks::SUBJECTS, &mut problems);
    let problems: Vec<_> = problems.into_sorted().iter().map(|p| p.render(false)).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    plan
}

/// Every example of every condition, and every policy that is shipped.
fn plans() -> Vec<(String, Plan)> {
    let shipped = pages::shipped()
        .into_iter()
        .map(|path| (path.display().to_string(), plan(&fs::read_to_string(&path).unwrap())));
    let conditions = pages::condition_examples().into_iter();
    let examples = pages::examples().into_iter().map(|(name, text)| (name.to_owned(), text));
    let others = conditions.chain(examples).map(|(name, text)| (name, plan(&text)));
    shipped.chain(others).collect()
}

fn shop() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("nginx", 101, 101)
        .group("nginx", 101, &[])
        .file("/etc/passwd", 0o644, 0, 0, "root:x:0:0::/root:/bin/sh\n")
        .file(
            "/etc/nginx/nginx.conf",
            0o640,
            101,
            101,
            "user nginx;\nhttp { server { listen 8081; } }",
        )
        .file("/usr/sbin/nginx", 0o755, 0, 0, "")
        .process(Running::program(10, "/usr/sbin/nginx"))
        .process(Running::program(11, "/usr/sbin/nginx").owned_by(101, 101).child_of(10))
        .tcp(([0, 0, 0, 0], 8080), 7001, &[10, 11])
}

#[test]
fn every_question_of_a_target_is_recorded_and_played() {
    // These follow from what is kept: a checksum is made of the content.
    let others = ["read_marked", "mark", "part", "checksum"];
    let questions = |text: &str| -> BTreeSet<String> {
        let names = text.split("fn ").skip(1).map(|rest| rest.split(['(', '<']).next().unwrap());
        names.map(str::to_owned).collect()
    };
    let traits: String =
        concat!(include_str!("../../src/host/files.rs"), include_str!("../../src/host/target.rs"))
            .split("\npub trait ")
            .skip(1)
            .filter_map(|rest| rest.split("\n}\n").next())
            .collect();
    let asked = questions(&traits);
    assert!(asked.contains("sha256") && asked.contains("listeners"), "{asked:?}");
    let recorder = questions(include_str!("../../src/targets/recording/recorder.rs"));
    let playback = questions(include_str!("../../src/targets/recording/playback.rs"));
    for question in asked.iter().filter(|question| !others.contains(&question.as_str())) {
        assert!(recorder.contains(question), "recorder.rs does not pass on `{question}`");
        assert!(playback.contains(question), "playback.rs does not answer `{question}`");
    }
}

#[test]
fn every_rule_finds_the_same_on_plain_data_and_on_the_recording_of_it() {
    let host = shop();
    for (name, plan) in plans() {
        let recorder = Recorder::new(&host);
        let live = plan.evaluate(&recorder);
        assert_eq!(told(&live), told(&plan.evaluate(&host)), "{name}: while it is recorded");
        let recording = recorder.finish(0, true);
        let bytes = store::encode(&recording).unwrap();
        let target = Playback::new(store::decode(&bytes).unwrap());
        assert_eq!(told(&plan.evaluate(&target)), told(&live), "{name}");
    }
}

#[test]
fn every_rule_finds_the_same_on_this_host_and_on_the_recording_of_it() {
    let host = Live::new();
    let recorder = Recorder::new(&host);
    let plans = plans();
    let live: Vec<_> = plans.iter().map(|(_, plan)| told(&plan.evaluate(&recorder))).collect();
    basics::ask(&recorder);
    let bytes = store::encode(&recorder.finish(0, true)).unwrap();
    let target = Playback::new(store::decode(&bytes).unwrap());
    for ((name, plan), live) in plans.iter().zip(live) {
        assert_eq!(told(&plan.evaluate(&target)), live, "{name}");
    }
}

#[test]
fn a_file_that_was_not_there_is_told_from_one_that_nobody_asked_about() {
    let target = replayed(&shop(), |host| {
        rule("file: /etc/evil\nmust: { exists: false }").on(host).passes();
    });
    rule("file: /etc/evil\nmust: { exists: false }").on(&target).passes();
    rule("file: /etc/evil\nmust: { owner: root }")
        .on(&target)
        .fails_with("exists: does not exist; expected to exist");
    // What is below nothing is nothing.
    rule("file: /etc/evil/x\nmust: { exists: false }").on(&target).passes();
    let other = rule("file: /etc/other\nmust: { exists: false }").on(&target);
    assert_snapshot!(other, @"unknown exists: /etc/other: not in the recording; record again with this policy");
    assert_eq!(other.exit(), 2);
}

#[test]
fn nothing_that_was_not_asked_is_ever_decided() {
    let kept = |name: &str| {
        let path = format!("{}/tests/recordings/1/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut recording = store::read(Path::new(&path)).unwrap();
        recording.answers = Answers::default();
        Playback::new(recording)
    };
    for name in ["healthy.json.zst", "image.json.zst"] {
        let nothing = kept(name);
        for (rule, plan) in plans() {
            for finding in plan.evaluate(&nothing) {
                let assertion = &finding.assertion;
                let decided = matches!(assertion.outcome, Outcome::Pass | Outcome::Fail);
                // What an image says about itself is there in any case.
                assert!(
                    !decided || assertion.subject.kind == "image",
                    "{name} {rule}: {assertion:?}"
                );
            }
        }
    }
}

#[test]
fn what_could_not_be_seen_is_recorded_with_its_reason() {
    let host = shop()
        .unreadable("/etc/nginx/nginx.conf")
        .unlistable_sockets(denied("/proc/net/tcp"))
        .hiding_processes(denied("/proc"));
    let target = replayed(&host, |host| {
        basics::ask(host);
        basics::file(host, Path::new("/etc/nginx/nginx.conf"));
    });
    rule("file: /etc/nginx/nginx.conf\nmust: { contains: x }")
        .on(&target)
        .unknown_with("contains: /etc/nginx/nginx.conf: permission denied");
    assert_eq!(rule("listeners: all\nmust: { only: [8080/tcp] }").on(&target).exit(), 2);
    assert!(target.processes(&Selector::everything()).unwrap().hidden.is_some());
}

#[test]
fn a_rule_that_comes_later_finds_the_basics() {
    let target = replayed(&shop(), |host| {
        basics::ask(host);
        basics::file(host, Path::new("/etc/nginx/nginx.conf"));
    });
    let later = |text: &str| rule(text).on(&target);
    later("service: { exe: /usr/sbin/nginx }\nmust: { never_root: true }")
        .fails_with("never_root: nginx (pid 11); root (pid 10); expected no uid 0 in any thread");
    later("service: { name: nginx, user: nginx }\nmust: { running: true }").passes();
    later("service: { exe: /usr/sbin/apache2 }\nmust: { running: false }").passes();
    later("port: 8080/tcp\nmust: { bound_by: { exe: /usr/sbin/nginx } }").passes();
    later("user: nginx\nmust: { uid: 101 }").passes();
    later("file: /etc/nginx/nginx.conf\nmust: { owner: nginx, mode: \"0640\" }").passes();
    later("config: /etc/nginx/nginx.conf\nmust: { http.server.listen: 8080 }")
        .fails_with("http.server.listen: listen 8081 (/etc/nginx/nginx.conf:2); expected 8080");
    // Arguments were left out.
    let by_arguments = later("service: { cmdline: nginx }\nmust: { running: true }");
    assert_snapshot!(by_arguments, @"unknown running: arguments of process 10: the recording was made without arguments (--with-arguments)");
}

mod secrets {
    use super::*;

    const REDIS: &str = "port 6379\nrequirepass hunter2hunter2\nprotected-mode yes\n";

    fn with_secrets() -> Memory {
        shop()
            .file("/etc/redis/redis.conf", 0o640, 0, 0, REDIS)
            .file("/etc/shadow", 0o640, 0, 0, "root:$y$j9T$hunter2hunter2$abcdef:19000::::::\n")
            .file("/etc/ssl/x.pem", 0o600, 0, 0, "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n")
            .file(
                "/etc/app.json",
                0o600,
                0,
                0,
                "{\"db\": {\"password\": \"hunter2\", \"port\": 5432}}",
            )
            .file("/etc/binary", 0o600, 0, 0, b"\0hunter2")
            .process(Running::program(20, "/usr/bin/app").arguments(&[
                "app",
                "--password",
                "hunter2",
            ]))
    }

    fn recorded(arguments: bool) -> Recording {
        let host = with_secrets();
        let recorder = Recorder::new(&host);
        rule("config: /etc/redis/redis.conf\nformat: redis\nmust: { requirepass: { not: foobared } }")
            .on(&recorder)
            .passes();
        rule("file: /etc/redis/redis.conf\nmust: { not_contains: 'protected-mode +no' }")
            .on(&recorder)
            .passes();
        for path in [
            "/etc/redis/redis.conf",
            "/etc/shadow",
            "/etc/ssl/x.pem",
            "/etc/app.json",
            "/etc/binary",
        ] {
            basics::file(&recorder, Path::new(path));
            let _ = recorder.sha256(Path::new(path));
        }
        basics::ask(&recorder);
        recorder.finish(0, arguments)
    }

    fn target() -> Playback {
        Playback::new(recorded(false))
    }

    #[test]
    fn no_secret_is_in_the_file() {
        let json = serde_json::to_string(&recorded(false)).unwrap();
        assert!(json.contains("requirepass"), "{json}");
        assert!(!json.contains("hunter2"), "{json}");
        assert!(serde_json::to_string(&recorded(true)).unwrap().contains("--password"));
    }

    #[test]
    fn the_digest_of_what_was_left_out_is_left_out() {
        for path in ["/etc/redis/redis.conf", "/etc/shadow", "/etc/ssl/x.pem", "/etc/binary"] {
            assert!(target().sha256(Path::new(path)).is_err(), "{path}");
        }
    }

    #[test]
    fn what_depends_on_a_secret_is_undecided_and_everything_beside_it_is_not() {
        let on = |conditions: &str| {
            let text =
                format!("config: /etc/redis/redis.conf\nformat: redis\nmust: {{ {conditions} }}");
            rule(&text).on(&target())
        };
        assert_snapshot!(on("requirepass: { not: foobared }"), @"unknown requirepass: requirepass: the recording was made without it, since it is a secret");
        assert_snapshot!(on("requirepass: { matches: '.{8}' }"), @"unknown requirepass: requirepass: the recording was made without it, since it is a secret");
        on("requirepass: { set: true }").passes();
        on("port: 6379, protected-mode: yes").passes();
        rule("config: /etc/app.json\nmust: { db.port: 5432 }").on(&target()).passes();
        assert_eq!(rule("config: /etc/app.json\nmust: { db.password: x }").on(&target()).exit(), 2);
    }

    #[test]
    fn a_pattern_that_was_asked_before_is_decided_and_another_is_not() {
        let on = |pattern: &str| {
            rule(&format!("file: /etc/redis/redis.conf\nmust: {{ not_contains: '{pattern}' }}"))
                .on(&target())
        };
        on("protected-mode +no").passes();
        assert_snapshot!(on("hunter2"), @"unknown not_contains: /etc/redis/redis.conf: there are secrets in it, which the recording was made without");
    }

    #[test]
    fn what_cannot_be_masked_says_why_it_is_not_there() {
        let read = |path: &str| target().read_marked(Path::new(path)).unwrap_err().to_string();
        assert_snapshot!(read("/etc/shadow"), @"/etc/shadow: the recording was made without its content: it holds secrets");
        assert_snapshot!(read("/etc/ssl/x.pem"), @"/etc/ssl/x.pem: the recording was made without its content: it holds a private key");
        assert_snapshot!(read("/etc/binary"), @"/etc/binary: the recording was made without its content: it is not text");
    }

    #[test]
    fn a_file_that_holds_the_mark_of_another_recording_is_no_redaction() {
        let mark = recorded(false).mark;
        let host = shop().file(
            "/etc/redis/redis.conf",
            0o640,
            0,
            0,
            format!("requirepass {mark}\nport 1"),
        );
        let target = replayed(&host, |host| basics::file(host, Path::new("/etc/redis/redis.conf")));
        assert_ne!(target.mark(), Some(mark.as_str()));
        rule("config: /etc/redis/redis.conf\nformat: redis\nmust: { port: 2 }")
            .on(&target)
            .fails_with("port: port 1 (/etc/redis/redis.conf:2); expected 2");
    }

    #[test]
    fn reports_do_not_repeat_a_secret_either() {
        let host = with_secrets();
        rule("config: /etc/redis/redis.conf\nformat: redis\nmust: { requirepass: foobared }")
            .on(&host)
            .fails_with(
                "requirepass: requirepass [hidden] (/etc/redis/redis.conf:2); expected as the \
                 rule says, [hidden]",
            );
    }

    #[test]
    fn an_image_is_recorded_without_the_secrets_that_rules_find_in_it() {
        let folder = Folder::new();
        let config = r#"{ "User": "0", "Env": ["DB_PASSWORD=hunter2", "X=AKIAABCDEFGHIJKLMNOP", "U=postgres://a:hunter2@b/c", "APP_ENV=production"], "Cmd": ["/srv/app", "--token=hunter2"] }"#;
        let files = Tar::new()
            .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .file("srv/app", "#!/bin/sh\n");
        folder.write("image.tar", Image::new(config, [files]).docker_old("shop/app:1"));
        folder.write("image.yaml", include_str!("../../policies/image.yaml"));
        folder.write("env.yaml", "policy: x\nrules:\n  - id: env\n    image: config\n    must: { env: { APP_ENV: production } }\n  - id: password\n    image: config\n    must: { env: { DB_PASSWORD: { not: x } } }\n");
        let record = folder.run(&[
            "record",
            "--image",
            "image.tar",
            "-o",
            "image.json.zst",
            "image.yaml",
            "env.yaml",
        ]);
        assert_snapshot!(steady(&record), @"
        recorded [host]: [n] answers for 14 rules, [n] KiB in image.json.zst
        not decided by the recording: password: DB_PASSWORD: the recording was made without it, since it is a secret
        exit Some(2)
        ");
        let bytes =
            zstd::decode_all(fs::read(folder.path("image.json.zst")).unwrap().as_slice()).unwrap();
        let json = String::from_utf8(bytes).unwrap();
        assert!(!json.contains("hunter2") && !json.contains("AKIAABCD"), "{json}");
        let findings = |target: &[&str]| {
            let output =
                folder.run(&[&["check", "image.yaml", "--format", "json"], target].concat());
            let mut findings = findings(&output);
            // A recording has no image to verify a repair on.
            findings.iter_mut().for_each(|finding| finding["verify"] = Value::Null);
            findings
        };
        assert_eq!(
            findings(&["--recording", "image.json.zst"]),
            findings(&["--image", "image.tar"])
        );
    }
}

fn findings(output: &Output) -> Vec<Value> {
    let report: Value = serde_json::from_str(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}:\n{}{}", output.stdout, output.stderr));
    report["findings"].as_array().unwrap().clone()
}

/// What a command said, sizes and counts taken out.
fn steady(output: &Output) -> String {
    let text = format!("{}{}exit {:?}", output.stdout, output.stderr, output.status);
    let patterns = [
        (r"\d+ answers", "[n] answers"),
        (r"\d+ KiB", "[n] KiB"),
        (r"recorded \S+:", "recorded [host]:"),
        (r"(?m)^spotcheck on .* · as ", "spotcheck on a recording of [host] · as "),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[time]"),
    ];
    patterns.iter().fold(text, |text, (pattern, with)| {
        regex::Regex::new(pattern).unwrap().replace_all(&text, *with).into_owned()
    })
}

/// The files in `/mnt/policies` of a stage, all that are shipped for hosts.
fn give_policies(stage: &Stage) -> Vec<String> {
    let mut names = Vec::new();
    for path in pages::shipped() {
        let name = format!("policies/{}", path.file_name().unwrap().to_str().unwrap());
        stage.write(&format!("/mnt/{name}"), &fs::read_to_string(&path).unwrap());
        names.push(name);
    }
    names
}

/// Records inside, and judges both inside and, as nobody, outside: each policy says the same.
fn same_elsewhere(stage: &Stage, names: &[String], uid: u32) -> Folder {
    // Others change the real ones at any time.
    stage.must(
        "chmod 1777 /mnt
         for folder in /tmp /var/tmp; do
             mountpoint -q $folder || mount -t tmpfs -o mode=1777 tmpfs $folder
         done",
    );
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let run = |args: &[&str]| match uid {
        0 => stage.run(args),
        uid => stage.run_as(uid, args),
    };
    let record = ["record", "--force", "-o", "now.json.zst"];
    // Who controls a process is decided by its arguments too; all else is told without them.
    let others: Vec<&str> = names.iter().copied().filter(|n| !n.contains("privilege")).collect();
    let without = run(&[&record[..], &others].concat());
    // One line, and without root one that says so.
    let lines = if uid == 0 { 1 } else { 2 };
    assert_eq!((without.status, without.stdout.lines().count()), (Some(0), lines), "{without:?}");
    let with = run(&[&record[..], &["--with-arguments"], &names].concat());
    assert_eq!((with.status, with.stdout.lines().count()), (Some(0), lines), "{with:?}");
    let outside = Folder::new();
    let bytes = fs::read(stage.outside("/mnt/now.json.zst")).unwrap();
    outside.write("now.json.zst", bytes);
    // It looks at all files of the machine, which others change at any time. That its recording says the
    // same, the program itself has just compared.
    for name in others {
        outside.write(name, fs::read(stage.outside(&format!("/mnt/{name}"))).unwrap());
        let live = run(&["check", name, "--format", "json"]);
        let there = outside
            .run_as(NOBODY, &["check", name, "--format", "json", "--recording", "now.json.zst"]);
        let (there_found, live_found) = (findings(&there), findings(&live));
        assert_eq!(there_found.len(), live_found.len(), "{name}");
        for (there, live) in there_found.iter().zip(&live_found) {
            for (key, value) in live.as_object().unwrap() {
                assert_eq!(&there[key], value, "{key} of {name} {}", live["rule"]);
            }
        }
        assert_eq!(there.status, live.status, "{name}");
    }
    outside
}

fn staged() -> Option<Stage> {
    if !needs(&[Need::ControlGroups, Need::Command("setpriv")]) {
        return None;
    }
    Stage::healthy()
}

#[test]
fn before_during_and_after_the_incident_every_policy_says_the_same_as_an_ordinary_user_elsewhere() {
    let Some(stage) = staged() else { return };
    let names = give_policies(&stage);
    same_elsewhere(&stage, &names, 0);
    stage.attack();
    let outside = same_elsewhere(&stage, &names, 0);
    // The very report, but for the words that it is of a recording.
    let live = stage.run(&["check", "policies/nginx.yaml"]);
    let there =
        outside.run_as(NOBODY, &["check", "policies/nginx.yaml", "--recording", "now.json.zst"]);
    let body = |output: &Output| output.stdout.split_once('\n').unwrap().1.to_owned();
    assert_eq!(body(&there), body(&live));
    assert!(there.stdout.starts_with("spotcheck on a recording of "), "{}", there.stdout);
    stage.repair();
    same_elsewhere(&stage, &names, 0);
    stage.nginx_as_root();
    same_elsewhere(&stage, &names, 0);
}

#[test]
fn what_an_ordinary_user_could_not_see_stays_unseen_in_his_recording() {
    let Some(stage) = staged() else { return };
    stage.attack();
    let names = give_policies(&stage);
    same_elsewhere(&stage, &names, NOBODY);
}

#[test]
fn each_rule_of_a_measure_would_have_caught_the_incident_and_is_silent_when_all_is_well() {
    let Some(stage) = staged() else { return };
    stage.must("mkdir -p /mnt/policies");
    stage.write("/mnt/policies/nginx.yaml", include_str!("../../policies/nginx.yaml"));
    let record = |name: &str| {
        let output = stage.run(&["record", "-o", name, "policies/nginx.yaml"]);
        assert_eq!(output.status, Some(0), "{output:?}");
    };
    record("healthy.json.zst");
    stage.attack();
    record("during.json.zst");
    stage.repair();
    stage.nginx_as_root();
    record("as-root.json.zst");
    let test = stage.run(&[
        "backtest",
        "policies/nginx.yaml",
        "--every-rule",
        "--format",
        "json",
        "--bad",
        "during.json.zst",
        "--bad",
        "as-root.json.zst",
        "--good",
        "healthy.json.zst",
    ]);
    assert_eq!(test.status, Some(0), "{}{}", test.stdout, test.stderr);
    let report: Value = serde_json::from_str(&test.stdout).unwrap();
    for rule in report["rules"].as_array().unwrap() {
        assert!(!rule["measures"].as_array().unwrap().is_empty(), "{rule:#}");
        assert!(rule["bad"]["fires"].as_u64().unwrap() >= 1, "{rule:#}");
        assert_eq!(rule["good"]["fires"], 0, "{rule:#}");
    }
}

#[test]
fn no_secret_of_a_live_host_is_in_the_bytes_of_its_recording() {
    let Some(stage) = staged() else { return };
    // It asks about everything that a secret of a process or an account could be in.
    stage.write(
        "/mnt/policy.yaml",
        "policy: test
rules:
  - { id: app, service: { cmdline: argument }, must: { running: true, controlled_only_by: [root] } }
  - { id: accounts, accounts: all, must: { empty_passwords: false } }
  - { id: mallory, user: mallory, must: { can_login: false } }
",
    );
    stage.must(
        "echo 'mallory:x:4444:4444::/:/bin/sh' >> /etc/passwd
         echo 'mallory:$6$salt$hash-hunter2:20000::::::' >> /etc/shadow
         echo 'mallory:$6$salt$group-hunter2::' >> /etc/gshadow",
    );
    stage.start(
        "app.service",
        "export API_TOKEN=environment-hunter2
         setsid sh -c 'sleep 600; true' app --token=argument-hunter2 </dev/null >/dev/null 2>&1 &",
    );
    stage.must("until grep -q argument-hunter2 /proc/[0-9]*/cmdline; do sleep 0.1; done");
    let bytes = |options: &[&str]| {
        let record = ["record", "--force", "-o", "now.json.zst", "--file", "/etc/*shadow"];
        let record = stage.run(&[&record[..], options, &["policy.yaml"]].concat());
        assert_ne!(record.status, Some(3), "{record:?}");
        let bytes = fs::read(stage.outside("/mnt/now.json.zst")).unwrap();
        let json = zstd::decode_all(bytes.as_slice()).unwrap();
        String::from_utf8(json).unwrap()
    };
    let kept = |json: &str| -> Vec<&str> {
        let secrets = ["environment-hunter2", "argument-hunter2", "hash-hunter2", "group-hunter2"];
        secrets.into_iter().filter(|secret| json.contains(secret)).collect()
    };
    let without = bytes(&[]);
    assert!(without.contains("mallory") && without.contains("/etc/shadow"), "{without}");
    assert_eq!(kept(&without), [""; 0]);
    assert_eq!(kept(&bytes(&["--with-arguments"])), ["argument-hunter2"]);
}

#[test]
fn names_that_are_no_text_are_recorded_too() {
    if !needs(&[Need::Root]) {
        return;
    }
    let folder = Folder::new();
    let name = std::ffi::OsStr::from_bytes(b"\xff\n\x1b");
    use std::os::unix::ffi::OsStrExt;
    let program = folder.as_ref().join(name);
    // By another process: what this one has open for writing while another thread starts a program
    // is "text file busy" to whoever executes it.
    let copied = std::process::Command::new("cp").arg("/bin/sleep").arg(&program).status();
    assert!(copied.unwrap().success());
    std::os::unix::fs::symlink(name, folder.as_ref().join("link")).unwrap();
    let mut child = std::process::Command::new(&program).arg("60").spawn().unwrap();
    let target = replayed(&Live::new(), |host| {
        basics::ask(host);
        basics::file(host, &program);
        basics::file(host, &folder.path("link"));
        basics::file(host, folder.as_ref());
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let process = target.process(child.id()).unwrap().unwrap();
    assert_eq!(process.exe.clone().unwrap().unwrap().path, program.canonicalize().unwrap());
    let link = target.file(&folder.path("link")).unwrap().unwrap();
    assert_eq!(link.link_target.as_deref(), Some(Path::new(name)));
    assert!(target.list(folder.as_ref()).unwrap().unwrap().iter().any(|one| one == name));
}

mod files {
    use super::*;

    const POLICY: &str =
        "policy: test\nrules:\n  - id: passwd\n    file: /etc/passwd\n    must: { owner: root }\n";

    fn recorded() -> Folder {
        let folder = Folder::with(POLICY);
        let record = folder.run(&["record", "-o", "now.json.zst", "policy.yaml"]);
        assert_eq!(record.status, Some(0), "{record:?}");
        folder
    }

    #[test]
    fn recording_says_in_one_line_what_was_recorded() {
        let folder = Folder::with(POLICY);
        let record = folder.run(&["record", "-o", "now.json.zst", "policy.yaml"]);
        assert_snapshot!(steady(&record), @"
        recorded [host]: [n] answers for 1 rule, [n] KiB in now.json.zst
        exit Some(0)
        ");
    }

    #[test]
    fn a_recording_is_for_its_owner_alone_and_nothing_else_is_left_behind() {
        let folder = recorded();
        let mode = fs::metadata(folder.path("now.json.zst")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600);
        let left = fs::read_dir(folder.as_ref()).unwrap().count();
        assert_eq!(left, 2, "policy and recording");
    }

    #[test]
    fn a_recording_is_not_overwritten_unless_that_is_wanted() {
        let folder = recorded();
        let before = fs::read(folder.path("now.json.zst")).unwrap();
        let again = folder.run(&["record", "-o", "now.json.zst", "policy.yaml"]);
        assert_snapshot!(steady(&again), @"
        error: now.json.zst: it exists already (--force replaces it)
        exit Some(3)
        ");
        assert_eq!(fs::read(folder.path("now.json.zst")).unwrap(), before);
        let forced = folder.run(&["record", "-q", "--force", "-o", "now.json.zst", "policy.yaml"]);
        assert_snapshot!(steady(&forced), @"exit Some(0)");
    }

    #[test]
    fn another_policy_finds_what_was_recorded_and_says_what_was_not() {
        let folder = recorded();
        folder.write(
            "other.yaml",
            "policy: other\nrules:\n  - id: mode\n    file: /etc/passwd\n    must: { mode: { at_most: '0644' } }\n  \
             - id: other\n    file: /etc/no/such/file\n    must: { exists: false }\n",
        );
        let check = folder.run(&["check", "--recording", "now.json.zst", "other.yaml"]);
        assert_snapshot!(steady(&check), @"
        spotcheck on a recording of [host] · as root · [time]
        1 rule cannot be decided: see the reasons below

        UNKNOWN other  file /etc/no/such/file
          exists  undecided: /etc/no/such/file: not in the recording; record again with this policy
          policy  other.yaml:6

        2 rules, 2 conditions: 1 undecided, 1 holds · exit 2
        exit Some(2)
        ");
    }

    #[test]
    fn files_that_no_policy_names_are_recorded_when_they_are_named() {
        let folder = Folder::with(POLICY);
        folder.write("d/a.conf", "x = 1\n").write("d/b.conf", "y = 2\n");
        let pattern = folder.text("d/*.conf");
        let record =
            folder.run(&["record", "-o", "now.json.zst", "policy.yaml", "--file", &pattern]);
        assert_eq!(record.status, Some(0), "{record:?}");
        let policy = format!(
            "policy: other\nrules:\n  - id: x\n    config: {}\n    format: ini\n    must: {{ y: 2 }}\n",
            folder.text("d/b.conf")
        );
        folder.write("other.yaml", policy);
        fs::remove_dir_all(folder.path("d")).unwrap();
        let check = folder.run(&["check", "--recording", "now.json.zst", "other.yaml"]);
        assert_eq!(check.status, Some(0), "{}", check.stdout);
        let slip = folder.run(&["record", "-o", "x", "policy.yaml", "--file", "etc/passwd"]);
        assert_snapshot!(steady(&slip), @"
        error: --file etc/passwd: not an absolute path
        exit Some(3)
        ");
    }

    #[test]
    fn what_is_no_recording_is_refused_with_the_reason() {
        let folder = recorded();
        let whole = fs::read(folder.path("now.json.zst")).unwrap();
        let json = String::from_utf8(zstd::decode_all(whole.as_slice()).unwrap()).unwrap();
        folder
            .write("short.json.zst", &whole[..whole.len() / 2])
            .write("empty.json.zst", "")
            .write("other.json", "{\"a\": 1}")
            .write("list.json", "[1]")
            .write("later.json", json.replacen(":1,", ":2,", 1))
            .write("twice.json", json.replacen("\"file\":[", "\"file\":[[\"/\",{\"Ok\":null}],", 1))
            .write("bomb.json.zst", zstd::bulk::compress(&vec![b' '; 300 << 20], 1).unwrap())
            .write("policy.zst", "policy: x");
        nix::unistd::mkfifo(&folder.path("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        let said: String = [
            "short.json.zst",
            "empty.json.zst",
            "other.json",
            "list.json",
            "later.json",
            "twice.json",
            "bomb.json.zst",
            "policy.zst",
            "fifo",
            ".",
            "none",
        ]
        .iter()
        .map(|name| {
            let check = folder.run(&["check", "--recording", name, "policy.yaml"]);
            assert_eq!((check.status, check.stdout.as_str()), (Some(3), ""), "{name}");
            let column = regex::Regex::new(r"column [1-9]\d+").unwrap();
            column.replace_all(&check.stderr, "column [n]").into_owned()
        })
        .collect();
        assert_snapshot!(said, @"
        error: recording short.json.zst: damaged: incomplete frame
        error: recording empty.json.zst: not a recording of spotcheck
        error: recording other.json: not a recording of spotcheck
        error: recording list.json: not a recording of spotcheck
        error: recording later.json: made by a later spotcheck: version 2 of the format, and this one knows 1
        error: recording twice.json: damaged: one question has two answers at line 1 column [n]
        error: recording bomb.json.zst: more than 256 MiB when decompressed
        error: recording policy.zst: not a recording of spotcheck
        error: recording fifo: not a regular file
        error: recording .: not a regular file
        error: recording none: No such file or directory (os error 2)
        ");
        // As JSON alone it is one.
        folder.write("plain.json", json);
        assert_eq!(
            folder.run(&["check", "--recording", "plain.json", "policy.yaml"]).status,
            Some(0)
        );
    }

    #[test]
    fn a_recording_is_not_tracked() {
        let folder = recorded();
        let check = folder.run(&["check", "--recording", "now.json.zst", "--track", "policy.yaml"]);
        assert_snapshot!(steady(&check), @"
        error: a recording is not tracked: a ledger is about what is now
        exit Some(3)
        ");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Whatever somebody has made of a recording: it is read or refused, and judged without a panic.
    #[test]
    fn a_recording_that_was_changed_does_no_harm(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), edit()), 1..6),
    ) {
        let path = format!("{}/tests/recordings/1/odd.json.zst", env!("CARGO_MANIFEST_DIR"));
        let bytes = fs::read(path).unwrap();
        let mut json = String::from_utf8(zstd::decode_all(bytes.as_slice()).unwrap()).unwrap();
        for (at, (from, to)) in edits {
            let places: Vec<usize> = json.match_indices(from).map(|(at, _)| at).collect();
            if let Some(place) = (!places.is_empty()).then(|| places[at.index(places.len())]) {
                json.replace_range(place..place + from.len(), to);
            }
        }
        if let Ok(recording) = store::decode(json.as_bytes()) {
            let target = Playback::new(recording);
            for policy in [versions::ODD, NGINX, include_str!("../../policies/host.yaml")] {
                plan(policy).evaluate(&target);
            }
        }
    }
}

/// A part of a recording, and what it becomes.
fn edit() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("\"/etc", "\"/../etc"),
        ("\"Ok\":true", "\"Ok\":false"),
        ("null", "0"),
        ("{\"Ok\":null}", "{\"Err\":{\"what\":\"\",\"cause\":\"vanished\"}}"),
        (":10,", ":4294967295,"),
        (":101", ":0"),
        ("[10,11", "[11,99"),
        ("\"directory\"", "\"symlink\""),
        ("\"file\"", "\"directory\""),
        ("left-out-", ""),
        ("nginx", ""),
        ("nginx", "\\u0000\\u001b[2J"),
        ("\"threads\":{\"Ok\":[{", "\"threads\":{\"Ok\":[]},\"x\":{\"Ok\":[{"),
        ("2f", "f"),
        ("}", ""),
        ("[", "[["),
    ])
}

mod versions {
    use super::*;
    use spotcheck::targets::recording::VERSION;

    fn kept(version: u32) -> Vec<(String, Recording)> {
        let folder = format!("{}/tests/recordings/{version}", env!("CARGO_MANIFEST_DIR"));
        let mut paths: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let read = |path: std::path::PathBuf| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let recording = store::read(&path).unwrap_or_else(|why| panic!("{name}: {why}"));
            (name, recording)
        };
        paths.into_iter().map(read).collect()
    }

    /// The outcomes of a policy's rules on every recording of a version.
    fn outcomes(version: u32, policy: &str) -> String {
        let plan = plan(policy);
        let mut lines = String::new();
        for (name, recording) in kept(version) {
            for finding in plan.evaluate(&Playback::new(recording)) {
                let assertion = &finding.assertion;
                if assertion.condition == "when" {
                    continue;
                }
                let words = match finding.reason() {
                    Some(why) => why,
                    None => assertion.observed.clone(),
                };
                let (rule, condition) = (&finding.rule.id, &assertion.condition);
                lines += &format!("{name} {rule} {condition}: {} {words}\n", finding.outcome());
            }
        }
        lines
    }

    #[test]
    fn recordings_of_every_version_are_kept_here() {
        for version in 1..=VERSION {
            assert!(kept(version).iter().all(|(_, recording)| recording.version == version));
            assert!(kept(version).len() > 1, "version {version}");
        }
    }

    #[test]
    fn what_is_written_again_is_the_same() {
        for (name, recording) in kept(VERSION) {
            let again = store::decode(&store::encode(&recording).unwrap()).unwrap();
            let json = |recording: &Recording| serde_json::to_value(recording).unwrap();
            assert_eq!(json(&again), json(&recording), "{name}");
        }
    }

    #[test]
    fn version_1_is_read_as_it_was_meant() {
        assert_snapshot!(outcomes(1, include_str!("../../policies/nginx.yaml")), @"
        as-root.json.zst nginx-running running: pass nginx (pids 211, 212); root (pid 210)
        as-root.json.zst nginx-not-root run_as: fail nginx (pids 211, 212); root (pid 210)
        as-root.json.zst nginx-not-root never_root: fail nginx (pids 211, 212); root (pid 210)
        as-root.json.zst nginx-not-root deleted_executable: pass /usr/sbin/nginx (pids 210, 211, 212)
        as-root.json.zst nginx-port bound_by: pass 0.0.0.0:8080/tcp held by nginx (/usr/sbin/nginx; unit nginx.service; nginx: pids 211, 212; root: pid 210; since 2026-11-01 12:02:11 UTC)
        as-root.json.zst nginx-conf-owned owner: pass nginx
        as-root.json.zst nginx-conf-owned group: pass nginx
        as-root.json.zst nginx-conf-owned mode: pass 0700
        as-root.json.zst nginx-conf-owned readable_by: pass nginx can: /etc/nginx/nginx.conf: owner class has rwx (uid 899)
        as-root.json.zst nginx-settings user: pass user nginx (/etc/nginx/nginx.conf:1)
        as-root.json.zst nginx-settings http.server.listen: pass listen 8080 (/etc/nginx/nginx.conf:13)
        during.json.zst nginx-running running: fail no process found by exe /usr/sbin/nginx
        during.json.zst nginx-not-root running: skipped no process of it runs
        during.json.zst nginx-port bound_by: fail [::]:8080/tcp held by apache2 (/usr/sbin/apache2; unit apache2.service; root: pid 85; www-data: pids 86, 87; since 2026-11-01 11:02:10 UTC)
        during.json.zst nginx-conf-owned owner: fail root
        during.json.zst nginx-conf-owned group: fail root
        during.json.zst nginx-conf-owned mode: fail 0000
        during.json.zst nginx-conf-owned readable_by: fail nginx cannot: /etc/nginx/nginx.conf: other class has ---
        during.json.zst nginx-settings user: pass user nginx (/etc/nginx/nginx.conf:1)
        during.json.zst nginx-settings http.server.listen: fail listen 8081 (/etc/nginx/nginx.conf:13)
        healthy.json.zst nginx-running running: pass nginx (pids 28, 29, 30)
        healthy.json.zst nginx-not-root run_as: pass nginx (pids 28, 29, 30)
        healthy.json.zst nginx-not-root never_root: pass nginx (pids 28, 29, 30)
        healthy.json.zst nginx-not-root deleted_executable: pass /usr/sbin/nginx (pids 28, 29, 30)
        healthy.json.zst nginx-port bound_by: pass 0.0.0.0:8080/tcp held by nginx (/usr/sbin/nginx; unit nginx.service; nginx: pids 28, 29, 30; since 2026-11-01 10:02:11 UTC)
        healthy.json.zst nginx-conf-owned owner: pass nginx
        healthy.json.zst nginx-conf-owned group: pass nginx
        healthy.json.zst nginx-conf-owned mode: pass 0640
        healthy.json.zst nginx-conf-owned readable_by: pass nginx can: /etc/nginx/nginx.conf: owner class has rw- (uid 899)
        healthy.json.zst nginx-settings user: pass user nginx (/etc/nginx/nginx.conf:1)
        healthy.json.zst nginx-settings http.server.listen: pass listen 8080 (/etc/nginx/nginx.conf:13)
        image.json.zst nginx-running declared: unknown /srv/app: not in the recording; record again with this policy
        image.json.zst nginx-not-root declared: unknown /srv/app: not in the recording; record again with this policy
        image.json.zst nginx-port bound_by: skipped needs a running host
        image.json.zst nginx-conf-owned owner, group, mode, readable_by: unknown /etc/nginx/nginx.conf: not in the recording; record again with this policy
        image.json.zst nginx-settings user: unknown /etc/nginx/nginx.conf: not in the recording; record again with this policy
        image.json.zst nginx-settings http.server.listen: unknown /etc/nginx/nginx.conf: not in the recording; record again with this policy
        odd.json.zst nginx-running running: unknown /proc: permission denied
        odd.json.zst nginx-not-root running: unknown /proc: permission denied
        odd.json.zst nginx-port bound_by: unknown this: the recording is of an earlier spotcheck, which did not ask
        odd.json.zst nginx-conf-owned owner, group, mode, readable_by: unknown /etc/nginx/nginx.conf: not in the recording; record again with this policy
        odd.json.zst nginx-settings user: unknown /etc/nginx/nginx.conf: not in the recording; record again with this policy
        odd.json.zst nginx-settings http.server.listen: unknown /etc/nginx/nginx.conf: not in the recording; record again with this policy
        ");
        assert_snapshot!(outcomes(1, include_str!("../../policies/image.yaml")), @"
        image.json.zst image-not-root never_root: unknown /srv/app: not in the recording; record again with this policy
        image.json.zst image-not-root starts: unknown /srv/app: not in the recording; record again with this policy
        image.json.zst image-secrets-in-env secrets_in_env: fail its name says so
        image.json.zst image-secrets-in-env secrets_in_env: fail an AWS access key
        image.json.zst image-secret-files secrets_in_files: unknown files with secrets: nobody looked for them when this was read
        image.json.zst image-secrets-in-history secrets_in_history: pass none
        image.json.zst image-secrets-in-history secrets_in_labels: pass none
        image.json.zst image-setuid setuid: fail 4755
        image.json.zst image-setuid setgid: pass 0 of 7 files, all in the list
        image.json.zst image-capabilities capabilities: pass 0 of 7 files, all in the list
        image.json.zst image-world-writable world_writable: pass 0 of 7 files, all in the list
        image.json.zst image-accounts uid_0: pass root
        image.json.zst image-accounts empty_passwords: pass none
        image.json.zst image-accounts duplicate_ids: pass all different
        image.json.zst image-accounts duplicate_names: pass all different
        image.json.zst image-sudo exists: pass does not exist
        image.json.zst image-package-caches exists: pass does not exist
        image.json.zst image-healthcheck healthcheck: fail none
        image.json.zst image-tag latest_tag: pass shop/app:1
        ");
        assert_snapshot!(outcomes(1, ODD), @"
        as-root.json.zst secret requirepass: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        as-root.json.zst secret port: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        as-root.json.zst acl readable_by, contains: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        as-root.json.zst closed contains, mode: unknown /etc/closed: not in the recording; record again with this policy
        as-root.json.zst key contains: unknown /etc/ssl/key.pem: not in the recording; record again with this policy
        as-root.json.zst gone exists: unknown /etc/gone: not in the recording; record again with this policy
        as-root.json.zst link type, owner: unknown /srv/link: not in the recording; record again with this policy
        as-root.json.zst app running: unknown /opt: not in the recording; record again with this policy
        as-root.json.zst shy running: fail no process runs
        as-root.json.zst port bound_by: unknown /opt: not in the recording; record again with this policy
        as-root.json.zst locked can_login: pass shell /bin/bash, password locked
        as-root.json.zst accounts empty_passwords: pass none
        during.json.zst secret requirepass: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        during.json.zst secret port: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        during.json.zst acl readable_by, contains: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        during.json.zst closed contains, mode: unknown /etc/closed: not in the recording; record again with this policy
        during.json.zst key contains: unknown /etc/ssl/key.pem: not in the recording; record again with this policy
        during.json.zst gone exists: unknown /etc/gone: not in the recording; record again with this policy
        during.json.zst link type, owner: unknown /srv/link: not in the recording; record again with this policy
        during.json.zst app running: unknown /opt: not in the recording; record again with this policy
        during.json.zst shy running: fail no process runs
        during.json.zst port bound_by: unknown /opt: not in the recording; record again with this policy
        during.json.zst locked can_login: pass shell /bin/bash, password locked
        during.json.zst accounts empty_passwords: pass none
        healthy.json.zst secret requirepass: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        healthy.json.zst secret port: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        healthy.json.zst acl readable_by, contains: unknown /etc/redis/redis.conf: not in the recording; record again with this policy
        healthy.json.zst closed contains, mode: unknown /etc/closed: not in the recording; record again with this policy
        healthy.json.zst key contains: unknown /etc/ssl/key.pem: not in the recording; record again with this policy
        healthy.json.zst gone exists: unknown /etc/gone: not in the recording; record again with this policy
        healthy.json.zst link type, owner: unknown /srv/link: not in the recording; record again with this policy
        healthy.json.zst app running: unknown /opt: not in the recording; record again with this policy
        healthy.json.zst shy running: fail no process runs
        healthy.json.zst port bound_by: unknown /opt: not in the recording; record again with this policy
        healthy.json.zst locked can_login: pass shell /bin/bash, password locked
        healthy.json.zst accounts empty_passwords: pass none
        odd.json.zst secret requirepass: unknown requirepass: the recording was made without it, since it is a secret
        odd.json.zst secret port: pass port 6379 (/etc/redis/redis.conf:1)
        odd.json.zst acl readable_by: pass nginx can: /etc/redis/redis.conf: ACL entry user:101:r--
        odd.json.zst acl contains: pass /^port 6379/ in line 1
        odd.json.zst closed contains: unknown /etc/closed: permission denied
        odd.json.zst closed mode: pass 0600
        odd.json.zst key contains: unknown /etc/ssl/key.pem: the recording was made without its content: it holds a private key
        odd.json.zst gone exists: pass does not exist
        odd.json.zst link type: pass symlink
        odd.json.zst link owner: pass root
        odd.json.zst app never_root: fail root+nginx (pid 12)
        odd.json.zst app deleted_executable: fail /opt/app (deleted) (pid 12)
        odd.json.zst shy never_root: unknown /proc/14/task: permission denied
        odd.json.zst port bound_by: fail 0.0.0.0:8080/tcp held by nginx (/usr/sbin/nginx; nginx: pid 11; root: pid 10; since 1970-01-01 00:00:10 UTC); perhaps others (/proc/14/fd: permission denied)
        odd.json.zst locked can_login: pass shell /bin/sh, password locked
        odd.json.zst accounts empty_passwords: pass none
        ");
    }

    /// Asks for all kinds of answers in `odd.json.zst`.
    pub const ODD: &str = "policy: odd
when: { target: host }
services: { app: { exe: /opt/app, containers: true }, shy: { name: shy } }
rules:
  - { id: secret, config: /etc/redis/redis.conf, format: redis, must: { requirepass: { not: x }, port: 6379 } }
  - { id: acl, file: /etc/redis/redis.conf, must: { readable_by: nginx, contains: '^port 6379' } }
  - { id: closed, file: /etc/closed, must: { contains: x, mode: '0600' } }
  - { id: key, file: /etc/ssl/key.pem, must: { contains: x } }
  - { id: gone, file: /etc/gone, must: { exists: false } }
  - { id: link, file: /srv/link, must: { type: symlink, owner: root } }
  - { id: app, service: app, must: { never_root: true, deleted_executable: false } }
  - { id: shy, service: shy, must: { never_root: true } }
  - { id: port, port: 8080/tcp, must: { bound_by: app } }
  - { id: locked, user: root, must: { can_login: false } }
  - { id: accounts, accounts: all, must: { empty_passwords: false } }
";
}

//! `spotcheck baseline` and `spotcheck drift` on root filesystems made for the purpose: what is told,
//! what is not, what is read, what is accepted, and what happens to a baseline that is not what it
//! was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Need, Output, needs};
use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;
use std::time::{Duration, SystemTime};

/// A root filesystem in `root`, all of whose files are old enough not to be read for that.
struct Host(Folder);

impl Host {
    fn new() -> Self {
        let host = Self(Folder::new());
        host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        host.write("etc/group", "root:x:0:\n");
        host.write("etc/os-release", "PRETTY_NAME=\"Shop 1\"\n");
        host.write("etc/nginx/nginx.conf", "http {\n  server {\n    listen 8080;\n  }\n}\n");
        host.write("usr/bin/tool", "tool 1\n");
        host
    }

    fn write(&self, inside: &str, content: &str) -> &Self {
        self.0.write(&format!("root/{inside}"), content);
        self
    }

    fn mode(&self, inside: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn path(&self, inside: &str) -> std::path::PathBuf {
        self.0.path(&format!("root/{inside}"))
    }

    fn create(&self, more: &[&str]) -> Output {
        let args = ["baseline", "create", "--root", "root", "--baseline", "base"];
        self.0.run(&[&args, more].concat())
    }

    /// With a baseline that is not younger than the last tick of the clock.
    fn settled() -> Self {
        let host = Self::new();
        std::thread::sleep(Duration::from_millis(3100));
        assert_eq!(host.create(&[]).status, Some(0));
        host
    }

    fn with_baseline() -> Self {
        let host = Self::new();
        let output = host.create(&[]);
        assert_eq!(output.status, Some(0), "{output:?}");
        host
    }

    fn drift(&self, more: &[&str]) -> Output {
        let args = ["drift", "--root", "root", "--baseline", "base"];
        self.0.run(&[&args, more].concat())
    }

    fn json(&self, more: &[&str]) -> Value {
        let output = self.drift(&[&["--format", "json"], more].concat());
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
    }

    fn accept(&self, more: &[&str]) -> Output {
        let args = ["baseline", "accept", "--root", "root", "--baseline", "base"];
        self.0.run(&[&args, more].concat())
    }
}

/// The report without what differs from run to run.
fn told(output: &Output) -> String {
    assert_eq!(output.stderr, "");
    let mut text = output.stdout.clone();
    for (pattern, to) in [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[time]"),
        (r" · (as|not as) root · ", " · [who] · "),
        (r"\[time\] by [^·]* · [0-9a-f]{16}", "[time] by [who] · [digest]"),
        (r"report [0-9a-f]{12}", "report [id]"),
        (r"baseline [0-9a-f]{16}", "baseline [digest]"),
        (r"\d+ files looked at, \d+ read \(.*\)", "[effort]"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, to).into_owned();
    }
    format!("{text}exited {}", output.status.unwrap())
}

fn change<'a>(report: &'a Value, name: &str) -> &'a Value {
    let changes = report["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {report:#}"))
}

#[test]
fn nothing_has_changed() {
    let host = Host::with_baseline();
    assert_snapshot!(told(&host.drift(&[])), @r"
    spotcheck drift on root · Shop 1 · [who] · [time]
    since the baseline of [time] by [who] · [digest] · not signed

    [effort]
    No drift that counts. · exit 0
    exited 0
    ");
    let quiet = host.drift(&["--quiet"]);
    assert_eq!((quiet.status, quiet.stdout.as_str()), (Some(0), ""));
}

#[test]
fn every_change_is_told_and_a_setting_by_what_it_sets() {
    let host = Host::with_baseline();
    host.write("etc/nginx/nginx.conf", "http {\n  server {\n    listen 80;\n  }\n}\n");
    host.mode("etc/nginx/nginx.conf", 0o000);
    host.mode("usr/bin/tool", 0o4755);
    host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\neve:x:0:0::/:/bin/sh\n");
    host.write("etc/new/a", "a").write("etc/new/b", "b");
    fs::remove_file(host.path("etc/group")).unwrap();
    symlink("/etc/new/a", host.path("etc/link\u{1b}[2J")).unwrap();
    assert_snapshot!(told(&host.drift(&[])), @r"
    spotcheck drift on root · Shop 1 · [who] · [time]
    since the baseline of [time] by [who] · [digest] · not signed

    UNEXPLAINED 10
      account eve added
        exists  gid 0, home /, password in shadow, shell /bin/sh, uid 0
        with it: /etc/passwd
      group root removed
        exists  was gid 0
      file /etc/group removed
        exists  was file 0644 root:root
      file /etc/link\x1b[2J added
        exists  symlink 0777 root:0 -> /etc/new/a
      file /etc/new added, with 2 files below it
        exists  directory 0755 root:0
        below it: /etc/new/a, /etc/new/b
      file /etc/nginx/nginx.conf
        mode                0644 -> 0000
        content             differs, in these settings
        http.server.listen  8080 -> 80 at line 3
      file /usr/bin/tool
        mode  0644 -> 4755

    explained: 1 rewritten (--all shows them)

    [effort]
    report [id] · exit 1
    exited 1
    ");
}

#[test]
fn the_same_content_written_again_does_not_count_and_is_not_hidden_either() {
    let host = Host::with_baseline();
    let content = fs::read_to_string(host.path("usr/bin/tool")).unwrap();
    fs::remove_file(host.path("usr/bin/tool")).unwrap();
    host.write("usr/bin/tool", &content);
    let report = host.json(&[]);
    assert_eq!(report["exit"], 0);
    assert_eq!(change(&report, "/usr/bin/tool")["explanation"], "rewritten");
    // The same with another mode is drift all the same.
    host.mode("usr/bin/tool", 0o777);
    let report = host.json(&[]);
    assert_eq!(report["exit"], 1);
    let tool = change(&report, "/usr/bin/tool");
    assert_eq!(tool["explanation"], "unexplained");
    let unexplained: Vec<&Value> = tool["deltas"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|delta| delta["explanation"] == "unexplained")
        .map(|delta| &delta["attribute"])
        .collect();
    assert_eq!(unexplained, ["mode"]);
}

#[test]
fn content_is_found_changed_though_size_and_time_are_as_they_were() {
    let host = Host::with_baseline();
    let old = fs::metadata(host.path("usr/bin/tool")).unwrap().modified().unwrap();
    host.write("usr/bin/tool", "evil 1\n");
    let file = fs::OpenOptions::new().write(true).open(host.path("usr/bin/tool")).unwrap();
    file.set_modified(old).unwrap();
    let tool = change(&host.json(&[]), "/usr/bin/tool").clone();
    assert_eq!(tool["explanation"], "unexplained", "{tool:#}");
    assert_eq!(tool["deltas"][0]["attribute"], "content");
}

#[test]
fn what_has_not_moved_is_not_read_again_unless_it_is_young_or_that_is_asked() {
    let host = Host::settled();
    let all = host.json(&["--full"])["effort"]["read"].as_u64().unwrap();
    assert_eq!(all, 5);
    // Settled for longer than a tick.
    assert_eq!(host.json(&["--metadata"])["effort"]["read"], 0);
    host.write("usr/bin/tool", "tool 2\n");
    let report = host.json(&[]);
    assert!(report["effort"]["read"].as_u64().unwrap() < all, "{report:#}");
    // Made in the second of its files: a change in that very tick would be missed.
    let young = Host::new();
    let soon = SystemTime::now() + Duration::from_secs(3600);
    for name in
        ["etc/passwd", "etc/group", "etc/os-release", "etc/nginx/nginx.conf", "usr/bin/tool"]
    {
        let file = fs::OpenOptions::new().write(true).open(young.path(name)).unwrap();
        file.set_modified(soon).unwrap();
    }
    assert_eq!(young.create(&[]).status, Some(0));
    assert_eq!(young.json(&[])["effort"]["read"], 5);
}

#[test]
fn in_so_many_runs_everything_is_read_again() {
    let host = Host::settled();
    host.0.write("config.toml", "[drift]\nevery = 4\n");
    let read = || {
        let report = host.json(&["--config", "config.toml"]);
        report["effort"]["read"].as_u64().unwrap()
    };
    let reads: Vec<u64> = (0..8).map(|_| read()).collect();
    assert_eq!(reads[..4].iter().sum::<u64>(), 5, "{reads:?}");
    assert_eq!(reads[..4], reads[4..], "each run has its own part");
}

#[test]
fn a_change_is_accepted_with_its_reason_and_only_as_it_was_reported() {
    let host = Host::with_baseline();
    host.mode("usr/bin/tool", 0o4755).write("etc/new", "1");
    let refused = host.accept(&["/usr/bin/tool", "--reason", "x"]);
    assert_eq!(refused.status, Some(3));
    assert!(refused.stderr.contains("run `spotcheck drift` first"), "{refused:?}");
    assert_eq!(host.drift(&[]).status, Some(1));
    // It changes again between the report and the acceptance.
    host.mode("usr/bin/tool", 0o6755);
    let refused = host.accept(&["/usr/bin/tool", "--reason", "x"]);
    assert_eq!(refused.status, Some(3));
    assert!(refused.stderr.contains("has changed again since the last report"), "{refused:?}");
    assert_eq!(host.drift(&[]).status, Some(1));
    for (wrong, why) in [
        (vec!["/usr/bin/other", "--reason", "x"], "none of the things that have changed"),
        (vec!["/usr/bin/tool", "--reason", " "], "an empty reason"),
        (vec!["/usr/bin/tool", "--reason", "x", "--attribute", "owner"], "does not differ"),
        (vec!["/usr/bin/tool", "--reason", "x", "--report", "123"], "the last report was"),
        (vec!["/**", "--reason", "x"], "say --count"),
    ] {
        let refused = host.accept(&wrong);
        assert_eq!(refused.status, Some(3), "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
    }
    let done =
        host.accept(&["/usr/bin/tool", "--reason", "needs it", "--ticket", "OPS-7", "--by", "ann"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    let report = host.json(&[]);
    assert!(!report.to_string().contains("/usr/bin/tool"), "{report:#}");
    assert_eq!(change(&report, "/etc/new")["how"], "added");
    let shown = host.0.run(&["baseline", "show", "--baseline", "base"]).stdout;
    let wanted = "accept by ann, ticket OPS-7: needs it [file /usr/bin/tool]";
    assert!(shown.contains(wanted), "{shown}");
    // The new state is what counts now: going back is drift.
    host.mode("usr/bin/tool", 0o755);
    assert_eq!(change(&host.json(&[]), "/usr/bin/tool")["explanation"], "unexplained");
}

#[test]
fn one_attribute_is_accepted_and_the_others_are_not() {
    let host = Host::with_baseline();
    host.write("usr/bin/tool", "tool 2\n").mode("usr/bin/tool", 0o700);
    host.drift(&[]);
    let done = host.accept(&["/usr/bin/tool", "--attribute", "mode", "--reason", "tighter"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    let report = host.json(&[]);
    let deltas: Vec<&Value> = change(&report, "/usr/bin/tool")["deltas"]
        .as_array()
        .unwrap()
        .iter()
        .map(|delta| &delta["attribute"])
        .collect();
    assert!(deltas.contains(&&Value::from("content")), "{deltas:?}");
    assert!(!deltas.contains(&&Value::from("mode")), "{deltas:?}");
}

#[test]
fn who_accepts_content_accepts_its_size_and_times() {
    let host = Host::with_baseline();
    host.write("usr/bin/tool", "tool 2, longer\n");
    host.drift(&[]);
    let content = ["/usr/bin/tool", "--attribute", "content", "--reason", "x", "--expires", "1h"];
    assert_eq!(host.accept(&content).status, Some(0));
    assert_eq!(host.drift(&[]).status, Some(0), "{:?}", host.drift(&["--all"]));
    // Written once more with the same content: what was accepted is still what is there.
    host.write("usr/bin/tool", "tool 2, longer\n");
    assert_eq!(host.drift(&[]).status, Some(0), "{:?}", host.drift(&["--all"]));
    host.mode("usr/bin/tool", 0o4755);
    assert_eq!(host.drift(&[]).status, Some(1));
}

#[test]
fn what_is_accepted_for_a_while_is_drift_again_when_that_is_over() {
    let host = Host::with_baseline();
    host.mode("usr/bin/tool", 0o700).write("etc/new", "1");
    host.drift(&[]);
    let past = host.accept(&["/usr/bin/tool", "--reason", "x", "--expires", "2020-01-01"]);
    assert!(past.stderr.contains("over already"), "{past:?}");
    let done = host.accept(&["/usr/bin/tool", "--reason", "test", "--expires", "1h"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    let report = host.json(&[]);
    assert_eq!(change(&report, "/usr/bin/tool")["explanation"], "accepted");
    // Another value than the accepted one is not accepted.
    host.mode("usr/bin/tool", 0o701);
    assert_eq!(change(&host.json(&[]), "/usr/bin/tool")["explanation"], "unexplained");
    host.mode("usr/bin/tool", 0o700);
    // For a second, which is over when the acceptance that it takes the place of would not be.
    host.drift(&[]);
    let done = host.accept(&["/usr/bin/tool", "--reason", "test", "--expires", "1s"]);
    assert_eq!(done.status, Some(0), "{done:?}");
    std::thread::sleep(Duration::from_millis(1100));
    let report = host.json(&[]);
    assert_eq!(change(&report, "/usr/bin/tool")["explanation"], "unexplained");
    assert!(report["notes"].to_string().contains("1 acceptances have expired"), "{report:#}");
}

#[test]
fn a_baseline_is_not_overwritten_by_chance() {
    let host = Host::with_baseline();
    let again = host.create(&[]);
    assert_eq!(again.status, Some(3));
    assert!(again.stderr.contains("there is a baseline already"), "{again:?}");
    assert_eq!(host.create(&["--replace"]).status, Some(3), "a reason is wanted");
    assert_eq!(host.create(&["--replace", "--reason", "new release"]).status, Some(0));
    let verified = host.0.run(&["baseline", "verify", "--baseline", "base"]);
    assert!(verified.stdout.contains("history of 2 entries is whole"), "{verified:?}");
}

#[test]
fn a_baseline_that_was_damaged_cut_or_replaced_leaves_drift_undecided() {
    let host = Host::with_baseline();
    let place = host.0.path("base");
    let good = fs::read(&place).unwrap();
    let tried = |bytes: &[u8]| {
        fs::write(&place, bytes).unwrap();
        let output = host.drift(&[]);
        assert_eq!(output.stdout, "", "nothing is reported");
        (output.status.unwrap(), output.stderr)
    };
    for size in [0, 5, 9, 40, good.len() / 2, good.len() - 1] {
        let (status, said) = tried(&good[..size]);
        assert_eq!(status, 2, "{size}: {said}");
        assert!(said.starts_with("error: base: "), "{said}");
    }
    let mut changed = good.clone();
    changed[good.len() - 1] ^= 1;
    let (status, said) = tried(&changed);
    assert_eq!((status, said.contains("damaged")), (2, true), "{said}");
    let mut newer = good.clone();
    newer[8] = 9;
    let (status, said) = tried(&newer);
    assert_eq!((status, said.contains("version 9")), (2, true), "{said}");
    // A whole baseline, but another one than the history ends with.
    let other = Host::with_baseline();
    other.write("etc/x", "x");
    let (status, said) = tried(&fs::read(other.0.path("base")).unwrap());
    assert_eq!((status, said.contains("its history ends with")), (2, true), "{said}");
    fs::write(&place, &good).unwrap();
    assert_eq!(host.drift(&[]).status, Some(0));
    fs::remove_file(&place).unwrap();
    let none = host.drift(&[]);
    assert_eq!(none.status, Some(3));
    assert!(none.stderr.contains("there is no baseline; make one"), "{none:?}");
    Command::new("mkfifo").arg(&place).status().unwrap();
    let fifo = host.drift(&[]);
    assert_eq!((fifo.status, fifo.stderr.contains("not a regular file")), (Some(3), true));
}

#[test]
fn every_byte_of_a_baseline_matters() {
    let host = Host::with_baseline();
    let good = fs::read(host.0.path("base")).unwrap();
    assert!(spotcheck::drift::baseline::decode(&good).is_ok());
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 0x55;
        assert!(spotcheck::drift::baseline::decode(&bad).is_err(), "byte {at}");
    }
}

#[test]
fn the_baseline_of_version_1_can_still_be_read() {
    let bytes = include_bytes!("version-1.baseline");
    let baseline = spotcheck::drift::baseline::decode(bytes).unwrap();
    assert_eq!(baseline.tree.len(), 11);
    let passwd = baseline.tree.get(b"/etc/passwd").unwrap();
    assert_eq!((passwd.mode.0, passwd.size), (0o644, 26));
    assert!(matches!(passwd.content, spotcheck::facts::snapshot::Content::Digest(_)));
    assert_eq!(baseline.tree.get(b"/etc/l").unwrap().link(), b"passwd");
}

#[test]
fn a_signature_is_wanted_where_a_key_is_configured_and_never_made() {
    if !needs(&[Need::Command("minisign")]) {
        return;
    }
    let host = Host::with_baseline();
    let run = |args: &[&str]| {
        let done =
            Command::new("minisign").args(args).current_dir(host.0.path("")).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    run(&["-G", "-W", "-p", "pub", "-s", "sec"]);
    run(&["-G", "-W", "-p", "pub2", "-s", "sec2"]);
    let missing = host.drift(&["--public-key", "pub"]);
    assert_eq!(missing.status, Some(2));
    assert!(missing.stderr.contains("there is no signature"), "{missing:?}");
    run(&["-S", "-s", "sec", "-m", "base"]);
    let good = host.drift(&["--public-key", "pub"]);
    assert_eq!(good.status, Some(0), "{good:?}");
    assert!(good.stdout.contains("verified by the key RW"), "{good:?}");
    let other = host.drift(&["--public-key", "pub2"]);
    assert_eq!(other.status, Some(2));
    assert!(other.stderr.contains("not a signature of base by the configured key"), "{other:?}");
    // Who accepts something has to have it signed again.
    host.mode("usr/bin/tool", 0o700);
    assert_eq!(host.drift(&["--public-key", "pub"]).status, Some(1));
    let done = host.accept(&["/usr/bin/tool", "--reason", "x", "--public-key", "pub"]);
    assert!(done.stdout.contains("has to be signed again"), "{done:?}");
    assert_eq!(host.drift(&["--public-key", "pub"]).status, Some(2));
    run(&["-S", "-s", "sec", "-m", "base"]);
    assert_eq!(host.drift(&["--public-key", "pub"]).status, Some(0));
    host.0.write("config.toml", "[drift]\npublic_key = \"pub2\"\n");
    assert_eq!(host.drift(&["--config", "config.toml"]).status, Some(2));
    let nonsense = host.drift(&["--public-key", "nonsense"]);
    assert_eq!(nonsense.status, Some(3));
}

const SHOP: &str = "policy: shop
drift:
  paths: [/etc, /srv]
  exclude: [/srv/tmp, '/srv/**/*.bak']
  log: /srv/log
  cache: /srv/cache
  database: /srv/db
  secret: /srv/key
  expected:
    - { path: /srv/version, why: written by every deployment }
    - { path: /srv/run.sh, attributes: [mode], why: toggled by the installer }
";

#[test]
fn what_files_are_for_decides_what_is_ordinary() {
    let host = Host::new();
    for name in ["log/app.log", "cache/a", "db/a", "key", "version", "run.sh", "tmp/a", "x/a.bak"] {
        host.write(&format!("srv/{name}"), "one\n");
    }
    host.0.write("shop.yaml", SHOP);
    assert_eq!(host.create(&["--policy", "shop.yaml"]).status, Some(0));
    fs::rename(host.path("srv/log/app.log"), host.path("srv/log/app.log.1")).unwrap();
    host.write("srv/log/app.log", "two and more\n").write("srv/cache/b", "two");
    fs::remove_file(host.path("srv/cache/a")).unwrap();
    host.write("srv/db/a", "two, longer\n").write("srv/db/b", "two");
    host.write("srv/version", "two").write("srv/tmp/a", "two").write("srv/x/a.bak", "two");
    host.mode("srv/run.sh", 0o755);
    let report = host.json(&[]);
    assert_eq!(report["exit"], 0, "{report:#}");
    assert_eq!(change(&report, "/srv/version")["deltas"][0]["why"], "written by every deployment");
    // What nobody expects of them.
    host.write("srv/log/app.log", "")
        .write("srv/key", "s3cret\n")
        .write("srv/run.sh", "rm -rf /\n");
    host.mode("srv/cache/b", 0o4755).mode("srv/version", 0o666);
    fs::remove_file(host.path("srv/db/a")).unwrap();
    let report = host.json(&[]);
    let unexplained: Vec<&str> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["explanation"] == "unexplained")
        .map(|change| change["name"].as_str().unwrap())
        .collect();
    let wanted = ["/srv/cache/b", "/srv/db/a", "/srv/key", "/srv/run.sh", "/srv/version"];
    assert_eq!(unexplained, wanted, "{report:#}");
    let key = change(&report, "/srv/key").to_string();
    assert!(!key.contains("s3cret") && !key.contains("blake3"), "{key}");
}

#[test]
fn a_log_that_was_emptied_in_place_is_told() {
    let host = Host::new();
    host.write("srv/log/auth.log", "sshd: eve logged in\n").0.write("shop.yaml", SHOP);
    host.create(&["--policy", "shop.yaml"]);
    fs::OpenOptions::new().write(true).truncate(true).open(host.path("srv/log/auth.log")).unwrap();
    let report = host.json(&[]);
    let log = change(&report, "/srv/log/auth.log");
    assert_eq!(log["explanation"], "unexplained");
    assert_eq!(log["deltas"][0]["why"], "a log that was cut in place, not rotated");
}

#[test]
fn errors_of_the_section_have_their_places() {
    let folder = Folder::with(
        "policy: p\ndrift:\n  pahts: [/etc]\n  paths: [etc, '/a*']\n  exclude: '/a[b'\n  classes: \
         listner\n  expected: [{ path: /x }, { why: x }, { path: /a, why: x, attributes: ownr }]\n",
    );
    let args = ["baseline", "create", "--baseline", "b", "--policy", "policy.yaml"];
    let output = folder.run(&args);
    assert_eq!(output.status, Some(3));
    for wanted in [
        "policy.yaml:3:3",
        "did you mean `paths`",
        "policy.yaml:4:11",
        "policy.yaml:4:16",
        "policy.yaml:5:12",
        "did you mean `listener`",
        "without `why:`",
        "without `path:`",
        "did you mean `owner`",
        "8 errors",
    ] {
        assert!(output.stderr.contains(wanted), "{wanted}:\n{}", output.stderr);
    }
    let plain = Folder::with("policy: p\n");
    let output = plain.run(&args);
    assert!(output.stderr.contains("has no `drift:` section"), "{output:?}");
}

#[test]
fn special_files_are_told_and_never_opened() {
    let host = Host::with_baseline();
    let path = host.path("etc/pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(host.path("etc/socket")).unwrap();
    // A file that became a pipe, too: opening it would wait for somebody who writes.
    fs::remove_file(host.path("etc/group")).unwrap();
    assert!(Command::new("mkfifo").arg(host.path("etc/group")).status().unwrap().success());
    let report = host.json(&["--full"]);
    let words = change(&report, "/etc/pipe")["deltas"][0]["after"].as_str().unwrap();
    assert!(words.starts_with("fifo "), "{words}");
    assert_eq!(change(&report, "/etc/group")["deltas"][0]["attribute"], "type");
}

#[test]
fn links_do_not_lead_out_and_odd_names_are_kept_apart() {
    use std::os::unix::ffi::OsStrExt;
    let host = Host::new();
    symlink("/", host.path("etc/everything")).unwrap();
    symlink("..", host.path("usr/up")).unwrap();
    let odd = |bytes: &[u8]| host.path("etc").join(std::ffi::OsStr::from_bytes(bytes));
    fs::write(odd(b"a\xff"), "1").unwrap();
    fs::write(odd(b"a\xfe"), "2").unwrap();
    fs::write(odd(b"new\nline"), "3").unwrap();
    let made = host.create(&[]);
    assert!(made.stdout.contains("base: 14 files"), "{made:?}");
    fs::write(odd(b"a\xfe"), "3").unwrap();
    let report = host.json(&[]);
    assert_eq!(report["counts"]["unexplained"], 1, "{report:#}");
    assert_eq!(change(&report, "/etc/a\\xfe")["how"], "changed");
}

#[test]
fn access_lists_capabilities_and_other_attributes_are_compared() {
    if !needs(&[Need::Root, Need::Command("setfacl"), Need::Command("setcap")]) {
        return;
    }
    let host = Host::with_baseline();
    let run = |program: &str, args: &[&str], path: &str| {
        let done = Command::new(program).args(args).arg(host.path(path)).status().unwrap();
        assert!(done.success());
    };
    run("setfacl", &["-m", "u:1000:rw"], "etc/group");
    run("setfacl", &["-d", "-m", "u:1000:rwx"], "etc/nginx");
    run("setcap", &["cap_net_raw=ep"], "usr/bin/tool");
    xattr::set(host.path("etc/passwd"), "user.note", b"hi").unwrap();
    let report = host.json(&[]);
    let of = |name: &str| change(&report, name)["deltas"].to_string();
    assert!(of("/etc/group").contains("\"acl\""), "{}", of("/etc/group"));
    assert!(of("/etc/group").contains("u::rw-,u:1000:rw-,g::r--,m::rw-,o::r--"));
    assert!(of("/etc/nginx").contains("\"default_acl\""));
    assert!(of("/usr/bin/tool").contains("cap_net_raw=ep"), "{}", of("/usr/bin/tool"));
    assert!(of("/etc/passwd").contains("xattr user.note"));
    assert_eq!(report["exit"], 1);
}

#[test]
fn what_cannot_be_read_is_no_answer() {
    if !needs(&[Need::Root, Need::Command("setpriv")]) {
        return;
    }
    let host = Host::new();
    host.write("etc/closed/a", "a").mode("etc/closed", 0o700).mode("etc/passwd", 0o600);
    assert_eq!(host.create(&[]).status, Some(0));
    host.mode("../base", 0o644).mode("../base.history", 0o644);
    let args = ["drift", "--root", "root", "--baseline", "base", "--full"];
    let output = host.0.run_as(65_534, &args);
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stdout.contains("COULD NOT SEE"), "{output:?}");
    assert!(output.stdout.contains("/etc/closed: permission denied"), "{output:?}");
    assert!(!output.stdout.contains("removed"), "what cannot be seen is not gone: {output:?}");
}

#[test]
fn what_is_mounted_below_is_another_filesystems() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let host = Host::new();
    host.write("srv/own", "1").write("srv/disk/below", "1");
    host.0.write("p.yaml", "policy: p\ndrift: { paths: /srv }\n");
    host.0.write("q.yaml", "policy: p\ndrift: { paths: /srv, cross_filesystems: true }\n");
    let script = "mount -t tmpfs none root/srv/disk && touch root/srv/disk/inside && \
        $0 baseline create --root root --baseline one --policy p.yaml && \
        $0 baseline show --baseline one /srv/own && \
        ! $0 baseline show --baseline one /srv/disk/inside 2>&1 && \
        $0 baseline create --root root --baseline two --policy q.yaml && \
        $0 baseline show --baseline two /srv/disk/inside";
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_spotcheck"))
        .current_dir(host.0.path(""))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_race_with_somebody_who_writes_is_said_to_be_one() {
    let host = Host::with_baseline();
    let path = host.path("usr/bin/tool");
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&stop);
    fs::write(&path, vec![0; 16 << 20]).unwrap();
    let writer = std::thread::spawn(move || {
        use std::os::unix::fs::FileExt;
        let file = fs::OpenOptions::new().write(true).open(path).unwrap();
        let mut count = 0_u64;
        while !seen.load(std::sync::atomic::Ordering::Relaxed) {
            count += 1;
            file.write_all_at(&[count as u8; 4096], count % 4096 * 4096).unwrap();
        }
    });
    let mut unstable = false;
    for _ in 0..30 {
        let report = host.json(&[]);
        let tool = change(&report, "/usr/bin/tool").to_string();
        assert_eq!(change(&report, "/usr/bin/tool")["explanation"], "unexplained");
        unstable |= tool.contains("changed while it was read");
        if unstable {
            break;
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writer.join().unwrap();
    assert!(unstable, "in thirty runs nobody wrote while the file was read");
}

#[test]
fn an_image_is_compared_with_another_and_a_root_filesystem_with_an_image() {
    use crate::support::archive::{Image, Tar};
    let base = Tar::new()
        .dir("etc/")
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        .file("etc/nginx/nginx.conf", "http { server { listen 8080; } }\n")
        .dir("usr/bin/")
        .owned("usr/bin/tool", 0o755, (0, 0), "tool 1\n");
    let more = Tar::new()
        .file("etc/nginx/nginx.conf", "http { server { listen 80; } }\n")
        .owned("usr/bin/tool", 0o4755, (0, 0), "tool 1\n")
        .file("etc/.wh.passwd", "");
    let folder = Folder::new();
    folder.write("old.tar", Image::new("{}", [base.clone()]).docker_old("a:1"));
    folder.write("new.tar", Image::new("{}", [base, more]).docker_old("a:2"));
    let output = folder.run(&["drift", "--image", "new.tar", "--against", "old.tar"]);
    assert_snapshot!(told(&output), @r"
    spotcheck drift on a:2 · [who] · [time]
    against old.tar

    UNEXPLAINED 4
      account root removed
        exists  was gid 0, home /root, password in shadow, shell /bin/sh, uid 0
      file /etc/nginx/nginx.conf
        content             differs, in these settings
        http.server.listen  8080 -> 80 at line 1
        made by layer 2
      file /etc/passwd removed
        exists  was file 0644 root:0
      file /usr/bin/tool
        mode  0755 -> 4755
        made by layer 2

    [effort]
    report [id] · exit 1
    exited 1
    ");
    let same = folder.run(&["drift", "--image", "old.tar", "--against", "old.tar"]);
    assert_eq!(same.status, Some(0), "{same:?}");
    // The files of the image, unpacked: other inodes, other times, no drift.
    folder.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    folder.write("root/etc/nginx/nginx.conf", "http { server { listen 8080; } }\n");
    folder.write("root/usr/bin/tool", "tool 1\n");
    fs::set_permissions(folder.path("root/usr/bin/tool"), fs::Permissions::from_mode(0o755))
        .unwrap();
    let host = folder.run(&["drift", "--root", "root", "--against", "old.tar", "--format", "json"]);
    let report: Value = serde_json::from_str(&host.stdout).unwrap();
    let names: Vec<&str> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|change| change["deltas"][0]["attribute"] != "owner")
        .map(|change| change["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, [""; 0], "{report:#}");
    // And an image as the baseline of the next one.
    let made = folder.run(&["baseline", "create", "--image", "old.tar", "--baseline", "b"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    let output = folder.run(&["drift", "--image", "new.tar", "--baseline", "b"]);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stdout.contains("mode  0755 -> 4755"), "{output:?}");
}

#[test]
fn a_time_limit_is_kept_and_what_was_not_looked_at_is_said() {
    let host = Host::with_baseline();
    let output = host.drift(&["--timeout", "1h"]);
    assert_eq!(output.status, Some(0), "{output:?}");
    // More than can be read in that time on any machine, and what is before it is told all the same.
    let large = fs::File::create(host.path("usr/bin/large")).unwrap();
    large.set_len(15 << 30).unwrap();
    host.write("etc/cron.d/evil", "* * * * * root /tmp/x\n");
    let output = host.drift(&["--timeout", "1s"]);
    assert_eq!(output.status, Some(1), "{output:?}");
    for words in ["/usr/bin/large: not read to its end", "/etc/cron.d/evil"] {
        assert!(output.stdout.contains(words), "{words}: {output:?}");
    }
    let again = ["--replace", "--reason", "test", "--timeout", "1s"];
    let output = host.create(&again);
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stdout.contains("not read to its end"), "{output:?}");
}

#[test]
fn a_sparse_file_is_compared_by_its_data_and_takes_no_time() {
    let host = Host::new();
    let sparse = fs::File::create(host.path("usr/bin/sparse")).unwrap();
    sparse.set_len(8 << 40).unwrap();
    assert_eq!(host.create(&[]).status, Some(0));
    assert_eq!(host.drift(&["--full"]).status, Some(0));
    std::os::unix::fs::FileExt::write_all_at(&sparse, b"evil", 7 << 40).unwrap();
    let output = host.drift(&[]);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stdout.contains("content  differs"), "{output:?}");
}

#[test]
fn a_rule_about_drift_opens_what_any_violation_opens() {
    let host = Host::with_baseline();
    host.0.write(
        "rules.yaml",
        "policy: p\nrules:\n  - { id: etc, drift: /etc, must: { unexplained: 0 } }\n  \
         - { id: usr, drift: /usr, must: { unexplained: 0, changes: 0 } }\n",
    );
    let check = |more: &[&str]| {
        let args = ["check", "--root", "root", "--baseline", "base", "rules.yaml"];
        host.0.run(&[&args, more].concat())
    };
    let good = check(&[]);
    assert_eq!(good.status, Some(0), "{good:?}");
    host.write("etc/nginx/nginx.conf", "http {\n  server {\n    listen 80;\n  }\n}\n");
    let bad = check(&["--track", "--ledger", "ledger.db"]);
    assert_eq!(bad.status, Some(1), "{bad:?}");
    let wanted =
        "unexplained  1: /etc/nginx/nginx.conf content, http.server.listen 8080 -> 80; expected 0";
    assert!(bad.stdout.contains(wanted), "{}", bad.stdout);
    let items = host.0.run(&["actions", "--ledger", "ledger.db", "list"]);
    let title = "etc: file /etc/nginx/nginx.conf has changed";
    assert!(items.stdout.contains(title), "{items:?}");
    fs::remove_file(host.0.path("base")).unwrap();
    let none = check(&[]);
    assert_eq!(none.status, Some(2), "{none:?}");
    assert!(none.stdout.contains("there is no baseline"), "{none:?}");
}

#[test]
fn two_hundred_thousand_files_of_one_directory_are_no_matter() {
    let host = Host::new();
    let folder = host.path("srv/many");
    fs::create_dir_all(&folder).unwrap();
    // Names are what is many; links are made fastest, and a file has no more than 65,000 on ext4.
    for number in 0..200_000 {
        let first = folder.join((number / 50_000 * 50_000).to_string());
        match number % 50_000 {
            0 => fs::write(first, "").unwrap(),
            _ => fs::hard_link(first, folder.join(number.to_string())).unwrap(),
        }
    }
    host.0.write("p.yaml", "policy: p\ndrift: { paths: /srv }\n");
    let made = host.create(&["--policy", "p.yaml"]);
    assert!(made.stdout.contains("base: 200002 files"), "{made:?}");
    assert_eq!(host.drift(&["--metadata"]).status, Some(0));
    fs::remove_file(folder.join("77777")).unwrap();
    assert_eq!(change(&host.json(&["--metadata"]), "/srv/many/77777")["how"], "removed");
}

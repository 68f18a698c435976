//! What a report gives as evidence is what the tools say that an admin would look again with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, Stage, needs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

/// The evidence of all findings of this kind, with the name of what the finding is about.
fn sightings(report: &str, kind: &str) -> Vec<(String, Value)> {
    let report: Value = serde_json::from_str(report).unwrap();
    let mut found = Vec::new();
    for finding in report["findings"].as_array().unwrap() {
        for seen in finding["seen"].as_array().unwrap().iter().filter(|seen| seen["kind"] == kind) {
            found.push((finding["subject"]["name"].as_str().unwrap().to_owned(), seen.clone()));
        }
    }
    found
}

fn report(rules: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    fs::write(&path, format!("policy: evidence\nrules:\n{rules}")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--format", "json"])
        .arg(&path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn files_are_as_stat_says() {
    let rules = "  - { id: a, file: '/{bin,usr/bin/*,dev/null,dev/full,etc/passwd,etc/shadow}', must: { exists: true } }\n";
    let found = sightings(&report(rules), "file");
    assert!(found.len() > 100);
    for (path, seen) in found {
        let stat = said("stat", &["--format", "%u %g %04a %d %i %Z", "--", &path]);
        let ours =
            ["uid", "gid", "mode", "device", "inode", "changed"].map(|key| match &seen[key] {
                Value::String(text) => text.clone(),
                number => number.to_string(),
            });
        assert_eq!(ours.join(" "), stat.trim(), "{path}");
    }
}

#[test]
fn groups_are_as_id_says() {
    let users = said("getent", &["-s", "files", "passwd"]);
    let names: Vec<&str> = users.lines().map(|line| line.split(':').next().unwrap()).collect();
    let rules: String = names
        .iter()
        .map(|name| {
            format!("  - {{ id: u-{name}, user: {name}, must: {{ groups: {{ only: [no-such-group] }} }} }}\n")
        })
        .collect();
    let report: Value = serde_json::from_str(&report(&rules)).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), names.len());
    for finding in findings {
        let name = finding["subject"]["name"].as_str().unwrap();
        let ours: BTreeSet<&str> = finding["observed"].as_str().unwrap().split(", ").collect();
        let theirs = said("id", &["--groups", "--name", "--zero", name]);
        assert_eq!(ours, theirs.split_terminator('\0').collect(), "{name}");
    }
}

#[test]
fn the_content_of_files_is_as_grep_and_sha256sum_say() {
    let digest = said("sha256sum", &["/etc/passwd"]);
    let digest = digest.split(' ').next().unwrap();
    let line = said("grep", &["--line-number", "-m1", "^nobody:", "/etc/passwd"]);
    let line = line.split(':').next().unwrap();
    let rules = format!(
        "  - {{ id: a, file: /etc/passwd, must: {{ sha256: {digest}, contains: '^nobody:' }} }}\n"
    );
    let report: Value = serde_json::from_str(&report(&rules)).unwrap();
    assert_eq!(report["exit_code"], 0, "{report}");
    let observed = &report["findings"][1]["observed"];
    assert_eq!(observed, &format!("/^nobody:/ in line {line}"), "{report}");
}

#[test]
fn acls_are_as_getfacl_says() {
    if !needs(&[Need::Root, Need::Command("setfacl"), Need::Command("getfacl")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    said("chmod", &["0755", folder.path().to_str().unwrap()]);
    let path = folder.path().join("it");
    let name = path.to_str().unwrap();
    for (entry, perms) in
        [("u:daemon:rw", "rw-"), ("u:daemon:rw,m::r", "r--"), ("u:daemon:-", "---")]
    {
        fs::write(&path, "").unwrap();
        said("chmod", &["0600", name]);
        said("setfacl", &["--remove-all", name]);
        said("setfacl", &["-m", entry, name]);
        let listing = said("getfacl", &["--omit-header", "--absolute-names", name]);
        let line = listing.lines().find(|line| line.starts_with("user:daemon:")).unwrap();
        // The mask's effect stands behind the entry.
        let effective = line.split("#effective:").nth(1).unwrap_or(&line["user:daemon:".len()..]);
        assert_eq!(effective.trim(), perms, "{listing}");
        let can = |letter: char| if perms.contains(letter) { "daemon" } else { "{ not: daemon }" };
        let rules = format!(
            "  - {{ id: a, file: {name}, must: {{ readable_by: {}, writable_by: {} }} }}\n",
            can('r'),
            can('w')
        );
        let report: Value = serde_json::from_str(&report(&rules)).unwrap();
        assert_eq!(report["exit_code"], 0, "{listing}\n{report}");
    }
}

#[test]
fn processes_are_as_ps_says_and_sockets_as_ss_says() {
    let Some(stage) = Stage::healthy() else { return };
    stage.nginx_as_root();
    stage.write(
        "/mnt/p.yaml",
        "policy: p\nrules:\n  - { id: a, service: { exe: /usr/sbin/nginx }, must: { running: true } }
  - { id: b, port: 8080/tcp, must: { bound_by: { exe: /usr/sbin/nginx } } }\n",
    );
    let report = stage.run(&["check", "p.yaml", "--format", "json"]).stdout;
    let processes = sightings(&report, "process");
    assert_eq!(processes.len(), 6, "three processes, as the service and as holders: {report}");
    for (_, seen) in &processes {
        let pid = seen["pid"].as_u64().unwrap();
        let ps = stage.must(&format!("ps -o ruid=,euid=,suid=,fuid=,comm= -p {pid}"));
        let uids: Vec<String> =
            seen["uids"].as_array().unwrap().iter().map(Value::to_string).collect();
        let ours = format!("{} {}", uids.join(" "), seen["comm"].as_str().unwrap());
        assert_eq!(ours, ps.split_whitespace().collect::<Vec<_>>().join(" "));
        let exe = stage.must(&format!("readlink /proc/{pid}/exe"));
        assert_eq!(seen["exe"].as_str().unwrap(), exe.trim());
        let age: i64 = stage.must(&format!("ps -o etimes= -p {pid}")).trim().parse().unwrap();
        let now: i64 = stage.must("date +%s").trim().parse().unwrap();
        let started = seen["started"].as_i64().unwrap();
        assert!((now - age - started).abs() <= 2, "{started}, by ps {}", now - age);
    }
    let ss = stage.must("ss -H -ltnpe 'sport = :8080'");
    let pids: BTreeSet<&str> =
        ss.split("pid=").skip(1).map(|rest| rest.split(',').next().unwrap()).collect();
    let ours: BTreeSet<String> =
        processes[3..].iter().map(|(_, seen)| seen["pid"].to_string()).collect();
    assert_eq!(ours, pids.into_iter().map(str::to_owned).collect());
    let sockets = sightings(&report, "socket");
    assert_eq!(sockets.len(), 1);
    assert!(ss.contains(&format!("ino:{} ", sockets[0].1["inode"])), "{ss}");
}

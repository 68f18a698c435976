//! spotcheck reads: it starts no process to learn a fact, and opens nothing for writing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, Stage, needs};

const POLICY: &str = include_str!("../../policies/nginx.yaml");

/// The system calls of a whole run during the incident, one line each.
fn calls(arguments: &str) -> Option<Vec<String>> {
    if !needs(&[Need::Command("strace")]) {
        return None;
    }
    let stage = Stage::healthy()?;
    stage.attack();
    stage.write("/mnt/policies/nginx.yaml", POLICY);
    let calls = "execve,execveat,fork,vfork,clone,clone3,open,openat,openat2,creat,unlink,rename,\
                 chmod,fchmodat,chown,fchownat,kill,connect";
    let run = stage.sh(&format!(
        "strace -f -qq -o /mnt/calls -e trace={} /mnt/spotcheck check {arguments}",
        // Not every architecture has the old ones.
        calls.split(',').map(|call| format!("?{call}")).collect::<Vec<_>>().join(",")
    ));
    assert!(matches!(run.status, Some(0..=2)), "{run:?}");
    assert!(!run.stdout.is_empty());
    let trace = stage.must("cat /mnt/calls");
    let lines: Vec<String> = trace.lines().map(str::to_owned).collect();
    assert!(lines.len() > 20, "{trace}");
    Some(lines)
}

fn of<'a>(lines: &'a [String], call: &str) -> Vec<&'a String> {
    lines.iter().filter(|line| line.contains(&format!(" {call}("))).collect()
}

#[track_caller]
fn only_reads(arguments: &str) {
    let Some(lines) = calls(arguments) else { return };
    assert_eq!(of(&lines, "execve").len(), 1, "{lines:#?}");
    for call in ["execveat", "fork", "vfork", "creat", "unlink", "rename", "kill"] {
        assert!(of(&lines, call).is_empty(), "{call}: {lines:#?}");
    }
    for line in of(&lines, "clone").into_iter().chain(of(&lines, "clone3")) {
        assert!(line.contains("CLONE_THREAD"), "a process: {line}");
    }
    for line in &lines {
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
        let harmless = line.contains("\"/dev/null\"");
        assert!(harmless || !writes.iter().any(|flag| line.contains(flag)), "{line}");
    }
}

#[test]
fn the_built_in_policy_is_checked_by_one_process_that_only_reads() {
    only_reads("");
}

#[test]
fn the_incident_is_checked_by_one_process_that_only_reads() {
    only_reads("policies/nginx.yaml");
}

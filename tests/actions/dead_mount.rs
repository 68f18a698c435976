//! A mount that does not answer blinds what lies on it, and nothing else.

use crate::support::deaf_mount::DeafMount;

use crate::support::{Machine, Need, needs};
use std::time::{Duration, Instant};

/// A machine with such a mount at /mnt/gone, where the kernel lets one be made.
fn machine() -> Option<(Machine, DeafMount)> {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return None;
    }
    if !DeafMount::is_possible() {
        assert_ne!(std::env::var("SPOTCHECK_REQUIRE_ALL").as_deref(), Ok("1"), "no /dev/fuse");
        eprintln!("SKIPPED (needs /dev/fuse)");
        return None;
    }
    let machine = Machine::new();
    let mount = DeafMount::new(&machine, "/mnt/gone");
    Some((machine, mount))
}

fn outcomes(report: &str) -> Vec<(String, String, String)> {
    let json: serde_json::Value = serde_json::from_str(report).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let findings = json["findings"].as_array().unwrap().iter();
    findings.map(|f| (text(&f["rule"]), text(&f["outcome"]), text(&f["reason"]))).collect()
}

#[test]
fn only_what_lies_on_it_is_unknown_and_the_report_names_the_mount() {
    let Some((machine, mount)) = machine() else { return };
    machine.sh("ln -s gone/deep /mnt/link; mkdir /mnt/fine; echo x > /mnt/fine/x");
    machine.write(
        "/mnt/p.yaml",
        "policy: p
rules:
  - { id: before, file: /etc/passwd, must: { owner: root } }
  - { id: stuck, file: /mnt/gone/x, must: { owner: root } }
  - { id: also-stuck, file: /mnt/gone/y, must: { contains: x } }
  - { id: by-link, file: /mnt/link/x, must: { readable_by: root } }
  - { id: globbed, file: /mnt/gone/*.conf, must: { owner: root } }
  - { id: itself, file: /mnt/gone, must: { owner: root } }
  - { id: fine, file: /mnt/fine/x, must: { contains: x } }
  - { id: wrong, file: /mnt/fine/x, must: { owner: nobody } }
  - { id: walked, setuid: /mnt, must: { only: [] } }
  - { id: walked-itself, setuid: /mnt/gone, must: { only: [] } }
  - { id: after, file: /etc/group, must: { owner: root } }
",
    );
    let start = Instant::now();
    let output = machine.run(&["check", "p.yaml", "--format", "json"]);
    // The process ends as well, though a thread of it waits for ever.
    let took = start.elapsed();
    mount.end(&machine);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(took < Duration::from_secs(30), "{took:?}");
    for (rule, outcome, reason) in outcomes(&output.stdout) {
        let wanted = match rule.as_str() {
            "before" | "fine" | "after" => "pass",
            "wrong" => "fail",
            _ => "unknown",
        };
        assert_eq!(outcome, wanted, "{rule}: {reason}");
        // A walk leaves out what is of other machines anyway, and says so.
        if wanted == "unknown" && rule != "walked" {
            let why = "it lies on /mnt/gone (fuse, deaf), a mount that does not answer";
            assert!(reason.contains(why), "{rule}: {reason}");
        }
    }
}

//! spotcheck on a whole Debian with systemd: units from real control groups, in pure cgroups v2 and
//! in what this host has, and the built-in policy on a stock installation.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

use crate::support::booted::{Booted, Hierarchy};
use std::collections::BTreeMap;

const POLICY: &str = "
policy: units
services:
  nginx: { unit: nginx.service }
  sshd: { unit: ssh.service, exe: /usr/sbin/sshd }
  not-sshd: { unit: nginx.service, exe: /usr/sbin/sshd }
rules:
  - id: workers
    service: nginx
    processes: workers
    must: { running: true, run_as: www-data, never_root: true, capabilities: [] }
  - id: master
    service: nginx
    processes: master
    must: { count: 1, run_as: root }
  - id: web
    port: 80/tcp
    must: { bound_by: nginx }
  - id: ssh
    port: 22/tcp
    must: { bound_by: sshd }
  - id: both-criteria-count
    service: not-sshd
    must: { running: false }
";

fn units_and_the_built_in_policy(hierarchy: Hierarchy) {
    let Some(host) = Booted::new(hierarchy) else { return };
    host.write("/root/units.yaml", POLICY);
    let units = host.sh("spotcheck check /root/units.yaml");
    assert_eq!(units.status, Some(0), "{}{}", units.stdout, units.stderr);

    the_shipped_unit_sees_what_a_shell_sees(&host);
    activity_is_what_systemd_says(&host);
    let built_in = host.sh("spotcheck check");
    assert_eq!(built_in.status, Some(0), "not quiet on a stock Debian:\\n{}", built_in.stdout);

    what_runs_is_compared_with_its_units(&host);

    host.sh("echo 'second:x:0:0::/root:/bin/bash' >> /etc/passwd; chmod 0666 /etc/shadow");
    let changed = host.sh("spotcheck check").stdout;
    assert!(changed.contains("FAIL critical host-accounts"), "{changed}");
    assert!(changed.contains("FAIL critical host-shadow-files"), "{changed}");
}

/// Who controls the services of a stock Debian, how exposed they are, and a unit that is edited,
/// reloaded and not restarted.
fn what_runs_is_compared_with_its_units(host: &Booted) {
    let rules = |id: &str, about: &str| format!("  - {{ id: {id}, {about} }}\n");
    let mut policy = "policy: live\nrules:\n".to_owned();
    for unit in ["nginx.service", "ssh.service", "cron.service", "dbus.service"] {
        let told =
            host.sh(&format!("systemd-analyze security --no-pager {unit} | tail -n 1")).stdout;
        let number = told.rsplit_once(": ").map(|(_, rest)| rest.split(' ').next().unwrap());
        let exactly = number.unwrap();
        let short = unit.trim_end_matches(".service");
        policy += &rules(
            &format!("{short}-exposure"),
            &format!("unit: {unit}, must: {{ exposure: {exactly} }}"),
        );
        policy += &rules(
            &format!("{short}-sound"),
            &format!(
                "service: {{ unit: {unit} }}, must: {{ controlled_only_by: [root], declared_equals_live: true }}"
            ),
        );
    }
    host.write("/root/live.yaml", &policy);
    let sound = host.sh("spotcheck check /root/live.yaml");
    assert_eq!(sound.status, Some(0), "{}{}{policy}", sound.stdout, sound.stderr);
    let drop_in = "[Service]\nNoNewPrivileges=yes\nCapabilityBoundingSet=~CAP_SYS_ADMIN\n";
    host.sh("mkdir -p /etc/systemd/system/cron.service.d");
    host.write("/etc/systemd/system/cron.service.d/more.conf", drop_in);
    host.sh("systemctl daemon-reload");
    let drift = host.sh("spotcheck check /root/live.yaml --rule cron-sound").stdout;
    assert!(drift.contains("NoNewPrivileges= is declared, and it has not got it"), "{drift}");
    assert!(drift.contains("beyond CapabilityBoundingSet= it has cap_sys_admin"), "{drift}");
    host.sh("systemctl restart cron.service");
    let applied = host.sh("spotcheck check /root/live.yaml --rule cron-sound");
    assert_eq!(applied.status, Some(0), "{}", applied.stdout);
    host.sh(
        "rm -r /etc/systemd/system/cron.service.d; systemctl daemon-reload; systemctl restart cron",
    );
}

/// Questions whose answers a sandbox of systemd's making could spoil.
const WRITABLE: &str = "
policy: sandbox
rules:
  - id: writable-conf
    file: /etc/shop.conf
    must: { writable_by: { not: games } }
  - id: key-in-home
    file: /home/shop/key
    must: { exists: false }
  - id: key-in-tmp
    file: /tmp/key
    must: { exists: false }
  - id: tmp
    mount: /home
    must: { mounted: false }
  - id: web
    port: 80/tcp
    must: { bound_by: { exe: /usr/sbin/nginx } }
";

const DROP_IN: &str = "[Service]
ExecStart=
ExecStart=/usr/local/bin/spotcheck check /etc/spotcheck/policies --verbose
StandardOutput=file:/var/report
";

fn the_shipped_unit_sees_what_a_shell_sees(host: &Booted) {
    host.sh("mkdir -p /etc/spotcheck/policies /home/shop /etc/systemd/system/spotcheck.service.d");
    host.sh("touch /etc/shop.conf /home/shop/key /tmp/key; chown games /etc/shop.conf");
    host.write("/etc/spotcheck/policies/sandbox.yaml", WRITABLE);
    let unit = include_str!("../../examples/systemd/spotcheck.service");
    host.write("/etc/systemd/system/spotcheck.service", unit);
    host.write("/etc/systemd/system/spotcheck.service.d/test.conf", DROP_IN);
    let plain = host.sh("spotcheck check /etc/spotcheck/policies --verbose");
    assert_eq!(plain.status, Some(1), "{}{}", plain.stdout, plain.stderr);
    assert!(plain.stdout.contains("3 violated, 2 hold"), "{}", plain.stdout);
    let run = host.sh("systemctl daemon-reload; systemctl start spotcheck.service");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, host.sh("journalctl -n 30").stdout);
    let report = host.sh("cat /var/report").stdout;
    let findings = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(findings(&report), findings(&plain.stdout));
    the_metrics_of_the_shipped_unit_can_be_read_by_their_collector(host);
}

/// node_exporter runs as a user of its own, and the unit has a strict umask.
fn the_metrics_of_the_shipped_unit_can_be_read_by_their_collector(host: &Booted) {
    let drop_in = include_str!("../../examples/systemd/spotcheck.service.d/prometheus.conf");
    let drop_in = drop_in.replace("/usr/bin/spotcheck", "/usr/local/bin/spotcheck");
    host.sh("mkdir -p /var/lib/prometheus/node-exporter");
    host.write("/etc/systemd/system/spotcheck.service.d/test.conf", &drop_in);
    let run = host.sh("systemctl daemon-reload; systemctl start spotcheck.service");
    assert_eq!(run.status, Some(0), "{}{}", run.stdout, host.sh("journalctl -n 30").stdout);
    let file = "/var/lib/prometheus/node-exporter/spotcheck.prom";
    let read = host.sh(&format!("setpriv --reuid=games --clear-groups cat {file}"));
    assert!(read.stdout.contains("spotcheck_rule_state{"), "{}{}", read.stdout, read.stderr);
}

/// What is active by control groups, mounts and sockets is what systemd says of its units.
fn activity_is_what_systemd_says(host: &Booted) {
    host.sh("systemctl --wait is-system-running");
    let types = "service,socket,mount,automount,swap,slice";
    let list = format!("systemctl list-units --all --plain --no-legend --type={types}");
    let listed = host.sh(&list).stdout;
    let mut policy = String::from("policy: activity\nrules:\n");
    let mut theirs = BTreeMap::new();
    for line in listed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (name, load, state) = (words[0], words[1], words[2]);
        let file = host.sh(&format!("systemctl show -P FragmentPath '{name}'")).stdout;
        if load != "loaded" || file.trim().is_empty() || !["active", "inactive"].contains(&state) {
            continue;
        }
        let id = format!("u{}", theirs.len());
        policy += &format!("  - id: {id}\n    unit: '{name}'\n    must: {{ active: true }}\n");
        theirs.insert(id, (name.to_owned(), state == "active"));
    }
    host.write("/root/activity.yaml", &policy);
    let report = host.sh("spotcheck check /root/activity.yaml --format json").stdout;
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let mut decided = [0, 0];
    for finding in report["findings"].as_array().unwrap() {
        let (name, active) = &theirs[finding["rule"].as_str().unwrap()];
        match finding["outcome"].as_str().unwrap() {
            "unknown" => {}
            outcome => {
                assert_eq!(outcome == "pass", *active, "{name}: {finding:#}");
                decided[usize::from(*active)] += 1;
            }
        }
    }
    assert!(decided[0] > 5 && decided[1] > 15, "{decided:?} of {}", theirs.len());
    assert!(decided[0] + decided[1] > theirs.len() * 8 / 10, "{decided:?} of {}", theirs.len());
}

#[test]
fn units_are_found_in_pure_cgroups_v2_and_a_stock_debian_holds() {
    units_and_the_built_in_policy(Hierarchy::Unified);
}

#[test]
fn units_are_found_in_the_hierarchies_of_this_host_and_a_stock_debian_holds() {
    units_and_the_built_in_policy(Hierarchy::Inherited);
}

#[test]
fn processes_of_a_container_are_not_the_hosts_unless_asked_for() {
    let Some(container) = Booted::new(Hierarchy::Inherited) else { return };
    assert!(container.sh("pgrep nginx").status == Some(0), "nginx runs in the container");
    let policy = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    let rule = |id: &str, more: &str| {
        format!(
            "  - {{ id: {id}, service: {{ name: nginx, cmdline: 'g daemon on; master_process on;$'{more} }}, must: {{ running: true }} }}\n"
        )
    };
    let text =
        format!("policy: p\nrules:\n{}{}", rule("ours", ""), rule("theirs", ", containers: true"));
    std::fs::write(policy.path(), text).unwrap();
    let verdict = |id: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_spotcheck"))
            .args(["check", "--rule", id])
            .arg(policy.path())
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(verdict("theirs").0, Some(0), "{}", verdict("theirs").1);
    assert_eq!(verdict("ours").0, Some(1), "{}", verdict("ours").1);
}

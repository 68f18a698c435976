//! The formats of monitoring systems, tried on those systems.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use crate::support::{Machine, Need, needs};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const POLICY: &str = "policy: web\n\
services:\n  init: { name: cat }\n\
rules:\n  \
- { id: passwd, severity: high, file: /etc/passwd, must: { owner: root } }\n  \
- { id: private, severity: critical, file: /mnt/conf, must: { mode: '0600' } }\n  \
- { id: small, severity: low, file: /mnt/conf, must: { mode: '0600' } }\n  \
- { id: accepted, file: /mnt/conf, must: { mode: '0600' } }\n  \
- { id: nowhere, when: { file: /nonexistent }, file: /mnt/conf, must: { mode: '0600' } }\n  \
- { id: anchor, service: init, must: { never_root: true } }\n";

const WAIVERS: &str = "waivers:\n  \
- { rule: accepted, reason: r, approved_by: a, expires: 2999-12-31 }\n";

fn staged(machine: &Machine) {
    machine.write("/mnt/p.yaml", POLICY);
    machine.write("/mnt/w.yaml", WAIVERS);
    machine.must("touch /mnt/conf; chmod 644 /mnt/conf; mkdir /mnt/textfiles");
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("promtool")]) {
        return;
    }
    let machine = Machine::new();
    staged(&machine);
    machine.must(
        "/mnt/spotcheck check p.yaml --waivers w.yaml --ledger l.db --quiet \
         --output prometheus=/mnt/out.prom || [ $? = 1 ]
         promtool check metrics < /mnt/out.prom",
    );
    let metrics = machine.must("cat /mnt/out.prom");
    for line in [
        "spotcheck_rule_state{policy=\"web\",rule=\"passwd\",severity=\"high\",service=\"\"} 0",
        "spotcheck_rule_state{policy=\"web\",rule=\"private\",severity=\"critical\",service=\"\"} 1",
        "spotcheck_rule_state{policy=\"web\",rule=\"accepted\",severity=\"medium\",service=\"\"} 3",
        "spotcheck_rule_state{policy=\"web\",rule=\"nowhere\",severity=\"medium\",service=\"\"} 4",
        "spotcheck_rule_state{policy=\"web\",rule=\"anchor\",severity=\"medium\",service=\"init\"} 1",
        "spotcheck_findings{outcome=\"waived\"} 1",
        "spotcheck_waiver_expiry_timestamp_seconds{rule=\"accepted\"} 32503680000",
        "spotcheck_items_open 2",
        "spotcheck_items_overdue 0",
        "spotcheck_exit_code 1",
    ] {
        assert!(metrics.lines().any(|have| have == line), "{line}\n{metrics}");
    }
}

#[test]
fn a_real_node_exporter_and_a_real_prometheus_take_the_metrics() {
    let commands = ["prometheus", "prometheus-node-exporter", "promtool"];
    if !needs(&[Need::Root, Need::Namespaces]) || !needs(&commands.map(Need::Command)) {
        return;
    }
    let machine = Machine::new();
    staged(&machine);
    machine.must(
        "/mnt/spotcheck check p.yaml --waivers w.yaml --ledger l.db --quiet \
         --output prometheus=/mnt/textfiles/spotcheck.prom || [ $? = 1 ]",
    );
    machine.start(
        "exporter.service",
        "prometheus-node-exporter --collector.disable-defaults --collector.textfile \
         --collector.textfile.directory=/mnt/textfiles --web.listen-address=127.0.0.1:9100 &",
    );
    machine.until("node_exporter listens", || machine.listens(9100));
    machine.write(
        "/mnt/prometheus.yml",
        "global: { scrape_interval: 1s }\nscrape_configs:\n  - job_name: node\n    \
         static_configs: [ { targets: ['127.0.0.1:9100'] } ]\n",
    );
    machine.start(
        "prometheus.service",
        "prometheus --config.file=/mnt/prometheus.yml --storage.tsdb.path=/mnt/tsdb \
         --web.listen-address=127.0.0.1:9090 &",
    );
    machine.until("Prometheus listens", || machine.listens(9090));
    let ask = |question: &str| {
        machine.sh(&format!("promtool query instant http://127.0.0.1:9090 '{question}'")).stdout
    };
    machine.until("Prometheus has scraped", || ask("spotcheck_exit_code").contains("=> 1 @"));
    let violated = ask("spotcheck_rule_state{severity=\"critical\"} == 1");
    assert!(violated.contains("rule=\"private\""), "{violated}");
    assert_eq!(ask("count(spotcheck_rule_state == 1)").matches("=> 3 @").count(), 1);
    assert!(ask("node_textfile_scrape_error").contains("=> 0 @"));
}

#[test]
fn nagios_is_told_in_its_own_words_and_exit_codes() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    staged(&machine);
    let plugin = |more: &[&str]| {
        machine.run(
            &[&["check", "p.yaml", "--waivers", "w.yaml", "--format", "nagios"], more].concat(),
        )
    };
    let output = plugin(&["--rule", "private", "--rule", "passwd"]);
    assert_eq!(output.status, Some(2));
    let mut lines = output.stdout.lines();
    assert_eq!(
        lines.next(),
        Some(
            "SPOTCHECK CRITICAL - 1 violated, 0 undecided, 0 waived, 1 hold | violated=1;;0;0; \
             undecided=0;;0;0; waived=0;;;0; hold=1;;;0; skipped=0;;;0;"
        )
    );
    assert_eq!(lines.next(), Some("critical private file /mnt/conf mode: 0644"));
    let word = |more: &[&str]| {
        let output = plugin(more);
        (output.status, output.stdout.split(" - ").next().unwrap().to_owned())
    };
    assert_eq!(word(&["--rule", "small"]), (Some(1), "SPOTCHECK WARNING".into()));
    assert_eq!(word(&["--rule", "passwd"]), (Some(0), "SPOTCHECK OK".into()));
    assert_eq!(word(&["--rule", "accepted"]), (Some(0), "SPOTCHECK OK".into()));
    let below = ["--rule", "small", "--rule", "passwd", "--fail-on", "high"];
    assert_eq!(word(&below), (Some(0), "SPOTCHECK OK".into()));
    // Nothing was evaluated.
    assert_eq!(word(&["--rule", "nowhere"]), (Some(3), "SPOTCHECK UNKNOWN".into()));
    assert_eq!(word(&["--rule", "typo"]), (Some(3), "SPOTCHECK UNKNOWN".into()));
}

#[test]
fn the_alert_rules_of_the_examples_fire_when_they_should() {
    if !needs(&[Need::Command("promtool")]) {
        return;
    }
    for (what, file) in [("check", "spotcheck.rules.yml"), ("test", "spotcheck.rules_test.yml")] {
        let output = Command::new("promtool")
            .args([what, "rules", file])
            .current_dir(example("prometheus"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_of_the_examples() {
    if !needs(&[Need::Command("systemd-analyze")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["spotcheck.service", "spotcheck.timer"] {
        let text = fs::read_to_string(example("systemd").join(name)).unwrap();
        let here = text.replace("/usr/bin/spotcheck", env!("CARGO_BIN_EXE_spotcheck"));
        fs::write(folder.path().join(name), here).unwrap();
    }
    let output = Command::new("systemd-analyze")
        .args(["verify", "spotcheck.service", "spotcheck.timer"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.is_empty(), "{words}");
}

#[test]
fn the_capabilities_of_the_example_service_are_enough_to_see_everything() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    staged(&machine);
    let check = "check p.yaml --waivers w.yaml --format json";
    let plain = machine.sh(&format!("/mnt/spotcheck {check}")).stdout;
    let bounded = machine
        .sh(&format!(
            "chown 1000:1000 /mnt/conf; chmod 700 /mnt/conf; chmod 644 /mnt/conf
             setpriv --bounding-set=-all,+dac_read_search,+sys_ptrace --inh-caps=-all \
             --no-new-privs /mnt/spotcheck {check}"
        ))
        .stdout;
    let read = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    assert_eq!(read(&bounded)["summary"], read(&plain)["summary"]);
    assert_eq!(read(&bounded)["host"]["full_privilege"], true);
}

#[test]
fn the_crontab_of_the_examples_runs_as_it_stands() {
    let crontab = fs::read_to_string(example("cron/spotcheck")).unwrap();
    let line = crontab.lines().find(|line| line.contains(" root spotcheck ")).unwrap();
    let command = line.split_once(" root ").unwrap().1;
    assert!(!command.contains('%'), "cron makes line feeds of percent signs");
    // What a host with node_exporter adds, as the comment says.
    let metrics = crontab.lines().find_map(|line| line.strip_prefix("#   --output ")).unwrap();
    let command = format!("{command} --output {metrics}");
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    staged(&machine);
    machine.must("mkdir -p /etc/spotcheck/policies; cp p.yaml /etc/spotcheck/policies");
    let script = format!(
        "mkdir -p /mnt/bin /mnt/state /mnt/node && ln -s /mnt/spotcheck /mnt/bin/
         mkdir -p /var/lib/spotcheck && mount --bind /mnt/state /var/lib/spotcheck
         PATH=/mnt/bin:$PATH; {}",
        command.replace("/var/lib/prometheus/node-exporter", "/mnt/node")
    );
    let output = machine.sh(&script);
    assert_eq!(output.status, Some(1), "{output:?}");
    assert!(output.stdout.contains("NEW             SC-1"), "{output:?}");
    assert!(machine.must("ls /mnt/node /mnt/state").contains("spotcheck.prom"));
    assert!(machine.must("ls /mnt/state").contains("ledger.db"));
    machine.must("umount /var/lib/spotcheck; rmdir /var/lib/spotcheck || true");
}

#[test]
fn a_policy_of_very_many_rules_does_not_flood_prometheus() {
    let folder = tempfile::tempdir().unwrap();
    let rule = |n| format!("  - {{ id: r{n}, file: /etc/passwd, must: {{ owner: root }} }}\n");
    let rules: String = (0..1100).map(rule).collect();
    fs::write(folder.path().join("p.yaml"), format!("policy: many\nrules:\n{rules}")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "p.yaml", "--format", "prometheus"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let metrics = String::from_utf8(output.stdout).unwrap();
    let series = metrics.lines().filter(|line| line.starts_with("spotcheck_rule_state{")).count();
    assert_eq!(series, 1000);
    assert!(metrics.lines().any(|line| line == "spotcheck_rules_left_out 100"));
    assert!(metrics.lines().any(|line| line == "spotcheck_findings{outcome=\"pass\"} 1100"));
}

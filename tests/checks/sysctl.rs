//! `sysctl:`: every condition with each of its outcomes on plain data, and the order of files as
//! systemd has it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, denied, rule};
use spotcheck::formats::sysctl_d;
use spotcheck::targets::live::Live;
use spotcheck::targets::memory::Memory;
use std::process::Command;

const LIVE: &str = "/proc/sys/net/ipv4/ip_forward";
const ABSENT: &str = "exists: this kernel has no such parameter; expected to exist";

fn must(conditions: &str) -> Rule {
    rule(&format!("sysctl: net.ipv4.ip_forward\nmust: {{ {conditions} }}"))
}

fn kernel(value: &str) -> Memory {
    Memory::new().file(LIVE, 0o644, 0, 0, format!("{value}\n"))
}

fn configured(path: &str, content: &str) -> Memory {
    kernel("0").file(path, 0o644, 0, 0, content)
}

#[test]
fn the_value_is_what_the_kernel_uses() {
    must("value: 0").on(&kernel("0")).passes();
    must("value: 0")
        .on(&kernel("1"))
        .fails_with("value: 1; the next boot sets: not configured; expected 0")
        .repaired_by("sysctl -w net.ipv4.ip_forward=0");
    must("value: { at_most: 1 }").on(&kernel("1")).passes();
    assert_eq!(must("value: 0").on(&kernel("0").unreadable(LIVE)).exit(), 2);
    rule("sysctl: kernel.printk\nmust: { value: \"4 4 1 7\" }")
        .on(&Memory::new().file("/proc/sys/kernel/printk", 0o644, 0, 0, "4\t4\t1\t7\n"))
        .passes();
}

#[test]
fn a_parameter_that_the_kernel_does_not_have_violates_a_rule_by_default() {
    let without = Memory::new().dir("/proc/sys", 0o555, 0, 0);
    must("value: 0").on(&without).fails_with(ABSENT);
    must("not: { value: 1 }").on(&without).fails_with(ABSENT);
    rule("sysctl: net.ipv4.ip_forward\nabsent: skip\nmust: { value: 0 }")
        .on(&without)
        .skipped_with("exists: this kernel has no such parameter");
}

#[test]
fn what_the_next_boot_sets_is_said_with_its_line() {
    let file = "/etc/sysctl.d/10-net.conf";
    let host = configured(file, "# x\n-net/ipv4/ip_forward=1\n");
    must("configured: 1").on(&host).passes_with(&format!("configured: 1 ({file}:2); expected 1"));
    must("configured: 0").on(&host).fails_with(&format!("configured: 1 ({file}:2); expected 0"));
    must("configured: 0").on(&host).repaired_by(
        "printf '%s\\n' 'net.ipv4.ip_forward = 0' > /etc/sysctl.d/90-net.ipv4.ip_forward.conf && \
         sysctl -p /etc/sysctl.d/90-net.ipv4.ip_forward.conf",
    );
    must("configured: 0").on(&kernel("0")).fails_with("configured: not configured; expected 0");
    assert_eq!(must("configured: 1").on(&host.unreadable(file)).exit(), 2);
}

#[test]
fn drift_between_now_and_the_next_boot_is_found() {
    let host = configured("/etc/sysctl.d/a.conf", "net.ipv4.ip_forward=1");
    must("consistent: true").on(&host).fails_with(
        "consistent: 0 now; the next boot sets: 1 (/etc/sysctl.d/a.conf:1); expected the same now \
         and after the next boot",
    );
    // Which of the two is right, only a demanded value tells; the wrong one is never written down.
    let steps = |demand: &str| {
        let answers = must(demand).on(&host);
        answers.findings.iter().flat_map(|f| f.corrective().to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(steps("consistent: true"), Vec::<String>::new());
    assert_eq!(
        steps("consistent: true, value: 1").last().unwrap(),
        "sysctl -w net.ipv4.ip_forward=1"
    );
    assert!(steps("consistent: true, value: 0")[0].contains("'net.ipv4.ip_forward = 0' >"));
    must("consistent: true").on(&kernel("0")).passes();
    let same = configured("/etc/sysctl.d/a.conf", "net.ipv4.ip_forward =  0 ");
    must("consistent: true, value: 0, configured: 0").on(&same).passes();
    let closed = kernel("0").dir("/etc/sysctl.d", 0o700, 0, 0).unreadable("/etc/sysctl.d");
    must("consistent: true")
        .on(&closed)
        .unknown_with(&format!("consistent: {}", denied("/etc/sysctl.d")));
}

#[test]
fn of_files_with_one_name_the_admins_counts_and_then_the_names_give_the_order() {
    let one = |value: &str| format!("net.ipv4.ip_forward={value}");
    let host = configured("/usr/lib/sysctl.d/50-a.conf", &one("1"))
        .file("/etc/sysctl.d/50-a.conf", 0o644, 0, 0, one("2"))
        .file("/run/sysctl.d/40-b.conf", 0o644, 0, 0, one("3"));
    must("configured: 2").on(&host).passes();
    let masked = configured("/usr/lib/sysctl.d/50-a.conf", &one("1"))
        .symlink("/etc/sysctl.d/50-a.conf", "/dev/null");
    must("configured: 1").on(&masked).fails_with("configured: not configured; expected 1");
}

#[test]
fn an_exact_name_wins_over_patterns_and_a_dash_keeps_them_off() {
    let rule = |value: &str| {
        rule(&format!("sysctl: net.ipv4.conf.eth0.rp_filter\nmust: {{ configured: {value} }}"))
    };
    let host = |text: &str| Memory::new().file("/etc/sysctl.d/a.conf", 0o644, 0, 0, text);
    rule("2").on(&host("net.ipv4.conf.*.rp_filter = 2")).passes();
    let both = "net.ipv4.conf.eth0.rp_filter = 1\nnet.ipv4.conf.*.rp_filter = 2";
    rule("1").on(&host(both)).passes();
    let kept = "-net.ipv4.conf.eth0.rp_filter\nnet.ipv4.conf.*.rp_filter = 2";
    rule("2").on(&host(kept)).fails_with("configured: not configured; expected 2");
    let other = "net.ipv4.*.rp_filter = 2";
    rule("2").on(&host(other)).fails_with("configured: not configured; expected 2");
}

#[test]
fn sysctl_conf_counts_last_where_systemd_is_not() {
    let host = configured("/etc/sysctl.conf", "net.ipv4.ip_forward=1");
    must("configured: 1").on(&host).passes();
    let systemd = host.file("/lib/systemd/systemd-sysctl", 0o755, 0, 0, "");
    must("configured: 1").on(&systemd).fails_with("configured: not configured; expected 1");
}

#[test]
fn a_parameter_with_two_names_has_what_is_written_last() {
    let file = "/etc/sysctl.d/a.conf";
    let both = |text: &str| configured(file, text);
    let last = "net.ipv4.ip_forward=0\nnet/ipv4/conf/all/forwarding=1\n";
    must("configured: 0")
        .on(&both(last))
        .fails_with(&format!("configured: 1 ({file}:2); expected 0"));
    must("configured: 1").on(&both("net.ipv4.conf.all.forwarding=1\n")).passes();
    let other = "sysctl: net.ipv4.conf.all.forwarding\nmust: { configured: 1 }";
    rule(other).on(&both("net.ipv4.ip_forward=1\n")).passes();
    // systemd leaves a line that says the same in the place of the first.
    let again = format!("{last}net.ipv4.ip_forward=0\n");
    must("configured: 0").on(&both(&again)).passes();
    let systemd = both(&again).file("/lib/systemd/systemd-sysctl", 0o755, 0, 0, "");
    must("configured: 1").on(&systemd).passes();
    let config =
        |value: &str| rule(&format!("config: {file}\nmust: {{ net.ipv4.ip_forward: {value} }}"));
    config("{ not: 1 }").on(&both(last)).fails_about("net.ipv4.ip_forward");
    config("1").on(&both(last)).passes();
}

#[test]
fn where_proc_has_no_sys_nothing_is_known_of_a_value() {
    let host = Memory::new();
    assert_eq!(must("value: 0").on(&host).exit(), 2);
}

#[test]
fn of_an_image_only_the_configuration_can_be_asked() {
    let image = configured("/etc/sysctl.d/a.conf", "net.ipv4.ip_forward=0").image();
    must("configured: 0").on(&image).passes();
    must("value: 0").on(&image).skipped_with("value: needs a running host");
}

#[test]
fn what_leads_out_of_proc_sys_is_refused() {
    for name in ["../../etc/shadow", "net/../../x", "\"{..,net}/{..,x}/*\"", "\"\"", "a b"] {
        rule(&format!("sysctl: {name}\nmust: {{ value: 0 }}")).is_refused();
    }
}

/// systemd-sysctl tells the files that it would read; it is not made to set anything.
#[test]
fn systemd_reads_this_hosts_files_in_the_same_order() {
    let Ok(output) = Command::new("/lib/systemd/systemd-sysctl").arg("--cat-config").output()
    else {
        eprintln!("SKIPPED (needs systemd-sysctl): the order of sysctl.d");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<&str> = text
        .lines()
        .filter_map(|l| l.strip_prefix("# /"))
        .filter(|l| l.ends_with(".conf"))
        .collect();
    let mut unread = Vec::new();
    let ours = sysctl_d::order(&Live::new(), &mut unread);
    let real = |path: &std::path::Path| path.display().to_string();
    let ours: Vec<String> = ours.iter().map(|path| real(path)).collect();
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    assert_eq!(
        ours.iter().map(|path| name(path)).collect::<Vec<_>>(),
        theirs.iter().map(|path| name(path)).collect::<Vec<_>>()
    );
    assert!(unread.is_empty() && !ours.is_empty(), "{ours:?}");
}

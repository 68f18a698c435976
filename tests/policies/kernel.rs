//! `policies/kernel.yaml` on the files of a kernel. What a real one says belongs to the machine that
//! the test runs on, and to all who use it; so it lies in files here, mounted where the kernel's are.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "kernel";

/// A hardened kernel, and the files that make the next boot the same.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "mkdir -m 0755 /mnt/.u /mnt/.w
         mount -t overlay overlay -o lowerdir=/usr/lib,upperdir=/mnt/.u,workdir=/mnt/.w /usr/lib
         rm -rf /usr/lib/sysctl.d /usr/lib/modprobe.d /etc/sysctl.d /etc/modprobe.d /etc/sysctl.conf
         mkdir -m 0755 /etc/sysctl.d /etc/modprobe.d
         mkdir -p /usr/lib/modules/$(uname -r)
         echo kernel/fs/ext4/ext4.ko > /usr/lib/modules/$(uname -r)/modules.builtin
         mount -t tmpfs -o nosuid,nodev tmpfs /dev/shm
         [ ! -e /proc/modules ] || { : > /mnt/.modules; mount --bind /mnt/.modules /proc/modules; }
         mount -t tmpfs tmpfs /proc/sys",
    );
    machine.must(SET);
    machine
}

/// Sets a parameter now and for the next boot.
const SET: &str = r#"
set_to() {
    mkdir -p "/proc/sys/${1%/*}"
    echo "$2" > "/proc/sys/$1"
    echo "$1 = $2" >> /etc/sysctl.d/60-hardening.conf
}
set_to fs/protected_symlinks 1
set_to fs/protected_hardlinks 1
set_to fs/protected_fifos 2
set_to fs/protected_regular 2
set_to fs/suid_dumpable 0
set_to kernel/core_pattern '|/usr/lib/systemd/systemd-coredump %P'
set_to kernel/randomize_va_space 2
set_to kernel/kptr_restrict 1
set_to kernel/dmesg_restrict 1
set_to kernel/unprivileged_bpf_disabled 2
set_to kernel/perf_event_paranoid 3
set_to kernel/yama/ptrace_scope 1
set_to net/ipv4/tcp_syncookies 1
set_to net/ipv4/conf/all/accept_source_route 0
set_to net/ipv4/conf/all/accept_redirects 0
set_to net/ipv6/conf/all/accept_redirects 0
set_to net/ipv4/icmp_echo_ignore_broadcasts 1
for module in dccp sctp tipc; do
    echo "install $module /bin/false" >> /etc/modprobe.d/60-hardening.conf
done
echo "blacklist rds" >> /etc/modprobe.d/60-hardening.conf
chmod 0644 /etc/sysctl.d/* /etc/modprobe.d/*
"#;

fn possible() -> bool {
    needs(&[Need::Root, Need::Namespaces])
}

const VIOLATIONS: &[Violation] = &[
    ("kernel-symlinks", "echo 0 > /proc/sys/fs/protected_symlinks"),
    ("kernel-symlinks", "echo fs.protected_symlinks=0 > /etc/sysctl.d/90-x.conf"),
    ("kernel-hardlinks", "echo 0 > /proc/sys/fs/protected_hardlinks"),
    ("kernel-fifos", "echo 0 > /proc/sys/fs/protected_fifos"),
    ("kernel-regular-files", "echo 0 > /proc/sys/fs/protected_regular"),
    ("kernel-setuid-dumps", "echo 1 > /proc/sys/fs/suid_dumpable"),
    ("kernel-core-pattern", "echo '|/tmp/collect' > /proc/sys/kernel/core_pattern"),
    ("kernel-addresses", "echo 1 > /proc/sys/kernel/randomize_va_space"),
    ("kernel-pointers", "echo 0 > /proc/sys/kernel/kptr_restrict"),
    ("kernel-messages", "echo 0 > /proc/sys/kernel/dmesg_restrict"),
    ("kernel-bpf", "echo 0 > /proc/sys/kernel/unprivileged_bpf_disabled"),
    ("kernel-perf", "echo -1 > /proc/sys/kernel/perf_event_paranoid"),
    ("kernel-ptrace", "echo 0 > /proc/sys/kernel/yama/ptrace_scope"),
    ("kernel-syn-cookies", "echo 0 > /proc/sys/net/ipv4/tcp_syncookies"),
    ("kernel-source-route", "echo 1 > /proc/sys/net/ipv4/conf/all/accept_source_route"),
    ("kernel-redirects", "echo 1 > /proc/sys/net/ipv4/conf/all/accept_redirects"),
    ("kernel-redirects-v6", "echo 1 > /proc/sys/net/ipv6/conf/all/accept_redirects"),
    ("kernel-broadcasts", "echo 0 > /proc/sys/net/ipv4/icmp_echo_ignore_broadcasts"),
    ("kernel-no-dccp", "sed -i /dccp/d /etc/modprobe.d/60-hardening.conf"),
    ("kernel-no-sctp", "echo 'install sctp modprobe -i sctp' > /etc/modprobe.d/10-sctp.conf"),
    (
        "kernel-no-tipc",
        "sed -i '/tipc/s|/bin/false|/sbin/modprobe --ignore-install tipc|' /etc/modprobe.d/60-hardening.conf",
    ),
    ("kernel-no-rds", "sed -i /rds/d /etc/modprobe.d/60-hardening.conf"),
    ("kernel-shm", "mount -t tmpfs tmpfs /dev/shm"),
    ("kernel-tmp", "mount -t tmpfs -o nodev tmpfs /tmp"),
    ("kernel-settings-files", "chown 4242 /etc/sysctl.d/60-hardening.conf"),
    ("kernel-settings-files", "chmod 0777 /etc/modprobe.d"),
];

#[test]
fn a_hardened_kernel_holds() {
    if !possible() {
        return;
    }
    check(&stock(), POLICY, &[]).holds_except_skipped(&["kernel-tmp"]);
}

#[test]
fn each_violation_is_told_by_its_rule() {
    if !possible() {
        return;
    }
    each_violation_is_told_by_its_rule_alone(POLICY, stock, VIOLATIONS);
}

#[test]
fn parameters_that_this_kernel_does_not_have_are_not_judged() {
    if !possible() {
        return;
    }
    let machine = stock();
    machine.must("rm -r /proc/sys/kernel/yama /proc/sys/net/ipv6");
    let skipped = ["kernel-ptrace", "kernel-redirects-v6", "kernel-tmp"];
    check(&machine, POLICY, &[]).holds_except_skipped(&skipped);
}

#[test]
fn where_the_kernel_cannot_be_asked_nothing_is_known() {
    if !possible() {
        return;
    }
    let machine = stock();
    machine.must("rm -r /proc/sys/kernel");
    // A container may hide them (`ProcSubset=pid`), and its host has them all the same.
    let verdict = check(&machine, POLICY, &[]);
    assert_eq!(verdict.status, Some(2), "{}", verdict.text);
    assert!(verdict.text.contains("24 rules cannot be decided"), "{}", verdict.text);
}

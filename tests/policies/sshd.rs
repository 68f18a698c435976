//! `policies/sshd.yaml` on the real sshd, as Debian installs it.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "sshd";

/// A stock sshd that runs, and accounts with keys.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "mkdir -p /run/sshd
         rm -rf /etc/ssh/sshd_config.d/*
         cp /usr/share/openssh/sshd_config /etc/ssh/sshd_config
         chown root:root /etc/ssh/sshd_config && chmod 0644 /etc/ssh/sshd_config
         rm -f /etc/ssh/ssh_host_* && ssh-keygen -A >/dev/null
         mount -t tmpfs -o mode=0700 tmpfs /root
         mount -t tmpfs -o mode=0755 tmpfs /home
         mkdir -m 0700 /root/.ssh && touch /root/.ssh/authorized_keys
         mkdir -p /home/alice && mkdir -m 0700 /home/alice/.ssh
         touch /home/alice/.ssh/authorized_keys
         chown -R 4242:4242 /home/alice",
    );
    machine.start("ssh.service", "/usr/sbin/sshd");
    machine.until("sshd listens", || machine.listens(22));
    machine
}

fn possible() -> bool {
    needs(&[
        Need::Root,
        Need::Namespaces,
        Need::Command("sshd"),
        Need::Command("ssh-keygen"),
        Need::Command("nginx"),
    ])
}

const VIOLATIONS: &[Violation] = &[
    ("sshd-root-login", "echo 'PermitRootLogin yes' > /etc/ssh/sshd_config.d/a.conf"),
    (
        "sshd-root-login",
        "printf 'Match Address 10.0.0.0/8\nPermitRootLogin yes\n' >> /etc/ssh/sshd_config",
    ),
    ("sshd-empty-passwords", "echo 'PermitEmptyPasswords yes' >> /etc/ssh/sshd_config"),
    ("sshd-hosts-trusted", "echo 'HostbasedAuthentication yes' >> /etc/ssh/sshd_config"),
    ("sshd-hosts-trusted", "echo 'IgnoreRhosts no' >> /etc/ssh/sshd_config"),
    ("sshd-user-environment", "echo 'PermitUserEnvironment LANG' >> /etc/ssh/sshd_config"),
    ("sshd-strict-modes", "echo 'StrictModes no' >> /etc/ssh/sshd_config"),
    ("sshd-pam", "sed -i 's/^UsePAM.*/UsePAM no/' /etc/ssh/sshd_config"),
    ("sshd-guessing", "echo 'MaxAuthTries 100' >> /etc/ssh/sshd_config"),
    ("sshd-guessing", "echo 'LoginGraceTime 0' >> /etc/ssh/sshd_config"),
    ("sshd-tunnels", "echo 'GatewayPorts clientspecified' >> /etc/ssh/sshd_config"),
    ("sshd-tunnels", "echo 'PermitTunnel yes' >> /etc/ssh/sshd_config"),
    ("sshd-log-level", "echo 'LogLevel QUIET' >> /etc/ssh/sshd_config"),
    ("sshd-algorithms", "echo 'Ciphers +aes128-cbc' >> /etc/ssh/sshd_config"),
    ("sshd-algorithms", "echo 'MACs hmac-sha2-256,hmac-md5' >> /etc/ssh/sshd_config"),
    ("sshd-algorithms", "echo 'KexAlgorithms +diffie-hellman-group1-sha1' >> /etc/ssh/sshd_config"),
    ("sshd-config-files", "chown 4242 /etc/ssh/sshd_config"),
    ("sshd-config-files", "chmod 0777 /etc/ssh/sshd_config.d"),
    ("sshd-host-keys", "chmod 0644 /etc/ssh/ssh_host_rsa_key"),
    ("sshd-public-keys", "chown 4242 /etc/ssh/ssh_host_rsa_key.pub"),
    ("sshd-root-keys", "chown 4242 /root/.ssh/authorized_keys"),
    ("sshd-users-keys", "chmod 0666 /home/alice/.ssh/authorized_keys"),
    (
        "sshd-port",
        "kill $(pgrep -o -x sshd); while pgrep -x sshd >/dev/null; do sleep 0.02; done
         echo 'events { } pid /run/n.pid; http { access_log off; server { listen 22; } }' > /mnt/n.conf
         nginx -c /mnt/n.conf 2>/dev/null
         until ss -Hltn 'sport = :22' | grep -q .; do sleep 0.02; done",
    ),
    (
        "sshd-current",
        "kill $(pgrep -o -x sshd); while pgrep -x sshd >/dev/null; do sleep 0.02; done
         cp /usr/sbin/sshd /mnt/sshd && mount -t tmpfs tmpfs /usr/sbin && cp /mnt/sshd /usr/sbin/sshd
         /usr/sbin/sshd && rm /usr/sbin/sshd && cp /mnt/sshd /usr/sbin/sshd",
    ),
];

#[test]
fn a_stock_sshd_that_runs_holds() {
    if !possible() {
        return;
    }
    check(&stock(), POLICY, &[]).holds_except_skipped(&[]);
}

#[test]
fn each_violation_is_told_by_its_rule() {
    if !possible() {
        return;
    }
    each_violation_is_told_by_its_rule_alone(POLICY, stock, VIOLATIONS);
}

#[test]
fn every_configuration_that_the_violations_write_is_one_that_sshd_takes() {
    if !possible() {
        return;
    }
    for (rule, script) in VIOLATIONS.iter().filter(|(_, script)| script.contains("sshd_config")) {
        let machine = stock();
        machine.must(script);
        let test = machine.sh("/usr/sbin/sshd -t");
        assert!(test.status == Some(0) || rule.ends_with("-files"), "{rule}: {}", test.stderr);
    }
}

#[test]
fn a_host_without_sshd_is_not_judged() {
    if !possible() {
        return;
    }
    let machine = Machine::new();
    machine.must("mount -t tmpfs tmpfs /usr/sbin");
    check(&machine, POLICY, &[]).does_not_apply();
}

//! `policies/redis.yaml` on the real Redis, as Debian installs it.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "redis";

/// A stock Redis that runs as its unit runs it.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "mount -t tmpfs tmpfs /var/lib/redis
         chown redis:redis /var/lib/redis && chmod 0750 /var/lib/redis
         install -d -o redis -g redis -m 0755 /run/redis
         install -d -o redis -g adm -m 2750 /var/log/redis
         install -o redis -g adm -m 0660 /dev/null /var/log/redis/redis-server.log",
    );
    start(&machine, "");
    machine
}

fn start(machine: &Machine, options: &str) {
    machine.start(
        "redis-server.service",
        &format!("{AS_REDIS} redis-server /etc/redis/redis.conf --daemonize yes {options}"),
    );
    machine.until("Redis listens", || machine.listens(6379));
}

const AS_REDIS: &str = "setpriv --reuid=redis --regid=redis --clear-groups --inh-caps=-all";

fn possible() -> bool {
    needs(&[Need::Root, Need::Namespaces, Need::Command("redis-server"), Need::Command("nginx")])
}

const STOP: &str =
    "kill $(pgrep -x redis-server); while pgrep -x redis-server; do sleep 0.02; done";

const VIOLATIONS: &[Violation] = &[
    (
        "redis-port",
        "sed -i 's/^port .*/port 6380/' /etc/redis/redis.conf
         kill $(pgrep -x redis-server); while pgrep -x redis-server >/dev/null; do sleep 0.02; done
         echo 'events { } pid /run/n.pid; http { access_log off; server { listen 127.0.0.1:6379; } }' > /mnt/n.conf
         nginx -c /mnt/n.conf 2>/dev/null
         until ss -Hltn 'sport = :6379' | grep -q .; do sleep 0.02; done",
    ),
    ("redis-conf", "chmod 0644 /etc/redis/redis.conf"),
    ("redis-conf", "chown root:root /etc/redis/redis.conf"),
    ("redis-protected-mode", "sed -i 's/^protected-mode .*/protected-mode no/' /etc/redis/redis.conf"),
    ("redis-protected-mode", "echo 'include /etc/redis/site.conf' >> /etc/redis/redis.conf
         echo 'PROTECTED-MODE no' > /etc/redis/site.conf"),
    ("redis-debug", "echo 'enable-debug-command yes' >> /etc/redis/redis.conf"),
    ("redis-data", "chmod 0755 /var/lib/redis"),
    ("redis-data", "chown root /var/lib/redis"),
    ("redis-logs", "chmod 0644 /var/log/redis/redis-server.log"),
    (
        "redis-account",
        "sed -i 's|^\\(redis:.*\\):/usr/sbin/nologin|\\1:/bin/sh|' /etc/passwd
         sed -i 's/^redis:[^:]*:/redis:$6$salt$x:/' /etc/shadow",
    ),
    (
        "redis-not-root",
        "kill $(pgrep -x redis-server); while pgrep -x redis-server >/dev/null; do sleep 0.02; done
         redis-server /etc/redis/redis.conf --daemonize yes >/dev/null </dev/null
         while ! redis-cli ping >/dev/null 2>&1; do sleep 0.02; done",
    ),
    (
        "redis-port-local",
        "kill $(pgrep -x redis-server); while pgrep -x redis-server >/dev/null; do sleep 0.02; done
         setpriv --reuid=redis --regid=redis --clear-groups --inh-caps=-all \
             redis-server /etc/redis/redis.conf --bind '*' --daemonize yes >/dev/null </dev/null
         while ! redis-cli ping >/dev/null 2>&1; do sleep 0.02; done",
    ),
];

#[test]
fn a_stock_redis_that_runs_holds() {
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
fn a_redis_that_is_stopped_leaves_what_the_files_say() {
    if !possible() {
        return;
    }
    let machine = stock();
    machine.must(STOP);
    check(&machine, POLICY, &[]).holds_except_skipped(&[
        "redis-not-root",
        "redis-port",
        "redis-port-local",
    ]);
}

#[test]
fn a_host_without_redis_is_not_judged() {
    if !possible() {
        return;
    }
    let machine = Machine::new();
    machine.must("rm -rf /etc/redis");
    check(&machine, POLICY, &[]).does_not_apply();
}

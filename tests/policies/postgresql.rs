//! `policies/postgresql.yaml` on a real cluster, as Debian makes one.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "postgresql";

/// A cluster of its own, made by the commands that the package runs, and running.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "rm -rf /etc/postgresql/*
         chown postgres:postgres /etc/postgresql
         mount -t tmpfs tmpfs /var/lib/postgresql
         chown postgres:postgres /var/lib/postgresql
         install -d -o root -g postgres -m 1775 /var/log/postgresql
         install -d -o postgres -g postgres -m 2775 /run/postgresql
         version=$(ls /usr/lib/postgresql | tail -n 1)
         pg_createcluster $version main -- --no-sync >/mnt/log 2>&1 || { cat /mnt/log >&2; exit 1; }
         install -o postgres -m 0600 /dev/null /var/lib/postgresql/.pgpass",
    );
    machine.start("postgresql.service", START);
    machine.until("PostgreSQL listens", || machine.listens(5432));
    machine
}

const START: &str =
    "pg_ctlcluster --skip-systemctl-redirect $(ls /usr/lib/postgresql | tail -n 1) main start";

fn possible() -> bool {
    needs(&[Need::Root, Need::Namespaces, Need::Command("pg_createcluster"), Need::Command("perl")])
}

const VIOLATIONS: &[Violation] = &[
    (
        "postgresql-not-root",
        // The server itself refuses to run as root.
        "cp /bin/sleep /mnt/postgres && /mnt/postgres 600 </dev/null >/dev/null 2>&1 &",
    ),
    (
        "postgresql-port-local",
        "version=$(ls /usr/lib/postgresql | tail -n 1)
         echo \"listen_addresses = '*'\" >> /etc/postgresql/$version/main/postgresql.conf
         pg_ctlcluster --skip-systemctl-redirect $version main restart </dev/null >/dev/null 2>&1",
    ),
    (
        "postgresql-port",
        "pg_ctlcluster --skip-systemctl-redirect $(ls /usr/lib/postgresql | tail -n 1) main stop
         perl -MIO::Socket::INET -e '
            my $s = IO::Socket::INET->new(LocalAddr => \"127.0.0.1\", LocalPort => 5432, Listen => 1) or die;
            exit if fork; close STDOUT; close STDERR; sleep 600'",
    ),
    ("postgresql-trust", "sed -i 's/peer$/trust/' /etc/postgresql/*/main/pg_hba.conf"),
    (
        "postgresql-plain-passwords",
        "sed -i '$a host all app 192.0.2.0/24 password' /etc/postgresql/*/main/pg_hba.conf",
    ),
    (
        "postgresql-password-hashes",
        "echo \"password_encryption = md5\" >> /var/lib/postgresql/$(ls /usr/lib/postgresql | tail -n 1)/main/postgresql.auto.conf",
    ),
    (
        "postgresql-everybody",
        "sed -i '$a hostssl app all 0.0.0.0/0 scram-sha-256' /etc/postgresql/*/main/pg_hba.conf",
    ),
    (
        "postgresql-everybody",
        "sed -i '$a host app all all scram-sha-256' /etc/postgresql/*/main/pg_hba.conf",
    ),
    ("postgresql-conf", "chmod 0666 /etc/postgresql/*/main/postgresql.conf"),
    ("postgresql-conf", "chown 4242 /etc/postgresql/*/main/pg_hba.conf"),
    ("postgresql-hba-private", "chmod 0644 /etc/postgresql/*/main/pg_hba.conf"),
    ("postgresql-data", "chmod 0755 /var/lib/postgresql/*/main"),
    ("postgresql-socket", "chmod 2777 /run/postgresql"),
    ("postgresql-secrets", "chmod 0640 /var/lib/postgresql/.pgpass"),
    ("postgresql-account", "sed -i 's/^postgres:[^:]*:/postgres:$6$salt$x:/' /etc/shadow"),
];

#[test]
fn a_stock_cluster_that_runs_holds() {
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
fn a_host_without_postgresql_is_not_judged() {
    if !possible() {
        return;
    }
    let machine = Machine::new();
    machine.must("rm -rf /etc/postgresql");
    check(&machine, POLICY, &[]).does_not_apply();
}

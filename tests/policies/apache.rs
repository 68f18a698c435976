//! `policies/apache.yaml` on the real apache2, as Debian installs it.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "apache";

/// A stock Apache that runs, with TLS on and a site.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "install -d -o root -g adm -m 0750 /var/log/apache2
         mkdir -p /run/apache2 /run/lock
         mount -t tmpfs -o mode=0755 tmpfs /var/www
         mkdir -p /var/www/html /var/www/html/shop
         mkdir -p /etc/ssl/private
         chown root:root /etc/ssl/private && chmod 0710 /etc/ssl/private
         rm -f /etc/ssl/private/*
         (umask 077; echo key > /etc/ssl/private/site.key)
         printf 'Listen 80\\nListen 443\\n' > /etc/apache2/ports.conf",
    );
    machine.start("apache2.service", START);
    machine.until("apache2 listens", || machine.listens(80) && machine.listens(443));
    machine.until("apache2 has workers", || {
        machine.sh("pgrep --parent $(cat /run/apache2/apache2.pid)").status == Some(0)
    });
    machine
}

const START: &str = ". /etc/apache2/envvars; apache2 -k start";

fn possible() -> bool {
    needs(&[
        Need::Root,
        Need::Namespaces,
        Need::Command("apache2"),
        Need::Command("nginx"),
        Need::Command("pgrep"),
    ])
}

const VIOLATIONS: &[Violation] = &[
    (
        "apache-workers",
        "sed -i 's/^User .*/User somebody/; s/^Group .*/Group nogroup/' /etc/apache2/apache2.conf
         echo 'somebody:x:4242:4242::/:/usr/sbin/nologin' >> /etc/passwd
         kill $(cat /run/apache2/apache2.pid); while pgrep -x apache2 >/dev/null; do sleep 0.02; done
         . /etc/apache2/envvars; apache2 -k start </dev/null >/dev/null 2>&1
         while ! pgrep --uid 4242 apache2 >/dev/null; do sleep 0.02; done",
    ),
    ("apache-run-user", "sed -i 's/APACHE_RUN_USER=.*/APACHE_RUN_USER=root/' /etc/apache2/envvars"),
    ("apache-port", HOLD_80),
    ("apache-tls-port", HOLD_443),
    ("apache-config-files", "chmod 0666 /etc/apache2/sites-available/000-default.conf"),
    ("apache-config-files", "chown 4242 /etc/apache2/conf-enabled"),
    ("apache-keys", "chgrp www-data /etc/ssl/private /etc/ssl/private/site.key; chmod 0640 /etc/ssl/private/site.key"),
    ("apache-logs", "chgrp www-data /var/log/apache2 && chmod 0770 /var/log/apache2"),
    ("apache-content", "chown www-data /var/www/html"),
    ("apache-no-repositories", "mkdir /var/www/html/shop/.git"),
    ("apache-no-repositories", "touch /var/www/html/.env"),
    ("apache-trace", "echo 'TraceEnable On' >> /etc/apache2/apache2.conf"),
    ("apache-trace", "sed -i '/^<VirtualHost/a TraceEnable extended' /etc/apache2/sites-available/000-default.conf"),
    ("apache-account", "sed -i '/^www-data:/s|:[^:]*$|:/bin/bash|' /etc/passwd"),
];

/// Apache keeps the other port, so that its own rules stay decided.
const HOLD_80: &str = "echo 'Listen 443' > /etc/apache2/ports.conf
     echo 'events { } pid /run/n.pid; http { access_log off; server { listen 80; } }' > /mnt/n.conf
     kill $(cat /run/apache2/apache2.pid); while pgrep -x apache2 >/dev/null; do sleep 0.02; done
     . /etc/apache2/envvars; apache2 -k start </dev/null >/dev/null 2>&1
     while ! pgrep --uid www-data apache2 >/dev/null; do sleep 0.02; done
     nginx -c /mnt/n.conf 2>/dev/null
     while ! pgrep --uid www-data nginx >/dev/null && ! pgrep --uid nobody nginx >/dev/null; do sleep 0.02; done";

const HOLD_443: &str = "echo 'Listen 80' > /etc/apache2/ports.conf
     echo 'events { } pid /run/n.pid; http { access_log off; server { listen 443; } }' > /mnt/n.conf
     kill $(cat /run/apache2/apache2.pid); while pgrep -x apache2 >/dev/null; do sleep 0.02; done
     . /etc/apache2/envvars; apache2 -k start </dev/null >/dev/null 2>&1
     while ! pgrep --uid www-data apache2 >/dev/null; do sleep 0.02; done
     nginx -c /mnt/n.conf 2>/dev/null
     while ! pgrep --uid www-data nginx >/dev/null && ! pgrep --uid nobody nginx >/dev/null; do sleep 0.02; done";

#[test]
fn a_stock_apache_that_runs_holds() {
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
fn a_host_without_apache_is_not_judged() {
    if !possible() {
        return;
    }
    let machine = Machine::new();
    machine.must("rm -rf /etc/apache2");
    check(&machine, POLICY, &[]).does_not_apply();
}

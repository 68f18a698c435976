//! `policies/sudo.yaml` on the files that Debian installs.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "sudo";

/// sudo as its package leaves it, and rules of the site that are sound.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "cp /usr/bin/sudo /mnt/sudo
         chmod 4755 /mnt/sudo && mount --bind /mnt/sudo /usr/bin/sudo
         rm -rf /etc/sudoers /etc/sudoers.d
         mkdir -m 0755 /etc/sudoers.d
         printf '%s\\n' 'Defaults\tenv_reset' 'Defaults\tmail_badpass' \
             'Defaults\tsecure_path=\"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\"' \
             'Defaults\tuse_pty' '#Defaults !authenticate' 'root\tALL=(ALL:ALL) ALL' \
             '%sudo\tALL=(ALL:ALL) ALL' '@includedir /etc/sudoers.d' > /etc/sudoers
         printf '%s\\n' 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart site.service' \
             > /etc/sudoers.d/site
         chmod 0440 /etc/sudoers /etc/sudoers.d/site
         touch /etc/sudo.conf
         sed -i '/^\\(sudo\\|wheel\\):/d' /etc/group
         printf 'sudo:x:27:\\nwheel:x:4243:root\\n' >> /etc/group
         echo 'alice:x:4242:4242::/:/bin/sh' >> /etc/passwd
         mkdir -m 0711 /run/sudo && mkdir -m 0700 /run/sudo/ts",
    );
    machine
}

fn possible() -> bool {
    needs(&[Need::Root, Need::Namespaces, Need::Command("sudo")])
}

const VIOLATIONS: &[Violation] = &[
    ("sudo-program", "chmod 4775 /usr/bin/sudo"),
    ("sudo-program", "chmod 0755 /usr/bin/sudo"),
    ("sudo-sudoers", "chmod 0640 /etc/sudoers.d/site"),
    ("sudo-sudoers", "chown 4242 /etc/sudoers"),
    ("sudo-sudoers-directory", "chmod 0775 /etc/sudoers.d"),
    ("sudo-conf", "chown 4242 /etc/sudo.conf"),
    (
        "sudo-nopasswd-all",
        "echo 'alice ALL=(ALL) NOPASSWD:ALL' > /etc/sudoers.d/a && chmod 0440 /etc/sudoers.d/a",
    ),
    (
        "sudo-nopasswd-all",
        "echo 'alice ALL = (ALL) NOEXEC: NOPASSWD : SETENV: ALL' > /etc/sudoers.d/a
         sed -i 's/SETENV: //' /etc/sudoers.d/a && chmod 0440 /etc/sudoers.d/a",
    ),
    ("sudo-authenticate", "echo 'Defaults:alice !authenticate' >> /etc/sudoers.d/site"),
    ("sudo-environment", "echo 'Defaults !env_reset' >> /etc/sudoers.d/site"),
    ("sudo-environment", "echo 'Defaults env_keep += \"LANG LD_PRELOAD\"' >> /etc/sudoers.d/site"),
    ("sudo-environment", "echo 'alice ALL=(ALL) SETENV: ALL' >> /etc/sudoers.d/site"),
    ("sudo-secure-path", "sed -i '/secure_path/d' /etc/sudoers"),
    ("sudo-secure-path", "sed -i 's|:/bin\"|:/home/alice/bin\"|' /etc/sudoers"),
    ("sudo-members", "sed -i 's/^sudo:.*/sudo:x:27:alice/' /etc/group"),
    ("sudo-members", "sed -i 's/^alice:x:4242:4242/alice:x:4242:27/' /etc/passwd"),
    ("sudo-wheel-members", "sed -i 's/^wheel:.*/&,alice/' /etc/group"),
    ("sudo-timestamps", "chmod 0777 /run/sudo/ts"),
];

#[test]
fn stock_files_hold() {
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
fn members_that_are_named_may_be_there() {
    if !possible() {
        return;
    }
    let machine = stock();
    machine.must("sed -i 's/^sudo:.*/sudo:x:27:alice/' /etc/group");
    check(&machine, POLICY, &["--var", "admins=root|alice"]).holds_except_skipped(&[]);
    // A name that only begins like one that is named is another.
    machine.must("echo 'alicent:x:4244:27::/:/bin/sh' >> /etc/passwd");
    let verdict = check(&machine, POLICY, &["--var", "admins=root|alice"]);
    assert!(verdict.rules("fail").contains("sudo-members"), "{}", verdict.text);
}

#[test]
fn rules_that_the_violations_write_are_ones_that_sudo_takes() {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("sudo"), Need::Command("visudo")]) {
        return;
    }
    for (_, script) in VIOLATIONS.iter().filter(|(_, script)| script.contains("echo '")) {
        let machine = stock();
        machine.must(script);
        machine.must("cat /etc/sudoers.d/* > /mnt/rules && visudo --check --file=/mnt/rules");
    }
}

#[test]
fn a_host_without_sudo_is_not_judged() {
    if !possible() {
        return;
    }
    let machine = Machine::new();
    machine.must(
        "mkdir /mnt/bin && mount --bind /usr/bin /mnt/bin && mount -t tmpfs tmpfs /usr/bin
         PATH=/mnt/bin && cp -rs /mnt/bin/. /usr/bin && rm /usr/bin/sudo",
    );
    check(&machine, POLICY, &[]).does_not_apply();
}

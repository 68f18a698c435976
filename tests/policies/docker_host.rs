//! `policies/docker-host.yaml` on files as Docker's packages and its daemon leave them. The daemon
//! itself is not needed for what the policy asks; a process of its name stands in for it.
#![allow(missing_docs)]

use crate::support::shipped::{Violation, check, each_violation_is_told_by_its_rule_alone};
use crate::support::{Machine, Need, needs};

const POLICY: &str = "docker-host";

/// What it keeps of one container.
const CONTAINER: &str =
    "/var/lib/docker/containers/f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473";

/// A host of containers after `apt-get install docker.io`.
fn stock() -> Machine {
    let machine = Machine::new();
    machine.must(
        "sed -i '/^docker:/d' /etc/group
         printf 'docker:x:4243:\\n' >> /etc/group
         echo 'alice:x:4242:4242::/:/bin/sh' >> /etc/passwd
         rm -rf /etc/docker /etc/default/docker
         mkdir -m 0755 /etc/docker
         echo '{ \"log-driver\": \"local\", \"live-restore\": true }' > /etc/docker/daemon.json
         printf '#DOCKER_OPTS=\"-H tcp://0.0.0.0\"\\n' > /etc/default/docker
         mkdir -p /etc/systemd/system/docker.service.d
         printf '[Service]\\nRestart=always\\n' > /etc/systemd/system/docker.service.d/site.conf
         mount -t tmpfs tmpfs /var/lib && mkdir -m 0710 /var/lib/docker
         mkdir /run/containerd
         cp /bin/sleep /mnt/dockerd",
    );
    // As `docker create` has left it.
    for (file, content) in [
        ("config.v2.json", include_str!("../checks/containers/docker-plain.config.v2.json")),
        ("hostconfig.json", include_str!("../checks/containers/docker-plain.hostconfig.json")),
    ] {
        machine.write(&format!("{CONTAINER}/{file}"), content);
    }
    machine.start(
        "docker.service",
        "cat > /mnt/bind.pl <<'PERL'
use IO::Socket::UNIX;
my @sockets = map { IO::Socket::UNIX->new(Local => $_, Listen => 1) or die } @ARGV;
sleep 600;
PERL
         perl /mnt/bind.pl /run/docker.sock /run/containerd/containerd.sock &
         /mnt/dockerd 600 &",
    );
    machine.until("the sockets are there", || {
        machine.sh("test -S /run/docker.sock -a -S /run/containerd/containerd.sock").status
            == Some(0)
    });
    machine.must(
        "chown root:docker /run/docker.sock
         chmod 0660 /run/docker.sock /run/containerd/containerd.sock",
    );
    machine
}

fn possible() -> bool {
    needs(&[Need::Root, Need::Namespaces, Need::Command("perl")])
}

const VIOLATIONS: &[Violation] = &[
    ("docker-group", "sed -i 's/^docker:.*/docker:x:4243:alice/' /etc/group"),
    ("docker-socket", "chmod 0666 /run/docker.sock"),
    ("docker-socket", "chown 4242 /run/docker.sock"),
    ("docker-containerd-socket", "chgrp docker /run/containerd/containerd.sock"),
    (
        "docker-no-open-port",
        "perl -MIO::Socket::INET -e '
            my $s = IO::Socket::INET->new(LocalPort => 2375, Listen => 1) or die;
            exit if fork; close STDOUT; close STDERR; sleep 600'",
    ),
    (
        "docker-hosts",
        "echo '{ \"hosts\": [\"unix:///run/docker.sock\", \"tcp://0.0.0.0:2376\"] }' > /etc/docker/daemon.json",
    ),
    (
        "docker-registries",
        "echo '{ \"insecure-registries\": [\"192.0.2.1:5000\"] }' > /etc/docker/daemon.json",
    ),
    ("docker-iptables", "echo '{ \"iptables\": false }' > /etc/docker/daemon.json"),
    ("docker-config-files", "chown 4242 /etc/docker/daemon.json"),
    ("docker-config-files", "chmod 0777 /etc/docker"),
    ("docker-defaults", "chmod 0666 /etc/default/docker"),
    ("docker-defaults", "echo 'DOCKER_OPTS=\"-H tcp://0.0.0.0\"' >> /etc/default/docker"),
    ("docker-units", "chmod 0666 /etc/systemd/system/docker.service.d/site.conf"),
    ("docker-data", "chmod 0755 /var/lib/docker"),
    ("docker-current", "rm /mnt/dockerd"),
    (
        "docker-containers-privileged",
        "cd /var/lib/docker/containers/f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473 && sed -i 's/\"Binds\":null/\"Binds\":[\"\\/run:\\/x\"]/' hostconfig.json",
    ),
    (
        "docker-containers-host",
        "cd /var/lib/docker/containers/f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473 && sed -i 's/\"Binds\":null/\"Binds\":[\"\\/etc:\\/x:ro\"]/' hostconfig.json",
    ),
    (
        "docker-containers-host",
        "cd /var/lib/docker/containers/f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473 && sed -i 's/\"PidMode\":\"\"/\"PidMode\":\"host\"/' hostconfig.json",
    ),
    (
        "docker-containers-kernel",
        "cd /var/lib/docker/containers/f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473 && sed -i 's/\"CapAdd\":null/\"CapAdd\":[\"SYS_ADMIN\"]/' hostconfig.json",
    ),
    (
        "docker-containers-kernel",
        "cd /var/lib/docker/containers/f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473 && sed -i 's/\"SecurityOpt\":null/\"SecurityOpt\":[\"seccomp=unconfined\"]/' hostconfig.json",
    ),
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
    machine.must("sed -i 's/^docker:.*/docker:x:4243:alice/' /etc/group");
    check(&machine, POLICY, &["--var", "docker_users=alice"]).holds_except_skipped(&[]);
}

#[test]
fn on_a_host_without_docker_only_its_open_port_is_looked_for() {
    if !possible() {
        return;
    }
    let machine = Machine::new();
    machine.must(
        "sed -i '/^docker:/d' /etc/group
         rm -rf /etc/docker /etc/default/docker /etc/systemd/system/docker.*
         mount -t tmpfs tmpfs /var/lib
         if ls /usr/lib/systemd/system/docker.* /usr/lib/systemd/system/containerd.* >/dev/null 2>&1
         then mount -t tmpfs tmpfs /usr/lib/systemd/system; fi",
    );
    let verdict = check(&machine, POLICY, &[]);
    assert_eq!(verdict.status, Some(0), "{}", verdict.text);
    let passed: Vec<String> = verdict.rules("pass").into_iter().collect();
    assert_eq!(passed, ["docker-no-open-port"], "{}", verdict.text);
}

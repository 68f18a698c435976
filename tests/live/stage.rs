//! The stage on which other tests play: each state really is what it claims to be, asked with
//! tools that are not spotcheck.

use crate::support::{Machine, Need, Stage, needs};
use std::fs;

const NGINX_CONF: &str = "stat -c '%U:%G %a' /etc/nginx/nginx.conf";
const WHO_LISTENS: &str = "ss -H -ltnp";
const ASK: &str = r"exec 3<>/dev/tcp/127.0.0.1/8080
    printf 'GET / HTTP/1.0\r\n\r\n' >&3
    cat <&3";

/// The users of all processes of this name, sorted, as `ps` tells them.
fn users_of(stage: &Stage, name: &str) -> Vec<String> {
    let listing = stage.sh(&format!("ps -C {name} -o ruser=,euser=,suser=,fuser=")).stdout;
    let mut users: Vec<String> = listing
        .lines()
        .map(|line| {
            let mut columns: Vec<&str> = line.split_whitespace().collect();
            columns.dedup();
            columns.join("/")
        })
        .collect();
    users.sort();
    users
}

fn answer(stage: &Stage) -> String {
    stage.must(&format!("bash -c \"{}\"", ASK.replace('\\', r"\\")))
}

#[test]
fn before_nginx_runs_as_nginx_and_answers_on_its_port() {
    let Some(stage) = Stage::healthy() else { return };
    assert_eq!(users_of(&stage, "nginx"), ["nginx", "nginx", "nginx"]);
    assert!(users_of(&stage, "apache2").is_empty());
    assert_eq!(stage.must(NGINX_CONF), "nginx:nginx 640\n");
    let listeners = stage.must(WHO_LISTENS);
    assert_eq!(listeners.lines().count(), 1, "{listeners}");
    assert!(listeners.contains(":8080") && listeners.contains("\"nginx\""), "{listeners}");
    assert!(answer(&stage).ends_with("Spot's Spot\n"));
}

#[test]
fn during_the_incident_apache_has_the_port_and_the_configuration_is_locked() {
    let Some(stage) = Stage::healthy() else { return };
    stage.attack();
    assert!(users_of(&stage, "nginx").is_empty());
    assert!(users_of(&stage, "apache2").contains(&"www-data".to_owned()));
    assert_eq!(stage.must(NGINX_CONF), "root:root 0\n");
    assert!(stage.must("cat /etc/nginx/nginx.conf").contains("listen 8081;"));
    assert_eq!(stage.must("stat -c '%U:%G' /etc/nginx/mime.types"), "nginx:nginx\n");
    let listeners = stage.must(WHO_LISTENS);
    assert_eq!(listeners.lines().count(), 1, "{listeners}");
    assert!(listeners.contains(":8080") && listeners.contains("\"apache2\""), "{listeners}");
    assert!(answer(&stage).contains("Server: Apache"));
}

#[test]
fn after_the_repair_nginx_is_back_with_the_mode_that_the_engineers_left() {
    let Some(stage) = Stage::healthy() else { return };
    stage.attack();
    stage.repair();
    assert_eq!(users_of(&stage, "nginx"), ["nginx", "nginx", "nginx"]);
    assert!(users_of(&stage, "apache2").is_empty());
    assert_eq!(stage.must(NGINX_CONF), "nginx:nginx 700\n");
    assert!(stage.must("cat /etc/nginx/nginx.conf").contains("listen 8080;"));
    assert!(answer(&stage).ends_with("Spot's Spot\n"));
}

#[test]
fn as_root_means_a_master_of_root_and_workers_of_nginx() {
    let Some(stage) = Stage::healthy() else { return };
    stage.nginx_as_root();
    assert_eq!(users_of(&stage, "nginx"), ["nginx", "nginx", "root"]);
    assert!(answer(&stage).ends_with("Spot's Spot\n"));
}

#[test]
fn daemons_are_in_the_control_groups_of_their_units() {
    if !needs(&[Need::Root, Need::ControlGroups]) {
        return;
    }
    let Some(stage) = Stage::healthy() else { return };
    assert!(stage.has_units());
    let cgroup = stage.must("cat /proc/$(cat /run/nginx/nginx.pid)/cgroup");
    assert!(cgroup.lines().any(|line| line.ends_with(":/system.slice/nginx.service")), "{cgroup}");
}

#[test]
fn nothing_of_it_is_seen_outside() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let before = fs::read("/etc/passwd").unwrap();
    let machine = Machine::new();
    machine.write("/etc/spotcheck-was-here", "x");
    machine.must("echo intruder:x:0:0::/:/bin/sh >> /etc/passwd; echo x > /run/spotcheck-was-here");
    machine.start_program("sleeper.service", "/usr/bin/sleep", "1000");
    let namespace = fs::read_link(machine.outside("/proc/1/ns/pid")).unwrap();
    let lives = || {
        fs::read_dir("/proc").unwrap().flatten().any(|process| {
            fs::read_link(process.path().join("ns/pid")).is_ok_and(|other| other == namespace)
        })
    };
    assert!(lives());
    drop(machine);
    assert!(!lives());
    assert_eq!(fs::read("/etc/passwd").unwrap(), before);
    assert!(!fs::exists("/etc/spotcheck-was-here").unwrap());
    assert!(!fs::exists("/run/spotcheck-was-here").unwrap());
}

#[test]
fn the_program_under_test_runs_inside_with_and_without_root() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    assert_ne!(machine.run(&["--version"]).status, None);
    assert_ne!(machine.run_as(65534, &["--version"]).status, None);
    assert_eq!(machine.run_as(65534, &["--version"]), machine.run(&["--version"]));
}

#[test]
fn a_command_that_fails_inside_is_told_with_its_output() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let output = Machine::new().sh("echo out; echo err >&2; exit 7");
    assert_eq!((output.status, &*output.stdout, &*output.stderr), (Some(7), "out\n", "err\n"));
}

//! `same_as`: a value that is a fact of another subject, for every kind of reference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, denied, rule};
use spotcheck::targets::memory::{Memory, Running};

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("nginx", 101, 101)
        .group("root", 0, &[])
        .group("nginx", 101, &[])
        .file("/srv/a", 0o640, 101, 101, "")
        .file("/srv/b", 0o644, 0, 0, "")
}

fn nginx(pid: u32, uid: u32) -> Running {
    Running::program(pid, "/usr/sbin/nginx").owned_by(uid, uid)
}

fn file(conditions: &str) -> Rule {
    rule(&format!("file: /srv/a\nmust: {{ {conditions} }}"))
        .given("services: { nginx: { exe: /usr/sbin/nginx } }")
}

#[test]
fn a_file_may_have_to_belong_to_whom_a_service_runs_as() {
    let owner =
        file("owner: { same_as: service.nginx.user }, group: { same_as: service.nginx.group }");
    let words = "owner: nginx; expected nginx (the same as service.nginx.user)";
    owner.on(&host().process(nginx(9, 101))).passes_with(words);
    let words = "owner: nginx; expected root (the same as service.nginx.user)";
    owner.on(&host().process(nginx(9, 0))).fails_with(words);
}

#[test]
fn what_is_not_there_or_not_one_value_is_unknown() {
    let owner = file("owner: { same_as: service.nginx.user }");
    owner.on(&host()).unknown_with("owner: service.nginx.user: there is nothing to compare with");
    let both = host().process(nginx(9, 0)).process(nginx(10, 101).child_of(9));
    owner.on(&both).unknown_with("owner: service.nginx.user: is not one value, but nginx, root");
    file("owner: { same_as: service.nginx.workers.user }").on(&both).passes();
    let hidden = host().process(nginx(9, 101)).hiding_processes(denied("/proc"));
    assert_eq!(owner.on(&hidden).exit(), 2);
    file("not: { owner: { same_as: service.nginx.user } }")
        .on(&host())
        .unknown_with("not: service.nginx.user: there is nothing to compare with");
}

#[test]
fn operators_lists_and_combinations_take_references() {
    file("owner: { not: { same_as: file./srv/b.owner } }").on(&host()).passes();
    file("owner: [root, { same_as: user.nginx.uid }]").on(&host()).passes();
    file("any: [{ owner: bin }, { mode: { same_as: file./srv/a.mode } }]").on(&host()).passes();
    file("mode: { same_as: file./srv/b.mode }")
        .on(&host())
        .fails_with("mode: 0640; expected 0644 (the same as file./srv/b.mode)");
}

#[test]
fn ports_and_settings_of_two_files_are_compared() {
    let host = |port: &str| {
        let nginx = "http { server { listen 8080 default_server; } }";
        host().file("/etc/nginx/nginx.conf", 0o644, 0, 0, nginx).file(
            "/etc/app/app.json",
            0o644,
            0,
            0,
            format!("{{ \"upstream\": {port} }}"),
        )
    };
    let rule = rule(
        "config: /etc/app/app.json\n\
         must: { upstream: { same_as: config./etc/nginx/nginx.conf.http.server.listen } }",
    );
    rule.on(&host("8080")).passes();
    assert_eq!(rule.on(&host("80")).exit(), 1);
    assert_eq!(rule.on(&host("8080").unreadable("/etc/nginx/nginx.conf")).exit(), 2);
}

#[test]
fn units_packages_and_kernel_parameters_can_be_referred_to() {
    let host = host()
        .file("/usr/lib/systemd/system/nginx.service", 0o644, 0, 0, "[Service]\nUser=nginx\n")
        .file(
            "/var/lib/dpkg/status",
            0o644,
            0,
            0,
            "Package: a\nStatus: install ok installed\nVersion: 1.2\n\n\
             Package: b\nStatus: install ok installed\nVersion: 1.10\n",
        )
        .file("/proc/sys/fs/file-max", 0o644, 0, 0, "100\n")
        .file("/etc/sysctl.d/a.conf", 0o644, 0, 0, "fs.file-max = 50\n");
    file("owner: { same_as: unit.nginx.service.user }").on(&host).passes();
    file("group: { same_as: unit.nginx.service.group }").on(&host).passes();
    file("owner: { same_as: unit.nginx.service.Service.User }").on(&host).passes();
    rule("package: b\nmust: { version: { at_least: { same_as: package.a.version } } }")
        .on(&host)
        .passes();
    rule("sysctl: fs.file-max\nmust: { value: { same_as: sysctl.fs.file-max.configured } }")
        .on(&host)
        .fails_with(
            "value: 100; the next boot sets: 50 (/etc/sysctl.d/a.conf:1); expected 50 (the same as \
             sysctl.fs.file-max.configured)",
        );
}

#[test]
fn a_value_that_the_condition_cannot_have_is_unknown() {
    let host =
        host().file("/usr/lib/systemd/system/a.service", 0o644, 0, 0, "[Service]\nUser=a b\n");
    let answers = file("owner: { same_as: unit.a.service.user }").on(&host);
    assert_eq!(answers.exit(), 2, "{answers}");
}

#[test]
fn references_to_nothing_are_refused() {
    let refused = |conditions: &str, words: &str| {
        let refusal = file(conditions).is_refused();
        assert!(refusal.contains(words), "{refusal}");
    };
    refused("owner: { same_as: service.ngnix.user }", "did you mean `nginx`");
    refused("owner: { same_as: service.nginx.usr }", "did you mean `user`");
    refused("owner: { same_as: nginx }", "not a reference");
    refused("owner: { same_as: file.a.owner }", "absolute path");
    refused("owner: { same_as: config./etc/x.y }", "tells its format");
    refused("owner: { same_as: service.nginx.user, not: root }", "nothing beside `same_as`");
    refused("exists: { same_as: file./srv/b.owner }", "does not take the value of another subject");
    refused("ownr: { same_as: file./srv/b.owner }", "ownr");
}

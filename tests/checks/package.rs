//! `package:`: every condition with each of its outcomes, on plain data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, rule};
use spotcheck::targets::memory::Memory;

const STATUS: &str = "/var/lib/dpkg/status";

fn must(conditions: &str) -> Rule {
    rule(&format!("package: nginx\nmust: {{ {conditions} }}"))
}

/// A Debian host on which nginx has this status and version.
fn debian(status: &str, version: &str) -> Memory {
    let other = "Package: base\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
    let nginx = format!(
        "Package: nginx\nStatus: {status}\nArchitecture: amd64\nVersion: {version}\n\
         Description: web server\n Package: not-this-one\n"
    );
    Memory::new().file(STATUS, 0o644, 0, 0, format!("{other}\n{nginx}\n"))
}

fn installed() -> Memory {
    debian("install ok installed", "1.22.1-9+deb12u2")
}

fn without() -> Memory {
    Memory::new().file(STATUS, 0o644, 0, 0, "Package: base\nStatus: install ok installed\n")
}

fn alpine(world: &str) -> Memory {
    Memory::new()
        .file("/lib/apk/db/installed", 0o644, 0, 0, "C:Q1x\nP:nginx\nV:1.24.0-r7\nA:x86_64\n\n")
        .file("/etc/apk/world", 0o644, 0, 0, world)
}

#[test]
fn an_installed_package_is_installed_and_another_is_not() {
    must("installed: true")
        .on(&installed())
        .passes_with("installed: installed 1.22.1-9+deb12u2; expected installed");
    must("installed: false")
        .on(&installed())
        .fails_with("installed: installed 1.22.1-9+deb12u2; expected not installed")
        .repaired_by("apt-get remove nginx");
    must("installed: false").on(&without()).passes();
    must("installed: true")
        .on(&without())
        .fails_with("installed: not installed; expected installed")
        .repaired_by("apt-get install nginx");
    rule("package: not-this-one\nmust: { installed: false }").on(&installed()).passes();
}

#[test]
fn without_a_database_nothing_is_known_about_packages() {
    for conditions in ["installed: false", "installed: true", "version: \"1\""] {
        let answers = must(conditions).on(&Memory::new());
        assert_eq!(answers.exit(), 2, "{answers}");
        let answers = must(conditions).on(&installed().unreadable(STATUS));
        assert_eq!(answers.exit(), 2, "{answers}");
    }
}

#[test]
fn a_part_that_cannot_be_read_leaves_what_is_not_seen_unknown() {
    let damaged = Memory::new().file(STATUS, 0o644, 0, 0, "Package: a\nStatus: odd\n");
    let words = "installed: /var/lib/dpkg/status: line 1: Status: of a does not have three words";
    must("installed: false").on(&damaged).unknown_with(words);
    rule("package: nginx\nabsent: skip\nmust: { version: \"1\" }").on(&damaged).unknown_with(words);
}

#[test]
fn leftover_configuration_is_not_a_package() {
    let removed = debian("deinstall ok config-files", "1.22.1-9");
    must("installed: false").on(&removed).passes();
    must("installed: true")
        .on(&removed)
        .fails_with("installed: removed, its configuration is left; expected installed");
    must("version: \"1.22.1-9\"")
        .on(&removed)
        .fails_with("installed: removed, its configuration is left; expected installed");
}

#[test]
fn a_package_that_is_half_there_is_neither_installed_nor_gone() {
    let half = debian("install ok half-configured", "1.22.1-9");
    let words = "installed: half-configured 1.22.1-9; expected installed";
    must("installed: true").on(&half).fails_with(words).repaired_by("dpkg --configure nginx");
    must("installed: false").on(&half).fails_with(&words.replace("expected", "expected not"));
    must("installed: true").on(&debian("install ok triggers-pending", "1")).passes();
}

#[test]
fn versions_are_compared_as_the_manager_does() {
    let words = "version: 1.22.1-9+deb12u2; expected at least 1.22.1-9+deb12u3";
    must("version: { at_least: \"1.22.1-9+deb12u3\" }")
        .on(&installed())
        .fails_with(words)
        .repaired_by("apt-get install --only-upgrade nginx");
    must("version: { at_least: \"1.9\", at_most: \"1.22.1-10\" }").on(&installed()).passes();
    must("version: { matches: '^1\\.22\\.' }").on(&installed()).passes();
    must("version: \"1.22.1\"")
        .on(&installed())
        .fails_with("version: 1.22.1-9+deb12u2; expected 1.22.1");
    must("version: { not: \"1.22.1-9+deb12u2\" }")
        .on(&installed())
        .fails_with("version: 1.22.1-9+deb12u2; expected not 1.22.1-9+deb12u2");
    must("version: { at_least: \"1.24.0_rc1\" }").on(&alpine("nginx")).passes();
}

#[test]
fn the_version_of_a_package_that_is_not_there_is_a_violation_or_skipped() {
    let words = "installed: not installed; expected installed";
    must("version: { not: \"1\" }").on(&without()).fails_with(words);
    must("not: { version: \"1\" }").on(&without()).fails_with(words);
    rule("package: nginx\nabsent: skip\nmust: { version: \"1\" }")
        .on(&without())
        .skipped_with("installed: not installed");
    must("any: [{ installed: false }, { version: { at_least: \"2\" } }]").on(&without()).passes();
}

#[test]
fn a_hold_is_dpkgs_or_a_version_in_apks_world() {
    must("held: true").on(&debian("hold ok installed", "1")).passes();
    must("held: true")
        .on(&installed())
        .fails_with("held: not held; expected held")
        .repaired_by("apt-mark hold nginx");
    must("held: true").on(&alpine("nginx=1.24.0-r7 busybox")).passes();
    must("held: false").on(&alpine("nginx busybox>1")).passes();
    let unread = alpine("nginx").unreadable("/etc/apk/world");
    assert_eq!(must("held: false").on(&unread).exit(), 2);
}

#[test]
fn each_architecture_is_judged() {
    let both = Memory::new().file(
        STATUS,
        0o644,
        0,
        0,
        "Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2\n\n\
         Package: nginx\nStatus: install ok installed\nArchitecture: i386\nVersion: 1\n",
    );
    must("version: { at_least: \"2\" }")
        .on(&both)
        .fails_with("version: 2 (amd64), 1 (i386); expected at least 2");
    rule("package: nginx:amd64\nmust: { version: { at_least: \"2\" }, architecture: amd64 }")
        .on(&both)
        .passes();
    rule("package: nginx:arm64\nmust: { installed: false }").on(&both).passes();
}

#[test]
fn what_is_no_version_or_no_name_is_refused() {
    must("version: latest").is_refused();
    must("version: \"1 or 2\"").is_refused();
    rule("package: \"nginx*/x\"\nmust: { installed: true }").is_refused();
    rule("package: \"nginx x\"\nmust: { installed: true }").is_refused();
}

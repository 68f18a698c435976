//! `mount:`: every condition with each of its outcomes on plain data, and this host's mounts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, Rule, needs, rule};
use spotcheck::formats::mounts;
use spotcheck::targets::live::Live;
use spotcheck::targets::memory::Memory;
use std::process::Command;

const NOTHING: &str = "mounted: nothing is mounted there; expected mounted";

fn must(conditions: &str) -> Rule {
    rule(&format!("mount: /data\nmust: {{ {conditions} }}"))
}

/// A host with these lines, each of which stands for a mount.
fn mounted(lines: &[&str]) -> Memory {
    let text: String = lines.iter().map(|line| format!("20 1 8:1 / {line}\n")).collect();
    Memory::new().file("/proc/self/mountinfo", 0o444, 0, 0, text)
}

fn data(options: &str) -> Memory {
    mounted(&["/ rw - ext4 /dev/sda1 rw", &format!("/data {options} - ext4 /dev/sdb1 rw,quota")])
}

fn fstab(host: Memory, line: &str) -> Memory {
    host.file("/etc/fstab", 0o644, 0, 0, format!("# x\n{line}\n"))
}

#[test]
fn what_is_mounted_is_mounted_and_elsewhere_nothing_is() {
    must("mounted: true, filesystem: ext4, source: /dev/sdb1").on(&data("rw")).passes();
    must("mounted: false")
        .on(&data("rw"))
        .fails_with("mounted: /dev/sdb1 ext4 quota,rw; expected not mounted")
        .repaired_by("umount /data");
    must("mounted: false").on(&mounted(&["/ rw - ext4 /dev/sda1 rw"])).passes();
    must("mounted: true").on(&mounted(&[])).fails_with(NOTHING).repaired_by("mount /data");
    must("options: { all: ro }").on(&mounted(&[])).fails_with(NOTHING);
    must("not: { options: { all: rw } }").on(&mounted(&[])).fails_with(NOTHING);
    rule("mount: /data\nabsent: skip\nmust: { options: { all: ro } }")
        .on(&mounted(&[]))
        .skipped_with("mounted: nothing is mounted there");
}

#[test]
fn a_mount_that_a_later_one_covers_is_not_what_a_path_lies_on() {
    let table = |lines: &str| Memory::new().file("/proc/self/mountinfo", 0o444, 0, 0, lines);
    let covered = table(
        "20 1 8:1 / / rw - ext4 a rw\n21 20 0:1 / /x rw - tmpfs t rw\n22 21 0:2 / /x/y rw,noexec - tmpfs t rw\n\
         23 21 0:3 / /x rw,nosuid - tmpfs t rw\n",
    );
    let at =
        |path: &str, conditions: &str| rule(&format!("mount: {path}\nmust: {{ {conditions} }}"));
    at("/x/y", "mounted: true").on(&covered).fails_about("nothing is mounted there");
    at("/x/y", "options: { all: [noexec] }").on(&covered).fails_about("nothing is mounted there");
    at("/x", "options: { all: [nosuid] }").on(&covered).passes();
    // Listed first, and still the one on top.
    let odd = table(
        "30 20 0:2 / /x rw,ro - tmpfs t rw\n20 1 8:1 / / rw - ext4 a rw\n31 30 0:3 / /x rw - tmpfs t rw\n",
    );
    at("/x", "options: { all: [rw] }").on(&odd).passes();
    let linked = covered.dir("/x", 0o755, 0, 0).symlink("/link", "x").symlink("/far", "link");
    at("/link", "mounted: false").on(&linked).fails_about("expected not mounted");
    at("/far", "options: { all: [nosuid] }").on(&linked).passes();
}

#[test]
fn a_size_is_the_same_in_every_unit() {
    let host = data("rw");
    let sized = host.file(
        "/proc/self/mountinfo",
        0o444,
        0,
        0,
        "20 1 8:1 / / rw - ext4 a rw\n21 20 0:1 / /data rw - tmpfs t rw,size=1024k,mode=755\n",
    );
    must("options: { all: [size=1m] }").on(&sized).passes();
    must("options: { all: [size=1048576, mode=0755] }").on(&sized).passes();
    must("options: { all: [size=2m] }").on(&sized).fails_about("lacks size=2m");
    must("options: { all: [size=50%] }").on(&sized).unknown_about("which may be the same");
}

#[test]
fn what_the_kernel_does_not_tell_or_is_not_understood_is_unknown() {
    assert_eq!(must("mounted: false").on(&Memory::new()).exit(), 2);
    assert_eq!(must("mounted: false").on(&mounted(&["/x rw"])).exit(), 2);
    let closed = data("rw").unreadable("/proc/self/mountinfo");
    assert_eq!(must("mounted: true").on(&closed).exit(), 2);
}

#[test]
fn options_of_the_mount_and_of_the_filesystem_are_in_force() {
    must("options: { all: [nosuid, quota] }").on(&data("rw,nosuid")).passes();
    must("options: { all: [nosuid, noexec, quota] }")
        .on(&data("rw,nosuid"))
        .fails_with(
            "options: lacks noexec (/dev/sdb1 ext4 nosuid,quota,rw); expected all of nosuid, noexec, quota",
        )
        .repaired_by("mount -o remount,noexec /data");
    must("no_options: [exec, dev]").on(&data("rw,noexec,nodev")).passes();
    must("no_options: exec")
        .on(&data("rw"))
        .fails_with("no_options: has exec (/dev/sdb1 ext4 quota,rw); expected none of exec");
    must("options: { all: [suid, dev, exec, async] }").on(&data("rw")).passes();
}

#[test]
fn a_read_only_mount_of_a_writable_filesystem_is_read_only() {
    must("options: { all: ro, none: rw }").on(&data("ro")).passes();
    must("options: { all: rw }")
        .on(&data("ro"))
        .fails_with("options: lacks rw (/dev/sdb1 ext4 quota,ro); expected rw");
}

#[test]
fn of_several_mounts_over_one_path_the_last_is_seen() {
    let over = mounted(&["/data rw - ext4 /dev/sdb1 rw", "/data rw - tmpfs tmpfs rw"]);
    must("filesystem: tmpfs").on(&over).passes();
    must("filesystem: [ext4, xfs]")
        .on(&over)
        .fails_with("filesystem: tmpfs; expected one of ext4, xfs");
}

#[test]
fn a_path_with_spaces_is_told_apart() {
    let host = mounted(&["/my\\040data rw - ext4 /dev/sdb1 rw"]);
    rule("mount: /my data/\nmust: { mounted: true }").on(&host).passes();
}

#[test]
fn fstab_is_compared_with_what_is() {
    let as_configured = must("as_configured: true");
    let line = "UUID=1 /data ext4 defaults,nosuid,nofail,x-systemd.automount 0 2";
    let data = |options: &str| data(options).file("/dev/sdb1", 0o600, 0, 0, "");
    let data = |options: &str| data(options).symlink("/dev/disk/by-uuid/1", "../../sdb1");
    as_configured.on(&fstab(data("rw,nosuid"), line)).passes();
    as_configured
        .on(&fstab(data("rw"), line))
        .fails_with(
            "as_configured: lacks nosuid (/dev/sdb1 ext4 quota,rw); expected mounted as /etc/fstab \
             asks for",
        )
        .repaired_by("mount -o remount /data");
    as_configured.on(&fstab(data("rw"), "tmpfs /data tmpfs defaults")).fails_with(
        "as_configured: is ext4, not tmpfs (/dev/sdb1 ext4 quota,rw); expected mounted as \
         /etc/fstab asks for",
    );
    as_configured.on(&data("rw")).fails_with(
        "as_configured: /etc/fstab does not have it; expected mounted as /etc/fstab asks for",
    );
    let closed = fstab(data("rw"), line).unreadable("/etc/fstab");
    assert_eq!(as_configured.on(&closed).exit(), 2);
    assert_eq!(as_configured.on(&fstab(data("rw"), "half a-line")).exit(), 2);
}

/// What the kernel shows of `/data` against the line that asks for it.
fn planned(live: &str, line: &str) -> String {
    let host = mounted(&[&format!("/data {live}")]);
    let host = host.file("/dev/sdb1", 0o600, 0, 0, "").file("/dev/sdc1", 0o600, 0, 0, "");
    let host = host.symlink("/dev/disk/by-uuid/1", "../../sdb1");
    let host = host.symlink("/dev/mapper/data", "../sdc1");
    let answers = must("as_configured: true").on(&fstab(host, line));
    answers.to_string()
}

fn passed(answers: &str) -> bool {
    answers.starts_with("pass as_configured: ")
}

#[test]
fn what_fstab_does_not_forbid_is_asked_for() {
    let line = "/dev/sdb1 /data ext4 defaults,errors=remount-ro";
    let live = |options| format!("{options} - ext4 /dev/sdb1 rw,errors=remount-ro");
    assert!(passed(&planned(&live("rw"), line)));
    assert!(planned(&live("ro"), line).contains("as_configured: is read-only ("));
    let line = "/dev/sdb1 /data ext4 user,exec";
    let live = |options| format!("{options} - ext4 /dev/sdb1 rw");
    assert!(passed(&planned(&live("rw,nosuid,nodev"), line)));
    assert!(planned(&live("rw,nosuid"), line).contains("as_configured: lacks nodev ("));
}

#[test]
fn another_device_than_the_one_of_fstab_is_a_difference() {
    for (source, line) in [
        ("/dev/sdc1", "UUID=1 /data ext4 defaults"),
        ("/dev/sdc1", "/dev/sdb1 /data ext4 defaults"),
        ("/dev/mapper/data", "UUID=\"1\" /data ext4 defaults"),
        ("nas:/a", "nas:/b /data auto defaults"),
    ] {
        let text = planned(&format!("rw - ext4 {source} rw"), line);
        assert!(text.contains(&format!("as_configured: is of {source}, not of ")), "{text}");
    }
    assert!(passed(&planned("rw - ext4 /dev/sdc1 rw", "/dev/mapper/data /data ext4")));
    let text = planned("rw - ext4 /dev/sdc1 rw", "LABEL=x /data ext4");
    assert!(text.contains("/dev/disk/by-label/x: there is no such device"), "{text}");
}

#[test]
fn options_are_compared_as_the_kernel_words_them() {
    let tmpfs = "rw,nosuid - tmpfs tmpfs rw,size=1048576k,uid=5";
    let line = |options: &str| planned(tmpfs, &format!("tmpfs /data tmpfs {options}"));
    assert!(passed(&line("nosuid,size=1G,mode=1777,uid=5,gid=0")));
    assert!(line("size=2G").contains("has size=1048576k, not size=2G"));
    assert!(line("mode=0755").contains("has mode=1777, not mode=0755"));
    assert!(line("size=50%").contains("size=50%: the kernel does not show this option"));
    assert!(line("huge=within_size").contains("huge=within_size: the kernel does not show"));
    // A certain difference counts, whatever else cannot be told.
    assert!(line("size=50%,noexec").contains("lacks noexec"));
    let vfat = "rw - vfat /dev/sdb1 rw,fmask=0077,dmask=0077";
    assert!(passed(&planned(vfat, "UUID=1 /data vfat umask=0077")));
    assert!(planned(vfat, "UUID=1 /data vfat umask=0022").contains("has umask=0077"));
    let atime = "rw,relatime - ext4 /dev/sdb1 rw";
    assert!(planned(atime, "UUID=1 /data ext4 strictatime").contains("has relatime"));
    assert!(planned(atime, "UUID=1 /data ext4 noatime").contains("lacks noatime"));
}

#[test]
fn options_that_the_kernel_never_shows_are_refused() {
    for option in ["defaults", "nofail", "x-systemd.automount"] {
        assert!(must(&format!("no_options: {option}")).is_refused().contains("as_configured"));
    }
}

#[test]
fn in_an_image_nothing_is_mounted() {
    must("mounted: false").on(&data("rw").image()).skipped_with("mounted: needs a running host");
}

#[test]
fn several_options_in_one_word_are_refused() {
    must("options: \"nosuid,nodev\"").is_refused();
}

#[test]
fn this_hosts_mounts_are_those_that_findmnt_tells() {
    if !needs(&[Need::Command("findmnt")]) {
        return;
    }
    let output =
        Command::new("findmnt").args(["-r", "-n", "-o", "TARGET,FSTYPE"]).output().unwrap();
    let mut theirs: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let found = mounts::mounted(&Live::new()).unwrap();
    let mut ours: Vec<String> =
        found.iter().map(|m| format!("{} {}", m.point.display(), m.filesystem)).collect();
    theirs.sort();
    ours.sort();
    assert_eq!(ours, theirs);
}

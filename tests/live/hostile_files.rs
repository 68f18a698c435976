//! Whatever stands in the files from which units, packages, mounts, parameters, modules and jobs are
//! read: an answer or an unknown, never a panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use spotcheck::formats::systemd::units::Index;
use spotcheck::formats::{cron, modprobe, mounts, packages, sysctl_d};
use spotcheck::targets::memory::Memory;

/// Texts made of what means something to one of the formats.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("Package: a\nStatus: install ok installed\nVersion: 1\n\n"),
        Just("P:a\nV:1\n\n"),
        Just("20 1 8:1 / / rw - ext4 /dev/sda rw\n"),
        Just("* * * * * root /x\n"),
        Just("@daily "),
        Just("blacklist a\ninstall b \\\n"),
        Just("net.ipv4.*.x = 1\n-a\n"),
        Just("[Service]\nUser=%i\nExecStart=+\\\n"),
        Just("[Install]\nAlias=%x b.service\nDefaultInstance=@\n"),
        Just("SQLite format 3\0"),
        Just("\\040"),
        Just(":"),
        Just("\n"),
        Just("\u{0}"),
    ];
    let parts = prop_oneof![
        3 => word.prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    prop::collection::vec(parts, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn no_content_makes_a_reader_panic(text in text(), name in "[a-z@.]{1,9}", link in "[a-z@./]{0,20}") {
        let paths = [
            "/var/lib/dpkg/status", "/var/lib/dpkg/updates/0001", "/var/lib/dpkg/status.d/a",
            "/var/lib/rpm/rpmdb.sqlite", "/lib/apk/db/installed", "/etc/apk/world",
            "/proc/self/mountinfo", "/etc/fstab", "/etc/crontab", "/etc/cron.d/a",
            "/var/spool/cron/crontabs/a", "/etc/anacrontab", "/etc/modprobe.d/a.conf",
            "/etc/sysctl.d/a.conf", "/etc/sysctl.conf", "/usr/lib/systemd/system/a@.service",
            "/etc/systemd/system/a@b.service.d/a.conf",
        ];
        let memory = paths.iter().fold(Memory::new(), |memory, path| {
            memory.file(path, 0o644, 0, 0, &text)
        });
        let memory = memory
            .file(format!("/etc/systemd/system/{name}.service"), 0o644, 0, 0, &text)
            .symlink("/etc/systemd/system/link@.service", &link)
            .symlink("/etc/systemd/system/x.target.wants/a@b.service", &link);
        let _ = packages::read(&memory);
        let _ = mounts::mounted(&memory);
        let _ = mounts::fstab(&memory);
        cron::read(&memory, true);
        modprobe::read(&memory);
        sysctl_d::read(&memory).of("net/ipv4/a/x");
        let index = Index::read(&memory);
        for unit in ["a@b.service", "link@x.service", "a@.service", &format!("{name}.service")] {
            let _ = index.unit(&memory, unit);
        }
    }
}

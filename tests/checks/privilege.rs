//! `root_equivalent`, `declared_equals_live`, `sudo:`, `ssh_keys:` and the newer conditions of
//! `accounts:`, each outcome on plain data; sudoers compared with `cvtsudoers`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Answers, Need, needs, rule};
use proptest::prelude::*;
use serde_json::Value;
use spotcheck::facts::account::PasswordField;
use spotcheck::facts::file::{Acl, AclEntry, AclTag, FileKind};
use spotcheck::facts::process::Ids;
use spotcheck::facts::sudo::{Member, Sudoers};
use spotcheck::facts::{Cause, Unknown, capability};
use spotcheck::formats::sudoers;
use spotcheck::targets::memory::{Memory, Running};
use std::process::Command;

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("web", 200, 200)
        .user("bob", 1001, 1001)
        .group("root", 0, &[])
        .group("docker", 900, &["bob"])
        .group("disk", 6, &[])
        .group("sudo", 27, &["bob"])
        .file("/etc/passwd", 0o644, 0, 0, "")
        .file("/etc/shadow", 0o640, 0, 42, "")
}

fn web() -> Running {
    Running::program(10, "/usr/sbin/web").owned_by(200, 200).in_unit("web.service")
}

fn root_equivalent(host: &Memory) -> Answers {
    rule("service: { exe: /usr/sbin/web }\nmust: { root_equivalent: false }").on(host)
}

#[test]
fn whoever_is_nobody_in_particular_does_not_amount_to_root() {
    root_equivalent(&host().process(web())).passes();
}

#[test]
fn uid_0_in_any_thread_and_any_place_is_root() {
    let one = web().with_thread(11, 0, 0).each_thread(|thread| thread.capabilities.permitted = 0);
    root_equivalent(&host().process(one)).fails_with(
        "root_equivalent: pid 10 uid 0 (real, effective, saved, filesystem; without capabilities it \
         still owns root's files); expected nothing that amounts to root",
    );
    let saved = web().each_thread(|thread| thread.uid.saved = 0);
    let answers = root_equivalent(&host().process(saved));
    assert!(format!("{answers}").contains("uid 0 (saved; without"), "{answers}");
}

#[test]
fn a_capability_counts_when_it_is_permitted_although_not_effective() {
    let with = |bit| {
        web().each_thread(move |thread| {
            thread.capabilities.permitted = capability::mask(bit);
            thread.capabilities.effective = 0;
        })
    };
    root_equivalent(&host().process(with(21))).fails_with(
        "root_equivalent: pid 10 cap_sys_admin mounts over any file, enters any namespace; expected \
         nothing that amounts to root",
    );
    // net_bind_service, net_raw, kill are no root.
    for bit in [10, 13, 5] {
        root_equivalent(&host().process(with(bit))).passes();
    }
}

#[test]
fn capabilities_in_another_user_namespace_reach_only_what_is_mapped_there() {
    let all = web().each_thread(|thread| thread.capabilities.permitted = capability::ALL);
    let namespaces = |theirs: &str| {
        host()
            .process(all.clone())
            .symlink("/proc/self/ns/user", "user:[1]")
            .symlink("/proc/10/ns/user", theirs)
    };
    let mapped = |map: &str| namespaces("user:[2]").file("/proc/10/uid_map", 0o444, 0, 0, map);
    root_equivalent(&mapped("         0     100000      65536\n")).passes();
    // With root itself mapped, whoever overrides permissions there overrides those of root's files.
    let judged = root_equivalent(&mapped("         0          0 4294967295\n"));
    assert_eq!(judged.exit(), 1);
    assert!(!format!("{judged:?}").contains("cap_sys_admin"), "{judged:?}");
    assert_eq!(root_equivalent(&namespaces("user:[2]")).exit(), 2, "the map is not there");
    assert_eq!(root_equivalent(&namespaces("user:[1]")).exit(), 1);
}

#[test]
fn objects_decide_and_not_the_names_of_groups() {
    let in_group = |gid| web().each_thread(move |thread| thread.groups.extend([gid]));
    // A group called docker without a socket is nothing.
    root_equivalent(&host().process(in_group(900))).passes();
    let socket = |gid| {
        let host = host().process(in_group(900));
        let host = host.special("/run/docker.sock", FileKind::Socket, 0o660);
        host.owned("/run/docker.sock", 0, gid)
    };
    root_equivalent(&socket(900)).fails_with(
        "root_equivalent: pid 10 may write /run/docker.sock (group class has rw- (group docker)): its \
         master starts any process as root; expected nothing that amounts to root",
    );
    root_equivalent(&socket(901)).passes();
    let disk = host()
        .process(in_group(6))
        .special("/dev/sda", FileKind::BlockDevice, 0o640)
        .owned("/dev/sda", 0, 6);
    root_equivalent(&disk).fails_with(
        "root_equivalent: pid 10 may read /dev/sda (group class has r-- (group disk)): a disk holds \
         every file; expected nothing that amounts to root",
    );
    let shadow = host().process(in_group(42));
    assert_eq!(root_equivalent(&shadow).exit(), 1, "shadow");
    let path = host().process(in_group(50)).dir("/usr/local/bin", 0o775, 0, 50);
    assert_eq!(root_equivalent(&path).exit(), 1, "PATH of root");
}

#[test]
fn what_cannot_be_seen_of_a_process_is_unknown() {
    let why = Unknown::new("/proc/10/task", Cause::PermissionDenied);
    assert_eq!(root_equivalent(&host().process(web().unreadable_threads(why))).exit(), 2);
}

#[test]
fn of_an_image_the_declared_user_is_judged() {
    let unit = |user: &str| {
        let text = format!("[Service]\nUser={user}\nExecStart=/usr/sbin/web\n");
        let host = host()
            .file("/etc/systemd/system/web.service", 0o644, 0, 0, text)
            .file("/etc/gshadow", 0o640, 0, 6, "")
            .image();
        rule("service: { unit: web.service }\nmust: { root_equivalent: false }").on(&host)
    };
    unit("web").passes();
    unit("root").fails_with(
        "root_equivalent: web.service is declared to run as root; expected nothing that amounts to \
         root",
    );
    // What the unit gives beside the rights of its user counts.
    for more in ["SupplementaryGroups=disk", "AmbientCapabilities=CAP_SYS_ADMIN"] {
        for user in ["web", "shop\nDynamicUser=yes"] {
            let judged = unit(&format!("{user}\n{more}"));
            assert_eq!(judged.exit(), 1, "{user} {more}: {judged:?}");
        }
    }
    unit("web\nSupplementaryGroups=sudo\nAmbientCapabilities=CAP_NET_BIND_SERVICE").passes();
}

/// A host whose web has namespaces, mounts and three filters of its own, but the host's ipc namespace
/// and /dev.
fn sandboxed() -> Memory {
    let mounts = "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 8:1 /usr /usr ro - ext4 /dev/sda rw\n\
                  3 1 8:1 /tmp/systemd-private-1/tmp /tmp rw - ext4 /dev/sda rw\n\
                  4 1 0:9 / /proc rw - proc proc rw\n5 4 0:9 /sys /proc/sys ro - proc proc rw\n";
    let of_host = "1 0 8:1 / / rw - ext4 /dev/sda rw\n4 1 0:9 / /proc rw - proc proc rw\n";
    let mut host = host()
        .file("/proc/10/mountinfo", 0o444, 0, 0, mounts)
        .file("/proc/1/mountinfo", 0o444, 0, 0, of_host)
        .file("/proc/10/status", 0o444, 0, 0, "Name:\tweb\nSeccomp:\t2\nSeccomp_filters:\t3\n")
        .file("/proc/1/status", 0o444, 0, 0, "Name:\tsystemd\nSeccomp:\t0\nSeccomp_filters:\t0\n");
    for dir in ["/tmp", "/home", "/dev", "/proc/sys", "/sys/fs/cgroup"] {
        host = host.dir(dir, 0o755, 0, 0);
    }
    for (name, own) in [("net", true), ("ipc", false), ("uts", true), ("user", true)] {
        let number = if own { 4_026_532_999_u64 } else { 4_026_531_835 };
        host = host
            .symlink(format!("/proc/1/ns/{name}"), format!("{name}:[4026531835]"))
            .symlink(format!("/proc/10/ns/{name}"), format!("{name}:[{number}]"));
    }
    host
}

fn drift(unit: &str, process: Running) -> Answers {
    let text = format!("[Service]\nExecStart=/usr/sbin/web\n{unit}\n");
    let host = sandboxed()
        .file("/etc/systemd/system/web.service", 0o644, 0, 0, text)
        .file("/usr/sbin/web", 0o755, 0, 0, "\u{7f}ELF\0")
        .process(process);
    rule("service: { unit: web.service }\nmust: { declared_equals_live: true }").on(&host)
}

#[test]
fn a_unit_that_was_edited_and_not_applied_is_drift() {
    let limited = || {
        web().each_thread(|thread| {
            thread.no_new_privs = Some(true);
            thread.seccomp = Some(2);
            thread.capabilities.bounding = capability::mask(10);
        })
    };
    let strict = "User=web\nGroup=web\nNoNewPrivileges=yes\nCapabilityBoundingSet=CAP_NET_BIND_SERVICE\n\
                  SystemCallFilter=@system-service\nProtectSystem=yes";
    drift(&strict.replace("Group=web\n", ""), limited()).passes();
    for (setting, words) in [
        ("User=bob", "User=bob is declared, its uids are 200 200 200 200"),
        ("Group=docker", "Group=docker is declared, its gids are 200 200 200 200"),
        ("NoNewPrivileges=yes", "NoNewPrivileges= is declared, and it has not got it"),
        (
            "CapabilityBoundingSet=~CAP_SYS_ADMIN",
            "beyond CapabilityBoundingSet= it has cap_sys_admin",
        ),
        ("LockPersonality=yes", "a system call filter is declared, and it has none"),
        (
            "ProtectSystem=full",
            "ProtectSystem=full is declared in web.service, and /etc is not read-only for it",
        ),
    ] {
        drift(setting, web())
            .fails_with(&format!(
                "declared_equals_live: pid 10 of web.service: {words}; expected processes as their \
                 unit declares them"
            ))
            .repaired_by("systemctl daemon-reload && systemctl restart web.service");
    }
}

#[test]
fn users_that_only_systemd_makes_or_nobody_knows_are_compared_as_far_as_can_be() {
    // 200 is none of the ids that systemd takes for this.
    let wrong = format!("{:?}", drift("DynamicUser=yes\nUser=shop", web()));
    assert!(wrong.contains("User=shop is declared, its uids are 200 200 200 200"), "{wrong}");
    assert!(wrong.contains("DynamicUser=yes is declared, its gids are 200 200 200 200"), "{wrong}");
    let id = 61_200;
    let same = Ids { real: id, effective: id, saved: id, filesystem: id };
    let dynamic = web().each_thread(move |thread| (thread.uid, thread.gid) = (same, same));
    let right = format!("{:?}", drift("DynamicUser=yes\nUser=shop", dynamic));
    assert!(!right.contains("its uids") && !right.contains("its gids"), "{right}");
    assert_eq!(drift("User=nobody-here", web()).exit(), 2);
    assert_eq!(drift("User=%m", web()).exit(), 2);
    assert_eq!(drift("User=%p", web()).exit(), 0, "web.service");
    // `!` keeps systemd from changing users, and nothing else.
    let kept = "User=bob\nNoNewPrivileges=yes\nExecStart=!/usr/sbin/web";
    let answers = drift(kept, web());
    assert_eq!(answers.exit(), 1);
    assert!(!format!("{answers:?}").contains("User=bob"), "{answers:?}");
}

#[test]
fn what_a_process_gave_up_by_itself_is_no_drift() {
    drift("CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN", {
        web().each_thread(|thread| thread.capabilities.bounding = 0)
    })
    .passes();
    drift("", web()).passes();
    let ambient = web().each_thread(|thread| thread.capabilities.ambient = capability::mask(10));
    drift("AmbientCapabilities=CAP_NET_BIND_SERVICE", ambient.clone()).passes();
    assert_eq!(drift("", ambient).exit(), 1);
}

#[test]
fn what_systemd_would_set_up_around_a_process_is_compared_with_what_proc_shows() {
    let judged =
        |setting: &str| drift(setting, web().each_thread(|thread| thread.seccomp = Some(2)));
    for setting in [
        "PrivateTmp=yes",
        "PrivateNetwork=yes",
        "PrivateUsers=yes",
        "ProtectHostname=yes",
        "ProtectKernelTunables=yes",
        "ProtectSystem=yes",
        "RestrictNamespaces=yes",
        "RestrictAddressFamilies=AF_UNIX",
        "RestrictNamespaces=no",
        "PrivateNetwork=no\nPrivateIPC=no\nProtectHome=no\nPrivateDevices=no",
        // Where there is no such directory, nothing needs to be kept from it.
        "ProtectHome=read-only\nReadOnlyPaths=/home\nProtectHome=no",
    ] {
        judged(setting).passes();
    }
    for (setting, words) in [
        ("PrivateIPC=yes", "PrivateIPC= is declared, and its ipc namespace is that of all"),
        (
            "PrivateDevices=yes",
            "PrivateDevices=yes is declared in web.service, and /dev is that of all",
        ),
        ("ProtectHome=yes", "ProtectHome=yes is declared in web.service, and /home is that of all"),
        ("ProtectHome=tmpfs", "ProtectHome=tmpfs is declared in web.service, and /home is that of"),
        (
            "ProtectHome=read-only",
            "ProtectHome=read-only is declared in web.service, and /home is not read-only",
        ),
        ("ProtectControlGroups=yes", "and /sys/fs/cgroup is not read-only for it"),
        (
            "RootDirectory=/srv/jail",
            "RootDirectory=/srv/jail is declared in web.service, and / is that of all",
        ),
        (
            "ProtectSystem=strict",
            "ProtectSystem=strict is declared in web.service, and / is not read-only",
        ),
        (
            "RestrictNamespaces=yes\nRestrictRealtime=yes\nSystemCallFilter=a\nRestrictSUIDSGID=yes",
            "4 system call filters are declared, and it has 3",
        ),
    ] {
        let answers = judged(setting);
        assert_eq!(answers.exit(), 1, "{setting}: {answers}");
        assert!(format!("{answers}").contains(words), "{setting}: {answers}");
    }
    let with = |key: &'static str, bit: u8| {
        let able = web().each_thread(move |thread| {
            thread.seccomp = Some(2);
            thread.capabilities.bounding = capability::mask(bit);
        });
        drift(&format!("{key}=yes"), able)
    };
    with("ProtectKernelModules", 16).fails_about("it may have cap_sys_module");
    with("ProtectClock", 25).fails_about("it may have cap_sys_time");
    with("ProtectClock", 10).passes();
    with("ProtectKernelModules", 10).passes();
    // prctl(2) may do this, which nothing shows.
    drift("MemoryDenyWriteExecute=yes", web()).unknown_about("MemoryDenyWriteExecute= is in force");
    judged("MemoryDenyWriteExecute=yes").passes();
}

#[test]
fn filters_that_everything_in_a_container_has_are_not_the_units() {
    let judged = |base: &str| {
        let text = "[Service]\nExecStart=/usr/sbin/web\nRestrictRealtime=yes\nSystemCallFilter=a\n";
        let host = sandboxed()
            .file("/etc/systemd/system/web.service", 0o644, 0, 0, text)
            .file("/usr/sbin/web", 0o755, 0, 0, "\u{7f}ELF\0")
            .file("/proc/1/status", 0o444, 0, 0, format!("Seccomp:\t2\n{base}"))
            .process(web().each_thread(|thread| thread.seccomp = Some(2)));
        rule("service: { unit: web.service }\nmust: { declared_equals_live: true }").on(&host)
    };
    judged("Seccomp_filters:\t1\n").passes();
    judged("Seccomp_filters:\t2\n").fails_about("2 system call filters are declared, and it has 1");
    judged("").unknown_about("how many system call filters it has is not shown");
}

#[test]
fn groups_that_the_user_has_no_longer_are_drift() {
    let in_groups = |gids: &'static [u32]| {
        web().each_thread(move |thread| thread.groups = gids.iter().copied().collect())
    };
    drift("User=web", in_groups(&[200])).passes();
    drift("User=web", in_groups(&[200, 900])).fails_about(
        "pid 10 of web.service: beyond the groups of web and SupplementaryGroups= it has docker",
    );
    drift("User=web\nSupplementaryGroups=docker", in_groups(&[200, 900])).passes();
    // Less than is declared is no right.
    drift("User=web\nSupplementaryGroups=docker", in_groups(&[])).passes();
    drift("User=web\nPAMName=login", in_groups(&[200, 900])).passes();
}

#[test]
fn a_command_that_was_changed_and_not_applied_is_drift() {
    let live = |exe: &str, words: &[&str]| {
        Running::program(10, exe).owned_by(200, 200).in_unit("web.service").arguments(words)
    };
    let judged = |line: &str, process: Running| {
        let text = format!("[Service]\nExecStart={line}\n");
        let mut host = sandboxed()
            .file("/etc/systemd/system/web.service", 0o644, 0, 0, text)
            .symlink("/usr/bin/web", "../sbin/web")
            .file("/opt/a.py", 0o755, 0, 0, "#!/usr/bin/python3\n")
            .file("/opt/b.py", 0o755, 0, 0, "#!/usr/bin/python3\n")
            .file("/opt/start", 0o755, 0, 0, "#!/bin/sh\nexec \"$@\"\n");
        for program in ["/usr/sbin/web", "/usr/bin/python3", "/bin/sh", "/usr/bin/nice", "/opt/web"]
        {
            host = host.file(program, 0o755, 0, 0, "\u{7f}ELF\0");
        }
        let host = host.process(process);
        rule("service: { unit: web.service }\nmust: { declared_equals_live: true }").on(&host)
    };
    let web = |words: &[&str]| live("/usr/sbin/web", words);
    judged("/usr/sbin/web -c /etc/web", web(&["/usr/sbin/web", "-c", "/etc/web"])).passes();
    judged("/usr/bin/web -c /etc/web", web(&["/usr/bin/web", "-c", "/etc/web"])).passes();
    judged("/usr/sbin/web -c /etc/web", web(&["web: master process"])).passes();
    judged("/usr/sbin/web -c /etc/web", web(&["/usr/sbin/web", "-c", "/etc/old"])).fails_about(
        "it was started with other arguments, `-c /etc/old` (ExecStart=/usr/sbin/web -c /etc/web)",
    );
    judged("@/usr/sbin/web www -d", web(&["www", "-x"])).fails_about("with other arguments, `-x`");
    judged("@/usr/sbin/web www -d", web(&["www", "-d"])).passes();
    judged("/usr/bin/nice -n 5 /usr/sbin/web -d", web(&["/usr/sbin/web", "-x"])).passes();
    judged("/usr/sbin/web -c %m", web(&["/usr/sbin/web", "-x"])).passes();
    judged("/usr/sbin/web -x $NOT_SET", web(&["/usr/sbin/web", "-x"])).passes();
    judged("/opt/web", web(&["/usr/sbin/web"])).passes();
    let old = live("/usr/sbin/old", &["/usr/sbin/old"]);
    judged("/usr/sbin/web", old.clone())
        .fails_about("it is /usr/sbin/old (ExecStart=/usr/sbin/web)");
    // A script may start anything.
    judged("/opt/start /usr/sbin/x", old.clone()).passes();
    judged("/usr/sbin/web\nType=oneshot", old).passes();
    let python = |script| live("/usr/bin/python3", &["/usr/bin/python3", script]);
    judged("/opt/a.py", python("/opt/a.py")).passes();
    judged("/opt/a.py", python("/opt/b.py")).fails_about("it runs `/opt/b.py`");
    judged("/usr/bin/python3 /opt/a.py", python("/opt/b.py"))
        .fails_about("with other arguments, `/opt/b.py`");
}

#[test]
fn a_process_of_no_unit_has_no_declaration() {
    let host = host().process(Running::program(10, "/usr/sbin/web"));
    let answers =
        rule("service: { exe: /usr/sbin/web }\nmust: { declared_equals_live: true }").on(&host);
    assert_eq!(answers.exit(), 2, "{answers:?}");
}

fn sudo(text: &str, conditions: &str) -> Answers {
    let host =
        host().file("/etc/sudoers", 0o440, 0, 0, text).file("/usr/bin/less", 0o755, 0, 0, "");
    rule(&format!("sudo: all\nmust: {{ {conditions} }}")).on(&host)
}

#[test]
fn who_becomes_root_through_sudo_is_told_with_the_line() {
    sudo("root ALL=(ALL:ALL) ALL\n", "root: [], without_password: []").passes();
    sudo("%sudo ALL=(ALL:ALL) ALL\n", "root: { only: [bob] }").passes();
    sudo("# x\n%sudo ALL=(ALL:ALL) ALL\n", "root: []").fails_with(
        "root: bob may run ALL as ALL (/etc/sudoers:2); expected root through sudo only for []",
    );
    sudo("bob ALL=/usr/bin/less\n", "root: []").passes();
    sudo("bob ALL=(web) ALL\n", "root: []").passes();
    for shell in [
        "/bin/bash",
        "/usr/bin/",
        "/usr/bin/*",
        "/usr/bin/ba?h",
        "/*/*/[a-z]ash",
        "^/usr/bin/(less|bash)$",
        "^/.*$",
        "sudoedit",
        "sudoedit /etc/*",
        "sudoedit /etc/sudoers.d/*",
    ] {
        let answers = sudo(&format!("bob ALL={shell}\n"), "root: []");
        assert_eq!(answers.exit(), 1, "{shell}");
    }
}

#[test]
fn the_last_grant_that_fits_decides_and_the_last_line_of_defaults() {
    let none = "without_password: []";
    for open in [
        // Whatever its scope, a later line of Defaults counts.
        "Defaults:bob authenticate\nDefaults !authenticate\nbob ALL=(ALL) ALL\n",
        "Defaults@ALL authenticate\nDefaults:bob !authenticate\nbob ALL=(ALL) ALL\n",
        // With -g only the first one fits.
        "bob ALL=(root:ALL) NOPASSWD: ALL\nbob ALL=(root) ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nbob ALL=(root) ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nbob ALL=(ALL, !root) ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nbob ALL=(ALL) !/bin/sh\n",
        "bob ALL=(ALL) !ALL\nbob ALL=(ALL) NOPASSWD: ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nbob ALL=(ALL) NOTAFTER=20200101000000Z ALL\n",
        "bob ALL=(ALL) NOTAFTER=20990101000000Z NOPASSWD: ALL\n",
        "bob ALL=(ALL) NOTBEFORE=20990101000000Z NOPASSWD: ALL\n",
        "bob, web ALL=(ALL) NOPASSWD: ALL\nweb ALL=(ALL) ALL\n",
    ] {
        assert_eq!(sudo(open, none).exit(), 1, "{open}");
    }
    for closed in [
        "Defaults !authenticate\nDefaults@ALL !authenticate\nDefaults:bob authenticate\nbob ALL=ALL\n",
        "bob ALL=(root) NOPASSWD: /usr/bin/id\n%sudo ALL=(ALL:ALL) ALL\n",
        "bob ALL=NOPASSWD: /usr/bin/id\n%sudo ALL=(ALL:ALL) ALL\n",
        "bob ALL=(root:web) NOPASSWD: ALL\nbob ALL=(root:ALL) ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nbob ALL=(ALL) !ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL, !ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL, PASSWD: !ALL\n",
        "bob ALL=(ALL) NOTAFTER=20200101000000Z NOPASSWD: ALL\n",
        "bob ALL=(ALL) NOPASSWD: /bin/a, /bin/b\nbob ALL=(ALL) /bin/b, /bin/a\n",
    ] {
        sudo(closed, none).passes();
    }
    // What is taken away altogether makes nobody root.
    sudo("bob ALL=(ALL) ALL\nbob ALL=(ALL) !ALL\n", "root: []").passes();
    sudo("bob ALL=(ALL) NOTAFTER=2020010100Z ALL\n", "root: []").passes();
}

#[test]
fn sudo_ignores_files_that_others_own_or_may_write() {
    let judged = |uid, gid, mode| {
        let host = host().file("/etc/sudoers", mode, uid, gid, "bob ALL=ALL\n");
        rule("sudo: all\nmust: { root: [] }").on(&host).exit()
    };
    assert_eq!(judged(0, 0, 0o440), 1);
    assert_eq!(judged(0, 0, 0o660), 1);
    for (uid, gid, mode) in [(1001, 0, 0o440), (0, 27, 0o660), (0, 0, 0o666)] {
        assert_eq!(judged(uid, gid, mode), 0, "{uid} {gid} {mode:o}");
    }
    // What an unprivileged user has unpacked says nothing of who owns it.
    let unpacked =
        host().owned("/", 1001, 1001).file("/etc/sudoers", 0o440, 1001, 1001, "bob ALL=ALL\n");
    assert_eq!(rule("sudo: all\nmust: { root: [] }").on(&unpacked).exit(), 1);
}

#[test]
fn aliases_defaults_and_later_lines_decide_about_passwords() {
    let none = "without_password: []";
    sudo("bob ALL=NOPASSWD: /usr/bin/less\n", none).fails_with(
        "without_password: bob may run /usr/bin/less as root without a password (/etc/sudoers:1); expected \
         no password asked only of []",
    );
    for open in [
        "Defaults !authenticate\nbob ALL=ALL\n",
        "Defaults:bob !authenticate\nbob ALL=ALL\n",
        "User_Alias PEOPLE = bob\nDefaults:PEOPLE !authenticate\nbob ALL=ALL\n",
        "User_Alias A = B : B = bob\nA ALL=NOPASSWD: ALL\n",
        "Runas_Alias R = root\nbob ALL=(R) NOPASSWD: ALL\n",
        "bob ALL=NOPASSWD: /bin/a, /bin/b\n",
        "ALL ALL=NOPASSWD: ALL\n",
        "#1001 ALL=NOPASSWD: ALL\n",
        // For one of several, for everybody's grant, for a command, for whom it runs as, for a group.
        "Defaults:bob !authenticate\nbob, web ALL=ALL\n",
        "Defaults:bob !authenticate\nALL ALL=ALL\n",
        "Defaults!/usr/bin/less !authenticate\nbob ALL=/usr/bin/less, /bin/a\n",
        "Defaults!/bin/b,/usr/bin/less !authenticate\nbob ALL=ALL\n",
        "Defaults>root !authenticate\nbob ALL=ALL\n",
        "Defaults@ALL !authenticate\nbob ALL=ALL\n",
        "Defaults exempt_group=sudo\nbob ALL=ALL\n",
        // A later line decides only where it is certain to apply, and to the same people.
        "bob ALL=(ALL) NOPASSWD: ALL\nbob +farm=(ALL) ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nALL, !bob ALL=(ALL) ALL\n",
        // What a command is run as by default may differ for others.
        "Defaults:web runas_default=web\nbob ALL=NOPASSWD: ALL\n",
        "bob ALL=(%root) NOPASSWD: ALL\n",
        "%:domain\\ admins ALL=NOPASSWD: ALL\n",
        "bob memory.example.com=NOPASSWD: ALL\n",
    ] {
        assert_eq!(sudo(open, none).exit(), 1, "{open}");
    }
    for closed in [
        "Defaults:carol !authenticate\nbob ALL=ALL\n",
        "Defaults !authenticate\nbob ALL=PASSWD: ALL\n",
        "Defaults !authenticate\nDefaults:bob authenticate\nbob ALL=ALL\n",
        "Defaults!/bin/other !authenticate\nbob ALL=/usr/bin/less\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nALL ALL=(ALL) ALL\n",
        "bob memory=(ALL) NOPASSWD: ALL\nbob ALL=(ALL) ALL\n",
        "bob ALL=(web) NOPASSWD: ALL\n",
        "bob elsewhere=NOPASSWD: ALL\n",
        "User_Alias A = ALL, !bob, !web\nroot ALL=NOPASSWD: ALL\n",
        "bob ALL=(ALL) NOPASSWD: ALL\nbob ALL=(ALL) ALL\n",
        "root ALL=NOPASSWD: ALL\n",
    ] {
        sudo(closed, none).passes();
    }
}

#[test]
fn what_is_taken_out_wildcards_and_shells_are_told() {
    sudo("bob ALL=ALL, !/bin/sh\n", "negations: false")
        .fails_with("negations: !/bin/sh (/etc/sudoers:1); expected no command taken out with !");
    sudo("bob ALL=/usr/bin/less, !/bin/sh\n", "negations: false").passes();
    sudo("bob ALL=/bin/cat /var/log/*\n", "wildcards: false").fails_with(
        "wildcards: /bin/cat /var/log/* (/etc/sudoers:1); expected no wildcard in a command",
    );
    sudo("bob ALL=/bin/cat ^/var/log/[a-z]+$\n", "wildcards: false").passes();
    sudo("bob ALL=/usr/bin/less /x\n", "shell_escapes: false").fails_with(
        "shell_escapes: /usr/bin/less /x (/etc/sudoers:1); expected no command that gives a shell",
    );
    sudo("bob ALL=/usr/bin/python3.11 /x\n", "shell_escapes: false")
        .repaired_by("visudo -f /etc/sudoers # line 1");
    sudo("bob ALL=NOEXEC: /usr/bin/less /x\n", "shell_escapes: false").passes();
    sudo("bob ALL=/usr/bin/systemctl restart web\n", "shell_escapes: false").passes();
    for open in
        ["/usr/bin/systemctl status web", "/usr/bin/systemctl", "/usr/bin/systemctl restart *"]
    {
        let answers = sudo(&format!("bob ALL={open}\n"), "shell_escapes: false");
        assert_eq!(answers.exit(), 1, "{open}");
    }
    for open in ["^/usr/bin/cat$ ^/var/log/.*$", "/bin/cat ^/var/log/[^ ]+$"] {
        let answers = sudo(&format!("bob ALL={open}\n"), "wildcards: false");
        assert_eq!(answers.exit(), 1, "{open}");
    }
    for exact in ["/usr/bin/less /etc/motd", "sudoedit /etc/motd", "^/usr/bin/(less|cat)$"] {
        sudo(&format!("bob ALL={exact}\n"), "root: []").passes();
    }
    sudo("bob ALL=/usr/bin/uptime\n", "shell_escapes: false").passes();
}

#[test]
fn variables_that_load_code_are_told() {
    let none = "loader_variables: false";
    for open in [
        "Defaults env_keep += \"HOME LD_PRELOAD\"\n",
        "Defaults !env_reset\n",
        "Defaults:bob setenv\n",
        "Defaults env_keep += \"L*\"\n",
        "Defaults env_keep += \"*_PRELOAD\"\n",
        "Defaults env_keep += \"PYTHONHOME\"\n",
        "Defaults env_keep += \"BASH_FUNC_*=()*\"\n",
        "bob ALL=SETENV: /bin/true\n",
    ] {
        assert_eq!(sudo(open, none).exit(), 1, "{open}");
    }
    sudo("Defaults env_reset, env_keep += \"HOME\"\nbob ALL=ALL\n", none).passes();
    sudo("Defaults env_keep -= \"LD_PRELOAD\"\n", none).passes();
}

#[test]
fn what_may_be_run_as_root_must_not_be_bobs() {
    let host = |mode, uid| {
        host()
            .file("/etc/sudoers", 0o440, 0, 0, "@includedir /etc/sudoers.d\n")
            .file("/etc/sudoers.d/bob", 0o440, 0, 0, "bob ALL=/opt/tool\n")
            .file("/etc/sudoers.d/not.read", 0o440, 0, 0, "nonsense\n")
            .file("/opt/tool", mode, uid, 0, "#!/bin/sh\n")
    };
    let judged = |host: &Memory| rule("sudo: all\nmust: { controlled_only_by: [root] }").on(host);
    judged(&host(0o755, 0)).passes();
    judged(&host(0o755, 1001)).fails_with(
        "controlled_only_by: /opt/tool (-rwxr-xr-x bob:root) -> bob as its owner: could write it; \
         that decides program that bob may run as root, /opt/tool; expected controlled only by root",
    );
    let open = host(0o755, 0).dir("/etc/sudoers.d", 0o777, 0, 0);
    judged(&open).repaired_by("chmod o-w /etc/sudoers.d");
}

#[test]
fn what_is_not_understood_or_not_seen_makes_a_pass_unknown() {
    for wrong in [
        "bob ALL\n",
        "bob ALL=(root ALL\n",
        "User_Alias a = b\n",
        "@include /etc/none\n",
        "bob ALL=\\\n",
    ] {
        assert_eq!(sudo(wrong, "root: []").exit(), 2, "{wrong}");
    }
    let circle = "@include /etc/sudoers\n";
    assert_eq!(sudo(circle, "root: []").exit(), 2);
    let alias = "User_Alias A = B : B = A\nA ALL=ALL\n";
    assert_eq!(sudo(alias, "root: []").exit(), 2);
    // What was seen all the same is a violation.
    assert_eq!(sudo("nonsense\nbob ALL=ALL\n", "root: []").exit(), 1);
    rule("sudo: all\nmust: { root: [] }").on(&host()).passes();
}

#[test]
fn a_group_to_run_as_counts_by_what_it_may_touch() {
    let judged = |grant: &str| {
        let host = host()
            .group("disk", 6, &[])
            .group("games", 60, &[])
            .file("/etc/sudoers", 0o440, 0, 0, format!("bob ALL={grant}\n"))
            .file("/etc/shadow", 0o640, 0, 6, "");
        rule("sudo: all\nmust: { root: [] }").on(&host)
    };
    judged("(:disk) ALL").fails_with(
        "root: bob may run ALL as themselves with group disk (/etc/sudoers:1); expected root through sudo \
         only for []",
    );
    judged("(:games) ALL").passes();
    assert_eq!(judged("(web:ALL) ALL").exit(), 1);
}

#[test]
fn rules_from_elsewhere_make_a_pass_unknown() {
    let judged = |file: &str, text: &str| {
        let host = host()
            .file("/etc/sudoers", 0o440, 0, 0, "root ALL=ALL\n")
            .file(file, 0o644, 0, 0, text);
        rule("sudo: all\nmust: { root: [] }").on(&host)
    };
    judged("/etc/nsswitch.conf", "passwd: files sss\nsudoers: files # sss\n").passes();
    judged("/etc/nsswitch.conf", "sudoers: files [SUCCESS=return] sss\n").unknown_with(
        "root: /etc/nsswitch.conf: sudo has rules from `sss` too, which are not read",
    );
    judged("/etc/sudo.conf", "Plugin sudoers_policy sudoers.so\n").passes();
    for other in ["Plugin sudoers_policy sudoers.so sudoers_file=/x\n", "Plugin my_policy my.so\n"]
    {
        assert_eq!(judged("/etc/sudo.conf", other).exit(), 2, "{other}");
    }
}

/// Ours and cvtsudoers' in the same words: one line for each command.
fn ours(text: &str) -> Vec<String> {
    let host = Memory::new().file("/etc/sudoers", 0o440, 0, 0, text);
    let sudoers: Sudoers = sudoers::read(&host, "host");
    assert_eq!(sudoers.unread, [], "{text}");
    let list = |members: &[Member]| {
        let words =
            members.iter().map(|one| format!("{}{}", if one.negated { "!" } else { "" }, one.text));
        words.collect::<Vec<_>>().join(",")
    };
    let line = |grant: &spotcheck::facts::sudo::Grant| {
        let has = |tag: &str| grant.tags.iter().any(|own| own == tag);
        format!(
            "{} {}=({}:{}) {:?} {} {}",
            list(&grant.users),
            list(&grant.hosts),
            grant.runas_users.as_deref().map(list).unwrap_or_default(),
            grant.runas_groups.as_deref().map(list).unwrap_or_default(),
            grant.password,
            if has("NOEXEC") { "NOEXEC" } else { "" },
            list(std::slice::from_ref(&grant.command)),
        )
    };
    let mut lines: Vec<String> = sudoers.grants.iter().map(line).collect();
    for ((kind, name), members) in &sudoers.aliases {
        lines.push(format!("{kind:?} {name}={}", list(members)));
    }
    for one in &sudoers.defaults {
        let scope = one.scope.as_ref().map(|(_, of)| list(of)).unwrap_or_default();
        let value = one.value.as_deref().map(words).unwrap_or_default();
        lines.push(format!("Defaults {scope} {} {} {value}", one.name, !one.negated));
    }
    lines.sort();
    lines
}

fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn theirs(text: &str) -> Option<Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sudoers");
    std::fs::write(&path, text).unwrap();
    let output = Command::new("cvtsudoers").args(["-f", "json"]).arg(&path).output().unwrap();
    if !output.status.success() || !output.stderr.is_empty() {
        return None;
    }
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    let member = |value: &Value| {
        let object = value.as_object().unwrap();
        let (kind, name) = object
            .iter()
            .find(|(key, _)| {
                !["negated", "sha224", "sha256", "sha384", "sha512"].contains(&key.as_str())
            })
            .unwrap();
        let name = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        let prefix = match kind.as_str() {
            "usergroup" => "%",
            "userid" => "#",
            "usergid" => "%#",
            "netgroup" => "+",
            "nonunixgroup" => "%:",
            _ => "",
        };
        format!("{}{prefix}{name}", if object.contains_key("negated") { "!" } else { "" })
    };
    let list = |value: &Value| -> String {
        value.as_array().into_iter().flatten().map(member).collect::<Vec<_>>().join(",")
    };
    let mut lines = Vec::new();
    for spec in json["User_Specs"].as_array().into_iter().flatten() {
        for commands in spec["Cmnd_Specs"].as_array().unwrap() {
            let options = commands["Options"].as_array().cloned().unwrap_or_default();
            let option = |name: &str| options.iter().find_map(|one| one[name].as_bool());
            for command in commands["Commands"].as_array().unwrap() {
                lines.push(format!(
                    "{} {}=({}:{}) {:?} {} {}",
                    list(&spec["User_List"]),
                    list(&spec["Host_List"]),
                    list(&commands["runasusers"]),
                    list(&commands["runasgroups"]).replace('%', ""),
                    option("authenticate"),
                    if option("noexec") == Some(true) { "NOEXEC" } else { "" },
                    member(command),
                ));
            }
        }
    }
    for (key, kind) in [
        ("User_Aliases", "User"),
        ("Runas_Aliases", "Runas"),
        ("Host_Aliases", "Host"),
        ("Command_Aliases", "Command"),
    ] {
        for (name, members) in json[key].as_object().into_iter().flatten() {
            lines.push(format!("{kind} {name}={}", list(members)));
        }
    }
    for one in json["Defaults"].as_array().into_iter().flatten() {
        let scope = list(&one["Binding"]);
        for option in one["Options"].as_array().unwrap() {
            let (name, value) =
                option.as_object().unwrap().iter().find(|(key, _)| *key != "operation").unwrap();
            let (on, value) = match value {
                Value::Bool(on) => (*on, String::new()),
                Value::Array(list) => {
                    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
                    (true, texts.join(" "))
                }
                Value::String(text) => (true, words(text)),
                other => (true, other.to_string()),
            };
            lines.push(format!("Defaults {scope} {name} {on} {value}"));
        }
    }
    lines.sort();
    Some(lines)
}

const EVERYTHING: &str = r#"
# A remark \
Defaults env_reset, !mail_always
Defaults:bob !authenticate
Defaults secure_path="/usr/sbin:/usr/bin", env_keep += "LD_PRELOAD HOME"
Defaults@www1 passwd_tries = 5
Defaults>root !set_logname
Defaults!/bin/ls noexec
User_Alias ADMINS = alice, %wheel, #1000 : OPS = !carol, ADMINS
Runas_Alias DB = postgres, mysql
Host_Alias WEB = www1, 10.0.0.0/8, 2001:db8::1, +hosts
Cmnd_Alias SHELLS = /bin/sh, /bin/bash -c *
Cmnd_Alias OTHERS = /bin/echo \*, /sbin/, sudoedit /etc/motd
root ALL=(ALL:ALL) ALL
%sudo ALL=(ALL:ALL) NOPASSWD: ALL, !SHELLS
ADMINS WEB = (DB) /usr/bin/psql, (root) NOEXEC: /usr/bin/vi /etc/motd : ALL = sudoedit /etc/hosts
bob ALL = NOPASSWD: NOEXEC: /usr/bin/less, PASSWD: EXEC: /bin/cat /var/log/*, \
   /bin/echo a\,b\:c
#1001 ALL=(:adm) /bin/true # remark
%#20 ALL=(#0) /bin/id
+netgroup, !dave ALL, !www1 = /bin/ls
"two words", a\ b ALL = /bin/ls -l, /bin/ls ""
carol	ALL = (root : adm, disk) /bin/x y=z
%:remote ALL = LOG_INPUT: NOLOG_OUTPUT: /bin/y !z
"#;

#[test]
fn sudoers_are_read_as_cvtsudoers_reads_them() {
    if !needs(&[Need::Command("cvtsudoers")]) {
        return;
    }
    assert_eq!(ours(EVERYTHING), theirs(EVERYTHING).expect("cvtsudoers takes it"));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 150,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Lines of random words: whatever cvtsudoers takes without a remark, we read the same.
    #[test]
    fn random_sudoers_are_read_as_cvtsudoers_reads_them(
        lines in prop::collection::vec((
            "(bob|%wheel|#10|!eve|A1|ALL|\"x y\"|a\\\\,b)(, ?(eve|!%ops|ALL)){0,2}",
            "(ALL|www|!www|10\\.1\\.2\\.0/24)(,(h1|h2)){0,1}",
            "(\\((root|ALL|!x, ALL)?(:(adm|ALL|%x))?\\) ?)?",
            "((NOPASSWD|PASSWD|NOEXEC|EXEC|SETENV|NOLOG_INPUT) ?: ?){0,3}",
            "!?(ALL|/bin/[a-z]{1,3}( (-[a-z]|[a-z*?\\[\\]]{1,3}|a\\\\,b|\"\"|x=y)){0,2}|/opt/)(, ?/bin/z){0,1}",
            "( : h3 = /bin/q)?( # r)?",
        ), 1..5)
    ) {
        if !needs(&[Need::Command("cvtsudoers")]) {
            return Ok(());
        }
        let text: String = lines
            .iter()
            .map(|(u, h, r, t, c, more)| format!("{u} {h} = {r}{t}{c}{more}\n"))
            .collect();
        if let Some(theirs) = theirs(&text) {
            prop_assert_eq!(ours(&text), theirs, "{}", text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(ALL|=|\\(|\\)|:|,|!|\\\\|\"|#|%|Defaults|User_Alias|@include|NOPASSWD:|/bin/x|a| |\n|\\PC){0,60}") {
        let host = Memory::new().file("/etc/sudoers", 0o440, 0, 0, text);
        let _ = sudoers::read(&host, "host");
    }
}

fn keys(host: &Memory, conditions: &str) -> Answers {
    rule(&format!("ssh_keys: all\nmust: {{ {conditions} }}")).on(host)
}

/// bob has a key, all as it should be.
fn home() -> Memory {
    host()
        .group("bob", 1001, &[])
        .but("root", |user| user.home = "/root".into())
        .but("web", |user| user.shell = "/usr/sbin/nologin".into())
        .dir("/root", 0o700, 0, 0)
        .dir("/home/bob", 0o755, 1001, 1001)
        .dir("/home/bob/.ssh", 0o700, 1001, 1001)
        .file("/home/bob/.ssh/authorized_keys", 0o600, 1001, 1001, "# mine\nssh-ed25519 AAAA bob\n")
}

#[test]
fn keys_as_sshd_wants_them_pass() {
    keys(&home(), "root: false, strict: true, controlled_only_by: owner, host_keys: true").passes();
    keys(&host(), "root: false, strict: true").passes();
}

#[test]
fn keys_of_root_count_where_sshd_takes_keys_of_root() {
    let answer = |config: &str, key: &str| {
        let host = host()
            .group("web", 200, &[])
            .dir("/root", 0o700, 0, 0)
            .file("/etc/ssh/sshd_config", 0o644, 0, 0, config)
            .file("/root/.ssh/authorized_keys", 0o600, 0, 0, key);
        keys(&host.but("root", |root| root.home = "/root".into()), "root: false").exit()
    };
    let key = "ssh-ed25519 AAAA\n";
    for taken in [
        "Port 22\n",
        "AllowUsers ann root@10.0.0.1\n",
        "DenyUsers root@10.0.0.1\n",
        "PubkeyAuthentication no\nMatch User root\nPubkeyAuthentication yes\n",
        "PermitRootLogin no\nMatch Address 10.0.0.0/8\nPermitRootLogin yes\n",
        "DenyUsers root\nMatch Address 10.0.0.0/8\nDenyUsers ann\n",
        "AuthenticationMethods publickey,password\n",
    ] {
        assert_eq!(answer(taken, key), 1, "{taken}");
        assert_eq!(answer(taken, "# none\n"), 0, "{taken}");
    }
    for not in [
        "PermitRootLogin no\n",
        "PubkeyAuthentication no\n",
        "DenyUsers ann ro*\n",
        "AllowUsers ann\n",
        "DenyGroups root\n",
        "AllowGroups web\n",
        "AuthenticationMethods password\n",
        "PermitRootLogin no\nMatch User ann\nPermitRootLogin yes\n",
        "Match User root\nPubkeyAuthentication no\n",
        "Match User root\nAuthorizedKeysFile none\n",
        "AuthorizedKeysFile /x\nMatch User git\nAuthorizedKeysFile .ssh/authorized_keys\n",
    ] {
        assert_eq!(answer(not, key), 0, "{not}");
    }
    for unseen in [
        "AuthorizedKeysCommand /usr/bin/keys\nAuthorizedKeysCommandUser nobody\n",
        "TrustedUserCAKeys /etc/ssh/ca.pub\n",
        "Match User root\nTrustedUserCAKeys /etc/ssh/ca.pub\n",
    ] {
        assert_eq!(answer(unseen, ""), 2, "{unseen}");
        assert_eq!(answer(unseen, key), 1, "{unseen}");
    }
    assert_eq!(answer("Match User git\nAuthorizedKeysCommand /usr/bin/keys\n", ""), 0);
}

#[test]
fn keys_of_root_are_told_unless_root_may_not_log_in() {
    let with = home().file("/root/.ssh/authorized_keys", 0o600, 0, 0, "ssh-rsa A\nssh-rsa B\n");
    keys(&with, "root: false")
        .fails_with("root: root has 2 keys in /root/.ssh/authorized_keys; expected no key of root that sshd takes")
        .repaired_by("rm /root/.ssh/authorized_keys # and log in as somebody who may use sudo");
    let config = |text: &str| with.clone().file("/etc/ssh/sshd_config", 0o644, 0, 0, text);
    keys(&config("PermitRootLogin no\n"), "root: false").passes();
    keys(
        &config("PermitRootLogin no\nMatch Address 10.0.0.0/8\nPermitRootLogin yes\n"),
        "root: false",
    )
    .repaired_by("rm /root/.ssh/authorized_keys # and log in as somebody who may use sudo");
    keys(&config("AuthorizedKeysFile /etc/ssh/keys/%u\n"), "root: false").passes();
    let moved = config("AuthorizedKeysFile /etc/ssh/keys/%u\n").file(
        "/etc/ssh/keys/root",
        0o644,
        0,
        0,
        "k\n",
    );
    assert_eq!(keys(&moved, "root: false").exit(), 1);
    // One block that forbids it says nothing of the others, nor does one with files of its own.
    for open in [
        "Match User root\nPermitRootLogin yes\nMatch User bob\nPermitRootLogin no\n",
        "Match User bob\nPermitRootLogin no\n",
        "Match User bob\nAuthorizedKeysFile /etc/ssh/keys/%u\n",
    ] {
        assert_eq!(keys(&config(open), "root: false").exit(), 1, "{open}");
    }
}

#[test]
fn what_strict_modes_minds_is_told_from_the_file_to_the_home() {
    let cases = [
        (home().dir("/home/bob", 0o777, 1001, 1001), "chmod go-w /home/bob"),
        (home().dir("/home/bob/.ssh", 0o770, 1001, 900), "chmod go-w /home/bob/.ssh"),
        (
            home().file("/home/bob/.ssh/authorized_keys", 0o600, 200, 0, "k\n"),
            "chown 1001 /home/bob/.ssh/authorized_keys",
        ),
    ];
    for (host, step) in cases {
        let host = host.group("more", 901, &["web"]).user("web2", 201, 900);
        keys(&host, "strict: true").repaired_by(step);
    }
    // bob's own group has nobody else, and what is above the home is not asked.
    let own = home().dir("/home/bob", 0o775, 1001, 1001).dir("/home", 0o777, 0, 0);
    keys(&own, "strict: true").passes();
    // But it is for who could add a key.
    keys(&own, "controlled_only_by: owner").repaired_by("chmod o-w /home");
}

#[test]
fn who_could_add_a_key_where_there_is_none_is_told() {
    let host = home().user("eve", 1002, 1002).dir("/home/eve", 0o777, 1002, 1002);
    keys(&host, "controlled_only_by: owner").fails_with(
        "controlled_only_by: /home/eve (drwxrwxrwx eve:1002) -> everyone as everybody: could create \
         .ssh; that decides file of keys /home/eve/.ssh/authorized_keys, file of keys \
         /home/eve/.ssh/authorized_keys2; expected controlled only by eve",
    );
}

#[test]
fn private_keys_of_the_host_are_roots_alone() {
    let key = |mode, uid| home().file("/etc/ssh/ssh_host_rsa_key", mode, uid, 0, "k");
    keys(&key(0o600, 0), "host_keys: true").passes();
    keys(&key(0o644, 0), "host_keys: true").repaired_by(
        "chown root:root /etc/ssh/ssh_host_rsa_key && chmod 0600 /etc/ssh/ssh_host_rsa_key",
    );
    assert_eq!(keys(&key(0o600, 1001), "host_keys: true").exit(), 1);
    // The bits of root's group are the mask of a list that names bob.
    let entry = |who, perms| AclEntry { who, perms };
    let acl = Acl {
        entries: vec![
            entry(AclTag::UserObj, 6),
            entry(AclTag::User(1001), 4),
            entry(AclTag::GroupObj, 0),
            entry(AclTag::Mask, 4),
            entry(AclTag::Other, 0),
        ],
    };
    let listed = key(0o640, 0).with_acl("/etc/ssh/ssh_host_rsa_key", acl);
    assert_eq!(keys(&listed, "host_keys: true").exit(), 1);
    keys(&key(0o640, 0), "host_keys: true").passes();
    // A group without members, and the same as somebody's first group.
    let of = |host: Memory| host.file("/etc/ssh/ssh_host_rsa_key", 0o640, 0, 77, "k");
    keys(&of(home().group("ssh_keys", 77, &[])), "host_keys: true").passes();
    let first = of(home().group("ssh_keys", 77, &[]).user("eve", 1002, 77));
    assert_eq!(keys(&first, "host_keys: true").exit(), 1);
}

#[test]
fn weak_hashes_and_shells_of_services_are_told() {
    let host = host()
        .file("/etc/shells", 0o644, 0, 0, "# shells\n/bin/sh\n/bin/bash\n")
        .but("web", |user| user.shell = "/usr/sbin/nologin".into())
        .password("bob", PasswordField::Hash("$y$".into()));
    let accounts =
        |host: &Memory, what: &str| rule(&format!("accounts: all\nmust: {{ {what} }}")).on(host);
    accounts(&host, "weak_hashes: false, service_shells: []").passes();
    let md5 = host.clone().password("root", PasswordField::Hash("$1$".into()));
    accounts(&md5, "weak_hashes: false")
        .fails_with("weak_hashes: root ($1$); expected no password that is kept in a weak way")
        .repaired_by("passwd root # a new one");
    let shell = host.clone().but("web", |user| user.shell = String::new());
    accounts(&shell, "service_shells: []")
        .fails_with("service_shells: web; expected a login shell below uid 1000: none");
    accounts(&shell, "service_shells: { only: [web] }").passes();
    let closed = host.unreadable_shadow(Unknown::new("/etc/shadow", Cause::PermissionDenied));
    assert_eq!(accounts(&closed, "weak_hashes: false").exit(), 2);
}

/// A host of a directory service, whose groups nobody lists.
fn of_a_directory() -> Memory {
    host().file("/etc/nsswitch.conf", 0o644, 0, 0, "passwd: files ldap\ngroup: files ldap\n")
}

#[test]
fn who_else_is_in_a_group_of_sudoers_is_unknown_where_a_directory_may_say() {
    const WHY: &str = "who else is in a group (group: ldap in /etc/nsswitch.conf): what ldap answers is \
                       not listed here";
    let judged = |grant: &str, conditions: &str| {
        let host = of_a_directory().file("/etc/sudoers", 0o440, 0, 0, format!("{grant}\n"));
        rule(&format!("sudo: all\nmust: {{ {conditions} }}")).on(&host)
    };
    // Of a group of the files and of one that only the directory has.
    for group in ["sudo", "ops"] {
        let open = format!("%{group} ALL=(ALL) NOPASSWD: ALL");
        judged(&open, "without_password: { only: [bob] }").unknown_about(WHY);
        judged(&open, "root: { only: [bob] }").unknown_about(WHY);
        // A rule may allow whoever is in it.
        let named = format!("without_password: {{ only: [bob, \"%{group}\"] }}");
        judged(&open, &named).passes();
    }
    // Those who are known are told all the same.
    judged("%sudo ALL=(ALL) NOPASSWD: ALL", "without_password: []").fails_about("bob may run ALL");
    judged("%ops ALL=(ALL) ALL", "without_password: []").passes();
    judged("%ops ALL=(ALL) ALL, !/bin/sh", "negations: false").unknown_about(WHY);
    judged("bob ALL=(ALL) ALL", "root: { only: [bob] }").passes();
    judged("Defaults:bob !authenticate\n%ops ALL=(ALL) ALL", "without_password: []")
        .unknown_about(WHY);
    // A later grant for the same group decides.
    judged("%ops ALL=(ALL) NOPASSWD: ALL\n%ops ALL=(ALL) ALL", "without_password: []").passes();
    // The files say all that there is.
    let host = host().file("/etc/sudoers", 0o440, 0, 0, "%ops ALL=(ALL) NOPASSWD: ALL\n");
    rule("sudo: all\nmust: { without_password: [] }").on(&host).passes();
}

#[test]
fn who_else_may_use_what_amounts_to_root_is_unknown_where_a_directory_may_say() {
    let judged = |host: Memory| rule("accounts: all\nmust: { root_equivalent: [] }").on(&host);
    let socket = |mode, gid| {
        let host = of_a_directory().file("/etc/shadow", 0o600, 0, 0, "").special(
            "/run/docker.sock",
            FileKind::Socket,
            mode,
        );
        host.owned("/run/docker.sock", 0, gid)
    };
    judged(socket(0o660, 77)).unknown_about("what ldap answers is not listed here");
    judged(socket(0o600, 77)).passes();
    judged(socket(0o660, 900)).fails_about("bob may write /run/docker.sock");
}

#[test]
fn the_group_of_a_file_has_members_that_a_directory_may_add() {
    let judged = |mode, gid| {
        let host = of_a_directory()
            .file(
                "/etc/systemd/system/a.service",
                mode,
                0,
                gid,
                "[Service]\nExecStart=/usr/bin/a\n",
            )
            .file("/usr/bin/a", 0o755, 0, 0, "")
            .process(Running::program(10, "/usr/bin/a").in_unit("a.service"));
        rule("service: { unit: a.service }\nmust: { controlled_only_by: [root] }").on(&host)
    };
    judged(0o644, 6).passes();
    judged(0o664, 6).unknown_about("who else is in a group (group: ldap");
    judged(0o664, 900).fails_about("bob via group docker");
    let writable = |mode| {
        let host = of_a_directory().file("/srv/x", mode, 0, 6, "");
        rule("file: /srv/x\nmust: { writable_only_by: [root] }").on(&host)
    };
    writable(0o644).passes();
    writable(0o664).unknown_about("who else is in a group (group: ldap");
    let members = |conditions: &str| {
        rule(&format!("group: docker\nmust: {{ members: {conditions} }}")).on(&of_a_directory())
    };
    members("{ only: [bob] }").unknown_about("who else is in a group (group: ldap");
    members("{ all: [bob] }").passes();
    members("{ all: [eve] }").unknown_about("who else is in a group (group: ldap");
    members("[]").fails_about("bob as well");
}

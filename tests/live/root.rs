//! `check --root DIR`: the same policies on a root filesystem, which nothing may resolve out of.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A root filesystem in a temporary directory.
struct Root(tempfile::TempDir);

impl Root {
    fn new() -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        root.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:7001:7002::/:/bin/false\n");
        root.write("etc/group", "root:x:0:\nweb:x:7002:\n");
        root.write("etc/os-release", "ID=shop\nPRETTY_NAME=\"Shop 1\"\n");
        root
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.0.path().join(inside)
    }

    fn write(&self, inside: &str, content: &str) -> &Self {
        let path = self.path(inside);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    fn link(&self, inside: &str, target: &str) -> &Self {
        symlink(target, self.path(inside)).unwrap();
        self
    }

    fn check(&self, rules: &str) -> (Option<i32>, String) {
        check(self.0.path(), rules)
    }
}

/// Exit code and report of `check --root` with these rules.
fn check(root: &Path, rules: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.yaml");
    fs::write(&policy, format!("policy: p\nrules:\n{rules}")).unwrap();
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--verbose", "--root"])
        .args([root, &policy])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&stdout) + String::from_utf8_lossy(&stderr);
    (status.code(), text.into_owned())
}

#[test]
fn files_accounts_and_settings_are_those_of_the_root_filesystem() {
    let root = Root::new();
    root.write("etc/nginx/nginx.conf", "events {}\nuser web;\n");
    let (status, report) = root.check(
        "- { id: a, file: /etc/passwd, must: { contains: '^web:x:7001' } }
- { id: b, user: web, must: { uid: 7001, group: web } }
- { id: c, accounts: all, must: { uid_0: { only: [root] } } }
- { id: d, config: /etc/nginx/nginx.conf, must: { user: web } }
- { id: e, user: daemon, must: { exists: false } }
- { id: f, file: /etc/passwd, when: { os: shop, target: image }, must: { type: file } }
",
    );
    assert_eq!(status, Some(0), "{report}");
    assert!(report.contains("Shop 1"), "{report}");
}

#[test]
fn an_absolute_link_begins_inside() {
    let root = Root::new();
    root.write("etc/hostname", "inside\n").link("etc/name", "/etc/hostname");
    let (status, report) =
        root.check("- { id: a, file: /etc/name, must: { contains: '^inside$' } }\n");
    assert_eq!(status, Some(0), "{report}");
}

#[test]
fn a_link_to_a_file_that_only_the_machine_has_leads_nowhere() {
    let root = Root::new();
    // Of the machine that runs this: neither exists inside.
    root.link("etc/machine", "/proc/version").link("up", "../../../../../../../../proc/version");
    for path in ["/etc/machine", "/up"] {
        let rule = format!("- {{ id: a, file: {path}, must: {{ contains: Linux }} }}\n");
        let (status, report) = root.check(&rule);
        assert_eq!(status, Some(1), "{report}");
        assert!(report.contains("which does not exist"), "{report}");
    }
}

#[test]
fn two_dots_stop_at_the_root() {
    let root = Root::new();
    root.link("etc/name", "../../../../etc/os-release");
    let (status, report) = root.check("- { id: a, file: /etc/name, must: { contains: shop } }\n");
    assert_eq!(status, Some(0), "{report}");
}

#[test]
fn a_link_to_itself_is_unknown() {
    let root = Root::new();
    root.link("loop", "loop");
    let (status, report) = root.check("- { id: a, file: /loop, must: { contains: x } }\n");
    assert_eq!(status, Some(2), "{report}");
}

#[test]
fn a_fifo_is_never_waited_for() {
    let root = Root::new();
    let fifo = root.path("pipe");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (status, report) = root.check(
        "- { id: a, file: /pipe, must: { type: fifo } }
- { id: b, file: /pipe, must: { contains: x } }
",
    );
    assert_eq!(status, Some(2), "{report}");
    assert!(report.contains("a fifo, not a regular file"), "{report}");
}

#[test]
fn what_only_a_running_host_could_show_is_skipped_with_that_reason() {
    let root = Root::new();
    let (status, report) = root.check("- { id: c, listeners: all, must: { only: [22/tcp] } }\n");
    // Nothing was evaluated: no success.
    assert_eq!(status, Some(2), "{report}");
    assert!(report.contains("skipped c  needs a running host"), "{report}");
}

#[test]
fn what_is_no_root_filesystem_is_an_error_and_never_passes() {
    let empty = tempfile::tempdir().unwrap();
    for path in [empty.path(), &empty.path().join("nothing"), Path::new("/etc/passwd")] {
        let (status, report) = check(path, "- { id: a, file: /x, must: { exists: false } }\n");
        assert_eq!(status, Some(3), "{report}");
    }
}

#[test]
fn setuid_bits_and_modes_are_seen() {
    let root = Root::new();
    root.write("bin/su", "");
    fs::set_permissions(root.path("bin/su"), PermissionsExt::from_mode(0o4755)).unwrap();
    let (status, report) = root.check("- { id: a, file: /bin/su, must: { mode: u-s } }\n");
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("4755"), "{report}");
}

/// Without `openat2(2)`: units with `RestrictSUIDSGID=` and older kernels have none.
#[test]
fn nothing_is_different_where_openat2_is_missing() {
    if !crate::support::needs(&[crate::support::Need::Command("strace")]) {
        return;
    }
    let root = Root::new();
    root.write("usr/bin/tool", "x").write("etc/name", "shop\n");
    root.link("etc/out", "/etc/hostname").link("etc/up", "../../../../etc/name");
    root.link("etc/loop", "loop").link("bin", "usr/bin");
    let policy = root.path("p.yaml");
    fs::write(
        &policy,
        "policy: p\nrules:\n\
         - { id: a, file: /etc/up, must: { contains: '^shop$' } }\n\
         - { id: b, file: /etc/out, must: { exists: true } }\n\
         - { id: c, file: /etc/loop, must: { contains: x } }\n\
         - { id: d, file: /bin/tool, must: { size: 1 } }\n\
         - { id: e, files: all, must: { setuid: [], world_writable: [] } }\n\
         - { id: f, user: web, must: { uid: 7001 } }\n",
    )
    .unwrap();
    let report = |words: &[&str]| {
        let output = Command::new(words[0])
            .args(&words[1..])
            .args(["check", "--format", "tap", "--root"])
            .args([root.0.path(), &policy])
            .output()
            .unwrap();
        let text =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code(), text.into_owned())
    };
    let binary = env!("CARGO_BIN_EXE_spotcheck");
    let expected = report(&[binary]);
    assert_eq!(expected.0, Some(1), "{}", expected.1);
    for error in ["ENOSYS", "EPERM"] {
        let inject = format!("inject=openat2:error={error}");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject, binary];
        assert_eq!(report(&words), expected, "{error}");
    }
}

/// Differential: the steps lead where the kernel's own resolution leads, and fail as it fails.
#[test]
fn a_path_leads_where_openat2_says_without_it() {
    use crate::support::random::Random;
    use nix::errno::Errno;
    use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
    use nix::sys::stat::{Mode, fstat};
    use spotcheck::host::beneath::{Links, step_by_step};

    let names = ["a", "b", "c", "..", ".", "", "file", "l0", "l1", "l2", "l3", "l4", "none"];
    let mut random = Random(4);
    let mut compared = 0;
    for _ in 0..40 {
        let folder = tempfile::tempdir().unwrap();
        let mut folders = vec![folder.path().to_path_buf()];
        for _ in 0..5 {
            let place = folders[random.below(folders.len())].join(["a", "b", "c"][random.below(3)]);
            if fs::create_dir(&place).is_ok() {
                folders.push(place);
            }
        }
        let path = |random: &mut Random| {
            let start = if random.chance(40) { "/" } else { "" };
            let names: Vec<&str> =
                (0..1 + random.below(5)).map(|_| names[random.below(names.len())]).collect();
            format!("{start}{}", names.join("/"))
        };
        for place in &folders {
            let _ = fs::write(place.join("file"), "");
            for number in 0..3 {
                let to = path(&mut random);
                let _ = symlink(
                    if to.is_empty() { "." } else { &to },
                    place.join(format!("l{number}")),
                );
            }
        }
        let root = open(folder.path(), OFlag::O_PATH | OFlag::O_DIRECTORY, Mode::empty()).unwrap();
        for _ in 0..300 {
            let path = path(&mut random);
            let mut flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
            flags.set(OFlag::O_NOFOLLOW, random.chance(50));
            flags.set(OFlag::O_DIRECTORY, random.chance(20));
            let links = if random.chance(80) { Links::Follow } else { Links::Refuse };
            let resolve = match links {
                Links::Follow => ResolveFlag::RESOLVE_NO_MAGICLINKS,
                Links::Refuse => ResolveFlag::RESOLVE_NO_SYMLINKS,
            } | ResolveFlag::RESOLVE_IN_ROOT;
            let asked = path.trim_start_matches('/');
            let asked = if asked.is_empty() { "." } else { asked };
            let theirs = openat2(&root, asked, OpenHow::new().flags(flags).resolve(resolve));
            if matches!(theirs, Err(Errno::ENOSYS)) {
                eprintln!("SKIPPED (no openat2)");
                return;
            }
            let who =
                |file: std::os::fd::OwnedFd| fstat(&file).map(|stat| (stat.st_dev, stat.st_ino));
            let ours =
                step_by_step(std::os::fd::AsFd::as_fd(&root), Path::new(&path), flags, links);
            compared += usize::from(ours.is_ok());
            let (theirs, ours) = (theirs.and_then(who), ours.and_then(who));
            assert_eq!(ours, theirs, "{path} {flags:?} {links:?}");
        }
    }
    assert!(compared > 1000, "{compared}");
}

//! Files of the live host, compared with `stat(1)`, `getfacl(1)` and `sha256sum(1)`.

// Helpers of tests may be as blunt as tests, which clippy cannot see.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::live_support::{AS_NOBODY, again, open_to_all, output, root, run_again, tool};
use spotcheck::facts::Cause;
use spotcheck::facts::file::{AclTag, FileKind};
use spotcheck::host::{Files, READ_LIMIT, glob};
use spotcheck::targets::live::Live;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

fn tree() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::Builder::new().prefix("spotcheck-test-").tempdir().unwrap();
    let path = dir.path().canonicalize().unwrap();
    open_to_all(&path, 0o755);
    (dir, path)
}

fn fifo(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o644)).unwrap();
}

#[test]
fn a_file_is_as_stat_says() {
    let (_dir, base) = tree();
    fs::write(base.join("plain"), "content").unwrap();
    open_to_all(&base.join("plain"), 0o4751);
    fs::hard_link(base.join("plain"), base.join("second")).unwrap();
    symlink("plain", base.join("link")).unwrap();
    symlink("nowhere", base.join("dangling")).unwrap();
    fs::create_dir(base.join("directory")).unwrap();
    open_to_all(&base.join("directory"), 0o1777);
    fifo(&base.join("fifo"));
    let _socket = UnixListener::bind(base.join("socket")).unwrap();
    let live = Live::new();
    let mut paths: Vec<PathBuf> = fs::read_dir(&base).unwrap().map(|e| e.unwrap().path()).collect();
    paths.extend(["/dev/null", "/etc/passwd", "/"].map(PathBuf::from));
    assert!(paths.len() > 8);
    for path in paths {
        let file = live.file(&path).unwrap().unwrap();
        let kind = match file.kind {
            FileKind::File if file.size == 0 => "regular empty file",
            FileKind::File => "regular file",
            FileKind::Directory => "directory",
            FileKind::Symlink => "symbolic link",
            FileKind::Socket => "socket",
            FileKind::Fifo => "fifo",
            FileKind::BlockDevice => "block special file",
            FileKind::CharDevice => "character special file",
        };
        let own = format!(
            "{kind}|{}|{}|{:o}|{}|{}|{}|{}|{}|{}",
            file.uid,
            file.gid,
            file.mode.0,
            file.size,
            file.device,
            file.inode,
            file.links,
            file.modified,
            file.changed
        );
        let format = "%F|%u|%g|%a|%s|%d|%i|%h|%Y|%Z";
        assert_eq!(own, output("stat", &["-c", format, path.to_str().unwrap()]).trim());
        assert_eq!(file.link_target, fs::read_link(&path).ok());
    }
}

#[test]
fn what_is_not_there_is_absent_and_no_error() {
    let (_dir, base) = tree();
    fs::write(base.join("plain"), "").unwrap();
    symlink("nowhere", base.join("dangling")).unwrap();
    let live = Live::new();
    for path in ["nothing", "nothing/below", "plain/below"] {
        let path = base.join(path);
        assert_eq!(live.file(&path), Ok(None));
        assert_eq!(live.read(&path), Ok(None));
        assert_eq!(live.list(&path), Ok(None));
        assert_eq!(live.sha256(&path), Ok(None));
    }
    assert_eq!(live.read(&base.join("dangling")), Ok(None));
    assert_eq!(live.list(&base.join("plain")), Ok(None));
}

#[test]
fn names_are_bytes() {
    let (_dir, base) = tree();
    let name = std::ffi::OsStr::from_bytes(b"odd \xff\n name");
    fs::write(base.join(name), "x").unwrap();
    let live = Live::new();
    assert_eq!(live.list(&base).unwrap().unwrap().as_slice(), [name]);
    assert_eq!(live.read(&base.join(name)).unwrap().unwrap().as_slice(), b"x");
}

#[test]
fn links_in_a_circle_and_relative_paths_are_unknown() {
    let (_dir, base) = tree();
    symlink("b", base.join("a")).unwrap();
    symlink("a", base.join("b")).unwrap();
    let live = Live::new();
    assert!(live.read(&base.join("a")).is_err());
    assert!(live.file(&base.join("a/x")).is_err());
    assert!(live.list(&base.join("a")).is_err());
    for path in ["etc/passwd", ""] {
        assert!(live.file(Path::new(path)).is_err());
        assert!(live.read(Path::new(path)).is_err());
    }
}

#[test]
fn what_is_no_regular_file_is_never_waited_for() {
    let (_dir, base) = tree();
    fifo(&base.join("fifo"));
    let _socket = UnixListener::bind(base.join("socket")).unwrap();
    let live = Live::new();
    for (path, kind) in [
        (base.join("fifo"), "a fifo"),
        (base.join("socket"), "a socket"),
        (base.clone(), "a directory"),
        (PathBuf::from("/dev/zero"), "a char device"),
        (PathBuf::from("/dev/tty"), "a char device"),
    ] {
        for unknown in [live.read(&path).unwrap_err(), live.sha256(&path).unwrap_err()] {
            assert!(unknown.to_string().contains(kind), "{unknown} is not about {kind}");
        }
    }
}

#[test]
fn files_without_a_size_are_read_and_large_ones_are_not() {
    let (_dir, base) = tree();
    let live = Live::new();
    let status = live.read(Path::new("/proc/self/status")).unwrap().unwrap();
    assert!(status.starts_with(b"Name:"));
    let large = fs::File::create(base.join("large")).unwrap();
    large.set_len(READ_LIMIT).unwrap();
    assert_eq!(live.read(&base.join("large")).unwrap().unwrap().len() as u64, READ_LIMIT);
    large.set_len(READ_LIMIT + 1).unwrap();
    let unknown = Live::new().read(&base.join("large")).unwrap_err();
    assert!(matches!(unknown.cause, Cause::TooLarge(_)), "{unknown}");
}

#[test]
fn a_digest_is_that_of_sha256sum() {
    let (_dir, base) = tree();
    fs::write(base.join("some"), vec![7; 300_001]).unwrap();
    fs::write(base.join("none"), "").unwrap();
    for path in [base.join("some"), base.join("none"), PathBuf::from("/bin/sh")] {
        let expected = output("sha256sum", &[path.to_str().unwrap()]);
        let found = Live::new().sha256(&path).unwrap().unwrap();
        assert_eq!(found, expected.split(' ').next().unwrap());
    }
}

#[test]
fn an_acl_is_that_of_getfacl() {
    if !tool("setfacl") || !tool("getfacl") {
        return;
    }
    let (_dir, base) = tree();
    let path = base.join("file");
    fs::write(&path, "").unwrap();
    let live = Live::new();
    assert_eq!(live.acl(&path), Ok(None));
    let name = path.to_str().unwrap();
    output("setfacl", &["-m", "u:1000:rw,u:7:---,g:5:r-x,m::r--,o::-", name]);
    let letters = |perms: u8| {
        let bit = |mask: u8, letter: char| if perms & mask == 0 { '-' } else { letter };
        [bit(4, 'r'), bit(2, 'w'), bit(1, 'x')].iter().collect::<String>()
    };
    let acl = live.acl(&path).unwrap().unwrap();
    let lines: Vec<String> = acl
        .entries
        .iter()
        .map(|entry| {
            let who = match entry.who {
                AclTag::UserObj => "user:".to_owned(),
                AclTag::User(uid) => format!("user:{uid}"),
                AclTag::GroupObj => "group:".to_owned(),
                AclTag::Group(gid) => format!("group:{gid}"),
                AclTag::Mask => "mask:".to_owned(),
                AclTag::Other => "other:".to_owned(),
            };
            format!("{who}:{}", letters(entry.perms))
        })
        .collect();
    let said = output("getfacl", &["-n", "-c", "-p", "-E", name]);
    assert_eq!(lines, said.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>());
    symlink("file", base.join("link")).unwrap();
    assert_eq!(live.acl(&base.join("link")), Ok(None));
    assert_eq!(live.acl(Path::new("/proc/self/status")), Ok(None));
}

#[test]
fn a_refusal_is_not_absence() {
    if let Some(base) = again() {
        let live = Live::new();
        let inside = Path::new(&base).join("closed/file");
        for unknown in [
            live.file(&inside).unwrap_err(),
            live.read(&inside).unwrap_err(),
            live.sha256(&inside).unwrap_err(),
            live.acl(&inside).unwrap_err(),
            live.list(inside.parent().unwrap()).unwrap_err(),
            live.read(&Path::new(&base).join("secret")).unwrap_err(),
            glob::expand(&live, &format!("{base}/*/file")).unwrap_err(),
            glob::expand(&live, &format!("{base}/closed/*")).unwrap_err(),
            glob::expand(&live, &format!("{base}/**/*.conf")).unwrap_err(),
        ] {
            assert!(unknown.needs_root(), "{unknown}");
        }
        assert!(live.file(&Path::new(&base).join("secret")).unwrap().is_some());
        return;
    }
    if !root() || !tool("setpriv") {
        return;
    }
    let (_dir, base) = tree();
    fs::create_dir(base.join("closed")).unwrap();
    fs::write(base.join("closed/file"), "").unwrap();
    fs::write(base.join("secret"), "").unwrap();
    open_to_all(&base.join("closed"), 0o700);
    open_to_all(&base.join("secret"), 0o600);
    run_again("a_refusal_is_not_absence", &AS_NOBODY, base.to_str().unwrap());
}

#[test]
fn a_read_only_mount_is_noticed() {
    if let Some(base) = again() {
        assert_eq!(Live::new().read_only(Path::new(&base)), Ok(true));
        return;
    }
    let (_dir, base) = tree();
    assert_eq!(Live::new().read_only(&base), Ok(false));
    assert!(Live::new().read_only(&base.join("nothing")).is_err());
    if !root() || !tool("unshare") {
        return;
    }
    let script = format!("mount -t tmpfs -o ro none {} && exec \"$@\"", base.display());
    // With a process 1 of its own: what is read-only for that one is.
    let own = ["unshare", "--mount", "--pid", "--fork", "--mount-proc"];
    let prefix = [own.as_slice(), &["sh", "-c", &script, "sh"]].concat();
    run_again("a_read_only_mount_is_noticed", &prefix, base.to_str().unwrap());
}

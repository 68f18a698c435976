//! Asking the kernel: a process that has become somebody tries what is in question.
//!
//! The test binary runs itself again, gives up its rights for good and tries every path that
//! stands on its standard input. Test files that use this declare it as `kernel_probe`, whose `probe` is what the other process runs.

use crate::support::copy_program;
use nix::fcntl::{AtFlags, OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{AccessFlags, Gid, Uid, faccessat, setgroups, setresgid, setresuid};
use spotcheck::access::Credentials;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

const ROLE: &str = "SPOTCHECK_PROBE_AS";
/// Marks the lines that are answers among those of the test harness.
const MARK: &str = "@@ ";

/// Somebody whom a process can become.
#[derive(Clone, Debug)]
pub struct Somebody {
    pub uid: u32,
    pub gid: u32,
    pub groups: Vec<u32>,
    /// Options of `setpriv(1)` that change capabilities; empty for what the ids bring along.
    pub setpriv: Vec<&'static str>,
}

impl Somebody {
    pub fn new(uid: u32, gid: u32, groups: &[u32]) -> Self {
        Self { uid, gid, groups: groups.to_vec(), setpriv: Vec::new() }
    }

    pub fn with(mut self, setpriv: &[&'static str]) -> Self {
        self.setpriv = setpriv.to_vec();
        self
    }
}

/// What the kernel said about one path: one letter each for reading, writing, executing, for creating
/// the name or putting what is there aside, and for changing the mode of what is there as its owner.
/// `y` allowed, `n` denied, `0` no such file, anything else an error that nobody expects.
pub type Answers = Vec<(PathBuf, [char; 5])>;

/// A copy of this test binary in a place that everybody can reach.
pub struct Probe {
    place: TempDir,
}

impl Probe {
    pub fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = place.path().join("probe");
        copy_program(&std::env::current_exe().unwrap(), &copy);
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
        Self { place }
    }

    /// Tries all paths as `who`, through a command that in the end executes its arguments, such
    /// as `unshare -m`. Returns who the process really was, and the answers in order.
    pub fn ask(
        &self,
        who: &Somebody,
        through: &[&str],
        paths: &[PathBuf],
    ) -> (Credentials, Answers) {
        let groups: Vec<String> = who.groups.iter().map(u32::to_string).collect();
        let groups = groups.join(",");
        let mut words: Vec<String> = through.iter().map(|word| (*word).to_owned()).collect();
        let mut role = format!("{}:{}:{groups}", who.uid, who.gid);
        if !who.setpriv.is_empty() {
            words.extend(["setpriv".into(), format!("--reuid={}", who.uid)]);
            words.push(format!("--regid={}", who.gid));
            let none = groups.is_empty();
            words.push(if none { "--clear-groups".into() } else { format!("--groups={groups}") });
            words.extend(who.setpriv.iter().map(|word| (*word).to_owned()));
            role = "already".to_owned();
        }
        words.push(self.place.path().join("probe").display().to_string());
        words.extend(
            ["kernel_probe::probe", "--exact", "--nocapture", "--test-threads=1"].map(String::from),
        );
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let text: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        child.stdin.take().unwrap().write_all(text.join("\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "probe of {who:?}: {}", output.status);
        let text = String::from_utf8(output.stdout).unwrap();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(MARK));
        let credentials = credentials(lines.next().expect("credentials come first"));
        let letters = |line: &str| <[char; 5]>::try_from(line.chars().collect::<Vec<_>>()).unwrap();
        let answers: Answers = paths.iter().cloned().zip(lines.map(letters)).collect();
        assert_eq!(answers.len(), paths.len(), "every path is answered");
        assert_eq!(credentials.uid, who.uid, "the process became the one it should");
        assert_eq!(credentials.gids, who.groups.iter().copied().chain([who.gid]).collect());
        (credentials, answers)
    }
}

/// The first line of an answer: `uid capabilities gid gid ...`, capabilities in hexadecimal.
fn credentials(line: &str) -> Credentials {
    let words: Vec<&str> = line.split(' ').collect();
    Credentials {
        uid: words[0].parse().unwrap(),
        capabilities: u64::from_str_radix(words[1], 16).unwrap(),
        gids: words[2..].iter().map(|gid| gid.parse().unwrap()).collect(),
    }
}

/// Not a test: what the processes run that [`Probe::ask`] starts. Nothing in any other.
#[test]
fn probe() {
    let Ok(role) = std::env::var(ROLE) else { return };
    if role != "already" {
        become_somebody(&role);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let mut answer = format!("\n{MARK}{}\n", who_am_i());
    for path in text.lines().map(Path::new) {
        let rwx = [read(path), write(path), execute(path)];
        let rwx: String = rwx.iter().collect();
        answer.push_str(&format!("{MARK}{rwx}{}{}\n", entry(path), own(path)));
    }
    std::io::stdout().write_all(answer.as_bytes()).unwrap();
}

fn become_somebody(role: &str) {
    let parts: Vec<&str> = role.split(':').collect();
    let (uid, gid) =
        (Uid::from_raw(parts[0].parse().unwrap()), Gid::from_raw(parts[1].parse().unwrap()));
    let groups: Vec<Gid> =
        parts[2].split(',').filter_map(|gid| gid.parse().ok()).map(Gid::from_raw).collect();
    setgroups(&groups).unwrap();
    setresgid(gid, gid, gid).unwrap();
    setresuid(uid, uid, uid).unwrap();
}

/// Filesystem ids and effective capabilities of this thread, as the kernel has them.
fn who_am_i() -> String {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let words = |key: &str| -> Vec<String> {
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
        line.split_whitespace().map(str::to_owned).collect()
    };
    let mut line = format!("{} {} {}", words("Uid:")[3], words("CapEff:")[0], words("Gid:")[3]);
    for group in words("Groups:") {
        line.push_str(&format!(" {group}"));
    }
    line
}

fn letter<T>(result: Result<T, nix::Error>) -> char {
    use nix::errno::Errno::{EACCES, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM, EROFS};
    match result {
        // ENXIO: a FIFO that nobody reads, or a socket; both come after the permission check.
        Ok(_) | Err(ENXIO) => 'y',
        Err(EACCES | EPERM | EROFS | ELOOP) => 'n',
        Err(ENOENT | ENOTDIR) => '0',
        Err(EISDIR) => 'd',
        Err(_) => '?',
    }
}

fn read(path: &Path) -> char {
    letter(open(path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Mode::empty()))
}

/// A directory is written by making and removing a name in it.
fn write(path: &Path) -> char {
    let opened = letter(open(path, OFlag::O_WRONLY | OFlag::O_NONBLOCK, Mode::empty()));
    if opened != 'd' && !path.is_dir() {
        return opened;
    }
    let allowed = letter(access(path, AccessFlags::W_OK | AccessFlags::X_OK));
    let name = path.join(".made-by-probe");
    let made = fs::File::create_new(&name).and_then(|_| fs::remove_file(&name));
    if allowed == 'y' && made.is_err() { '!' } else { allowed }
}

fn execute(path: &Path) -> char {
    if path.is_dir() {
        let result = letter(nix::unistd::chdir(path));
        nix::unistd::chdir("/").unwrap();
        return result;
    }
    let result = letter(access(path, AccessFlags::X_OK));
    // execve(2) takes regular files only, which access(2) does not say.
    if result == 'y' && !path.is_file() { 'n' } else { result }
}

/// Creates the name and removes it, or puts what is there aside and back.
fn entry(path: &Path) -> char {
    if !ends_in_a_name(path) {
        return '-';
    }
    // Through a descriptor: what is put aside may be part of the path itself.
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let directory = match open(path.parent().unwrap(), flags, Mode::empty()) {
        Ok(directory) => directory,
        Err(error) => return letter::<()>(Err(error)),
    };
    let name = path.file_name().unwrap();
    let aside = std::ffi::OsStr::new(".aside-by-probe");
    let put = |from: &std::ffi::OsStr, to: &std::ffi::OsStr| {
        nix::fcntl::renameat(&directory, from, &directory, to)
    };
    match put(name, aside) {
        Ok(()) if put(aside, name).is_err() => '!',
        Err(nix::Error::ENOENT) => {
            let flags = OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY;
            let made = nix::fcntl::openat(&directory, name, flags, Mode::S_IRUSR);
            let kept = nix::unistd::UnlinkatFlags::NoRemoveDir;
            if made.is_ok() && nix::unistd::unlinkat(&directory, name, kept).is_err() {
                return '!';
            }
            letter(made)
        }
        moved => letter(moved),
    }
}

/// Whether the path as it is written ends in a name, not in a slash, `.` or `..`.
pub fn ends_in_a_name(path: &Path) -> bool {
    let text = path.display().to_string();
    !["/", "/.", "/.."].iter().any(|end| text.ends_with(end))
}

/// Sets the mode that it has: what an owner may do. Of a link nothing is asked.
fn own(path: &Path) -> char {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => '-',
        Ok(meta) => {
            let mode = fs::Permissions::from_mode(meta.permissions().mode() & 0o7777);
            match fs::set_permissions(path, mode) {
                Ok(()) => 'y',
                Err(_) => 'n',
            }
        }
        Err(_) => 'n',
    }
}

fn access(path: &Path, wanted: AccessFlags) -> Result<(), nix::Error> {
    faccessat(nix::fcntl::AT_FDCWD, path, wanted, AtFlags::AT_EACCESS)
}

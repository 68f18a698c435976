//! What the tests of the live target share: children that end with the test, and the test itself
//! run once more as somebody else.
#![allow(dead_code)]

pub use crate::support::copy_program;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Set in the environment of a test that runs once more with other rights.
const AGAIN: &str = "SPOTCHECK_TEST_AGAIN";

/// Whether this is root. If not, says loudly that the test is left out.
pub fn root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        skip("needs root");
    }
    root
}

/// Says loudly that the current test is left out.
pub fn skip(why: &str) {
    let name = std::thread::current().name().unwrap_or("a test").to_owned();
    eprintln!("SKIPPED ({why}): {name}");
}

/// Whether a tool is there; if not, says loudly that the test is left out.
pub fn tool(name: &str) -> bool {
    let found = Command::new(name)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_err() {
        skip(&format!("needs {name}"));
    }
    found.is_ok()
}

/// A child that is killed when the test is over.
pub struct Running(pub Child);

impl Running {
    pub fn start(command: &mut Command) -> Self {
        let child = Self(command.spawn().unwrap());
        // Until it has executed its program it is a copy of this one.
        child.wait_until(|pid| {
            let exe = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
            exe.is_none_or(|exe| exe != std::env::current_exe().unwrap())
        });
        child
    }

    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    pub fn wait_until(&self, condition: impl Fn(u32) -> bool) {
        wait_until(|| condition(self.pid()));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for something that takes a moment.
pub fn wait_until(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "waited in vain");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `sleep 300`, as a program of the given name and at the given place.
pub fn sleep_at(path: &Path) -> Running {
    copy_program(Path::new("/bin/sleep"), path);
    Running::start(Command::new(path).arg("300"))
}

/// Output of a command that must succeed.
pub fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether this is the second run of a test. The value is what the first run passed on.
pub fn again() -> Option<String> {
    std::env::var(AGAIN).ok()
}

/// Runs the test `name`, which no other test may contain, once more behind the words of `prefix`, such as `setpriv --reuid 65534`,
/// with `value` to be had from [`again`]. A failure there is one here.
pub fn run_again(name: &str, prefix: &[&str], value: &str) {
    let dir = tempfile::Builder::new().prefix("spotcheck-test-").tempdir().unwrap();
    open_to_all(dir.path(), 0o755);
    let copy = dir.path().join("again");
    copy_program(&std::env::current_exe().unwrap(), &copy);
    open_to_all(&copy, 0o755);
    let (program, arguments) = prefix.split_first().unwrap();
    let output = Command::new(program)
        .args(arguments)
        .arg(&copy)
        .args([name, "--nocapture", "--test-threads=1"])
        .current_dir("/")
        .env(AGAIN, value)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

/// `chmod`.
pub fn open_to_all(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The words that make a program one of nobody's, without any privilege.
pub const AS_NOBODY: [&str; 6] =
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--"];

//! The real program in a folder of its own: policies are written there, and arguments and messages
//! name them by relative paths, so that snapshots are the same everywhere.

use super::Output;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};
use tempfile::TempDir;

/// How long the program may take. Far more than it needs even in a debug build on a busy machine:
/// what runs into it hangs, or is quadratic.
const PATIENCE: Duration = Duration::from_secs(60);

/// A temporary folder, removed at the end.
pub struct Folder {
    folder: TempDir,
}

impl Folder {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// A folder with one file, `policy.yaml`.
    pub fn with(policy: impl AsRef<[u8]>) -> Self {
        let folder = Self::new();
        folder.write("policy.yaml", policy);
        folder
    }

    /// Writes a file, its folders made as needed.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("mkdir");
        fs::write(path, content).expect("the file can be written");
        self
    }

    /// The absolute path of a name in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// [`path`](Self::path) as text, for a policy.
    pub fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// Runs `spotcheck` in the folder. Panics if it does not end, or ends by a signal.
    pub fn run(&self, args: &[&str]) -> Output {
        self.run_program(&[&[env!("CARGO_BIN_EXE_spotcheck")], args].concat())
    }

    /// Runs a copy of `spotcheck` that everybody can reach as this user, in this folder.
    pub fn run_as(&self, uid: u32, args: &[&str]) -> Output {
        use std::os::unix::fs::PermissionsExt as _;
        let open = fs::Permissions::from_mode(0o755);
        let copy = self.path("spotcheck");
        // By another process: what this one has open for writing while another thread starts a
        // program is "text file busy" to whoever executes it.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_spotcheck")).arg(&copy).status();
        assert!(copied.is_ok_and(|status| status.success()), "the program can be copied");
        fs::set_permissions(&copy, open.clone()).expect("chmod");
        fs::set_permissions(self.folder.path(), open).expect("chmod");
        let (user, group) = (format!("--reuid={uid}"), format!("--regid={uid}"));
        let drop = ["setpriv", &user, &group, "--clear-groups", "--inh-caps=-all", "./spotcheck"];
        self.run_program(&[&drop, args].concat())
    }

    fn run_program(&self, words: &[&str]) -> Output {
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .current_dir(self.folder.path())
            .env_remove("CLICOLOR_FORCE")
            .env_remove("RUST_BACKTRACE")
            .env("COLUMNS", "100")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stdout = drain(child.stdout.take().expect("stdout is piped"));
        let stderr = drain(child.stderr.take().expect("stderr is piped"));
        let status = wait(&mut child, words);
        let output = Output {
            status,
            stdout: stdout.join().expect("stdout is read"),
            stderr: stderr.join().expect("stderr is read"),
        };
        assert!(output.status.is_some(), "{words:?} ended by a signal: {output:#?}");
        assert!(!output.stderr.contains("panicked"), "{words:?} panicked: {output:#?}");
        output
    }
}

impl AsRef<Path> for Folder {
    fn as_ref(&self) -> &Path {
        self.folder.path()
    }
}

fn drain(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("the pipe can be read");
        String::from_utf8(bytes).expect("the program prints UTF-8")
    })
}

fn wait(child: &mut Child, words: &[&str]) -> Option<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("wait") {
            return status.code();
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("{words:?} has not ended after {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

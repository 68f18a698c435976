//! A machine inside the machine: namespaces of its own in which daemons can run, files be changed
//! and ports be taken without a trace outside.

use super::cgroups::Cgroups;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{fs, thread};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a command inside the machine did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Exit code; 124 if it was stopped because it took too long, `None` if a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Fresh network, mount, pid and control group namespaces, held by an anchor process.
///
/// * `/etc` is a copy-on-write layer over the real one; `/var/log`, `/run`, `/var/lib/nginx` and
///   `/mnt` are empty and private. Everything else, `/tmp` too, is the real machine's.
/// * The program under test is at `/mnt/spotcheck`, reachable for every user.
/// * The anchor is pid 1 and reads from a pipe that this process holds. However this process ends,
///   the pipe closes, pid 1 exits, and the kernel kills all that is left in the machine.
pub struct Machine {
    unshare: Child,
    anchor: u32,
    pipe: Option<ChildStdin>,
    cgroups: Cgroups,
}

impl Machine {
    /// Makes the machine. The caller has asked [`needs`](super::needs) for root and namespaces.
    pub fn new() -> Self {
        let cgroups = Cgroups::new();
        // The shell that becomes unshare enters the control group first: the control group
        // namespace calls `/` the group in which it was made.
        let enter = format!(
            "set -e\n{}exec unshare --net --mount --pid --cgroup --fork --kill-child \
             --propagation private sh -eu -c \"$1\"",
            cgroups.enter("")
        );
        let mut unshare = Command::new("sh")
            .args(["-c", &enter, "sh", SET_UP])
            .env("SPOTCHECK", env!("CARGO_BIN_EXE_spotcheck"))
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let pipe = unshare.stdin.take();
        let (sender, lines) = mpsc::channel();
        let stdout = BufReader::new(unshare.stdout.take().expect("stdout is piped"));
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        let mut machine = Self { unshare, anchor: 0, pipe, cgroups };
        let line = || {
            lines.recv_timeout(PATIENCE).expect("the namespaces can be set up (see standard error)")
        };
        machine.anchor = line().parse().expect("the anchor says its pid");
        assert_eq!(line(), "ready");
        machine
    }

    /// Runs a shell script inside as root, to its end.
    pub fn sh(&self, script: &str) -> Output {
        self.exec(&["sh", "-c", script])
    }

    /// Runs a shell script inside as root, to its end, with this as standard input.
    pub fn sh_with(&self, stdin: fs::File, script: &str) -> Output {
        self.exec_with(stdin.into(), &["sh", "-c", script])
    }

    /// Runs a shell script inside as root that has to succeed; its standard output.
    pub fn must(&self, script: &str) -> String {
        let output = self.sh(script);
        assert_eq!(output.status, Some(0), "inside the machine:\n{script}\n{output:#?}");
        output.stdout
    }

    /// Runs a script that starts a daemon, in the control group of `unit` where there are any. The
    /// script ends once the daemon has gone to the background.
    pub fn start(&self, unit: &str, script: &str) {
        let enter = self.cgroups.enter(&format!("system.slice/{unit}"));
        // The daemon must not hold the pipes on which the end of the output is awaited.
        self.must(&format!(
            "set -e\n{enter}{{\n{script}\n}} </dev/null >/var/log/start 2>&1 \
             || {{ cat /var/log/start >&2; exit 1; }}"
        ));
    }

    /// Starts a program that does not go to the background by itself, and waits until it is that
    /// program: before it is executed, the process is a shell's.
    pub fn start_program(&self, unit: &str, program: &str, arguments: &str) {
        self.start(
            unit,
            &format!(
                "{program} {arguments} &
                 until [ \"$(readlink /proc/$!/exe)\" = {program} ]; do sleep 0.01; done"
            ),
        );
    }

    /// Whether processes started by [`start`](Self::start) are in the control group of their unit.
    pub fn has_units(&self) -> bool {
        self.cgroups.are_usable()
    }

    /// Runs the program under test inside as root, in `/mnt`.
    pub fn run(&self, args: &[&str]) -> Output {
        self.exec(&[&["/mnt/spotcheck"], args].concat())
    }

    /// Runs the program under test inside as this user and group, without capabilities.
    pub fn run_as(&self, uid: u32, args: &[&str]) -> Output {
        let (user, group) = (format!("--reuid={uid}"), format!("--regid={uid}"));
        let drop = ["setpriv", &user, &group, "--clear-groups", "--inh-caps=-all"];
        self.exec(&[&drop, ["/mnt/spotcheck"].as_slice(), args].concat())
    }

    /// Writes a file inside, readable for everybody, its directories made as needed.
    pub fn write(&self, path: &str, content: &str) {
        let outside = self.outside(path);
        fs::create_dir_all(outside.parent().expect("a file has a parent")).expect("mkdir");
        fs::File::create(outside).and_then(|mut f| f.write_all(content.as_bytes())).expect("write");
    }

    /// Where a path of the machine can be reached from outside.
    pub fn outside(&self, path: &str) -> PathBuf {
        Path::new(&format!("/proc/{}/root", self.anchor)).join(path.trim_start_matches('/'))
    }

    /// Whether a TCP socket listens on this port inside, as the kernel's tables say.
    pub fn listens(&self, port: u16) -> bool {
        const LISTEN: &str = "0A";
        let end = format!(":{port:04X}");
        ["tcp", "tcp6"].iter().any(|table| {
            let table = format!("/proc/{}/net/{table}", self.anchor);
            fs::read_to_string(table).expect("the anchor lives").lines().skip(1).any(|line| {
                let fields: Vec<&str> = line.split_whitespace().collect();
                fields[1].ends_with(&end) && fields[3] == LISTEN
            })
        })
    }

    /// Waits until something holds, looking often and not for ever.
    pub fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn exec(&self, command: &[&str]) -> Output {
        self.exec_with(Stdio::null(), command)
    }

    fn exec_with(&self, stdin: Stdio, command: &[&str]) -> Output {
        let output = Command::new("nsenter")
            .args(["--target", &self.anchor.to_string()])
            .args(["--net", "--mount", "--pid", "--cgroup"])
            .args(["env", "--chdir=/mnt"])
            .args(["timeout", "--kill-after=5", &PATIENCE.as_secs().to_string()])
            .args(command)
            .env("PATH", PATH)
            .stdin(stdin)
            .output()
            .expect("nsenter starts");
        let text = |bytes| String::from_utf8(bytes).expect("output is UTF-8");
        Output {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.pipe.take());
        // An anchor that does not react is killed with its parent (--kill-child). Either way the
        // kernel lets nobody wait successfully before the whole pid namespace is empty.
        let start = Instant::now();
        while matches!(self.unshare.try_wait(), Ok(None)) {
            if start.elapsed() > PATIENCE {
                let _ = self.unshare.kill();
                let _ = self.unshare.wait();
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.cgroups.remove();
    }
}

/// Commands are found where Debian puts them, whatever the caller's `PATH`.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Run by the anchor. The pid is said before `/proc` is mounted anew: until then it is the pid
/// outside. Ignoring SIGCHLD makes the kernel bury orphans, as any pid 1 has to (`env` does it
/// since `trap '' CHLD` of dash does not).
const SET_UP: &str = r#"
read -r pid _ < /proc/self/stat
echo "$pid"
mount -t proc proc /proc
ip link set lo up

mount -t tmpfs -o mode=0755 tmpfs /mnt
touch /mnt/spotcheck
mount --bind "$SPOTCHECK" /mnt/spotcheck
mkdir /mnt/.upper /mnt/.work
chmod 0755 /mnt/.upper
# A file system that cannot be the lower layer is copied.
if ! mount -t overlay -o lowerdir=/etc,upperdir=/mnt/.upper,workdir=/mnt/.work overlay /etc; then
    cp -a /etc/. /mnt/.upper
    mount --bind /mnt/.upper /etc
fi
for directory in /var/log /run /var/lib/nginx; do
    if [ -d "$directory" ]; then mount -t tmpfs -o mode=0755 tmpfs "$directory"; fi
done

echo ready
exec env --ignore-signal=CHLD cat > /dev/null
"#;

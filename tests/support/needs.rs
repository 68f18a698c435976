//! Tests that need what not every machine has: they are skipped loudly, or not at all.

use super::cgroups::Cgroups;
use std::ffi::CString;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::{env, fmt, thread};

/// Something that a test cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Effective user id 0.
    Root,
    /// Permission to make namespaces and to mount in them: root in most containers has it not.
    Namespaces,
    /// Permission to make control groups, without which daemons on the stage have no units.
    ControlGroups,
    /// A program in `PATH` or in one of the `sbin` directories.
    Command(&'static str),
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Need::Root => f.write_str("root"),
            Need::Namespaces => f.write_str("namespaces"),
            Need::ControlGroups => f.write_str("control groups"),
            Need::Command(name) => f.write_str(name),
        }
    }
}

impl Need {
    fn is_met(self) -> bool {
        match self {
            Need::Root => nix::unistd::geteuid().is_root(),
            Need::Namespaces => can_make_namespaces(),
            Need::ControlGroups => can_make_control_groups(),
            Need::Command(name) => is_installed(name),
        }
    }
}

/// Whether a test can run here. If not, says so on the real standard error, past the capture of
/// the test harness: a test that did not run must not look like one that passed.
///
/// With `SPOTCHECK_REQUIRE_ALL=1` (as continuous integration sets it) a missing need is a failure.
///
/// ```ignore
/// if !needs(&[Need::Root, Need::Command("setfacl")]) {
///     return;
/// }
/// ```
pub fn needs(wanted: &[Need]) -> bool {
    let missing: Vec<Need> = wanted.iter().copied().filter(|need| !need.is_met()).collect();
    if missing.is_empty() {
        return true;
    }
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    let skipped = format!(
        "SKIPPED (needs {}; missing here: {}): {test}",
        in_words(wanted),
        in_words(&missing)
    );
    if env::var("SPOTCHECK_REQUIRE_ALL").is_ok_and(|value| value == "1") {
        panic!("{skipped}, and SPOTCHECK_REQUIRE_ALL=1 allows no skipping");
    }
    // Not eprintln!, which the harness shows only for tests that fail.
    let _ = writeln!(std::io::stderr(), "{skipped}");
    false
}

/// `root, nginx and apache2`.
fn in_words(needs: &[Need]) -> String {
    let words: Vec<String> = needs.iter().map(Need::to_string).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

fn is_installed(name: &str) -> bool {
    // Debian keeps daemons in /usr/sbin, which is not in everybody's PATH.
    let path = env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin";
    path.split(':').filter(|directory| !directory.is_empty()).any(|directory| {
        let file = CString::new(format!("{directory}/{name}")).unwrap();
        nix::unistd::access(file.as_c_str(), nix::unistd::AccessFlags::X_OK).is_ok()
    })
}

fn can_make_namespaces() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(|| {
        Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--mount-proc"])
            .args(["--propagation", "private", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}

fn can_make_control_groups() -> bool {
    let cgroups = Cgroups::new();
    cgroups.remove();
    cgroups.are_usable()
}

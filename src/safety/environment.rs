//! What the environment may say.
//!
//! Whoever starts a run with rights may have chosen its environment: through sudo, a setuid program or
//! a unit. So there `HOME`, `XDG_*` and `SSL_CERT_FILE` mean nothing; `PATH`, `LD_*`, `TMPDIR` and
//! proxies are asked by nobody in this program. What a run is to know, its configuration says.

use super::trust::is_privileged;
use std::ffi::OsString;
use std::path::PathBuf;
use users::os::unix::UserExt;

/// A variable, unless this run has rights.
pub fn variable(name: &str) -> Option<OsString> {
    if is_privileged() { None } else { std::env::var_os(name) }
}

/// Where a user other than root keeps state: `$XDG_STATE_HOME` or `~/.local/state`, by the XDG base
/// directory specification. With rights, the home is that of the user database.
pub fn state_home() -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let home = || {
        let uid = nix::unistd::geteuid().as_raw();
        let known = || Some(users::get_user_by_uid(uid)?.home_dir().to_owned());
        variable("HOME").map(PathBuf::from).or_else(|| is_privileged().then(known).flatten())
    };
    variable("XDG_STATE_HOME")
        .map(PathBuf::from)
        .filter(absolute)
        .or_else(|| home().filter(absolute).map(|home| home.join(".local/state")))
}

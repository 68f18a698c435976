//! Which file contents a run will probably ask for, decided before the archive is read.
//!
//! Content of everything else is passed over. A wrong guess costs time, not truth: what was not
//! kept is read again when it is asked for, or is unknown where that cannot be done (standard input).

use crate::host::Wants;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Prefixes of what policies and the resolution of accounts, services and packages read.
const ALWAYS: &[&[u8]] = &[
    b"etc/",
    b"run/systemd/",
    b"usr/local/etc/",
    b"usr/local/lib/systemd/",
    b"lib/systemd/system/",
    b"lib/systemd/system-preset/",
    b"lib/sysctl.d/",
    b"lib/sysusers.d/",
    b"lib/os-release",
    b"lib/apk/db/",
    b"var/lib/dpkg/status",
    b"var/lib/dpkg/updates/",
    b"lib/dpkg/status",
    b"var/spool/cron/",
];

/// Names of configuration files, which links in `/etc` often lead to elsewhere.
const CONFIGURATION: &[&[u8]] = &[b".conf", b".cnf", b".ini", b".service", b".socket", b".timer"];
/// How deep the scripts lie that an entrypoint may be; a script is told by its `#!`.
const SCRIPTS_DEPTH: usize = 3;
/// Longer programs that begin with `#!` are not entrypoints.
pub const SCRIPT_LIMIT: u64 = 64 << 10;

/// [`Wants`] ready for use.
#[derive(Clone, Debug)]
pub struct Wanted {
    content: GlobSet,
    digest: GlobSet,
    /// Every digest of every file.
    pub checksums: bool,
    /// Files with secrets.
    pub secrets: bool,
    /// What the dynamic linker needs to know of programs and libraries.
    pub programs: bool,
}

/// What to do with a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Keep it.
    Content,
    /// Keep it if it is a script.
    Script,
    /// Pass over it.
    Nothing,
}

impl Wanted {
    /// Ready to be compared with names.
    pub fn of(wants: &Wants) -> Self {
        Self {
            content: set(&wants.content),
            digest: set(&wants.digest),
            checksums: wants.checksums,
            secrets: wants.secrets,
            programs: wants.programs,
        }
    }

    /// What to do with the content of a regular file of this name (without a slash at its
    /// beginning).
    pub fn keep(&self, name: &[u8], mode: u16, size: u64) -> Keep {
        let plain = without_usr(name);
        let path = Path::new(OsStr::from_bytes(plain));
        if ALWAYS.iter().any(|prefix| plain.starts_with(prefix) || name.starts_with(prefix))
            || size <= SCRIPT_LIMIT && CONFIGURATION.iter().any(|end| plain.ends_with(end))
            || self.content.is_match(path)
        {
            return Keep::Content;
        }
        let folder = path.parent().map(|parent| parent.as_os_str().as_bytes()).unwrap_or_default();
        let runs = mode & 0o111 != 0 && size <= SCRIPT_LIMIT;
        if runs && folder.split(|byte| *byte == b'/').count() <= SCRIPTS_DEPTH {
            Keep::Script
        } else {
            Keep::Nothing
        }
    }

    /// Whether the digest will be asked for.
    pub fn digest(&self, name: &[u8]) -> bool {
        self.digest.is_match(Path::new(OsStr::from_bytes(without_usr(name))))
    }
}

/// Where directories are merged, `/bin/x` and `/usr/bin/x` are the same file.
fn without_usr(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"usr/").unwrap_or(name)
}

fn set(patterns: &[String]) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let relative = pattern.trim_start_matches('/');
        let relative = relative.strip_prefix("usr/").unwrap_or(relative);
        // A pattern that globset does not take is only a guess less.
        if let Ok(glob) = GlobBuilder::new(relative).literal_separator(true).build() {
            set.add(glob);
        }
    }
    set.build().unwrap_or_else(|_| GlobSet::empty())
}

//! Programs by whose own means a shell can be had, by name, and which commands of sudo reach one.

use crate::formats::glob3;
use std::path::Path;

/// Programs that give whoever runs them a shell or let them write any file, by name: editors and
/// pagers with a command for it, interpreters, and what copies, unpacks or runs other programs.
pub const SHELLS: &[&str] = &[
    "ansible-playbook",
    "apt",
    "apt-get",
    "ar",
    "ash",
    "awk",
    "bash",
    "busybox",
    "cargo",
    "cat-file",
    "chmod",
    "chown",
    "chroot",
    "cp",
    "cpan",
    "crontab",
    "csh",
    "curl",
    "dash",
    "dd",
    "dnf",
    "docker",
    "dpkg",
    "ed",
    "emacs",
    "env",
    "expect",
    "find",
    "flock",
    "ftp",
    "gawk",
    "gcc",
    "gdb",
    "gem",
    "git",
    "install",
    "ionice",
    "ip",
    "irb",
    "java",
    "journalctl",
    "kubectl",
    "ksh",
    "less",
    "ln",
    "lua",
    "mail",
    "make",
    "man",
    "mawk",
    "more",
    "mount",
    "mv",
    "mysql",
    "nano",
    "nawk",
    "nice",
    "nmap",
    "node",
    "nsenter",
    "perl",
    "pg",
    "php",
    "pip",
    "pip3",
    "podman",
    "psql",
    "python",
    "rpm",
    "rsync",
    "ruby",
    "rvim",
    "scp",
    "screen",
    "script",
    "sed",
    "setfacl",
    "sh",
    "socat",
    "sqlite3",
    "ssh",
    "start-stop-daemon",
    "strace",
    "su",
    "systemctl",
    "systemd-run",
    "tar",
    "taskset",
    "tcsh",
    "tee",
    "tclsh",
    "time",
    "timeout",
    "tmux",
    "unshare",
    "unzip",
    "vi",
    "view",
    "vim",
    "visudo",
    "watch",
    "wget",
    "xargs",
    "yum",
    "zip",
    "zsh",
];

/// Shells themselves, and what becomes another user.
const PLAIN: &[&str] = &["sh", "bash", "dash", "ash", "zsh", "ksh", "csh", "tcsh", "su"];
/// Where they lie.
const DIRECTORIES: &[&str] = &["/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin"];
/// What root obeys: whoever may write one of these becomes root.
const OBEYED: &[&str] = &[
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/sudoers",
    "/etc/sudoers.d/x",
    "/etc/crontab",
    "/etc/cron.d/x",
    "/etc/ld.so.preload",
    "/etc/pam.d/su",
    "/etc/profile",
    "/root/.bashrc",
];
/// What `systemctl` does without showing anything in a pager.
const ACTIONS: &[&str] = &[
    "start",
    "stop",
    "restart",
    "reload",
    "try-restart",
    "reload-or-restart",
    "enable",
    "disable",
    "daemon-reload",
    "reset-failed",
    "is-active",
    "is-enabled",
];

/// Whether a program of this name, with or without a version behind it, is in [`SHELLS`].
pub fn is_known(name: &str) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    SHELLS.contains(&name) || SHELLS.contains(&stem)
}

/// Whether a command of sudo, its path first, allows a shell or any program at all: everything, a
/// directory, a shell, a pattern that one of these matches, or `sudoedit` of what root obeys.
pub fn is_unlimited(command: &str) -> bool {
    let mut words = command.split_whitespace().skip_while(is_digest);
    let Some(path) = words.next() else { return false };
    let arguments: Vec<&str> = words.collect();
    let edits = path == "sudoedit" || path.ends_with("/sudoedit");
    if edits {
        return arguments.is_empty()
            || arguments.iter().any(|pattern| OBEYED.iter().any(|file| fits(pattern, file)));
    }
    path == "ALL"
        || path.ends_with('/')
        || path.ends_with('*')
        || PLAIN.contains(&path.rsplit('/').next().unwrap_or_default())
        || (is_pattern(path)
            && DIRECTORIES.iter().any(|directory| {
                PLAIN.iter().any(|name| fits(path, &format!("{directory}/{name}")))
            }))
}

/// Whether a command is one of `systemctl` with all its words, none of which shows anything.
pub fn is_plain_action(command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    match words.as_slice() {
        [path, action, units @ ..] => {
            path.ends_with("/systemctl")
                && ACTIONS.contains(action)
                && (!units.is_empty() || *action == "daemon-reload")
                && units.iter().all(|unit| !is_pattern(unit) && !unit.starts_with('-'))
        }
        _ => false,
    }
}

/// Whether a word matches more than itself: a wildcard, or a regular expression with one.
pub fn is_pattern(word: &str) -> bool {
    match word.strip_prefix('^') {
        Some(expression) => expression.contains(['.', '*', '+', '?', '[', '(', '{', '|']),
        None => glob3::is_pattern(word),
    }
}

/// Whether a regular expression of sudo lets through what nobody can foresee: any character, any
/// number of times.
pub fn is_open_expression(word: &str) -> bool {
    let bare = word.replace("\\.", "");
    let any = [".*", ".+", ".{"].iter().any(|open| bare.contains(open));
    let all_but = bare.contains("[^") && ["]*", "]+", "]{"].iter().any(|end| bare.contains(end));
    any || all_but
}

fn is_digest(word: &&str) -> bool {
    word.starts_with("sha") && !word.contains('/')
        || ["sha224:", "sha256:", "sha384:", "sha512:"].iter().any(|kind| word.starts_with(kind))
}

/// Whether a pattern of sudo matches a path, slash by slash; one that is no expression matches
/// everything, since what it lets through cannot be told.
fn fits(pattern: &str, path: &str) -> bool {
    if pattern.starts_with('^') {
        return regex::Regex::new(pattern).map_or(true, |pattern| pattern.is_match(path));
    }
    let parts = |text: &str| -> Vec<Vec<u8>> {
        text.split('/').map(|part| part.as_bytes().to_vec()).collect()
    };
    let (wanted, found) = (parts(pattern), parts(path));
    Path::new(pattern).is_absolute()
        && wanted.len() == found.len()
        && wanted.iter().zip(&found).all(|(wanted, found)| glob3::matches(wanted, found))
}

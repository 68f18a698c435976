//! What gives somebody the rights of root, by its name: such changes are told before all others.
//!
//! The places are those that the kernel, the dynamic linker, PAM, sudo, sshd, cron and systemd read
//! with the rights of root: `ld.so(8)`, `pam.d(5)`, `sudoers(5)`, `sshd(8)`, `cron(8)`,
//! `systemd.unit(5)`, `modprobe.d(5)`, `sysctl.d(5)`, `udev(7)`, `polkit(8)`, `passwd(5)`.

/// Files and directories that root obeys, each with all below.
const PLACES: &[&str] = &[
    "/etc/anacrontab",
    "/etc/apt/apt.conf.d",
    "/etc/bash.bashrc",
    "/etc/binfmt.d",
    "/etc/crontab",
    "/etc/dbus-1",
    "/etc/doas.conf",
    "/etc/environment",
    "/etc/group",
    "/etc/gshadow",
    "/etc/init.d",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/modprobe.d",
    "/etc/modules-load.d",
    "/etc/nsswitch.conf",
    "/etc/pam.conf",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/polkit-1",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/rc.local",
    "/etc/security",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/subgid",
    "/etc/subuid",
    "/etc/sudo.conf",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/sysctl.d",
    "/etc/systemd",
    "/etc/udev/rules.d",
    "/lib/systemd",
    "/root",
    "/usr/lib/security",
    "/usr/lib/systemd",
    "/usr/local/lib/systemd",
    "/var/spool/cron",
];

/// Kinds of subjects of rules, and classes of drift, that are about rights as a whole.
const KINDS: &[&str] =
    &["accounts", "cron", "kernel_module", "root_executes", "setuid", "ssh_keys", "sudo", "user"];

/// Groups whose members are as good as root (Debian's base-passwd documents the system ones).
const GROUPS: &[&str] = &["adm", "disk", "docker", "lxd", "root", "shadow", "sudo", "wheel"];

/// Whether a file gives rights: it stands where root looks, or holds keys that sshd takes.
pub fn is_path(path: &str) -> bool {
    let below = |place: &&str| {
        path.strip_prefix(*place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    PLACES.iter().any(below) || path.starts_with("/etc/cron.") || path.contains("/.ssh/")
}

/// Whether something of this kind and name gives rights.
pub fn is_thing(kind: &str, name: &str) -> bool {
    match kind {
        "file" | "config" | "settings" | "tree" => is_path(name),
        "group" => GROUPS.contains(&name),
        "unit" | "account" => true,
        _ => KINDS.contains(&kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_root_obeys_is_dangerous_and_its_neighbours_are_not() {
        for path in [
            "/etc/sudoers.d/zz",
            "/etc/ld.so.preload",
            "/etc/cron.d/x",
            "/etc/cron.hourly",
            "/root/.ssh/authorized_keys",
            "/home/bob/.ssh/authorized_keys",
            "/etc/pam.d/su",
        ] {
            assert!(is_path(path), "{path}");
        }
        for path in ["/etc/motd", "/etc/sudoersX", "/etc/nginx/nginx.conf", "/srv/etc/passwd"] {
            assert!(!is_path(path), "{path}");
        }
        assert!(is_thing("group", "sudo") && !is_thing("group", "games"));
    }
}

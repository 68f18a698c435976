//! Places where packages and administrators leave something for root to run or obey, and how the
//! files there say what that is.

use super::{Items, command, environment, pam};
use crate::commands::Context;
use crate::facts::file::FileKind;
use crate::formats::glob3;
use crate::host::Target;
use crate::text;
use std::path::Path;

/// How the content of a file is looked through for what it makes root run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// It is run itself, as a script or program, where it has an execute bit.
    ProgramIfExecutable,
    /// A shell reads it.
    Shell,
    /// Words in double quotes are commands.
    Quoted,
    /// Everything in it that is the path of a program.
    Words,
    /// The scripts of logrotate(8), between `postrotate` and its like and `endscript`.
    Logrotate,
    /// `up`, `pre-up` and their like of interfaces(5).
    Interfaces,
    /// Programs and directories of hooks of git-config(1).
    Git,
    /// `PROGRAM` of mdadm.conf(5).
    Mdadm,
    /// `NAME DEFAULT=… OVERRIDE=…` of pam_env.conf(5).
    PamEnv,
    /// Commands of dpkg.cfg(5): `post-invoke="…"`.
    Invoke,
    /// `RUN+="…"` and its like of udev.
    Udev,
    /// PAM's modules.
    Pam,
    /// `install NAME command`.
    Modprobe,
    /// `:name:…:interpreter:flags` of binfmt.d.
    Binfmt,
    /// `Exec=` of a D-Bus service.
    Dbus,
    /// Variables, of which some name code.
    Environment,
    /// It is obeyed and runs nothing by itself.
    Nothing,
}

/// Where something lies that root runs or obeys: pattern, what it is, how it is read. The directory
/// of a pattern counts as well: whoever may add a file there is obeyed.
pub(super) const PLACES: &[(&str, &str, Content)] = &[
    ("/etc/rc.local", "rc.local", Content::ProgramIfExecutable),
    ("/etc/rc.d/rc.local", "rc.local", Content::ProgramIfExecutable),
    ("/etc/init.d/*", "init script", Content::ProgramIfExecutable),
    ("/etc/profile", "shell profile", Content::Shell),
    ("/etc/bash.bashrc", "shell profile", Content::Shell),
    ("/etc/profile.d/*", "shell profile", Content::Shell),
    ("/root/.profile", "root's shell profile", Content::Shell),
    ("/root/.bashrc", "root's shell profile", Content::Shell),
    ("/root/.bash_profile", "root's shell profile", Content::Shell),
    ("/root/.bash_login", "root's shell profile", Content::Shell),
    ("/root/.bash_logout", "root's shell profile", Content::Shell),
    ("/root/.zshrc", "root's shell profile", Content::Shell),
    ("/root/.zshenv", "root's shell profile", Content::Shell),
    ("/root/.ssh/authorized_keys", "ssh keys of root", Content::Nothing),
    ("/root/.ssh/authorized_keys2", "ssh keys of root", Content::Nothing),
    ("/root/.ssh/rc", "ssh's script for root", Content::Shell),
    ("/etc/ssh/sshrc", "ssh's script for logins", Content::Shell),
    ("/etc/zsh/*", "shell profile", Content::Shell),
    ("/etc/zshenv", "shell profile", Content::Shell),
    ("/etc/csh.cshrc", "shell profile", Content::Nothing),
    ("/etc/csh.login", "shell profile", Content::Nothing),
    ("/etc/environment", "environment of logins", Content::Environment),
    ("/etc/security/*", "configuration of PAM's modules", Content::Nothing),
    ("/etc/environment.d/*", "environment of logins", Content::Environment),
    ("/etc/wireguard/*", "tunnels with commands", Content::Nothing),
    ("/etc/gitconfig", "configuration of git", Content::Git),
    ("/root/.gitconfig", "root's configuration of git", Content::Git),
    ("/etc/exports", "exports of NFS", Content::Nothing),
    ("/etc/exports.d/*", "exports of NFS", Content::Nothing),
    ("/etc/hosts.equiv", "hosts that are trusted", Content::Nothing),
    ("/etc/subuid", "ids that users may take", Content::Nothing),
    ("/etc/subgid", "ids that users may take", Content::Nothing),
    ("/etc/aliases", "aliases of mail, which may be commands", Content::Nothing),
    ("/etc/adduser.conf", "configuration of adduser", Content::Nothing),
    ("/etc/deluser.conf", "configuration of deluser", Content::Nothing),
    ("/etc/login.defs", "configuration of accounts", Content::Nothing),
    ("/etc/screenrc", "commands of screen", Content::Nothing),
    ("/etc/tmux.conf", "commands of tmux", Content::Nothing),
    ("/etc/vim/*", "commands of vim", Content::Nothing),
    ("/etc/nanorc", "configuration of nano", Content::Nothing),
    ("/etc/inputrc", "configuration of shells", Content::Nothing),
    ("/etc/bash_completion.d/*", "completions that shells read", Content::Nothing),
    ("/usr/share/bash-completion/completions/*", "completions that shells read", Content::Nothing),
    ("/lib/firmware/*", "firmware", Content::Nothing),
    ("/etc/dracut.conf.d/*", "configuration of the initramfs", Content::Nothing),
    ("/etc/initramfs-tools/conf.d/*", "configuration of the initramfs", Content::Nothing),
    ("/etc/docker/daemon.json", "configuration of docker", Content::Nothing),
    ("/etc/kubernetes/manifests/*", "pods that the kubelet starts", Content::Nothing),
    ("/opt/cni/bin/*", "plugins that the kubelet runs", Content::Nothing),
    ("/etc/needrestart/conf.d/*", "configuration of needrestart, which is code", Content::Nothing),
    ("/etc/mdadm/mdadm.conf", "configuration of mdadm", Content::Mdadm),
    ("/etc/auto.*", "maps of the automounter", Content::Nothing),
    ("/etc/incron.d/*", "jobs of incron", Content::Nothing),
    ("/etc/letsencrypt/renewal-hooks/deploy/*", "hook of certbot", Content::ProgramIfExecutable),
    ("/etc/letsencrypt/renewal-hooks/post/*", "hook of certbot", Content::ProgramIfExecutable),
    ("/etc/letsencrypt/renewal-hooks/pre/*", "hook of certbot", Content::ProgramIfExecutable),
    ("/etc/security/pam_env.conf", "environment of logins", Content::PamEnv),
    ("/etc/default/*", "defaults that scripts of root read", Content::Nothing),
    ("/etc/inittab", "inittab", Content::Words),
    ("/etc/inetd.conf", "inetd configuration", Content::Words),
    ("/etc/xinetd.d/*", "xinetd configuration", Content::Words),
    ("/etc/network/interfaces", "network configuration", Content::Interfaces),
    ("/etc/network/interfaces.d/*", "network configuration", Content::Interfaces),
    ("/etc/acpi/events/*", "acpid event", Content::Words),
    ("/etc/grub.d/*", "script of the boot loader", Content::ProgramIfExecutable),
    ("/etc/ca-certificates/update.d/*", "certificate hook", Content::ProgramIfExecutable),
    ("/etc/resolvconf/update.d/*", "resolver hook", Content::ProgramIfExecutable),
    ("/etc/apt/sources.list", "package sources", Content::Nothing),
    ("/etc/apt/sources.list.d/*", "package sources", Content::Nothing),
    ("/etc/apt/trusted.gpg.d/*", "keys of package sources", Content::Nothing),
    ("/usr/share/keyrings/*", "keys of package sources", Content::Nothing),
    ("/etc/yum.repos.d/*", "package sources", Content::Nothing),
    ("/etc/pki/rpm-gpg/*", "keys of package sources", Content::Nothing),
    ("/etc/apk/repositories", "package sources", Content::Nothing),
    ("/etc/apk/keys/*", "keys of package sources", Content::Nothing),
    ("/etc/fstab", "mounts", Content::Nothing),
    ("/etc/crypttab", "encrypted disks", Content::Words),
    ("/etc/modules", "kernel modules", Content::Nothing),
    ("/etc/modules-load.d/*", "kernel modules", Content::Nothing),
    ("/usr/lib/modules/*", "kernel modules", Content::Nothing),
    ("/boot/*", "boot files", Content::Nothing),
    ("/boot/grub/*", "boot loader", Content::Nothing),
    ("/etc/doas.conf", "rules of doas", Content::Nothing),
    ("/etc/sudo.conf", "configuration of sudo", Content::Nothing),
    ("/etc/gshadow", "accounts", Content::Nothing),
    ("/etc/systemd/*.conf", "configuration of systemd", Content::Nothing),
    (
        "/etc/systemd/system-environment-generators/*",
        "systemd generator",
        Content::ProgramIfExecutable,
    ),
    (
        "/usr/lib/systemd/system-environment-generators/*",
        "systemd generator",
        Content::ProgramIfExecutable,
    ),
    ("/etc/systemd/system-shutdown/*", "systemd shutdown hook", Content::ProgramIfExecutable),
    ("/etc/systemd/system-sleep/*", "systemd sleep hook", Content::ProgramIfExecutable),
    ("/etc/networkd-dispatcher/carrier.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/networkd-dispatcher/configured.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/networkd-dispatcher/degraded.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/networkd-dispatcher/no-carrier.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/networkd-dispatcher/off.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/networkd-dispatcher/routable.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/ppp/ip-down.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/kernel/preinst.d/*", "kernel hook", Content::ProgramIfExecutable),
    ("/etc/kernel/prerm.d/*", "kernel hook", Content::ProgramIfExecutable),
    ("/etc/kernel/install.d/*", "kernel hook", Content::ProgramIfExecutable),
    ("/usr/share/initramfs-tools/hooks/*", "initramfs hook", Content::ProgramIfExecutable),
    ("/run/udev/rules.d/*", "udev rules", Content::Udev),
    ("/run/tmpfiles.d/*", "tmpfiles.d", Content::Nothing),
    ("/run/modprobe.d/*", "modprobe configuration", Content::Modprobe),
    ("/run/sysctl.d/*", "kernel parameters", Content::Nothing),
    ("/usr/lib/sysctl.d/*", "kernel parameters", Content::Nothing),
    ("/usr/lib/sysusers.d/*", "sysusers.d", Content::Nothing),
    ("/usr/lib/pam.d/*", "PAM configuration", Content::Pam),
    ("/usr/share/dbus-1/system.d/*", "D-Bus policy", Content::Nothing),
    ("/usr/share/polkit-1/rules.d/*", "polkit rules", Content::Nothing),
    ("/usr/share/polkit-1/actions/*", "polkit actions", Content::Nothing),
    ("/etc/update-motd.d/*", "message of the day", Content::ProgramIfExecutable),
    ("/etc/udev/rules.d/*", "udev rules", Content::Udev),
    ("/usr/lib/udev/rules.d/*", "udev rules", Content::Udev),
    ("/etc/logrotate.conf", "logrotate configuration", Content::Logrotate),
    ("/etc/logrotate.d/*", "logrotate configuration", Content::Logrotate),
    ("/etc/apt/apt.conf", "apt configuration", Content::Quoted),
    ("/etc/apt/apt.conf.d/*", "apt configuration", Content::Quoted),
    ("/etc/dpkg/dpkg.cfg", "dpkg configuration", Content::Invoke),
    ("/etc/dpkg/dpkg.cfg.d/*", "dpkg configuration", Content::Invoke),
    ("/var/lib/dpkg/info/*.preinst", "package script", Content::Nothing),
    ("/var/lib/dpkg/info/*.postinst", "package script", Content::Nothing),
    ("/var/lib/dpkg/info/*.prerm", "package script", Content::Nothing),
    ("/var/lib/dpkg/info/*.postrm", "package script", Content::Nothing),
    ("/etc/pam.conf", "PAM configuration", Content::Pam),
    ("/etc/pam.d/*", "PAM configuration", Content::Pam),
    ("/etc/modprobe.d/*", "modprobe configuration", Content::Modprobe),
    ("/usr/lib/modprobe.d/*", "modprobe configuration", Content::Modprobe),
    ("/usr/lib/binfmt.d/*", "binfmt configuration", Content::Binfmt),
    ("/etc/binfmt.d/*", "binfmt configuration", Content::Binfmt),
    ("/usr/share/dbus-1/system-services/*", "D-Bus service", Content::Dbus),
    ("/etc/dbus-1/system.d/*", "D-Bus policy", Content::Nothing),
    ("/etc/polkit-1/rules.d/*", "polkit rules", Content::Nothing),
    ("/etc/tmpfiles.d/*", "tmpfiles.d", Content::Nothing),
    ("/usr/lib/tmpfiles.d/*", "tmpfiles.d", Content::Nothing),
    ("/etc/sysusers.d/*", "sysusers.d", Content::Nothing),
    ("/etc/sysctl.conf", "kernel parameters", Content::Nothing),
    ("/etc/sysctl.d/*", "kernel parameters", Content::Nothing),
    ("/etc/network/if-pre-up.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/network/if-up.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/network/if-down.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/network/if-post-down.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/dhcp/dhclient-enter-hooks.d/*", "network hook", Content::Shell),
    ("/etc/dhcp/dhclient-exit-hooks.d/*", "network hook", Content::Shell),
    ("/etc/NetworkManager/dispatcher.d/*", "network hook", Content::ProgramIfExecutable),
    ("/usr/lib/NetworkManager/dispatcher.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/ppp/ip-up.d/*", "network hook", Content::ProgramIfExecutable),
    ("/etc/kernel/postinst.d/*", "kernel hook", Content::ProgramIfExecutable),
    ("/etc/kernel/postrm.d/*", "kernel hook", Content::ProgramIfExecutable),
    ("/etc/initramfs-tools/hooks/*", "initramfs hook", Content::ProgramIfExecutable),
    ("/etc/systemd/system-generators/*", "systemd generator", Content::ProgramIfExecutable),
    ("/usr/lib/systemd/system-generators/*", "systemd generator", Content::ProgramIfExecutable),
    ("/usr/lib/systemd/system-shutdown/*", "systemd shutdown hook", Content::ProgramIfExecutable),
    ("/usr/lib/systemd/system-sleep/*", "systemd sleep hook", Content::ProgramIfExecutable),
    ("/etc/sudoers", "sudoers", Content::Nothing),
    ("/etc/sudoers.d/*", "sudoers", Content::Nothing),
    ("/etc/passwd", "accounts", Content::Nothing),
    ("/etc/shadow", "accounts", Content::Nothing),
    ("/etc/group", "accounts", Content::Nothing),
    ("/etc/nsswitch.conf", "name services", Content::Nothing),
    ("/etc/ssh/sshd_config", "sshd configuration", Content::Nothing),
    ("/etc/ssh/sshd_config.d/*", "sshd configuration", Content::Nothing),
];

pub(super) fn place(
    target: &dyn Target,
    pattern: &str,
    what: &str,
    content: Content,
    items: &mut Items,
) {
    if glob3::is_pattern(pattern) {
        let folder = Path::new(pattern).parent().unwrap_or(Path::new("/"));
        match target.file(folder) {
            Ok(Some(_)) => drop(items.add(folder, format!("directory of {what},"))),
            Ok(None) => return,
            Err(why) => return items.unread.push(why),
        }
    }
    let mut unread = Vec::new();
    for path in glob3::expand(target, pattern, &mut unread) {
        look(target, &path, what, content, items);
    }
    items.unread.extend(unread);
}

/// Settings of git whose value is a command.
const GIT: [&str; 7] =
    ["fsmonitor", "sshcommand", "pager", "editor", "askpass", "gitproxy", "helper"];

/// Looks through one file.
fn look(target: &dyn Target, path: &Path, what: &str, content: Content, items: &mut Items) {
    const EXECUTABLE: u16 = 0o111;
    let end = match crate::host::route::route(target, path) {
        Ok(route) => route.end,
        Err(why) => return items.unread.push(why),
    };
    items.add(path, what);
    let Some((_, fact)) = end.filter(|(_, fact)| fact.kind == FileKind::File) else { return };
    let executable = fact.mode.0 & EXECUTABLE != 0;
    match content {
        Content::Nothing => {}
        Content::ProgramIfExecutable if !executable => {}
        Content::ProgramIfExecutable => {
            command::add_program(target, path, Context::new(what), items);
        }
        Content::Shell => {
            let context = Context::new(what).variable("HOME", "/root");
            command::add_shell_file(target, path, context, items);
        }
        _ => text_of(target, path, content, items),
    }
}

/// Looks through the text of one file.
fn text_of(target: &dyn Target, path: &Path, content: Content, items: &mut Items) {
    let shown = text::path(path);
    let bytes = match target.read(path) {
        Ok(bytes) => bytes.unwrap_or_default(),
        // What is no text, such as a compiled database, names no commands.
        Err(why) => return items.unread.push(why),
    };
    let text = String::from_utf8_lossy(&bytes);
    let why = format!("named in {shown},");
    let lines = || text.lines().filter(|line| !is_remark(line));
    let mut shell = |line: &str| command::add_shell(target, line, Context::new(&why), items);
    match content {
        Content::Environment => {
            text.lines().for_each(|line| environment::add_assignment(line, &shown, items));
        }
        Content::Logrotate => {
            rotated(&text).iter().for_each(|script| shell(script));
            logs(target, &text, items);
        }
        Content::Interfaces => lines().filter_map(hook).for_each(&mut shell),
        Content::Invoke => {
            let values =
                lines().filter(|line| line.contains("-invoke") || line.contains("pre-install"));
            let values = values.filter_map(|line| line.split_once(['=', ' ']));
            values.for_each(|(_, value)| shell(value.trim().trim_matches(['"', '\''])));
        }
        Content::Quoted => {
            for line in lines() {
                line.split('"')
                    .skip(1)
                    .step_by(2)
                    .filter(|text| text.contains('/'))
                    .for_each(&mut shell);
            }
        }
        Content::Udev => {
            for line in lines() {
                udev_commands(line).iter().for_each(|word| shell(word));
            }
        }
        Content::Modprobe => {
            for line in text.lines() {
                let mut words = line.split_whitespace();
                if matches!(words.next(), Some("install" | "remove")) {
                    words.next();
                    shell(&words.collect::<Vec<_>>().join(" "));
                }
            }
        }
        Content::Binfmt => {
            for line in text.lines().filter(|line| line.starts_with(':')) {
                line.split(':').nth(6).into_iter().for_each(&mut shell);
            }
        }
        Content::Dbus => {
            text.lines().filter_map(|line| line.trim().strip_prefix("Exec=")).for_each(&mut shell);
        }
        Content::Git => {
            for (key, value) in lines().filter_map(|line| line.split_once('=')) {
                let key = key.trim().to_ascii_lowercase();
                if ["hookspath", "templatedir"].contains(&key.as_str()) {
                    items.add(value.trim().trim_matches('"'), format!("{key} of {shown},"));
                } else if GIT.contains(&key.as_str()) {
                    let context = Context::new(&why);
                    command::add_shell(
                        target,
                        value.trim().trim_matches(['"', '!']),
                        context,
                        items,
                    );
                }
            }
        }
        Content::Mdadm => {
            lines().filter_map(|line| line.strip_prefix("PROGRAM ")).for_each(&mut shell)
        }
        Content::PamEnv => {
            for line in lines() {
                let mut words = line.split_whitespace();
                let Some(name) = words.next() else { continue };
                for value in words.filter_map(|word| word.split_once('=')).map(|(_, value)| value) {
                    environment::add(name, value.trim_matches('"'), &shown, items);
                }
            }
        }
        Content::Pam => pam::add(target, path, &text, items),
        Content::Words => words(target, &text, &why, items),
        Content::Shell | Content::ProgramIfExecutable | Content::Nothing => {}
    }
}

/// Every word that is the path of a program.
pub(super) fn words(target: &dyn Target, text: &str, why: &str, items: &mut Items) {
    const EXECUTABLE: u16 = 0o111;
    for line in text.lines().filter(|line| !is_remark(line)) {
        for word in line.split(|c: char| c.is_whitespace() || "\"'`;&|()<>{}=,:".contains(c)) {
            let path = Path::new(word);
            if !word.starts_with('/') {
                continue;
            }
            let end = crate::host::route::route(target, path).ok().and_then(|route| route.end);
            let file = end.is_some_and(|(_, fact)| {
                fact.kind == FileKind::File && fact.mode.0 & EXECUTABLE != 0
            });
            if file {
                command::add_program(target, path, Context::new(why), items);
            }
        }
    }
}

/// The scripts in a configuration of logrotate.
fn rotated(text: &str) -> Vec<String> {
    const BEGIN: [&str; 5] = ["prerotate", "postrotate", "firstaction", "lastaction", "preremove"];
    let mut scripts = Vec::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        let word = line.trim();
        match &mut current {
            Some(_) if word == "endscript" => scripts.extend(current.take()),
            Some(script) => {
                script.push_str(line);
                script.push('\n');
            }
            None if BEGIN.contains(&word) => current = Some(String::new()),
            // A compressor or mailer by its path.
            None => {
                for key in ["compresscmd", "uncompresscmd", "shredcmd"] {
                    scripts.extend(word.strip_prefix(key).map(str::to_owned));
                }
            }
        }
    }
    scripts.extend(current);
    scripts
}

/// Directories of logs that groups or everybody may write and that are rotated as root: what stands
/// there may be links.
fn logs(target: &dyn Target, text: &str, items: &mut Items) {
    const OTHERS: u16 = 0o022;
    if text.lines().any(|line| line.trim().starts_with("su ")) {
        return;
    }
    for word in text.lines().filter(|line| !is_remark(line)).flat_map(str::split_whitespace) {
        let word = word.trim_matches(['"', '{']);
        let Some((folder, _)) = word.rsplit_once('/').filter(|_| word.starts_with("/")) else {
            continue;
        };
        let Ok(Some(fact)) = target.file(Path::new(folder)) else { continue };
        let sticky = fact.mode.0 & 0o1000 != 0;
        if fact.kind == FileKind::Directory && fact.mode.0 & OTHERS != 0 && !sticky {
            items.add(folder, "directory of logs that root rotates");
        }
    }
}

/// The command of a line of interfaces(5).
fn hook(line: &str) -> Option<&str> {
    const KEYS: [&str; 7] = ["up", "down", "pre-up", "post-up", "pre-down", "post-down", "script"];
    let (key, command) = line.trim().split_once(char::is_whitespace)?;
    KEYS.contains(&key).then(|| command.trim())
}

pub(super) fn is_remark(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//")
}

/// Values of RUN, PROGRAM and IMPORT{program}; a name without a path lies in /usr/lib/udev.
fn udev_commands(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for key in ["RUN+=", "RUN=", "RUN{program}+=", "RUN{program}=", "PROGRAM=", "IMPORT{program}="]
    {
        let mut rest = line;
        while let Some((_, after)) = rest.split_once(key) {
            let after = after.trim_start_matches('=');
            let value = after.strip_prefix('"').and_then(|after| after.split('"').next());
            // `$env{…}` is told by the device.
            if let Some(value) = value.filter(|value| !value.is_empty() && !value.starts_with('$'))
            {
                let absolute = value.starts_with('/');
                found.push(if absolute {
                    value.to_owned()
                } else {
                    format!("/usr/lib/udev/{value}")
                });
            }
            rest = after;
        }
    }
    found
}

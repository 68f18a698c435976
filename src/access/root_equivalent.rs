//! What amounts to being root: capabilities, and objects whose readers or writers can become root.
//!
//! Objects decide, not the names of groups: whoever may write the socket of a container engine, a
//! block device or a directory of root's `PATH` is root in the end, whatever their group is called.

use super::{Credentials, Permission, decide};
use crate::facts::file::FileKind;
use crate::facts::{Fact, Unknown, capability};
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Capabilities by which a process of the initial user namespace becomes root, by bit, each with the
/// way there. From `capabilities(7)`; CHOWN, FOWNER, DAC_OVERRIDE, DAC_READ_SEARCH and SETFCAP have
/// been tried out.
pub const CAPABILITIES: &[(u8, &str)] = &[
    (0, "gives itself any file, such as /etc/shadow"),
    (1, "writes any file, such as /etc/shadow"),
    (2, "reads any file, such as private keys, and opens files outside of a container by handle"),
    (3, "changes the mode and ACL of any file"),
    (6, "takes any group, such as shadow or disk"),
    (7, "takes uid 0, which owns root's files"),
    (16, "loads code into the kernel"),
    (17, "writes to memory and disks past the kernel"),
    (19, "makes any process of root do what it wants"),
    (21, "mounts over any file, enters any namespace"),
    (22, "boots another kernel (kexec)"),
    (27, "makes the node of any disk and reads it"),
    (31, "gives any program any capability"),
    (32, "overrides the security module"),
    (33, "switches the security module's policy off"),
];

/// Sockets whose masters start any process as root.
const SOCKETS: &[&str] = &[
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/docker/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/buildkit/buildkitd.sock",
    "/run/cri-dockerd.sock",
    "/run/dockershim.sock",
    "/run/nri/nri.sock",
    "/run/balena.sock",
    "/run/balena-engine.sock",
    "/run/libvirt/libvirt-sock",
    "/run/libvirt/virtqemud-sock",
    "/run/libvirt/virtlxcd-sock",
    "/run/libvirt/virtxend-sock",
    "/run/libvirt/virtchd-sock",
    "/run/libvirt/virtvboxd-sock",
    "/run/libvirt/virtstoraged-sock",
    "/run/multipass_socket",
    "/run/incus/unix.socket",
    "/var/lib/incus/unix.socket",
    "/var/lib/lxd/unix.socket",
    "/var/snap/lxd/common/lxd/unix.socket",
    "/run/snapd.socket.root",
    "/run/systemd/private",
];
/// Files whose writers decide who root is; the first two are secret as well.
const FILES: &[(&str, bool)] = &[
    ("/etc/shadow", true),
    ("/etc/gshadow", true),
    ("/etc/shadow-", true),
    ("/etc/gshadow-", true),
    ("/etc/security/opasswd", true),
    ("/var/backups/shadow.bak", true),
    ("/var/backups/gshadow.bak", true),
    ("/etc/passwd", false),
    ("/etc/group", false),
    ("/etc/sudoers", false),
    ("/etc/ld.so.preload", false),
    ("/etc/crontab", false),
    ("/proc/sys/kernel/core_pattern", false),
    ("/proc/sys/kernel/modprobe", false),
];
/// Keys of a cluster's administrator: whoever may read one starts a privileged pod on this host.
const CLUSTER: &[&str] = &[
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/kubernetes/controller-manager.conf",
    "/etc/kubernetes/pki/ca.key",
    "/etc/rancher/k3s/k3s.yaml",
    "/etc/rancher/rke2/rke2.yaml",
    "/var/lib/rancher/k3s/server/cred/admin.kubeconfig",
    "/var/lib/rancher/rke2/server/cred/admin.kubeconfig",
    "/var/snap/microk8s/current/credentials/client.config",
    "/var/lib/k0s/pki/admin.conf",
    "/root/.kube/config",
];
/// Memory of the machine.
const MEMORY: &[&str] = &["/dev/mem", "/dev/kmem", "/dev/port"];
/// Directories in which root looks for programs, and those of files that root reads as orders.
const DIRECTORIES: &[&str] = &[
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/etc",
    "/etc/cron.d",
    "/etc/sudoers.d",
    "/etc/systemd/system",
    "/etc/profile.d",
    "/etc/pam.d",
    "/root",
];

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    /// Its path.
    pub path: PathBuf,
    /// What somebody may do to it who becomes root so.
    pub wanted: Vec<PermissionWord>,
    /// Why.
    pub why: &'static str,
}

/// Reading or writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PermissionWord {
    /// Reading.
    Read,
    /// Writing.
    Write,
}

/// The objects of a target that are there.
///
/// # Errors
/// Where one of them cannot be looked at.
pub fn objects(target: &dyn Target) -> Fact<Vec<Object>> {
    use PermissionWord::{Read, Write};
    let mut found = BTreeSet::new();
    let mut add = |path: PathBuf, wanted: &[PermissionWord], why| {
        if target.file(&path)?.is_some() {
            found.insert(Object { path, wanted: wanted.to_vec(), why });
        }
        Ok::<(), Unknown>(())
    };
    for socket in SOCKETS {
        add(PathBuf::from(socket), &[Write], "its master starts any process as root")?;
    }
    for (file, secret) in FILES {
        let path = PathBuf::from(file);
        match secret {
            true => add(path, &[Read, Write], "holds the passwords of root")?,
            false => add(path, &[Write], "decides who root is or what root does")?,
        }
    }
    for file in CLUSTER {
        add(PathBuf::from(file), &[Read, Write], "its key starts privileged pods on this host")?;
    }
    for device in MEMORY {
        add(PathBuf::from(device), &[Read, Write], "the memory of the machine")?;
    }
    for directory in DIRECTORIES {
        add(PathBuf::from(directory), &[Write], "root runs or obeys what is put there")?;
    }
    let names = target.list(Path::new("/dev"))?.unwrap_or_default();
    for name in names.iter() {
        let path = Path::new("/dev").join(name);
        let block = target.file(&path)?.is_some_and(|fact| fact.kind == FileKind::BlockDevice);
        if block {
            add(path, &[Read, Write], "a disk holds every file")?;
        }
    }
    Ok(found.into_iter().collect())
}

/// By which objects somebody becomes root, in words: `may write /run/docker.sock: …`.
///
/// # Errors
/// Where one of them cannot be decided.
pub fn by_objects(target: &dyn Target, objects: &[Object], who: &Credentials) -> Fact<Vec<String>> {
    let mut words = Vec::new();
    for object in objects {
        for wanted in &object.wanted {
            let (permission, verb) = match wanted {
                PermissionWord::Read => (Permission::Read, "read"),
                PermissionWord::Write => (Permission::Write, "write"),
            };
            if let Some(ruling) = decide(target, &object.path, who, permission)?
                && ruling.allowed
            {
                let path = crate::text::path(&object.path);
                words.push(format!(
                    "may {verb} {path} ({}): {}",
                    group_words(target, &ruling.because),
                    object.why
                ));
                break;
            }
        }
    }
    Ok(words)
}

/// A group by name where a ruling has its number.
fn group_words(target: &dyn Target, because: &str) -> String {
    let number = because.split("(gid ").nth(1).and_then(|rest| rest.split(')').next());
    let gid = number.and_then(|number| number.parse().ok());
    match gid.map(|gid: u32| (gid, target.group_by_id(gid))) {
        Some((gid, Ok(Some(group)))) => {
            because.replace(&format!("(gid {gid})"), &format!("(group {})", group.name))
        }
        _ => because.to_owned(),
    }
}

/// Those capabilities of a set that amount to root, in words: `cap_sys_admin mounts over any file`.
pub fn by_capabilities(set: u64) -> Vec<String> {
    let held = CAPABILITIES.iter().filter(|(bit, _)| capability::has(set, *bit));
    held.map(|(bit, why)| format!("{} {why}", capability::name(*bit))).collect()
}

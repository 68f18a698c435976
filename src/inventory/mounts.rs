//! Which filesystems of a running host are walked: local ones. Those of other machines may not
//! answer, those of the kernel hold no files, and what a FUSE program shows is its own affair.

use crate::facts::Fact;
use crate::facts::host::TargetKind;
use crate::facts::mount::Mount;
use crate::host::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Filesystems on disks and in memory of this machine.
const LOCAL: &[&str] = &[
    "aufs", "bcachefs", "btrfs", "cramfs", "erofs", "exfat", "ext2", "ext3", "ext4", "f2fs",
    "hfsplus", "iso9660", "jffs2", "jfs", "minix", "nilfs2", "ntfs", "ntfs3", "overlay", "ramfs",
    "reiserfs", "rootfs", "romfs", "squashfs", "tmpfs", "ubifs", "udf", "vfat", "xfs", "zfs",
];
/// Filesystems of the kernel, about which nothing needs to be said.
const KERNEL: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// Mounts of the target by point; none where it does not run.
#[derive(Debug, Default)]
pub(super) struct Mounts {
    points: BTreeMap<PathBuf, Mount>,
    /// For a directory the names in it on which something is mounted.
    within: BTreeMap<PathBuf, BTreeSet<OsString>>,
    /// Whether filesystems below may be crossed into at all.
    pub crosses: bool,
}

impl Mounts {
    /// The mounts of a running host.
    pub(super) fn of(target: &dyn Target) -> Fact<Self> {
        if target.host().kind == TargetKind::Image {
            return Ok(Self::default());
        }
        let mut mounts = Self { crosses: true, ..Self::default() };
        for mount in crate::formats::mounts::in_force(target)?.iter() {
            if let (Some(parent), Some(name)) = (mount.point.parent(), mount.point.file_name()) {
                mounts.within.entry(parent.to_owned()).or_default().insert(name.to_owned());
            }
            mounts.points.insert(mount.point.clone(), mount.clone());
        }
        Ok(mounts)
    }

    /// Names in a directory on which something is mounted.
    pub(super) fn within(&self, directory: &Path) -> Option<&BTreeSet<OsString>> {
        self.within.get(directory)
    }

    /// Why what is mounted here is not walked; the empty text where nobody needs to know.
    pub(super) fn left_out(&self, point: &Path) -> Option<String> {
        let kind = self.points.get(point)?.filesystem.as_str();
        match kind {
            kind if LOCAL.contains(&kind) => None,
            kind if KERNEL.contains(&kind) => Some(String::new()),
            kind => Some(format!("not walked: {kind}")),
        }
    }

    /// Whether what is mounted here may hold programs that give rights. Of what does not run nobody
    /// says how it will be mounted; only what the kernel fills is known.
    pub(super) fn may_give_rights(&self, point: &Path) -> bool {
        match self.points.get(point) {
            Some(mount) => !mount.has("nosuid"),
            None => !["/proc", "/sys", "/dev"].iter().any(|kernel| point == Path::new(kernel)),
        }
    }

    /// Whether the filesystem that a directory lies on is mounted `nosuid`.
    pub(super) fn nosuid(&self, directory: &Path) -> bool {
        let mount = directory.ancestors().find_map(|path| self.points.get(path));
        mount.is_some_and(|mount| mount.has("nosuid"))
    }
}

//! Whose a process is, and whose the file is that it runs: by what it shares with process 1.
//!
//! Names decide nothing here. `/proc/PID/exe` is read as a file (device and inode) and compared with
//! the host's file of that path; mounts and root directory are compared with those of process 1
//! (`namespaces(7)`, `proc_pid_root(5)`). Who may not trace a process (`ptrace(2)`) compares mount
//! tables instead, which everybody may read: ids of mounts are unique among all namespaces.
//!
//! A mount namespace within process 1's user namespace was made by somebody with `CAP_SYS_ADMIN`
//! there: systemd, a container engine, root. One in another user namespace may be any user's own.

use crate::facts::process::FileId;
use crate::facts::{Cause, Unknown};
use crate::targets::live::proc_file::{Miss, Seen};
use crate::targets::live::view::Table;
use crate::targets::live::{patience, proc_file};
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

const MOUNTINFO_LIMIT: usize = 64 << 20;
const UID_MAP_LIMIT: usize = 64 << 10;
/// How long a filesystem may take to say what a file is.
const PATIENCE: Duration = Duration::from_secs(2);

/// What of the mounts a process shares with process 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mounts {
    /// All of them: paths mean what they mean to process 1.
    Shared,
    /// It has mounts of its own below the same root directory, made with privilege: a sandbox of
    /// systemd.
    Sandbox,
    /// The same, in a user namespace: any user can make that.
    Own,
    /// It has another root directory, made with privilege: a container.
    Apart,
    /// The same, in a user namespace that its user can have made himself.
    OwnApart,
}

/// What a magic link of `/proc` leads to, without asking a filesystem that may never answer.
pub(super) fn linked(pid: u32, name: &str) -> Seen<FileId> {
    let path = format!("/proc/{pid}/{name}");
    let found = statx(CWD, path.as_str(), AtFlags::STATX_DONT_SYNC, StatxFlags::INO);
    match found {
        Ok(stat) => Ok(FileId {
            device: makedev(stat.stx_dev_major, stat.stx_dev_minor),
            inode: stat.stx_ino,
        }),
        // Kernels before 4.11 and some sandboxes have no statx(2).
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            let file = patience::within(PATIENCE, {
                let path = path.clone();
                move || fs::metadata(path)
            });
            let file = file.and_then(|file| file).map_err(|error| missed(pid, &path, &error))?;
            Ok(FileId { device: file.dev(), inode: file.ino() })
        }
        Err(error) => Err(missed(pid, &path, &error.into())),
    }
}

fn missed(pid: u32, path: &str, error: &io::Error) -> Miss {
    let gone = matches!(error.kind(), io::ErrorKind::NotFound) || error.raw_os_error() == Some(3);
    if gone && fs::symlink_metadata(format!("/proc/{pid}")).is_err() {
        return Miss::Gone;
    }
    Miss::Unknown(Unknown::from_io(path, error))
}

/// What of its mounts a process shares with process 1.
pub(super) fn mounts(pid: u32) -> Seen<Mounts> {
    if pid == 1 {
        return Ok(Mounts::Shared);
    }
    let (same_namespace, same_root) = match by_links(pid) {
        Ok(found) => found,
        Err(Miss::Gone) => return Err(Miss::Gone),
        Err(Miss::Unknown(_)) => by_tables(pid)?,
    };
    Ok(match (same_namespace, same_root) {
        (true, _) => Mounts::Shared,
        (false, true) if maps_as_process_1(pid)? => Mounts::Sandbox,
        (false, true) => Mounts::Own,
        (false, false) if maps_as_process_1(pid)? || !is_a_users(pid)? => Mounts::Apart,
        (false, false) => Mounts::OwnApart,
    })
}

/// Whether mount namespace and root directory are those of process 1.
fn by_links(pid: u32) -> Seen<(bool, bool)> {
    let namespaces = (proc_file::link(pid, "ns/mnt")?, proc_file::link(1, "ns/mnt")?);
    if namespaces.0 == namespaces.1 {
        return Ok((true, true));
    }
    Ok((false, linked(pid, "root")? == linked(1, "root")?))
}

/// The same by their mount tables.
fn by_tables(pid: u32) -> Seen<(bool, bool)> {
    let own = table(pid)?;
    let host = table(1)?;
    if own.shares_a_mount_with(&host) {
        return Ok((true, true));
    }
    Ok((false, own.has_the_root_of(&host)))
}

fn table(pid: u32) -> Seen<Table> {
    let bytes = proc_file::read(pid, "mountinfo", MOUNTINFO_LIMIT)?;
    Table::parse(&bytes).ok_or_else(|| {
        let cause = Cause::Malformed("a line is not of its format".to_owned());
        Miss::Unknown(Unknown::new(format!("/proc/{pid}/mountinfo"), cause))
    })
}

fn uid_map(pid: u32) -> Seen<String> {
    let bytes = proc_file::read(pid, "uid_map", UID_MAP_LIMIT)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether its user namespace has the ids of process 1's. Nobody but root can make another that has
/// them all.
fn maps_as_process_1(pid: u32) -> Seen<bool> {
    Ok(uid_map(pid)? == uid_map(1)?)
}

/// Whether a user can have made its user namespace: `/etc/subuid` gives ids to him, or it has but
/// one, `user_namespaces(7)`.
fn is_a_users(pid: u32) -> Seen<bool> {
    let map = uid_map(pid)?;
    let granted = fs::read("/proc/1/root/etc/subuid").or_else(|_| fs::read("/etc/subuid"));
    Ok(can_be_a_users(&map, &String::from_utf8_lossy(&granted.unwrap_or_default())))
}

/// Engines that root starts have ranges of their own under these names.
const ENGINES: [&str; 4] = ["containers", "dockremap", "root", "lxd"];

fn can_be_a_users(map: &str, granted: &str) -> bool {
    let extents: Vec<(u64, u64)> = map.lines().filter_map(extent).collect();
    let several = extents.iter().filter(|(_, count)| *count > 1);
    several.clone().count() == 0
        || granted.lines().filter_map(subordinate).any(|(name, start, count)| {
            !ENGINES.contains(&name)
                && several.clone().all(|(first, length)| {
                    *first >= start && first.saturating_add(*length) <= start.saturating_add(count)
                })
        })
}

/// First id outside, and how many: `inside outside count`.
fn extent(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split_ascii_whitespace().skip(1);
    Some((words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

/// `name:start:count` of `subuid(5)`.
fn subordinate(line: &str) -> Option<(&str, u64, u64)> {
    let mut fields = line.split(':');
    let name = fields.next()?.trim();
    Some((name, fields.next()?.trim().parse().ok()?, fields.next()?.trim().parse().ok()?))
}

/// What is at a path now, as a process itself sees it. `None`: nothing, or it cannot be seen.
pub(super) fn at_path(pid: u32, path: &Path) -> Option<FileId> {
    let inside = path.strip_prefix("/").ok()?;
    at(Path::new(&format!("/proc/{pid}/root")).join(inside))
}

/// Whether the file that a process runs is the one at a path, as the process or the reader sees it.
pub(super) fn is_at(pid: u32, path: &Path, own: FileId) -> bool {
    at_path(pid, path) == Some(own) || at(path.to_owned()) == Some(own)
}

/// The filesystem may be one that its user keeps waiting.
fn at(path: PathBuf) -> Option<FileId> {
    let file = patience::within(PATIENCE, move || fs::symlink_metadata(path)).ok()?.ok()?;
    Some(FileId { device: file.dev(), inode: file.ino() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reader_runs_the_file_that_it_was_started_from() {
        let pid = std::process::id();
        let exe = fs::metadata(std::env::current_exe().unwrap()).unwrap();
        let own = linked(pid, "exe").unwrap();
        assert_eq!(own, FileId { device: exe.dev(), inode: exe.ino() });
        assert_eq!(at_path(pid, &std::env::current_exe().unwrap()), Some(own));
    }

    #[test]
    fn a_user_namespace_is_a_users_where_the_ids_are_his_to_give() {
        let granted = "alice:100000:65536\ndockremap:300000:65536\n";
        let users = |map: &str| can_be_a_users(map, granted);
        assert!(users("0 1000 1\n"), "everybody may map himself");
        assert!(users("0 1001 1\n1 100000 65536\n"), "rootless podman of alice");
        assert!(!users("0 300000 65536\n"), "dockerd with userns-remap");
        assert!(!users("0 524288 65536\n"), "nobody was given these");
        assert!(!users("0 0 4294967295\n"));
    }
}

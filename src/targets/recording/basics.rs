//! What is recorded whatever the policies ask, so that a rule written after an incident finds its
//! facts too: processes, listeners and their holders, accounts, the programs that there are, and all
//! about the files that rules name.

use crate::facts::Fact;
use crate::facts::account::Accounts;
use crate::facts::file::{FileFact, FileKind};
use crate::facts::host::TargetKind;
use crate::facts::process::Selector;
use crate::facts::raw_bytes::RawBytes;
use crate::host::select::canonical;
use crate::host::{Files, Target};
use crate::targets::recording::Recorder;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// Folders whose every file is looked at, so that a service can be found by any of its program's
/// names.
pub const PROGRAMS: [&str; 7] =
    ["/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec"];
/// Most files of one folder that are looked at.
const NAMES: usize = 20_000;
/// Most users whose groups are looked up.
const USERS: usize = 2_000;
/// Largest content that is kept without being asked for, in bytes.
const CONTENT: u64 = 1 << 20;

/// Asks everything that is always asked. What cannot be answered is recorded as that.
pub fn ask(target: &Recorder) {
    if target.host().kind == TargetKind::Host {
        processes(target);
        listeners(target);
    }
    if let Ok(accounts) = target.accounts() {
        groups(target, &accounts);
    }
    programs(target);
    owners(target);
}

/// All about one file: for those that rules name.
pub fn file(target: &Recorder, path: &Path) {
    above(target, path);
    let Ok(Some(fact)) = target.file(path) else { return };
    // What cannot be told is recorded as such.
    let _ = target.acl(path);
    let _ = target.read_only(path);
    let _ = target.protection(path);
    match fact.kind {
        FileKind::File => {
            let _ = target.file_capabilities(path);
            if fact.size <= CONTENT {
                let _ = target.read(path);
            }
        }
        FileKind::Directory => {
            let _ = target.list(path);
        }
        FileKind::Symlink => {
            // By the name that rules use, and by its own.
            if let Ok(Some(real)) = canonical(target, path) {
                file(target, &real);
                let is_small =
                    |fact: &Arc<FileFact>| fact.kind == FileKind::File && fact.size <= CONTENT;
                if target.file(&real).ok().flatten().is_some_and(|fact| is_small(&fact)) {
                    let _ = target.read(path);
                }
            }
        }
        _ => {}
    }
    target.layer(path);
}

fn processes(target: &Recorder) {
    let Ok(all) = target.processes(&Selector::everything()) else { return };
    for process in &all.processes {
        if let Ok(Some(exe)) = &process.exe {
            above(target, &exe.path);
            let _ = target.file(&exe.path);
        }
        for uid in process.threads.iter().flatten().flat_map(|thread| thread.uid.all()) {
            let _ = target.user_by_id(uid);
        }
        for gid in process.threads.iter().flatten().flat_map(|thread| thread.gid.all()) {
            let _ = target.group_by_id(gid);
        }
    }
}

fn listeners(target: &Recorder) {
    let Ok(listeners) = target.listeners() else { return };
    let inodes: BTreeSet<u32> = listeners.iter().map(|listener| listener.inode).collect();
    let Ok(holders) = target.holders(&inodes) else { return };
    for pid in holders.values().flat_map(|holders| &holders.pids) {
        let _ = target.process(*pid);
    }
}

fn groups(target: &Recorder, accounts: &Accounts) {
    for user in accounts.users.iter().take(USERS) {
        let _ = target.user(&user.name);
        let _ = target.user_by_id(user.uid);
        let _ = target.groups_of(user);
    }
    for group in accounts.groups.iter().take(USERS) {
        let _ = target.group(&group.name);
        let _ = target.group_by_id(group.gid);
    }
}

/// The programs in the usual folders. `/bin` may be a link to one of them.
fn programs(target: &Recorder) {
    for folder in PROGRAMS.map(Path::new) {
        above(target, folder);
        let is_folder = |fact: Fact<Option<Arc<FileFact>>>| matches!(fact, Ok(Some(fact)) if fact.kind == FileKind::Directory);
        if !is_folder(target.file(folder)) {
            continue;
        }
        let Ok(Some(names)) = target.list(folder) else { continue };
        for name in names.iter().take(NAMES) {
            let _ = target.file(&folder.join(name));
        }
    }
}

/// Names of those to whom files belong.
fn owners(target: &Recorder) {
    let paths: Vec<RawBytes> = target.found();
    let facts = paths.into_iter().filter_map(|path| target.file(&path.into_path()).ok().flatten());
    let owners: BTreeSet<(u32, u32)> = facts.map(|fact| (fact.uid, fact.gid)).collect();
    for (uid, gid) in owners.into_iter().take(USERS) {
        let _ = target.user_by_id(uid);
        let _ = target.group_by_id(gid);
    }
}

/// The folders that lead to a path.
fn above(target: &Recorder, path: &Path) {
    for folder in path.ancestors().skip(1) {
        let _ = target.file(folder);
        let _ = target.acl(folder);
    }
}

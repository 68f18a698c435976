//! What a walk over many files has found: those that matter, and counts of the others.

use super::file::{FileCapabilities, FileFact, Mode};
use super::{Fact, Unknown};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The most files of one kind that are kept.
pub const KEPT: usize = 100_000;
/// The most paths that a [`Tally`] names.
pub const NAMED: usize = 8;

/// A file that matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Path.
    #[serde(with = "super::raw_bytes::path")]
    pub path: PathBuf,
    /// The file.
    pub fact: FileFact,
    /// Its capabilities.
    pub capabilities: Fact<Option<FileCapabilities>>,
    /// It lies on a filesystem that is mounted `nosuid`: setuid, setgid and capabilities have no
    /// effect there.
    pub nosuid: bool,
}

/// What a file gave to whoever ran it when a baseline was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privileges {
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits, setuid and setgid among them.
    pub mode: Mode,
    /// Capabilities.
    pub capabilities: Option<FileCapabilities>,
}

/// What a baseline knows of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Formerly {
    /// It was there.
    Was(Privileges),
    /// It was not.
    Absent,
    /// Nobody looked, or could.
    NotSeen(Unknown),
}

/// How many files something is true of, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Number of files.
    pub count: u64,
    /// Some of the paths, the first in order of one for each directory.
    #[serde(with = "super::raw_bytes::paths")]
    pub first: BTreeSet<PathBuf>,
}

impl Tally {
    /// Adds so many files, of which this is one.
    pub fn add(&mut self, count: u64, path: PathBuf) {
        self.count += count;
        self.first.insert(path);
        if self.first.len() > NAMED {
            self.first.pop_last();
        }
    }
}

/// Everything that has been found below one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The place.
    #[serde(with = "super::raw_bytes::path")]
    pub place: PathBuf,
    /// Number of files of any kind, the place itself among them.
    pub entries: u64,
    /// Regular files with setuid, setgid or capabilities, by path.
    pub privileged: Vec<Found>,
    /// Files, block devices, and directories without sticky bit that everybody may write, by path.
    pub world_writable: Vec<Found>,
    /// By owner.
    pub owners: BTreeMap<u32, Tally>,
    /// By group.
    pub groups: BTreeMap<u32, Tally>,
    /// Other filesystems below the place that were not walked, and why.
    #[serde(with = "super::raw_bytes::by_path")]
    pub left_out: BTreeMap<PathBuf, String>,
    /// Those of them on which setuid, setgid and capabilities have an effect.
    #[serde(default, with = "super::raw_bytes::paths")]
    pub unwalked_rights: BTreeSet<PathBuf>,
    /// What could not be seen: there may be more of everything.
    pub unread: Vec<Unknown>,
}

impl Inventory {
    /// Nothing yet, of this place.
    pub fn of(place: PathBuf) -> Self {
        Self { place, ..Self::default() }
    }

    /// Keeps a file if it matters. Capabilities that could not be read are a gap.
    pub fn keep(&mut self, one: &Found) {
        if let Err(why) = &one.capabilities {
            self.unread.push(why.clone());
        }
        let regular = one.fact.kind == super::file::FileKind::File;
        let capable = matches!(one.capabilities, Ok(Some(_)));
        if regular && (one.fact.mode.0 & 0o6000 != 0 || capable) {
            self.privileged.push(one.clone());
        }
        if is_world_writable(&one.fact) {
            self.world_writable.push(one.clone());
        }
    }

    /// Adds what another part of the walk has found.
    pub fn merge(&mut self, other: Inventory) {
        self.entries += other.entries;
        self.privileged.extend(other.privileged);
        self.world_writable.extend(other.world_writable);
        for (ours, theirs) in [(&mut self.owners, other.owners), (&mut self.groups, other.groups)] {
            for (id, tally) in theirs {
                let mine = ours.entry(id).or_default();
                mine.count += tally.count;
                tally.first.into_iter().for_each(|path| mine.add(0, path));
            }
        }
        self.left_out.extend(other.left_out);
        self.unwalked_rights.extend(other.unwalked_rights);
        self.unread.extend(other.unread);
    }

    /// Puts everything in order and within bounds.
    pub fn finish(&mut self) {
        for list in [&mut self.privileged, &mut self.world_writable] {
            list.sort_by(|a, b| a.path.cmp(&b.path));
            if list.len() > KEPT {
                list.truncate(KEPT);
                let why = super::Cause::TooLarge(format!("more than {KEPT} such files"));
                self.unread.push(Unknown::new(crate::text::path(&self.place), why));
            }
        }
        self.unread.sort();
        self.unread.truncate(KEPT);
    }
}

/// Whether a file is one that [`Inventory::world_writable`] keeps.
pub fn is_world_writable(fact: &FileFact) -> bool {
    use super::file::FileKind;
    let sticky = fact.kind == FileKind::Directory && fact.mode.0 & 0o1000 != 0;
    let counts = matches!(fact.kind, FileKind::File | FileKind::Directory | FileKind::BlockDevice);
    counts && fact.mode.0 & 0o002 != 0 && !sticky
}

//! What a survey is asked, and what it answers.

use crate::facts::scope::Rules;
use crate::facts::snapshot::{Algorithm, Directory, Effort, Gaps, Record, Time, Tree};
use std::collections::HashSet;
use std::time::Instant;

/// The most files of one look; more are a gap.
pub const FILE_LIMIT: u64 = 8_000_000;

/// The deepest directory.
pub const DEPTH_LIMIT: u16 = 256;

/// Filesystems may tell times only so exactly (FAT: two seconds).
pub(super) const TICK: i64 = 2;

/// Which contents are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// None; of what has not moved the digest is known.
    Nothing,
    /// Of what has moved, and of every `of`-th file, another one in each of so many runs.
    Moved {
        /// Which of them this time.
        slot: u64,
        /// Over so many runs everything is read; 0 for never.
        of: u64,
    },
    /// All.
    Everything,
}

/// What to look at.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Files and directories, with all below.
    pub paths: &'a [Vec<u8>],
    /// What is left out, and what files are for.
    pub rules: &'a Rules,
    /// How contents are digested.
    pub algorithm: Algorithm,
    /// Which contents are read.
    pub reading: Reading,
    /// Whether mounted filesystems are entered.
    pub cross_filesystems: bool,
    /// Whether what is below directories is looked at.
    pub recursive: bool,
    /// An earlier look.
    pub before: Option<Before<'a>>,
    /// When to give up.
    pub deadline: Option<Instant>,
    /// How many threads look.
    pub threads: usize,
}

/// An earlier look, for comparison.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// What there was.
    pub tree: &'a Tree,
    /// When it began.
    pub taken: Time,
}

impl Before<'_> {
    /// Whether a file may have been changed without its times telling.
    pub(super) fn is_racy(&self, record: &Record) -> bool {
        record.changed.seconds.max(record.modified.seconds) >= self.taken.seconds - TICK
    }
}

/// What became of a directory.
#[derive(Clone, Debug)]
pub enum Found {
    /// Nothing in it has changed; its position in the earlier look.
    Same(usize),
    /// This is in it.
    Listing(Directory),
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Survey {
    /// Directories in no order.
    pub found: Vec<Found>,
    /// What could not be seen.
    pub gaps: Gaps,
    /// Paths of those files that are there and could not be looked at.
    pub unseen: HashSet<Vec<u8>>,
    /// Directories on which another filesystem is mounted, which was not entered.
    pub mounts: Vec<Vec<u8>>,
    /// What it took.
    pub effort: Effort,
}

impl Survey {
    /// All files, where nothing was compared with an earlier look.
    pub fn into_tree(self, before: Option<&Tree>) -> (Tree, Gaps, Effort) {
        let mut directories: Vec<Directory> = Vec::with_capacity(self.found.len());
        for found in self.found {
            match found {
                Found::Listing(directory) => directories.push(directory),
                Found::Same(index) => {
                    directories
                        .extend(before.and_then(|tree| tree.directories.get(index)).cloned());
                }
            }
        }
        directories.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        (Tree { directories }, self.gaps, self.effort)
    }
}

/// Whether it is a file's turn to be read although it has not moved.
pub(super) fn is_due(path_hash: u64, reading: Reading) -> bool {
    match reading {
        Reading::Everything => true,
        Reading::Nothing | Reading::Moved { of: 0, .. } => false,
        Reading::Moved { slot, of } => path_hash % of == slot % of,
    }
}

/// FNV-1a: which run reads a file has to be told alike by every run.
pub(super) fn spread(directory: &[u8], name: &[u8]) -> u64 {
    let bytes = directory.iter().chain(b"/").chain(name);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

//! Where facts come from. A target answers questions and knows nothing of rules.
//!
//! Everything is answered lazily and kept: asking twice costs once. Nothing here starts a process
//! or changes the target.
//!
//! A question that is added here is recorded by a line each in `recording/answers.rs`,
//! `recording/recorder.rs` and `recording/playback.rs`; a test tells when one is missing.

pub mod derived;
pub mod glob;
pub mod image;
pub mod inside;
pub mod inventory;
mod kept;
pub mod live;
pub mod marked;
pub mod memory;
pub mod recording;
pub mod rootfs;
pub mod select;
pub mod still;
pub mod survey;

use crate::facts::account::{Accounts, Group, User};
use crate::facts::file::{Acl, FileCapabilities, FileFact, Match};
use crate::facts::host::Host;
use crate::facts::image::{Image, Layer};
use crate::facts::listener::{Holders, Listener};
use crate::facts::process::{Process, Selector};
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::derived::Derived;
use regex::Regex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// The most bytes of one file that are read into memory (16 MiB). Configuration is smaller.
pub const READ_LIMIT: u64 = 16 << 20;

/// The filesystem of a target. Paths are absolute and mean what they mean inside the target.
pub trait Files {
    /// The file at `path`, symbolic links on the way followed, one at the end not (`lstat(2)`).
    /// `None`: there is no such file (`ENOENT`, `ENOTDIR`).
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>>;

    /// The extended access ACL of the file at `path` (not following a link at the end); `None`
    /// where the mode bits say everything.
    fn acl(&self, path: &Path) -> Fact<Option<Acl>>;

    /// The file capabilities of the file at `path` (not following a link at the end); `None` where
    /// it has none.
    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        let why = "this kind of target does not tell file capabilities".to_owned();
        Err(Unknown::new(crate::text::path(path), Cause::Unsupported(why)))
    }

    /// Content of the regular file that `path` leads to, symbolic links followed. `None`: no such
    /// file. Anything but a regular file, or more than [`READ_LIMIT`] bytes, is unknown. Never
    /// blocks on a FIFO or device.
    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>>;

    /// The same for content from which a recording has left out secrets: [`Files::mark`] stands in
    /// their place there. For callers that take no value with the mark in it for one that was seen;
    /// to all others [`Files::read`] says that it is unknown.
    fn read_marked(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.read(path)
    }

    /// What stands in the place of a secret that a recording has left out; occurs in nothing else
    /// that the target tells. `None`: nothing has been left out.
    fn mark(&self) -> Option<&str> {
        None
    }

    /// Where a regular expression first matches the content of the file that `path` leads to.
    fn first_match(&self, path: &Path, regex: &Regex) -> Fact<Option<Match>> {
        Ok(self.read(path)?.map(|content| match_in(&content, regex)))
    }

    /// The same for a file that may be larger than configuration is, up to `limit` bytes; such
    /// content is not kept for the run. A target that cannot do better reads [`READ_LIMIT`].
    /// Recordings do not have it: what is learnt from it belongs into [`Derived`].
    fn read_up_to(&self, path: &Path, _limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        self.read(path)
    }

    /// Names in the directory that `path` leads to, sorted, without `.` and `..`. `None`: no such directory.
    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>>;

    /// SHA-256 of the regular file that `path` leads to, of any size, in lower-case hexadecimal.
    fn sha256(&self, path: &Path) -> Fact<Option<String>>;

    /// Whether the filesystem that `path` lies on is mounted read-only, so that a write gives `EROFS`.
    fn read_only(&self, path: &Path) -> Fact<bool>;

    /// The file that lists the mounts of the target, `proc_pid_mountinfo(5)`.
    fn mountinfo(&self) -> Fact<&'static str> {
        Ok("/proc/self/mountinfo")
    }

    /// So many bytes of the regular file that `path` leads to, from an offset on; fewer where it
    /// ends before. `None`: no such file. A target that cannot do better reads the whole of it.
    fn part(&self, path: &Path, offset: u64, length: usize) -> Fact<Option<Vec<u8>>> {
        const WHOLE: u64 = 64 << 20;
        let content = self.read_up_to(path, WHOLE)?;
        Ok(content.map(|bytes| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(length).min(bytes.len());
            bytes.get(start..end).unwrap_or_default().to_vec()
        }))
    }

    /// The directory of this machine that is `/` of the target, for those who look at very many
    /// files; `None` where the files are no directory.
    fn root_directory(&self) -> Fact<Option<OwnedFd>> {
        Ok(None)
    }
}

/// Where a regular expression first matches some content.
pub fn match_in(content: &[u8], regex: &Regex) -> Match {
    let text = String::from_utf8_lossy(content);
    match regex.find(&text) {
        Some(found) => Match::Line(line_at(&text, found.start())),
        None => Match::Nowhere,
    }
}

/// The number of the line that a byte stands in, from 1.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count() + 1
}

/// Something that can be checked: a running host, a root filesystem, an image, a recording.
pub trait Target: Files {
    /// What it is.
    fn host(&self) -> &Host;

    /// Facts that follow from files alone.
    fn derived(&self) -> &Derived;

    /// The processes that a selector picks, and what could not be decided about others.
    fn processes(&self, selector: &Selector) -> Fact<Selection>;

    /// Whether one process is of those that a selector picks, asked of that very process: it may be
    /// younger than the list that [`Target::processes`] went through. A process that is gone is not.
    fn is_picked(&self, pid: u32, selector: &Selector) -> Fact<bool>;

    /// One process by pid; `None` when there is none (any more).
    fn process(&self, pid: u32) -> Fact<Option<Arc<Process>>>;

    /// All listening sockets of the target's network namespace, sorted by protocol, port, address.
    fn listeners(&self) -> Fact<Arc<Vec<Listener>>>;

    /// For each of these socket inodes, all processes that hold it.
    fn holders(&self, inodes: &BTreeSet<u32>) -> Fact<Arc<BTreeMap<u32, Holders>>>;

    /// The account files.
    fn accounts(&self) -> Fact<Arc<Accounts>>;

    /// A user by login name: the files first, then (on a live host) the name service switch.
    fn user(&self, name: &str) -> Fact<Option<User>>;

    /// A user by id, likewise.
    fn user_by_id(&self, uid: u32) -> Fact<Option<User>>;

    /// A group by name, likewise.
    fn group(&self, name: &str) -> Fact<Option<Group>>;

    /// A group by id, likewise.
    fn group_by_id(&self, gid: u32) -> Fact<Option<Group>>;

    /// The group ids that a login of this user has: primary and supplementary.
    fn groups_of(&self, user: &User) -> Fact<BTreeSet<u32>>;

    /// What [`learn`] asks: a recording keeps the answer, or has it. `None`: whoever asks may look
    /// for himself.
    fn learn(
        &self,
        _kind: &'static str,
        _path: &Path,
        _ask: &mut dyn FnMut(&dyn Target) -> Fact<serde_json::Value>,
    ) -> Option<Fact<serde_json::Value>> {
        None
    }

    /// The same target with nothing remembered that follows from its answers, where it keeps note of
    /// what it cannot answer: a recording.
    fn afresh(&self) -> Option<Box<dyn Target + '_>> {
        None
    }

    /// The first question that it had no answer to since it was made [`Target::afresh`]. Nothing that
    /// was concluded from its answers is certain, even where somebody took "cannot be told" for "no".
    fn gap(&self) -> Option<Unknown> {
        None
    }

    /// The container image that the target is; `None` for a host and for a root filesystem.
    fn image(&self) -> Option<&Image> {
        None
    }

    /// The layer of an image that made the file at a path (not following a link at its end) what it
    /// is.
    fn layer(&self, _path: &Path) -> Option<Layer> {
        None
    }
}

/// What is learnt from bytes that no recording keeps: programs, environments, millions of files. It is
/// recorded itself, as `kind` of `path`. Else it is just `ask`.
///
/// # Errors
/// Those of `ask`, and where a recording does not have it.
pub fn learn<T: Serialize + DeserializeOwned>(
    target: &dyn Target,
    kind: &'static str,
    path: &Path,
    ask: impl Fn(&dyn Target) -> Fact<T>,
) -> Fact<T> {
    let malformed = |why: serde_json::Error| {
        Unknown::new(crate::text::path(path), Cause::Malformed(why.to_string()))
    };
    let mut written = |target: &dyn Target| serde_json::to_value(ask(target)?).map_err(malformed);
    match target.learn(kind, path, &mut written) {
        None => ask(target),
        Some(answer) => serde_json::from_value(answer?).map_err(malformed),
    }
}

/// The answer to [`Target::processes`].
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Processes that match, by pid.
    pub processes: Vec<Arc<Process>>,
    /// Processes that may match: one entry each, saying what could not be seen.
    pub undecided: Vec<Unknown>,
    /// Set when processes may be hidden altogether (`hidepid=` of `proc(5)`).
    pub hidden: Option<Unknown>,
}

impl Selection {
    /// What keeps this selection from being known to be complete, if anything.
    pub fn gap(&self) -> Option<&Unknown> {
        self.hidden.as_ref().or(self.undecided.first())
    }
}

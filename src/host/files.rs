//! The filesystem of a target.

use crate::facts::file::{Acl, FileCapabilities, FileFact, Match, Protection};
use crate::facts::package_file::Checksum;
use crate::facts::{Cause, Fact, Unknown};
use regex::Regex;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// The most bytes of one file that are read into memory (16 MiB). Configuration is smaller.
pub const READ_LIMIT: u64 = 16 << 20;
/// Larger files are not digested by reading them into memory.
pub const DIGESTED_LIMIT: u64 = 512 << 20;

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
    /// Recordings do not have it: what is learnt from it belongs into [`Memo`](super::memo::Memo).
    fn read_up_to(&self, path: &Path, _limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        self.read(path)
    }

    /// Names in the directory that `path` leads to, sorted, without `.` and `..`. `None`: no such directory.
    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>>;

    /// SHA-256 of the regular file that `path` leads to, of any size, in lower-case hexadecimal.
    fn sha256(&self, path: &Path) -> Fact<Option<String>>;

    /// The digest of the regular file that `path` leads to, of the kind that is given. A target that
    /// has not got it from somewhere else reads the file.
    fn checksum(&self, path: &Path, like: &Checksum) -> Fact<Option<Checksum>> {
        let content = self.read_up_to(path, DIGESTED_LIMIT)?;
        Ok(content.map(|content| like.of_the_same_kind(&content)))
    }

    /// Whether the filesystem that `path` lies on is mounted read-only, so that a write gives `EROFS`.
    fn read_only(&self, path: &Path) -> Fact<bool>;

    /// The flags of the file at `path` (not following a link at the end) that keep even its owner and
    /// root from writing it. Nothing there: none.
    fn protection(&self, path: &Path) -> Fact<Protection>;

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

/// Where a regular expression first matches some content, however its lines end and however it is
/// encoded.
pub fn match_in(content: &[u8], regex: &Regex) -> Match {
    crate::text::content::line_of_match(content, regex).map_or(Match::Nowhere, Match::Line)
}

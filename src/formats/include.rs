//! Further files that a configuration names: patterns, what could not be read, and bounds.

use super::glob3;
use super::limits::too_large;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most files that one configuration may consist of, repeated ones counted again.
pub const FILE_LIMIT: usize = 1000;

/// The most bytes of all files of one configuration (32 MiB).
pub const BYTE_LIMIT: usize = 32 << 20;

/// Opens the files of one configuration and keeps the account of them.
pub struct Includes<'a> {
    files: &'a dyn Files,
    opened: usize,
    bytes: usize,
    exhausted: bool,
    /// Files that were read, in the order in which they came up first.
    pub read: Vec<PathBuf>,
    /// What could not be read.
    pub unread: Vec<Unknown>,
}

impl<'a> Includes<'a> {
    /// The account of a configuration that begins with the file at `path`, already read.
    pub fn new(files: &'a dyn Files, path: &Path) -> Self {
        let read = vec![path.to_path_buf()];
        Self { files, opened: 1, bytes: 0, exhausted: false, read, unread: Vec::new() }
    }

    /// Paths that match a pattern of `glob(3)`, sorted; whatever keeps it from being decided is
    /// added to [`Includes::unread`].
    pub fn expand(&mut self, pattern: &str) -> Vec<PathBuf> {
        // Once the bounds are met nothing is opened any more.
        if self.exhausted {
            return Vec::new();
        }
        glob3::expand(self.files, pattern, &mut self.unread)
    }

    /// Content of a further file. `None`: there is none, or it could not be read, which is then
    /// said in [`Includes::unread`]; `missing` says what the absence of the file means to the
    /// daemon, `None` that it is of no consequence.
    pub fn open(&mut self, path: &Path, missing: Option<&str>) -> Option<Arc<Vec<u8>>> {
        // That the bounds are met is said once; a thousand entries would say no more.
        if self.exhausted {
            return None;
        }
        match self.try_open(path) {
            Ok(Some(content)) => {
                if !self.read.iter().any(|known| known == path) {
                    self.read.push(path.to_path_buf());
                }
                Some(content)
            }
            Ok(None) => {
                if let Some(meaning) = missing {
                    let cause = Cause::Malformed(meaning.to_owned());
                    self.unread.push(Unknown::new(path.display().to_string(), cause));
                }
                None
            }
            Err(unknown) => {
                self.unread.push(unknown);
                None
            }
        }
    }

    fn try_open(&mut self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        if self.opened >= FILE_LIMIT || self.bytes >= BYTE_LIMIT {
            self.exhausted = true;
            let limit = format!("more than {FILE_LIMIT} files or {BYTE_LIMIT} bytes are included");
            return Err(too_large(path, limit));
        }
        self.opened += 1;
        let content = self.files.read(path)?;
        self.bytes += content.as_ref().map_or(0, |bytes| bytes.len());
        Ok(content)
    }
}

//! How much of a file is believed: bounds that hold for every format.

use crate::facts::{Cause, Unknown};
use std::path::Path;

/// The deepest nesting of blocks, objects and lists.
pub const DEPTH_LIMIT: usize = 64;

/// The most settings and blocks of one configuration, all its files together.
pub const NODE_LIMIT: usize = 200_000;

/// What may still be added to a configuration that is being read.
#[derive(Debug)]
pub struct Budget {
    left: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: NODE_LIMIT }
    }
}

impl Budget {
    /// Takes room for one more setting or block of `path`.
    ///
    /// # Errors
    /// [`Cause::TooLarge`] when there is none left.
    pub fn take(&mut self, path: &Path) -> Result<(), Unknown> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(too_large(path, format!("more than {NODE_LIMIT} settings"))),
        }
    }

    /// Checks the depth of a block of `path` that is about to be opened.
    ///
    /// # Errors
    /// [`Cause::TooLarge`] when it is deeper than [`DEPTH_LIMIT`].
    pub fn depth(&self, path: &Path, depth: usize) -> Result<(), Unknown> {
        if depth <= DEPTH_LIMIT {
            return Ok(());
        }
        Err(too_large(path, format!("nested more than {DEPTH_LIMIT} deep")))
    }
}

/// The unknown for a file that breaks its format's rules in one line, 1 being the first.
pub fn malformed(path: &Path, line: u32, why: impl std::fmt::Display) -> Unknown {
    Unknown::new(path.display().to_string(), Cause::Malformed(format!("line {line}: {why}")))
}

/// The unknown for a file that is more than spotcheck reads; `limit` in words.
pub fn too_large(path: &Path, limit: impl Into<String>) -> Unknown {
    Unknown::new(path.display().to_string(), Cause::TooLarge(limit.into()))
}

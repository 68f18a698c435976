//! Looking at all files of a target at once: on a host or in a root filesystem by descriptors, so
//! that no path is looked up twice and no link leads out; elsewhere through [`Files`](crate::host::Files).
//!
//! What has not moved since an earlier look is not read again: device, inode, size and both times
//! are as they were, and the last change lies well before that look began (else a change within the
//! same tick of the clock would be missed, as Git calls it: a racy timestamp).

mod attributes;
pub mod checksum;
mod content;
mod directory;
mod files;
mod request;
mod walk;

pub use files::through_files;
pub use request::{Before, DEPTH_LIMIT, FILE_LIMIT, Found, Reading, Request, Survey};
pub use walk::walk;

//! Paths taken apart as `path_resolution(7)` takes them.

use crate::facts::file::FileFact;
use crate::facts::{Cause, Fact, Unknown};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The most symbolic links that one resolution follows (`MAXSYMLINKS`).
pub(crate) const LINK_LIMIT: usize = 40;
/// The most bytes of a path or link target (`PATH_MAX` without the final zero).
pub(crate) const PATH_LIMIT: usize = 4095;

/// The components of a path, the first one last. Unlike [`Path::components`] it keeps `.`, for
/// which the kernel wants search permission too.
pub(crate) fn components(path: &OsStr) -> Vec<OsString> {
    path.as_bytes()
        .rsplit(|byte| *byte == b'/')
        .filter(|name| !name.is_empty())
        .map(|name| OsStr::from_bytes(name).to_owned())
        .collect()
}

/// Whether it ends in a slash, which only a directory may.
pub(crate) fn ends_in_slash(path: &OsStr) -> bool {
    path.as_bytes().last() == Some(&b'/')
}

/// Where a link leads by its text. The links of `/proc/PID` lead elsewhere than their text says,
/// and `/proc/self` leads every process elsewhere: what they are to `who` cannot be known.
pub(crate) fn target_of<'a>(link: &Path, fact: &'a FileFact) -> Fact<&'a OsStr> {
    if let Ok(below) = link.strip_prefix("/proc") {
        let first = below.components().next().map_or(OsStr::new(""), |name| name.as_os_str());
        let pid = !first.is_empty() && first.as_bytes().iter().all(u8::is_ascii_digit);
        if pid || first == "self" || first == "thread-self" {
            let why = "a link whose meaning depends on the process that follows it".to_owned();
            return Err(Unknown::new(link.display().to_string(), Cause::Unsupported(why)));
        }
    }
    fact.link_target.as_deref().map(Path::as_os_str).ok_or_else(|| {
        let why = "a symbolic link without a target".to_owned();
        Unknown::new(link.display().to_string(), Cause::Malformed(why))
    })
}

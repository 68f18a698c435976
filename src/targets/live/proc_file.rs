//! Reading what belongs to one process below `/proc`, where "it is gone" is a normal answer.

use crate::facts::{Cause, Unknown};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

/// Why a process did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Miss {
    /// The process has ended: neither an error nor a finding.
    Gone,
    /// It is there, and this could not be seen.
    Unknown(Unknown),
}

/// A part of a process, as far as it can be seen.
pub(super) type Seen<T> = Result<T, Miss>;

const ENOENT: i32 = 2;
const ESRCH: i32 = 3;

/// Whole content of `/proc/PID/<name>`, at most `limit` bytes.
pub(super) fn read(pid: u32, name: &str, limit: usize) -> Seen<Vec<u8>> {
    let path = format!("/proc/{pid}/{name}");
    match bounded(&path, limit) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => {
            let cause = Cause::TooLarge(format!("more than {limit} bytes"));
            Err(Miss::Unknown(Unknown::new(path, cause)))
        }
        Err(error) => Err(miss(pid, &path, &error)),
    }
}

/// Target of the symbolic link `/proc/PID/<name>`.
pub(super) fn link(pid: u32, name: &str) -> Seen<PathBuf> {
    let path = format!("/proc/{pid}/{name}");
    fs::read_link(&path).map_err(|error| miss(pid, &path, &error))
}

/// Ids of the threads, ascending, as `/proc/PID/task` lists them.
pub(super) fn threads(pid: u32) -> Seen<Vec<u32>> {
    let path = format!("/proc/{pid}/task");
    let tids = fs::read_dir(&path).and_then(numbers);
    tids.map_err(|error| miss(pid, &path, &error))
}

/// The names in a directory of `/proc` that are numbers, ascending.
pub(super) fn numbers(entries: fs::ReadDir) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in entries {
        if let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push(number);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Content of a file of `/proc`, whose size is not known before; `None` if it exceeds `limit`.
pub(in crate::targets) fn bounded(path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut file = File::open(path)?;
    // One page is what most of these files fit in; the kernel makes them up anew for every open.
    let mut chunk = [0; 4096];
    let mut bytes = Vec::new();
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Some(bytes)),
            Ok(count) => bytes.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if bytes.len() > limit {
            return Ok(None);
        }
    }
}

/// `ENOENT` and `ESRCH` mean that the process is gone, unless it is still there: then this kernel
/// has no such file, which says nothing about the process.
fn miss(pid: u32, path: &str, error: &io::Error) -> Miss {
    match error.raw_os_error() {
        Some(ESRCH) => Miss::Gone,
        Some(ENOENT) if fs::symlink_metadata(format!("/proc/{pid}")).is_err() => Miss::Gone,
        Some(ENOENT) => {
            Miss::Unknown(Unknown::new(path, Cause::Unsupported("no such file".to_owned())))
        }
        _ => Miss::Unknown(Unknown::from_io(path, error)),
    }
}

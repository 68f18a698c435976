//! Policies on the disk: what may be read, and which files of a folder are policies.

use super::diagnostic::{Diagnostic, Diagnostics};
use crate::safety::trust;
use crate::text;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Most policy files of one run.
pub(super) const FILE_LIMIT: usize = 2_000;
/// Largest policy file, in bytes.
pub const SIZE_LIMIT: u64 = 4 << 20;
/// Most entries of a folder and all below it: who names `/` by mistake is told so soon.
const ENTRY_LIMIT: usize = 50_000;
/// Deepest folder below a named one.
const FOLDER_LIMIT: usize = 16;

/// Reads a policy file, or another that steers a run: regular, of bounded size, UTF-8, and where the
/// run has rights, written by nobody else. Never blocks on a FIFO or device.
pub fn read(path: &Path) -> Result<String, Diagnostic> {
    let failed = |error: std::io::Error| Diagnostic::path(path, format!("cannot be read: {error}"));
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?);
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Diagnostic::path(path, "is neither a regular file nor a folder"));
    }
    let too_large = || {
        let limit = SIZE_LIMIT >> 20;
        Diagnostic::path(path, format!("is larger than {limit} MiB, the limit for a policy"))
    };
    if metadata.len() > SIZE_LIMIT {
        return Err(too_large());
    }
    trust::require(path).map_err(|why| {
        Diagnostic::path(path, "others could have written it, and this run has rights")
            .help(format!("{why}; --trust-any-owner reads it all the same"))
    })?;
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > SIZE_LIMIT {
        return Err(too_large());
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes().iter().take(valid).filter(|&&b| b == b'\n').count() + 1;
        Diagnostic::path(path, format!("is not valid UTF-8, first in line {line}"))
    })?;
    // A byte order mark takes no column in any editor.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// All `*.yaml` and `*.yml` below a folder, hidden ones left out, sorted. Whatever cannot be looked
/// into is an error: it may hold rules.
pub fn policy_files(folder: &Path, problems: &mut Diagnostics) -> Vec<PathBuf> {
    let hidden = |entry: &walkdir::DirEntry| {
        entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.')
    };
    let mut files = Vec::new();
    let before = problems.len();
    let walk = walkdir::WalkDir::new(folder)
        .follow_links(true)
        .max_depth(FOLDER_LIMIT)
        .sort_by_file_name();
    for (count, entry) in walk.into_iter().filter_entry(|entry| !hidden(entry)).enumerate() {
        if count > ENTRY_LIMIT {
            let message = format!("has more than {ENTRY_LIMIT} files and folders in it");
            problems.push(Diagnostic::path(folder, message));
            break;
        }
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                problems.push(unreadable(folder, &error));
                continue;
            }
        };
        let yaml = entry.path().extension().is_some_and(|e| e == "yaml" || e == "yml");
        if entry.file_type().is_dir() {
            if entry.depth() >= FOLDER_LIMIT {
                let message = format!("is more than {FOLDER_LIMIT} folders deep");
                problems.push(Diagnostic::path(entry.path(), message));
            }
        } else if yaml {
            files.push(entry.into_path());
            if files.len() > FILE_LIMIT {
                break;
            }
        }
    }
    if files.is_empty() && problems.len() == before {
        let message = "has no policy in it (no *.yaml or *.yml)";
        problems.push(Diagnostic::path(folder, message));
    }
    files
}

fn unreadable(folder: &Path, error: &walkdir::Error) -> Diagnostic {
    let path = error.path().unwrap_or(folder);
    let why = match (error.loop_ancestor(), error.io_error()) {
        (Some(ancestor), _) => {
            format!("is a link back to {}, a circle", text::path(ancestor))
        }
        (None, Some(error)) => format!("cannot be read: {error}"),
        (None, None) => format!("cannot be read: {error}"),
    };
    Diagnostic::path(path, why)
}

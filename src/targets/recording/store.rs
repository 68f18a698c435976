//! Recordings as files: JSON, compressed with zstd, readable by their owner alone.

use crate::safety::write::{Existing, Readers};
use crate::targets::recording::{Recording, VERSION};
use serde::Deserialize;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The most bytes of a recording's file that are read (64 MiB).
pub const PACKED_LIMIT: u64 = 64 << 20;
/// The most bytes of its JSON (256 MiB); a larger one is neither written nor read.
pub const PLAIN_LIMIT: u64 = 256 << 20;
/// The largest window that is decompressed (8 MiB), as `zstd(1)` does without `--long`.
const WINDOW_LOG: u32 = 23;
/// Compresses well, and fast enough for hundreds of megabytes.
const LEVEL: i32 = 9;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

#[derive(Deserialize)]
struct Versioned {
    spotcheck_recording: Option<u32>,
}

/// A recording as bytes of a file.
///
/// # Errors
/// In words, when it is too large.
pub fn encode(recording: &Recording) -> Result<Vec<u8>, String> {
    let json = serde_json::to_vec(recording).map_err(|error| error.to_string())?;
    if json.len() as u64 > PLAIN_LIMIT {
        return Err(format!(
            "it would have {} MiB, and {} can be read again; record for fewer policies",
            json.len() >> 20,
            PLAIN_LIMIT >> 20
        ));
    }
    zstd::bulk::compress(&json, LEVEL).map_err(|error| error.to_string())
}

/// A recording from bytes of a file: compressed, or as plain JSON.
///
/// # Errors
/// In words, when it is none, or one of a later version.
pub fn decode(bytes: &[u8]) -> Result<Recording, String> {
    let json = if bytes.starts_with(&MAGIC) { unpack(bytes)? } else { bytes.to_vec() };
    let none = |error: serde_json::Error| format!("not a recording of spotcheck: {error}");
    // A list would do for the fields of a structure.
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err("not a recording of spotcheck".to_owned());
    }
    let versioned: Versioned = serde_json::from_slice(&json).map_err(none)?;
    match versioned.spotcheck_recording {
        None => Err("not a recording of spotcheck".to_owned()),
        Some(0) => Err("there is no version 0 of recordings".to_owned()),
        Some(version) if version > VERSION => Err(format!(
            "made by a later spotcheck: version {version} of the format, and this one knows \
             {VERSION}"
        )),
        Some(_) => serde_json::from_slice(&json).map_err(|error| format!("damaged: {error}")),
    }
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let damaged = |error: io::Error| format!("damaged: {error}");
    let mut decoder = zstd::stream::read::Decoder::new(bytes).map_err(damaged)?;
    decoder.window_log_max(WINDOW_LOG).map_err(damaged)?;
    let mut json = Vec::new();
    decoder.take(PLAIN_LIMIT.saturating_add(1)).read_to_end(&mut json).map_err(damaged)?;
    if json.len() as u64 > PLAIN_LIMIT {
        return Err(format!("more than {} MiB when decompressed", PLAIN_LIMIT >> 20));
    }
    Ok(json)
}

/// Reads a recording.
///
/// # Errors
/// In words, when there is none.
pub fn read(path: &Path) -> Result<Recording, String> {
    let file = open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(PACKED_LIMIT + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > PACKED_LIMIT {
        return Err(format!("more than {} MiB", PACKED_LIMIT >> 20));
    }
    decode(&bytes)
}

/// Opens a regular file; a FIFO would wait for somebody who writes.
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let nonblocking = nix::fcntl::OFlag::O_NONBLOCK.bits();
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    Ok(file)
}

/// Writes a recording as a whole or not at all, with mode 0600. `replace`: an older one may go.
///
/// # Errors
/// In words, when it cannot be written.
pub fn write(path: &Path, bytes: &[u8], replace: bool) -> Result<(), String> {
    let existing = if replace { Existing::Replace } else { Existing::Keep };
    crate::safety::write::file(path, bytes, Readers::Owner, existing)
}

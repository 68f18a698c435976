//! How much of an archive is believed. What goes beyond is an error of the whole run, since an
//! image that was read in part could pass for one without the rest.

use std::sync::atomic::{AtomicU64, Ordering};

/// The most bytes of one JSON document (manifest, index, configuration).
pub const DOCUMENT_LIMIT: u64 = 4 << 20;
/// The most bytes of JSON documents of an archive that is read in one go.
pub const DOCUMENTS_LIMIT: u64 = 32 << 20;
/// The most bytes of file content that are kept in memory for the rules.
pub const CONTENT_LIMIT: u64 = 16 << 20;
/// The most bytes of parts of programs that are kept.
pub const PARTS_LIMIT: u64 = 32 << 20;
/// Larger files are not kept, but read again when a rule asks (1 MiB).
pub const KEPT_FILE_LIMIT: u64 = 1 << 20;
/// How deep an index may lie in an index.
pub const INDEX_DEPTH: usize = 4;
/// The most manifests of one archive.
pub const MANIFEST_LIMIT: usize = 1000;
/// The most layers of one image; Docker's own limit is 127.
pub const LAYER_LIMIT: usize = 1000;
/// The most parts of an archive (members, for a layout in a tar).
pub const PART_LIMIT: usize = 1_000_000;
/// How deep directories may lie.
pub const DEPTH_LIMIT: usize = 1000;

/// Bounds of decompression: what makes a bomb.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Decompressed bytes of one layer.
    pub plain: u64,
    /// Decompressed bytes from which on `ratio` counts: an empty database compresses well, too.
    pub grace: u64,
    /// The most that decompression may multiply bytes by.
    pub ratio: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { plain: 64 << 30, grace: 4 << 30, ratio: 100 }
    }
}

/// Bounds of one image, all its layers together.
#[derive(Debug)]
pub struct Limits {
    /// Of each layer.
    pub bounds: Bounds,
    /// Members.
    entries: AtomicU64,
    /// Bytes of names and attributes.
    metadata: AtomicU64,
    /// Bytes of kept content.
    content: AtomicU64,
    /// Bytes of kept parts of programs.
    parts: AtomicU64,
}

/// What one part costs beside its bytes.
const PART_COST: u64 = 48;
/// What one member costs beside its name.
const ENTRY_COST: u64 = 160;

impl Default for Limits {
    fn default() -> Self {
        Self {
            bounds: Bounds::default(),
            entries: AtomicU64::new(1_000_000),
            metadata: AtomicU64::new(256 << 20),
            content: AtomicU64::new(CONTENT_LIMIT),
            parts: AtomicU64::new(PARTS_LIMIT),
        }
    }
}

impl Limits {
    /// Takes room for one more member with this many bytes of names and attributes.
    ///
    /// # Errors
    /// In words, when there is none left.
    pub fn take_entry(&self, bytes: usize) -> Result<(), String> {
        if !take(&self.entries, 1) {
            return Err("more than 1000000 files".to_owned());
        }
        if !take(&self.metadata, ENTRY_COST.saturating_add(bytes as u64)) {
            return Err("more than 256 MiB of file names and attributes".to_owned());
        }
        Ok(())
    }

    /// Takes room for kept content; without room it is not kept.
    pub fn take_content(&self, bytes: u64) -> bool {
        take(&self.content, bytes)
    }
}

impl Limits {
    /// The same for parts of programs.
    pub fn take_parts(&self, parts: &[(u64, Vec<u8>)]) -> bool {
        let cost = |(_, bytes): &(u64, Vec<u8>)| PART_COST.saturating_add(bytes.len() as u64);
        take(&self.parts, parts.iter().map(cost).sum())
    }
}

fn take(from: &AtomicU64, amount: u64) -> bool {
    let less = |left: u64| left.checked_sub(amount);
    from.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
}

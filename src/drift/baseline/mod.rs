//! A baseline: the state of a target that somebody took for good, in one file.

pub mod acceptance;
mod columns;
pub mod decode;
pub mod encode;
mod state;

pub use acceptance::Acceptance;
pub use decode::decode;
pub use encode::encode;
pub use state::{Baseline, Head, MAGIC, VERSION};

/// Larger files are no baselines (512 MiB).
pub const FILE_LIMIT: u64 = 512 << 20;

/// The digest by which people tell baselines apart: BLAKE3 of the whole file.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

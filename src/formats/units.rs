//! Sizes that are written in a daemon's own units.

/// Spellings of a size for comparisons: the number of bytes, alone and with its unit.
pub fn bytes(size: u64) -> Vec<String> {
    vec![size.to_string(), format!("{size}B")]
}

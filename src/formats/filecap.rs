//! File capabilities as the kernel stores them: the extended attribute `security.capability`.
//!
//! Layout (`include/uapi/linux/capability.h`, little endian): a 32-bit word with the revision in its
//! top byte and the effective flag in bit 0, then pairs of 32 permitted and 32 inheritable bits: one
//! pair in revision 1, two in 2 and 3; revision 3 ends with the uid that is root in the user
//! namespace for which they count.

use crate::facts::file::FileCapabilities;

/// Name of the attribute.
pub const XATTR: &str = "security.capability";

/// Parses the attribute's value.
///
/// # Errors
/// In words, for a revision or length that the kernel does not write.
pub fn parse(bytes: &[u8]) -> Result<FileCapabilities, String> {
    let (words, rest) = bytes.as_chunks::<4>();
    let words: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
    if !rest.is_empty() {
        return Err(format!("file capabilities of {} bytes", bytes.len()));
    }
    let set = |low: u32, high: u32| u64::from(high) << 32 | u64::from(low);
    match words.as_slice() {
        [magic, permitted, inheritable] if magic >> 24 == 1 => Ok(FileCapabilities {
            permitted: set(*permitted, 0),
            inheritable: set(*inheritable, 0),
            effective: magic & 1 == 1,
            root: None,
        }),
        [magic, p0, i0, p1, i1, root @ ..]
            if (magic >> 24 == 2 && root.is_empty()) || (magic >> 24 == 3 && root.len() == 1) =>
        {
            Ok(FileCapabilities {
                permitted: set(*p0, *p1),
                inheritable: set(*i0, *i1),
                effective: magic & 1 == 1,
                root: root.first().copied(),
            })
        }
        _ => Err(format!("file capabilities of an unknown revision, {} bytes", bytes.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let hex: String = hex.split_whitespace().collect();
        (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect()
    }

    #[test]
    fn revision_2_has_low_and_high_words() {
        let found = parse(&bytes("01000002 00042000 00000000 80000000 00000000")).unwrap();
        assert_eq!(found.permitted, 1 << 10 | 1 << 21 | 1 << 39);
        assert!(found.effective);
        assert_eq!((found.inheritable, found.root), (0, None));
    }

    #[test]
    fn revision_3_counts_for_one_namespace() {
        let found = parse(&bytes("00000003 00040000 00000000 00000000 00000000 a0860100")).unwrap();
        assert_eq!((found.root, found.effective), (Some(100_000), false));
    }

    #[test]
    fn revision_1_is_short() {
        assert_eq!(parse(&bytes("01000001 00040000 00000000")).unwrap().permitted, 1 << 10);
    }

    #[test]
    fn what_the_kernel_would_not_write_is_refused() {
        for hex in [
            "",
            "01",
            "01000002 00040000 00000000",
            "01000004 00 00 00 00 00 00 00 00",
            "01000002 00042000 00000000 80000000 00000000 00000000",
        ] {
            assert!(parse(&bytes(hex)).is_err(), "{hex}");
        }
    }
}

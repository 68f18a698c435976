//! The header of an rpm package: an index of tags and the data that they lead to, big-endian,
//! `docs/manual/format_header.md` of rpm.

/// Arrays have no more elements.
const COUNT_LIMIT: usize = 2_000_000;

/// A header.
pub(super) struct Header<'a> {
    index: &'a [u8],
    data: &'a [u8],
}

fn number(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.first_chunk().copied()?))
}

impl<'a> Header<'a> {
    /// Reads the index.
    pub(super) fn new(blob: &'a [u8]) -> Option<Self> {
        let entries = number(blob)? as usize;
        let rest = blob.get(8..)?;
        let (index, data) = rest.split_at_checked(entries.checked_mul(16)?)?;
        Some(Self { index, data })
    }

    /// Type, data from where the tag's begins, and count.
    fn tag(&self, tag: u32) -> Option<(u32, &'a [u8], usize)> {
        let entry = self.index.chunks_exact(16).find(|entry| number(entry) == Some(tag))?;
        let word = |at: usize| number(entry.get(at..)?);
        let count = word(12)? as usize;
        let data = self.data.get(word(8)? as usize..)?;
        (count <= COUNT_LIMIT).then_some((word(4)?, data, count))
    }

    /// Numbers of 8, 16, 32 or 64 bits.
    pub(super) fn numbers(&self, tag: u32) -> Option<Vec<u64>> {
        let (kind, data, count) = self.tag(tag)?;
        let size = match kind {
            1 | 2 => 1,
            3 => 2,
            4 => 4,
            5 => 8,
            _ => return None,
        };
        let bytes = data.get(..count.checked_mul(size)?)?;
        let fold = |bytes: &[u8]| bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte));
        Some(bytes.chunks_exact(size).map(fold).collect())
    }

    /// Texts.
    pub(super) fn texts(&self, tag: u32) -> Option<Vec<&'a [u8]>> {
        let (kind, data, count) = self.tag(tag)?;
        if !matches!(kind, 6 | 8 | 9) {
            return None;
        }
        let mut parts = data.split(|byte| *byte == 0);
        let texts: Vec<&[u8]> = parts.by_ref().take(count).collect();
        (texts.len() == count).then_some(texts)
    }

    /// The first text, as UTF-8.
    pub(super) fn text(&self, tag: u32) -> Option<String> {
        Some(String::from_utf8_lossy(self.texts(tag)?.first()?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_claims_too_much_is_no_answer() {
        let mut blob = vec![0, 0, 0, 1, 0, 0, 0, 8];
        for word in [1000_u32, 6, 0, 1] {
            blob.extend_from_slice(&word.to_be_bytes());
        }
        blob.extend_from_slice(b"bash\0");
        assert_eq!(Header::new(&blob).unwrap().text(1000).unwrap(), "bash");
        assert!(Header::new(&blob[..20]).is_none());
        blob[20..24].copy_from_slice(&u32::MAX.to_be_bytes());
        assert!(Header::new(&blob).unwrap().texts(1000).is_none());
    }
}

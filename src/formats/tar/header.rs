//! One block of 512 bytes as a header.

use super::malformed;
use std::io;

/// Size of a block.
pub(super) const BLOCK: usize = 512;

/// A block.
pub(super) struct Block([u8; BLOCK]);

impl Block {
    pub(super) fn new(bytes: [u8; BLOCK]) -> Self {
        Self(bytes)
    }

    fn field(&self, from: usize, length: usize) -> &[u8] {
        self.0.get(from..from + length).unwrap_or_default()
    }

    /// A field up to its first zero.
    fn text(&self, from: usize, length: usize) -> &[u8] {
        self.field(from, length).split(|byte| *byte == 0).next().unwrap_or_default()
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// The checksum: the sum of all bytes, its own field counted as spaces. Historic writers added
    /// them as signed bytes.
    pub(super) fn verify(&self) -> io::Result<()> {
        let claimed = number(self.field(148, 8))?;
        let (mut unsigned, mut signed) = (0_i64, 0_i64);
        for (index, byte) in self.0.iter().enumerate() {
            let byte = if (148..156).contains(&index) { b' ' } else { *byte };
            unsigned += i64::from(byte);
            signed += i64::from(byte.cast_signed());
        }
        if claimed == unsigned || claimed == signed {
            return Ok(());
        }
        malformed("not a tar archive, or a damaged one (a header's checksum is wrong)")
    }

    pub(super) fn type_flag(&self) -> u8 {
        self.0.get(156).copied().unwrap_or_default()
    }

    pub(super) fn path(&self) -> Vec<u8> {
        let name = self.text(0, 100);
        match self.prefix() {
            b"" => name.to_vec(),
            prefix => [prefix, b"/", name].concat(),
        }
    }

    /// What comes before the name. Only POSIX archives have it: GNU ones keep two times there, and
    /// those of star begin with theirs sooner. Go before 1.8 wrote a prefix into GNU headers, and
    /// Go has taken what is no time for one ever since.
    fn prefix(&self) -> &[u8] {
        match self.field(257, 8) {
            b"ustar  \0" => {
                let time =
                    |from| self.field(from, 1) == b"\0" || number(self.field(from, 12)).is_ok();
                let prefix = self.text(345, 155);
                if time(345) && time(357) || !prefix.is_ascii() { b"" } else { prefix }
            }
            [b'u', b's', b't', b'a', b'r', 0, ..] if self.field(508, 4) == b"tar\0" => {
                self.text(345, 131)
            }
            [b'u', b's', b't', b'a', b'r', 0, ..] => self.text(345, 155),
            _ => b"",
        }
    }

    pub(super) fn link(&self) -> Vec<u8> {
        self.text(157, 100).to_vec()
    }

    pub(super) fn mode(&self) -> io::Result<u16> {
        Ok((number(self.field(100, 8))? & 0o7777) as u16)
    }

    pub(super) fn uid(&self) -> io::Result<u32> {
        id(number(self.field(108, 8))?)
    }

    pub(super) fn gid(&self) -> io::Result<u32> {
        id(number(self.field(116, 8))?)
    }

    pub(super) fn size(&self) -> io::Result<u64> {
        size(number(self.field(124, 12))?)
    }

    pub(super) fn modified(&self) -> io::Result<i64> {
        number(self.field(136, 12))
    }

    /// Size of an old GNU sparse file with its holes.
    pub(super) fn sparse_size(&self) -> io::Result<u64> {
        size(number(self.field(483, 12))?)
    }

    /// More blocks of the map of holes follow this header.
    pub(super) fn sparse_continues(&self) -> bool {
        self.0.get(482).is_some_and(|byte| *byte != 0)
    }

    /// More follow this block of the map.
    pub(super) fn sparse_block_continues(&self) -> bool {
        self.0.get(504).is_some_and(|byte| *byte != 0)
    }
}

/// A user or group id.
pub(super) fn id(number: i64) -> io::Result<u32> {
    u32::try_from(number).or_else(|_| malformed(format!("an owner's id of {number}")))
}

fn size(number: i64) -> io::Result<u64> {
    u64::try_from(number).or_else(|_| malformed(format!("a size of {number}")))
}

/// Octal digits between spaces and zeros, or with the top bit set a big-endian number (GNU).
fn number(field: &[u8]) -> io::Result<i64> {
    let Some((first, rest)) = field.split_first() else { return Ok(0) };
    if first & 0x80 != 0 {
        // The bit below the marker is the sign.
        let start = i64::from(first & 0x7f);
        let start = if first & 0x40 != 0 { start - 0x80 } else { start };
        return rest
            .iter()
            .try_fold(start, |value, byte| value.checked_mul(256)?.checked_add(i64::from(*byte)))
            .map_or_else(|| malformed("a number that does not fit"), Ok);
    }
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii();
    // Go passes over zero bytes before the digits, others end there: the two would not even agree
    // on where the next member begins.
    if text.is_empty() && field.iter().any(|byte| !matches!(byte, 0 | b' ')) {
        return malformed("not a tar archive, or a damaged one (a number behind a zero byte)");
    }
    let digit = |value: i64, byte: &u8| match byte {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(i64::from(byte - b'0')),
        _ => None,
    };
    text.iter().try_fold(0, digit).map_or_else(
        || malformed("not a tar archive, or a damaged one (a number is not octal)"),
        Ok,
    )
}

//! What stands in a text file, for those who look for something in it: however its lines end and
//! however it is encoded.
//!
//! An editor of another system ends lines with CR LF, begins with a byte order mark or writes UTF-16.
//! Whoever looks for `^PermitRootLogin yes$` means the line, and programs that take such files read it.
//! So a pattern is tried on the bytes as they are and on the text that they stand for; a match in either
//! is a match. (The marks are those of the Unicode standard, chapter 23.8.)

use regex::Regex;
use std::borrow::Cow;

/// How many characters are looked at to tell UTF-16 without a mark.
const SAMPLE: usize = 512;

/// The line, from 1, of the first match.
pub fn line_of_match(content: &[u8], regex: &Regex) -> Option<usize> {
    let whole = String::from_utf8_lossy(content);
    let in_text = |text: &str| regex.find(text).map(|found| line_at(text, found.start()));
    in_text(&whole).or_else(|| {
        // Latin letters take fewer bytes in UTF-8, and what has no mark and no CR LF stays as it is.
        let text = decoded(content).unwrap_or(whole);
        let unmarked = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let changes = unmarked.len() != content.len() || unmarked.contains("\r\n");
        changes.then(|| in_text(&unmarked.replace("\r\n", "\n"))).flatten()
    })
}

/// The text of UTF-16; `None` where it is something else.
fn decoded(content: &[u8]) -> Option<Cow<'static, str>> {
    let little = |pair: [u8; 2]| u16::from_le_bytes(pair);
    let big = |pair: [u8; 2]| u16::from_be_bytes(pair);
    let (pairs, _) = content.as_chunks::<2>();
    let read: fn([u8; 2]) -> u16 = match pairs.first() {
        Some([0xff, 0xfe]) => little,
        Some([0xfe, 0xff]) => big,
        _ => {
            // Without a mark: text of few scripts has one byte that is zero in nearly every character,
            // and no text of UTF-8 has any.
            let sample = pairs.get(..pairs.len().min(SAMPLE)).unwrap_or_default();
            let mostly = |is: &dyn Fn(&[u8; 2]) -> bool| {
                sample.iter().filter(|pair| is(pair)).count().saturating_mul(10)
                    >= sample.len().saturating_mul(9)
            };
            if sample.is_empty() {
                return None;
            } else if mostly(&|[low, high]| *low != 0 && *high == 0) {
                little
            } else if mostly(&|[high, low]| *high == 0 && *low != 0) {
                big
            } else {
                return None;
            }
        }
    };
    let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
    Some(Cow::Owned(String::from_utf16_lossy(&units)))
}

/// The number of the line that a byte stands in, from 1.
fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|b| *b == b'\n').count().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn line(content: &[u8], pattern: &str) -> Option<usize> {
        line_of_match(content, &Regex::new(&format!("(?m){pattern}")).unwrap())
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn a_line_may_end_with_cr_lf() {
        let content = b"Port 22\r\nPermitRootLogin yes\r\n";
        assert_eq!(line(content, "^PermitRootLogin yes$"), Some(2));
        assert_eq!(line(content, "^Port 22$\n^Permit"), Some(1));
        assert_eq!(line(content, r"22\r$"), Some(1), "as it is, too");
        assert_eq!(line(content, "^PermitRootLogin no$"), None);
        assert_eq!(line(b"# x\rPermitRootLogin yes\n", "^PermitRootLogin"), None, "CR alone");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(
            line("\u{feff}PermitRootLogin yes\n".as_bytes(), "^PermitRootLogin yes$"),
            Some(1)
        );
        assert_eq!(line("\u{feff}a\r\nb\r\n".as_bytes(), "^a$"), Some(1));
    }

    #[test]
    fn text_in_utf_16_is_read_with_a_mark_and_without() {
        for text in ["\u{feff}a b\r\npassword=x\r\n", "a b\npassword=x\n"] {
            assert_eq!(line(&utf16(text, u16::to_le_bytes), "^password=x$"), Some(2), "{text:?}");
            assert_eq!(line(&utf16(text, u16::to_be_bytes), "^password=x$"), Some(2), "{text:?}");
        }
        for word in ["κωδικός", "密码"] {
            let text = utf16(&format!("\u{feff}{word}\n"), u16::to_le_bytes);
            assert_eq!(line(&text, &format!("^{word}$")), Some(1));
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_looked_at_as_they_are() {
        assert_eq!(line(b"\x7fELF\x02\x01\x01\0\0\0\0password", "password"), Some(1));
        assert_eq!(line(b"", "^$"), Some(1));
        assert_eq!(line(b"\xff", "^a"), None);
    }

    proptest! {
        #[test]
        fn the_line_is_the_same_however_it_is_written(
            lines in proptest::collection::vec("[ -~]{0,12}", 1..8),
            at in 0usize..8,
        ) {
            let mut lines = lines;
            let at = at % lines.len();
            lines[at] = "the wanted line".into();
            let first = lines.iter().position(|line| line == "the wanted line").map(|at| at + 1);
            let unix = lines.join("\n") + "\n";
            let dos = lines.join("\r\n") + "\r\n";
            let marked = format!("\u{feff}{dos}");
            for content in [
                unix.clone().into_bytes(),
                dos.into_bytes(),
                marked.clone().into_bytes(),
                utf16(&marked, u16::to_le_bytes),
                utf16(&marked, u16::to_be_bytes),
                utf16(&unix, u16::to_le_bytes),
            ] {
                prop_assert_eq!(line(&content, "^the wanted line$"), first);
            }
        }
    }
}

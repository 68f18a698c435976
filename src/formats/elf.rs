//! What the dynamic linker needs to know of a program or library: `elf(5)`.
//!
//! Only the program headers and the dynamic section are looked at. Every offset is checked against
//! the file; a file that contradicts itself is no ELF file.

/// The most entries of a dynamic section, and the most program headers.
const ENTRIES: usize = 4096;
/// The longest name or list of directories, in bytes.
const STRING: usize = 64 << 10;
/// The most bytes of all names of one file (4 MiB).
const STRINGS: usize = 4 << 20;

use serde::{Deserialize, Serialize};

/// A program or library.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elf {
    /// `e_machine`: for which processor it is; 0 where a recording made before does not say.
    #[serde(default)]
    pub machine: u16,
    /// `PT_INTERP`: the dynamic linker.
    pub interpreter: Option<String>,
    /// `DT_NEEDED`: libraries by name.
    pub needed: Vec<String>,
    /// `DT_RPATH`: directories, separated by colons.
    pub rpath: Vec<String>,
    /// `DT_RUNPATH`, likewise.
    pub runpath: Vec<String>,
}

/// The part of a file that begins at an offset, of so many bytes or fewer.
pub type Part<'a> = &'a mut dyn FnMut(u64, usize) -> Option<Vec<u8>>;

/// Reads it from its bytes. `None`: not an ELF file, or one that is cut off or contradicts itself.
pub fn parse(bytes: &[u8]) -> Option<Elf> {
    parse_parts(&mut |offset, length| {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(length)?.min(bytes.len());
        bytes.get(start..end).map(<[u8]>::to_vec)
    })
}

/// The same from those parts of the file that matter: a program may be large.
pub fn parse_parts(part: Part) -> Option<Elf> {
    /// The file header, and behind it mostly the program headers.
    const HEAD: usize = 4096;
    let head = Reader::new(part(0, HEAD)?)?;
    const MACHINE: usize = 18;
    let machine = u16::try_from(head.number(MACHINE, 2)?).ok()?;
    let mut elf = Elf { machine, ..Elf::default() };
    let mut loads = Vec::new();
    let mut dynamic = None;
    for header in head.headers(part)? {
        const LOAD: u32 = 1;
        const DYNAMIC: u32 = 2;
        const INTERP: u32 = 3;
        match header.kind {
            LOAD => loads.push(header),
            DYNAMIC => dynamic = Some(header),
            INTERP => elf.interpreter = text(&part(header.offset, STRING.min(4096))?, 0),
            _ => {}
        }
    }
    let Some(dynamic) = dynamic else { return Some(elf) };
    let entries = head.dynamic(&dynamic, part)?;
    const STRTAB: u64 = 5;
    const STRSZ: u64 = 10;
    let value = |wanted| entries.iter().find(|(tag, _)| *tag == wanted).map(|(_, value)| *value);
    let table = value(STRTAB)?;
    let load =
        loads.iter().find(|load| table >= load.address && table - load.address < load.size)?;
    let base = load.offset.checked_add(table - load.address)?;
    let size = usize::try_from(value(STRSZ)?).ok()?.min(STRINGS);
    let strings = part(base, size)?;
    for (tag, value) in entries {
        let list = match tag {
            1 => &mut elf.needed,
            15 => &mut elf.rpath,
            29 => &mut elf.runpath,
            _ => continue,
        };
        list.extend(usize::try_from(value).ok().and_then(|at| text(&strings, at)));
    }
    Some(elf)
}

/// Text from an offset up to a zero byte.
fn text(bytes: &[u8], at: usize) -> Option<String> {
    let rest = bytes.get(at..)?;
    let rest = rest.get(..rest.len().min(STRING))?;
    let end = rest.iter().position(|byte| *byte == 0)?;
    String::from_utf8(rest.get(..end)?.to_vec()).ok()
}

struct Header {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// The beginning of a file, or another part of it, with how its numbers are written.
struct Reader {
    bytes: Vec<u8>,
    wide: bool,
    little: bool,
}

impl Reader {
    fn new(bytes: Vec<u8>) -> Option<Self> {
        if bytes.get(..4)? != b"\x7fELF" {
            return None;
        }
        let wide = match bytes.get(4)? {
            1 => false,
            2 => true,
            _ => return None,
        };
        let little = match bytes.get(5)? {
            1 => true,
            2 => false,
            _ => return None,
        };
        Some(Self { bytes, wide, little })
    }

    /// Another part of the same file.
    fn of(&self, bytes: Vec<u8>) -> Self {
        Self { bytes, wide: self.wide, little: self.little }
    }

    fn number(&self, start: usize, size: usize) -> Option<u64> {
        let part = self.bytes.get(start..start.checked_add(size)?)?;
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match self.little {
            true => part.iter().rev().fold(0, fold),
            false => part.iter().fold(0, fold),
        })
    }

    /// A number of the file's own width.
    fn word(&self, offset: usize) -> Option<u64> {
        self.number(offset, if self.wide { 8 } else { 4 })
    }

    fn headers(&self, part: Part) -> Option<Vec<Header>> {
        let (at, size_at, count_at) = if self.wide { (32, 54, 56) } else { (28, 42, 44) };
        let size = usize::try_from(self.number(size_at, 2)?).ok()?;
        let count = usize::try_from(self.number(count_at, 2)?).ok()?.min(ENTRIES);
        let table = self.of(part(self.word(at)?, size.checked_mul(count)?)?);
        (0..count)
            .map(|index| {
                let at = index.checked_mul(size)?;
                let field = |wide: usize, narrow: usize| {
                    table.word(at.checked_add(if self.wide { wide } else { narrow })?)
                };
                Some(Header {
                    kind: u32::try_from(table.number(at, 4)?).ok()?,
                    offset: field(8, 4)?,
                    address: field(16, 8)?,
                    size: field(32, 16)?,
                })
            })
            .collect()
    }

    fn dynamic(&self, header: &Header, part: Part) -> Option<Vec<(u64, u64)>> {
        let word = if self.wide { 8 } else { 4 };
        let size = usize::try_from(header.size).ok()?.min(ENTRIES * word * 2);
        let section = self.of(part(header.offset, size)?);
        let mut entries = Vec::new();
        for at in (0..size).step_by(word * 2) {
            let entry = (section.word(at)?, section.word(at + word)?);
            if entry.0 == 0 {
                break;
            }
            entries.push(entry);
        }
        Some(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_names_its_linker_and_the_c_library() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let elf = parse(&bytes).unwrap();
        assert!(elf.interpreter.is_some_and(|linker| linker.starts_with("/lib")));
        assert!(elf.needed.iter().any(|name| name.starts_with("libc.so")), "{:?}", elf.needed);
    }

    #[test]
    fn what_is_cut_off_or_something_else_is_no_elf_file() {
        assert_eq!(parse(b"#!/bin/sh\n"), None);
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        for length in [0, 4, 5, 6, 40, 60, 64, 100] {
            assert_eq!(parse(&bytes[..length]), None, "{length}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(change in 0_usize..4096, value: u8, cut in 0_usize..8192) {
            let mut bytes = std::fs::read("/bin/sh").unwrap();
            if let Some(byte) = bytes.get_mut(change) {
                *byte = value;
            }
            bytes.truncate(bytes.len().saturating_sub(cut));
            let _ = parse(&bytes);
        }
    }
}

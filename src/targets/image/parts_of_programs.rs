//! The parts of programs that are kept while an archive goes by, so that what a container starts can be
//! judged without unpacking its layers again: the first line of a script, and what `elf(5)` has for the
//! dynamic linker.

use crate::formats::elf;
use crate::targets::image::layer::Parts;

/// How a program of ELF begins.
pub const ELF: &[u8] = b"\x7fELF";
/// How a script begins.
const SCRIPT: &[u8] = b"#!";
/// As much as the kernel reads of a script, `BINPRM_BUF_SIZE` of `linux/binfmts.h`.
pub const BEGIN: u64 = 256;
/// Larger programs are told from their headers alone, which suffices for those without libraries.
pub const WHOLE: u64 = 64 << 20;
/// So much of them is looked at.
pub const HEADERS: u64 = 64 << 10;

/// The parts of a file of these first bytes. Of what is executable it is kept whether it is a script; of
/// programs of ELF more only where that is asked for.
pub fn of(bytes: &[u8], executable: bool, programs: bool) -> Parts {
    let begin = |length: usize| {
        let begin = bytes.get(..length.min(bytes.len()))?;
        let parts: Parts = Some(Box::new([(0, begin.to_vec())]));
        parts.filter(|_| executable && !begin.is_empty())
    };
    if bytes.starts_with(SCRIPT) {
        return begin(BEGIN as usize);
    }
    if !programs || !bytes.starts_with(ELF) {
        return begin(SCRIPT.len());
    }
    let mut parts = Vec::new();
    elf::parse_parts(&mut |offset, length| {
        let start = usize::try_from(offset).ok()?;
        let part = bytes.get(start..start.checked_add(length)?.min(bytes.len()))?.to_vec();
        parts.push((offset, part.clone()));
        Some(part)
    });
    match parts.is_empty() {
        true => begin(SCRIPT.len()),
        false => Some(parts.into()),
    }
}

/// A part of a file, where the parts that are kept have it; `size` is that of the whole file.
pub fn part(parts: &Parts, size: u64, offset: u64, length: usize) -> Option<Vec<u8>> {
    let end = offset.checked_add(length as u64)?.min(size);
    parts.as_ref()?.iter().find_map(|(at, bytes)| {
        let start = usize::try_from(offset.checked_sub(*at)?).ok()?;
        let stop = usize::try_from(end.checked_sub(*at)?).ok()?;
        Some(bytes.get(start..stop)?.to_vec())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_program_tells_the_same_as_the_whole() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let parts = of(&bytes, true, true);
        let size = bytes.len() as u64;
        let told = elf::parse_parts(&mut |offset, length| part(&parts, size, offset, length));
        assert!(told.is_some() && told == elf::parse(&bytes));
        assert_eq!(part(&of(&bytes, true, false), size, 0, 2).unwrap(), b"\x7fE");
        assert_eq!(of(&bytes, false, false), None);
        assert_eq!(part(&parts, size, size - 10, 20), None);
    }

    #[test]
    fn of_a_script_the_beginning_is_kept() {
        let script = format!("#!/bin/sh\n{}", "x".repeat(1000));
        let parts = of(script.as_bytes(), true, false);
        assert_eq!(part(&parts, script.len() as u64, 0, 256).unwrap().len(), 256);
        assert_eq!(part(&parts, script.len() as u64, 0, 257), None);
        assert_eq!(part(&of(b"#!/x", true, false), 4, 0, 256).unwrap(), b"#!/x");
    }
}

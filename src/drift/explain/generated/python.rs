//! Python's compiled modules: [PEP 3147](https://peps.python.org/pep-3147/) says where they lie,
//! [PEP 552](https://peps.python.org/pep-0552/) what their first 16 bytes are.
//!
//! Python executes one as long as its header agrees with the source beside it, whatever else is in it.
//! So the header has to agree, and the source or the interpreter has to have changed; one whose source
//! is never looked at ("unchecked") is explained by nothing.

use super::evidence::Evidence;
use crate::facts::file::FileKind;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const HEADER: usize = 16;
/// The most of a source that is read for its hash.
const SOURCE_LIMIT: u64 = 16 << 20;
/// What may be between the directory of a package and that of Python: `/usr/lib/python3.11/…`.
const INTERPRETERS: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// Source and version (`cpython-311`) of a compiled module; `None`: it is none.
pub(super) fn source_of(path: &Path) -> Option<(PathBuf, String)> {
    let name = path.file_name().and_then(OsStr::to_str)?.strip_suffix(".pyc")?;
    let folder = path.parent().filter(|folder| folder.ends_with("__pycache__"))?.parent()?;
    // `name.cpython-311`, `name.cpython-311.opt-1`: names of modules may have dots themselves.
    let plain = name.rsplit_once(".opt-").map_or(name, |(plain, _)| plain);
    let (stem, tag) = plain.rsplit_once('.')?;
    Some((folder.join(format!("{stem}.py")), tag.to_owned()))
}

/// Whether a compiled module is what Python makes of the source beside it.
///
/// # Errors
/// In words, why that is not shown.
pub(super) fn judge(path: &Path, evidence: &Evidence) -> Result<(), String> {
    let (source, tag) = source_of(path).ok_or("it is no compiled module")?;
    let shown = crate::text::path(&source);
    agrees(path, &source, evidence.target).map_err(|why| why.to_string())??;
    let bytes = source.as_os_str().as_encoded_bytes();
    if evidence.is_other(bytes) || evidence.has_new_package(bytes) {
        return Ok(());
    }
    let version = tag.strip_prefix("cpython-").unwrap_or(&tag);
    let version = match version.split_at_checked(1) {
        Some((major, minor)) if !minor.is_empty() => format!("python{major}.{minor}"),
        _ => "python3".to_owned(),
    };
    let new = INTERPRETERS.iter().any(|folder| {
        let program = format!("{folder}/{version}");
        evidence.is_other(program.as_bytes()) || evidence.has_new_package(program.as_bytes())
    });
    match new {
        true => Ok(()),
        false => Err(format!("neither {shown} nor {version} has changed")),
    }
}

/// Paths about which packages have to be asked to judge a compiled module.
pub(super) fn asks(path: &Path) -> Vec<Vec<u8>> {
    let Some((source, tag)) = source_of(path) else { return Vec::new() };
    let version = tag.strip_prefix("cpython-").and_then(|version| version.split_at_checked(1));
    let programs = version.into_iter().flat_map(|(major, minor)| {
        INTERPRETERS.map(|folder| format!("{folder}/python{major}.{minor}").into_bytes())
    });
    programs.chain([source.into_os_string().into_encoded_bytes()]).collect()
}

type Agrees = Fact<Result<(), String>>;

fn agrees(path: &Path, source: &Path, target: &dyn Target) -> Agrees {
    let header = target.part(path, 0, HEADER)?.unwrap_or_default();
    let Some(fact) = target.file(source)?.filter(|file| file.kind == FileKind::File) else {
        return Ok(Err(format!(
            "there is no {} from which it was made",
            crate::text::path(source)
        )));
    };
    let word = |at: usize| {
        let four: Option<[u8; 4]> = header.get(at..at + 4).and_then(|b| b.try_into().ok());
        four.map(u32::from_le_bytes)
    };
    let (Some(magic), Some(flags), Some(first), Some(second)) =
        (word(0), word(4), word(8), word(12))
    else {
        return Ok(Err("it is too short for a compiled module".to_owned()));
    };
    // Every version's number ends with a line that no text has.
    if magic >> 16 != u32::from(u16::from_le_bytes(*b"\r\n")) {
        return Ok(Err("it does not begin like a compiled module".to_owned()));
    }
    let same = match flags {
        0 => {
            let low = |number: u64| (number & u64::from(u32::MAX)) as u32;
            first == low(fact.modified.cast_unsigned()) && second == low(fact.size)
        }
        0b11 => {
            let Some(content) = target.read_up_to(source, SOURCE_LIMIT)? else {
                return Err(Unknown::new(crate::text::path(source), Cause::Vanished));
            };
            siphash13(u64::from(magic), &content) == u64::from(first) | u64::from(second) << 32
        }
        0b01 => {
            let why = "its header says that its source is never to be compared with it (PEP 552)";
            return Ok(Err(why.to_owned()));
        }
        _ => return Ok(Err("its header has flags that no Python knows".to_owned())),
    };
    Ok(match same {
        true => Ok(()),
        false => Err("its header does not agree with the source beside it".to_owned()),
    })
}

/// SipHash-1-3, as `_imp.source_hash` computes it: the number of the version is the first half of the
/// key, the second is 0.
pub(super) fn siphash13(key: u64, bytes: &[u8]) -> u64 {
    let mut v = [
        key ^ 0x736f_6d65_7073_6575,
        0x646f_7261_6e64_6f6d,
        key ^ 0x6c79_6765_6e65_7261,
        0x7465_6462_7974_6573_u64,
    ];
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        compress(&mut v, u64::from_le_bytes(*word));
    }
    let mut last = (bytes.len() as u64) << 56;
    for (index, byte) in rest.iter().enumerate() {
        last |= u64::from(*byte) << (8 * index);
    }
    compress(&mut v, last);
    v[2] ^= 0xff;
    for _ in 0..3 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn compress(v: &mut [u64; 4], word: u64) {
    v[3] ^= word;
    round(v);
    v[0] ^= word;
}

fn round([a, b, c, d]: &mut [u64; 4]) {
    *a = a.wrapping_add(*b);
    *b = b.rotate_left(13) ^ *a;
    *a = a.rotate_left(32);
    *c = c.wrapping_add(*d);
    *d = d.rotate_left(16) ^ *c;
    *a = a.wrapping_add(*d);
    *d = d.rotate_left(21) ^ *a;
    *c = c.wrapping_add(*b);
    *b = b.rotate_left(17) ^ *c;
    *c = c.rotate_left(32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_python() {
        // import importlib.util, _imp; _imp.source_hash(importlib.util._RAW_MAGIC_NUMBER, b"...")
        // of Python 3.11, whose number is a7 0d 0d 0a.
        let key = u64::from(u32::from_le_bytes([0xa7, 0x0d, 0x0d, 0x0a]));
        assert_eq!(siphash13(key, b"").to_le_bytes(), EMPTY);
        assert_eq!(siphash13(key, b"x = 1\n").to_le_bytes(), SHORT);
        assert_eq!(siphash13(key, b"print('hello, world')\n").to_le_bytes(), LONG);
    }

    const EMPTY: [u8; 8] = [115, 141, 156, 213, 213, 232, 127, 115];
    const SHORT: [u8; 8] = [76, 3, 114, 170, 147, 247, 82, 82];
    const LONG: [u8; 8] = [124, 114, 73, 74, 65, 81, 119, 98];

    #[test]
    fn names_of_compiled_modules_lead_to_their_sources() {
        let of = |path: &str| {
            source_of(Path::new(path)).map(|(path, tag)| (path.display().to_string(), tag))
        };
        let source = |path: &str| Some((path.to_owned(), "cpython-311".to_owned()));
        assert_eq!(of("/l/__pycache__/a.cpython-311.pyc"), source("/l/a.py"));
        assert_eq!(of("/l/__pycache__/a.b.cpython-311.opt-2.pyc"), source("/l/a.b.py"));
        for none in
            ["/l/a.pyc", "/l/__pycache__/a.py", "/l/__pycache__/a.pyc", "/l/x/a.cpython-311.pyc"]
        {
            assert_eq!(of(none), None, "{none}");
        }
    }
}

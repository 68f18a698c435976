//! The cache of the dynamic linker, as `ldconfig(8)` writes it: `sysdeps/generic/dl-cache.h` of glibc.

use crate::formats::ld_so_conf;
use crate::host::Files;
use crate::text;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

const OLD: &[u8] = b"ld.so-1.7.0";
const NEW: &[u8] = b"glibc-ld.so.cache1.1";
/// Bytes of the header and of each entry.
const OLD_HEADER: usize = 16;
const OLD_ENTRY: usize = 12;
const NEW_HEADER: usize = 48;
const NEW_ENTRY: usize = 24;
/// Directories that the linker looks into without being told.
const TRUSTED: [&str; 10] = [
    "/lib",
    "/usr/lib",
    "/lib64",
    "/usr/lib64",
    "/lib32",
    "/usr/lib32",
    "/libx32",
    "/usr/libx32",
    "/libo32",
    "/usr/libo32",
];

/// Names of libraries with their paths.
fn entries(cache: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let number = |bytes: &[u8], at: usize| {
        let four: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        usize::try_from(u32::from_ne_bytes(four)).ok()
    };
    let new = match cache.starts_with(OLD) {
        false => cache,
        true => {
            let end = number(cache, 12)?.checked_mul(OLD_ENTRY)?.checked_add(OLD_HEADER)?;
            cache.get(end.checked_next_multiple_of(8)?..)?
        }
    };
    if !new.starts_with(NEW) {
        return None;
    }
    let count = number(new, NEW.len())?;
    let text = |at: usize| {
        let rest = new.get(at..)?;
        rest.get(..rest.iter().position(|byte| *byte == 0)?)
    };
    let most = new.len().checked_sub(NEW_HEADER)? / NEW_ENTRY;
    if count > most {
        return None;
    }
    (0..count)
        .map(|index| {
            let entry = NEW_HEADER + index * NEW_ENTRY;
            Some((text(number(new, entry + 4)?)?, text(number(new, entry + 8)?)?))
        })
        .collect()
}

/// Whether each library lies where the configuration of the linker sends it, under its own name.
///
/// # Errors
/// In words, what is not so.
pub(super) fn judge(cache: &[u8], files: &dyn Files) -> Result<(), String> {
    let entries = entries(cache).ok_or("it is no cache of ldconfig")?;
    let conf = ld_so_conf::read(files);
    if let Some(why) = conf.unread.first() {
        return Err(format!("the linker's configuration could not be read: {why}"));
    }
    let mut known: HashSet<PathBuf> = TRUSTED.iter().map(PathBuf::from).collect();
    known.extend(conf.directories);
    for (name, path) in entries {
        let path_ = Path::new(std::ffi::OsStr::new(std::str::from_utf8(path).unwrap_or_default()));
        // Variants for processors lie below: `glibc-hwcaps/x86-64-v3`.
        let folder = path_.parent().unwrap_or(path_);
        let above = folder.parent().filter(|above| above.ends_with("glibc-hwcaps"));
        let home = above.and_then(Path::parent).unwrap_or(folder);
        if !known.contains(home) {
            let why = "where the linker's configuration does not send it";
            return Err(format!("it has {}, {why}", text::bytes(path)));
        }
        if path_.file_name().is_none_or(|last| last.as_encoded_bytes() != name) {
            let (name, path) = (text::bytes(name), text::bytes(path));
            return Err(format!("it gives {path} out as {name}"));
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    /// A cache of these names and paths.
    pub(in super::super) fn cache(of: &[(&str, &str)]) -> Vec<u8> {
        let mut strings = Vec::new();
        let mut entries = Vec::new();
        let start = NEW_HEADER + of.len() * NEW_ENTRY;
        let mut add = |text: &str| {
            let at = (start + strings.len()) as u32;
            strings.extend_from_slice(text.as_bytes());
            strings.push(0);
            at
        };
        for (name, path) in of {
            let (name, path) = (add(name), add(path));
            for word in [3, name, path, 0, 0, 0] {
                entries.extend_from_slice(&word.to_ne_bytes());
            }
        }
        let mut all = NEW.to_vec();
        all.extend_from_slice(&(of.len() as u32).to_ne_bytes());
        all.extend_from_slice(&(strings.len() as u32).to_ne_bytes());
        all.resize(NEW_HEADER, 0);
        all.extend(entries);
        all.extend(strings);
        all
    }

    #[test]
    fn a_library_may_lie_where_the_configuration_sends_it_and_nowhere_else() {
        let host = Memory::new().file("/etc/ld.so.conf", 0o644, 0, 0, "/opt/app/lib\n").dir(
            "/opt/app/lib",
            0o755,
            0,
            0,
        );
        let judged = |name: &str, path: &str| judge(&cache(&[(name, path)]), &host);
        assert_eq!(judged("libc.so.6", "/lib/libc.so.6"), Ok(()));
        assert_eq!(judged("liba.so.1", "/opt/app/lib/liba.so.1"), Ok(()));
        assert_eq!(judged("libc.so.6", "/usr/lib/glibc-hwcaps/x86-64-v3/libc.so.6"), Ok(()));
        assert!(judged("libc.so.6", "/opt/evil/libc.so.6").unwrap_err().contains("/opt/evil"));
        assert!(judged("libc.so.6", "/opt/app/lib/../../evil/libc.so.6").is_err());
        assert!(judged("libc.so.6", "/usr/lib/libevil.so").unwrap_err().contains("out as libc"));
        assert!(judge(b"good", &host).is_err());
    }

    #[test]
    fn the_cache_of_this_machine_is_one() {
        let Ok(cache) = std::fs::read("/etc/ld.so.cache") else { return };
        let found = entries(&cache).unwrap();
        assert!(found.iter().any(|(name, _)| name.starts_with(b"libc.so")), "{found:?}");
        let host = crate::targets::live::Live::new();
        assert_eq!(judge(&cache, &host), Ok(()));
    }

    #[test]
    fn a_damaged_cache_is_none_and_is_read_to_no_other_end() {
        let whole = cache(&[("libc.so.6", "/lib/libc.so.6"), ("liba.so.1", "/lib/liba.so.1")]);
        let host = Memory::new();
        for length in 0..whole.len() {
            assert!(judge(&whole[..length], &host).is_err(), "{length}");
        }
        let mut many = whole.clone();
        many[20..24].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert!(judge(&many, &host).is_err());
    }
}

//! Include patterns as daemons expand them: `glob(3)` without flags.
//!
//! This is not the pattern language of policies: braces mean nothing here, `**` is `*`, a leading
//! period has to be written, and a backslash takes the meaning from what follows.

use super::limits::too_large;
use crate::facts::Unknown;
use crate::host::Files;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The most paths and the most directories that one pattern may lead through.
const WORK_LIMIT: usize = 10_000;

/// All existing paths that match `pattern` (absolute), sorted by bytes. Directories that could not
/// be listed are added to `unread`.
pub fn expand(files: &dyn Files, pattern: &str, unread: &mut Vec<Unknown>) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from("/")];
    let mut work = 0;
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for base in &found {
            if !is_pattern(part) {
                next.push(base.join(unescape(part)));
                continue;
            }
            work += 1;
            let names = match files.list(base) {
                Ok(Some(names)) => names,
                Ok(None) => continue,
                Err(unknown) => {
                    unread.push(unknown);
                    continue;
                }
            };
            let matching = names.iter().filter(|name| matches(part.as_bytes(), name.as_bytes()));
            next.extend(matching.map(|name| base.join(name)));
            if work > WORK_LIMIT || next.len() > WORK_LIMIT {
                let limit = format!("the pattern leads to more than {WORK_LIMIT} paths");
                unread.push(too_large(Path::new(pattern), limit));
                return Vec::new();
            }
        }
        found = next;
    }
    found.retain(|path| match files.file(path) {
        Ok(file) => file.is_some(),
        Err(unknown) => {
            unread.push(unknown);
            false
        }
    });
    found.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found
}

/// Whether a pattern can match anything but itself.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn unescape(part: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'\\' { rest.next().unwrap_or(byte) } else { byte });
    }
    PathBuf::from(OsStr::from_bytes(&bytes))
}

/// `fnmatch(3)` with `FNM_PERIOD` for one name. Takes time in the product of both lengths at most.
pub fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.first() == Some(&b'.') && pattern.first() != Some(&b'.') {
        return false;
    }
    let (mut pattern, mut name) = (pattern, name);
    // Where to go on when the last `*` has to take one more byte.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let Some((b'*', after)) = pattern.split_first() {
            retry = Some((after, name));
            pattern = after;
            continue;
        }
        if pattern.is_empty() && name.is_empty() {
            return true;
        }
        if let Some((&byte, name_rest)) = name.split_first()
            && let Some(pattern_rest) = step(pattern, byte)
        {
            (pattern, name) = (pattern_rest, name_rest);
            continue;
        }
        match retry {
            Some((after, [_, shorter @ ..])) => {
                retry = Some((after, shorter));
                (pattern, name) = (after, shorter);
            }
            _ => return false,
        }
    }
}

/// The rest of the pattern behind its first element, if that element matches `byte`.
fn step(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => match bracket(rest, byte) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            // An unclosed bracket is an ordinary character.
            None => (byte == b'[').then_some(rest),
        },
        [b'\\', literal, rest @ ..] => (*literal == byte).then_some(rest),
        [literal, rest @ ..] => (*literal == byte).then_some(rest),
        [] => None,
    }
}

/// Whether a bracket expression (behind its `[`) holds `byte`, and what follows it; `None` when it
/// has no end.
fn bracket(body: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match body {
        [b'!' | b'^', rest @ ..] => (true, rest),
        other => (false, other),
    };
    let mut held = false;
    let mut first = true;
    loop {
        match rest {
            [b']', after @ ..] if !first => return Some((held != negated, after)),
            [low, b'-', high, after @ ..] if *high != b']' => {
                held |= (*low..=*high).contains(&byte);
                rest = after;
            }
            [one, after @ ..] => {
                held |= *one == byte;
                rest = after;
            }
            [] => return None,
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    fn found(pattern: &str) -> Vec<String> {
        let files = Memory::new()
            .file("/e/b.conf", 0o644, 0, 0, "")
            .file("/e/a.conf", 0o644, 0, 0, "")
            .file("/e/.hidden.conf", 0o644, 0, 0, "")
            .file("/e/sub/c.conf", 0o644, 0, 0, "")
            .file("/e/{x}", 0o644, 0, 0, "")
            .symlink("/e/gone.conf", "/nowhere");
        let mut unread = Vec::new();
        let paths = expand(&files, pattern, &mut unread);
        assert_eq!(unread, []);
        paths.iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn a_star_matches_in_order_and_without_hidden_names() {
        assert_eq!(found("/e/*.conf"), ["/e/a.conf", "/e/b.conf", "/e/gone.conf"]);
    }

    #[test]
    fn a_pattern_may_stand_for_a_directory() {
        assert_eq!(found("/*/s?b/[a-c].conf"), ["/e/sub/c.conf"]);
    }

    #[test]
    fn a_written_period_finds_hidden_names() {
        assert_eq!(found("/e/.*"), ["/e/.hidden.conf"]);
    }

    #[test]
    fn braces_and_escapes_are_literal() {
        assert_eq!(found("/e/{a,b}.conf"), Vec::<String>::new());
        assert_eq!(found("/e/{?}"), ["/e/{x}"]);
        assert_eq!(found(r"/e/\a.conf"), ["/e/a.conf"]);
    }

    #[test]
    fn brackets_know_ranges_negation_and_their_own_end() {
        assert!(matches(b"[!a-b]", b"c"));
        assert!(!matches(b"[^a-b]", b"a"));
        assert!(matches(b"[]x]", b"]"));
        assert!(matches(b"[x", b"[x"));
        assert!(matches(b"a*b*c", b"aXbYbZc"));
        assert!(!matches(b"a*b*c", b"aXbYbZ"));
    }

    #[test]
    fn a_directory_that_cannot_be_listed_is_told() {
        let files = Memory::new().file("/e/a", 0o644, 0, 0, "").unreadable("/e");
        let mut unread = Vec::new();
        assert!(expand(&files, "/e/*", &mut unread).is_empty());
        assert_eq!(unread.len(), 1);
    }
}

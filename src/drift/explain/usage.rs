//! What may happen to files by what they are for: logs grow and are rotated, caches come and go,
//! databases change.

use crate::drift::explain::because::Because;
use crate::facts::drift::Explanation;
use crate::facts::file::FileKind;
use crate::facts::scope::FileUse;
use crate::facts::snapshot::{Record, split};
use std::collections::BTreeSet;

/// The name without what logrotate(8) puts behind it: `.1`, `.2.gz`, `-20261123`, `-20261123.xz`.
fn unrotated(name: &[u8]) -> Option<&[u8]> {
    let packed = [&b".gz"[..], b".xz", b".bz2", b".zst"];
    let plain = packed.iter().find_map(|end| name.strip_suffix(*end)).unwrap_or(name);
    let digits = plain.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (stem, rest) = plain.split_at_checked(plain.len().checked_sub(digits + 1)?)?;
    let date = rest.first() == Some(&b'-') && digits >= 8;
    let number = rest.first() == Some(&b'.') && digits >= 1;
    (date || number).then_some(stem)
}

/// Whether a file that has come or gone is one of a series that logs leave behind.
pub(super) fn is_rotated(path: &[u8], known: &dyn Fn(&[u8]) -> bool) -> bool {
    let Some((folder, name)) = split(path) else { return false };
    let mut stems: BTreeSet<&[u8]> = BTreeSet::new();
    let mut name = name;
    while let Some(stem) = unrotated(name) {
        stems.insert(stem);
        name = stem;
    }
    stems.iter().any(|stem| known(&crate::facts::snapshot::join(folder, stem)))
}

/// Whether one of the names of a directory is that of an earlier part of a log.
pub fn is_part_of(log: &[u8], name: &[u8]) -> bool {
    let mut name = name;
    while let Some(stem) = unrotated(name) {
        if stem == log {
            return true;
        }
        name = stem;
    }
    false
}

/// What the use of a file says about what is in it: content, size, times, that it has come or gone.
pub(super) fn content(
    usage: FileUse,
    path: &[u8],
    before: Option<&Record>,
    after: Option<&Record>,
    known: &dyn Fn(&[u8]) -> bool,
    has_rotated: &dyn Fn(&[u8]) -> bool,
) -> Option<Because> {
    let expected = |why: &str| Some(Because::new(Explanation::Expected, why));
    if let (false, Some(was), Some(is)) = (usage.has_fixed_content(), before, after)
        && (was.kind != is.kind || was.link() != is.link())
    {
        let why = format!("what is a {} should not become another kind of file", usage.name());
        return Some(Because::new(Explanation::Unexplained, why));
    }
    match (usage, before, after) {
        (FileUse::Plain | FileUse::Secret, _, _) => None,
        (FileUse::Log, Some(was), Some(is)) => {
            let emptied = was.kind == FileKind::File
                && is.size < was.size
                && (was.inode, was.filesystem) == (is.inode, is.filesystem);
            if emptied {
                let why = "a log that was cut in place, not rotated";
                return Some(Because::new(Explanation::Unexplained, why));
            }
            let replaced = was.kind == FileKind::File
                && (was.inode, was.filesystem) != (is.inode, is.filesystem)
                && is.size < was.size;
            if replaced && !has_rotated(path) {
                let why = "a log that was replaced by a shorter one, and no rotated one is there";
                return Some(Because::new(Explanation::Unexplained, why));
            }
            expected("a log")
        }
        (FileUse::Log, _, _) if is_rotated(path, known) => expected("rotation of a log"),
        (FileUse::Log, None, Some(_)) => expected("a new log"),
        (FileUse::Log, _, None) => {
            Some(Because::new(Explanation::Unexplained, "a log that has gone"))
        }
        (FileUse::Cache, _, _) => expected("a cache"),
        (FileUse::Database, _, Some(_)) => expected("a database"),
        (FileUse::Database, _, None) => {
            Some(Because::new(Explanation::Unexplained, "a database that has gone"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rotated_logs_lead_to_the_log() {
        let known = |path: &[u8]| path == b"/var/log/syslog" || path == b"/var/log/app.log";
        for name in
            ["syslog.1", "syslog.2.gz", "syslog-20261123", "app.log.10.xz", "app.log-2026112301.gz"]
        {
            assert!(is_rotated(format!("/var/log/{name}").as_bytes(), &known), "{name}");
        }
        for name in ["syslog.gz", "other.1", "syslog", "1", "syslog-1", ".1"] {
            assert!(!is_rotated(format!("/var/log/{name}").as_bytes(), &known), "{name}");
        }
    }
}

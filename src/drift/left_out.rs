//! What a policy leaves out of an image or root filesystem, so that a report says of how much it is not.

use super::scope;
use crate::facts::Fact;
use crate::facts::file::FileKind;
use crate::facts::scope::{Rules, Scope};
use crate::facts::snapshot::join;
use crate::host::Target;
use crate::text;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The most files that are counted.
const LIMIT: usize = 1_000_000;
/// How deep directories are followed.
const DEPTH: usize = 1000;
/// So many places are named.
const NAMED: usize = 10;

/// The places that are left out with the number of files there, in words; `None` where nothing is but
/// what never counts: what engines mount, and what is there for a while.
pub fn words(target: &dyn Target, scope: &Scope) -> Option<String> {
    let whole = Scope::whole();
    if scope.paths == whole.paths && scope.exclude == whole.exclude {
        return None;
    }
    let rules = Rules::new(scope).ok()?;
    let never = Rules::new(&whole).ok()?;
    let paths = scope::paths(scope, target);
    let mut walk =
        Walk { target, rules, never, paths, places: BTreeMap::new(), seen: 0, incomplete: false };
    walk.visit(b"/", 0);
    if walk.places.is_empty() {
        return None;
    }
    let mut all: Vec<(String, usize)> = walk.places.into_iter().collect();
    let total: usize = all.iter().map(|(_, count)| count).sum();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let more = all.len().saturating_sub(NAMED);
    let named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|(place, count)| match count {
            1 => place.clone(),
            count => format!("{place} ({count})"),
        })
        .collect();
    let more = if more > 0 { format!(" and {more} more places") } else { String::new() };
    let least = if walk.incomplete { "at least " } else { "" };
    let files = if total == 1 { "file" } else { "files" };
    Some(format!("not compared, by the policy: {least}{total} {files}: {}{more}", named.join(", ")))
}

struct Walk<'a> {
    target: &'a dyn Target,
    rules: Rules,
    never: Rules,
    paths: Vec<Vec<u8>>,
    places: BTreeMap<String, usize>,
    seen: usize,
    incomplete: bool,
}

impl Walk<'_> {
    /// Whether a path is one that is looked at, or lies below one.
    fn is_covered(&self, path: &[u8]) -> bool {
        self.paths.iter().any(|place| {
            place == b"/"
                || path
                    .strip_prefix(place.as_slice())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        })
    }

    /// Whether something that is looked at lies below a path.
    fn leads_on(&self, path: &[u8]) -> bool {
        self.paths.iter().any(|place| {
            place.strip_prefix(path).is_some_and(|rest| path == b"/" || rest.starts_with(b"/"))
        })
    }

    fn children(&mut self, directory: &[u8]) -> Vec<Vec<u8>> {
        match self.target.list(Path::new(OsStr::from_bytes(directory))) {
            Ok(names) => {
                let names = names.unwrap_or_default();
                names.iter().map(|name| join(directory, name.as_bytes())).collect()
            }
            Err(_) => {
                self.incomplete = true;
                Vec::new()
            }
        }
    }

    fn is_directory(&mut self, path: &[u8]) -> bool {
        let found: Fact<_> = self.target.file(Path::new(OsStr::from_bytes(path)));
        self.incomplete |= found.is_err();
        matches!(found, Ok(Some(file)) if file.kind == FileKind::Directory)
    }

    fn visit(&mut self, directory: &[u8], depth: usize) {
        for path in self.children(directory) {
            if self.never.excludes(&path) {
                continue;
            }
            let covered = self.is_covered(&path);
            if covered && !self.rules.excludes(&path) || !covered && self.leads_on(&path) {
                if depth < DEPTH && self.is_directory(&path) {
                    self.visit(&path, depth + 1);
                }
                continue;
            }
            let count = self.count(&path, depth);
            // A directory of which a pattern leaves out the files, one by one.
            let place = if covered { text::bytes(directory) } else { text::bytes(&path) };
            if count > 0 {
                *self.places.entry(place).or_default() += count;
            }
        }
    }

    /// How many files a place is: it, or all below it.
    fn count(&mut self, path: &[u8], depth: usize) -> usize {
        if self.never.excludes(path) {
            return 0;
        }
        self.seen += 1;
        if self.seen > LIMIT || depth > DEPTH {
            self.incomplete = true;
            return 0;
        }
        if !self.is_directory(path) {
            return 1;
        }
        let below = self.children(path);
        below.iter().map(|path| self.count(path, depth + 1)).sum()
    }
}

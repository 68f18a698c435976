//! What a baseline knows of programs that give rights: whether they were so when it was taken.

use super::baseline::Baseline;
use crate::facts::inventory::{Formerly, Privileges};
use crate::facts::scope::Rules;
use crate::facts::snapshot::{Record, split};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::filecap;
use crate::text;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// What a baseline knows of these files.
///
/// # Errors
/// Where its scope is none.
pub fn formerly(baseline: &Baseline, paths: &[PathBuf]) -> Fact<Vec<Formerly>> {
    let rules = Rules::new(&baseline.head.scope)
        .map_err(|why| Unknown::new("scope of the baseline", Cause::Malformed(why)))?;
    Ok(paths.iter().map(|path| of_file(baseline, &rules, path)).collect())
}

fn of_file(baseline: &Baseline, rules: &Rules, path: &Path) -> Formerly {
    let bytes = path.as_os_str().as_bytes();
    if let Some(record) = baseline.tree.get(bytes) {
        return privileges(record, path);
    }
    match why_not_seen(baseline, rules, path) {
        Some(why) => Formerly::NotSeen(Unknown::new(text::path(path), why)),
        None => Formerly::Absent,
    }
}

/// Why the baseline cannot tell whether a file was there; `None`: it can, and there was none.
fn why_not_seen(baseline: &Baseline, rules: &Rules, path: &Path) -> Option<Cause> {
    let outside = || Some(Cause::Unsupported("the baseline does not cover it".into()));
    let gaps = &baseline.head.gaps;
    let bytes = path.as_os_str().as_bytes();
    // Above what was asked for only the names on the way are listed.
    if !baseline.head.scope.paths.iter().any(|place| path.starts_with(place)) {
        return outside();
    }
    // The way down from a directory that was listed: what is not in it was not there, unless it was
    // left out; what is in it and was not entered is another filesystem.
    for file in path.ancestors() {
        let Some((folder, name)) = split(file.as_os_str().as_bytes()) else { break };
        if rules.within(folder).excludes(file.as_os_str().as_bytes()) {
            return outside();
        }
        let Some(listing) = baseline.tree.directory(folder) else { continue };
        if file.as_os_str().as_bytes() != bytes && listing.get(name).is_some() {
            return outside();
        }
        let named = |gap: &Unknown| path.starts_with(Path::new(&gap.what));
        if let Some(gap) = gaps.first.iter().find(|gap| named(gap)) {
            return Some(gap.cause.clone());
        }
        let more = gaps.count > gaps.first.len() as u64;
        return more.then(|| Cause::TooLarge("the baseline has more gaps than it names".into()));
    }
    outside()
}

fn privileges(record: &Record, path: &Path) -> Formerly {
    let capabilities = match record.xattr(filecap::XATTR.as_bytes()).map(filecap::parse) {
        Some(Ok(capabilities)) => Some(capabilities),
        Some(Err(why)) => {
            return Formerly::NotSeen(Unknown::new(text::path(path), Cause::Malformed(why)));
        }
        None => None,
    };
    let (uid, gid, mode) = (record.uid, record.gid, record.mode);
    Formerly::Was(Privileges { uid, gid, mode, capabilities })
}

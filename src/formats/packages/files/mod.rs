//! What the databases of packages say about files: content, and with rpm and apk owner and mode too.

mod apk;
mod dpkg;
mod dpkg_filters;
mod dpkg_more;
mod header;
mod rpm;

use crate::facts::file::FileKind;
use crate::facts::package_file::{Claim, PackageFiles};
use crate::facts::{Cause, Unknown};
use crate::host::Files;
use std::path::Path;

/// The most paths of all databases.
const PATH_LIMIT: usize = 8_000_000;

/// Which paths are of interest; all where there is no such list.
pub type Wanted<'a> = Option<&'a dyn Fn(&[u8]) -> bool>;

/// Reads all databases, of paths that are of interest only where that is given.
pub fn read(files: &dyn Files, wanted: Wanted) -> PackageFiles {
    databases(files, wanted)
}

fn databases(files: &dyn Files, wanted: Wanted) -> PackageFiles {
    let mut all = PackageFiles { merged: merged(files), ..PackageFiles::default() };
    dpkg::read(files, wanted, &mut all);
    dpkg_more::read(files, &mut all);
    all.left_out = dpkg_filters::read(files);
    rpm::read(files, wanted, &mut all);
    apk::read(files, wanted, &mut all);
    all
}

/// Reads the database of rpm alone.
pub fn read_rpm(files: &dyn Files, wanted: Wanted) -> PackageFiles {
    let mut all = PackageFiles { merged: merged(files), ..PackageFiles::default() };
    rpm::read(files, wanted, &mut all);
    all
}

/// The directories of the root that are links to their namesake in `/usr`.
fn merged(files: &dyn Files) -> Vec<Vec<u8>> {
    let mut merged = Vec::new();
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32"] {
        let path = format!("/{name}");
        let Ok(Some(fact)) = files.file(Path::new(&path)) else { continue };
        let target = fact.link_target.as_deref();
        let usr = format!("usr/{name}");
        let is_link = fact.kind == FileKind::Symlink;
        if is_link && target.is_some_and(|to| to.strip_prefix("/").unwrap_or(to) == Path::new(&usr))
        {
            merged.push(path.into_bytes());
        }
    }
    merged
}

/// Adds a claim about a path that is of interest.
fn claim(all: &mut PackageFiles, wanted: Wanted, path: &[u8], claim: Claim) {
    let path = all.canonical(path);
    if wanted.is_some_and(|wanted| !wanted(&path)) {
        return;
    }
    if all.claims.len() >= PATH_LIMIT {
        let why = format!("more than {PATH_LIMIT} files");
        let why = Unknown::new("files of packages", Cause::TooLarge(why));
        if !all.unread.contains(&why) {
            all.unread.push(why);
        }
        return;
    }
    all.claims.entry(path).or_default().push(claim);
}

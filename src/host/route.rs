//! The way that a path takes: every look-up of a name in a directory, symbolic links followed, until
//! the file itself. Whoever can change one of these names decides where the path leads.

use super::path::{LINK_LIMIT, PATH_LIMIT, components, ends_in_slash, target_of};
use crate::facts::file::{FileFact, FileKind};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One look-up.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The directory, its path free of symbolic links.
    pub directory: PathBuf,
    /// That directory.
    pub fact: Arc<FileFact>,
    /// The name that is looked up in it.
    pub name: OsString,
    /// What has that name; `None`: nothing.
    pub entry: Option<Arc<FileFact>>,
}

/// All look-ups of a path in their order.
#[derive(Clone, Debug)]
pub struct Route {
    /// The look-ups; the last one found nothing where the path leads nowhere.
    pub lookups: Vec<Lookup>,
    /// The file at the end; `None`: there is none.
    pub end: Option<(PathBuf, Arc<FileFact>)>,
}

/// Follows an absolute path, as somebody who may pass everywhere.
///
/// # Errors
/// Where something on the way could not be seen, or the kernel itself would give up (`ELOOP`,
/// `ENAMETOOLONG`).
pub fn route(files: &dyn Files, path: &Path) -> Fact<Route> {
    let unsupported =
        |why: &str| Err(Unknown::new(crate::text::path(path), Cause::Unsupported(why.to_owned())));
    if !path.is_absolute() {
        return unsupported("only an absolute path can be followed");
    }
    if path.as_os_str().len() > PATH_LIMIT {
        return unsupported("the path is longer than 4095 bytes");
    }
    let mut route = Route { lookups: Vec::new(), end: None };
    let Some(fact) = files.file(Path::new("/"))? else { return Ok(route) };
    let root = (PathBuf::from("/"), fact);
    let mut trail: Vec<(PathBuf, Arc<FileFact>)> = Vec::new();
    let mut pending = components(path.as_os_str());
    let mut directory_wanted = ends_in_slash(path.as_os_str());
    let mut links = 0;
    while let Some(name) = pending.pop() {
        let (here, fact) = trail.last().unwrap_or(&root);
        if fact.kind != FileKind::Directory {
            return Ok(route);
        }
        if name == "." {
            continue;
        }
        if name == ".." {
            trail.pop();
            continue;
        }
        let next = here.join(&name);
        let entry = files.file(&next)?;
        let (directory, fact) = (here.clone(), Arc::clone(fact));
        route.lookups.push(Lookup { directory, fact, name, entry: entry.clone() });
        let Some(entry) = entry else { return Ok(route) };
        if entry.kind != FileKind::Symlink {
            trail.push((next, entry));
            continue;
        }
        links += 1;
        if links > LINK_LIMIT {
            return unsupported("more than 40 symbolic links (ELOOP)");
        }
        let target = target_of(&next, &entry)?;
        if target.is_empty() {
            return Ok(route);
        }
        if target.len() > PATH_LIMIT {
            return unsupported("a link's target is longer than 4095 bytes");
        }
        if target.as_bytes().first() == Some(&b'/') {
            trail.clear();
        }
        directory_wanted |= pending.is_empty() && ends_in_slash(target);
        pending.extend(components(target));
    }
    let end = trail.pop().unwrap_or(root);
    if end.1.kind == FileKind::Directory || !directory_wanted {
        route.end = Some(end);
    }
    Ok(route)
}

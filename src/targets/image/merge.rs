//! Layers put on top of each other, as the OCI image specification (`layer.md`) says.
//!
//! Whiteouts take away what *lower* layers have, wherever in their own layer they stand, so all of
//! a layer's come before anything that it puts. A directory on a directory changes its attributes
//! and keeps what is in it; anything else replaces. A file stays as long as it has a name, so a
//! hard link keeps the content whose other name a later layer takes away. Directories that nobody
//! describes are made as needed. A name that leads through a symbolic link means where that leads.
//!
//! Engines do not agree on everything. Where a name leads through a symbolic link of a lower layer,
//! those that stack layers with overlayfs put a directory in the link's place, others follow it; and
//! what the header of a hard link says of owner and mode some apply to the file, others do not. As long
//! as that only adds names it makes no difference to what is found; where it would hide something that
//! is there with another engine, the image is refused.

use crate::facts::file::FileKind;
use crate::targets::image::layer::{Change, HardLink, shown, split};
use crate::targets::image::limits::DEPTH_LIMIT;
use crate::targets::image::tree::{Id, Inode, LINK_LIMIT, ROOT, Tree, components};
use std::collections::BTreeSet;

/// The tree of some layers, the lowest first.
///
/// # Errors
/// In words, with the number of the layer: for a name below what is no directory, a hard link to
/// nothing, and names deeper than directories may lie.
pub fn merge(layers: impl IntoIterator<Item = Vec<Change>>) -> Result<Tree, String> {
    let mut tree = Tree::default();
    for (number, changes) in layers.into_iter().enumerate() {
        apply(&mut tree, changes, number).map_err(|why| format!("layer {}: {why}", number + 1))?;
    }
    tree.count_names();
    Ok(tree)
}

fn apply(tree: &mut Tree, changes: Vec<Change>, layer: usize) -> Result<(), String> {
    // Where a directory is put, what a layer says of names below is about that directory, wherever in
    // the layer it stands.
    let made: Made = changes.iter().filter_map(directory_of).collect();
    for change in &changes {
        let (folder, name) = match change {
            Change::Whiteout(path) => {
                let (folder, name) = split(path);
                (folder, Some(name))
            }
            Change::Opaque(path) => (path.as_slice(), None),
            _ => continue,
        };
        let Some(found) = lookup(tree, folder, layer, false)? else { continue };
        let hides = match name {
            Some(name) => tree.child(found.id, name).is_some(),
            None => tree.inode(found.id).is_some_and(|inode| !inode.children.is_empty()),
        };
        if !hides || found.link.as_ref().is_some_and(|link| made.contains(link)) {
            continue;
        }
        found.must_be_clear(folder)?;
        match name {
            Some(name) => tree.remove(found.id, name),
            None => {
                if let Some(directory) = tree.inode_mut(found.id) {
                    directory.children.clear();
                }
            }
        }
    }
    for change in changes {
        match change {
            Change::Put(entry) => {
                let path = entry.path.clone();
                put(tree, &path, Inode::of(*entry, layer), layer, &made)?;
            }
            Change::HardLink(link) => hard_link(tree, &link, layer, &made)?,
            Change::Whiteout(_) | Change::Opaque(_) => {}
        }
    }
    Ok(())
}

fn directory_of(change: &Change) -> Option<Vec<u8>> {
    match change {
        Change::Put(entry) if entry.kind == FileKind::Directory => Some(entry.path.clone()),
        _ => None,
    }
}

/// Directories that a layer puts.
type Made = BTreeSet<Vec<u8>>;

fn put(tree: &mut Tree, path: &[u8], new: Inode, layer: usize, made: &Made) -> Result<(), String> {
    let (folder, name) = split(path);
    if name.is_empty() {
        if new.kind != FileKind::Directory {
            return Err("the root is no directory".to_owned());
        }
        renew(tree, ROOT, new);
        return Ok(());
    }
    let found = directory(tree, folder, layer)?;
    let old = tree.child(found.id, name);
    let again = old
        .and_then(|old| tree.inode(old))
        .filter(|old| old.kind == FileKind::Directory && new.kind == FileKind::Directory);
    let changes = old.is_some() && !again.is_some_and(|old| old.same_attributes(&new));
    // A directory that comes behind what is in it has not taken the link's place yet.
    if changes || found.link.as_ref().is_some_and(|link| made.contains(link)) {
        found.must_be_clear(folder)?;
    }
    match old.filter(|_| again.is_some()) {
        Some(old) => renew(tree, old, new),
        None => {
            let id = tree.add(new);
            tree.enter(found.id, name, id);
        }
    }
    Ok(())
}

/// A directory gets new attributes and keeps what is in it. One that is merely mentioned again was
/// introduced by the layer that had it first.
fn renew(tree: &mut Tree, id: Id, new: Inode) {
    if let Some(old) = tree.inode_mut(id) {
        let children = std::mem::take(&mut old.children);
        let layer = if old.same_attributes(&new) { old.layer } else { new.layer };
        *old = Inode { children, layer, ..new };
    }
}

fn hard_link(tree: &mut Tree, link: &HardLink, layer: usize, made: &Made) -> Result<(), String> {
    let HardLink { path, to, .. } = link;
    let missing = || format!("{}: a hard link to {}, which does not exist", shown(path), shown(to));
    let (folder, name) = split(to);
    let found = lookup(tree, folder, layer, false)?.ok_or_else(missing)?;
    let target = tree.child(found.id, name).ok_or_else(missing)?;
    if is(tree, target, FileKind::Directory) {
        return Err(format!("{}: a hard link to a directory", shown(path)));
    }
    if tree.inode(target).is_some_and(|file| says_otherwise(link, file)) {
        return Err(format!(
            "{}: a hard link that says another owner, mode, ACL or capability than {}, of which \
             engines take one or the other",
            shown(path),
            shown(to)
        ));
    }
    let (folder, name) = split(path);
    if name.is_empty() {
        return Err("the root is no directory".to_owned());
    }
    let found = directory(tree, folder, layer)?;
    let late = found.link.as_ref().is_some_and(|link| made.contains(link));
    if late || tree.child(found.id, name).is_some() {
        found.must_be_clear(folder)?;
    }
    tree.enter(found.id, name, target);
    Ok(())
}

/// Whether a hard link's header would give the file to somebody else or grant more than the file's
/// own. One that says less (0644, as writers do that care for the file only) hides nothing.
fn says_otherwise(link: &HardLink, file: &Inode) -> bool {
    if file.kind == FileKind::Symlink {
        return false;
    }
    (link.uid, link.gid) != (file.uid, file.gid)
        || link.mode & !file.mode != 0
        || link.acl.is_some() && link.acl != file.acl
        || link.capability.is_some() && link.capability != file.capability
}

fn is(tree: &Tree, id: Id, kind: FileKind) -> bool {
    tree.inode(id).is_some_and(|inode| inode.kind == kind)
}

/// A directory, and how it was found.
struct Found {
    id: Id,
    /// The first symbolic link of a lower layer on the way.
    link: Option<Vec<u8>>,
}

impl Found {
    /// An error where a link of a lower layer lies on the way, and so something would be hidden by
    /// some engines and not by others.
    fn must_be_clear(&self, path: &[u8]) -> Result<(), String> {
        let Some(link) = &self.link else { return Ok(()) };
        Err(format!(
            "{}: leads through the symbolic link {} of a lower layer, which some engines follow and \
             others replace by a directory; what it changes there is not the same for all of them. \
             Name the file by its real path",
            shown(path),
            shown(link)
        ))
    }
}

/// The directory of that name, made where it is missing.
fn directory(tree: &mut Tree, path: &[u8], layer: usize) -> Result<Found, String> {
    let found = lookup(tree, path, layer, true)?;
    found.ok_or_else(|| format!("{}: lies below what is no directory", shown(path)))
}

/// The directory that a layer means by a name, symbolic links followed, and made by that layer where
/// it is missing, if asked. `None`: there is none, or it is something else.
fn lookup(tree: &mut Tree, path: &[u8], layer: usize, make: bool) -> Result<Option<Found>, String> {
    let mut pending = components(path);
    // How many of them are of the path itself: what links lead to comes before them.
    let mut own = pending.len();
    let mut trail: Vec<Id> = Vec::new();
    let mut links = 0;
    let mut lower = None;
    while let Some(name) = pending.pop() {
        own = own.min(pending.len());
        let here = trail.last().copied().unwrap_or(ROOT);
        if name == b".." {
            trail.pop();
            continue;
        }
        let next = match tree.child(here, &name) {
            Some(next) => next,
            None if make => {
                let new = tree.add(Inode::directory(layer));
                tree.enter(here, &name, new);
                new
            }
            None => return Ok(None),
        };
        match tree.inode(next) {
            Some(inode) if inode.kind == FileKind::Directory => trail.push(next),
            Some(inode) if inode.kind == FileKind::Symlink => {
                links += 1;
                if links > LINK_LIMIT {
                    return Err(format!("{}: too many symbolic links", shown(path)));
                }
                if inode.layer != layer && lower.is_none() {
                    let rest: usize = pending.iter().take(own).map(|name| name.len() + 1).sum();
                    let end = path.len().saturating_sub(rest);
                    lower = Some(path.get(..end).unwrap_or_default().to_vec());
                }
                let link = inode.link.clone();
                if link.starts_with(b"/") {
                    trail.clear();
                }
                pending.extend(components(&link));
            }
            _ => return Ok(None),
        }
        if trail.len() > DEPTH_LIMIT {
            return Err("directories more than 1000 deep".to_owned());
        }
    }
    Ok(Some(Found { id: trail.last().copied().unwrap_or(ROOT), link: lower }))
}

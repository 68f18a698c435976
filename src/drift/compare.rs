//! What differs between two looks at the files of a target, before anybody asks why.

use crate::facts::file::FileKind;
use crate::facts::snapshot::{Directory, Record, Tree, join, split};
use crate::targets::survey::Found;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

/// A file that is not what it was.
#[derive(Clone, Debug)]
pub struct FileChange {
    /// Its path.
    pub path: Vec<u8>,
    /// What it was.
    pub before: Option<Record>,
    /// What it is.
    pub after: Option<Record>,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Compared {
    /// Files that differ, by path.
    pub changes: Vec<FileChange>,
    /// Directories that are still there and could not be looked into: nothing is known of what they
    /// had.
    pub lost: Vec<Vec<u8>>,
}

/// Compares a new look with an earlier one.
pub fn compare(before: &Tree, found: &[Found], unseen: &HashSet<Vec<u8>>) -> Compared {
    let mut compared = Compared::default();
    let mut seen = vec![false; before.directories.len()];
    let mut now: HashMap<&[u8], &Directory> = HashMap::new();
    for one in found {
        match one {
            Found::Same(index) => mark(&mut seen, *index),
            Found::Listing(listing) => {
                now.insert(&listing.path, listing);
                let known = before.position(&listing.path);
                known.into_iter().for_each(|index| mark(&mut seen, index));
                let known = known.and_then(|index| before.directories.get(index));
                directory(known, listing, &mut compared.changes);
            }
        }
    }
    for (directory, _) in before.directories.iter().zip(&seen).filter(|(_, seen)| !**seen) {
        if is_still_there(&directory.path, before, &seen, &now) {
            compared.lost.push(directory.path.clone());
            continue;
        }
        for (name, record) in directory.iter() {
            compared.changes.push(FileChange {
                path: directory.path_of(name),
                before: Some(record.clone()),
                after: None,
            });
        }
    }
    // What is there and could not be looked at has not gone.
    let is_unseen = |path: &[u8]| {
        let folders =
            std::iter::successors(Some(path), |path| split(path).map(|(folder, _)| folder));
        folders.into_iter().any(|path| unseen.contains(path))
    };
    if !unseen.is_empty() {
        compared.changes.retain(|change| change.after.is_some() || !is_unseen(&change.path));
    }
    compared.changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    compared
}

fn mark(seen: &mut [bool], index: usize) {
    if let Some(place) = seen.get_mut(index) {
        *place = true;
    }
}

/// Whether a directory that was not listed is still one, as the directory around it tells, or the one
/// around that.
fn is_still_there(
    path: &[u8],
    before: &Tree,
    seen: &[bool],
    now: &HashMap<&[u8], &Directory>,
) -> bool {
    let mut path = path;
    while let Some((folder, name)) = split(path) {
        let unchanged = before.position(folder).filter(|index| seen.get(*index) == Some(&true));
        let listing = now
            .get(folder)
            .copied()
            .or_else(|| unchanged.and_then(|index| before.directories.get(index)));
        if let Some(listing) = listing {
            return listing.get(name).is_some_and(|record| record.kind == FileKind::Directory);
        }
        path = folder;
    }
    false
}

fn directory(before: Option<&Directory>, after: &Directory, changes: &mut Vec<FileChange>) {
    let mut old = before.into_iter().flat_map(Directory::iter).peekable();
    let mut new = after.iter().peekable();
    let mut push = |name: &[u8], before: Option<&Record>, is: Option<&Record>| {
        let path = join(&after.path, name);
        changes.push(FileChange { path, before: before.cloned(), after: is.cloned() });
    };
    loop {
        let order = match (old.peek(), new.peek()) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        match order {
            Ordering::Less => {
                if let Some((name, record)) = old.next() {
                    push(name, Some(record), None);
                }
            }
            Ordering::Greater => {
                if let Some((name, record)) = new.next() {
                    push(name, None, Some(record));
                }
            }
            Ordering::Equal => {
                if let (Some((name, was)), Some((_, is))) = (old.next(), new.next())
                    && !was.same(is)
                {
                    push(name, Some(was), Some(is));
                }
            }
        }
    }
}

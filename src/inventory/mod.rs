//! Inventories: what matters of all files below a place. All places of a run share one walk, in
//! which every directory is listed once and every file looked at once.

mod by_name;
mod mounts;
mod walk;

use crate::facts::file::FileKind;
use crate::facts::inventory::Inventory;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::route::route;
use crate::host::{Target, learn};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Inventories of a run.
#[derive(Debug, Default)]
pub struct Memo {
    /// Places that rules of the run are about.
    expected: RefCell<BTreeSet<PathBuf>>,
    known: RefCell<BTreeMap<PathBuf, Fact<Option<Arc<Inventory>>>>>,
}

impl Memo {
    /// Says which places will be asked for, so that one walk does for all of them.
    pub fn expect(&self, places: impl IntoIterator<Item = PathBuf>) {
        self.expected.borrow_mut().extend(places);
    }
}

/// What matters below a place, symbolic links to it followed. `None`: there is no such directory.
///
/// # Errors
/// Where the way to the place cannot be seen. What cannot be seen below it is told in
/// [`Inventory::unread`].
pub fn inventory(target: &dyn Target, place: &Path) -> Fact<Option<Arc<Inventory>>> {
    let expected = target.memo().table::<crate::inventory::Memo>().expected.borrow().clone();
    learn(target, "inventory", place, |target| {
        target.memo().table::<crate::inventory::Memo>().expect(expected.iter().cloned());
        look(target, place)
    })
}

fn look(target: &dyn Target, place: &Path) -> Fact<Option<Arc<Inventory>>> {
    let memo = target.memo().table::<crate::inventory::Memo>();
    if let Some(answer) = memo.known.borrow().get(place) {
        return answer.clone();
    }
    let mut asked = memo.expected.borrow().clone();
    asked.insert(place.to_owned());
    let mut answers: BTreeMap<PathBuf, Fact<Option<Arc<Inventory>>>> = BTreeMap::new();
    let mut canonical = BTreeMap::new();
    for asked in asked {
        match directory(target, &asked) {
            Ok(Some(path)) => drop(canonical.insert(asked, path)),
            Ok(None) => drop(answers.insert(asked, Ok(None))),
            Err(why) => drop(answers.insert(asked, Err(why))),
        }
    }
    let places: BTreeSet<PathBuf> = canonical.values().cloned().collect();
    let found = everything(target, &places.into_iter().collect::<Vec<_>>());
    for (asked, path) in canonical {
        let answer = match &found {
            Ok(found) => Ok(found.iter().find(|one| one.place == path).cloned()),
            Err(why) => Err(why.clone()),
        };
        answers.insert(asked, answer);
    }
    let answer = answers.get(place).cloned().unwrap_or(Ok(None));
    memo.known.borrow_mut().extend(answers);
    answer
}

/// The path of a directory without links.
fn directory(target: &dyn Target, place: &Path) -> Fact<Option<PathBuf>> {
    let end = route(target, place)?.end;
    Ok(end.filter(|(_, fact)| fact.kind == FileKind::Directory).map(|(path, _)| path))
}

fn everything(target: &dyn Target, places: &[PathBuf]) -> Fact<Vec<Arc<Inventory>>> {
    let mut found = match target.root_directory()? {
        Some(root) => walk::walk(&root, places, &mounts::Mounts::of(target)?)?,
        None => by_name::walk(target, places),
    };
    found.iter_mut().for_each(Inventory::finish);
    Ok(found.into_iter().map(Arc::new).collect())
}

/// The places, by index, that a directory lies in or is.
fn places_of(places: &[PathBuf], directory: &Path) -> Vec<usize> {
    let holds = |(_, place): &(usize, &PathBuf)| directory.starts_with(place);
    places.iter().enumerate().filter(holds).map(|(index, _)| index).collect()
}

/// The topmost places: the others lie below them.
fn tops(places: &[PathBuf]) -> Vec<PathBuf> {
    let below =
        |place: &&PathBuf| !places.iter().any(|other| other != *place && place.starts_with(other));
    places.iter().filter(below).cloned().collect()
}

/// Whether the capabilities of a regular file can come to anything. Without an execute bit nobody
/// executes it, but its owner can set one, which leaves capabilities as they are; so of root's own
/// files, and of no others, they mean nothing then.
fn may_be_executed(mode: u32, uid: u32) -> bool {
    mode & 0o111 != 0 || uid != 0
}

fn too_large(place: &Path, why: String) -> Unknown {
    Unknown::new(crate::text::path(place), Cause::TooLarge(why))
}

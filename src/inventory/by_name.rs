//! The walk over files that are no directory of this machine: an image, plain data.

use crate::facts::file::FileKind;
use crate::facts::inventory::{Found, Inventory};
use crate::host::Target;
use crate::inventory::{places_of, tops};
use std::path::{Path, PathBuf};

/// The most files that are looked at.
const LIMIT: u64 = 2_000_000;
/// Directories whose files are not of an image.
const LEFT_OUT: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Everything that matters below each of the places.
pub(super) fn walk(target: &dyn Target, places: &[PathBuf]) -> Vec<Inventory> {
    let mut found: Vec<Inventory> = places.iter().cloned().map(Inventory::of).collect();
    let mut pending = tops(places);
    let mut count = 0;
    for top in &pending {
        see(target, top, places, &mut found);
    }
    while let Some(folder) = pending.pop() {
        let names = match target.list(&folder) {
            Ok(names) => names.unwrap_or_default(),
            Err(why) => {
                unread(&folder, places, &mut found, &why);
                continue;
            }
        };
        for name in names.iter() {
            let path = folder.join(name);
            count += 1;
            if count > LIMIT {
                let why = crate::inventory::too_large(&folder, format!("more than {LIMIT} files"));
                unread(&folder, places, &mut found, &why);
                return found;
            }
            if see(target, &path, places, &mut found)
                && !LEFT_OUT.iter().any(|out| path == Path::new(out))
            {
                pending.push(path);
            }
        }
    }
    found
}

fn unread(path: &Path, places: &[PathBuf], found: &mut [Inventory], why: &crate::facts::Unknown) {
    for index in places_of(places, path) {
        if let Some(inventory) = found.get_mut(index) {
            inventory.unread.push(why.clone());
        }
    }
}

/// Looks at one file; whether it is a directory.
fn see(target: &dyn Target, path: &Path, places: &[PathBuf], found: &mut [Inventory]) -> bool {
    let fact = match target.file(path) {
        Ok(Some(fact)) => fact,
        Ok(None) => return false,
        Err(why) => {
            unread(path, places, found, &why);
            return false;
        }
    };
    let executable = fact.kind == FileKind::File
        && crate::inventory::may_be_executed(fact.mode.0.into(), fact.uid);
    let capabilities = if executable { target.file_capabilities(path) } else { Ok(None) };
    let one = Found { path: path.to_owned(), fact: (*fact).clone(), capabilities, nosuid: false };
    for index in places_of(places, path) {
        let Some(inventory) = found.get_mut(index) else { continue };
        inventory.entries += 1;
        inventory.owners.entry(fact.uid).or_default().add(1, path.to_owned());
        inventory.groups.entry(fact.gid).or_default().add(1, path.to_owned());
        inventory.keep(&one);
    }
    fact.kind == FileKind::Directory
}

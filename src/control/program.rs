//! Libraries that the dynamic linker loads into a program, told from files alone: `ld.so(8)`.
//!
//! Found as the linker finds them (`formats/linker.rs`). Directories that a program itself names count,
//! whether they exist or not.

use super::Items;
use crate::facts::{Cause, Unknown};
use crate::formats::linker::{self, own_directories};
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most libraries of one program.
const LIBRARIES: usize = 1000;

/// Adds the libraries of a program, those of the libraries, and its dynamic linker.
pub fn add_libraries(target: &dyn Target, program: &Path, why: &str, items: &mut Items) {
    let memo = target.memo().table::<linker::Memo>();
    let mut seen = BTreeSet::new();
    let mut pending = vec![program.to_owned()];
    while let Some(file) = pending.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        if seen.len() > LIBRARIES {
            let limit = Cause::TooLarge(format!("more than {LIBRARIES} libraries"));
            return items.unread.push(Unknown::new(crate::text::path(program), limit));
        }
        let elf = match memo.elf(target, &file) {
            Ok(Some(elf)) => elf,
            Ok(None) => continue,
            Err(unknown) => {
                items.unread.push(unknown);
                continue;
            }
        };
        let own = own_directories(&elf, &file);
        if let Some(linker) = &elf.interpreter {
            items.add(linker, format!("dynamic linker of {why}"));
        }
        for directory in &own {
            items.add(
                directory,
                format!("library directory that {} names,", crate::text::path(&file)),
            );
        }
        let system = memo.directories(target);
        for name in &elf.needed {
            let found = if name.contains('/') {
                Some(PathBuf::from(name))
            } else {
                let places = own.iter().chain(system.0.iter()).map(|place| place.join(name));
                places.into_iter().find(|path| matches!(target.file(path), Ok(Some(_))))
            };
            if let Some(path) = found {
                items.add(&path, format!("library of {why}"));
                pending.push(path);
            }
        }
    }
}

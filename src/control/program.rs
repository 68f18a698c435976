//! Libraries that the dynamic linker loads into a program, told from files alone: `ld.so(8)`.
//!
//! Found as the linker finds them: `DT_RPATH` where there is no `DT_RUNPATH`, `DT_RUNPATH`, the
//! directories of `/etc/ld.so.conf` (its cache is not read), the default directories. Directories
//! that a program itself names count, whether they exist or not.

use super::Items;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::elf::{self, Elf};
use crate::formats::ld_so_conf;
use crate::host::{Target, learn};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most libraries of one program.
const LIBRARIES: usize = 1000;
/// Where the linker looks in the end.
const DEFAULTS: [&str; 4] = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// What has been read of programs and libraries, for the run.
#[derive(Debug, Default)]
pub struct Memo {
    files: RefCell<HashMap<PathBuf, Fact<Option<Arc<Elf>>>>>,
    directories: std::cell::OnceCell<Arc<Vec<PathBuf>>>,
}

impl Memo {
    fn elf(&self, target: &dyn Target, path: &Path) -> Fact<Option<Arc<Elf>>> {
        if let Some(answer) = self.files.borrow().get(path) {
            return answer.clone();
        }
        let answer = learn(target, "libraries", path, |target| {
            let mut failed = None;
            let elf = elf::parse_parts(&mut |offset, length| {
                target.part(path, offset, length).unwrap_or_else(|why| {
                    failed = Some(why);
                    None
                })
            });
            failed.map_or(Ok(elf.map(Arc::new)), Err)
        });
        self.files.borrow_mut().insert(path.to_owned(), answer.clone());
        answer
    }

    fn directories(&self, target: &dyn Target) -> Arc<Vec<PathBuf>> {
        let read = || {
            let mut directories = ld_so_conf::read(target).directories;
            directories.extend(DEFAULTS.map(PathBuf::from));
            Arc::new(directories)
        };
        Arc::clone(self.directories.get_or_init(read))
    }
}

/// Adds the libraries of a program, those of the libraries, and its dynamic linker.
pub fn add_libraries(target: &dyn Target, program: &Path, why: &str, items: &mut Items) {
    let memo = target.memo().table::<crate::control::program::Memo>();
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
                let places = own.iter().chain(system.iter()).map(|place| place.join(name));
                places.into_iter().find(|path| matches!(target.file(path), Ok(Some(_))))
            };
            if let Some(path) = found {
                items.add(&path, format!("library of {why}"));
                pending.push(path);
            }
        }
    }
}

/// The directories that a program or library itself names, `$ORIGIN` filled in.
fn own_directories(elf: &Elf, file: &Path) -> Vec<PathBuf> {
    let origin = file.parent().unwrap_or(Path::new("/")).to_string_lossy();
    let paths = if elf.runpath.is_empty() { &elf.rpath } else { &elf.runpath };
    let filled = |text: &String| text.replace("${ORIGIN}", &origin).replace("$ORIGIN", &origin);
    paths
        .iter()
        .flat_map(|list| filled(list).split(':').map(str::to_owned).collect::<Vec<_>>())
        .filter(|directory| directory.starts_with('/') && !directory.contains('$'))
        .map(PathBuf::from)
        .collect()
}

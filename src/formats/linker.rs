//! Where the dynamic linker finds the libraries of a program: `ld.so(8)`, and the same of musl
//! (`ldso/dynlink.c`).
//!
//! Told from files alone. Found as the linker finds them: `DT_RPATH` where there is no `DT_RUNPATH`,
//! `DT_RUNPATH`, the directories of `/etc/ld.so.conf` (its cache is not read), the default directories.

use crate::facts::{Fact, Unknown};
use crate::formats::elf::{self, Elf};
use crate::formats::ld_so_conf;
use crate::host::{Target, learn};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the linker looks in the end.
const DEFAULTS: [&str; 4] = ["/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// Where that of musl looks, if no `/etc/ld-musl-ARCH.path` says otherwise.
const OF_MUSL: [&str; 3] = ["/lib", "/usr/local/lib", "/usr/lib"];

/// What has been read of programs and libraries, for the run.
#[derive(Debug, Default)]
pub struct Memo {
    files: RefCell<HashMap<PathBuf, Fact<Option<Arc<Elf>>>>>,
    directories: std::cell::OnceCell<Arc<(Vec<PathBuf>, Vec<Unknown>)>>,
}

impl Memo {
    /// What the linker needs to know of a program or library; `None` for what is none.
    ///
    /// # Errors
    /// Where it cannot be seen.
    pub fn elf(&self, target: &dyn Target, path: &Path) -> Fact<Option<Arc<Elf>>> {
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

    /// The directories of the system, and what could not be read of the list.
    pub fn directories(&self, target: &dyn Target) -> Arc<(Vec<PathBuf>, Vec<Unknown>)> {
        let read = || {
            let conf = ld_so_conf::read(target);
            let mut directories = conf.directories;
            directories.extend(DEFAULTS.map(PathBuf::from));
            Arc::new((directories, conf.unread))
        };
        Arc::clone(self.directories.get_or_init(read))
    }
}

/// The directories that a program or library itself names, `$ORIGIN` filled in.
pub fn own_directories(elf: &Elf, file: &Path) -> Vec<PathBuf> {
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

/// The directories of musl for its linker `/lib/ld-musl-ARCH.so.1`.
///
/// # Errors
/// Where the file that says them cannot be read.
pub fn of_musl(target: &dyn Target, linker: &Path) -> Fact<Vec<PathBuf>> {
    let name = linker.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let name = name.trim_end_matches(".so.1");
    let Some(content) = target.read(Path::new(&format!("/etc/{name}.path")))? else {
        return Ok(OF_MUSL.map(PathBuf::from).into());
    };
    let text = String::from_utf8_lossy(&content);
    let words = text.split([':', '\n']).map(str::trim).filter(|word| word.starts_with('/'));
    Ok(words.map(PathBuf::from).collect())
}

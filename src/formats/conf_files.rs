//! Folders of configuration fragments with one precedence rule: of several files with one name the
//! one in the most important folder counts, a link to `/dev/null` takes the place of others and says
//! nothing, and then the names give the order, whatever the folder. `sysctl.d(5)`, `modprobe.d(5)`
//! and the drop-ins of `systemd.unit(5)` share it.

use crate::facts::Unknown;
use crate::host::Files;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The files that count of those in `folders` (the most important first) whose names end in
/// `.conf`, in the order in which they apply. What could not be listed is added to `unread`.
pub fn collect(files: &dyn Files, folders: &[PathBuf], unread: &mut Vec<Unknown>) -> Vec<PathBuf> {
    let mut chosen: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for folder in folders {
        let names = match files.list(folder) {
            Ok(names) => names,
            Err(unknown) => {
                unread.push(unknown);
                continue;
            }
        };
        for name in names.iter().flat_map(|names| names.iter()) {
            let text = name.to_string_lossy();
            if text.ends_with(".conf") && !text.starts_with('.') {
                chosen.entry(name.clone()).or_insert_with(|| folder.join(name));
            }
        }
    }
    chosen.into_values().filter(|path| !is_masked(files, path)).collect()
}

/// The usual folders for files of a kind, such as `sysctl.d`: the admin's, those of this boot, the
/// packages'.
pub fn folders(name: &str) -> Vec<PathBuf> {
    ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .collect()
}

fn is_masked(files: &dyn Files, path: &Path) -> bool {
    let Ok(Some(file)) = files.file(path) else { return false };
    file.link_target.as_deref() == Some(Path::new("/dev/null"))
}

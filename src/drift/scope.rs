//! The paths of a scope on a target.

use crate::facts::scope::Scope;
use crate::host::Target;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The paths of a scope on a target: `~/` stands for the home of every user. Those that lie below
/// another are left out.
pub fn paths(scope: &Scope, target: &dyn Target) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    for path in &scope.paths {
        match path.strip_prefix("~") {
            Ok(rest) => {
                let accounts = target.accounts();
                let users = accounts.iter().flat_map(|accounts| &accounts.users);
                let homes = users.map(|user| Path::new(&user.home)).filter(|home| {
                    home.is_absolute()
                        && *home != Path::new("/")
                        && !home.starts_with("/nonexistent")
                });
                all.extend(homes.map(|home| home.join(rest).as_os_str().as_bytes().to_vec()));
            }
            Err(_) => {
                let plain: PathBuf = path.components().collect();
                all.push(plain.as_os_str().as_bytes().to_vec());
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for path in all {
        let within = |folder: &Vec<u8>| {
            path.strip_prefix(folder.as_slice())
                .is_some_and(|rest| rest.starts_with(b"/") || folder == b"/")
        };
        if !kept.iter().any(within) {
            kept.push(path);
        }
    }
    kept
}

//! dpkg: `/var/lib/dpkg/status`, changes to it not merged yet in `updates/`, and for images made
//! without dpkg one file per package in `status.d/`.

use super::{PACKAGE_LIMIT, field, paragraphs};
use crate::facts::package::{Manager, Package, PackageState, Packages};
use crate::facts::settings::Location;
use crate::facts::{Cause, Unknown};
use crate::host::Files;
use std::collections::HashMap;
use std::path::Path;

const STATUS: &str = "/var/lib/dpkg/status";
const UPDATES: &str = "/var/lib/dpkg/updates";
const PARTS: &str = "/var/lib/dpkg/status.d";

pub(super) fn read(files: &dyn Files, into: &mut Packages) {
    let mut database = Database { known: HashMap::new(), packages: Vec::new() };
    let before = into.databases.len();
    if database.file(files, Path::new(STATUS), false, into) {
        into.databases.push(STATUS.into());
    }
    // Named by numbers, in the order in which they were made.
    for name in names(files, Path::new(UPDATES), into) {
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            database.file(files, &Path::new(UPDATES).join(name), false, into);
        }
    }
    let parts = names(files, Path::new(PARTS), into);
    for name in parts.iter().filter(|name| !name.ends_with(".md5sums")) {
        database.file(files, &Path::new(PARTS).join(name), true, into);
    }
    if !parts.is_empty() && into.databases.len() == before {
        into.databases.push(PARTS.into());
    }
    into.all.append(&mut database.packages);
}

fn names(files: &dyn Files, folder: &Path, into: &mut Packages) -> Vec<String> {
    match files.list(folder) {
        Ok(names) => {
            let names = names.iter().flat_map(|names| names.iter());
            names.filter_map(|name| name.to_str().map(str::to_owned)).collect()
        }
        Err(why) => {
            into.unread.push(why);
            Vec::new()
        }
    }
}

struct Database {
    /// Index of each package by name and architecture.
    known: HashMap<(String, String), usize>,
    packages: Vec<Package>,
}

impl Database {
    /// Reads a file of paragraphs; a later one of the same package replaces an earlier. Whether the
    /// file is there.
    fn file(
        &mut self,
        files: &dyn Files,
        path: &Path,
        without_status: bool,
        into: &mut Packages,
    ) -> bool {
        let content = match files.read(path) {
            Ok(Some(content)) => content,
            Ok(None) => return false,
            Err(why) => {
                into.unread.push(why);
                return false;
            }
        };
        let text = String::from_utf8_lossy(&content);
        for (line, fields) in paragraphs(&text) {
            if self.packages.len() >= PACKAGE_LIMIT {
                let why = format!("more than {PACKAGE_LIMIT} packages");
                into.unread.push(Unknown::new(name_of(path), Cause::TooLarge(why)));
                break;
            }
            let at = Location { file: path.to_owned(), line };
            match package(&fields, without_status, at) {
                Ok(Some(package)) => self.add(package),
                Ok(None) => {}
                Err(why) => {
                    let why = format!("line {line}: {why}");
                    into.unread.push(Unknown::new(name_of(path), Cause::Malformed(why)));
                }
            }
        }
        true
    }

    fn add(&mut self, package: Package) {
        let key = (package.name.clone(), package.architecture.clone());
        match self.known.get(&key).and_then(|index| self.packages.get_mut(*index)) {
            Some(known) => *known = package,
            None => {
                self.known.insert(key, self.packages.len());
                self.packages.push(package);
            }
        }
    }
}

fn name_of(path: &Path) -> String {
    path.display().to_string()
}

/// One paragraph. `None`: dpkg only remembers the name.
fn package(
    fields: &[(&str, &str)],
    without_status: bool,
    at: Location,
) -> Result<Option<Package>, String> {
    let name = field(fields, "Package").ok_or("a paragraph without Package:")?;
    let (want, state) = match field(fields, "Status") {
        Some(status) => {
            let words: Vec<&str> = status.split_whitespace().collect();
            let [want, _, state] = words.as_slice() else {
                return Err(format!("Status: of {name} does not have three words"));
            };
            (*want, *state)
        }
        None if without_status => ("install", "installed"),
        None => return Err(format!("no Status: of {name}")),
    };
    let state = match state {
        "not-installed" => return Ok(None),
        // Only other packages' triggers are still to be run.
        "installed" | "triggers-awaited" | "triggers-pending" => PackageState::Installed,
        "config-files" => PackageState::ConfigFiles,
        other => PackageState::Broken(other.to_owned()),
    };
    Ok(Some(Package {
        name: name.to_owned(),
        architecture: field(fields, "Architecture").unwrap_or_default().to_owned(),
        version: field(fields, "Version").unwrap_or_default().to_owned(),
        state,
        held: Some(want == "hold"),
        manager: Manager::Dpkg,
        at,
    }))
}

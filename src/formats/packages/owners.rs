//! Which files belong to a package: the file lists of dpkg, rpm and apk.
//!
//! Where directories are merged (`/bin` is a link to `usr/bin`), packages may still say `/bin/su`;
//! both spellings mean the same file. Files that dpkg diverts lie at another name.

use crate::facts::file::FileKind;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

const DPKG: &str = "/var/lib/dpkg/info";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";
const APK: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];
const RPM: [&str; 2] = ["/var/lib/rpm", "/usr/lib/sysimage/rpm"];
/// Databases of rpm of other kinds: ndb and Berkeley DB.
const OTHERS: [&str; 2] = ["Packages.db", "Packages"];
/// The most bytes of one list (64 MiB).
const LIMIT: u64 = 64 << 20;

/// The packages that these files belong to; a file that is missing here belongs to none.
///
/// # Errors
/// Where no list can be read, or one of several cannot: then somebody may own any file.
pub fn owners(files: &dyn Files, paths: &BTreeSet<PathBuf>) -> Fact<BTreeMap<PathBuf, String>> {
    let mut search =
        Search { wanted: BTreeMap::new(), merged: merged(files)?, owned: BTreeMap::new() };
    for path in paths {
        let spelling = canonical(search.merged, path.as_os_str().as_bytes()).to_vec();
        search.wanted.insert(spelling, path.clone());
    }
    let dpkg = search.dpkg(files)?;
    let apk = search.apk(files)?;
    let rpm = search.rpm(files)?;
    if dpkg || apk || rpm {
        return Ok(search.owned);
    }
    let why = "neither dpkg nor rpm nor apk has a list of files here";
    Err(Unknown::new("files of packages", Cause::Unsupported(why.into())))
}

/// Whether `/bin` is a link to `usr/bin`.
fn merged(files: &dyn Files) -> Fact<bool> {
    Ok(files.file(Path::new("/bin"))?.is_some_and(|fact| fact.kind == FileKind::Symlink))
}

struct Search {
    /// Canonical spelling, and the path that was asked for.
    wanted: BTreeMap<Vec<u8>, PathBuf>,
    merged: bool,
    owned: BTreeMap<PathBuf, String>,
}

impl Search {
    fn own(&mut self, path: &[u8], package: &str) {
        if let Some(asked) = self.wanted.get(canonical(self.merged, path)) {
            self.owned.insert(asked.clone(), package.to_owned());
        }
    }

    fn dpkg(&mut self, files: &dyn Files) -> Fact<bool> {
        let Some(names) = files.list(Path::new(DPKG))? else { return Ok(false) };
        for name in names.iter() {
            let Some(package) = name.to_str().and_then(|name| name.strip_suffix(".list")) else {
                continue;
            };
            let list = Path::new(DPKG).join(name);
            let content = files.read_up_to(&list, LIMIT)?.unwrap_or_default();
            for line in content.split(|byte| *byte == b'\n') {
                self.own(line, package);
            }
        }
        // Three lines each: from, to, package.
        let content = files.read_up_to(Path::new(DIVERSIONS), LIMIT)?.unwrap_or_default();
        let lines: Vec<&[u8]> = content.split(|byte| *byte == b'\n').collect();
        for three in lines.chunks_exact(3) {
            if let [_, to, package] = three {
                self.own(to, &String::from_utf8_lossy(package));
            }
        }
        Ok(true)
    }

    fn apk(&mut self, files: &dyn Files) -> Fact<bool> {
        for database in APK.map(Path::new) {
            let Some(content) = files.read_up_to(database, LIMIT)? else { continue };
            let (mut package, mut folder) = (String::new(), PathBuf::from("/"));
            for line in content.split(|byte| *byte == b'\n') {
                match line {
                    [b'P', b':', name @ ..] => package = String::from_utf8_lossy(name).into_owned(),
                    [b'F', b':', path @ ..] => {
                        folder = Path::new("/").join(OsStr::from_bytes(path))
                    }
                    [b'R', b':', name @ ..] => {
                        let path = folder.join(OsStr::from_bytes(name));
                        self.own(path.as_os_str().as_bytes(), &package);
                    }
                    _ => {}
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    fn rpm(&mut self, files: &dyn Files) -> Fact<bool> {
        // Of what is wanted the one or the other spelling.
        let wanted: BTreeSet<Vec<u8>> = self.wanted.keys().cloned().collect();
        let merged = self.merged;
        let all =
            super::files::read_rpm(files, Some(&|path| wanted.contains(canonical(merged, path))));
        for database in &all.databases {
            super::rpm::is_merged(files, database)?;
        }
        if let Some(why) = all.unread.first() {
            return Err(why.clone());
        }
        for (path, claims) in &all.claims {
            let first = claims.first().and_then(|claim| all.owners.get(claim.package as usize));
            if let Some(owner) = first {
                self.own(path, &owner.name);
            }
        }
        if !all.databases.is_empty() {
            return Ok(true);
        }
        // Databases of older kinds.
        for (folder, name) in RPM.iter().flat_map(|folder| OTHERS.map(|name| (folder, name))) {
            let path = Path::new(folder).join(name);
            if files.file(&path)?.is_some() {
                let why = "a database of rpm of a kind that is not read".to_owned();
                return Err(Unknown::new(crate::text::path(&path), Cause::Unsupported(why)));
            }
        }
        Ok(false)
    }
}

/// A path without `/usr` where the directory of that name in the root is a link to it.
fn canonical(merged: bool, path: &[u8]) -> &[u8] {
    let rest = path.strip_prefix(b"/usr").filter(|rest| {
        rest.starts_with(b"/bin/") || rest.starts_with(b"/sbin/") || rest.starts_with(b"/lib")
    });
    rest.filter(|_| merged).unwrap_or(path)
}

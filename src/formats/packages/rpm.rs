//! rpm: `rpmdb.sqlite`, whose table `Packages` holds a header per package.
//!
//! Header: two counts, an index of entries (tag, type, offset, count), then the data; all numbers
//! big-endian, `docs/manual/format_header.md` of rpm. Databases of other kinds (`Packages.db` of
//! SUSE, `Packages` in Berkeley DB of RHEL 8) are unknown.

use super::{PACKAGE_LIMIT, sqlite};
use crate::facts::package::{Manager, Package, PackageState, Packages};
use crate::facts::settings::Location;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::Path;

const FOLDERS: [&str; 2] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
/// Largest database that is read (512 MiB).
const SIZE_LIMIT: u64 = 512 << 20;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCH: u32 = 1022;

pub(super) fn read(files: &dyn Files, into: &mut Packages) {
    for folder in FOLDERS.map(Path::new) {
        let path = folder.join("rpmdb.sqlite");
        match database(files, &path) {
            Ok(Some(packages)) => {
                into.databases.push(path);
                into.all.extend(packages);
                // The other folder is a link to this one.
                return;
            }
            Ok(None) => {}
            Err(why) => {
                into.unread.push(why);
                return;
            }
        }
        if let Some(why) = other_kind(files, folder) {
            into.unread.push(why);
            return;
        }
    }
}

/// A database of rpm that is not read: its packages are not known, which is not the same as that
/// there are none.
pub(super) fn other_kind(files: &dyn Files, folder: &Path) -> Option<Unknown> {
    for (name, kind) in [("Packages.db", "ndb"), ("Packages", "Berkeley DB")] {
        let path = folder.join(name);
        match files.file(&path) {
            Ok(None) => {}
            Ok(Some(_)) => {
                let why = format!("a database of the kind {kind}, which is not read");
                return Some(unsupported(&path, why));
            }
            Err(why) => return Some(why),
        }
    }
    None
}

fn database(files: &dyn Files, path: &Path) -> Fact<Option<Vec<Package>>> {
    let Some(content) = files.read_up_to(path, SIZE_LIMIT)? else { return Ok(None) };
    is_merged(files, path)?;
    let malformed = |why: String| Unknown::new(path.display().to_string(), Cause::Malformed(why));
    let mut packages = Vec::new();
    let mut wrong = None;
    sqlite::each_row(&content, "Packages", &mut |row| {
        let Some(sqlite::Value::Bytes(blob)) = row.get(1) else { return true };
        match header(blob, path) {
            Ok(package) => packages.push(package),
            Err(why) => wrong = Some(why),
        }
        packages.len() < PACKAGE_LIMIT && wrong.is_none()
    })
    .map_err(malformed)?;
    if let Some(why) = wrong {
        return Err(malformed(why.to_owned()));
    }
    if packages.len() >= PACKAGE_LIMIT {
        let why = format!("more than {PACKAGE_LIMIT} packages");
        return Err(Unknown::new(path.display().to_string(), Cause::TooLarge(why)));
    }
    Ok(Some(packages))
}

/// Whether all changes are in the database itself.
///
/// # Errors
/// Where they are not, or that cannot be seen.
pub(super) fn is_merged(files: &dyn Files, path: &Path) -> Fact<()> {
    for rest in ["-wal", "-journal"] {
        let mut name = path.as_os_str().to_owned();
        name.push(rest);
        if files.file(Path::new(&name))?.is_some_and(|file| file.size > 0) {
            let why = format!("changes in {} are not merged yet", Path::new(&name).display());
            return Err(unsupported(path, why));
        }
    }
    Ok(())
}

fn unsupported(path: &Path, why: String) -> Unknown {
    Unknown::new(path.display().to_string(), Cause::Unsupported(why))
}

fn header(blob: &[u8], path: &Path) -> Result<Package, &'static str> {
    const ENTRY: usize = 16;
    let number = |at: usize| -> Option<u32> {
        let bytes = blob.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    let entries = number(0).ok_or("a header that is cut off")? as usize;
    let data = entries.checked_mul(ENTRY).and_then(|size| size.checked_add(8));
    let data = data.filter(|at| *at <= blob.len()).ok_or("a header that is cut off")?;
    let offset_of = |tag: u32| {
        let mut places = (8..data).step_by(ENTRY);
        let place = places.find(|at| number(*at) == Some(tag))?;
        data.checked_add(number(place + 8)? as usize)
    };
    let text = |tag: u32| {
        let rest = blob.get(offset_of(tag)?..)?;
        let end = rest.iter().position(|byte| *byte == 0)?;
        Some(String::from_utf8_lossy(rest.get(..end)?).into_owned())
    };
    let name = text(NAME).ok_or("a package without a name")?;
    let version = text(VERSION).ok_or("a package without a version")?;
    let release = text(RELEASE).ok_or("a package without a release")?;
    let epoch = match offset_of(EPOCH).and_then(number) {
        Some(epoch) => format!("{epoch}:"),
        None => String::new(),
    };
    Ok(Package {
        name,
        architecture: text(ARCH).unwrap_or_default(),
        version: format!("{epoch}{version}-{release}"),
        state: PackageState::Installed,
        // Locks are kept by plugins of dnf and zypper, not by rpm.
        held: None,
        manager: Manager::Rpm,
        at: Location { file: path.to_owned(), line: 0 },
    })
}

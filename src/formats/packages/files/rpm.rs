//! rpm: what the headers in its database say of files: content, owner, mode, size, time, target,
//! capabilities, and which of them the package wants verified.

use super::header::Header;
use super::{Wanted, claim};
use crate::facts::package_file::{Checksum, Claim, Declared, Owner, PackageFiles, Role};
use crate::facts::{Cause, Unknown};
use crate::formats::packages::{PACKAGE_LIMIT, rpm, sqlite};
use crate::host::Files;
use std::path::Path;

const FOLDERS: [&str; 2] = ["/usr/lib/sysimage/rpm", "/var/lib/rpm"];
/// Largest database that is read (512 MiB).
const SIZE_LIMIT: u64 = 512 << 20;

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const SIZES: u32 = 1028;
const STATES: u32 = 1029;
const MODES: u32 = 1030;
const DEVICES: u32 = 1033;
const TIMES: u32 = 1034;
const DIGESTS: u32 = 1035;
const LINKS: u32 = 1036;
const FLAGS: u32 = 1037;
const USERS: u32 = 1039;
const GROUPS: u32 = 1040;
const VERIFY: u32 = 1045;
const DIRECTORY_NUMBERS: u32 = 1116;
const NAMES: u32 = 1117;
const DIRECTORIES: u32 = 1118;
const LONG_SIZES: u32 = 5008;
const CAPABILITIES: u32 = 5010;

/// `RPMFILE_*` of rpm's `rpmfiles.h`.
pub(super) const CONFIG: u32 = 1;
const GHOST: u32 = 1 << 6;

pub(super) fn read(files: &dyn Files, wanted: Wanted, all: &mut PackageFiles) {
    for folder in FOLDERS.map(Path::new) {
        let path = folder.join("rpmdb.sqlite");
        let content = match files.read_up_to(&path, SIZE_LIMIT) {
            Ok(Some(content)) => content,
            Ok(None) => match rpm::other_kind(files, folder) {
                None => continue,
                Some(why) => {
                    all.unread.push(why);
                    return;
                }
            },
            Err(why) => {
                all.unread.push(why);
                continue;
            }
        };
        // What is there is said all the same; it may not be all.
        all.unread.extend(rpm::is_merged(files, &path).err());
        let name = path.display().to_string();
        all.databases.push(path);
        let mut bad = 0_u64;
        let walked = sqlite::each_row(&content, "Packages", &mut |row| {
            if let Some(sqlite::Value::Bytes(blob)) = row.get(1) {
                bad += u64::from(package(blob, wanted, all).is_none());
            }
            all.owners.len() < PACKAGE_LIMIT
        });
        if let Err(why) = walked {
            all.unread.push(Unknown::new(name.clone(), Cause::Malformed(why)));
        }
        if bad > 0 {
            let why = format!("{bad} packages whose headers cannot be read");
            all.unread.push(Unknown::new(name, Cause::Malformed(why)));
        }
        // The other folder is a link to this one.
        return;
    }
}

/// One package. `None`: its header is not one.
fn package(blob: &[u8], wanted: Wanted, all: &mut PackageFiles) -> Option<()> {
    let header = Header::new(blob)?;
    let epoch = header.numbers(EPOCH).and_then(|all| all.first().copied());
    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
    let owner = Owner {
        name: header.text(NAME)?,
        version: format!("{epoch}{}-{}", header.text(VERSION)?, header.text(RELEASE)?),
        manifest: blake3::hash(blob).to_hex().chars().take(16).collect(),
    };
    let package = u32::try_from(all.owners.len()).unwrap_or(u32::MAX);
    all.owners.push(owner);
    // A package without files has none of these.
    let Some(names) = header.texts(NAMES) else { return Some(()) };
    let directories = header.texts(DIRECTORIES)?;
    let numbers = header.numbers(DIRECTORY_NUMBERS)?;
    let texts = |tag| header.texts(tag).unwrap_or_default();
    let many = |tag| header.numbers(tag).unwrap_or_default();
    let (digests, links, users, groups) =
        (texts(DIGESTS), texts(LINKS), texts(USERS), texts(GROUPS));
    let capabilities = header.texts(CAPABILITIES);
    let (states, modes, flags, verify) = (many(STATES), many(MODES), many(FLAGS), many(VERIFY));
    let (times, devices) = (many(TIMES), many(DEVICES));
    let sizes = header.numbers(SIZES).or_else(|| header.numbers(LONG_SIZES)).unwrap_or_default();
    let text = |of: &[&[u8]], at: usize| {
        of.get(at).map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default()
    };
    for (at, name) in names.iter().enumerate() {
        // Only files in the state normal (0) or netshared (3) are on disk, `rpmfiles.h`.
        if !matches!(states.get(at).copied().unwrap_or(0), 0 | 3) {
            continue;
        }
        let directory = usize::try_from(*numbers.get(at)?).ok().and_then(|n| directories.get(n))?;
        let flag = flags.get(at).copied().unwrap_or_default() as u32;
        let role = if flag & GHOST != 0 {
            Role::Ghost
        } else if flag & CONFIG != 0 {
            Role::CONFIGURATION
        } else {
            Role::Part
        };
        let declared = Declared {
            mode: modes.get(at).map(|mode| *mode as u32),
            user: text(&users, at),
            group: text(&groups, at),
            size: sizes.get(at).copied(),
            modified: times.get(at).map(|time| *time as i64),
            link: links.get(at).map(|link| link.to_vec()).unwrap_or_default(),
            capabilities: Some(capabilities.as_ref().map(|c| text(c, at)).unwrap_or_default()),
            verify: verify.get(at).map_or(u32::MAX, |flags| *flags as u32),
            flags: flag,
            device: devices.get(at).map(|device| *device as u32),
        };
        let one = Claim {
            package,
            checksum: Checksum::from_hex(&text(&digests, at)),
            role,
            declared: Some(Box::new(declared)),
        };
        claim(all, wanted, &[directory, *name].concat(), one);
    }
    Some(())
}

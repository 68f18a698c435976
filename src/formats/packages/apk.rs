//! apk: `/lib/apk/db/installed` (`/usr/lib` with apk 3), and `/etc/apk/world` for versions that
//! the admin asked for.

use super::{PACKAGE_LIMIT, field, paragraphs};
use crate::facts::package::{Manager, Package, PackageState, Packages};
use crate::facts::settings::Location;
use crate::facts::{Cause, Unknown};
use crate::host::Files;
use std::collections::BTreeSet;
use std::path::Path;

const DATABASES: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];
const WORLD: &str = "/etc/apk/world";

pub(super) fn read(files: &dyn Files, into: &mut Packages) {
    for path in DATABASES {
        let content = match files.read(Path::new(path)) {
            Ok(Some(content)) => content,
            Ok(None) => continue,
            Err(why) => {
                into.unread.push(why);
                continue;
            }
        };
        into.databases.push(path.into());
        let pinned = pinned(files);
        let text = String::from_utf8_lossy(&content);
        for (count, (line, fields)) in paragraphs(&text).enumerate() {
            let (Some(name), Some(version)) = (field(&fields, "P"), field(&fields, "V")) else {
                let why = format!("line {line}: a paragraph without P: or V:");
                into.unread.push(Unknown::new(path, Cause::Malformed(why)));
                continue;
            };
            if count >= PACKAGE_LIMIT {
                let why = format!("more than {PACKAGE_LIMIT} packages");
                into.unread.push(Unknown::new(path, Cause::TooLarge(why)));
                break;
            }
            into.all.push(Package {
                name: name.to_owned(),
                architecture: field(&fields, "A").unwrap_or_default().to_owned(),
                version: version.to_owned(),
                state: PackageState::Installed,
                held: pinned.as_ref().map(|pinned| pinned.contains(name)),
                manager: Manager::Apk,
                at: Location { file: path.into(), line },
            });
        }
        // With /lib a link to /usr/lib both are the same file.
        break;
    }
}

/// Names that `/etc/apk/world` ties to one version (`name=1.2-r0`); `None` where it cannot be read.
fn pinned(files: &dyn Files) -> Option<BTreeSet<String>> {
    let content = files.read(Path::new(WORLD)).ok()??;
    let text = String::from_utf8_lossy(&content);
    let pins = text.split_whitespace().filter(|word| !word.contains(['<', '>', '~']));
    Some(pins.filter_map(|word| Some(word.split_once('=')?.0.to_owned())).collect())
}

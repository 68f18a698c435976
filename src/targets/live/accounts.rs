//! The account files of the host.

use crate::facts::account::{Accounts, Shadow};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{name_services, passwd};
use crate::host::Files;
use std::path::Path;
use std::sync::Arc;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
const SHADOW: &str = "/etc/shadow";

/// Reads them all. A host without `/etc/passwd` or `/etc/group` cannot be told from one whose
/// accounts are elsewhere, so that is an unknown and not an empty list.
pub(super) fn read(files: &dyn Files) -> Fact<Accounts> {
    let (passwd, group) = (needed(files, PASSWD)?, needed(files, GROUP)?);
    let elsewhere = name_services::elsewhere(files, &passwd, &group);
    let users = passwd::users(PASSWD, &passwd);
    let groups = passwd::groups(GROUP, &group);
    let mut malformed = users.malformed;
    malformed.extend(groups.malformed);
    let shadow = shadow(files, &mut malformed);
    Ok(Accounts { users: users.entries, groups: groups.entries, shadow, malformed, elsewhere })
}

fn needed(files: &dyn Files, path: &str) -> Fact<Arc<Vec<u8>>> {
    let missing = || Unknown::new(path, Cause::Unsupported("there is no such file".to_owned()));
    files.read(Path::new(path))?.ok_or_else(missing)
}

/// Without a shadow file nobody has a line in it.
fn shadow(files: &dyn Files, malformed: &mut Vec<String>) -> Fact<Vec<Shadow>> {
    let Some(bytes) = files.read(Path::new(SHADOW))? else { return Ok(Vec::new()) };
    let shadow = passwd::shadow(SHADOW, &bytes);
    malformed.extend(shadow.malformed);
    Ok(shadow.entries)
}

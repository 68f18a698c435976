//! `writable_only_by`: whether anybody but the users of a rule could write a file.

use crate::checks::accounts::earned;
use crate::checks::file::FileView;
use crate::checks::file::conditions::{about, file_of};
use crate::facts::account::{Accounts, Group, Origin};
use crate::facts::file::{AclTag, FileFact};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::policy::operand::Principal;
use crate::rules::identity::user_name;
use crate::verdict::Assertion;
use crate::{access, text};
use std::collections::BTreeSet;
use std::path::Path;

/// Compares those who could with those who may.
pub(crate) fn writable_only_by(
    view: &FileView,
    users: &[Principal],
    target: &dyn Target,
) -> Assertion {
    let (path, file) = file_of(view);
    let names: Vec<String> = users
        .iter()
        .map(|user| match user {
            Principal::Name(name) => name.clone(),
            Principal::Id(id) => user_name(target, *id),
        })
        .collect();
    let allowed: Vec<&str> = names.iter().map(String::as_str).collect();
    let assertion = about(view, "writable_only_by", path, file)
        .expected(format!("writable only by {}", names.join(", ")));
    let beyond = beyond(&view.path, path, file, &allowed, target);
    match beyond {
        Ok((beyond, complete)) if beyond.is_empty() => {
            assertion.observed("nobody else can").decide(complete.map(|()| true))
        }
        Ok((beyond, _)) => assertion.observed(beyond.join("; ")).fail(),
        Err(why) => assertion.unknown(why),
    }
}

/// The same for a file that no `file:` rule is about. `None`: there is no such file.
pub(crate) fn others(
    asked: &Path,
    allowed: &[&str],
    target: &dyn Target,
) -> Fact<Option<(Vec<String>, Fact<()>)>> {
    match crate::checks::file::reached(asked, target)? {
        Some((path, file)) => beyond(asked, &path, &file, allowed, target).map(Some),
        None => Ok(None),
    }
}

/// Those who could write the file beyond the allowed, and whether that is known to be all.
fn beyond(
    asked: &Path,
    path: &Path,
    file: &FileFact,
    allowed: &[&str],
    target: &dyn Target,
) -> Fact<(Vec<String>, Fact<()>)> {
    let mut accounts = (*target.accounts()?).clone();
    let unlisted = add_nss_groups(&mut accounts, path, file, target)?;
    let writers = access::writers(target, &accounts, asked)?
        .ok_or_else(|| Unknown::new(text::path(asked), Cause::Vanished))?;
    // A line that was not understood may make somebody a member of the file's group.
    let complete = earned(&accounts, true).and(unlisted.map_or(Ok(()), Err));
    Ok((writers.beyond(allowed), complete))
}

/// Adds the groups that may write the file and are not in `/etc/group` but known to the name
/// service switch. Many a directory lists no members of its groups: then who they are is unknown.
fn add_nss_groups(
    accounts: &mut Accounts,
    path: &Path,
    file: &FileFact,
    target: &dyn Target,
) -> Fact<Option<Unknown>> {
    const WRITE: u16 = 0o020;
    // With an ACL these bits are its mask: nobody but the owner gets more.
    if file.mode.0 & WRITE == 0 {
        return Ok(None);
    }
    let mut gids = BTreeSet::from([file.gid]);
    gids.extend(target.acl(path)?.into_iter().flat_map(|acl| acl.entries).filter_map(|entry| {
        match entry.who {
            AclTag::Group(gid) => Some(gid),
            _ => None,
        }
    }));
    // Of groups that the files have, too.
    let mut unlisted = access::unlisted(target)?;
    for gid in gids {
        match target.group_by_id(gid)? {
            Some(Group { origin: Origin::Nss, name, members, .. }) if members.is_empty() => {
                let why = "its name service lists no members".to_owned();
                let what = format!("members of group {name}");
                unlisted = unlisted.or(Some(Unknown::new(what, Cause::Unsupported(why))));
            }
            Some(group) if group.origin == Origin::Nss => accounts.groups.push(group),
            _ => {}
        }
    }
    Ok(unlisted)
}

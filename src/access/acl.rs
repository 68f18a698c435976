//! The access check algorithm of `acl(5)`, as `posix_acl_permission()` of `fs/posix_acl.c` has it.

use super::Credentials;
use super::class::{Class, Verdict, rwx};
use crate::facts::file::{Acl, AclTag};

/// The most entries that a reason names.
const NAMED_ENTRIES: usize = 3;

/// What an ACL grants somebody who is not the owner of the file. The order of entries does not
/// matter, save that the first of several entries for one user counts.
///
/// # Errors
/// When an entry that the kernel insists on is missing; the text says which.
pub(super) fn evaluate(
    acl: &Acl,
    owning_gid: u32,
    who: &Credentials,
    wanted: u8,
) -> Result<Verdict, &'static str> {
    let perms_of =
        |tag: AclTag| acl.entries.iter().find(|entry| entry.who == tag).map(|entry| entry.perms);
    let other = perms_of(AclTag::Other).ok_or("it has no entry for others")?;
    if perms_of(AclTag::GroupObj).is_none() {
        return Err("it has no entry for the owning group");
    }
    let mask = perms_of(AclTag::Mask);
    let named =
        acl.entries.iter().any(|entry| matches!(entry.who, AclTag::User(_) | AclTag::Group(_)));
    if named && mask.is_none() {
        return Err("it has named entries and no mask");
    }

    if let Some(has) = perms_of(AclTag::User(who.uid)) {
        let words = format!("user:{}:{}", who.uid, rwx(has));
        return Ok(masked(has, mask, wanted, Class::NamedUser, &words));
    }

    let mut insufficient = Vec::new();
    for entry in &acl.entries {
        let (class, words) = match entry.who {
            AclTag::GroupObj if who.gids.contains(&owning_gid) => {
                let words = format!("group::{} (gid {owning_gid})", rwx(entry.perms));
                (Class::Group(owning_gid), words)
            }
            AclTag::Group(gid) if who.gids.contains(&gid) => {
                (Class::NamedGroup(gid), format!("group:{gid}:{}", rwx(entry.perms)))
            }
            _ => continue,
        };
        // One entry has to hold all bits: those of several groups do not add up.
        if entry.perms & wanted == wanted {
            return Ok(masked(entry.perms, mask, wanted, class, &words));
        }
        insufficient.push((class, words));
    }
    if let Some((class, _)) = insufficient.first() {
        let words: Vec<&str> =
            insufficient.iter().take(NAMED_ENTRIES).map(|(_, words)| words.as_str()).collect();
        let more = if insufficient.len() > NAMED_ENTRIES { ", ..." } else { "" };
        let (noun, none) =
            if words.len() == 1 { ("entry", "") } else { ("entries", ", none of them enough") };
        let because = format!("ACL {noun} {}{more}{none}", words.join(", "));
        return Ok(Verdict { allowed: false, class: *class, because });
    }
    let because = format!("ACL entry other::{}", rwx(other));
    Ok(Verdict { allowed: other & wanted == wanted, class: Class::Other, because })
}

/// The mask bounds named users and all groups, never the owner and others.
fn masked(has: u8, mask: Option<u8>, wanted: u8, class: Class, words: &str) -> Verdict {
    let left = has & mask.unwrap_or(has);
    let because = if left == has {
        format!("ACL entry {words}")
    } else {
        format!("ACL entry {words}, mask leaves {}", rwx(left))
    };
    Verdict { allowed: left & wanted == wanted, class, because }
}

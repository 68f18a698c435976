//! Who can change an inode: its owner, who can always `chmod(1)`, and whoever a class of its mode
//! or an entry of its ACL lets write. Of a directory that means: create and remove names in it.

use super::class::{self, Class};
use super::people::{Members, People, Person};
use super::resolve::{Search, Walk, walk};
use super::{Credentials, read_only};
use crate::facts::file::{AclTag, FileFact, FileKind};
use crate::facts::{Fact, Unknown};
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::Path;

/// Write permission of group and others. With an ACL the group's is the mask: without it no entry
/// but the owner's lets anybody write.
const OTHERS_WRITE: u16 = 0o022;

/// One person who can change one inode.
#[derive(Clone, Debug)]
pub(super) struct Holder {
    pub person: Person,
    /// By which right: `as its owner`, `via group staff`, `by ACL entry user:1000:rw-`.
    pub right: String,
    /// Has the right only as everybody has it, and counts by itself where everybody does not.
    pub covered: bool,
    /// Of everybody: those whom a class that comes first denies it.
    pub except: Vec<Person>,
}

impl Holder {
    fn new(person: Person, right: impl Into<String>) -> Self {
        Self { person, right: right.into(), covered: false, except: Vec::new() }
    }
}

/// Everybody who can change one inode, as far as can be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Holders {
    pub found: Vec<Holder>,
    /// Why somebody may be missing.
    pub gap: Option<Unknown>,
}

/// Everybody but uid 0 who can change the inode at a path that has no links in it.
pub(super) fn holders(
    target: &dyn Target,
    people: &People,
    path: &Path,
    fact: &FileFact,
) -> Fact<Holders> {
    let plain = fact.mode.0 & OTHERS_WRITE == 0;
    if fact.kind == FileKind::Symlink || (plain && fact.uid == 0) {
        return Ok(Holders::default());
    }
    if read_only(target, path, fact.kind)? {
        return Ok(Holders::default());
    }
    // Where the flags cannot be told, those who might change it are told: nobody is left out for it.
    if target.protection(path).is_ok_and(|protection| protection.immutable) {
        return Ok(Holders::default());
    }
    let mut found = Vec::new();
    let mut except = Vec::new();
    if fact.uid != 0 {
        for person in people.with_uid(fact.uid) {
            if reaches(target, path, &people.credentials(&person))? {
                found.push(Holder::new(person, "as its owner"));
            } else {
                except.push(person);
            }
        }
    }
    if plain {
        return Ok(Holders { found, gap: None });
    }
    let right = |who: &Credentials| -> Fact<Option<(Class, String)>> {
        let wanted = match fact.kind {
            FileKind::Directory => class::WRITE | class::EXECUTE,
            _ => class::WRITE,
        };
        let verdict = class::check(target, path, fact, who, wanted)?;
        if !verdict.allowed || !reaches(target, path, who)? {
            return Ok(None);
        }
        let acl = verdict.because.strip_prefix("ACL ").map(|entry| format!("by ACL {entry}"));
        let words = match verdict.class {
            Class::Group(gid) | Class::NamedGroup(gid) => {
                let group = format!("via group {}", people.group_name(gid));
                acl.map_or(group.clone(), |acl| format!("{group}, {acl}"))
            }
            Class::Other => acl.unwrap_or_else(|| "as everybody".into()),
            Class::Owner | Class::NamedUser | Class::Capability => {
                acl.unwrap_or_else(|| verdict.because.clone())
            }
        };
        Ok(Some((verdict.class, words)))
    };
    let everyone = right(&people.credentials(&Person::everyone()))?;
    let Members { people: candidates, gap } = candidates(target, people, path, fact)?;
    for person in candidates {
        if person.uid == Some(fact.uid) {
            continue;
        }
        match right(&people.credentials(&person))? {
            Some((class, right)) => {
                let covered = class == Class::Other && everyone.is_some();
                found.push(Holder { covered, ..Holder::new(person, right) });
            }
            None => except.push(person),
        }
    }
    // Whoever else is in the group has nothing that everybody has not.
    let gap = gap.filter(|_| everyone.is_none());
    if let Some((_, mut right)) = everyone {
        if !except.is_empty() {
            let names: Vec<String> = except.iter().map(ToString::to_string).collect();
            right.push_str(&format!(" except {}", names.join(", ")));
        }
        found.push(Holder { except, ..Holder::new(Person::everyone(), right) });
    }
    Ok(Holders { found, gap })
}

/// Whether somebody gets to an inode. Whoever owns a directory on the way can open it.
fn reaches(target: &dyn Target, path: &Path, who: &Credentials) -> Fact<bool> {
    Ok(matches!(walk(target, path, who, Search::AsOwnerLikes)?, Walk::Reached { .. }))
}

/// All accounts, and ids of the ACL that no account has.
fn candidates(target: &dyn Target, people: &People, path: &Path, fact: &FileFact) -> Fact<Members> {
    let mut gids = BTreeSet::new();
    let mut uids = BTreeSet::new();
    if fact.mode.0 & 0o020 != 0 {
        gids.insert(fact.gid);
        for entry in target.acl(path)?.into_iter().flat_map(|acl| acl.entries) {
            match entry.who {
                AclTag::User(uid) if uid != 0 => drop(uids.insert(uid)),
                AclTag::Group(gid) => drop(gids.insert(gid)),
                _ => {}
            }
        }
    }
    let mut all = people.with_groups(&gids, target);
    let known: BTreeSet<u32> = all.people.iter().filter_map(|person| person.uid).collect();
    let strangers = uids.into_iter().filter(|uid| !known.contains(uid));
    all.people.extend(strangers.flat_map(|uid| people.with_uid(uid)));
    Ok(all)
}

//! Who can write a file: every account with a way to do so, and which way that is.
//!
//! The owner counts even where the mode denies writing, since an owner can always `chmod(1)`; for
//! the same reason directories on the way are passable for whoever owns them. Not looked at is
//! whether somebody could put another file in its place (that is about its directories), and
//! which groups a process is given beyond those of the account files (`newgrp(1)` with a group
//! password, `SupplementaryGroups=` of a unit, a name service that lists no members).

use super::class::{self, Class, symbolic};
use super::resolve::{Search, Walk, walk};
use super::{Credentials, read_only};
use crate::facts::account::Accounts;
use crate::facts::file::{AclTag, FileFact, FileKind};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everybody who can write one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writers {
    /// The file, symbolic links resolved.
    pub path: PathBuf,
    /// Accounts of uid 0, at least one: they can write everything.
    pub superusers: Vec<Writer>,
    /// Other accounts that can write it, save those that can only as everybody can.
    pub users: Vec<Writer>,
    /// Why everybody can write it, if so: `other class, mode rw-rw-rw-`.
    pub everyone: Option<String>,
}

impl Writers {
    /// Those who can write the file and are neither in `allowed` nor of uid 0, in words:
    /// `bob: member of group staff, mode rw-rw-r--`.
    pub fn beyond(&self, allowed: &[&str]) -> Vec<String> {
        let everyone = self.everyone.iter().map(|because| format!("everyone: {because}"));
        let is_allowed =
            |writer: &Writer| writer.name.as_deref().is_some_and(|name| allowed.contains(&name));
        let users = self.users.iter().filter(|writer| !is_allowed(writer)).map(Writer::to_string);
        everyone.chain(users).collect()
    }
}

/// One account that can write a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// Login name; `None` for an id without an account, which whoever gets it next will own.
    pub name: Option<String>,
    /// User id; `None` for a name in `group(5)` that no account has.
    pub uid: Option<u32>,
    /// By which right: `owner, mode rw-r--r--`, `member of group staff, mode rw-rw-r--`,
    /// `ACL entry user:1000:rw-`.
    pub because: String,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.uid) {
            (Some(name), _) => write!(f, "{name}: {}", self.because),
            (None, Some(uid)) => write!(f, "uid {uid} (no account): {}", self.because),
            (None, None) => f.write_str(&self.because),
        }
    }
}

/// Somebody who may turn out to be a writer.
struct Candidate {
    name: Option<String>,
    uid: Option<u32>,
    gids: BTreeSet<u32>,
}

/// Who can write the file (or, for a directory, create and remove names in it) that `path`
/// leads to. `None`: there is no such file.
///
/// # Errors
/// When a directory, link or ACL on the way could not be seen: then somebody may be missing.
pub fn writers(files: &dyn Files, accounts: &Accounts, path: &Path) -> Fact<Option<Writers>> {
    let root = Credentials::of(0, []);
    let (path, fact) = match walk(files, path, &root, Search::AsIs)? {
        Walk::Reached { path, fact } => (path, fact),
        Walk::Missing => return Ok(None),
        Walk::Stopped(ruling) => {
            let what = ruling.component.display().to_string();
            return Err(Unknown::new(what, Cause::Unsupported(ruling.because)));
        }
    };
    let mut found =
        Writers { path, superusers: superusers(accounts), users: Vec::new(), everyone: None };
    if read_only(files, &found.path, fact.kind)? {
        return Ok(Some(found));
    }
    let protection = files.protection(&found.path)?;
    if protection.immutable {
        return Ok(Some(found));
    }
    let question = Question {
        files,
        accounts,
        path: &found.path,
        fact: &fact,
        append_only: protection.append_only,
    };
    let nobody = unused_uid(accounts, &fact);
    let stranger = Credentials::of(nobody, []);
    found.everyone = question.way(&stranger)?.map(|(_, because)| because);
    for candidate in candidates(&question)? {
        let uid = candidate.uid.unwrap_or(nobody);
        let Some((class, because)) = question.way(&Credentials::of(uid, candidate.gids))? else {
            continue;
        };
        // One line for everybody says more than one line for each account.
        if class == Class::Other && found.everyone.is_some() {
            continue;
        }
        found.users.push(Writer { name: candidate.name, uid: candidate.uid, because });
    }
    Ok(Some(found))
}

/// The file in question.
struct Question<'a> {
    files: &'a dyn Files,
    accounts: &'a Accounts,
    path: &'a Path,
    fact: &'a Arc<FileFact>,
    /// Its mode cannot be changed, and it is written only at its end.
    append_only: bool,
}

impl Question<'_> {
    /// By which right somebody can write the file, if at all.
    fn way(&self, who: &Credentials) -> Fact<Option<(Class, String)>> {
        if !matches!(walk(self.files, self.path, who, Search::AsOwnerLikes)?, Walk::Reached { .. })
        {
            return Ok(None);
        }
        let mode = symbolic(self.fact.mode);
        if self.fact.uid == who.uid && self.append_only && self.fact.mode.0 & 0o200 == 0 {
            return Ok(None);
        }
        if self.fact.uid == who.uid {
            let remark =
                if self.fact.mode.0 & 0o200 == 0 { ", which its owner can change" } else { "" };
            return Ok(Some((Class::Owner, format!("owner, mode {mode}{remark}"))));
        }
        let wanted = match self.fact.kind {
            FileKind::Directory => class::WRITE | class::EXECUTE,
            _ => class::WRITE,
        };
        let verdict = class::check(self.files, self.path, self.fact, who, wanted)?;
        if !verdict.allowed {
            return Ok(None);
        }
        let by_acl = verdict.because.starts_with("ACL ");
        let right = if by_acl { verdict.because } else { format!("mode {mode}") };
        let because = match verdict.class {
            Class::Group(gid) | Class::NamedGroup(gid) => {
                format!("member of group {}, {right}", self.group_name(gid))
            }
            Class::Other => format!("other class, {right}"),
            Class::Owner | Class::NamedUser | Class::Capability => right,
        };
        Ok(Some((verdict.class, because)))
    }

    fn group_name(&self, gid: u32) -> String {
        match self.accounts.group_by_id(gid) {
            Some(group) => group.name.clone(),
            None => gid.to_string(),
        }
    }
}

/// Accounts of uid 0, or uid 0 itself where none is listed.
fn superusers(accounts: &Accounts) -> Vec<Writer> {
    let because = "uid 0 writes every file";
    let writer = |name| Writer { name, uid: Some(0), because: because.to_owned() };
    let listed = accounts.users.iter().filter(|user| user.uid == 0);
    let found: Vec<Writer> = listed.map(|user| writer(Some(user.name.clone()))).collect();
    if found.is_empty() { vec![writer(None)] } else { found }
}

/// Everybody but uid 0 whom the account files, the owner or the ACL name: accounts in file order,
/// then group members without an account, then ids without one.
fn candidates(question: &Question<'_>) -> Fact<Vec<Candidate>> {
    let accounts = question.accounts;
    let mut groups: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for group in &accounts.groups {
        for member in &group.members {
            groups.entry(member).or_default().insert(group.gid);
        }
    }
    let mut found = Vec::new();
    for user in accounts.users.iter().filter(|user| user.uid != 0) {
        let mut gids = groups.get(user.name.as_str()).cloned().unwrap_or_default();
        gids.insert(user.gid);
        found.push(Candidate { name: Some(user.name.clone()), uid: Some(user.uid), gids });
    }
    let names: BTreeSet<&str> = accounts.users.iter().map(|user| user.name.as_str()).collect();
    for (name, gids) in groups.into_iter().filter(|(name, _)| !names.contains(name)) {
        found.push(Candidate { name: Some(name.to_owned()), uid: None, gids });
    }
    let uids: BTreeSet<u32> = accounts.users.iter().map(|user| user.uid).collect();
    let mut others = BTreeSet::from([question.fact.uid]);
    // An ACL that the kernel would not consult names nobody: see `class::check`.
    if question.fact.mode.0 & 0o070 != 0
        && let Some(acl) = question.files.acl(question.path)?
    {
        others.extend(acl.entries.iter().filter_map(|entry| match entry.who {
            AclTag::User(uid) => Some(uid),
            _ => None,
        }));
    }
    for uid in others.into_iter().filter(|uid| *uid != 0 && !uids.contains(uid)) {
        found.push(Candidate { name: None, uid: Some(uid), gids: BTreeSet::new() });
    }
    Ok(found)
}

/// A user id that no account has and that does not own the file. `u32::MAX` is no id at all.
fn unused_uid(accounts: &Accounts, fact: &FileFact) -> u32 {
    let used: BTreeSet<u32> =
        accounts.users.iter().map(|user| user.uid).chain([fact.uid]).collect();
    (1..u32::MAX).rev().find(|uid| !used.contains(uid)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;

//! Everybody who could have a right: the accounts of the target with their groups, members of
//! groups without an account, and, for one file, ids that no account has.
//!
//! Groups that only the name service switch knows are asked for when a file names them. A process
//! may have groups that no account gives it (`SupplementaryGroups=` of a unit, a setgid program);
//! of these only the account files and the name service know nothing, and neither does this.

use super::Credentials;
use crate::facts::account::{Group, Origin};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Somebody, or everybody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person {
    /// Login name; `None` for an id without an account, which whoever gets it next will own.
    pub name: Option<String>,
    /// User id; `None` for a name in `group(5)` that no account has, and for everybody.
    pub uid: Option<u32>,
    /// Primary and supplementary groups.
    pub gids: BTreeSet<u32>,
}

impl Person {
    /// Anybody at all, with no group in particular.
    pub fn everyone() -> Self {
        Self { name: None, uid: None, gids: BTreeSet::new() }
    }

    /// Whether this stands for everybody.
    pub fn is_everyone(&self) -> bool {
        self.name.is_none() && self.uid.is_none()
    }
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.uid) {
            (Some(name), _) => f.write_str(name),
            (None, Some(uid)) => write!(f, "uid {uid} (no account)"),
            (None, None) => f.write_str("everyone"),
        }
    }
}

/// Those who may be in some groups.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// All people that are known, with those of these groups.
    pub people: Vec<Person>,
    /// Why somebody may be missing from one of the groups.
    pub gap: Option<Unknown>,
}

/// The people of a target.
#[derive(Debug)]
pub struct People {
    /// All but those of uid 0, who need no further right.
    known: Vec<Person>,
    /// Names by gid, for words.
    groups: BTreeMap<u32, String>,
    /// An id that nobody has: what it may do, everybody may.
    stranger: u32,
    /// Why somebody may be missing.
    gap: Option<Unknown>,
    /// Why somebody may be in any group whom nothing here knows.
    unlisted: Option<Unknown>,
    /// Groups of the name service switch that have been asked for: those they add, or the gap.
    asked: RefCell<BTreeMap<u32, Fact<Vec<Person>>>>,
}

impl People {
    /// Reads the accounts.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn of(target: &dyn Target) -> Fact<Self> {
        let accounts = target.accounts()?;
        let mut groups_of: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for group in &accounts.groups {
            for member in &group.members {
                groups_of.entry(member).or_default().insert(group.gid);
            }
        }
        let unlisted = match super::unlisted(target) {
            Ok(unlisted) => unlisted,
            Err(why) => Some(why),
        };
        let mut known = Vec::new();
        for user in accounts.users.iter().filter(|user| user.uid != 0) {
            let mut gids = groups_of.get(user.name.as_str()).cloned().unwrap_or_default();
            gids.insert(user.gid);
            // Into which groups other services put an account of the files can be asked.
            if unlisted.is_some()
                && let Ok(more) = target.groups_of(user)
            {
                gids.extend(more);
            }
            known.push(Person { name: Some(user.name.clone()), uid: Some(user.uid), gids });
        }
        let names: BTreeSet<&str> = accounts.users.iter().map(|user| user.name.as_str()).collect();
        for (name, gids) in groups_of.into_iter().filter(|(name, _)| !names.contains(name)) {
            // A member that no file knows may be an account of the name service switch.
            let uid = target.user(name).ok().flatten().map(|user| user.uid);
            if uid != Some(0) {
                known.push(Person { name: Some(name.to_owned()), uid, gids });
            }
        }
        let gap = accounts.malformed.first().map(|line| {
            Unknown::new(line.clone(), Cause::Malformed("not a line of its format".into()))
        });
        let mut groups = BTreeMap::new();
        for group in &accounts.groups {
            groups.entry(group.gid).or_insert_with(|| group.name.clone());
        }
        let used: BTreeSet<u32> = known.iter().filter_map(|person| person.uid).collect();
        let stranger = (1..u32::MAX).rev().find(|uid| !used.contains(uid)).unwrap_or(u32::MAX);
        Ok(Self { known, groups, stranger, gap, unlisted, asked: RefCell::default() })
    }

    /// Why somebody may be missing from all answers.
    pub fn gap(&self) -> Option<&Unknown> {
        self.gap.as_ref()
    }

    /// All accounts but those of uid 0.
    pub fn all(&self) -> &[Person] {
        &self.known
    }

    /// The people of that id; one without an account is somebody all the same.
    pub fn with_uid(&self, uid: u32) -> Vec<Person> {
        let found: Vec<Person> =
            self.known.iter().filter(|person| person.uid == Some(uid)).cloned().collect();
        match found.is_empty() {
            true => vec![Person { name: None, uid: Some(uid), gids: BTreeSet::new() }],
            false => found,
        }
    }

    /// Everybody, with the members that the name service switch adds to these groups. Where it does not
    /// list the members of one of them, those who are known are told all the same.
    pub fn with_groups(&self, gids: &BTreeSet<u32>, target: &dyn Target) -> Members {
        let mut people = self.known.clone();
        let mut gap = self.unlisted.clone().filter(|_| !gids.is_empty());
        for gid in gids.iter().filter(|gid| !self.groups.contains_key(gid)) {
            let members = self.members(*gid, target).unwrap_or_else(|why| {
                gap.get_or_insert(why);
                Vec::new()
            });
            for person in members {
                match people.iter_mut().find(|known| known.name == person.name) {
                    Some(known) => {
                        known.gids.insert(*gid);
                    }
                    None => people.push(person),
                }
            }
        }
        Members { people, gap }
    }

    /// Those whom the name service switch puts into a group that is not in the files.
    fn members(&self, gid: u32, target: &dyn Target) -> Fact<Vec<Person>> {
        if let Some(answer) = self.asked.borrow().get(&gid) {
            return answer.clone();
        }
        let ask = || match target.group_by_id(gid)? {
            Some(Group { origin: Origin::Nss, name, members, .. }) if members.is_empty() => {
                let why = "its name service lists no members".to_owned();
                Err(Unknown::new(format!("members of group {name}"), Cause::Unsupported(why)))
            }
            Some(group) => group
                .members
                .iter()
                .map(|name| {
                    let uid = target.user(name)?.map(|user| user.uid);
                    Ok(Person { name: Some(name.clone()), uid, gids: BTreeSet::from([gid]) })
                })
                .filter(|person| !matches!(person, Ok(person) if person.uid == Some(0)))
                .collect(),
            None => Ok(Vec::new()),
        };
        let answer = ask();
        self.asked.borrow_mut().insert(gid, answer.clone());
        answer
    }

    /// A group as people know it.
    pub fn group_name(&self, gid: u32) -> String {
        self.groups.get(&gid).cloned().unwrap_or_else(|| gid.to_string())
    }

    /// With which rights somebody comes; everybody as somebody whom nothing mentions.
    pub fn credentials(&self, person: &Person) -> Credentials {
        Credentials::of(person.uid.unwrap_or(self.stranger), person.gids.iter().copied())
    }
}

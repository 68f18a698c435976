//! What decides what a program does that somebody else starts: its file and every directory on the
//! way, interpreter, libraries, unit, environment, configuration. And who, for each of them, could
//! change it: [`crate::access`] answers that; here it is asked for all of them, and what comes from
//! one directory becomes one cause.

pub mod cause;
pub mod chain;
pub mod command;
pub mod engines;
pub mod environment;
pub mod functions;
pub mod granted;
mod pam;
pub mod person;
mod places;
pub mod process;
pub mod program;
mod proof;
mod repair;
pub mod root;
mod running;
mod searched;
pub mod service;
pub mod shells;
mod sources;
pub mod ssh;
pub mod sudo;
pub mod unit;

pub use cause::{Cause, Causes, causes};

use crate::facts::Unknown;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most items of one question; more are not looked at, and that is told.
const LIMIT: usize = 20_000;

/// Objects that decide what a program does, each with the reason why.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// Path and first reason.
    found: BTreeMap<PathBuf, String>,
    /// What may decide it, without that being known: path and why.
    doubtful: BTreeMap<PathBuf, String>,
    /// What counts for nothing but who else than its owner could change it.
    owners: BTreeMap<PathBuf, u32>,
    /// What could not be read: there may be more.
    pub unread: Vec<Unknown>,
    /// What scripts of the distribution put together when they run: not followed, and told.
    pub unfollowed: Vec<Unknown>,
    /// Whether what other users run is left out.
    pub of_root: bool,
}

impl Items {
    /// Adds a path; the first reason that is given for it stays, but for one that leaves it to its owner.
    /// Whether it was new.
    pub fn add(&mut self, path: impl Into<PathBuf>, reason: impl Into<String>) -> bool {
        let path = path.into();
        if self.owners.remove(&path).is_some() {
            self.found.insert(path, reason.into());
            return true;
        }
        if !path.is_absolute() || self.found.contains_key(&path) {
            return false;
        }
        if self.found.len() >= LIMIT {
            if self.found.len() == LIMIT {
                let why = crate::facts::Cause::TooLarge(format!("more than {LIMIT} files"));
                self.unread.push(Unknown::new("files that decide what it does", why));
            }
            return false;
        }
        self.found.insert(path, reason.into());
        true
    }

    /// Adds a path of which it is not known whether it decides anything.
    pub fn doubt(&mut self, path: impl Into<PathBuf>, why: impl Into<String>) {
        if self.doubtful.len() < LIMIT {
            self.doubtful.entry(path.into()).or_insert_with(|| why.into());
        }
    }

    /// Adds a path that is its owner's to change, unless it is there for another reason.
    pub fn add_but_for_owner(
        &mut self,
        path: impl Into<PathBuf>,
        reason: impl Into<String>,
        uid: u32,
    ) {
        let path = path.into();
        if !self.found.contains_key(&path) && self.add(&path, reason) {
            self.owners.insert(path, uid);
        }
    }

    /// Whose a path is to change, if that has been noted.
    pub fn left_to(&self, path: &Path) -> Option<u32> {
        self.owners.get(path).copied()
    }

    /// Paths of which it is not known whether they decide anything.
    pub fn doubts(&self) -> impl Iterator<Item = (&Path, &str)> {
        let new = self.doubtful.iter().filter(|(path, _)| !self.found.contains_key(*path));
        new.map(|(path, why)| (path.as_path(), why.as_str()))
    }

    /// Whether a path has been added.
    pub fn contains(&self, path: &Path) -> bool {
        self.found.contains_key(path)
    }

    /// All of them, by path.
    pub fn iter(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.found.iter().map(|(path, reason)| (path.as_path(), reason.as_str()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Adds all of another collection.
    pub fn extend(&mut self, other: Items) {
        for (path, reason) in other.found {
            match other.owners.get(&path) {
                Some(uid) => self.add_but_for_owner(path, reason, *uid),
                None => drop(self.add(path, reason)),
            }
        }
        for (path, why) in other.doubtful {
            self.doubt(path, why);
        }
        self.unread.extend(other.unread);
        self.unfollowed.extend(other.unfollowed);
    }
}

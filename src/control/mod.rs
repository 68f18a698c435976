//! What decides what a program does that somebody else starts: its file and every directory on the
//! way, interpreter, libraries, unit, environment, configuration. And who, for each of them, could
//! change it: [`crate::access`] answers that; here it is asked for all of them, and what comes from
//! one directory becomes one cause.

pub mod cause;
pub mod chain;
pub mod command;
pub mod environment;
pub mod person;
pub mod process;
pub mod program;
pub mod root;
pub mod service;
pub mod shells;
pub mod ssh;
pub mod sudo;
pub mod unit;

pub use cause::{Cause, Causes, causes};

use crate::facts::Unknown;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The most items of one question; more are not looked at, and that is told.
const LIMIT: usize = 20_000;

/// Things that decide what a program does, each with the reason why.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// Path and first reason.
    found: BTreeMap<PathBuf, String>,
    /// What could not be read: there may be more.
    pub unread: Vec<Unknown>,
}

impl Items {
    /// Adds a path; the first reason that is given for it stays. Whether it was new.
    pub fn add(&mut self, path: impl Into<PathBuf>, reason: impl Into<String>) -> bool {
        let path = path.into();
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
            self.add(path, reason);
        }
        self.unread.extend(other.unread);
    }
}

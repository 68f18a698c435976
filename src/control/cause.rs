//! Who could change one of many things, by cause: a directory that forty files suffer from is one.

use super::Items;
use crate::access::{Deed, Person, Way, listing, who_controls};
use crate::facts::Unknown;
use crate::facts::file::{FileFact, FileKind};
use crate::host::Target;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The most names that a sentence lists.
const SHOWN: usize = 4;

/// A directory or file through which somebody controls something.
#[derive(Clone, Debug)]
pub struct Cause {
    /// The directory or file.
    pub component: PathBuf,
    /// Its inode.
    pub fact: Arc<FileFact>,
    /// By right: who has it.
    pub people: BTreeMap<String, BTreeSet<Person>>,
    /// What they could do, and to what.
    pub deeds: BTreeSet<(Deed, PathBuf)>,
    /// What is affected: path and reason.
    pub items: BTreeMap<PathBuf, String>,
    /// Further causes below this one, for the same people.
    pub below: Vec<Cause>,
}

/// The answer for all items.
#[derive(Clone, Debug, Default)]
pub struct Causes {
    /// Causes, by path.
    pub causes: Vec<Cause>,
    /// What could not be seen.
    pub gaps: Vec<Unknown>,
    /// How many items were looked at.
    pub looked_at: usize,
    /// What scripts put together when they run, which was not followed.
    pub unfollowed: Vec<Unknown>,
}

/// Looks for everybody but uid 0 and those who are allowed to.
pub fn causes(target: &dyn Target, items: &Items, allowed: &dyn Fn(&Person) -> bool) -> Causes {
    let mut found: BTreeMap<PathBuf, Cause> = BTreeMap::new();
    let mut gaps = items.unread.clone();
    for (path, reason) in items.iter() {
        let control = who_controls(target, path);
        gaps.extend(control.gap.clone());
        let left_to = items.left_to(path);
        let counts = |way: &&Way| {
            let own = left_to.is_some() && way.who.uid == left_to;
            !allowed(&way.who) && !own && !is_device(way)
        };
        for way in control.ways.iter().filter(counts) {
            let cause = found.entry(way.component.clone()).or_insert_with(|| Cause {
                component: way.component.clone(),
                fact: Arc::clone(&way.fact),
                people: BTreeMap::new(),
                deeds: BTreeSet::new(),
                items: BTreeMap::new(),
                below: Vec::new(),
            });
            cause.people.entry(way.right.clone()).or_default().insert(way.who.clone());
            cause.deeds.insert((way.deed, way.object.clone()));
            cause.items.insert(path.to_owned(), reason.to_owned());
        }
    }
    gaps.extend(doubts(target, items, allowed));
    gaps.dedup();
    Causes {
        causes: merged(found),
        gaps,
        looked_at: items.len(),
        unfollowed: items.unfollowed.clone(),
    }
}

/// What is written to a device such as /dev/null, which masks a file, changes nothing.
fn is_device(way: &Way) -> bool {
    way.deed == Deed::Write && way.fact.kind == FileKind::CharDevice
}

/// What somebody could change, and of which it is not known whether it decides anything.
fn doubts(target: &dyn Target, items: &Items, allowed: &dyn Fn(&Person) -> bool) -> Vec<Unknown> {
    let mut found = Vec::new();
    for (path, why) in items.doubts() {
        let control = who_controls(target, path);
        let ways = control.ways.iter().filter(|way| !allowed(&way.who) && !is_device(way));
        let people: BTreeSet<String> = ways.map(|way| way.who.to_string()).collect();
        if !people.is_empty() {
            let people: Vec<String> = people.into_iter().collect();
            let why = format!("{why}: that cannot be told, and {} could change it", some(&people));
            found.push(Unknown::new(text::path(path), crate::facts::Cause::Unsupported(why)));
        }
    }
    found
}

/// What lies below a directory that the same people control already is part of that cause.
fn merged(found: BTreeMap<PathBuf, Cause>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for (path, cause) in found {
        let everybody = cause.everybody();
        let above = causes.iter_mut().rev().find(|above| {
            path.starts_with(&above.component) && above.everybody().is_superset(&everybody)
        });
        match above {
            Some(above) => {
                above.items.extend(cause.items.clone());
                above.below.push(cause);
            }
            None => causes.push(cause),
        }
    }
    causes
}

impl Cause {
    fn everybody(&self) -> BTreeSet<Person> {
        self.people.values().flatten().cloned().collect()
    }

    /// The directory or file as people know it: `/opt (drwxrwxr-x root:staff)`.
    pub fn place(&self, target: &dyn Target) -> String {
        let owner = match target.user_by_id(self.fact.uid) {
            Ok(Some(user)) => user.name,
            _ => self.fact.uid.to_string(),
        };
        let group = match target.group_by_id(self.fact.gid) {
            Ok(Some(group)) => group.name,
            _ => self.fact.gid.to_string(),
        };
        format!("{} ({} {owner}:{group})", text::path(&self.component), listing(&self.fact))
    }

    /// Who, and by which right: `bob, eve via group staff`.
    pub fn who(&self) -> String {
        let words = self.people.iter().map(|(right, people)| {
            let names: Vec<String> = people.iter().map(Person::to_string).collect();
            format!("{} {right}", some(&names))
        });
        words.collect::<Vec<_>>().join("; ")
    }

    /// What they could do: `could replace app, create lib`.
    pub fn deeds(&self) -> String {
        let words: Vec<String> =
            self.deeds.iter().map(|(deed, object)| self.deed(*deed, object)).collect();
        some(&words)
    }

    fn deed(&self, deed: Deed, object: &Path) -> String {
        let name = object
            .file_name()
            .map_or_else(|| text::path(object), |name| text::path(Path::new(name)));
        match deed {
            Deed::Replace => format!("replace {name}"),
            Deed::Create => format!("create {name}"),
            Deed::Write if self.fact.kind == FileKind::Directory => "create files in it".to_owned(),
            Deed::Write => "write it".to_owned(),
        }
    }

    /// What is affected: `executable /opt/app/bin/shop, ... and 3 more`.
    pub fn affected(&self) -> String {
        let words: Vec<String> = self
            .items
            .iter()
            .map(|(path, reason)| format!("{reason} {}", text::path(path)))
            .collect();
        some(&words)
    }

    /// The whole route in a sentence.
    pub fn words(&self, target: &dyn Target) -> String {
        format!(
            "{} -> {}: could {}; that decides {}",
            self.place(target),
            self.who(),
            self.deeds(),
            self.affected()
        )
    }
}

/// The first of several words, and how many more there are.
fn some(words: &[String]) -> String {
    let shown: Vec<&str> = words.iter().take(SHOWN).map(String::as_str).collect();
    match words.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

//! Who could change one of many things, by cause: a directory that forty files suffer from is one.

use super::Items;
use crate::access::{Deed, Person, Way, listing, who_controls};
use crate::facts::Unknown;
use crate::facts::file::{FileFact, FileKind};
use crate::host::Target;
use crate::text;
use crate::text::shell::quote_path;
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
    pub below: Vec<PathBuf>,
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
                above.items.extend(cause.items);
                above.below.push(path);
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

    /// Commands that take it away from them. What would harm is advice instead: a home directory
    /// stays its owner's, a device as it is.
    pub fn repairs(&self) -> Vec<String> {
        if self.component.starts_with("/dev") {
            return Vec::new();
        }
        if let Some(home) = self.home() {
            let what = self.items.keys().next().unwrap_or(&self.component);
            let name = quote_path(what);
            let to = what.file_name().unwrap_or_default().to_string_lossy();
            let to = quote_path(&Path::new("/usr/local/sbin").join(&*to));
            let searched = self.items.values().any(|why| why.starts_with("directory of PATH"));
            return vec![match searched {
                true => format!("# take {name} out of PATH: it is in the home directory {home}"),
                false => format!(
                    "# let it be {to}, root's own, instead of {name} in the home directory {home}"
                ),
            }];
        }
        let path = quote_path(&self.component);
        let mut steps = Vec::new();
        let through = |start: &str| self.people.keys().any(|right| right.starts_with(start));
        // A setuid program gives the rights of whose it is: that is for its package to say.
        let privileged = self.fact.kind == FileKind::File && self.fact.mode.0 & 0o6000 != 0;
        if through("as its owner") && !privileged {
            let link = if self.fact.kind == FileKind::Symlink { "-h " } else { "" };
            steps.push(format!("chown {link}root {path}"));
            for below in self.below.iter().take(SHOWN) {
                steps.push(format!("chown -h root {}", quote_path(below)));
            }
        }
        if self.people.keys().any(|right| right.contains("by ACL")) {
            steps.push(format!("setfacl -b {path}"));
        }
        let group =
            through("via group") && !self.people.keys().all(|right| right.contains("by ACL"));
        let change = match (group, through("as everybody")) {
            (true, true) => "go-w",
            (true, false) => "g-w",
            (false, true) => "o-w",
            (false, false) => "",
        };
        // The shared directories are sticky for a reason: what is missing there has to be made.
        let sticky = self.fact.mode.0 & 0o1000 != 0;
        let created: Vec<&PathBuf> = self
            .deeds
            .iter()
            .filter(|(deed, _)| *deed == Deed::Create)
            .map(|(_, object)| object)
            .collect();
        match (sticky, created.first()) {
            (true, Some(object)) => {
                let name = quote_path(object);
                steps.push(format!("install -d -o root -m 0755 {name} # or name another place"));
            }
            _ if !change.is_empty() => steps.push(format!("chmod {change} {path}")),
            _ => {}
        }
        steps
    }

    /// The home directory that it is or lies in.
    fn home(&self) -> Option<String> {
        let mut parts = self.component.components().skip(1);
        let first = parts.next()?.as_os_str().to_owned();
        let name = parts.next()?.as_os_str().to_string_lossy().into_owned();
        (first == "home").then(|| format!("/home/{name}"))
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

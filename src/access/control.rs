//! Who controls what a path leads to, and through which component.
//!
//! Somebody controls a path who, in any directory that its resolution looks into (the directories of
//! symbolic links included), owns the directory, or may put another thing under the name that is
//! looked up; or who owns or may write the file at its end. Of a name that does not exist, whoever
//! may create it decides what it will be. uid 0 is left out: it controls everything.

use super::entry::{pinned, protected};
use super::holders::{Holder, Holders, holders};
use super::people::{People, Person};
use crate::facts::file::FileFact;
use crate::facts::{Fact, Unknown};
use crate::host::Target;
use crate::host::route::{Lookup, Route, route};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names are their owners'.
const STICKY: u16 = 0o1000;

/// What somebody could do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Deed {
    /// Put another thing in the place of what is there.
    Replace,
    /// Create what does not exist yet.
    Create,
    /// Write the file itself, or change its mode.
    Write,
}

/// One way in which one person controls a path.
#[derive(Clone, Debug)]
pub struct Way {
    /// Who.
    pub who: Person,
    /// The directory or file whose owner or mode allows it.
    pub component: PathBuf,
    /// That directory or file.
    pub fact: Arc<FileFact>,
    /// By which right: `via group staff`, `as its owner`.
    pub right: String,
    /// Of everybody: those whom it does not allow.
    pub except: Vec<Person>,
    /// What they could do.
    pub deed: Deed,
    /// To what: a name in the directory, or the file itself.
    pub object: PathBuf,
}

/// Everybody who controls a path.
#[derive(Clone, Debug, Default)]
pub struct Control {
    /// All ways, in the order of the components.
    pub ways: Vec<Way>,
    /// The file that the path leads to; `None`: there is none.
    pub end: Option<(PathBuf, Arc<FileFact>)>,
    /// What keeps this from being known to be all.
    pub gap: Option<Unknown>,
}

/// Answers that are kept for the run: directories are shared by most paths.
#[derive(Debug, Default)]
pub struct Memo {
    people: OnceCell<Fact<Arc<People>>>,
    inodes: RefCell<HashMap<PathBuf, Fact<Arc<Holders>>>>,
    paths: RefCell<HashMap<PathBuf, Arc<Control>>>,
}

impl Memo {
    /// The people of the target.
    ///
    /// # Errors
    /// Where its accounts cannot be read.
    pub fn people(&self, target: &dyn Target) -> Fact<Arc<People>> {
        self.people.get_or_init(|| People::of(target).map(Arc::new)).clone()
    }

    fn holders(
        &self,
        target: &dyn Target,
        people: &People,
        path: &Path,
        fact: &FileFact,
    ) -> Fact<Arc<Holders>> {
        if let Some(answer) = self.inodes.borrow().get(path) {
            return answer.clone();
        }
        let answer = holders(target, people, path, fact).map(Arc::new);
        self.inodes.borrow_mut().insert(path.to_owned(), answer.clone());
        answer
    }
}

/// Everybody but uid 0 who controls what an absolute path leads to. What could not be seen is a gap
/// of the answer; what was seen all the same is told.
pub fn who_controls(target: &dyn Target, path: &Path) -> Arc<Control> {
    let memo = target.memo().table::<crate::access::Memo>();
    if let Some(answer) = memo.paths.borrow().get(path) {
        return Arc::clone(answer);
    }
    let answer = Arc::new(find(target, &memo, path));
    memo.paths.borrow_mut().insert(path.to_owned(), Arc::clone(&answer));
    answer
}

fn find(target: &dyn Target, memo: &Memo, path: &Path) -> Control {
    let mut control = Control::default();
    let people = match memo.people(target) {
        Ok(people) => people,
        Err(why) => return Control { gap: Some(why), ..control },
    };
    control.gap = people.gap().cloned();
    let Route { lookups, end } = match route(target, path) {
        Ok(route) => route,
        Err(why) => return Control { gap: Some(why), ..control },
    };
    for lookup in &lookups {
        match memo.holders(target, &people, &lookup.directory, &lookup.fact) {
            Ok(holders) => {
                let object = lookup.directory.join(&lookup.name);
                let kept = || {
                    let entry = lookup.entry.is_some().then_some(object.as_path());
                    protected(target, &lookup.directory, entry).is_ok_and(|why| why.is_some())
                };
                let Holders { found, gap } = &*holders;
                if (!found.is_empty() || gap.is_some()) && !kept() {
                    through(lookup, found, &people, &mut control.ways);
                    // In a sticky directory a group's members reach only what is theirs.
                    let sticky = lookup.fact.mode.0 & STICKY != 0 && lookup.entry.is_some();
                    control.gap = gap.clone().filter(|_| !sticky).or(control.gap);
                }
            }
            Err(why) => control.gap = Some(why),
        }
    }
    if let Some((path, fact)) = &end {
        match memo.holders(target, &people, path, fact) {
            Ok(holders) => {
                let ways = holders
                    .found
                    .iter()
                    .filter(|holder| !holder.covered)
                    .map(|holder| way(holder, path, fact, Deed::Write, path.clone()));
                control.ways.extend(ways);
                control.gap = holders.gap.clone().or(control.gap);
            }
            Err(why) => control.gap = Some(why),
        }
    }
    control.end = end;
    control
}

fn way(
    holder: &Holder,
    component: &Path,
    fact: &Arc<FileFact>,
    deed: Deed,
    object: PathBuf,
) -> Way {
    Way {
        who: holder.person.clone(),
        component: component.to_owned(),
        fact: Arc::clone(fact),
        right: holder.right.clone(),
        except: holder.except.clone(),
        deed,
        object,
    }
}

/// The ways that one directory opens.
fn through(lookup: &Lookup, holders: &[Holder], people: &People, ways: &mut Vec<Way>) {
    let deed = if lookup.entry.is_some() { Deed::Replace } else { Deed::Create };
    let can = |holder: &Holder| {
        let who = people.credentials(&holder.person);
        lookup.entry.as_ref().is_none_or(|entry| pinned(&lookup.fact, entry, &who).is_none())
    };
    let everyone = holders.iter().find(|holder| holder.person.is_everyone());
    let open = everyone.is_some_and(can);
    let object = lookup.directory.join(&lookup.name);
    let mut add = |holder: &Holder| match &lookup.entry {
        // It is the owner of the name who may do so, not whoever may write the directory.
        Some(entry) if owns_only_the_name(&lookup.fact, entry, holder) => {
            let holder = Holder { right: "as its owner".into(), ..holder.clone() };
            ways.push(way(&holder, &object, entry, deed, object.clone()));
        }
        _ => ways.push(way(holder, &lookup.directory, &lookup.fact, deed, object.clone())),
    };
    holders.iter().filter(|holder| can(holder) && !(holder.covered && open)).for_each(&mut add);
    // In a sticky directory that everybody may write, whoever owns a name may replace it, with an
    // account or without.
    let owner = lookup.entry.as_ref().map(|entry| entry.uid).filter(|uid| *uid != 0 && !open);
    if let (Some(everyone), Some(uid)) = (everyone, owner)
        && !people.all().iter().any(|person| person.uid == Some(uid))
        && uid != lookup.fact.uid
    {
        let strangers = people.with_uid(uid).into_iter();
        strangers
            .map(|person| Holder { person, except: Vec::new(), ..everyone.clone() })
            .filter(can)
            .for_each(|holder| add(&holder));
    }
}

/// Whether the sticky bit keeps a name from all but its owner, who is this one.
fn owns_only_the_name(directory: &FileFact, entry: &FileFact, holder: &Holder) -> bool {
    directory.mode.0 & STICKY != 0
        && holder.person.uid == Some(entry.uid)
        && directory.uid != entry.uid
}

//! A repair must not do somebody else's work.
//!
//! A command acts on what a path leads to when it is given, and whoever can write one of the
//! directories on the way decides that: `chown nginx /srv/www/app.conf` gives /etc/shadow to nginx once
//! the name is a link to it. So a step whose path leads through a link that others could have made, or
//! through a directory that a group or everybody may write, is handed to a person with the reason. And
//! what was seen in an image is repaired where it is made.

use crate::facts::file::{FileFact, FileKind};
use crate::host::Target;
use crate::rules::guard_gaps::advice;
use crate::text::step::{Touch, command, paths, touch};
use crate::text::{path as shown, shell};
use crate::verdict::{Assertion, Outcome};
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on one way, as the kernel does (`MAXSYMLINKS`).
const LINKS: usize = 40;
const STICKY: u16 = 0o1000;

/// A violation with its steps: those that its rule has written down, else those that were derived;
/// each says what has to be looked at before it is taken.
pub fn guarded(mut assertion: Assertion, written: &[String], target: &dyn Target) -> Assertion {
    if assertion.outcome != Outcome::Fail {
        return assertion;
    }
    advice(target, |target| {
        let steps = |derived: &mut Vec<String>| {
            let steps = if written.is_empty() { std::mem::take(derived) } else { written.to_vec() };
            *derived = steps.into_iter().map(|step| guard(step, target)).collect();
        };
        steps(&mut assertion.corrective);
        assertion.objects.iter_mut().for_each(|object| steps(&mut object.corrective));
    });
    assertion
}

fn guard(step: String, target: &dyn Target) -> String {
    let Some(touch) = touch(&step).filter(|_| command(&step).is_ok()) else { return step };
    if target.image().is_some() {
        return format!("add to the Dockerfile: RUN {step}");
    }
    let obstacle = paths(&step).into_iter().find_map(|path| obstacle(target, &path, touch));
    match obstacle {
        Some(why) => format!("{why}: look there first, then, where it is right, `{step}`"),
        None => step,
    }
}

/// Why what a path leads to is not known to be what was meant; `None` also where it cannot be seen.
fn obstacle(target: &dyn Target, path: &str, touch: Touch) -> Option<String> {
    let mut left: VecDeque<OsString> = names(Path::new(path)).collect();
    let mut at = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = left.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let folder = target.file(&at).ok().flatten()?;
        let next = at.join(&name);
        let entry = target.file(&next).ok().flatten()?;
        let is_end = left.is_empty();
        if let Some(to) = entry.link_target.as_deref().filter(|_| entry.kind == FileKind::Symlink) {
            let words = format!("{} is a link to {} (uid {})", shown(&next), shown(to), entry.uid);
            let of_others = is_open(&folder, &entry) || folder.uid != 0;
            if of_others || (is_end && touch == Touch::Follows) {
                return Some(words);
            }
            if is_end {
                return None;
            }
            links += 1;
            if links > LINKS {
                return None;
            }
            if to.is_absolute() {
                at = PathBuf::from("/");
            }
            names(to).rev().for_each(|name| left.push_front(name));
            continue;
        }
        if is_open(&folder, &entry) {
            let folder = shell::quote_path(&at);
            return Some(format!(
                "others can put something else in the place of {} ({folder} has mode {})",
                shown(&next),
                target.file(&at).ok().flatten()?.mode
            ));
        }
        at = next;
    }
    None
}

fn names(path: &Path) -> impl DoubleEndedIterator<Item = OsString> {
    let name = |component| match component {
        Component::Normal(name) => Some(OsString::from(name)),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().filter_map(name).collect::<Vec<_>>().into_iter()
}

/// Whether a group or everybody can rename an entry of a directory and put another in its place: not
/// where the sticky bit keeps them from it, and the entry is root's.
pub fn is_open(folder: &FileFact, entry: &FileFact) -> bool {
    let mode = folder.mode.0;
    let by_group = mode & 0o020 != 0 && folder.gid != 0;
    let kept = mode & STICKY != 0 && folder.uid == 0 && entry.uid == 0;
    (mode & 0o002 != 0 || by_group) && !kept
}

//! A new directory with five hundred files is one thing to a person, not five hundred and one.

use crate::facts::drift::{Change, How};
use crate::facts::object::Class;
use std::collections::HashMap;

/// So many of what is below are named.
const NAMED: usize = 3;

/// A change, and how many lie below it that say the same.
pub(super) struct Folded<'a> {
    pub change: &'a Change,
    pub below: usize,
    /// The first of them.
    pub first: Vec<&'a str>,
}

/// Changes with those left out that lie below an added or removed directory and have come or gone
/// with it, for the same reason.
pub(super) fn fold<'a>(changes: &[&'a Change]) -> Vec<Folded<'a>> {
    let mut at: HashMap<&str, usize> = HashMap::new();
    let mut out: Vec<Folded> = Vec::new();
    for change in changes {
        let whole = change.class == Class::File && change.how != How::Changed;
        let around = |path: &'a str| {
            let mut path = path;
            let mut found = None;
            while let Some((folder, _)) = path.rsplit_once('/') {
                path = folder;
                found = at.get(folder).copied().or(found);
            }
            found
        };
        let same = |index: &usize| {
            out.get(*index).is_some_and(|folded| {
                folded.change.how == change.how
                    && folded.change.explanation == change.explanation
                    && change.deltas.len() == 1
            })
        };
        match around(&change.name).filter(|_| whole).filter(same) {
            Some(index) => {
                if let Some(folded) = out.get_mut(index) {
                    folded.below += 1;
                    if folded.first.len() < NAMED {
                        folded.first.push(&change.name);
                    }
                }
            }
            None => {
                if whole {
                    at.insert(&change.name, out.len());
                }
                out.push(Folded { change, below: 0, first: Vec::new() });
            }
        }
    }
    out
}

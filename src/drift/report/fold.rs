//! A new directory with five hundred files is one thing to a person, not five hundred and one; and so is
//! a new account, with the files that it stands in.

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
    /// Files that have changed with an account.
    pub files: Vec<&'a str>,
}

/// Where accounts and groups are kept, passwd(5), shadow(5), group(5), gshadow(5), subuid(5), subgid(5);
/// beside each lies what it was before, with a `-`.
const ACCOUNTS: [&str; 6] =
    ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/subuid", "/etc/subgid"];

/// Whether a change is one of those files with another content, and nothing else.
fn is_of_accounts(change: &Change) -> bool {
    let file = change.name.strip_suffix('-').unwrap_or(&change.name);
    // Another owner or mode is no new account.
    const BY_USERADD: [&str; 6] = ["content", "size", "mtime", "ctime", "inode", "exists"];
    let of_content =
        change.deltas.iter().all(|delta| BY_USERADD.contains(&delta.attribute.as_str()));
    change.class == Class::File
        && ACCOUNTS.contains(&file)
        && of_content
        && (change.how == How::Changed || change.how == How::Added && change.name.ends_with('-'))
}

/// Changes with those left out that lie below an added or removed directory and have come or gone
/// with it, for the same reason.
pub(super) fn fold<'a>(changes: &[&'a Change]) -> Vec<Folded<'a>> {
    let mut at: HashMap<&str, usize> = HashMap::new();
    let mut out: Vec<Folded> = Vec::new();
    let account = changes.iter().find(|change| change.class == Class::Account);
    let account = account.or_else(|| changes.iter().find(|change| change.class == Class::Group));
    let mut files = Vec::new();
    for change in changes {
        if account.is_some() && is_of_accounts(change) {
            files.push(change.name.as_str());
            continue;
        }
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
                out.push(Folded { change, below: 0, first: Vec::new(), files: Vec::new() });
            }
        }
    }
    let told = |folded: &&mut Folded| account.is_some_and(|one| std::ptr::eq(folded.change, *one));
    if let Some(folded) = out.iter_mut().find(told) {
        folded.files = files;
    }
    out
}

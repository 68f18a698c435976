//! Taking changes into a baseline: object by object, attribute by attribute, and only what somebody
//! has seen in a report.

use super::baseline::{Acceptance, Baseline};
use super::compare::FileChange;
use super::run::Outcome;
use super::settings;
use super::store::state::State;
use crate::facts::drift::{Change, Delta, Explanation, How};
use crate::facts::object::Class;
use crate::facts::scope::{Expected, Rules, Scope};
use crate::facts::snapshot::{Directory, Record, Tree, split};
use crate::host::Target;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody wants to accept.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Paths and patterns of files, or a class and a name: `listener 0.0.0.0:80/tcp`.
    pub objects: Vec<String>,
    /// Only these attributes; all that differ where there are none.
    pub attributes: Vec<String>,
    /// Instead of objects: everything that is explained.
    pub explained: bool,
}

/// Chooses the changes that are meant.
///
/// # Errors
/// In words, when an object is none of them, or none that could be accepted.
pub fn choose<'a>(wish: &Wish, changes: &'a [Change]) -> Result<Vec<&'a Change>, String> {
    if wish.explained {
        let explained = |change: &&Change| {
            !change.explanation.counts() && change.explanation != Explanation::Accepted
        };
        return Ok(changes.iter().filter(explained).collect());
    }
    let mut chosen: BTreeMap<(Class, &str), &Change> = BTreeMap::new();
    for object in &wish.objects {
        let rules = Rules::new(&Scope {
            expected: vec![Expected {
                path: object.clone(),
                attributes: Vec::new(),
                why: String::new(),
            }],
            ..Scope::default()
        })?;
        let fits = |change: &&Change| {
            let address = match change.class {
                Class::File if object.starts_with('/') => change.name.clone(),
                class => format!("{} {}", class.name(), change.name),
            };
            address == *object || rules.expected(address.as_bytes()).next().is_some()
        };
        let before = chosen.len();
        let found = changes.iter().filter(fits).collect::<Vec<_>>();
        if found.is_empty() {
            return Err(format!("`{object}` is none of the things that have changed"));
        }
        chosen.extend(found.iter().map(|change| ((change.class, change.name.as_str()), *change)));
        debug_assert!(chosen.len() >= before);
    }
    for attribute in &wish.attributes {
        let has = |change: &&Change| change.deltas.iter().any(|d| d.attribute == *attribute);
        if !chosen.values().any(has) {
            return Err(format!("`{attribute}` does not differ for any of them"));
        }
    }
    Ok(chosen.into_values().collect())
}

/// Those that have changed again since the last report, or were not in it.
pub fn unseen<'a>(chosen: &[&'a Change], state: &State) -> Vec<&'a Change> {
    let key = |change: &Change| format!("{} {}", change.class.name(), change.name);
    // What was only written again is no news, and in no report by its digest.
    let news = |change: &&&Change| {
        change.explanation != Explanation::Rewritten
            && state.changes.get(&key(change)) != Some(&change.digest())
    };
    chosen.iter().filter(news).copied().collect()
}

fn is_meant(wish: &Wish, delta: &Delta) -> bool {
    wish.attributes.is_empty() || wish.attributes.contains(&delta.attribute)
}

/// Acceptances for a while.
pub fn for_a_while(
    wish: &Wish,
    chosen: &[&Change],
    template: &Acceptance,
    baseline: &mut Baseline,
) {
    for change in chosen {
        for delta in change.deltas.iter().filter(|delta| is_meant(wish, delta)) {
            if delta.explanation == Explanation::Rewritten {
                continue;
            }
            let acceptance = Acceptance {
                class: change.class,
                name: change.name.clone(),
                attribute: delta.attribute.clone(),
                value: delta.after.clone(),
                ..template.clone()
            };
            let same = |one: &Acceptance| {
                one.class == acceptance.class
                    && one.name == acceptance.name
                    && one.attribute == acceptance.attribute
            };
            baseline.head.acceptances.retain(|one| !same(one));
            baseline.head.acceptances.push(acceptance);
        }
    }
}

/// Takes changes into the baseline for good.
pub fn for_good(
    wish: &Wish,
    chosen: &[&Change],
    outcome: &Outcome,
    target: &dyn Target,
    baseline: &mut Baseline,
) {
    let names: BTreeMap<&str, &Change> = chosen
        .iter()
        .filter(|change| change.class == Class::File)
        .map(|change| (change.name.as_str(), *change))
        .collect();
    let mut edits: BTreeMap<Vec<u8>, Option<Record>> = BTreeMap::new();
    for file in &outcome.files {
        let name = text::bytes(&file.path);
        let Some(change) = names.get(name.as_str()) else { continue };
        if let Some(record) = accepted_record(wish, change, file) {
            edits.insert(file.path.clone(), record);
        }
        let content = change.deltas.iter().any(|d| d.attribute == "content" && is_meant(wish, d));
        if content || change.how != How::Changed {
            remember_settings(baseline, &name, &file.path, change.how, target);
        }
    }
    edit(&mut baseline.tree, edits);
    for change in chosen.iter().filter(|change| change.class != Class::File) {
        let now = outcome.objects.all.get(&change.class).and_then(|all| all.get(&change.name));
        let before = baseline.objects.all.entry(change.class).or_default();
        match (change.how, now) {
            (How::Removed, _) => drop(before.remove(&change.name)),
            (How::Added, Some(now)) => drop(before.insert(change.name.clone(), now.clone())),
            (How::Changed, Some(now)) => {
                let known = before.entry(change.name.clone()).or_default();
                for delta in change.deltas.iter().filter(|delta| is_meant(wish, delta)) {
                    match now.get(&delta.attribute) {
                        Some(value) => drop(known.insert(delta.attribute.clone(), value.clone())),
                        None => drop(known.remove(&delta.attribute)),
                    }
                }
            }
            _ => {}
        }
    }
    let gone: BTreeSet<(Class, &str)> =
        chosen.iter().map(|change| (change.class, change.name.as_str())).collect();
    baseline.head.acceptances.retain(|one| !gone.contains(&(one.class, one.name.as_str())));
    // Everything else was seen to be as it is said to be, or is still told as a change.
    baseline.head.checked = outcome.looked;
}

fn remember_settings(
    baseline: &mut Baseline,
    name: &str,
    path: &[u8],
    how: How,
    target: &dyn Target,
) {
    let Some(all) = baseline.objects.all.get_mut(&Class::Settings) else { return };
    // Only of what the baseline, or nobody yet, knows: secrets are not.
    let known = all.remove(name).is_some() || how == How::Added && path.starts_with(b"/etc/");
    let secret = Rules::new(&baseline.head.scope)
        .is_ok_and(|rules| rules.use_of(path) != crate::facts::scope::FileUse::Plain);
    if how != How::Removed
        && known
        && !secret
        && let Some(settings) = settings::of_file(target, path)
    {
        let plain = settings.into_iter().map(|(key, (value, _))| (key, value)).collect();
        all.insert(name.to_owned(), plain);
    }
}

/// The record that the baseline has from now on; the inner `None` takes it out.
fn accepted_record(wish: &Wish, change: &Change, file: &FileChange) -> Option<Option<Record>> {
    let all = change
        .deltas
        .iter()
        .all(|delta| is_meant(wish, delta) || delta.explanation == Explanation::Rewritten);
    match (&file.before, &file.after) {
        (_, Some(after)) if all => Some(Some(after.clone())),
        (_, None) if all => Some(None),
        (Some(before), Some(after)) => {
            let mut record = before.clone();
            for delta in change.deltas.iter().filter(|delta| is_meant(wish, delta)) {
                take(&mut record, after, &delta.attribute);
            }
            Some(Some(record))
        }
        _ => None,
    }
}

/// Takes one attribute over.
fn take(record: &mut Record, after: &Record, attribute: &str) {
    let mut extra = record.extra.take().unwrap_or_default();
    let other = after.extra.clone().unwrap_or_default();
    match attribute {
        "type" => record.kind = after.kind,
        "owner" => record.uid = after.uid,
        "group" => record.gid = after.gid,
        "mode" => record.mode = after.mode,
        "flags" => extra.flags = other.flags,
        "device" => extra.device = other.device,
        "target" => extra.link.clone_from(&other.link),
        "content" => {
            record.content = after.content;
            record.size = after.size;
        }
        "size" => record.size = after.size,
        "mtime" => record.modified = after.modified,
        "ctime" => record.changed = after.changed,
        "inode" => record.inode = after.inode,
        "filesystem" => record.filesystem = after.filesystem,
        "links" => record.links = after.links,
        name => {
            let key: Vec<u8> = match name {
                "acl" => b"system.posix_acl_access".to_vec(),
                "default_acl" => b"system.posix_acl_default".to_vec(),
                "capabilities" => b"security.capability".to_vec(),
                other => other.strip_prefix("xattr ").unwrap_or(other).as_bytes().to_vec(),
            };
            extra.xattrs.retain(|(known, _)| *known != key);
            extra.xattrs.extend(other.xattrs.iter().filter(|(known, _)| *known == key).cloned());
            extra.xattrs.sort_unstable();
        }
    }
    record.extra = (*extra != crate::facts::snapshot::Extra::default()).then_some(extra);
}

/// Puts records into a tree, and takes others out.
fn edit(tree: &mut Tree, edits: BTreeMap<Vec<u8>, Option<Record>>) {
    let mut by_folder: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Option<Record>>> = BTreeMap::new();
    for (path, record) in edits {
        if let Some((folder, name)) = split(&path) {
            by_folder.entry(folder.to_vec()).or_default().insert(name.to_vec(), record);
        }
    }
    for (folder, edits) in by_folder {
        let position = tree.directories.binary_search_by(|one| one.path.as_slice().cmp(&folder));
        let known = position.ok().and_then(|at| tree.directories.get(at));
        let mut records: BTreeMap<Vec<u8>, Record> = known
            .into_iter()
            .flat_map(Directory::iter)
            .map(|(name, record)| (name.to_vec(), record.clone()))
            .collect();
        for (name, record) in edits {
            match record {
                Some(record) => drop(records.insert(name, record)),
                None => drop(records.remove(&name)),
            }
        }
        let mut new = Directory::new(folder);
        records.into_iter().for_each(|(name, record)| new.push(&name, record));
        match position {
            Ok(at) => {
                if let Some(place) = tree.directories.get_mut(at) {
                    *place = new;
                }
            }
            Err(at) => tree.directories.insert(at, new),
        }
    }
    // A directory that is gone has no listing either; one that is new and empty has none yet.
    tree.directories.retain(|directory| !directory.records.is_empty());
}

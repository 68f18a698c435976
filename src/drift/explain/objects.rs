//! What differs beside files, and why.

use super::files::accepted;
use crate::drift::baseline::{Acceptance, Head};
use crate::drift::objects::OVERRIDE;
use crate::facts::drift::{Change, Delta, Explanation, How};
use crate::facts::object::{Attributes, Class, Objects, UNSEEN};
use crate::facts::package_file::Owner;
use crate::facts::scope::Rules;
use std::collections::{BTreeMap, BTreeSet};

/// Changes of everything but files and settings. What was not looked at either time, or could not be
/// seen, is not compared.
pub fn explain_objects(
    before: &Objects,
    after: &Objects,
    rules: &Rules,
    acceptances: &[Acceptance],
    now: i64,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (class, was) in &before.all {
        let Some(is) = after.all.get(class).filter(|_| *class != Class::Settings) else { continue };
        if *class == Class::Package && !was.is_empty() && is.is_empty() {
            changes.push(no_packages(was.len()));
            continue;
        }
        let names: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
        for name in names {
            let (how, deltas) = match (was.get(name), is.get(name)) {
                (Some(was), Some(is)) => (How::Changed, changed(*class, name, was, is)),
                (Some(was), None) => (How::Removed, vec![exists(*class, name, Some(was), None)]),
                (None, Some(is)) => (How::Added, vec![exists(*class, name, None, Some(is))]),
                (None, None) => continue,
            };
            if deltas.is_empty() {
                continue;
            }
            let address = format!("{} {name}", class.name());
            let explain = |mut delta: Delta| {
                let expected = rules.expected(address.as_bytes()).find(|expected| {
                    expected.attributes.is_empty() || expected.attributes.contains(&delta.attribute)
                });
                if let Some(expected) = expected.filter(|_| delta.explanation.counts()) {
                    delta.explanation = Explanation::Expected;
                    delta.why.clone_from(&expected.why);
                }
                accepted(acceptances, now, *class, name, delta)
            };
            let deltas = deltas.into_iter().map(explain).collect();
            changes.push(Change::new(*class, name.clone(), how, deltas));
        }
    }
    changes
}

/// A database that is gone, or says nothing any more, does not say that all packages were removed.
fn no_packages(count: usize) -> Change {
    let why = "there is no package database any more, or nothing in it";
    let delta = Delta {
        before: Some(format!("{count} packages")),
        why: why.to_owned(),
        explanation: Explanation::Unexplained,
        ..delta(Class::Package, "all", "exists", false)
    };
    Change::new(Class::Package, "all".to_owned(), How::Removed, vec![delta])
}

/// Packages whose files the database describes otherwise than the baseline has them, though their
/// version is the same: nothing that it says about them is believed.
pub fn doubtful(head: &Head, now: &[Owner]) -> BTreeSet<String> {
    let before: BTreeMap<&str, &String> =
        head.packages.iter().map(String::as_str).zip(&head.manifests).collect();
    let edited = |owner: &&Owner| {
        let known = before.get(format!("{} {}", owner.name, owner.version).as_str());
        known.is_some_and(|manifest| !manifest.is_empty() && **manifest != owner.manifest)
    };
    now.iter().filter(edited).map(|owner| owner.name.clone()).collect()
}

/// The same by what an older baseline has of packages.
pub fn doubtful_objects(before: &Objects, after: &Objects) -> BTreeSet<String> {
    let none = BTreeMap::new();
    let was = before.all.get(&Class::Package).unwrap_or(&none);
    let is = after.all.get(&Class::Package).unwrap_or(&none);
    let edited = |(name, new): &(&String, &Attributes)| {
        let Some(old) = was.get(*name) else { return false };
        let same = |key: &str| old.get(key) == new.get(key);
        let seen = |values: &Attributes| values.get("files").is_none_or(|files| files != UNSEEN);
        same("version") && same("state") && !same("files") && seen(old) && seen(new)
    };
    is.iter().filter(edited).map(|(name, _)| name.clone()).collect()
}

fn words(attributes: &Attributes) -> String {
    let words: Vec<String> =
        attributes.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect();
    if words.is_empty() { "there".to_owned() } else { words.join(", ") }
}

fn shown(value: &str) -> &str {
    if value == UNSEEN { "not seen" } else { value }
}

/// That a package came, went or has another version is what its manager says itself; what is left to
/// be explained are its files.
fn package(name: &str, attribute: &str, edited: bool) -> (Explanation, &'static str) {
    match (attribute, edited) {
        _ if name.starts_with(OVERRIDE) => (Explanation::Unexplained, "set by dpkg-statoverride"),
        ("files", true) => (
            Explanation::Unexplained,
            "the package database was edited: same version, other digests",
        ),
        _ => (Explanation::Verified, "by the package database itself"),
    }
}

fn delta(class: Class, name: &str, attribute: &str, edited: bool) -> Delta {
    let (explanation, why) = match class {
        Class::Package => package(name, attribute, edited),
        _ => (Explanation::Unexplained, ""),
    };
    Delta {
        attribute: attribute.to_owned(),
        before: None,
        after: None,
        line: None,
        explanation,
        why: why.to_owned(),
    }
}

fn exists(
    class: Class,
    name: &str,
    before: Option<&Attributes>,
    after: Option<&Attributes>,
) -> Delta {
    let delta = delta(class, name, "exists", false);
    Delta { before: before.map(words), after: after.map(words), ..delta }
}

/// What could not be seen at one of the times is not compared; it is told as not seen.
fn changed(class: Class, name: &str, was: &Attributes, is: &Attributes) -> Vec<Delta> {
    let seen = |key: &str| ![was, is].iter().any(|of| of.get(key).is_some_and(|v| v == UNSEEN));
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let edited = ["version", "state"].iter().all(|key| was.get(*key) == is.get(*key));
    keys.into_iter()
        .filter(|key| was.get(*key) != is.get(*key) && seen(key))
        .map(|key| Delta {
            before: was.get(key).cloned(),
            after: is.get(key).cloned(),
            ..delta(class, name, key, edited)
        })
        .collect()
}

//! When two violations are the same piece of work.
//!
//! An item is policy, rule and subject. Nothing else: not the host, of which it may have many, no
//! condition, since what is wrong with one thing is one piece of work, no pid, inode, time, line or
//! wording, so that it survives restarts, edits of titles and a new order of rules. Which conditions
//! are violated where are its occurrences.

use crate::verdict::{Finding, Subject};
use sha2::{Digest, Sha256};
use std::fmt;

/// Longest name that is kept of anything, in bytes: a hostile file name cannot fill the ledger, and
/// PostgreSQL's indexes hold less than 2704 bytes of a row.
pub const LONGEST_NAME: usize = 1024;

/// A thing on a host, named the same on every host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Affected {
    /// `service`, `port`, `file` ...
    pub kind: String,
    /// Service name, protocol and port, canonical path, account.
    pub name: String,
}

impl Affected {
    /// The thing that a check calls so.
    pub fn of(subject: &Subject) -> Self {
        Self { kind: subject.kind.to_owned(), name: canonical(&subject.name) }
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// What makes an action item the one that it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// Policy's name.
    pub policy: String,
    /// Rule's id.
    pub rule: String,
    /// What has to be changed: the subject, or the cause that several subjects suffer from.
    pub thing: Affected,
}

impl ItemKey {
    /// The item that a violation belongs to.
    pub fn of(finding: &Finding) -> Self {
        let assertion = &finding.assertion;
        Self {
            policy: finding.rule.policy.clone(),
            rule: finding.rule.id.clone(),
            thing: Affected::of(assertion.cause.as_ref().unwrap_or(&assertion.subject)),
        }
    }

    /// The same in 16 hexadecimal digits, for programs that want one word.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let fields = [&self.policy, &self.rule, &self.thing.kind, &self.thing.name];
        for field in fields {
            // With its length, so that no two lists of fields are the same bytes.
            hash.update((field.len() as u64).to_le_bytes());
            hash.update(field.as_bytes());
        }
        hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A name in one spelling: of a path the empty and `.` components are left out. `..` stays, since
/// where it leads depends on symbolic links.
fn canonical(name: &str) -> String {
    if !name.starts_with('/') {
        return shortened(name);
    }
    let parts: Vec<&str> =
        name.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    shortened(&format!("/{}", parts.join("/")))
}

/// A name that is too long, cut, with a digest of the whole so that it stays distinct.
pub fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    let digest: String =
        Sha256::digest(name).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let end = (0..LONGEST_NAME - 20).rev().find(|i| name.is_char_boundary(*i)).unwrap_or(0);
    format!("{}…{digest}", name.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, rule: &str) -> ItemKey {
        ItemKey {
            policy: "web".into(),
            rule: rule.into(),
            thing: Affected::of(&Subject::new("file", name)),
        }
    }

    #[test]
    fn two_spellings_of_a_path_are_one_thing() {
        assert_eq!(key("/etc//nginx/./x", "mode"), key("/etc/nginx/x", "mode"));
        assert_ne!(key("/etc/nginx/../x", "mode"), key("/etc/x", "mode"));
    }

    #[test]
    fn a_fingerprint_tells_fields_apart_that_read_the_same_together() {
        let of =
            |policy: &str, rule| ItemKey { policy: policy.into(), ..key("/a", rule) }.fingerprint();
        assert_ne!(of("ab", "c"), of("a", "bc"));
        assert_eq!(of("a", "b"), of("a", "b"));
    }

    #[test]
    fn names_that_are_too_long_stay_bounded_and_distinct() {
        let long = "/".to_owned() + &"ä".repeat(LONGEST_NAME);
        let (one, other) = (key(&format!("{long}1"), "mode"), key(&format!("{long}2"), "mode"));
        assert!(one.thing.name.len() <= LONGEST_NAME);
        assert_ne!(one, other);
    }
}

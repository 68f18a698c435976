//! Something that can be checked.

use super::memo::Memo;
use super::{Files, Selection};
use crate::facts::account::{Accounts, Group, User};
use crate::facts::host::Host;
use crate::facts::image::{Image, Layer};
use crate::facts::listener::{Holders, Listener};
use crate::facts::process::{Process, Selector};
use crate::facts::{Fact, Unknown};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Something that can be checked: a running host, a root filesystem, an image, a recording.
pub trait Target: Files {
    /// What it is.
    fn host(&self) -> &Host;

    /// Facts that follow from files alone.
    fn memo(&self) -> &Memo;

    /// The processes that a selector picks, and what could not be decided about others.
    fn processes(&self, selector: &Selector) -> Fact<Selection>;

    /// Whether one process is of those that a selector picks, asked of that very process: it may be
    /// younger than the list that [`Target::processes`] went through. A process that is gone is not.
    fn is_picked(&self, pid: u32, selector: &Selector) -> Fact<bool>;

    /// One process by pid; `None` when there is none (any more).
    fn process(&self, pid: u32) -> Fact<Option<Arc<Process>>>;

    /// All listening sockets of the target's network namespace, sorted by protocol, port, address.
    fn listeners(&self) -> Fact<Arc<Vec<Listener>>>;

    /// For each of these socket inodes, all processes that hold it.
    fn holders(&self, inodes: &BTreeSet<u32>) -> Fact<Arc<BTreeMap<u32, Holders>>>;

    /// The account files.
    fn accounts(&self) -> Fact<Arc<Accounts>>;

    /// A user by login name: the files first, then (on a live host) the name service switch.
    fn user(&self, name: &str) -> Fact<Option<User>>;

    /// A user by id, likewise.
    fn user_by_id(&self, uid: u32) -> Fact<Option<User>>;

    /// A group by name, likewise.
    fn group(&self, name: &str) -> Fact<Option<Group>>;

    /// A group by id, likewise.
    fn group_by_id(&self, gid: u32) -> Fact<Option<Group>>;

    /// The group ids that a login of this user has: primary and supplementary.
    fn groups_of(&self, user: &User) -> Fact<BTreeSet<u32>>;

    /// What [`learn`](super::learn) asks: a recording keeps the answer, or has it. `None`: whoever asks may look
    /// for himself.
    fn learn(
        &self,
        _kind: &'static str,
        _path: &Path,
        _ask: &mut dyn FnMut(&dyn Target) -> Fact<serde_json::Value>,
    ) -> Option<Fact<serde_json::Value>> {
        None
    }

    /// The same target with nothing remembered that follows from its answers, where it keeps note of
    /// what it cannot answer: a recording.
    fn afresh(&self) -> Option<Box<dyn Target + '_>> {
        None
    }

    /// The first question that it had no answer to since it was made [`Target::afresh`]. Nothing that
    /// was concluded from its answers is certain, even where somebody took "cannot be told" for "no".
    fn gap(&self) -> Option<Unknown> {
        None
    }

    /// The container image that the target is; `None` for a host and for a root filesystem.
    fn image(&self) -> Option<&Image> {
        None
    }

    /// The layer of an image that made the file at a path (not following a link at its end) what it
    /// is.
    fn layer(&self, _path: &Path) -> Option<Layer> {
        None
    }
}

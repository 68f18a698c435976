//! All questions that a target was asked, with its answers: a table for each kind of question.

use crate::facts::account::{Accounts, Group, User};
use crate::facts::file::{Acl, FileCapabilities, FileFact, Match, Protection};
use crate::facts::image::Layer;
use crate::facts::listener::{Holders, Listener};
use crate::facts::process::{Container, Process, Selector};
use crate::facts::raw_bytes::RawBytes;
use crate::facts::{Fact, Unknown};
use crate::targets::recording::contents::{Content, Names};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Answers by question. In JSON a list of pairs, since few questions are texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<Q, A>(pub BTreeMap<Q, Fact<A>>);

/// Declares the tables. One line for each kind of question: its name is the method's.
macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident: $question:ty => $answer:ty,)*) => {
        /// Everything that was asked.
        #[derive(Clone, Debug, Default, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Answers {
            $($(#[$doc])* #[serde(skip_serializing_if = "Table::is_empty")] pub $name: Table<$question, $answer>,)*
        }

        impl Answers {
            /// How many questions have an answer.
            pub fn count(&self) -> usize {
                [$(self.$name.0.len()),*].into_iter().sum()
            }
        }
    };
}

tables! {
    /// Files by path.
    file: RawBytes => Option<Arc<FileFact>>,
    /// Access control lists by path.
    acl: RawBytes => Option<Acl>,
    /// File capabilities by path.
    file_capabilities: RawBytes => Option<FileCapabilities>,
    /// Contents by path, marks in the place of secrets.
    read: RawBytes => Option<Content>,
    /// Larger contents by path, where they are text.
    read_up_to: RawBytes => Option<Content>,
    /// Where regular expressions match, by path and expression: decided on the whole content.
    first_match: (RawBytes, String) => Option<Match>,
    /// Names in directories by path.
    list: RawBytes => Option<Names>,
    /// Digests by path.
    sha256: RawBytes => Option<String>,
    /// Whether a path lies on a filesystem that is mounted read-only.
    read_only: RawBytes => bool,
    /// Flags of files by path.
    protection: RawBytes => Protection,
    /// Which processes are picked.
    processes: Selector => Picked,
    /// Whether one process is.
    is_picked: (u32, Selector) => bool,
    /// Processes by pid.
    process: u32 => Option<Arc<Process>>,
    /// Listening sockets.
    listeners: () => Arc<Vec<Listener>>,
    /// Holders of sockets by inode; `None` where the target had nothing to say.
    holders: u32 => Option<Holders>,
    /// Account files.
    accounts: () => Arc<Accounts>,
    /// Users by name.
    user: String => Option<User>,
    /// Users by id.
    user_by_id: u32 => Option<User>,
    /// Groups by name.
    group: String => Option<Group>,
    /// Groups by id.
    group_by_id: u32 => Option<Group>,
    /// Groups of a user by his name and primary group.
    groups_of: (String, u32) => BTreeSet<u32>,
    /// Which file lists the mounts.
    mountinfo: () => String,
    /// What was learnt from bytes that are not kept, by kind and path.
    learn: (String, RawBytes) => serde_json::Value,
    /// Layers of an image by path.
    layer: RawBytes => Option<Layer>,
}

/// A selection of processes, which are kept once for all selections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picked {
    /// Processes that match.
    pub pids: Vec<u32>,
    /// Processes that may match.
    pub undecided: Vec<Unknown>,
    /// Why there may be processes that were not seen.
    pub hidden: Option<Unknown>,
    /// How many processes of which containers were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<(Container, usize)>,
}

impl<Q, A> Default for Table<Q, A> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<Q: Ord, A: Clone> Table<Q, A> {
    /// What was answered, if it was asked.
    pub fn get(&self, question: &Q) -> Option<Fact<A>> {
        self.0.get(question).cloned()
    }

    /// Keeps an answer; the first one to a question counts.
    pub fn put(&mut self, question: Q, answer: Fact<A>) {
        self.0.entry(question).or_insert(answer);
    }
}

impl<Q, A> Table<Q, A> {
    /// Nothing was asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<Q: Serialize, A: Serialize> Serialize for Table<Q, A> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, Q: Deserialize<'de> + Ord, A: Deserialize<'de>> Deserialize<'de> for Table<Q, A> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let pairs: Vec<(Q, Fact<A>)> = Vec::deserialize(deserializer)?;
        let count = pairs.len();
        let table: BTreeMap<Q, Fact<A>> = pairs.into_iter().collect();
        if table.len() < count {
            return Err(de::Error::custom("one question has two answers"));
        }
        Ok(Self(table))
    }
}

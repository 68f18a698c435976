//! What has changed since a baseline, and why: plain data.

use super::Unknown;
use super::object::Class;
use super::snapshot::{Effort, Gaps};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why something has changed, the one that matters most first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Explanation {
    /// Nobody knows.
    Unexplained,
    /// Configuration that is no longer what its package brings.
    DefaultChanged,
    /// Somebody accepted it until a day that has not come.
    Accepted,
    /// The policy expects it, or the file is for that.
    Expected,
    /// A known program makes it from other files.
    Generated,
    /// It is what the package database says.
    Verified,
    /// Its content and the rights to it are those of the baseline; times, inode or links are not.
    Rewritten,
}

impl Explanation {
    /// All of them, the one that matters most first.
    pub const ALL: [Explanation; 7] = [
        Explanation::Unexplained,
        Explanation::DefaultChanged,
        Explanation::Accepted,
        Explanation::Expected,
        Explanation::Generated,
        Explanation::Verified,
        Explanation::Rewritten,
    ];

    /// The words for it.
    pub const fn name(self) -> &'static str {
        match self {
            Explanation::Unexplained => "unexplained",
            Explanation::DefaultChanged => "default changed",
            Explanation::Accepted => "accepted",
            Explanation::Expected => "expected",
            Explanation::Generated => "generated",
            Explanation::Verified => "verified",
            Explanation::Rewritten => "rewritten",
        }
    }

    /// Whether a change of this kind makes a run end with 1.
    pub const fn counts(self) -> bool {
        matches!(self, Explanation::Unexplained | Explanation::DefaultChanged)
    }
}

/// How an object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// It was not there.
    Added,
    /// It is no longer there.
    Removed,
    /// It is another.
    Changed,
}

impl How {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            How::Added => "added",
            How::Removed => "removed",
            How::Changed => "changed",
        }
    }
}

/// One attribute that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delta {
    /// `owner`, `mode`, `content`, a setting's path; `exists` for an object that has come or gone.
    pub attribute: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
    /// The line of the file in which it stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Why.
    pub explanation: Explanation,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// One object that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What it is.
    pub class: Class,
    /// Its name; of a file the path, bytes that are not UTF-8 as `\xff`.
    pub name: String,
    /// How it differs.
    pub how: How,
    /// The explanation that matters most.
    pub explanation: Explanation,
    /// In the letters of rpm -V, where it was compared with what its package says: `S.5....T.`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters: Option<String>,
    /// The layer of the image that made it so, with the line of the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layer: Option<String>,
    /// All that differs.
    pub deltas: Vec<Delta>,
    /// What happened at the same time; never a proof.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_the_same_time: Vec<String>,
}

impl Change {
    /// A change of this object; its explanation is that of the delta which matters most.
    pub fn new(class: Class, name: String, how: How, deltas: Vec<Delta>) -> Self {
        let worst = deltas.iter().map(|delta| delta.explanation).min();
        let explanation = worst.unwrap_or(Explanation::Rewritten);
        Self {
            class,
            name,
            how,
            explanation,
            letters: None,
            layer: None,
            deltas,
            at_the_same_time: Vec::new(),
        }
    }

    /// What tells this change from any other, of this object too: what would have to be accepted.
    pub fn digest(&self) -> String {
        let mut hash = blake3::Hasher::new();
        let mut add = |text: &str| {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        add(self.class.name());
        add(&self.name);
        add(self.how.name());
        for delta in &self.deltas {
            // Times move whenever somebody looks the wrong way; what they belong to tells enough.
            if delta.explanation == Explanation::Rewritten {
                continue;
            }
            add(&delta.attribute);
            add(delta.before.as_deref().unwrap_or("\0"));
            add(delta.after.as_deref().unwrap_or("\0"));
        }
        hash.finalize().to_hex().chars().take(16).collect()
    }
}

/// Which baseline was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Against {
    /// What it is: a file, an image, a directory, `packages`.
    pub name: String,
    /// When it was made, seconds since 1970-01-01 UTC; none for what is not a baseline.
    pub taken: Option<i64>,
    /// Who made it.
    pub by: Option<String>,
    /// BLAKE3 of the baseline's file.
    pub digest: Option<String>,
    /// What its signature says: `verified` by a key, or that no key is configured.
    pub signature: Option<String>,
}

/// What was compared: of anything else, no change means nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Covers {
    /// Files and directories with all below, as text.
    pub paths: Vec<String>,
    /// Patterns of what was left out.
    pub exclude: Vec<String>,
    /// Directories below on which another filesystem is mounted, which was not entered.
    pub mounts: Vec<String>,
    /// What else, as far as the baseline has it.
    pub classes: Vec<Class>,
}

/// All that has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Since when.
    pub against: Against,
    /// Changes, those that matter most first.
    pub changes: Vec<Change>,
    /// What could not be seen now.
    pub gaps: Gaps,
    /// What could not be seen beside files.
    pub unseen: Vec<Unknown>,
    /// What it took.
    pub effort: Effort,
    /// What was compared; nothing in older recordings.
    #[serde(default)]
    pub covers: Option<Covers>,
}

impl Drift {
    /// Number of changes of a kind.
    pub fn count(&self, explanation: Explanation) -> usize {
        self.changes.iter().filter(|change| change.explanation == explanation).count()
    }

    /// What tells this report from others.
    pub fn digest(&self) -> String {
        let mut hash = blake3::Hasher::new();
        hash.update(self.against.digest.as_deref().unwrap_or(&self.against.name).as_bytes());
        for change in self.changes.iter().filter(|change| change.explanation.counts()) {
            hash.update(change.digest().as_bytes());
        }
        hash.finalize().to_hex().chars().take(12).collect()
    }
}

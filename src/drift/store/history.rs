//! Who made a baseline, and who accepted which changes: a line for each, and in each the digest of
//! the one before, so that none can be taken out or changed alone.

use super::{Failure, beside, read, write_whole};
use crate::text;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the name of the file ends with.
pub const END: &str = ".history";
/// Larger ones are not read (64 MiB).
const LIMIT: u64 = 64 << 20;

/// Something that happened to a baseline.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1.
    pub number: u64,
    /// RFC 3339.
    pub time: String,
    /// `create` or `accept`.
    pub event: String,
    /// By whom.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Where more is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// Until when; for good where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// What was accepted: class, name and attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    /// Digest of the baseline that is in force from then on.
    pub baseline: String,
    /// Digest of the line before; of nothing for the first.
    pub previous: String,
}

/// All that happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first.
    pub entries: Vec<Entry>,
    last: String,
}

fn digest(line: &str) -> String {
    blake3::hash(line.as_bytes()).to_hex().to_string()
}

impl History {
    /// The history of a baseline; `None` where there is none.
    ///
    /// # Errors
    /// When it cannot be read, or its chain is broken.
    pub fn load(baseline: &Path) -> Result<Option<Self>, Failure> {
        let path = beside(baseline, END);
        match read(&path, LIMIT) {
            Ok(bytes) => Self::parse(&String::from_utf8_lossy(&bytes))
                .map(Some)
                .map_err(|why| Failure::Untrusted(format!("{}:{why}", text::path(&path)))),
            Err(Failure::Missing(_)) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// Reads a history and its chain.
    ///
    /// # Errors
    /// `LINE: what is wrong with it`.
    pub fn parse(content: &str) -> Result<Self, String> {
        let mut history = Self { entries: Vec::new(), last: digest("") };
        for (number, line) in (1_u64..).zip(content.lines()) {
            let entry: Entry = serde_json::from_str(line)
                .map_err(|_| format!("{number}: not an entry of the history"))?;
            if entry.number != number || entry.previous != history.last {
                return Err(format!(
                    "{number}: the chain is broken: an entry before it was changed or taken out"
                ));
            }
            history.last = digest(line);
            history.entries.push(entry);
        }
        Ok(history)
    }

    /// Adds an entry to the history of a baseline; its number and the digest of the line before are
    /// filled in. The file is replaced as a whole: half a line would break the chain.
    ///
    /// # Errors
    /// When it cannot be written, or the chain is broken.
    pub fn append(baseline: &Path, entry: Entry) -> Result<(), Failure> {
        let history = Self::load(baseline)?;
        let (number, previous) = match &history {
            Some(history) => (history.entries.len() as u64 + 1, history.last.clone()),
            None => (1, digest("")),
        };
        let entry = Entry { number, previous, ..entry };
        let line = serde_json::to_string(&entry).map_err(|error| Failure::Io(error.to_string()))?;
        let path = beside(baseline, END);
        let mut lines = if history.is_some() { read(&path, LIMIT)? } else { Vec::new() };
        if lines.last().is_some_and(|last| *last != b'\n') {
            lines.push(b'\n');
        }
        lines.extend(line.as_bytes());
        lines.push(b'\n');
        write_whole(&path, &lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: &str) -> Entry {
        Entry {
            number: 0,
            time: "2026-11-23T07:00:00Z".into(),
            event: event.into(),
            by: "root".into(),
            reason: None,
            ticket: None,
            expires: None,
            objects: Vec::new(),
            baseline: "b".into(),
            previous: String::new(),
        }
    }

    #[test]
    fn no_entry_can_be_changed_taken_out_or_put_in_alone() {
        let folder = tempfile::tempdir().unwrap();
        let baseline = folder.path().join("x");
        for event in ["create", "accept", "accept"] {
            History::append(&baseline, entry(event)).unwrap();
        }
        let text = std::fs::read_to_string(beside(&baseline, END)).unwrap();
        assert_eq!(History::parse(&text).unwrap().entries.len(), 3);
        let lines: Vec<&str> = text.lines().collect();
        let without_second = format!("{}\n{}\n", lines[0], lines[2]);
        assert!(History::parse(&without_second).unwrap_err().starts_with("2: the chain"));
        let changed = text.replacen("\"by\":\"root\"", "\"by\":\"eve\"", 1);
        assert!(History::parse(&changed).unwrap_err().starts_with("2: the chain"));
        assert!(History::parse("nonsense").unwrap_err().starts_with("1: not an entry"));
    }
}

//! What a run changed: what cron's mail is about.

use super::item::{EventKind, ItemId};
use crate::policy::Severity;
use crate::text::printable;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One piece of news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The run that saw it, seconds since 1970-01-01 UTC.
    pub at: i64,
    /// What happened.
    pub kind: EventKind,
    /// To which item.
    pub item: ItemId,
    /// Its severity.
    pub severity: Severity,
    /// It is about rights: who may become root, or already is.
    pub danger: bool,
    /// What it is about: what is new of one thing is told together.
    pub subject: String,
    /// Its title.
    pub title: String,
    /// What was seen, and what is to be done.
    pub lines: Vec<String>,
}

/// All that is new since the run before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// What happened to items.
    pub pieces: Vec<Piece>,
    /// What could be decided the last time and cannot now, with the reason.
    pub undecided: Vec<String>,
    /// What is wrong with the check itself: a report that could not be written.
    pub complaints: Vec<String>,
    /// What else is to be known: a host that is called otherwise.
    pub notes: Vec<String>,
}

impl News {
    /// Nothing has changed.
    pub fn is_empty(&self) -> bool {
        let words = [&self.undecided, &self.complaints, &self.notes];
        self.pieces.is_empty() && words.iter().all(|words| words.is_empty())
    }

    /// One line that says it all, as the subject of a mail: host, worst severity of what is to be done,
    /// how much of what.
    pub fn headline(&self, host: &str) -> String {
        let mut counts: Vec<(u8, &str, usize)> = Vec::new();
        for piece in &self.pieces {
            let (order, word) = (order(piece.kind), word(piece.kind));
            match counts.iter_mut().find(|(_, one, _)| *one == word) {
                Some((_, _, count)) => *count += 1,
                None => counts.push((order, word, 1)),
            }
        }
        counts.sort_by_key(|(order, ..)| *order);
        let mut words: Vec<String> = counts
            .iter()
            .map(|(_, word, count)| format!("{count} {}", word.to_lowercase()))
            .collect();
        for (list, word) in [
            (&self.undecided, "undecidable"),
            (&self.complaints, "not written"),
            (&self.notes, "to note"),
        ] {
            if !list.is_empty() {
                words.push(format!("{} {word}", list.len()));
            }
        }
        let open = self.pieces.iter().filter(|piece| order(piece.kind) < DONE);
        let worst = open.map(|piece| piece.severity).max();
        let worst = worst.map(|worst| format!("{worst}: ")).unwrap_or_default();
        printable(&format!("{host}: {worst}{}", words.join(", "))).into_owned()
    }

    /// In words, the most dangerous first and what is about one thing together; empty where nothing is
    /// new.
    pub fn render(&self) -> String {
        let place = |piece: &Piece| {
            let danger = piece.danger && order(piece.kind) < DONE;
            (Reverse(danger), order(piece.kind), Reverse(piece.severity))
        };
        let mut things: BTreeMap<&str, _> = BTreeMap::new();
        for piece in &self.pieces {
            let first = things.entry(piece.subject.as_str()).or_insert_with(|| place(piece));
            *first = place(piece).min(*first);
        }
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        pieces.sort_by_key(|piece| {
            let thing = piece.subject.as_str();
            // What older ledgers kept says not what it is about.
            let first = things.get(thing).copied().filter(|_| !thing.is_empty());
            (first.unwrap_or_else(|| place(piece)), thing, place(piece))
        });
        let mut out = String::new();
        for piece in pieces {
            // Writing to a String cannot fail.
            let _ = writeln!(
                out,
                "{:<15} {} {}  {}",
                word(piece.kind),
                piece.item,
                piece.severity,
                printable(&piece.title)
            );
            for line in &piece.lines {
                let _ = writeln!(out, "    {}", printable(line));
            }
        }
        for words in &self.undecided {
            let _ = writeln!(out, "{:<15} {}", "UNDECIDABLE", printable(words));
        }
        for words in &self.complaints {
            let _ = writeln!(out, "{:<15} {}", "NOT WRITTEN", printable(words));
        }
        for words in &self.notes {
            let _ = writeln!(out, "{:<15} {}", "note", printable(words));
        }
        out
    }
}

/// From here on there is nothing to do.
const DONE: u8 = 6;

/// Bad news first.
fn order(kind: EventKind) -> u8 {
    match kind {
        EventKind::Regressed | EventKind::Reopened => 0,
        EventKind::Opened | EventKind::Returned => 1,
        EventKind::More | EventKind::Spread | EventKind::Recurred => 2,
        EventKind::WaiverEnded => 3,
        EventKind::Overdue | EventKind::Changed | EventKind::SnoozeEnded => 4,
        EventKind::Reminder => 5,
        EventKind::WaiverExpiring | EventKind::Waived => 6,
        EventKind::Retired | EventKind::Renamed => 7,
        EventKind::Held | EventKind::Resolved => 8,
        _ => 9,
    }
}

fn word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Opened => "NEW",
        EventKind::More => "ONE MORE",
        EventKind::Spread => "ALSO HERE",
        EventKind::Recurred | EventKind::Regressed => "REGRESSED",
        EventKind::Reopened => "REOPENED",
        EventKind::Returned => "ASKED AGAIN",
        EventKind::WaiverEnded => "WAIVER ENDED",
        EventKind::WaiverExpiring => "WAIVER EXPIRING",
        EventKind::Waived => "waived",
        EventKind::Overdue => "OVERDUE",
        EventKind::Reminder => "STILL OPEN",
        EventKind::SnoozeEnded => "SNOOZE ENDED",
        EventKind::Held => "repaired here",
        EventKind::Resolved => "resolved",
        EventKind::Retired => "retired",
        other => other.name(),
    }
}

//! What a run changed: what cron's mail is about.

use super::item::{EventKind, ItemId};
use crate::policy::Severity;
use crate::text::printable;
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

    /// In words, worst first; empty where nothing is new.
    pub fn render(&self) -> String {
        let mut pieces: Vec<&Piece> = self.pieces.iter().collect();
        pieces.sort_by_key(|piece| {
            let danger = piece.danger && order(piece.kind) < DONE;
            (std::cmp::Reverse(danger), order(piece.kind), std::cmp::Reverse(piece.severity))
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
const DONE: u8 = 5;

/// Bad news first.
fn order(kind: EventKind) -> u8 {
    match kind {
        EventKind::Regressed | EventKind::Reopened => 0,
        EventKind::Opened | EventKind::Returned => 1,
        EventKind::More | EventKind::Spread | EventKind::Recurred => 2,
        EventKind::WaiverEnded => 3,
        EventKind::Overdue | EventKind::Changed => 4,
        EventKind::WaiverExpiring | EventKind::Waived => 5,
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
        EventKind::Held => "repaired here",
        EventKind::Resolved => "resolved",
        EventKind::Retired => "retired",
        other => other.name(),
    }
}

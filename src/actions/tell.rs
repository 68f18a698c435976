//! Telling what is new: recording and telling are two steps.
//!
//! A run writes its news into the ledger together with the states that they follow from. A reader (the
//! mail of cron, a person at a terminal) has a place up to which it has been told. That place moves
//! only after the report went out: a run that is killed, a full disk or a closed pipe loses nothing,
//! and what one reader is told takes nothing from the others. At most, news are told twice.

use super::items::item::{EventKind, ItemId};
use super::items::news::{News, Piece};
use super::store::LedgerError;
use super::store::columns::{rank, severity};
use super::store::sql::{Database, transaction};
use crate::parameters;
use std::collections::{BTreeMap, BTreeSet};

/// Most pieces that are told at once, the newest; a reader that was away for longer has the list.
const MOST: u32 = 5_000;

/// The kind that news about something undecidable is kept as.
const UNDECIDED: &str = "undecided";

/// The kind that news about the check itself is kept as.
const COMPLAINT: &str = "complaint";

/// The kind that what else is to be known is kept as.
const NOTE: &str = "note";

/// What a reader has not been told yet.
#[derive(Clone, Debug, Default)]
pub struct Untold {
    /// The news.
    pub news: News,
    /// Where the reader is after having been told.
    pub place: i64,
    /// Nobody has read by that name before.
    pub is_first: bool,
}

/// Keeps the news of a run for all who will read them.
///
/// # Errors
/// When the store fails.
pub fn keep(db: &mut dyn Database, host: &str, at: i64, news: &News) -> Result<(), LedgerError> {
    let mut add = |item: Option<i64>,
                   kind: &str,
                   worth: (i64, bool),
                   title: (&str, &str),
                   lines: &[String]| {
        // Texts alone: nothing that could fail.
        let lines = serde_json::to_string(lines).unwrap_or_default();
        let ((severity, danger), (subject, title)) = (worth, title);
        db.execute(
            "INSERT INTO news (host, at, item, kind, severity, danger, subject, title, lines)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            parameters![host, at, item, kind, severity, danger, subject, title, &lines],
        )
    };
    for piece in &news.pieces {
        let worth = (rank(piece.severity), piece.danger);
        add(
            Some(piece.item.0),
            piece.kind.name(),
            worth,
            (&piece.subject, &piece.title),
            &piece.lines,
        )?;
    }
    for words in &news.undecided {
        add(None, UNDECIDED, (0, false), ("", words), &[])?;
    }
    for words in &news.complaints {
        add(None, COMPLAINT, (0, false), ("", words), &[])?;
    }
    for words in &news.notes {
        add(None, NOTE, (0, false), ("", words), &[])?;
    }
    Ok(())
}

/// What a reader has not been told of a host yet.
///
/// # Errors
/// When the store fails.
pub fn untold(db: &mut dyn Database, reader: &str, host: &str) -> Result<Untold, LedgerError> {
    let told = db.query(
        "SELECT told FROM readers WHERE host = $1 AND name = $2",
        parameters![host, reader],
    )?;
    let told = told.into_iter().next().map(|mut row| row.int()).transpose()?;
    let rows = db.query(
        "SELECT id, at, item, kind, severity, danger, subject, title, lines FROM news
         WHERE host = $1 AND id > $2 ORDER BY id DESC LIMIT $3",
        parameters![host, told.unwrap_or(0), MOST],
    )?;
    let mut place = told.unwrap_or(0);
    let mut news = News::default();
    for mut row in rows.into_iter().rev() {
        place = place.max(row.int()?);
        let (at, item, kind) = (row.int()?, row.maybe_int()?, row.text()?);
        let (severity, danger) = (severity(row.int()?)?, row.int()? != 0);
        let (subject, title, lines) = (row.text()?, row.text()?, row.text()?);
        match (item, kind.as_str()) {
            (_, UNDECIDED) => news.undecided.push(title),
            (_, COMPLAINT) => news.complaints.push(title),
            (_, NOTE) => news.notes.push(title),
            (Some(item), _) => news.pieces.push(Piece {
                at,
                kind: kind.parse().map_err(LedgerError::Damaged)?,
                item: ItemId(item),
                severity,
                danger,
                subject,
                title,
                lines: serde_json::from_str(&lines)
                    .map_err(|error| LedgerError::Damaged(error.to_string()))?,
            }),
            (None, _) => {}
        }
    }
    // Who reads for the first time is told what there is to do, not what was done before.
    if told.is_none() {
        forget_what_ended(&mut news);
    }
    fold(&mut news);
    Ok(Untold { news, place, is_first: told.is_none() })
}

/// Notes that a reader has been told.
///
/// # Errors
/// When the store fails: then it is told again.
pub fn told(
    db: &mut dyn Database,
    reader: &str,
    host: &str,
    place: i64,
    now: i64,
) -> Result<(), LedgerError> {
    transaction(db, |db| {
        db.execute(
            "INSERT INTO readers (host, name, told, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (host, name) DO UPDATE SET at = excluded.at,
                 told = CASE WHEN readers.told > excluded.told THEN readers.told
                        ELSE excluded.told END",
            parameters![host, reader, place, now],
        )
    })?;
    Ok(())
}

/// Notes what is wrong with a check itself (a report that could not be written): what was not wrong
/// with it the last time is news.
///
/// # Errors
/// When the store fails.
pub fn complain(
    db: &mut dyn Database,
    host: &str,
    scope: &str,
    words: &[String],
    now: i64,
) -> Result<(), LedgerError> {
    let rows = db.query(
        "SELECT words FROM complaints WHERE host = $1 AND scope = $2",
        parameters![host, scope],
    )?;
    let before: BTreeSet<String> =
        rows.into_iter().map(|mut row| row.text()).collect::<Result<_, _>>()?;
    let wrong: BTreeSet<String> =
        words.iter().map(|words| super::items::evidence::bounded(words)).collect();
    if before == wrong {
        return Ok(());
    }
    transaction(db, |db| {
        for gone in before.difference(&wrong) {
            db.execute(
                "DELETE FROM complaints WHERE host = $1 AND scope = $2 AND words = $3",
                parameters![host, scope, gone],
            )?;
        }
        let mut news = News::default();
        for new in wrong.difference(&before) {
            db.execute(
                "INSERT INTO complaints (host, scope, words, since) VALUES ($1, $2, $3, $4)",
                parameters![host, scope, new, now],
            )?;
            news.complaints.push(new.clone());
        }
        keep(db, host, now, &news)
    })
}

/// Leaves out what was over before anybody read of it.
fn forget_what_ended(news: &mut News) {
    let last: BTreeMap<ItemId, EventKind> =
        news.pieces.iter().map(|piece| (piece.item, piece.kind)).collect();
    news.pieces.retain(|piece| !last.get(&piece.item).is_some_and(|kind| kind.ends()));
}

/// What happened to an item several times is told once, as it was the last time.
fn fold(news: &mut News) {
    let mut times: BTreeMap<(ItemId, EventKind), usize> = BTreeMap::new();
    for piece in &news.pieces {
        *times.entry((piece.item, piece.kind)).or_default() += 1;
    }
    let mut left = times.clone();
    news.pieces.retain_mut(|piece| {
        let key = (piece.item, piece.kind);
        let Some(rest) = left.get_mut(&key) else { return true };
        *rest = rest.saturating_sub(1);
        // Each newcomer is news of its own.
        if *rest > 0 && piece.kind != EventKind::More {
            return false;
        }
        let count = times.get(&key).copied().unwrap_or(1);
        if count > 1 && piece.kind != EventKind::More {
            piece.lines.insert(0, format!("{count} times since you were told"));
        }
        true
    });
    let mut seen = BTreeSet::new();
    news.undecided.retain(|words| seen.insert(words.clone()));
    let mut seen = BTreeSet::new();
    news.complaints.retain(|words| seen.insert(words.clone()));
}

//! Upkeep of a ledger: whether what it says can be, and how it is kept small.
//!
//! Items that are settled stay for whoever asks what was; after some years nobody does, and each
//! is a row that every run walks past. They are removed as a whole, with their occurrences and
//! events, never a live one, and never the newest: its number would be given again.

use super::items::item::ItemId;
use super::store::LedgerError;
use super::store::sql::{Database, Value, transaction};

/// What is wrong with what a ledger says, each in words; nothing where all of it can be.
///
/// # Errors
/// When the store fails.
pub fn check(db: &mut dyn Database) -> Result<Vec<String>, LedgerError> {
    let mut wrong = db.damage()?;
    for (sql, words) in CONTRADICTIONS {
        for mut row in db.query(sql, &[])? {
            let id = ItemId(row.int()?);
            wrong.push(format!("{id}: {words}"));
        }
    }
    Ok(wrong)
}

/// What no history can be, as questions for the items of which it is said.
const CONTRADICTIONS: &[(&str, &str)] = &[
    (
        "SELECT id FROM items WHERE NOT EXISTS
             (SELECT 1 FROM events e WHERE e.item = items.id AND e.kind = 'opened') ORDER BY id",
        "nothing says that it was opened",
    ),
    (
        "SELECT id FROM items WHERE last_seen < first_seen OR state_since < first_seen ORDER BY id",
        "it ended before it began",
    ),
    (
        "SELECT DISTINCT item FROM occurrences WHERE last_seen < first_seen ORDER BY item",
        "an occurrence ended before it began",
    ),
    (
        "SELECT id FROM items WHERE state = 'resolved' AND EXISTS
             (SELECT 1 FROM occurrences o WHERE o.item = items.id AND o.presence = 'present')
         ORDER BY id",
        "it is resolved, and violated somewhere",
    ),
    (
        "SELECT e.item FROM events e WHERE NOT EXISTS
             (SELECT 1 FROM items WHERE items.id = e.item) ORDER BY e.item",
        "something happened to it, and it is not there",
    ),
    (
        "SELECT o.item FROM occurrences o WHERE NOT EXISTS
             (SELECT 1 FROM items WHERE items.id = o.item) ORDER BY o.item",
        "it occurs, and it is not there",
    ),
];

/// Which items have been settled since before a moment.
const SETTLED: &str = "SELECT id FROM items
     WHERE state IN ('resolved', 'closed', 'retired') AND state_since < $1
       AND id < (SELECT MAX(id) FROM items)
       AND NOT EXISTS (SELECT 1 FROM occurrences o
                       WHERE o.item = items.id AND o.presence = 'present')";

/// The items that [`prune`] would remove.
///
/// # Errors
/// When the store fails.
pub fn settled(db: &mut dyn Database, before: i64) -> Result<Vec<ItemId>, LedgerError> {
    let rows = db.query(&format!("{SETTLED} ORDER BY id"), &[Value::Int(before)])?;
    rows.into_iter().map(|mut row| row.int().map(ItemId)).collect()
}

/// Removes items with all that belongs to them; of those that are named the ones that are settled
/// still. How many.
///
/// # Errors
/// When the store fails: then nothing is removed.
pub fn prune(db: &mut dyn Database, before: i64, items: &[ItemId]) -> Result<usize, LedgerError> {
    let removed = transaction(db, |db| {
        // Asked again: a run may have seen one violated meanwhile.
        let still = settled(db, before)?;
        let mut removed = 0;
        for id in still.iter().filter(|id| items.binary_search(id).is_ok()) {
            for statement in REMOVE {
                db.execute(statement, &[Value::Int(id.0)])?;
            }
            removed += 1;
        }
        Ok(removed)
    })?;
    db.compact()?;
    Ok(removed)
}

/// What belongs to an item, in an order in which nothing refers to what has gone.
const REMOVE: &[&str] = &[
    "DELETE FROM culprits WHERE occurrence IN (SELECT id FROM occurrences WHERE item = $1)",
    "DELETE FROM news WHERE item = $1",
    "DELETE FROM events WHERE item = $1",
    "DELETE FROM occurrences WHERE item = $1",
    "DELETE FROM items WHERE id = $1",
];

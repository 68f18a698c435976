//! What people do to items by hand. Everything is an event with a name to it.

use super::items::item::{EventKind, Item, ItemId};
use super::items::lifecycle::State;
use super::query;
use super::store::LedgerError;
use super::store::columns::add_event;
use super::store::sql::{Database, transaction};
use crate::parameters;
use crate::text::time;

/// A change by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Somebody knows, and may say more.
    Acknowledge(Option<String>),
    /// Somebody is to do it.
    Assign(String),
    /// Another due date, or none.
    Due(Option<i64>),
    /// Something to say.
    Comment(String),
    /// Nothing is to be told of it until then, with the reason.
    Snooze(i64, String),
    /// Closed, with the reason.
    Close(String),
}

/// Changes an item; `None` where there is none of that id.
///
/// # Errors
/// When the store fails.
pub fn apply(
    db: &mut dyn Database,
    id: ItemId,
    edit: &Edit,
    actor: &str,
    now: i64,
) -> Result<Option<Item>, LedgerError> {
    transaction(db, |db| {
        let Some(before) = query::item(db, id)? else { return Ok(None) };
        let (kind, detail) = match edit {
            Edit::Acknowledge(words) => {
                if before.state.is_live() && before.state != State::Acknowledged {
                    set_state(db, id, State::Acknowledged, now)?;
                }
                (EventKind::Acknowledged, words.clone().unwrap_or_default())
            }
            Edit::Assign(owner) => {
                db.execute(
                    "UPDATE items SET owner = $1, owner_by_hand = 1 WHERE id = $2",
                    parameters![owner, id.0],
                )?;
                let was = before.owner.as_deref().unwrap_or("nobody");
                (EventKind::Assigned, format!("{owner} (was {was})"))
            }
            Edit::Due(due) => {
                db.execute(
                    "UPDATE items SET due = $1, due_by_hand = 1, overdue_told = 0 WHERE id = $2",
                    parameters![*due, id.0],
                )?;
                let words = |due: Option<i64>| due.map_or("none".into(), time::utc);
                (EventKind::Due, format!("{} (was {})", words(*due), words(before.due)))
            }
            Edit::Comment(words) => (EventKind::Comment, words.clone()),
            Edit::Snooze(until, reason) => {
                db.execute(
                    "UPDATE items SET snoozed = $1 WHERE id = $2",
                    parameters![*until, id.0],
                )?;
                (EventKind::Snoozed, format!("until {}: {reason}", time::utc(*until)))
            }
            Edit::Close(reason) => {
                set_state(db, id, State::Closed, now)?;
                (EventKind::Closed, reason.clone())
            }
        };
        add_event(db, id.0, now, None, actor, kind, (&detail, &[]))?;
        query::item(db, id)
    })
}

fn set_state(db: &mut dyn Database, id: ItemId, state: State, now: i64) -> Result<(), LedgerError> {
    db.execute(
        "UPDATE items SET state = $1, state_since = $2 WHERE id = $3",
        parameters![state.name(), now, id.0],
    )?;
    Ok(())
}

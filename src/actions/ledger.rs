//! Where action items are kept: one trait, whatever the store.

mod error;
mod location;

pub use error::LedgerError;
pub use location::Location;

use super::edit::{self, Edit};
use super::item::{Event, Item, ItemId, Occurrence};
use super::news::News;
use super::observe::Run;
use super::query::{self, Counts, Filter};
use super::record::{self, Terms};
use super::schema;
use super::sql::Database;
use super::standing::{self, RuleStanding, RuleTurn};
use super::tell::{self, Untold};
use crate::verdict::Promises;
use crate::verdict::waiver::Grants;

/// A ledger.
pub trait Ledger {
    /// Records a run as a whole; what is new since the last one.
    ///
    /// # Errors
    /// When the store fails: then nothing of the run is recorded.
    fn record(&mut self, run: &Run, terms: &Terms) -> Result<News, LedgerError>;

    /// What waivers found on a host when they were granted.
    ///
    /// # Errors
    /// When the store fails.
    fn grants(&mut self, host: &str) -> Result<Grants, LedgerError>;

    /// What a reader has not been told of a host yet.
    ///
    /// # Errors
    /// When the store fails.
    fn untold(&mut self, reader: &str, host: &str) -> Result<Untold, LedgerError>;

    /// Notes that a reader has been told up to a place.
    ///
    /// # Errors
    /// When the store fails: then it is told again.
    fn told(&mut self, reader: &str, host: &str, place: i64, now: i64) -> Result<(), LedgerError>;

    /// Notes what is wrong with a check itself; what is new of that is news.
    ///
    /// # Errors
    /// When the store fails.
    fn complain(
        &mut self,
        host: &str,
        scope: &str,
        words: &[String],
        now: i64,
    ) -> Result<(), LedgerError>;

    /// Items, worst and most urgent first.
    ///
    /// # Errors
    /// When the store fails.
    fn items(&mut self, filter: &Filter) -> Result<Vec<Item>, LedgerError>;

    /// One item.
    ///
    /// # Errors
    /// When the store fails.
    fn item(&mut self, id: ItemId) -> Result<Option<Item>, LedgerError>;

    /// Where an item occurs, hosts in the order of their names.
    ///
    /// # Errors
    /// When the store fails.
    fn occurrences(&mut self, id: ItemId) -> Result<Vec<Occurrence>, LedgerError>;

    /// What happened, newest last: to one item, or to all; at most `limit`, the newest.
    ///
    /// # Errors
    /// When the store fails.
    fn events(&mut self, id: Option<ItemId>, limit: u32) -> Result<Vec<Event>, LedgerError>;

    /// What happened from one time to another, both included, oldest first; at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    fn events_between(&mut self, from: i64, to: i64, limit: u32)
    -> Result<Vec<Event>, LedgerError>;

    /// How every rule stands on every host, whether it was ever violated or not; of one policy, where
    /// that is named.
    ///
    /// # Errors
    /// When the store fails.
    fn standings(&mut self, policy: Option<&str>) -> Result<Vec<RuleStanding>, LedgerError>;

    /// Rules that came to stand otherwise in a time, both ends included, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    fn turns(&mut self, from: i64, to: i64, limit: u32) -> Result<Vec<RuleTurn>, LedgerError>;

    /// What postmortems promised, by policy, as the last recorded runs knew it.
    ///
    /// # Errors
    /// When the store fails.
    fn promises(&mut self) -> Result<Vec<(String, Promises)>, LedgerError>;

    /// Changes an item by hand; `None` where there is none of that id.
    ///
    /// # Errors
    /// When the store fails.
    fn edit(
        &mut self,
        id: ItemId,
        edit: &Edit,
        actor: &str,
        now: i64,
    ) -> Result<Option<Item>, LedgerError>;

    /// How many items a host has, and when it was checked.
    ///
    /// # Errors
    /// When the store fails.
    fn counts(&mut self, host: &str, now: i64) -> Result<Counts, LedgerError>;
}

/// A ledger in an SQL database.
pub struct SqlLedger<D>(D);

impl<D: Database> SqlLedger<D> {
    /// The ledger in a database; its tables are made or migrated where needed.
    ///
    /// # Errors
    /// When they are of a newer version, or of an older one and cannot be written.
    pub fn new(mut db: D) -> Result<Self, LedgerError> {
        match schema::migrate(&mut db) {
            Ok(()) => Ok(Self(db)),
            Err(LedgerError::ReadOnly(_)) => {
                let found = schema::current(&mut db)?;
                Err(LedgerError::Older { found, known: schema::VERSION })
            }
            Err(error) => Err(error),
        }
    }
}

impl<D: Database> Ledger for SqlLedger<D> {
    fn record(&mut self, run: &Run, terms: &Terms) -> Result<News, LedgerError> {
        record::record(&mut self.0, run, terms)
    }

    fn grants(&mut self, host: &str) -> Result<Grants, LedgerError> {
        record::grants_of_host(&mut self.0, host)
    }

    fn untold(&mut self, reader: &str, host: &str) -> Result<Untold, LedgerError> {
        tell::untold(&mut self.0, reader, host)
    }

    fn told(&mut self, reader: &str, host: &str, place: i64, now: i64) -> Result<(), LedgerError> {
        tell::told(&mut self.0, reader, host, place, now)
    }

    fn complain(
        &mut self,
        host: &str,
        scope: &str,
        words: &[String],
        now: i64,
    ) -> Result<(), LedgerError> {
        tell::complain(&mut self.0, host, scope, words, now)
    }

    fn items(&mut self, filter: &Filter) -> Result<Vec<Item>, LedgerError> {
        query::items(&mut self.0, filter)
    }

    fn item(&mut self, id: ItemId) -> Result<Option<Item>, LedgerError> {
        query::item(&mut self.0, id)
    }

    fn occurrences(&mut self, id: ItemId) -> Result<Vec<Occurrence>, LedgerError> {
        query::occurrences(&mut self.0, id)
    }

    fn events(&mut self, id: Option<ItemId>, limit: u32) -> Result<Vec<Event>, LedgerError> {
        query::events(&mut self.0, id, limit)
    }

    fn events_between(
        &mut self,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<Event>, LedgerError> {
        query::events_between(&mut self.0, from, to, limit)
    }

    fn standings(&mut self, policy: Option<&str>) -> Result<Vec<RuleStanding>, LedgerError> {
        standing::all(&mut self.0, policy)
    }

    fn turns(&mut self, from: i64, to: i64, limit: u32) -> Result<Vec<RuleTurn>, LedgerError> {
        standing::turns(&mut self.0, from, to, limit)
    }

    fn promises(&mut self) -> Result<Vec<(String, Promises)>, LedgerError> {
        standing::promises(&mut self.0)
    }

    fn edit(
        &mut self,
        id: ItemId,
        edit: &Edit,
        actor: &str,
        now: i64,
    ) -> Result<Option<Item>, LedgerError> {
        edit::apply(&mut self.0, id, edit, actor, now)
    }

    fn counts(&mut self, host: &str, now: i64) -> Result<Counts, LedgerError> {
        query::counts(&mut self.0, host, now)
    }
}

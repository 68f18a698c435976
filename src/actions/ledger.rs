//! The door to action items: what is asked of them and done with them, whatever keeps them.

use super::edit::{self, Edit};
use super::items::item::{Event, Item, ItemId, Occurrence};
use super::items::news::News;
use super::items::observe::Run;
use super::query::{self, Counts, Filter};
use super::record::{self, Terms};
use super::rule_status::{self, RecordedStatus, RuleTurn};
use super::store::sql::Database;
use super::store::{LedgerError, Location, schema};
use super::tell::{self, Untold};
use super::upkeep;
use crate::verdict::Promises;
use crate::verdict::waiver::Grants;

/// A ledger: the action items of hosts, in a database.
pub struct Ledger(Box<dyn Database>);

impl Ledger {
    /// Opens the ledger at a location for writing, made where it does not exist.
    ///
    /// # Errors
    /// When that cannot be done; the error says why.
    pub fn open(location: &Location) -> Result<Self, LedgerError> {
        Self::new(location.open()?)
    }

    /// Opens the ledger at a location for reading; `None` where there is none.
    ///
    /// # Errors
    /// When it exists and cannot be read.
    pub fn read(location: &Location) -> Result<Option<Self>, LedgerError> {
        location.read()?.map(Self::new).transpose()
    }

    /// The ledger in a database; its tables are made or migrated where needed.
    ///
    /// # Errors
    /// When they are of a newer version, or of an older one and cannot be written.
    pub fn new(mut db: Box<dyn Database>) -> Result<Self, LedgerError> {
        match schema::migrate(db.as_mut()) {
            Ok(()) => Ok(Self(db)),
            Err(LedgerError::ReadOnly(_)) => {
                let found = schema::current(db.as_mut())?;
                Err(LedgerError::Older { found, known: schema::VERSION })
            }
            Err(error) => Err(error),
        }
    }

    /// Records a run as a whole; what is new since the last one.
    ///
    /// # Errors
    /// When the store fails: then nothing of the run is recorded.
    pub fn record(&mut self, run: &Run, terms: &Terms) -> Result<News, LedgerError> {
        record::record(self.0.as_mut(), run, terms)
    }

    /// What is wrong with what it says, in words.
    ///
    /// # Errors
    /// When the store fails.
    pub fn contradictions(&mut self) -> Result<Vec<String>, LedgerError> {
        upkeep::check(self.0.as_mut())
    }

    /// The items that have been settled since before a moment, which [`Ledger::prune`] would remove.
    ///
    /// # Errors
    /// When the store fails.
    pub fn settled(&mut self, before: i64) -> Result<Vec<ItemId>, LedgerError> {
        upkeep::settled(self.0.as_mut(), before)
    }

    /// Removes those of some items, in the order of their numbers, that have been settled since then.
    ///
    /// # Errors
    /// When the store fails: then nothing is removed.
    pub fn prune(&mut self, before: i64, items: &[ItemId]) -> Result<usize, LedgerError> {
        upkeep::prune(self.0.as_mut(), before, items)
    }

    /// What waivers found on a host when they were granted.
    ///
    /// # Errors
    /// When the store fails.
    pub fn grants(&mut self, host: &str) -> Result<Grants, LedgerError> {
        record::grants_of_host(self.0.as_mut(), host)
    }

    /// What a reader has not been told of a host yet.
    ///
    /// # Errors
    /// When the store fails.
    pub fn untold(&mut self, reader: &str, host: &str) -> Result<Untold, LedgerError> {
        tell::untold(self.0.as_mut(), reader, host)
    }

    /// Notes that a reader has been told up to a place.
    ///
    /// # Errors
    /// When the store fails: then it is told again.
    pub fn told(
        &mut self,
        reader: &str,
        host: &str,
        place: i64,
        now: i64,
    ) -> Result<(), LedgerError> {
        tell::told(self.0.as_mut(), reader, host, place, now)
    }

    /// Notes what is wrong with a check itself; what is new of that is news.
    ///
    /// # Errors
    /// When the store fails.
    pub fn complain(
        &mut self,
        host: &str,
        scope: &str,
        words: &[String],
        now: i64,
    ) -> Result<(), LedgerError> {
        tell::complain(self.0.as_mut(), host, scope, words, now)
    }

    /// Items, worst and most urgent first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn items(&mut self, filter: &Filter) -> Result<Vec<Item>, LedgerError> {
        query::items(self.0.as_mut(), filter)
    }

    /// One item.
    ///
    /// # Errors
    /// When the store fails.
    pub fn item(&mut self, id: ItemId) -> Result<Option<Item>, LedgerError> {
        query::item(self.0.as_mut(), id)
    }

    /// The item that another one has become part of.
    ///
    /// # Errors
    /// When the store fails.
    pub fn heir(&mut self, id: ItemId) -> Result<Option<ItemId>, LedgerError> {
        query::heir(self.0.as_mut(), id)
    }

    /// Where an item occurs, hosts in the order of their names.
    ///
    /// # Errors
    /// When the store fails.
    pub fn occurrences(&mut self, id: ItemId) -> Result<Vec<Occurrence>, LedgerError> {
        query::occurrences(self.0.as_mut(), id)
    }

    /// What happened, newest last: to one item, or to all; at most `limit`, the newest.
    ///
    /// # Errors
    /// When the store fails.
    pub fn events(&mut self, id: Option<ItemId>, limit: u32) -> Result<Vec<Event>, LedgerError> {
        query::events(self.0.as_mut(), id, limit)
    }

    /// What happened from one time to another, both included, oldest first; at most `limit`.
    ///
    /// # Errors
    /// When the store fails.
    pub fn events_between(
        &mut self,
        from: i64,
        to: i64,
        limit: u32,
    ) -> Result<Vec<Event>, LedgerError> {
        query::events_between(self.0.as_mut(), from, to, limit)
    }

    /// How every rule stands on every host, whether it was ever violated or not; of one policy, where
    /// that is named.
    ///
    /// # Errors
    /// When the store fails.
    pub fn standings(&mut self, policy: Option<&str>) -> Result<Vec<RecordedStatus>, LedgerError> {
        rule_status::all(self.0.as_mut(), policy)
    }

    /// Rules that came to stand otherwise in a time, both ends included, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub fn turns(&mut self, from: i64, to: i64, limit: u32) -> Result<Vec<RuleTurn>, LedgerError> {
        rule_status::turns(self.0.as_mut(), from, to, limit)
    }

    /// What postmortems promised, by policy, as the last recorded runs knew it.
    ///
    /// # Errors
    /// When the store fails.
    pub fn promises(&mut self) -> Result<Vec<(String, Promises)>, LedgerError> {
        rule_status::promises(self.0.as_mut())
    }

    /// Changes an item by hand; `None` where there is none of that id.
    ///
    /// # Errors
    /// When the store fails.
    pub fn edit(
        &mut self,
        id: ItemId,
        edit: &Edit,
        actor: &str,
        now: i64,
    ) -> Result<Option<Item>, LedgerError> {
        edit::apply(self.0.as_mut(), id, edit, actor, now)
    }

    /// How many items a host has, and when it was checked.
    ///
    /// # Errors
    /// When the store fails.
    pub fn counts(&mut self, host: &str, now: i64) -> Result<Counts, LedgerError> {
        query::counts(self.0.as_mut(), host, now)
    }
}

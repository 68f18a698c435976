//! The few words of SQL that SQLite and PostgreSQL share, behind one trait.
//!
//! Statements use `$1`, `$2` ... in ascending order of first use (SQLite numbers them by that),
//! `ON CONFLICT` and `RETURNING`. Values are whole numbers, texts and nothing.

use super::error::LedgerError;

/// A value of a column or parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number; booleans are 0 and 1.
    Int(i64),
    /// Text without NUL.
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Value::Int(number.into())
    }
}

impl From<bool> for Value {
    fn from(yes: bool) -> Self {
        Value::Int(yes.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        // PostgreSQL keeps no NUL.
        Value::Text(text.replace('\0', "␀"))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// One row of an answer, read from left to right.
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    /// A row of these values.
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next column, a number.
    ///
    /// # Errors
    /// When it is none: this is not the ledger that it claims to be.
    pub fn int(&mut self) -> Result<i64, LedgerError> {
        self.maybe_int()?.ok_or_else(unexpected)
    }

    /// The next column, a number or nothing.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn maybe_int(&mut self) -> Result<Option<i64>, LedgerError> {
        match self.0.next() {
            Some(Value::Int(number)) => Ok(Some(number)),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    /// The next column, a text.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text(&mut self) -> Result<String, LedgerError> {
        self.maybe_text()?.ok_or_else(unexpected)
    }

    /// The next column, a text or nothing.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn maybe_text(&mut self) -> Result<Option<String>, LedgerError> {
        match self.0.next() {
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Null) => Ok(None),
            _ => Err(unexpected()),
        }
    }

    /// The next column, a word of ours.
    ///
    /// # Errors
    /// When it is a word that this version does not know.
    pub fn word<T: std::str::FromStr<Err = String>>(&mut self) -> Result<T, LedgerError> {
        self.text()?.parse().map_err(LedgerError::Damaged)
    }
}

fn unexpected() -> LedgerError {
    LedgerError::Damaged("a column holds a value of another type than it should".into())
}

/// A database that can be asked in that language.
pub trait Database {
    /// What an `INTEGER PRIMARY KEY` that numbers itself and never gives a number twice is called.
    fn serial(&self) -> &'static str;

    /// Makes what has to be there before the first table, within the transaction that makes those.
    ///
    /// # Errors
    /// When the store fails.
    fn prepare(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// Begins a transaction that no other writer can be in at the same time.
    ///
    /// # Errors
    /// When the store cannot be written, or another writer does not end in time.
    fn begin(&mut self) -> Result<(), LedgerError>;

    /// Makes the transaction last.
    ///
    /// # Errors
    /// When it cannot be written: then nothing of it lasts.
    fn commit(&mut self) -> Result<(), LedgerError>;

    /// Forgets the transaction.
    fn rollback(&mut self);

    /// Runs a statement; the number of rows that it changed.
    ///
    /// # Errors
    /// When the store fails.
    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, LedgerError>;

    /// Asks a question.
    ///
    /// # Errors
    /// When the store fails.
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, LedgerError>;

    /// Version of the schema; 0 where there is none yet.
    ///
    /// # Errors
    /// When the store fails, or is something else than a ledger.
    fn version(&mut self) -> Result<i64, LedgerError>;

    /// What is damaged in the store itself, in words; a server looks after that on its own.
    ///
    /// # Errors
    /// When the store fails.
    fn damage(&mut self) -> Result<Vec<String>, LedgerError>;

    /// Gives back the room of what has been removed.
    ///
    /// # Errors
    /// When the store fails.
    fn compact(&mut self) -> Result<(), LedgerError>;

    /// Notes the version of the schema.
    ///
    /// # Errors
    /// When the store fails.
    fn set_version(&mut self, version: i64) -> Result<(), LedgerError>;
}

/// Does something as a whole or not at all.
///
/// # Errors
/// Those of `work` and of the store.
pub fn transaction<D: Database + ?Sized, T>(
    db: &mut D,
    work: impl FnOnce(&mut D) -> Result<T, LedgerError>,
) -> Result<T, LedgerError> {
    db.begin()?;
    match work(db).and_then(|done| db.commit().map(|()| done)) {
        Ok(done) => Ok(done),
        Err(error) => {
            db.rollback();
            Err(error)
        }
    }
}

/// Parameters from values of different types.
#[macro_export]
#[doc(hidden)]
macro_rules! parameters {
    ($($value:expr),* $(,)?) => { &[$($crate::actions::store::sql::Value::from($value)),*] };
}

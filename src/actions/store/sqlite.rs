//! The ledger of one host: an SQLite database in one file.
//!
//! With a rollback journal rather than a write-ahead log: between runs there is one file and
//! nothing else, which can be copied, read from a read-only directory and kept on any filesystem. A
//! process that is killed at any moment leaves a journal behind, from which whoever opens the file
//! next takes back what was not committed. `synchronous=FULL`, the default, makes what was
//! committed survive a loss of power.

use super::error::LedgerError;
use super::sql::{Database, Row, Value};
use crate::safety::trust;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags, ToSql, params_from_iter};
use std::fs::{DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `SPCK`: tells a ledger from any other SQLite database.
const APPLICATION_ID: i64 = 0x5350_434b;

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(10);

/// An open database.
pub struct Sqlite(Connection);

impl Sqlite {
    /// Opens a ledger for writing. Where there is none it is made, for its owner alone: evidence
    /// tells an attacker what is wrong with a host.
    ///
    /// # Errors
    /// When the place cannot be written, or holds something else.
    pub fn create(path: &Path) -> Result<Self, LedgerError> {
        let path = &whole(path)?;
        if let Some(folder) = path.parent() {
            make_folder(folder).map_err(from_io)?;
            trust::require_folder(folder).map_err(LedgerError::Untrusted)?;
        }
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        match new {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(from_io(error)),
        }
        Self::open(path)
    }

    /// Opens a ledger for reading; `None` where there is none. It may still be written, if that is
    /// allowed: to take back what a killed process left, or to migrate.
    ///
    /// # Errors
    /// When it cannot be read, or is something else.
    pub fn read(path: &Path) -> Result<Option<Self>, LedgerError> {
        let path = &whole(path)?;
        match path.metadata() {
            Ok(_) => Self::open(path).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(from_io(error)),
        }
    }

    fn open(path: &Path) -> Result<Self, LedgerError> {
        if !path.metadata().map_err(from_io)?.is_file() {
            return Err(LedgerError::NotALedger("not a regular file".into()));
        }
        // A journal beside it is obeyed, and what is in it is written over the ledger.
        trust::require_with_folder(path).map_err(LedgerError::Untrusted)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(from_sqlite)?;
        connection.busy_timeout(PATIENCE).map_err(from_sqlite)?;
        connection
            .execute_batch(
                // The cache holds what a run changes, 32 MiB of it: to make room before the end
                // would take more waits for the disk.
                "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA synchronous = FULL;
                 PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;",
            )
            .map_err(from_sqlite)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(Self(connection))
    }

    fn pragma(&self, name: &str) -> Result<i64, LedgerError> {
        self.0.pragma_query_value(None, name, |row| row.get(0)).map_err(from_sqlite)
    }
}

impl Database for Sqlite {
    fn serial(&self) -> &'static str {
        // No row is ever deleted, so no number is given twice without AUTOINCREMENT's bookkeeping.
        "INTEGER PRIMARY KEY"
    }

    fn begin(&mut self) -> Result<(), LedgerError> {
        self.0.execute_batch("BEGIN IMMEDIATE").map_err(from_sqlite)
    }

    fn commit(&mut self) -> Result<(), LedgerError> {
        self.0.execute_batch("COMMIT").map_err(from_sqlite)
    }

    fn rollback(&mut self) {
        // SQLite has often done it already; then this fails, which is as well.
        let _ = self.0.execute_batch("ROLLBACK");
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, LedgerError> {
        let mut statement = self.0.prepare_cached(sql).map_err(from_sqlite)?;
        let changed = statement.execute(params_from_iter(parameters)).map_err(from_sqlite)?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, LedgerError> {
        let mut statement = self.0.prepare_cached(sql).map_err(from_sqlite)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(parameters)).map_err(from_sqlite)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(from_sqlite)? {
            let values = (0..columns).map(|i| match row.get_ref(i).map_err(from_sqlite)? {
                ValueRef::Null => Ok(Value::Null),
                ValueRef::Integer(number) => Ok(Value::Int(number)),
                ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
                other => Err(LedgerError::Damaged(format!("a column is {:?}", other.data_type()))),
            });
            found.push(Row::new(values.collect::<Result<_, _>>()?));
        }
        Ok(found)
    }

    fn version(&mut self) -> Result<i64, LedgerError> {
        let id = self.pragma("application_id")?;
        let version = self.pragma("user_version")?;
        if id == APPLICATION_ID {
            return Ok(version);
        }
        let tables = self
            .0
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(from_sqlite)?;
        if id == 0 && version == 0 && tables == 0 {
            Ok(0)
        } else {
            Err(LedgerError::NotALedger("an SQLite database of another program".into()))
        }
    }

    fn damage(&mut self) -> Result<Vec<String>, LedgerError> {
        let mut found = Vec::new();
        for mut row in self.query("PRAGMA integrity_check", &[])? {
            found.push(row.text()?);
        }
        found.retain(|words| words != "ok");
        for mut row in self.query("SELECT DISTINCT \"table\" FROM pragma_foreign_key_check", &[])? {
            found.push(format!("a row of {} refers to one that is not there", row.text()?));
        }
        Ok(found)
    }

    fn compact(&mut self) -> Result<(), LedgerError> {
        self.0.execute_batch("VACUUM").map_err(from_sqlite)
    }

    fn set_version(&mut self, version: i64) -> Result<(), LedgerError> {
        self.0.pragma_update(None, "application_id", APPLICATION_ID).map_err(from_sqlite)?;
        self.0.pragma_update(None, "user_version", version).map_err(from_sqlite)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// The whole path. SQLite takes `:memory:`, `file:...` and an empty name for something else than a
/// file of that name; it takes no path from `/` for that.
fn whole(path: &Path) -> Result<PathBuf, LedgerError> {
    std::path::absolute(path).map_err(from_io)
}

/// Makes the folder of a ledger and those above it, for their owner alone.
///
/// # Errors
/// When that cannot be done.
pub fn make_folder(folder: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn from_io(error: std::io::Error) -> LedgerError {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => LedgerError::Full(error.to_string()),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            LedgerError::ReadOnly(error.to_string())
        }
        _ => LedgerError::Store(error.to_string()),
    }
}

// By value: that is what `map_err` hands over.
#[allow(clippy::needless_pass_by_value)]
fn from_sqlite(error: rusqlite::Error) -> LedgerError {
    let words = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => LedgerError::Full(words),
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            LedgerError::ReadOnly(words)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LedgerError::Busy(words),
        Some(ErrorCode::DatabaseCorrupt) => LedgerError::Damaged(words),
        Some(ErrorCode::NotADatabase) => LedgerError::NotALedger(words),
        _ => LedgerError::Store(words),
    }
}

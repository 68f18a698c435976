//! The databases that a ledger can be kept in, and the few words of SQL that they share.
//!
//! ```text
//! location --> sqlite, postgres --> sql (the trait Database)     schema migrates what it opens
//! ```

pub mod columns;
mod error;
mod location;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod schema;
#[cfg(feature = "postgres")]
mod silence;
pub mod sql;
pub mod sqlite;

pub use error::LedgerError;
pub use location::Location;

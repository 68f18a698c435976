//! Why a ledger could not do what it was asked to, and what to do about it.

use std::fmt;

/// Why a ledger could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedgerError {
    /// Nobody says where it is.
    NoPlace,
    /// This program was built without PostgreSQL.
    NoPostgres,
    /// Its name is a URL of something that holds no ledger; the text is its scheme.
    NoScheme(String),
    /// Others could have written it; the text says where.
    Untrusted(String),
    /// Its tables were made by a newer spotcheck.
    Newer {
        /// Their version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// Its tables were made by an older spotcheck, and may not be written here.
    Older {
        /// Their version.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// It is a file or database of something else.
    NotALedger(String),
    /// Its content is damaged; the text says how.
    Damaged(String),
    /// No space left.
    Full(String),
    /// It may not be written.
    ReadOnly(String),
    /// Somebody else is writing, and does not end.
    Busy(String),
    /// Anything else, in the words of the store.
    Store(String),
}

impl fmt::Display for LedgerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPlace => f.write_str(
                "neither HOME nor XDG_STATE_HOME says where the ledger is; give --ledger PATH",
            ),
            Self::NoPostgres => f.write_str(
                "this spotcheck was built without PostgreSQL (cargo build --features postgres)",
            ),
            Self::NoScheme(scheme) => {
                write!(f, "{scheme}://: a ledger is a file, or in postgres://USER@HOST/DATABASE")
            }
            Self::Untrusted(why) => {
                write!(f, "others could have written it: {why}, or --trust-any-owner")
            }
            Self::Newer { found, known } => write!(
                f,
                "its tables are of version {found}, and this spotcheck knows up to {known}: \
                 update spotcheck here"
            ),
            Self::Older { found: 0, .. } => f.write_str("it may not be written"),
            Self::Older { found, known } => write!(
                f,
                "its tables are of version {found}, this spotcheck's are {known}, and it may not \
                 be written: the next recorded run migrates it"
            ),
            Self::NotALedger(why) => write!(f, "this is no ledger of spotcheck: {why}"),
            Self::Damaged(why) => write!(
                f,
                "it is damaged: {why}; nothing was written. Move it aside, so that the next run \
                 begins a new one, and see what `sqlite3 FILE .recover` gets back"
            ),
            Self::Full(why) => write!(f, "no space left, nothing was recorded: {why}"),
            Self::ReadOnly(why) => write!(f, "it cannot be written: {why}"),
            Self::Busy(why) => write!(f, "another process is writing and does not end: {why}"),
            Self::Store(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for LedgerError {}

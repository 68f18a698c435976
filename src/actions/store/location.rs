//! Where a ledger is: a file, or a database server.

use super::LedgerError;
use super::sql::Database;
use super::sqlite::Sqlite;
use crate::safety::environment;
use std::fmt;
use std::path::PathBuf;

/// Where a ledger is.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// An SQLite database in a file.
    File(PathBuf),
    /// A PostgreSQL database, by its URL.
    Postgres(String),
}

impl Location {
    /// Reads a location as it is written on the command line: a path, or `postgres://…`. Schemes are
    /// read in either case (RFC 3986, 3.1), so that no password becomes the name of a folder.
    ///
    /// # Errors
    /// When it is a URL of something else.
    pub fn parse(text: &str) -> Result<Self, LedgerError> {
        let Some((scheme, rest)) = text.split_once("://").filter(|(name, _)| is_scheme(name))
        else {
            return Ok(Location::File(PathBuf::from(text)));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "postgres" | "postgresql" => Ok(Location::Postgres(format!("postgres://{rest}"))),
            _ => Err(LedgerError::NoScheme(scheme.to_owned())),
        }
    }

    /// Where the ledger is when nobody says: `/var/lib/spotcheck` as root, else the state
    /// directory of the XDG base directory specification.
    ///
    /// # Errors
    /// When the environment names neither a home nor a state directory.
    pub fn usual(uid: u32) -> Result<Self, LedgerError> {
        const NAME: &str = "spotcheck/ledger.db";
        if uid == 0 {
            return Ok(Location::File(PathBuf::from("/var/lib").join(NAME)));
        }
        environment::state_home()
            .map(|folder| Location::File(folder.join(NAME)))
            .ok_or(LedgerError::NoPlace)
    }

    /// Opens it for writing, made where it does not exist.
    ///
    /// # Errors
    /// When that cannot be done; the error says why.
    pub fn open(&self) -> Result<Box<dyn Database>, LedgerError> {
        match self {
            Location::File(path) => Ok(Box::new(Sqlite::create(path)?)),
            Location::Postgres(url) => open_postgres(url),
        }
    }

    /// Opens it for reading; `None` where it does not exist.
    ///
    /// # Errors
    /// When it exists and cannot be read.
    pub fn read(&self) -> Result<Option<Box<dyn Database>>, LedgerError> {
        match self {
            Location::File(path) => match Sqlite::read(path)? {
                Some(db) => Ok(Some(Box::new(db))),
                None => Ok(None),
            },
            Location::Postgres(url) => open_postgres(url).map(Some),
        }
    }
}

fn is_scheme(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

#[cfg(feature = "postgres")]
fn open_postgres(url: &str) -> Result<Box<dyn Database>, LedgerError> {
    Ok(Box::new(super::postgres::Postgres::connect(url)?))
}

#[cfg(not(feature = "postgres"))]
fn open_postgres(_: &str) -> Result<Box<dyn Database>, LedgerError> {
    Err(LedgerError::NoPostgres)
}

impl fmt::Display for Location {
    /// Without the password of a URL, so that it can stand in a message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::File(path) => f.write_str(&crate::text::path(path)),
            Location::Postgres(url) => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
                let host = host.split('?').next().unwrap_or_default();
                write!(f, "postgres://{host}")
            }
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_unless_it_is_the_url_of_a_server() {
        let file = |name: &str| Ok(Location::File(name.into()));
        for name in ["l.db", ":memory:", "file:x?mode=memory", "./postgres:/x", "a b://c"] {
            assert_eq!(Location::parse(name), file(name));
        }
        let server = Location::Postgres("postgres://u:PW@h/db".into());
        for name in ["postgres://u:PW@h/db", "Postgres://u:PW@h/db", "POSTGRESQL://u:PW@h/db"] {
            assert_eq!(Location::parse(name), Ok(server.clone()));
        }
        let error = Location::parse("mysql://u:PW@h/db").unwrap_err();
        assert!(!error.to_string().contains("PW"), "{error}");
    }
}

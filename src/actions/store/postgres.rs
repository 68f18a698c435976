//! The ledger of many hosts: a PostgreSQL database.
//!
//! Everything lies in a schema `spotcheck` of its own. Writers take turns by an advisory lock, so
//! that a mistake which is rolled out to five hundred hosts at once becomes one item.
//!
//! Over a network the connection is encrypted and the server's certificate verified, unless the URL
//! says `sslmode=disable`. Certificates are verified against `sslrootcert=FILE` of the URL, the file
//! that `SSL_CERT_FILE` names, or that of Debian, Fedora or Alpine. A password may stand in the URL
//! (in a configuration file that only root can read, not on a command line) or in `PGPASSWORD`.

use super::error::LedgerError;
use super::silence::Watch;
use super::sql::{Database, Row, Value};
use crate::safety::environment;
use postgres::config::{Host, SslMode};
use postgres::error::SqlState;
use postgres::types::private::BytesMut;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Config, Statement};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres_rustls::MakeRustlsConnect;

/// `SPOTCHEC`: the advisory lock of writers.
const LOCK: i64 = 0x5350_4f54_4348_4543;

/// How long to wait for the server, and for another writer.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long an answer may take: longer than another writer is waited for.
const SILENCE: Duration = Duration::from_secs(20);

/// Where distributions keep the certificates that they trust.
const TRUSTED: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// A connection.
pub struct Postgres {
    client: Client,
    statements: HashMap<String, Statement>,
    watch: Watch,
}

impl Postgres {
    /// Connects to the database that a URL names.
    ///
    /// # Errors
    /// When the URL is wrong, or the server does not let us in.
    pub fn connect(url: &str) -> Result<Self, LedgerError> {
        let (url, roots) = without_root_certificate(url);
        let mut config: Config = url.parse().map_err(from_postgres)?;
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        let local = |host: &Host| matches!(host, Host::Unix(_));
        let remote = !config.get_hosts().iter().all(local);
        // `prefer`, the default of PostgreSQL, would let whoever is in the middle say no.
        if remote && !url.contains("sslmode=disable") {
            config.ssl_mode(SslMode::Require);
        }
        config.connect_timeout(PATIENCE).application_name("spotcheck");
        let wait = PATIENCE.as_millis();
        config.options(&format!("-c search_path=spotcheck -c lock_timeout={wait}"));
        let watch = Watch::begin();
        let awaited = watch.awaits(SILENCE);
        let client = match config.get_ssl_mode() {
            SslMode::Require => config.connect(tls(roots)?),
            _ => config.connect(postgres::NoTls),
        };
        drop(awaited);
        let client = client.map_err(|error| silent_or(&watch, from_postgres(error)))?;
        Ok(Self { client, statements: HashMap::new(), watch })
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, LedgerError> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.ask(|client| client.prepare(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Asks the server something, and waits for the answer so long.
    fn ask<T>(
        &mut self,
        question: impl FnOnce(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, LedgerError> {
        let awaited = self.watch.awaits(SILENCE);
        let answer = question(&mut self.client);
        drop(awaited);
        answer.map_err(|error| silent_or(&self.watch, from_postgres(error)))
    }

    /// Whether a question has an answer. Catalogues are asked as tables are: `to_regclass` and its
    /// kin may remember from before the advisory lock was waited for.
    fn exists(&mut self, sql: &str) -> Result<bool, LedgerError> {
        let rows = self.ask(|client| client.query(sql, &[]))?;
        Ok(!rows.is_empty())
    }
}

/// The URL without `sslrootcert=FILE`, which the client does not know, and that file.
fn without_root_certificate(url: &str) -> (String, Option<PathBuf>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut root = None;
    let mut rest = Vec::new();
    for pair in query.split('&') {
        match pair.strip_prefix("sslrootcert=") {
            Some(file) => root = Some(PathBuf::from(file.replace("%2F", "/").replace("%2f", "/"))),
            None => rest.push(pair),
        }
    }
    let rest = rest.join("&");
    (if rest.is_empty() { base.to_owned() } else { format!("{base}?{rest}") }, root)
}

fn tls(roots: Option<PathBuf>) -> Result<MakeRustlsConnect, LedgerError> {
    let usual = || TRUSTED.iter().map(PathBuf::from).find(|path| path.exists());
    let file = roots
        .or_else(|| environment::variable("SSL_CERT_FILE").map(PathBuf::from))
        .or_else(usual)
        .ok_or_else(|| LedgerError::Store("no trusted certificates: give sslrootcert=".into()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| LedgerError::Store(error.to_string()))?
        .with_root_certificates(certificates(&file)?)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn certificates(file: &Path) -> Result<RootCertStore, LedgerError> {
    let failed = |why: String| LedgerError::Store(format!("{}: {why}", crate::text::path(file)));
    let found = CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for certificate in found {
        let certificate = certificate.map_err(|error| failed(error.to_string()))?;
        // A bundle may hold certificates that are of no use; the others count.
        let _ = store.add(certificate);
    }
    if store.is_empty() { Err(failed("holds no certificates".into())) } else { Ok(store) }
}

impl Database for Postgres {
    fn serial(&self) -> &'static str {
        "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
    }

    fn prepare(&mut self) -> Result<(), LedgerError> {
        // Asked first, since making it takes a right that the ledger's user may well not have.
        if !self.exists("SELECT 1 FROM pg_namespace WHERE nspname = 'spotcheck'")? {
            self.ask(|client| client.batch_execute("CREATE SCHEMA spotcheck"))?;
        }
        self.ask(|client| client.batch_execute("CREATE TABLE meta (version BIGINT)"))?;
        self.ask(|client| client.batch_execute("INSERT INTO meta VALUES (0)"))
    }

    fn begin(&mut self) -> Result<(), LedgerError> {
        let sql = format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})");
        let begun = self.ask(|client| client.batch_execute(&sql));
        if begun.is_err() {
            self.rollback();
        }
        begun
    }

    fn commit(&mut self) -> Result<(), LedgerError> {
        self.ask(|client| client.batch_execute("COMMIT"))
    }

    fn rollback(&mut self) {
        // Without a connection there is nothing to take back.
        let _ = self.ask(|client| client.batch_execute("ROLLBACK"));
    }

    fn execute(&mut self, sql: &str, parameters: &[Value]) -> Result<u64, LedgerError> {
        let statement = self.statement(sql)?;
        self.ask(|client| client.execute(&statement, &borrowed(parameters)))
    }

    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, LedgerError> {
        let statement = self.statement(sql)?;
        let rows = self.ask(|client| client.query(&statement, &borrowed(parameters)))?;
        let read = |row: &postgres::Row| {
            let values = (0..row.len()).map(|index| read(row, index));
            values.collect::<Result<_, _>>().map(Row::new)
        };
        rows.iter().map(read).collect()
    }

    fn version(&mut self) -> Result<i64, LedgerError> {
        let meta = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 'spotcheck' AND c.relname = 'meta'";
        if !self.exists(meta)? {
            return Ok(0);
        }
        let rows = self.ask(|client| client.query("SELECT version FROM spotcheck.meta", &[]))?;
        match rows.as_slice() {
            [row] => row.try_get(0).map_err(from_postgres),
            _ => Err(LedgerError::NotALedger("spotcheck.meta does not hold one version".into())),
        }
    }

    fn damage(&mut self) -> Result<Vec<String>, LedgerError> {
        Ok(Vec::new())
    }

    fn compact(&mut self) -> Result<(), LedgerError> {
        // The server's autovacuum does.
        Ok(())
    }

    fn set_version(&mut self, version: i64) -> Result<(), LedgerError> {
        let sql = "UPDATE meta SET version = $1";
        self.ask(|client| client.execute(sql, &[&version])).map(|_| ())
    }
}

fn borrowed(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn read(row: &postgres::Row, index: usize) -> Result<Value, LedgerError> {
    let kind = row.columns().get(index).map(|column| column.type_().clone());
    let value = match kind {
        Some(Type::INT8) => row.try_get::<_, Option<i64>>(index).map(Value::from),
        Some(Type::TEXT) => row.try_get::<_, Option<&str>>(index).map(Value::from),
        other => return Err(LedgerError::Damaged(format!("a column is of type {other:?}"))),
    };
    value.map_err(from_postgres)
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql_checked(kind, out),
            Value::Text(text) => text.to_sql_checked(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        // What is inside knows; see `to_sql`.
        true
    }

    to_sql_checked!();
}

/// The error of an answer; another where there was none in time.
fn silent_or(watch: &Watch, error: LedgerError) -> LedgerError {
    match watch.gave_up() {
        true => LedgerError::Store(format!("no answer for {} seconds", SILENCE.as_secs())),
        false => error,
    }
}

// By value: that is what `map_err` hands over.
#[allow(clippy::needless_pass_by_value)]
fn from_postgres(error: postgres::Error) -> LedgerError {
    let Some(db) = error.as_db_error() else {
        // The causes say what is wrong; the error itself says only "error connecting to server".
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            words = format!("{words}: {error}");
            cause = error.source();
        }
        return LedgerError::Store(words);
    };
    let words = db.message().to_owned();
    match *db.code() {
        SqlState::DISK_FULL => LedgerError::Full(words),
        SqlState::INSUFFICIENT_PRIVILEGE | SqlState::READ_ONLY_SQL_TRANSACTION => {
            LedgerError::ReadOnly(words)
        }
        SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED => LedgerError::Busy(words),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => LedgerError::Damaged(words),
        _ => LedgerError::Store(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_certificate_is_taken_out_of_the_url() {
        let (url, root) = without_root_certificate("postgres://h/d?a=1&sslrootcert=/x.pem&b=2");
        assert_eq!((url.as_str(), root), ("postgres://h/d?a=1&b=2", Some("/x.pem".into())));
        let (url, root) = without_root_certificate("postgres://h/d?sslrootcert=%2Fx.pem");
        assert_eq!((url.as_str(), root), ("postgres://h/d", Some("/x.pem".into())));
        assert_eq!(without_root_certificate("postgres://h/d"), ("postgres://h/d".into(), None));
    }
}

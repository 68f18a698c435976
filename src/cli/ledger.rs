//! Which ledger, and what the configuration says: options of every command that knows of either.

use crate::actions::{LedgerError, Location};
use crate::config::Config;
use crate::policy::Diagnostics;
use std::path::PathBuf;

/// Options about the ledger.
#[derive(clap::Args)]
pub struct LedgerArgs {
    /// Ledger of action items: a file, or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "PATH")]
    ledger: Option<String>,
    /// Configuration; without it /etc/spotcheck/config.toml where that exists
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl LedgerArgs {
    /// Reads the configuration, filing its errors.
    pub fn config(&self, problems: &mut Diagnostics) -> Config {
        Config::load(self.config.as_deref()).unwrap_or_else(|found| {
            found.into_iter().for_each(|problem| problems.push(problem));
            Config::default()
        })
    }

    /// Whether the command line names a ledger.
    pub fn is_named(&self) -> bool {
        self.ledger.is_some()
    }

    /// Whether somebody names a ledger.
    pub fn is_given(&self, config: &Config) -> bool {
        self.ledger.is_some() || config.ledger.is_some()
    }

    /// The ledger that is named, or the usual one.
    ///
    /// # Errors
    /// When none is named and there is no usual one.
    pub fn location(&self, config: &Config) -> Result<Location, LedgerError> {
        match self.ledger.as_ref().or(config.ledger.as_ref()) {
            Some(text) => Location::parse(text),
            None => Location::usual(nix::unistd::geteuid().as_raw()),
        }
    }
}

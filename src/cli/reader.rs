//! Who reads what has changed, and telling them: see [`crate::actions::tell`].

use super::console::Console;
use crate::actions::Ledger;
use crate::report::Report;
use std::io::{ErrorKind, IsTerminal};

/// Who is told when nobody says: what cron mails.
pub const MAIL: &str = "mail";

/// Longest name of a reader, in bytes.
const LONGEST: usize = 100;

/// Reads the name of a reader.
///
/// # Errors
/// In words, when it is none.
pub fn parse(text: &str) -> Result<String, String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || ".-_@:".contains(c);
    if text.is_empty() || text.len() > LONGEST || !text.chars().all(is_word) {
        return Err(format!(
            "a reader is called by letters, digits and .-_@: (at most {LONGEST} bytes)"
        ));
    }
    Ok(text.to_owned())
}

/// The reader when nobody says: whoever sits at a terminal reads for themselves and takes nothing
/// from the mail.
pub fn usual() -> String {
    let (input, out, err) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    if !(input.is_terminal() || out.is_terminal() || err.is_terminal()) {
        return MAIL.to_owned();
    }
    let name = ["SUDO_USER", "LOGNAME", "USER"].iter().find_map(|key| std::env::var(key).ok());
    let uid = || format!("uid-{}", nix::unistd::getuid());
    let name = name.filter(|name| parse(name).is_ok()).unwrap_or_else(uid);
    format!("person:{name}")
}

/// Telling a reader.
pub struct Telling<'a> {
    /// Who.
    pub reader: &'a str,
    /// Which check of the host.
    pub scope: &'a str,
    /// The run.
    pub report: &'a Report,
}

impl Telling<'_> {
    /// Prints what the reader has not been told, and notes that it has been once it is out.
    ///
    /// # Errors
    /// In words, when the reader could not be told.
    pub fn tell(
        &self,
        ledger: &mut Ledger,
        complaints: &[String],
        console: &Console,
    ) -> Result<(), String> {
        let (host, now) = (self.report.host.name.as_str(), self.report.time.as_second());
        let failed = |error| format!("what has changed could not be told: {error}");
        ledger.complain(host, self.scope, complaints, now).map_err(failed)?;
        let untold = ledger.untold(self.reader, host).map_err(failed)?;
        if untold.news.is_empty() && !untold.is_first {
            return Ok(());
        }
        match console.deliver(&untold.news.render()) {
            Ok(()) => {}
            // Who went away before the end is told again.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(error) => return Err(format!("standard output cannot be written: {error}")),
        }
        ledger.told(self.reader, host, untold.place, now).map_err(|error| {
            format!("that it was told could not be noted, so it will be told again: {error}")
        })
    }
}

//! What is: plain data about a host, without judgement and without input or output.
//!
//! Every type here can be written down and read back (serde), so a fact is the same whether a
//! live kernel, a root filesystem or a recording answered. A fact is *known* or *unknown because*:
//! [`Fact<T>`] is a `Result` whose error says why the question could not be answered. "Does not
//! exist" is an answer, so it is never an [`Unknown`]: functions that look something up return
//! `Fact<Option<T>>`.

pub mod account;
pub mod capability;
pub mod container;
pub mod cron;
pub mod danger;
pub mod drift;
pub mod file;
pub mod host;
pub mod image;
pub mod inventory;
pub mod listener;
mod logic;
pub mod module;
pub mod mount;
pub mod name_services;
pub mod object;
pub mod package;
pub mod package_file;
pub mod places;
pub mod process;
pub mod quantity;
pub mod raw_bytes;
pub mod scope;
pub mod settings;
pub mod snapshot;
pub mod start;
pub mod sudo;
pub mod sysctl;
pub mod unit;
pub mod words;

pub use logic::{all, any};

use serde::{Deserialize, Serialize};
use std::{fmt, io};

/// A fact that is known, or the reason why it is not.
pub type Fact<T> = Result<T, Unknown>;

/// Why a question could not be answered. Never to be read as "no".
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unknown {
    /// What was looked at, as a person would name it: `/proc/123/exe`, `/etc/shadow`.
    pub what: String,
    /// Why that gave no answer.
    pub cause: Cause,
}

/// The kinds of reason for not knowing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The kernel refused: `EACCES` or `EPERM`. Root would usually be told.
    PermissionDenied,
    /// It went away, or was replaced, while it was being looked at.
    Vanished,
    /// It is larger, deeper or more numerous than spotcheck is willing to read; the text names the limit.
    TooLarge(String),
    /// Its content is not what its format promises; the text says how.
    Malformed(String),
    /// This kernel, filesystem or target cannot answer; the text says why.
    Unsupported(String),
    /// Only a running host could say, and the target is none (an image, a root filesystem). An
    /// assertion that ends so is skipped: the question does not apply.
    NotRunning,
    /// Any other error of the operating system, in its words.
    Io(String),
    /// A recording has no answer to this: nobody asked when it was made, or the answer was left out.
    /// The text says what to do about it.
    NotRecorded(String),
    /// The run had to end before there was an answer; the text says when.
    TimedOut(String),
}

/// What a recording has for a field that was added to a fact after it was made.
///
/// # Errors
/// Always: nobody knows.
pub fn not_recorded<T>() -> Fact<T> {
    let why = "the recording is of an earlier spotcheck, which did not ask".to_owned();
    Err(Unknown::new("this", Cause::NotRecorded(why)))
}

impl Unknown {
    /// An unknown about `what`, because of `cause`.
    pub fn new(what: impl Into<String>, cause: Cause) -> Self {
        Self { what: what.into(), cause }
    }

    /// The unknown that an input or output error about `what` amounts to.
    ///
    /// `ENOENT` and `ESRCH` become [`Cause::Vanished`]: callers for whom absence is an answer test
    /// for it first.
    pub fn from_io(what: impl Into<String>, error: &io::Error) -> Self {
        const ESRCH: i32 = 3;
        let cause = match error.kind() {
            io::ErrorKind::PermissionDenied => Cause::PermissionDenied,
            io::ErrorKind::NotFound => Cause::Vanished,
            _ if error.raw_os_error() == Some(ESRCH) => Cause::Vanished,
            _ => Cause::Io(error.to_string()),
        };
        Self::new(what, cause)
    }

    /// Whether running as root would probably have answered.
    pub fn needs_root(&self) -> bool {
        self.cause == Cause::PermissionDenied
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::PermissionDenied => write!(f, "{}: permission denied", self.what),
            Cause::Vanished => write!(f, "{}: went away while being looked at", self.what),
            Cause::NotRunning => write!(f, "{}: needs a running host", self.what),
            Cause::TooLarge(why)
            | Cause::Malformed(why)
            | Cause::Unsupported(why)
            | Cause::TimedOut(why)
            | Cause::NotRecorded(why)
            | Cause::Io(why) => {
                write!(f, "{}: {why}", self.what)
            }
        }
    }
}

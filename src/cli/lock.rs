//! One run at a time of the same check: cron starts the next one whether the last has ended or not.

use crate::actions::Location;
use crate::safety::trust;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// The right to run; let go when it is dropped, or when the process ends in whatever way.
pub struct Lock {
    _file: Option<File>,
}

/// Asks for the right to run a check that `what` tells from others.
///
/// The lock lies beside the ledger. Where it cannot be made, neither can the ledger be written; that
/// is said when it is tried, and does not keep the check from being done.
///
/// # Errors
/// When another process runs the same check; the text says which.
pub fn acquire(location: &Location, what: &[String]) -> Result<Lock, String> {
    let Some(path) = place(location, what) else { return Ok(Lock { _file: None }) };
    // A lock file of somebody else would stop every run; the ledger beside it is refused as well, and
    // that is said when the run is to be recorded.
    if path.parent().is_some_and(|folder| trust::require_folder(folder).is_err()) {
        return Ok(Lock { _file: None });
    }
    let flags = nix::fcntl::OFlag::O_NOFOLLOW.bits() | nix::fcntl::OFlag::O_NONBLOCK.bits();
    let opened = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(flags)
        .open(&path);
    let Ok(mut file) = opened else { return Ok(Lock { _file: None }) };
    match file.try_lock() {
        Ok(()) => {
            let now = crate::text::time::utc(jiff::Timestamp::now().as_second());
            let words = format!("process {} since {now}\n", std::process::id());
            // Only for people: the lock is the lock, whatever stands in its file.
            let _ = file.set_len(0).and_then(|()| file.write_all(words.as_bytes()));
            Ok(Lock { _file: Some(file) })
        }
        Err(TryLockError::WouldBlock) => {
            let mut who = String::new();
            let _ = (&mut file).take(200).read_to_string(&mut who);
            let who = match who.trim() {
                "" => "another process",
                who => who,
            };
            Err(format!("the same check is being run already ({who}); nothing was evaluated"))
        }
        // A filesystem without locks.
        Err(TryLockError::Error(_)) => Ok(Lock { _file: None }),
    }
}

fn place(location: &Location, what: &[String]) -> Option<PathBuf> {
    let usual;
    let file = match location {
        Location::File(path) => path,
        Location::Postgres(_) => {
            usual = Location::usual(nix::unistd::geteuid().as_raw()).ok()?;
            match &usual {
                Location::File(path) => path,
                Location::Postgres(_) => return None,
            }
        }
    };
    let file = std::path::absolute(file).ok()?;
    let folder = file.parent()?;
    crate::actions::store::sqlite::make_folder(folder).ok()?;
    Some(folder.join(format!(".run-{}.lock", digest(what))))
}

/// One word for a list of words.
pub fn digest(what: &[String]) -> String {
    let mut hash = Sha256::new();
    for word in what {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word.as_bytes());
    }
    hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

//! Putting a new baseline in the place of an old one, together with the line of its history, so that
//! neither a second process nor an end at any moment loses one of them.
//!
//! The new baseline is written beside the old one, then the history says that it is in force, then it
//! takes the old one's name. Whoever reads goes by the history: until its line is there the old one
//! counts, from then on the new one, whatever name it has got by then.

use super::history::{Entry, History};
use super::{Failure, beside, make_folder, read, sync, write_whole};
use crate::drift::baseline::{Baseline, FILE_LIMIT, digest, encode};
use crate::text;
use nix::libc::{O_NOFOLLOW, O_NONBLOCK};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the name of a baseline ends with that has not taken its place yet.
const NEW: &str = ".new";
/// What the name of the lock ends with.
const LOCK: &str = ".lock";

/// The right to change a baseline; let go when it is dropped, or when the process ends.
pub struct Change {
    path: PathBuf,
    _lock: Option<File>,
}

impl Change {
    /// Asks for the right, and brings to its end what another process may have left half done.
    ///
    /// # Errors
    /// When another process has it, or the history cannot be trusted.
    pub fn begin(path: &Path) -> Result<Self, Failure> {
        make_folder(path)?;
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(O_NOFOLLOW | O_NONBLOCK)
            .open(beside(path, LOCK));
        // Where no lock can be made nothing else can be written either, which is said then; and some
        // filesystems have no locks.
        let lock = opened.ok();
        if let Some(Err(TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock) {
            let name = text::path(path);
            return Err(Failure::Io(format!("{name}: another process is changing this baseline")));
        }
        let change = Self { path: path.to_owned(), _lock: lock };
        let new = beside(path, NEW);
        if !fs::exists(&new).unwrap_or(false) {
            return Ok(change);
        }
        match unfinished(path, History::load(path)?.as_ref()) {
            Some(_) => change.rename()?,
            None => fs::remove_file(&new)
                .map_err(|error| Failure::Io(format!("{}: {error}", text::path(&new))))?,
        }
        Ok(change)
    }

    /// Puts the baseline in force; its digest and size. The entry's own digests and number are filled
    /// in.
    ///
    /// # Errors
    /// When it cannot be written; the old one is in force then.
    pub fn finish(self, baseline: &Baseline, entry: Entry) -> Result<(String, u64), Failure> {
        let bytes = encode(baseline).map_err(Failure::Io)?;
        let digest = digest(&bytes);
        let new = beside(&self.path, NEW);
        write_whole(&new, &bytes)?;
        let entry = Entry { baseline: digest.clone(), ..entry };
        if let Err(failure) = History::append(&self.path, entry) {
            let _ = fs::remove_file(&new);
            return Err(failure);
        }
        self.rename()?;
        Ok((digest, bytes.len() as u64))
    }

    fn rename(&self) -> Result<(), Failure> {
        let failed = |error| Failure::Io(format!("{}: {error}", text::path(&self.path)));
        fs::rename(beside(&self.path, NEW), &self.path).map_err(failed)?;
        sync(&self.path);
        Ok(())
    }
}

/// The baseline that the history says is in force and that has not got its name yet.
pub fn unfinished(path: &Path, history: Option<&History>) -> Option<(PathBuf, Vec<u8>)> {
    let last = history?.entries.last()?;
    let new = beside(path, NEW);
    let bytes = read(&new, FILE_LIMIT).ok()?;
    (digest(&bytes) == last.baseline).then_some((new, bytes))
}

#[cfg(test)]
mod tests {
    use super::super::{load, save};
    use super::*;
    use crate::drift::baseline::Head;
    use crate::facts::object::Objects;
    use crate::facts::scope::Scope;
    use crate::facts::snapshot::{Algorithm, Effort, Gaps, Time, Tree};

    fn entry(by: &str) -> Entry {
        Entry { event: "create".into(), by: by.into(), ..Entry::default() }
    }

    fn made_by(by: &str) -> Baseline {
        let head = Head {
            taken: Time::default(),
            checked: Time::default(),
            by: by.to_owned(),
            target: "host".to_owned(),
            live: true,
            walked: true,
            version: "0".to_owned(),
            scope: Scope::default(),
            algorithm: Algorithm::Blake3,
            packages: Vec::new(),
            manifests: Vec::new(),
            gaps: Gaps::default(),
            effort: Effort::default(),
            acceptances: Vec::new(),
        };
        Baseline { head, tree: Tree::default(), objects: Objects::default() }
    }

    #[test]
    fn wherever_it_ends_either_the_old_or_the_new_one_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        Change::begin(&path).unwrap().finish(&made_by("old"), entry("old")).unwrap();
        let in_force = || load(&path, None).unwrap().baseline.head.by;

        // It ended before the history had its line: the next change begins from the old one.
        save(&beside(&path, NEW), &made_by("lost")).unwrap();
        assert_eq!(in_force(), "old");
        drop(Change::begin(&path).unwrap());
        assert!(!beside(&path, NEW).exists());

        // It ended before the new one had its name.
        let (digest, _) = save(&beside(&path, NEW), &made_by("new")).unwrap();
        History::append(&path, Entry { baseline: digest, ..entry("new") }).unwrap();
        assert_eq!(in_force(), "new");
        drop(Change::begin(&path).unwrap());
        assert!(!beside(&path, NEW).exists());
        assert_eq!(in_force(), "new");
    }

    #[test]
    fn two_do_not_change_it_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let first = Change::begin(&path).unwrap();
        let second = Change::begin(&path).err().map(|failure| failure.to_string());
        assert!(
            second.is_some_and(|why| why.ends_with("another process is changing this baseline"))
        );
        drop(first);
        assert!(Change::begin(&path).is_ok());
    }

    #[test]
    fn what_cannot_be_written_down_does_not_come_into_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        Change::begin(&path).unwrap().finish(&made_by("old"), entry("old")).unwrap();
        let history = beside(&path, super::super::history::END);
        let lines = fs::read(&history).unwrap();
        fs::write(&history, "nonsense\n").unwrap();
        let change = Change { path: path.clone(), _lock: None };
        assert!(change.finish(&made_by("new"), entry("new")).is_err());
        fs::write(&history, lines).unwrap();
        assert_eq!(load(&path, None).unwrap().baseline.head.by, "old");
    }
}

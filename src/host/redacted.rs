//! Files as seen by callers that know what a mark is, see [`Files::mark`].

use crate::facts::file::{Acl, FileCapabilities, FileFact, Match, Protection};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use regex::Regex;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

/// The files of a target, whose content is read with marks in the place of secrets.
pub struct Marked<'a>(pub &'a dyn Files);

/// Why a value cannot be told: a recording has left it out. `None`: there is no mark in it.
pub fn left_out(files: &dyn Files, what: &str, value: &str) -> Option<Unknown> {
    files.mark().filter(|mark| value.contains(mark)).map(|_| {
        let why = "the recording was made without it, since it is a secret".to_owned();
        Unknown::new(what, Cause::NotRecorded(why))
    })
}

impl Files for Marked<'_> {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        self.0.file(path)
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        self.0.acl(path)
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        self.0.file_capabilities(path)
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.0.read_marked(path)
    }

    fn read_marked(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.0.read_marked(path)
    }

    fn mark(&self) -> Option<&str> {
        self.0.mark()
    }

    fn first_match(&self, path: &Path, regex: &Regex) -> Fact<Option<Match>> {
        self.0.first_match(path, regex)
    }

    fn read_up_to(&self, path: &Path, limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        self.0.read_up_to(path, limit)
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        self.0.list(path)
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        self.0.sha256(path)
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        self.0.protection(path)
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        self.0.read_only(path)
    }
}

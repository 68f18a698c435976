//! Files that programs make from others, and what shows that one of them did.
//!
//! Nothing is excused by its name. The program has to be there, what it reads has to have changed, and
//! what the file leads to has to lie where packages or the program's configuration put it: `kinds`
//! has the list, `evidence` the first two, the others judge contents. A program or a module is made
//! by none of them.

mod certificates;
mod evidence;
mod indexes;
mod kinds;
mod linker;
mod links;
mod python;

pub use evidence::Evidence;
pub use links::leads_to;

use crate::drift::explain::because::Because;
use crate::facts::drift::Explanation;
use crate::facts::file::FileKind;
use crate::facts::snapshot::Record;
use crate::host::Target;
use evidence::{Inputs, compiled};
use globset::GlobMatcher;
use kinds::{KINDS, Kind};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The list, ready to be asked.
pub struct Generators(Vec<(Vec<GlobMatcher>, &'static Kind)>);

impl Generators {
    /// Reads the list.
    pub fn new() -> Self {
        let read = |kind: &'static Kind| {
            (kind.paths.iter().filter_map(|pattern| compiled(pattern)).collect(), kind)
        };
        Self(KINDS.iter().map(read).collect())
    }

    fn kind(&self, path: &[u8]) -> Option<&'static Kind> {
        let path = Path::new(OsStr::from_bytes(path));
        let fits = |globs: &Vec<GlobMatcher>| globs.iter().any(|glob| glob.is_match(path));
        self.0.iter().find(|(globs, _)| fits(globs)).map(|(_, kind)| *kind)
    }

    /// Paths about which packages have to be asked to judge a file.
    pub fn asks(&self, path: &[u8], target: &dyn Target) -> Vec<Vec<u8>> {
        match self.kind(path) {
            Some(kind) => indexes::asks(kind.content, path, target),
            None => python::asks(Path::new(OsStr::from_bytes(path))),
        }
    }

    /// Patterns of what a file is made from: packages are asked about all that fits.
    pub fn inputs(&self, path: &[u8]) -> Vec<GlobMatcher> {
        self.kind(path).map(|kind| Inputs::of(kind.inputs, path).0).unwrap_or_default()
    }

    /// What makes a file, or why it is not shown that it was made by that; `None`: no known program
    /// makes such files. `gone`: it is no longer there, and this is what it was.
    pub(super) fn of(
        &self,
        path: &[u8],
        record: &Record,
        gone: bool,
        evidence: &Evidence,
    ) -> Option<Because> {
        let made = |by: &str| Because::new(Explanation::Generated, format!("made by {by}"));
        let not = |why: String| Because::new(Explanation::Unexplained, why);
        let path_ = Path::new(OsStr::from_bytes(path));
        match record.kind {
            FileKind::Symlink => return links::made_by(path, record.link(), evidence).map(made),
            FileKind::Directory if path_.ends_with("__pycache__") => {
                return Some(made("py3compile"));
            }
            FileKind::File => {}
            _ => return None,
        }
        if python::source_of(path_).is_some() {
            // One that is gone leads to nothing.
            return Some(match (gone, python::judge(path_, evidence)) {
                (true, _) | (_, Ok(())) if record.mode.0 & 0o111 == 0 => made("py3compile"),
                (_, Err(why)) => not(format!("not shown to be compiled by Python: {why}")),
                _ => not("a compiled module that may be executed".to_owned()),
            });
        }
        let (by, judged) = match self.kind(path) {
            Some(kind) => (kind.by, shown(kind, path, record, gone, evidence)),
            None if path == certificates::CERTIFICATES.as_bytes() => {
                ("update-ca-certificates", certificates::judge(evidence))
            }
            None => return None,
        };
        Some(match judged {
            Ok(()) => made(by),
            Err(why) => not(format!("not shown to be made by {by}: {why}")),
        })
    }
}

fn shown(
    kind: &Kind,
    path: &[u8],
    record: &Record,
    gone: bool,
    evidence: &Evidence,
) -> Result<(), String> {
    if !evidence.has_tool(kind.tools, gone) {
        return Err("that program is not here".to_owned());
    }
    if record.mode.0 & 0o111 != 0 {
        return Err("it may be executed".to_owned());
    }
    let inputs = Inputs::of(kind.inputs, path);
    if !kind.inputs.is_empty() && !evidence.has_changed(&inputs) {
        return Err("nothing that it is made from has changed".to_owned());
    }
    match gone {
        true => Ok(()),
        false => indexes::judge(kind.content, path, evidence.target, evidence.packages),
    }
}

impl Default for Generators {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;

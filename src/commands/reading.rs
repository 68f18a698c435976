//! What a command line comes to.

use super::context::Who;
use crate::facts::Unknown;
use std::path::PathBuf;

/// A program that is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its file; a mere name where it is in no directory of the search path.
    pub program: PathBuf,
    /// Its words, the first left out.
    pub arguments: Vec<String>,
    /// As whom.
    pub who: Who,
    /// In which directory, as far as it can be told.
    pub from: Option<PathBuf>,
    /// Whose command it is: `ExecStart= of x.service`, `run by /opt/x.sh,`.
    pub why: String,
    /// Whether it is the one that goes on in the place of the first: nothing but wrappers and scripts
    /// that end in it lie between.
    pub main: bool,
    /// Whether it only makes way for another: a wrapper, or the interpreter of a script.
    pub gives_way: bool,
}

impl Run {
    /// Whether it only starts another one: `env`, `nice`, `gosu`. A script is no wrapper.
    pub fn is_wrapper(&self) -> bool {
        let name = self.program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        self.gives_way && super::is_wrapper(name)
    }
}

/// What is read as code, or decides what is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// The file or directory.
    pub path: PathBuf,
    /// By whom.
    pub who: Who,
    /// What it is for: `argument of ExecStart= of x.service,`.
    pub why: String,
}

/// A path that a command names. Most programs take it for data; of those that are not known here,
/// that cannot be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The path.
    pub path: PathBuf,
    /// By whom.
    pub who: Who,
    /// The program that is given it.
    pub program: String,
    /// What the command is: `argument of ExecStart= of x.service,`.
    pub why: String,
    /// Whether the program is known to take it for data.
    pub is_data: bool,
}

/// A variable that is set for what is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Its value, as far as it can be told.
    pub value: String,
    /// For whom.
    pub who: Who,
    /// What sets it.
    pub why: String,
}

/// A use of `*` as operands by a program that takes names of files for options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wildcard {
    /// The directory whose names they are.
    pub directory: PathBuf,
    /// The program.
    pub program: String,
    /// By whom.
    pub who: Who,
    /// What the command is.
    pub why: String,
}

/// Of which kind something is that could not be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapKind {
    /// It is put together when it runs.
    Composed,
    /// A name that is in no directory of the search path.
    NotFound,
    /// A file or directory that could not be seen, or a bound that was met.
    Unseen,
}

/// Something that could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What, and why.
    pub unknown: Unknown,
    /// Of which kind.
    pub kind: GapKind,
    /// The script that it stands in; `None`: the command itself.
    pub script: Option<PathBuf>,
    /// As whom.
    pub who: Who,
}

/// All that a command line comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What is started, in its order.
    pub runs: Vec<Run>,
    /// What is read as code.
    pub reads: Vec<Read>,
    /// What else is named.
    pub operands: Vec<Operand>,
    /// Names that are looked for where nothing is: whoever makes one there decides.
    pub missing: Vec<Read>,
    /// Variables that are set.
    pub set: Vec<Set>,
    /// Names of files that become options.
    pub wildcards: Vec<Wildcard>,
    /// What could not be told.
    pub gaps: Vec<Gap>,
}

//! What a policy expects of the mode of a file, written as `chmod(1)` takes it.
//!
//! An octal expectation (`0640`) is about all twelve bits. A symbolic one (`u+rw,o-w`) holds where
//! `chmod` with it would change nothing: `+` must be there, `-` must not, `=` exactly these for
//! that class, and bits that no clause is about may be as they like. As with `chmod`, later
//! clauses win over earlier ones (`a=r,u+w`), and the special bits belong to classes: setuid to
//! `u`, setgid to `g`, sticky to `o`. So `u=rw` forbids setuid; only for directories do setuid and
//! setgid stay out of `=` unless it says `s`, since there they are about inheritance. No class
//! letter means `a`; no umask plays a part.

mod parse;

use crate::facts::file::{FileKind, Mode};
use std::fmt;

/// setuid, setgid, sticky and nine permission bits.
const ALL: u16 = 0o7777;
/// The bits of `r`, `w`, `x`, `s` and `t` for all classes.
const BITS: [(char, u16); 5] =
    [('r', 0o444), ('w', 0o222), ('x', EXECUTE), ('s', SET_ID), ('t', 0o1000)];
/// The bits of `u`, `g` and `o`.
const CLASSES: [(char, u16); 3] = [('u', 0o4700), ('g', 0o2070), ('o', 0o1007)];
const EXECUTE: u16 = 0o111;
const SET_ID: u16 = 0o6000;

/// An expectation of the mode of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModeExpectation {
    text: String,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Exactly(Mode),
    Changes(Vec<Change>),
}

/// One operator with its permissions, such as `+rw` of `ug+rw`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    /// All bits of the classes it is about.
    classes: u16,
    operator: Operator,
    /// The bits that it names, within those classes.
    bits: u16,
    /// `X` was among them: execute too, if it is a directory or somebody may execute it already.
    execute_if_any: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Add,
    Remove,
    Set,
}

impl ModeExpectation {
    /// Reads an expectation from the text of a YAML scalar; `quoted` says whether it stood in
    /// quotes. Without them digits must begin with `0`: YAML takes `640` for a decimal number.
    ///
    /// # Errors
    /// What is wrong with which part, and how to write it.
    pub fn parse(text: &str, quoted: bool) -> Result<Self, String> {
        parse::expectation(text, quoted)
    }

    /// What `chmod` would make of a mode. Unlike with `chmod`, an octal one decides the setuid and
    /// setgid bits of directories too.
    fn applied(&self, mode: Mode, kind: FileKind) -> Mode {
        match &self.wanted {
            Wanted::Exactly(exactly) => *exactly,
            Wanted::Changes(changes) => {
                Mode(changes.iter().fold(mode.0 & ALL, |mode, change| change.applied(mode, kind)))
            }
        }
    }

    /// Whether a mode is as expected.
    pub fn holds(&self, mode: Mode, kind: FileKind) -> bool {
        self.at_least(mode, kind) && self.at_most(mode, kind)
    }

    /// Whether no bit is set that must not be; bits that must be set may be missing.
    pub fn at_most(&self, mode: Mode, kind: FileKind) -> bool {
        self.excess(mode, kind).0 == 0
    }

    /// Whether every bit is set that must be; bits that must not be set may be there.
    pub fn at_least(&self, mode: Mode, kind: FileKind) -> bool {
        self.lacking(mode, kind).0 == 0
    }

    /// The bits that are set and must not be.
    pub fn excess(&self, mode: Mode, kind: FileKind) -> Mode {
        Mode(mode.0 & ALL & !self.applied(mode, kind).0)
    }

    /// The bits that must be set and are not.
    pub fn lacking(&self, mode: Mode, kind: FileKind) -> Mode {
        Mode(self.applied(mode, kind).0 & !mode.0)
    }

    /// Whether it forbids any bit. One that does not (`u+r`, `7777`) makes no sense as `at_most`:
    /// it would always pass.
    pub fn forbids(&self) -> bool {
        !self.at_most(Mode(ALL), FileKind::File)
    }

    /// Whether it requires any bit. One that does not (`o-w`, `0000`) makes no sense as `at_least`.
    pub fn requires(&self) -> bool {
        // With X, a bit is required only where another execute bit is there.
        [0, 0o001, 0o010, 0o100].iter().any(|mode| !self.at_least(Mode(*mode), FileKind::File))
    }

    /// The argument of `chmod(1)` that makes a mode as expected: `u+rw,o-w`, `0640`. Empty where
    /// it is already.
    pub fn repair(&self, mode: Mode, kind: FileKind) -> String {
        let Wanted::Exactly(exactly) = self.wanted else {
            return difference(self.lacking(mode, kind), self.excess(mode, kind));
        };
        if self.holds(mode, kind) {
            return String::new();
        }
        if kind == FileKind::Directory && self.excess(mode, kind).0 & SET_ID != 0 {
            // With up to four digits GNU chmod leaves these bits of directories as they are.
            return format!("{:05o}", exactly.0);
        }
        exactly.to_string()
    }

    /// The argument of `chmod(1)` that removes what must not be: `o-w`. Empty where nothing is.
    pub fn repair_at_most(&self, mode: Mode, kind: FileKind) -> String {
        difference(Mode(0), self.excess(mode, kind))
    }

    /// The argument of `chmod(1)` that adds what must be: `u+rw`. Empty where all is there.
    pub fn repair_at_least(&self, mode: Mode, kind: FileKind) -> String {
        difference(self.lacking(mode, kind), Mode(0))
    }
}

impl fmt::Display for ModeExpectation {
    /// Four octal digits, or the symbolic text as it was written.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wanted {
            Wanted::Exactly(mode) => mode.fmt(f),
            Wanted::Changes(_) => f.write_str(&self.text),
        }
    }
}

impl Change {
    /// The rules of `mode_adjust()` that GNU chmod documents under "Symbolic Modes" and
    /// "Directories and the Set-User-ID and Set-Group-ID Bits".
    fn applied(self, mode: u16, kind: FileKind) -> u16 {
        let directory = kind == FileKind::Directory;
        let mut bits = self.bits;
        if self.execute_if_any && (directory || mode & EXECUTE != 0) {
            bits |= self.classes & EXECUTE;
        }
        match self.operator {
            Operator::Add => mode | bits,
            Operator::Remove => mode & !bits,
            Operator::Set => {
                let unspoken = if directory { SET_ID & !self.bits } else { 0 };
                mode & (!self.classes | unspoken) | bits
            }
        }
    }
}

/// Symbolic clauses that add some bits and remove others, classes with the same change together.
fn difference(add: Mode, remove: Mode) -> String {
    let mut clauses = Vec::new();
    for (operator, bits) in [('+', add.0), ('-', remove.0)] {
        let mut by_letters: Vec<(String, String)> = Vec::new();
        for (class, of_class) in CLASSES {
            // The sticky bit is everybody's: `chmod o+t` would work with GNU, `a+t` does anywhere.
            let letters: String = BITS
                .iter()
                .filter(|(letter, bit)| *letter != 't' && bits & of_class & bit != 0)
                .map(|(letter, _)| letter)
                .collect();
            if letters.is_empty() {
                continue;
            }
            match by_letters.iter_mut().find(|(known, _)| *known == letters) {
                Some((_, classes)) => classes.push(class),
                None => by_letters.push((letters, class.to_string())),
            }
        }
        if bits & 0o1000 != 0 {
            by_letters.push(("t".to_owned(), "a".to_owned()));
        }
        let written = by_letters
            .into_iter()
            .map(|(letters, classes)| format!("{classes}{operator}{letters}"));
        clauses.extend(written);
    }
    clauses.join(",")
}

#[cfg(test)]
mod tests;

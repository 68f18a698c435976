//! Whether a process runs a program that a rule names. A program is a file, its path a hint: whoever
//! mounts a file of his own over `/usr/sbin/nginx` does not run nginx.

use crate::facts::process::{Executable, FileId, Process};
use crate::facts::{Fact, all, any};
use crate::host::Target;
use crate::host::select::canonical;
use crate::policy::expect::{Expect, Term};
use crate::policy::operand::{AbsolutePath, Text};
use crate::text;
use std::path::{Path, PathBuf};

/// Whether an executable is as expected: the host's file of a path that is, or for `not` none.
pub(super) fn is_expected(
    expect: &Expect<AbsolutePath>,
    exe: &Executable,
    target: &dyn Target,
) -> Fact<bool> {
    let path = text::path(&exe.path);
    judge(expect, false, &|term, negated| match term {
        Term::Is(wanted) if negated => Ok(wanted.0 == path || is(&wanted.0, exe, target)?),
        Term::Is(wanted) => is(&wanted.0, exe, target),
        Term::Matches(pattern) => matches(pattern.is_match(&path), negated, exe),
        // Not ordered: the parser refuses these for paths.
        Term::AtMost(_) | Term::AtLeast(_) => Ok(false),
    })
}

/// The same for the path of a process's executable as text; what is in a container is known by the
/// path that it has there.
pub(super) fn is_named(expect: &Expect<Text>, process: &Process) -> Fact<bool> {
    let Some(exe) = process.exe.clone()? else { return Ok(false) };
    let path = text::path(&exe.path);
    let inside = process.container == Ok(true);
    judge(expect, false, &|term, negated| {
        let fits = match term {
            Term::Is(wanted) => wanted.0 == path,
            Term::Matches(pattern) => pattern.is_match(&path),
            Term::AtMost(_) | Term::AtLeast(_) => false,
        };
        matches(fits, negated || inside, &exe)
    })
}

/// A path that fits proves something only of the host's file, unless it is one that must not fit.
fn matches(fits: bool, enough: bool, exe: &Executable) -> Fact<bool> {
    if fits && !enough { exe.hosts.clone() } else { Ok(fits) }
}

fn judge<T>(
    expect: &Expect<T>,
    negated: bool,
    test: &dyn Fn(&Term<T>, bool) -> Fact<bool>,
) -> Fact<bool> {
    match expect {
        Expect::Term(term) => test(term, negated),
        Expect::Not(inner) => judge(inner, !negated, test).map(|holds| !holds),
        Expect::Any(several) => any(several.iter().map(|one| judge(one, negated, test))),
        Expect::All(several) => all(several.iter().map(|one| judge(one, negated, test))),
    }
}

/// Whether it is the host's program of this path, which may be a link.
fn is(path: &str, exe: &Executable, target: &dyn Target) -> Fact<bool> {
    let path = Path::new(path);
    let mut names = vec![PathBuf::from(path)];
    let mut file = None;
    if let Ok(Some(resolved)) = canonical(target, path) {
        let fact = target.file(&resolved).ok().flatten();
        file = fact.map(|fact| FileId { device: fact.device, inode: fact.inode });
        names.push(resolved);
    }
    exe.is_program(&names, file)
}

/// An executable in words: `/usr/sbin/nginx (deleted)`, `/usr/sbin/nginx (not the host's file)`.
pub(super) fn words(exe: &Executable) -> String {
    let path = text::path(&exe.path);
    match (&exe.hosts, exe.deleted) {
        (Ok(false), _) => format!("{path}, not the host's file of that name"),
        (_, true) => format!("{path} (deleted)"),
        (_, false) => path,
    }
}

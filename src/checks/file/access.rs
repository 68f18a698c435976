//! Conditions of `file:` about who could do what to it, decided as the kernel does.

use crate::access::{self, Credentials, Permission};
use crate::checks::file::FileView;
use crate::checks::file::conditions::{about, file_of};
use crate::facts::{Cause, Fact, Unknown, all};
use crate::host::Target;
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::expect::{Expect, Term};
use crate::policy::node::{Node, Value};
use crate::policy::operand::Principal;
use crate::rules::guard_gaps::advice;
use crate::rules::identity::user_id;
use crate::text::{self, shell};
use crate::verdict::{Assertion, Subject};
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// Credentials that a login of the user has.
fn credentials(target: &dyn Target, principal: &Principal) -> Fact<Option<Credentials>> {
    let Some(uid) = user_id(target, principal)? else { return Ok(None) };
    Ok(Some(match target.user_by_id(uid)? {
        Some(user) => Credentials::of(uid, target.groups_of(&user)?),
        None => Credentials::of(uid, []),
    }))
}

/// Words that people write in the place of a user, with the mode that says what they mean.
const NO_USERS: [(&str, &str); 9] = [
    ("other", "mode: \"o-w\""),
    ("others", "mode: \"o-w\""),
    ("world", "mode: \"o-w\""),
    ("all", "mode: \"o-w\""),
    ("everybody", "mode: \"o-w\""),
    ("everyone", "mode: \"o-w\""),
    ("anyone", "mode: \"o-w\""),
    ("group", "mode: \"g-w\""),
    ("owner", "mode: \"u+w\""),
];

/// Refuses what is a class of `chmod(1)` and no user.
pub fn users_only(node: &Node, letter: char, problems: &mut Diagnostics) {
    match &node.value {
        Value::Scalar(scalar) => {
            let Some((word, mode)) = NO_USERS.iter().find(|(word, _)| *word == scalar.text) else {
                return;
            };
            let mode = mode.replace('w', &letter.to_string());
            problems.push(
                Diagnostic::at(&node.span, format!("`{word}` is no user"))
                    .help(format!("the rights of a class are said by the mode, such as {mode}")),
            );
        }
        Value::List(items) => items.iter().for_each(|item| users_only(item, letter, problems)),
        Value::Map(entries) => {
            entries.iter().for_each(|(_, value)| users_only(value, letter, problems));
        }
    }
}

/// Whether users could open or execute a file: `readable_by`, `writable_by`, `executable_by`.
pub fn could(
    view: &FileView,
    condition: &str,
    users: &Expect<Principal>,
    wanted: Permission,
    target: &dyn Target,
) -> Assertion {
    let (path, file) = file_of(view);
    let mut observed = Vec::new();
    let mut denied = None;
    let mut deciding = Vec::new();
    // Who can only append is neither somebody who can write the file nor somebody who cannot.
    let appends = Cell::new(false);
    let mut nobody = None;
    let mut judge = |principal: &Principal| -> Fact<bool> {
        let Some(who) = credentials(target, principal)? else {
            observed.push(format!("there is no user {principal} here"));
            nobody.get_or_insert_with(|| principal.to_string());
            return Ok(false);
        };
        match access::decide(target, &view.path, &who, wanted)? {
            Some(ruling) => {
                let can = match (ruling.allowed, ruling.append_only) {
                    (true, _) => "can",
                    (false, true) => "can append only",
                    (false, false) => "cannot",
                };
                appends.set(ruling.append_only);
                let component = text::path(&ruling.component);
                if !ruling.allowed {
                    denied = Some(ruling.component.clone());
                }
                observed.push(format!("{principal} {can}: {component}: {}", ruling.because));
                deciding.push(ruling.component);
                Ok(ruling.allowed)
            }
            None => Err(Unknown::new(text::path(&view.path), Cause::Vanished)),
        }
    };
    let holds = every(users, true, &mut |principal, wanted| {
        appends.set(false);
        Ok(judge(principal)? == wanted && !appends.get())
    });
    // That a user who does not exist could not do it says nothing.
    let holds = match (holds, nobody) {
        (Ok(true), Some(name)) => {
            let why = "there is no such user here".to_owned();
            Err(Unknown::new(format!("user {name}"), Cause::Unsupported(why)))
        }
        (holds, _) => holds,
    };
    let verb = match wanted {
        Permission::Read => "readable",
        Permission::Write => "writable",
        Permission::Execute => "executable",
    };
    let assertion = about(view, condition, path, file)
        .expected(format!("{verb} by {}", users.show().replace("one of ", "each of ")))
        .observed(observed.join("; "))
        .caused_by(directory_on_the_way(path, &deciding));
    assertion.decide(holds).repaired_by(|| grant(view, users, wanted, &denied?, target))
}

/// The directory that decides for all users, so that the many files below it are one piece of work.
fn directory_on_the_way(file: &Path, deciding: &[PathBuf]) -> Option<Subject> {
    let first = deciding.first().filter(|first| *first != file && file.starts_with(first))?;
    deciding.iter().all(|one| one == first).then(|| Subject::new("file", text::path(first)))
}

/// A list demands it of each user; under `not` it is forbidden to each.
fn every(
    users: &Expect<Principal>,
    wanted: bool,
    judge: &mut dyn FnMut(&Principal, bool) -> Fact<bool>,
) -> Fact<bool> {
    match users {
        Expect::Term(Term::Is(principal)) => judge(principal, wanted),
        Expect::Term(_) => Ok(false),
        Expect::Not(inner) => every(inner, !wanted, judge),
        Expect::Any(list) | Expect::All(list) => {
            let each: Vec<Fact<bool>> = list.iter().map(|one| every(one, wanted, judge)).collect();
            all(each)
        }
    }
}

/// Grants by an ACL entry what the denying component of the path lacks, unless the rule makes the
/// user the owner anyway.
fn grant(
    view: &FileView,
    users: &Expect<Principal>,
    wanted: Permission,
    component: &Path,
    target: &dyn Target,
) -> Option<String> {
    let Expect::Term(Term::Is(user)) = users else { return None };
    let (_, file) = file_of(view);
    let denying = advice(target, |target| target.file(component)).ok()??;
    let is_file = (denying.device, denying.inode) == (file.device, file.inode);
    let protection = advice(target, |target| target.protection(component));
    if is_file && wanted == Permission::Write && protection.is_ok_and(|one| one.pins().is_some()) {
        return Some(format!("chattr -ia {}", shell::quote_path(&view.path)));
    }
    let (bit, path) = match (is_file, wanted) {
        // No entry helps against a read-only filesystem.
        (true, Permission::Write)
            if advice(target, |target| target.read_only(component)) != Ok(false) =>
        {
            return None;
        }
        (true, _) if view.wanted.owner.as_ref() == Some(user) => return None,
        (true, Permission::Write) => ('w', view.path.as_path()),
        (true, Permission::Read) => ('r', view.path.as_path()),
        (true, Permission::Execute) => ('x', view.path.as_path()),
        (false, _) => ('x', component),
    };
    let entry = shell::quote(format!("u:{user}:{bit}").as_bytes());
    Some(format!("setfacl -m {entry} {}", shell::quote_path(path)))
}

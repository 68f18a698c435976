//! One inode: which class applies, what it grants, and what capabilities override.
//! The order is that of `acl_permission_check()` and `generic_permission()` of `fs/namei.c`.

use super::{Credentials, acl};
use crate::facts::capability::{self, DAC_OVERRIDE, DAC_READ_SEARCH};
use crate::facts::file::{FileFact, FileKind, Mode};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::Path;

pub(super) const READ: u8 = 4;
pub(super) const WRITE: u8 = 2;
pub(super) const EXECUTE: u8 = 1;

/// Who the kernel took the asker for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// The owner.
    Owner,
    /// The owning group, by mode bits or `GROUP_OBJ` entry.
    Group(u32),
    /// A named user of the ACL.
    NamedUser,
    /// A named group of the ACL.
    NamedGroup(u32),
    /// Everybody else.
    Other,
    /// Nobody in particular: a capability decided.
    Capability,
}

/// What one inode says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub allowed: bool,
    pub class: Class,
    pub because: String,
}

/// Whether `who` gets all bits of `wanted` from the inode at `path`.
pub(super) fn check(
    files: &dyn Files,
    path: &Path,
    fact: &FileFact,
    who: &Credentials,
    wanted: u8,
) -> Fact<Verdict> {
    let verdict = match by_class(files, path, fact, who, wanted) {
        Ok(verdict) if verdict.allowed => return Ok(verdict),
        // A capability that grants it anyway makes what could not be seen irrelevant.
        denied_or_unknown => denied_or_unknown,
    };
    if let Some(bit) = overriding(fact, who, wanted) {
        let name = capability::name(bit).to_ascii_uppercase();
        let because = match &verdict {
            Ok(denied) => format!("{name} overrides: {}", denied.because),
            Err(_) => format!("{name} overrides whatever the permissions are"),
        };
        return Ok(Verdict { allowed: true, class: Class::Capability, because });
    }
    let mut verdict = verdict?;
    if capability::has(who.capabilities, DAC_OVERRIDE) {
        // The only case in which CAP_DAC_OVERRIDE does not help.
        verdict.because.push_str("; without any execute bit not even root may execute it");
    }
    Ok(verdict)
}

/// The capability that grants what the class did not.
fn overriding(fact: &FileFact, who: &Credentials, wanted: u8) -> Option<u8> {
    let read_search = match fact.kind {
        FileKind::Directory => wanted & WRITE == 0,
        _ => wanted == READ,
    };
    if read_search && capability::has(who.capabilities, DAC_READ_SEARCH) {
        return Some(DAC_READ_SEARCH);
    }
    let executable = fact.kind == FileKind::Directory || fact.mode.0 & 0o111 != 0;
    let overridable = wanted & EXECUTE == 0 || executable;
    (overridable && capability::has(who.capabilities, DAC_OVERRIDE)).then_some(DAC_OVERRIDE)
}

/// Exactly one class decides: being denied by it is not made good by a later one.
fn by_class(
    files: &dyn Files,
    path: &Path,
    fact: &FileFact,
    who: &Credentials,
    wanted: u8,
) -> Fact<Verdict> {
    if fact.uid == who.uid {
        let has = bits(fact.mode, 6);
        let because = format!("owner class has {} (uid {})", rwx(has), fact.uid);
        return Ok(Verdict { allowed: has & wanted == wanted, class: Class::Owner, because });
    }
    // Linux looks at an ACL only if the group bits of the mode, which are its mask then, are not
    // all zero. So an empty mask does not deny named users: they fall through to group or other.
    let masked_out = bits(fact.mode, 3) == 0;
    if !masked_out && let Some(list) = files.acl(path)? {
        return acl::evaluate(&list, fact.gid, who, wanted).map_err(|why| {
            Unknown::new(format!("ACL of {}", path.display()), Cause::Malformed(why.to_owned()))
        });
    }
    if who.gids.contains(&fact.gid) {
        let has = bits(fact.mode, 3);
        let because = format!("group class has {} (gid {})", rwx(has), fact.gid);
        let class = Class::Group(fact.gid);
        return Ok(Verdict { allowed: has & wanted == wanted, class, because });
    }
    let has = bits(fact.mode, 0);
    let because = format!("other class has {}", rwx(has));
    Ok(Verdict { allowed: has & wanted == wanted, class: Class::Other, because })
}

/// Three bits of a mode.
fn bits(mode: Mode, shift: u16) -> u8 {
    u8::try_from(mode.0 >> shift & 7).unwrap_or(0)
}

/// Permission bits as `ls -l` shows them: `rw-`.
pub(super) fn rwx(bits: u8) -> String {
    [(READ, 'r'), (WRITE, 'w'), (EXECUTE, 'x')]
        .iter()
        .map(|(bit, letter)| if bits & bit == 0 { '-' } else { *letter })
        .collect()
}

/// The nine permission bits of a mode as `ls -l` shows them: `rw-r-----`.
pub(super) fn symbolic(mode: Mode) -> String {
    [6, 3, 0].iter().map(|shift| rwx(bits(mode, *shift))).collect()
}

/// Kind and mode as `ls -l` shows them, with setuid, setgid and sticky bit: `drwxrwxrwt`.
pub fn listing(fact: &FileFact) -> String {
    let mode = fact.mode.0;
    let mut letters: Vec<char> =
        std::iter::once(fact.kind.letter()).chain(symbolic(fact.mode).chars()).collect();
    for (bit, place, executable, not) in
        [(0o4000, 3, 's', 'S'), (0o2000, 6, 's', 'S'), (0o1000, 9, 't', 'T')]
    {
        if mode & bit != 0
            && let Some(letter) = letters.get_mut(place)
        {
            *letter = if *letter == 'x' { executable } else { not };
        }
    }
    letters.into_iter().collect()
}

//! Users and groups as a rule names them against the ids that the kernel shows.

use crate::facts::Fact;
use crate::facts::account::{Group, User};
use crate::host::Target;
use crate::policy::expect::{Expect, Term};
use crate::policy::operand::Principal;

/// Whether `uid` is as expected. A name means its id: an alias account of the same id is the same
/// to the kernel. A name that no account has is nobody's.
pub fn user_is(target: &dyn Target, expect: &Expect<Principal>, uid: u32) -> Fact<bool> {
    expect.holds(&mut |term| match term {
        Term::Is(wanted) => Ok(user_id(target, wanted)? == Some(uid)),
        _ => Ok(false),
    })
}

/// Whether `gid` is as expected.
pub fn group_is(target: &dyn Target, expect: &Expect<Principal>, gid: u32) -> Fact<bool> {
    expect.holds(&mut |term| match term {
        Term::Is(wanted) => Ok(group_id(target, wanted)? == Some(gid)),
        _ => Ok(false),
    })
}

/// The id of a user; `None` when no account has the name. Digits are the name of an account first and
/// an id only if there is none, as chown(1) takes them and POSIX has it.
pub fn user_id(target: &dyn Target, principal: &Principal) -> Fact<Option<u32>> {
    match principal {
        Principal::Id(id) => {
            let accounts = target.accounts().ok();
            let named = accounts.as_ref().and_then(|all| all.user(&id.to_string()));
            Ok(Some(named.map_or(*id, |user| user.uid)))
        }
        Principal::Name(name) => Ok(target.user(name)?.map(|user| user.uid)),
    }
}

/// The id of a group; `None` when no group has the name. Digits likewise.
pub fn group_id(target: &dyn Target, principal: &Principal) -> Fact<Option<u32>> {
    match principal {
        Principal::Id(id) => {
            let accounts = target.accounts().ok();
            let named = accounts.as_ref().and_then(|all| all.group(&id.to_string()));
            Ok(Some(named.map_or(*id, |group| group.gid)))
        }
        Principal::Name(name) => Ok(target.group(name)?.map(|group| group.gid)),
    }
}

/// The account that is meant.
pub fn user(target: &dyn Target, principal: &Principal) -> Fact<Option<User>> {
    match principal {
        Principal::Id(id) => match target.accounts()?.user(&id.to_string()) {
            Some(user) => Ok(Some(user.clone())),
            None => target.user_by_id(*id),
        },
        Principal::Name(name) => target.user(name),
    }
}

/// The group that is meant.
pub fn group(target: &dyn Target, principal: &Principal) -> Fact<Option<Group>> {
    match principal {
        Principal::Id(id) => match target.accounts()?.group(&id.to_string()) {
            Some(group) => Ok(Some(group.clone())),
            None => target.group_by_id(*id),
        },
        Principal::Name(name) => target.group(name),
    }
}

/// A uid as people know it: the account's name, or the number alone.
pub fn user_name(target: &dyn Target, uid: u32) -> String {
    match target.user_by_id(uid) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}

/// A gid as people know it.
pub fn group_name(target: &dyn Target, gid: u32) -> String {
    match target.group_by_id(gid) {
        Ok(Some(group)) => group.name,
        _ => gid.to_string(),
    }
}

/// Names among the expected users that no account has, for "there is no user nginx here".
pub fn missing_user(target: &dyn Target, expect: &Expect<Principal>) -> Option<String> {
    match expect.wanted() {
        Some(Principal::Name(name)) if matches!(target.user(name), Ok(None)) => Some(name.clone()),
        _ => None,
    }
}

//! Accounts of the live host, compared with `id(1)` and `getent(1)`.

// Helpers of tests may be as blunt as tests, which clippy cannot see.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::live_support::{AS_NOBODY, again, output, root, run_again, tool};
use spotcheck::facts::account::{Origin, PasswordField};
use spotcheck::host::Target;
use spotcheck::targets::live::Live;
use std::collections::BTreeSet;

#[test]
fn users_and_groups_are_those_of_getent() {
    let live = Live::new();
    let accounts = live.accounts().unwrap();
    for user in &accounts.users {
        let found = live.user(&user.name).unwrap().unwrap();
        assert_eq!(found.origin, Origin::Files);
        let line = output("getent", &["passwd", &user.name]);
        let fields: Vec<&str> = line.trim_end_matches('\n').split(':').collect();
        let [name, _, uid, gid, gecos, home, shell] = fields.as_slice() else { panic!("{line}") };
        assert_eq!((*name, *gecos), (found.name.as_str(), found.gecos.as_str()));
        assert_eq!((*home, *shell), (found.home.as_str(), found.shell.as_str()));
        assert_eq!((*uid, *gid), (&*found.uid.to_string(), &*found.gid.to_string()));
    }
    for group in &accounts.groups {
        let line = output("getent", &["group", &group.name]);
        let expected = format!("{}:{}", group.gid, group.members.join(","));
        assert!(line.trim_end().ends_with(&expected), "{line} is not {expected}");
        assert_eq!(live.group(&group.name).unwrap().unwrap().gid, group.gid);
    }
}

#[test]
fn the_groups_of_every_user_are_those_of_id() {
    let live = Live::new();
    for user in &live.accounts().unwrap().users {
        let ids = output("id", &["-G", &user.name]);
        let expected: BTreeSet<u32> =
            ids.split_ascii_whitespace().map(|id| id.parse().unwrap()).collect();
        assert_eq!(live.groups_of(user), Ok(expected), "{}", user.name);
    }
}

#[test]
fn ids_lead_to_the_first_account_that_has_them() {
    let live = Live::new();
    assert_eq!(live.user_by_id(0).unwrap().unwrap().name, "root");
    assert_eq!(live.group_by_id(0).unwrap().unwrap().name, "root");
}

#[test]
fn who_is_nowhere_is_absent() {
    let live = Live::new();
    assert_eq!(live.user("no-such-user-here"), Ok(None));
    assert_eq!(live.user_by_id(0xfff0_fff0), Ok(None));
    assert_eq!(live.group("no-such-group-here"), Ok(None));
    assert_eq!(live.group_by_id(0xfff0_fff0), Ok(None));
}

#[test]
fn the_shadow_file_is_for_root_and_its_hashes_for_nobody() {
    if again().is_some() {
        let shadow = Live::new().accounts().unwrap().shadow.clone();
        assert!(shadow.as_ref().is_err_and(|unknown| unknown.needs_root()), "{shadow:?}");
        return;
    }
    if !root() || !tool("setpriv") {
        return;
    }
    let accounts = Live::new().accounts().unwrap();
    let shadow = accounts.shadow.as_ref().unwrap();
    assert!(shadow.iter().any(|line| line.name == "root"));
    for line in shadow {
        if let PasswordField::Hash(method) = &line.password {
            assert!(method.len() <= 18, "{method}");
        }
    }
    run_again("the_shadow_file_is_for_root_and_its_hashes_for_nobody", &AS_NOBODY, "");
}

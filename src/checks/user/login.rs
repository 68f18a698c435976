//! What keeps somebody from logging in, whatever the way: an account that has expired, a shell that is not
//! there or cannot be executed.
//!
//! sshd, login and su ask for both: `pam_acct_mgmt(3)` of pam_unix for the account, and sshd's
//! `allowed_user()` and `execve(2)` for the shell.

use super::shell_of;
use crate::access::{Credentials, Permission, decide};
use crate::checks::accounts::shadow_line;
use crate::facts::Fact;
use crate::facts::account::{PasswordField, User};
use crate::host::Target;
use std::path::Path;

/// Why a user cannot log in, if so, passwords and keys aside.
pub(crate) fn barred(user: &User, target: &dyn Target) -> Fact<Option<String>> {
    match no_shell(user, target)? {
        Some(why) => Ok(Some(why)),
        None => expired(user, target),
    }
}

/// Why the account is no longer good, if so. Where shadow cannot be read that is unknown.
pub(crate) fn expired(user: &User, target: &dyn Target) -> Fact<Option<String>> {
    const DAY: i64 = 86_400;
    // Whose password stands in passwd itself has no dates (`get_account_info()` of pam_unix).
    if user.password != PasswordField::Shadow {
        return Ok(None);
    }
    let line = shadow_line(user, target)?;
    Ok(line.and_then(|line| line.aging.bars(target.host().now().div_euclid(DAY))))
}

/// Why the shell of a user cannot be started, if so. A tree without the very directory of the shell is no
/// whole system: what is missing in it says nothing.
pub(crate) fn no_shell(user: &User, target: &dyn Target) -> Fact<Option<String>> {
    let shell = shell_of(user);
    let path = Path::new(shell);
    let Some(directory) = path.parent().filter(|_| path.is_absolute()) else { return Ok(None) };
    let root = Credentials::of(0, []);
    if decide(target, directory, &root, Permission::Execute)?.is_none() {
        return Ok(None);
    }
    let who = Credentials::of(user.uid, target.groups_of(user)?);
    Ok(match decide(target, path, &who, Permission::Execute)? {
        None => Some(format!("the shell {shell} does not exist")),
        Some(ruling) if !ruling.allowed => Some(format!("the shell cannot be executed: {ruling}")),
        Some(_) => None,
    })
}

//! The name service switch, `nsswitch.conf(5)`: what the account files do not know (LDAP, systemd).
//!
//! Its modules may wait for a network, so every question is asked on a thread of its own and given
//! up after a while; from then on nothing more is asked in this run.

use crate::facts::account::{Group, Origin, PasswordField, User};
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::live::patience;
use nix::errno::Errno;
use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ffi::CString;
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A static glibc binary crashes when a module of the switch is loaded: it asks nothing.
const AVAILABLE: bool = !(cfg!(target_env = "gnu") && cfg!(target_feature = "crt-static"));

/// The switch, until it fails to answer.
#[derive(Debug, Default)]
pub(super) struct Nss {
    broken: OnceCell<Unknown>,
}

impl Nss {
    pub(super) fn user(&self, name: &str) -> Fact<Option<User>> {
        let name = name.to_owned();
        self.ask(format!("user {name}"), move || match users::get_user_by_name(&name) {
            Some(found) => Ok(Some(user(&found))),
            None => absent(nix::unistd::User::from_name(&name).map(|u| u.is_some())),
        })
    }

    pub(super) fn user_by_id(&self, uid: u32) -> Fact<Option<User>> {
        self.ask(format!("user {uid}"), move || match users::get_user_by_uid(uid) {
            Some(found) => Ok(Some(user(&found))),
            None => absent(nix::unistd::User::from_uid(uid.into()).map(|u| u.is_some())),
        })
    }

    pub(super) fn group(&self, name: &str) -> Fact<Option<Group>> {
        let name = name.to_owned();
        self.ask(format!("group {name}"), move || match users::get_group_by_name(&name) {
            Some(found) => Ok(Some(group(&found))),
            None => absent(nix::unistd::Group::from_name(&name).map(|g| g.is_some())),
        })
    }

    pub(super) fn group_by_id(&self, gid: u32) -> Fact<Option<Group>> {
        self.ask(format!("group {gid}"), move || match users::get_group_by_gid(gid) {
            Some(found) => Ok(Some(group(&found))),
            None => absent(nix::unistd::Group::from_gid(gid.into()).map(|g| g.is_some())),
        })
    }

    /// `getgrouplist(3)`: ids, also of groups that have no name.
    pub(super) fn groups_of(&self, name: &str, gid: u32) -> Fact<BTreeSet<u32>> {
        let Ok(c_name) = CString::new(name) else { return Ok(BTreeSet::new()) };
        let answer = self.ask(format!("groups of {name}"), move || {
            let groups = nix::unistd::getgrouplist(&c_name, gid.into())?;
            Ok(Some(groups.into_iter().map(|gid| gid.as_raw()).collect()))
        });
        Ok(answer?.unwrap_or_default())
    }

    /// Asks on another thread, and waits for a limited time.
    fn ask<T: Send + 'static>(
        &self,
        what: String,
        question: impl FnOnce() -> nix::Result<Option<T>> + Send + 'static,
    ) -> Fact<Option<T>> {
        if !AVAILABLE {
            return Ok(None);
        }
        if let Some(unknown) = self.broken.get() {
            return Err(unknown.clone());
        }
        let what = format!("{what} in the name service switch");
        match patience::within(PATIENCE, question) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(errno)) => Err(Unknown::new(what, Cause::Io(errno.desc().to_owned()))),
            Err(error) => {
                let unknown = Unknown::from_io(what, &error);
                Err(self.broken.get_or_init(|| unknown).clone())
            }
        }
    }
}

/// A look-up that found nothing: absence, or a failure? `getpwnam(3)` lists the numbers that
/// systems give for plain absence.
fn absent<T>(again: nix::Result<bool>) -> nix::Result<Option<T>> {
    match again {
        Ok(false) | Err(Errno::ENOENT | Errno::ESRCH | Errno::EBADF | Errno::EPERM) => Ok(None),
        // There after all: it came, or the first look-up had failed.
        Ok(true) => Err(Errno::EAGAIN),
        Err(errno) => Err(errno),
    }
}

fn user(found: &users::User) -> User {
    use users::os::unix::UserExt;
    User {
        name: found.name().to_string_lossy().into_owned(),
        // The switch says `x` or nothing of use; nobody but root would be told a hash.
        password: PasswordField::Shadow,
        uid: found.uid(),
        gid: found.primary_group_id(),
        gecos: found.gecos().to_string_lossy().into_owned(),
        home: found.home_dir().to_string_lossy().into_owned(),
        shell: found.shell().to_string_lossy().into_owned(),
        line: 0,
        origin: Origin::Nss,
    }
}

fn group(found: &users::Group) -> Group {
    use users::os::unix::GroupExt;
    Group {
        name: found.name().to_string_lossy().into_owned(),
        gid: found.gid(),
        members: found.members().iter().map(|m| m.to_string_lossy().into_owned()).collect(),
        line: 0,
        origin: Origin::Nss,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_answer_is_given_up_and_not_asked_again() {
        let nss = Nss::default();
        let first = nss.ask::<u32>("user slow".to_owned(), || {
            std::thread::sleep(PATIENCE * 2);
            Ok(None)
        });
        let unknown = first.unwrap_err();
        assert!(unknown.to_string().contains("no answer within 5 seconds"), "{unknown}");
        assert_eq!(nss.ask("user next".to_owned(), || Ok(Some(1))), Err(unknown));
    }

    #[test]
    fn a_failure_is_not_absence() {
        let nss = Nss::default();
        assert!(nss.ask::<u32>("user x".to_owned(), || absent(Err(Errno::ECONNREFUSED))).is_err());
        assert_eq!(nss.ask::<u32>("user x".to_owned(), || absent(Err(Errno::ENOENT))), Ok(None));
        assert_eq!(nss.ask::<u32>("user x".to_owned(), || absent(Ok(false))), Ok(None));
    }

    #[test]
    fn root_is_known_and_nonsense_is_not() {
        let nss = Nss::default();
        let root = nss.user("root").unwrap().unwrap();
        assert_eq!((root.uid, root.origin, root.line), (0, Origin::Nss, 0));
        assert_eq!(nss.user_by_id(0).unwrap().unwrap().name, "root");
        assert_eq!(nss.group_by_id(0).unwrap().unwrap().name, "root");
        assert_eq!(nss.group("root").unwrap().unwrap().gid, 0);
        assert!(nss.groups_of("root", 0).unwrap().contains(&0));
        assert_eq!(nss.user("no-such-user-here"), Ok(None));
        assert_eq!(nss.user_by_id(0xfff0_fff0), Ok(None));
        assert_eq!(nss.group("no-such-group-here"), Ok(None));
    }
}

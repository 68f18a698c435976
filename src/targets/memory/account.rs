//! The accounts of a [`Memory`]: lines of the files, and what the name service switch adds.

use crate::facts::account::{Accounts, Aging, Group, Origin, PasswordField, Shadow, User};
use crate::facts::{Fact, Unknown};
use crate::targets::memory::Memory;

/// What the name service switch would answer for names that are not in the files.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    users: Vec<User>,
    groups: Vec<Group>,
    /// Why it answers nothing at all.
    unreachable: Option<Unknown>,
}

impl Directory {
    fn reached(&self) -> Fact<&Self> {
        self.unreachable.as_ref().map_or(Ok(self), |why| Err(why.clone()))
    }

    pub(super) fn user(&self, wanted: impl Fn(&User) -> bool) -> Fact<Option<User>> {
        Ok(self.reached()?.users.iter().find(|user| wanted(user)).cloned())
    }

    pub(super) fn group(&self, wanted: impl Fn(&Group) -> bool) -> Fact<Option<Group>> {
        Ok(self.reached()?.groups.iter().find(|group| wanted(group)).cloned())
    }

    pub(super) fn groups(&self) -> Fact<&[Group]> {
        Ok(&self.reached()?.groups)
    }
}

/// Accounts.
impl Memory {
    /// Says that a name service brings in accounts which are not listed.
    pub fn other_accounts(mut self, why: &str) -> Self {
        if let Ok(Accounts { elsewhere: Ok(elsewhere), .. }) = &mut self.accounts {
            elsewhere.push(why.to_owned());
        }
        self
    }

    /// Adds a line to `/etc/passwd`: home `/home/NAME`, shell `/bin/sh`, the password in shadow,
    /// where it has no line yet.
    pub fn user(self, name: &str, uid: u32, gid: u32) -> Self {
        self.account(User {
            name: name.to_owned(),
            password: PasswordField::Shadow,
            uid,
            gid,
            gecos: String::new(),
            home: format!("/home/{name}"),
            shell: "/bin/sh".into(),
            line: 0,
            origin: Origin::Files,
        })
    }

    /// Adds an account as it is: to `/etc/passwd`, or to what the name service switch knows. Lines
    /// of the file are numbered here.
    pub fn account(mut self, mut user: User) -> Self {
        match (user.origin, &mut self.accounts) {
            (Origin::Nss, _) => self.nss.users.push(user),
            (Origin::Files, Ok(accounts)) => {
                user.line = line_after(accounts.users.len());
                accounts.users.push(user);
            }
            (Origin::Files, Err(_)) => {}
        }
        self
    }

    /// Changes the account of that name that was added last.
    pub fn but(mut self, name: &str, change: impl FnOnce(&mut User)) -> Self {
        if let Ok(accounts) = &mut self.accounts
            && let Some(user) = accounts.users.iter_mut().rfind(|user| user.name == name)
        {
            change(user);
        }
        self
    }

    /// Adds a line to `/etc/group`.
    pub fn group(self, name: &str, gid: u32, members: &[&str]) -> Self {
        self.add_group(name, gid, members, Origin::Files)
    }

    /// Adds a group that only the name service switch knows.
    pub fn nss_group(self, name: &str, gid: u32, members: &[&str]) -> Self {
        self.add_group(name, gid, members, Origin::Nss)
    }

    fn add_group(mut self, name: &str, gid: u32, members: &[&str], origin: Origin) -> Self {
        let members = members.iter().map(|name| (*name).to_owned()).collect();
        let mut group = Group { name: name.to_owned(), gid, members, line: 0, origin };
        match (origin, &mut self.accounts) {
            (Origin::Nss, _) => self.nss.groups.push(group),
            (Origin::Files, Ok(accounts)) => {
                group.line = line_after(accounts.groups.len());
                accounts.groups.push(group);
            }
            (Origin::Files, Err(_)) => {}
        }
        self
    }

    /// Adds a line to `/etc/shadow`.
    pub fn password(mut self, name: &str, password: PasswordField) -> Self {
        if let Ok(accounts) = &mut self.accounts
            && let Ok(shadow) = &mut accounts.shadow
        {
            let line = line_after(shadow.len());
            shadow.push(Shadow { name: name.to_owned(), password, aging: Aging::default(), line });
        }
        self
    }

    /// Says that `/etc/shadow` cannot be read.
    pub fn unreadable_shadow(mut self, why: Unknown) -> Self {
        if let Ok(accounts) = &mut self.accounts {
            accounts.shadow = Err(why);
        }
        self
    }

    /// Says that a line of the account files is not of its format: `/etc/passwd:12: why`.
    pub fn malformed_account(mut self, line: &str) -> Self {
        if let Ok(accounts) = &mut self.accounts {
            accounts.malformed.push(line.to_owned());
        }
        self
    }

    /// Says that the account files cannot be read.
    pub fn unreadable_accounts(mut self, why: Unknown) -> Self {
        self.accounts = Err(why);
        self
    }

    /// Says that the name service switch does not answer.
    pub fn unreachable_nss(mut self, why: Unknown) -> Self {
        self.nss.unreachable = Some(why);
        self
    }
}

/// Number of the line behind so many lines.
fn line_after(lines: usize) -> u32 {
    u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1)
}

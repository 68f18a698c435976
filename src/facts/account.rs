//! Accounts: `passwd(5)`, `group(5)` and `shadow(5)`, and who answered.

use super::Fact;
use serde::{Deserialize, Serialize};

/// Where an account was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The target's own `/etc/passwd`, `/etc/group`.
    Files,
    /// The name service switch of the live host (LDAP, systemd, ...): not in the files.
    Nss,
}

/// One line of `passwd(5)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Login name.
    pub name: String,
    /// Second field: `x` points to shadow, empty means no password is asked for.
    pub password: PasswordField,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Comment (GECOS).
    pub gecos: String,
    /// Home directory.
    pub home: String,
    /// Login shell; empty means `/bin/sh`.
    pub shell: String,
    /// Line in the file, 1 being the first; 0 when not from a file.
    pub line: u32,
    /// Who answered.
    pub origin: Origin,
}

/// What a password field says. The hash itself is never kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PasswordField {
    /// `x`: look into shadow.
    Shadow,
    /// Nothing: anybody may log in without a password.
    Empty,
    /// No password can match: starts with `!` or `*`.
    Locked,
    /// A hash; the text is its `crypt(5)` prefix such as `$y$`, or `des`.
    Hash(String),
}

/// One line of `group(5)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Group id.
    pub gid: u32,
    /// Names of those who have it as a supplementary group.
    pub members: Vec<String>,
    /// Line in the file, 1 being the first; 0 when not from a file.
    pub line: u32,
    /// Who answered.
    pub origin: Origin,
}

/// One line of `shadow(5)`, without the hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shadow {
    /// Login name.
    pub name: String,
    /// Second field.
    pub password: PasswordField,
    /// Line in the file.
    pub line: u32,
}

/// The account files of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// Lines of `/etc/passwd` in file order, duplicates kept.
    pub users: Vec<User>,
    /// Lines of `/etc/group` in file order, duplicates kept.
    pub groups: Vec<Group>,
    /// Lines of `/etc/shadow`; usually only root may know.
    pub shadow: Fact<Vec<Shadow>>,
    /// Lines that are not of their format, as `/etc/passwd:12: why`.
    pub malformed: Vec<String>,
}

impl Accounts {
    /// First user of that name, as `getpwnam(3)` would find it in the files.
    pub fn user(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// First user of that id.
    pub fn user_by_id(&self, uid: u32) -> Option<&User> {
        self.users.iter().find(|user| user.uid == uid)
    }

    /// First group of that name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// First group of that id.
    pub fn group_by_id(&self, gid: u32) -> Option<&Group> {
        self.groups.iter().find(|group| group.gid == gid)
    }
}

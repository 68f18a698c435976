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
    /// Third, fifth, seventh and eighth field.
    #[serde(default)]
    pub aging: Aging,
    /// Line in the file.
    pub line: u32,
}

/// Until when an account and its password are good, in days, `shadow(5)`. An empty field is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aging {
    /// When the password was changed, days since 1970-01-01.
    pub changed: Option<i64>,
    /// How long it is good.
    pub most: Option<i64>,
    /// How long it may be changed after that.
    pub inactive: Option<i64>,
    /// When the account expires, days since 1970-01-01.
    pub expires: Option<i64>,
}

impl Aging {
    /// Why nobody logs in with it on a day: the account has expired, or its password for longer than it
    /// may be changed. As `check_shadow_expiry()` of Linux-PAM decides, which sshd and login ask.
    pub fn bars(&self, today: i64) -> Option<String> {
        let day = |days: i64| crate::text::time::day(days.saturating_mul(86_400));
        let set = |field: Option<i64>| field.filter(|days| *days >= 0);
        // shadow(5): 0 is taken for "never" by some.
        if let Some(end) = set(self.expires).filter(|end| *end > 0 && today >= *end) {
            return Some(format!("the account expired on {}", day(end)));
        }
        let (changed, most) = (set(self.changed)?, set(self.most)?);
        let end = changed.saturating_add(most).saturating_add(set(self.inactive)?);
        let over = changed > 0 && today > end && today.saturating_sub(changed) > most;
        over.then(|| format!("its password expired, and could be changed until {}", day(end)))
    }
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
    /// Why there may be accounts and groups that are in none of these files: other services of
    /// `nsswitch.conf(5)`, which are not listed.
    #[serde(default = "nowhere_else")]
    pub elsewhere: Fact<Vec<String>>,
}

/// Of recordings that were made before this was asked.
fn nowhere_else() -> Fact<Vec<String>> {
    Ok(Vec::new())
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

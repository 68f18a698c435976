//! What sudo lets whom do: `sudoers(5)` as written, with all that it includes.

use super::Unknown;
use super::settings::Location;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Everything that the files say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sudoers {
    /// Files that were read, in their order.
    pub files: Vec<PathBuf>,
    /// `Defaults`, in their order.
    pub defaults: Vec<Default_>,
    /// Aliases by kind and name.
    pub aliases: BTreeMap<(AliasKind, String), Vec<Member>>,
    /// Who may do what, in the order of the files: of several that fit, the last one counts.
    pub grants: Vec<Grant>,
    /// Files that sudo ignores for their owner or mode, and why.
    #[serde(default)]
    pub ignored: Vec<(PathBuf, String)>,
    /// Files and lines that were not read or not understood: there may be more.
    pub unread: Vec<Unknown>,
}

/// Kinds of alias, each with names of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AliasKind {
    /// `User_Alias`
    User,
    /// `Runas_Alias`
    Runas,
    /// `Host_Alias`
    Host,
    /// `Cmnd_Alias`
    Command,
}

/// One element of a list: a user, group, host or command, or the name of an alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Member {
    /// It is taken out of the list (`!`).
    pub negated: bool,
    /// As written, quotes removed: `bob`, `%wheel`, `#1000`, `ALL`, `/usr/bin/vi /etc/motd`.
    pub text: String,
}

/// One setting of a `Defaults` line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Default_ {
    /// For whom: nobody in particular, or `:user`, `@host`, `>runas`, `!command` with their list.
    pub scope: Option<(char, Vec<Member>)>,
    /// Name of the setting.
    pub name: String,
    /// `None`: set without a value, or (negated) switched off.
    pub value: Option<String>,
    /// `=`, `+=` or `-=`.
    pub operator: String,
    /// Switched off (`!`).
    pub negated: bool,
    /// Where it stands.
    pub at: Location,
}

/// A command that somebody may run: one of a user specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub users: Vec<Member>,
    /// On which hosts.
    pub hosts: Vec<Member>,
    /// As whom; `None`: as `runas_default` says, which is root.
    pub runas_users: Option<Vec<Member>>,
    /// With which groups.
    pub runas_groups: Option<Vec<Member>>,
    /// Without (`NOPASSWD`) or with a password, where a tag says so.
    pub password: Option<bool>,
    /// From when on (`NOTBEFORE`), as written.
    #[serde(default)]
    pub not_before: Option<String>,
    /// Until when (`NOTAFTER`), as written.
    #[serde(default)]
    pub not_after: Option<String>,
    /// The root directory in which the command is looked up (`CHROOT`).
    #[serde(default)]
    pub chroot: Option<String>,
    /// `SETENV`, `NOEXEC` and other tags in force, their last word.
    pub tags: Vec<String>,
    /// The command.
    pub command: Member,
    /// Where it stands.
    pub at: Location,
}

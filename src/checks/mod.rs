//! Does it hold? Checks compare facts with what a rule wants.
//!
//! A check is a pure function over the answers of a target: it opens no file, reads no /proc and
//! starts no process of its own, so it works on a live host and on plain data alike. One file per
//! subject; a further one is that file and one line in [`SUBJECTS`].

pub mod accounts;
pub mod certain;
pub mod combine;
pub mod compile;
pub mod condition;
pub mod config;
mod controllers;
pub mod cron;
mod cron_programs;
pub mod declared_port;
pub mod declared_service;
pub mod drift;
pub mod file;
pub mod file_access;
pub mod file_conditions;
pub mod file_content;
mod file_writers;
pub mod files;
pub mod group;
pub mod holder;
pub mod identity;
pub mod image;
pub mod image_conditions;
pub mod kernel_module;
pub mod listeners;
pub mod mount;
mod mount_planned;
pub mod package;
pub mod plan;
pub mod port;
pub mod process_words;
pub mod reference;
pub mod root_executes;
pub mod same_as;
pub mod service;
pub mod service_conditions;
mod service_control;
mod service_drift;
pub mod service_identity;
mod service_root;
pub mod setting;
pub mod setuid;
pub mod ssh_keys;
pub mod sudo;
pub mod sysctl;
pub mod tree;
pub mod unit;
pub mod unit_active;
pub mod unit_conditions;
pub mod unit_user;
pub mod user;
pub mod when;

use crate::host::Target;
use crate::policy::node::{Fields, Node};
use crate::policy::{Diagnostics, Policy};
use crate::targets::image::Wants;
use crate::verdict::Assertion;
use condition::ConditionInfo;
use std::path::PathBuf;

/// What a rule can be about.
pub struct SubjectKind {
    /// The key in a rule: `file`.
    pub key: &'static str,
    /// What its value is, for the reference: `path or glob`.
    pub value: &'static str,
    /// Keys beside `must` that belong to this subject, with their meaning.
    pub options: &'static [(&'static str, &'static str)],
    /// What `must` may demand.
    pub conditions: fn() -> Vec<&'static ConditionInfo>,
    /// `must` takes names of the subject's own (settings), not only conditions of the list.
    pub open: bool,
    /// The source file, whose module documentation is the subject's page.
    pub source: &'static str,
    /// Reads the demands of a rule.
    pub compile: fn(&Scope, Input, &mut Diagnostics) -> Option<Box<dyn Check>>,
}

impl SubjectKind {
    /// Whether its conditions can be combined by `any`, `all` and `not`: those of listeners and of
    /// all files may have many violations, a finding each, which is not to hold or not.
    pub fn combines(&self) -> bool {
        !["listeners", "files", "setuid", "tree", "sudo", "ssh_keys", "root_executes"]
            .contains(&self.key)
    }
}

/// What a rule gives to the subject it is about.
pub struct Input {
    /// The value of the subject's key.
    pub subject: Node,
    /// Fields of the rule that are not taken yet: the subject's options.
    pub fields: Fields,
    /// The demands.
    pub must: Node,
}

/// What is known beside the rule while it is read.
pub struct Scope<'a> {
    /// The policy, for its services.
    pub policy: &'a Policy,
}

/// A rule's demands, ready to be compared with facts, maybe by a thread that can be given up.
pub trait Check: Send {
    /// One assertion for each condition and each thing it is about. Never empty.
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion>;

    /// Says whose content it will ask for, so that an image's archive is read once. What is left out
    /// is found all the same, more slowly.
    fn wants(&self, _wants: &mut Wants) {}

    /// Says below which directories it will ask for an inventory, so that one walk does for all.
    fn walks(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// All subjects, in the order of the reference.
pub static SUBJECTS: &[&SubjectKind] = &[
    &service::SERVICE,
    &service::PROCESS,
    &unit::UNIT,
    &package::PACKAGE,
    &sysctl::SYSCTL,
    &mount::MOUNT,
    &kernel_module::KERNEL_MODULE,
    &cron::CRON,
    &port::PORT,
    &listeners::LISTENERS,
    &file::FILE,
    &config::CONFIG,
    &user::USER,
    &group::GROUP,
    &accounts::ACCOUNTS,
    &files::FILES,
    &root_executes::ROOT_EXECUTES,
    &sudo::SUDO,
    &ssh_keys::SSH_KEYS,
    &drift::DRIFT,
    &setuid::SETUID,
    &tree::TREE,
    &image::IMAGE,
];

/// The subject of that key.
pub fn by_key(key: &str) -> Option<&'static SubjectKind> {
    SUBJECTS.iter().copied().find(|subject| subject.key == key)
}

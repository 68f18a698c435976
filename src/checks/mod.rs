//! Does it hold? Checks compare facts with what a rule wants.
//!
//! A check is a pure function over the answers of a target: it opens no file, reads no /proc and
//! starts no process of its own, so it works on a live host and on plain data alike. One file per
//! subject; a further one is that file and one line in [`SUBJECTS`].

pub mod accounts;
pub mod boot_option;
pub mod config;
pub mod container;
mod controllers;
pub mod cron;
pub mod drift;
pub mod file;
pub mod files;
pub mod group;
pub mod image;
pub mod kernel_module;
pub mod listeners;
pub mod mount;
pub mod package;
pub mod port;
mod program;
pub mod root_executes;
pub mod service;
pub mod setuid;
pub mod ssh_keys;
pub mod sudo;
pub mod sysctl;
pub mod tree;
pub mod unit;
pub mod user;

use crate::rules::{SubjectKind, Subjects};

/// All subjects, in the order of the reference.
pub static SUBJECTS: Subjects = &[
    &service::SERVICE,
    &service::PROCESS,
    &unit::UNIT,
    &package::PACKAGE,
    &sysctl::SYSCTL,
    &mount::MOUNT,
    &kernel_module::KERNEL_MODULE,
    &boot_option::BOOT_OPTION,
    &container::CONTAINER,
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

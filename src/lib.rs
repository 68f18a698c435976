//! spotcheck: a configuration drift and privilege checker for Linux.
//!
//! A run flows one way:
//!
//! ```text
//! policy files --> rules                             policy/    what must hold
//! host --> facts                                     targets/   what is (plain data: facts/)
//! rule x facts --> assertions                        checks/    does it hold
//! assertions --> findings, verdict                   verdict/   what counts
//! verdict --> report formats, exit code              report/    who is told
//! verdict --> action items                           actions/   what is done about it
//! ```
//!
//! [`drift`] compares what is with what was at an earlier time, in the place of what must be.
//! [`formats`] parses other people's files, [`access`] decides as the kernel does who may read
//! or write what, [`control`] what a program is made of and who could change it; they are used by
//! targets and checks and know of neither rules nor reports. [`prose`] writes documents as Markdown
//! and HTML and knows of nothing else.

pub mod access;
pub mod actions;
pub mod checks;
pub mod cli;
pub mod commands;
pub mod config;
pub mod control;
pub mod declared;
pub mod drift;
pub mod facts;
pub mod formats;
pub mod host;
pub mod inventory;
pub mod import;
pub mod policy;
pub mod prose;
pub mod report;
pub mod rules;
pub mod safety;
pub mod schema;
pub mod targets;
pub mod text;
pub mod verdict;

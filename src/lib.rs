//! spotcheck: a configuration drift and privilege checker for Linux.
//!
//! A run flows one way:
//!
//! ```text
//! policy files --> rules               policy/, rules/      what must hold
//! host --> facts                       host/ asks, targets/ answers, formats/ reads, facts/ is the data
//! rule x facts --> assertions          checks/SUBJECT/      does it hold
//! assertions --> findings, verdict     verdict/             what counts
//! verdict --> formats, exit code       report/              who is told
//! verdict --> action items             actions/             what is done about it
//! ```
//!
//! Between facts and checks: [`access`] decides as the kernel does who may read or write what,
//! [`commands`] reads command lines, [`declared`] says what an image will do, [`control`] what a
//! program is made of and who could change it, [`inventory`] looks at all files below a place.
//! [`safety`] says what a run with rights may trust and writes files, [`import`] reads policies of
//! other tools. [`drift`] compares what is with what was. [`prose`] writes documents, [`text`] words; [`schema`]
//! describes policies, [`config`] is the configuration file, [`cli`] puts all of it together.
//!
//! `docs/architecture.md` says which room may use which, and a test holds it to that.

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
pub mod import;
pub mod inventory;
pub mod policy;
pub mod prose;
pub mod report;
pub mod rules;
pub mod safety;
pub mod schema;
pub mod targets;
pub mod text;
pub mod verdict;

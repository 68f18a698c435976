//! Other people's files, compared with the programs that own them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod apache;
mod daemons;
mod formats_support;
mod fuzz_corpus;
mod nginx;
mod other;
mod owners;
mod package_databases;
mod php;
mod postgresql;
mod redis;
mod sshd;
#[path = "../support/mod.rs"]
mod support;
mod unit_systemd;
mod versions;

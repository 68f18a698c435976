//! The policy language, and the policies that are shipped.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod apache;
mod cron;
mod docker_host;
mod example_goss;
mod image;
mod import;
mod kernel;
mod language;
mod lint;
mod policies;
mod postgresql;
mod privilege;
mod properties;
mod redis;
mod schema;
mod sshd;
mod sudo;
#[path = "../support/mod.rs"]
mod support;
mod tags;

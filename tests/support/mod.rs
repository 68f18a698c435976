//! What the integration tests share: [`needs`] for tests that want more than a plain machine, and
//! [`Stage`], the founding incident with its real daemons; [`rule`] for checks on plain data.
//!
//! Used as `mod support;` by each file of tests, none of which uses all of it.
#![allow(dead_code, unused_imports)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod archive;
pub mod booted;
mod cgroups;
pub mod deaf_mount;
mod folder;
pub mod ledger;
mod machine;
mod needs;
pub mod oscal;
pub mod pages;
pub mod postgres;
mod program;
pub mod random;
pub mod readme;
mod rule;
mod scrub;
pub mod shipped;
mod stage;

pub use folder::Folder;
pub use machine::{Machine, Output};
pub use needs::{Need, needs};
pub use program::copy_program;
pub use rule::{Answers, Rule, denied, rule};
pub use scrub::scrubbed;
pub use stage::Stage;

//! Action items: the ledger, cron, documents and the story of the incident.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod cron;
mod dead_mount;
mod documents;
mod incident;
mod killed;
mod ledger;
mod ledger_store;
mod monitoring;
mod news;
mod repairs;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod upkeep;

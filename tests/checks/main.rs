//! Every check with each of its outcomes, on plain data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod boot_option;
mod combine;
mod config;
mod container;
mod control;
mod cron;
mod declared_unseen;
mod evidence;
mod false_pass;
mod file;
mod group;
mod inventory;
mod kernel_module;
mod listeners;
mod mount;
mod package;
mod port;
mod privilege;
mod routes;
mod same_as;
mod service;
mod several;
#[path = "../support/mod.rs"]
mod support;
mod sysctl;
mod unit;
mod user;
mod when;

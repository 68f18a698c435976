//! Compared with before: baselines, drift, recordings and back-tests.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod backtest;
mod drift;
mod images;
mod incident;
mod packages;
mod recording;
#[path = "../support/mod.rs"]
mod support;
mod unearned;

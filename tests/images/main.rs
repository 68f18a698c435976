//! Images: layers, archives, what an image declares, and what hides from a check.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod declared;
mod evasion;
mod formats;
mod hostile;
mod layers;
mod programs;
mod real;
mod secrets;
mod subjects;
#[path = "../support/mod.rs"]
mod support;

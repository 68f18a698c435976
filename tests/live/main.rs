//! This host: processes, sockets, files and access, compared with the kernel and its tools.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod access_kernel;
mod access_traps;
mod accounts;
mod files;
mod hostile_files;
#[path = "../support/kernel_probe.rs"]
mod kernel_probe;
mod listeners;
mod live_support;
mod no_subprocess;
#[path = "../support/plain_files.rs"]
mod plain_files;
mod processes;
mod races;
#[path = "../support/random_tree.rs"]
mod random_tree;
mod root;
#[path = "../support/scene.rs"]
mod scene;
mod stage;
#[path = "../support/mod.rs"]
mod support;
mod systemd_host;

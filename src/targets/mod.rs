//! Where facts come from. A target answers questions and knows nothing of rules.
//!
//! Everything is answered lazily and kept: asking twice costs once. Nothing here starts a process
//! or changes the target.
//!
//! A question that is added here is recorded by a line each in `recording/answers.rs`,
//! `recording/recorder.rs` and `recording/playback.rs`; a test tells when one is missing.

pub mod distant;
pub mod image;
pub mod live;
pub mod memory;
pub mod offline;
pub mod recording;
pub mod rootfs;
pub mod survey;

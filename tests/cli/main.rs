//! The command line: output, errors, reports and the reference.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod arrows;
mod bad_input;
mod ci_examples;
mod docs_reference;
mod library;
mod newcomer;
mod output;
mod reference;
mod report_formats;
#[path = "../support/mod.rs"]
mod support;
mod truth_page;

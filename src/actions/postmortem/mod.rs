//! The draft of a postmortem, from what runs recorded and people entered in a time.
//!
//! Every line says where it comes from. Nothing is concluded but what the facts themselves say: that
//! a file which a service cannot read keeps it from starting. Why anything was changed is left to be
//! filled in, and so is all that only people know. No name of a person appears unless somebody typed
//! it; who entered something is not told.

mod case;
mod cluster;
mod document;
mod facts;
mod timeline;
mod trace;

pub use case::{Case, Period, gather};
pub use document::document;

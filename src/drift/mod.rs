//! Drift: what has changed since a baseline, and why most of it does not matter.
//!
//! ```text
//! target --> survey, things                 what is now             collect
//! baseline file --> snapshot                what was                baseline/, store
//! both --> differences                      what differs            compare, attributes
//! differences x packages, generators ...    why                     explain/
//! explained changes --> reports, exit       who is told             report/
//! ```
//!
//! Nothing is ever excused by content that matches but content: owner, mode, access control lists,
//! capabilities and flags stand for themselves.

pub mod accept;
pub mod attributes;
pub mod baseline;
pub mod collect;
pub mod compare;
pub mod explain;
pub mod image;
pub mod left_out;
pub mod objects;
pub mod privileged;
pub mod report;
pub mod run;
pub mod scope;
pub mod settings;
pub mod store;
pub mod truth;

//! The language of rules: what a subject is, what a condition is, and how they are combined.

pub mod combine;
pub mod compile;
pub mod condition;
pub mod guard_gaps;
pub mod identity;
pub mod plan;
pub mod reference;
pub mod repair_guard;
pub mod same_as;
pub mod services;
pub mod several;
mod subject;
pub mod when;

pub use subject::{Check, Input, Scope, SubjectKind, Subjects};

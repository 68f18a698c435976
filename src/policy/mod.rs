//! What must hold: YAML files to policies with typed heads, every error with its place.
//!
//! `source` and `diagnostic` are the ground; `yaml` reads text to a tree of `node`s; `vars`
//! replaces variables in it; `document` reads policies and rules from it; `load` does all that for
//! files and folders, which `read` gets from the disk. `expect`, `operand` and `mode` are the
//! values that conditions compare.

pub mod action_kind;
pub mod arguments;
pub mod correlation;
pub mod diagnostic;
mod distribution;
pub mod document;
pub mod drift;
pub mod expect;
mod foreign;
pub mod library;
pub mod load;
pub mod mode;
pub mod node;
pub mod operand;
pub mod port;
pub mod read;
pub mod service;
pub mod set;
pub mod severity;
pub mod source;
pub mod vars;
pub mod waiver;
pub mod when;
pub mod yaml;

pub use action_kind::ActionKind;
pub use diagnostic::{Diagnostic, Diagnostics};
pub use document::{Policy, Rule};
pub use severity::Severity;

//! The questions: what may be asked of a host, and what helps to ask them. Who answers is a matter
//! of [`crate::targets`].

pub mod cache;
mod files;
pub mod glob;
mod learn;
pub mod memo;
pub mod redacted;
pub mod select;
mod selection;
mod target;

pub use files::{Files, READ_LIMIT, match_in};
pub use learn::learn;
pub use selection::Selection;
pub use target::Target;

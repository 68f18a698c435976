//! The questions: what may be asked of a host, and what helps to ask them. Who answers is a matter
//! of [`crate::targets`].

pub mod before;
pub mod beneath;
pub mod cache;
mod files;
pub mod glob;
mod learn;
pub mod memo;
pub(crate) mod path;
pub mod redacted;
pub mod route;
pub mod select;
mod selection;
mod target;
mod wants;

pub use files::{DIGESTED_LIMIT, Files, READ_LIMIT, match_in};
pub use learn::learn;
pub use selection::Selection;
pub use target::Target;
pub use wants::Wants;

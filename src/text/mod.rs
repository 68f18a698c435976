//! Text that people and shells read, made from names that anybody may have chosen.

pub mod content;
pub mod duration;
pub mod escape;
pub mod secrets;
pub mod shell;
pub mod step;
pub mod suggest;
pub mod time;

pub use escape::{bytes, path, printable};

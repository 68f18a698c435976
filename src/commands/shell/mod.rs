//! The language of the shell, as far as it tells what is run: words and operators, and what
//! variables and simple substitutions come to. `sh(1)` of POSIX, and what scripts use of bash.

mod builtins;
mod expand;
mod lex;
mod walk;
pub mod word;

pub(super) use walk::Shell;

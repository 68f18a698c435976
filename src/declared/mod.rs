//! What an image or root filesystem says that it will do: who starts which program as whom, and
//! which ports the configured daemons will open.
//!
//! Nothing runs, so nothing is observed: everything here is *declared*, and every declaration knows
//! the file and line it stands in. What declarations cannot tell is unknown.

pub mod changers;
pub mod clusters;
pub mod daemons;
pub mod entrypoint;
pub mod environment;
pub mod invocation;
pub mod libraries;
pub mod program;
pub mod rights;
pub mod start;
pub mod startable;
pub mod supervisord;
pub mod sysusers;
pub mod units;
pub mod user;

pub use start::starts;

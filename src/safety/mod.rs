//! What a run with rights may trust, and how it writes without doing somebody else's work.
//!
//! spotcheck usually runs as root. Whoever can write a policy then decides what root looks at, and
//! whoever can write the directory of a report decides where root writes. [`trust`] answers who else
//! could have written what steers a run, [`mod@write`] is the one writer of files, [`way`] walks to a
//! file component by component, as the kernel does, and [`wait`] ends what does not answer.

pub mod environment;
pub mod sandbox;
pub mod trust;
pub mod wait;
pub mod way;
pub mod write;

//! The processes that a selector picks.

use crate::facts::Unknown;
use crate::facts::process::Process;
use std::sync::Arc;

/// The answer to [`Target::processes`].
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Processes that match, by pid.
    pub processes: Vec<Arc<Process>>,
    /// Processes that may match: one entry each, saying what could not be seen.
    pub undecided: Vec<Unknown>,
    /// Set when processes may be hidden altogether (`hidepid=` of `proc(5)`).
    pub hidden: Option<Unknown>,
}

impl Selection {
    /// What keeps this selection from being known to be complete, if anything.
    pub fn gap(&self) -> Option<&Unknown> {
        self.hidden.as_ref().or(self.undecided.first())
    }
}

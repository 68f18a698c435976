//! The processes that a selector picks.

use crate::facts::Unknown;
use crate::facts::process::{Container, Process};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The answer to [`Target::processes`](super::Target::processes).
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Processes that match, by pid.
    pub processes: Vec<Arc<Process>>,
    /// Processes that may match: one entry each, saying what could not be seen.
    pub undecided: Vec<Unknown>,
    /// Set when processes may be hidden altogether (`hidepid=` of `proc(5)`).
    pub hidden: Option<Unknown>,
    /// Processes that match in all but that they are of these containers: how many of each.
    pub left_out: BTreeMap<Container, usize>,
}

impl Selection {
    /// What keeps this selection from being known to be complete, if anything.
    pub fn gap(&self) -> Option<&Unknown> {
        self.hidden.as_ref().or(self.undecided.first())
    }

    /// What was left out, in words: `3 processes of 2 containers were not asked: web (docker), db
    /// (podman)`. `None`: nothing.
    pub fn left_out(&self) -> Option<String> {
        const NAMED: usize = 4;
        let count: usize = self.left_out.values().sum();
        let many = |count: usize, one: &str, more: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {more}"),
        };
        let mut names: Vec<String> =
            self.left_out.keys().take(NAMED).map(ToString::to_string).collect();
        if self.left_out.len() > NAMED {
            names.push("...".to_owned());
        }
        (count > 0).then(|| {
            format!(
                "{} of {} {} not asked: {}",
                many(count, "process", "processes"),
                many(self.left_out.len(), "container", "containers"),
                if count == 1 { "was" } else { "were" },
                names.join(", ")
            )
        })
    }
}

//! Why things have changed.

mod files;
pub mod generated;
mod objects;
mod packages;
mod timeline;
pub mod usage;

pub use files::{Explainer, Facts, left_behind};
pub use objects::{doubtful, doubtful_objects, explain_objects};
pub use timeline::attribute;

use crate::facts::drift::Explanation;

/// An explanation in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Because {
    /// Its kind.
    pub explanation: Explanation,
    /// The words.
    pub why: String,
}

impl Because {
    fn new(explanation: Explanation, why: impl Into<String>) -> Self {
        Self { explanation, why: why.into() }
    }

    fn nothing() -> Self {
        Self::new(Explanation::Unexplained, "")
    }
}

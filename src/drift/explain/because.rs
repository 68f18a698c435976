//! Why something has changed, in one word and in words.

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
    pub(super) fn new(explanation: Explanation, why: impl Into<String>) -> Self {
        Self { explanation, why: why.into() }
    }

    pub(super) fn nothing() -> Self {
        Self::new(Explanation::Unexplained, "")
    }
}

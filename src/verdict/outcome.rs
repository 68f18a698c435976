//! The answers to "does it hold?".

use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// Outcome of one assertion. The order is the one in which a person wants to read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Seen, and it does not hold.
    Fail,
    /// Could not be seen; the finding says why.
    Unknown,
    /// Seen, and it does not hold, which a waiver accepts for a while.
    Waived,
    /// Does not apply here; the finding says why.
    Skipped,
    /// Seen, and it holds.
    Pass,
}

impl Outcome {
    /// Whether it was seen to hold or not to hold.
    pub const fn is_decided(self) -> bool {
        matches!(self, Outcome::Fail | Outcome::Waived | Outcome::Pass)
    }

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Fail => "fail",
            Outcome::Unknown => "unknown",
            Outcome::Waived => "waived",
            Outcome::Skipped => "skipped",
            Outcome::Pass => "pass",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

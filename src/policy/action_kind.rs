//! Kinds of work that a violation can be, in the words that postmortems use.

use std::fmt;
use std::str::FromStr;

/// What kind of action item a violation becomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Lessens the damage of the next incident.
    Mitigate,
    /// Keeps the incident from happening again.
    Prevent,
    /// Notices it earlier.
    Detect,
    /// Changes how people work.
    Process,
    /// Puts back what has drifted; what a violation is unless the rule says more.
    #[default]
    Repair,
}

impl ActionKind {
    /// All of them.
    pub const ALL: [ActionKind; 5] = [
        ActionKind::Mitigate,
        ActionKind::Prevent,
        ActionKind::Detect,
        ActionKind::Process,
        ActionKind::Repair,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            ActionKind::Mitigate => "mitigate",
            ActionKind::Prevent => "prevent",
            ActionKind::Detect => "detect",
            ActionKind::Process => "process",
            ActionKind::Repair => "repair",
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for ActionKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        ActionKind::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| format!("no kind of work `{text}`"))
    }
}

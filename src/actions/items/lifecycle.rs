//! What becomes of an action item: a state machine without input or output.
//!
//! An item has one [`Tracked`] occurrence for each host and affected thing. A run *looks* at some
//! of them; the state of the item follows from all of them together. Only being seen to hold, as
//! often as the rule wants, resolves anything. What was not seen changes nothing.

use std::fmt;
use std::str::FromStr;

/// Where an item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Was resolved or closed, and is violated again.
    Regressed,
    /// Violated, nobody has said anything yet.
    Open,
    /// Somebody knows.
    Acknowledged,
    /// Its rule does not ask about it any more; nobody has seen it repaired.
    Retired,
    /// Closed by hand, with a reason.
    Closed,
    /// Every occurrence has been seen to hold.
    Resolved,
}

impl State {
    /// All states.
    pub const ALL: [State; 6] = [
        State::Regressed,
        State::Open,
        State::Acknowledged,
        State::Retired,
        State::Closed,
        State::Resolved,
    ];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            State::Regressed => "regressed",
            State::Open => "open",
            State::Acknowledged => "acknowledged",
            State::Retired => "retired",
            State::Closed => "closed",
            State::Resolved => "resolved",
        }
    }

    /// Whether there is work to do.
    pub const fn is_live(self) -> bool {
        matches!(self, State::Open | State::Acknowledged | State::Regressed)
    }
}

/// Where one occurrence stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Violated when it was last seen, or not yet seen to hold often enough.
    Present,
    /// Seen to hold as often as the rule wants.
    Held,
    /// The rule does not ask about it any more.
    Retired,
}

impl Presence {
    /// All of them.
    pub const ALL: [Presence; 3] = [Presence::Present, Presence::Held, Presence::Retired];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Presence::Present => "present",
            Presence::Held => "held",
            Presence::Retired => "retired",
        }
    }
}

macro_rules! words {
    ($($kind:ident),*) => {$(
        impl fmt::Display for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $kind {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let known = || $kind::ALL.map($kind::name).join(", ");
                let found = $kind::ALL.into_iter().find(|one| one.name() == text);
                found.ok_or_else(|| format!("`{text}` is none of {}", known()))
            }
        }
    )*};
}
words!(State, Presence);

/// What a run says about an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Seen, and violated.
    Violated,
    /// Seen, and it holds.
    Holds,
    /// Seen not to be there any more, which its rule allows.
    Gone,
    /// Its rule, or the policy of that, does not apply any more.
    NotApplicable,
    /// The rule is gone, or asks about something else now.
    NotAsked,
    /// Could not be seen, or was not looked at.
    NotSeen,
}

/// One occurrence of an item, as far as the state machine is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Where it stands.
    pub presence: Presence,
    /// How often in a row it has been seen to hold since it was last violated.
    pub held: u32,
}

impl Tracked {
    /// An occurrence seen for the first time, violated.
    pub const NEW: Tracked = Tracked { presence: Presence::Present, held: 0 };

    /// What it is after another look, with `verify` observations needed. Not being seen neither
    /// counts as an observation nor interrupts their row.
    #[must_use]
    pub fn look(self, look: Look, verify: u32) -> Self {
        match look {
            Look::Violated => Tracked::NEW,
            Look::NotSeen => self,
            Look::NotAsked | Look::NotApplicable if self.presence == Presence::Present => {
                Tracked { presence: Presence::Retired, held: 0 }
            }
            Look::NotAsked | Look::NotApplicable => self,
            Look::Holds | Look::Gone => {
                let held = self.held.saturating_add(1);
                let enough = held >= verify || self.presence == Presence::Held;
                Tracked { presence: if enough { Presence::Held } else { Presence::Present }, held }
            }
        }
    }
}

/// What happened to an item in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Every occurrence holds now.
    Resolved,
    /// Violated again after it was resolved.
    Regressed,
    /// Violated again although it was closed by hand.
    Reopened,
    /// No occurrence is asked about any more, and not all were seen to hold.
    Retired,
    /// Asked about again after it was retired.
    Returned,
}

impl Turn {
    /// Whether this counts as a reopening, with a new due date.
    pub const fn reopens(self) -> bool {
        matches!(self, Turn::Regressed | Turn::Reopened)
    }
}

/// The state of an item whose occurrences are as `occurrences` says after a run; `violated`: at
/// least one was seen violated in this run.
pub fn next(
    state: State,
    violated: bool,
    occurrences: impl IntoIterator<Item = Presence>,
) -> (State, Option<Turn>) {
    if violated {
        return match state {
            State::Open | State::Acknowledged | State::Regressed => (state, None),
            State::Resolved => (State::Regressed, Some(Turn::Regressed)),
            State::Closed => (State::Regressed, Some(Turn::Reopened)),
            State::Retired => (State::Open, Some(Turn::Returned)),
        };
    }
    let (mut present, mut retired) = (false, false);
    for presence in occurrences {
        present |= presence == Presence::Present;
        retired |= presence == Presence::Retired;
    }
    match state {
        // What was closed by hand stays so; what is resolved has nothing left to hold.
        State::Closed | State::Resolved => (state, None),
        // Asked about again and seen, but not yet often enough.
        State::Retired if present => (State::Open, Some(Turn::Returned)),
        _ if present => (state, None),
        State::Retired if retired => (state, None),
        _ if retired => (State::Retired, Some(Turn::Retired)),
        _ => (State::Resolved, Some(Turn::Resolved)),
    }
}

#[cfg(test)]
mod tests;

//! Action items as they are read back: for lists, pages and exports.

use super::evidence::EvidenceRecord;
use super::identity::ItemKey;
use super::lifecycle::{Presence, State};
use crate::policy::{ActionKind, Severity};
use std::fmt;
use std::str::FromStr;

/// What items are called before their number, as in `SC-12`.
pub const PREFIX: &str = "SC-";

/// Short id of an item, unique in its ledger and never given twice: `SC-12`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub i64);

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{PREFIX}{}", self.0))
    }
}

impl FromStr for ItemId {
    type Err = String;

    /// `SC-12`, `sc-12` or `12`.
    fn from_str(text: &str) -> Result<Self, String> {
        let upper = text.to_ascii_uppercase();
        let digits = upper.strip_prefix(PREFIX).unwrap_or(&upper);
        let digits = Some(digits).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        digits
            .and_then(|text| text.parse().ok())
            .map(ItemId)
            .ok_or_else(|| format!("`{text}` is no action item; they are called {PREFIX}12"))
    }
}

/// An action item.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Short id.
    pub id: ItemId,
    /// What makes it the one that it is.
    pub key: ItemKey,
    /// What was promised.
    pub title: String,
    /// Title of the rule, where it has one.
    pub demand: Option<String>,
    /// Kind of work.
    pub kind: ActionKind,
    /// How bad it is.
    pub severity: Severity,
    /// Who does it.
    pub owner: Option<String>,
    /// By when, seconds since 1970-01-01 UTC.
    pub due: Option<i64>,
    /// First seen, likewise.
    pub first_seen: i64,
    /// Last seen violated on any host, likewise.
    pub last_seen: i64,
    /// Where it stands.
    pub state: State,
    /// Since when, likewise.
    pub state_since: i64,
    /// How often it came back.
    pub reopenings: i64,
    /// Until when its violation is accepted, where it is.
    pub waived_until: Option<i64>,
    /// Observations in a row that resolve an occurrence.
    pub verify: u32,
    /// What a reader needs to work on it; see [`Texts`].
    pub texts: Texts,
    /// Places (a thing on a host) where it is violated now.
    pub present: i64,
    /// All places where it ever was.
    pub occurrences: i64,
}

impl Item {
    /// Whether its time is up and nobody has accepted the violation.
    pub fn is_overdue(&self, now: i64) -> bool {
        self.state.is_live()
            && self.due.is_some_and(|due| due <= now)
            && self.waived_until.is_none_or(|until| until <= now)
    }
}

/// What the rule said when the item was last seen violated.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct Texts {
    /// What can happen while it is violated.
    pub why: Option<String>,
    /// Steps that repair it.
    pub corrective: Vec<String>,
    /// What keeps it from coming back.
    pub preventive: Option<String>,
    /// Command that checks it.
    pub command: String,
    /// Measures of the postmortem that it serves.
    pub measures: Vec<String>,
    /// Number or key of that postmortem.
    pub postmortem: Option<String>,
    /// Services, files and ports that its rule speaks of.
    pub ties: Vec<String>,
    /// Tickets, runbooks.
    pub links: Vec<String>,
    /// Where the demand comes from.
    pub references: Vec<String>,
    /// What is instead of what was promised, in a few words.
    pub instead: String,
}

/// One condition of an item on one host, about one affected thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// Host name.
    pub host: String,
    /// Policy's name of the rule that asked.
    pub policy: String,
    /// That rule's id.
    pub rule: String,
    /// Key of the condition that is violated.
    pub condition: String,
    /// What is affected there.
    pub affected: super::identity::Affected,
    /// Where it stands.
    pub presence: Presence,
    /// How often in a row it was seen to hold.
    pub held: u32,
    /// First seen violated.
    pub first_seen: i64,
    /// Last seen violated.
    pub last_seen: i64,
    /// Last seen at all.
    pub last_looked: i64,
    /// EvidenceRecord when it was first seen violated, JSON.
    pub evidence_then: String,
    /// EvidenceRecord when it was last seen violated, JSON.
    pub evidence_now: String,
}

impl Occurrence {
    /// What was seen first.
    pub fn first_evidence(&self) -> EvidenceRecord {
        self.of_condition(&self.evidence_then)
    }

    /// What was seen last.
    pub fn last_evidence(&self) -> EvidenceRecord {
        self.of_condition(&self.evidence_now)
    }

    fn of_condition(&self, json: &str) -> EvidenceRecord {
        EvidenceRecord { condition: self.condition.clone(), ..EvidenceRecord::from_json(json) }
    }
}

/// Something that happened to an item.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Item.
    pub item: ItemId,
    /// When, seconds since 1970-01-01 UTC.
    pub at: i64,
    /// On which host it was seen.
    pub host: Option<String>,
    /// Who did it; `spotcheck` for what a run saw.
    pub actor: String,
    /// What.
    pub kind: EventKind,
    /// In words.
    pub detail: String,
    /// What a run saw then, JSON.
    pub evidence: Option<String>,
    /// The condition that it is about, where an older ledger kept an item for each; else empty.
    pub condition: String,
}

macro_rules! event_kinds {
    ($($name:ident $word:literal $doc:literal),* $(,)?) => {
        /// What can happen to an item.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind { $(#[doc = $doc] $name),* }

        impl EventKind {
            /// All kinds.
            pub const ALL: &[EventKind] = &[$(EventKind::$name),*];

            /// The word for it.
            pub const fn name(self) -> &'static str {
                match self { $(EventKind::$name => $word),* }
            }
        }
    };
}
event_kinds! {
    Opened "opened" "Seen violated for the first time.",
    More "more" "One more of what its rule forbids, while it was open.",
    Spread "spread" "Seen violated on another host, or on another thing of the same cause.",
    Held "held" "An occurrence was seen to hold while others do not.",
    Recurred "recurred" "An occurrence that held is violated again while the item was live.",
    Resolved "resolved" "All occurrences have been seen to hold.",
    Regressed "regressed" "Violated again after it was resolved.",
    Reopened "reopened" "Violated again after it was closed by hand.",
    Retired "retired" "Its rule does not ask about it any more.",
    Returned "returned" "Its rule asks about it again.",
    Renamed "renamed" "Its rule has another id now.",
    Merged "merged" "Another item has become part of it.",
    Changed "changed" "Its severity has changed in the policy.",
    Overdue "overdue" "Its time is up.",
    Reminder "reminder" "Still open; said again.",
    Snoozed "snoozed" "Somebody wants to hear nothing of it for a while.",
    SnoozeEnded "snooze-ended" "That while is over.",
    Waived "waived" "A waiver accepts the violation for a while.",
    WaiverExpiring "waiver-expiring" "The waiver ends soon.",
    WaiverEnded "waiver-ended" "The waiver has ended and the violation counts again.",
    Acknowledged "acknowledged" "Somebody knows.",
    Assigned "assigned" "Somebody was made its owner.",
    Due "due" "Its due date was changed by hand.",
    Comment "comment" "Somebody said something.",
    Closed "closed" "Closed by hand.",
}

impl EventKind {
    /// Whether there is nothing left to do about what happened.
    pub const fn ends(self) -> bool {
        matches!(self, EventKind::Resolved | EventKind::Retired | EventKind::Closed)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EventKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = EventKind::ALL.iter().copied().find(|kind| kind.name() == text);
        found.ok_or_else(|| format!("`{text}` is no kind of event"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_called_by_its_short_id_in_any_case_or_by_its_number() {
        for text in ["SC-12", "sc-12", "12"] {
            assert_eq!(text.parse(), Ok(ItemId(12)));
        }
        for text in ["", "SC-", "SC-1x", "-1", "12 ", "99999999999999999999"] {
            assert!(text.parse::<ItemId>().is_err(), "{text}");
        }
    }
}

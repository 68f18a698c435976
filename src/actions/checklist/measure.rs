//! How far a measure is kept, from how its rules stand.

use crate::actions::rule_status::RuleStatus;
use crate::text::time;
use serde::{Serialize, Serializer};

/// How one of a measure's rules was seen to stand on one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How it stands.
    pub standing: RuleStatus,
    /// The run that saw it so first, seconds since 1970-01-01 UTC; `None` where only one is known.
    pub since: Option<i64>,
    /// The last run that saw it, likewise.
    pub at: i64,
}

/// How far a measure is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Progress {
    /// So many violations.
    Violated {
        /// Items, or findings.
        violations: usize,
    },
    /// So many of its rules could not be decided.
    Undecided {
        /// Rules.
        rules: usize,
    },
    /// So many of its rules have not been evaluated.
    NotSeen {
        /// Rules.
        rules: usize,
    },
    /// What is violated is accepted by a waiver.
    Waived,
    /// Seen to hold, but not as often as its items want.
    Unverified {
        /// Items.
        items: usize,
    },
    /// Seen to hold wherever it was asked.
    Holds {
        /// Since when all of it does, where that is known, seconds since 1970-01-01 UTC.
        #[serde(serialize_with = "moment")]
        since: Option<i64>,
        /// When all of it was last seen, likewise.
        #[serde(serialize_with = "moment")]
        seen: i64,
    },
    /// Nothing of it applies at present.
    Inapplicable,
    /// No rule serves it.
    NotCovered,
}

/// A moment as reports say it.
fn moment<S: Serializer>(at: &(impl Copy + Into<Option<i64>>), to: S) -> Result<S::Ok, S::Error> {
    (*at).into().map(time::rfc3339).serialize(to)
}

impl Progress {
    /// From what was seen of each of its rules (nothing: not evaluated) and how many items are live.
    pub fn of(rules: &[Vec<Seen>], live: usize) -> Self {
        let count = |wanted: RuleStatus| {
            let has = |seen: &&Vec<Seen>| seen.iter().any(|one| one.standing == wanted);
            rules.iter().filter(has).count()
        };
        let unseen = rules.iter().filter(|seen| seen.is_empty()).count();
        let holding = || rules.iter().flatten().filter(|one| one.standing == RuleStatus::Holds);
        if rules.is_empty() {
            Progress::NotCovered
        } else if count(RuleStatus::Violated) > 0 {
            Progress::Violated { violations: live.max(count(RuleStatus::Violated)) }
        } else if count(RuleStatus::Undecided) > 0 {
            Progress::Undecided { rules: count(RuleStatus::Undecided) }
        } else if unseen > 0 {
            Progress::NotSeen { rules: unseen }
        } else if count(RuleStatus::Waived) > 0 {
            Progress::Waived
        } else if live > 0 {
            Progress::Unverified { items: live }
        } else {
            let since = holding().map(|one| one.since).max().flatten();
            match holding().map(|one| one.at).min() {
                Some(seen) => Progress::Holds { since, seen },
                None => Progress::Inapplicable,
            }
        }
    }

    /// Whether it may be ticked.
    pub const fn is_done(self) -> bool {
        matches!(self, Progress::Holds { .. })
    }

    /// In words.
    pub fn words(self) -> String {
        let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
        match self {
            Progress::Violated { violations } => plural(violations, "violation"),
            Progress::Undecided { rules } => {
                format!("{} could not be decided", plural(rules, "rule"))
            }
            Progress::NotSeen { rules } => format!("{} not evaluated", plural(rules, "rule")),
            Progress::Waived => "violated, which a waiver accepts".into(),
            Progress::Unverified { items } => {
                format!("{} not seen repaired yet", plural(items, "item"))
            }
            Progress::Holds { since: Some(since), seen } => {
                format!("holds since {}, last seen {}", time::day(since), time::utc(seen))
            }
            Progress::Holds { since: None, seen } => format!("holds, seen {}", time::utc(seen)),
            Progress::Inapplicable => "nothing of it applies at present".into(),
            Progress::NotCovered => "not covered: no rule serves it".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(standing: RuleStatus, since: i64) -> Seen {
        Seen { standing, since: Some(since), at: since + 10 }
    }

    #[test]
    fn only_what_was_seen_to_hold_everywhere_is_done() {
        use RuleStatus::{Holds, Inapplicable, Undecided, Violated, Waived};
        let hold = vec![seen(Holds, 100), seen(Holds, 50)];
        let of = |other: Vec<Seen>| Progress::of(&[hold.clone(), other], 0);
        assert_eq!(Progress::of(&[], 0), Progress::NotCovered);
        assert_eq!(
            Progress::of(std::slice::from_ref(&hold), 0),
            Progress::Holds { since: Some(100), seen: 60 }
        );
        assert!(of(vec![seen(Inapplicable, 1)]).is_done());
        assert_eq!(Progress::of(&[vec![seen(Inapplicable, 1)]], 0), Progress::Inapplicable);
        assert_eq!(of(vec![]), Progress::NotSeen { rules: 1 });
        assert_eq!(of(vec![seen(Undecided, 1)]), Progress::Undecided { rules: 1 });
        assert_eq!(of(vec![seen(Waived, 1)]), Progress::Waived);
        assert_eq!(of(vec![seen(Violated, 1)]), Progress::Violated { violations: 1 });
        assert_eq!(Progress::of(std::slice::from_ref(&hold), 2), Progress::Unverified { items: 2 });
    }
}

//! Waivers: violations that somebody accepts for a while, and says so.
//!
//! A waived rule is evaluated and shown as ever; only its violations do not count. A waiver that has
//! expired is nothing: the violation counts again, and the report says why.

use super::finding::Finding;
use super::outcome::Outcome;
use globset::GlobMatcher;
use std::sync::Arc;

/// One waiver, as a person reviewed it.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// Ids of the rules whose violations it accepts.
    pub rules: Vec<String>,
    /// Policy that it stands in; one in a file of its own is for all.
    pub policy: Option<String>,
    /// Hosts that it is for; `None` for all.
    pub host: Option<GlobMatcher>,
    /// Subjects that it is for, by name; `None` for all.
    pub subject: Option<GlobMatcher>,
    /// Why the violation is accepted.
    pub reason: String,
    /// Who accepted it.
    pub approved_by: String,
    /// First second of it, since 1970-01-01 UTC; `None`: from ever.
    pub starts: Option<i64>,
    /// First second behind it, likewise.
    pub expires: i64,
    /// Where it stands: `waivers.yaml:3:5`.
    pub place: String,
}

impl Waiver {
    /// Whether it is for this finding, whatever the date.
    fn is_for(&self, finding: &Finding, host: &str) -> bool {
        self.rules.contains(&finding.rule.id)
            && self.policy.as_ref().is_none_or(|policy| *policy == finding.rule.policy)
            && self.host.as_ref().is_none_or(|pattern| pattern.is_match(host))
            && self
                .subject
                .as_ref()
                .is_none_or(|pattern| pattern.is_match(&finding.assertion.subject.name))
    }

    /// Seconds that it has from its beginning, or from now where it names none, to its end.
    pub fn lasts(&self, now: i64) -> i64 {
        // Its last day counts as a whole; what is written as 90 days is no longer than that.
        const DAY: i64 = 86_400;
        self.expires.saturating_sub(DAY).saturating_sub(self.starts.unwrap_or(now))
    }

    fn has_started(&self, now: i64) -> bool {
        self.starts.is_none_or(|starts| starts <= now)
    }

    /// Last day of it, UTC.
    pub fn last_day(&self) -> String {
        crate::text::time::utc(self.expires.saturating_sub(1)).chars().take(10).collect()
    }
}

/// What there is to say about a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// It has expired, and the violation counts again.
    Expired,
    /// It accepts a violation, and ends soon.
    Expiring,
    /// It accepts a violation.
    Used,
    /// There is no violation that it would accept: it can go.
    Unused,
}

/// A waiver with what there is to say about it.
#[derive(Clone, Debug)]
pub struct Notice {
    /// The waiver.
    pub waiver: Arc<Waiver>,
    /// What there is to say.
    pub standing: Standing,
    /// Violations that it accepts, or would if it had not expired.
    pub findings: usize,
}

/// Marks what is waived, and says of each waiver for this host where it stands. `notice`: seconds
/// before its end from which it ends soon.
pub fn apply(
    waivers: &[Arc<Waiver>],
    findings: &mut [Finding],
    host: &str,
    now: i64,
    notice: i64,
) -> Vec<Notice> {
    let mut uses = vec![Use::default(); waivers.len()];
    for finding in findings.iter_mut() {
        let outcome = finding.outcome();
        let fitting = || waivers.iter().enumerate().filter(|(_, w)| w.is_for(finding, host));
        let longest = fitting()
            .filter(|(_, waiver)| waiver.has_started(now) && now < waiver.expires)
            .max_by_key(|(_, waiver)| waiver.expires)
            .map(|(_, waiver)| Arc::clone(waiver));
        for (index, _) in fitting() {
            let Some(uses) = uses.get_mut(index) else { continue };
            uses.violations += usize::from(outcome == Outcome::Fail);
            uses.counting += usize::from(outcome == Outcome::Fail && longest.is_none());
            uses.undecided |= outcome == Outcome::Unknown;
        }
        if let (Outcome::Fail, Some(waiver)) = (outcome, longest) {
            finding.assertion.waive(waiver);
        }
    }
    let standing = |(waiver, uses): (&Arc<Waiver>, &Use)| {
        let here = waiver.host.as_ref().is_none_or(|pattern| pattern.is_match(host));
        // Of a waiver for other hosts, for later, or for what could not be seen, nothing is known.
        if !here || !waiver.has_started(now) || (uses.violations == 0 && uses.undecided) {
            return None;
        }
        let left = waiver.expires.saturating_sub(now);
        let standing = match (uses.violations, uses.counting) {
            (0, _) => Standing::Unused,
            (_, counting) if left <= 0 && counting > 0 => Standing::Expired,
            // Another one has taken its place.
            _ if left <= 0 => Standing::Unused,
            _ if left <= notice => Standing::Expiring,
            _ => Standing::Used,
        };
        Some(Notice { waiver: Arc::clone(waiver), standing, findings: uses.violations })
    };
    waivers.iter().zip(&uses).filter_map(standing).collect()
}

#[derive(Clone, Default)]
struct Use {
    /// Violations that the waiver is for.
    violations: usize,
    /// Those of them that no waiver accepts.
    counting: usize,
    /// Something that it is for could not be decided.
    undecided: bool,
}

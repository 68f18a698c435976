//! Waivers: violations that somebody accepts for a while, and says so.
//!
//! A waived rule is evaluated and shown as ever; only its violations do not count. A waiver that has
//! expired is nothing: the violation counts again, and the report says why.

use super::finding::Finding;
use super::outcome::Outcome;
use crate::policy::waiver::Waiver;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a waiver found of one violation when it was granted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grant {
    /// [`Waiver::digest`].
    pub waiver: String,
    /// Policy's name.
    pub policy: String,
    /// Rule's id.
    pub rule: String,
    /// Kind of the subject.
    pub kind: String,
    /// Name of the subject.
    pub name: String,
    /// Key of the condition.
    pub condition: String,
}

/// What waivers found when they were granted, as a ledger remembers it. Without a ledger nobody does:
/// then a waiver that names no values accepts whatever there is.
#[derive(Clone, Debug, Default)]
pub struct Grants(BTreeMap<Grant, BTreeSet<String>>);

impl Grants {
    /// Adds an offender; the empty name only says that there was a grant.
    pub fn add(&mut self, grant: Grant, offender: String) {
        self.0.entry(grant).or_default().insert(offender);
    }

    fn of(&self, waiver: &Waiver, finding: &Finding) -> Option<&BTreeSet<String>> {
        if self.0.is_empty() {
            return None;
        }
        let subject = &finding.assertion.subject;
        self.0.get(&Grant {
            waiver: waiver.digest(),
            policy: finding.rule.policy.clone(),
            rule: finding.rule.id.clone(),
            kind: subject.kind.to_owned(),
            name: subject.name.clone(),
            condition: finding.assertion.condition.clone(),
        })
    }
}

/// Whether it is for this finding, whatever the date.
fn is_for(waiver: &Waiver, finding: &Finding, host: &str) -> bool {
    waiver.rules.contains(&finding.rule.id)
        && waiver.policy.as_ref().is_none_or(|policy| *policy == finding.rule.policy)
        && waiver.host.as_ref().is_none_or(|pattern| pattern.is_match(host))
        && waiver
            .subject
            .as_ref()
            .is_none_or(|pattern| pattern.is_match(&finding.assertion.subject.name))
}

/// The offenders of a violation that it does not accept: those that it does not name, or, where it
/// names none, those that came after it was granted.
fn newcomers(waiver: &Waiver, finding: &Finding, grants: &Grants) -> Vec<String> {
    let mut culprits = finding.assertion.culprits();
    if let Some(values) = &waiver.values {
        // A violation without offenders is its value: a mode, an owner.
        if culprits.is_empty() {
            culprits.push(finding.assertion.observed.clone());
        }
        culprits.retain(|name| !values.iter().any(|value| value.is_match(name)));
        return culprits;
    }
    match grants.of(waiver, finding) {
        Some(granted) => {
            culprits.retain(|name| !granted.contains(name));
            culprits
        }
        None => Vec::new(),
    }
}

/// What there is to say about a waiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WaiverStatus {
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
    pub standing: WaiverStatus,
    /// Violations that it accepts, or would if it had not expired.
    pub findings: usize,
}

/// Marks what is waived, and says of each waiver for this host where it stands. `notice`: seconds
/// before its end from which it ends soon. A waiver accepts a violation when it accepts all that it is
/// made of; `grants`: what it found when it was granted.
pub fn apply(
    waivers: &[Arc<Waiver>],
    findings: &mut [Finding],
    host: &str,
    (now, notice): (i64, i64),
    grants: &Grants,
) -> Vec<Notice> {
    let mut uses = vec![Use::default(); waivers.len()];
    for finding in findings.iter_mut() {
        let outcome = finding.outcome();
        let fitting = || waivers.iter().enumerate().filter(|(_, w)| is_for(w, finding, host));
        let valid = || {
            let valid = fitting().filter(|(_, w)| w.has_started(now) && now < w.expires);
            valid.filter(|_| outcome == Outcome::Fail)
        };
        let longest = valid()
            .filter(|(_, waiver)| newcomers(waiver, finding, grants).is_empty())
            .max_by_key(|(_, waiver)| waiver.expires)
            .map(|(_, waiver)| Arc::clone(waiver));
        // Where none accepts all of it, the one that accepts most does so.
        let part = valid()
            .filter(|_| longest.is_none())
            .min_by_key(|(_, waiver)| newcomers(waiver, finding, grants).len())
            .map(|(_, waiver)| Arc::clone(waiver));
        for (index, _) in fitting() {
            let Some(uses) = uses.get_mut(index) else { continue };
            uses.violations += usize::from(outcome == Outcome::Fail);
            uses.counting += usize::from(outcome == Outcome::Fail && longest.is_none());
            uses.undecided |= outcome == Outcome::Unknown;
        }
        if let (Outcome::Fail, Some(waiver)) = (outcome, longest) {
            finding.assertion.waive(waiver);
        } else if let Some(waiver) = part {
            let new = newcomers(&waiver, finding, grants);
            let mut old = finding.assertion.culprits();
            old.retain(|name| !new.contains(name));
            finding.assertion.accepted = old;
            finding.assertion.accepted_by = Some(waiver);
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
            (0, _) => WaiverStatus::Unused,
            (_, counting) if left <= 0 && counting > 0 => WaiverStatus::Expired,
            // Another one has taken its place.
            _ if left <= 0 => WaiverStatus::Unused,
            _ if left <= notice => WaiverStatus::Expiring,
            _ => WaiverStatus::Used,
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

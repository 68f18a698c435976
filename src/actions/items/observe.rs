//! What a run says about violations of earlier runs.
//!
//! A violation that is not among today's answers is not thereby repaired. It holds again when it
//! was seen to hold by name; when its rule was decided throughout and the thing is not there any
//! more; or when it was about existence and the thing was seen. It is retired when the rule has
//! gone or asks about something else. In all other cases nothing is known.

use super::identity::{Affected, ItemKey};
use super::lifecycle::Look;
use crate::verdict::assertion::Reason;
use crate::verdict::{Finding, Outcome, RuleInfo};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The condition of a finding that says that a rule does not apply.
const WHEN: &str = "when";

/// A run, as the ledger needs to know it.
pub struct Run<'a> {
    /// Name of the host that was checked.
    pub host: &'a str,
    /// When it began, seconds since 1970-01-01 UTC.
    pub time: i64,
    /// The machine behind that name, by `machine-id(5)`, where that is known.
    pub machine: Option<&'a str>,
    /// One word for the check that it is a run of: its policies as they are named, its target.
    pub scope: &'a str,
    /// Its exit code.
    pub exit: u8,
    /// All rules of its policies were evaluated, so that one that is not among them is gone.
    pub whole: bool,
    /// The rules that were evaluated or skipped.
    pub rules: Vec<Arc<RuleInfo>>,
    /// Its findings.
    pub findings: &'a [Finding],
}

/// An occurrence of an earlier run that is not settled.
#[derive(Clone, Debug)]
pub struct Unsettled {
    /// Its rule, and the thing of its item.
    pub key: ItemKey,
    /// Key of the condition in the rule.
    pub condition: String,
    /// What is affected.
    pub affected: Affected,
    /// What the rule was about, as written, when it was last violated.
    pub asked: String,
    /// The condition stands in no policy but follows from another: the thing has to exist.
    pub implied: bool,
}

/// Today's answers, to look up yesterday's violations in.
pub struct Answers<'a> {
    whole: bool,
    policies: BTreeSet<&'a str>,
    /// Policies that the check had and has no more.
    gone: BTreeSet<String>,
    rules: BTreeMap<(&'a str, &'a str), RuleAnswers<'a>>,
}

struct RuleAnswers<'a> {
    info: &'a RuleInfo,
    /// The worst outcome for each thing and condition.
    outcomes: BTreeMap<Affected, BTreeMap<&'a str, Outcome>>,
    /// Every finding is an answer: neither unknown nor skipped.
    decided: bool,
    /// What was looked for and is not there, which the rule allows.
    absent: BTreeSet<Affected>,
    /// Objects and conditions whose violation names all that it is made of.
    named: BTreeSet<(Affected, &'a str)>,
    /// Neither the rule nor its policy applies here.
    inapplicable: bool,
}

impl<'a> Answers<'a> {
    /// The answers of a run.
    pub fn of(run: &'a Run) -> Self {
        let mut rules: BTreeMap<_, RuleAnswers> = BTreeMap::new();
        for info in &run.rules {
            let answers = RuleAnswers {
                info,
                outcomes: BTreeMap::new(),
                decided: true,
                absent: BTreeSet::new(),
                named: BTreeSet::new(),
                inapplicable: false,
            };
            rules.insert((info.policy.as_str(), info.id.as_str()), answers);
        }
        for finding in run.findings {
            let key = (finding.rule.policy.as_str(), finding.rule.id.as_str());
            let Some(answers) = rules.get_mut(&key) else { continue };
            let outcome = finding.outcome();
            let assertion = &finding.assertion;
            let thing = Affected::of(&assertion.subject);
            match (outcome, &assertion.reason) {
                (Outcome::Skipped, Some(Reason::Absent(_))) => {
                    answers.absent.insert(thing.clone());
                }
                (Outcome::Skipped, _) => {
                    answers.decided = false;
                    answers.inapplicable |= assertion.condition == WHEN;
                }
                (Outcome::Unknown, _) => answers.decided = false,
                _ => {}
            }
            if assertion.all_objects && !assertion.objects.is_empty() {
                answers.named.insert((thing.clone(), assertion.condition.as_str()));
            }
            answers
                .outcomes
                .entry(thing)
                .or_default()
                .entry(finding.assertion.condition.as_str())
                .and_modify(|worst| *worst = outcome.min(*worst))
                .or_insert(outcome);
        }
        let policies = run.rules.iter().map(|info| info.policy.as_str()).collect();
        Self { whole: run.whole, policies, gone: BTreeSet::new(), rules }
    }

    /// The same, knowing of policies that the check has no more.
    #[must_use]
    pub fn without(mut self, gone: &BTreeSet<String>) -> Self {
        self.gone.clone_from(gone);
        self
    }

    /// What they say about a violation of an earlier run that was not seen violated as the same
    /// item today.
    pub fn look(&self, old: &Unsettled) -> Look {
        let Some(rule) = self.rules.get(&(old.key.policy.as_str(), old.key.rule.as_str())) else {
            let policy = &old.key.policy;
            let gone = self.gone.contains(policy)
                || (self.whole && self.policies.contains(policy.as_str()));
            return if gone { Look::NotAsked } else { Look::NotSeen };
        };
        let about = rule.outcomes.get(&old.affected);
        match about.and_then(|conditions| conditions.get(old.condition.as_str())) {
            Some(Outcome::Pass) => return Look::Holds,
            // All that it is made of is known: either each of them is an item now, or this one is gone.
            Some(Outcome::Fail | Outcome::Waived)
                if rule.named.contains(&(old.affected.clone(), old.condition.as_str())) =>
            {
                let whole = old.key.thing == old.affected;
                return if whole { Look::NotAsked } else { Look::Holds };
            }
            // Violated for another cause: whether this one is gone was not seen.
            Some(_) => return Look::NotSeen,
            None => {}
        }
        if rule.inapplicable {
            return Look::NotApplicable;
        }
        let demanded = rule.info.demands.contains(&old.condition);
        if rule.info.asks != old.asked || !(demanded || old.implied) {
            return Look::NotAsked;
        }
        match about {
            _ if rule.absent.contains(&old.affected) => Look::Gone,
            Some(conditions) if old.implied && conditions.values().any(|o| o.is_decided()) => {
                Look::Holds
            }
            Some(_) => Look::NotSeen,
            None if rule.decided && !rule.outcomes.is_empty() => Look::Holds,
            None => Look::NotSeen,
        }
    }
}

#[cfg(test)]
mod tests;

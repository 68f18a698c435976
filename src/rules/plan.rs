//! All rules of a run, read and ready, and their evaluation.

use crate::facts::Fact;
use crate::host::{Target, Wants};
use crate::policy::waiver::Waiver;
use crate::policy::{Diagnostics, Policy, Rule, Severity};
use crate::rules::compile::compile;
use crate::rules::guard_gaps::all_certain;
use crate::rules::repair_guard::guarded;
use crate::rules::when::Applicability;
use crate::rules::{Check, Subjects};
use crate::verdict::{Assertion, Evidence, Finding, Outcome, Promises, RuleInfo, Subject};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// The rules of a run in the order of their files.
pub struct Plan {
    rules: Vec<Planned>,
    promises: Vec<(String, Arc<Promises>)>,
    waivers: Vec<Arc<Waiver>>,
}

struct Planned {
    info: Arc<RuleInfo>,
    /// What the policy applies to, and what the rule applies to.
    when: [Arc<Applicability>; 2],
    subject: Subject,
    check: Box<dyn Check>,
}

impl Plan {
    /// Reads the demands of all rules. The plan is only complete when no problem was filed.
    pub fn compile(policies: Vec<Policy>, subjects: Subjects, problems: &mut Diagnostics) -> Plan {
        let mut rules = Vec::new();
        let mut waivers = Vec::new();
        let mut all = Vec::new();
        for mut policy in policies {
            waivers.append(&mut policy.waivers);
            let whole =
                Arc::new(Applicability::new(std::mem::take(&mut policy.when), &policy, problems));
            let promises = Promises::of(&policy).map(Arc::new);
            all.extend(promises.iter().map(|one| (policy.id.clone(), Arc::clone(one))));
            for mut rule in std::mem::take(&mut policy.rules) {
                let subject = nominal_subject(&rule, subjects);
                let asks = subject.to_string();
                let info =
                    Arc::new(RuleInfo { asks, ..RuleInfo::new(&policy, &rule, promises.as_ref()) });
                let Some(check) = compile(&mut rule, &policy, subjects, problems) else { continue };
                let own = Applicability::new(rule.when, &policy, problems);
                let when = [Arc::clone(&whole), Arc::new(own)];
                rules.push(Planned { info, when, subject, check });
            }
        }
        Plan { rules, promises: all, waivers }
    }

    /// Keeps only the rules with one of these ids; gives back the ids that no rule has.
    pub fn retain(&mut self, ids: &[String]) -> Vec<String> {
        let missing = ids
            .iter()
            .filter(|id| !self.rules.iter().any(|rule| rule.info.id == **id))
            .cloned()
            .collect();
        if !ids.is_empty() {
            self.rules.retain(|rule| ids.contains(&rule.info.id));
        }
        missing
    }

    /// What postmortems promised, with the policy that keeps it.
    pub fn promises(&self) -> &[(String, Arc<Promises>)] {
        &self.promises
    }

    /// The waivers that stand in the policies, and those that were added.
    pub fn waivers(&self) -> &[Arc<Waiver>] {
        &self.waivers
    }

    /// Adds waivers of a file of their own.
    pub fn add_waivers(&mut self, waivers: Vec<Arc<Waiver>>) {
        self.waivers.extend(waivers);
    }

    /// Keeps only the rules that have one of the tags `wanted` (if there are any), none of the tags
    /// `unwanted`, and at least this severity; gives back the tags that no rule has.
    pub fn narrow(
        &mut self,
        wanted: &[String],
        unwanted: &[String],
        severity: Severity,
    ) -> Vec<String> {
        let has = |rule: &Planned, tag: &String| rule.info.tags.contains(tag);
        let named = wanted.iter().chain(unwanted);
        let missing =
            named.filter(|tag| !self.rules.iter().any(|rule| has(rule, tag))).cloned().collect();
        self.rules.retain(|rule| {
            (wanted.is_empty() || wanted.iter().any(|tag| has(rule, tag)))
                && !unwanted.iter().any(|tag| has(rule, tag))
                && rule.info.severity >= severity
        });
        missing
    }

    /// All tags of all rules.
    pub fn tags(&self) -> BTreeSet<String> {
        self.rules.iter().flat_map(|rule| rule.info.tags.iter().cloned()).collect()
    }

    /// Ids of all rules.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.info.id.as_str())
    }

    /// What all rules say about themselves.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<RuleInfo>> {
        self.rules.iter().map(|rule| &rule.info)
    }

    /// Whether a rule is about this kind of subject.
    pub fn asks_about(&self, kind: &str) -> bool {
        self.rules.iter().any(|rule| rule.subject.kind == kind)
    }

    /// No rules at all.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Which files' contents the rules will probably ask for.
    pub fn wants(&self) -> Wants {
        let mut wants = Wants::default();
        for rule in &self.rules {
            rule.check.wants(&mut wants);
        }
        wants
    }

    /// Says the options that a rule has to be verified with as well, such as `--root DIR`.
    pub fn verify_with(&mut self, options: &str) {
        for rule in self.rules.iter_mut().filter(|_| !options.is_empty()) {
            Arc::make_mut(&mut rule.info).verify_with(options);
        }
    }

    /// Compares every rule with the facts of a target.
    pub fn evaluate(&self, target: &dyn Target) -> Vec<Finding> {
        self.each(target).flatten().collect()
    }

    /// The findings of rule after rule, each evaluated when it is asked for.
    pub fn each(&self, target: &dyn Target) -> impl Iterator<Item = Vec<Finding>> {
        let walks = self.rules.iter().flat_map(|rule| rule.check.walks());
        target.memo().table::<crate::inventory::Memo>().expect(walks);
        self.rules.iter().map(move |rule| rule.evaluate(target))
    }

    /// For each rule the finding that it could not be decided, until somebody decides it.
    pub fn undecided(&self) -> Vec<(Arc<RuleInfo>, Assertion)> {
        let undecided =
            |rule: &Planned| (Arc::clone(&rule.info), Assertion::of(&rule.subject, "evaluation"));
        self.rules.iter().map(undecided).collect()
    }
}

impl Planned {
    fn evaluate(&self, target: &dyn Target) -> Vec<Finding> {
        let ask = |target: &dyn Target| match self.not_applicable(target) {
            Ok(None) => self.check.assertions(target),
            Ok(Some(why)) => vec![Assertion::of(&self.subject, "when").skipped(why)],
            Err(why) => {
                vec![Assertion::of(&self.subject, "when").expected("to apply").unknown(why)]
            }
        };
        let assertions = all_certain(target, ask);
        let assertions = assertions.into_iter().map(|assertion| {
            let own = &self.info.corrective;
            guarded(layered(assertion, target), own, target)
        });
        let finding = |assertion| Finding { rule: Arc::clone(&self.info), assertion };
        assertions.map(finding).collect()
    }

    fn not_applicable(&self, target: &dyn Target) -> Fact<Option<String>> {
        for when in &self.when {
            if let Some(why) = when.not_applicable(target)? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }
}

/// A violation in an image with the layer that introduced it: the step of the Dockerfile to change.
fn layered(assertion: Assertion, target: &dyn Target) -> Assertion {
    if assertion.outcome != Outcome::Fail || target.image().is_none() {
        return assertion;
    }
    let mut layers: Vec<Evidence> = Vec::new();
    for path in assertion.seen.iter().filter_map(Evidence::path) {
        let layer = target.layer(Path::new(path)).map(|layer| Evidence::layer(&layer));
        layers.extend(layer.filter(|layer| !layers.contains(layer)));
    }
    assertion.seen(layers)
}

/// The subject as the rule writes it, for findings about the rule as a whole.
fn nominal_subject(rule: &Rule, subjects: Subjects) -> Subject {
    let written = rule.fields.rest().iter().find_map(|(key, node)| {
        let kind = subjects.iter().find(|kind| kind.key == key.text)?;
        Some(Subject::new(kind.key, node.text("").map_or_else(|_| rule.id.clone(), str::to_owned)))
    });
    written.unwrap_or_else(|| Subject::new("rule", rule.id.clone()))
}

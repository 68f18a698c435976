//! A finding: an assertion together with the rule that asked for it.

use super::assertion::{Assertion, Reason};
use super::evidence::Evidence;
use super::measure::Promises;
use super::outcome::Outcome;
use crate::policy::document::ActionHints;
use crate::policy::library::{BuiltIn, HOST, IMAGE, LIBRARY};
use crate::policy::node::Value;
use crate::policy::waiver::Waiver;
use crate::policy::{Policy, Rule, Severity, correlation};
use std::path::PathBuf;
use std::sync::Arc;

/// What every finding of a rule shares.
#[derive(Clone, Debug)]
pub struct RuleInfo {
    /// Policy's name.
    pub policy: String,
    /// Names that the policy had before.
    pub policy_formerly: Vec<String>,
    /// Policy's title.
    pub policy_title: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// Rule's id.
    pub id: String,
    /// Rule's title.
    pub title: Option<String>,
    /// How bad a violation is.
    pub severity: Severity,
    /// Tags of the policy and of the rule.
    pub tags: Vec<String>,
    /// Texts of the postmortem measures that it serves.
    pub measures: Vec<String>,
    /// What can happen while it is violated.
    pub why: Option<String>,
    /// Steps written by hand; they replace the derived ones.
    pub corrective: Vec<String>,
    /// What keeps it from coming back.
    pub preventive: Option<String>,
    /// Where the demand comes from.
    pub references: Vec<String>,
    /// Policy file.
    pub file: PathBuf,
    /// Line of the rule's id.
    pub line: usize,
    /// Column of the rule's id.
    pub column: usize,
    /// Options without which that command would ask something else: `--root DIR`, `--var x=y`.
    pub options: String,
    /// What its action items need to know.
    pub action: ActionHints,
    /// Number or key of the postmortem behind the policy.
    pub postmortem: Option<String>,
    /// The measures of that postmortem with the rules that serve them, where there is one.
    pub promises: Option<Arc<Promises>>,
    /// Services, files and ports that the rule speaks of.
    pub ties: Vec<String>,
    /// The subject as the rule writes it, a glob for instance; findings name what that led to.
    pub asks: String,
    /// The conditions that the rule writes. A finding about another one (that the subject exists)
    /// is implied by them.
    pub demands: Vec<String>,
}

impl RuleInfo {
    /// Gathers what a rule says about itself.
    pub fn new(policy: &Policy, rule: &Rule, promises: Option<&Arc<Promises>>) -> Self {
        let (line, column) = rule.span.line_column();
        let measures =
            policy.postmortem.as_ref().map(|p| p.measures.as_slice()).unwrap_or_default();
        let file = rule.span.source.path.clone();
        Self {
            policy: policy.id.clone(),
            policy_formerly: policy.formerly.clone(),
            policy_title: policy.title.clone(),
            owner: rule.owner.clone().or_else(|| policy.owner.clone()),
            id: rule.id.clone(),
            title: rule.title.clone(),
            severity: rule.severity,
            tags: policy.tags.iter().chain(&rule.tags).cloned().collect(),
            measures: rule
                .measures
                .iter()
                .filter_map(|number| measures.get(number - 1).cloned())
                .collect(),
            why: rule.why.clone(),
            corrective: rule.corrective.clone(),
            preventive: rule.preventive.clone(),
            references: rule.references.clone(),
            options: String::new(),
            promises: promises.cloned(),
            ties: correlation::of(policy, rule),
            action: rule.action.clone(),
            postmortem: policy
                .postmortem
                .as_ref()
                .map(|p| p.id.clone())
                .filter(|id| !id.is_empty()),
            asks: rule.id.clone(),
            demands: demands(rule),
            file,
            line,
            column,
        }
    }
}

impl RuleInfo {
    /// Says options that the rule has to be verified with as well.
    pub fn verify_with(&mut self, options: &str) {
        self.options.push_str(options);
    }

    /// The command that checks this rule alone.
    pub fn verify(&self) -> String {
        verify_command(&self.file, &self.id) + &self.options
    }

    /// The command that checks this rule alone, whatever folder it is given in.
    pub fn verify_from_anywhere(&self) -> String {
        let file = match std::path::absolute(&self.file) {
            Ok(path) if built_in(&self.file).is_none() => path,
            _ => self.file.clone(),
        };
        verify_command(&file, &self.id) + &self.options
    }
}

/// The name of the policy of the library that a file stands for.
fn built_in(file: &std::path::Path) -> Option<&'static BuiltIn> {
    LIBRARY.into_iter().find(|policy| std::path::Path::new(policy.file) == file)
}

fn demands(rule: &Rule) -> Vec<String> {
    match rule.must.as_ref().map(|must| &must.value) {
        Some(Value::Map(entries)) => entries.iter().map(|(key, _)| key.text.clone()).collect(),
        // Groups of subjects have demands of their own.
        None => rule.fields.rest().iter().map(|(key, _)| key.text.clone()).collect(),
        _ => Vec::new(),
    }
}

fn verify_command(file: &std::path::Path, rule: &str) -> String {
    let path = match built_in(file) {
        // What is checked when nothing is named.
        Some(policy) if [&HOST, &IMAGE].contains(&policy) => String::new(),
        Some(policy) => format!("{} ", policy.name),
        None => format!("{} ", crate::text::shell::quote_path(file)),
    };
    format!("spotcheck check {path}--rule {rule}")
}

/// An answer of the run.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that asked.
    pub rule: Arc<RuleInfo>,
    /// The answer.
    pub assertion: Assertion,
}

impl Finding {
    /// Does it hold?
    pub fn outcome(&self) -> Outcome {
        self.assertion.outcome
    }

    /// The things that it is made of, each as a finding about that thing alone; those that a waiver
    /// names are waived.
    pub fn objects(&self) -> Vec<Finding> {
        let assertion = &self.assertion;
        let each = assertion.objects.iter().map(|object| {
            let mut own = Assertion {
                observed: object.observed.clone(),
                seen: object.seen.clone(),
                corrective: object.corrective.clone(),
                cause: Some(object.subject.clone()),
                offenders: Vec::new(),
                objects: Vec::new(),
                expected: String::new(),
                ..assertion.clone()
            };
            if let Some(waiver) = &assertion.accepted_by
                && assertion.accepted.contains(&object.name())
            {
                own.waive(Arc::clone(waiver));
            }
            Finding { rule: Arc::clone(&self.rule), assertion: own }
        });
        each.collect()
    }

    /// What is to be done: the rule's own steps, else those that the check derived, as far as they can
    /// be taken without a look.
    pub fn corrective(&self) -> &[String] {
        match self.outcome() {
            Outcome::Fail | Outcome::Waived => &self.assertion.corrective,
            _ => &[],
        }
    }

    /// Why there is no answer, in words.
    pub fn reason(&self) -> Option<String> {
        self.assertion.reason.as_ref().map(Reason::to_string)
    }

    /// The waiver that accepts the violation.
    pub fn waiver(&self) -> Option<&Arc<Waiver>> {
        match &self.assertion.reason {
            Some(Reason::Waived(waiver)) => Some(waiver),
            _ => None,
        }
    }

    /// Whether root would probably have been told.
    pub fn needs_root(&self) -> bool {
        matches!(&self.assertion.reason, Some(Reason::Unknown(unknown)) if unknown.needs_root())
    }

    /// Evidence.
    pub fn seen(&self) -> &[Evidence] {
        &self.assertion.seen
    }
}

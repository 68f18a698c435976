//! One rule against a host of plain data, and what came of it in words that read like the report.

use spotcheck::facts::{Cause, Unknown};
use spotcheck::host::Target;
use spotcheck::policy::Diagnostics;
use spotcheck::policy::library::HOST;
use spotcheck::policy::load::load;
use spotcheck::policy::vars::Vars;
use spotcheck::rules::plan::Plan;
use spotcheck::verdict::{Finding, Outcome, summary};
use std::fmt;

/// A rule to be: its lines as they stand in a policy, without the id.
///
/// ```ignore
/// rule("file: /etc/x\nmust: { owner: root }").on(&host).fails_with("owner: bob; expected root");
/// ```
pub fn rule(lines: &str) -> Rule {
    Rule { head: String::new(), lines: lines.to_owned() }
}

/// A rule with what its policy says before it.
pub struct Rule {
    head: String,
    lines: String,
}

impl Rule {
    /// Adds lines to the top of the policy: `services: ...`, `vars: ...`.
    pub fn given(mut self, head: &str) -> Self {
        self.head.push_str(head);
        self.head.push('\n');
        self
    }

    /// The whole policy.
    pub fn policy(&self) -> String {
        let lines: Vec<String> =
            self.lines.lines().map(|line| format!("    {}\n", line.trim_end())).collect();
        format!("policy: test\n{}rules:\n  - id: it\n{}", self.head, lines.concat())
    }

    /// Evaluates it.
    pub fn on(&self, target: &dyn Target) -> Answers {
        let (plan, problems) = self.read();
        assert!(problems.is_empty(), "{}", rendered(problems));
        Answers { findings: plan.evaluate(target), policy: self.policy() }
    }

    /// It is not a rule: the errors, as they are shown.
    pub fn is_refused(&self) -> String {
        let (_, problems) = self.read();
        assert!(!problems.is_empty(), "this was accepted:\n{}", self.policy());
        rendered(problems)
    }

    fn read(&self) -> (Plan, Diagnostics) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        std::fs::write(&path, self.policy()).unwrap();
        let mut problems = Diagnostics::default();
        let policies = load(&[path], &HOST, &Vars::default(), &mut problems);
        let plan = Plan::compile(policies, spotcheck::checks::SUBJECTS, &mut problems);
        (plan, problems)
    }
}

fn rendered(problems: Diagnostics) -> String {
    problems.into_sorted().iter().map(|problem| problem.render(false) + "\n").collect()
}

/// What came of a rule: one line for each finding, such as `fail owner: bob; expected root`,
/// `unknown mode: /x: permission denied`, `skipped exists: does not exist`, `pass uid: 0; ...`.
pub struct Answers {
    pub findings: Vec<Finding>,
    policy: String,
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines().iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl Answers {
    /// All lines.
    pub fn lines(&self) -> Vec<String> {
        self.findings.iter().map(line).collect()
    }

    /// Everything holds, and something does.
    #[track_caller]
    pub fn passes(&self) -> &Self {
        self.all_are(Outcome::Pass)
    }

    /// Everything holds, and one condition with these words: `uid: 33; expected at least 1`.
    #[track_caller]
    pub fn passes_with(&self, words: &str) -> &Self {
        self.passes().has(Outcome::Pass, words)
    }

    /// One of the violations is in these words; there may be others.
    #[track_caller]
    pub fn fails_with(&self, words: &str) -> &Self {
        self.has(Outcome::Fail, words)
    }

    /// One of the violations has these words in it.
    #[track_caller]
    pub fn fails_about(&self, words: &str) -> &Self {
        self.about(Outcome::Fail, words)
    }

    /// One of the undecided conditions has these words in it, and no condition is violated.
    #[track_caller]
    pub fn unknown_about(&self, words: &str) -> &Self {
        assert!(!self.findings.iter().any(|f| f.outcome() == Outcome::Fail), "{self:?}");
        self.about(Outcome::Unknown, words)
    }

    /// One of the undecided conditions is in these words, and no condition is violated.
    #[track_caller]
    pub fn unknown_with(&self, words: &str) -> &Self {
        assert!(!self.findings.iter().any(|f| f.outcome() == Outcome::Fail), "{self:?}");
        self.has(Outcome::Unknown, words)
    }

    /// The rule does not apply, for this reason.
    #[track_caller]
    pub fn skipped_with(&self, words: &str) -> &Self {
        self.all_are(Outcome::Skipped).has(Outcome::Skipped, words)
    }

    /// The first command that repairs it.
    #[track_caller]
    pub fn repaired_by(&self, step: &str) -> &Self {
        let steps: Vec<&String> =
            self.findings.iter().flat_map(|finding| finding.corrective()).collect();
        assert!(steps.iter().any(|one| *one == step), "repairs: {steps:#?}\n{self:?}");
        self
    }

    /// Exit code of a run of this rule alone.
    pub fn exit(&self) -> u8 {
        summary::exit(&self.findings, spotcheck::policy::Severity::Info).code()
    }

    #[track_caller]
    fn all_are(&self, outcome: Outcome) -> &Self {
        let others = self.findings.iter().any(|finding| finding.outcome() != outcome);
        assert!(!others && !self.findings.is_empty(), "not all is {outcome}:\n{self:?}");
        self
    }

    #[track_caller]
    fn about(&self, outcome: Outcome, words: &str) -> &Self {
        let start = format!("{outcome} ");
        let found =
            self.lines().iter().any(|line| line.starts_with(&start) && line.contains(words));
        assert!(found, "there is no `{outcome} ... {words}`:\n{self:?}");
        self
    }

    #[track_caller]
    fn has(&self, outcome: Outcome, words: &str) -> &Self {
        let wanted = format!("{outcome} {words}");
        assert!(self.lines().contains(&wanted), "there is no `{wanted}`:\n{self:?}");
        self
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nanswers:\n{self}", self.policy)
    }
}

fn line(finding: &Finding) -> String {
    let assertion = &finding.assertion;
    let words = match finding.outcome() {
        Outcome::Unknown | Outcome::Skipped => finding.reason().unwrap_or_default(),
        _ if assertion.observed.is_empty() => format!("expected {}", assertion.expected),
        _ => format!("{}; expected {}", assertion.observed, assertion.expected),
    };
    format!("{} {}: {words}", finding.outcome(), assertion.condition)
}

/// That the reader was refused.
pub fn denied(what: &str) -> Unknown {
    Unknown::new(what, Cause::PermissionDenied)
}

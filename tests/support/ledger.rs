//! A ledger and the runs that are recorded in it, said in a few words.

use spotcheck::actions::edit::Edit;
use spotcheck::actions::items::item::{EventKind, Item, ItemId};
use spotcheck::actions::query::Filter;
use spotcheck::actions::record::Terms;
use spotcheck::actions::{Ledger, News, Run};
use spotcheck::config::Config;
use spotcheck::facts::{Cause, Unknown};
use spotcheck::policy::Diagnostics;
use spotcheck::policy::library::HOST;
use spotcheck::policy::load::load;
use spotcheck::policy::vars::Vars;
use spotcheck::policy::waiver::Waiver;
use spotcheck::rules::plan::Plan;
use spotcheck::verdict::{Assertion, Finding, RuleInfo, Subject, waiver};
use std::sync::Arc;

/// One day in seconds.
pub const DAY: i64 = 86_400;

/// What a run saw of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saw {
    Violated,
    Holding,
    Nothing,
    NotApplicable,
}

/// A ledger over time.
pub struct Book {
    pub ledger: Ledger,
    pub now: i64,
    pub terms: Terms,
    rules: Vec<Arc<RuleInfo>>,
    waivers: Vec<Arc<Waiver>>,
    pub whole: bool,
    pub machine: Option<String>,
    pub scope: String,
}

impl Book {
    /// A ledger before its first run.
    pub fn new(ledger: Ledger) -> Self {
        let mut terms = Config::default().terms;
        // Tests that want to be reminded say so.
        terms.remind.clear();
        Self {
            ledger,
            now: 1_700_000_000,
            terms,
            rules: Vec::new(),
            waivers: Vec::new(),
            whole: true,
            machine: None,
            scope: "check".into(),
        }
    }

    /// The rules of the policy `web` from now on, as YAML.
    pub fn policy(&mut self, rules: &str) -> &mut Self {
        self.rules = rules_of(&format!("policy: web\nowner: web-team\nrules:\n{rules}"));
        self
    }

    /// The same for a policy of another name.
    pub fn policy_called(&mut self, name: &str, rules: &str) -> &mut Self {
        self.rules = rules_of(&format!("policy: {name}\nrules:\n{rules}"));
        self
    }

    /// Accepts violations of a rule from now on, for so many seconds.
    pub fn waive(&mut self, rule: &str, seconds: i64) {
        let waiver = Waiver {
            rules: vec![rule.into()],
            policy: None,
            host: None,
            subject: None,
            values: None,
            reason: "it has to wait".into(),
            approved_by: "alice".into(),
            starts: None,
            expires: self.now + seconds,
            place: "waivers.yaml:2:3".into(),
        };
        self.waivers.push(Arc::new(waiver));
    }

    /// A run an hour later on `host` that saw these: rule, file, condition, what.
    pub fn run(&mut self, host: &str, saw: &[(&str, &str, &str, Saw)]) -> News {
        self.now += 3_600;
        let findings: Vec<Finding> = saw
            .iter()
            .map(|(rule, file, condition, saw)| self.finding(rule, file, condition, *saw, None))
            .collect();
        self.record(host, &findings)
    }

    pub fn record(&mut self, host: &str, findings: &[Finding]) -> News {
        let mut findings = findings.to_vec();
        let grants = self.ledger.grants(host).expect("grants can be read");
        waiver::apply(&self.waivers, &mut findings, host, (self.now, 0), &grants);
        let run = Run {
            host,
            time: self.now,
            machine: self.machine.as_deref(),
            scope: &self.scope,
            exit: 1,
            whole: self.whole,
            rules: self.rules.clone(),
            findings: &findings,
        };
        self.ledger.record(&run, &self.terms).expect("the run is recorded")
    }

    /// A violation for which these are to blame.
    pub fn offending(&self, rule: &str, file: &str, condition: &str, names: &[&str]) -> Finding {
        let mut finding = self.finding(rule, file, condition, Saw::Violated, None);
        finding.assertion = finding.assertion.offenders(names.iter().copied());
        finding
    }

    /// What a rule with `absent: skip` says of a file that is gone.
    pub fn not_there(&self, rule: &str, file: &str) -> Finding {
        let mut finding = self.finding(rule, file, "exists", Saw::NotApplicable, None);
        finding.assertion = finding.assertion.absent("does not exist");
        finding
    }

    pub fn finding(
        &self,
        rule: &str,
        file: &str,
        condition: &str,
        saw: Saw,
        cause: Option<&str>,
    ) -> Finding {
        let rule = self.rules.iter().find(|info| info.id == rule).expect("there is such a rule");
        let assertion = Assertion::of(&Subject::new("file", file), condition)
            .expected("as it should be")
            .observed(format!("seen at {}", self.now))
            .repair(format!("repair {file}"))
            .caused_by(cause.map(|cause| Subject::new("file", cause)));
        let assertion = match saw {
            Saw::Violated => assertion.fail(),
            Saw::Holding => assertion.pass(),
            Saw::Nothing => assertion.unknown(Unknown::new(file, Cause::PermissionDenied)),
            Saw::NotApplicable => assertion.skipped("not here"),
        };
        Finding { rule: Arc::clone(rule), assertion }
    }

    /// All items, by id.
    pub fn items(&mut self) -> Vec<Item> {
        let mut items = self.ledger.items(&Filter::default()).expect("items can be listed");
        items.sort_by_key(|item| item.id);
        items
    }

    /// The only item.
    pub fn only(&mut self) -> Item {
        let mut items = self.items();
        assert_eq!(items.len(), 1, "{items:#?}");
        items.remove(0)
    }

    pub fn edit(&mut self, id: ItemId, edit: Edit) -> Item {
        let item = self.ledger.edit(id, &edit, "alice", self.now).expect("it can be changed");
        item.expect("there is such an item")
    }

    /// What happened to an item, oldest first.
    pub fn history(&mut self, id: ItemId) -> Vec<EventKind> {
        let events = self.ledger.events(Some(id), 1000).expect("events can be listed");
        events.into_iter().map(|event| event.kind).collect()
    }
}

/// The kinds of news, in the order they were told.
pub fn kinds(news: &News) -> Vec<EventKind> {
    news.pieces.iter().map(|piece| piece.kind).collect()
}

fn rules_of(text: &str) -> Vec<Arc<RuleInfo>> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("policy.yaml");
    std::fs::write(&file, text).unwrap();
    let mut problems = Diagnostics::default();
    let policies = load(&[file], &HOST, &Vars::default(), &mut problems);
    let plan = Plan::compile(policies, spotcheck::checks::SUBJECTS, &mut problems);
    let words: Vec<String> =
        problems.into_sorted().iter().map(|problem| problem.render(false)).collect();
    assert!(words.is_empty(), "{}", words.join("\n"));
    plan.rules().cloned().collect()
}

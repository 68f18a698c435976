//! Which violations of a run are one piece of work: those of one rule about one thing, and those of
//! several rules about one thing that the same steps repair. One `chmod` is one item.

use super::Recorder;
use crate::actions::items::identity::{Affected, ItemKey};
use crate::actions::items::item::Texts;
use crate::actions::items::lifecycle::State;
use crate::actions::items::observe::Run;
use crate::actions::store::LedgerError;
use crate::parameters;
use crate::verdict::{Finding, Outcome};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A violation: what is affected, and how.
pub(super) type Violation<'a> = (Affected, Cow<'a, Finding>);

/// Violations that are one piece of work.
pub(super) struct Bundle<'a> {
    /// What the item is called by: the rule that saw it first.
    pub(super) key: ItemKey,
    /// The item, where there is one.
    pub(super) item: Option<i64>,
    /// Its violations, in the order of the policies.
    pub(super) violations: Vec<Violation<'a>>,
}

impl Bundle<'_> {
    /// The steps that repair it, each once.
    pub(super) fn corrective(&self) -> Vec<String> {
        steps(&self.violations)
    }

    /// The violation that the item is called after.
    pub(super) fn lead(&self) -> Option<&Finding> {
        let is_own = |finding: &&Finding| {
            (&finding.rule.policy, &finding.rule.id) == (&self.key.policy, &self.key.rule)
        };
        let all = || self.violations.iter().map(|(_, finding)| finding.as_ref());
        all().find(is_own).or_else(|| all().next())
    }
}

/// The steps that repair violations, each once.
pub(super) fn steps(violations: &[Violation]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = violations.iter().flat_map(|(_, finding)| finding.corrective());
    all.filter(|step| seen.insert(step.as_str())).cloned().collect()
}

impl Recorder<'_> {
    /// The violations of the run, item by item.
    pub(super) fn bundles<'f>(&mut self, run: &'f Run) -> Result<Vec<Bundle<'f>>, LedgerError> {
        let mut bundles: Vec<Bundle> = Vec::new();
        let mut things: BTreeMap<Affected, Vec<usize>> = BTreeMap::new();
        for (key, violations) in of_rules(run) {
            let mut bundle = Bundle { item: self.item_of(&key)?, key, violations };
            let places = things.entry(bundle.key.thing.clone()).or_default();
            let home = match bundle.item {
                // Another rule of this run may be part of the same item.
                Some(item) => places
                    .iter()
                    .copied()
                    .find(|place| bundles.get(*place).is_some_and(|one| one.item == Some(item))),
                None => {
                    let same = |place: &usize| {
                        bundles.get(*place).is_some_and(|other| self.is_same_work(other, &bundle))
                    };
                    places.iter().copied().find(same)
                }
            };
            if let Some(home) = home.and_then(|place| bundles.get_mut(place)) {
                home.violations.append(&mut bundle.violations);
                continue;
            }
            match bundle.item {
                Some(item) => bundle.key = self.key_of(item)?.unwrap_or(bundle.key),
                None => {
                    if let Some((item, key)) = self.joined(&bundle)? {
                        (bundle.item, bundle.key) = (Some(item), key);
                    }
                }
            }
            places.push(bundles.len());
            bundles.push(bundle);
        }
        Ok(bundles)
    }

    /// Whether somebody who does the one has done the other: the same steps, by the same people.
    fn is_same_work(&self, one: &Bundle, other: &Bundle) -> bool {
        let owner = |bundle: &Bundle| bundle.lead().and_then(|lead| self.terms.owner(&lead.rule));
        let steps = one.corrective();
        !steps.is_empty() && steps == other.corrective() && owner(one) == owner(other)
    }

    /// The live item about the same thing that the same steps repair.
    fn joined(&mut self, bundle: &Bundle) -> Result<Option<(i64, ItemKey)>, LedgerError> {
        let steps = bundle.corrective();
        let Some(lead) = bundle.lead().filter(|_| !steps.is_empty()) else { return Ok(None) };
        let owner = self.terms.owner(&lead.rule);
        let thing = &bundle.key.thing;
        let rows = self.db.query(
            "SELECT id, policy, rule, owner, texts, state FROM items
             WHERE thing_kind = $1 AND thing = $2 ORDER BY id",
            parameters![&thing.kind, &thing.name],
        )?;
        for mut row in rows {
            let (id, policy, rule) = (row.int()?, row.text()?, row.text()?);
            let (of, texts, state): (_, _, State) = (row.maybe_text()?, row.text()?, row.word()?);
            let texts: Texts = serde_json::from_str(&texts).unwrap_or_default();
            if state.is_live() && of == owner && texts.corrective == steps {
                return Ok(Some((id, ItemKey { policy, rule, thing: thing.clone() })));
            }
        }
        Ok(None)
    }

    /// The item of a rule about a thing: its own, or one that it is part of.
    fn item_of(&mut self, key: &ItemKey) -> Result<Option<i64>, LedgerError> {
        let of = parameters![&key.thing.kind, &key.thing.name, &key.policy, &key.rule];
        let mut rows = self.db.query(
            "SELECT id FROM items
             WHERE thing_kind = $1 AND thing = $2 AND policy = $3 AND rule = $4",
            of,
        )?;
        if rows.is_empty() {
            rows = self.db.query(
                "SELECT i.id FROM items i JOIN occurrences o ON o.item = i.id
                 WHERE i.thing_kind = $1 AND i.thing = $2 AND o.policy = $3 AND o.rule = $4
                 ORDER BY i.id",
                of,
            )?;
        }
        rows.into_iter().next().map(|mut row| row.int()).transpose()
    }

    fn key_of(&mut self, item: i64) -> Result<Option<ItemKey>, LedgerError> {
        let rows = self.db.query(
            "SELECT policy, rule, thing_kind, thing FROM items WHERE id = $1",
            parameters![item],
        )?;
        let key = |mut row| crate::actions::store::columns::read_key(&mut row);
        rows.into_iter().next().map(key).transpose()
    }
}

/// The violations of a run by rule and thing, each of them once. One that is made of several things,
/// each a piece of work of its own, is as many violations.
fn of_rules<'a>(run: &'a Run) -> Vec<(ItemKey, Vec<Violation<'a>>)> {
    let mut order: Vec<(ItemKey, Vec<Violation>)> = Vec::new();
    let mut places: BTreeMap<ItemKey, usize> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let is_violated = |f: &&Finding| matches!(f.outcome(), Outcome::Fail | Outcome::Waived);
    for finding in run.findings.iter().filter(is_violated).flat_map(apart) {
        let key = ItemKey::of(&finding);
        let affected = Affected::of(&finding.assertion.subject);
        let condition = finding.assertion.condition.clone();
        if !seen.insert((key.clone(), affected.clone(), condition)) {
            continue;
        }
        let place = *places.entry(key.clone()).or_insert(order.len());
        match order.get_mut(place) {
            Some((_, violations)) => violations.push((affected, finding)),
            None => order.push((key, vec![(affected, finding)])),
        }
    }
    order
}

fn apart(finding: &Finding) -> Vec<Cow<'_, Finding>> {
    if finding.assertion.objects.is_empty() {
        return vec![Cow::Borrowed(finding)];
    }
    finding.objects().into_iter().map(Cow::Owned).collect()
}

//! What a host could not decide, kept from run to run so that it is news once.

use super::items::identity::{Affected, ItemKey, shortened};
use super::items::observe::Run;
use super::store::LedgerError;
use super::store::columns::read_key;
use super::store::sql::Database;
use crate::parameters;
use crate::verdict::{Finding, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// What was asked: of a rule about a thing, by which condition.
type Question = (ItemKey, String);

/// Notes what is undecided now; what was not undecided before, in words.
///
/// # Errors
/// When the store fails.
pub fn record(db: &mut dyn Database, run: &Run) -> Result<Vec<String>, LedgerError> {
    let mut now: BTreeMap<Question, &Finding> = BTreeMap::new();
    for finding in run.findings.iter().filter(|f| f.outcome() == Outcome::Unknown) {
        // The subject itself: what is unknown has no cause on the host that could be one item.
        let thing = Affected::of(&finding.assertion.subject);
        let condition = shortened(&finding.assertion.condition);
        let key = ItemKey { thing, ..ItemKey::of(finding) };
        now.entry((key, condition)).or_insert(finding);
    }
    let rows = db.query(
        "SELECT policy, rule, thing_kind, thing, condition FROM undecided WHERE host = $1",
        parameters![run.host],
    )?;
    let mut before = BTreeSet::new();
    for mut row in rows {
        before.insert((read_key(&mut row)?, row.text()?));
    }
    let asked: BTreeSet<(&str, &str)> =
        run.rules.iter().map(|rule| (rule.policy.as_str(), rule.id.as_str())).collect();
    let policies: BTreeSet<&str> = asked.iter().map(|(policy, _)| *policy).collect();
    let is_settled = |key: &&Question| {
        let (policy, rule) = (key.0.policy.as_str(), key.0.rule.as_str());
        let gone = run.whole && policies.contains(policy);
        !now.contains_key(*key) && (asked.contains(&(policy, rule)) || gone)
    };
    for key in before.iter().filter(is_settled) {
        change(
            db,
            "DELETE FROM undecided WHERE host = $1 AND policy = $2 AND rule = $3
               AND thing_kind = $4 AND thing = $5 AND condition = $6",
            run.host,
            key,
        )?;
    }
    let mut news = Vec::new();
    for (question, finding) in now.iter().filter(|(key, _)| !before.contains(key)) {
        let (key, condition) = question;
        db.execute(
            "INSERT INTO undecided (host, policy, rule, thing_kind, thing, condition, since)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            parameters![
                run.host,
                &key.policy,
                &key.rule,
                &key.thing.kind,
                &key.thing.name,
                condition,
                run.time,
            ],
        )?;
        let why = finding.reason().unwrap_or_default();
        let severity = finding.rule.severity;
        news.push(format!("{severity} {}: {} {condition}: {why}", key.rule, key.thing));
    }
    Ok(news)
}

fn change(
    db: &mut dyn Database,
    sql: &str,
    host: &str,
    question: &Question,
) -> Result<u64, LedgerError> {
    let (key, condition) = question;
    let thing = &key.thing;
    db.execute(sql, parameters![host, &key.policy, &key.rule, &thing.kind, &thing.name, condition])
}

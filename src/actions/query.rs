//! Reading items back.

use super::items::identity::Affected;
use super::items::item::{Event, Item, ItemId, Occurrence, Texts};
use super::items::lifecycle::State;
use super::store::LedgerError;
use super::store::columns::{rank, read_key, read_u32, severity};
use super::store::sql::{Database, Row, Value};
use crate::parameters;
use crate::policy::Severity;

/// Which items. Without any word: all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In one of these states.
    pub states: Vec<State>,
    /// Of this owner.
    pub owner: Option<String>,
    /// At least this bad.
    pub severity: Option<Severity>,
    /// Time was up at this time, seconds since 1970-01-01 UTC.
    pub overdue: Option<i64>,
    /// That occur, violated, on this host.
    pub host: Option<String>,
    /// Of this policy.
    pub policy: Option<String>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// How many items a host has, and when it was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Live items that are violated on the host.
    pub open: i64,
    /// Those of them whose time is up.
    pub overdue: i64,
    /// Last run in which everything held, seconds since 1970-01-01 UTC.
    pub last_success: Option<i64>,
}

const COLUMNS: &str = "i.id, i.policy, i.rule, i.thing_kind, i.thing, i.title, i.demand, i.kind, i.severity, i.owner, i.due, i.first_seen, i.last_seen, i.state,
    i.state_since, i.reopenings, i.verify, i.texts,
    (SELECT count(DISTINCT PLACE) FROM occurrences o
     WHERE o.item = i.id AND o.presence = 'present'),
    (SELECT count(DISTINCT PLACE) FROM occurrences o WHERE o.item = i.id), WAIVED";

/// A thing on a host, in one word.
const PLACE: &str = "o.host || ' ' || o.affected_kind || ' ' || o.affected";

/// Until when all violated occurrences of an item are accepted; nothing unless all are.
pub const WAIVED: &str = "(SELECT CASE WHEN count(*) = count(o.waived_until) THEN
        min(o.waived_until) END FROM occurrences o WHERE o.item = i.id AND o.presence = 'present')";

fn columns() -> String {
    COLUMNS.replace("WAIVED", WAIVED).replace("PLACE", PLACE)
}

/// Items, worst and most urgent first.
///
/// # Errors
/// When the store fails.
pub fn items(db: &mut dyn Database, filter: &Filter) -> Result<Vec<Item>, LedgerError> {
    let mut conditions = Conditions::default();
    if !filter.states.is_empty() {
        let names: Vec<String> =
            filter.states.iter().map(|state| conditions.parameter(state.name())).collect();
        conditions.add(format!("i.state IN ({})", names.join(", ")));
    }
    if let Some(least) = filter.severity {
        let least = conditions.parameter(rank(least));
        conditions.add(format!("i.severity >= {least}"));
    }
    if let Some(owner) = &filter.owner {
        let owner = conditions.parameter(owner);
        conditions.add(format!("i.owner = {owner}"));
    }
    if let Some(policy) = &filter.policy {
        let policy = conditions.parameter(policy);
        conditions.add(format!("i.policy = {policy}"));
    }
    if let Some(now) = filter.overdue {
        let now = conditions.parameter(now);
        conditions.add(format!("i.due <= {now} AND {LIVE} AND COALESCE({WAIVED}, 0) <= {now}"));
    }
    if let Some(host) = &filter.host {
        let host = conditions.parameter(host);
        conditions.add(format!(
            "i.id IN (SELECT o.item FROM occurrences o WHERE o.host = {host}
                      AND o.presence = 'present')"
        ));
    }
    let limit = match filter.limit {
        Some(limit) => format!("LIMIT {}", conditions.parameter(limit)),
        None => String::new(),
    };
    let wanted = match conditions.texts.join(" AND ") {
        text if text.is_empty() => text,
        text => format!("WHERE {text}"),
    };
    let columns = columns();
    // Which ones first, from the index; whole rows only of those that are shown.
    let order = format!("ORDER BY i.severity DESC, COALESCE(i.due, {FAR}), i.id");
    let sql = format!(
        "SELECT {columns} FROM (SELECT i.id AS pick FROM items i {wanted} {order} {limit}) AS picked
         JOIN items i ON i.id = picked.pick {order}"
    );
    db.query(&sql, &conditions.values)?.into_iter().map(read_item).collect()
}

/// Items with work to do.
const LIVE: &str = "i.state IN ('open', 'acknowledged', 'regressed')";

/// Later than any due date: items without one come last.
const FAR: i64 = 1 << 60;

#[derive(Default)]
struct Conditions {
    texts: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn parameter(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn add(&mut self, text: String) {
        self.texts.push(text);
    }
}

/// One item.
///
/// # Errors
/// When the store fails.
pub fn item(db: &mut dyn Database, id: ItemId) -> Result<Option<Item>, LedgerError> {
    let sql = format!("SELECT {} FROM items i WHERE i.id = $1", columns());
    db.query(&sql, parameters![id.0])?.into_iter().next().map(read_item).transpose()
}

/// The item that another one has become part of.
///
/// # Errors
/// When the store fails.
pub fn heir(db: &mut dyn Database, id: ItemId) -> Result<Option<ItemId>, LedgerError> {
    let rows = db.query("SELECT item FROM merged WHERE id = $1", parameters![id.0])?;
    rows.into_iter().next().map(|mut row| row.int().map(ItemId)).transpose()
}

fn read_item(mut row: Row) -> Result<Item, LedgerError> {
    let row = &mut row;
    Ok(Item {
        id: ItemId(row.int()?),
        key: read_key(row)?,
        title: row.text()?,
        demand: row.maybe_text()?,
        kind: row.word()?,
        severity: severity(row.int()?)?,
        owner: row.maybe_text()?,
        due: row.maybe_int()?,
        first_seen: row.int()?,
        last_seen: row.int()?,
        state: row.word()?,
        state_since: row.int()?,
        reopenings: row.int()?,
        verify: read_u32(row)?,
        texts: read_texts(&row.text()?)?,
        present: row.int()?,
        occurrences: row.int()?,
        waived_until: row.maybe_int()?,
    })
}

fn read_texts(json: &str) -> Result<Texts, LedgerError> {
    serde_json::from_str(json).map_err(|error| LedgerError::Damaged(error.to_string()))
}

/// Where an item occurs: hosts where it is violated first, then in the order of their names.
///
/// # Errors
/// When the store fails.
pub fn occurrences(db: &mut dyn Database, id: ItemId) -> Result<Vec<Occurrence>, LedgerError> {
    let rows = db.query(
        "SELECT host, policy, rule, condition, affected_kind, affected, presence, held, first_seen, last_seen, last_looked,
                evidence_then, evidence_now
         FROM occurrences WHERE item = $1
         ORDER BY CASE presence WHEN 'present' THEN 0 ELSE 1 END, host, affected_kind, affected, id",
        parameters![id.0],
    )?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Occurrence {
                host: row.text()?,
                policy: row.text()?,
                rule: row.text()?,
                condition: row.text()?,
                affected: Affected { kind: row.text()?, name: row.text()? },
                presence: row.word()?,
                held: read_u32(&mut row)?,
                first_seen: row.int()?,
                last_seen: row.int()?,
                last_looked: row.int()?,
                evidence_then: row.text()?,
                evidence_now: row.text()?,
            })
        })
        .collect()
}

/// What happened, newest last: to one item, or to all; at most `limit`, the newest.
///
/// # Errors
/// When the store fails.
pub fn events(
    db: &mut dyn Database,
    id: Option<ItemId>,
    limit: u32,
) -> Result<Vec<Event>, LedgerError> {
    const COLUMNS: &str =
        "SELECT item, at, host, actor, kind, detail, evidence, condition FROM events";
    let rows = match id {
        Some(id) => {
            let sql = format!("{COLUMNS} WHERE item = $1 ORDER BY id DESC LIMIT $2");
            db.query(&sql, parameters![id.0, limit])?
        }
        None => db.query(&format!("{COLUMNS} ORDER BY id DESC LIMIT $1"), parameters![limit])?,
    };
    rows.into_iter().rev().map(read_event).collect()
}

/// What happened from one time to another, both included, oldest first.
///
/// # Errors
/// When the store fails.
pub fn events_between(
    db: &mut dyn Database,
    from: i64,
    to: i64,
    limit: u32,
) -> Result<Vec<Event>, LedgerError> {
    let rows = db.query(
        "SELECT item, at, host, actor, kind, detail, evidence, condition FROM events
         WHERE at >= $1 AND at <= $2 ORDER BY at, id LIMIT $3",
        parameters![from, to, limit],
    )?;
    rows.into_iter().map(read_event).collect()
}

fn read_event(mut row: Row) -> Result<Event, LedgerError> {
    Ok(Event {
        item: ItemId(row.int()?),
        at: row.int()?,
        host: row.maybe_text()?,
        actor: row.text()?,
        kind: row.word()?,
        detail: row.text()?,
        evidence: row.maybe_text()?,
        condition: row.text()?,
    })
}

/// How many items a host has, and when it was checked.
///
/// # Errors
/// When the store fails.
pub fn counts(db: &mut dyn Database, host: &str, now: i64) -> Result<Counts, LedgerError> {
    let rows = db.query(
        &format!(
            "SELECT i.due, {WAIVED} FROM items i WHERE {LIVE} AND i.id IN (
                 SELECT o.item FROM occurrences o WHERE o.host = $1 AND o.presence = 'present')"
        ),
        parameters![host],
    )?;
    let mut counts = Counts::default();
    for mut row in rows {
        let late = row.maybe_int()?.is_some_and(|due| due <= now);
        let counts_now = row.maybe_int()?.is_none_or(|until| until <= now);
        counts.open += 1;
        counts.overdue += i64::from(late && counts_now);
    }
    let hosts = db.query("SELECT last_success FROM hosts WHERE name = $1", parameters![host])?;
    if let Some(mut row) = hosts.into_iter().next() {
        counts.last_success = row.maybe_int()?;
    }
    Ok(counts)
}

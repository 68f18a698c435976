//! The tables, and how older ones become today's.
//!
//! Versions only go forward, one step at a time, within the transaction that asked: a crash leaves
//! the old version. A version that is newer than this program is refused, never guessed at.

use super::error::LedgerError;
use super::sql::{Database, transaction};

/// The steps; step n leads from version n to version n + 1. Never changed once released.
const STEPS: &[&[&str]] = &[FIRST, WAIVERS, MEASURES, NEWS, CULPRITS, MERGED];

/// Waivers of occurrences, and what a host could not decide, so that both are news once.
const WAIVERS: &[&str] = &[
    "ALTER TABLE occurrences ADD COLUMN waived_until BIGINT",
    "ALTER TABLE occurrences ADD COLUMN expiry_told BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE undecided (
        host TEXT NOT NULL,
        policy TEXT NOT NULL,
        rule TEXT NOT NULL,
        thing_kind TEXT NOT NULL,
        thing TEXT NOT NULL,
        condition TEXT NOT NULL,
        since BIGINT NOT NULL,
        PRIMARY KEY (host, policy, rule, thing_kind, thing, condition)
    )",
];

/// How rules stand and stood, whether they were ever violated or not; what postmortems promised; and
/// what was seen when something changed, for the timeline of a postmortem.
const MEASURES: &[&str] = &[
    "ALTER TABLE events ADD COLUMN evidence TEXT",
    "CREATE INDEX events_by_time ON events (at)",
    "CREATE TABLE promises (
        policy TEXT PRIMARY KEY,
        postmortem TEXT NOT NULL
    )",
    "CREATE TABLE looks (
        host TEXT NOT NULL,
        policy TEXT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (host, policy)
    )",
    "CREATE TABLE standings (
        host TEXT NOT NULL,
        policy TEXT NOT NULL,
        rule TEXT NOT NULL,
        standing TEXT NOT NULL,
        since BIGINT NOT NULL,
        PRIMARY KEY (host, policy, rule)
    )",
    "CREATE TABLE turns (
        id SERIAL_KEY,
        host TEXT NOT NULL,
        policy TEXT NOT NULL,
        rule TEXT NOT NULL,
        at BIGINT NOT NULL,
        was TEXT NOT NULL,
        last_look BIGINT NOT NULL,
        became TEXT NOT NULL
    )",
    "CREATE INDEX turns_by_time ON turns (at)",
];

/// What breaks a rule, one by one; what a waiver found when it was granted; which policies a check
/// has, so that one that goes is seen to; and which machine a host is, whatever it is called.
const CULPRITS: &[&str] = &[
    "CREATE TABLE culprits (
        id SERIAL_KEY,
        occurrence BIGINT NOT NULL REFERENCES occurrences (id),
        name TEXT NOT NULL,
        presence TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        ended BIGINT,
        UNIQUE (occurrence, name)
    )",
    "CREATE TABLE grants (
        host TEXT NOT NULL,
        waiver TEXT NOT NULL,
        policy TEXT NOT NULL,
        rule TEXT NOT NULL,
        thing_kind TEXT NOT NULL,
        thing TEXT NOT NULL,
        condition TEXT NOT NULL,
        name TEXT NOT NULL,
        PRIMARY KEY (host, waiver, policy, rule, thing_kind, thing, condition, name)
    )",
    "CREATE TABLE scopes (
        host TEXT NOT NULL,
        scope TEXT NOT NULL,
        policy TEXT NOT NULL,
        PRIMARY KEY (host, scope, policy)
    )",
    "ALTER TABLE hosts ADD COLUMN machine TEXT",
    "ALTER TABLE news ADD COLUMN subject TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE items ADD COLUMN paused BIGINT",
];

/// What there is to tell, apart from who has been told: each reader has a place of its own up to which
/// it has read. And what is wrong with a check itself, so that it is said once.
const NEWS: &[&str] = &[
    "CREATE TABLE news (
        id SERIAL_KEY,
        host TEXT NOT NULL,
        at BIGINT NOT NULL,
        item BIGINT REFERENCES items (id),
        kind TEXT NOT NULL,
        severity BIGINT NOT NULL,
        danger BIGINT NOT NULL,
        title TEXT NOT NULL,
        lines TEXT NOT NULL
    )",
    "CREATE INDEX news_by_host ON news (host, id)",
    "CREATE TABLE readers (
        host TEXT NOT NULL,
        name TEXT NOT NULL,
        told BIGINT NOT NULL,
        at BIGINT NOT NULL,
        PRIMARY KEY (host, name)
    )",
    "CREATE TABLE complaints (
        host TEXT NOT NULL,
        scope TEXT NOT NULL,
        words TEXT NOT NULL,
        since BIGINT NOT NULL,
        PRIMARY KEY (host, scope, words)
    )",
    "ALTER TABLE items ADD COLUMN due_by_hand BIGINT NOT NULL DEFAULT 0",
    "UPDATE items SET due_by_hand = 1 WHERE id IN (SELECT item FROM events WHERE kind = 'due')",
];

/// An item is policy, rule and thing; conditions are its occurrences. Items that were one for each
/// condition become one: the lowest number stays, `merged` answers for the others, and what happened to
/// them happened to it. Its column `condition` is empty from here on.
const MERGED: &[&str] = &[
    "CREATE TABLE merged (
        id BIGINT PRIMARY KEY,
        item BIGINT NOT NULL REFERENCES items (id)
    )",
    "INSERT INTO merged (id, item)
     SELECT i.id, (SELECT min(k.id) FROM items k WHERE k.policy = i.policy AND k.rule = i.rule
                      AND k.thing_kind = i.thing_kind AND k.thing = i.thing)
     FROM items i WHERE EXISTS (
         SELECT 1 FROM items k WHERE k.policy = i.policy AND k.rule = i.rule
            AND k.thing_kind = i.thing_kind AND k.thing = i.thing AND k.id < i.id)",
    "CREATE INDEX merged_by_item ON merged (item)",
    "CREATE TABLE occurrences_of_conditions (
        id SERIAL_KEY,
        item BIGINT NOT NULL REFERENCES items (id),
        host TEXT NOT NULL,
        policy TEXT NOT NULL,
        rule TEXT NOT NULL,
        affected_kind TEXT NOT NULL,
        affected TEXT NOT NULL,
        condition TEXT NOT NULL,
        presence TEXT NOT NULL,
        held BIGINT NOT NULL DEFAULT 0,
        asked TEXT NOT NULL,
        implied BIGINT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        last_looked BIGINT NOT NULL,
        evidence_then TEXT NOT NULL,
        evidence_now TEXT NOT NULL,
        waived_until BIGINT,
        expiry_told BIGINT NOT NULL DEFAULT 0,
        UNIQUE (item, host, policy, rule, affected_kind, affected, condition)
    )",
    "INSERT INTO occurrences_of_conditions
        (item, host, policy, rule, affected_kind, affected, condition, presence, held, asked,
         implied, first_seen, last_seen, last_looked, evidence_then, evidence_now, waived_until,
         expiry_told)
     SELECT COALESCE(m.item, o.item), o.host, i.policy, i.rule, o.affected_kind, o.affected,
            i.condition, o.presence, o.held, o.asked, o.implied, o.first_seen, o.last_seen,
            o.last_looked, o.evidence_then, o.evidence_now, o.waived_until, o.expiry_told
     FROM occurrences o JOIN items i ON i.id = o.item LEFT JOIN merged m ON m.id = o.item
     ORDER BY o.id",
    "CREATE TABLE culprits_of_conditions (
        id SERIAL_KEY,
        occurrence BIGINT NOT NULL REFERENCES occurrences_of_conditions (id),
        name TEXT NOT NULL,
        presence TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        ended BIGINT,
        UNIQUE (occurrence, name)
    )",
    "INSERT INTO culprits_of_conditions (occurrence, name, presence, first_seen, ended)
     SELECT n.id, c.name, c.presence, c.first_seen, c.ended
     FROM culprits c JOIN occurrences o ON o.id = c.occurrence JOIN items i ON i.id = o.item
        LEFT JOIN merged m ON m.id = o.item
        JOIN occurrences_of_conditions n ON n.item = COALESCE(m.item, o.item)
            AND n.host = o.host AND n.affected_kind = o.affected_kind
            AND n.affected = o.affected AND n.condition = i.condition
     ORDER BY c.id",
    "DROP TABLE culprits",
    "DROP TABLE occurrences",
    "ALTER TABLE occurrences_of_conditions RENAME TO occurrences",
    "ALTER TABLE culprits_of_conditions RENAME TO culprits",
    "CREATE INDEX occurrences_by_host ON occurrences (host, presence)",
    "CREATE INDEX items_by_thing ON items (thing_kind, thing)",
    "ALTER TABLE events ADD COLUMN condition TEXT NOT NULL DEFAULT ''",
    "UPDATE events SET condition =
        COALESCE((SELECT i.condition FROM items i WHERE i.id = events.item), '')",
    "UPDATE events SET item = (SELECT m.item FROM merged m WHERE m.id = events.item)
     WHERE item IN (SELECT id FROM merged)",
    "UPDATE news SET item = (SELECT m.item FROM merged m WHERE m.id = news.item)
     WHERE item IN (SELECT id FROM merged)",
    "INSERT INTO events (item, at, host, actor, kind, detail)
     SELECT m.item, COALESCE((SELECT max(e.at) FROM events e WHERE e.item = m.item), 0), NULL,
            'spotcheck', 'merged', 'SC-' || m.id || ' is part of it now'
     FROM merged m ORDER BY m.id",
    "UPDATE items SET
        (state, state_since) = (
            SELECT k.state, k.state_since FROM items k WHERE (k.id = items.id
                OR k.id IN (SELECT m.id FROM merged m WHERE m.item = items.id))
            ORDER BY CASE k.state WHEN 'regressed' THEN 0 WHEN 'open' THEN 1
                WHEN 'acknowledged' THEN 2 WHEN 'retired' THEN 3 WHEN 'closed' THEN 4 ELSE 5 END,
                k.id LIMIT 1),
        (severity, first_seen, last_seen, reopenings, verify, owner_by_hand, due_by_hand,
         overdue_told, paused) = (
            SELECT max(k.severity), min(k.first_seen), max(k.last_seen), max(k.reopenings),
                   max(k.verify), max(k.owner_by_hand), max(k.due_by_hand), min(k.overdue_told),
                   CASE WHEN count(*) = count(k.paused) THEN max(k.paused) END
            FROM items k WHERE (k.id = items.id
                OR k.id IN (SELECT m.id FROM merged m WHERE m.item = items.id))),
        due = COALESCE((
            SELECT min(k.due) FROM items k WHERE (k.id = items.id
                OR k.id IN (SELECT m.id FROM merged m WHERE m.item = items.id))
              AND k.state IN ('open', 'acknowledged', 'regressed')), due),
        owner = COALESCE((
            SELECT k.owner FROM items k LEFT JOIN merged m ON m.id = k.id
            WHERE COALESCE(m.item, k.id) = items.id AND k.owner_by_hand = 1
            ORDER BY k.id LIMIT 1), owner)
     WHERE id IN (SELECT item FROM merged)",
    "DELETE FROM items WHERE id IN (SELECT id FROM merged)",
    "UPDATE items SET condition = ''",
    "ALTER TABLE items ADD COLUMN reminded BIGINT",
    "ALTER TABLE items ADD COLUMN snoozed BIGINT",
];

const FIRST: &[&str] = &[
    "CREATE TABLE items (
        id SERIAL_KEY,
        policy TEXT NOT NULL,
        rule TEXT NOT NULL,
        thing_kind TEXT NOT NULL,
        thing TEXT NOT NULL,
        condition TEXT NOT NULL,
        title TEXT NOT NULL,
        demand TEXT,
        kind TEXT NOT NULL,
        severity BIGINT NOT NULL,
        owner TEXT,
        owner_by_hand BIGINT NOT NULL DEFAULT 0,
        due BIGINT,
        overdue_told BIGINT NOT NULL DEFAULT 0,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        state TEXT NOT NULL,
        state_since BIGINT NOT NULL,
        reopenings BIGINT NOT NULL DEFAULT 0,
        verify BIGINT NOT NULL DEFAULT 1,
        texts TEXT NOT NULL,
        UNIQUE (policy, rule, thing_kind, thing, condition)
    )",
    "CREATE INDEX items_by_state ON items (state, severity, due)",
    "CREATE TABLE occurrences (
        id SERIAL_KEY,
        item BIGINT NOT NULL REFERENCES items (id),
        host TEXT NOT NULL,
        affected_kind TEXT NOT NULL,
        affected TEXT NOT NULL,
        presence TEXT NOT NULL,
        held BIGINT NOT NULL DEFAULT 0,
        asked TEXT NOT NULL,
        implied BIGINT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        last_looked BIGINT NOT NULL,
        evidence_then TEXT NOT NULL,
        evidence_now TEXT NOT NULL,
        UNIQUE (item, host, affected_kind, affected)
    )",
    "CREATE INDEX occurrences_by_host ON occurrences (host, presence)",
    "CREATE TABLE events (
        id SERIAL_KEY,
        item BIGINT NOT NULL REFERENCES items (id),
        at BIGINT NOT NULL,
        host TEXT,
        actor TEXT NOT NULL,
        kind TEXT NOT NULL,
        detail TEXT NOT NULL
    )",
    "CREATE INDEX events_by_item ON events (item, id)",
    "CREATE TABLE hosts (
        name TEXT PRIMARY KEY,
        first_run BIGINT NOT NULL,
        last_run BIGINT NOT NULL,
        last_success BIGINT,
        last_exit BIGINT NOT NULL
    )",
];

/// The version that this program reads and writes.
pub const VERSION: i64 = STEPS.len() as i64;

/// Brings the tables to [`VERSION`].
///
/// # Errors
/// When they are of a newer version, or cannot be written.
pub fn migrate(db: &mut dyn Database) -> Result<(), LedgerError> {
    if current(db)? == VERSION {
        return Ok(());
    }
    transaction(db, |db| {
        // Asked again: another process may have done it meanwhile.
        let version = current(db)?;
        let serial = db.serial();
        if version == 0 {
            db.prepare()?;
        }
        for step in STEPS.iter().skip(usize::try_from(version).unwrap_or(usize::MAX)) {
            for statement in *step {
                db.execute(&statement.replace("SERIAL_KEY", serial), &[])?;
            }
        }
        db.set_version(VERSION)
    })
}

/// The version of the tables, refused when it is newer than this program.
///
/// # Errors
/// Also when the store fails.
pub fn current(db: &mut dyn Database) -> Result<i64, LedgerError> {
    match db.version()? {
        version if version > VERSION => Err(LedgerError::Newer { found: version, known: VERSION }),
        version => Ok(version),
    }
}

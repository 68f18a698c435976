//! Columns of the ledger's tables, to and from what they mean.

use super::LedgerError;
use super::sql::{Database, Row};
use crate::actions::items::evidence::{EvidenceRecord, bounded};
use crate::actions::items::identity::{Affected, ItemKey};
use crate::actions::items::item::EventKind;
use crate::parameters;
use crate::policy::Severity;

/// Notes something that happened, in words, and what was seen where a run saw it.
///
/// # Errors
/// When the store fails.
pub fn add_event(
    db: &mut dyn Database,
    item: i64,
    at: i64,
    host: Option<&str>,
    actor: &str,
    kind: EventKind,
    (detail, evidence): (&str, &[EvidenceRecord]),
) -> Result<(), LedgerError> {
    let detail = bounded(detail);
    let evidence = EvidenceRecord::list_to_json(evidence);
    db.execute(
        "INSERT INTO events (item, at, host, actor, kind, detail, evidence)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        parameters![item, at, host, actor, kind.name(), &detail, evidence.as_ref()],
    )?;
    Ok(())
}

/// A severity as a number that sorts.
pub fn rank(severity: Severity) -> i64 {
    Severity::ALL.iter().position(|one| *one == severity).map_or(0, |rank| rank as i64)
}

/// The severity of that rank.
///
/// # Errors
/// When there is none.
pub fn severity(rank: i64) -> Result<Severity, LedgerError> {
    usize::try_from(rank)
        .ok()
        .and_then(|rank| Severity::ALL.get(rank).copied())
        .ok_or_else(|| LedgerError::Damaged(format!("there is no severity {rank}")))
}

/// Reads the columns of an item's key.
///
/// # Errors
/// When they hold something else.
pub fn read_key(row: &mut Row) -> Result<ItemKey, LedgerError> {
    Ok(ItemKey {
        policy: row.text()?,
        rule: row.text()?,
        thing: Affected { kind: row.text()?, name: row.text()? },
    })
}

/// Reads a small number.
///
/// # Errors
/// When it is none.
pub fn read_u32(row: &mut Row) -> Result<u32, LedgerError> {
    let number = row.int()?;
    u32::try_from(number).map_err(|_| LedgerError::Damaged(format!("{number} is no count")))
}

/// The only row of an answer.
pub fn first(rows: Vec<Row>) -> Result<Row, LedgerError> {
    rows.into_iter().next().ok_or_else(|| LedgerError::Damaged("a row is missing".into()))
}

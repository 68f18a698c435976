//! What a waiver found when it was granted: it accepts that, and nobody who comes later. It ends for
//! each of them when that one is gone.

use super::Recorder;
use crate::actions::items::evidence::bounded;
use crate::actions::items::identity::Affected;
use crate::actions::items::observe::Unsettled;
use crate::actions::store::LedgerError;
use crate::actions::store::sql::Database;
use crate::parameters;
use crate::verdict::Finding;
use crate::verdict::waiver::{Grant, Grants};

/// All that waivers found on a host when they were granted.
///
/// # Errors
/// When the store fails.
pub fn of_host(db: &mut dyn Database, host: &str) -> Result<Grants, LedgerError> {
    let rows = db.query(
        "SELECT waiver, policy, rule, thing_kind, thing, condition, name FROM grants
         WHERE host = $1",
        parameters![host],
    )?;
    let mut grants = Grants::default();
    for mut row in rows {
        let grant = Grant {
            waiver: row.text()?,
            policy: row.text()?,
            rule: row.text()?,
            kind: row.text()?,
            name: row.text()?,
            condition: row.text()?,
        };
        grants.add(grant, row.text()?);
    }
    Ok(grants)
}

impl Recorder<'_> {
    /// Notes what waivers that name no values accept, the first time that they do.
    pub(super) fn grants(&mut self) -> Result<(), LedgerError> {
        let findings = self.run.findings;
        for finding in findings {
            let Some(waiver) = finding.waiver().filter(|waiver| waiver.values.is_none()) else {
                continue;
            };
            let culprits = finding.assertion.culprits();
            if culprits.is_empty() {
                continue;
            }
            let (rule, thing) = (&finding.rule, Affected::of(&finding.assertion.subject));
            let (waiver, condition) = (waiver.digest(), &finding.assertion.condition);
            // The mark that there was a grant, whoever is left of it.
            let new = self.db.execute(
                "INSERT INTO grants (host, waiver, policy, rule, thing_kind, thing, condition, name)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, '') ON CONFLICT DO NOTHING",
                parameters![
                    self.run.host,
                    &waiver,
                    &rule.policy,
                    &rule.id,
                    &thing.kind,
                    &thing.name,
                    condition,
                ],
            )?;
            if new == 0 {
                continue;
            }
            for name in culprits.iter().map(|name| bounded(name)) {
                self.db.execute(
                    "INSERT INTO grants
                         (host, waiver, policy, rule, thing_kind, thing, condition, name)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                    parameters![
                        self.run.host,
                        &waiver,
                        &rule.policy,
                        &rule.id,
                        &thing.kind,
                        &thing.name,
                        condition,
                        &name,
                    ],
                )?;
            }
        }
        Ok(())
    }

    /// Ends what was granted for one that is gone, or for all of them.
    pub(super) fn end_grant(
        &mut self,
        finding: &Finding,
        affected: &Affected,
        name: Option<&String>,
    ) -> Result<(), LedgerError> {
        let rule = &finding.rule;
        self.end((&rule.policy, &rule.id, &finding.assertion.condition), affected, name)
    }

    /// The same for an occurrence that holds again.
    pub(super) fn end_grants(&mut self, old: &Unsettled) -> Result<(), LedgerError> {
        let key = &old.key;
        self.end((&key.policy, &key.rule, &old.condition), &old.affected, None)
    }

    fn end(
        &mut self,
        (policy, rule, condition): (&String, &String, &String),
        affected: &Affected,
        name: Option<&String>,
    ) -> Result<(), LedgerError> {
        self.db.execute(
            "DELETE FROM grants WHERE host = $1 AND policy = $2 AND rule = $3 AND thing_kind = $4
                AND thing = $5 AND condition = $6 AND name <> '' AND ($7 = '' OR name = $7)",
            parameters![
                self.run.host,
                policy,
                rule,
                &affected.kind,
                &affected.name,
                condition,
                name.map_or("", String::as_str),
            ],
        )?;
        Ok(())
    }
}

//! Which host it is. Its name may change; the machine behind it, by `machine-id(5)`, stays.

use super::Recorder;
use crate::actions::store::LedgerError;
use crate::parameters;
use crate::text::time;

/// The tables that know a host by its name, and what is in them. Events and turns are not among them:
/// what happened, happened under the name of then.
const TABLES: [&str; 8] =
    ["occurrences", "standings", "looks", "undecided", "news", "readers", "complaints", "scopes"];

/// So far (in seconds) a clock may go back unsaid: two checks that began together end in any order.
const CLOCK: i64 = 900;

impl Recorder<'_> {
    /// A host that was never seen by this name, on a machine that was, has been renamed: all that is
    /// known of it goes on under the new name.
    pub(super) fn identify(&mut self) -> Result<(), LedgerError> {
        let Some(machine) = self.run.machine else { return Ok(()) };
        let host = self.run.host;
        let known = self.db.query("SELECT name FROM hosts WHERE name = $1", parameters![host])?;
        if !known.is_empty() {
            return Ok(());
        }
        let rows =
            self.db.query("SELECT name FROM hosts WHERE machine = $1", parameters![machine])?;
        let mut names = Vec::new();
        for mut row in rows {
            names.push(row.text()?);
        }
        // Two names of one machine are two copies of it: neither is the other.
        let [old] = names.as_slice() else { return Ok(()) };
        for table in TABLES.into_iter().chain(["grants"]) {
            self.db.execute(
                &format!("UPDATE {table} SET host = $1 WHERE host = $2"),
                parameters![host, old],
            )?;
        }
        self.db.execute("UPDATE hosts SET name = $1 WHERE name = $2", parameters![host, old])?;
        self.news.notes.push(format!(
            "the host that was called {old} is called {host} now; its items go on under that name"
        ));
        Ok(())
    }

    /// Says that the clock of the host is behind what it was at its last run: times of the ledger do not
    /// tell what came first then, the order in which it was noted does.
    pub(super) fn clock(&mut self) -> Result<(), LedgerError> {
        let (host, now) = (self.run.host, self.run.time);
        let rows =
            self.db.query("SELECT last_run FROM hosts WHERE name = $1", parameters![host])?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(()) };
        let last = row.int()?;
        if now.saturating_add(CLOCK) < last {
            self.news.notes.push(format!(
                "the clock of {host} was set back: the last run was at {}, it is {} now",
                time::utc(last),
                time::utc(now)
            ));
        }
        Ok(())
    }

    pub(super) fn host(&mut self) -> Result<(), LedgerError> {
        let now = self.run.time;
        let success = (self.run.exit == 0).then_some(now);
        self.db.execute(
            "INSERT INTO hosts (name, first_run, last_run, last_success, last_exit, machine)
             VALUES ($1, $2, $2, $3, $4, $5)
             ON CONFLICT (name) DO UPDATE SET last_run = excluded.last_run,
                 last_success = COALESCE(excluded.last_success, hosts.last_success),
                 last_exit = excluded.last_exit,
                 machine = COALESCE(excluded.machine, hosts.machine)",
            parameters![self.run.host, now, success, i64::from(self.run.exit), self.run.machine],
        )?;
        Ok(())
    }
}

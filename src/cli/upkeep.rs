//! `spotcheck ledger`: whether a ledger is sound, and how it is kept small.

use super::console::Console;
use super::ledger::LedgerArgs;
use super::load;
use crate::actions::export::{self, Whole};
use crate::actions::items::item::ItemId;
use crate::actions::query::Filter;
use crate::actions::{Ledger, LedgerError, State};
use crate::policy::Diagnostics;
use crate::safety::write::{self, Existing, Readers};
use crate::text::duration;
use crate::verdict::Exit;
use clap::Subcommand;
use jiff::Timestamp;
use std::path::PathBuf;

/// Arguments of `ledger`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Say what is damaged, and what no history can be; exit 1 when there is any
    Check,
    /// Remove items that were resolved, closed or retired long ago, with all that belongs to them
    Prune {
        /// Settled since before this time (90d, 2y)
        #[arg(long, value_name = "TIME", value_parser = span)]
        older: i64,
        /// Write what is removed to this file first, as `actions export --format json` would
        #[arg(long, value_name = "FILE", required_unless_present_any = ["forget", "dry_run"])]
        archive: Option<PathBuf>,
        /// Remove it without keeping it anywhere
        #[arg(long, conflicts_with = "archive")]
        forget: bool,
        /// Only say how much it is
        #[arg(long)]
        dry_run: bool,
    },
}

/// What the writer says of an option that there is none of here.
const FORCE: &str = " (--force replaces it)";

/// A span of time; of years as well, of 365 days.
fn span(text: &str) -> Result<i64, String> {
    match text.strip_suffix('y').map(str::parse::<i64>) {
        Some(Ok(years)) if (0..1000).contains(&years) => Ok(years * 365 * 86_400),
        _ => duration::parse(text),
    }
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let mut problems = Diagnostics::default();
    let config = args.ledger.config(&mut problems);
    if !problems.is_empty() {
        load::report(problems, console);
        return Exit::CouldNotRun;
    }
    let location = match args.ledger.location(&config) {
        Ok(location) => location,
        Err(error) => return console.fail(&error.to_string()),
    };
    let failed = |why: String| console.fail(&format!("ledger {location}: {why}"));
    let mut ledger = match Ledger::read(&location) {
        Ok(Some(ledger)) => ledger,
        Ok(None) => return failed("there is none".into()),
        Err(error) => return failed(error.to_string()),
    };
    match &args.what {
        What::Check => match ledger.contradictions() {
            Ok(found) if found.is_empty() => console.print("nothing is wrong\n", Exit::Holds),
            Ok(found) => console.print(&(found.join("\n") + "\n"), Exit::Violated),
            Err(error) => failed(error.to_string()),
        },
        What::Prune { older, archive, dry_run, .. } => {
            let before = Timestamp::now().as_second().saturating_sub(*older);
            match prune(&mut ledger, before, archive.as_ref(), *dry_run) {
                Ok(words) => console.print(&words, Exit::Holds),
                Err(why) => failed(why),
            }
        }
    }
}

fn prune(
    ledger: &mut Ledger,
    before: i64,
    archive: Option<&PathBuf>,
    dry_run: bool,
) -> Result<String, String> {
    let in_words = |error: LedgerError| error.to_string();
    let old = ledger.settled(before).map_err(in_words)?;
    let items = |count: usize| format!("{count} item{}", if count == 1 { "" } else { "s" });
    if dry_run || old.is_empty() {
        return Ok(format!("{} would be removed\n", items(old.len())));
    }
    if let Some(path) = archive {
        let text = archived(ledger, &old).map_err(in_words)?;
        // An archive of before is not what is to make room.
        write::file(path, text.as_bytes(), Readers::Owner, Existing::Keep)
            .map_err(|why| format!("{}: {}", crate::text::path(path), why.replace(FORCE, "")))?;
    }
    let removed = ledger.prune(before, &old).map_err(in_words)?;
    Ok(format!("removed {}\n", items(removed)))
}

/// Items with all that belongs to them, as JSON.
fn archived(ledger: &mut Ledger, ids: &[ItemId]) -> Result<String, LedgerError> {
    let filter = Filter { states: State::ALL.to_vec(), ..Filter::default() };
    let mut whole = Vec::new();
    for item in ledger.items(&filter)? {
        if ids.binary_search(&item.id).is_ok() {
            let occurrences = ledger.occurrences(item.id)?;
            let events = ledger.events(Some(item.id), u32::MAX)?;
            whole.push(Whole { item, occurrences, events });
        }
    }
    Ok(export::archive(&whole, Timestamp::now().as_second()))
}

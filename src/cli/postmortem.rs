//! `spotcheck postmortem`: a draft from what was recorded.

use super::console::Console;
use super::ledger::LedgerArgs;
use super::moment::moment;
use super::{load, output};
use crate::actions::postmortem::{Period, document, gather};
use crate::actions::{Ledger, Location};
use crate::policy::Diagnostics;
use crate::prose;
use crate::text::time;
use crate::verdict::Exit;
use clap::ValueEnum;
use jiff::Timestamp;
use std::path::PathBuf;

/// Arguments of `postmortem`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Beginning: 2026-11-01, 2026-11-01T10:02Z, or a span before now such as 24h
    #[arg(long, value_name = "TIME")]
    from: String,
    /// End, likewise; now without it
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Only what facts tie to this service of the policies
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Format of the draft
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    format: Format,
    /// Write it to this file instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Markdown
    Markdown,
    /// One self-contained page
    Html,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let mut problems = Diagnostics::default();
    let config = args.ledger.config(&mut problems);
    if !problems.is_empty() {
        load::report(problems, console);
        return Exit::CouldNotRun;
    }
    let drafted = args.ledger.location(&config).map_err(|error| error.to_string());
    match drafted.and_then(|location| args.draft(&location)) {
        Ok(text) => args.write(&text, console),
        Err(words) => console.fail(&words),
    }
}

impl Args {
    fn draft(&self, location: &Location) -> Result<String, String> {
        let now = Timestamp::now().as_second();
        let from = moment(&self.from, now, false).map_err(|why| format!("--from: {why}"))?;
        let to = match &self.to {
            Some(text) => moment(text, now, true).map_err(|why| format!("--to: {why}"))?,
            None => now,
        };
        if to < from {
            return Err("--to: it ends before it begins".into());
        }
        let failed = |why: &dyn std::fmt::Display| format!("ledger {location}: {why}");
        let mut ledger = Ledger::read(location)
            .map_err(|error| failed(&error))?
            .ok_or_else(|| failed(&"there is none; no run has been recorded"))?;
        let service = self.service.as_deref();
        let case = gather(&mut ledger, Period { from, to }, service, now)
            .map_err(|error| failed(&error))?;
        if case.items.is_empty() {
            let of = service.map(|name| format!(" of service {name}")).unwrap_or_default();
            let (from, to) = (time::utc(from), time::utc(to));
            let words = format!("nothing{of} was seen violated or repaired from {from} to {to}");
            return Err(failed(&words));
        }
        let draft = document(&case);
        Ok(match self.format {
            Format::Markdown => prose::markdown(&draft),
            Format::Html => prose::html(&draft),
        })
    }

    fn write(&self, text: &str, console: &Console) -> Exit {
        let Some(path) = &self.output else { return console.print(text, Exit::Holds) };
        match output::write_whole(path, text.to_owned()) {
            Ok(()) => Exit::Holds,
            Err(why) => console.fail(&why),
        }
    }
}

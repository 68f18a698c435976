//! `spotcheck actions`: what violations have become, and what people do about it.

mod list;
mod show;
pub(super) mod when;

use super::console::Console;
use super::ledger::LedgerArgs;
use super::{load, output};
use crate::actions::checklist::from_ledger;
use crate::actions::edit::Edit;
use crate::actions::export::{self, Whole};
use crate::actions::items::item::ItemId;
use crate::actions::query::Filter;
use crate::actions::{Ledger, LedgerError};
use crate::policy::Diagnostics;
use crate::text::duration;
use crate::verdict::Exit;
use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// Arguments of `actions`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    ledger: LedgerArgs,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// List items, worst and most urgent first
    List(list::Args),
    /// Show everything about an item
    Show {
        /// Item, such as SC-12
        id: ItemId,
    },
    /// Say that you know of an item
    Ack {
        /// Item, such as SC-12
        id: ItemId,
        /// Anything to add
        #[arg(long, short = 'm', value_name = "TEXT")]
        comment: Option<String>,
    },
    /// Say who works on an item
    Assign {
        /// Item, such as SC-12
        id: ItemId,
        /// Person or team
        owner: String,
    },
    /// Say by when an item is to be done
    Due {
        /// Item, such as SC-12
        id: ItemId,
        /// A date such as 2026-12-31, a span from now such as 7d, or none
        when: String,
    },
    /// Add a comment to an item
    Comment {
        /// Item, such as SC-12
        id: ItemId,
        /// What you have to say
        text: String,
    },
    /// Hear nothing of an item for a while but what gets worse; what remained is told at the end
    Snooze {
        /// Item, such as SC-12
        id: ItemId,
        /// For how long: 2h, 7d; at most 30d
        #[arg(value_name = "TIME", value_parser = duration::parse)]
        time: i64,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Close an item by hand; the next run that sees it violated opens it again
    Close {
        /// Item, such as SC-12
        id: ItemId,
        /// Why it needs no more work
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// What happened, newest last
    History {
        /// Item, such as SC-12; without it, all
        id: Option<ItemId>,
        /// At most so many events
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Print items with all that belongs to them
    Export {
        /// What for: a checklist, a table, a program, a script or a playbook
        #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = formats())]
        format: String,
        /// Name of the system that the plan of action is about (oscal-poam); else this host
        #[arg(long, value_name = "NAME")]
        system: Option<String>,
        /// Act on what was seen below this root directory, and on nothing else (script)
        #[arg(long, value_name = "DIR")]
        for_root: Option<PathBuf>,
        /// Write it to this file instead of standard output
        #[arg(long, short, value_name = "PATH")]
        output: Option<PathBuf>,
        #[command(flatten)]
        filter: list::FilterArgs,
    },
}

fn formats() -> impl TypedValueParser<Value = String> {
    let each = export::FORMATS.iter().map(|one| PossibleValue::new(one.name).help(one.doc));
    PossibleValuesParser::new(each)
}

/// Longest text that a person may add, in bytes.
const LONGEST: usize = 500;

/// Longest time, in seconds, for which an item may be snoozed: who wants to hear nothing of it for
/// longer accepts it, and that takes a waiver.
const LONGEST_SNOOZE: i64 = 30 * 86_400;

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
    let failed = |error: LedgerError| console.fail(&format!("ledger {location}: {error}"));
    let mut ledger = match Ledger::read(&location) {
        Ok(Some(ledger)) => ledger,
        Ok(None) => {
            let hint = "no run has been recorded (spotcheck check --track)";
            return console.fail(&format!("ledger {location}: there is none; {hint}"));
        }
        Err(error) => return failed(error),
    };
    let now = Timestamp::now().as_second();
    match args.what.run(&mut ledger, now, console) {
        Ok(text) => console.print(&text, Exit::Holds),
        Err(Failure::Ledger(error)) => failed(error),
        Err(Failure::Words(words)) => console.fail(&words),
    }
}

/// Why a command could not do it.
enum Failure {
    Ledger(LedgerError),
    Words(String),
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Failure::Ledger(error)
    }
}

impl What {
    /// What is to be printed.
    fn run(&self, ledger: &mut Ledger, now: i64, console: &Console) -> Result<String, Failure> {
        let (id, edit) = match self {
            What::List(args) => return list::run(args, ledger, now, console),
            What::Show { id } => {
                let (id, note) = found(*id, ledger)?;
                return show::run(id, ledger, now).map(|page| note + &page);
            }
            What::History { id, limit } => {
                let (id, note) = match id {
                    Some(id) => found(*id, ledger).map(|(id, note)| (Some(id), note))?,
                    None => (None, String::new()),
                };
                return show::history(id, *limit, ledger).map(|page| note + &page);
            }
            What::Export { format, filter, system, for_root, output } => {
                let about = (system.as_deref(), for_root.as_deref());
                let text = exported(format, filter, about, ledger, now)?;
                let Some(path) = output else { return Ok(text) };
                output::write_whole(path, text).map_err(Failure::Words)?;
                return Ok(String::new());
            }
            What::Ack { id, comment } => {
                (id, Edit::Acknowledge(comment.as_deref().map(said).transpose()?))
            }
            What::Assign { id, owner } => (id, Edit::Assign(said(owner)?)),
            What::Due { id, when } => {
                (id, Edit::Due(when::due(when, now).map_err(Failure::Words)?))
            }
            What::Comment { id, text } => (id, Edit::Comment(said(text)?)),
            What::Snooze { time, .. } if *time > LONGEST_SNOOZE => {
                let words = "an item can be snoozed for 30 days at most; a waiver accepts longer";
                return Err(Failure::Words(words.into()));
            }
            What::Snooze { id, time, reason } => {
                (id, Edit::Snooze(now.saturating_add(*time), said(reason)?))
            }
            What::Close { id, reason } => (id, Edit::Close(said(reason)?)),
        };
        let (id, note) = found(*id, ledger)?;
        match ledger.edit(id, &edit, &actor(), now)? {
            Some(item) => Ok(note + &list::line(&item, now)),
            None => Err(no_item(id)),
        }
    }
}

/// The item of that number, or the one that it has become part of, with a line that says so.
fn found(id: ItemId, ledger: &mut Ledger) -> Result<(ItemId, String), LedgerError> {
    let heir = ledger.heir(id)?;
    Ok(heir.map_or((id, String::new()), |heir| (heir, format!("{id} is part of {heir} now.\n"))))
}

fn no_item(id: ItemId) -> Failure {
    Failure::Words(format!("there is no action item {id}"))
}

/// A text that a person adds: it says something, and not too much.
fn said(text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::Words("an empty text says nothing".into()));
    }
    if text.len() > LONGEST {
        return Err(Failure::Words(format!("a text may have {LONGEST} bytes; link to more")));
    }
    Ok(text.to_owned())
}

/// Items in a format of exports.
fn exported(
    format: &str,
    filter: &list::FilterArgs,
    (system, root): (Option<&str>, Option<&Path>),
    ledger: &mut Ledger,
    now: i64,
) -> Result<String, Failure> {
    let Some(format) = export::by_name(format) else { return Ok(String::new()) };
    if root.is_some() && format.name != "script" {
        return Err(Failure::Words("--for-root: only a script acts on a root directory".into()));
    }
    let filter = filter.filter(now, None);
    let items = whole(ledger, &filter)?;
    if format.name == "oscal-poam" && items.is_empty() {
        let words = "there is no such item, and OSCAL has no empty plan of action (see --all)";
        return Err(Failure::Words(words.into()));
    }
    let scope = "What the ledger says".to_owned();
    let checklist = from_ledger(ledger, &items, filter.policy.as_deref(), scope, now)?;
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host = host.to_string_lossy();
    let system = system.unwrap_or(&host);
    let export = export::Export { items: &items, checklist: &checklist, system, root, now };
    Ok((format.render)(&export))
}

/// Items with all that belongs to them.
fn whole(ledger: &mut Ledger, filter: &Filter) -> Result<Vec<Whole>, LedgerError> {
    let items = ledger.items(filter)?;
    items
        .into_iter()
        .map(|item| {
            let occurrences = ledger.occurrences(item.id)?;
            let events = ledger.events(Some(item.id), u32::MAX)?;
            Ok(Whole { item, occurrences, events })
        })
        .collect()
}

/// Who is doing this: the login name, and under sudo the one behind it.
pub(super) fn actor() -> String {
    let uid = nix::unistd::getuid().as_raw();
    let name = users::get_user_by_uid(uid)
        .map_or_else(|| format!("uid {uid}"), |user| user.name().to_string_lossy().into_owned());
    match std::env::var("SUDO_USER") {
        Ok(behind) if uid == 0 && !behind.is_empty() && behind.len() < 100 => {
            format!("{behind} as {name}")
        }
        _ => name,
    }
}

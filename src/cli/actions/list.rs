//! `spotcheck actions list`

use super::Failure;
use crate::actions::items::item::Item;
use crate::actions::query::Filter;
use crate::actions::{Ledger, State};
use crate::cli::console::Console;
use crate::policy::Severity;
use crate::text::printable;
use crate::text::time::day;
use colored::Colorize;
use std::fmt::Write as _;

/// Arguments of `actions list`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    filter: FilterArgs,
    /// At most so many items
    #[arg(long, default_value_t = 500)]
    limit: u32,
}

/// Which items.
#[derive(clap::Args)]
pub struct FilterArgs {
    /// Only of this state; may be given several times. Without it, what there is to do
    #[arg(long, value_name = "STATE")]
    state: Vec<State>,
    /// Of every state
    #[arg(long, conflicts_with = "state")]
    all: bool,
    /// Only of this owner
    #[arg(long)]
    owner: Option<String>,
    /// Only of this severity or worse
    #[arg(long)]
    severity: Option<Severity>,
    /// Only those whose time is up
    #[arg(long)]
    overdue: bool,
    /// Only those that this host has now
    #[arg(long)]
    host: Option<String>,
    /// Only those of this policy
    #[arg(long)]
    policy: Option<String>,
}

impl FilterArgs {
    /// The filter that they say.
    pub fn filter(&self, now: i64, limit: Option<u32>) -> Filter {
        let live = || State::ALL.into_iter().filter(|state| state.is_live()).collect();
        let states = match (self.all, self.state.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => live(),
            (false, false) => self.state.clone(),
        };
        Filter {
            states,
            owner: self.owner.clone(),
            severity: self.severity,
            overdue: self.overdue.then_some(now),
            host: self.host.clone(),
            policy: self.policy.clone(),
            limit,
        }
    }
}

/// The list.
pub fn run(
    args: &Args,
    ledger: &mut Ledger,
    now: i64,
    console: &Console,
) -> Result<String, Failure> {
    // One more than is shown tells whether there is more.
    let items = ledger.items(&args.filter.filter(now, Some(args.limit.saturating_add(1))))?;
    colored::control::set_override(console.out_colour);
    let limit = args.limit as usize;
    let mut out: String = items.iter().take(limit).map(|item| line(item, now)).collect();
    if items.len() > limit {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "... and more: see --limit, --severity, --owner, --host, --policy");
    }
    if items.is_empty() {
        out.push_str("No such action items.\n");
    }
    colored::control::unset_override();
    Ok(out)
}

/// The last day of a waiver that ends at a time, as it was written.
pub fn last_day(until: i64) -> String {
    day(until.saturating_sub(1))
}

/// The promise, and what is instead while it is broken.
fn title(item: &Item) -> String {
    match item.texts.instead.as_str() {
        instead if item.state.is_live() && !instead.is_empty() => {
            format!("{}; is {instead}", item.title)
        }
        _ => item.title.clone(),
    }
}

/// One item in one line.
pub fn line(item: &Item, now: i64) -> String {
    let severity = format!("{:<8}", item.severity);
    let severity = match item.severity {
        Severity::Critical | Severity::High => severity.red().bold(),
        _ => severity.normal(),
    };
    let due = match item.due {
        _ if !item.state.is_live() => format!("since {}", day(item.state_since)).normal(),
        Some(due) if item.is_overdue(now) => format!("overdue {}", day(due)).red().bold(),
        Some(due) => format!("due {}", day(due)).normal(),
        None => "no due date".normal(),
    };
    let mut words = vec![printable(item.owner.as_deref().unwrap_or("nobody")).into_owned()];
    if item.present > 1 {
        words.push(format!("{} places", item.present));
    }
    match item.reopenings {
        0 => {}
        1 => words.push("reopened once".into()),
        count => words.push(format!("reopened {count} times")),
    }
    if let Some(until) = item.waived_until.filter(|until| *until > now) {
        words.push(format!("waived until {}", last_day(until)));
    }
    format!(
        "{:<7} {severity} {:<12} {due}  {} ({})\n",
        item.id,
        item.state,
        printable(&title(item)),
        words.join(", ")
    )
}

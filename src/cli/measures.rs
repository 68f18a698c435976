//! `spotcheck measures`: what postmortems promised, which rules watch over it, and whether it holds.

use super::console::Console;
use super::ledger::LedgerArgs;
use super::load::{self, PolicyArgs};
use crate::actions::checklist::{Progress, seen_of};
use crate::actions::query::Filter;
use crate::actions::rule_status::{RecordedStatus, RuleStatus};
use crate::actions::{Ledger, LedgerError, State};
use crate::policy::Diagnostics;
use crate::policy::library::HOST;
use crate::text::{printable, time};
use crate::verdict::measure::Measure;
use crate::verdict::{Exit, Promises};
use clap::ValueEnum;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// Version of the JSON answer. It grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// Most hosts of a rule that are listed one by one.
const HOSTS: usize = 10;

/// Arguments of `measures`.
#[derive(clap::Args)]
#[command(after_help = EXIT_CODES)]
pub struct Args {
    #[command(flatten)]
    policies: PolicyArgs,
    #[command(flatten)]
    ledger: LedgerArgs,
    /// Look at the policies alone, whatever ledger there is
    #[arg(long, conflicts_with = "ledger")]
    no_ledger: bool,
    /// Format of the answer
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  every measure is covered by a rule, and holds as far as a ledger was asked
  1  a measure is not covered, or is violated
  2  no policy comes from a postmortem, or a measure could not be decided
  3  spotcheck could not run: bad usage, bad policy, unreadable ledger";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

/// A measure and what is known of it.
struct Kept<'a> {
    policy: &'a str,
    promises: &'a Promises,
    number: usize,
    measure: &'a Measure,
    /// Nothing without a ledger, unless no rule serves it.
    progress: Option<Progress>,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let mut problems = Diagnostics::default();
    let config = args.ledger.config(&mut problems);
    // Of a ledger that is named alone its own promises are told: it knows all policies that it saw.
    let alone = args.policies.policies.is_empty() && args.ledger.is_named();
    let plan = args.policies.plan(&HOST, &mut problems);
    if !problems.is_empty() {
        load::report(problems, console);
        return Exit::CouldNotRun;
    }
    let given = args.ledger.is_given(&config);
    let known = match args.ledger.location(&config) {
        _ if args.no_ledger => Ok(None),
        // Where nobody names a ledger, having none is no error.
        Err(_) if !given => Ok(None),
        Err(error) => Err(error.to_string()),
        Ok(location) => match Ledger::read(&location) {
            Ok(Some(mut ledger)) => {
                let promised = match alone {
                    true => ledger.promises().map(|all| {
                        all.into_iter().map(|(policy, one)| (policy, Arc::new(one))).collect()
                    }),
                    false => Ok(plan.promises().to_vec()),
                };
                let known = promised.and_then(|promised| {
                    known(&mut ledger, &promised).map(|known| (promised, known))
                });
                known.map(Some).map_err(|error| format!("ledger {location}: {error}"))
            }
            Ok(None) if given => Err(format!("ledger {location}: there is none")),
            Ok(None) => Ok(None),
            Err(error) => Err(format!("ledger {location}: {error}")),
        },
    };
    let (promised, known) = match known {
        Ok(Some((promised, known))) => (promised, Some(known)),
        Ok(None) => (plan.promises().to_vec(), None),
        Err(words) => return console.fail(&words),
    };
    let mut all = Vec::new();
    for (policy, promises) in &promised {
        for (index, measure) in promises.measures.iter().enumerate() {
            let progress = progress(policy, measure, known.as_ref());
            all.push(Kept { policy, promises, number: index + 1, measure, progress });
        }
    }
    let exit = exit(&all);
    let standings = known.map(|known| known.standings);
    let text = match args.format {
        Format::Human => human(&all, standings.as_deref(), exit),
        Format::Json => json(&all, standings.as_deref()),
    };
    console.print(&text, exit)
}

struct Known {
    standings: Vec<RecordedStatus>,
    /// Policy and measures of each item with work to do.
    live: Vec<(String, Vec<String>)>,
}

fn known(ledger: &mut Ledger, promises: &[(String, Arc<Promises>)]) -> Result<Known, LedgerError> {
    let (mut live, mut standings) = (Vec::new(), Vec::new());
    for (policy, _) in promises {
        let states = State::ALL.into_iter().filter(|state| state.is_live()).collect();
        let filter = Filter { states, policy: Some(policy.clone()), ..Filter::default() };
        let items = ledger.items(&filter)?.into_iter();
        live.extend(items.map(|item| (item.key.policy, item.texts.measures)));
        standings.extend(ledger.standings(Some(policy))?);
    }
    Ok(Known { standings, live })
}

fn progress(policy: &str, measure: &Measure, known: Option<&Known>) -> Option<Progress> {
    let Some(known) = known else {
        return measure.rules.is_empty().then_some(Progress::NotCovered);
    };
    let serves = |(name, measures): &&(String, Vec<String>)| {
        name == policy && measures.contains(&measure.text)
    };
    let live = known.live.iter().filter(serves).count();
    Some(Progress::of(&seen_of(measure, policy, &known.standings), live))
}

fn exit(all: &[Kept]) -> Exit {
    let worst = all.iter().filter_map(|kept| kept.progress).map(|progress| match progress {
        Progress::NotCovered | Progress::Violated { .. } => Exit::Violated,
        Progress::Holds { .. } | Progress::Waived => Exit::Holds,
        _ => Exit::Undecided,
    });
    let worst: Vec<Exit> = worst.collect();
    if worst.contains(&Exit::Violated) {
        Exit::Violated
    } else if all.is_empty() || worst.contains(&Exit::Undecided) {
        Exit::Undecided
    } else {
        Exit::Holds
    }
}

fn human(all: &[Kept], standings: Option<&[RecordedStatus]>, exit: Exit) -> String {
    let mut out = String::new();
    let mut heading = None;
    for kept in all {
        let name = format!("{} (policy {})", kept.promises.name(), kept.policy);
        if heading.as_ref() != Some(&name) {
            let gap = if heading.is_some() { "\n" } else { "" };
            // Writing to a String cannot fail.
            let _ = writeln!(out, "{gap}{}", printable(&name));
            heading = Some(name);
        }
        let words = kept.progress.map(|progress| format!(": {}", progress.words()));
        let measure = printable(&kept.measure.text);
        let _ = writeln!(out, "  {}. {measure}{}", kept.number, words.unwrap_or_default());
        for rule in &kept.measure.rules {
            let _ = writeln!(out, "     {rule}");
            let own = standings.unwrap_or_default().iter().filter(|one| {
                one.policy == kept.policy
                    && one.rule == *rule
                    && one.standing != RuleStatus::Retired
            });
            for one in own.clone().take(HOSTS) {
                let (since, seen) = (time::utc(one.since), time::utc(one.seen));
                let host = printable(&one.host);
                let standing = one.standing;
                let _ = writeln!(out, "       {standing} on {host} since {since}, seen {seen}");
            }
            if let Some(more) = own.count().checked_sub(HOSTS).filter(|more| *more > 0) {
                let _ = writeln!(out, "       and on {more} more hosts");
            }
        }
    }
    if all.is_empty() {
        out.push_str("No policy of these comes from a postmortem (`postmortem:` with measures).\n");
        return out;
    }
    let covered = all.iter().filter(|kept| !kept.measure.rules.is_empty()).count();
    let holding = all.iter().filter(|kept| kept.progress.is_some_and(Progress::is_done)).count();
    let count = all.len();
    let plural = if count == 1 { "" } else { "s" };
    let hold = standings.map(|_| format!(", {holding} hold")).unwrap_or_default();
    let code = exit.code();
    let _ = writeln!(out, "\n{count} measure{plural}: {covered} covered{hold} · exit {code}");
    out
}

fn json(all: &[Kept], standings: Option<&[RecordedStatus]>) -> String {
    let rule = |kept: &Kept, rule: &String| {
        let own = standings.unwrap_or_default().iter();
        let own = own.filter(|one| one.policy == kept.policy && one.rule == *rule);
        let hosts: Vec<Value> = own
            .map(|one| {
                json!({
                    "host": one.host,
                    "standing": one.standing,
                    "since": time::rfc3339(one.since),
                    "seen": time::rfc3339(one.seen),
                })
            })
            .collect();
        json!({ "id": rule, "hosts": hosts })
    };
    let measure = |kept: &Kept| {
        let rules: Vec<Value> = kept.measure.rules.iter().map(|id| rule(kept, id)).collect();
        json!({
            "policy": kept.policy,
            "postmortem": { "id": kept.promises.id, "title": kept.promises.title },
            "number": kept.number,
            "measure": kept.measure.text,
            "covered": !kept.measure.rules.is_empty(),
            "progress": kept.progress,
            "rules": rules,
        })
    };
    let measures: Vec<Value> = all.iter().map(measure).collect();
    format!("{:#}\n", json!({ "version": VERSION, "measures": measures }))
}

//! The commands: one file each. They put the parts of a run together and decide nothing themselves.

pub mod actions;
pub mod backtest;
pub mod baseline;
pub mod check;
pub mod checks;
pub mod completions;
pub mod console;
pub mod deadline;
pub mod doctor;
pub mod drift;
pub mod explain;
pub mod import;
pub mod ledger;
pub mod lint;
pub mod load;
pub mod lock;
pub mod man;
pub mod measures;
pub mod moment;
pub mod output;
pub mod policies;
pub mod postmortem;
pub mod reader;
pub mod record;
pub mod schema;
pub mod site;
pub mod supervise;
pub mod target;
pub mod upkeep;
pub mod who_can;

use crate::safety::{sandbox, trust};
use crate::targets::distant;
use crate::verdict::Exit;
use clap::{Parser, Subcommand};
use console::Console;

/// Configuration drift and privilege checker: keeps the measures of your postmortems.
#[derive(Parser)]
#[command(version, about, after_help = EXIT_CODES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Obey policies and configuration that others than root can write: for containers and CI
    #[arg(long, global = true, display_order = 900)]
    trust_any_owner: bool,
    /// Keep all rights while files of others are read
    #[arg(long, global = true, display_order = 901)]
    no_sandbox: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  everything holds
  1  at least one violation (at or above --fail-on)
  2  no violation, but something could not be decided, or nothing was evaluated
  3  spotcheck could not run: bad usage, bad policy, unreadable target; or
     everything holds and a report or the run could not be written";

#[derive(Subcommand)]
enum Command {
    /// Evaluate policies on this host, or on an image, and report
    Check(Box<check::Args>),
    /// Say what has changed since a baseline, and why
    Drift(Box<drift::Args>),
    /// Make a baseline, look at it, and accept changes
    Baseline(Box<baseline::Args>),
    /// Keep the facts of this host, or of an image, in a file, to be checked anywhere later
    Record(record::Args),
    /// Try rules on recordings: would they have caught it, and are they silent otherwise?
    Backtest(backtest::Args),
    /// Work on what violations have become: list, show, assign, close ...
    Actions(actions::Args),
    /// Look after a ledger: check it, and remove what was settled long ago
    Ledger(upkeep::Args),
    /// List what postmortems promised, the rules that watch over it, and whether it holds
    Measures(measures::Args),
    /// Draft a postmortem from what was recorded
    Postmortem(postmortem::Args),
    /// List the policies that come with the program, print them, copy them
    Policies(policies::Args),
    /// Report all errors of policies without evaluating them
    Lint(lint::Args),
    /// Make a policy of files of goss, container-structure-test or Wazuh SCA
    Import(import::Args),
    /// Print the page of a check: what it asks, its keys, an example
    Explain(explain::Args),
    /// List all checks with their conditions
    Checks,
    /// Print a JSON Schema, for editors and programs
    Schema(schema::Args),
    /// Print the script by which a shell completes command lines
    Completions(completions::Args),
    /// Write the manual pages into a folder
    Man(man::Args),
    /// Say what can be told of this host from here: namespaces, rights, and what stays unknown
    Doctor,
    /// Ask who could change a file, take over a service, or become a user, and by which route
    WhoCan(who_can::Args),
}

/// Runs the program; the number is its exit code.
pub fn run() -> u8 {
    if completions::answered() {
        return Exit::Holds.code();
    }
    let console = Console::new();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers; everything else is bad usage.
            let exit = if error.use_stderr() { Exit::CouldNotRun } else { Exit::Holds };
            // Nobody is left to tell when even this cannot be written.
            let _ = error.print();
            return exit.code();
        }
    };
    if cli.trust_any_owner {
        trust::trust_any_owner();
    }
    if cli.no_sandbox {
        sandbox::turn_off();
    }
    if !(cli.command.reads_files() && distant::may_hang()) {
        return cli.command.run(console);
    }
    if !supervise::is_worker()
        && let Some(code) = supervise::watch(None, &console)
    {
        return code;
    }
    supervise::work(None, console, move |console| cli.command.run(*console))
}

impl Command {
    /// Whether it looks at files of this host, wherever they are mounted.
    const fn reads_files(&self) -> bool {
        matches!(
            self,
            Self::Check(_) | Self::Drift(_) | Self::Baseline(_) | Self::Record(_) | Self::WhoCan(_)
        )
    }

    /// Runs it; the number is the exit code.
    fn run(self, console: Console) -> u8 {
        let exit = match self {
            Command::Check(args) => return check::run(*args, console),
            Command::Drift(args) => return drift::run(*args, console),
            Command::Baseline(args) => baseline::run(&args, &console),
            Command::Record(args) => return record::run(args, console),
            Command::Backtest(args) => backtest::run(&args, &console),
            Command::Actions(args) => actions::run(&args, &console),
            Command::Ledger(args) => upkeep::run(&args, &console),
            Command::Measures(args) => measures::run(&args, &console),
            Command::Postmortem(args) => postmortem::run(&args, &console),
            Command::Policies(args) => policies::run(&args, &console),
            Command::Lint(args) => lint::run(&args, &console),
            Command::Import(args) => import::run(&args, &console),
            Command::Explain(args) => explain::run(&args, &console),
            Command::Checks => checks::run(&console),
            Command::Doctor => doctor::run(&console),
            Command::Schema(args) => schema::run(&args, &console),
            Command::Completions(args) => completions::run(&args, &console),
            Command::Man(args) => man::run(&args, &console),
            Command::WhoCan(args) => who_can::run(&args, &console),
        };
        exit.code()
    }
}

//! `spotcheck schema policy|report|drift|backtest`: JSON Schemas for editors and programs.

use super::console::Console;
use crate::drift;
use crate::report::{backtest, json};
use crate::schema::policy_schema;
use crate::verdict::Exit;
use clap::ValueEnum;

/// Arguments of `schema`.
#[derive(clap::Args)]
pub struct Args {
    /// Which schema
    #[arg(value_name = "WHICH")]
    which: Which,
}

#[derive(Clone, Copy, ValueEnum)]
enum Which {
    /// Of policy files
    Policy,
    /// Of the JSON report
    Report,
    /// Of the JSON report of drift
    Drift,
    /// Of the JSON report of a back-test
    Backtest,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let schema = match args.which {
        Which::Policy => policy_schema(),
        Which::Report => json::schema(),
        Which::Drift => drift::report::json::schema(),
        Which::Backtest => backtest::schema(),
    };
    console.print(&format!("{schema:#}\n"), Exit::Holds)
}

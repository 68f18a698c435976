//! `spotcheck lint`: all errors of all policies, each with its place.

use super::console::Console;
use super::load::{PolicyArgs, report};
use crate::policy::Diagnostics;
use crate::policy::library::HOST;
use crate::verdict::Exit;

/// Arguments of `lint`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    policies: PolicyArgs,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let mut problems = Diagnostics::default();
    let plan = args.policies.plan(&HOST, &mut problems);
    if !problems.is_empty() {
        report(problems, console);
        return Exit::CouldNotRun;
    }
    let rules = plan.ids().count();
    let plural = if rules == 1 { "" } else { "s" };
    console.print(&format!("{rules} rule{plural}, no errors\n"), Exit::Holds)
}

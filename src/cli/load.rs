//! Policies for a command: variables, files, demands, and all their errors in one go.

use super::completions;
use super::console::Console;
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::library::{self, BuiltIn};
use crate::policy::load::{load, vars_file};
use crate::policy::vars::{Vars, is_name};
use crate::policy::waiver;
use crate::rules::plan::Plan;
use crate::text::shell::{quote, quote_path};
use clap::Args;
use clap_complete::engine::ArgValueCompleter;
use std::path::PathBuf;

/// Options of every command that reads policies.
#[derive(Args)]
pub struct PolicyArgs {
    /// Policies by their names (`spotcheck policies` lists them), or files and folders by their paths;
    /// without any, the built-in one for hosts or images
    #[arg(value_name = "POLICY", add = ArgValueCompleter::new(completions::policies))]
    pub policies: Vec<PathBuf>,
    /// Check with every policy of the library that this target has something for
    #[arg(long, conflicts_with = "policies")]
    pub auto: bool,
    /// Set a variable of the policies
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub var: Vec<String>,
    /// Read variables from a YAML file of names and values; --var wins over it
    #[arg(long, value_name = "FILE")]
    pub vars: Vec<PathBuf>,
    /// Read waivers, which accept violations for a while; may be given several times
    #[arg(long, value_name = "FILE")]
    pub waivers: Vec<PathBuf>,
}

impl PolicyArgs {
    /// The variables again, for the command that verifies a single rule.
    pub fn again(&self) -> String {
        let whole = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let files = self.vars.iter().map(|path| format!(" --vars {}", quote_path(&whole(path))));
        let pairs = self.var.iter().map(|pair| format!(" --var {}", quote(pair.as_bytes())));
        files.chain(pairs).collect()
    }

    /// What is to be read. With `--auto` all of the library: what a policy is about is said by its `when`,
    /// so those for something that is not there are left out by themselves.
    fn named(&self) -> Vec<PathBuf> {
        if !self.auto {
            return self.policies.clone();
        }
        let wanted = library::LIBRARY.into_iter().filter(|policy| !policy.of_a_site);
        wanted.map(|policy| PathBuf::from(policy.name)).collect()
    }

    /// Reads all policies and their demands, filing every error. `built_in` stands in when none is
    /// named.
    pub fn plan(&self, built_in: &BuiltIn, problems: &mut Diagnostics) -> Plan {
        let mut vars = Vars::default();
        for file in &self.vars {
            vars = vars.overridden_by(&vars_file(file, problems));
        }
        for pair in &self.var {
            match pair.split_once('=').filter(|(name, _)| is_name(name)) {
                Some((name, value)) => vars.set(name, value, None),
                None => problems.push(Diagnostic::command_line(format!(
                    "--var takes NAME=VALUE, found `{pair}`"
                ))),
            }
        }
        let policies = load(&self.named(), built_in, &vars, problems);
        let mut plan = Plan::compile(policies, crate::checks::SUBJECTS, problems);
        for file in &self.waivers {
            plan.add_waivers(waiver::load(file, problems));
        }
        plan
    }
}

/// Most errors that are printed; who has more has made one mistake many times.
const SHOWN: usize = 100;

/// Prints the problems and how many there are.
pub fn report(problems: Diagnostics, console: &Console) {
    let problems = problems.into_sorted();
    let count = problems.len();
    for problem in problems.iter().take(SHOWN) {
        console.complain(&format!("{}\n\n", problem.render(console.err_colour)));
    }
    let plural = if count == 1 { "" } else { "s" };
    let only = if count > SHOWN { format!(" ({SHOWN} of them shown)") } else { String::new() };
    console.complain(&format!("{count} error{plural}{only}; nothing was evaluated\n"));
}

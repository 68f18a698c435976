//! `spotcheck backtest`: would these rules have caught the incident, and are they silent otherwise?

use super::console::Console;
use super::load::{PolicyArgs, report};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::library::HOST;
use crate::report::backtest::{self, Backtest};
use crate::rules::plan::Plan;
use crate::targets::recording::{Playback, Recording, store};
use crate::text::{self, suggest};
use crate::verdict::backtest::{Role, Trial, conclude, judge};
use crate::verdict::{Exit, RuleInfo};
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most recordings of one folder that are looked at.
const RECORDINGS: usize = 10_000;
/// How the names of recordings end.
const ENDINGS: [&str; 2] = [".json.zst", ".json"];

/// Arguments of `backtest`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    policies: PolicyArgs,
    /// Recording of an incident: some rule has to be violated. A file, or a folder of them; may be
    /// given several times
    #[arg(long, value_name = "RECORDING", required_unless_present_any = ["good", "history"])]
    bad: Vec<PathBuf>,
    /// Recording of a healthy host: everything has to hold. Likewise
    #[arg(long, value_name = "RECORDING")]
    good: Vec<PathBuf>,
    /// Folder of recordings, on which it is counted how often each rule would have fired
    #[arg(long, value_name = "DIR")]
    history: Vec<PathBuf>,
    /// Try only this rule; may be given several times
    #[arg(long, value_name = "ID")]
    rule: Vec<String>,
    /// Each rule has to catch an incident, not only one of them
    #[arg(long, requires = "bad")]
    every_rule: bool,
    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Shape,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shape {
    /// For people
    Human,
    /// For programs: versioned, `spotcheck schema backtest` describes it
    Json,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let mut problems = Diagnostics::default();
    let mut plan = args.policies.plan(&HOST, &mut problems);
    if !problems.is_empty() {
        report(problems, console);
        return Exit::CouldNotRun;
    }
    let ids: Vec<String> = plan.ids().map(str::to_owned).collect();
    if let Some(id) = plan.retain(&args.rule).first() {
        let hint = suggest::closest(id, ids.iter().map(String::as_str));
        let hint = hint.map(|close| format!("; did you mean `{close}`?")).unwrap_or_default();
        return console.fail(&format!("no policy of this run has a rule `{id}`{hint}"));
    }
    args.try_rules(&plan, console).unwrap_or_else(|why| console.fail(&why))
}

impl Args {
    fn try_rules(&self, plan: &Plan, console: &Console) -> Result<Exit, String> {
        let rules: Vec<Arc<RuleInfo>> = plan.rules().cloned().collect();
        let mut trials = Vec::new();
        let mut unreadable = Vec::new();
        let roles =
            [(Role::Bad, &self.bad), (Role::Good, &self.good), (Role::History, &self.history)];
        for (role, given) in roles {
            for path in files(given)? {
                let name = text::path(&path);
                match store::read(&path).map_err(|why| format!("{name}: {why}")) {
                    Ok(recording) => trials.push(trial(name, role, recording, plan, &rules)),
                    // One of many is missed less than the one that decides.
                    Err(why) if role == Role::History => unreadable.push(why),
                    Err(why) => return Err(format!("recording {why}")),
                }
            }
        }
        let exit = match conclude(&trials, rules.len(), self.every_rule) {
            Exit::Holds if !unreadable.is_empty() => Exit::Undecided,
            exit => exit,
        };
        let found = Backtest { rules: &rules, trials: &trials, unreadable: &unreadable, exit };
        let text = match self.format {
            Shape::Human => backtest::human(&found, console.out_colour),
            Shape::Json => backtest::json(&found),
        };
        Ok(console.print(&text, exit))
    }
}

fn trial(
    path: String,
    role: Role,
    recording: Recording,
    plan: &Plan,
    rules: &[Arc<RuleInfo>],
) -> Trial {
    let time = recording.time;
    let target = Playback::new(recording);
    let (exit, answers) = judge(rules, &plan.evaluate(&target));
    Trial { path, role, host: target.host().name.clone(), time, exit, answers }
}

/// The recordings that are given: files as they are, and those in folders by name.
fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut all = Vec::new();
    for path in given {
        if path.is_dir() {
            let found = inside(path)?;
            if found.is_empty() {
                let folder = text::path(path);
                return Err(format!("{folder}: no recording (*.json.zst, *.json) is in it"));
            }
            all.extend(found);
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
}

fn inside(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let name = text::path(folder);
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{name}: {error}"))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{name}: {error}"))?.path();
        let file = path.file_name().unwrap_or_default().as_encoded_bytes();
        // Those that are being written have names with a dot.
        if !file.starts_with(b".") && ENDINGS.iter().any(|end| file.ends_with(end.as_bytes())) {
            found.push(path);
        }
        if found.len() > RECORDINGS {
            return Err(format!("{name}: more than {RECORDINGS} recordings are in it"));
        }
    }
    found.sort();
    Ok(found)
}

//! `spotcheck completions`: what a shell needs to complete command lines, and the answers to it.
//!
//! The script asks the program itself, so that names of rules, tags, policies and action items are those that
//! there are. It does so through a variable of the environment, and only without a command: a variable
//! that somebody left behind must not turn a `check` of cron into a script and success.

use super::Cli;
use super::console::Console;
use crate::actions::query::Filter;
use crate::actions::{Ledger, Location};
use crate::policy::library::LIBRARY;
use crate::verdict::Exit;
use clap::CommandFactory as _;
use clap::builder::PossibleValuesParser;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};
use std::collections::BTreeSet;
use std::ffi::OsStr;

/// The variable by which a shell asks.
const VARIABLE: &str = "SPOTCHECK_COMPLETE";
/// Most action items that are offered.
const ITEMS: usize = 500;

/// Arguments of `completions`.
#[derive(clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = PossibleValuesParser::new(["bash", "zsh", "fish"]))]
    shell: String,
}

/// Runs the command: prints the script.
pub fn run(args: &Args, console: &Console) -> Exit {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let written = shells.completer(&args.shell).map(|shell| {
        shell.write_registration(VARIABLE, "spotcheck", "spotcheck", "spotcheck", &mut script)
    });
    match written {
        Some(Ok(())) => console.print(&String::from_utf8_lossy(&script), Exit::Holds),
        _ => console.fail(&format!("there are no completions for {}", args.shell)),
    }
}

/// Answers a shell that asks what could stand at the cursor. True: it was one, and has its answer.
pub fn answered() -> bool {
    let mut words = std::env::args_os().skip(1);
    if words.next().is_some_and(|first| first != "--") || std::env::var_os(VARIABLE).is_none() {
        return false;
    }
    let here = std::env::current_dir().ok();
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .try_complete(std::env::args_os(), here.as_deref())
        .unwrap_or_default()
}

/// Names of policies of the library; files and folders as well.
pub fn policies(current: &OsStr) -> Vec<CompletionCandidate> {
    let mut found = matching(current, LIBRARY.iter().map(|policy| policy.name.to_owned()));
    let folders = clap_complete::engine::PathCompleter::any();
    found.extend(clap_complete::engine::ValueCompleter::complete(&folders, current));
    found
}

/// Ids of rules of the library.
pub fn rules(current: &OsStr) -> Vec<CompletionCandidate> {
    matching(current, words_after("- id: "))
}

/// Tags of rules of the library.
pub fn tags(current: &OsStr) -> Vec<CompletionCandidate> {
    let lists = words_after("tags: ");
    let tags: BTreeSet<String> = lists
        .flat_map(|list| {
            let words = list.trim_matches(['[', ']']).split(',');
            words.map(|word| word.trim().to_owned()).collect::<Vec<_>>()
        })
        .collect();
    matching(current, tags)
}

/// Action items of the usual ledger.
pub fn items(current: &OsStr) -> Vec<CompletionCandidate> {
    let location = Location::usual(nix::unistd::geteuid().as_raw());
    let ledger = location.ok().and_then(|location| Ledger::read(&location).ok().flatten());
    let items = ledger.and_then(|mut ledger| ledger.items(&Filter::default()).ok());
    let items = items.unwrap_or_default().into_iter().take(ITEMS);
    matching(current, items.map(|item| item.id.to_string()))
}

/// What follows some words at the beginning of lines of the library's policies.
fn words_after(key: &'static str) -> impl Iterator<Item = String> {
    let lines = LIBRARY.iter().flat_map(|policy| policy.text.lines());
    lines.filter_map(move |line| Some(line.trim_start().strip_prefix(key)?.trim().to_owned()))
}

fn matching(current: &OsStr, words: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let begun = current.to_string_lossy();
    let fits = |word: &String| word.starts_with(begun.as_ref());
    words.into_iter().filter(fits).map(CompletionCandidate::new).collect()
}

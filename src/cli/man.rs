//! `spotcheck man`: manual pages of every command, of the policy language and of the configuration, made from
//! the same tables as help, errors and reference.

use super::Cli;
use super::console::Console;
use super::explain;
use crate::checks::SUBJECTS;
use crate::policy::document::{POLICY_KEYS, RULE_KEYS};
use crate::safety::write::{self, Existing, Readers};
use crate::verdict::Exit;
use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::io;
use std::path::PathBuf;

/// Arguments of `man`.
#[derive(clap::Args)]
pub struct Args {
    /// The folder to write them into; it is made where it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let written = pages().map_err(|why| why.to_string()).and_then(|pages| {
        std::fs::create_dir_all(&args.folder).map_err(|why| why.kind().to_string())?;
        let number = pages.len();
        for (name, text) in pages {
            let path = args.folder.join(name);
            write::file(&path, &text, Readers::Everybody, Existing::Replace)?;
        }
        Ok(number)
    });
    let folder = crate::text::path(&args.folder);
    match written {
        Ok(number) => console.print(&format!("{number} pages written to {folder}\n"), Exit::Holds),
        Err(why) => console.fail(&format!("{folder}: {why}")),
    }
}

/// File names and texts of all pages.
fn pages() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    of_command(command, &mut pages)?;
    pages.push(("spotcheck-policy.5".to_owned(), policy()));
    pages.push(("spotcheck.toml.5".to_owned(), configuration()));
    Ok(pages)
}

/// The page of a command and those of its subcommands.
fn of_command(command: clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        of_command(inner.clone(), pages)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut text = Vec::new();
    let title = name.to_uppercase();
    Man::new(command).title(title).section("1").manual("spotcheck").render(&mut text)?;
    pages.push((format!("{name}.1"), text));
    Ok(())
}

/// `spotcheck-policy(5)`: the language, and a section for each subject.
fn policy() -> Vec<u8> {
    let mut page = start("SPOTCHECK-POLICY", "what a policy of spotcheck says");
    section(
        &mut page,
        "DESCRIPTION",
        "A policy is a YAML file: a list of rules, each about one subject, and what must hold of it. \
         spotcheck-lint(1) reports all errors of a policy, spotcheck-explain(1) prints one section of this page.",
    );
    section(&mut page, "KEYS OF A POLICY", &list(&POLICY_KEYS));
    section(&mut page, "KEYS OF A RULE", &list(&RULE_KEYS));
    for kind in SUBJECTS {
        section(&mut page, &kind.key.to_uppercase(), &explain::subject(kind));
    }
    section(&mut page, "SEE ALSO", "spotcheck(1), spotcheck-check(1), spotcheck.toml(5)");
    page.to_roff().into_bytes()
}

/// `spotcheck.toml(5)`: the configuration.
fn configuration() -> Vec<u8> {
    let mut page = start("SPOTCHECK.TOML", "the configuration of spotcheck");
    section(&mut page, "DESCRIPTION", crate::config::PAGE);
    section(&mut page, "SEE ALSO", "spotcheck(1), spotcheck-check(1), spotcheck-policy(5)");
    page.to_roff().into_bytes()
}

fn start(title: &str, about: &str) -> Roff {
    let mut page = Roff::new();
    page.control("TH", [title, "5", "", "spotcheck", "spotcheck"]);
    page.control("SH", ["NAME"]);
    page.text([roman(format!("{} - {about}", title.to_lowercase()))]);
    page
}

/// A section whose lines stay as they are.
fn section(page: &mut Roff, title: &str, text: &str) {
    page.control("SH", [title]);
    page.control("nf", []);
    for line in text.lines() {
        page.text([roman(line)]);
    }
    page.control("fi", []);
}

fn list(keys: &[(&str, &str)]) -> String {
    keys.iter().map(|(name, doc)| format!("{name}: {doc}\n")).collect()
}

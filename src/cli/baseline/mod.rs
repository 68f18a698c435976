//! `spotcheck baseline`: make one, look at it, accept changes.

mod accept;
pub mod create;
mod show;
mod verify;

use super::console::Console;
use super::drift::PlaceArgs;
use super::site::SiteArgs;
use crate::drift::store;
use crate::verdict::Exit;
use accept::Accept;
use clap::Subcommand;
use create::Create;
use show::Show;
use std::path::PathBuf;
use verify::Verify;

/// Arguments of `baseline`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Take the state of a target for good
    Create(Create),
    /// Print what a baseline says, of itself or of some files
    Show(Show),
    /// Check a baseline's bytes, history and signature
    Verify(Verify),
    /// Take changes of the last report into the baseline
    Accept(Accept),
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let done = match &args.what {
        What::Create(create) => create.run(console),
        What::Show(show) => show.run(console),
        What::Verify(verify) => verify.run(console),
        What::Accept(accept) => accept.run(console),
    };
    match done {
        Ok(exit) | Err(exit) => exit,
    }
}

/// The place of a baseline that needs no target.
fn place(
    args: &PlaceArgs,
    console: &Console,
) -> Result<(PathBuf, Option<store::signature::Key>), Exit> {
    let host = SiteArgs { root: None, image: None };
    args.resolve(&host, console).map(|(place, key, _)| (place, key))
}

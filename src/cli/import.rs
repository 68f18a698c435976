//! `spotcheck import`: files of goss, container-structure-test and Wazuh SCA as one policy.

use super::console::Console;
use crate::checks::SUBJECTS;
use crate::import::Import;
use crate::verdict::Exit;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes.
const LIMIT: u64 = 4 << 20;

/// Arguments of `import`.
#[derive(clap::Args)]
pub struct Args {
    /// Files of goss, container-structure-test or Wazuh SCA; which, their content says
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print how much of each kind is exact, changed and left out, instead of the policy
    #[arg(long)]
    table: bool,

    /// Id of the policy
    #[arg(long, default_value = "imported")]
    id: String,
}

/// Runs the command. Exit 2 when something was not carried over.
pub fn run(args: &Args, console: &Console) -> Exit {
    let mut import = Import::new();
    for path in &args.files {
        let text = match read(path) {
            Ok(text) => text,
            Err(why) => return console.fail(&format!("{}: {why}", crate::text::path(path))),
        };
        if let Err(problems) = import.add(path, &text) {
            super::load::report(problems, console);
            return Exit::CouldNotRun;
        }
    }
    let policy = import.policy(&args.id, SUBJECTS);
    let exit = if import.left_out() { Exit::Undecided } else { Exit::Holds };
    console.print(&if args.table { import.table() } else { policy }, exit)
}

fn read(path: &Path) -> Result<String, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    if !file.metadata().map_err(|error| error.to_string())?.is_file() {
        return Err("not a regular file".to_owned());
    }
    let mut text = String::new();
    file.take(LIMIT + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    match text.len() as u64 > LIMIT {
        true => Err("larger than 4 MiB".to_owned()),
        false => Ok(text),
    }
}

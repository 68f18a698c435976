//! `spotcheck import`: files of goss, container-structure-test and Wazuh SCA as one policy.

use super::console::Console;
use crate::checks::SUBJECTS;
use crate::import::Import;
use crate::verdict::Exit;
use std::collections::HashSet;
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
    follow(&mut import, &args.files);
    let policy = import.policy(&args.id, SUBJECTS);
    let exit = if import.left_out() { Exit::Undecided } else { Exit::Holds };
    console.print(&if args.table { import.table() } else { policy }, exit)
}

/// Reads the files that others name, and those that they name, each once. What cannot be read is left
/// out and told.
fn follow(import: &mut Import, given: &[PathBuf]) {
    /// More files than people write by hand.
    const MOST: usize = 1000;
    let mut known: HashSet<PathBuf> = given.iter().map(|path| canonical(path)).collect();
    loop {
        let named = import.take_named();
        if named.is_empty() {
            return;
        }
        for (path, told) in named {
            if !known.insert(canonical(&path)) {
                continue;
            }
            if known.len() > MOST {
                import.leave_named(told, format!("more than {MOST} files"));
                continue;
            }
            match read(&path) {
                Ok(text) => {
                    if import.add(&path, &text).is_err() {
                        let why = "not a file that can be read; a template is rendered first: \
                                   goss render > plain.yaml";
                        import.leave_named(told, why);
                    }
                }
                Err(why) => import.leave_named(told, why),
            }
        }
    }
}

/// One name for each file.
fn canonical(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
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

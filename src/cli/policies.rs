//! `spotcheck policies`: the policies that are part of the program, to be looked at and copied.

use super::console::Console;
use crate::host::Target;
use crate::policy::library::{BuiltIn, LIBRARY, by_name};
use crate::policy::load::load_text;
use crate::policy::vars::Vars;
use crate::policy::{Diagnostics, Policy};
use crate::rules::when::Applicability;
use crate::safety::write::{self, Existing, Readers};
use crate::targets::live::Live;
use crate::text::suggest;
use crate::verdict::Exit;
use clap::{Args as Arguments, Subcommand};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `policies`.
#[derive(Arguments)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// List them, each with what it is about and whether this host has that
    List,
    /// Print the text of one
    Show {
        /// Its name
        #[arg(value_name = "POLICY")]
        policy: String,
    },
    /// Write some of them, or all, into a folder, to be changed there
    Copy {
        /// Their names; without any, all
        #[arg(value_name = "POLICY")]
        policies: Vec<String>,
        /// The folder; it is made where it does not exist, and no file in it is replaced
        #[arg(long, short, value_name = "DIR", default_value = "/etc/spotcheck/policies")]
        to: PathBuf,
    },
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let done = match &args.what {
        None | Some(What::List) => Ok(list(&Live::new())),
        Some(What::Show { policy }) => named(policy).map(|policy| policy.text.to_owned()),
        Some(What::Copy { policies, to }) => copy(policies, to),
    };
    match done {
        Ok(text) => console.print(&text, Exit::Holds),
        Err(why) => console.fail(&why),
    }
}

fn named(name: &str) -> Result<&'static BuiltIn, String> {
    by_name(name).ok_or_else(|| {
        let names = LIBRARY.map(|policy| policy.name);
        let hint = match suggest::closest(name, names) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        format!("there is no built-in policy `{name}`; {hint}")
    })
}

fn list(target: &dyn Target) -> String {
    let mut out = String::new();
    for built_in in LIBRARY {
        let Some((title, rules, applies)) = about(built_in, target) else { continue };
        let _ = writeln!(out, "{:<12} {title}", built_in.name);
        let _ = writeln!(out, "{:<12} {rules} rules; {applies}", "");
    }
    let _ = writeln!(
        out,
        "\n`spotcheck check NAME …` checks with them, `spotcheck check --auto` with all that apply,\n\
         `spotcheck policies show NAME` prints one."
    );
    out
}

/// Title, number of rules, and in words whether the host has what it is about.
fn about(built_in: &BuiltIn, target: &dyn Target) -> Option<(String, usize, String)> {
    let mut problems = Diagnostics::default();
    let mut policies = load_text(built_in.file, built_in.text, &Vars::default(), &mut problems);
    let mut policy: Policy = policies.pop()?;
    let title = policy.title.clone();
    let rules = policy.rules.len();
    let when = std::mem::take(&mut policy.when);
    let applies = match Applicability::new(when, &policy, &mut problems).not_applicable(target) {
        _ if built_in.of_a_site => "an example of a policy for one site".to_owned(),
        Ok(None) => "applies here".to_owned(),
        Ok(Some(why)) => format!("does not apply here: {why}"),
        Err(why) => format!("whether it applies here is not known: {why}"),
    };
    Some((title, rules, applies))
}

fn copy(names: &[String], folder: &Path) -> Result<String, String> {
    let wanted: Vec<&BuiltIn> = match names {
        [] => LIBRARY.to_vec(),
        names => names.iter().map(|name| named(name)).collect::<Result<_, _>>()?,
    };
    let failed = |path: &Path, why: &str| format!("{}: {why}", crate::text::path(path));
    std::fs::create_dir_all(folder).map_err(|why| failed(folder, &why.kind().to_string()))?;
    let mut out = String::new();
    for policy in wanted {
        let path = folder.join(format!("{}.yaml", policy.name));
        if path.symlink_metadata().is_ok() {
            return Err(failed(&path, "it exists already, and nothing is replaced"));
        }
        write::file(&path, policy.text.as_bytes(), Readers::Everybody, Existing::Keep)
            .map_err(|why| failed(&path, &why))?;
        let _ = writeln!(out, "wrote {}", crate::text::path(&path));
    }
    Ok(out)
}

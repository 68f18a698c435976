//! `spotcheck doctor`: what can be told of this host from where spotcheck runs.

use super::console::Console;
use crate::host::Target;
use crate::safety::sandbox::{self, Need};
use crate::targets::live::Live;
use crate::text::printable;
use crate::verdict::Exit;
use std::fmt::Write as _;

/// Runs the command.
pub fn run(console: &Console) -> Exit {
    let live = Live::new();
    let host = live.host();
    let user = match host.privilege.uid {
        0 => "root".to_owned(),
        uid => format!("uid {uid}"),
    };
    let rights = if host.privilege.full { "may see everything" } else { "may not see everything" };
    let mut out = format!("spotcheck on {} · as {user}, {rights}\n", printable(&host.name));
    if let Some(engine) = &host.inside {
        let _ = writeln!(out, "in a container ({engine}): rules are about the container itself");
    }
    out.push('\n');
    let mut exit = Exit::Holds;
    for row in live.from_where() {
        let answer = match &row.answer {
            Ok(how) => how.clone(),
            Err(why) => {
                exit = Exit::Undecided;
                format!("unknown: {why}")
            }
        };
        let _ = writeln!(out, "{:<34} {:<28} {}", row.what, row.namespace, printable(&answer));
    }
    let _ =
        writeln!(out, "\n{:<34} {}", "rights of who reads this host", given_away(&Need::default()));
    let at_rest = Need { reads: Some(Vec::new()), ..Need::default() };
    let _ = writeln!(out, "{:<34} {}", "rights of who reads images", given_away(&at_rest));
    console.print(&out, exit)
}

/// Whether a thread can give its rights away here, and what it keeps.
fn given_away(need: &Need) -> String {
    let need = need.clone();
    let thread = std::thread::Builder::new().spawn(move || sandbox::enter(&need));
    match thread.ok().and_then(|thread| thread.join().ok()) {
        None => "kept: no thread could be started".to_owned(),
        Some(missing) if missing.is_empty() => "given away".to_owned(),
        Some(missing) => format!("kept in part: {}", printable(&missing.join("; "))),
    }
}

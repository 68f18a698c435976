//! `spotcheck checks`: the list of all checks and their conditions.

use super::console::Console;
use super::explain::first_sentence;
use crate::checks::SUBJECTS;
use crate::formats::FORMATS;
use crate::verdict::Exit;
use std::fmt::Write as _;

/// Runs the command.
pub fn run(console: &Console) -> Exit {
    let mut out = String::new();
    for kind in SUBJECTS {
        let _ = writeln!(out, "{:<10} {}", kind.key, first_sentence(kind.page));
        let names: Vec<&str> = (kind.conditions)().iter().map(|info| info.name).collect();
        let names = if kind.open { "any setting by its path".into() } else { names.join(", ") };
        let _ = writeln!(out, "           {names}");
    }
    let formats: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    let _ = writeln!(out, "\nformats of config: {}", formats.join(", "));
    let _ = writeln!(out, "`spotcheck explain CHECK` prints the page of one.");
    console.print(&out, Exit::Holds)
}

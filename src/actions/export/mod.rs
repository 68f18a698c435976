//! Items as documents and for other programs: one file per format, like reports.

mod ansible;
mod command;
mod csv;
mod json;
mod oscal;
mod script;
mod steps;
mod whole;

use super::checklist::{Checklist, document};
use crate::prose;

pub use steps::turn;
pub use whole::Whole;

/// What is exported.
pub struct Export<'a> {
    /// The items that were chosen.
    pub items: &'a [Whole],
    /// The same under the measures that they serve.
    pub checklist: &'a Checklist,
    /// What the plan of action is about: a host, or the name of a system.
    pub system: &'a str,
    /// Set when it is to act on what was seen below this directory, and on nothing else.
    pub root: Option<&'a std::path::Path>,
    /// When it is made, seconds since 1970-01-01 UTC.
    pub now: i64,
}

/// A format of exports.
pub struct Format {
    /// Name as `--format` takes it.
    pub name: &'static str,
    /// One line for the help.
    pub doc: &'static str,
    /// Renders an export.
    pub render: fn(&Export) -> String,
}

/// All formats.
pub static FORMATS: &[Format] = &[
    Format {
        name: "json",
        doc: "for programs: versioned, everything that is known of each item",
        render: json::render,
    },
    Format {
        name: "markdown",
        doc: "checklist under the measures of postmortems, as GitHub and GitLab render it",
        render: |export| prose::markdown(&document(export.checklist)),
    },
    Format {
        name: "html",
        doc: "the same checklist as one self-contained page",
        render: |export| prose::html(&document(export.checklist)),
    },
    Format { name: "csv", doc: "one line for each item, for spreadsheets", render: csv::render },
    Format {
        name: "script",
        doc: "shell script of the corrective steps; does nothing without --apply",
        render: script::render,
    },
    Format {
        name: "ansible",
        doc: "playbook of the corrective steps, each where its rule is violated",
        render: ansible::render,
    },
    Format {
        name: "oscal-poam",
        doc: "OSCAL 1.2 plan of action and milestones, JSON",
        render: oscal::render,
    },
];

/// Items as they are kept once they are removed: as the JSON export has them.
pub fn archive(items: &[Whole], now: i64) -> String {
    let checklist = Checklist { time: now, scope: String::new(), groups: Vec::new() };
    json::render(&Export { items, checklist: &checklist, system: "", root: None, now })
}

/// The format of that name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

//! Who is told: one file per output format.
//!
//! A format is a function from a [`Report`] to text; a further one is its file and one line in
//! [`FORMATS`]. Nothing here decides anything: that has happened.

pub mod backtest;
pub mod checklist;
pub mod github;
pub mod gitlab;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod nagios;
pub mod prometheus;
pub mod sarif;
pub mod tap;
mod words;

use crate::actions::query::Counts;
use crate::facts::host::Host;
use crate::policy::Severity;
use crate::verdict::waiver::Notice;
use crate::verdict::{Finding, Summary};
use jiff::Timestamp;

/// Everything that a run has to say.
pub struct Report {
    /// Its target.
    pub host: Host,
    /// When it began.
    pub time: Timestamp,
    /// All findings in the order of the rules.
    pub findings: Vec<Finding>,
    /// Counts.
    pub summary: Summary,
    /// Violations below this severity do not count for the exit code.
    pub fail_on: Severity,
    /// Exit code of the run.
    pub exit: u8,
    /// Where the waivers for this host stand.
    pub waivers: Vec<Notice>,
    /// What the ledger says of this host, where the run was recorded.
    pub ledger: Option<Counts>,
}

/// How a report is to look, where the format leaves a choice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// Colours, for a terminal.
    pub colour: bool,
    /// Everything, passes and evidence too.
    pub verbose: bool,
    /// Columns of the terminal; `None` for a file or pipe, where lines are not wrapped.
    pub width: Option<usize>,
}

/// An output format.
pub struct Format {
    /// Name as `--format` takes it.
    pub name: &'static str,
    /// One line for the help.
    pub doc: &'static str,
    /// Renders a report, ending in a line feed.
    pub render: fn(&Report, Style) -> String,
}

/// All formats.
pub static FORMATS: &[Format] = &[
    Format {
        name: "human",
        doc: "for people: violations first, each with its repair",
        render: human::render,
    },
    Format {
        name: "json",
        doc: "for programs: versioned, `spotcheck schema report` describes it",
        render: json::render,
    },
    Format {
        name: "junit",
        doc: "JUnit XML: what continuous integration shows as tests",
        render: junit::render,
    },
    Format {
        name: "sarif",
        doc: "SARIF 2.1.0: code scanning of GitHub and others",
        render: sarif::render,
    },
    Format { name: "github", doc: "annotations of GitHub Actions", render: github::render },
    Format { name: "gitlab", doc: "GitLab's code quality report", render: gitlab::render },
    Format { name: "tap", doc: "Test Anything Protocol, version 14", render: tap::render },
    Format {
        name: "markdown",
        doc: "for a job summary or merge request",
        render: markdown::render,
    },
    Format {
        name: "checklist",
        doc: "Markdown checklist of the measures of postmortems; ticks are observations",
        render: checklist::render,
    },
    Format {
        name: prometheus::NAME,
        doc: "for the textfile collector of node_exporter: --output prometheus=PATH",
        render: prometheus::render,
    },
    Format {
        name: nagios::NAME,
        doc: "for Nagios and its relatives, with their exit codes",
        render: nagios::render,
    },
];

/// The exit code of a run whose report is printed in this format: spotcheck's own, unless the format
/// has a convention of its own.
pub fn exit_code(format: &str, report: &Report) -> u8 {
    if format == nagios::NAME { nagios::Status::of(report).code() } else { report.exit }
}

/// The format of that name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

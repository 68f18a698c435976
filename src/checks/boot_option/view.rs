//! An option of the kernel's command line as conditions see it: of this boot and of the next.

use crate::facts::host::TargetKind;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::boot::{self, CommandLine, Entry};
use crate::host::Target;
use crate::verdict::{Evidence, Subject};
use std::path::Path;

/// The command line that the running kernel was started with, proc_cmdline(5).
const CMDLINE: &str = "/proc/cmdline";

/// An option, as conditions see it.
pub struct BootOptionView {
    pub(super) subject: Subject,
    pub(super) name: String,
    /// What the running kernel was started with.
    pub(super) booted: Fact<CommandLine>,
    /// What the next boot may start.
    pub(super) next: Fact<Vec<Entry>>,
}

impl BootOptionView {
    /// What a target says of the option of that name.
    pub fn of(name: &str, target: &dyn Target) -> Self {
        Self {
            subject: Subject::new("boot_option", name.to_owned()),
            name: name.to_owned(),
            booted: booted(target),
            next: boot::next_boot(target),
        }
    }

    /// An option with its value in words, as it would stand on a command line.
    pub(super) fn words(&self, line: &CommandLine) -> String {
        match line.value(&self.name) {
            Some("") => self.name.clone(),
            Some(value) => format!("{}={value}", self.name),
            None => "not given".to_owned(),
        }
    }

    /// Where the running kernel's option was seen.
    pub(super) fn seen_booted(&self, line: &CommandLine) -> Evidence {
        Evidence::line(Path::new(CMDLINE), 1, self.words(line))
    }

    /// Where the next boot's option was seen.
    pub(super) fn seen_next(&self, entry: &Entry) -> Evidence {
        Evidence::line(&entry.at.file, entry.at.line, self.words(&entry.line))
    }
}

/// The kernel of an image is not known: another one starts it.
fn booted(target: &dyn Target) -> Fact<CommandLine> {
    if target.host().kind == TargetKind::Image {
        return Err(Unknown::new(CMDLINE, Cause::NotRunning));
    }
    match target.read(Path::new(CMDLINE))? {
        Some(content) => Ok(CommandLine::parse(&String::from_utf8_lossy(&content))),
        None => Err(Unknown::new(CMDLINE, Cause::NotRunning)),
    }
}

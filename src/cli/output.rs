//! Reports for standard output and for files.

use super::console::Console;
use crate::report::{self, FORMATS, Format, Report, Style, prometheus};
use crate::safety::wait;
use crate::safety::write::{self, Existing, Readers};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A report for a file.
pub struct Output {
    format: &'static Format,
    path: PathBuf,
}

/// Reads the values of `--output FORMAT=PATH`.
///
/// # Errors
/// What is wrong with one, in words.
pub fn parse(texts: &[String]) -> Result<Vec<Output>, String> {
    let read = |text: &String| {
        let (name, path) = text
            .split_once('=')
            .filter(|(_, path)| !path.is_empty())
            .ok_or_else(|| format!("--output takes FORMAT=PATH, found `{text}`"))?;
        let known = || FORMATS.iter().map(|format| format.name).collect::<Vec<_>>().join(", ");
        let format = report::by_name(name)
            .ok_or_else(|| format!("--output: no format `{name}`; known are {}", known()))?;
        Ok(Output { format, path: PathBuf::from(path) })
    };
    texts.iter().map(read).collect()
}

/// A report for standard output.
pub fn render(format: &str, report: &Report, verbose: bool, console: &Console) -> String {
    let style = Style { colour: console.out_colour, verbose, width: console.width };
    report::by_name(format).map(|format| (format.render)(report, style)).unwrap_or_default()
}

impl Output {
    /// Writes it.
    ///
    /// # Errors
    /// Why that could not be done, in words.
    pub fn write(&self, report: &Report, verbose: bool) -> Result<(), String> {
        let style = Style { verbose, ..Style::default() };
        let text = (self.format.render)(report, style);
        let readers = if self.format.name == prometheus::NAME {
            // A collector of another user reads it; it names rules and no evidence.
            Readers::Everybody
        } else {
            Readers::Owner
        };
        bounded(&self.path, text, readers)
    }
}

/// How long a file may take to be written. A mount that is dead takes for ever.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes a file that holds evidence, for its owner alone.
///
/// # Errors
/// In words.
pub fn write_whole(path: &Path, text: String) -> Result<(), String> {
    bounded(path, text, Readers::Owner)
}

fn bounded(path: &Path, text: String, readers: Readers) -> Result<(), String> {
    let place = path.to_owned();
    let write = move || write::file(&place, text.as_bytes(), readers, Existing::Replace);
    let written = wait::at_most(PATIENCE, write);
    written
        .unwrap_or_else(|| Err(format!("no answer after {} s", PATIENCE.as_secs())))
        .map_err(|why| format!("{}: the report cannot be written: {why}", crate::text::path(path)))
}

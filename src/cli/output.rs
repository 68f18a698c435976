//! Reports for standard output and for files.

use super::console::Console;
use crate::report::{self, FORMATS, Format, Report, Style};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

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
        write_whole(&self.path, &(self.format.render)(report, style))
            .map_err(|error| why_not(&self.path, &error))
    }
}

/// Why a file could not be written, in words.
pub fn why_not(path: &Path, error: &std::io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such folder".into(),
        // Else the message would name a temporary file that nobody knows.
        kind if error.raw_os_error().is_none() => kind.to_string(),
        _ => error.to_string(),
    };
    format!("{}: the report cannot be written: {why}", crate::text::path(path))
}

/// Replaces a file as a whole: readers see the old report or the new one, never half of one. What is
/// not a regular file (`/dev/stdout`, a FIFO) is written to directly.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let special = std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    if special {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut file = tempfile::Builder::new()
        .prefix(".spotcheck-")
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

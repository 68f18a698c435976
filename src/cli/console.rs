//! Standard output and standard error: colour only on a terminal, each decided for itself.

use crate::text::printable;
use crate::verdict::Exit;
use std::io::{self, IsTerminal, Write};

/// Where a command writes to.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// Colour on standard output.
    pub out_colour: bool,
    /// Colour on standard error.
    pub err_colour: bool,
    /// Columns of standard output, if that is a terminal.
    pub width: Option<usize>,
}

impl Console {
    /// Looks at the two streams and at the environment (`NO_COLOR`, `CLICOLOR_FORCE`, `TERM`).
    pub fn new() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let forced = set("CLICOLOR_FORCE");
        let wanted = |terminal: bool| !set("NO_COLOR") && (forced || (terminal && !dumb));
        let (out, err) = (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self { out_colour: wanted(out), err_colour: wanted(err), width: out.then(columns) }
    }

    /// Writes to standard output. A reader that has gone (`| head`) ends quietly, and the run keeps
    /// its exit code; any other failure is an error, since a report would be lost.
    pub fn print(&self, text: &str, exit: Exit) -> Exit {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => exit,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit,
            Err(error) => self.fail(&format!("standard output cannot be written: {error}")),
        }
    }

    /// Writes to standard output, and says when that could not be done: a reader that has gone has
    /// read nothing.
    ///
    /// # Errors
    /// Of the write.
    pub fn deliver(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush())
    }

    /// Says why spotcheck could not run.
    pub fn fail(&self, message: &str) -> Exit {
        self.complain(&format!("error: {}\n", printable(message)));
        Exit::CouldNotRun
    }

    /// Writes to standard error; there is no better place to report that this failed.
    pub fn complain(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

impl Default for Console {
    fn default() -> Self {
        Self::new()
    }
}

/// Columns of the terminal by `COLUMNS`, else the 100 that reports are made for.
fn columns() -> usize {
    const USUAL: usize = 100;
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(USUAL)
}

//! How the kernel is started: its command line, and the files of boot loaders that write the next one.
//!
//! ```text
//! GRUB: grub.cfg, which update-grub wrote    grub_cfg         before what it is made from:
//!       /etc/default/grub, grub.d/*.cfg      default_grub     of images that have no grub.cfg yet
//! Boot Loader Specification, type #1         loader_entries   systemd-boot, GRUB of Fedora
//! kernel-install(8): /etc/kernel/cmdline     here             unified kernel images
//! ```

pub mod command_line;
mod default_grub;
mod grub_cfg;
mod grub_env;
mod loader_entries;

pub use command_line::CommandLine;

use crate::facts::settings::Location;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::{Path, PathBuf};

/// What kernel-install(8) gives to kernels that it installs; the first that exists counts.
const KERNEL_INSTALL: [&str; 2] = ["/etc/kernel/cmdline", "/usr/lib/kernel/cmdline"];

/// An entry of a boot loader's menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the menu calls it, or the file that it stands in.
    pub title: String,
    /// Where its command line is written.
    pub at: Location,
    /// The command line that it gives to the kernel.
    pub line: CommandLine,
}

impl Entry {
    fn new(title: &str, file: &Path, line: u32, text: &str) -> Self {
        Self {
            title: title.to_owned(),
            at: Location { file: file.to_owned(), line },
            line: CommandLine::parse(text),
        }
    }

    /// Whether it is there for repairs: a console without services. What the machine is like in daily
    /// work is not said by it.
    fn is_for_rescue(&self) -> bool {
        const TARGETS: [&str; 2] = ["rescue.target", "emergency.target"];
        let unit = self.line.value("systemd.unit");
        ["single", "s", "S", "1", "recovery", "rescue", "emergency"]
            .iter()
            .any(|word| self.line.flag(word))
            || unit.is_some_and(|unit| TARGETS.contains(&unit))
            || self.title.to_lowercase().contains("rescue")
    }
}

/// The entries that one kind of configuration has; none where there is no such configuration.
type Source = fn(&dyn Files) -> Fact<Vec<Entry>>;

/// What the next boot may start: the entries of the boot loader that are not there for repairs, that
/// of the default alone where it is known which that is.
///
/// # Errors
/// When a file could not be read, uses variables that are not known, or nothing says how the kernel is started.
pub fn next_boot(files: &dyn Files) -> Fact<Vec<Entry>> {
    let sources: [Source; 4] =
        [grub_cfg::entries, loader_entries::entries, kernel_install, default_grub::entries];
    for source in sources {
        let mut entries = source(files)?;
        entries.retain(|entry| !entry.is_for_rescue());
        if !entries.is_empty() {
            return Ok(entries);
        }
    }
    let why = "no configuration of GRUB or systemd-boot and no /etc/kernel/cmdline is there";
    Err(Unknown::new("the next boot", Cause::Unsupported(why.to_owned())))
}

/// `/etc/kernel/cmdline`: what a unified kernel image gets when it is made, kernel-install(8).
fn kernel_install(files: &dyn Files) -> Fact<Vec<Entry>> {
    for name in KERNEL_INSTALL {
        let path = Path::new(name);
        if let Some(content) = files.read(path)? {
            let text = String::from_utf8_lossy(&content);
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let words = lines.collect::<Vec<_>>().join(" ");
            return Ok(vec![Entry::new(name, path, 1, &words)]);
        }
    }
    Ok(Vec::new())
}

/// The files of a directory whose names end so, in the order of their names.
fn files_in(files: &dyn Files, folder: &str, end: &str) -> Fact<Vec<PathBuf>> {
    let names = files.list(Path::new(folder))?;
    let names = names.iter().flat_map(|names| names.iter());
    let fits = |path: &PathBuf| path.extension().is_some_and(|found| found == end);
    Ok(names.map(|name| Path::new(folder).join(name)).filter(fits).collect())
}

//! Kernel parameters of all files of `sysctl.d(5)`, in the order in which the next boot sets them.
//!
//! An exact key wins over patterns, of each kind the last line counts, and `-key` alone keeps
//! patterns from a key. `/etc/sysctl.conf` is read last by `sysctl --system`; systemd reads it only
//! where a link in `sysctl.d` leads to it, as Debian has one.

use super::conf_files;
use crate::facts::settings::Location;
use crate::facts::sysctl::{SysctlLine, SysctlSettings};
use crate::facts::{Cause, Unknown};
use crate::host::Files;
use globset::GlobBuilder;
use std::path::{Path, PathBuf};

/// The most lines of all files.
const LINE_LIMIT: usize = 100_000;
const SYSTEMD: [&str; 2] = ["/usr/lib/systemd/systemd-sysctl", "/lib/systemd/systemd-sysctl"];

/// Reads all files.
pub fn read(files: &dyn Files) -> SysctlSettings {
    let mut settings = SysctlSettings { by_systemd: by_systemd(files), ..Default::default() };
    for path in order(files, &mut settings.unread) {
        match files.read(&path) {
            Ok(Some(content)) => add(&mut settings, &path, &content),
            // A link that leads nowhere sets nothing.
            Ok(None) => {}
            Err(why) => settings.unread.push(why),
        }
    }
    settings
}

/// The files in the order in which they apply.
pub fn order(files: &dyn Files, unread: &mut Vec<Unknown>) -> Vec<PathBuf> {
    let mut order = conf_files::collect(files, &conf_files::folders("sysctl.d"), unread);
    if !by_systemd(files) {
        order.push(PathBuf::from("/etc/sysctl.conf"));
    }
    order
}

/// Whether systemd writes them at boot.
fn by_systemd(files: &dyn Files) -> bool {
    SYSTEMD.iter().any(|path| matches!(files.file(Path::new(path)), Ok(Some(_))))
}

fn add(settings: &mut SysctlSettings, path: &Path, content: &[u8]) {
    let text = String::from_utf8_lossy(content);
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if settings.lines.len() >= LINE_LIMIT {
            let why = format!("more than {LINE_LIMIT} kernel parameters");
            settings.unread.push(Unknown::new(path.display().to_string(), Cause::TooLarge(why)));
            return;
        }
        let (tolerant, line) = match line.strip_prefix('-') {
            Some(rest) => (true, rest.trim_start()),
            None => (false, line),
        };
        let (key, value) = match line.split_once('=') {
            Some((key, value)) => (key, Some(words(value))),
            None if tolerant => (line, None),
            // Both systemd and sysctl(8) pass over a line that is no assignment.
            None => continue,
        };
        let at = Location { file: path.to_owned(), line: number };
        settings.lines.push(SysctlLine { key: slashed(key.trim()), value, at });
    }
}

/// A value with one space between its words: the kernel does not tell more from fewer.
pub fn words(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A key as a path below `/proc/sys`. Whichever of `.` and `/` comes first separates; the other one
/// stands for itself the other way round (`net.ipv4.conf.eth0/1.forwarding`).
pub fn slashed(key: &str) -> String {
    match key.find(['.', '/']).and_then(|at| key.as_bytes().get(at)) {
        Some(b'/') | None => key.to_owned(),
        _ => key
            .chars()
            .map(|c| match c {
                '.' => '/',
                '/' => '.',
                other => other,
            })
            .collect(),
    }
}

/// Names of one parameter of the kernel: writing either sets both, `devinet_sysctl_forward()` and
/// `ipv4_devconf` of `net/ipv4/devinet.c`. With dots.
const ALIASES: [[&str; 2]; 1] = [["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"]];

/// The other name of the same parameter, both with dots.
pub fn alias(key: &str) -> Option<&'static str> {
    let pair = ALIASES.iter().find(|pair| pair.contains(&key))?;
    pair.iter().find(|name| **name != key).copied()
}

impl SysctlSettings {
    /// The line that sets a parameter (key with slashes), by whichever of its names. `None`: none does.
    pub fn of(&self, key: &str) -> Option<&SysctlLine> {
        let dotted = key.replace('/', ".");
        let other = alias(&dotted).map(slashed).and_then(|other| self.by_name(&other));
        let own = self.by_name(key);
        // Whatever is written last holds.
        [own, other].into_iter().flatten().max_by_key(|(place, _)| *place).map(|(_, line)| line)
    }

    /// The line that sets a key, and its place in the order in which parameters are written. systemd
    /// leaves a key where it stands when a further line says the same value (`parse_line()` of
    /// `sysctl.c`), while sysctl(8) writes it once more.
    fn by_name(&self, key: &str) -> Option<(usize, &SysctlLine)> {
        let line = self.exactly(key)?;
        let mut same_key = self.lines.iter().enumerate().rev().filter(|(_, l)| l.key == line.key);
        let (mut place, _) = same_key.find(|(_, one)| std::ptr::eq(*one, line))?;
        if self.by_systemd {
            let run = same_key.take_while(|(_, one)| one.value == line.value);
            place = run.last().map_or(place, |(first, _)| first);
        }
        Some((place, line))
    }

    fn exactly(&self, key: &str) -> Option<&SysctlLine> {
        let exact = |line: &&SysctlLine| line.key == key && line.value.is_some();
        if let Some(line) = self.lines.iter().rfind(exact) {
            return Some(line);
        }
        if self.lines.iter().any(|line| line.key == key && line.value.is_none()) {
            return None;
        }
        let matches = |line: &&SysctlLine| {
            line.value.is_some() && line.key.contains(['*', '?', '[']) && is_match(&line.key, key)
        };
        self.lines.iter().rfind(matches)
    }
}

fn is_match(pattern: &str, key: &str) -> bool {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build();
    glob.is_ok_and(|glob| glob.compile_matcher().is_match(key))
}

/// Kernel parameters as the next boot sets them, read once a run.
pub fn configured(target: &dyn crate::host::Target) -> std::sync::Arc<SysctlSettings> {
    target.memo().get_or_init(|| std::sync::Arc::new(read(target)))
}

//! A command, and what it leads to: the program, its interpreter, scripts and what they name.

use super::{Items, environment, program};
use crate::facts::file::FileKind;
use crate::facts::{Fact, Unknown};
use crate::host::{Target, learn};
use crate::targets::recording::contents::Content;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Larger files are no scripts that are looked through.
const SCRIPT_LIMIT: u64 = 1 << 20;
/// What a script begins with, `execve(2)`.
const MARK: &[u8] = b"#!";
/// The most words of one script that may name programs.
const WORDS: usize = 20_000;
/// How deep scripts may call scripts.
const DEPTH: usize = 12;
/// Where systemd, cron and sudo look for programs without a path, `PATH` of Debian's systemd.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs that run a file that is given to them.
const INTERPRETERS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "ash",
    "ksh",
    "zsh",
    "busybox",
    "perl",
    "ruby",
    "node",
    "nodejs",
    "php",
    "lua",
    "tclsh",
    "java",
    "python",
    "env",
    "run-parts",
    "nice",
    "ionice",
    "timeout",
    "flock",
    "setsid",
    "chronic",
    "runuser",
    "setpriv",
    "chrt",
    "start-stop-daemon",
    "gosu",
    "su-exec",
];

/// Adds what a command of several words runs. `why` says whose command it is: `ExecStart= of
/// x.service`; `path` is the search path for names.
pub fn add(target: &dyn Target, words: &[String], why: &str, path: &str, items: &mut Items) {
    let mut walk = Walk { target, path, seen: BTreeSet::new() };
    walk.command(words, why, items, 0);
}

/// Adds what a shell command in one text runs.
pub fn add_shell(target: &dyn Target, text: &str, why: &str, path: &str, items: &mut Items) {
    let mut walk = Walk { target, path, seen: BTreeSet::new() };
    walk.text(text, why, items, 0);
}

/// Adds a program or script and what it leads to.
pub fn add_program(target: &dyn Target, file: &Path, why: &str, path: &str, items: &mut Items) {
    let mut walk = Walk { target, path, seen: BTreeSet::new() };
    walk.program(file, why, items, 0);
}

struct Walk<'a> {
    target: &'a dyn Target,
    path: &'a str,
    seen: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    fn command(&mut self, words: &[String], why: &str, items: &mut Items, depth: usize) {
        let Some((first, arguments)) = words.split_first() else { return };
        let Some(file) = self.find(first, why, items) else { return };
        self.program(&file, why, items, depth);
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        if !INTERPRETERS.contains(&stem) {
            return;
        }
        let mut inline = false;
        for word in arguments {
            if inline && !word.starts_with('-') {
                let why = format!("named by {why},");
                self.text(word, &why, items, depth + 1);
                return;
            }
            let short = word.starts_with('-') && !word.starts_with("--");
            inline |= short
                && word.ends_with('c')
                && ["sh", "bash", "dash", "ash", "ksh", "zsh"].contains(&stem);
            if word.starts_with('/') {
                self.program(Path::new(word), &format!("argument of {why},"), items, depth + 1);
            } else if matches!(stem, "env" | "nice" | "ionice" | "timeout" | "setsid" | "chronic")
                && !word.starts_with('-')
                && !word.contains('=')
                && !word.starts_with(|c: char| c.is_ascii_digit())
            {
                let rest: Vec<String> =
                    arguments.iter().skip_while(|other| *other != word).cloned().collect();
                if depth < DEPTH {
                    self.command(&rest, why, items, depth + 1);
                }
                return;
            }
        }
    }

    /// The file of a program: itself where it has a path, else the first of the search path that
    /// exists; every directory that is looked into before counts too.
    fn find(&self, name: &str, why: &str, items: &mut Items) -> Option<PathBuf> {
        if name.starts_with('/') {
            return Some(PathBuf::from(name));
        }
        if name.contains('/') || name.is_empty() {
            return None;
        }
        for directory in self.path.split(':').filter(|directory| directory.starts_with('/')) {
            let file = Path::new(directory).join(name);
            match self.target.file(&file) {
                Ok(Some(_)) => return Some(file),
                Ok(None) => {
                    items.add(&file, format!("name that is looked up for {why},"));
                }
                Err(unknown) => items.unread.push(unknown),
            }
        }
        None
    }

    fn program(&mut self, file: &Path, why: &str, items: &mut Items, depth: usize) {
        // What stands there is the kernel's.
        if ["/proc", "/dev", "/sys"].iter().any(|place| file.starts_with(place)) {
            return;
        }
        items.add(file, why);
        if self.seen.contains(file) {
            return;
        }
        if depth > DEPTH {
            let why = crate::facts::Cause::TooLarge(format!("more than {DEPTH} scripts deep"));
            return items.unread.push(Unknown::new(crate::text::path(file), why));
        }
        self.seen.insert(file.to_owned());
        let fact = match crate::access::route::route(self.target, file) {
            Ok(route) => route.end,
            Err(unknown) => {
                items.unread.push(unknown);
                return;
            }
        };
        let Some((at, fact)) = fact else { return };
        if fact.kind != FileKind::File {
            return;
        }
        if fact.size > SCRIPT_LIMIT {
            self.large(&at, why, items);
            return;
        }
        match script(self.target, &at) {
            Ok(Some(Content(bytes))) => self.script(&at, &bytes, items, depth),
            Ok(None) => program::add_libraries(self.target, &at, why, items),
            Err(unknown) => items.unread.push(unknown),
        }
    }

    /// A large file is a program; a script of that size is not looked through.
    fn large(&self, at: &Path, why: &str, items: &mut Items) {
        let start = learn(self.target, "first bytes", at, |target| target.part(at, 0, MARK.len()));
        match start {
            Ok(Some(start)) if start == MARK => {
                let limit = format!("a script of more than {SCRIPT_LIMIT} bytes");
                let why = crate::facts::Cause::TooLarge(limit);
                items.unread.push(Unknown::new(crate::text::path(at), why));
            }
            Ok(_) => program::add_libraries(self.target, at, why, items),
            Err(unknown) => items.unread.push(unknown),
        }
    }

    fn script(&mut self, at: &Path, bytes: &[u8], items: &mut Items, depth: usize) {
        let shown = crate::text::path(at);
        let text = String::from_utf8_lossy(bytes);
        let first = text.lines().next().unwrap_or_default();
        let words: Vec<String> =
            first.trim_start_matches("#!").split_whitespace().map(str::to_owned).collect();
        self.command(&words, &format!("interpreter of {shown},"), items, depth + 1);
        let shell = words.iter().any(|word| word.ends_with("sh"));
        if shell {
            self.text(&text, &format!("run by {shown},"), items, depth + 1);
        }
    }

    /// Programs that a shell text runs by their full path, and files that it reads as commands.
    fn text(&mut self, text: &str, why: &str, items: &mut Items, depth: usize) {
        if depth > DEPTH {
            let why = crate::facts::Cause::TooLarge(format!("more than {DEPTH} scripts deep"));
            return items.unread.push(Unknown::new(why_path(text), why));
        }
        let mut budget = WORDS;
        // The directory that `cd` went to, and the variable that is assigned to.
        let mut here: Option<PathBuf> = None;
        for line in text.lines().map(str::trim_start).filter(|line| !line.starts_with('#')) {
            let mut before = "";
            let split = |c: char| c.is_whitespace() || "\"'`;&|()<>{}=".contains(c);
            for word in line.split(split).filter(|word| !word.is_empty()) {
                budget = budget.saturating_sub(1);
                if budget == 0 {
                    let why = crate::facts::Cause::TooLarge(format!("more than {WORDS} words"));
                    items.unread.push(Unknown::new(why_path(text), why));
                    return;
                }
                self.word(word, before, &mut here, why, items, depth);
                before = word;
            }
        }
    }

    /// One word of a shell text; `before` is the one before it.
    fn word(
        &mut self,
        word: &str,
        before: &str,
        here: &mut Option<PathBuf>,
        why: &str,
        items: &mut Items,
        depth: usize,
    ) {
        // PATH=/opt/bin:$PATH and its like.
        if word.starts_with('/') && environment::tells(&format!("{before}=")) {
            let fixed: Vec<&str> = word.split(':').filter(|part| !part.contains('$')).collect();
            environment::add(before, &fixed.join(":"), why.trim_end_matches(','), items);
            return;
        }
        if word.contains(['$', '*', '?', '[', '\\']) {
            return;
        }
        if before == "cd" && word.starts_with('/') {
            *here = Some(PathBuf::from(word));
            return;
        }
        let sourced = before == "." || before == "source";
        let path = match (word.starts_with('/'), here.as_ref()) {
            (true, _) => PathBuf::from(word),
            // Looked for from where `cd` went to; a missing one counts, too.
            (false, Some(here)) if word.contains('/') => {
                let path = here.join(word.trim_start_matches("./"));
                items.add(&path, why);
                path
            }
            _ => return,
        };
        if sourced || self.is_program(&path) {
            self.program(&path, why, items, depth);
        }
    }

    fn is_program(&self, path: &Path) -> bool {
        const EXECUTABLE: u16 = 0o111;
        let end = crate::access::route::route(self.target, path).ok();
        let end = end.and_then(|route| route.end);
        end.is_some_and(|(_, fact)| fact.kind == FileKind::File && fact.mode.0 & EXECUTABLE != 0)
    }
}

/// What counts of a script; `None` for a program, of which no more than the first bytes are read, and
/// these once.
fn script(target: &dyn Target, at: &Path) -> Fact<Option<Content>> {
    let memo = target.derived().programs();
    if memo.is_no_script(at) {
        return Ok(None);
    }
    let script = learn(target, "script", at, |target| {
        if target.part(at, 0, MARK.len())?.is_none_or(|start| start != MARK) {
            return Ok(None);
        }
        let bytes = target.read_up_to(at, SCRIPT_LIMIT)?.filter(|bytes| bytes.starts_with(MARK));
        Ok(bytes.map(|bytes| Content(Arc::new(what_counts(&bytes).to_vec()))))
    })?;
    if script.is_none() {
        memo.note_no_script(at);
    }
    Ok(script)
}

fn why_path(text: &str) -> String {
    let line: String = text.lines().next().unwrap_or_default().chars().take(60).collect();
    format!("script {line}")
}

/// What is looked at of a script: its first line, and where a shell runs it all of it. In other
/// languages a path is mostly data.
fn what_counts(script: &[u8]) -> &[u8] {
    let first = script.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let shell = first.split(u8::is_ascii_whitespace).any(|word| word.ends_with(b"sh"));
    if shell { script } else { first }
}

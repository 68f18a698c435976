//! What a program's file is: a script with its interpreter, a text that only a shell can run, or a
//! program. Read once a run.

use crate::facts::file::FileKind;
use crate::facts::raw_bytes::RawBytes;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::route::route;
use crate::host::{Target, learn};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Larger files are no scripts that are looked through.
const LIMIT: u64 = 1 << 20;
/// What a script begins with, `execve(2)`.
const MARK: &[u8] = b"#!";
/// How much of a file is looked at to tell a text from a program.
const START: usize = 256;

/// What a file is.
#[derive(Clone, Debug)]
pub enum Opened {
    /// A script.
    Script {
        /// The file at the end of all links.
        at: PathBuf,
        /// Its first line: interpreter and argument.
        words: Vec<String>,
    },
    /// A text without a first line that says what runs it.
    Text {
        /// The file at the end of all links.
        at: PathBuf,
    },
    /// A program, or nothing that could be one.
    Other,
}

/// What has been read of scripts, for the run.
#[derive(Debug, Default)]
pub struct Memo {
    opened: RefCell<HashMap<PathBuf, Fact<Opened>>>,
    texts: RefCell<HashMap<PathBuf, Fact<Option<Arc<String>>>>>,
}

/// What the file of a program is.
///
/// # Errors
/// Where it cannot be seen.
pub fn open(target: &dyn Target, path: &Path) -> Fact<Opened> {
    let memo = target.memo().table::<crate::commands::Memo>();
    if let Some(known) = memo.opened.borrow().get(path) {
        return known.clone();
    }
    let opened = look(target, path);
    memo.opened.borrow_mut().insert(path.to_owned(), opened.clone());
    opened
}

fn look(target: &dyn Target, path: &Path) -> Fact<Opened> {
    let Some((at, fact)) = route(target, path)?.end else { return Ok(Opened::Other) };
    if fact.kind != FileKind::File || fact.size == 0 {
        return Ok(Opened::Other);
    }
    let start = learn(target, "first line", &at, |target| {
        let start = target.part(&at, 0, START)?.unwrap_or_default();
        let text = !start.contains(&0) && !start.starts_with(b"\x7fELF");
        let kept: &[u8] = match (text, start.starts_with(MARK)) {
            (true, true) => start.split(|byte| *byte == b'\n').next().unwrap_or_default(),
            (true, false) => b"text",
            (false, _) => b"",
        };
        Ok(RawBytes(kept.to_vec()))
    })?;
    let line = String::from_utf8_lossy(&start.0).into_owned();
    Ok(match line.strip_prefix("#!") {
        Some(line) => {
            let line = super::shell::word::clean(line);
            let line = line.trim();
            // One argument, blanks and all; `env -S` parts it.
            let (first, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
            let words = [first, rest.trim()].map(str::to_owned).into_iter();
            Opened::Script { at, words: words.filter(|word| !word.is_empty()).collect() }
        }
        None if line.is_empty() => Opened::Other,
        None => Opened::Text { at },
    })
}

/// The text of a file that a shell or another interpreter reads as commands; `None`: there is none.
///
/// # Errors
/// Where it cannot be read, or is too long to be looked through.
pub fn text(target: &dyn Target, path: &Path) -> Fact<Option<Arc<String>>> {
    let memo = target.memo().table::<crate::commands::Memo>();
    if let Some(known) = memo.texts.borrow().get(path) {
        return known.clone();
    }
    let text = content(target, path);
    memo.texts.borrow_mut().insert(path.to_owned(), text.clone());
    text
}

fn content(target: &dyn Target, path: &Path) -> Fact<Option<Arc<String>>> {
    let Some((at, fact)) = route(target, path)?.end else { return Ok(None) };
    if fact.kind != FileKind::File {
        return Ok(None);
    }
    if fact.size > LIMIT {
        let limit = format!("a script of more than {LIMIT} bytes");
        return Err(Unknown::new(crate::text::path(&at), Cause::TooLarge(limit)));
    }
    // A recording has left secrets out of it; what the script starts is told without them.
    let content = target.read_marked(&at)?;
    Ok(content.map(|content| Arc::new(String::from_utf8_lossy(&content).into_owned())))
}

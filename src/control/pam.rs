//! Stacks of PAM, `pam.conf(5)`: the modules that they load, what those read and run, and the files that they
//! include, wherever they lie.

use super::places::{is_remark, words};
use super::{Items, command};
use crate::commands::Context;
use crate::facts::{Cause, Unknown};
use crate::formats::glob3;
use crate::host::Target;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Where modules lie.
const MODULES: [&str; 6] = [
    "/usr/lib/*/security",
    "/lib/*/security",
    "/usr/lib64/security",
    "/lib64/security",
    "/usr/lib/security",
    "/lib/security",
];
/// Where the name of a file that is included lies, if it is no path (`_pam_open_config_file()`).
const STACKS: [&str; 3] = ["/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d"];
/// The most files that one stack may include.
const INCLUDED: usize = 64;

/// Adds what a stack makes its programs load, obey and run.
pub(super) fn add(target: &dyn Target, path: &Path, text: &str, items: &mut Items) {
    let mut known = BTreeSet::from([path.to_owned()]);
    let mut waiting = stack(target, text, &text::path(path), items);
    while let Some(path) = waiting.pop() {
        if !known.insert(path.clone()) {
            continue;
        }
        if known.len() > INCLUDED {
            let why = Cause::TooLarge(format!("more than {INCLUDED} files are included"));
            return items.unread.push(Unknown::new(text::path(&path), why));
        }
        items.add(&path, "PAM configuration");
        match target.read(&path) {
            Ok(Some(content)) => {
                let text = String::from_utf8_lossy(&content);
                waiting.extend(stack(target, &text, &text::path(&path), items));
            }
            // Whoever may add it is told by its directory.
            Ok(None) => {}
            Err(why) => items.unread.push(why),
        }
    }
}

/// Lines, those that end in a backslash joined with the next, as `_assemble_line()` joins them.
fn lines(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut line = String::new();
    for part in text.lines().filter(|line| !is_remark(line)) {
        match part.trim_end().strip_suffix('\\') {
            Some(part) => {
                line.push_str(part);
                line.push(' ');
            }
            None => {
                line.push_str(part);
                found.push(std::mem::take(&mut line));
            }
        }
    }
    found.push(line);
    found
}

/// The files that a line includes: `@include FILE` of Debian, `TYPE include|substack FILE`.
fn included(target: &dyn Target, line: &str) -> Vec<PathBuf> {
    let mut words = line.split_whitespace();
    let keyword = |word: &str| ["@include", "include", "substack"].contains(&word);
    // pam.conf has the name of the service before the type.
    let Some(at) = words.clone().take(3).position(keyword) else { return Vec::new() };
    let Some(name) = words.nth(at.saturating_add(1)) else { return Vec::new() };
    if name.starts_with('/') {
        return vec![PathBuf::from(name)];
    }
    let places = STACKS.iter().map(|folder| Path::new(folder).join(name));
    places.filter(|path| !matches!(target.file(path), Ok(None))).take(1).collect()
}

/// One file of a stack; returns the files that it includes.
fn stack(target: &dyn Target, text: &str, shown: &str, items: &mut Items) -> Vec<PathBuf> {
    let mut waiting = Vec::new();
    for line in lines(text) {
        let more = included(target, &line);
        if !more.is_empty() {
            waiting.extend(more);
            continue;
        }
        if let Some(module) = line.split_whitespace().find(|word| word.ends_with(".so")) {
            load(target, &line, module, shown, items);
        }
    }
    waiting
}

/// The module of a line, and what its arguments name.
fn load(target: &dyn Target, line: &str, module: &str, shown: &str, items: &mut Items) {
    let why = format!("PAM module of {shown},");
    if module.starts_with('/') {
        command::add_program(target, Path::new(module), Context::new(&why), items);
    } else {
        let mut unread = Vec::new();
        for folder in MODULES {
            for path in glob3::expand(target, &format!("{folder}/{module}"), &mut unread) {
                items.add(path, &why);
            }
        }
        items.unread.extend(unread);
    }
    // A database or list of others that a module lets in by.
    for word in line.split_whitespace() {
        let Some((key, value)) = word.split_once('=') else { continue };
        if value.starts_with('/') && !matches!(key, "dir" | "log" | "motd") {
            items.add(value, format!("{key} of {module} in {shown},"));
            if key == "db" {
                items.add(format!("{value}.db"), format!("{key} of {module} in {shown},"));
            }
        }
    }
    // pam_exec runs what its arguments name.
    if module.ends_with("pam_exec.so") {
        let why = format!("run by pam_exec in {shown},");
        words(target, line, &why, items);
    }
}

//! What a running process has been made of: its executable, the libraries that are mapped into it,
//! its working directory, the script that an interpreter runs, and the variables of its environment
//! that decide what it loads. Values of the environment are looked at for paths and never shown.

use super::{Items, command, environment};
use crate::commands::Context;
use crate::facts::process::Process;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::redacted::Marked;
use crate::host::{Target, learn};
use crate::{formats, text};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The most lines of `maps`.
const MAPS: usize = 100_000;
/// The end of the kernel's name of a file that is no longer there.
const DELETED: &str = " (deleted)";

/// Adds what decides what a process does.
pub fn add(target: &dyn Target, process: &Process, items: &mut Items) {
    let pid = process.pid;
    match &process.exe {
        Ok(Some(exe)) if exe.hosts == Ok(false) => {}
        Ok(Some(exe)) => drop(items.add(&exe.path, "executable")),
        Ok(None) => return,
        Err(why) => items.unread.push(why.clone()),
    }
    // Its paths are not the host's: nothing can be concluded from the host's files of these names.
    if let Some(why) = elsewhere(process) {
        return items.unread.push(why);
    }
    // What was started before chroot(2) keeps its path; what is started later is looked up there.
    match target.file(Path::new(&format!("/proc/{pid}/root"))) {
        Ok(Some(fact)) => {
            if let Some(root) = fact.link_target.as_ref().filter(|root| *root != Path::new("/")) {
                items.add(root.clone(), "root directory");
            }
        }
        Ok(None) => {}
        Err(why) => items.unread.push(why),
    }
    match mapped(target, pid) {
        Ok(paths) => {
            for path in paths {
                items.add(path, "mapped library");
            }
        }
        Err(why) => items.unread.push(why),
    }
    let link = PathBuf::from(format!("/proc/{pid}/cwd"));
    match target.file(&link) {
        Ok(Some(fact)) => {
            if let Some(directory) = &fact.link_target
                && directory != Path::new("/")
            {
                items.add(directory.clone(), "working directory");
            }
        }
        Ok(None) => {}
        Err(why) => items.unread.push(why),
    }
    let path = variables(target, pid, items);
    arguments(target, process, &path, items);
}

/// Why the paths of a process are not those of the host.
fn elsewhere(process: &Process) -> Option<Unknown> {
    let foreign = matches!(&process.exe, Ok(Some(exe)) if exe.hosts == Ok(false));
    let why = match (&process.inside, process.container == Ok(true), foreign) {
        (Some(container), ..) => {
            format!("it is in a container, {container}, with files of its own")
        }
        (None, true, _) => "it is in a container with files of its own".to_owned(),
        (None, false, true) => "it has mounts of its own, with another program there".to_owned(),
        (None, false, false) => return None,
    };
    Some(Unknown::new(format!("files of process {}", process.pid), Cause::Unsupported(why)))
}

/// Files that are mapped and executable, `proc_pid_maps(5)`.
pub(super) fn mapped(target: &dyn Target, pid: u32) -> Fact<BTreeSet<PathBuf>> {
    let file = PathBuf::from(format!("/proc/{pid}/maps"));
    let Some(content) = target.read(&file)? else { return Ok(BTreeSet::new()) };
    let mut paths = BTreeSet::new();
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        if number > MAPS {
            let why = Cause::TooLarge(format!("more than {MAPS} lines"));
            return Err(Unknown::new(text::path(&file), why));
        }
        let Some((permissions, path)) = mapping(line) else { continue };
        // In the place of one that is gone its successor will be loaded.
        let path = path.strip_suffix(DELETED.as_bytes()).unwrap_or(path);
        if permissions.get(2) == Some(&b'x') {
            paths.insert(PathBuf::from(std::ffi::OsStr::from_bytes(&unescaped(path))));
        }
    }
    Ok(paths)
}

/// Permissions and path of a line: `start-end rwxp offset dev inode   /path`.
fn mapping(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = line;
    let mut fields = [b"".as_slice(); 5];
    for field in &mut fields {
        let end = rest.iter().position(|byte| *byte == b' ')?;
        *field = rest.get(..end)?;
        rest = rest.get(end..)?.trim_ascii_start();
    }
    (rest.first() == Some(&b'/')).then_some((fields[1], rest))
}

/// The kernel writes a newline in a path as `\012`.
fn unescaped(path: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        if rest.starts_with(b"\\012") {
            out.push(b'\n');
            rest = rest.get(4..).unwrap_or_default();
            continue;
        }
        out.push(*byte);
        rest = after;
    }
    out
}

/// Adds what variables name; the value of `PATH`. Of all others nothing is kept.
fn variables(target: &dyn Target, pid: u32, items: &mut Items) -> String {
    let mut path = command::PATH.to_owned();
    let file = PathBuf::from(format!("/proc/{pid}/environ"));
    let telling = learn(target, "environment", &file, |target| {
        let content = target.read(&file)?.unwrap_or_default();
        let variables = content.split(|byte| *byte == 0).map(String::from_utf8_lossy);
        let telling = variables.filter(|variable| environment::tells(variable));
        Ok(telling.map(Cow::into_owned).collect::<Vec<String>>())
    });
    match telling {
        Ok(variables) => {
            for variable in variables {
                environment::add_assignment(&variable, "the process", items);
                if let Some(value) = variable.strip_prefix("PATH=") {
                    path = value.to_owned();
                }
            }
        }
        Err(why) => items.unread.push(why),
    }
    path
}

/// The script of an interpreter, and configuration that is named in the arguments.
fn arguments(target: &dyn Target, process: &Process, path: &str, items: &mut Items) {
    let words = match &process.cmdline {
        Ok(words) => words,
        Err(why) => return items.unread.push(why.clone()),
    };
    let Ok(Some(exe)) = &process.exe else { return };
    let mut command = words.clone();
    if let Some(first) = command.first_mut() {
        *first = text::path(&exe.path);
    }
    let context = Context::new("the process").path(path).directory(directory(target, process.pid));
    command::add(target, &command, context, items);
    for word in words.iter().skip(1) {
        let value = word.split_once('=').map_or(word.as_str(), |(_, value)| value);
        let file = Path::new(value);
        if file.is_absolute() && formats::for_path(file).is_some() {
            add_configuration(target, file, None, items);
        }
    }
}

/// The working directory of a process, if it can be told.
fn directory(target: &dyn Target, pid: u32) -> Option<PathBuf> {
    let link = target.file(&PathBuf::from(format!("/proc/{pid}/cwd"))).ok().flatten()?;
    link.link_target.clone()
}

/// Adds a configuration file and all that it includes.
pub fn add_configuration(
    target: &dyn Target,
    file: &Path,
    format: Option<&'static formats::Format>,
    items: &mut Items,
) {
    items.add(file, "configuration");
    let Some(format) = format.or_else(|| formats::for_path(file)) else { return };
    let parsed = match target.read_marked(file) {
        Ok(Some(content)) => (format.parse)(&Marked(target), file, &content),
        Ok(None) => return,
        Err(why) => Err(why),
    };
    match parsed {
        Ok(settings) => {
            for included in settings.files {
                items.add(included, format!("configuration included by {}", text::path(file)));
            }
            items.unread.extend(settings.unread);
        }
        Err(why) => items.unread.push(why),
    }
}

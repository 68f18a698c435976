//! Which processes of plain data a [`Selector`] picks: the rules of the live host on whole facts.

use crate::facts::file::FileKind;
use crate::facts::process::{Cgroup, Container, FileId, Process, Selector};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, Selection};
use regex::Regex;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// The kernel keeps this many bytes of a name (`TASK_COMM_LEN` less the NUL).
const COMM_LENGTH: usize = 15;
/// The most symbolic links that one resolution follows (`MAXSYMLINKS`).
const LINK_LIMIT: usize = 40;
/// The most names that one resolution goes through.
const NAME_LIMIT: usize = 4096;

/// Processes by pid; unknown where one is there and nothing can be seen of it.
pub type Processes = BTreeMap<u32, Fact<Arc<Process>>>;

/// The processes that match, and those that may.
///
/// # Errors
/// Where the regular expression is not one.
pub fn select(selector: &Selector, processes: &Processes, files: &dyn Files) -> Fact<Selection> {
    let matcher = Matcher::new(selector, processes, files)?;
    let mut selection = Selection::default();
    for process in processes.values() {
        match process {
            Err(why) => selection.undecided.push(why.clone()),
            Ok(process) => match matcher.picks(process) {
                Ok(true) if matcher.leaves_out(process) => {
                    let unnamed = Container { name: String::new(), engine: "not known".into() };
                    let container = process.inside.clone().unwrap_or(unnamed);
                    let count = selection.left_out.entry(container).or_default();
                    *count = count.saturating_add(1);
                }
                Ok(true) => selection.processes.push(Arc::clone(process)),
                Ok(false) => {}
                Err(why) => selection.undecided.push(why),
            },
        }
    }
    Ok(selection)
}

/// Whether one process matches; one that is not there does not.
///
/// # Errors
/// Where it cannot be decided.
pub fn picks(
    selector: &Selector,
    pid: u32,
    processes: &Processes,
    files: &dyn Files,
) -> Fact<bool> {
    match processes.get(&pid) {
        None => Ok(false),
        Some(process) => {
            let process = process.as_ref().map_err(Clone::clone)?;
            let matcher = Matcher::new(selector, processes, files)?;
            Ok(matcher.picks(process)? && !matcher.leaves_out(process))
        }
    }
}

/// Where a path leads to, all links followed. `None`: nowhere.
///
/// # Errors
/// Where a name on the way cannot be looked up.
pub fn canonical(files: &dyn Files, path: &Path) -> Fact<Option<PathBuf>> {
    let too_many = || {
        let why = "too many levels of symbolic links".to_owned();
        Unknown::new(path.display().to_string(), Cause::Io(why))
    };
    let mut pending = names(path);
    let mut here = PathBuf::from("/");
    let mut links = 0;
    let mut steps = 0;
    while let Some(name) = pending.pop() {
        steps += 1;
        if steps > NAME_LIMIT {
            return Err(too_many());
        }
        if name == ".." {
            here.pop();
            continue;
        }
        here.push(&name);
        let Some(fact) = files.file(&here)? else { return Ok(None) };
        if let (FileKind::Symlink, Some(target)) = (fact.kind, &fact.link_target) {
            links += 1;
            if links > LINK_LIMIT {
                return Err(too_many());
            }
            pending.extend(names(target));
            if target.is_absolute() {
                here = PathBuf::from("/");
            } else {
                here.pop();
            }
        }
    }
    Ok(Some(here))
}

/// The names of a path, last one first, without `/` and `.`.
fn names(path: &Path) -> Vec<OsString> {
    let names = path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_os_string()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    });
    let mut names: Vec<OsString> = names.collect();
    names.reverse();
    names
}

/// Why a pid file that names process 1 does not tell which process is meant: process 1 of a container
/// writes 1 into its pid file, and everything descends from the host's.
pub fn of_another_namespace(selector: &Selector) -> Unknown {
    let why = "it names process 1, so that another pid namespace (a container) may have written \
               it; say with exe: or name: which process is meant";
    let file = selector.pid_file.as_deref().map(crate::text::path).unwrap_or_default();
    Unknown::new(file, Cause::Unsupported(why.to_owned()))
}

struct Matcher<'a> {
    selector: &'a Selector,
    processes: &'a Processes,
    /// Paths by which the executable may be known: as written, and where links lead.
    exes: Vec<PathBuf>,
    /// The file that the host has there.
    file: Option<FileId>,
    /// Why there may be other such paths.
    unresolved: Option<Unknown>,
    cmdline: Option<Regex>,
    /// The pid in the pid file, if one is asked for.
    main: Option<Fact<Option<u32>>>,
}

impl<'a> Matcher<'a> {
    fn new(selector: &'a Selector, processes: &'a Processes, files: &dyn Files) -> Fact<Self> {
        let regex = |text: &String| {
            let why = |error: regex::Error| Cause::Malformed(error.to_string());
            Regex::new(text).map_err(|error| Unknown::new(format!("cmdline: {text}"), why(error)))
        };
        let main = |path: &Path| Ok(files.read(path)?.and_then(|bytes| pid_file(&bytes)));
        let mut matcher = Self {
            selector,
            processes,
            exes: selector.exe.iter().cloned().collect(),
            file: None,
            unresolved: None,
            cmdline: selector.cmdline.as_ref().map(regex).transpose()?,
            main: selector.pid_file.as_deref().map(main),
        };
        if let Some(path) = &selector.exe {
            let at = canonical(files, path);
            if let Ok(Some(at)) = &at {
                let fact = files.file(at).ok().flatten();
                matcher.file = fact.map(|fact| FileId { device: fact.device, inode: fact.inode });
            }
            matcher.resolve(at);
            // The file itself may be gone.
            if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
                matcher.resolve(canonical(files, parent).map(|at| at.map(|at| at.join(name))));
            }
        }
        Ok(matcher)
    }

    fn resolve(&mut self, resolved: Fact<Option<PathBuf>>) {
        match resolved {
            Ok(path) => self.exes.extend(path),
            Err(why) => {
                self.unresolved.get_or_insert(why);
            }
        }
    }

    /// A known no outweighs an unknown.
    fn picks(&self, process: &Process) -> Fact<bool> {
        let wanted = self.selector;
        let cut =
            |name: &str| name.as_bytes().iter().take(COMM_LENGTH).copied().collect::<Vec<_>>();
        let named = |name: &String| cut(name) == cut(&process.comm);
        let criteria = [
            Ok(!process.kernel_thread),
            Ok(wanted.name.as_ref().is_none_or(named)),
            self.runs_program(process),
            self.is_in_unit(process),
            self.belongs_to_user(process),
            self.descends_from_main(process),
            self.has_arguments(process),
            self.may_count(process),
        ];
        let mut unknown = None;
        for criterion in criteria {
            match criterion {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Ok(true), Err)
    }

    /// Whether it is known if the process is a container's, where that matters.
    fn may_count(&self, process: &Process) -> Fact<bool> {
        match self.selector.containers || self.is_payload(process) {
            true => Ok(true),
            false => process.container.clone().map(|_| true),
        }
    }

    /// Whether a process that matches is left out, being a container's.
    fn leaves_out(&self, process: &Process) -> bool {
        !self.selector.containers && process.container == Ok(true) && !self.is_payload(process)
    }

    /// The container of a unit that is asked for by name (a quadlet) is what is meant.
    fn is_payload(&self, process: &Process) -> bool {
        let of_unit = |group: &Cgroup| group.is_payload_of_unit();
        self.selector.unit.is_some() && process.cgroup.as_ref().is_ok_and(of_unit)
    }

    fn runs_program(&self, process: &Process) -> Fact<bool> {
        if self.selector.exe.is_none() {
            return Ok(true);
        }
        let exe = process.exe.clone()?;
        let Some(exe) = exe else { return Ok(false) };
        let of_container = self.selector.containers && process.container == Ok(true);
        if of_container && self.exes.contains(&exe.path) {
            return Ok(true);
        }
        match (exe.is_program(&self.exes, self.file)?, &self.unresolved) {
            (false, Some(why)) if !self.exes.contains(&exe.path) => Err(why.clone()),
            (is, _) => Ok(is),
        }
    }

    fn is_in_unit(&self, process: &Process) -> Fact<bool> {
        let Some(unit) = &self.selector.unit else { return Ok(true) };
        let group = process.cgroup.clone()?;
        let supervises = group.is_supervisor() && process.comm == "conmon";
        Ok(group.unit.as_ref() == Some(unit) && !supervises)
    }

    fn belongs_to_user(&self, process: &Process) -> Fact<bool> {
        let Some(uid) = self.selector.uid else { return Ok(true) };
        let threads = process.threads.as_ref().map_err(Clone::clone)?;
        let main = threads.first().map(|thread| thread.uid);
        Ok(main.is_some_and(|ids| ids.real == uid || ids.effective == uid))
    }

    fn has_arguments(&self, process: &Process) -> Fact<bool> {
        let Some(regex) = &self.cmdline else { return Ok(true) };
        Ok(regex.is_match(&process.cmdline.clone()?.join(" ")))
    }

    /// The process of the pid file, or a descendant of it.
    fn descends_from_main(&self, process: &Process) -> Fact<bool> {
        let Some(main) = &self.main else { return Ok(true) };
        let Some(main) = main.clone()? else { return Ok(false) };
        if main == 1 && self.selector.is_by_pid_file_alone() {
            return Err(of_another_namespace(self.selector));
        }
        let mut current = process.pid;
        // Nobody can be a descendant over more generations than there are processes.
        for _ in 0..=self.processes.len() {
            // All descend from process 1, so that it is meant has to show in itself.
            if current == main && (main != 1 || process.pid == 1) {
                return Ok(true);
            }
            match self.processes.get(&current) {
                None => return Ok(false),
                Some(parent) => current = parent.clone()?.ppid,
            }
        }
        Ok(false)
    }
}

/// The pid in a pid file: its first line, as a number. Anything else names no process.
pub fn pid_file(bytes: &[u8]) -> Option<u32> {
    let line = bytes.split(|b| *b == b'\n').next()?.trim_ascii();
    if line.is_empty() || !line.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(line).ok()?.parse().ok().filter(|pid| *pid > 0)
}

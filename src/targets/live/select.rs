//! Which processes a [`Selector`] picks. Every criterion answers yes, no or unknown, and a known
//! no outweighs an unknown: without root a process may be told apart by its name although its
//! executable cannot be seen.

use crate::facts::process::{Container, FileId, Selector};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::select::{canonical, of_another_namespace, pid_file};
use crate::host::{Files, Selection};
use crate::targets::live::cgroup::Membership;
use crate::targets::live::parts::Parts;
use crate::targets::live::proc_file::Miss;
use crate::targets::live::processes::Processes;
use regex::Regex;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The kernel keeps this many bytes of a name (`TASK_COMM_LEN` less the NUL).
const COMM_LENGTH: usize = 15;
/// The most generations that are followed from a process to the one in a pid file.
const GENERATIONS: usize = 4096;
/// How often processes are listed again because some went before they were looked at.
const LOOKS: usize = 24;

/// A selector made ready for many comparisons.
pub(super) struct Matcher<'a> {
    selector: &'a Selector,
    name: Option<&'a [u8]>,
    exe: Option<Program>,
    cmdline: Option<Regex>,
    main: Option<Fact<Option<u32>>>,
}

/// An executable's path and the other names that the kernel may know it by.
struct Program {
    paths: Vec<PathBuf>,
    /// The file that the host has there now.
    file: Option<FileId>,
    /// Why there may be yet other names.
    unresolved: Option<Unknown>,
}

/// Whether a process matches.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    /// It matches in all but that it is a container's, and those were not asked for.
    Container(Container),
    Unknown(Unknown),
    /// It ended before it could be told. What it was may go on in a child that is not listed.
    Gone,
}

impl<'a> Matcher<'a> {
    /// # Errors
    /// Where the regular expression is not one.
    pub(super) fn new(selector: &'a Selector, files: &dyn Files) -> Fact<Self> {
        let cmdline = selector.cmdline.as_deref().map(|text| {
            let why = |error: regex::Error| Cause::Malformed(error.to_string());
            Regex::new(text).map_err(|error| Unknown::new(format!("cmdline: {text}"), why(error)))
        });
        Ok(Self {
            selector,
            name: selector.name.as_deref().map(|name| cut(name.as_bytes())),
            exe: selector.exe.as_deref().map(|path| Program::new(path, files)),
            cmdline: cmdline.transpose()?,
            main: selector
                .pid_file
                .as_deref()
                .map(|path| Ok(files.read(path)?.and_then(|bytes| pid_file(&bytes)))),
        })
    }

    /// Looks at every process, and again until a look has missed none.
    ///
    /// A program that forks and exits all the time is in every list under another pid, and gone when its
    /// turn comes. So a look counts only if everything that was listed was still there: then no line
    /// of descent has been missed. Later looks are at what is new alone, moments after it was listed.
    pub(super) fn select(&self, processes: &Processes) -> Fact<Selection> {
        let mut selection = Selection::default();
        let mut pids = processes.pids()?;
        for look in 1.. {
            let mut missed = false;
            for &pid in pids.iter() {
                missed |= self.look_at(processes, pid, &mut selection);
            }
            if !missed {
                break;
            }
            if look >= LOOKS {
                let what =
                    format!("a process that was gone before it was looked at, {LOOKS} times");
                selection.undecided.push(Unknown::new(what, Cause::Vanished));
                break;
            }
            pids = processes.list_again()?;
        }
        selection.processes.sort_by_key(|process| process.pid);
        Ok(selection)
    }

    /// Looks at one listed process. Returns whether it was missed: it had ended.
    fn look_at(&self, processes: &Processes, pid: u32, selection: &mut Selection) -> bool {
        let entry = processes.entry(pid);
        let mut answer = self.answer(processes, pid, &entry.parts());
        if answer == Answer::Yes {
            let first = entry.completed().is_none();
            match processes.complete(&entry) {
                Ok(Some(process)) => {
                    // It is complete now, from one moment: is it still what was looked for?
                    if first {
                        answer = self.answer(processes, pid, &entry.parts());
                    }
                    if answer == Answer::Yes {
                        selection.processes.push(process);
                    }
                }
                Ok(None) => answer = Answer::Gone,
                Err(unknown) => answer = Answer::Unknown(unknown),
            }
        }
        match answer {
            Answer::Unknown(unknown) => selection.undecided.push(unknown),
            Answer::Container(container) => {
                let count = selection.left_out.entry(container).or_default();
                *count = count.saturating_add(1);
            }
            Answer::Gone => {
                processes.forget(pid);
                return true;
            }
            Answer::Yes | Answer::No => {}
        }
        // A zombie has ended as well, but stays in the list: it is missed once.
        entry.parts().has_ended() && processes.is_first_seen_ended(pid)
    }

    /// Looks at one process, as a whole.
    pub(super) fn picks(&self, processes: &Processes, pid: u32) -> Fact<bool> {
        let entry = processes.entry(pid);
        if processes.complete(&entry)?.is_none() {
            return Ok(false);
        }
        match self.answer(processes, pid, &entry.parts()) {
            Answer::Yes => Ok(true),
            Answer::No | Answer::Container(_) | Answer::Gone => Ok(false),
            Answer::Unknown(unknown) => Err(unknown),
        }
    }

    /// Asks the criteria, cheap ones first, until one says no.
    fn answer(&self, processes: &Processes, pid: u32, parts: &Rc<Parts>) -> Answer {
        let criteria: [&dyn Fn() -> Answer; 7] = [
            &|| self.exe.as_ref().map_or(Answer::Yes, |exe| self.runs(exe, processes, parts)),
            &|| self.user_space(parts),
            &|| self.unit(processes, parts),
            &|| self.owner(parts),
            &|| self.main(processes, pid),
            &|| self.arguments(parts),
            &|| self.outside_containers(processes, parts),
        ];
        let mut result = Answer::Yes;
        for criterion in criteria {
            match criterion() {
                Answer::No => return Answer::No,
                // The last criterion: what is unknown of it matters no more.
                Answer::Container(container) if result != Answer::Gone => {
                    return Answer::Container(container);
                }
                Answer::Gone => result = Answer::Gone,
                Answer::Unknown(unknown) if result == Answer::Yes => {
                    result = Answer::Unknown(unknown);
                }
                _ => {}
            }
        }
        result
    }

    /// The program asked for. One that has been replaced still is what was started there. A path
    /// of a container counts where those are asked for.
    fn runs(&self, program: &Program, processes: &Processes, parts: &Parts) -> Answer {
        let running = match parts.exe() {
            Ok(Some(running)) => running,
            Ok(None) => return Answer::No,
            Err(miss) => return Answer::from_miss(miss),
        };
        if program.file.is_some() && running.file.as_ref().ok() == program.file.as_ref() {
            return Answer::Yes;
        }
        if !program.paths.contains(&running.path) {
            return program.unresolved.clone().map_or(Answer::No, Answer::Unknown);
        }
        if self.selector.containers && processes.container(parts).is_ok_and(|c| c.is_some()) {
            return Answer::Yes;
        }
        match processes.is_hosts(parts, running) {
            Ok(hosts) => Answer::from(hosts),
            Err(miss) => Answer::from_miss(&miss),
        }
    }

    /// No kernel thread, and the name asked for.
    fn user_space(&self, parts: &Parts) -> Answer {
        match parts.stat() {
            Ok(stat) => {
                let named = self.name.is_none_or(|name| name == cut(&stat.comm));
                Answer::from(!stat.kernel_thread && named)
            }
            Err(miss) => Answer::from_miss(miss),
        }
    }

    fn unit(&self, processes: &Processes, parts: &Parts) -> Answer {
        let Some(unit) = &self.selector.unit else { return Answer::Yes };
        match parts.cgroup() {
            // What a quadlet's unit is about is its container, not the supervisor of that.
            Ok(group) => {
                let group = processes.group(group.clone());
                let supervises = group.is_supervisor() && is_conmon(parts);
                Answer::from(group.unit.as_ref() == Some(unit) && !supervises)
            }
            Err(miss) => Answer::from_miss(miss),
        }
    }

    fn owner(&self, parts: &Parts) -> Answer {
        let Some(uid) = self.selector.uid else { return Answer::Yes };
        match parts.status() {
            Ok(status) => {
                let ids = status.thread.uid;
                Answer::from(ids.real == uid || ids.effective == uid)
            }
            Err(miss) => Answer::from_miss(miss),
        }
    }

    fn arguments(&self, parts: &Parts) -> Answer {
        let Some(regex) = &self.cmdline else { return Answer::Yes };
        match parts.cmdline() {
            Ok(arguments) => Answer::from(regex.is_match(&arguments.join(" "))),
            Err(miss) => Answer::from_miss(miss),
        }
    }

    /// The process of the pid file or a descendant of it.
    fn main(&self, processes: &Processes, pid: u32) -> Answer {
        let main = match &self.main {
            None => return Answer::Yes,
            Some(Ok(None)) => return Answer::No,
            Some(Ok(Some(main))) => *main,
            Some(Err(unknown)) => return Answer::Unknown(unknown.clone()),
        };
        if main == 1 && self.selector.is_by_pid_file_alone() {
            return Answer::Unknown(of_another_namespace(self.selector));
        }
        let mut current = pid;
        for _ in 0..GENERATIONS {
            // All descend from process 1, so that it is meant has to show in itself.
            if current == main && (main != 1 || pid == 1) {
                return Answer::Yes;
            }
            match processes.entry(current).parts().stat() {
                Ok(stat) if stat.ppid == 0 => return Answer::No,
                Ok(stat) => current = stat.ppid,
                Err(miss) => return Answer::from_miss(miss),
            }
        }
        Answer::No
    }

    fn outside_containers(&self, processes: &Processes, parts: &Parts) -> Answer {
        if self.selector.containers {
            return Answer::Yes;
        }
        // The container of a unit that was asked for by name (a quadlet) is what is meant.
        let payload = |group: &Membership| processes.group(group.clone()).is_payload_of_unit();
        if self.selector.unit.is_some() && parts.cgroup().as_ref().is_ok_and(payload) {
            return Answer::Yes;
        }
        match processes.container(parts) {
            Ok(container) => container.map_or(Answer::Yes, Answer::Container),
            Err(miss) => Answer::from_miss(&miss),
        }
    }
}

impl Answer {
    fn from(yes: bool) -> Self {
        if yes { Answer::Yes } else { Answer::No }
    }

    fn from_miss(miss: &Miss) -> Self {
        match miss {
            Miss::Gone => Answer::Gone,
            Miss::Unknown(unknown) => Answer::Unknown(unknown.clone()),
        }
    }
}

impl Program {
    /// The kernel knows an executable by its path without symbolic links, so `/sbin/nginx` of a
    /// policy has to be found as `/usr/sbin/nginx`, and `/usr/bin/python3` as what that leads to.
    /// The directory is resolved on its own as well, since the file itself may be gone.
    fn new(path: &Path, files: &dyn Files) -> Self {
        let mut program = Self { paths: vec![path.to_owned()], file: None, unresolved: None };
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name()) {
            program.resolve(files, parent, Some(name));
        }
        program.resolve(files, path, None);
        program
    }

    fn resolve(&mut self, files: &dyn Files, path: &Path, name: Option<&OsStr>) {
        match canonical(files, path) {
            Ok(None) => {}
            Ok(Some(mut resolved)) => {
                match name {
                    Some(name) => resolved.push(name),
                    None => {
                        let file = files.file(&resolved).ok().flatten();
                        self.file =
                            file.map(|fact| FileId { device: fact.device, inode: fact.inode });
                    }
                }
                if !self.paths.contains(&resolved) {
                    self.paths.push(resolved);
                }
            }
            Err(why) => {
                self.unresolved.get_or_insert(why);
            }
        }
    }
}

/// `conmon`, which supervises a container of Podman or CRI-O.
fn is_conmon(parts: &Parts) -> bool {
    parts.stat().as_ref().is_ok_and(|stat| stat.comm == b"conmon")
}

/// As much of a name as the kernel keeps.
fn cut(name: &[u8]) -> &[u8] {
    name.get(..COMM_LENGTH).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pid_file_holds_one_number() {
        assert_eq!(pid_file(b"42\n"), Some(42));
        assert_eq!(pid_file(b" 42 "), Some(42));
        assert_eq!(pid_file(b"42\n/var/lib/postgresql\n5432\n"), Some(42));
        for garbage in ["", "\n", "0", "-1", "+1", "42a", "nginx", "99999999999"] {
            assert_eq!(pid_file(garbage.as_bytes()), None, "{garbage}");
        }
    }

    #[test]
    fn names_are_compared_as_far_as_the_kernel_keeps_them() {
        assert_eq!(cut(b"systemd-resolved"), cut(b"systemd-resolve"));
        assert_ne!(cut(b"nginx"), cut(b"nginx2"));
    }

    #[test]
    fn a_linked_directory_is_another_name_of_the_same_program() {
        let dir = tempfile::tempdir().unwrap();
        let base = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(base.join("usr/sbin")).unwrap();
        std::os::unix::fs::symlink("usr/sbin", base.join("sbin")).unwrap();
        std::fs::write(base.join("usr/sbin/nginx1"), "").unwrap();
        std::os::unix::fs::symlink("nginx1", base.join("usr/sbin/nginx")).unwrap();
        let host = crate::targets::live::Live::new();
        let program = Program::new(&base.join("sbin/nginx"), &host);
        let names = ["sbin/nginx", "usr/sbin/nginx", "usr/sbin/nginx1"];
        assert_eq!(program.paths, names.map(|name| base.join(name)));
        // The file may be gone: it has been replaced, say.
        let program = Program::new(&base.join("sbin/gone"), &host);
        assert_eq!(program.paths, ["sbin/gone", "usr/sbin/gone"].map(|name| base.join(name)));
        assert!(program.unresolved.is_none());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = pid_file(&bytes);
        }
    }
}

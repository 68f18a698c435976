//! A target that gives recorded answers again, and others only where they follow from recorded ones.

use crate::facts::account::{Accounts, Group, User};
use crate::facts::file::{Acl, FileCapabilities, FileFact, FileKind, Match, Protection};
use crate::facts::host::{Host, TargetKind};
use crate::facts::image::{Image, Layer};
use crate::facts::listener::{Holders, Listener};
use crate::facts::package::Packages;
use crate::facts::process::{Process, Selector};
use crate::facts::raw_bytes::RawBytes;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::memo::Memo;
use crate::host::select::Processes;
use crate::host::{Files, Selection, Target, match_in, select};
use crate::targets::recording::answers::Picked;
use crate::targets::recording::{Recording, basics, not_recorded};
use crate::text;
use regex::Regex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// A recording, as a target.
pub struct Playback {
    recording: Arc<Recording>,
    memo: Memo,
    /// The first question without an answer.
    gap: RefCell<Option<Unknown>>,
}

impl Playback {
    /// Plays a recording.
    pub fn new(mut recording: Recording) -> Self {
        recording.host.recorded = Some(recording.time);
        Self::of(Arc::new(recording))
    }

    fn of(recording: Arc<Recording>) -> Self {
        let packages = recording.packages.clone().map(|packages| packages.map(Arc::new));
        let memo = Memo::default();
        if let Some(packages) = packages {
            memo.set::<Fact<Arc<Packages>>>(packages);
        }
        Self { recording, memo, gap: RefCell::default() }
    }

    /// That there is no answer.
    fn lacks<T>(&self, what: impl Into<String>) -> Fact<T> {
        not_recorded(what).map_err(|why| self.noted(why))
    }

    fn noted(&self, why: Unknown) -> Unknown {
        self.gap.borrow_mut().get_or_insert_with(|| why.clone());
        why
    }

    /// A recorded answer, which may be that it was left out.
    fn given<A>(&self, answer: Fact<A>) -> Fact<A> {
        answer.map_err(|why| match why.cause {
            Cause::NotRecorded(_) => self.noted(why),
            _ => why,
        })
    }

    /// There is nothing at this path, which follows from another answer: what is below something
    /// that does not exist, or below a file, does not exist either.
    fn is_below_nothing(&self, path: &Path) -> bool {
        self.is_no_program(path)
            || path.ancestors().skip(1).any(|above| {
                match self.recording.answers.file.0.get(&RawBytes::of(above)) {
                    Some(Ok(None)) => true,
                    Some(Ok(Some(fact))) => {
                        !matches!(fact.kind, FileKind::Directory | FileKind::Symlink)
                    }
                    _ => false,
                }
            })
    }

    /// Its folder is one of those that were looked through as a whole, and does not have it. Of other
    /// folders nothing follows: names that `/proc` or an automounter do not list may exist.
    fn is_no_program(&self, path: &Path) -> bool {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        let names = self.recording.answers.list.0.get(&RawBytes::of(folder));
        basics::PROGRAMS.iter().any(|known| Path::new(known) == folder)
            && matches!(names, Some(Ok(Some(names))) if !names.0.iter().any(|one| one == name))
    }

    /// Content, if nothing of it was left out.
    fn unmarked(&self, path: &Path, content: Option<Arc<Vec<u8>>>) -> Fact<Option<Arc<Vec<u8>>>> {
        let mark = self.recording.mark.as_bytes();
        if content.as_ref().is_some_and(|content| find(content, mark).is_some()) {
            let why = "there are secrets in it, which the recording was made without".to_owned();
            return Err(self.noted(Unknown::new(text::path(path), Cause::NotRecorded(why))));
        }
        Ok(content)
    }

    /// The answer to a question about what stands at a path that nobody asked: there is no answer,
    /// unless there is no file.
    fn of_file<T>(&self, path: &Path) -> Fact<Option<T>> {
        match self.file(path) {
            Ok(None) => Ok(None),
            _ => self.lacks(text::path(path)),
        }
    }

    /// Whether users and groups are those of the account files and no others: nobody can be asked
    /// about an image.
    fn has_files_only(&self) -> bool {
        self.recording.host.kind == TargetKind::Image
    }

    fn selection(&self, picked: Picked) -> Selection {
        let Picked { pids, mut undecided, hidden, left_out } = picked;
        let mut processes = Vec::new();
        for pid in pids {
            match self.process(pid) {
                Ok(Some(process)) => processes.push(process),
                Ok(None) => {}
                Err(why) => undecided.push(why),
            }
        }
        let left_out = left_out.into_iter().collect();
        Selection { processes, undecided, hidden, left_out }
    }

    /// Every process of user space.
    fn everything(&self) -> Fact<Selection> {
        match self.recording.answers.processes.get(&Selector::everything()) {
            Some(picked) => Ok(self.selection(picked?)),
            None => self.lacks("processes"),
        }
    }
}

fn by_pid(selection: &Selection) -> Processes {
    let processes = selection.processes.iter();
    processes.map(|process| (process.pid, Ok(Arc::clone(process)))).collect()
}

impl Files for Playback {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        match self.recording.answers.file.get(&RawBytes::of(path)) {
            Some(answer) => answer,
            None if self.is_below_nothing(path) => Ok(None),
            None => self.lacks(text::path(path)),
        }
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        let known = self.recording.answers.acl.get(&RawBytes::of(path));
        known.unwrap_or_else(|| self.of_file(path))
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        let known = self.recording.answers.file_capabilities.get(&RawBytes::of(path));
        known.unwrap_or_else(|| self.of_file(path))
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.unmarked(path, self.read_marked(path)?)
    }

    fn read_marked(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        match self.recording.answers.read.get(&RawBytes::of(path)) {
            Some(answer) => Ok(self.given(answer)?.map(|content| content.0)),
            None => self.of_file(path),
        }
    }

    fn mark(&self) -> Option<&str> {
        Some(self.recording.mark.as_str()).filter(|mark| !mark.is_empty())
    }

    fn first_match(&self, path: &Path, regex: &Regex) -> Fact<Option<Match>> {
        let question = (RawBytes::of(path), regex.as_str().to_owned());
        let known = self.recording.answers.first_match.get(&question);
        known.unwrap_or_else(|| Ok(self.read(path)?.map(|content| match_in(&content, regex))))
    }

    fn read_up_to(&self, path: &Path, _limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        match self.recording.answers.read_up_to.get(&RawBytes::of(path)) {
            Some(answer) => self.unmarked(path, self.given(answer)?.map(|content| content.0)),
            None => self.read(path),
        }
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        match self.recording.answers.list.get(&RawBytes::of(path)) {
            Some(answer) => Ok(answer?.map(|names| names.0)),
            None => self.of_file(path),
        }
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        let known = self.recording.answers.sha256.get(&RawBytes::of(path));
        known.unwrap_or_else(|| {
            let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            Ok(self.read(path)?.map(|content| hex(&Sha256::digest(content.as_slice()))))
        })
    }

    fn mountinfo(&self) -> Fact<&'static str> {
        const KNOWN: [&str; 2] = ["/proc/self/mountinfo", "/proc/1/mountinfo"];
        let Some(file) = self.recording.answers.mountinfo.get(&()) else {
            return self.lacks("mounts");
        };
        let file = self.given(file)?;
        let known = KNOWN.iter().find(|known| **known == file);
        known.copied().map_or_else(|| self.lacks(file), Ok)
    }

    fn root_directory(&self) -> Fact<Option<OwnedFd>> {
        self.lacks("all files")
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        let known = self.recording.answers.protection.get(&RawBytes::of(path));
        known.unwrap_or_else(|| self.lacks(text::path(path)))
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        let known = self.recording.answers.read_only.get(&RawBytes::of(path));
        known.unwrap_or_else(|| self.lacks(text::path(path)))
    }
}

impl Target for Playback {
    fn host(&self) -> &Host {
        &self.recording.host
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn processes(&self, selector: &Selector) -> Fact<Selection> {
        if let Some(picked) = self.recording.answers.processes.get(selector) {
            return Ok(self.selection(picked?));
        }
        let everything = self.everything()?;
        let mut selection = select::select(selector, &by_pid(&everything), self)?;
        selection.undecided.extend(everything.undecided);
        selection.hidden = everything.hidden;
        Ok(selection)
    }

    fn is_picked(&self, pid: u32, selector: &Selector) -> Fact<bool> {
        let question = (pid, selector.clone());
        self.recording.answers.is_picked.get(&question).unwrap_or_else(|| {
            // A process that was not seen is not one that is gone.
            let mut processes = by_pid(&self.everything()?);
            processes.entry(pid).or_insert_with(|| self.lacks(format!("process {pid}")));
            select::picks(selector, pid, &processes, self)
        })
    }

    fn process(&self, pid: u32) -> Fact<Option<Arc<Process>>> {
        let known = self.recording.answers.process.get(&pid);
        known.unwrap_or_else(|| self.lacks(format!("process {pid}")))
    }

    fn listeners(&self) -> Fact<Arc<Vec<Listener>>> {
        let known = self.recording.answers.listeners.get(&());
        known.unwrap_or_else(|| self.lacks("listening sockets"))
    }

    fn holders(&self, inodes: &BTreeSet<u32>) -> Fact<Arc<BTreeMap<u32, Holders>>> {
        let mut all = BTreeMap::new();
        for inode in inodes {
            match self.recording.answers.holders.get(inode) {
                Some(holders) => all.extend(holders?.map(|holders| (*inode, holders))),
                None => return self.lacks(format!("holders of socket {inode}")),
            }
        }
        Ok(Arc::new(all))
    }

    fn accounts(&self) -> Fact<Arc<Accounts>> {
        let known = self.recording.answers.accounts.get(&());
        known.unwrap_or_else(|| self.lacks("accounts"))
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        self.recording.answers.user.get(&name.to_owned()).unwrap_or_else(|| {
            match self.accounts()?.user(name) {
                None if !self.has_files_only() => self.lacks(format!("user {name}")),
                user => Ok(user.cloned()),
            }
        })
    }

    fn user_by_id(&self, uid: u32) -> Fact<Option<User>> {
        self.recording.answers.user_by_id.get(&uid).unwrap_or_else(|| {
            match self.accounts()?.user_by_id(uid) {
                None if !self.has_files_only() => self.lacks(format!("user {uid}")),
                user => Ok(user.cloned()),
            }
        })
    }

    fn group(&self, name: &str) -> Fact<Option<Group>> {
        self.recording.answers.group.get(&name.to_owned()).unwrap_or_else(|| {
            match self.accounts()?.group(name) {
                None if !self.has_files_only() => self.lacks(format!("group {name}")),
                group => Ok(group.cloned()),
            }
        })
    }

    fn group_by_id(&self, gid: u32) -> Fact<Option<Group>> {
        self.recording.answers.group_by_id.get(&gid).unwrap_or_else(|| {
            match self.accounts()?.group_by_id(gid) {
                None if !self.has_files_only() => self.lacks(format!("group {gid}")),
                group => Ok(group.cloned()),
            }
        })
    }

    fn groups_of(&self, user: &User) -> Fact<BTreeSet<u32>> {
        let question = (user.name.clone(), user.gid);
        self.recording.answers.groups_of.get(&question).unwrap_or_else(|| {
            if !self.has_files_only() {
                return self.lacks(format!("groups of {}", user.name));
            }
            let accounts = self.accounts()?;
            let member = |group: &&Group| group.members.contains(&user.name);
            let groups = accounts.groups.iter().filter(member).map(|group| group.gid);
            Ok(groups.chain([user.gid]).collect())
        })
    }

    fn learn(
        &self,
        kind: &'static str,
        path: &Path,
        _ask: &mut dyn FnMut(&dyn Target) -> Fact<Value>,
    ) -> Option<Fact<Value>> {
        let answer = self.recording.answers.learn.get(&(kind.to_owned(), RawBytes::of(path)));
        let lacks = || self.lacks(format!("{kind} of {}", text::path(path)));
        Some(answer.map_or_else(lacks, |answer| self.given(answer)))
    }

    fn afresh(&self) -> Option<Box<dyn Target + '_>> {
        Some(Box::new(Self::of(Arc::clone(&self.recording))))
    }

    fn gap(&self) -> Option<Unknown> {
        self.gap.borrow().clone()
    }

    fn image(&self) -> Option<&Image> {
        self.recording.image.as_ref()
    }

    fn layer(&self, path: &Path) -> Option<Layer> {
        self.recording.answers.layer.get(&RawBytes::of(path))?.ok().flatten()
    }
}

/// Where some bytes stand in others.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() {
        return None;
    }
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

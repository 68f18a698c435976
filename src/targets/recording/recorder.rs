//! A target that passes every question on to another one and keeps the answer.

use crate::facts::account::{Accounts, Group, User};
use crate::facts::file::{Acl, FileCapabilities, FileFact, Match, Protection};
use crate::facts::host::Host;
use crate::facts::image::{Image, Layer};
use crate::facts::listener::{Holders, Listener};
use crate::facts::package::Packages;
use crate::facts::process::{Process, Selector};
use crate::facts::raw_bytes::RawBytes;
use crate::facts::{Fact, Unknown};
use crate::host::memo::Memo;
use crate::host::{Files, Selection, Target};
use crate::targets::recording::answers::{Answers, Picked, Table};
use crate::targets::recording::contents::{Content, Names};
use crate::targets::recording::{Recording, VERSION, redact};
use regex::Regex;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// A target that is being recorded.
pub struct Recorder<'a> {
    target: &'a dyn Target,
    answers: RefCell<Answers>,
    /// Made anew, so that the files which facts follow from are asked for through here.
    memo: Memo,
}

impl<'a> Recorder<'a> {
    /// Records this target.
    pub fn new(target: &'a dyn Target) -> Self {
        Self { target, answers: RefCell::default(), memo: Memo::default() }
    }

    /// All answers so far, without secrets. `arguments`: with those of processes.
    pub fn finish(self, time: i64, arguments: bool) -> Recording {
        let mut recording = Recording {
            version: VERSION,
            made_by: env!("CARGO_PKG_VERSION").to_owned(),
            time,
            mark: String::new(),
            host: self.target.host().clone(),
            image: self.target.image().cloned(),
            packages: self
                .memo
                .get::<Fact<Arc<Packages>>>()
                .map(|packages| Ok((*packages?).clone())),
            answers: self.answers.into_inner(),
        };
        redact::redact(&mut recording, arguments);
        recording
    }

    /// How many questions have been answered.
    pub fn count(&self) -> usize {
        self.answers.borrow().count()
    }

    /// The paths of files that were found so far.
    pub fn found(&self) -> Vec<RawBytes> {
        let answers = self.answers.borrow();
        let found = answers.file.0.iter().filter(|(_, fact)| matches!(fact, Ok(Some(_))));
        found.map(|(path, _)| path.clone()).collect()
    }

    /// Answers as before, or asks and keeps what is said.
    fn kept<Q: Ord, A: Clone>(
        &self,
        table: fn(&mut Answers) -> &mut Table<Q, A>,
        question: Q,
        ask: impl FnOnce() -> Fact<A>,
    ) -> Fact<A> {
        let known = table(&mut self.answers.borrow_mut()).get(&question);
        known.unwrap_or_else(|| {
            let answer = ask();
            table(&mut self.answers.borrow_mut()).put(question, answer.clone());
            answer
        })
    }

    fn keep_process(&self, pid: u32, process: Fact<Option<Arc<Process>>>) {
        self.answers.borrow_mut().process.put(pid, process);
    }
}

impl Files for Recorder<'_> {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        self.kept(|all| &mut all.file, RawBytes::of(path), || self.target.file(path))
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        self.kept(|all| &mut all.acl, RawBytes::of(path), || self.target.acl(path))
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        let ask = || self.target.file_capabilities(path);
        self.kept(|all| &mut all.file_capabilities, RawBytes::of(path), ask)
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        let ask = || Ok(self.target.read(path)?.map(Content));
        Ok(self.kept(|all| &mut all.read, RawBytes::of(path), ask)?.map(|content| content.0))
    }

    fn first_match(&self, path: &Path, regex: &Regex) -> Fact<Option<Match>> {
        let question = (RawBytes::of(path), regex.as_str().to_owned());
        let ask = || Ok(self.read(path)?.map(|content| crate::host::match_in(&content, regex)));
        self.kept(|all| &mut all.first_match, question, ask)
    }

    fn read_up_to(&self, path: &Path, limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        let answer = self.target.read_up_to(path, limit);
        // Programs and databases are not kept: what is learnt from them is.
        let is_text = |content: &Arc<Vec<u8>>| !content.contains(&0);
        if let Ok(content) = &answer
            && content.as_ref().is_none_or(is_text)
        {
            let content = content.clone().map(Content);
            self.answers.borrow_mut().read_up_to.put(RawBytes::of(path), Ok(content));
        }
        answer
    }

    /// Parts of programs; who looks at them has to [`learn`](crate::host::learn).
    fn part(&self, path: &Path, offset: u64, length: usize) -> Fact<Option<Vec<u8>>> {
        self.target.part(path, offset, length)
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        let ask = || Ok(self.target.list(path)?.map(Names));
        Ok(self.kept(|all| &mut all.list, RawBytes::of(path), ask)?.map(|names| names.0))
    }

    fn mountinfo(&self) -> Fact<&'static str> {
        let answer = self.target.mountinfo();
        self.answers.borrow_mut().mountinfo.put((), answer.clone().map(str::to_owned));
        answer
    }

    /// Whoever looks through it looks past the recorder, and has to [`learn`](crate::host::learn).
    fn root_directory(&self) -> Fact<Option<OwnedFd>> {
        self.target.root_directory()
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        self.kept(|all| &mut all.sha256, RawBytes::of(path), || self.target.sha256(path))
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        self.kept(|all| &mut all.protection, RawBytes::of(path), || self.target.protection(path))
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        self.kept(|all| &mut all.read_only, RawBytes::of(path), || self.target.read_only(path))
    }
}

impl Target for Recorder<'_> {
    fn host(&self) -> &Host {
        self.target.host()
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn processes(&self, selector: &Selector) -> Fact<Selection> {
        let answer = self.target.processes(selector);
        let picked = answer.as_ref().map_err(Clone::clone).map(|selection| Picked {
            pids: selection.processes.iter().map(|process| process.pid).collect(),
            undecided: selection.undecided.clone(),
            hidden: selection.hidden.clone(),
            left_out: selection.left_out.clone().into_iter().collect(),
        });
        self.answers.borrow_mut().processes.put(selector.clone(), picked);
        for process in answer.iter().flat_map(|selection| &selection.processes) {
            self.keep_process(process.pid, Ok(Some(Arc::clone(process))));
        }
        answer
    }

    fn is_picked(&self, pid: u32, selector: &Selector) -> Fact<bool> {
        let ask = || self.target.is_picked(pid, selector);
        self.kept(|all| &mut all.is_picked, (pid, selector.clone()), ask)
    }

    fn process(&self, pid: u32) -> Fact<Option<Arc<Process>>> {
        self.kept(|all| &mut all.process, pid, || self.target.process(pid))
    }

    fn listeners(&self) -> Fact<Arc<Vec<Listener>>> {
        self.kept(|all| &mut all.listeners, (), || self.target.listeners())
    }

    fn holders(&self, inodes: &BTreeSet<u32>) -> Fact<Arc<BTreeMap<u32, Holders>>> {
        let answer = self.target.holders(inodes);
        let mut answers = self.answers.borrow_mut();
        match &answer {
            Ok(holders) => {
                for inode in inodes.iter().chain(holders.keys()) {
                    answers.holders.put(*inode, Ok(holders.get(inode).cloned()));
                }
            }
            Err(why) => inodes.iter().for_each(|i| answers.holders.put(*i, Err(why.clone()))),
        }
        answer
    }

    fn accounts(&self) -> Fact<Arc<Accounts>> {
        self.kept(|all| &mut all.accounts, (), || self.target.accounts())
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        self.kept(|all| &mut all.user, name.to_owned(), || self.target.user(name))
    }

    fn user_by_id(&self, uid: u32) -> Fact<Option<User>> {
        self.kept(|all| &mut all.user_by_id, uid, || self.target.user_by_id(uid))
    }

    fn group(&self, name: &str) -> Fact<Option<Group>> {
        self.kept(|all| &mut all.group, name.to_owned(), || self.target.group(name))
    }

    fn group_by_id(&self, gid: u32) -> Fact<Option<Group>> {
        self.kept(|all| &mut all.group_by_id, gid, || self.target.group_by_id(gid))
    }

    fn groups_of(&self, user: &User) -> Fact<BTreeSet<u32>> {
        let question = (user.name.clone(), user.gid);
        self.kept(|all| &mut all.groups_of, question, || self.target.groups_of(user))
    }

    fn learn(
        &self,
        kind: &'static str,
        path: &Path,
        ask: &mut dyn FnMut(&dyn Target) -> Fact<Value>,
    ) -> Option<Fact<Value>> {
        let question = (kind.to_owned(), RawBytes::of(path));
        Some(self.kept(|all| &mut all.learn, question, || ask(self.target)))
    }

    fn afresh(&self) -> Option<Box<dyn Target + '_>> {
        None
    }

    fn gap(&self) -> Option<Unknown> {
        None
    }

    fn image(&self) -> Option<&Image> {
        self.target.image()
    }

    fn layer(&self, path: &Path) -> Option<Layer> {
        // Only images have layers.
        self.target.image()?;
        let ask = || Ok(self.target.layer(path));
        self.kept(|all| &mut all.layer, RawBytes::of(path), ask).ok().flatten()
    }
}

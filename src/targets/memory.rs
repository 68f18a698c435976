//! A host made of plain data: what checks are tested with, examples and fuzzing too.
//!
//! Everything that a [`Target`] can be asked is said beforehand, known or unknown, through methods
//! that can be chained. What nothing was said about does not exist: no process, no listener, no
//! account; of files there is `/` alone.
//!
//! ```
//! use spotcheck::targets::memory::{Memory, Running};
//!
//! let host = Memory::new()
//!     .user("nginx", 101, 101)
//!     .file("/etc/nginx/nginx.conf", 0o640, 101, 101, "user nginx;")
//!     .process(Running::program(10, "/usr/sbin/nginx"))
//!     .process(Running::program(11, "/usr/sbin/nginx").owned_by(101, 101).child_of(10))
//!     .tcp(([0, 0, 0, 0], 8080), 7001, &[10, 11]);
//! ```

mod account;
mod running;
mod tree;

pub use crate::targets::memory::running::Running;

use crate::facts::account::{Accounts, Group, User};
use crate::facts::file::{Acl, FileCapabilities, FileFact, FileKind, Protection};
use crate::facts::host::{Host, Privilege, TargetKind};
use crate::facts::listener::{Holders, Listener, Protocol};
use crate::facts::process::{Process, Selector};
use crate::facts::{Fact, Unknown};
use crate::host::memo::Memo;
use crate::host::{Files, Selection, Target, select};
use crate::targets::memory::tree::{Tree, fact};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

/// A host of plain data.
#[derive(Clone, Debug)]
pub struct Memory {
    files: Tree,
    host: Host,
    /// By pid; unknown where the process is there and nothing can be seen of it.
    processes: BTreeMap<u32, Fact<Arc<Process>>>,
    hidden: Option<Unknown>,
    listeners: Fact<Vec<Listener>>,
    holders: BTreeMap<u32, Holders>,
    accounts: Fact<Accounts>,
    /// What the name service switch knows beyond the files.
    nss: account::Directory,
    memo: Memo,
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

/// What it is.
impl Memory {
    /// A host with nothing on it, looked at by root.
    pub fn new() -> Self {
        Self {
            files: Tree::new(),
            host: Host {
                name: "memory".into(),
                kind: TargetKind::Host,
                kernel: None,
                os_release: Vec::new(),
                privilege: Privilege { uid: 0, full: true },
                recorded: None,
                inside: None,
            },
            processes: BTreeMap::new(),
            hidden: None,
            listeners: Ok(Vec::new()),
            holders: BTreeMap::new(),
            accounts: Ok(Accounts {
                elsewhere: Ok(Vec::new()),
                users: Vec::new(),
                groups: Vec::new(),
                shadow: Ok(Vec::new()),
                malformed: Vec::new(),
            }),
            nss: account::Directory::default(),
            memo: Memo::default(),
        }
    }

    /// Adds a line of `os-release(5)`.
    pub fn os_release(mut self, key: &str, value: &str) -> Self {
        self.host.os_release.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Says which kernel runs, as `uname -r` would.
    pub fn kernel(mut self, release: &str) -> Self {
        self.host.kernel = Some(release.to_owned());
        self
    }

    /// Says that this is an image, not a running host.
    pub fn image(mut self) -> Self {
        self.host.kind = TargetKind::Image;
        self
    }

    /// Says with which rights it is looked at. What is hidden from them has to be said by itself.
    pub fn seen_by(mut self, uid: u32, full: bool) -> Self {
        self.host.privilege = Privilege { uid, full };
        self
    }
}

/// Files.
impl Memory {
    /// Adds a regular file.
    pub fn file(
        mut self,
        path: impl AsRef<Path>,
        mode: u16,
        uid: u32,
        gid: u32,
        content: impl AsRef<[u8]>,
    ) -> Self {
        let file = fact(FileKind::File, mode, uid, gid);
        self.files.add(path.as_ref(), file, content.as_ref().to_vec());
        self.memo = Memo::default();
        self
    }

    /// Adds a directory.
    pub fn dir(mut self, path: impl AsRef<Path>, mode: u16, uid: u32, gid: u32) -> Self {
        self.files.add(path.as_ref(), fact(FileKind::Directory, mode, uid, gid), Vec::new());
        self.memo = Memo::default();
        self
    }

    /// Adds a symbolic link.
    pub fn symlink(mut self, path: impl AsRef<Path>, target: impl AsRef<Path>) -> Self {
        let mut link = fact(FileKind::Symlink, 0o777, 0, 0);
        link.link_target = Some(target.as_ref().to_path_buf());
        self.files.add(path.as_ref(), link, Vec::new());
        self.memo = Memo::default();
        self
    }

    /// Adds a file of a kind that has no content, such as a FIFO or a device.
    pub fn special(mut self, path: impl AsRef<Path>, kind: FileKind, mode: u16) -> Self {
        self.files.add(path.as_ref(), fact(kind, mode, 0, 0), Vec::new());
        self.memo = Memo::default();
        self
    }

    /// Changes owner and group of what has been added.
    pub fn owned(mut self, path: impl AsRef<Path>, uid: u32, gid: u32) -> Self {
        self.files.own(path.as_ref(), uid, gid);
        self
    }

    /// Gives a file capabilities that count at once, one bit each.
    pub fn capable(mut self, path: impl AsRef<Path>, permitted: u64) -> Self {
        let capabilities =
            FileCapabilities { permitted, inheritable: 0, effective: true, root: None };
        self.files.set_capabilities(path.as_ref(), capabilities);
        self
    }

    /// Gives a file an extended access control list.
    pub fn with_acl(mut self, path: impl AsRef<Path>, acl: Acl) -> Self {
        self.files.set_acl(path.as_ref(), acl);
        self
    }

    /// Makes the reader of this filesystem be refused (`EACCES`) here: a file cannot be read, a
    /// directory neither be listed nor be passed.
    pub fn unreadable(mut self, path: impl AsRef<Path>) -> Self {
        self.files.refuse(path.as_ref());
        self.memo = Memo::default();
        self
    }

    /// Sets flags as `chattr(1)` does.
    pub fn protected(mut self, path: impl AsRef<Path>, protection: Protection) -> Self {
        self.files.protect(path.as_ref(), protection);
        self
    }

    /// Mounts everything at and below this path read-only.
    pub fn mounted_read_only(mut self, path: impl AsRef<Path>) -> Self {
        self.files.mount_read_only(path.as_ref());
        self
    }
}

/// Processes.
impl Memory {
    /// Adds a process.
    pub fn process(mut self, process: impl Into<Process>) -> Self {
        let process = process.into();
        self.processes.insert(process.pid, Ok(Arc::new(process)));
        self
    }

    /// Adds a process that is there and of which nothing can be seen.
    pub fn unreadable_process(mut self, pid: u32, why: Unknown) -> Self {
        self.processes.insert(pid, Err(why));
        self
    }

    /// Says that there may be processes which are not to be seen at all (`hidepid=`).
    pub fn hiding_processes(mut self, why: Unknown) -> Self {
        self.hidden = Some(why);
        self
    }
}

/// Listening sockets.
impl Memory {
    /// Adds a TCP socket in LISTEN with its inode and the processes that hold it. On `::` it takes
    /// IPv4 as well.
    pub fn tcp(self, at: impl Into<SocketAddr>, inode: u32, holders: &[u32]) -> Self {
        self.bound(Protocol::Tcp, at.into(), inode, holders)
    }

    /// Adds a UDP socket without a peer, likewise.
    pub fn udp(self, at: impl Into<SocketAddr>, inode: u32, holders: &[u32]) -> Self {
        self.bound(Protocol::Udp, at.into(), inode, holders)
    }

    fn bound(self, protocol: Protocol, at: SocketAddr, inode: u32, holders: &[u32]) -> Self {
        let (address, port) = (at.ip(), at.port());
        let v6_only = matches!(address, IpAddr::V6(_)).then_some(false);
        let listener = Listener { protocol, address, port, v6_only, interface: 0, inode, uid: 0 };
        self.listener(listener, Holders { pids: holders.to_vec(), unseen: None })
    }

    /// Adds a listening socket.
    pub fn listener(mut self, listener: Listener, holders: Holders) -> Self {
        self.holders.insert(listener.inode, holders);
        if let Ok(listeners) = &mut self.listeners {
            listeners.push(listener);
            listeners.sort_by_key(|l| (l.protocol, l.port, l.address, l.interface, l.inode));
        }
        self
    }

    /// Says that the socket may have holders that were not to be seen.
    pub fn perhaps_other_holders(mut self, inode: u32, why: Unknown) -> Self {
        self.holders.entry(inode).or_default().unseen = Some(why);
        self
    }

    /// Says that listening sockets cannot be listed.
    pub fn unlistable_sockets(mut self, why: Unknown) -> Self {
        self.listeners = Err(why);
        self
    }
}

impl Files for Memory {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        self.files.file(path)
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        self.files.acl(path)
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        self.files.file_capabilities(path)
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.files.read(path)
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        self.files.list(path)
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        self.files.sha256(path)
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        self.files.protection(path)
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        self.files.read_only(path)
    }
}

impl Target for Memory {
    fn host(&self) -> &Host {
        &self.host
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn processes(&self, selector: &Selector) -> Fact<Selection> {
        let mut selection = select::select(selector, &self.processes, &self.files)?;
        selection.hidden.clone_from(&self.hidden);
        Ok(selection)
    }

    fn is_picked(&self, pid: u32, selector: &Selector) -> Fact<bool> {
        select::picks(selector, pid, &self.processes, &self.files)
    }

    fn process(&self, pid: u32) -> Fact<Option<Arc<Process>>> {
        self.processes.get(&pid).cloned().transpose()
    }

    fn listeners(&self) -> Fact<Arc<Vec<Listener>>> {
        self.listeners.clone().map(Arc::new)
    }

    fn holders(&self, inodes: &BTreeSet<u32>) -> Fact<Arc<BTreeMap<u32, Holders>>> {
        let wanted = self.holders.iter().filter(|(inode, _)| inodes.contains(*inode));
        Ok(Arc::new(wanted.map(|(inode, holders)| (*inode, holders.clone())).collect()))
    }

    fn accounts(&self) -> Fact<Arc<Accounts>> {
        self.accounts.clone().map(Arc::new)
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        match self.accounts.as_ref().map_err(Clone::clone)?.user(name) {
            Some(user) => Ok(Some(user.clone())),
            None => self.nss.user(|user| user.name == name),
        }
    }

    fn user_by_id(&self, uid: u32) -> Fact<Option<User>> {
        match self.accounts.as_ref().map_err(Clone::clone)?.user_by_id(uid) {
            Some(user) => Ok(Some(user.clone())),
            None => self.nss.user(|user| user.uid == uid),
        }
    }

    fn group(&self, name: &str) -> Fact<Option<Group>> {
        match self.accounts.as_ref().map_err(Clone::clone)?.group(name) {
            Some(group) => Ok(Some(group.clone())),
            None => self.nss.group(|group| group.name == name),
        }
    }

    fn group_by_id(&self, gid: u32) -> Fact<Option<Group>> {
        match self.accounts.as_ref().map_err(Clone::clone)?.group_by_id(gid) {
            Some(group) => Ok(Some(group.clone())),
            None => self.nss.group(|group| group.gid == gid),
        }
    }

    fn groups_of(&self, user: &User) -> Fact<BTreeSet<u32>> {
        let accounts = self.accounts.as_ref().map_err(Clone::clone)?;
        let member = |group: &&Group| group.members.contains(&user.name);
        let groups = accounts.groups.iter().chain(self.nss.groups()?).filter(member);
        Ok(groups.map(|group| group.gid).chain([user.gid]).collect())
    }
}

#[cfg(test)]
mod tests;

//! The running host that spotcheck itself runs on.
//!
//! Everything is read from `/proc`, `sock_diag(7)`, the filesystem and the name service switch,
//! when it is first asked for, and kept for the run. Files are those that process 1 sees: `view`
//! says why.

mod accounts;
pub mod cgroup;
mod descriptors;
mod fdinfo;
pub(in crate::targets) mod filesystem;
mod from_where;
mod holders;
mod host;
pub mod mountinfo;
mod nss;
mod parts;
pub(in crate::targets) mod patience;
pub(in crate::targets) mod proc_file;
pub mod proc_net;
mod processes;
mod protocols;
mod select;
pub mod sock_diag;
pub mod sockets;
pub mod stat;
pub mod status;
pub mod vantage;
mod view;
mod whose;

pub use crate::targets::live::descriptors::socket_inode;
pub use crate::targets::live::from_where::Row;
pub use crate::targets::live::host::{maps_everything, os_release};
pub use crate::targets::live::parts::arguments;

use crate::facts::account::{Accounts, Group, User};
use crate::facts::file::{Acl, FileCapabilities, FileFact, FileKind, Protection};
use crate::facts::host::Host;
use crate::facts::listener::{Holders, Listener};
use crate::facts::process::{Process, Selector};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::filecap;
use crate::host::cache::{Answers, KeptFiles};
use crate::host::memo::Memo;
use crate::host::{Files, READ_LIMIT, Selection, Target};
use crate::targets::distant::{self, Mounts, Ways};
use crate::targets::live::nss::Nss;
use crate::targets::live::processes::Processes;
use crate::targets::live::select::Matcher;
use crate::targets::live::vantage::{Namespace, Share};
use crate::targets::live::view::View;
use crate::targets::rootfs::Rootfs;
use nix::fcntl::OFlag;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The live host.
#[derive(Debug)]
pub struct Live {
    host: Host,
    view: Rc<OnceCell<View>>,
    processes: Processes,
    selections: RefCell<HashMap<Selector, Fact<Selection>>>,
    hidden: OnceCell<Option<Unknown>>,
    listeners: OnceCell<Fact<Arc<Vec<Listener>>>>,
    holders: RefCell<Arc<BTreeMap<u32, Holders>>>,
    accounts: OnceCell<Fact<Arc<Accounts>>>,
    nss: Nss,
    nss_users: Answers<String, User>,
    nss_users_by_id: Answers<u32, User>,
    nss_groups: Answers<String, Group>,
    nss_groups_by_id: Answers<u32, Group>,
    group_sets: Answers<(String, u32), BTreeSet<u32>>,
    kept: KeptFiles,
    memo: Memo,
    ways: Ways,
    host_mounts: OnceCell<Mounts>,
}

/// Whether this process is in other namespaces than process 1, of those that decide what a host answers.
pub fn is_apart() -> bool {
    ["mnt", "net", "ipc", "uts"].iter().any(|kind| {
        let of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
        of("self") != of("1")
    })
}

impl Live {
    /// The host that this process runs on. Only its name, release and the reader's own rights are
    /// read now.
    pub fn new() -> Self {
        let view = Rc::new(OnceCell::new());
        Self {
            host: host::host(),
            view: Rc::clone(&view),
            processes: Processes::new(view),
            selections: RefCell::default(),
            hidden: OnceCell::new(),
            listeners: OnceCell::new(),
            holders: RefCell::default(),
            accounts: OnceCell::new(),
            nss: Nss::default(),
            nss_users: Answers::default(),
            nss_users_by_id: Answers::default(),
            nss_groups: Answers::default(),
            nss_groups_by_id: Answers::default(),
            group_sets: Answers::default(),
            kept: KeptFiles::default(),
            memo: Memo::default(),
            ways: Ways::default(),
            host_mounts: OnceCell::new(),
        }
    }

    fn view(&self) -> &View {
        self.view.get_or_init(View::look)
    }

    /// Asks something about a file: on a mount that may never answer, for a limited time. `follow`:
    /// about what a link at the end of the path leads to.
    fn ask<T: Send + 'static>(
        &self,
        (path, follow, limit): (&Path, bool, Duration),
        through: impl FnOnce(&Rootfs, &Path) -> Fact<T> + Send + 'static,
        shared: impl FnOnce(&Path) -> Fact<T> + Send + 'static,
    ) -> Fact<T> {
        let view = self.view();
        let mounts = match view {
            View::Shared => Mounts::own(),
            _ => self.host_mounts.get_or_init(|| Mounts::read(view::HOST)),
        };
        let link = |at: &Path| match view {
            View::Through { root, .. } => root.file(at).ok()??.link_target.clone(),
            _ => std::fs::read_link(at).ok(),
        };
        let distant = self.ways.distant(mounts, path, follow, &link);
        let owned = path.to_owned();
        match (view, distant) {
            (View::Through { root, .. }, None) => through(root, path),
            (View::Through { root, .. }, Some(distant)) => {
                let root = Arc::clone(root);
                distant.ask(path, limit, move || through(&root, &owned))
            }
            (view, None) => {
                if follow {
                    view.follows(path)?
                } else {
                    view.reaches(path)?
                }
                shared(path)
            }
            (view, Some(distant)) => {
                // Where a link on it leads to cannot be asked without it.
                view.reaches(path)?;
                distant.ask(path, limit, move || shared(&owned))
            }
        }
    }

    fn content(&self, path: &Path, limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        if path.starts_with("/proc") {
            let view = self.view();
            return from_process_1(path, |path| match view {
                View::Through { root, .. } => root.read_up_to(path, limit),
                view => {
                    view.follows(path)?;
                    Ok(filesystem::read(path, limit)?.map(Arc::new))
                }
            });
        }
        self.ask(
            (path, true, distant::PATIENCE * 4),
            move |root, path| root.read_up_to(path, limit),
            move |path| Ok(filesystem::read(path, limit)?.map(Arc::new)),
        )
    }

    /// Sockets of the host: those of process 1's network namespace.
    fn list_sockets(&self) -> Fact<Vec<Listener>> {
        // Where that cannot be compared, process 1 is hidden, and only a namespace of one's own
        // would make a difference.
        if *Namespace::Network.share() != Share::Other {
            return sockets::list();
        }
        // Everybody who sees process 1 may read its files; netlink says more.
        let what = "sockets of the host";
        vantage::as_process_1(Namespace::Network, what, sockets::list_of_process_1_by_netlink)
            .or_else(|why| sockets::list_of_process_1().map_err(|_| why))
    }

    /// Set when there may be processes that `/proc` does not list for this reader.
    fn hidden(&self) -> Option<&Unknown> {
        let full = self.host.privilege.full;
        self.hidden.get_or_init(|| processes::hidden(full)).as_ref()
    }
}

/// Asks about a file below `/proc` as process 1 would: what some files of `/proc` say depends on the
/// namespaces of who reads them, and a `/proc` without `sys` (`ProcSubset=`) says nothing of parameters.
fn from_process_1<T: Send>(
    path: &Path,
    ask: impl Fn(&Path) -> Fact<Option<T>> + Sync,
) -> Fact<Option<T>> {
    if let Some(path) = vantage::of_process_1(path) {
        return ask(&path);
    }
    let told = match vantage::governing(path) {
        Some(namespace) => {
            vantage::as_process_1(namespace, &crate::text::path(path), || ask(path))?
        }
        None => ask(path)?,
    };
    if told.is_none() && path.starts_with("/proc/sys") && !Path::new("/proc/sys/kernel").exists() {
        let why = "no parameters of the kernel can be seen from here (ProcSubset=pid)".to_owned();
        return Err(Unknown::new("/proc/sys", Cause::Unsupported(why)));
    }
    Ok(told)
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Files for Live {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        self.kept.files.get(path, || {
            if path.starts_with("/proc") {
                let view = self.view();
                return from_process_1(path, |path| match view {
                    View::Through { root, .. } => root.file(path),
                    view => {
                        view.reaches(path)?;
                        Ok(filesystem::file(path)?.map(Arc::new))
                    }
                });
            }
            self.ask(
                (path, false, distant::PATIENCE),
                |root, path| root.file(path),
                |path| Ok(filesystem::file(path)?.map(Arc::new)),
            )
        })
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        self.ask(
            (path, false, distant::PATIENCE),
            |root, path| root.acl(path),
            filesystem::access_acl,
        )
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        match self.file(path)? {
            Some(fact) if fact.kind == FileKind::File => self.ask(
                (path, false, distant::PATIENCE),
                |root, path| root.file_capabilities(path),
                |path| filesystem::capabilities_of(path, xattr::get(path, filecap::XATTR)),
            ),
            _ => Ok(None),
        }
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.kept.content(path, || self.content(path, READ_LIMIT))
    }

    fn read_up_to(&self, path: &Path, limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        self.content(path, limit)
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        self.kept.lists.get(path, || {
            if path.starts_with("/proc") {
                let view = self.view();
                return from_process_1(path, |path| match view {
                    View::Through { root, .. } => root.list(path),
                    view => {
                        view.follows(path)?;
                        Ok(filesystem::list(path)?.map(Arc::new))
                    }
                });
            }
            self.ask(
                (path, true, distant::PATIENCE * 2),
                |root, path| root.list(path),
                |path| Ok(filesystem::list(path)?.map(Arc::new)),
            )
        })
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        self.kept.hashes.get(path, || {
            // There may be a lot to be read.
            let patience = distant::PATIENCE * 24;
            self.ask((path, true, patience), |root, path| root.sha256(path), filesystem::sha256)
        })
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        self.ask(
            (path, false, distant::PATIENCE),
            |root, path| root.protection(path),
            filesystem::protection,
        )
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        match self.view() {
            View::Through { .. } => self.view().read_only(path, Ok(false)),
            view => {
                let asked = (path, true, distant::PATIENCE);
                let own = self.ask(asked, |_, _| Ok(false), filesystem::read_only);
                view.read_only(path, own)
            }
        }
    }

    fn mountinfo(&self) -> Fact<&'static str> {
        self.view().mountinfo()
    }

    fn part(&self, path: &Path, offset: u64, length: usize) -> Fact<Option<Vec<u8>>> {
        self.ask(
            (path, true, distant::PATIENCE * 4),
            move |root, path| root.part(path, offset, length),
            move |path| filesystem::read_part(path, offset, length),
        )
    }

    fn root_directory(&self) -> Fact<Option<OwnedFd>> {
        match self.view() {
            View::Through { root, .. } => return root.root_directory(),
            // All files below a place are the host's only where all mounts are.
            View::Apart { why, .. } => {
                let why = format!("spotcheck cannot reach the host's mounts ({why})");
                return Err(Unknown::new("all files", Cause::Unsupported(why)));
            }
            View::Unsure(why) => return Err(why.clone()),
            View::Shared => {}
        }
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let root = nix::fcntl::open("/", flags, nix::sys::stat::Mode::empty());
        root.map(Some).map_err(|errno| Unknown::from_io("/", &errno.into()))
    }
}

impl Target for Live {
    fn host(&self) -> &Host {
        &self.host
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn processes(&self, selector: &Selector) -> Fact<Selection> {
        if let Some(answer) = self.selections.borrow().get(selector) {
            return answer.clone();
        }
        let select = || {
            let mut selection = Matcher::new(selector, self)?.select(&self.processes)?;
            selection.hidden = self.hidden().cloned();
            Ok(selection)
        };
        let answer = select();
        self.selections.borrow_mut().insert(selector.clone(), answer.clone());
        answer
    }

    fn is_picked(&self, pid: u32, selector: &Selector) -> Fact<bool> {
        Matcher::new(selector, self)?.picks(&self.processes, pid)
    }

    fn process(&self, pid: u32) -> Fact<Option<Arc<Process>>> {
        let process = self.processes.complete(&self.processes.entry(pid))?;
        match self.hidden() {
            // To this reader a hidden process looks like one that is not there.
            Some(hidden) if process.is_none() => Err(hidden.clone()),
            _ => Ok(process),
        }
    }

    fn listeners(&self) -> Fact<Arc<Vec<Listener>>> {
        self.listeners.get_or_init(|| self.list_sockets().map(Arc::new)).clone()
    }

    fn holders(&self, inodes: &BTreeSet<u32>) -> Fact<Arc<BTreeMap<u32, Holders>>> {
        let known = self.holders.borrow().clone();
        if inodes.iter().all(|inode| known.contains_key(inode)) {
            return Ok(known);
        }
        // Whoever asks for one listener will ask for the others: one walk answers all.
        let mut wanted = inodes.clone();
        if let Ok(listeners) = self.listeners() {
            wanted.extend(listeners.iter().map(|listener| listener.inode));
        }
        let mut merged = (*known).clone();
        merged.extend(holders::scan(&wanted, self.hidden())?);
        let merged = Arc::new(merged);
        self.holders.replace(Arc::clone(&merged));
        Ok(merged)
    }

    fn accounts(&self) -> Fact<Arc<Accounts>> {
        self.accounts.get_or_init(|| accounts::read(self).map(Arc::new)).clone()
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        match self.accounts()?.user(name) {
            Some(user) => Ok(Some(user.clone())),
            None => self.nss_users.get(name, || self.nss.user(name)),
        }
    }

    fn user_by_id(&self, uid: u32) -> Fact<Option<User>> {
        match self.accounts()?.user_by_id(uid) {
            Some(user) => Ok(Some(user.clone())),
            None => self.nss_users_by_id.get(&uid, || self.nss.user_by_id(uid)),
        }
    }

    fn group(&self, name: &str) -> Fact<Option<Group>> {
        match self.accounts()?.group(name) {
            Some(group) => Ok(Some(group.clone())),
            None => self.nss_groups.get(name, || self.nss.group(name)),
        }
    }

    fn group_by_id(&self, gid: u32) -> Fact<Option<Group>> {
        match self.accounts()?.group_by_id(gid) {
            Some(group) => Ok(Some(group.clone())),
            None => self.nss_groups_by_id.get(&gid, || self.nss.group_by_id(gid)),
        }
    }

    fn groups_of(&self, user: &User) -> Fact<BTreeSet<u32>> {
        let accounts = self.accounts()?;
        let groups = self.group_sets.get(&(user.name.clone(), user.gid), || {
            let mut groups = BTreeSet::from([user.gid]);
            let member = |group: &&Group| group.members.contains(&user.name);
            groups.extend(accounts.groups.iter().filter(member).map(|group| group.gid));
            groups.extend(self.nss.groups_of(&user.name, user.gid)?);
            Ok(Some(groups))
        })?;
        Ok(groups.unwrap_or_default())
    }
}

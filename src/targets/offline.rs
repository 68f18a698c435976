//! A target that does not run: files, and for a container image its configuration.
//!
//! Everything that only a running system could say is [`Cause::NotRunning`]. Users and groups are
//! those of the target's own files; the machine spotcheck runs on is never asked.

use crate::facts::account::{Accounts, Group, User};
use crate::facts::file::{Acl, FileCapabilities, FileFact, Match, Protection};
use crate::facts::host::{Host, Privilege, TargetKind};
use crate::facts::image::{Image, Layer};
use crate::facts::listener::{Holders, Listener};
use crate::facts::package_file::Checksum;
use crate::facts::process::{Process, Selector};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{name_services, passwd};
use crate::host::cache::KeptFiles;
use crate::host::memo::Memo;
use crate::host::{Files, Selection, Target};
use crate::targets::live::os_release;
use regex::Regex;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
const SHADOW: &str = "/etc/shadow";

/// Files that say which layer of an image they come from.
pub trait Layered: Files {
    /// The layer that made the file at a path what it is; `None` where there are no layers.
    fn layer(&self, path: &Path) -> Option<Layer>;
}

impl Layered for crate::targets::rootfs::Rootfs {
    fn layer(&self, _: &Path) -> Option<Layer> {
        None
    }
}

/// Files at rest, as a target.
pub struct Still<F> {
    files: F,
    host: Host,
    image: Option<Image>,
    kept: KeptFiles,
    accounts: OnceCell<Fact<Arc<Accounts>>>,
    memo: Memo,
}

impl<F: Layered> Still<F> {
    /// A target of these files; `name` is what reports call it.
    pub fn new(name: impl Into<String>, files: F, image: Option<Image>) -> Self {
        // os-release(5): /etc first.
        let release = ["/etc/os-release", "/usr/lib/os-release"]
            .iter()
            .find_map(|path| files.read(Path::new(path)).ok().flatten());
        let host = Host {
            name: name.into(),
            kind: TargetKind::Image,
            kernel: None,
            os_release: release.map(|bytes| os_release(&bytes)).unwrap_or_default(),
            privilege: Privilege {
                uid: nix::unistd::geteuid().as_raw(),
                full: nix::unistd::geteuid().is_root(),
            },
            recorded: None,
            inside: None,
        };
        Self {
            files,
            host,
            image,
            kept: KeptFiles::default(),
            accounts: OnceCell::new(),
            memo: Memo::default(),
        }
    }

    /// Without `/etc/passwd` or `/etc/group` there are no accounts (an image from scratch), which
    /// is an answer: nobody else could be asked.
    fn read_accounts(&self) -> Fact<Accounts> {
        let read = |path| Ok(self.files.read(Path::new(path))?.unwrap_or_default());
        let (lines, group): (Arc<Vec<u8>>, Arc<Vec<u8>>) = (read(PASSWD)?, read(GROUP)?);
        let elsewhere = name_services::elsewhere(&self.files, &lines, &group);
        let users = passwd::users(PASSWD, &lines);
        let groups = passwd::groups(GROUP, &group);
        let mut malformed = users.malformed;
        malformed.extend(groups.malformed);
        let shadow = read(SHADOW).map(|bytes: Arc<Vec<u8>>| {
            let shadow = passwd::shadow(SHADOW, &bytes);
            malformed.extend(shadow.malformed);
            shadow.entries
        });
        Ok(Accounts { users: users.entries, groups: groups.entries, shadow, malformed, elsewhere })
    }
}

fn not_running<T>(what: &str) -> Fact<T> {
    Err(Unknown::new(what, Cause::NotRunning))
}

impl<F: Layered> Files for Still<F> {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        self.kept.files.get(path, || self.files.file(path))
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        self.files.acl(path)
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        self.files.file_capabilities(path)
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.kept.content(path, || self.files.read(path))
    }

    fn first_match(&self, path: &Path, regex: &Regex) -> Fact<Option<Match>> {
        self.files.first_match(path, regex)
    }

    fn read_up_to(&self, path: &Path, limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        self.files.read_up_to(path, limit)
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        self.kept.lists.get(path, || self.files.list(path))
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        self.kept.hashes.get(path, || self.files.sha256(path))
    }

    fn checksum(&self, path: &Path, like: &Checksum) -> Fact<Option<Checksum>> {
        self.files.checksum(path, like)
    }

    fn read_only(&self, path: &Path) -> Fact<bool> {
        self.files.read_only(path)
    }

    fn protection(&self, path: &Path) -> Fact<Protection> {
        self.files.protection(path)
    }

    fn part(&self, path: &Path, offset: u64, length: usize) -> Fact<Option<Vec<u8>>> {
        self.files.part(path, offset, length)
    }

    fn root_directory(&self) -> Fact<Option<OwnedFd>> {
        self.files.root_directory()
    }
}

impl<F: Layered> Target for Still<F> {
    fn host(&self) -> &Host {
        &self.host
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn processes(&self, _: &Selector) -> Fact<Selection> {
        not_running("processes")
    }

    fn is_picked(&self, _: u32, _: &Selector) -> Fact<bool> {
        not_running("processes")
    }

    fn process(&self, _: u32) -> Fact<Option<Arc<Process>>> {
        not_running("processes")
    }

    fn listeners(&self) -> Fact<Arc<Vec<Listener>>> {
        not_running("listening sockets")
    }

    fn holders(&self, _: &BTreeSet<u32>) -> Fact<Arc<BTreeMap<u32, Holders>>> {
        not_running("holders of sockets")
    }

    fn accounts(&self) -> Fact<Arc<Accounts>> {
        self.accounts.get_or_init(|| self.read_accounts().map(Arc::new)).clone()
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        Ok(self.accounts()?.user(name).cloned())
    }

    fn user_by_id(&self, uid: u32) -> Fact<Option<User>> {
        Ok(self.accounts()?.user_by_id(uid).cloned())
    }

    fn group(&self, name: &str) -> Fact<Option<Group>> {
        Ok(self.accounts()?.group(name).cloned())
    }

    fn group_by_id(&self, gid: u32) -> Fact<Option<Group>> {
        Ok(self.accounts()?.group_by_id(gid).cloned())
    }

    fn groups_of(&self, user: &User) -> Fact<BTreeSet<u32>> {
        // A service that only a running system can ask may add some.
        if let Some(why) = crate::access::unlisted(self)? {
            return Err(why);
        }
        let accounts = self.accounts()?;
        let member = |group: &&Group| group.members.contains(&user.name);
        let groups = accounts.groups.iter().filter(member).map(|group| group.gid);
        Ok(groups.chain([user.gid]).collect())
    }

    fn image(&self) -> Option<&Image> {
        self.image.as_ref()
    }

    fn layer(&self, path: &Path) -> Option<Layer> {
        self.files.layer(path)
    }
}

//! Everything but files, as names with attributes.

use crate::facts::account::PasswordField;
use crate::facts::host::TargetKind;
use crate::facts::listener::{Listener, Protocol};
use crate::facts::object::{Attributes, Class, Objects, UNSEEN};
use crate::facts::package::PackageState;
use crate::facts::process::{Process, Selector};
use crate::facts::scope::Scope;
use crate::facts::unit::UnitFileState;
use crate::facts::{Cause, Unknown};
use crate::formats::{packages, sudoers};
use crate::host::Target;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type Named = BTreeMap<String, Attributes>;

/// Kernel parameters that decide over rights, compared whether somebody configures them or not.
const SYSCTLS: [&str; 24] = [
    "fs/protected_fifos",
    "fs/protected_hardlinks",
    "fs/protected_regular",
    "fs/protected_symlinks",
    "fs/suid_dumpable",
    "kernel/core_pattern",
    "kernel/dmesg_restrict",
    "kernel/kexec_load_disabled",
    "kernel/kptr_restrict",
    "kernel/modprobe",
    "kernel/modules_disabled",
    "kernel/perf_event_paranoid",
    "kernel/randomize_va_space",
    "kernel/sysrq",
    "kernel/unprivileged_bpf_disabled",
    "kernel/unprivileged_userns_clone",
    "kernel/yama/ptrace_scope",
    "net/ipv4/conf/all/accept_redirects",
    "net/ipv4/conf/all/accept_source_route",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/all/send_redirects",
    "net/ipv4/ip_forward",
    "net/ipv4/tcp_syncookies",
    "net/ipv6/conf/all/forwarding",
];

/// Looks at all classes of a scope but files and settings.
pub fn collect(target: &dyn Target, scope: &Scope) -> Objects {
    let mut objects = Objects::default();
    let live = target.host().kind == TargetKind::Host;
    for class in Class::ALL {
        if !scope.has(class) {
            continue;
        }
        let mut unseen = Vec::new();
        let found = match class {
            Class::File | Class::Settings => continue,
            Class::Account => accounts(target, &mut unseen),
            Class::Group => groups(target),
            Class::Sudo => sudo(target),
            Class::Unit => units(target, &mut unseen),
            Class::Package => packages(target, &mut unseen),
            Class::Image => match super::image::objects(target) {
                Some(found) => Ok(found),
                None => continue,
            },
            _ if !live => continue,
            Class::Listener => listeners(target, &mut unseen),
            Class::Service => services(target, &mut unseen),
            Class::Sysctl => sysctls(target, &mut unseen),
            Class::Mount => mounts(target),
            Class::KernelModule => modules(target),
        };
        match found {
            Ok(found) => {
                objects.all.insert(class, found);
            }
            Err(why) => unseen.push(why),
        }
        unseen.dedup();
        objects.unseen.extend(unseen.into_iter().map(|why| (class, why)));
    }
    objects
}

fn attributes<const N: usize>(pairs: [(&str, String); N]) -> Attributes {
    let filled = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    filled.map(|(name, value)| (name.to_owned(), value)).collect()
}

fn list(words: BTreeSet<String>) -> String {
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// A user by name, as long as somebody knows it.
pub fn user_name(target: &dyn Target, uid: u32) -> String {
    match target.user_by_id(uid) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}

/// A group, likewise.
pub fn group_name(target: &dyn Target, gid: u32) -> String {
    match target.group_by_id(gid) {
        Ok(Some(group)) => group.name,
        _ => gid.to_string(),
    }
}

/// Programs and users of processes; `None` in place of what could not be seen.
#[derive(Default)]
struct Seen {
    executables: BTreeSet<String>,
    users: BTreeSet<String>,
    units: BTreeSet<String>,
    missed: Option<Unknown>,
}

impl Seen {
    fn add(&mut self, process: &Process, target: &dyn Target) {
        match &process.exe {
            // That its file was replaced by an upgrade is not another program.
            Ok(exe) => self.executables.extend(exe.as_ref().map(|exe| text::path(&exe.path))),
            Err(why) => self.miss(why),
        }
        match &process.threads {
            Ok(threads) => self
                .users
                .extend(threads.iter().map(|thread| user_name(target, thread.uid.effective))),
            Err(why) => self.miss(why),
        }
        self.units.extend(process.cgroup.as_ref().ok().and_then(|cgroup| cgroup.unit.clone()));
    }

    /// What went away meanwhile has not been missed.
    fn miss(&mut self, why: &Unknown) {
        if why.cause != Cause::Vanished {
            self.missed.get_or_insert_with(|| why.clone());
        }
    }

    /// As attributes of something of that name.
    fn attributes<const N: usize>(
        self,
        name: &str,
        keys: [&str; N],
        unseen: &mut Vec<Unknown>,
    ) -> Attributes {
        if let Some(why) = self.missed {
            unseen.push(Unknown::new(format!("{name}: {}", why.what), why.cause));
            return keys.iter().map(|key| ((*key).to_owned(), UNSEEN.to_owned())).collect();
        }
        let all = [
            ("executable", list(self.executables)),
            ("user", list(self.users)),
            ("unit", list(self.units)),
        ];
        let mut all = attributes(all);
        all.retain(|name, _| keys.contains(&name.as_str()));
        all
    }
}

fn listeners(target: &dyn Target, unseen: &mut Vec<Unknown>) -> Result<Named, Unknown> {
    let all = target.listeners()?;
    let inodes: BTreeSet<u32> = all.iter().map(|listener| listener.inode).collect();
    let holders = target.holders(&inodes)?;
    let passing = passing_ports(target);
    let mut found: BTreeMap<String, Seen> = BTreeMap::new();
    for listener in all.iter() {
        let mut seen = Seen::default();
        let held = holders.get(&listener.inode);
        for pid in held.map(|held| held.pids.as_slice()).unwrap_or_default() {
            match target.process(*pid) {
                Ok(Some(process)) => seen.add(&process, target),
                Ok(None) => {}
                Err(why) => seen.miss(&why),
            }
        }
        // Sockets that no process holds are the kernel's own, where all processes could be seen.
        let refused = held.and_then(|held| held.unseen.as_ref());
        if let Some(why) = refused.filter(|why| !matches!(why.cause, Cause::Unsupported(_))) {
            seen.miss(why);
        }
        let entry = found.entry(name(listener, passing, &seen.executables)).or_default();
        entry.executables.extend(seen.executables);
        entry.users.extend(seen.users);
        entry.units.extend(seen.units);
        entry.missed = entry.missed.take().or(seen.missed);
    }
    let mut entry = |(name, seen): (String, Seen)| {
        let values =
            seen.attributes(&format!("listener {name}"), ["executable", "user", "unit"], unseen);
        (name, values)
    };
    Ok(found.into_iter().map(&mut entry).collect())
}

/// UDP sockets of clients have another port each time: what uses them is what can be compared.
fn name(listener: &Listener, passing: (u16, u16), exe: &BTreeSet<String>) -> String {
    let is_passing = (passing.0..=passing.1).contains(&listener.port);
    if matches!(listener.protocol, Protocol::Udp | Protocol::UdpLite) && is_passing {
        let exe = exe.first().map_or("?", String::as_str);
        return format!("{}:passing/{} of {exe}", listener.address, listener.protocol);
    }
    listener.to_string()
}

/// `ip_local_port_range` of ip(7).
fn passing_ports(target: &dyn Target) -> (u16, u16) {
    let path = Path::new("/proc/sys/net/ipv4/ip_local_port_range");
    let content = target.read(path).ok().flatten();
    let text =
        content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let mut words = text.split_whitespace().filter_map(|word| word.parse().ok());
    (words.next().unwrap_or(32_768), words.next().unwrap_or(60_999))
}

/// Services of systemd that run, with what and as whom. Those that a timer starts come and go.
fn services(target: &dyn Target, unseen: &mut Vec<Unknown>) -> Result<Named, Unknown> {
    let selection = target.processes(&Selector::default())?;
    unseen.extend(selection.gap().cloned());
    let index = crate::formats::systemd::units::index(target);
    let timers = index.all();
    let mut found: BTreeMap<String, Seen> = BTreeMap::new();
    let own = this_run(&selection.processes);
    for process in &selection.processes {
        if own.contains(&process.pid) {
            continue;
        }
        let Some(unit) = process.cgroup.as_ref().ok().and_then(|cgroup| cgroup.unit.clone()) else {
            continue;
        };
        let Some(stem) = unit.strip_suffix(".service") else { continue };
        let passing = stem.starts_with("user@")
            || stem.starts_with("run-")
            || timers.contains(format!("{stem}.timer").as_str());
        if passing {
            continue;
        }
        found.entry(unit).or_default().add(process, target);
    }
    let mut entry = |(name, seen): (String, Seen)| {
        let values = seen.attributes(&format!("service {name}"), ["executable", "user"], unseen);
        (name, values)
    };
    Ok(found.into_iter().map(&mut entry).collect())
}

/// This very run, as processes of its own unit: spotcheck, what started it (a shell of cron), and what
/// these have started, such as the mailer that reads its output. The daemon behind them, which process
/// 1 has started, is none of it, so that cron itself stays in sight.
fn this_run(processes: &[std::sync::Arc<Process>]) -> BTreeSet<u32> {
    let unit = |process: &Process| process.cgroup.as_ref().ok().and_then(|one| one.unit.clone());
    let me = std::process::id();
    let home = processes.iter().find(|process| process.pid == me).and_then(|own| unit(own));
    let parents: BTreeMap<u32, u32> = processes
        .iter()
        .filter(|process| home.is_some() && unit(process) == home)
        .map(|process| (process.pid, process.ppid))
        .collect();
    let mut own = BTreeSet::from([me]);
    let mut pid = me;
    while let Some(parent) = parents.get(&pid) {
        // Who is of another unit has started this one from outside, as the daemon was by process 1.
        let outside = parents.get(parent).is_none_or(|above| *above <= 1);
        if outside || !own.insert(*parent) {
            break;
        }
        pid = *parent;
    }
    let mut more = true;
    while more {
        let children: Vec<u32> = parents
            .iter()
            .filter(|(pid, parent)| own.contains(parent) && !own.contains(pid))
            .map(|(pid, _)| *pid)
            .collect();
        more = !children.is_empty();
        own.extend(children);
    }
    own
}

fn password(field: &PasswordField) -> String {
    match field {
        PasswordField::Shadow => "in shadow".to_owned(),
        PasswordField::Empty => "none needed".to_owned(),
        PasswordField::Locked => "locked".to_owned(),
        PasswordField::Hash(kind) => format!("set ({kind})"),
    }
}

fn accounts(target: &dyn Target, unseen: &mut Vec<Unknown>) -> Result<Named, Unknown> {
    let accounts = target.accounts()?;
    unseen.extend(accounts.shadow.as_ref().err().cloned());
    let shadow = accounts.shadow.as_ref().map(Vec::as_slice).unwrap_or_default();
    let mut all = Named::new();
    for user in &accounts.users {
        let hidden = shadow.iter().find(|entry| entry.name == user.name);
        let field = match (&user.password, hidden) {
            (PasswordField::Shadow, Some(entry)) => password(&entry.password),
            (PasswordField::Shadow, None) if accounts.shadow.is_err() => UNSEEN.to_owned(),
            (field, _) => password(field),
        };
        let values = attributes([
            ("uid", user.uid.to_string()),
            ("gid", user.gid.to_string()),
            ("home", user.home.clone()),
            ("shell", user.shell.clone()),
            ("password", field),
        ]);
        add(&mut all, user.name.clone(), values);
    }
    Ok(all)
}

/// The second of two lines for one name counts for nobody who asks by name, and may by number.
fn add(all: &mut Named, mut name: String, values: Attributes) {
    while all.contains_key(&name) {
        name.push_str(" (again)");
    }
    all.insert(name, values);
}

fn groups(target: &dyn Target) -> Result<Named, Unknown> {
    let accounts = target.accounts()?;
    let mut all = Named::new();
    for group in &accounts.groups {
        let members = list(group.members.iter().cloned().collect());
        let values = attributes([("gid", group.gid.to_string()), ("members", members)]);
        add(&mut all, group.name.clone(), values);
    }
    Ok(all)
}

/// Lines of sudoers and of all that it includes, continued ones as one, without comments.
fn sudo(target: &dyn Target) -> Result<Named, Unknown> {
    let sudoers = sudoers::read(target, &target.host().name);
    if let Some(why) = sudoers.unread.first() {
        return Err(why.clone());
    }
    let mut all = Named::new();
    for path in &sudoers.files {
        let Some(content) = target.read(path)? else { continue };
        let text = text::bytes(&content).replace("\\\n", " ");
        for line in text.lines() {
            let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
            let include = line.starts_with("#include");
            if !line.is_empty() && (include || !line.starts_with('#')) {
                all.insert(format!("{}: {line}", text::path(path)), Attributes::new());
            }
        }
    }
    Ok(all)
}

fn units(target: &dyn Target, unseen: &mut Vec<Unknown>) -> Result<Named, Unknown> {
    let index = crate::formats::systemd::units::index(target);
    if let Some(why) = index.unread.first() {
        return Err(why.clone());
    }
    let mut all = Named::new();
    for name in index.all() {
        let unit = match crate::formats::systemd::units::unit(target, name) {
            Ok(Some(unit)) => unit,
            Ok(None) => continue,
            Err(why) => {
                unseen.push(Unknown::new(format!("unit {name}: {}", why.what), why.cause));
                let keys = ["state", "started by"];
                let values = keys.map(|key| (key.to_owned(), UNSEEN.to_owned()));
                all.insert(name.to_owned(), values.into());
                continue;
            }
        };
        if matches!(unit.state, UnitFileState::Generated | UnitFileState::Transient) {
            continue;
        }
        let wanted: BTreeSet<String> = unit
            .wanted_by
            .iter()
            .filter(|link| !link.starts_with("/run"))
            .filter_map(|link| Some(text::path(Path::new(link.parent()?.file_name()?))))
            .collect();
        let values =
            attributes([("state", unit.state.name().to_owned()), ("started by", list(wanted))]);
        all.insert(name.to_owned(), values);
    }
    Ok(all)
}

fn sysctls(target: &dyn Target, unseen: &mut Vec<Unknown>) -> Result<Named, Unknown> {
    let configured = crate::formats::sysctl_d::configured(target);
    let plain = |key: &&str| !key.contains(['*', '?', '[', '.']);
    let keys = configured.lines.iter().map(|line| line.key.as_str()).filter(plain);
    let mut all = Named::new();
    for key in keys.chain(SYSCTLS).collect::<BTreeSet<&str>>() {
        let path = Path::new("/proc/sys").join(key);
        let value = match target.read(&path) {
            Ok(Some(value)) => text::bytes(&value).split_whitespace().collect::<Vec<_>>().join(" "),
            // Some belong to modules that are not loaded, and some can only be written.
            Ok(None) => continue,
            Err(_) if is_write_only(target, &path) => continue,
            Err(why) => {
                unseen.push(why);
                UNSEEN.to_owned()
            }
        };
        let values = BTreeMap::from([("value".to_owned(), value)]);
        all.insert(key.replace('/', "."), values);
    }
    Ok(all)
}

fn is_write_only(target: &dyn Target, path: &Path) -> bool {
    matches!(target.file(path), Ok(Some(file)) if file.mode.0 & 0o444 == 0)
}

fn mounts(target: &dyn Target) -> Result<Named, Unknown> {
    let mounts = crate::formats::mounts::in_force(target)?;
    // Made and taken away by container engines, sessions and the kernel itself.
    const PASSING: [&str; 26] = [
        "/var/lib/containerd",
        "/var/lib/kubelet",
        "/var/lib/rancher",
        "/var/lib/cni",
        "/var/lib/lxc",
        "/var/lib/lxcfs",
        "/var/lib/lxd",
        "/var/snap/lxd",
        "/var/snap/microk8s",
        "/var/lib/incus",
        "/var/lib/machines",
        "/run/netns",
        "/run/docker.sock",
        "/run/containers",
        "/run/crio",
        "/run/k3s",
        "/run/lxd",
        "/run/user",
        "/run/docker",
        "/run/containerd",
        "/var/lib/docker",
        "/var/lib/containers",
        "/proc",
        "/sys",
        "/run/credentials",
        "/run/incus",
    ];
    let moved = data_root(target);
    let passing = |mount: &&crate::facts::mount::Mount| {
        let below = |folder: &Path| mount.point.starts_with(folder);
        !PASSING.iter().any(|folder| below(Path::new(folder)))
            && !moved.as_deref().is_some_and(below)
    };
    let lasting = mounts.iter().filter(passing);
    let entry = |mount: &crate::facts::mount::Mount| {
        let options: Vec<&str> = mount.options.iter().map(String::as_str).collect();
        let values = attributes([
            ("filesystem", mount.filesystem.clone()),
            ("source", mount.source.clone()),
            ("options", options.join(",")),
        ]);
        (text::path(&mount.point), values)
    };
    Ok(lasting.map(entry).collect())
}

/// Where dockerd was told to keep its data, dockerd(8).
fn data_root(target: &dyn Target) -> Option<PathBuf> {
    let file = Path::new("/etc/docker/daemon.json");
    let content = target.read_marked(file).ok().flatten()?;
    let settings = crate::formats::json::parse(target, file, &content).ok()?;
    let named = |setting: &&crate::facts::settings::Setting| {
        matches!(setting.name.as_str(), "data-root" | "graph") && setting.value.len() > 1
    };
    settings.root.settings.iter().find(named).map(|setting| PathBuf::from(&setting.value))
}

fn modules(target: &dyn Target) -> Result<Named, Unknown> {
    // Without modules the kernel has no such file.
    let content = target.read(Path::new("/proc/modules"))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&content).into_owned();
    let names = text.lines().filter_map(|line| line.split_whitespace().next());
    Ok(names.map(|name| (name.to_owned(), Attributes::new())).collect())
}

fn packages(target: &dyn Target, unseen: &mut Vec<Unknown>) -> Result<Named, Unknown> {
    let packages = match crate::formats::packages::installed(target) {
        Ok(packages) => packages,
        // No database is an answer: it has none.
        Err(why) if why.what == "packages" => return Ok(Named::new()),
        Err(why) => return Err(why),
    };
    let nothing = |_: &[u8]| false;
    let files = packages::files::read(target, Some(&nothing));
    // What is said twice is told once.
    unseen.extend(packages.unread.iter().cloned());
    unseen.extend(files.unread.iter().filter(|why| !packages.unread.contains(why)).cloned());
    let manifests: BTreeMap<(&str, &str), &str> = files
        .owners
        .iter()
        .map(|owner| ((owner.name.as_str(), owner.version.as_str()), owner.manifest.as_str()))
        .collect();
    let mut all = Named::new();
    for package in &packages.all {
        let state = match &package.state {
            PackageState::Installed => "installed".to_owned(),
            PackageState::ConfigFiles => "configuration only".to_owned(),
            PackageState::Broken(word) => word.clone(),
        };
        let long = format!("{}:{}", package.name, package.architecture);
        let find = |name: &str| manifests.get(&(name, package.version.as_str())).copied();
        let (name, manifest) = match find(&long) {
            Some(manifest) => (long, manifest),
            None => (package.name.clone(), find(&package.name).unwrap_or_default()),
        };
        let manifest = if files.unread.is_empty() { manifest } else { UNSEEN };
        let version = package.version.clone();
        let values =
            attributes([("version", version), ("state", state), ("files", manifest.to_owned())]);
        all.insert(name, values);
    }
    for (path, (user, group, mode)) in &files.overrides {
        let words = override_words(user, group, *mode);
        let name = format!("{OVERRIDE}{}", text::bytes(path));
        all.insert(name, attributes([("rights", words)]));
    }
    Ok(all)
}

/// What the names of overrides begin with, among packages.
pub const OVERRIDE: &str = "statoverride ";

/// Owner, group and mode that dpkg-statoverride(1) wants, in words.
pub fn override_words(user: &str, group: &str, mode: u16) -> String {
    format!("{mode:04o} {user}:{group}")
}

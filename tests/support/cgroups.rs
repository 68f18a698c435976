//! Control groups for a machine of its own, so that its daemons have unit names as under systemd.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{fs, process};

const PREFIX: &str = "spotcheck-stage-";

/// The directories that one machine has in the hierarchies that systemd would manage: version 2,
/// and in a hybrid set-up `name=systemd` of version 1 as well. None where they cannot be made, as
/// in most containers: then daemons simply have no units.
pub struct Cgroups {
    roots: Vec<PathBuf>,
}

impl Cgroups {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}-{number}", process::id());
        let hierarchies = hierarchies();
        hierarchies.iter().for_each(|hierarchy| sweep(hierarchy));
        let cgroups = Self { roots: hierarchies.iter().map(|mount| mount.join(&name)).collect() };
        if cgroups.roots.iter().all(|root| fs::create_dir(root).is_ok()) {
            cgroups
        } else {
            cgroups.remove();
            Self { roots: Vec::new() }
        }
    }

    /// Whether daemons can be given units.
    pub fn are_usable(&self) -> bool {
        !self.roots.is_empty()
    }

    /// Shell commands that move the shell that runs them into `group`, which is relative to the
    /// machine: empty, or `system.slice/nginx.service`.
    pub fn enter(&self, group: &str) -> String {
        let enter_one = |root: &PathBuf| {
            let directory = root.join(group);
            let directory = directory.display();
            format!("mkdir -p '{directory}' && echo 0 > '{directory}/cgroup.procs'\n")
        };
        self.roots.iter().map(enter_one).collect()
    }

    /// Removes the directories. The processes in them must have ended.
    pub fn remove(&self) {
        self.roots.iter().for_each(|root| remove_tree(root));
    }
}

/// Where the hierarchies are mounted that tell units.
fn hierarchies() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let tells_units = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        let named = || fields.get(3)?.split(',').find(|option| *option == "name=systemd");
        match fields.get(2) {
            Some(&"cgroup2") => true,
            Some(&"cgroup") => named().is_some(),
            _ => false,
        }
    };
    let mount_point = |line: &str| line.split(' ').nth(1).map(PathBuf::from);
    mounts.lines().filter(|line| tells_units(line)).filter_map(mount_point).collect()
}

/// Removes what tests left that were killed, and only that: the process in the name has ended.
fn sweep(hierarchy: &Path) {
    for entry in fs::read_dir(hierarchy).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let maker = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
        if maker.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            remove_tree(&entry.path());
        }
    }
}

/// Control groups are removed directory by directory; the files in them come and go by themselves.
fn remove_tree(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path());
        }
    }
    let _ = fs::remove_dir(directory);
}

//! Facts that follow from files alone, the same way on every target: read when first asked for,
//! once per run.

use crate::access;
use crate::control::program;
use crate::facts::cron::CronJobs;
use crate::facts::drift::Drift;
use crate::facts::inventory::Formerly;
use crate::facts::module::ModuleRules;
use crate::facts::mount::Mount;
use crate::facts::package::Packages;
use crate::facts::start::{Sockets, Starts};
use crate::facts::sudo::Sudoers;
use crate::facts::sysctl::SysctlSettings;
use crate::facts::unit::Unit;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::systemd::units::Index;
use crate::formats::{cron, modprobe, mounts, packages, sudoers, sysctl_d};
use crate::host::cache::Memo;
use crate::host::{Files, Target, learn};
use crate::targets::inventory;
use std::cell::OnceCell;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What has been read from files so far.
#[derive(Debug, Default)]
pub struct Derived {
    units: OnceCell<Arc<Index>>,
    units_by_name: Memo<String, Arc<Unit>>,
    scripts: Memo<PathBuf, String>,
    packages: OnceCell<Fact<Arc<Packages>>>,
    sysctl: OnceCell<Arc<SysctlSettings>>,
    modules: OnceCell<Arc<ModuleRules>>,
    mounts: OnceCell<Fact<Arc<Vec<Mount>>>>,
    fstab: OnceCell<Fact<Arc<Vec<Mount>>>>,
    cron: OnceCell<Arc<CronJobs>>,
    sudoers: OnceCell<Arc<Sudoers>>,
    drift: OnceCell<Fact<Arc<Drift>>>,
    comparison: OnceCell<Comparison>,
    former: OnceCell<Former>,
    starts: OnceCell<Arc<Starts>>,
    sockets: OnceCell<Arc<Sockets>>,
    control: access::Memo,
    programs: program::Memo,
    commands: crate::commands::Memo,
    inventories: inventory::Memo,
}

/// How a target is compared with its baseline. Who runs spotcheck says where that is, not the target.
pub struct Comparison(pub Box<Compare>);

/// What has changed on a target since its baseline.
type Compare = dyn Fn(&dyn Target) -> Fact<Drift>;

/// What the baseline of a target knows of files, and where that is; likewise.
pub struct Former(pub Box<Remember>);

/// What a baseline knows of files.
type Remember = dyn Fn(&[PathBuf]) -> Fact<Vec<Formerly>>;

impl fmt::Debug for Former {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Former")
    }
}

impl fmt::Debug for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Comparison")
    }
}

impl Clone for Derived {
    /// Nothing read yet: whoever clones a target may change the copy's files.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Derived {
    /// With the packages as somebody has read them before.
    pub fn with_packages(packages: Option<Fact<Arc<Packages>>>) -> Self {
        Self { packages: packages.map(OnceCell::from).unwrap_or_default(), ..Self::default() }
    }

    /// Installed packages, if somebody has asked for them.
    pub fn packages_if_asked(&self) -> Option<Fact<Arc<Packages>>> {
        self.packages.get().cloned()
    }

    /// Installed packages.
    pub fn packages(&self, files: &dyn Files) -> Fact<Arc<Packages>> {
        self.packages.get_or_init(|| packages::read(files).map(Arc::new)).clone()
    }

    /// Kernel parameters as the next boot sets them.
    pub fn sysctl(&self, files: &dyn Files) -> Arc<SysctlSettings> {
        Arc::clone(self.sysctl.get_or_init(|| Arc::new(sysctl_d::read(files))))
    }

    /// What is configured about kernel modules.
    pub fn modules(&self, files: &dyn Files) -> Arc<ModuleRules> {
        Arc::clone(self.modules.get_or_init(|| Arc::new(modprobe::read(files))))
    }

    /// What is mounted, later mounts over the same path last.
    pub fn mounts(&self, files: &dyn Files) -> Fact<Arc<Vec<Mount>>> {
        self.mounts.get_or_init(|| mounts::mounted(files).map(Arc::new)).clone()
    }

    /// What `/etc/fstab` asks for.
    pub fn fstab(&self, files: &dyn Files) -> Fact<Arc<Vec<Mount>>> {
        self.fstab.get_or_init(|| mounts::fstab(files).map(Arc::new)).clone()
    }

    /// The jobs of cron; `debian` decides which names of files cron passes over.
    pub fn cron(&self, files: &dyn Files, debian: bool) -> Arc<CronJobs> {
        Arc::clone(self.cron.get_or_init(|| Arc::new(cron::read(files, debian))))
    }

    /// What sudo lets whom do; `host` is its name.
    pub fn sudoers(&self, files: &dyn Files, host: &str) -> Arc<Sudoers> {
        Arc::clone(self.sudoers.get_or_init(|| Arc::new(sudoers::read(files, host))))
    }

    /// Who controls which path, as far as it has been asked for.
    pub fn control(&self) -> &access::Memo {
        &self.control
    }

    /// What has been read of scripts.
    pub fn commands(&self) -> &crate::commands::Memo {
        &self.commands
    }

    /// What programs and libraries load, as far as it has been asked for.
    pub fn programs(&self) -> &program::Memo {
        &self.programs
    }

    /// What matters of all files below a place, as far as it has been asked for.
    pub fn inventories(&self) -> &inventory::Memo {
        &self.inventories
    }

    /// Says how the target is compared with its baseline.
    pub fn compare_by(&self, comparison: Comparison) {
        // Whoever said it first is asked.
        let _ = self.comparison.set(comparison);
    }

    /// Says what the target's baseline knows of files.
    pub fn remember_by(&self, former: Former) {
        let _ = self.former.set(former);
    }

    /// What the baseline knows of the files below a place that give rights.
    ///
    /// # Errors
    /// Where there is no baseline, or it cannot be read or trusted.
    pub fn formerly(
        &self,
        target: &dyn Target,
        place: &Path,
        paths: &[PathBuf],
    ) -> Fact<Vec<Formerly>> {
        learn(target, "privileges before", place, |target| match target.derived().former.get() {
            Some(Former(ask)) => ask(paths),
            None => {
                let why = "there is no baseline of this target".to_owned();
                Err(Unknown::new("baseline", Cause::Unsupported(why)))
            }
        })
    }

    /// What has changed since the baseline.
    pub fn drift(&self, target: &dyn Target) -> Fact<Arc<Drift>> {
        let compare = |target: &dyn Target| match target.derived().comparison.get() {
            Some(Comparison(compare)) => compare(target).map(Arc::new),
            None => {
                let why = "there is no baseline of this target".to_owned();
                Err(Unknown::new("drift", Cause::Unsupported(why)))
            }
        };
        let compare = || learn(target, "drift", Path::new("/"), compare);
        self.drift.get_or_init(compare).clone()
    }

    /// What is declared to start, which `read` finds out.
    pub fn starts(&self, read: impl FnOnce() -> Starts) -> Arc<Starts> {
        Arc::clone(self.starts.get_or_init(|| Arc::new(read())))
    }

    /// The sockets that this would open, likewise.
    pub fn sockets(&self, read: impl FnOnce() -> Sockets) -> Arc<Sockets> {
        Arc::clone(self.sockets.get_or_init(|| Arc::new(read())))
    }

    /// The text of the script that a program is, which `read` finds out; `None`: it is none.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn script(
        &self,
        path: &Path,
        read: impl FnOnce() -> Fact<Option<String>>,
    ) -> Fact<Option<String>> {
        self.scripts.get(path, read)
    }

    /// The units of systemd by name.
    pub fn units(&self, files: &dyn Files) -> Arc<Index> {
        Arc::clone(self.units.get_or_init(|| Arc::new(Index::read(files))))
    }

    /// The unit of that name, read; `None`: there is no such unit.
    ///
    /// # Errors
    /// Those of [`Index::unit`].
    pub fn unit(&self, files: &dyn Files, name: &str) -> Fact<Option<Arc<Unit>>> {
        self.units_by_name.get(name, || Ok(self.units(files).unit(files, name)?.map(Arc::new)))
    }
}

//! Units by name: which file a name stands for, through aliases, links and masks.
//!
//! All directories of the load path are listed once. The rules are those of systemd's
//! `unit-file.c`: of several files with one name the one in the most important directory counts as
//! a whole; a link to a name within the load path makes an alias, a link to elsewhere brings in
//! that file, a link to `/dev/null` or an empty file masks.

use super::dropins::{self, UNITS};
use super::init_scripts::InitScripts;
use super::{enablement, names, parse_with};
use crate::facts::file::FileKind;
use crate::facts::settings::Settings;
use crate::facts::unit::{Unit, UnitFileState};
use crate::facts::{Fact, Unknown};
use crate::formats::conf_files;
use crate::host::redacted::Marked;
use crate::host::{Files, Target};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

/// As often as an alias may lead to another, `FOLLOW_MAX` of systemd.
const FOLLOW_LIMIT: usize = 8;

/// What stands in the directories of units.
#[derive(Clone, Debug, Default)]
pub struct Index {
    pub(super) directories: Vec<Directory>,
    /// Names that are links to these names, by the name they lead to.
    aliases: BTreeMap<String, BTreeSet<String>>,
    /// Init scripts, of which a generator makes units.
    init_scripts: InitScripts,
    /// Directories and links that could not be read: any answer may be incomplete.
    pub unread: Vec<Unknown>,
}

/// One directory of the load path.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    /// Its path.
    pub path: PathBuf,
    /// Units, templates and instances by name.
    pub entries: BTreeMap<String, Entry>,
    /// Names of drop-in directories.
    dropins: BTreeSet<String>,
    /// Links in `*.wants` and its relatives.
    pub wants: Vec<PathBuf>,
}

/// What stands under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// A file with content.
    File,
    /// An empty file, or what is no regular file: the unit is masked.
    Empty,
    /// A symbolic link to this absolute path.
    Link(PathBuf),
}

/// The file that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    /// The name at the end of all aliases.
    pub id: String,
    /// The unit file, or what masks it.
    pub path: PathBuf,
    /// It cannot be started.
    pub masked: bool,
}

impl Index {
    /// Lists all directories of the load path.
    pub fn read(files: &dyn Files) -> Self {
        let mut index = Index::default();
        let mut known = BTreeSet::new();
        for path in UNITS.iter().map(Path::new) {
            match files.file(path) {
                Ok(Some(fact)) if !known.insert((fact.device, fact.inode)) => continue,
                Ok(Some(_)) => {}
                Ok(None) => continue,
                Err(why) => {
                    index.unread.push(why);
                    continue;
                }
            }
            let directory = Directory::read(files, path, &mut index.unread);
            index.directories.push(directory);
        }
        index.find_aliases();
        index.init_scripts = InitScripts::read(files, &mut index.unread);
        index
    }

    fn find_aliases(&mut self) {
        let links = self.directories.iter().flat_map(|directory| {
            let links = directory.entries.iter();
            links.filter(|(_, entry)| matches!(entry, Entry::Link(_))).map(|(name, _)| name)
        });
        let mut aliases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in links {
            if let Some(resolved) = self.resolve(name)
                && resolved.id != *name
            {
                aliases.entry(resolved.id).or_default().insert(name.clone());
            }
        }
        self.aliases = aliases;
    }

    /// The entry of exactly this name in the most important directory that has one.
    pub(super) fn entry(&self, name: &str) -> Option<(&Directory, &Entry)> {
        self.directories.iter().find_map(|dir| Some((dir, dir.entries.get(name)?)))
    }

    /// The file that a name stands for. `None`: there is none, or aliases lead in a circle.
    pub(super) fn resolve(&self, name: &str) -> Option<Resolved> {
        let mut name = name.to_owned();
        for _ in 0..FOLLOW_LIMIT {
            let (found, (directory, entry)) = match self.entry(&name) {
                Some(entry) => (name.clone(), entry),
                None => {
                    let template = names::template(&name)?;
                    let entry = self.entry(&template)?;
                    (template, entry)
                }
            };
            let resolved =
                |path: PathBuf, masked| Some(Resolved { id: name.clone(), path, masked });
            let target = match entry {
                Entry::File => return resolved(directory.path.join(&found), false),
                Entry::Empty => return resolved(directory.path.join(&found), true),
                Entry::Link(target) => target,
            };
            if target == Path::new("/dev/null") {
                return resolved(directory.path.join(&found), true);
            }
            let within = UNITS.iter().any(|path| target.parent() == Some(Path::new(path)));
            let next = target.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if !within || next == found {
                return resolved(target.clone(), false);
            }
            if names::kind(next) != names::kind(&name) {
                return None;
            }
            name = match names::instance(&name) {
                Some(instance) if names::is_template(next) => names::instantiate(next, instance)?,
                _ => next.to_owned(),
            };
        }
        None
    }

    /// All names of a unit, its own first; those of a template's aliases for its instances too.
    pub(super) fn names(&self, id: &str) -> Vec<String> {
        let mut all = vec![id.to_owned()];
        all.extend(self.aliases.get(id).into_iter().flatten().cloned());
        if let (Some(template), Some(instance)) = (names::template(id), names::instance(id)) {
            let templates = self.aliases.get(&template).into_iter().flatten();
            all.extend(templates.filter_map(|alias| names::instantiate(alias, instance)));
        }
        all
    }

    /// The drop-ins of a unit of these names, in the order in which they apply.
    fn dropins(
        &self,
        files: &dyn Files,
        names: &[String],
        unread: &mut Vec<Unknown>,
    ) -> Vec<PathBuf> {
        conf_files::collect(files, &self.dropin_directories(names), unread)
    }

    /// The directories that are there in which drop-ins of a unit of these names may be put.
    fn dropin_directories(&self, names: &[String]) -> Vec<PathBuf> {
        let specific: Vec<String> =
            names.iter().flat_map(|name| dropins::unit_names(name)).collect();
        let kind = names.first().map(|name| names::kind(name).to_owned());
        let mut places = Vec::new();
        // The drop-ins for all units of a type are the least specific, whatever their directory.
        for group in [specific, kind.into_iter().collect()] {
            for directory in &self.directories {
                let folders = group.iter().map(|name| format!("{name}.d"));
                let there = folders.filter(|folder| directory.dropins.contains(folder));
                places.extend(there.map(|folder| directory.path.join(folder)));
            }
        }
        places
    }

    /// Where a file would change what a unit does: the directories of the load path, and those of
    /// its drop-ins that are there.
    pub fn directories_of(&self, id: &str) -> Vec<PathBuf> {
        let load = self.directories.iter().map(|directory| directory.path.clone());
        load.chain(self.dropin_directories(&self.names(id))).collect()
    }

    /// The name that a name leads to through aliases, without reading the unit. `None`: there is no
    /// file of it, and all directories could be read.
    ///
    /// # Errors
    /// When there seems to be no such file and something could not be read.
    pub fn id_of(&self, name: &str) -> Fact<Option<String>> {
        match (self.resolve(name), self.unread.first()) {
            (Some(resolved), _) => Ok(Some(resolved.id)),
            (None, Some(why)) => Err(why.clone()),
            (None, None) => Ok(None),
        }
    }

    /// The unit of that name. `None`: there is no such unit, and all directories could be read.
    ///
    /// # Errors
    /// When there seems to be no such unit and something could not be read.
    pub fn unit(&self, files: &dyn Files, name: &str) -> Fact<Option<Unit>> {
        // Settings are compared by those who know what a mark is.
        let files: &dyn Files = &Marked(files);
        let gap = |files: &Index| match files.unread.first() {
            Some(why) => Err(why.clone()),
            None => Ok(None),
        };
        let mut unread = self.unread.clone();
        let Some(resolved) = self.resolve(name) else {
            let dropins = self.dropins(files, &[name.to_owned()], &mut unread);
            return match self.init_scripts.unit(files, name, dropins, unread) {
                None => gap(self),
                unit => Ok(unit),
            };
        };
        let names = self.names(&resolved.id);
        let (dropins, masked, settings) = if resolved.masked {
            (Vec::new(), true, Ok(nothing(&resolved.path)))
        } else {
            let dropins = self.dropins(files, &names, &mut unread);
            match files.read(&resolved.path) {
                // A link that leads nowhere is no unit.
                Ok(None) => return gap(self),
                Ok(Some(content)) if content.is_empty() => {
                    (dropins, true, Ok(nothing(&resolved.path)))
                }
                Ok(Some(content)) => {
                    let id = Path::new(&resolved.id);
                    let settings = parse_with(files, id, &resolved.path, &content, &dropins);
                    (dropins, false, settings)
                }
                Err(why) => (dropins, false, Err(why)),
            }
        };
        let settings = settings.map(|mut settings| {
            settings.unread.splice(0..0, unread);
            settings
        });
        let state = match (&settings, masked) {
            (_, true) if resolved.path.starts_with("/run") => UnitFileState::MaskedRuntime,
            (_, true) => UnitFileState::Masked,
            (Ok(settings), false) => enablement::state(self, name, &resolved, settings),
            (Err(why), false) => return Err(why.clone()),
        };
        let behind_alias = match (&settings, state) {
            (Ok(settings), UnitFileState::Alias) => {
                Some(enablement::state(self, &resolved.id, &resolved, settings))
            }
            _ => None,
        };
        let wanted_by = self.wanted_by(&names);
        let Resolved { id, path: fragment, .. } = resolved;
        Ok(Some(Unit { id, fragment, dropins, masked, state, behind_alias, wanted_by, settings }))
    }

    /// Links that start a unit of these names together with another one. systemd goes by the name
    /// of the link, wherever it leads to.
    fn wanted_by(&self, names: &[String]) -> Vec<PathBuf> {
        let links = self.directories.iter().flat_map(|directory| &directory.wants);
        let fits = |link: &&PathBuf| {
            let name = link.file_name().and_then(OsStr::to_str).unwrap_or_default();
            names.iter().any(|known| known == name)
        };
        links.filter(fits).cloned().collect()
    }

    /// Names of the links in `*.wants` and its relatives: instances among them have no file of
    /// their own.
    pub fn wanted(&self) -> BTreeSet<&str> {
        let links = self.directories.iter().flat_map(|directory| &directory.wants);
        links.filter_map(|link| link.file_name().and_then(OsStr::to_str)).collect()
    }

    /// Names of all units of the load path, sorted.
    pub fn all(&self) -> BTreeSet<&str> {
        self.directories.iter().flat_map(|dir| dir.entries.keys().map(String::as_str)).collect()
    }
}

impl Directory {
    fn read(files: &dyn Files, path: &Path, unread: &mut Vec<Unknown>) -> Self {
        let mut directory = Directory {
            path: path.to_owned(),
            entries: BTreeMap::new(),
            dropins: BTreeSet::new(),
            wants: Vec::new(),
        };
        for name in listed(files, path, unread) {
            let at = path.join(&name);
            if name.ends_with(".d") {
                directory.dropins.insert(name);
            } else if [".wants", ".requires", ".upholds"].iter().any(|end| name.ends_with(end)) {
                directory.add_wants(files, &at, unread);
            } else if names::is_valid(&name) {
                match files.file(&at) {
                    Ok(Some(fact)) if fact.kind == FileKind::Symlink => {
                        let target = fact.link_target.as_deref().unwrap_or(Path::new(""));
                        directory.entries.insert(name, Entry::Link(absolute(path, target)));
                    }
                    Ok(Some(fact)) if fact.kind == FileKind::File && fact.size > 0 => {
                        directory.entries.insert(name, Entry::File);
                    }
                    Ok(Some(fact)) if fact.kind == FileKind::Directory => {}
                    Ok(Some(_)) => {
                        directory.entries.insert(name, Entry::Empty);
                    }
                    Ok(None) => {}
                    Err(why) => unread.push(why),
                }
            }
        }
        directory
    }

    fn add_wants(&mut self, files: &dyn Files, folder: &Path, unread: &mut Vec<Unknown>) {
        for name in listed(files, folder, unread) {
            let at = folder.join(&name);
            match files.file(&at) {
                Ok(Some(fact)) if fact.kind == FileKind::Symlink => self.wants.push(at),
                // What is no link is passed over by systemd.
                Ok(_) => {}
                Err(why) => unread.push(why),
            }
        }
    }
}

/// Names in a directory that are text; others are no names of units.
pub(super) fn listed(files: &dyn Files, path: &Path, unread: &mut Vec<Unknown>) -> Vec<String> {
    match files.list(path) {
        Ok(names) => {
            let names = names.iter().flat_map(|names| names.iter());
            names.filter_map(|name| name.to_str().map(str::to_owned)).collect()
        }
        Err(why) => {
            unread.push(why);
            Vec::new()
        }
    }
}

/// The absolute path that a link in `folder` names, `.` and `..` taken out as text, as systemd does.
fn absolute(folder: &Path, target: &Path) -> PathBuf {
    let mut path = PathBuf::from("/");
    for component in folder.join(target).components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                path.pop();
            }
            _ => {}
        }
    }
    path
}

fn nothing(path: &Path) -> Settings {
    let at = crate::facts::settings::Location { file: path.to_owned(), line: 0 };
    let root = crate::facts::settings::Block {
        name: String::new(),
        label: String::new(),
        at,
        settings: Vec::new(),
        blocks: Vec::new(),
        empty_list: false,
    };
    let files = vec![path.to_owned()];
    Settings {
        root,
        files,
        unread: Vec::new(),
        inherits: false,
        ignore_case: false,
        ..Settings::default()
    }
}

/// The units of systemd by name, listed once a run.
pub fn index(target: &dyn Target) -> Arc<Index> {
    target.memo().get_or_init(|| Arc::new(Index::read(target)))
}

/// The unit of that name, read once a run; `None`: there is no such unit.
///
/// # Errors
/// Those of [`Index::unit`].
pub fn unit(target: &dyn Target, name: &str) -> Fact<Option<Arc<Unit>>> {
    let known = target.memo().table::<Known>();
    known.0.get(name, || Ok(index(target).unit(target, name)?.map(Arc::new)))
}

/// Units that were read.
#[derive(Default)]
struct Known(crate::host::cache::Answers<String, Arc<Unit>>);

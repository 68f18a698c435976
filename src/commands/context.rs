//! Under which circumstances a command is read: who runs it, where, with which variables.

use super::shell::word::{SPLIT, UNKNOWN};
use crate::facts::cron::CronJob;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// Where systemd, cron and sudo look for programs without a path, `PATH` of Debian's systemd.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The most directories and values that are followed at once.
const ALTERNATIVES: usize = 8;

/// As whom something is run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// As the one whose command it is.
    Same,
    /// As this user: a name, or a number.
    User(String),
    /// As somebody else, who cannot be told.
    Unclear(String),
}

/// The circumstances of a command.
#[derive(Clone, Debug)]
pub struct Context {
    /// Whose command it is, as a reason: `ExecStart= of x.service`.
    pub(super) why: String,
    pub(super) who: Who,
    /// Directories that may be the working one; `None`: one that cannot be told.
    pub(super) directories: Vec<Option<PathBuf>>,
    /// Values that a variable may have.
    pub(super) variables: BTreeMap<String, Vec<String>>,
    /// Whether variables that are not known here are empty.
    pub(super) closed: bool,
    /// `$1` and further; `None`: unknown.
    pub(super) parameters: Option<Vec<String>>,
    /// `$0`.
    pub(super) zero: Option<String>,
    /// The directory that is `/` for it.
    pub(super) root: Option<PathBuf>,
    /// How many scripts and nested commands led here.
    pub(super) depth: usize,
    /// The script that it stands in; the innermost.
    pub(super) script: Option<PathBuf>,
    /// Whether nothing but wrappers stands between it and the one who asked.
    pub(super) main: bool,
}

impl Context {
    /// A command that is run in `/` with the usual search path. `why` says whose it is.
    pub fn new(why: impl Into<String>) -> Self {
        let mut context = Self {
            why: why.into(),
            who: Who::Same,
            directories: vec![Some(PathBuf::from("/"))],
            variables: BTreeMap::new(),
            closed: false,
            parameters: None,
            zero: None,
            root: None,
            depth: 0,
            script: None,
            main: true,
        };
        context.set("PATH", PATH);
        context
    }

    /// The circumstances of a job of cron: variables of its table, the home directory of its user;
    /// `crontab(5)`.
    pub fn of_cron(job: &CronJob, why: impl Into<String>, home: Option<&str>) -> Self {
        const PATH: &str = "/usr/bin:/bin";
        let mut context = Self::new(why).path(job.path.as_deref().unwrap_or(PATH));
        if let Some(home) = home.filter(|home| home.starts_with('/')) {
            context.set("HOME", home);
            context.directories = vec![Some(PathBuf::from(home))];
        }
        for (name, value) in &job.variables {
            context.set(name, value);
        }
        context.set("USER", &job.user);
        context.set("LOGNAME", &job.user);
        context
    }

    /// With this search path.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.set("PATH", path);
        self
    }

    /// In this directory; `None`: it cannot be told.
    #[must_use]
    pub fn directory(mut self, directory: Option<PathBuf>) -> Self {
        self.directories = vec![directory.map(|directory| normal(&directory))];
        self
    }

    /// As the command of somebody else.
    #[must_use]
    pub fn because(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// With this variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.set(name, value);
        self
    }

    /// With no other variables than those that are given.
    #[must_use]
    pub fn closed(mut self) -> Self {
        self.closed = true;
        self
    }

    /// In another root directory.
    #[must_use]
    pub fn root(mut self, root: Option<PathBuf>) -> Self {
        self.root = root.filter(|root| root != Path::new("/"));
        self
    }

    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), vec![value.to_owned()]);
    }

    /// Adds values that a variable may have, beside those that it has, or instead.
    pub(super) fn assign(&mut self, name: &str, values: Vec<String>, instead: bool) {
        let known = self.variables.entry(name.to_owned()).or_default();
        if instead {
            known.clear();
        }
        for value in values {
            if !known.contains(&value) && known.len() < ALTERNATIVES {
                known.push(value);
            }
        }
    }

    /// Values of a variable.
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        let all = || self.parameters.clone();
        match name {
            "@" | "*" => {
                return match all() {
                    Some(words) => vec![words.join(&SPLIT.to_string())],
                    None => vec![UNKNOWN.to_string()],
                };
            }
            "0" => return vec![self.zero.clone().unwrap_or_else(|| UNKNOWN.to_string())],
            "BASH_SOURCE" => {
                return vec![self.zero.clone().unwrap_or_else(|| UNKNOWN.to_string())];
            }
            "PWD" if !self.variables.contains_key("PWD") => {
                let known = |one: &Option<PathBuf>| match one {
                    Some(path) => path.to_string_lossy().into_owned(),
                    None => UNKNOWN.to_string(),
                };
                return self.directories.iter().map(known).collect();
            }
            _ => {}
        }
        if let Ok(number) = name.parse::<usize>() {
            return match all() {
                Some(words) => vec![words.get(number.wrapping_sub(1)).cloned().unwrap_or_default()],
                None => vec![UNKNOWN.to_string()],
            };
        }
        match self.variables.get(name).filter(|values| !values.is_empty()) {
            Some(values) => values.clone(),
            None if self.closed && self.depth == 0 => vec![String::new()],
            None => vec![UNKNOWN.to_string()],
        }
    }

    /// The search path's directories.
    pub(super) fn search(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for value in self.values("PATH") {
            for directory in value.split(':').filter(|directory| directory.starts_with('/')) {
                if !found.iter().any(|known| known == directory) {
                    found.push(directory.to_owned());
                }
            }
        }
        found
    }

    /// Goes to a directory; within a branch it is one more that may be the working one.
    pub(super) fn go(&mut self, to: &str, branch: bool) {
        let places: Vec<Option<PathBuf>> = match super::shell::word::is_known(to) {
            false => vec![None],
            true if to.starts_with('/') => vec![Some(normal(Path::new(to)))],
            true => {
                let from = self.directories.iter();
                from.map(|from| from.as_ref().map(|from| normal(&from.join(to)))).collect()
            }
        };
        if !branch {
            self.directories.clear();
        }
        for place in places {
            if !self.directories.contains(&place) && self.directories.len() < ALTERNATIVES {
                self.directories.push(place);
            }
        }
    }

    /// The paths that a name with a slash may mean; `None` where one cannot be told.
    pub(super) fn resolve(&self, name: &str) -> Vec<Option<PathBuf>> {
        if !super::shell::word::is_known(name) {
            return vec![None];
        }
        if name.starts_with('/') {
            return vec![Some(self.outside(Path::new(name)))];
        }
        let from = self.directories.iter();
        from.map(|from| from.as_ref().map(|from| self.outside(&normal(&from.join(name))))).collect()
    }

    /// A path of the command as the target has it.
    pub(super) fn outside(&self, path: &Path) -> PathBuf {
        match (&self.root, path.strip_prefix("/")) {
            (Some(root), Ok(within)) => root.join(within),
            _ => path.to_owned(),
        }
    }
}

/// A path without `.`; `..` stays, since what it means depends on links.
pub(super) fn normal(path: &Path) -> PathBuf {
    path.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

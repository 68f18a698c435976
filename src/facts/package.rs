//! Installed packages, as the databases of dpkg, rpm and apk tell.

use super::Unknown;
use super::settings::Location;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A package manager. Each orders versions in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// Debian and its descendants.
    Dpkg,
    /// Red Hat, SUSE and their descendants.
    Rpm,
    /// Alpine.
    Apk,
}

impl Manager {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Manager::Dpkg => "dpkg",
            Manager::Rpm => "rpm",
            Manager::Apk => "apk",
        }
    }
}

/// One package that its database has files or configuration of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// Name.
    pub name: String,
    /// Architecture in the manager's words, such as `amd64`.
    pub architecture: String,
    /// Whole version: with epoch and revision, as the manager writes it.
    pub version: String,
    /// What became of it.
    pub state: PackageState,
    /// Whether it is kept from being changed; `None` where the database does not say.
    pub held: Option<bool>,
    /// Who says so.
    pub manager: Manager,
    /// Where.
    pub at: Location,
}

/// What became of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PackageState {
    /// In place.
    Installed,
    /// Removed but for its configuration.
    ConfigFiles,
    /// On the way in or out, in dpkg's word: `half-configured`, `unpacked`.
    Broken(String),
}

/// All packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packages {
    /// In the order of their databases.
    pub all: Vec<Package>,
    /// Databases that were read.
    pub databases: Vec<PathBuf>,
    /// Databases, or parts of them, that could not be: there may be further packages.
    pub unread: Vec<Unknown>,
}

impl Packages {
    /// All packages of a name, or of `name:architecture`.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Package> {
        let (plain, architecture) = match name.split_once(':') {
            Some((plain, architecture)) => (plain, Some(architecture)),
            None => (name, None),
        };
        self.all.iter().filter(move |package| {
            package.name == plain
                && architecture.is_none_or(|wanted| package.architecture == wanted)
        })
    }
}

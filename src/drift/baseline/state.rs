//! What a baseline holds.

use super::acceptance::Acceptance;
use crate::facts::object::Objects;
use crate::facts::scope::Scope;
use crate::facts::snapshot::{Algorithm, Effort, Gaps, Time, Tree};
use serde::{Deserialize, Serialize};

/// The first bytes of a baseline.
pub const MAGIC: &[u8; 8] = b"SPOTBASE";

/// The version of the format that is written.
pub const VERSION: u16 = 1;

/// A baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// What it is of.
    pub head: Head,
    /// Files.
    pub tree: Tree,
    /// Everything else.
    pub objects: Objects,
}

/// What a baseline says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// When its making began.
    pub taken: Time,
    /// When all of it was last seen to be so: later than its making once somebody has accepted
    /// something.
    pub checked: Time,
    /// Who made it.
    pub by: String,
    /// Name of the target.
    pub target: String,
    /// The target was a running host.
    pub live: bool,
    /// Its files were looked at in a filesystem, with inodes that mean something.
    pub walked: bool,
    /// Version of spotcheck.
    pub version: String,
    /// What was looked at.
    pub scope: Scope,
    /// How contents were digested.
    pub algorithm: Algorithm,
    /// Packages that files belonged to; records count from 1.
    pub packages: Vec<String>,
    /// For each of them the digest of what the database said of its files; nothing in baselines of
    /// before that.
    #[serde(default)]
    pub manifests: Vec<String>,
    /// What could not be seen.
    pub gaps: Gaps,
    /// What it took.
    pub effort: Effort,
    /// Changes accepted for a while.
    #[serde(default)]
    pub acceptances: Vec<Acceptance>,
}

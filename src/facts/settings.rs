//! Settings of configuration files, in one shape for all formats.
//!
//! A format's parser applies the daemon's own rules (includes, which of two values wins) and leaves
//! what is in force, each value with the file and line it stands in.

use super::Unknown;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// File and line of a setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// File, as it was opened.
    pub file: PathBuf,
    /// Line, 1 being the first; 0 for the file as a whole.
    pub line: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file.display()),
            line => write!(f, "{}:{line}", self.file.display()),
        }
    }
}

/// Everything a configuration says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The outermost block.
    pub root: Block,
    /// Files that were read, the first being the one asked for.
    pub files: Vec<PathBuf>,
    /// Parts that could not be read (an include without permission): any answer may be incomplete.
    pub unread: Vec<Unknown>,
    /// Whether a setting missing from a block is taken from the enclosing one (nginx).
    pub inherits: bool,
    /// Whether names are compared without regard to case (sshd, ini).
    pub ignore_case: bool,
    /// Which blocks within others can say a setting of the enclosing one anew.
    #[serde(default)]
    pub inner: Inner,
    /// Whether a block is a thing of its own, so that where it is missing no default applies to it:
    /// without a `server` of nginx nothing listens on port 80.
    #[serde(default)]
    pub things: bool,
    /// Whether this is a part of a configuration: what it does not set another part may.
    #[serde(default)]
    pub part: bool,
    /// Settings of which a value cannot be told.
    #[serde(default)]
    pub undecided: Vec<Undecided>,
    /// Lines that the owner passes over, since the setting cannot take their value.
    #[serde(default)]
    pub refused: Vec<Setting>,
}

/// A setting of which a value cannot be told, while what the file says of others can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undecided {
    /// Name.
    pub name: String,
    /// Why.
    pub why: Unknown,
    /// Whether the values that are told stay in force beside it.
    pub adds: bool,
}

/// Whose blocks say the settings of enclosing ones anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Inner {
    /// None do, or what they say stands in the enclosing block as well.
    #[default]
    None,
    /// Contexts of nginx, not `map`, `types` and the like, whose lines are data.
    Nginx,
    /// Sections of apache.
    Apache,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            root: Block::root(Path::new("")),
            files: Vec::new(),
            unread: Vec::new(),
            inherits: false,
            ignore_case: false,
            inner: Inner::None,
            things: false,
            part: false,
            undecided: Vec::new(),
            refused: Vec::new(),
        }
    }
}

/// A block of settings: the file itself, an nginx `server { }`, an ini `[section]`, a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Name as a path addresses it: `server`, `Service`; empty for the root.
    pub name: String,
    /// What stands behind the name: `/images/` of an nginx `location`, `User git` of a `Match`.
    pub label: String,
    /// Where it begins.
    pub at: Location,
    /// Settings in file order.
    pub settings: Vec<Setting>,
    /// Blocks within, in file order.
    pub blocks: Vec<Block>,
    /// Whether it is a list without elements.
    #[serde(default)]
    pub empty_list: bool,
}

/// One value of one setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Name.
    pub name: String,
    /// Value as written, quotes removed, words separated by one space.
    pub value: String,
    /// Other spellings that mean the same for a comparison, such as `8080` for `8080 default_server`.
    pub also: Vec<String>,
    /// Where it stands.
    pub at: Location,
}

/// The answer to "what is this setting?" for one block that the path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// A value is given.
    Set(&'a Setting),
    /// The block is there and says nothing about the setting; where the block begins.
    NotSet(&'a Location),
}

impl Block {
    /// An empty block.
    pub fn new(name: impl Into<String>, label: impl Into<String>, at: Location) -> Self {
        let (name, label) = (name.into(), label.into());
        Self { name, label, at, settings: Vec::new(), blocks: Vec::new(), empty_list: false }
    }

    /// An empty outermost block of the configuration that begins with this file.
    pub fn root(path: &Path) -> Self {
        Self::new("", "", Location { file: path.to_path_buf(), line: 0 })
    }
}

impl Settings {
    /// Whether a part that could not be read may put another value in the place of one that was
    /// read. Not in nginx, where every value stays in force in its own block.
    pub fn unread_can_override(&self) -> bool {
        !self.inherits
    }

    /// Whether two names are one.
    pub fn same_name(&self, a: &str, b: &str) -> bool {
        if self.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b }
    }
}

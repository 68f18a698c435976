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
}

/// Blocks within others that can say a setting of the enclosing one anew, where settings are
/// inherited: contexts of nginx. Not `map`, `types` and the like, whose lines are data.
const CONTEXTS: [&str; 6] = ["http", "server", "location", "if", "limit_except", "stream"];

/// Directives that are done where they stand: those within say nothing about the enclosing block.
const DONE_IN_PLACE: [&str; 16] = [
    "alias",
    "break",
    "fastcgi_pass",
    "grpc_pass",
    "include",
    "internal",
    "listen",
    "memcached_pass",
    "proxy_pass",
    "return",
    "rewrite",
    "scgi_pass",
    "server_name",
    "set",
    "try_files",
    "uwsgi_pass",
];

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
        Self { name, label, at, settings: Vec::new(), blocks: Vec::new() }
    }

    /// An empty outermost block of the configuration that begins with this file.
    pub fn root(path: &Path) -> Self {
        Self::new("", "", Location { file: path.to_path_buf(), line: 0 })
    }
}

impl Settings {
    /// All answers for a path such as `http.server.listen`: the last word names the setting, those
    /// before it the blocks. Names that contain dots may be written in double quotes,
    /// `"net.ipv4.ip_forward"`; those outside of all blocks are found without. A path that leads to no block at all is not set at the file itself.
    ///
    /// Where settings are inherited, what a block further in says instead is an answer as well:
    /// `autoindex` of a `location` to the question for that of its `server`.
    pub fn lookup<'a>(&'a self, path: &str) -> Vec<Lookup<'a>> {
        let words = split_path(path);
        let Some((name, blocks)) = words.split_last() else { return Vec::new() };
        let mut found = Vec::new();
        self.descend(&self.root, blocks, name, &[], &mut found);
        if found.is_empty() {
            let whole = self.root.settings.iter().filter(|s| self.same_name(&s.name, path));
            found.extend(whole.map(Lookup::Set));
        }
        if found.is_empty() {
            found.push(Lookup::NotSet(&self.root.at));
        }
        found
    }

    /// Whether a part that could not be read may put another value in the place of one that was
    /// read. Not in nginx, where every value stays in force in its own block.
    pub fn unread_can_override(&self) -> bool {
        !self.inherits
    }

    fn descend<'a>(
        &'a self,
        block: &'a Block,
        path: &[String],
        name: &str,
        inherited: &[&'a Setting],
        found: &mut Vec<Lookup<'a>>,
    ) {
        let own: Vec<&Setting> =
            block.settings.iter().filter(|s| self.same_name(&s.name, name)).collect();
        let in_force = if own.is_empty() && self.inherits { inherited } else { own.as_slice() };
        match path.split_first() {
            None => {
                match in_force.is_empty() {
                    true => found.push(Lookup::NotSet(&block.at)),
                    false => found.extend(in_force.iter().map(|setting| Lookup::Set(setting))),
                }
                if self.inherits && !block.name.is_empty() && !DONE_IN_PLACE.contains(&name) {
                    self.said_anew(block, name, found);
                }
            }
            Some((next, rest)) => {
                for inner in block.blocks.iter().filter(|b| self.same_name(&b.name, next)) {
                    self.descend(inner, rest, name, in_force, found);
                }
            }
        }
    }

    fn said_anew<'a>(&'a self, block: &'a Block, name: &str, found: &mut Vec<Lookup<'a>>) {
        for inner in block.blocks.iter().filter(|b| CONTEXTS.contains(&b.name.as_str())) {
            let own = inner.settings.iter().filter(|s| self.same_name(&s.name, name));
            found.extend(own.map(Lookup::Set));
            self.said_anew(inner, name, found);
        }
    }

    fn same_name(&self, a: &str, b: &str) -> bool {
        if self.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b }
    }
}

/// Splits `a."b.c".d` into its words.
fn split_path(path: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in path.chars() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => words.push(String::new()),
            other => {
                if let Some(word) = words.last_mut() {
                    word.push(other);
                }
            }
        }
    }
    words
}

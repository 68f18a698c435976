//! What shows that a program has made a file: that it is there, and that what it reads has changed.

use crate::drift::compare::FileChange;
use crate::facts::file::FileKind;
use crate::facts::package_file::{Claim, PackageFiles};
use crate::facts::snapshot::Content;
use crate::host::Target;
use globset::{GlobBuilder, GlobMatcher};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Where programs are.
const PROGRAMS: [&str; 6] =
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];
/// Below these, or the directory of an architecture in them, some programs are that nobody calls.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/libexec", "/usr/lib64"];
/// The most directories of architectures that are looked through.
const ARCHITECTURES: usize = 64;

/// What is known of a comparison.
pub struct Evidence<'a> {
    /// The target as it is.
    pub target: &'a dyn Target,
    /// What package databases say.
    pub packages: &'a PackageFiles,
    /// Packages of the baseline, `name version`.
    pub packages_before: &'a [String],
    /// All files that differ, by path.
    pub changed: &'a [FileChange],
}

/// Whether a file is another than it was, and was not only touched.
fn is_another(change: &FileChange) -> bool {
    let (Some(was), Some(is)) = (&change.before, &change.after) else { return true };
    let untold = |content: &Content| matches!(content, Content::None | Content::Unreadable);
    let written = (untold(&was.content) || untold(&is.content))
        && (was.size != is.size || was.modified != is.modified);
    was.kind != is.kind || was.link() != is.link() || was.content != is.content || written
}

impl Evidence<'_> {
    fn is_program(&self, path: &str) -> bool {
        let now = self.target.file(Path::new(path)).ok().flatten();
        now.is_some_and(|file| matches!(file.kind, FileKind::File | FileKind::Symlink))
    }

    /// Whether one of these programs is there, or has gone since the baseline: then what it made may
    /// go with it.
    pub(super) fn has_tool(&self, tools: &[&str], gone_too: bool) -> bool {
        let places = |tool: &str| -> Vec<String> {
            if !tool.contains('/') {
                return PROGRAMS.iter().map(|folder| format!("{folder}/{tool}")).collect();
            }
            let mut all: Vec<String> =
                LIBRARIES.iter().map(|folder| format!("{folder}/{tool}")).collect();
            let names = self.target.list(Path::new("/usr/lib")).ok().flatten();
            let names = names.iter().flat_map(|names| names.iter());
            let names =
                names.filter_map(|name| name.to_str()).filter(|name| name.contains("-linux-"));
            all.extend(names.take(ARCHITECTURES).map(|name| format!("/usr/lib/{name}/{tool}")));
            all
        };
        tools.iter().flat_map(|tool| places(tool)).any(|path| {
            self.is_program(&path)
                || gone_too && self.change(path.as_bytes()).is_some_and(|c| c.after.is_none())
        })
    }

    fn change(&self, path: &[u8]) -> Option<&FileChange> {
        let at = self.changed.binary_search_by(|change| change.path.as_slice().cmp(path)).ok()?;
        self.changed.get(at)
    }

    /// Whether that file has come, gone or been written anew.
    pub(super) fn is_other(&self, path: &[u8]) -> bool {
        self.change(path).is_some_and(is_another)
    }

    /// Whether that file belongs to a package that has come or has another version.
    pub(super) fn has_new_package(&self, path: &[u8]) -> bool {
        self.packages.claims(path).iter().any(|claim| self.is_new(claim))
    }

    fn is_new(&self, claim: &Claim) -> bool {
        let Some(owner) = self.packages.owner(claim) else { return false };
        !self.packages_before.contains(&format!("{} {}", owner.name, owner.version))
    }

    /// Whether something that fits one of these patterns has changed.
    pub(super) fn has_changed(&self, inputs: &Inputs) -> bool {
        self.changed.iter().any(|change| inputs.fit(&change.path) && is_another(change))
            || self
                .packages
                .claims
                .iter()
                .any(|(path, all)| inputs.fit(path) && all.iter().any(|claim| self.is_new(claim)))
    }
}

/// Patterns of what a file is made from.
pub(super) struct Inputs(pub(super) Vec<GlobMatcher>);

/// A pattern ready to be asked.
pub(super) fn compiled(pattern: &str) -> Option<GlobMatcher> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).empty_alternates(true).build();
    Some(glob.ok()?.compile_matcher())
}

impl Inputs {
    /// Patterns, in which `@` stands for the directory of `path`.
    pub(super) fn of(patterns: &[&str], path: &[u8]) -> Self {
        let folder = Path::new(OsStr::from_bytes(path)).parent().unwrap_or(Path::new("/"));
        let folder = globset::escape(&folder.to_string_lossy());
        let read = |pattern: &&str| {
            let whole = pattern.replacen('@', &folder, 1);
            compiled(&whole)
        };
        Self(patterns.iter().filter_map(read).collect())
    }

    pub(super) fn fit(&self, path: &[u8]) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        self.0.iter().any(|glob| glob.is_match(path))
    }
}

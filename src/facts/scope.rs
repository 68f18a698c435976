//! Which files drift is about, and what may happen to them: plain data, with its own look-up.

use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a file is for. That decides which changes are ordinary.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum FileUse {
    /// Nothing about it may change.
    #[default]
    Plain,
    /// It grows, and is rotated. Content is not read; that it is emptied in place counts.
    Log,
    /// It comes, goes and changes; who may use it does not. Nothing in it may gain privileges.
    Cache,
    /// Its content changes all the time; who may use it does not, and it does not disappear.
    Database,
    /// As plain; what is in it is never shown.
    Secret,
}

impl FileUse {
    /// All of them but the plain.
    pub const NAMED: [FileUse; 4] =
        [FileUse::Log, FileUse::Cache, FileUse::Database, FileUse::Secret];

    /// The word in policies.
    pub const fn name(self) -> &'static str {
        match self {
            FileUse::Plain => "plain",
            FileUse::Log => "log",
            FileUse::Cache => "cache",
            FileUse::Database => "database",
            FileUse::Secret => "secret",
        }
    }

    /// Whether content is compared.
    pub const fn has_fixed_content(self) -> bool {
        matches!(self, FileUse::Plain | FileUse::Secret)
    }
}

/// A change that is expected, with the reason why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Path or pattern.
    pub path: String,
    /// The attributes that may change; empty for all but owner, group, mode, ACLs, capabilities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<String>,
    /// Why.
    pub why: String,
}

/// What drift looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Files and directories, with all that is below.
    pub paths: Vec<PathBuf>,
    /// Paths and patterns that are left out.
    #[serde(default)]
    pub exclude: Vec<String>,
    /// What files are for, by path or pattern; the last that fits counts.
    #[serde(default)]
    pub uses: Vec<(String, FileUse)>,
    /// Changes that are expected.
    #[serde(default)]
    pub expected: Vec<Expected>,
    /// Filesystems mounted below the paths are looked at too.
    #[serde(default)]
    pub cross_filesystems: bool,
    /// What beside files: listeners, services, accounts ...; all by default.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
}

/// What comes with the system and configures it. Directories that are links to their namesake in
/// `/usr` are looked at as links.
const PATHS: [&str; 12] = [
    "/etc",
    "/usr",
    "/boot",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/var/spool/cron",
    "~/.ssh",
    "~/.config/systemd/user",
];

/// What is in these is never shown.
const SECRETS: [&str; 8] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/ssl/private",
    "/etc/ssh/ssh_host_*_key",
    "/etc/krb5.keytab",
    "/etc/security/opasswd",
];

impl Scope {
    /// All of an image or root filesystem, without what engines mount and what is there for a while.
    pub fn whole() -> Self {
        const LEFT_OUT: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/tmp"];
        Self {
            paths: vec![PathBuf::from("/")],
            exclude: LEFT_OUT.iter().map(|path| format!("{path}/**")).collect(),
            ..Self::usual()
        }
    }

    /// The scope of a target of which nobody says anything.
    pub fn usual() -> Self {
        Self {
            paths: PATHS.iter().map(PathBuf::from).collect(),
            uses: SECRETS.iter().map(|path| ((*path).to_owned(), FileUse::Secret)).collect(),
            ..Self::default()
        }
    }
}

/// Names of the attributes that tell of rights, for policies; extended attributes beside.
pub const RIGHTS: [&str; 7] =
    ["owner", "group", "mode", "acl", "default_acl", "capabilities", "flags"];
/// Names of the others.
pub const OTHERS: [&str; 12] = [
    "type",
    "content",
    "size",
    "target",
    "device",
    "mtime",
    "ctime",
    "inode",
    "filesystem",
    "links",
    "xattr",
    "exists",
];

/// One path or pattern: `/a/b`, `/a/b/**` (that directory with all below), `/a/*/x`.
#[derive(Clone, Debug)]
struct Pattern {
    /// Bytes up to the last slash before the first special character.
    prefix: Vec<u8>,
    kind: PatternKind,
}

#[derive(Clone, Debug)]
enum PatternKind {
    /// The path of the prefix, and everything below.
    Below,
    /// A pattern for the whole path; what is below a match belongs to it.
    Glob(globset::GlobMatcher),
}

fn is_below(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/") || folder.ends_with(b"/"))
}

impl Pattern {
    fn new(text: &str) -> Result<Self, String> {
        let plain = text.strip_suffix("/**").unwrap_or(text);
        let trimmed = plain.trim_end_matches('/');
        if !plain.contains(['*', '?', '[', '{']) {
            return Ok(Self { prefix: trimmed.as_bytes().to_vec(), kind: PatternKind::Below });
        }
        let special = plain.find(['*', '?', '[', '{']).unwrap_or(plain.len());
        let slash = plain.get(..special).and_then(|head| head.rfind('/')).unwrap_or(0);
        let glob = globset::GlobBuilder::new(plain)
            .literal_separator(true)
            .build()
            .map_err(|error| error.kind().to_string())?;
        let prefix = plain.get(..slash).unwrap_or_default().as_bytes().to_vec();
        Ok(Self { prefix, kind: PatternKind::Glob(glob.compile_matcher()) })
    }

    /// Whether something in this directory, or below, could fit.
    fn may_reach(&self, directory: &[u8]) -> bool {
        is_below(directory, &self.prefix) || is_below(&self.prefix, directory)
    }

    fn fits(&self, path: &[u8]) -> bool {
        use std::os::unix::ffi::OsStrExt;
        match &self.kind {
            PatternKind::Below => is_below(path, &self.prefix),
            PatternKind::Glob(glob) => {
                let path = Path::new(std::ffi::OsStr::from_bytes(path));
                path.ancestors().any(|path| glob.is_match(path))
            }
        }
    }
}

/// A [`Scope`] ready to be asked.
#[derive(Clone, Debug)]
pub struct Rules {
    exclude: Vec<Pattern>,
    uses: Vec<(Pattern, FileUse)>,
    expected: Vec<(Pattern, Expected)>,
}

impl Rules {
    /// Reads the patterns of a scope.
    ///
    /// # Errors
    /// A pattern that is none, and why.
    pub fn new(scope: &Scope) -> Result<Self, String> {
        let pattern = |text: &str| Pattern::new(text).map_err(|why| format!("`{text}`: {why}"));
        Ok(Self {
            exclude: scope.exclude.iter().map(|text| pattern(text)).collect::<Result<_, _>>()?,
            uses: scope
                .uses
                .iter()
                .map(|(text, kind)| Ok((pattern(text)?, *kind)))
                .collect::<Result<_, String>>()?,
            expected: scope
                .expected
                .iter()
                .map(|expected| Ok((pattern(&expected.path)?, expected.clone())))
                .collect::<Result<_, String>>()?,
        })
    }

    /// What has to be asked of files in one directory: for most of them nothing.
    pub fn within<'a>(&'a self, directory: &[u8]) -> Local<'a> {
        Local {
            exclude: self.exclude.iter().filter(|p| p.may_reach(directory)).collect(),
            uses: self.uses.iter().filter(|(p, _)| p.may_reach(directory)).collect(),
        }
    }

    /// Whether a file, or one of the directories that it is in, is left out.
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.exclude.iter().any(|pattern| pattern.fits(path))
    }

    /// What a file is for.
    pub fn use_of(&self, path: &[u8]) -> FileUse {
        let fits = self.uses.iter().rev().find(|(pattern, _)| pattern.fits(path));
        fits.map(|(_, kind)| *kind).unwrap_or_default()
    }

    /// What is expected of a file.
    pub fn expected<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = &'a Expected> {
        self.expected.iter().filter(|(pattern, _)| pattern.fits(path)).map(|(_, expected)| expected)
    }
}

/// The part of [`Rules`] that concerns one directory.
pub struct Local<'a> {
    exclude: Vec<&'a Pattern>,
    uses: Vec<&'a (Pattern, FileUse)>,
}

impl Local<'_> {
    /// Nothing special here: paths need not be put together.
    pub fn is_plain(&self) -> bool {
        self.exclude.is_empty() && self.uses.is_empty()
    }

    /// Whether a file is left out.
    pub fn excludes(&self, path: &[u8]) -> bool {
        self.exclude.iter().any(|pattern| pattern.fits(path))
    }

    /// What a file is for.
    pub fn use_of(&self, path: &[u8]) -> FileUse {
        let fits = self.uses.iter().rev().find(|(pattern, _)| pattern.fits(path));
        fits.map(|(_, kind)| *kind).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(exclude: &[&str], uses: &[(&str, FileUse)]) -> Rules {
        Rules::new(&Scope {
            paths: vec!["/".into()],
            exclude: exclude.iter().map(|text| (*text).to_owned()).collect(),
            uses: uses.iter().map(|(text, kind)| ((*text).to_owned(), *kind)).collect(),
            expected: Vec::new(),
            cross_filesystems: false,
            classes: None,
        })
        .unwrap()
    }

    #[test]
    fn a_path_stands_for_all_that_is_below_it_and_for_nothing_beside() {
        let rules = scope(&["/var/cache", "/srv/**"], &[]);
        let local = rules.within(b"/var");
        assert!(local.excludes(b"/var/cache"));
        assert!(local.excludes(b"/var/cache/a/b"));
        assert!(!local.excludes(b"/var/cache2"));
        assert!(rules.within(b"/srv").excludes(b"/srv/x"));
        assert!(rules.within(b"/etc").is_plain());
        assert!(!rules.within(b"/").is_plain());
    }

    #[test]
    fn a_pattern_stays_within_its_directory_and_takes_what_is_below_a_match() {
        let rules = scope(&["/home/*/.cache", "/etc/**/*.bak"], &[]);
        assert!(rules.within(b"/home/a").excludes(b"/home/a/.cache"));
        assert!(rules.within(b"/home/a/.cache/b").excludes(b"/home/a/.cache/b/c"));
        assert!(!rules.within(b"/home/a/b").excludes(b"/home/a/b/.cache"));
        assert!(rules.within(b"/etc/x/y").excludes(b"/etc/x/y/z.bak"));
    }

    #[test]
    fn the_last_use_that_fits_counts() {
        let rules =
            scope(&[], &[("/var/log", FileUse::Log), ("/var/log/app.db", FileUse::Database)]);
        assert_eq!(rules.use_of(b"/var/log/syslog"), FileUse::Log);
        assert_eq!(rules.use_of(b"/var/log/app.db"), FileUse::Database);
        assert_eq!(rules.within(b"/var/log").use_of(b"/var/log/app.db"), FileUse::Database);
        assert_eq!(rules.use_of(b"/etc/passwd"), FileUse::Plain);
    }
}

//! Glob patterns over a target's files: `glob(7)`, and with `**` and `{a,b}` what shells add to it.
//!
//! `*`, `?` and `[...]` match within one name and never a leading dot; `**` as a whole component
//! matches directories of any depth, also those whose names begin with a dot, and as the last one
//! everything below; it does not follow symbolic links to directories. Braces give alternatives, which
//! may span several components.
//!
//! (That shells leave hidden directories out of `**` is for people who look for their own files. A
//! key in `/home/bob/.ssh` is not to be missed.)

mod braces;

use crate::facts::file::FileKind;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use globset::{GlobBuilder, GlobMatcher};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The most paths that one pattern may expand to.
pub const GLOB_LIMIT: usize = 100_000;
/// The most names that are looked at for one pattern.
const NAME_LIMIT: usize = 10 * GLOB_LIMIT;
/// How deep `**` descends.
const DEPTH: usize = 128;

/// Whether a path has to be expanded at all. A bracket or brace that is not closed stands for
/// itself, as in `/usr/bin/[`.
pub fn is_pattern(path: &str) -> bool {
    let closed = |open, close| path.split_once(open).is_some_and(|(_, rest)| rest.contains(close));
    path.contains(['*', '?']) || closed('[', ']') || closed('{', '}')
}

/// What is wrong with a pattern, if anything, before it is expanded.
///
/// # Errors
/// Why it is no pattern.
pub fn validate(pattern: &str) -> Result<(), String> {
    for alternative in braces::expand(pattern)? {
        parts(&alternative)?;
    }
    Ok(())
}

/// All existing paths that match `pattern`, sorted.
///
/// # Errors
/// Where a directory on the way cannot be listed or a name not be looked up (there may be more
/// matches in it), where a limit is exceeded, and where the pattern is not absolute or no pattern.
pub fn expand(files: &dyn Files, pattern: &str) -> Fact<Vec<PathBuf>> {
    let malformed = |why: String| Unknown::new(pattern, Cause::Malformed(why));
    if !pattern.starts_with('/') {
        return Err(malformed("not an absolute path".to_owned()));
    }
    let mut walk = Walk { files, pattern, found: BTreeSet::new(), names: 0 };
    for alternative in braces::expand(pattern).map_err(malformed)? {
        let parts = parts(&alternative).map_err(malformed)?;
        walk.descend(PathBuf::from("/"), &parts, 0)?;
    }
    Ok(walk.found.into_iter().collect())
}

/// A pattern that paths are compared with, one by one: those of a list.
#[derive(Debug)]
pub struct Pattern {
    alternatives: Vec<Vec<Part>>,
}

impl Pattern {
    /// Reads an absolute pattern, or a path.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn new(text: &str) -> Result<Self, String> {
        if !is_pattern(text) {
            let names = text.split('/').filter(|name| !name.is_empty());
            let names = names.map(|name| Part::Name(name.to_owned())).collect();
            return Ok(Self { alternatives: vec![names] });
        }
        let alternatives = braces::expand(text)?;
        let alternatives = alternatives.iter().map(|text| parts(text)).collect::<Result<_, _>>()?;
        Ok(Self { alternatives })
    }

    /// Whether [`expand`] would give this path, if it is there and no symbolic link leads to it.
    pub fn matches(&self, path: &Path) -> bool {
        let names: Vec<&OsStr> = path.iter().filter(|name| *name != "/").collect();
        self.alternatives.iter().any(|parts| fits(parts, &names))
    }
}

/// A pattern of single names, which are no paths: units, packages.
#[derive(Debug)]
pub struct NamePattern(Pattern);

impl NamePattern {
    /// Reads a pattern such as `autofs.*`.
    ///
    /// # Errors
    /// Why it is no pattern of a name.
    pub fn new(text: &str) -> Result<Self, String> {
        match text.contains(['/', '\0']) {
            true => Err("a name has no slash".to_owned()),
            false => Pattern::new(&format!("/{text}")).map(Self),
        }
    }

    /// Whether a name fits.
    pub fn matches(&self, name: &str) -> bool {
        !name.contains('/') && self.0.matches(&Path::new("/").join(name))
    }
}

/// Whether the names of a path fit the parts of a pattern, each in its turn. Kept are the parts that
/// may come next: going back at each `**` could take for ever.
fn fits(parts: &[Part], names: &[&OsStr]) -> bool {
    let mut open = with_empty(parts, BTreeSet::from([0]));
    for name in names {
        let next = open.iter().flat_map(|&at| {
            let behind = at.saturating_add(1);
            match parts.get(at) {
                Some(Part::Deep) if behind == parts.len() => vec![at, behind],
                Some(Part::Deep) => vec![at],
                Some(part) if part.is(name) => vec![behind],
                _ => Vec::new(),
            }
        });
        open = with_empty(parts, next.collect());
    }
    open.contains(&parts.len())
}

/// Adds what comes behind parts that may stand for no name: `**` for no directory, unless it comes
/// last, and the slash at the end.
fn with_empty(parts: &[Part], mut open: BTreeSet<usize>) -> BTreeSet<usize> {
    for (at, part) in parts.iter().enumerate() {
        let behind = at.saturating_add(1);
        let is_empty = match part {
            Part::Deep => behind < parts.len(),
            Part::Directory => true,
            _ => false,
        };
        if is_empty && open.contains(&at) {
            open.insert(behind);
        }
    }
    open
}

/// One component of a pattern.
#[derive(Debug)]
enum Part {
    /// A name to be taken as it is.
    Name(String),
    /// A name that must match.
    Match { matcher: GlobMatcher, dotted: bool },
    /// `**`.
    Deep,
    /// A slash at the end: directories only.
    Directory,
}

impl Part {
    /// Whether one name matches.
    fn is(&self, name: &OsStr) -> bool {
        match self {
            Part::Name(own) => name == own.as_str(),
            Part::Match { matcher, dotted } => {
                let hidden = name.as_encoded_bytes().starts_with(b".");
                (*dotted || !hidden) && matcher.is_match(Path::new(name))
            }
            Part::Deep | Part::Directory => false,
        }
    }
}

struct Walk<'a> {
    files: &'a dyn Files,
    pattern: &'a str,
    found: BTreeSet<PathBuf>,
    names: usize,
}

impl Walk<'_> {
    /// Follows the parts from `base`, which is known to exist unless names were added to it since
    /// the last look.
    fn descend(&mut self, base: PathBuf, parts: &[Part], depth: usize) -> Fact<()> {
        let Some((part, rest)) = parts.split_first() else {
            return match self.files.file(&base)? {
                Some(_) => self.add(base),
                None => Ok(()),
            };
        };
        match part {
            Part::Name(name) => self.descend(base.join(name), rest, depth),
            Part::Match { .. } => {
                for name in self.names(&base)? {
                    if part.is(&name) {
                        self.descend(base.join(name), rest, depth)?;
                    }
                }
                Ok(())
            }
            Part::Deep => self.deep(base, rest, depth),
            Part::Directory => match self.files.list(&base)? {
                Some(_) => self.add(base),
                None => Ok(()),
            },
        }
    }

    /// `**`: the rest of the pattern here and in every directory below. As the last component it
    /// stands for everything below.
    fn deep(&mut self, base: PathBuf, rest: &[Part], depth: usize) -> Fact<()> {
        if depth >= DEPTH {
            return Err(self.too_large(format!("more than {DEPTH} directories deep")));
        }
        if !rest.is_empty() {
            self.descend(base.clone(), rest, depth)?;
        }
        for name in self.names(&base)? {
            let path = base.join(name);
            let Some(file) = self.files.file(&path)? else { continue };
            if rest.is_empty() {
                self.add(path.clone())?;
            }
            if file.kind == FileKind::Directory {
                self.deep(path, rest, depth.saturating_add(1))?;
            }
        }
        Ok(())
    }

    /// Names in a directory; none if it is not one.
    fn names(&mut self, directory: &Path) -> Fact<Vec<std::ffi::OsString>> {
        let names = self.files.list(directory)?.map_or_else(Vec::new, |names| names.to_vec());
        self.names = self.names.saturating_add(names.len());
        if self.names > NAME_LIMIT {
            return Err(self.too_large(format!("more than {NAME_LIMIT} names to look at")));
        }
        Ok(names)
    }

    fn add(&mut self, path: PathBuf) -> Fact<()> {
        self.found.insert(path);
        if self.found.len() > GLOB_LIMIT {
            return Err(self.too_large(format!("more than {GLOB_LIMIT} paths match")));
        }
        Ok(())
    }

    fn too_large(&self, why: String) -> Unknown {
        Unknown::new(self.pattern, Cause::TooLarge(why))
    }
}

/// Splits a pattern without braces into its components.
fn parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    for text in pattern.split('/').filter(|text| !text.is_empty()) {
        match text {
            // Twice says no more than once, and would be walked through once per depth.
            "**" if matches!(parts.last(), Some(Part::Deep)) => {}
            "**" => parts.push(Part::Deep),
            name if !name.contains(['*', '?', '[', '\\']) => {
                parts.push(Part::Name(name.to_owned()));
            }
            text => {
                let glob = GlobBuilder::new(text)
                    .literal_separator(true)
                    .backslash_escape(true)
                    .build()
                    .map_err(|error| error.kind().to_string())?;
                let dotted = text.trim_start_matches('\\').starts_with('.');
                parts.push(Part::Match { matcher: glob.compile_matcher(), dotted });
            }
        }
    }
    if pattern.ends_with('/') && !parts.is_empty() {
        parts.push(Part::Directory);
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::live::Live;
    use proptest::prelude::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let base = dir.path();
            for path in ["etc/nginx/sites", "etc/nginx/.git", "etc/apache2", "loop"] {
                fs::create_dir_all(base.join(path)).unwrap();
            }
            for path in [
                "etc/nginx/nginx.conf",
                "etc/nginx/mime.types",
                "etc/nginx/.hidden.conf",
                "etc/nginx/.git/x.conf",
                "etc/nginx/sites/a.conf",
                "etc/apache2/apache2.conf",
                "etc/one[1].conf",
            ] {
                fs::write(base.join(path), "").unwrap();
            }
            symlink("..", base.join("loop/up")).unwrap();
            symlink("nowhere", base.join("etc/dangling.conf")).unwrap();
            symlink("nginx", base.join("etc/www")).unwrap();
            Self(dir)
        }

        fn expand(&self, pattern: &str) -> Vec<String> {
            let base = self.0.path().to_str().unwrap();
            let found = expand(&Live::new(), &format!("{base}/{pattern}")).unwrap();
            let relative = |path: &PathBuf| path.strip_prefix(base).unwrap().display().to_string();
            found.iter().map(relative).collect()
        }
    }

    #[test]
    fn a_star_stays_in_its_directory_and_leaves_hidden_files_out() {
        let tree = Tree::new();
        assert_eq!(tree.expand("etc/nginx/*.conf"), ["etc/nginx/nginx.conf"]);
        assert_eq!(tree.expand("etc/nginx/.*.conf"), ["etc/nginx/.hidden.conf"]);
        assert_eq!(
            tree.expand("etc/nginx/[m-o]*"),
            ["etc/nginx/mime.types", "etc/nginx/nginx.conf"]
        );
        assert_eq!(tree.expand("etc/nginx/nginx.con?"), ["etc/nginx/nginx.conf"]);
        assert_eq!(
            tree.expand("*/*/*.conf"),
            ["etc/apache2/apache2.conf", "etc/nginx/nginx.conf", "etc/www/nginx.conf"]
        );
    }

    #[test]
    fn two_stars_descend_also_into_hidden_directories_but_not_through_links() {
        let tree = Tree::new();
        assert_eq!(
            tree.expand("**/*.conf"),
            [
                "etc/apache2/apache2.conf",
                "etc/dangling.conf",
                "etc/nginx/.git/x.conf",
                "etc/nginx/nginx.conf",
                "etc/nginx/sites/a.conf",
                "etc/one[1].conf",
            ]
        );
        assert_eq!(
            tree.expand("etc/nginx/**"),
            [
                "etc/nginx/.git",
                "etc/nginx/.git/x.conf",
                "etc/nginx/.hidden.conf",
                "etc/nginx/mime.types",
                "etc/nginx/nginx.conf",
                "etc/nginx/sites",
                "etc/nginx/sites/a.conf"
            ]
        );
        assert_eq!(tree.expand("**/**/a.conf"), ["etc/nginx/sites/a.conf"]);
        assert_eq!(tree.expand("loop/**"), ["loop/up"]);
    }

    /// Every path of the tree, links on the way not followed.
    fn all_below(directory: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            found.push(entry.path());
            if entry.file_type().unwrap().is_dir() {
                all_below(&entry.path(), found);
            }
        }
    }

    #[test]
    fn a_pattern_matches_the_paths_that_it_expands_to_and_no_others() {
        let tree = Tree::new();
        let base = tree.0.path().to_str().unwrap();
        let mut all = Vec::new();
        all_below(tree.0.path(), &mut all);
        for pattern in [
            "**",
            "**/*",
            "**/*.conf",
            "**/.*",
            "etc/**",
            "etc/**/nginx.conf",
            "etc/*",
            "etc/nginx/*",
            "etc/**/.git/**",
            "etc/nginx/.*",
            "{etc/nginx,loop}/**",
            "etc/**/**/x.conf",
            "*",
            "*/*",
            "etc/nginx/nginx.conf",
            "etc/one\\[1\\].conf",
            "etc/?ginx/[m-o]*",
            "**/etc/**",
            "nowhere/**",
        ] {
            let full = format!("{base}/{pattern}");
            let expanded: BTreeSet<PathBuf> =
                expand(&Live::new(), &full).unwrap().into_iter().collect();
            let read = Pattern::new(&full).unwrap();
            let linked = |path: &&PathBuf| path.starts_with(tree.0.path().join("etc/www"));
            let matched: BTreeSet<PathBuf> =
                all.iter().filter(|path| read.matches(path)).cloned().collect();
            let expanded: BTreeSet<PathBuf> = expanded
                .iter()
                .filter(|path| !linked(path) || **path == tree.0.path().join("etc/www"))
                .cloned()
                .collect();
            assert_eq!(matched, expanded, "{pattern}");
        }
    }

    #[test]
    fn a_pattern_with_many_stars_is_compared_in_no_time() {
        let pattern = Pattern::new(&format!("/{}z", "**/a/".repeat(30))).unwrap();
        assert!(!pattern.matches(Path::new(&format!("/{}", "a/".repeat(1000)))));
    }

    #[test]
    fn braces_give_alternatives_that_may_span_directories() {
        let tree = Tree::new();
        assert_eq!(
            tree.expand("etc/{nginx/{nginx.conf,mime.types},apache2/*.conf,none}"),
            ["etc/apache2/apache2.conf", "etc/nginx/mime.types", "etc/nginx/nginx.conf"]
        );
    }

    #[test]
    fn names_with_special_characters_are_reached_with_backslashes() {
        let tree = Tree::new();
        assert_eq!(tree.expand("etc/one\\[1\\].conf"), ["etc/one[1].conf"]);
        assert_eq!(tree.expand("etc/one[[]1].conf"), ["etc/one[1].conf"]);
    }

    #[test]
    fn what_does_not_exist_does_not_match() {
        let tree = Tree::new();
        assert!(tree.expand("etc/nginx/nginx.conf/*").is_empty());
        assert!(tree.expand("nowhere/*").is_empty());
        assert!(tree.expand("etc/*/nothing").is_empty());
        assert_eq!(tree.expand("etc/nginx/nginx.conf"), ["etc/nginx/nginx.conf"]);
    }

    #[test]
    fn a_slash_at_the_end_asks_for_directories() {
        let tree = Tree::new();
        assert_eq!(tree.expand("etc/*/"), ["etc/apache2", "etc/nginx", "etc/www"]);
    }

    #[test]
    fn names_need_not_be_utf8() {
        let tree = Tree::new();
        let odd = tree.0.path().join(std::ffi::OsStr::from_bytes(b"odd-\xff.conf"));
        fs::write(&odd, "").unwrap();
        let pattern = format!("{}/odd*.conf", tree.0.path().display());
        assert_eq!(expand(&Live::new(), &pattern), Ok(vec![odd]));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for pattern in ["relative/*", "/a/{b", "/a/[b", "/a/[z-a]"] {
            assert!(expand(&Live::new(), pattern).is_err(), "{pattern}");
        }
        let many = format!("/{}", "{a,b}".repeat(20));
        assert!(expand(&Live::new(), &many).is_err());
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in "([/*?{},\\[\\]\\\\a!^-]|\\PC){0,30}") {
            if let Ok(alternatives) = braces::expand(&pattern) {
                for alternative in alternatives {
                    let _ = parts(&alternative);
                }
            }
        }
    }
}

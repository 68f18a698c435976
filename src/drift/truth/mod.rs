//! Everything that packages claim, compared with what there is: what `dpkg -V`, `debsums` and
//! `rpm -V` do, without them.
//!
//! What was read once is remembered, by device, inode, size and times, so that the next run reads
//! only what has moved. That is a convenience of this machine and nothing that proves anything:
//! `--full` does without.

mod letters;

use super::baseline::{self, Baseline, Head};
use super::collect::{Site, now, threads};
use super::store;
use crate::facts::drift::{Against, Change, Drift};
use crate::facts::file::FileKind;
use crate::facts::object::Objects;
use crate::facts::package_file::{Checksum, Claim, PackageFiles};
use crate::facts::scope::{Rules, Scope};
use crate::facts::snapshot::{Algorithm, Directory, Effort, Gaps, Tree, split};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::packages;
use crate::targets::survey::{Before, Reading, Request, through_files, walk};
use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::Path;

/// Kinds of digests that package managers keep.
const KINDS: [Algorithm; 3] = [Algorithm::Md5, Algorithm::Sha256, Algorithm::Sha1];

/// The kind of digest that decides over a path.
fn kind(claims: &[Claim]) -> Algorithm {
    match claims.iter().find_map(|claim| claim.checksum) {
        Some(Checksum::Sha1(_)) => Algorithm::Sha1,
        Some(Checksum::Sha256(_)) => Algorithm::Sha256,
        _ => Algorithm::Md5,
    }
}

/// Whether there is something to compare: dpkg lists directories and links and knows no more of them
/// than that they are there.
fn is_told(claim: &Claim) -> bool {
    claim.checksum.is_some() || claim.declared.is_some()
}

/// Compares all files of all packages. `cache` is where is remembered what was read.
///
/// # Errors
/// When there is no package database, or the target cannot be looked at.
pub fn verify(site: &Site, cache: Option<&Path>, full: bool) -> Fact<Drift> {
    let all = packages::files::read(site.target, None);
    if all.databases.is_empty() {
        if let Some(why) = all.unread.first() {
            return Err(why.clone());
        }
        let why = "neither dpkg nor rpm nor apk has a database here".to_owned();
        return Err(Unknown::new("packages", Cause::Unsupported(why)));
    }
    let scope = Scope::default();
    let rules = Rules::new(&scope).map_err(|why| Unknown::new("scope", Cause::Malformed(why)))?;
    let mut changes = Vec::new();
    let mut gaps = Gaps::default();
    let mut effort = Effort::default();
    for algorithm in KINDS {
        let mut paths: Vec<Vec<u8>> = all
            .claims
            .iter()
            .filter(|(_, claims)| kind(claims) == algorithm)
            .map(|(path, _)| path.clone())
            .collect();
        if paths.is_empty() {
            continue;
        }
        paths.sort_unstable();
        let place = cache.map(|cache| cache.with_extension(algorithm.name()));
        let known = place.as_deref().filter(|_| !full).and_then(remembered);
        let taken = now();
        let request = Request {
            paths: &paths,
            rules: &rules,
            algorithm,
            reading: if full { Reading::Everything } else { Reading::Moved { slot: 0, of: 0 } },
            cross_filesystems: true,
            recursive: false,
            before: known
                .as_ref()
                .map(|known| Before { tree: &known.tree, taken: known.head.taken }),
            deadline: site.deadline,
            threads: threads(),
        };
        let survey = match &site.root {
            Some(root) => walk(root, &request)?,
            None => through_files(site.target, &request),
        };
        let read = survey.effort.read;
        let (tree, new_gaps, new_effort) =
            survey.into_tree(known.as_ref().map(|known| &known.tree));
        gaps.append(new_gaps);
        effort += new_effort;
        compare(site, &all, &paths, &tree, algorithm, &mut changes);
        if let Some(place) = place.filter(|_| read > 0) {
            remember(&place, tree, algorithm, taken);
        }
    }
    for why in &all.unread {
        gaps.push(why.clone());
    }
    if effort.files == 0 && changes.is_empty() {
        let why = "they name no file that could be compared".to_owned();
        gaps.push(Unknown::new("package databases", Cause::Unsupported(why)));
    }
    for name in &all.without_digests {
        let why = "the database has no digests of its files, which could not be compared";
        gaps.push(Unknown::new(format!("package {name}"), Cause::Unsupported(why.to_owned())));
    }
    for name in &all.without_list {
        let why = "the package is installed and has no list of its files".to_owned();
        let name = format!("/var/lib/dpkg/info/{name}.list");
        gaps.push(Unknown::new(name, Cause::Malformed(why)));
    }
    changes.sort_by(|a, b| (a.explanation, &a.name).cmp(&(b.explanation, &b.name)));
    let databases: Vec<String> = all.databases.iter().map(|path| crate::text::path(path)).collect();
    let name = format!("what packages say ({})", databases.join(", "));
    let against = Against { name, taken: None, by: None, digest: None, signature: None };
    Ok(Drift { against, changes, gaps, unseen: Vec::new(), effort, covers: None })
}

fn compare(
    site: &Site,
    all: &PackageFiles,
    paths: &[Vec<u8>],
    tree: &Tree,
    algorithm: Algorithm,
    changes: &mut Vec<Change>,
) {
    // Paths come in order, so that the next is mostly in the directory of the last.
    let mut last: Option<&Directory> = None;
    // What others lie below is a directory to its package, though dpkg does not say so.
    let folders: OnceCell<HashSet<&[u8]>> = OnceCell::new();
    let is_folder = |path: &[u8]| {
        let parents = || all.claims.keys().filter_map(|path| Some(split(path)?.0)).collect();
        folders.get_or_init(parents).contains(path)
    };
    for path in paths {
        let Some((folder, name)) = split(path) else { continue };
        if last.is_none_or(|directory| directory.path != folder) {
            last = tree.directory(folder);
        }
        let now = last.and_then(|directory| directory.get(name));
        let claims: Vec<&Claim> = all.claims(path).iter().collect();
        let told: Vec<&Claim> = claims.iter().filter(|claim| is_told(claim)).copied().collect();
        changes.extend(match now {
            None => letters::missing(all, path, &claims),
            Some(now) if told.is_empty() => {
                // A link in the place of a directory is how admins move one, and dpkg keeps it.
                let moved = matches!(now.kind, FileKind::Directory | FileKind::Symlink);
                (!moved && is_folder(path))
                    .then(|| letters::another(all, path, &claims, now))
                    .flatten()
            }
            Some(now) => letters::judge(site, all, path, &told, now, algorithm),
        });
    }
}

fn remembered(place: &Path) -> Option<Baseline> {
    if store::is_open_to_others(place) {
        return None;
    }
    let bytes = store::read(place, baseline::FILE_LIMIT).ok()?;
    baseline::decode(&bytes).ok()
}

/// What was read, for the next run; it does without where this cannot be written.
fn remember(place: &Path, tree: Tree, algorithm: Algorithm, taken: crate::facts::snapshot::Time) {
    let head = Head {
        taken,
        checked: taken,
        by: String::new(),
        target: String::new(),
        live: true,
        walked: true,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scope: Scope::default(),
        algorithm,
        packages: Vec::new(),
        manifests: Vec::new(),
        gaps: Gaps::default(),
        effort: Effort::default(),
        acceptances: Vec::new(),
    };
    let _ = store::save(place, &Baseline { head, tree, objects: Objects::default() });
}

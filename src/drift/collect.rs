//! What a target is like now.

use super::{objects, scope, settings};
use crate::facts::object::{Class, Objects};
use crate::facts::package_file::Owner;
use crate::facts::scope::{Rules, Scope};
use crate::facts::snapshot::{Algorithm, Effort, Gaps, Time, Tree};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::packages;
use crate::host::Target;
use crate::targets::survey::{Before, Reading, Request, Survey, through_files, walk};
use std::path::PathBuf;
use std::time::Instant;

/// A target, and how its files are reached.
pub struct Site<'a> {
    /// What is asked.
    pub target: &'a dyn Target,
    /// The directory that is `/` to it; none for an image.
    pub root: Option<PathBuf>,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// How many threads work: as many as the machine has processors.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Site<'_> {
    /// How contents can be told of two targets alike.
    pub fn algorithm(&self) -> Algorithm {
        if self.root.is_some() { Algorithm::Blake3 } else { Algorithm::Sha256 }
    }

    /// Looks at all files.
    ///
    /// # Errors
    /// When the root cannot be opened, or a pattern of the scope is none.
    pub fn survey(
        &self,
        scope: &Scope,
        reading: Reading,
        algorithm: Algorithm,
        before: Option<Before>,
    ) -> Fact<Survey> {
        let rules =
            Rules::new(scope).map_err(|why| Unknown::new("scope", Cause::Malformed(why)))?;
        let paths = scope::paths(scope, self.target);
        let request = Request {
            paths: &paths,
            rules: &rules,
            algorithm,
            reading,
            cross_filesystems: scope.cross_filesystems,
            recursive: true,
            before,
            deadline: self.deadline,
            threads: threads(),
        };
        match &self.root {
            Some(root) => walk(root, &request),
            None => Ok(through_files(self.target, &request)),
        }
    }
}

/// The moment.
pub fn now() -> Time {
    let now = jiff::Timestamp::now();
    Time {
        seconds: now.as_second(),
        nanoseconds: u32::try_from(now.subsec_nanosecond()).unwrap_or_default(),
    }
}

/// Everything of a target.
pub struct Everything {
    /// Files.
    pub tree: Tree,
    /// Everything else.
    pub objects: Objects,
    /// Packages that files belong to.
    pub packages: Vec<String>,
    /// Digest of what the database says of each.
    pub manifests: Vec<String>,
    /// What could not be seen.
    pub gaps: Gaps,
    /// What it took.
    pub effort: Effort,
}

impl Site<'_> {
    /// Looks at everything, for a baseline.
    ///
    /// # Errors
    /// When there is nothing to look at.
    pub fn everything(
        &self,
        scope: &Scope,
        reading: Reading,
        algorithm: Algorithm,
    ) -> Fact<Everything> {
        let survey = self.survey(scope, reading, algorithm, None)?;
        let (mut tree, gaps, effort) = survey.into_tree(None);
        let owners = self.assign_packages(&mut tree);
        let name = |owner: &Owner| format!("{} {}", owner.name, owner.version);
        let packages = owners.iter().map(name).collect();
        let manifests = owners.into_iter().map(|owner| owner.manifest).collect();
        let mut objects = objects::collect(self.target, scope);
        if scope.has(Class::Settings) {
            let rules =
                Rules::new(scope).map_err(|why| Unknown::new("scope", Cause::Malformed(why)))?;
            let found = settings::of_tree(self.target, &tree, &rules);
            objects.all.insert(Class::Settings, found);
        }
        Ok(Everything { tree, objects, packages, manifests, gaps, effort })
    }

    /// Notes for every file which package it belongs to, so that its removal can be explained when
    /// that package is gone. A directory may belong to hundreds: the one that is named last stands for
    /// all, since as long as any is left the directory is still claimed.
    fn assign_packages(&self, tree: &mut Tree) -> Vec<Owner> {
        let all = packages::files::read(self.target, None);
        for directory in &mut tree.directories {
            let path = directory.path.clone();
            let mut start = 0;
            for record in &mut directory.records {
                let end = record.name_end as usize;
                let name = directory.names.get(start..end).unwrap_or_default();
                start = end;
                let whole = crate::facts::snapshot::join(&path, name);
                if let Some(claim) = all.claims(&whole).last() {
                    record.package = claim.package.saturating_add(1);
                }
            }
        }
        all.owners
    }
}

impl Scope {
    /// Whether a class of things is looked at.
    pub fn has(&self, class: Class) -> bool {
        let named = |classes: &Vec<String>| classes.iter().any(|name| name == class.name());
        self.classes.as_ref().is_none_or(named)
    }
}

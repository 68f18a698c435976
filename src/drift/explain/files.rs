//! Why a file has changed, attribute by attribute.

use super::generated::{Evidence, Generators, leads_to};
use super::packages::Truth;
use super::usage;
use crate::drift::attributes::{Difference, Names, Weight, differences};
use crate::drift::baseline::Acceptance;
use crate::drift::compare::FileChange;
use crate::drift::explain::because::Because;
use crate::facts::drift::{Change, Delta, Explanation, How};
use crate::facts::file::FileKind;
use crate::facts::object::Class;
use crate::facts::package_file::{Checksum, PackageFiles};
use crate::facts::scope::{FileUse, RIGHTS, Rules};
use crate::facts::snapshot::{Algorithm, Content, Hex, Record};
use crate::formats::filecap;
use crate::host::Target;
use crate::text;
use std::collections::{BTreeSet, HashMap};

/// So many new names of a program are told.
const NAMES: usize = 3;

/// What explanations are drawn from.
pub struct Facts<'a> {
    /// The target as it is.
    pub target: &'a dyn Target,
    /// What files are for, and what is expected.
    pub rules: &'a Rules,
    /// Package databases.
    pub packages: &'a PackageFiles,
    /// Digests of changed files that packages claim.
    pub sums: &'a HashMap<Vec<u8>, Vec<Checksum>>,
    /// Packages whose database entry was changed without another version.
    pub doubtful: &'a BTreeSet<String>,
    /// Packages of the baseline, to which records refer.
    pub packages_before: &'a [String],
    /// What dpkg-statoverride(1) wanted at the time of the baseline, by canonical path.
    pub overrides_before: &'a HashMap<Vec<u8>, String>,
    /// Changes accepted for a while.
    pub acceptances: &'a [Acceptance],
    /// Now, in seconds.
    pub now: i64,
    /// How contents were digested.
    pub algorithm: Algorithm,
    /// Only what means the same on two machines is compared.
    pub portable: bool,
    /// How users and groups were called at the time of the baseline, and are called now.
    pub names: [&'a Names<'a>; 2],
    /// All files that differ, by path.
    pub changed: &'a [FileChange],
    /// What the baseline has of a path.
    pub was: &'a dyn Fn(&[u8]) -> Option<&'a Record>,
    /// Whether there is still a file of a path that the baseline has.
    pub is: &'a dyn Fn(&[u8]) -> bool,
    /// Whether there is, or was, a file of that path.
    pub known: &'a dyn Fn(&[u8]) -> bool,
    /// Whether there is an earlier part of the log of that path beside it.
    pub has_rotated: &'a dyn Fn(&[u8]) -> bool,
}

/// Explains changes of files.
pub struct Explainer<'a> {
    facts: &'a Facts<'a>,
    generators: Generators,
}

impl<'a> Explainer<'a> {
    /// From these facts.
    pub fn new(facts: &'a Facts<'a>) -> Self {
        Self { facts, generators: Generators::new() }
    }

    fn truth(&self) -> Truth<'a> {
        let Facts { packages: files, sums, doubtful, packages_before: before, .. } = *self.facts;
        Truth { files, sums, doubtful, before, overrides_before: self.facts.overrides_before }
    }

    fn by_use(
        &self,
        usage: FileUse,
        path: &[u8],
        before: Option<&Record>,
        after: Option<&Record>,
    ) -> Option<Because> {
        let facts = self.facts;
        usage::content(usage, path, before, after, facts.known, facts.has_rotated)
    }

    /// Explains one change. `None`: nothing that is compared differs.
    pub fn explain(&self, change: &FileChange) -> Option<Change> {
        let path = change.path.as_slice();
        let usage = self.facts.rules.use_of(path);
        let (how, deltas) = match (&change.before, &change.after) {
            (Some(before), Some(after)) => (How::Changed, self.changed(path, usage, before, after)),
            (None, Some(after)) => (How::Added, self.added(path, usage, after)),
            (Some(before), None) => (How::Removed, self.removed(path, usage, before)),
            (None, None) => return None,
        };
        if deltas.is_empty() {
            return None;
        }
        let name = text::bytes(path);
        let mut deltas: Vec<Delta> =
            deltas.into_iter().map(|delta| self.accepted(&name, delta)).collect();
        follow(&mut deltas);
        Some(Change::new(Class::File, name, how, deltas))
    }

    fn changed(&self, path: &[u8], usage: FileUse, before: &Record, after: &Record) -> Vec<Delta> {
        let facts = self.facts;
        let all = differences(before, after, facts.names, facts.algorithm, facts.portable);
        let touched = |weight: Weight| all.iter().any(|d| d.weight == weight);
        let content = touched(Weight::Content).then(|| self.content(path, usage, before, after));
        let trace = match (&content, touched(Weight::Rights)) {
            // What was written again has new times: whatever explains the one explains the other.
            (Some(because), _) => because.clone(),
            (None, true) if !is_untold(before, after) => {
                Because::new(Explanation::Rewritten, "follows from the rest")
            }
            (None, _) => self.untouched(path, usage, before, after),
        };
        all.into_iter()
            .map(|difference| {
                let because = match difference.weight {
                    Weight::Rights => self.rights(path, &difference.attribute, after),
                    Weight::Content => content.clone().unwrap_or_else(Because::nothing),
                    Weight::Trace if difference.attribute == "links" => {
                        self.gained_a_name(path, before, after).unwrap_or_else(|| trace.clone())
                    }
                    Weight::Trace => trace.clone(),
                };
                self.delta(path, usage, difference, because)
            })
            .collect()
    }

    /// That a program which gives rights has a further name, under which it stays when its package
    /// replaces it. Names that a package has are its own.
    fn gained_a_name(&self, path: &[u8], before: &Record, after: &Record) -> Option<Because> {
        let gives = after.mode.0 & 0o6000 != 0 || after.xattr(filecap::XATTR.as_bytes()).is_some();
        if after.kind != FileKind::File || !gives || after.links <= before.links {
            return None;
        }
        let same =
            |record: &Record| (record.inode, record.filesystem) == (after.inode, after.filesystem);
        let new =
            self.facts.changed.iter().filter(|change| {
                change.before.is_none() && change.after.as_ref().is_some_and(same)
            });
        let (of_packages, others): (Vec<_>, Vec<_>) =
            new.partition(|change| !self.facts.packages.claims(&change.path).is_empty());
        let count = |links: u32| usize::try_from(links).unwrap_or(usize::MAX);
        let known = of_packages.len() + others.len();
        let elsewhere = count(after.links - before.links).saturating_sub(known);
        if others.is_empty() && elsewhere == 0 {
            return None;
        }
        let mut names: Vec<String> =
            others.iter().take(NAMES).map(|change| text::bytes(&change.path)).collect();
        if others.len() > NAMES {
            names.push(format!("{} more", others.len() - NAMES));
        }
        if elsewhere > 0 {
            names.push("outside of what is looked at".to_owned());
        }
        let why = format!(
            "{} gives rights and has gained a name: {}",
            text::bytes(path),
            names.join(", ")
        );
        Some(Because::new(Explanation::Unexplained, why))
    }

    /// Only times, inode, links or size moved.
    fn untouched(&self, path: &[u8], usage: FileUse, before: &Record, after: &Record) -> Because {
        if let Some(because) = self.by_use(usage, path, Some(before), Some(after)) {
            return because;
        }
        if is_untold(before, after) {
            let written = before.modified != after.modified || before.size != after.size;
            let what = if written { "written to" } else { "touched, by whoever can set times" };
            let why = format!("{what}; contents were not compared");
            return Because::new(Explanation::Unexplained, why);
        }
        let why = match after.kind {
            FileKind::Directory => "files in it came or went",
            _ => "the same content, written again",
        };
        Because::new(Explanation::Rewritten, why)
    }

    fn content(&self, path: &[u8], usage: FileUse, before: &Record, after: &Record) -> Because {
        if let Some(because) = self.by_use(usage, path, Some(before), Some(after)) {
            return because;
        }
        self.by_packages_and_programs(path, after)
    }

    fn by_packages_and_programs(&self, path: &[u8], after: &Record) -> Because {
        let by_package = self.truth().content(path, after);
        if let Some(because) = by_package.clone().filter(|b| b.explanation == Explanation::Verified)
        {
            return because;
        }
        if let Some(because) = self.expected(path, "content") {
            return because;
        }
        // A file that a package has a digest of is not generated.
        let digest = self.facts.packages.claims(path).iter().any(|claim| claim.checksum.is_some());
        if !digest && let Some(because) = self.generated(path, after, false) {
            return because;
        }
        by_package.unwrap_or_else(Because::nothing)
    }

    /// What an upgrade leaves beside configuration that somebody has changed.
    fn unmerged(&self, path: &[u8], after: &Record) -> Option<Because> {
        let (file, why) = left_behind(path).filter(|_| after.kind == FileKind::File)?;
        let claims = self.facts.packages.claims(file);
        let configuration = claims.iter().any(|claim| claim.role.is_configuration());
        configuration.then(|| Because::new(Explanation::DefaultChanged, why))
    }

    fn generated(&self, path: &[u8], record: &Record, gone: bool) -> Option<Because> {
        let Facts { target, packages, packages_before, changed, .. } = *self.facts;
        let evidence = Evidence { target, packages, packages_before, changed };
        self.generators.of(path, record, gone, &evidence)
    }

    fn expected(&self, path: &[u8], attribute: &str) -> Option<Because> {
        let rights = RIGHTS.contains(&attribute) || attribute.starts_with("xattr");
        let fits = |expected: &&crate::facts::scope::Expected| match expected.attributes.is_empty()
        {
            true => !rights,
            false => expected.attributes.iter().any(|name| name == attribute),
        };
        let found = self.facts.rules.expected(path).find(fits)?;
        Some(Because::new(Explanation::Expected, found.why.clone()))
    }

    fn rights(&self, path: &[u8], attribute: &str, after: &Record) -> Because {
        let [_, names] = self.facts.names;
        let (owner, group) = ((names.user)(after.uid), (names.group)(after.gid));
        self.truth()
            .rights(path, attribute, after, &owner, &group)
            .or_else(|| self.expected(path, attribute))
            .unwrap_or_else(Because::nothing)
    }

    fn delta(
        &self,
        _path: &[u8],
        usage: FileUse,
        difference: Difference,
        because: Because,
    ) -> Delta {
        // The digest of a short secret is as good as the secret.
        let secret = usage == FileUse::Secret && difference.attribute == "content";
        let hide = |value: Option<String>| match secret {
            true => value.map(|value| {
                let digest = blake3::derive_key("spotcheck secret content", value.as_bytes());
                format!("hidden:{}", Hex(digest.get(..4).unwrap_or_default()))
            }),
            false => value,
        };
        Delta {
            attribute: difference.attribute,
            before: hide(difference.before),
            after: hide(difference.after),
            line: None,
            explanation: because.explanation,
            why: because.why,
        }
    }

    fn exists(&self, before: Option<String>, after: Option<String>, because: Because) -> Delta {
        Delta {
            attribute: "exists".to_owned(),
            before,
            after,
            line: None,
            explanation: because.explanation,
            why: because.why,
        }
    }

    /// What a file is, in short: `file 0644 root:root`, with its content, so that another one of the
    /// same name is another change.
    fn shown(&self, record: &Record, names: &Names) -> String {
        let kind = record.kind.name();
        let (owner, group) = ((names.user)(record.uid), (names.group)(record.gid));
        let mut words = format!("{kind} {} {owner}:{group}", record.mode);
        if !record.link().is_empty() {
            words.push_str(" -> ");
            words.push_str(&text::bytes(record.link()));
        }
        if let Content::Digest(digest) = record.content {
            let digest = Hex(digest.get(..16).unwrap_or_default()).to_string();
            words.push_str(&format!(" {}:{digest}", self.facts.algorithm.name()));
        }
        words
    }

    fn added(&self, path: &[u8], usage: FileUse, after: &Record) -> Vec<Delta> {
        let [_, names] = self.facts.names;
        let because = self
            .by_use(usage, path, None, Some(after))
            .or_else(|| self.expected(path, "exists"))
            .or_else(|| self.unmerged(path, after))
            .unwrap_or_else(|| self.by_packages_and_programs(path, after));
        let explained = !because.explanation.counts();
        let mut deltas = vec![self.exists(None, Some(self.shown(after, names)), because)];
        // What is explained by its content may still have come with rights that nothing explains.
        if explained {
            for (attribute, value) in self.privileges(after) {
                let because = self.rights(path, attribute, after);
                let because = match because.explanation {
                    Explanation::Unexplained => Because::new(
                        Explanation::Unexplained,
                        "content is explained; the rights that it came with are not",
                    ),
                    _ => because,
                };
                deltas.push(Delta {
                    attribute: attribute.to_owned(),
                    before: None,
                    after: Some(value),
                    line: None,
                    explanation: because.explanation,
                    why: because.why,
                });
            }
        }
        deltas
    }

    /// Rights of a new file that are not those of any file of root's.
    fn privileges(&self, record: &Record) -> Vec<(&'static str, String)> {
        let [_, names] = self.facts.names;
        let mut all = Vec::new();
        let mode = record.mode.0;
        let link = record.kind == FileKind::Symlink;
        let shared = record.kind == FileKind::Directory && mode & 0o1000 != 0;
        // A directory hands its group on with the same bit.
        let set_id = record.kind == FileKind::File && mode & 0o6000 != 0;
        if !link && (set_id || mode & 0o002 != 0 && !shared) {
            all.push(("mode", record.mode.to_string()));
        }
        if record.uid != 0 {
            all.push(("owner", (names.user)(record.uid)));
        }
        if record.gid != 0 && !link {
            all.push(("group", (names.group)(record.gid)));
        }
        if record.xattr(b"security.capability").is_some() {
            all.push(("capabilities", "set".to_owned()));
        }
        if record.xattr(b"system.posix_acl_access").is_some() {
            all.push(("acl", "set".to_owned()));
        }
        all
    }

    fn removed(&self, path: &[u8], usage: FileUse, before: &Record) -> Vec<Delta> {
        let [names, _] = self.facts.names;
        let index = (before.package as usize).checked_sub(1);
        let package = index.and_then(|index| self.facts.packages_before.get(index));
        let because = self
            .by_use(usage, path, Some(before), None)
            .or_else(|| self.expected(path, "exists"))
            .or_else(|| self.truth().removal(path, package.map(String::as_str)))
            .or_else(|| self.led_to_a_removed_package(path, before))
            .or_else(|| self.generated(path, before, true))
            .unwrap_or_else(Because::nothing);
        vec![self.exists(Some(self.shown(before, names)), None, because)]
    }

    /// A link that is gone with what it led to: of update-alternatives(1), of a unit that was enabled,
    /// of a script of init(8). No database lists those; the file that each led to has its package.
    fn led_to_a_removed_package(&self, path: &[u8], before: &Record) -> Option<Because> {
        const LINKS: usize = 8;
        let facts = self.facts;
        let mut place = path.to_vec();
        let mut record = before;
        for _ in 0..LINKS {
            if record.link().is_empty() {
                break;
            }
            let to = leads_to(&place, record.link());
            let canonical = facts.packages.canonical(&to);
            record = (facts.was)(&to).or_else(|| (facts.was)(&canonical))?;
            place = to;
        }
        let index =
            (record.package as usize).checked_sub(1).filter(|_| !before.link().is_empty())?;
        let package = facts.packages_before.get(index)?;
        let by_package = self.truth().removal(&place, Some(package))?;
        let gone = by_package.explanation == Explanation::Verified;
        let why = format!("it led to {}: {}", text::bytes(&place), by_package.why);
        gone.then(|| Because::new(Explanation::Verified, why))
    }

    /// Why a unit is gone: the package that had its file is.
    pub fn unit_gone(&self, name: &str) -> Option<Change> {
        const FOLDERS: [&str; 3] =
            ["/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system"];
        let facts = self.facts;
        let places = FOLDERS.map(|folder| format!("{folder}/{name}").into_bytes());
        let (place, record) = places.iter().find_map(|p| Some((p, (facts.was)(p)?)))?;
        let index = (record.package as usize).checked_sub(1);
        let package = index.and_then(|index| facts.packages_before.get(index))?;
        let gone = !(facts.is)(place);
        let because = self.truth().removal(place, Some(package)).filter(|_| gone)?;
        let verified = because.explanation == Explanation::Verified;
        verified.then(|| {
            let delta = self.exists(Some("there".to_owned()), None, because);
            Change::new(Class::Unit, name.to_owned(), How::Removed, vec![delta])
        })
    }

    /// A change that somebody accepted counts no longer until that ends.
    fn accepted(&self, name: &str, delta: Delta) -> Delta {
        accepted(self.facts.acceptances, self.facts.now, Class::File, name, delta)
    }
}

/// The configuration that a file was left beside by an upgrade, and what it is.
pub fn left_behind(path: &[u8]) -> Option<(&[u8], &'static str)> {
    const BROUGHT: [&str; 5] = [".dpkg-dist", ".dpkg-new", ".ucf-dist", ".rpmnew", ".apk-new"];
    const KEPT: [&str; 4] = [".dpkg-old", ".ucf-old", ".rpmsave", ".rpmorig"];
    let new = "the new default of an upgrade, not merged with what is there";
    let old = "what was there before an upgrade brought its own";
    let ends = BROUGHT.map(|end| (end, new)).into_iter().chain(KEPT.map(|end| (end, old)));
    ends.into_iter().find_map(|(end, why)| Some((path.strip_suffix(end.as_bytes())?, why)))
}

/// Whether it is a regular file whose content nobody knows, so that it may have been written to.
fn is_untold(before: &Record, after: &Record) -> bool {
    let untold = |record: &Record| matches!(record.content, Content::None | Content::Unreadable);
    after.kind == FileKind::File && (untold(before) || untold(after))
}

/// Size and times of a file follow from its content: who accepts the one accepts the others.
fn follow(deltas: &mut [Delta]) {
    const CONTENT: [&str; 3] = ["content", "type", "target"];
    const TRACES: [&str; 6] = ["size", "mtime", "ctime", "inode", "links", "filesystem"];
    let content = deltas.iter().filter(|delta| CONTENT.contains(&delta.attribute.as_str()));
    let worst = content.map(|delta| delta.explanation).min();
    if worst != Some(Explanation::Accepted) {
        return;
    }
    for delta in deltas.iter_mut().filter(|delta| TRACES.contains(&delta.attribute.as_str())) {
        delta.explanation = Explanation::Accepted;
        delta.why = "follows from what was accepted".to_owned();
    }
}

/// What an acceptance that fits makes of a change.
pub(super) fn accepted(
    acceptances: &[Acceptance],
    now: i64,
    class: Class,
    name: &str,
    delta: Delta,
) -> Delta {
    if !delta.explanation.counts() {
        return delta;
    }
    let fits = |one: &&Acceptance| {
        one.class == class
            && one.name == name
            && one.attribute == delta.attribute
            && one.value == delta.after
            && now < one.expires
    };
    match acceptances.iter().find(fits) {
        Some(one) => Delta {
            explanation: Explanation::Accepted,
            why: format!("accepted until {} by {}: {}", day(one.expires), one.by, one.reason),
            ..delta
        },
        None => delta,
    }
}

fn day(seconds: i64) -> String {
    crate::text::time::utc(seconds).chars().take(10).collect()
}

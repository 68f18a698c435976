//! From a baseline and a target to explained changes.

use super::attributes::Names;
use super::baseline::Baseline;
use super::collect::{Site, threads};
use super::compare::{FileChange, compare};
use super::explain::generated::Generators;
use super::explain::{
    Explainer, Facts, attribute, doubtful, doubtful_objects, explain_objects, generated,
    left_behind, usage,
};
use super::{objects, settings};
use crate::facts::drift::{Against, Change, Covers, Delta, Drift, Explanation, How};
use crate::facts::file::FileKind;
use crate::facts::object::{Attributes, Class, Objects};
use crate::facts::package_file::{Checksum, PackageFiles};
use crate::facts::scope::{FileUse, Rules};
use crate::facts::snapshot::{Algorithm, Gaps, Time, split};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::packages;
use crate::host::Target;
use crate::targets::survey::{Before, Reading, checksum};
use crate::text;
use globset::{GlobSet, GlobSetBuilder};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a comparison leads to.
#[derive(Debug)]
pub struct Outcome {
    /// What a person wants to know.
    pub drift: Drift,
    /// The files that differ, as they are.
    pub files: Vec<FileChange>,
    /// Everything beside files, as it is.
    pub objects: Objects,
    /// When the look began.
    pub looked: Time,
}

/// What has changed on a target since a baseline. With `portable` the baseline is of another
/// machine, or of an image: only what means the same there is compared.
///
/// # Errors
/// When the target cannot be looked at.
pub fn since(
    baseline: &Baseline,
    against: Against,
    site: &Site,
    reading: Reading,
    portable: bool,
) -> Fact<Outcome> {
    let head = &baseline.head;
    let rules = Rules::new(&head.scope)
        .map_err(|why| Unknown::new("scope of the baseline", Cause::Malformed(why)))?;
    let before = (!portable).then_some(Before { tree: &baseline.tree, taken: head.checked });
    let looked = super::collect::now();
    let survey = site.survey(&head.scope, reading, head.algorithm, before)?;
    let mut gaps = survey.gaps;
    let compared = compare(&baseline.tree, &survey.found, &survey.unseen);
    lost(&compared.lost, &mut gaps);
    let covers = covers(baseline, site, survey.mounts, portable);
    let mut now_objects = objects::collect(site.target, &head.scope);
    if portable {
        // What runs there, and what a container or a machine has of its own, is no drift of files.
        now_objects.all.retain(|class, _| PORTABLE.contains(class));
        now_objects.unseen.retain(|(class, _)| PORTABLE.contains(class));
    }
    let acceptances = &head.acceptances;
    let now = super::collect::now().seconds;
    let mut changes = explain_objects(&baseline.objects, &now_objects, &rules, acceptances, now);
    if let Some(config) = site.target.image().and_then(|image| image.config.as_ref()) {
        super::image::name_steps(&mut changes, config);
    }
    let mut unread = Vec::new();
    let told = files(
        baseline,
        site,
        &rules,
        &compared.changes,
        portable,
        &now_objects,
        &mut changes,
        &mut unread,
    );
    changes.extend(told);
    let times: BTreeMap<String, i64> = compared
        .changes
        .iter()
        .filter_map(|change| {
            Some((text::bytes(&change.path), change.after.as_ref()?.changed.seconds))
        })
        .collect();
    changes.sort_by_cached_key(|change| {
        let class = Class::ALL.iter().position(|class| *class == change.class);
        (change.explanation, class, change.name.clone())
    });
    attribute(&mut changes, &times, head.checked.seconds, site.target);
    // The same file may be missed by several.
    let mut unseen: Vec<Unknown> = Vec::new();
    if portable && reading != Reading::Nothing {
        unseen.extend(contents_apart(baseline, site));
    }
    // A baseline of an image by an older version has nothing of its configuration.
    let told_before = baseline.objects.all.contains_key(&Class::Image);
    let of_image = !head.walked && now_objects.all.contains_key(&Class::Image);
    if of_image && !told_before && head.scope.has(Class::Image) {
        let why = "the baseline has nothing of it; make it again".to_owned();
        unseen.push(Unknown::new("configuration of the image", Cause::Unsupported(why)));
    }
    let now_missed = now_objects.unseen.iter().map(|(_, why)| why.clone()).chain(unread);
    for why in now_missed.chain(missed_before(baseline, site, portable)) {
        let told = |known: &Unknown| known.what == why.what;
        if !unseen.iter().any(told) && !gaps.first.iter().any(told) {
            unseen.push(why);
        }
    }
    let covers = Some(covers);
    let drift = Drift { against, changes, gaps, unseen, effort: survey.effort, covers };
    Ok(Outcome { drift, files: compared.changes, objects: now_objects, looked })
}

/// Why contents of two targets cannot be compared: they are told by other digests, or by none.
fn contents_apart(baseline: &Baseline, site: &Site) -> Option<Unknown> {
    let head = &baseline.head;
    let why = if head.effort.read == 0 && !baseline.tree.is_empty() {
        "the baseline has no digest of any file"
    } else if site.root.is_none() && head.algorithm != Algorithm::Sha256 {
        "of an image only SHA-256 is known; make the baseline with --digest sha256"
    } else {
        return None;
    };
    Some(Unknown::new("contents of files", Cause::Unsupported(why.to_owned())))
}

/// Classes that mean the same on two machines.
const PORTABLE: [Class; 6] =
    [Class::Image, Class::Account, Class::Group, Class::Sudo, Class::Unit, Class::Package];

/// What is compared.
fn covers(baseline: &Baseline, site: &Site, mounts: Vec<Vec<u8>>, portable: bool) -> Covers {
    let scope = &baseline.head.scope;
    let known = |class: &Class| match class {
        Class::File => true,
        // They are told with their files.
        Class::Settings => baseline.objects.all.contains_key(class),
        class => {
            baseline.objects.all.contains_key(class) && (!portable || PORTABLE.contains(class))
        }
    };
    let paths = super::scope::paths(scope, site.target);
    Covers {
        paths: paths.iter().map(|path| text::bytes(path)).collect(),
        exclude: scope.exclude.clone(),
        mounts: mounts.iter().map(|path| text::bytes(path)).collect(),
        classes: Class::ALL.into_iter().filter(known).collect(),
    }
}

/// What could not be seen when the baseline was made: nobody knows whether it has changed.
fn missed_before(baseline: &Baseline, site: &Site, portable: bool) -> Vec<Unknown> {
    let gaps = &baseline.head.gaps;
    let told = |why: &Unknown| {
        let whole = why.to_string();
        let cause = whole.strip_prefix(&format!("{}: ", why.what)).unwrap_or(&whole);
        let words = format!("not seen when the baseline was made: {cause}");
        Unknown::new(why.what.clone(), Cause::Unsupported(words))
    };
    let is_there = |why: &&Unknown| {
        // What went away meanwhile, and has not come back, was not missed.
        why.cause != Cause::Vanished || !matches!(site.target.file(Path::new(&why.what)), Ok(None))
    };
    let mut all: Vec<Unknown> = gaps.first.iter().filter(is_there).map(told).collect();
    let more = gaps.count.saturating_sub(gaps.first.len() as u64);
    if more > 0 {
        let why = "not seen when the baseline was made".to_owned();
        all.push(Unknown::new(format!("{more} more files"), Cause::Unsupported(why)));
    }
    let unseen = &baseline.objects.unseen;
    let missed = unseen.iter().filter(|(class, _)| !portable || PORTABLE.contains(class));
    all.extend(missed.map(|(_, why)| told(why)));
    all
}

fn lost(lost: &[Vec<u8>], gaps: &mut Gaps) {
    // Of a directory that could not be entered there is a gap already; what was below it is missed
    // with it.
    for path in lost {
        let name = text::bytes(path);
        let told = |gap: &Unknown| {
            name == gap.what
                || name.strip_prefix(&gap.what).is_some_and(|rest| rest.starts_with('/'))
        };
        if !gaps.first.iter().any(told) {
            let why = "is there and was not looked into: something else may be mounted on it";
            gaps.push(Unknown::new(name, Cause::Unsupported(why.to_owned())));
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn files(
    baseline: &Baseline,
    site: &Site,
    rules: &Rules,
    changed: &[FileChange],
    portable: bool,
    now_objects: &Objects,
    others: &mut [Change],
    unread: &mut Vec<Unknown>,
) -> Vec<Change> {
    if changed.is_empty() {
        return Vec::new();
    }
    let head = &baseline.head;
    let claimed = claims(site, changed);
    unread.extend(claimed.unread.iter().cloned());
    let doubtful = match head.manifests.is_empty() {
        true => doubtful_objects(&baseline.objects, now_objects),
        false => doubtful(head, &claimed.owners),
    };
    let overrides_before = overrides(&baseline.objects);
    let sums = sums(site, changed, &claimed);
    let users_before = ids(baseline, Class::Account, "uid");
    let groups_before = ids(baseline, Class::Group, "gid");
    let name = |names: &HashMap<String, String>, id: u32| {
        let id = id.to_string();
        names.get(&id).cloned().unwrap_or(id)
    };
    let before =
        Names { user: &|uid| name(&users_before, uid), group: &|gid| name(&groups_before, gid) };
    let now = Names {
        user: &|uid| objects::user_name(site.target, uid),
        group: &|gid| objects::group_name(site.target, gid),
    };
    let added: HashSet<&[u8]> = changed.iter().map(|change| change.path.as_slice()).collect();
    let gone: HashSet<&[u8]> = changed
        .iter()
        .filter(|change| change.after.is_none())
        .map(|change| change.path.as_slice())
        .collect();
    let facts = Facts {
        target: site.target,
        rules,
        packages: &claimed,
        sums: &sums,
        doubtful: &doubtful,
        packages_before: &head.packages,
        overrides_before: &overrides_before,
        acceptances: &head.acceptances,
        now: super::collect::now().seconds,
        algorithm: head.algorithm,
        portable,
        names: [&before, &now],
        changed,
        was: &|path| baseline.tree.get(path),
        is: &|path| !gone.contains(path),
        known: &|path| baseline.tree.get(path).is_some() || added.contains(path),
        has_rotated: &|path| has_rotated(path, site.target),
    };
    let explainer = Explainer::new(&facts);
    let mut changes = Vec::new();
    for change in others.iter_mut() {
        let counts = change.explanation == Explanation::Unexplained && change.how == How::Removed;
        if change.class == Class::Unit
            && counts
            && let Some(gone) = explainer.unit_gone(&change.name)
        {
            *change = gone;
        }
    }
    for change in changed {
        let Some(mut explained) = explainer.explain(change) else { continue };
        let path = Path::new(OsStr::from_bytes(&change.path));
        if let Some(layer) = change.after.as_ref().and_then(|_| site.target.layer(path)) {
            let made = layer.created_by.map(|by| format!(": {by}")).unwrap_or_default();
            explained.layer = Some(format!("layer {}{made}", layer.number));
        }
        if rules.use_of(&change.path) == FileUse::Plain {
            add_settings(&mut explained, &change.path, baseline, site);
        }
        changes.push(explained);
    }
    changes
}

/// Whether an earlier part of a log is beside it.
fn has_rotated(path: &[u8], target: &dyn Target) -> bool {
    let Some((folder, log)) = split(path) else { return false };
    let names = target.list(Path::new(OsStr::from_bytes(folder))).ok().flatten();
    let mut names = names.iter().flat_map(|names| names.iter());
    names.any(|name| usage::is_part_of(log, name.as_bytes()))
}

/// What dpkg-statoverride(1) wanted at the time of the baseline.
fn overrides(before: &Objects) -> HashMap<Vec<u8>, String> {
    let all = before.all.get(&Class::Package);
    let of = |(name, values): (&String, &Attributes)| {
        let path = name.strip_prefix(objects::OVERRIDE)?;
        Some((path.as_bytes().to_vec(), values.get("rights")?.clone()))
    };
    all.into_iter().flatten().filter_map(of).collect()
}

/// Tells the settings of a changed configuration file; why they differ is why its content does.
fn add_settings(change: &mut Change, path: &[u8], baseline: &Baseline, site: &Site) {
    let content = change.deltas.iter().find(|delta| delta.attribute == "content").cloned();
    let (How::Changed, Some(content)) = (change.how, content) else { return };
    let Some(was) =
        baseline.objects.all.get(&Class::Settings).and_then(|all| all.get(&change.name))
    else {
        return;
    };
    let is = settings::of_file(site.target, path).unwrap_or_default();
    let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for key in keys {
        let (before, after) = (was.get(key), is.get(key));
        if before == after.map(|(value, _)| value) {
            continue;
        }
        change.deltas.push(Delta {
            attribute: key.clone(),
            before: before.cloned(),
            after: after.map(|(value, _)| value.clone()),
            line: after.map(|(_, line)| *line),
            explanation: content.explanation,
            why: content.why.clone(),
        });
    }
}

fn ids(baseline: &Baseline, class: Class, key: &str) -> HashMap<String, String> {
    let all = baseline.objects.all.get(&class);
    let pairs = all.into_iter().flatten().filter_map(|(name, values)| {
        // The first of several names is the one that people see.
        Some((values.get(key)?.clone(), name.clone()))
    });
    let mut names = HashMap::new();
    for (id, name) in pairs {
        names.entry(id).or_insert(name);
    }
    names
}

/// What packages say about paths that have changed.
fn claims(site: &Site, changed: &[FileChange]) -> PackageFiles {
    let mut paths: HashSet<Vec<u8>> = HashSet::new();
    let mut inputs = GlobSetBuilder::new();
    let generators = Generators::new();
    for change in changed {
        for path in generators.asks(&change.path, site.target) {
            paths.insert([b"/usr", path.as_slice()].concat());
            paths.insert(path);
        }
        generators.inputs(&change.path).iter().for_each(|glob| {
            inputs.add(glob.glob().clone());
        });
        paths.insert(change.path.clone());
        paths.insert([b"/usr", change.path.as_slice()].concat());
        if let Some((file, _)) = left_behind(&change.path) {
            paths.insert(file.to_vec());
            paths.insert([b"/usr", file].concat());
        }
        let record = change.after.as_ref().or(change.before.as_ref());
        if let Some(record) = record.filter(|record| !record.link().is_empty()) {
            let leads_to = generated::leads_to(&change.path, record.link());
            paths.insert([b"/usr", leads_to.as_slice()].concat());
            paths.insert(leads_to);
        }
    }
    let inputs = inputs.build().unwrap_or_else(|_| GlobSet::empty());
    let fits =
        |path: &[u8]| !inputs.is_empty() && inputs.is_match(Path::new(OsStr::from_bytes(path)));
    packages::files::read(site.target, Some(&|path| paths.contains(path) || fits(path)))
}

/// Digests of changed files in the ways of the packages that claim them.
fn sums(
    site: &Site,
    changed: &[FileChange],
    packages: &PackageFiles,
) -> HashMap<Vec<u8>, Vec<Checksum>> {
    let mut wanted: Vec<(Vec<u8>, Checksum)> = Vec::new();
    for change in changed {
        let is_file = change.after.as_ref().is_some_and(|record| record.kind == FileKind::File);
        let moved = match (&change.before, &change.after) {
            (Some(before), Some(after)) => before.content != after.content,
            _ => true,
        };
        if !is_file || !moved {
            continue;
        }
        let mut kinds: Vec<Checksum> = Vec::new();
        for sum in packages.claims(&change.path).iter().filter_map(|claim| claim.checksum) {
            let same =
                |kind: &Checksum| std::mem::discriminant(kind) == std::mem::discriminant(&sum);
            if !kinds.iter().any(same) {
                kinds.push(sum);
            }
        }
        wanted.extend(kinds.into_iter().map(|kind| (change.path.clone(), kind)));
    }
    let found = match &site.root {
        Some(root) => checksum::below(root, &wanted, false, threads(), site.deadline),
        None => checksum::through(site.target, &wanted),
    };
    let mut sums: HashMap<Vec<u8>, Vec<Checksum>> = HashMap::new();
    for ((path, _), sum) in wanted.into_iter().zip(found) {
        // One that cannot be read now is told among the gaps of the survey.
        if let Ok(Some(sum)) = sum {
            sums.entry(path).or_default().push(sum);
        }
    }
    sums
}

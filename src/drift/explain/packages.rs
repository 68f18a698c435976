//! What package databases have to say about a file that has changed.

use super::generated::leads_to;
use crate::drift::explain::because::Because;
use crate::drift::objects::override_words;
use crate::facts::drift::Explanation;
use crate::facts::file::FileKind;
use crate::facts::package_file::{Checksum, Claim, Owner, PackageFiles, Role};
use crate::facts::snapshot::Record;
use crate::targets::survey::checksum;
use std::collections::{BTreeSet, HashMap};

/// Package databases, and the digests of files that they are compared with.
pub(super) struct Truth<'a> {
    pub files: &'a PackageFiles,
    /// By path: what the file has.
    pub sums: &'a HashMap<Vec<u8>, Vec<Checksum>>,
    /// Packages whose database entry was changed without another version.
    pub doubtful: &'a BTreeSet<String>,
    /// Packages of the baseline, `name version`.
    pub before: &'a [String],
    /// What dpkg-statoverride(1) wanted at the time of the baseline, by canonical path.
    pub overrides_before: &'a HashMap<Vec<u8>, String>,
}

fn shown(owner: &Owner) -> String {
    format!("{} {}", owner.name, owner.version).trim_end().to_owned()
}

impl Truth<'_> {
    fn owner(&self, claim: &Claim) -> String {
        self.files.owner(claim).map(shown).unwrap_or_else(|| "a package".to_owned())
    }

    /// Whether the package's own entry was changed in secret.
    fn doubt(&self, claim: &Claim) -> Option<Because> {
        let owner = self.files.owner(claim)?;
        self.doubtful.contains(&owner.name).then(|| {
            let why = format!(
                "the package database of {} was changed without another version",
                owner.name
            );
            Because::new(Explanation::Unexplained, why)
        })
    }

    /// Whether the package of a claim came, or got another version, after the baseline.
    fn is_new(&self, claim: &Claim) -> bool {
        let Some(owner) = self.files.owner(claim) else { return false };
        !self.before.contains(&format!("{} {}", owner.name, owner.version))
    }

    /// What is known of the content (of a link: the target) of a file that is there.
    pub(super) fn content(&self, path: &[u8], now: &Record) -> Option<Because> {
        let claims = self.files.claims(path);
        if now.kind != FileKind::File {
            return self.not_a_file(path, claims, now);
        }
        let sums = self.sums.get(path).map(Vec::as_slice).unwrap_or_default();
        let matching =
            claims.iter().find(|claim| claim.checksum.is_some_and(|s| sums.contains(&s)));
        if let Some(claim) = matching {
            return self.doubt(claim).or_else(|| {
                let owner = self.owner(claim);
                // ucf's list of digests is a file beside the database, of which no baseline knows.
                if claim.role == Role::Ucf && !self.is_new(claim) {
                    let why = format!("as ucf remembers it, but {owner} has not changed since");
                    return Some(Because::new(Explanation::Unexplained, why));
                }
                let why = match claim.role.is_configuration() {
                    true => format!("as {owner} brings it"),
                    false => format!("matches {owner}"),
                };
                let why = match self.files.diverted(path) {
                    Some(words) => format!("{why}, {words}"),
                    None => why,
                };
                Some(Because::new(Explanation::Verified, why))
            });
        }
        let claim = claims.iter().find(|claim| claim.role != Role::Ghost)?;
        let owner = self.owner(claim);
        Some(match claim.role {
            _ if claim.role.is_configuration() => Because::new(
                Explanation::DefaultChanged,
                format!("differs from the default of {owner}"),
            ),
            _ if claim.checksum.is_some() && sums.is_empty() => Because::new(
                Explanation::Unexplained,
                format!("belongs to {owner}; its content could not be compared"),
            ),
            _ if claim.checksum.is_some() => {
                Because::new(Explanation::Unexplained, format!("differs from {owner}"))
            }
            _ => Because::new(
                Explanation::Unexplained,
                format!("belongs to {owner}, whose database has no digest of it"),
            ),
        })
    }

    /// Directories and links: rpm knows the kind of file and where a link leads, apk a digest of that.
    /// dpkg only lists them, which excuses nothing as long as the package is the one of the baseline,
    /// and a link only if it leads to something that a package has.
    fn not_a_file(&self, path: &[u8], claims: &[Claim], now: &Record) -> Option<Because> {
        let claim = claims.first()?;
        let owner = self.owner(claim);
        if let Some(doubt) = self.doubt(claim) {
            return Some(doubt);
        }
        let unexplained = |why: String| Some(Because::new(Explanation::Unexplained, why));
        let known: Vec<bool> =
            claims.iter().filter_map(|claim| is_as_declared(claim, now)).collect();
        if known.contains(&true) {
            return Some(Because::new(Explanation::Verified, format!("matches {owner}")));
        }
        if !known.is_empty() {
            return unexplained(format!("differs from {owner}"));
        }
        if claims.iter().all(|claim| claim.checksum.is_some()) {
            return unexplained(format!("{owner} has a regular file there"));
        }
        let new = claims.iter().find(|claim| claim.checksum.is_none() && self.is_new(claim));
        let Some(new) = new else {
            return unexplained(format!("belongs to {owner}, which has not changed since"));
        };
        let owner = self.owner(new);
        let leads = || {
            let to = leads_to(path, now.link());
            !self.files.claims(&to).is_empty()
        };
        match now.kind {
            FileKind::Directory => {}
            FileKind::Symlink if leads() => {}
            FileKind::Symlink => {
                return unexplained(format!(
                    "listed by {owner}, but what it leads to is no package's"
                ));
            }
            kind => return unexplained(format!("{owner} has no {} there", kind.name())),
        }
        Some(Because::new(Explanation::Verified, format!("listed by {owner}")))
    }

    /// What is known of a file that has gone. `package` is the one that it belonged to.
    pub(super) fn removal(&self, path: &[u8], package: Option<&str>) -> Option<Because> {
        let claims = self.files.claims(path);
        if let Some(claim) = claims.first() {
            let owner = self.owner(claim);
            return Some(match claim.role {
                Role::Configuration { remove_on_upgrade: true, .. } => {
                    Because::new(Explanation::Verified, format!("{owner} wants it gone"))
                }
                Role::Configuration { obsolete: true, .. } => {
                    Because::new(Explanation::Verified, format!("{owner} no longer has it"))
                }
                _ if claim.role.is_configuration() => Because::new(
                    Explanation::DefaultChanged,
                    format!("deleted configuration of {owner}"),
                ),
                Role::Ghost => {
                    Because::new(Explanation::Verified, format!("{owner} does not need it"))
                }
                _ if self.files.is_left_out(path) => {
                    let why = format!("path-exclude of dpkg leaves it out of {owner}");
                    Because::new(Explanation::Verified, why)
                }
                _ => Because::new(Explanation::Unexplained, format!("{owner} should have it")),
            });
        }
        let (name, version) = package?.rsplit_once(' ')?;
        // That a database says nothing of a package is an answer only where it says something.
        if self.files.owners.is_empty() || !self.files.unread.is_empty() {
            let why = format!("belonged to {name}; the package database could not be read");
            return Some(Because::new(Explanation::Unexplained, why));
        }
        let now = self.files.owners.iter().find(|owner| owner.name == name);
        match now {
            None => Some(Because::new(Explanation::Verified, format!("{name} was removed"))),
            Some(owner) if owner.version != version => Some(Because::new(
                Explanation::Verified,
                format!("{name} {} no longer has it", owner.version),
            )),
            Some(owner) => Some(Because::new(
                Explanation::Unexplained,
                format!("belonged to {}, whose database no longer lists it", shown(owner)),
            )),
        }
    }

    /// Whether owner, group or mode are those that somebody has declared: the admin with
    /// dpkg-statoverride(1), or rpm and apk.
    pub(super) fn rights(
        &self,
        path: &[u8],
        attribute: &str,
        now: &Record,
        owner: &str,
        group: &str,
    ) -> Option<Because> {
        let canonical = self.files.canonical(path);
        if let Some((user, its_group, mode)) = self.files.overrides.get(&canonical) {
            let is = |declared: &str, name: &str, id: u32| {
                declared == name || declared.strip_prefix('#') == Some(id.to_string().as_str())
            };
            let right = match attribute {
                "owner" => is(user, owner, now.uid),
                "group" => is(its_group, group, now.gid),
                "mode" => *mode == now.mode.0,
                _ => false,
            };
            if right {
                let set = override_words(user, its_group, *mode);
                let why = "as dpkg-statoverride wants it";
                return Some(match self.overrides_before.get(&canonical) {
                    Some(before) if *before == set => Because::new(Explanation::Verified, why),
                    _ => {
                        let why = format!("{why}, which did not at the time of the baseline");
                        Because::new(Explanation::Unexplained, why)
                    }
                });
            }
        }
        let claim = self.files.claims(path).iter().find(|claim| {
            claim.declared.as_ref().is_some_and(|declared| match attribute {
                "owner" => declared.user == owner || declared.user == now.uid.to_string(),
                "group" => declared.group == group || declared.group == now.gid.to_string(),
                "mode" => declared.mode.is_some_and(|mode| mode & 0o7777 == u32::from(now.mode.0)),
                _ => false,
            })
        })?;
        self.doubt(claim).or_else(|| {
            let why = format!("as {} declares it", self.owner(claim));
            Some(Because::new(Explanation::Verified, why))
        })
    }
}

/// Whether what is no regular file is what rpm or apk say; `None` where they do not.
fn is_as_declared(claim: &Claim, now: &Record) -> Option<bool> {
    let declared = claim.declared.as_ref()?;
    if let (FileKind::Symlink, Some(sum)) = (now.kind, claim.checksum) {
        return Some(checksum::is_of(&sum, now.link()));
    }
    let kind = declared.mode? & 0o170_000;
    if kind == 0 {
        // apk: what has a digest is a file or a link, what has none is only listed.
        return claim.checksum.map(|_| false);
    }
    let same = kind == now.kind.bits();
    Some(same && (now.kind != FileKind::Symlink || declared.link == now.link()))
}

//! One file against what its packages say, in the letters of `rpm -V`.
//!
//! The rules are those of rpm's `lib/verify.cc`: links have no mode, what is no regular file has
//! neither digest nor size nor time, of a `%ghost` only owner, group and mode count, and a package may
//! exempt attributes (`%verify(not mtime)`). dpkg knows content alone; what was not compared is `?`.

use crate::drift::collect::Site;
use crate::drift::objects;
use crate::facts::capability;
use crate::facts::drift::{Change, Delta, Explanation, How};
use crate::facts::file::FileKind;
use crate::facts::object::Class;
use crate::facts::package_file::{Claim, Declared, PackageFiles, Role};
use crate::facts::snapshot::{Algorithm, Content, Hex, Record};
use crate::formats::{acl, filecap};
use crate::targets::survey::checksum;
use crate::text;

/// `RPMVERIFY_*` of rpm's `rpmvf.h`, in the order of the letters.
const LETTERS: [(char, u32, &str); 9] = [
    ('S', 1 << 1, "size"),
    ('M', 1 << 6, "mode"),
    ('5', 1 << 0, "content"),
    ('D', 1 << 7, "device"),
    ('L', 1 << 2, "target"),
    ('U', 1 << 3, "owner"),
    ('G', 1 << 4, "group"),
    ('T', 1 << 5, "mtime"),
    ('P', 1 << 8, "capabilities"),
];
/// `RPMFILE_MISSINGOK`.
const MISSING_OK: u32 = 1 << 3;

fn owner(all: &PackageFiles, claim: &Claim) -> String {
    all.owner(claim).map(|o| format!("{} {}", o.name, o.version)).unwrap_or_default()
}

fn delta(
    attribute: &str,
    before: &str,
    after: Option<String>,
    why: (Explanation, String),
) -> Delta {
    let (attribute, before) = (attribute.to_owned(), Some(before.to_owned()));
    Delta { attribute, before, after, line: None, explanation: why.0, why: why.1 }
}

/// That a file is gone; `None` where it may be.
pub(super) fn missing(all: &PackageFiles, path: &[u8], claims: &[&Claim]) -> Option<Change> {
    let optional = |claim: &&Claim| {
        claim.role == Role::Ghost
            || matches!(
                claim.role,
                Role::Configuration { obsolete: true, .. }
                    | Role::Configuration { remove_on_upgrade: true, .. }
            )
            || claim.declared.as_ref().is_some_and(|d| d.flags & MISSING_OK != 0)
    };
    if all.is_left_out(path) {
        return None;
    }
    let claim = claims.iter().find(|claim| !optional(claim)).copied()?;
    let owner = owner(all, claim);
    let why = match claim.role.is_configuration() {
        true => (Explanation::DefaultChanged, format!("deleted configuration of {owner}")),
        false => (Explanation::Unexplained, format!("{owner} should have it")),
    };
    let delta = delta("exists", "of the package", None, why);
    let mut change = Change::new(Class::File, text::bytes(path), How::Removed, vec![delta]);
    change.letters = Some("missing".to_owned());
    Some(change)
}

/// That something else stands where a package has a directory.
pub(super) fn another(
    all: &PackageFiles,
    path: &[u8],
    claims: &[&Claim],
    now: &Record,
) -> Option<Change> {
    let is = now.kind.name();
    let why = format!("a {is} stands where {} has a directory", owner(all, claims.first()?));
    let delta = delta("type", "directory", Some(is.to_owned()), (Explanation::Unexplained, why));
    let mut change = Change::new(Class::File, text::bytes(path), How::Changed, vec![delta]);
    change.letters = Some("?M???????".to_owned());
    Some(change)
}

/// What a package has at a path: a kind of file.
fn declared_kind(claim: &Claim) -> FileKind {
    let mode = claim.declared.as_ref().and_then(|declared| declared.mode).unwrap_or_default();
    // apk does not say that something is a link, but gives it the mode that links have.
    if mode == 0o777 && claim.checksum.is_some() {
        return FileKind::Symlink;
    }
    let kinds = [
        FileKind::Directory,
        FileKind::Symlink,
        FileKind::Fifo,
        FileKind::CharDevice,
        FileKind::BlockDevice,
        FileKind::Socket,
    ];
    kinds.into_iter().find(|kind| kind.bits() == mode & 0o170_000).unwrap_or(FileKind::File)
}

/// Where there is another kind of file than the package has, that says all: its content, size, time and
/// permission bits are those of something else.
fn by_type(claim: &Claim, now: &Record, found: Found) -> Found {
    let was = declared_kind(claim);
    if was == now.kind || found.is_empty() {
        return found;
    }
    let kept = ["owner", "group", "device", "capabilities"];
    let rest = found.into_iter().filter(|(attribute, _, _)| kept.contains(attribute));
    let kinds = ("type", was.name().to_owned(), now.kind.name().to_owned());
    [kinds].into_iter().chain(rest).collect()
}

/// What is wrong with a file; `None` where it is as one of its packages has it.
pub(super) fn judge(
    site: &Site,
    all: &PackageFiles,
    path: &[u8],
    claims: &[&Claim],
    now: &Record,
    algorithm: Algorithm,
) -> Option<Change> {
    let name = || text::bytes(path);
    let mut best: Option<(usize, Change)> = None;
    for claim in claims {
        let (letters, found) = differences(site, all, path, claim, now, algorithm);
        if found.is_empty() {
            return None;
        }
        let found = by_type(claim, now, found);
        let beside = all.diverted(path).map(|words| format!("; {words}")).unwrap_or_default();
        let configuration = claim.role.is_configuration();
        let deltas: Vec<Delta> = found
            .into_iter()
            .map(|(attribute, before, after)| {
                let content = ["content", "size", "mtime", "target", "type"].contains(&attribute);
                let excused = configuration && content;
                Delta {
                    attribute: attribute.to_owned(),
                    before: Some(before),
                    after: Some(after),
                    line: None,
                    explanation: match excused {
                        true => Explanation::DefaultChanged,
                        false => Explanation::Unexplained,
                    },
                    why: match (excused, attribute) {
                        (_, "type") => format!(
                            "a {} stands where {} has a {}{beside}",
                            now.kind.name(),
                            owner(all, claim),
                            declared_kind(claim).name()
                        ),
                        (true, _) => format!("differs from the default of {}", owner(all, claim)),
                        (false, _) => format!("differs from {}{beside}", owner(all, claim)),
                    },
                }
            })
            .collect();
        let count = deltas.len();
        if best.as_ref().is_none_or(|(least, _)| count < *least) {
            let mut change = Change::new(Class::File, name(), How::Changed, deltas);
            let mark = if configuration { " c" } else { "" };
            change.letters = Some(format!("{letters}{mark}"));
            best = Some((count, change));
        }
    }
    best.map(|(_, change)| change)
}

type Found = Vec<(&'static str, String, String)>;

fn differences(
    site: &Site,
    all: &PackageFiles,
    path: &[u8],
    claim: &Claim,
    now: &Record,
    algorithm: Algorithm,
) -> (String, Found) {
    let nothing = Declared { verify: 1, ..Declared::default() };
    let declared = claim.declared.as_deref().unwrap_or(&nothing);
    let mut asked = declared.verify;
    if claim.declared.is_some() && declared.verify == 0 && declared.capabilities.is_none() {
        // apk: owner, group, mode and digest are all that there is.
        asked = 1 | 1 << 6 | 1 << 3 | 1 << 4;
    }
    if claim.role == Role::Ghost {
        asked &= !(1 | 1 << 1 | 1 << 5 | 1 << 2);
    }
    asked &= if now.kind == FileKind::Symlink { !(1 << 6) } else { !(1 << 2) };
    if now.kind != FileKind::File {
        // rpm tells another kind of file by its mode, dpkg and apk only by a digest that nothing has.
        let by_digest =
            claim.checksum.is_some() && declared.mode.is_none_or(|mode| mode < 0o10_000);
        asked &=
            if by_digest { !(1 << 1 | 1 << 5 | 1 << 8) } else { !(1 | 1 << 1 | 1 << 5 | 1 << 8) };
    }
    let mut letters = String::new();
    let mut found = Vec::new();
    for (letter, bit, attribute) in LETTERS {
        if asked & bit == 0 {
            letters.push(if claim.declared.is_some() { '.' } else { '?' });
            continue;
        }
        match one(site, all, path, attribute, claim, declared, now, algorithm) {
            None => letters.push('.'),
            Some((before, after)) => {
                letters.push(letter);
                found.push((attribute, before, after));
            }
        }
    }
    (letters, found)
}

/// One attribute, if it differs: what the package has, and what there is.
#[allow(clippy::too_many_arguments)]
fn one(
    site: &Site,
    all: &PackageFiles,
    path: &[u8],
    attribute: &str,
    claim: &Claim,
    declared: &Declared,
    now: &Record,
    algorithm: Algorithm,
) -> Option<(String, String)> {
    let differ = |a: String, b: String| (a != b).then_some((a, b));
    let set = all.overrides.get(&all.canonical(path));
    match attribute {
        "size" => differ(declared.size?.to_string(), now.size.to_string()),
        "mode" => {
            let mut wanted = declared.mode?;
            let mut is = u32::from(now.mode.0) | now.kind.bits();
            if claim.role == Role::Ghost || wanted & 0o170_000 == 0 {
                wanted &= 0o7777;
                is &= 0o7777;
            }
            if let Some((_, _, mode)) = set {
                wanted = wanted & !0o7777 | u32::from(*mode);
            }
            let acl =
                now.xattr(b"system.posix_acl_access").and_then(|v| acl::parse(v).ok().flatten());
            if acl.is_some() && wanted == is {
                return Some((
                    format!("{:04o}", wanted & 0o7777),
                    "with an access control list".into(),
                ));
            }
            // rpm -V says "mode" for another kind of file, too.
            let shown = |mode: u32| format!("{:06o}", mode);
            (wanted != is).then(|| (shown(wanted), shown(is)))
        }
        "content" => {
            let Some(wanted) = claim.checksum else {
                // rpm has an empty digest for what should be no regular file.
                let file = declared
                    .mode
                    .is_some_and(|mode| mode & 0o170_000 != 0o100_000 && mode > 0o7777);
                return file.then(|| ("none".to_owned(), "a regular file".to_owned()));
            };
            if now.kind == FileKind::Symlink && checksum::is_of(&wanted, now.link()) {
                return None;
            }
            let shown = |bytes: &[u8]| format!("{}:{}", algorithm.name(), Hex(bytes));
            let is = match (&now.content, now.kind) {
                (Content::Digest(digest), _) => {
                    let digest = digest.get(..algorithm.size()).unwrap_or_default();
                    if wanted.bytes() == digest {
                        return None;
                    }
                    shown(digest)
                }
                // What could not be read is told as that, and is not another content.
                (Content::Unreadable | Content::None, FileKind::File) => return None,
                (Content::Unstable, _) => "changed while it was read".to_owned(),
                (_, kind) => format!("a {}", kind.name()),
            };
            Some((shown(wanted.bytes()), is))
        }
        "device" => {
            let is_device = |mode: u32| matches!(mode & 0o170_000, 0o060_000 | 0o020_000);
            let mode = declared.mode.unwrap_or_default();
            let is = now.extra.as_ref().and_then(|extra| extra.device);
            if !is_device(mode) {
                return None;
            }
            let wanted = declared.device.unwrap_or_default();
            // makedev(3) as it was when devices had 16 bits, which is what headers hold.
            let found = is.map(|(major, minor)| (major << 8 | minor & 0xff) & 0xffff);
            let shown = found.map_or_else(|| "no device".to_owned(), |found| found.to_string());
            differ(wanted.to_string(), shown)
        }
        "target" => differ(text::bytes(&declared.link), text::bytes(now.link())),
        "owner" => {
            let wanted = set.map_or(declared.user.as_str(), |(user, _, _)| user.as_str());
            if wanted == now.uid.to_string() {
                return None;
            }
            differ(wanted.to_owned(), objects::user_name(site.target, now.uid))
        }
        "group" => {
            let wanted = set.map_or(declared.group.as_str(), |(_, group, _)| group.as_str());
            if wanted == now.gid.to_string() {
                return None;
            }
            differ(wanted.to_owned(), objects::group_name(site.target, now.gid))
        }
        "mtime" => differ(declared.modified?.to_string(), now.modified.seconds.to_string()),
        "capabilities" => {
            let wanted = capabilities(declared.capabilities.as_deref()?);
            let value = now.xattr(b"security.capability").and_then(|v| filecap::parse(v).ok());
            let is = value.map_or((0, 0, false), |c| (c.permitted, c.inheritable, c.effective));
            (wanted != is).then(|| {
                let shown = |set: (u64, u64, bool)| match set {
                    (0, 0, _) => "none".to_owned(),
                    set => capability::show(set.0 | set.1),
                };
                (shown(wanted), shown(is))
            })
        }
        _ => None,
    }
}

/// Permitted, inheritable and effective of a text of cap_from_text(3): `cap_a,cap_b=ep cap_c+i`.
fn capabilities(text: &str) -> (u64, u64, bool) {
    let (mut permitted, mut inheritable, mut effective) = (0, 0, false);
    let text = text.replace("= ", "");
    for clause in text.split_whitespace() {
        let Some((names, flags)) = clause.split_once(['=', '+']) else { continue };
        let known = names.split(',').filter_map(capability::parse).map(capability::mask);
        let bits = known.fold(0, |all, bit| all | bit);
        if flags.contains('p') {
            permitted |= bits;
        }
        if flags.contains('i') {
            inheritable |= bits;
        }
        effective |= flags.contains('e');
    }
    (permitted, inheritable, effective)
}

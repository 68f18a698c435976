//! The same through [`Files`], for an image: one look-up after the other, with what it can tell.

use crate::facts::file::{Acl, AclTag, FileCapabilities, FileKind};
use crate::facts::package_file::Checksum;
use crate::facts::snapshot::{Algorithm, Content, Directory, Record, Time, join, split};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use crate::targets::survey::attributes::{extra, kept};
use crate::targets::survey::request::{DEPTH_LIMIT, FILE_LIMIT, Found, Request, Survey};
use crate::text;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Looks at the files below the paths of a request. Contents are told by the digests that an image
/// has of itself; BLAKE3 is none of them.
pub fn through_files(files: &dyn Files, request: &Request) -> Survey {
    let mut survey = Survey::default();
    let mut pending: Vec<(Vec<u8>, u16)> = Vec::new();
    let mut by_folder: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for path in request.paths {
        match split(path) {
            Some((folder, name)) => by_folder.entry(folder).or_default().push(name),
            None => pending.push((b"/".to_vec(), 0)),
        }
    }
    for (folder, mut names) in by_folder {
        names.sort_unstable();
        names.dedup();
        look(files, request, folder, &names, 0, &mut pending, &mut survey);
    }
    while let Some((folder, depth)) = pending.pop() {
        let path = Path::new(OsStr::from_bytes(&folder));
        if depth > DEPTH_LIMIT || survey.effort.files > FILE_LIMIT {
            let why = format!("more than {FILE_LIMIT} files, or {DEPTH_LIMIT} directories deep");
            survey.gaps.push(Unknown::new(text::bytes(&folder), Cause::TooLarge(why)));
            continue;
        }
        match files.list(path) {
            Ok(Some(names)) => {
                let names: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).collect();
                look(files, request, &folder, &names, depth, &mut pending, &mut survey);
            }
            Ok(None) => {}
            Err(why) => survey.gaps.push(why),
        }
    }
    survey
}

fn look(
    files: &dyn Files,
    request: &Request,
    folder: &[u8],
    names: &[&[u8]],
    depth: u16,
    pending: &mut Vec<(Vec<u8>, u16)>,
    survey: &mut Survey,
) {
    let mut listing = Directory::new(folder.to_vec());
    let local = request.rules.within(folder);
    for name in names {
        let whole = join(folder, name);
        if local.excludes(&whole) {
            continue;
        }
        let path = Path::new(OsStr::from_bytes(&whole));
        let fixed = local.use_of(&whole).has_fixed_content();
        match record(files, path, request.algorithm, fixed, survey) {
            Ok(Some(record)) => {
                if record.kind == FileKind::Directory && request.recursive {
                    pending.push((whole.clone(), depth + 1));
                }
                listing.push(name, record);
                survey.effort.files += 1;
            }
            Ok(None) => {}
            Err(why) => {
                survey.gaps.push(why);
                survey.unseen.insert(whole);
            }
        }
    }
    survey.found.push(Found::Listing(listing));
}

fn record(
    files: &dyn Files,
    path: &Path,
    algorithm: Algorithm,
    fixed: bool,
    survey: &mut Survey,
) -> Fact<Option<Record>> {
    let Some(fact) = files.file(path)? else { return Ok(None) };
    let mut record = Record {
        name_end: 0,
        kind: fact.kind,
        mode: fact.mode,
        uid: fact.uid,
        gid: fact.gid,
        links: u32::try_from(fact.links).unwrap_or(u32::MAX),
        package: 0,
        filesystem: fact.device,
        inode: fact.inode,
        size: fact.size,
        modified: Time { seconds: fact.modified, nanoseconds: 0 },
        changed: Time { seconds: fact.changed, nanoseconds: 0 },
        content: Content::None,
        extra: None,
    };
    if let Some(link) = &fact.link_target {
        extra(&mut record).link = link.as_os_str().as_bytes().to_vec();
    }
    if let Some(acl) = files.acl(path)? {
        extra(&mut record)
            .xattrs
            .push((b"system.posix_acl_access".to_vec(), kept(&acl_bytes(&acl))));
    }
    if record.kind == FileKind::File {
        if let Some(capabilities) = files.file_capabilities(path)? {
            let value = capability_bytes(&capabilities);
            extra(&mut record).xattrs.push((b"security.capability".to_vec(), value));
        }
        let like = match algorithm {
            Algorithm::Sha256 => Some(Checksum::Sha256([0; 32])),
            Algorithm::Md5 => Some(Checksum::Md5([0; 16])),
            Algorithm::Sha1 => Some(Checksum::Sha1([0; 20])),
            // Of an image nobody has that; the caller says so once.
            Algorithm::Blake3 => None,
        };
        if let Some(like) = like.filter(|_| fixed) {
            match files.checksum(path, &like) {
                Ok(Some(sum)) => {
                    let mut digest = [0; 32];
                    digest.iter_mut().zip(sum.bytes()).for_each(|(to, from)| *to = *from);
                    record.content = Content::Digest(digest);
                    survey.effort.read += 1;
                    survey.effort.bytes += record.size;
                }
                // It was a regular file a moment ago.
                Ok(None) => {
                    survey.gaps.push(Unknown::new(text::path(path), Cause::Vanished));
                    record.content = Content::Unreadable;
                }
                Err(why) => {
                    survey.gaps.push(why);
                    record.content = Content::Unreadable;
                }
            }
        }
    }
    if let Some(extra) = &mut record.extra {
        extra.xattrs.sort_unstable();
    }
    Ok(Some(record))
}

/// The value of the extended attribute, `acl(5)` of the kernel: version 2, then tag, permissions and
/// id of each entry, little-endian.
fn acl_bytes(acl: &Acl) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for entry in &acl.entries {
        let (tag, id): (u16, u32) = match entry.who {
            AclTag::UserObj => (1, u32::MAX),
            AclTag::User(id) => (2, id),
            AclTag::GroupObj => (4, u32::MAX),
            AclTag::Group(id) => (8, id),
            AclTag::Mask => (0x10, u32::MAX),
            AclTag::Other => (0x20, u32::MAX),
        };
        bytes.extend_from_slice(&tag.to_le_bytes());
        bytes.extend_from_slice(&u16::from(entry.perms).to_le_bytes());
        bytes.extend_from_slice(&id.to_le_bytes());
    }
    bytes
}

/// The value of the extended attribute, `capabilities(7)`: revision 2, or 3 with a root.
fn capability_bytes(capabilities: &FileCapabilities) -> Vec<u8> {
    let revision: u32 = if capabilities.root.is_some() { 0x0300_0000 } else { 0x0200_0000 };
    let low = |set: u64| (set & u64::from(u32::MAX)) as u32;
    let words = [
        revision | u32::from(capabilities.effective),
        low(capabilities.permitted),
        low(capabilities.inheritable),
        low(capabilities.permitted >> 32),
        low(capabilities.inheritable >> 32),
    ];
    words.iter().chain(&capabilities.root).flat_map(|word| word.to_le_bytes()).collect()
}

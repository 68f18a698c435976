//! One layer: what it adds, replaces and removes.

use crate::facts::file::{Acl, FileKind};
use crate::facts::package_file::Checksum;
use crate::formats::acl;
use crate::formats::tar::{Input, Kind, Member, Tar};
use crate::targets::image::limits::{KEPT_FILE_LIMIT, Limits};
use crate::targets::image::parts_of_programs as parts;
use crate::targets::image::wants::{Keep, Wanted};
use crate::text::secrets::files;
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::io::{self, Read as _};
use std::sync::Arc;

/// What hides a name of lower layers.
const WHITEOUT: &[u8] = b".wh.";
/// What hides everything that lower layers have in a directory. It begins like any whiteout, so it
/// is looked for first.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Names that aufs kept its own records under.
const AUFS: &[u8] = b".wh..wh.";
/// The longest name of one component (`NAME_MAX`).
const COMPONENT_LIMIT: usize = 255;

/// One change that a layer makes. Names have no slash at either end; the root's is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Lower layers' file or directory of this name is gone.
    Whiteout(Vec<u8>),
    /// What lower layers have in this directory is gone.
    Opaque(Vec<u8>),
    /// A file or directory is put there.
    Put(Box<Entry>),
    /// A further name for a file.
    HardLink(Box<HardLink>),
}

/// A further name for a file, and what its header says of that, which should be what that of the file
/// has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardLink {
    /// The name.
    pub path: Vec<u8>,
    /// The file's other name.
    pub to: Vec<u8>,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u16,
    /// Access control list; most writers leave it out.
    pub acl: Option<Result<Acl, String>>,
    /// Value of `security.capability`; most writers leave it out.
    pub capability: Option<Vec<u8>>,
}

/// A file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub path: Vec<u8>,
    /// What.
    pub kind: FileKind,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Permission bits.
    pub mode: u16,
    /// Size in bytes.
    pub size: u64,
    /// Last change, seconds since 1970-01-01 UTC.
    pub modified: i64,
    /// Target of a symbolic link.
    pub link: Vec<u8>,
    /// Access control list, or why its bytes are none.
    pub acl: Option<Result<Acl, String>>,
    /// Value of `security.capability`.
    pub capability: Option<Vec<u8>>,
    /// Content of a regular file.
    pub content: Content,
    /// Digests of the content, where they were asked for.
    pub sums: Option<Box<Sums>>,
    /// What secret is in it, where that was asked for.
    pub secret: Option<Box<Secret>>,
    /// Parts of a program that are kept.
    pub parts: Parts,
}

/// Parts of a file that is not kept, with where they begin: how a script begins, and what tells the
/// libraries of a program.
pub type Parts = Option<Box<[(u64, Vec<u8>)]>>;

/// A secret that a file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What it is: `a private key`.
    pub what: &'static str,
    /// The file's digests, which tell whether it is a package's.
    pub sums: Vec<Checksum>,
}

/// Digests of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// SHA-256.
    pub sha256: [u8; 32],
    /// MD5 and SHA-1, which package managers keep.
    pub others: Option<([u8; 16], [u8; 20])>,
}

/// Digests being made.
struct Summing {
    sha256: Sha256,
    others: Option<(Md5, Sha1)>,
}

impl Summing {
    fn new(all: bool) -> Self {
        Self { sha256: Sha256::new(), others: all.then(|| (Md5::new(), Sha1::new())) }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some((md5, sha1)) = &mut self.others {
            md5.update(bytes);
            sha1.update(bytes);
        }
    }

    fn finish(self) -> Box<Sums> {
        let others = self.others.map(|(md5, sha1)| (md5.finalize().into(), sha1.finalize().into()));
        Box::new(Sums { sha256: self.sha256.finalize().into(), others })
    }
}

/// Where the content of a regular file is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Content {
    /// It has none: not a regular file.
    #[default]
    None,
    /// Here.
    Kept(Arc<Vec<u8>>),
    /// In the layer, from this byte on.
    Stored(u64),
    /// In the layer, in a form that is not read.
    Sparse,
}

/// The kinds of digests that package managers keep.
const KINDS: [Checksum; 3] =
    [Checksum::Md5([0; 16]), Checksum::Sha1([0; 20]), Checksum::Sha256([0; 32])];

/// What goes wrong with a layer.
pub type Refused = String;

/// Reads a layer. `whiteouts`: names can be markers; in the flat archive of a container's files
/// they are not.
///
/// # Errors
/// In words: for what is no tar archive, is cut off, goes beyond a bound or leads out of the root.
pub fn read<I: Input>(
    tar: &mut Tar<I>,
    whiteouts: bool,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Vec<Change>, Refused> {
    let mut changes = Vec::new();
    while let Some(member) = tar.next_member().map_err(in_words)? {
        changes.extend(change(tar, member, whiteouts, wanted, limits)?);
    }
    changes.shrink_to_fit();
    Ok(changes)
}

/// Any failure of reading in words.
pub fn in_words(error: io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "cut off".to_owned(),
        _ => error.to_string(),
    }
}

/// The change that one member makes, if any.
///
/// # Errors
/// As for [`read`].
pub fn change<I: Input>(
    tar: &mut Tar<I>,
    member: Member,
    whiteouts: bool,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Option<Change>, Refused> {
    let path = normal(&member.path)?;
    let attributes = member.acl.as_ref().map_or(0, Vec::len)
        + member.capability.as_ref().map_or(0, Vec::len)
        + member.link.len();
    limits.take_entry(path.len() + attributes)?;
    if whiteouts && let Some(marker) = marker(&path)? {
        return Ok(marker);
    }
    if member.kind == Kind::HardLink {
        return Ok(Some(Change::HardLink(Box::new(HardLink {
            path,
            to: normal(&member.link)?,
            uid: member.uid,
            gid: member.gid,
            mode: member.mode,
            acl: member.acl.and_then(|bytes| acl::parse(&bytes).transpose()),
            capability: member.capability,
        }))));
    }
    entry(tar, member, path, wanted, limits).map(|entry| Some(Change::Put(Box::new(entry))))
}

/// `None`: an ordinary name. `Some(None)`: one to be left out.
fn marker(path: &[u8]) -> Result<Option<Option<Change>>, Refused> {
    let (folder, name) = split(path);
    // The directories that aufs kept its records in, with all that is in them.
    if folder.split(|byte| *byte == b'/').any(|part| part.starts_with(AUFS)) {
        return Ok(Some(None));
    }
    if !name.starts_with(WHITEOUT) {
        return Ok(None);
    }
    if name == OPAQUE {
        return Ok(Some(Some(Change::Opaque(folder.to_vec()))));
    }
    if name.starts_with(AUFS) {
        return Ok(Some(None));
    }
    let hidden = name.strip_prefix(WHITEOUT).unwrap_or_default();
    if matches!(hidden, b"" | b"." | b"..") {
        return Err(format!("{}: a whiteout of no name", shown(path)));
    }
    Ok(Some(Some(Change::Whiteout(join(folder, hidden)))))
}

fn entry<I: Input>(
    tar: &mut Tar<I>,
    member: Member,
    path: Vec<u8>,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Entry, Refused> {
    let kind = match member.kind {
        Kind::File | Kind::HardLink => FileKind::File,
        Kind::Symlink => FileKind::Symlink,
        Kind::Directory => FileKind::Directory,
        Kind::CharDevice => FileKind::CharDevice,
        Kind::BlockDevice => FileKind::BlockDevice,
        Kind::Fifo => FileKind::Fifo,
    };
    let Read { content, sums, secret, parts } = match kind {
        FileKind::File => content(tar, &member, &path, wanted, limits)
            .map_err(|error| format!("{}: {}", shown(&path), in_words(error)))?,
        _ => Read::default(),
    };
    Ok(Entry {
        path,
        kind,
        uid: member.uid,
        gid: member.gid,
        mode: member.mode,
        size: if kind == FileKind::File { member.size } else { member.link.len() as u64 },
        modified: member.modified,
        link: member.link,
        acl: member.acl.and_then(|bytes| acl::parse(&bytes).transpose()),
        capability: member.capability,
        content,
        sums,
        secret,
        parts,
    })
}

/// What came of a regular file's content.
#[derive(Default)]
struct Read {
    content: Content,
    sums: Option<Box<Sums>>,
    secret: Option<Box<Secret>>,
    parts: Parts,
}

fn content<I: Input>(
    tar: &mut Tar<I>,
    member: &Member,
    path: &[u8],
    wanted: &Wanted,
    limits: &Limits,
) -> io::Result<Read> {
    if member.sparse {
        return Ok(Read { content: Content::Sparse, ..Read::default() });
    }
    let stored = Content::Stored(member.offset);
    let digest = wanted.checksums || wanted.digest(path);
    let name = String::from_utf8_lossy(path);
    let search = wanted.secrets && member.size <= files::SIZE_LIMIT && files::may_hold(&name);
    let keep = match wanted.keep(path, member.mode, member.size) {
        keep if member.size <= KEPT_FILE_LIMIT => keep,
        _ => Keep::Nothing,
    };
    if keep == Keep::Nothing && !search {
        let (sums, parts) = passed_over(tar, member, digest, wanted, limits)?;
        return Ok(Read { content: stored, sums, parts, ..Read::default() });
    }
    let bytes = tar.content(KEPT_FILE_LIMIT)?;
    let sums = digest.then(|| {
        let mut summing = Summing::new(wanted.checksums);
        summing.update(&bytes);
        summing.finish()
    });
    let secret = search.then(|| files::of_file(&name, &bytes)).flatten().map(|what| {
        let sums = KINDS.iter().map(|kind| kind.of_the_same_kind(&bytes)).collect();
        Box::new(Secret { what, sums })
    });
    let script = keep == Keep::Script && bytes.starts_with(b"#!");
    let kept = (keep == Keep::Content || script) && limits.take_content(member.size);
    if kept {
        return Ok(Read { content: Content::Kept(Arc::new(bytes)), sums, secret, parts: None });
    }
    let parts = parts::of(&bytes, member.mode & 0o111 != 0, wanted.programs)
        .filter(|parts| limits.take_parts(parts));
    Ok(Read { content: stored, sums, secret, parts })
}

/// A file whose content is not kept: its digests, and those parts of a program that are.
fn passed_over<I: Input>(
    tar: &mut Tar<I>,
    member: &Member,
    digest: bool,
    wanted: &Wanted,
    limits: &Limits,
) -> io::Result<(Option<Box<Sums>>, Parts)> {
    let mut begin = Vec::new();
    // Libraries need not be executable.
    if wanted.programs || member.mode & 0o111 != 0 {
        io::Read::take(&mut *tar, parts::BEGIN).read_to_end(&mut begin)?;
    }
    if wanted.programs && begin.starts_with(parts::ELF) {
        let length = if member.size <= parts::WHOLE { parts::WHOLE } else { parts::HEADERS };
        io::Read::take(&mut *tar, length).read_to_end(&mut begin)?;
    }
    let parts = parts::of(&begin, member.mode & 0o111 != 0, wanted.programs)
        .filter(|parts| limits.take_parts(parts));
    if !digest {
        return Ok((None, parts));
    }
    let mut summing = Summing::new(wanted.checksums);
    summing.update(&begin);
    drop(begin);
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = io::Read::read(tar, &mut chunk)?;
        if count == 0 {
            return Ok((Some(summing.finish()), parts));
        }
        summing.update(chunk.get(..count).unwrap_or_default());
    }
}

/// A name without `.`, `..` and needless slashes.
///
/// # Errors
/// For a name that leads out of the root, and for components that no filesystem takes.
pub fn normal(path: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                if parts.pop().is_none() {
                    return Err(format!("{}: a name that leads out of the root", shown(path)));
                }
            }
            part if part.len() > COMPONENT_LIMIT => {
                return Err("a name with a component of more than 255 bytes".to_owned());
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

/// Folder and last component.
pub fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => {
            (path.get(..slash).unwrap_or_default(), path.get(slash + 1..).unwrap_or_default())
        }
        None => (b"", path),
    }
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// A name for a message.
pub fn shown(path: &[u8]) -> String {
    crate::text::bytes(path)
}

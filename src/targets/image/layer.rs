//! One layer: what it adds, replaces and removes.

use crate::facts::file::{Acl, FileKind};
use crate::formats::acl;
use crate::formats::tar::{Input, Kind, Member, Tar};
use crate::targets::image::limits::{KEPT_FILE_LIMIT, Limits};
use crate::targets::image::wants::{Keep, Wanted};
use sha2::{Digest, Sha256};
use std::io::{self, Read};
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
    /// SHA-256 of the content in hexadecimal, where it was asked for.
    pub sha256: Option<String>,
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
    let (content, sha256) = match kind {
        FileKind::File => content(tar, &member, &path, wanted, limits)
            .map_err(|error| format!("{}: {}", shown(&path), in_words(error)))?,
        _ => (Content::None, None),
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
        sha256,
    })
}

fn content<I: Input>(
    tar: &mut Tar<I>,
    member: &Member,
    path: &[u8],
    wanted: &Wanted,
    limits: &Limits,
) -> io::Result<(Content, Option<String>)> {
    if member.sparse {
        return Ok((Content::Sparse, None));
    }
    let stored = Content::Stored(member.offset);
    let digest = wanted.digest(path);
    let keep = match wanted.keep(path, member.mode, member.size) {
        keep if member.size <= KEPT_FILE_LIMIT => keep,
        _ => Keep::Nothing,
    };
    if keep == Keep::Nothing {
        let sha256 = digest.then(|| hash(tar)).transpose()?;
        return Ok((stored, sha256));
    }
    let bytes = tar.content(KEPT_FILE_LIMIT)?;
    let sha256 = digest.then(|| hex(&Sha256::digest(&bytes)));
    let script = bytes.starts_with(b"#!");
    let kept = (keep == Keep::Content || script) && limits.take_content(member.size);
    Ok((if kept { Content::Kept(Arc::new(bytes)) } else { stored }, sha256))
}

fn hash(reader: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 << 10];
    loop {
        let count = reader.read(&mut chunk)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(chunk.get(..count).unwrap_or_default());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

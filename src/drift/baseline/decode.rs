//! Reading a baseline, which may have been cut off, damaged or made by somebody with bad intentions.
//!
//! Sizes that a file claims are never believed: memory grows only with what really is there, up to a
//! limit.

use super::columns::Reader;
use super::encode::{COLUMNS, DIGESTS, DIRECTORIES, EXTRAS, HEAD, KINDS, NAMES, OBJECTS};
use crate::drift::baseline::state::{Baseline, Head, MAGIC, VERSION};
use crate::facts::file::Mode;
use crate::facts::object::Objects;
use crate::facts::snapshot::{Content, Directory, Extra, Record, Time, Tree};
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

/// A section has no more bytes when it is unpacked (1 GiB).
const SECTION_LIMIT: u64 = 1 << 30;
/// The most files of a baseline.
const RECORD_LIMIT: u64 = 16_000_000;
/// The most extended attributes of one file.
const XATTR_LIMIT: usize = 1024;

/// What is wrong with a file that should be a baseline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// It does not begin like one.
    NotOne,
    /// It is of a version that this spotcheck does not know.
    Version(u16),
    /// It ends too early.
    CutOff,
    /// Its bytes are not those that were written.
    Changed,
    /// It is larger than any baseline.
    TooLarge,
    /// It says something that cannot be.
    Malformed(&'static str),
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Damage::NotOne => f.write_str("not a baseline"),
            Damage::Version(found) => write!(
                f,
                "a baseline of version {found}; this spotcheck reads versions up to {VERSION}"
            ),
            Damage::CutOff => f.write_str("the baseline is cut off"),
            Damage::Changed => {
                f.write_str("the baseline is damaged: its bytes are not those that were written")
            }
            Damage::TooLarge => f.write_str("too large for a baseline"),
            Damage::Malformed(why) => write!(f, "the baseline is malformed: {why}"),
        }
    }
}

/// Reads a baseline.
///
/// # Errors
/// What is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<Baseline, Damage> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(Damage::NotOne)?;
    let version = rest.first_chunk().map(|two| u16::from_le_bytes(*two)).ok_or(Damage::CutOff)?;
    if version == 0 || version > VERSION {
        return Err(Damage::Version(version));
    }
    let (whole, digest) =
        bytes.split_at_checked(bytes.len().saturating_sub(32)).ok_or(Damage::CutOff)?;
    let mut reader = Reader(whole.get(MAGIC.len() + 2..).ok_or(Damage::CutOff)?);
    if blake3::hash(whole).as_bytes() != digest {
        // Whether bytes are missing or others is what people want to know.
        let complete = sections(&mut reader).is_ok();
        return Err(if complete { Damage::Changed } else { Damage::CutOff });
    }
    let sections = sections(&mut reader)?;
    let get = |id: u8| sections.get(&id).ok_or(Damage::Malformed("a part is missing"));
    let json = "a part is not the JSON that it should be";
    let head: Head =
        serde_json::from_slice(&get(HEAD)?.unpacked()?).map_err(|_| Damage::Malformed(json))?;
    let objects: Objects =
        serde_json::from_slice(&get(OBJECTS)?.unpacked()?).map_err(|_| Damage::Malformed(json))?;
    // Each part is let go of before the next is unpacked.
    let mut tree =
        tree(&get(COLUMNS)?.unpacked()?, &get(DIRECTORIES)?.unpacked()?, &get(NAMES)?.unpacked()?)?;
    digests(&mut tree, get(DIGESTS)?)?;
    extras(&mut tree, &get(EXTRAS)?.unpacked()?)?;
    Ok(Baseline { head, tree, objects })
}

struct Section<'a> {
    packed: bool,
    size: u64,
    bytes: &'a [u8],
}

impl Section<'_> {
    fn unpacked(&self) -> Result<Vec<u8>, Damage> {
        if self.size > SECTION_LIMIT {
            return Err(Damage::TooLarge);
        }
        if !self.packed {
            return Ok(self.bytes.to_vec());
        }
        let mut out = Vec::new();
        let damaged = |_| Damage::Malformed("a part cannot be unpacked");
        let decoder = zstd::stream::read::Decoder::with_buffer(self.bytes).map_err(damaged)?;
        decoder.take(self.size + 1).read_to_end(&mut out).map_err(damaged)?;
        if out.len() as u64 == self.size {
            Ok(out)
        } else {
            Err(Damage::Malformed("a part has another size than it says"))
        }
    }
}

fn sections<'a>(reader: &mut Reader<'a>) -> Result<BTreeMap<u8, Section<'a>>, Damage> {
    let mut sections = BTreeMap::new();
    while reader.end().is_err() {
        let id = reader.byte()?;
        let packed = match reader.byte()? {
            0 => false,
            1 => true,
            _ => return Err(Damage::Malformed("a part is packed in an unknown way")),
        };
        let size = reader.u64()?;
        let stored = usize::try_from(reader.u64()?).map_err(|_| Damage::CutOff)?;
        let bytes = reader.take(stored)?;
        if !(HEAD..=OBJECTS).contains(&id) {
            return Err(Damage::Malformed("an unknown part"));
        }
        if sections.insert(id, Section { packed, size, bytes }).is_some() {
            return Err(Damage::Malformed("a part is there twice"));
        }
    }
    Ok(sections)
}

/// Attributes by column, given back file by file.
struct Columns<'a> {
    left: u64,
    kinds: Reader<'a>,
    owners: Reader<'a>,
    links: Reader<'a>,
    packages: Reader<'a>,
    filesystems: Reader<'a>,
    inodes: Reader<'a>,
    sizes: Reader<'a>,
    modified: Reader<'a>,
    fine_m: Reader<'a>,
    changed: Reader<'a>,
    fine_c: Reader<'a>,
    contents: Reader<'a>,
    inode: i64,
    seconds: [i64; 2],
}

impl<'a> Columns<'a> {
    fn new(bytes: &'a [u8]) -> Result<Self, Damage> {
        let mut reader = Reader(bytes);
        let left = reader.number()?;
        if left > RECORD_LIMIT {
            return Err(Damage::TooLarge);
        }
        let mut column = || reader.bytes().map(Reader);
        let columns = Self {
            left,
            kinds: column()?,
            owners: column()?,
            links: column()?,
            packages: column()?,
            filesystems: column()?,
            inodes: column()?,
            sizes: column()?,
            modified: column()?,
            fine_m: column()?,
            changed: column()?,
            fine_c: column()?,
            contents: column()?,
            inode: 0,
            seconds: [0, 0],
        };
        reader.end()?;
        Ok(columns)
    }

    fn next(&mut self) -> Result<Record, Damage> {
        self.left = self.left.checked_sub(1).ok_or(Damage::Malformed("more names than files"))?;
        let kind = self.kinds.number()?;
        self.inode = self.inode.wrapping_add(self.inodes.signed()?);
        let [modified, changed] = &mut self.seconds;
        *modified = modified.wrapping_add(self.modified.signed()?);
        *changed = changed.wrapping_add(self.changed.signed()?);
        let mode = u16::try_from(kind >> 3).ok().filter(|mode| *mode <= 0o7777);
        let kind = usize::try_from(kind & 7).ok().and_then(|kind| KINDS.get(kind));
        Ok(Record {
            name_end: 0,
            kind: *kind.ok_or(Damage::Malformed("an unknown kind of file"))?,
            mode: Mode(mode.ok_or(Damage::Malformed("a mode that is none"))?),
            uid: self.owners.small()?,
            gid: self.owners.small()?,
            links: self.links.small()?,
            package: self.packages.small()?,
            filesystem: self.filesystems.number()?,
            inode: self.inode as u64,
            size: self.sizes.number()?,
            modified: Time { seconds: *modified, nanoseconds: self.fine_m.u32()? },
            changed: Time { seconds: *changed, nanoseconds: self.fine_c.u32()? },
            content: match self.contents.number()? {
                0 => Content::None,
                1 => Content::Digest([0; 32]),
                2 => Content::Unstable,
                3 => Content::Unreadable,
                _ => return Err(Damage::Malformed("an unknown kind of content")),
            },
            extra: None,
        })
    }
}

/// All records, in the order in which they were written.
fn records(tree: &mut Tree) -> impl Iterator<Item = &mut Record> {
    tree.directories.iter_mut().flat_map(|directory| &mut directory.records)
}

fn digests(tree: &mut Tree, section: &Section) -> Result<(), Damage> {
    let unpacked;
    let bytes = match section.packed {
        true => {
            unpacked = section.unpacked()?;
            unpacked.as_slice()
        }
        false => section.bytes,
    };
    let mut reader = Reader(bytes);
    for record in records(tree) {
        if let Content::Digest(digest) = &mut record.content {
            digest.copy_from_slice(reader.take(32)?);
        }
    }
    reader.end()
}

fn extras(tree: &mut Tree, bytes: &[u8]) -> Result<(), Damage> {
    let mut reader = Reader(bytes);
    let mut records = records(tree).enumerate();
    while reader.end().is_err() {
        let number: usize = reader.small()?;
        let link = reader.bytes()?.to_vec();
        let flags = reader.number()?;
        let (major, minor): (u64, u32) = (reader.number()?, reader.small()?);
        let wrong = Damage::Malformed("a device number that is none");
        let device = match major.checked_sub(1) {
            Some(major) => Some((u32::try_from(major).map_err(|_| wrong)?, minor)),
            None => None,
        };
        let count: usize = reader.small()?;
        if count > XATTR_LIMIT {
            return Err(Damage::TooLarge);
        }
        let mut xattrs = Vec::new();
        for _ in 0..count {
            xattrs.push((reader.bytes()?.to_vec(), reader.bytes()?.to_vec()));
        }
        // They come in the order of the files.
        let found = records.find(|(at, _)| *at == number);
        let (_, record) = found.ok_or(Damage::Malformed("a file that is not there"))?;
        record.extra = Some(Box::new(Extra { link, xattrs, flags, device }));
    }
    Ok(())
}

fn tree(columns: &[u8], directories: &[u8], names: &[u8]) -> Result<Tree, Damage> {
    let mut columns = Columns::new(columns)?;
    let mut reader = Reader(directories);
    let mut names = Reader(names);
    let count = reader.number()?;
    let mut tree = Tree::default();
    let mut room = SECTION_LIMIT;
    for _ in 0..count {
        let before = tree.directories.last().map(|last| last.path.as_slice()).unwrap_or_default();
        let path = joined(before, &mut reader, &mut room)?;
        if tree.directories.last().is_some_and(|last| last.path >= path) {
            return Err(Damage::Malformed("directories that are not in order"));
        }
        let files: u64 = reader.number()?;
        let mut directory = Directory::new(path);
        let mut last = Vec::new();
        for index in 0..files {
            let name = joined(&last, &mut names, &mut room)?;
            let bad = name.is_empty() || name.contains(&b'/') || name.contains(&0);
            if bad || index > 0 && name <= last {
                return Err(Damage::Malformed("names that are not in order"));
            }
            directory.push(&name, columns.next()?);
            last = name;
        }
        directory.names.shrink_to_fit();
        directory.records.shrink_to_fit();
        tree.directories.push(directory);
    }
    if columns.left > 0 {
        return Err(Damage::Malformed("more files than names"));
    }
    reader.end()?;
    names.end()?;
    Ok(tree)
}

/// A name that begins like the one before. `room` is for all of them together: a few bytes can say
/// again what took many.
fn joined(before: &[u8], reader: &mut Reader, room: &mut u64) -> Result<Vec<u8>, Damage> {
    let common: usize = reader.small()?;
    let mut whole = before.get(..common).ok_or(Damage::Malformed("a name of nothing"))?.to_vec();
    whole.extend_from_slice(reader.bytes()?);
    *room = room.checked_sub(whole.len() as u64).ok_or(Damage::TooLarge)?;
    Ok(whole)
}

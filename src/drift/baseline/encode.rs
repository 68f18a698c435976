//! Writing a baseline.
//!
//! ```text
//! "SPOTBASE"  version (2 bytes, little-endian)
//! sections    id (1), packed (1: zstd), size when unpacked (8), size here (8), bytes
//! BLAKE3      of everything before (32)
//! ```
//! Sections: 1 head (JSON), 2 directories, 3 names, 4 attributes by column, 5 digests, 6 what few
//! files have, 7 things (JSON). Readers of version 1 refuse sections that they do not know.

use super::columns::Writer;
use crate::drift::baseline::state::{Baseline, MAGIC, VERSION};
use crate::facts::file::FileKind;
use crate::facts::snapshot::{Content, Extra, Record, Time, Tree};

pub(super) const HEAD: u8 = 1;
pub(super) const DIRECTORIES: u8 = 2;
pub(super) const NAMES: u8 = 3;
pub(super) const COLUMNS: u8 = 4;
pub(super) const DIGESTS: u8 = 5;
pub(super) const EXTRAS: u8 = 6;
pub(super) const OBJECTS: u8 = 7;

/// How hard is tried to make it small: beyond this it takes long and gains little.
const LEVEL: i32 = 6;

/// The bytes of a baseline.
///
/// # Errors
/// In words, when it cannot be packed.
pub fn encode(baseline: &Baseline) -> Result<Vec<u8>, String> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    section(&mut out, HEAD, &json(&baseline.head)?, true)?;
    tree(&mut out, &baseline.tree)?;
    section(&mut out, OBJECTS, &json(&baseline.objects)?, true)?;
    let digest = blake3::hash(&out);
    out.extend_from_slice(digest.as_bytes());
    Ok(out)
}

fn json(value: &impl serde::Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| error.to_string())
}

fn section(out: &mut Vec<u8>, id: u8, bytes: &[u8], pack: bool) -> Result<(), String> {
    let packed = if pack {
        Some(zstd::bulk::compress(bytes, LEVEL).map_err(|error| error.to_string())?)
    } else {
        None
    };
    out.push(id);
    out.push(u8::from(pack));
    let stored = packed.as_deref().unwrap_or(bytes);
    out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    out.extend_from_slice(&(stored.len() as u64).to_le_bytes());
    out.extend_from_slice(stored);
    Ok(())
}

fn tree(out: &mut Vec<u8>, tree: &Tree) -> Result<(), String> {
    let mut directories = Writer::default();
    let mut names = Writer::default();
    directories.number(tree.directories.len() as u64);
    let mut before: &[u8] = b"";
    for directory in &tree.directories {
        // What a path has in common with the one before need not be said again.
        let common = before.iter().zip(&directory.path).take_while(|(a, b)| a == b).count();
        directories.number(common as u64);
        directories.bytes(directory.path.get(common..).unwrap_or_default());
        directories.number(directory.records.len() as u64);
        before = &directory.path;
        let mut last: &[u8] = b"";
        for (name, _) in directory.iter() {
            let common = last.iter().zip(name).take_while(|(a, b)| a == b).count();
            names.number(common as u64);
            names.bytes(name.get(common..).unwrap_or_default());
            last = name;
        }
    }
    section(out, DIRECTORIES, &directories.0, true)?;
    section(out, NAMES, &names.0, true)?;
    let records = || tree.directories.iter().flat_map(|directory| &directory.records);
    section(out, COLUMNS, &columns(&mut records()).0, true)?;
    let mut digests = Vec::new();
    let mut extras = Writer::default();
    for (number, record) in records().enumerate() {
        if let Content::Digest(digest) = record.content {
            digests.extend_from_slice(&digest);
        }
        if let Some(extra) = &record.extra {
            extras.number(number as u64);
            one_extra(&mut extras, extra);
        }
    }
    // Digests look like chance, which cannot be packed.
    section(out, DIGESTS, &digests, false)?;
    section(out, EXTRAS, &extras.0, true)
}

/// The number of a kind in the file.
pub(super) const KINDS: [FileKind; 7] = [
    FileKind::File,
    FileKind::Directory,
    FileKind::Symlink,
    FileKind::Socket,
    FileKind::Fifo,
    FileKind::BlockDevice,
    FileKind::CharDevice,
];

fn columns(records: &mut dyn Iterator<Item = &Record>) -> Writer {
    let mut all: [Writer; 12] = std::array::from_fn(|_| Writer::default());
    let [
        kinds,
        owners,
        links,
        packages,
        filesystems,
        inodes,
        sizes,
        modified,
        fine_m,
        changed,
        fine_c,
        contents,
    ] = &mut all;
    let mut count = 0_u64;
    let (mut inode, mut seconds_m, mut seconds_c) = (0_i64, 0_i64, 0_i64);
    for record in records {
        count += 1;
        let kind = KINDS.iter().position(|kind| *kind == record.kind).unwrap_or_default() as u64;
        kinds.number(kind | u64::from(record.mode.0) << 3);
        owners.number(u64::from(record.uid));
        owners.number(u64::from(record.gid));
        links.number(u64::from(record.links));
        packages.number(u64::from(record.package));
        filesystems.number(record.filesystem);
        inodes.signed((record.inode as i64).wrapping_sub(inode));
        inode = record.inode as i64;
        sizes.number(record.size);
        time(record.modified, &mut seconds_m, modified, fine_m);
        time(record.changed, &mut seconds_c, changed, fine_c);
        contents.number(match record.content {
            Content::None => 0,
            Content::Digest(_) => 1,
            Content::Unstable => 2,
            Content::Unreadable => 3,
        });
    }
    let mut out = Writer::default();
    out.number(count);
    all.iter().for_each(|column| out.bytes(&column.0));
    out
}

/// Seconds as what they differ from those before; nanoseconds, in which no order is, as they are.
fn time(time: Time, last: &mut i64, seconds: &mut Writer, fine: &mut Writer) {
    seconds.signed(time.seconds.wrapping_sub(*last));
    *last = time.seconds;
    fine.0.extend_from_slice(&time.nanoseconds.to_le_bytes());
}

fn one_extra(out: &mut Writer, extra: &Extra) {
    out.bytes(&extra.link);
    out.number(extra.flags);
    let (major, minor) = extra.device.map_or((0, 0), |(a, b)| (u64::from(a) + 1, u64::from(b)));
    out.number(major);
    out.number(minor);
    out.number(extra.xattrs.len() as u64);
    for (name, value) in &extra.xattrs {
        out.bytes(name);
        out.bytes(value);
    }
}

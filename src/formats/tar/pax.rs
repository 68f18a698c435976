//! Extended headers: records of `LENGTH KEY=VALUE\n`, `pax(1)`.

use super::header::id;
use super::malformed;
use std::io;

const CAPABILITY: &[u8] = b"SCHILY.xattr.security.capability";
const ACL: &[u8] = b"SCHILY.xattr.system.posix_acl_access";

/// What an extended header says of the member behind it.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) modified: Option<i64>,
    pub(super) capability: Option<Vec<u8>>,
    pub(super) acl: Option<Vec<u8>>,
    sparse: Sparse,
}

/// What is said of a file that is stored with holes left out, in three versions of it.
#[derive(Default)]
struct Sparse {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    real_size: Option<u64>,
    major: Vec<u8>,
    minor: Vec<u8>,
    map: bool,
}

impl Extensions {
    /// Reads the records of one header. An empty value takes an earlier one back.
    pub(super) fn read(mut bytes: &[u8]) -> io::Result<Self> {
        let mut all = Self::default();
        while !bytes.is_empty() {
            let (key, value, rest) = match record(bytes) {
                Some(parts) => parts,
                None => return malformed("a damaged extended header"),
            };
            bytes = rest;
            let owned = || Some(value.to_vec()).filter(|value| !value.is_empty());
            match key {
                b"path" => all.path = owned(),
                b"linkpath" => all.link = owned(),
                b"size" => all.size = number(value)?,
                b"uid" => all.uid = number(value)?.map(signed).map(id).transpose()?,
                b"gid" => all.gid = number(value)?.map(signed).map(id).transpose()?,
                b"mtime" => all.modified = time(value),
                CAPABILITY => all.capability = owned(),
                ACL => all.acl = owned(),
                b"GNU.sparse.name" => all.sparse.path = owned(),
                b"GNU.sparse.size" => all.sparse.size = number(value)?,
                b"GNU.sparse.realsize" => all.sparse.real_size = number(value)?,
                b"GNU.sparse.major" => all.sparse.major = value.to_vec(),
                b"GNU.sparse.minor" => all.sparse.minor = value.to_vec(),
                b"GNU.sparse.map" => all.sparse.map = !value.is_empty(),
                // The map of version 0.0, a record for each hole.
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => all.sparse.map = true,
                _ => {}
            }
        }
        Ok(all)
    }

    /// Real name and size of a file whose holes are left out; `None`: not such a file. Records of an
    /// unknown version are not for this reader, nor for the one of Go, which goes by the plain name.
    pub(super) fn sparse(&mut self) -> Option<(Option<Vec<u8>>, Option<u64>)> {
        let sparse = &mut self.sparse;
        match (sparse.major.as_slice(), sparse.minor.as_slice()) {
            (b"0", b"0" | b"1") | (b"1", b"0") => {}
            (b"", b"") if sparse.map => {}
            _ => return None,
        }
        Some((sparse.path.take(), sparse.size.or(sparse.real_size)))
    }
}

/// The first record and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let digits = bytes.iter().position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..digits)?).ok()?.parse().ok()?;
    let record = bytes.get(digits + 1..length)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some((record.get(..equals)?, record.get(equals + 1..)?, bytes.get(length..)?))
}

fn number(value: &[u8]) -> io::Result<Option<u64>> {
    if value.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(value).unwrap_or_default();
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => malformed("a number of an extended header is none"),
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Seconds with an optional fraction, which is dropped.
fn time(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.split('.').next()?.parse().ok()
}

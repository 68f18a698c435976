//! Reading what is in a file.

use crate::facts::file::FileKind;
use crate::facts::snapshot::{Algorithm, Content, Record};
use crate::targets::survey::attributes::{record, statx_fd};
use md5::Md5;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes that are read at a time: enough for BLAKE3 to use the whole width of the processor.
const CHUNK: usize = 256 << 10;
/// Where a page of the page cache is copied to a place a few bytes behind the beginning of a page,
/// which is where an allocator puts what is large, the processor copies at a fifth of its speed.
const PAGE: usize = 4096;

/// Room to read into, at the beginning of a page.
pub(super) struct Chunk(Vec<u8>);

impl Chunk {
    pub(super) fn new() -> Self {
        Self(vec![0; CHUNK + PAGE])
    }

    pub(super) fn bytes(&mut self) -> &mut [u8] {
        let start = self.0.as_ptr().align_offset(PAGE).min(PAGE);
        self.0.get_mut(start..start + CHUNK).unwrap_or_default()
    }
}
/// Larger files are not read (256 GiB): a sparse file may claim to have 8 EiB.
const SIZE_LIMIT: u64 = 256 << 30;

/// A digest being made.
pub(super) enum Digester {
    Blake3(Box<blake3::Hasher>),
    Sha256(Sha256),
    Md5(Md5),
    Sha1(Sha1),
}

impl Digester {
    pub(super) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Blake3 => Digester::Blake3(Box::default()),
            Algorithm::Sha256 => Digester::Sha256(Sha256::new()),
            Algorithm::Md5 => Digester::Md5(Md5::new()),
            Algorithm::Sha1 => Digester::Sha1(Sha1::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Digester::Blake3(hasher) => drop(hasher.update(bytes)),
            Digester::Sha256(hasher) => hasher.update(bytes),
            Digester::Md5(hasher) => hasher.update(bytes),
            Digester::Sha1(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(self) -> [u8; 32] {
        let mut digest = [0; 32];
        match self {
            Digester::Blake3(hasher) => digest = *hasher.finalize().as_bytes(),
            Digester::Sha256(hasher) => digest.copy_from_slice(&hasher.finalize()),
            Digester::Md5(hasher) => {
                digest.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
            }
            Digester::Sha1(hasher) => {
                digest.iter_mut().zip(hasher.finalize()).for_each(|(to, from)| *to = from);
            }
        }
        digest
    }
}

/// What came of reading.
pub(super) struct Read {
    pub content: Content,
    /// The file after it was read, where it is another than before.
    pub moved: Option<Record>,
    pub bytes: u64,
}

/// Reads a regular file of a directory that `expected` describes. It is opened so that neither a FIFO
/// nor a link that somebody has put in its place has any effect, and without changing the time of its
/// last access where that is allowed.
pub(super) fn digest(
    directory: BorrowedFd,
    name: &CStr,
    expected: &Record,
    algorithm: Algorithm,
    chunk: &mut [u8],
) -> Result<Read, Errno> {
    let flags = OFlags::RDONLY
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::CLOEXEC
        | OFlags::NOATIME;
    let file = match openat(directory, name, flags, Mode::empty()) {
        // Only the owner and root may read without a trace.
        Err(Errno::PERM) => openat(directory, name, flags - OFlags::NOATIME, Mode::empty())?,
        opened => opened?,
    };
    let mut expected = expected.clone();
    let mut moved = None;
    let mut bytes = 0;
    for _ in 0..2 {
        let mut digester = Digester::new(algorithm);
        let mut at = 0;
        loop {
            let count = match rustix::io::pread(&file, &mut *chunk, at) {
                Ok(0) => break,
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            digester.update(chunk.get(..count).unwrap_or_default());
            at += count as u64;
            if at > SIZE_LIMIT {
                return Err(Errno::FBIG);
            }
            // Whether it has grown meanwhile is asked below, without reading nothing first.
            if at == expected.size {
                break;
            }
        }
        bytes += at;
        let after = record(&statx_fd(file.as_fd())?).filter(|now| now.kind == FileKind::File);
        let Some(now) = after else { return Err(Errno::STALE) };
        if now.same_inode(&expected) {
            return Ok(Read { content: Content::Digest(digester.finish()), moved, bytes });
        }
        expected = now.clone();
        moved = Some(now);
    }
    Ok(Read { content: Content::Unstable, moved, bytes })
}

//! Reading what is in a file.

use crate::facts::file::FileKind;
use crate::facts::snapshot::{Algorithm, Content, Record};
use crate::targets::survey::attributes::{record, statx_fd};
use md5::Md5;
use rustix::fs::{Mode, OFlags, SeekFrom, openat};
use rustix::io::Errno;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Instant;

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
/// The most bytes of one file that are read (256 GiB).
const READ_LIMIT: u64 = 256 << 30;
/// Files from this size on (16 GiB) are told by what is in them beside zeros: such a size is mostly
/// that of a sparse file, which may claim to have 8 EiB. Which way it is follows from the size alone,
/// so that a copy without holes has the same digest.
const SPARSE_FROM: u64 = 16 << 30;
/// What is compared with zeros at a time; pieces lie at multiples of it.
const PIECE: usize = 64 << 10;

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
    deadline: Option<Instant>,
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
        let sparse = expected.size >= SPARSE_FROM && algorithm == Algorithm::Blake3;
        bytes += match sparse {
            true => by_data(&file, expected.size, &mut digester, chunk, deadline)?,
            false => whole(&file, expected.size, &mut digester, chunk, deadline)?,
        };
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

fn in_time(deadline: Option<Instant>) -> Result<(), Errno> {
    match deadline.is_some_and(|deadline| Instant::now() >= deadline) {
        true => Err(Errno::TIMEDOUT),
        false => Ok(()),
    }
}

fn read_at(file: &OwnedFd, chunk: &mut [u8], at: u64) -> Result<usize, Errno> {
    loop {
        match rustix::io::pread(file, &mut *chunk, at) {
            Err(Errno::INTR) => {}
            read => return read,
        }
    }
}

/// Adds all bytes of a file. The clock is asked on the way: a file may be larger than the time is long.
fn whole(
    file: &OwnedFd,
    size: u64,
    digester: &mut Digester,
    chunk: &mut [u8],
    deadline: Option<Instant>,
) -> Result<u64, Errno> {
    let mut at = 0;
    loop {
        let count = read_at(file, chunk, at)?;
        if count == 0 {
            return Ok(at);
        }
        digester.update(chunk.get(..count).unwrap_or_default());
        at += count as u64;
        if at > READ_LIMIT {
            return Err(Errno::FBIG);
        }
        // Whether it has grown meanwhile is asked by the caller, without reading nothing first.
        if at == size {
            return Ok(at);
        }
        in_time(deadline)?;
    }
}

/// Adds the size of a file, and each piece that is not all zeros with its place. Holes are not read.
fn by_data(
    file: &OwnedFd,
    size: u64,
    digester: &mut Digester,
    chunk: &mut [u8],
    deadline: Option<Instant>,
) -> Result<u64, Errno> {
    digester.update(b"spotcheck sparse 1");
    digester.update(&size.to_le_bytes());
    let piece = PIECE as u64;
    let mut at = 0;
    let mut read = 0;
    while at < size {
        in_time(deadline)?;
        // Filesystems that know of no holes say that all is data.
        at = match rustix::fs::seek(file, SeekFrom::Data(at)) {
            Ok(data) => data / piece * piece,
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL) => at,
            Err(errno) => return Err(errno),
        };
        let room = chunk.len() / PIECE * PIECE;
        let mut filled = 0;
        while filled < room {
            let rest = chunk.get_mut(filled..room).unwrap_or_default();
            match read_at(file, rest, at + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        if filled == 0 {
            break;
        }
        read += filled as u64;
        if read > READ_LIMIT {
            return Err(Errno::FBIG);
        }
        for one in chunk.get(..filled).unwrap_or_default().chunks(PIECE) {
            if one.iter().any(|byte| *byte != 0) {
                digester.update(&at.to_le_bytes());
                digester.update(one);
            }
            at += one.len() as u64;
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;
    use std::time::Duration;

    fn of(file: &std::fs::File, size: u64) -> ([u8; 32], u64) {
        let file: OwnedFd = file.try_clone().unwrap().into();
        let mut digester = Digester::new(Algorithm::Blake3);
        let read = by_data(&file, size, &mut digester, Chunk::new().bytes(), None).unwrap();
        (digester.finish(), read)
    }

    #[test]
    fn of_a_sparse_file_only_its_data_is_read_and_zeros_are_no_data() {
        let size: u64 = 200 << 30;
        let sparse = tempfile::tempfile().unwrap();
        sparse.set_len(size).unwrap();
        let (empty, read) = of(&sparse, size);
        assert_eq!(read, 0);
        sparse.write_all_at(b"data", 100 << 30).unwrap();
        let (written, read) = of(&sparse, size);
        assert!(read <= 1 << 20, "{read}");
        assert_ne!(empty, written);
        // The same with zeros that are written and not left out.
        let other = tempfile::tempfile().unwrap();
        other.set_len(size).unwrap();
        other.write_all_at(&[0; 300_000], 50 << 30).unwrap();
        other.write_all_at(b"data", 100 << 30).unwrap();
        assert_eq!(of(&other, size).0, written);
        other.write_all_at(b"data", 60 << 30).unwrap();
        assert_ne!(of(&other, size).0, written);
    }

    #[test]
    fn reading_ends_when_the_time_is_over() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8 << 30).unwrap();
        let file: OwnedFd = file.into();
        let start = Instant::now();
        let deadline = Some(start + Duration::from_millis(20));
        let mut digester = Digester::new(Algorithm::Sha256);
        let read = whole(&file, 8 << 30, &mut digester, Chunk::new().bytes(), deadline);
        assert_eq!(read, Err(Errno::TIMEDOUT));
    }
}

//! tar archives, walked member by member: ustar, GNU and PAX, as `tar(5)` of libarchive, GNU tar's
//! manual and POSIX `pax(1)` describe them.
//!
//! Nothing is extracted and nothing is believed without a bound: names and extended headers have a
//! greatest length, a checksum that does not fit or data that ends early is an error. Names are
//! bytes. What container images need beyond names and modes is kept too: the extended attributes for
//! file capabilities and access control lists (`SCHILY.xattr.*`).
//!
//! Where readers differ, this one reads as `archive/tar` of Go does, with which every container engine
//! unpacks images: what an archive shows to a check and hides from the engine, or the other way
//! round, would be a way to pass. So the last extended header counts and none adds to another, GNU's
//! long names go before those of PAX, and a slash at the end of a name makes a directory only of what
//! has no type at all.
//!
//! Why not the `tar` crate (0.4.46), whose strength is to unpack and to write: it reads a long name or
//! an extended header of any size into memory, which a few compressed bytes make gigabytes; it takes an
//! archive that is cut off between two members for complete; it passes over extended headers that are
//! damaged, so that the owner or size of the plain header counts; and it takes a file that PAX stores
//! with holes (`GNU.sparse.*`) for its map. Each of these could make an image pass that should not.

mod header;
mod input;
mod pax;

pub use input::{Input, Seeked, Streamed};

use header::{BLOCK, Block};
use std::io::{self, ErrorKind, Read};

/// The most bytes of one extended header or long name.
pub const EXTENSION_LIMIT: u64 = 1 << 20;
/// The most bytes of a member's name or link target (`PATH_MAX` without its final zero).
pub const NAME_LIMIT: usize = 4095;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Regular file.
    File,
    /// Another name of an earlier member, its `link`.
    HardLink,
    /// Symbolic link to `link`.
    Symlink,
    /// Directory.
    Directory,
    /// Character device.
    CharDevice,
    /// Block device.
    BlockDevice,
    /// FIFO.
    Fifo,
}

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Name as stored: may begin with `./` or `/`, may hold `..`.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// Target of a link as stored, else empty.
    pub link: Vec<u8>,
    /// Permission bits, setuid and the like included.
    pub mode: u16,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Size of the file as extracted.
    pub size: u64,
    /// Last change of content, seconds since 1970-01-01 UTC.
    pub modified: i64,
    /// Value of `security.capability`.
    pub capability: Option<Vec<u8>>,
    /// Value of `system.posix_acl_access`.
    pub acl: Option<Vec<u8>>,
    /// Stored with holes left out: the bytes that follow are not the content as it is.
    pub sparse: bool,
    /// Where its bytes begin, counted from the beginning of the archive.
    pub offset: u64,
}

/// What came before a member and is about it.
#[derive(Default)]
struct Before {
    /// GNU's long name; empty: none.
    path: Vec<u8>,
    /// The same of a link's target.
    link: Vec<u8>,
    extended: pax::Extensions,
    any: bool,
}

/// A walk through an archive.
pub struct Tar<I> {
    input: I,
    position: u64,
    /// Bytes of the current member that have not been read.
    left: u64,
    /// Bytes that fill up its last block.
    padding: u64,
    ended: bool,
}

fn malformed<T>(why: impl Into<String>) -> io::Result<T> {
    Err(io::Error::new(ErrorKind::InvalidData, why.into()))
}

impl<I: Input> Tar<I> {
    /// A walk that begins at the first block.
    pub fn new(input: I) -> Self {
        Self { input, position: 0, left: 0, padding: 0, ended: false }
    }

    /// The next member; `None` at the end of the archive.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] for what is no tar archive, [`ErrorKind::UnexpectedEof`] for one
    /// that is cut off within a member.
    pub fn next_member(&mut self) -> io::Result<Option<Member>> {
        let mut before = Before::default();
        loop {
            self.finish_member()?;
            let Some(block) = self.header()? else {
                if before.any {
                    return malformed("an extended header without a member");
                }
                return Ok(None);
            };
            let size = block.size()?;
            before.any = true;
            match block.type_flag() {
                b'L' => before.path = self.extension(size, true)?,
                b'K' => before.link = self.extension(size, true)?,
                b'x' => before.extended = pax::Extensions::read(&self.extension(size, false)?)?,
                // Global headers are comments in practice; container engines ignore them too, as
                // members of their own: what came before them is not for the next one.
                b'g' => {
                    self.extension(size, false)?;
                    before = Before::default();
                }
                _ => return self.member(&block, before).map(Some),
            }
        }
    }

    /// Whether the archive's end was marked. Without the mark (a block of zeros) an archive that is
    /// cut off between two members looks complete.
    pub fn end_was_marked(&self) -> bool {
        self.ended
    }

    /// What the archive is read from.
    pub fn into_input(self) -> I {
        self.input
    }

    /// Bytes of the current member, at most `limit`.
    ///
    /// # Errors
    /// As for [`Tar::next_member`], and where there are more.
    pub fn content(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        if self.left > limit {
            return malformed(format!("more than {limit} bytes"));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.left.min(1 << 20)).unwrap_or(0));
        let left = self.left;
        Read::take(&mut *self, left).read_to_end(&mut bytes)?;
        if self.left > 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
    }

    fn finish_member(&mut self) -> io::Result<()> {
        let rest = self.left.saturating_add(self.padding);
        if rest > 0 {
            self.input.skip(rest)?;
            self.position = self.position.saturating_add(rest);
        }
        (self.left, self.padding) = (0, 0);
        Ok(())
    }

    /// Reads a whole block; `None` where the input ends before its first byte.
    fn block(&mut self) -> io::Result<Option<Block>> {
        let mut bytes = [0; BLOCK];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.input.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.position = self.position.saturating_add(BLOCK as u64);
        Ok(Some(Block::new(bytes)))
    }

    fn header(&mut self) -> io::Result<Option<Block>> {
        if self.ended {
            return Ok(None);
        }
        let Some(block) = self.block()? else { return Ok(None) };
        if !block.is_zero() {
            block.verify()?;
            return Ok(Some(block));
        }
        self.ended = true;
        // Two blocks of zeros end an archive; some writers leave it at one.
        match self.block()? {
            Some(second) if !second.is_zero() => malformed("data behind the end of the archive"),
            _ => Ok(None),
        }
    }

    fn begin(&mut self, size: u64) {
        self.left = size;
        self.padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    }

    fn extension(&mut self, size: u64, is_name: bool) -> io::Result<Vec<u8>> {
        if size > EXTENSION_LIMIT {
            return malformed(format!("an extended header of {size} bytes"));
        }
        self.begin(size);
        let mut bytes = self.content(EXTENSION_LIMIT)?;
        if is_name && let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            bytes.truncate(end);
        }
        Ok(bytes)
    }

    fn member(&mut self, block: &Block, before: Before) -> io::Result<Member> {
        let mut long = before.extended;
        let of_gnu = |name: Vec<u8>| Some(name).filter(|name| !name.is_empty());
        let mut path = of_gnu(before.path).or(long.path.take()).unwrap_or_else(|| block.path());
        let mut kind = match block.type_flag() {
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' => Kind::CharDevice,
            b'4' => Kind::BlockDevice,
            b'5' => Kind::Directory,
            b'6' => Kind::Fifo,
            b'0' | 0 | b'7' | b'S' => Kind::File,
            other => return malformed(format!("a member of unknown type {:?}", other as char)),
        };
        // Before there were types, a slash at the end said it.
        if block.type_flag() == 0 && path.ends_with(b"/") {
            kind = Kind::Directory;
        }
        let stored = match (kind, long.size) {
            (Kind::File, Some(size)) => size,
            (Kind::File, None) => block.size()?,
            // The others have no bytes, whatever their header says of a size.
            _ => 0,
        };
        let mut size = stored;
        let mut sparse = false;
        if block.type_flag() == b'S' {
            sparse = true;
            size = block.sparse_size()?;
            let mut more = block.sparse_continues();
            while more {
                more = self.block()?.ok_or(ErrorKind::UnexpectedEof)?.sparse_block_continues();
            }
        }
        if let Some((real_path, real_size)) = long.sparse() {
            if kind != Kind::File {
                return malformed("holes in what is no regular file");
            }
            sparse = true;
            path = real_path.unwrap_or(path);
            size = real_size.unwrap_or(size);
        }
        self.begin(stored);
        let is_link = matches!(kind, Kind::HardLink | Kind::Symlink);
        let link = if is_link {
            of_gnu(before.link).or(long.link).unwrap_or_else(|| block.link())
        } else {
            Vec::new()
        };
        if path.len() > NAME_LIMIT || link.len() > NAME_LIMIT {
            return malformed("a name of more than 4095 bytes");
        }
        if path.contains(&0) || link.contains(&0) {
            return malformed("a name with a NUL byte");
        }
        Ok(Member {
            path,
            kind,
            link,
            mode: block.mode()?,
            uid: long.uid.map_or_else(|| block.uid(), Ok)?,
            gid: long.gid.map_or_else(|| block.gid(), Ok)?,
            size,
            modified: long.modified.map_or_else(|| block.modified(), Ok)?,
            capability: long.capability,
            acl: long.acl,
            sparse,
            offset: self.position,
        })
    }
}

/// The bytes of the current member.
impl<I: Input> Read for Tar<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let count = self.input.read(buffer)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left = self.left.saturating_sub(count as u64);
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

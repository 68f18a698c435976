//! What an archive is read from: something that goes by once, or a file that can be skipped in.

use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom};

/// Bytes of which some may be passed over.
pub trait Input: Read {
    /// Passes over this many bytes; an error when there are fewer.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedEof`], and whatever reading gives.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

/// Bytes that come one after the other: passing over means reading.
pub struct Streamed<R>(pub R);

impl<R: Read> Read for Streamed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<R: BufRead> Input for Streamed<R> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let here = match self.0.fill_buf() {
                Ok(here) => here.len(),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if here == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let now = usize::try_from(left).unwrap_or(usize::MAX).min(here);
            self.0.consume(now);
            left = left.saturating_sub(now as u64);
        }
        Ok(())
    }
}

/// A regular file: passing over costs nothing.
pub struct Seeked {
    file: File,
    size: u64,
    position: u64,
}

impl Seeked {
    /// A file from its current position, taken as the beginning.
    ///
    /// # Errors
    /// Where the file's size cannot be found out.
    pub fn new(file: File) -> io::Result<Self> {
        let size = file.metadata()?.len();
        Ok(Self { file, size, position: 0 })
    }
}

impl Read for Seeked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

impl Input for Seeked {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        // Seeking beyond the end is no error of the file, but one of the archive.
        let to = self.position.checked_add(bytes).filter(|to| *to <= self.size);
        let to = to.ok_or(ErrorKind::UnexpectedEof)?;
        self.file.seek(SeekFrom::Start(to))?;
        self.position = to;
        Ok(())
    }
}

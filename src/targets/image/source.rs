//! The stored bytes of a blob, in blocks: counted, and hashed as they are read.
//!
//! What can be handed to a thread is read and hashed there, ahead of whoever decompresses:
//! verifying a digest takes about a third of the time of decompressing zstd, and a machine mostly has
//! a core to spare.

use crate::targets::image::digest::{Hasher, sha256_text};
use sha2::{Digest, Sha256};
use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes that are read at once.
const BLOCK: usize = 256 << 10;
/// Blocks that may wait to be decompressed.
const WAITING: usize = 4;

/// Stored bytes of a blob.
pub struct Source<R> {
    block: Vec<u8>,
    at: usize,
    /// Bytes of all blocks so far.
    count: u64,
    ended: bool,
    from: From<R>,
}

enum From<R> {
    Here(R, Option<Hasher>),
    Thread(Reader),
}

/// A thread that reads.
struct Reader {
    full: Receiver<io::Result<Vec<u8>>>,
    empty: Sender<Vec<u8>>,
    thread: JoinHandle<Option<Sha256>>,
}

impl<R: Read> Source<R> {
    /// Bytes that are read by whoever asks for them.
    pub fn here(inner: R, hashed: bool) -> Self {
        Self::new(From::Here(inner, hashed.then(Hasher::default)))
    }

    fn new(from: From<R>) -> Self {
        Self { block: Vec::new(), at: 0, count: 0, ended: false, from }
    }

    /// How many bytes there were so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The digest of all bytes; `None` where nobody asked for it, or they were not read to their end.
    pub fn digest(self) -> Option<String> {
        match self.from {
            _ if !self.ended => None,
            From::Here(_, hash) => hash?.finish(),
            From::Thread(reader) => {
                let hash = reader.thread.join().ok()??;
                Some(sha256_text(hash.finalize().as_slice()))
            }
        }
    }

    fn refill(&mut self) -> io::Result<()> {
        self.at = 0;
        match &mut self.from {
            From::Here(inner, hash) => {
                fill(inner, &mut self.block)?;
                if let Some(hash) = hash {
                    hash.update(&self.block);
                }
            }
            From::Thread(reader) => {
                // It may have ended already.
                let _ = reader.empty.send(std::mem::take(&mut self.block));
                self.block = match reader.full.recv() {
                    Ok(block) => block?,
                    Err(_) => Vec::new(),
                };
            }
        }
        self.ended = self.block.is_empty();
        self.count = self.count.saturating_add(self.block.len() as u64);
        Ok(())
    }
}

impl<R: Read + Send + 'static> Source<R> {
    /// Bytes that a thread reads ahead, if there are many and there is a core for it.
    pub fn ahead(inner: R, bytes: u64, hashed: bool) -> Self {
        let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
        if bytes <= BLOCK as u64 || cores < 2 {
            return Self::here(inner, hashed);
        }
        let (to_decompress, full) = sync_channel(WAITING);
        let (empty, back) = channel();
        // Handed over in a channel, so that it is still here when there is no thread to be had.
        let (give, take) = channel::<R>();
        let work = move || read_all(take.recv().ok()?, hashed, &to_decompress, &back);
        match thread::Builder::new().name("read".to_owned()).spawn(work) {
            Ok(thread) => match give.send(inner) {
                Ok(()) => Self::new(From::Thread(Reader { full, empty, thread })),
                Err(unsent) => Self::here(unsent.0, hashed),
            },
            Err(_) => Self::here(inner, hashed),
        }
    }
}

/// Reads and hashes everything, unless nobody wants it any more.
fn read_all(
    mut inner: impl Read,
    hashed: bool,
    full: &SyncSender<io::Result<Vec<u8>>>,
    empty: &Receiver<Vec<u8>>,
) -> Option<Sha256> {
    let mut hash = hashed.then(Sha256::new);
    loop {
        let mut block = empty.try_recv().unwrap_or_default();
        let read = fill(&mut inner, &mut block);
        if let (Some(hash), Ok(())) = (&mut hash, &read) {
            hash.update(&block);
        }
        let ended = read.is_err() || block.is_empty();
        full.send(read.map(|()| block)).ok()?;
        if ended {
            return hash;
        }
    }
}

/// Reads a whole block, or what is left.
fn fill(inner: &mut impl Read, block: &mut Vec<u8>) -> io::Result<()> {
    block.resize(BLOCK, 0);
    let mut filled = 0;
    while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match inner.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    block.truncate(filled);
    Ok(())
}

impl<R: Read> BufRead for Source<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.block.len() && !self.ended {
            self.refill()?;
        }
        Ok(self.block.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.block.len());
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut here = self.fill_buf()?;
        let count = here.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(size: usize) -> Vec<u8> {
        (0..size).map(|number| (number % 251) as u8).collect()
    }

    #[test]
    fn a_thread_reads_the_same_bytes_with_the_same_digest() {
        for size in [0, 1, BLOCK, BLOCK + 1, 7 * BLOCK + 5] {
            let all = bytes(size);
            let input = || io::Cursor::new(all.clone());
            let sources = [Source::here(input(), true), Source::ahead(input(), u64::MAX, true)];
            for mut source in sources {
                let mut read = Vec::new();
                source.read_to_end(&mut read).unwrap();
                assert!(read == all, "{size}");
                assert_eq!(source.count(), size as u64);
                let expected = sha256_text(Sha256::digest(&all).as_slice());
                assert_eq!(source.digest(), Some(expected), "{size}");
            }
        }
    }

    #[test]
    fn there_is_no_digest_of_what_was_not_read_to_its_end() {
        let mut source = Source::ahead(io::Cursor::new(bytes(9 * BLOCK)), u64::MAX, true);
        source.read_exact(&mut [0; 1000]).unwrap();
        assert_eq!(source.digest(), None);
    }

    /// Fails after so many bytes.
    struct Broken(usize);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.min(buffer.len());
            self.0 -= count;
            if count == 0 { Err(ErrorKind::InvalidData.into()) } else { Ok(count) }
        }
    }

    #[test]
    fn a_failure_of_reading_is_told_by_the_thread_too() {
        for mut source in
            [Source::here(Broken(BLOCK), true), Source::ahead(Broken(BLOCK), 1 << 30, true)]
        {
            let mut read = Vec::new();
            let error = source.read_to_end(&mut read).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
            assert_eq!(source.digest(), None);
        }
    }
}

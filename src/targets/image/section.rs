//! Parts of open files that can be read any number of times, and by several threads.

use crate::formats::tar::{Input, Streamed};
use crate::targets::image::layer::in_words;
use crate::targets::image::limits::Bounds;
use crate::targets::image::stream::{Hashes, Looks, Stream};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// A part of an open file.
#[derive(Clone, Debug)]
pub struct Section {
    file: Arc<File>,
    position: u64,
    end: u64,
}

impl Section {
    /// The whole of a file.
    ///
    /// # Errors
    /// Where its size cannot be found out.
    pub fn whole(file: File) -> io::Result<Self> {
        let end = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), position: 0, end })
    }

    /// Number of bytes.
    pub fn bytes_left(&self) -> u64 {
        self.end.saturating_sub(self.position)
    }

    /// `size` bytes of it from `offset` on, as far as there are any.
    pub fn part(&self, offset: u64, size: u64) -> Self {
        let begin = self.after(offset);
        let end = begin.position.saturating_add(size).min(self.end);
        Self { end, ..begin }
    }

    /// Without this many bytes at its beginning.
    pub fn after(&self, bytes: u64) -> Self {
        Self { position: self.position.saturating_add(bytes).min(self.end), ..self.clone() }
    }
}

impl Section {
    /// Whether its bytes are stored as they are, neither compressed nor something else.
    pub fn is_plain(&self) -> bool {
        let whole = Stream::new(self.clone(), Hashes::default(), Bounds::default());
        whole.is_ok_and(|stream| matches!(stream.looks(), Looks::Tar | Looks::Other | Looks::Json))
    }
}

/// Calls with the bytes of many stored files, each given by its number, offset and size, in the order of
/// their offsets: the layer is unpacked once.
///
/// # Errors
/// In words, where they cannot be read again.
pub fn each_stored(
    section: Section,
    files: &[(usize, u64, u64)],
    each: &mut dyn FnMut(usize, &[u8]),
) -> Result<(), String> {
    let stream = Stream::new(section, Hashes::default(), Bounds::default()).map_err(in_words)?;
    let mut plain = Streamed(io::BufReader::with_capacity(64 << 10, stream));
    let mut at = 0;
    let mut bytes = Vec::new();
    for (number, offset, size) in files {
        // Two names of one place have one content, and one number.
        let Some(gap) = offset.checked_sub(at) else { continue };
        plain.skip(gap).map_err(in_words)?;
        bytes.clear();
        io::Read::by_ref(&mut plain).take(*size).read_to_end(&mut bytes).map_err(in_words)?;
        if bytes.len() as u64 != *size {
            return Err("cut off".to_owned());
        }
        at = offset.saturating_add(*size);
        each(*number, &bytes);
    }
    Ok(())
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.bytes_left()).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.file.read_at(buffer.get_mut(..most).unwrap_or_default(), self.position)?;
        self.position = self.position.saturating_add(count as u64);
        Ok(count)
    }
}

/// The bytes of a stored file: `offset` and `size` within the decompressed bytes of a layer.
///
/// # Errors
/// In words, where they cannot be read again.
pub fn stored(section: Section, offset: u64, size: u64) -> Result<impl Read, String> {
    let whole = Stream::new(section.clone(), Hashes::default(), Bounds::default());
    let stream = whole.map_err(in_words)?;
    let reader: Box<dyn Read> = match stream.looks() {
        // Not compressed: there is no need to read what comes before.
        Looks::Tar | Looks::Other | Looks::Json => Box::new(section.after(offset)),
        _ => {
            let mut plain = Streamed(io::BufReader::with_capacity(64 << 10, stream));
            plain.skip(offset).map_err(in_words)?;
            Box::new(plain)
        }
    };
    Ok(reader.take(size))
}

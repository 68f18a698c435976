//! Bytes of a blob on their way to a reader: counted, hashed, decompressed, bounded.
//!
//! What a blob is its first bytes tell; media types lie (podman 4.3 writes plain tar and says gzip).

use crate::targets::image::digest::Hasher;
use crate::targets::image::limits::Bounds;
use crate::targets::image::source::Source;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, ErrorKind, Read};

/// Enough to see what it is: the magic of a tar header lies at 257.
const SNIFF: usize = 512;
/// A zstd frame may not ask for a window of more than 32 MiB.
const ZSTD_WINDOW_LOG: u32 = 25;

/// What first bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    /// gzip, RFC 1952.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
    /// A tar archive, or the end mark of an empty one.
    Tar,
    /// A JSON document.
    Json,
    /// A compression that container engines once used and nobody writes any more.
    Unsupported(&'static str),
    /// Something else.
    Other,
}

/// Tells what something is by its first bytes.
pub fn looks(bytes: &[u8]) -> Looks {
    let magic = bytes.get(257..262);
    match bytes {
        [0x1f, 0x8b, ..] => Looks::Gzip,
        // A frame, or a skippable one.
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Looks::Zstd,
        _ if magic == Some(b"ustar") => Looks::Tar,
        [b'B', b'Z', b'h', ..] => Looks::Unsupported("bzip2"),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Looks::Unsupported("xz"),
        _ if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) => Looks::Json,
        // An old tar without magic has at least the checksum, which its reader verifies.
        _ if bytes.len() == SNIFF && bytes.iter().all(|byte| *byte == 0) => Looks::Tar,
        _ if bytes.len() == SNIFF && old_tar(bytes) => Looks::Tar,
        _ => Looks::Other,
    }
}

/// A V7 header: the checksum field holds octal digits.
fn old_tar(bytes: &[u8]) -> bool {
    let field = bytes.get(148..156).unwrap_or_default();
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default().trim_ascii();
    text.len() >= 4 && text.iter().all(|byte| (b'0'..=b'7').contains(byte))
}

/// Count and digest of decompressed bytes.
struct Tally {
    bytes: u64,
    hash: Option<Hasher>,
}

impl Tally {
    fn new(hashed: bool) -> Self {
        Self { bytes: 0, hash: hashed.then(Hasher::default) }
    }

    fn add(&mut self, bytes: &[u8]) {
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        if let Some(hash) = &mut self.hash {
            hash.update(bytes);
        }
    }

    fn digest(&mut self) -> Option<String> {
        self.hash.take()?.finish()
    }
}

enum Decoder<R: Read> {
    Plain(Source<R>),
    Gzip(Box<MultiGzDecoder<Source<R>>>),
    Zstd(zstd::Decoder<'static, Source<R>>),
}

impl<R: Read> Decoder<R> {
    fn source(&self) -> &Source<R> {
        match self {
            Decoder::Plain(source) => source,
            Decoder::Gzip(decoder) => decoder.get_ref(),
            Decoder::Zstd(decoder) => decoder.get_ref(),
        }
    }

    fn into_source(self) -> Source<R> {
        match self {
            Decoder::Plain(source) => source,
            Decoder::Gzip(decoder) => decoder.into_inner(),
            Decoder::Zstd(decoder) => decoder.finish(),
        }
    }
}

/// Decompressed bytes of a blob.
pub struct Stream<R: Read> {
    decoder: Decoder<R>,
    looks: Looks,
    bounds: Bounds,
    plain: Tally,
    /// The stored bytes are the plain ones, and so are their digests.
    same: bool,
}

/// Which digests are to be computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashes {
    /// Of the bytes as stored.
    pub stored: bool,
    /// Of the decompressed bytes.
    pub plain: bool,
}

/// What is known of a blob that has been read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Bytes as stored.
    pub size: u64,
    /// Digest of the stored bytes, where asked for.
    pub stored: Option<String>,
    /// Digest of the decompressed bytes, where asked for.
    pub plain: Option<String>,
}

impl<R: Read> Stream<R> {
    /// Looks at the first bytes and prepares to decompress.
    ///
    /// # Errors
    /// Of reading, and for a compression that is not supported.
    pub fn new(inner: R, hashes: Hashes, bounds: Bounds) -> io::Result<Self> {
        Self::of(Source::here(inner, hashes.stored), hashes, bounds)
    }

    fn of(mut raw: Source<R>, hashes: Hashes, bounds: Bounds) -> io::Result<Self> {
        let first = raw.fill_buf()?;
        let looks = looks(first.get(..SNIFF).unwrap_or(first));
        let decoder = match looks {
            Looks::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(raw))),
            Looks::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(raw)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Decoder::Zstd(decoder)
            }
            Looks::Unsupported(name) => {
                let why = format!("compressed with {name}, which is not supported");
                return Err(io::Error::new(ErrorKind::Unsupported, why));
            }
            _ => Decoder::Plain(raw),
        };
        let same = matches!(decoder, Decoder::Plain(_)) && hashes.stored && hashes.plain;
        let plain = Tally::new(hashes.plain && !same);
        Ok(Self { decoder, looks, bounds, plain, same })
    }

    /// What the stored bytes look like.
    pub fn looks(&self) -> Looks {
        self.looks
    }

    /// Reads what is left, so that digests are those of the whole.
    ///
    /// # Errors
    /// Of reading and decompressing.
    pub fn finish(mut self) -> io::Result<Digests> {
        let mut rest = vec![0; 64 << 10];
        while self.read(&mut rest)? > 0 {}
        // Both decoders refuse what is no further member or frame, so the source is at its end.
        let source = self.decoder.into_source();
        let size = source.count();
        let stored = source.digest();
        let plain = if self.same { stored.clone() } else { self.plain.digest() };
        Ok(Digests { size, stored, plain })
    }

    fn check_bounds(&self) -> io::Result<()> {
        let (plain, stored) = (self.plain.bytes, self.decoder.source().count());
        let bomb = plain > self.bounds.grace && plain / self.bounds.ratio > stored;
        if plain > self.bounds.plain || bomb {
            let why = format!("{stored} bytes decompress to more than {plain}: refused");
            return Err(io::Error::new(ErrorKind::InvalidData, why));
        }
        Ok(())
    }
}

impl<R: Read + Send + 'static> Stream<R> {
    /// [`Stream::new`] for `bytes` bytes that another thread may read.
    ///
    /// # Errors
    /// As for [`Stream::new`].
    pub fn ahead(inner: R, bytes: u64, hashes: Hashes, bounds: Bounds) -> io::Result<Self> {
        Self::of(Source::ahead(inner, bytes, hashes.stored), hashes, bounds)
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.decoder {
            Decoder::Plain(inner) => inner.read(buffer)?,
            Decoder::Gzip(inner) => inner.read(buffer)?,
            Decoder::Zstd(inner) => inner.read(buffer)?,
        };
        self.plain.add(buffer.get(..count).unwrap_or_default());
        self.check_bounds()?;
        Ok(count)
    }
}

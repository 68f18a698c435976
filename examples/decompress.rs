//! The yardstick of the image in `benches/run`: decompresses the blobs of an OCI layout with the very libraries
//! that spotcheck uses, and does nothing else.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write as _};

fn main() -> io::Result<()> {
    for layout in std::env::args().skip(1) {
        for blob in fs::read_dir(format!("{layout}/blobs/sha256"))? {
            let path = blob?.path();
            let mut magic = Vec::new();
            File::open(&path)?.take(4).read_to_end(&mut magic)?;
            let file = BufReader::with_capacity(128 << 10, File::open(&path)?);
            let mut plain: Box<dyn Read> = match magic.as_slice() {
                [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
                [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::with_buffer(file)?),
                _ => continue,
            };
            let mut chunk = vec![0; 64 << 10];
            let mut total = 0;
            loop {
                let count = plain.read(&mut chunk)?;
                if count == 0 {
                    break;
                }
                total += count;
            }
            writeln!(io::stdout(), "{}: {total} bytes", path.display())?;
        }
    }
    Ok(())
}

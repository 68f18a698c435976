//! Digests of many files in the ways of package managers.

use crate::facts::package_file::Checksum;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::beneath::Links;
use crate::host::{Files, beneath};
use crate::targets::live::filesystem::{existing, open_regular};
use crate::targets::survey::content::Chunk;
use crate::text;
use md5::Md5;
use nix::fcntl::OFlag;
use rustix::fs::{Mode, OFlags};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// For each path the digest of the kind that is given, or that there is no such regular file.
pub type Sums = Vec<Fact<Option<Checksum>>>;

/// Digests regular files below a directory that is `/` to them; links on the way are followed within
/// it, one at the end if that is asked.
pub fn below(
    root: &Path,
    wanted: &[(Vec<u8>, Checksum)],
    follow: bool,
    threads: usize,
    deadline: Option<Instant>,
) -> Sums {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = match rustix::fs::open(root, flags, Mode::empty()) {
        Ok(root) => root,
        Err(errno) => {
            let why = Unknown::from_io(text::path(root), &errno.into());
            return wanted.iter().map(|_| Err(why.clone())).collect();
        }
    };
    let next = AtomicUsize::new(0);
    let sums = Mutex::new(vec![Ok(None); wanted.len()]);
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, 16).min(wanted.len()) {
            scope.spawn(|| {
                let mut chunk = Chunk::new();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some((path, kind)) = wanted.get(at) else { break };
                    let sum = one(&root, path, *kind, follow, chunk.bytes(), deadline);
                    let mut sums = sums.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    if let Some(place) = sums.get_mut(at) {
                        *place = sum;
                    }
                }
            });
        }
    });
    sums.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// The same through [`Files`].
pub fn through(files: &dyn Files, wanted: &[(Vec<u8>, Checksum)]) -> Sums {
    let sum = |(path, kind): &(Vec<u8>, Checksum)| {
        files.checksum(Path::new(OsStr::from_bytes(path)), kind)
    };
    wanted.iter().map(sum).collect()
}

fn one(
    root: &OwnedFd,
    path: &[u8],
    kind: Checksum,
    follow: bool,
    chunk: &mut [u8],
    deadline: Option<Instant>,
) -> Fact<Option<Checksum>> {
    let name = Path::new(OsStr::from_bytes(path));
    let mut flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
    flags.set(OFlag::O_NOFOLLOW, !follow);
    let opened = beneath::open(root, name, flags, Links::Follow);
    let Some(handle) = existing(name, opened.map_err(std::io::Error::from))? else {
        return Ok(None);
    };
    let mut file: File = open_regular(name, &handle)?;
    let mut digester = Digester::new(kind);
    loop {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            let why = "not read to its end when the time was over".to_owned();
            return Err(Unknown::new(text::bytes(path), Cause::TimedOut(why)));
        }
        match file.read(chunk) {
            Ok(0) => return Ok(Some(digester.finish())),
            Ok(count) => digester.update(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Unknown::from_io(text::bytes(path), &error)),
        }
    }
}

/// Whether a digest is that of these bytes: of a link apk keeps that of what it leads to.
pub fn is_of(sum: &Checksum, bytes: &[u8]) -> bool {
    let mut digester = Digester::new(*sum);
    digester.update(bytes);
    digester.finish() == *sum
}

enum Digester {
    Md5(Md5),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Digester {
    fn new(kind: Checksum) -> Self {
        match kind {
            Checksum::Md5(_) => Digester::Md5(Md5::new()),
            Checksum::Sha1(_) => Digester::Sha1(Sha1::new()),
            Checksum::Sha256(_) => Digester::Sha256(Sha256::new()),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Digester::Md5(hasher) => hasher.update(bytes),
            Digester::Sha1(hasher) => hasher.update(bytes),
            Digester::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> Checksum {
        match self {
            Digester::Md5(hasher) => Checksum::Md5(hasher.finalize().into()),
            Digester::Sha1(hasher) => Checksum::Sha1(hasher.finalize().into()),
            Digester::Sha256(hasher) => Checksum::Sha256(hasher.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_of_apk_has_the_digest_of_what_it_leads_to() {
        // `R:libz.so.1`, `Z:Q16A/yKXYR0EF3avf+wJzXcNLZHgU=` of zlib 1.2.13 on Alpine.
        let sum = Checksum::from_hex("e80ff2297611d041776af7fec09cd770d2d91e05").unwrap();
        assert!(is_of(&sum, b"libz.so.1.2.13"));
        assert!(!is_of(&sum, b"/tmp/evil"));
    }
}

//! One directory: its names, and a record for each.

use crate::facts::file::FileKind;
use crate::facts::scope::FileUse;
use crate::facts::snapshot::{Content, Directory, Effort, Gaps, Record, join};
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::distant::{Distant, PATIENCE};
use crate::targets::survey::attributes::{Place, extra, is_mount, record, statx, xattrs};
use crate::targets::survey::content;
use crate::targets::survey::content::Chunk;
use crate::targets::survey::request::{Reading, Request, is_due, spread};
use crate::text;
use rustix::fs::RawDir;
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::ffi::{CStr, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Files beyond these are read as jobs of their own, so that other threads can help.
const INLINE_FILES: usize = 32;
const INLINE_BYTES: u64 = 8 << 20;
/// What one such job may take.
const JOB_BYTES: u64 = 16 << 20;

/// How many files of a directory are looked at until the clock is asked.
const CLOCK: usize = 1024;

/// What a thread needs for its work.
pub(super) struct Tools<'a> {
    pub request: &'a Request<'a>,
    /// The thread has a working directory of its own.
    pub own_directory: bool,
    pub chunk: Chunk,
    pub xattr: Vec<u8>,
    pub gaps: Gaps,
    /// Files that are there and could not be looked at.
    pub unseen: Vec<Vec<u8>>,
    /// Directories that were not entered, since something is mounted there.
    pub mounts: Vec<Vec<u8>>,
    pub effort: Effort,
    /// Mounts that may never answer.
    pub distant: &'a Distants,
}

/// Mounts that may never answer, by their path below the root of the walk.
pub(super) type Distants = BTreeMap<Vec<u8>, Arc<Distant>>;

/// A directory to be entered.
pub(super) struct Entered {
    pub name: Vec<u8>,
    pub path: Vec<u8>,
}

/// Files to be read later: positions in a listing, with names that end in NUL.
pub(super) type Picks = Vec<(usize, Vec<u8>)>;

/// What came of a directory.
pub(super) struct Outcome {
    pub listing: Directory,
    pub enter: Vec<Entered>,
    pub later: Vec<Picks>,
    /// Nothing in it differs from the earlier look, whose position this is.
    pub same: Option<usize>,
}

impl<'a> Tools<'a> {
    pub(super) fn new(request: &'a Request<'a>, distant: &'a Distants) -> Self {
        // Threads share their working directory unless they ask not to; a sandbox may forbid that.
        let own_directory = nix::sched::unshare(nix::sched::CloneFlags::CLONE_FS).is_ok();
        Self {
            request,
            own_directory,
            chunk: Chunk::new(),
            xattr: Vec::new(),
            gaps: Gaps::default(),
            unseen: Vec::new(),
            mounts: Vec::new(),
            effort: Effort::default(),
            distant,
        }
    }

    pub(super) fn place(&self, directory: &Arc<OwnedFd>) -> Place {
        if self.own_directory && rustix::process::fchdir(directory).is_ok() {
            return Place::Here;
        }
        Place::Through(Arc::clone(directory))
    }

    /// Whether the time is over.
    pub(super) fn is_late(&self) -> bool {
        self.request.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    pub(super) fn gap(&mut self, path: &[u8], errno: Errno) {
        let cause = match errno {
            Errno::ACCESS | Errno::PERM => Cause::PermissionDenied,
            Errno::NOENT | Errno::STALE => Cause::Vanished,
            Errno::TOOBIG => Cause::TooLarge("too many extended attributes".into()),
            Errno::TIMEDOUT => Cause::TimedOut("not read to its end when the time was over".into()),
            Errno::FBIG => Cause::TooLarge("a file of more than 256 GiB".into()),
            other => Cause::Io(other.to_string()),
        };
        self.gaps.push(Unknown::new(text::bytes(path), cause));
    }

    /// Whether a mount is at this path, below the root of the walk, and does not answer.
    pub(super) fn is_silent(&self, root: &OwnedFd, path: &Path) -> bool {
        let Some(distant) = self.distant.get(path.as_os_str().as_bytes()) else { return false };
        let (Ok(root), below) = (root.try_clone(), path.to_owned()) else { return true };
        let ask = move || {
            let below = below.strip_prefix("/").unwrap_or(&below);
            // Whatever it answers, it answers.
            let _ = statx_of(&root, below);
            Ok(())
        };
        distant.ask(path, PATIENCE, ask).is_err()
    }

    fn is_silent_below(&mut self, directory: &Arc<OwnedFd>, path: &[u8], name: &[u8]) -> bool {
        let whole = join(path, name);
        let Some(distant) = self.distant.get(&whole) else { return false };
        let (folder, own) = (Arc::clone(directory), PathBuf::from(OsStr::from_bytes(name)));
        let ask = move || {
            let _ = statx_of(&folder, &own);
            Ok(())
        };
        let asked = distant.ask(Path::new(OsStr::from_bytes(&whole)), PATIENCE, ask);
        asked.map_err(|why| self.gaps.push(why)).is_err()
    }

    pub(super) fn silent_gap(&mut self, folder: &[u8], point: &Path) {
        let Some(distant) = self.distant.get(point.as_os_str().as_bytes()) else { return };
        let path = Path::new(OsStr::from_bytes(folder));
        let asked: Fact<()> = distant.ask(path, PATIENCE, || Ok(()));
        if let Err(why) = asked {
            self.gaps.push(why);
        }
    }

    /// Looks at every file of an open directory, of these names only where some are given. `None`:
    /// it could not be listed, which is among the gaps then.
    pub(super) fn look(
        &mut self,
        directory: &Arc<OwnedFd>,
        path: &[u8],
        only: Option<&[Vec<u8>]>,
    ) -> Option<Outcome> {
        let names = match only {
            Some(names) => Names::of(names),
            None => match Names::read(directory) {
                Ok(names) => names,
                Err(errno) => {
                    self.gap(path, errno);
                    return None;
                }
            },
        };
        let request = self.request;
        let local = request.rules.within(path);
        let around = std::cell::OnceCell::new();
        let around = || *around.get_or_init(|| content_filesystem(directory));
        let position = request.before.and_then(|before| before.tree.position(path));
        let known = request
            .before
            .and_then(|before| position.and_then(|at| before.tree.directories.get(at)));
        let mut place = None;
        let mut listing = Directory::new(path.to_vec());
        listing.records.reserve_exact(names.places.len());
        let mut enter = Vec::new();
        let mut reads: Vec<(usize, usize)> = Vec::new();
        let mut same = known.is_some();
        for (number, name) in names.iter().enumerate() {
            let bytes = name.to_bytes();
            if number % CLOCK == CLOCK - 1 && self.is_late() {
                let why = "not all of it was looked at when the time was over";
                self.gaps.push(Unknown::new(text::bytes(path), Cause::TimedOut(why.into())));
                self.unseen
                    .extend(names.iter().skip(number).map(|name| join(path, name.to_bytes())));
                same = false;
                break;
            }
            let usage = if local.is_plain() {
                FileUse::Plain
            } else {
                let whole = join(path, bytes);
                if local.excludes(&whole) {
                    continue;
                }
                local.use_of(&whole)
            };
            if !self.distant.is_empty() && self.is_silent_below(directory, path, bytes) {
                self.unseen.push(join(path, bytes));
                same = false;
                continue;
            }
            let stat = match statx(directory.as_fd(), name) {
                Ok(stat) => stat,
                // Gone since it was listed: as if it had been before.
                Err(Errno::NOENT) => continue,
                Err(errno) => {
                    self.gap(&join(path, bytes), errno);
                    self.unseen.push(join(path, bytes));
                    same = false;
                    continue;
                }
            };
            self.effort.files += 1;
            let Some(mut record) = record(&stat) else {
                self.gap(&join(path, bytes), Errno::INVAL);
                self.unseen.push(join(path, bytes));
                same = false;
                continue;
            };
            let before = known.and_then(|known| {
                // Mostly nothing has come or gone, so that it is where it was.
                let at = listing.records.len();
                let start = at.checked_sub(1).and_then(|at| known.records.get(at));
                let start = start.map_or(0, |record| record.name_end as usize);
                let end = known.records.get(at).map(|record| record.name_end as usize);
                let guess = end.and_then(|end| known.names.get(start..end));
                if guess == Some(bytes) { known.records.get(at) } else { known.get(bytes) }
            });
            let unmoved = before.filter(|before| before.same_inode(&record));
            let all = request.reading == Reading::Everything;
            match unmoved {
                Some(before) if !all => {
                    record.extra = before.extra.clone();
                    record.package = before.package;
                }
                _ => {
                    record.package = before.map(|before| before.package).unwrap_or_default();
                    let place = place.get_or_insert_with(|| self.place(directory));
                    self.complete(&mut record, directory, place, name, path);
                }
            }
            if record.kind == FileKind::Directory {
                // A directory given by name is entered whatever is mounted there.
                let mounted = only.is_none() && is_mount(&stat, around);
                if request.recursive && (request.cross_filesystems || !mounted) {
                    enter.push(Entered { name: bytes.to_vec(), path: join(path, bytes) });
                } else if request.recursive {
                    self.mounts.push(join(path, bytes));
                }
            } else if record.kind == FileKind::File && usage.has_fixed_content() {
                let racy = request.before.is_some_and(|before| before.is_racy(&record));
                match unmoved.map(|before| before.content) {
                    Some(content)
                        if request.reading == Reading::Nothing
                            || content != Content::None
                                && content != Content::Unreadable
                                && !racy
                                && !is_due(spread(path, bytes), request.reading) =>
                    {
                        record.content = content;
                    }
                    _ if request.reading == Reading::Nothing => {}
                    _ => reads.push((listing.records.len(), number)),
                }
            }
            listing.push(bytes, record);
        }
        let later = self.read_or_defer(directory, &mut listing, &names, reads);
        if let (true, Some(known)) = (same && later.is_empty(), known) {
            let equal = |(a, b): (&Record, &Record)| a.same(b);
            same = known.records.len() == listing.records.len()
                && known.names == listing.names
                && known.records.iter().zip(&listing.records).all(equal);
        } else {
            same = false;
        }
        Some(Outcome { listing, enter, later, same: position.filter(|_| same) })
    }

    /// Adds the target of a link and the extended attributes.
    fn complete(
        &mut self,
        record: &mut Record,
        directory: &Arc<OwnedFd>,
        place: &Place,
        name: &CStr,
        path: &[u8],
    ) {
        if record.kind == FileKind::Symlink {
            match rustix::fs::readlinkat(directory, name, Vec::new()) {
                Ok(link) => extra(record).link = link.into_bytes(),
                Err(errno) => self.gap(&join(path, name.to_bytes()), errno),
            }
        }
        match xattrs(place, name, &mut self.xattr) {
            Ok(all) if all.is_empty() => {}
            Ok(all) => extra(record).xattrs = all,
            Err(errno) => self.gap(&join(path, name.to_bytes()), errno),
        }
    }

    /// Reads few and small files at once, and leaves many or large ones for later.
    fn read_or_defer(
        &mut self,
        directory: &Arc<OwnedFd>,
        listing: &mut Directory,
        names: &Names,
        reads: Vec<(usize, usize)>,
    ) -> Vec<Picks> {
        let size = |at: usize| listing.records.get(at).map_or(0, |record| record.size);
        let total: u64 = reads.iter().map(|(at, _)| size(*at)).fold(0, u64::saturating_add);
        if reads.len() > INLINE_FILES || total > INLINE_BYTES {
            let mut jobs: Vec<Picks> = Vec::new();
            let mut room = 0;
            for (at, number) in reads {
                let Some(name) = names.get(number) else { continue };
                let size = size(at).saturating_add(64 << 10);
                if room < size || jobs.is_empty() {
                    jobs.push(Vec::new());
                    room = JOB_BYTES;
                }
                room = room.saturating_sub(size);
                if let Some(job) = jobs.last_mut() {
                    job.push((at, name.to_bytes_with_nul().to_vec()));
                }
            }
            return jobs;
        }
        for (at, number) in reads {
            let (Some(name), Some(record)) = (names.get(number), listing.records.get(at)) else {
                continue;
            };
            let read = self.read(directory, name, record, &listing.path);
            if let (Some(read), Some(record)) = (read, listing.records.get_mut(at)) {
                *record = read;
            }
        }
        Vec::new()
    }

    /// A record with its content. `None`: the file has gone.
    pub(super) fn read(
        &mut self,
        directory: &Arc<OwnedFd>,
        name: &CStr,
        record: &Record,
        path: &[u8],
    ) -> Option<Record> {
        let algorithm = self.request.algorithm;
        let (chunk, deadline) = (self.chunk.bytes(), self.request.deadline);
        let read = content::digest(directory.as_fd(), name, record, algorithm, chunk, deadline);
        let mut record = record.clone();
        match read {
            Ok(read) => {
                self.effort.read += 1;
                self.effort.bytes += read.bytes;
                if let Some(moved) = read.moved {
                    let name_end = record.name_end;
                    let package = record.package;
                    record = Record { name_end, package, ..moved };
                    let place = self.place(directory);
                    self.complete(&mut record, directory, &place, name, path);
                }
                record.content = read.content;
            }
            Err(errno) => {
                self.gap(&join(path, name.to_bytes()), errno);
                record.content = Content::Unreadable;
            }
        }
        Some(record)
    }
}

fn content_filesystem(directory: &Arc<OwnedFd>) -> u64 {
    crate::targets::survey::attributes::statx_fd(directory.as_fd())
        .map(|stat| crate::targets::survey::attributes::filesystem(&stat))
        .unwrap_or_default()
}

/// The names of a directory, sorted, each with a NUL behind it.
struct Names {
    bytes: Vec<u8>,
    places: Vec<(u32, u32)>,
}

impl Names {
    fn of(names: &[Vec<u8>]) -> Self {
        let mut all = Self { bytes: Vec::new(), places: Vec::new() };
        names.iter().for_each(|name| all.add(name));
        all.sort();
        all
    }

    fn read(directory: &Arc<OwnedFd>) -> Result<Self, Errno> {
        let mut all = Self { bytes: Vec::new(), places: Vec::new() };
        let mut buffer = Vec::with_capacity(32 << 10);
        let mut entries = RawDir::new(directory, buffer.spare_capacity_mut());
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                all.add(name);
            }
            if all.bytes.len() > u32::MAX as usize / 2 {
                return Err(Errno::FBIG);
            }
        }
        all.sort();
        Ok(all)
    }

    fn add(&mut self, name: &[u8]) {
        // Bounded above: a name has at most 255 bytes.
        let start = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(name);
        self.bytes.push(0);
        self.places.push((start, u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)));
    }

    fn sort(&mut self) {
        let bytes = &self.bytes;
        // Without the NUL, which would sort before everything else all the same.
        let name = |place: &(u32, u32)| bytes.get(place.0 as usize..place.1 as usize);
        self.places.sort_unstable_by(|a, b| name(a).cmp(&name(b)));
        self.places.dedup_by(|a, b| name(a) == name(b));
    }

    fn get(&self, number: usize) -> Option<&CStr> {
        let (start, end) = self.places.get(number)?;
        CStr::from_bytes_with_nul(self.bytes.get(*start as usize..*end as usize)?).ok()
    }

    fn iter(&self) -> impl Iterator<Item = &CStr> {
        (0..self.places.len()).filter_map(|number| self.get(number))
    }
}

/// Asks a mount something that it cannot answer from what the kernel remembers.
fn statx_of(folder: &OwnedFd, path: &Path) -> Result<(), Errno> {
    use rustix::fs::{AtFlags, StatxFlags};
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_FORCE_SYNC;
    rustix::fs::statx(folder, path, flags, StatxFlags::BASIC_STATS).map(drop)
}

//! The one writer of files: reports, exports, recordings, baselines.
//!
//! A file is made beside its name (`O_EXCL`), written, made durable and then renamed, so that readers
//! see the old file or the new one. What that must never do for somebody else, when root does it:
//!
//! * write to what a link leads to, where others could have made the link; a link as the name itself
//!   is refused always,
//! * write to a device, a FIFO or a socket,
//! * show evidence to others: the mode is 0600 unless the format is made for others, whatever the
//!   umask, and a stricter mode that is there stays.
//!
//! Standard output and error, as `/dev/stdout`, `/dev/stderr` and `/dev/fd/N`, are descriptors that
//! whoever started the run has opened; they, and `/dev/null`, are written to as they are.

use super::trust::{is_kept_by_sticky, others_write};
use super::way::{Obstacle, walk};
use crate::text;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, RenameFlags, Stat, fchmod, fsync, linkat, openat,
    readlinkat, renameat, renameat_with, statat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// Its owner: it holds evidence.
    Owner,
    /// Everybody: it is made for another program.
    Everybody,
}

impl Readers {
    const fn mode(self) -> u32 {
        match self {
            Self::Owner => 0o600,
            Self::Everybody => 0o644,
        }
    }
}

/// What becomes of a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// It is replaced.
    Replace,
    /// It stays, and nothing is written.
    Keep,
}

/// What begins the names of files that have not got theirs yet.
const PREFIX: &str = ".spotcheck-";
/// After so many seconds one that is still there belongs to a run that was killed.
const STALE: i64 = 3600;
/// Most entries of a directory that are looked through for those.
const ENTRIES: usize = 10_000;
/// How often another name is tried.
const NAMES: u32 = 100;

/// Writes a file as a whole, or says why not.
///
/// # Errors
/// In words, without the name of the file. What was there is still there then.
pub fn file(path: &Path, bytes: &[u8], readers: Readers, existing: Existing) -> Result<(), String> {
    if let Some(written) = descriptor(path, bytes) {
        return written.map_err(|error| error.to_string());
    }
    let name = path.file_name().ok_or("it names no file")?;
    let parent = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder(parent.unwrap_or(Path::new(".")))?;
    let there = there(&folder, name)?;
    if there.is_some() && existing == Existing::Keep {
        return Err("it exists already (--force replaces it)".into());
    }
    let keep = there.map_or(0o777, |stat| stat.st_mode & 0o777);
    let new = New::make(&folder)?;
    new.fill(bytes, readers.mode() & keep).map_err(|error| in_words(&error))?;
    new.persist(name, existing)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    if let Ok(folder) = openat(&folder, ".", flags, Mode::empty()) {
        // A filesystem that cannot promise that the name lasts has done what it can.
        let _ = fsync(&folder);
        remove_stale(&folder);
    }
    Ok(())
}

/// The directory, not gone to through a link that others could have made.
fn folder(path: &Path) -> Result<OwnedFd, String> {
    let place = walk(path, &mut |step| {
        if step.is_link() && others_write(step.folder) && !is_kept_by_sticky(step.folder, step.stat)
        {
            let shown = text::path(step.path);
            return Err(format!("{shown} is a link in a directory that others may write"));
        }
        Ok(())
    });
    match place {
        Ok(place) if FileType::from_raw_mode(place.stat.st_mode) == FileType::Directory => {
            Ok(place.file)
        }
        Ok(_) => Err("its folder is no directory".into()),
        Err(Obstacle::Kernel(_, Errno::NOENT)) => Err("there is no such folder".into()),
        Err(Obstacle::Kernel(_, errno)) => Err(in_words(&errno.into())),
        Err(Obstacle::Refused(why)) => Err(why),
    }
}

/// The regular file of that name, if there is one.
fn there(folder: &OwnedFd, name: &OsStr) -> Result<Option<Stat>, String> {
    let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(None),
        Err(errno) => return Err(in_words(&errno.into())),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(Some(stat)),
        FileType::Symlink => {
            let target = readlinkat(folder, name, Vec::new()).unwrap_or_default();
            let target = Path::new(OsStr::from_bytes(target.as_bytes()));
            Err(format!("it is a link to {}, and links are not followed", text::path(target)))
        }
        FileType::Directory => Err("it is a directory".into()),
        kind => Err(format!("it is {}, not a regular file", kind_words(kind))),
    }
}

const fn kind_words(kind: FileType) -> &'static str {
    match kind {
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something else",
    }
}

/// A file that has not got its name yet; removed when it does not get it.
struct New<'a> {
    folder: &'a OwnedFd,
    name: OsString,
    file: File,
    persisted: std::cell::Cell<bool>,
}

impl<'a> New<'a> {
    fn make(folder: &'a OwnedFd) -> Result<Self, String> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        for _ in 0..NAMES {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            // Nobody has to be unable to guess it: whoever made it first makes this an error.
            let name = format!("{PREFIX}{}-{}-{count}", std::process::id(), now.subsec_nanos());
            match openat(folder, &name, flags, Mode::from_raw_mode(0o600)) {
                Ok(file) => {
                    let (name, file) = (OsString::from(name), File::from(file));
                    return Ok(Self { folder, name, file, persisted: false.into() });
                }
                Err(Errno::EXIST) => {}
                Err(errno) => return Err(in_words(&errno.into())),
            }
        }
        Err("no name for a temporary file is free".into())
    }

    fn fill(&self, bytes: &[u8], mode: u32) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        fchmod(&self.file, Mode::from_raw_mode(mode))?;
        self.file.sync_all()
    }

    fn persist(&self, name: &OsStr, existing: Existing) -> Result<(), String> {
        let (folder, own) = (self.folder, &self.name);
        let done = match existing {
            Existing::Replace => renameat(folder, own, folder, name),
            Existing::Keep => {
                match renameat_with(folder, own, folder, name, RenameFlags::NOREPLACE) {
                    // Filesystems that do not know the flag know links.
                    Err(Errno::INVAL | Errno::NOSYS) => {
                        linkat(folder, own, folder, name, AtFlags::empty())
                            .and_then(|()| unlinkat(folder, own, AtFlags::empty()))
                    }
                    done => done,
                }
            }
        };
        match done {
            Ok(()) => {
                self.persisted.set(true);
                Ok(())
            }
            Err(Errno::EXIST) if existing == Existing::Keep => {
                Err("it exists already (--force replaces it)".into())
            }
            Err(errno) => Err(in_words(&errno.into())),
        }
    }
}

impl Drop for New<'_> {
    fn drop(&mut self) {
        if !self.persisted.get() {
            // There is nobody to tell; the next run removes it.
            let _ = unlinkat(self.folder, &self.name, AtFlags::empty());
        }
    }
}

/// Removes what killed runs of this user have left in a directory.
fn remove_stale(folder: &OwnedFd) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.take(ENTRIES).flatten() {
        let name = entry.file_name();
        if !name.to_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let Ok(stat) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        let own = stat.st_uid == rustix::process::geteuid().as_raw();
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if own && regular && now.saturating_sub(stat.st_mtime) > STALE {
            let _ = unlinkat(folder, name, AtFlags::empty());
        }
    }
}

/// Writes to a descriptor of this process, if that is what is named.
fn descriptor(path: &Path, bytes: &[u8]) -> Option<io::Result<()>> {
    let name = path.to_str()?;
    if name == "/dev/null" {
        return Some(Ok(()));
    }
    let number = match name {
        "/dev/stdout" => "1",
        "/dev/stderr" => "2",
        _ => name.strip_prefix("/dev/fd/").or_else(|| name.strip_prefix("/proc/self/fd/"))?,
    };
    Some(match number {
        "1" => io::stdout().lock().write_all(bytes).and_then(|()| io::stdout().flush()),
        "2" => io::stderr().lock().write_all(bytes),
        number => pipe(number).and_then(|mut pipe| pipe.write_all(bytes)),
    })
}

/// A pipe that this process was started with, as by `>(command)` of a shell.
fn pipe(number: &str) -> io::Result<File> {
    let number: u32 = number.parse().map_err(|_| io::Error::other("no such descriptor"))?;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(OFlag::O_NONBLOCK.bits());
    let pipe = options.open(format!("/proc/self/fd/{number}"))?;
    if !pipe.metadata()?.file_type().is_fifo() {
        return Err(io::Error::other("not a pipe"));
    }
    fcntl(pipe.as_fd(), FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(pipe)
}

fn in_words(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such folder".into(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    fn write(path: &Path, readers: Readers) -> Result<(), String> {
        file(path, b"new", readers, Existing::Replace)
    }

    #[test]
    fn evidence_is_for_its_owner_and_a_stricter_mode_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        write(&path, Readers::Owner).unwrap();
        assert_eq!(mode(&path), 0o600);
        write(&path, Readers::Everybody).unwrap();
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
        write(&path, Readers::Everybody).unwrap();
        assert_eq!(mode(&path), 0o644);
    }

    #[test]
    fn nothing_but_a_regular_file_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let name = |name: &str| folder.path().join(name);
        fs::write(name("precious"), "old").unwrap();
        symlink("precious", name("link")).unwrap();
        nix::unistd::mkfifo(&name("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        fs::create_dir(name("folder")).unwrap();
        for (at, why) in [
            ("link", "it is a link to precious, and links are not followed"),
            ("fifo", "it is a FIFO, not a regular file"),
            ("folder", "it is a directory"),
            ("none/x", "there is no such folder"),
        ] {
            assert_eq!(write(&name(at), Readers::Owner), Err(why.into()), "{at}");
        }
        assert_eq!(fs::read_to_string(name("precious")).unwrap(), "old");
        let left = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 4, "a temporary file was left behind");
    }

    #[test]
    fn a_link_on_the_way_is_followed_only_where_nobody_else_could_have_made_it() {
        let folder = tempfile::tempdir().unwrap();
        let real = folder.path().join("real");
        fs::create_dir(&real).unwrap();
        let open = folder.path().join("open");
        fs::create_dir(&open).unwrap();
        symlink(&real, open.join("link")).unwrap();
        write(&open.join("link/a"), Readers::Owner).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
        let why = write(&open.join("link/b"), Readers::Owner).unwrap_err();
        assert!(why.ends_with("is a link in a directory that others may write"), "{why}");
        assert!(real.join("a").exists() && !real.join("b").exists());
    }

    #[test]
    fn a_file_that_is_to_stay_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r");
        fs::write(&path, "old").unwrap();
        let why = file(&path, b"new", Readers::Owner, Existing::Keep).unwrap_err();
        assert!(why.contains("exists already"), "{why}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
    }

    #[test]
    fn what_a_killed_run_left_behind_is_removed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join(".spotcheck-1-2-3");
        let young = folder.path().join(".spotcheck-1-2-4");
        fs::write(&young, "").unwrap();
        let file = File::create(&old).unwrap();
        file.set_modified(SystemTime::now() - std::time::Duration::from_secs(7200)).unwrap();
        write(&folder.path().join("r"), Readers::Owner).unwrap();
        assert!(!old.exists() && young.exists());
    }
}

//! Baselines on disk: the file, its history, its signature, and what spotcheck itself remembers from
//! run to run.
//!
//! | file | what |
//! |---|---|
//! | `NAME` | the baseline, mode 0600 |
//! | `NAME.history` | who made and accepted what, a line each, chained by digests |
//! | `NAME.minisig` | detached signature, made by whoever holds the key |
//! | `NAME.state` | number of runs, and what the last report said |
//! | `NAME.new` | a baseline that has not taken its place yet, see [`change`] |
//! | `NAME.lock` | who changes it holds this |

pub mod change;
pub mod history;
pub mod signature;
pub mod state;

use super::baseline::decode::Damage;
use super::baseline::{Baseline, FILE_LIMIT, decode, digest, encode};
use crate::facts::drift::Against;
use crate::safety::environment;
use crate::safety::write::{Existing, Readers};
use crate::text;
use change::unfinished;
use history::History;
use nix::libc::{O_NOCTTY, O_NONBLOCK};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Where the baseline of a host is, where nobody says.
const USUAL: &str = "/var/lib/spotcheck/host.baseline";

/// The place for the baseline of this host: for others than root in their own home.
///
/// # Errors
/// In words, without a home.
pub fn usual() -> Result<PathBuf, String> {
    if nix::unistd::geteuid().is_root() {
        return Ok(USUAL.into());
    }
    let folder = environment::state_home().ok_or("say where the baseline is: --baseline FILE")?;
    Ok(folder.join("spotcheck/host.baseline"))
}

/// A file beside the baseline.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A baseline, and how far it can be trusted.
#[derive(Debug)]
pub struct Loaded {
    /// What it says.
    pub baseline: Baseline,
    /// Which it is.
    pub against: Against,
    /// Its history; none where the file stands alone.
    pub history: Option<History>,
}

/// Why there is no baseline to compare with.
#[derive(Debug)]
pub enum Failure {
    /// There is none.
    Missing(PathBuf),
    /// It could not be read or written.
    Io(String),
    /// It is not what was written.
    Damage(String),
    /// It is not what was signed, or not what the history ends with.
    Untrusted(String),
}

impl Failure {
    /// Whether there is something that should have been trustworthy and is not: that leaves drift
    /// undecided. Anything else keeps spotcheck from running.
    pub const fn is_undecided(&self) -> bool {
        matches!(self, Failure::Damage(_) | Failure::Untrusted(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Missing(path) => write!(
                f,
                "{}: there is no baseline; make one with `spotcheck baseline create`",
                text::path(path)
            ),
            Failure::Io(why) | Failure::Damage(why) | Failure::Untrusted(why) => f.write_str(why),
        }
    }
}

/// Content of a regular file, without waiting for anything else that may be there.
///
/// # Errors
/// When it cannot be read, is no regular file, or larger than `limit`.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let name = text::path(path);
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::NotFound => Failure::Missing(path.to_owned()),
        _ => Failure::Io(format!("{name}: {error}")),
    };
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(O_NONBLOCK | O_NOCTTY)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(Failure::Io(format!("{name}: not a regular file")));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Failure::Damage(format!("{name}: {}", Damage::TooLarge)));
    }
    Ok(bytes)
}

/// Reads a baseline, checks it against its history and, where there is a key, its signature.
///
/// # Errors
/// When there is none, or it cannot be trusted.
pub fn load(path: &Path, key: Option<&signature::Key>) -> Result<Loaded, Failure> {
    let history = History::load(path)?;
    let (place, bytes) = in_force(path, history.as_ref())?;
    let name = text::path(path);
    let signature = match key {
        Some(key) => Some(signature::verify(path, &bytes, key).map_err(Failure::Untrusted)?),
        None => None,
    };
    if key.is_none() && is_open_to_others(&place) {
        return Err(Failure::Untrusted(format!(
            "{name}: others than root and you can write the baseline, so that it proves nothing; \
             chown and chmod go-w it, or have it signed and configure the key"
        )));
    }
    let baseline = decode(&bytes).map_err(|damage| Failure::Damage(format!("{name}: {damage}")))?;
    let digest = digest(&bytes);
    if let Some(last) = history.as_ref().and_then(|history| history.entries.last())
        && last.baseline != digest
    {
        return Err(Failure::Untrusted(format!(
            "{name}: not the baseline that its history ends with (entry {} has {}, the file is {}): \
             it was replaced by something else than spotcheck",
            last.number,
            short(&last.baseline),
            short(&digest)
        )));
    }
    let against = Against {
        name,
        taken: Some(baseline.head.taken.seconds),
        by: Some(baseline.head.by.clone()),
        digest: Some(digest),
        signature,
    };
    Ok(Loaded { baseline, against, history })
}

/// The file of the baseline that counts: that of its name, unless the history ends with one that was
/// about to take it.
fn in_force(path: &Path, history: Option<&History>) -> Result<(PathBuf, Vec<u8>), Failure> {
    let named = read(path, FILE_LIMIT).map(|bytes| (path.to_owned(), bytes));
    let last = history.and_then(|history| history.entries.last());
    match (&named, last) {
        (_, None) => named,
        (Ok((_, bytes)), Some(last)) if last.baseline == digest(bytes) => named,
        _ => unfinished(path, history).map_or(named, Ok),
    }
}

/// The part of a digest that people compare.
pub fn short(digest: &str) -> &str {
    digest.get(..16).unwrap_or(digest)
}

/// Writes a baseline in one step, readable for its owner alone; its digest and size. [`change`] does
/// that together with its history.
///
/// # Errors
/// When it cannot be written; the old one is still there then.
pub fn save(path: &Path, baseline: &Baseline) -> Result<(String, u64), Failure> {
    let bytes = encode(baseline).map_err(Failure::Io)?;
    write_whole(path, &bytes)?;
    Ok((digest(&bytes), bytes.len() as u64))
}

/// Replaces a file as a whole.
///
/// # Errors
/// When that cannot be done.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    make_folder(path)?;
    crate::safety::write::file(path, bytes, Readers::Owner, Existing::Replace)
        .map_err(|why| Failure::Io(format!("{}: cannot be written: {why}", text::path(path))))
}

/// Makes the folder of a file where it is one of spotcheck's own.
fn make_folder(path: &Path) -> Result<(), Failure> {
    let folder = folder_of(path);
    if path.starts_with("/var/lib/spotcheck") || folder.ends_with("spotcheck") {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(folder).map_err(|e| Failure::Io(e.to_string()))?;
    }
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// The name of a file has to last as well; a filesystem that cannot promise that has done what it can.
fn sync(path: &Path) {
    let _ = std::fs::File::open(folder_of(path)).and_then(|folder| folder.sync_all());
}

/// Whether others than its owner could have written a file: then it proves nothing.
pub fn is_open_to_others(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| {
        let uid = metadata.uid();
        metadata.mode() & 0o022 != 0 || uid != 0 && uid != nix::unistd::geteuid().as_raw()
    })
}

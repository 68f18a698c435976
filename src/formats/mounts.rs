//! `/proc/PID/mountinfo` (`proc_pid_mountinfo(5)`) and `/etc/fstab` (`fstab(5)`).

use crate::facts::mount::Mount;
use crate::facts::settings::Location;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, Target};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FSTAB: &str = "/etc/fstab";

/// What is mounted, in the order of mounting.
///
/// # Errors
/// When the kernel does not tell, or a line is not of its format.
pub fn mounted(files: &dyn Files) -> Fact<Vec<Mount>> {
    of_file(files, Path::new(files.mountinfo()?))
}

/// The same as another process sees it: `/proc/PID/mountinfo`.
///
/// # Errors
/// Likewise.
pub fn of_file(files: &dyn Files, path: &Path) -> Fact<Vec<Mount>> {
    let table = path.display().to_string();
    let content = files.read(path)?.ok_or_else(|| {
        Unknown::new(&table, Cause::Unsupported("there is no such file here".into()))
    })?;
    lines(&content)
        .map(|(number, line)| live(line, &table, number).ok_or_else(|| wrong(&table, number)))
        .collect()
}

/// The same of a table that has been read, without the lines that are not of its format.
pub fn of_content(content: &[u8]) -> impl Iterator<Item = Mount> {
    lines(content).filter_map(|(number, line)| live(line, "mountinfo", number))
}

/// What is to be mounted; nothing where there is no such file.
///
/// # Errors
/// When it cannot be read, or a line is not of its format.
pub fn fstab(files: &dyn Files) -> Fact<Vec<Mount>> {
    let Some(content) = files.read(Path::new(FSTAB))? else { return Ok(Vec::new()) };
    lines(&content)
        .filter(|(_, line)| !line.trim_ascii_start().starts_with(b"#"))
        .map(|(number, line)| planned(line, number).ok_or_else(|| wrong(FSTAB, number)))
        .collect()
}

fn lines(content: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    (1_u32..).zip(content.split(|byte| *byte == b'\n')).filter(|(_, l)| !l.trim_ascii().is_empty())
}

fn wrong(file: &str, line: u32) -> Unknown {
    Unknown::new(file, Cause::Malformed(format!("line {line} is not of its format")))
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn live(line: &[u8], table: &str, number: u32) -> Option<Mount> {
    let words: Vec<&[u8]> = words(line).collect();
    let dash = words.iter().position(|word| *word == b"-")?;
    let text = |index: usize| Some(String::from_utf8_lossy(words.get(index)?).into_owned());
    let mut options: BTreeSet<String> = BTreeSet::new();
    for list in [text(5)?, text(dash + 3)?] {
        options.extend(list.split(',').map(str::to_owned));
    }
    // A mount is read-only where it or its filesystem is.
    if options.contains("ro") {
        options.remove("rw");
    }
    Some(Mount {
        point: path(words.get(4)?),
        filesystem: text(dash + 1)?,
        source: path(words.get(dash + 2)?).to_string_lossy().into_owned(),
        options,
        id: text(0)?.parse().ok()?,
        parent: text(1)?.parse().ok()?,
        at: Location { file: table.into(), line: number },
    })
}

/// `UUID=… /home ext4 nosuid,nodev 0 2`
fn planned(line: &[u8], number: u32) -> Option<Mount> {
    let mut words = words(line);
    let source = path(words.next()?).to_string_lossy().into_owned();
    let point = path(words.next()?);
    let filesystem = String::from_utf8_lossy(words.next()?).into_owned();
    let options = words.next().map(String::from_utf8_lossy).unwrap_or("defaults".into());
    let options = options.split(',').map(str::to_owned).collect();
    Some(Mount {
        point,
        filesystem,
        source,
        options,
        id: 0,
        parent: 0,
        at: Location { file: FSTAB.into(), line: number },
    })
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b' ' | b'\t')).filter(|word| !word.is_empty())
}

/// A path as these files write it: spaces and other odd characters stand as `\040`.
pub fn path(word: &[u8]) -> PathBuf {
    let mut out = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((byte, behind)) = rest.split_first() {
        let code = behind.get(..3).filter(|code| code.iter().all(|c| (b'0'..=b'7').contains(c)));
        match (byte, code) {
            (b'\\', Some(code)) => {
                let value = code.iter().fold(0_u32, |value, c| value * 8 + u32::from(c - b'0'));
                out.push((value & 0xff) as u8);
                rest = behind.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(*byte);
                rest = behind;
            }
        }
    }
    PathBuf::from(OsString::from_vec(out))
}

/// What is mounted, later mounts over the same path last; read once a run.
///
/// # Errors
/// Where the list of mounts cannot be read.
pub fn in_force(target: &dyn Target) -> Fact<Arc<Vec<Mount>>> {
    target.memo().get_or_init(|| InForce(mounted(target).map(Arc::new))).0
}

/// What `/etc/fstab` asks for, read once a run.
///
/// # Errors
/// Where it cannot be read.
pub fn of_fstab(target: &dyn Target) -> Fact<Arc<Vec<Mount>>> {
    target.memo().get_or_init(|| Planned(fstab(target).map(Arc::new))).0
}

#[derive(Clone)]
struct InForce(Fact<Arc<Vec<Mount>>>);

#[derive(Clone)]
struct Planned(Fact<Arc<Vec<Mount>>>);

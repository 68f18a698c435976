//! The way to a file, component by component, as the kernel goes it (`path_resolution(7)`).
//!
//! Each component is opened without following a link and looked at through its descriptor, so what
//! was seen is what is used: nobody can put something else in its place in between.

use crate::text;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, open, openat, readlinkat};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on one way, as the kernel does (`MAXSYMLINKS`).
const LINKS: usize = 40;

/// A component of a way.
pub struct Step<'a> {
    /// Where it is, with links before it resolved.
    pub path: &'a Path,
    /// What it is.
    pub stat: &'a Stat,
    /// The directory that it is in; of `/` itself.
    pub folder: &'a Stat,
}

impl Step<'_> {
    /// Whether it is a link.
    pub fn is_link(&self) -> bool {
        FileType::from_raw_mode(self.stat.st_mode) == FileType::Symlink
    }
}

/// Why a way was not gone to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The kernel says so, at this component.
    Kernel(PathBuf, Errno),
    /// Whoever asked does not want to go on; in words.
    Refused(String),
}

impl Obstacle {
    /// In words.
    pub fn words(&self) -> String {
        match self {
            Self::Kernel(path, errno) => {
                format!("{}: {}", text::path(path), std::io::Error::from(*errno))
            }
            Self::Refused(why) => why.clone(),
        }
    }
}

/// A place that a way led to: opened with `O_PATH`, with every link resolved.
pub struct Place {
    /// Its name without links.
    pub path: PathBuf,
    /// The file or directory itself.
    pub file: OwnedFd,
    /// What it is.
    pub stat: Stat,
}

/// Goes to a file or directory, following links, and shows every component to `look`: directories,
/// links and the end alike.
///
/// # Errors
/// Where the way ends early.
pub fn walk(
    path: &Path,
    look: &mut dyn FnMut(&Step) -> Result<(), String>,
) -> Result<Place, Obstacle> {
    let whole =
        std::path::absolute(path).map_err(|_| Obstacle::Kernel(path.to_owned(), Errno::NOENT))?;
    let mut left = components(&whole);
    let mut at = root()?;
    let mut links = 0;
    look(&Step { path: &at.path, stat: &at.stat, folder: &at.stat }).map_err(Obstacle::Refused)?;
    while let Some(name) = left.pop_front() {
        let path = match name.as_bytes() {
            b".." => at.path.parent().unwrap_or(Path::new("/")).to_owned(),
            _ => at.path.join(&name),
        };
        let failed = |errno| Obstacle::Kernel(path.clone(), errno);
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&at.file, &name, flags, Mode::empty()).map_err(failed)?;
        let stat = fstat(&file).map_err(failed)?;
        let step = Step { path: &path, stat: &stat, folder: &at.stat };
        look(&step).map_err(Obstacle::Refused)?;
        if !step.is_link() {
            at = Place { path, file, stat };
            continue;
        }
        links += 1;
        if links > LINKS {
            return Err(failed(Errno::LOOP));
        }
        let target = readlinkat(&file, "", Vec::new()).map_err(failed)?;
        let target = PathBuf::from(OsStr::from_bytes(target.as_bytes()));
        if target.is_absolute() {
            at = root()?;
        }
        for name in components(&target).into_iter().rev() {
            left.push_front(name);
        }
    }
    Ok(at)
}

fn root() -> Result<Place, Obstacle> {
    let path = PathBuf::from("/");
    let failed = |errno| Obstacle::Kernel(PathBuf::from("/"), errno);
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let file = open("/", flags, Mode::empty()).map_err(failed)?;
    let stat = fstat(&file).map_err(failed)?;
    Ok(Place { path, file, stat })
}

fn components(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn seen(path: &Path) -> Result<(PathBuf, Vec<String>), Obstacle> {
        let mut seen = Vec::new();
        let place = walk(path, &mut |step| {
            let name = step.path.file_name().unwrap_or_default();
            seen.push(name.to_string_lossy().into_owned());
            Ok(())
        })?;
        Ok((place.path, seen))
    }

    #[test]
    fn links_are_shown_and_then_followed_to_what_they_lead_to() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path().canonicalize().unwrap();
        fs::create_dir(base.join("real")).unwrap();
        fs::write(base.join("real/file"), "").unwrap();
        symlink("real", base.join("link")).unwrap();
        symlink(base.join("link/../link/file"), base.join("far")).unwrap();
        let (end, names) = seen(&base.join("far")).unwrap();
        assert_eq!(end, base.join("real/file"));
        let links = names.iter().filter(|name| *name == "link").count();
        assert_eq!(links, 2, "{names:?}");
        assert!(names.contains(&"far".to_owned()));
    }

    #[test]
    fn a_circle_of_links_ends() {
        let folder = tempfile::tempdir().unwrap();
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        let obstacle = seen(&folder.path().join("a")).unwrap_err();
        assert!(matches!(obstacle, Obstacle::Kernel(_, Errno::LOOP)), "{obstacle:?}");
    }
}

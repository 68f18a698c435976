//! The target of `drift` and `baseline`, with the directory that its files can be walked from.

use crate::host::{Target, Wants};
use crate::targets::image;
use crate::targets::image::Choice;
use crate::targets::live::Live;
use crate::targets::offline::Still;
use crate::targets::rootfs::Rootfs;
use clap::Args;
use std::path::{Path, PathBuf};

/// Options that choose the target.
#[derive(Args, Clone)]
pub struct SiteArgs {
    /// Look at the root filesystem in this directory instead of this host
    #[arg(long, value_name = "DIR", conflicts_with = "image")]
    pub root: Option<PathBuf>,
    /// Look at a container image instead, as `check --image`
    #[arg(long, value_name = "PATH")]
    pub image: Option<PathBuf>,
}

/// A target, and its root where it has one.
pub type Opened = (Box<dyn Target>, Option<PathBuf>);

impl SiteArgs {
    /// Whether it is this host.
    pub fn is_host(&self) -> bool {
        self.root.is_none() && self.image.is_none()
    }

    /// Opens the target.
    ///
    /// # Errors
    /// In words.
    pub fn open(&self) -> Result<Opened, String> {
        match (&self.root, &self.image) {
            (Some(root), _) => open_root(root),
            (_, Some(image)) => open_image(image),
            _ => Ok((Box::new(Live::new()), Some("/".into()))),
        }
    }
}

/// A directory as a root filesystem.
///
/// # Errors
/// In words.
pub fn open_root(root: &Path) -> Result<Opened, String> {
    let files = Rootfs::open(root)?;
    let target = Still::new(crate::text::path(root), files, None);
    Ok((Box::new(target), Some(root.to_owned())))
}

/// An image.
///
/// # Errors
/// In words.
pub fn open_image(path: &Path) -> Result<Opened, String> {
    let mut wants = Wants::default();
    compared(&mut wants);
    let mut images = image::open(path, &Choice::default(), &wants)?;
    let image = images.pop().ok_or_else(|| format!("{}: no image", crate::text::path(path)))?;
    Ok((Box::new(image), None))
}

/// What a comparison asks of the files of an image.
pub fn compared(wants: &mut Wants) {
    for pattern in ["/var/lib/dpkg/**", "/lib/dpkg/**", "/var/lib/ucf/*", "/lib/sysimage/rpm/*"] {
        wants.content(pattern);
    }
    for pattern in ["/var/lib/rpm/*", "/lib/apk/db/*", "/share/ca-certificates/**"] {
        wants.content(pattern);
    }
    wants.content("/local/share/ca-certificates/**");
    // What files hold is told by their digests, which have to be made while the archive goes by.
    wants.checksums();
    // Caches and indexes that are judged by what is in them.
    for pattern in ["/etc/**", "/lib/**/*.cache", "/lib/mime/packages/*", "/share/**/*.cache"] {
        wants.content(pattern);
    }
}

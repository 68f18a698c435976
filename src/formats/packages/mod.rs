//! Databases of packages, read from disk without asking their managers.
//!
//! A host may have several. Where there is none at all nothing is known about packages: that is
//! not the same as none being installed.

mod apk;
mod dpkg;
pub mod files;
pub mod owners;
mod rpm;
mod sqlite;

use crate::facts::package::Packages;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, Target};
use std::sync::Arc;

/// The most packages of one database.
pub const PACKAGE_LIMIT: usize = 200_000;

/// All packages of all databases.
///
/// # Errors
/// When there is no database.
pub fn read(files: &dyn Files) -> Fact<Packages> {
    let mut packages = Packages::default();
    dpkg::read(files, &mut packages);
    rpm::read(files, &mut packages);
    apk::read(files, &mut packages);
    if packages.databases.is_empty() {
        if let Some(why) = packages.unread.first() {
            return Err(why.clone());
        }
        let why = "neither dpkg nor rpm nor apk has a database here";
        return Err(Unknown::new("packages", Cause::Unsupported(why.into())));
    }
    Ok(packages)
}

/// Paragraphs of `key: value` lines, as dpkg and apk write them: the fields of each with the line
/// at which it begins. Lines that go on with the field before are left out.
fn paragraphs(text: &str) -> impl Iterator<Item = (u32, Vec<(&str, &str)>)> {
    let mut lines = (1_u32..).zip(text.lines());
    std::iter::from_fn(move || {
        let mut first = None;
        let mut fields = Vec::new();
        for (number, line) in lines.by_ref() {
            if line.trim().is_empty() {
                if first.is_some() {
                    break;
                }
                continue;
            }
            first = first.or(Some(number));
            if line.starts_with([' ', '\t']) {
                continue;
            }
            if let Some((key, value)) = line.split_once(':') {
                fields.push((key, value.trim()));
            }
        }
        first.map(|first| (first, fields))
    })
}

/// The value of a field.
fn field<'a>(fields: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// Installed packages, read once a run.
///
/// # Errors
/// Where their databases cannot be read.
pub fn installed(target: &dyn Target) -> Fact<Arc<Packages>> {
    target.memo().get_or_init(|| read(target).map(Arc::new))
}

/// Whether a package is installed; `false` only where all databases could be read.
pub fn is_installed(name: &str, target: &dyn Target) -> Fact<bool> {
    let packages = installed(target)?;
    if packages
        .named(name)
        .any(|package| package.state == crate::facts::package::PackageState::Installed)
    {
        return Ok(true);
    }
    packages.unread.first().map_or(Ok(false), |why| Err(why.clone()))
}

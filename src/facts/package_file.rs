//! What package managers know of the files of their packages.

use super::Unknown;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A digest that a package manager keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Checksum {
    /// dpkg, old rpm.
    Md5([u8; 16]),
    /// apk.
    Sha1([u8; 20]),
    /// rpm.
    Sha256([u8; 32]),
}

impl Checksum {
    /// From hexadecimal digits; what it is follows from how many there are.
    pub fn from_hex(text: &str) -> Option<Self> {
        fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
            let mut out = [0; N];
            for (place, at) in out.iter_mut().zip((0..).step_by(2)) {
                *place = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
            }
            Some(out)
        }
        if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        match text.len() {
            32 => bytes(text).map(Checksum::Md5),
            40 => bytes(text).map(Checksum::Sha1),
            64 => bytes(text).map(Checksum::Sha256),
            _ => None,
        }
    }

    /// The digest of some bytes that is of the same kind.
    pub fn of_the_same_kind(&self, bytes: &[u8]) -> Self {
        use sha2::Digest;
        match self {
            Checksum::Md5(_) => Checksum::Md5(md5::Md5::digest(bytes).into()),
            Checksum::Sha1(_) => Checksum::Sha1(sha1::Sha1::digest(bytes).into()),
            Checksum::Sha256(_) => Checksum::Sha256(sha2::Sha256::digest(bytes).into()),
        }
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Checksum::Md5(bytes) => bytes,
            Checksum::Sha1(bytes) => bytes,
            Checksum::Sha256(bytes) => bytes,
        }
    }
}

/// What a file is to its package.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// A part of it.
    Part,
    /// Configuration, of which the package has a default.
    Configuration {
        /// The package no longer has it.
        obsolete: bool,
        /// The package wants it gone.
        remove_on_upgrade: bool,
    },
    /// Configuration that a script of the package installs with ucf(1).
    Ucf,
    /// Belongs to the package, which does not have its content (`%ghost` of rpm).
    Ghost,
}

impl Role {
    /// Ordinary configuration.
    pub const CONFIGURATION: Role =
        Role::Configuration { obsolete: false, remove_on_upgrade: false };

    /// Whether it is made to be changed.
    pub const fn is_configuration(self) -> bool {
        matches!(self, Role::Configuration { .. } | Role::Ucf)
    }
}

/// What rpm and apk know beside content. dpkg knows none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// Whole mode, with the kind of file; none where the database does not say.
    pub mode: Option<u32>,
    /// Owner.
    pub user: String,
    /// Group.
    pub group: String,
    /// Size, time of change and target of a link.
    pub size: Option<u64>,
    /// Seconds since 1970-01-01 UTC.
    pub modified: Option<i64>,
    /// Target of a symbolic link.
    pub link: Vec<u8>,
    /// File capabilities as text; none where the database has no such field.
    pub capabilities: Option<String>,
    /// Attributes that the package wants verified (`FILEVERIFYFLAGS` of rpm).
    pub verify: u32,
    /// Attributes of the file (`FILEFLAGS` of rpm).
    pub flags: u32,
    /// Device number of a device file.
    pub device: Option<u32>,
}

/// What one package says about one path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Which package, in the list.
    pub package: u32,
    /// Digest of its content, where the package manager keeps one.
    pub checksum: Option<Checksum>,
    /// What the file is to the package.
    pub role: Role,
    /// What else is known.
    pub declared: Option<Box<Declared>>,
}

/// A package that claims files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// `name:architecture` and version, as people say it: `bash 5.2.15-2`.
    pub name: String,
    /// Version.
    pub version: String,
    /// Digest of all that the database says of its files, so that a database edited in secret can be
    /// told from one that an upgrade has changed.
    pub manifest: String,
}

/// A pattern of files that dpkg leaves out, or takes all the same.
#[derive(Clone, Debug)]
pub struct PathFilter {
    /// `path-include`, not `path-exclude`.
    pub include: bool,
    /// A pattern of `fnmatch(3)` without flags: `*` takes slashes too.
    pub pattern: globset::GlobMatcher,
}

/// A file that dpkg-divert(1) has moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diversion {
    /// Where packages have it.
    pub from: Vec<u8>,
    /// Where it is.
    pub to: Vec<u8>,
    /// The package whose file stays; `:` for the admin.
    pub by: Vec<u8>,
}

/// Everything that package databases say about files.
#[derive(Clone, Debug, Default)]
pub struct PackageFiles {
    /// The packages.
    pub owners: Vec<Owner>,
    /// Claims by canonical path.
    pub claims: HashMap<Vec<u8>, Vec<Claim>>,
    /// Owner, group and mode that the admin has set with dpkg-statoverride(1).
    pub overrides: HashMap<Vec<u8>, (String, String, u16)>,
    /// Files that dpkg does not unpack.
    pub left_out: Vec<PathFilter>,
    /// Files that dpkg-divert(1) has moved.
    pub diversions: Vec<Diversion>,
    /// Targets that a link of update-alternatives(1) may have: links outside of
    /// `/etc/alternatives`, and those in it.
    pub alternatives: HashMap<Vec<u8>, Vec<Vec<u8>>>,
    /// Directories that are links to the same in `/usr`: `/bin`, `/lib` ...
    pub merged: Vec<Vec<u8>>,
    /// Databases that were read.
    pub databases: Vec<PathBuf>,
    /// What could not be read.
    pub unread: Vec<Unknown>,
    /// Packages that have files and no digests of any: dpkg's `md5sums` is not there.
    pub without_digests: Vec<String>,
    /// Packages that are installed and have no list of their files. They claim nothing, which excuses
    /// nothing; nobody can compare them.
    pub without_list: Vec<String>,
}

impl PackageFiles {
    /// The path under which claims about a file are kept: `/bin/ls` is `/usr/bin/ls` where `/bin` is
    /// a link.
    pub fn canonical(&self, path: &[u8]) -> Vec<u8> {
        let merged = |folder: &&Vec<u8>| {
            path.strip_prefix(folder.as_slice()).is_some_and(|rest| rest.starts_with(b"/"))
        };
        match self.merged.iter().find(merged) {
            Some(_) => [b"/usr", path].concat(),
            None => path.to_vec(),
        }
    }

    /// Whether the configuration of dpkg leaves a path out: the last filter that fits decides,
    /// `src/main/filters.c` of dpkg.
    pub fn is_left_out(&self, path: &[u8]) -> bool {
        let path = Path::new(OsStr::from_bytes(path));
        let fits = |filter: &&PathFilter| filter.pattern.is_match(path);
        self.left_out.iter().rev().find(fits).is_some_and(|filter| !filter.include)
    }

    /// In words, if dpkg-divert(1) has to do with a path.
    pub fn diverted(&self, path: &[u8]) -> Option<String> {
        let one = self.diversions.iter().find(|one| one.to == path || one.from == path)?;
        let shown = |path: &[u8]| crate::text::bytes(path);
        let by = match one.by.as_slice() {
            b":" => "the admin".to_owned(),
            package => shown(package),
        };
        Some(match one.to == path {
            true => format!("diverted from {} by {by}", shown(&one.from)),
            false => format!("that of packages is diverted to {} by {by}", shown(&one.to)),
        })
    }

    /// What packages say about a path.
    pub fn claims(&self, path: &[u8]) -> &[Claim] {
        let found = self.claims.get(path).or_else(|| self.claims.get(&self.canonical(path)));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// The package of a claim.
    pub fn owner(&self, claim: &Claim) -> Option<&Owner> {
        self.owners.get(claim.package as usize)
    }
}

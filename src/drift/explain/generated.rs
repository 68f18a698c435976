//! Files that programs make from others: a documented list, with the name of the program.
//!
//! What the kernel or the boot loader executes (an initial ramdisk, `grub.cfg`) is generated too and
//! not in the list: nobody could tell a good one from a bad one.

use crate::facts::file::FileKind;
use crate::facts::package_file::PackageFiles;
use crate::host::Target;
use globset::{GlobBuilder, GlobMatcher};
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Patterns and what makes such files.
pub const GENERATED: [(&str, &str); 26] = [
    ("/etc/ld.so.cache", "ldconfig"),
    ("/etc/.pwd.lock", "passwd"),
    ("/etc/mailcap", "update-mime"),
    ("/etc/ssl/certs/java/cacerts", "ca-certificates-java"),
    ("/usr/lib/modules/*/modules.*", "depmod"),
    ("/lib/modules/*/modules.*", "depmod"),
    ("/usr/share/mime/**", "update-mime-database"),
    ("/usr/share/applications/mimeinfo.cache", "update-desktop-database"),
    ("/usr/share/icons/**/icon-theme.cache", "gtk-update-icon-cache"),
    ("/usr/share/icons/**/.icon-theme.cache", "gtk-update-icon-cache"),
    ("/usr/share/glib-2.0/schemas/gschemas.compiled", "glib-compile-schemas"),
    ("/usr/lib/**/gio/modules/giomodule.cache", "gio-querymodules"),
    ("/usr/lib/**/gdk-pixbuf-2.0/*/loaders.cache", "gdk-pixbuf-query-loaders"),
    ("/usr/lib/**/gtk-*/*/immodules.cache", "gtk-query-immodules"),
    ("/usr/lib/locale/locale-archive", "locale-gen"),
    ("/usr/lib/locale/C.utf8/**", "locale-gen"),
    ("/usr/lib/udev/hwdb.bin", "systemd-hwdb"),
    ("/etc/udev/hwdb.bin", "systemd-hwdb"),
    ("/usr/lib/systemd/catalog/database", "journalctl --update-catalog"),
    ("/usr/share/info/dir*", "update-info-dir"),
    ("/usr/share/fonts/**/.uuid", "fc-cache"),
    ("/usr/share/fonts/**/fonts.{dir,scale}", "mkfontscale"),
    ("/usr/share/perl/**/perllocal.pod", "perl"),
    ("/usr/lib/x86_64-linux-gnu/perl/cross-config-*/**", "perl"),
    ("/usr/share/sgml/docbook/**/catalog.xml", "update-xmlcatalog"),
    ("/etc/{sgml,xml}/**", "update-catalog"),
];

/// Whom programs trust, in one file; update-ca-certificates(8) puts it together.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// From what is in these, which the baseline has too.
const AUTHORITIES: [&str; 2] = ["/usr/share/ca-certificates", "/usr/local/share/ca-certificates"];
/// The most files that are read for that.
const AUTHORITIES_LIMIT: usize = 4096;

/// The list, ready to be asked.
pub struct Generators(Vec<(GlobMatcher, &'static str)>);

impl Generators {
    /// Reads the list.
    pub fn new() -> Self {
        let read = |(pattern, by): &(&str, &'static str)| {
            let glob = GlobBuilder::new(pattern).literal_separator(true).build().ok()?;
            Some((glob.compile_matcher(), *by))
        };
        Self(GENERATED.iter().filter_map(read).collect())
    }

    /// What makes a file; `kind` is what it is, or was.
    pub fn of(
        &self,
        path: &[u8],
        kind: FileKind,
        link: &[u8],
        packages: &PackageFiles,
        target: &dyn Target,
    ) -> Option<String> {
        let path_ = Path::new(OsStr::from_bytes(path));
        if kind == FileKind::Symlink {
            return link_made(path, link, packages, target);
        }
        if !matches!(kind, FileKind::File | FileKind::Directory) {
            return None;
        }
        if path == CERTIFICATES.as_bytes() {
            return certificates(target).then(|| "update-ca-certificates".to_owned());
        }
        if let Some((_, by)) = self.0.iter().find(|(glob, _)| glob.is_match(path_)) {
            return Some((*by).to_owned());
        }
        compiled_python(path_, target).then(|| "py3compile".to_owned())
    }
}

impl Default for Generators {
    fn default() -> Self {
        Self::new()
    }
}

/// `__pycache__` and `x.cpython-311.pyc` in it, as long as there is an `x.py` beside.
fn compiled_python(path: &Path, target: &dyn Target) -> bool {
    if path.file_name().is_some_and(|name| name == "__pycache__") {
        return true;
    }
    let Some(name) = path.file_name().and_then(OsStr::to_str) else { return false };
    let cache = path.parent().filter(|folder| folder.ends_with("__pycache__"));
    let (Some(folder), true) = (cache.and_then(Path::parent), name.ends_with(".pyc")) else {
        return false;
    };
    let stem = name.split('.').next().unwrap_or_default();
    target.file(&folder.join(format!("{stem}.py"))).is_ok_and(|file| file.is_some())
}

/// Whether every certificate in the file of all is one of those that it is made from: an authority
/// that somebody has only added there is nobody's.
fn certificates(target: &dyn Target) -> bool {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let read = |path: &Path| {
        let content = target.read(path).ok().flatten()?;
        Some(String::from_utf8_lossy(&content).into_owned())
    };
    let blocks = |text: &str| -> Vec<String> {
        let blocks = text.split(BEGIN).skip(1);
        blocks.map(|block| block.split_whitespace().collect::<String>()).collect()
    };
    let mut known: HashSet<String> = HashSet::new();
    let mut folders: Vec<PathBuf> = AUTHORITIES.iter().map(PathBuf::from).collect();
    let mut count = 0;
    while let Some(folder) = folders.pop() {
        let Ok(Some(names)) = target.list(&folder) else { continue };
        for name in names.iter() {
            count += 1;
            let path = folder.join(name);
            match target.file(&path) {
                Ok(Some(file)) if file.kind == FileKind::Directory => folders.push(path),
                Ok(Some(file)) if file.kind == FileKind::File && count < AUTHORITIES_LIMIT => {
                    known.extend(read(&path).iter().flat_map(|text| blocks(text)));
                }
                _ => {}
            }
        }
    }
    read(Path::new(CERTIFICATES)).is_some_and(|all| blocks(&all).iter().all(|b| known.contains(b)))
}

/// Links of update-alternatives(1), systemctl(1), update-rc.d(8) and update-ca-certificates(8), each
/// only with a target that it may have.
fn link_made(
    path: &[u8],
    link: &[u8],
    packages: &PackageFiles,
    target: &dyn Target,
) -> Option<String> {
    let targets = packages.alternatives.get(path);
    let targets = targets.or_else(|| packages.alternatives.get(&packages.canonical(path)));
    if targets.is_some_and(|targets| targets.iter().any(|legal| legal == link)) {
        // Who can write that list can put anything into it: what a package has is meant.
        let to = leads_to(path, link);
        let known = to.starts_with(b"/etc/alternatives/") || !packages.claims(&to).is_empty();
        return known.then(|| "update-alternatives".to_owned());
    }
    let path = Path::new(OsStr::from_bytes(path));
    let folder = path.parent()?;
    let name = path.file_name()?.to_str()?;
    let leads_to: PathBuf = normal(&folder.join(OsStr::from_bytes(link)));
    let claimed = || !packages.claims(leads_to.as_os_str().as_bytes()).is_empty();
    let folder_name = folder.file_name().and_then(OsStr::to_str).unwrap_or_default();
    if folder.starts_with("/etc/systemd")
        && [".wants", ".requires", ".upholds"].iter().any(|end| folder_name.ends_with(end))
    {
        // Whether the unit is enabled is told as a change of the unit.
        return claimed().then(|| "systemctl enable".to_owned());
    }
    let rc = folder_name.strip_prefix("rc").and_then(|rest| rest.strip_suffix(".d"));
    if rc.is_some_and(|level| level.len() == 1) && leads_to.starts_with("/etc/init.d") {
        let script = name.get(3..).unwrap_or_default();
        let same = leads_to.file_name().is_some_and(|target| target == script);
        return (same && claimed()).then(|| "update-rc.d".to_owned());
    }
    if folder == Path::new("/etc/ssl/certs") {
        let inside = leads_to.starts_with("/etc/ssl/certs")
            || leads_to.starts_with("/usr/share/ca-certificates");
        let there = || target.file(&leads_to).is_ok_and(|file| file.is_some());
        return (inside && there()).then(|| "update-ca-certificates".to_owned());
    }
    None
}

/// Where a link leads to, by its text.
pub fn leads_to(path: &[u8], link: &[u8]) -> Vec<u8> {
    let folder = Path::new(OsStr::from_bytes(path)).parent().unwrap_or(Path::new("/"));
    normal(&folder.join(OsStr::from_bytes(link))).into_os_string().into_encoded_bytes()
}

/// A path without `.` and `..`, by its text.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    fn made(host: &Memory, path: &str, kind: FileKind, link: &str) -> Option<String> {
        let packages = crate::formats::packages::files::read(host, None);
        Generators::new().of(path.as_bytes(), kind, link.as_bytes(), &packages, host)
    }

    #[test]
    fn every_pattern_of_the_list_is_one() {
        assert_eq!(Generators::new().0.len(), GENERATED.len());
    }

    #[test]
    fn compiled_python_without_its_source_is_nobodys() {
        let host = Memory::new().file("/usr/lib/p/a.py", 0o644, 0, 0, "");
        let pyc = "/usr/lib/p/__pycache__/a.cpython-311.pyc";
        assert_eq!(made(&host, pyc, FileKind::File, "").as_deref(), Some("py3compile"));
        let other = "/usr/lib/p/__pycache__/b.cpython-311.pyc";
        assert_eq!(made(&host, other, FileKind::File, ""), None);
    }

    #[test]
    fn a_link_of_alternatives_may_lead_only_where_one_does() {
        let file = "auto\n/usr/bin/editor\neditor.1\n/usr/share/man/editor.1\n\n/usr/bin/vim\n30\n\
                    /usr/share/man/vim.1\n\n";
        let status = "Package: vim\nStatus: install ok installed\nVersion: 9\n";
        let list = "/usr/bin/vim\n/usr/share/man/vim.1\n";
        let host = Memory::new()
            .file("/var/lib/dpkg/alternatives/editor", 0o644, 0, 0, file)
            .file("/var/lib/dpkg/status", 0o644, 0, 0, status)
            .file("/var/lib/dpkg/info/vim.list", 0o644, 0, 0, list);
        let by = Some("update-alternatives".to_owned());
        let link = |path, to| made(&host, path, FileKind::Symlink, to);
        assert_eq!(link("/usr/bin/editor", "/etc/alternatives/editor"), by);
        assert_eq!(link("/etc/alternatives/editor", "/usr/bin/vim"), by);
        assert_eq!(link("/etc/alternatives/editor.1", "/usr/share/man/vim.1"), by);
        assert_eq!(link("/etc/alternatives/editor", "/tmp/vim"), None);
        // One that somebody has written into the list, and that is no package's.
        let host = host.file(
            "/var/lib/dpkg/alternatives/editor",
            0o644,
            0,
            0,
            file.replace("/usr/bin/vim", "/usr/local/bin/vim"),
        );
        let to = "/usr/local/bin/vim";
        assert_eq!(made(&host, "/etc/alternatives/editor", FileKind::Symlink, to), None);
    }

    #[test]
    fn an_authority_that_was_only_added_to_the_file_of_all_is_nobodys() {
        let pem = |name: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n")
        };
        let host = |all: String| {
            Memory::new()
                .dir("/usr/share/ca-certificates/mozilla", 0o755, 0, 0)
                .file("/usr/share/ca-certificates/mozilla/a.crt", 0o644, 0, 0, pem("a"))
                .file("/usr/local/share/ca-certificates/b.crt", 0o644, 0, 0, pem("b"))
                .file(CERTIFICATES, 0o644, 0, 0, &all)
        };
        let by = |host: &Memory| made(host, CERTIFICATES, FileKind::File, "");
        assert!(by(&host(pem("a") + &pem("b"))).is_some());
        assert_eq!(by(&host(pem("a") + &pem("evil"))), None);
    }

    #[test]
    fn what_is_no_file_is_not_made_by_a_program_that_makes_one() {
        let host = Memory::new();
        let by = |kind| made(&host, "/etc/ld.so.cache", kind, "/tmp/x");
        assert!(by(FileKind::File).is_some());
        for kind in [FileKind::Fifo, FileKind::CharDevice, FileKind::Symlink] {
            assert_eq!(by(kind), None);
        }
    }
}

//! Indexes and caches by what they hold: each path that a program would load has to lie where packages
//! put it.

use super::kinds::Content;
use super::linker;
use crate::facts::file::FileKind;
use crate::facts::package_file::PackageFiles;
use crate::host::Target;
use crate::text;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Larger indexes are not judged.
const SIZE_LIMIT: u64 = 64 << 20;
/// The most files that are read to judge one.
const FILES: usize = 10_000;
/// The directories of catalogs.
const CATALOGS: [&str; 4] = ["/usr/share/xml/", "/usr/share/sgml/", "/etc/xml/", "/etc/sgml/"];

/// Whether what is in an index is what its program could have put there.
///
/// # Errors
/// In words, what is not.
pub(super) fn judge(
    kind: Content,
    path: &[u8],
    target: &dyn Target,
    packages: &PackageFiles,
) -> Result<(), String> {
    let path = Path::new(OsStr::from_bytes(path));
    let folder = path.parent().unwrap_or(Path::new("/"));
    let bytes = target.read_up_to(path, SIZE_LIMIT).map_err(|why| why.to_string())?;
    let bytes = bytes.ok_or("it is no longer there")?;
    if bytes.starts_with(b"\x7fELF") || bytes.starts_with(b"#!") {
        return Err("it is a program".to_owned());
    }
    let text = String::from_utf8_lossy(&bytes);
    match kind {
        Content::Index => Ok(()),
        Content::Empty => match bytes.is_empty() {
            true => Ok(()),
            false => Err("it is not empty".to_owned()),
        },
        Content::Uuid => match is_uuid(text.trim_end()) {
            true => Ok(()),
            false => Err("it is no UUID".to_owned()),
        },
        Content::Linker => linker::judge(&bytes, target),
        Content::Loaders => loaders(&text, folder, target, packages),
        Content::Modules => modules(&text, folder, target),
        Content::Depmod => depmod(&bytes, path),
        Content::Desktop => desktop(&text, folder, target),
        Content::Mailcap => mailcap(&text, target),
        Content::Catalog => catalog(&text),
    }
}

/// Paths about which packages have to be asked to judge a cache.
pub(super) fn asks(kind: Content, path: &[u8], target: &dyn Target) -> Vec<Vec<u8>> {
    if kind != Content::Loaders {
        return Vec::new();
    }
    let bytes = target.read_up_to(Path::new(OsStr::from_bytes(path)), SIZE_LIMIT).ok().flatten();
    let Some(bytes) = bytes else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    let all = quoted(&text).filter(|path| path.starts_with('/')).take(FILES);
    all.map(|path| path.as_bytes().to_vec()).collect()
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<usize> = text.split('-').map(str::len).collect();
    parts == [8, 4, 4, 4, 12] && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// What stands at the beginning of lines in quotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.trim_start().strip_prefix('"')?.split('"').next())
}

fn is_file(path: &Path, target: &dyn Target) -> bool {
    let file = target.file(path).ok().flatten();
    file.is_some_and(|file| matches!(file.kind, FileKind::File | FileKind::Symlink))
}

/// A name without a way out of its directory.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.contains('/') && name != ".."
}

/// Lines in quotes that are paths of libraries: below the directory of the cache, or of a package.
fn loaders(
    text: &str,
    folder: &Path,
    target: &dyn Target,
    packages: &PackageFiles,
) -> Result<(), String> {
    // Other lines in quotes tell patterns, types and names; a library is what ends like one, or has
    // a path.
    for name in quoted(text).filter(|name| name.contains('/') || name.ends_with(".so")) {
        // MIME types have one slash and no way from the root.
        if !name.starts_with('/') && !name.ends_with(".so") {
            continue;
        }
        let path = folder.join(name);
        let outside = path.components().any(|part| part == std::path::Component::ParentDir);
        let known = !packages.claims(path.as_os_str().as_bytes()).is_empty();
        if outside || !known && !path.starts_with(folder) {
            return Err(format!("it names {}, which is no package's", name));
        }
        if !is_file(&path, target) && name.starts_with('/') {
            return Err(format!("it names {}, which is not there", name));
        }
    }
    Ok(())
}

/// `libgiognutls.so: gio-tls-backend`.
fn modules(text: &str, folder: &Path, target: &dyn Target) -> Result<(), String> {
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let name = line.split(':').next().unwrap_or_default().trim();
        if !is_plain(name) || !is_file(&folder.join(name), target) {
            return Err(format!("it names {}, which is not beside it", name));
        }
    }
    Ok(())
}

/// Paths of modules stay below the directory; what is read as configuration of modprobe(8) says
/// nothing but in which order modules are loaded.
fn depmod(bytes: &[u8], path: &Path) -> Result<(), String> {
    let words = bytes.split(|byte| byte.is_ascii_whitespace() || *byte == b':' || *byte == 0);
    for word in words {
        let module = word.windows(3).any(|three| three == b".ko");
        let out = word.starts_with(b"/") || word.windows(3).any(|three| three == b"../");
        if module && out {
            return Err(format!("it names {}, which is elsewhere", text::bytes(word)));
        }
    }
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let Some(command) = ["softdep", "weakdep"].into_iter().find(|c| name.ends_with(c)) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match lines
        .find(|line| !line.starts_with('#') && line.split_whitespace().next() != Some(command))
    {
        Some(line) => Err(format!("it says `{}`", line)),
        None => Ok(()),
    }
}

/// `text/plain=a.desktop;b.desktop;`, with `-` where files lie in directories below.
fn desktop(text: &str, folder: &Path, target: &dyn Target) -> Result<(), String> {
    let names: HashSet<&str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .flat_map(|(_, all)| all.split(';'))
        .collect();
    for name in names.into_iter().filter(|name| !name.is_empty()).take(FILES) {
        let below = || {
            let (folder_name, rest) = name.split_once('-')?;
            is_file(&folder.join(folder_name).join(rest), target).then_some(())
        };
        if !is_plain(name) || !is_file(&folder.join(name), target) && below().is_none() {
            return Err(format!("it names {}, which is not beside it", name));
        }
    }
    Ok(())
}

/// Every entry is that of a file of packages, or starts what a `.desktop` file starts.
fn mailcap(text: &str, target: &dyn Target) -> Result<(), String> {
    const PACKAGES: &str = "/usr/lib/mime/packages";
    const DESKTOP: &str = "/usr/share/applications";
    let read = |folder: &str| -> Vec<String> {
        let names = target.list(Path::new(folder)).ok().flatten();
        let names = names.iter().flat_map(|names| names.iter()).take(FILES);
        let content = names.filter_map(|name| target.read(&Path::new(folder).join(name)).ok()?);
        content.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    };
    let (packages, desktop) = (read(PACKAGES), read(DESKTOP));
    let entries: HashSet<&str> =
        packages.iter().flat_map(|text| text.lines()).map(str::trim).collect();
    // `%U` of the one is `%s` of the other.
    let command = |text: &str| -> Vec<String> {
        let plain = text.replace(['\'', '"'], "");
        let words = plain.split_whitespace().filter(|word| !word.contains('%'));
        words.map(str::to_owned).collect()
    };
    let started: HashSet<Vec<String>> = desktop
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.strip_prefix("Exec="))
        .map(command)
        .collect();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || entries.contains(line) {
            continue;
        }
        let starts = line.split(';').nth(1).map(command);
        let tests = line.split(';').skip(2).map(str::trim);
        let ours = |field: &str| {
            field.is_empty() || field == "needsterminal" || field == "test=test -n \"$DISPLAY\""
        };
        if !starts.is_some_and(|command| started.contains(&command)) || !tests.into_iter().all(ours)
        {
            return Err(format!("`{}` is no entry of a package", line));
        }
    }
    Ok(())
}

/// Files that a catalog names lie in the directories of catalogs.
fn catalog(text: &str) -> Result<(), String> {
    let plain = |name: &str| name.strip_prefix("file://").unwrap_or(name).to_owned();
    for name in text.split(['"', '\'']).skip(1).step_by(2).map(plain) {
        let known =
            CATALOGS.iter().any(|folder| name.starts_with(folder)) && !name.contains("/../");
        if name.starts_with('/') && !known {
            return Err(format!("it names {}, where no catalogs are", name));
        }
    }
    Ok(())
}

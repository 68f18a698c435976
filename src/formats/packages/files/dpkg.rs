//! dpkg: `info/NAME.list`, `info/NAME.md5sums`, `Conffiles:` of `status`, and `status.d` of images made
//! without dpkg; paths moved by dpkg-divert(1) are found where they are.
//!
//! `NAME.list` has all paths, `NAME.md5sums` digests of regular files that are no configuration, with
//! paths that lack the slash at their beginning; `deb-md5sums(5)`.

use super::{Wanted, claim};
use crate::facts::package_file::{Checksum, Claim, Diversion, Owner, PackageFiles, Role};
use crate::facts::{Cause, Unknown};
use crate::formats::packages::PACKAGE_LIMIT;
use crate::host::Files;
use std::collections::{HashMap, HashSet};
use std::path::Path;

const STATUS: &str = "/var/lib/dpkg/status";
const PARTS: &str = "/var/lib/dpkg/status.d";
const INFO: &str = "/var/lib/dpkg/info";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";
/// Larger files of the database are not read.
const SIZE_LIMIT: u64 = 256 << 20;

/// A paragraph of `status`, with the configuration that it lists.
#[derive(Default)]
struct Paragraph<'a> {
    name: &'a str,
    architecture: &'a str,
    version: &'a str,
    status: Option<&'a str>,
    same: bool,
    conffiles: Vec<&'a str>,
}

pub(super) fn read(files: &dyn Files, wanted: Wanted, all: &mut PackageFiles) {
    let diverted = diversions(files, all);
    let list = diverted.0.iter().map(|(from, (to, by))| Diversion {
        from: from.clone(),
        to: to.clone(),
        by: by.clone(),
    });
    all.diversions = list.collect();
    match files.read_up_to(Path::new(STATUS), SIZE_LIMIT) {
        Ok(Some(content)) => {
            all.databases.push(STATUS.into());
            let text = String::from_utf8_lossy(&content);
            // Which of `NAME.list` and `NAME:ARCH.list` it is has to be asked of the folder once.
            let info: HashSet<String> = match files.list(Path::new(INFO)) {
                Ok(names) => names
                    .iter()
                    .flat_map(|names| names.iter())
                    .filter_map(|name| name.to_str().map(str::to_owned))
                    .collect(),
                Err(why) => {
                    all.unread.push(why);
                    HashSet::new()
                }
            };
            let mut beyond = false;
            paragraphs(&text, &mut |paragraph| {
                if all.owners.len() < PACKAGE_LIMIT {
                    package(files, wanted, paragraph, &info, &diverted, all);
                } else {
                    beyond = true;
                }
            });
            if beyond {
                let why = format!("more than {PACKAGE_LIMIT} packages");
                all.unread.push(Unknown::new(STATUS, Cause::TooLarge(why)));
            }
        }
        Ok(None) => {}
        Err(why) => all.unread.push(why),
    }
    parts(files, wanted, all);
}

/// Calls with each paragraph.
fn paragraphs<'a>(text: &'a str, each: &mut dyn FnMut(&Paragraph<'a>)) {
    let mut paragraph = Paragraph::default();
    let mut in_conffiles = false;
    for line in text.lines().chain([""]) {
        if line.is_empty() {
            if !paragraph.name.is_empty() {
                each(&paragraph);
            }
            paragraph = Paragraph::default();
            continue;
        }
        if let Some(rest) = line.strip_prefix([' ', '\t']) {
            if in_conffiles {
                paragraph.conffiles.push(rest);
            }
            continue;
        }
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim();
        in_conffiles = key.eq_ignore_ascii_case("Conffiles");
        match key {
            "Package" => paragraph.name = value,
            "Architecture" => paragraph.architecture = value,
            "Version" => paragraph.version = value,
            "Status" => paragraph.status = Some(value),
            "Multi-Arch" => paragraph.same = value == "same",
            _ => {}
        }
    }
}

#[allow(clippy::too_many_arguments)]
fn package(
    files: &dyn Files,
    wanted: Wanted,
    paragraph: &Paragraph,
    info: &HashSet<String>,
    diverted: &Diverted,
    all: &mut PackageFiles,
) {
    let words: Vec<&str> = paragraph.status.unwrap_or_default().split_whitespace().collect();
    let state = words.last().copied().unwrap_or_default();
    let installed = !matches!(state, "not-installed" | "config-files" | "");
    if state == "not-installed" {
        return;
    }
    let number = u32::try_from(all.owners.len()).unwrap_or(u32::MAX);
    let mut manifest = blake3::Hasher::new();
    let file = |end: &str| {
        let long = format!("{}:{}.{end}", paragraph.name, paragraph.architecture);
        let short = format!("{}.{end}", paragraph.name);
        let name = if info.contains(&long) { long } else { short };
        info.contains(&name).then(|| Path::new(INFO).join(name))
    };
    let mut known: HashSet<Vec<u8>> = HashSet::new();
    if installed {
        let sums = content(files, file("md5sums"), all);
        let has_sums = sums.is_some();
        if let Some(content) = sums {
            manifest.update(&content);
            let lines = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            let bad = lines.count() - md5sums(&content).count();
            if bad > 0 {
                let name = format!("{INFO}/{}.md5sums", paragraph.name);
                let why = format!("{bad} lines that are no digest of a file");
                all.unread.push(Unknown::new(name, Cause::Malformed(why)));
            }
            for (path, sum) in md5sums(&content) {
                let path = diverted.moved(&[b"/", path].concat(), paragraph.name);
                known.insert(path.clone());
                let role = Role::Part;
                let one = Claim { package: number, checksum: Some(sum), role, declared: None };
                claim(all, wanted, &path, one);
            }
        }
        for line in &paragraph.conffiles {
            manifest.update(line.as_bytes());
            let Some((path, checksum, role)) = conffile(line) else { continue };
            let path = diverted.moved(path.as_bytes(), paragraph.name);
            known.insert(path.clone());
            claim(all, wanted, &path, Claim { package: number, checksum, role, declared: None });
        }
        let has_list = file("list").is_some();
        let list = content(files, file("list"), all);
        if !has_sums && list.as_ref().is_some_and(|list| has_programs(list)) {
            all.without_digests.push(paragraph.name.to_owned());
        }
        if !has_list && words.contains(&"installed") {
            all.without_list.push(paragraph.name.to_owned());
        }
        if let Some(content) = list {
            for path in content.split(|byte| *byte == b'\n').filter(|path| path.starts_with(b"/")) {
                let path = if path == b"/." { b"/" } else { path };
                let path = diverted.moved(path, paragraph.name);
                if !known.contains(&path) {
                    let role = Role::Part;
                    let one = Claim { package: number, checksum: None, role, declared: None };
                    claim(all, wanted, &path, one);
                }
            }
        }
    } else {
        for line in &paragraph.conffiles {
            let Some((path, checksum, _)) = conffile(line) else { continue };
            let role = Role::Configuration { obsolete: true, remove_on_upgrade: false };
            let one = Claim { package: number, checksum, role, declared: None };
            claim(all, wanted, path.as_bytes(), one);
        }
    }
    let name = if paragraph.same {
        format!("{}:{}", paragraph.name, paragraph.architecture)
    } else {
        paragraph.name.to_owned()
    };
    all.owners.push(Owner {
        name,
        version: paragraph.version.to_owned(),
        manifest: manifest.finalize().to_hex().chars().take(16).collect(),
    });
}

/// Whether a list of files has some that should have digests: anything but directories, which are
/// those that others lie below, documentation and configuration.
fn has_programs(list: &[u8]) -> bool {
    let mut paths: Vec<&[u8]> = list.split(|byte| *byte == b'\n').collect();
    paths.sort_unstable();
    let is_folder = |at: usize, path: &[u8]| {
        let next = paths.get(at + 1).and_then(|next| next.strip_prefix(path));
        next.is_some_and(|rest| rest.starts_with(b"/"))
    };
    paths.iter().enumerate().any(|(at, path)| {
        path.starts_with(b"/")
            && !path.starts_with(b"/etc/")
            && !path.starts_with(b"/usr/share/doc/")
            && *path != b"/."
            && !is_folder(at, path)
    })
}

fn content(
    files: &dyn Files,
    path: Option<std::path::PathBuf>,
    all: &mut PackageFiles,
) -> Option<std::sync::Arc<Vec<u8>>> {
    match files.read_up_to(&path?, SIZE_LIMIT) {
        Ok(content) => content,
        Err(why) => {
            all.unread.push(why);
            None
        }
    }
}

/// Lines of `md5sums`: digest, two spaces, path.
fn md5sums(content: &[u8]) -> impl Iterator<Item = (&[u8], Checksum)> {
    content.split(|byte| *byte == b'\n').filter_map(|line| {
        let (sum, rest) = line.split_at_checked(32)?;
        let path = rest.strip_prefix(b"  ").or_else(|| rest.strip_prefix(b" *"))?;
        let path = path.strip_prefix(b"./").unwrap_or(path);
        Some((path, Checksum::from_hex(std::str::from_utf8(sum).ok()?)?))
    })
}

/// ` PATH MD5[ obsolete][ remove-on-upgrade]`.
fn conffile(line: &str) -> Option<(&str, Option<Checksum>, Role)> {
    let mut rest = line.trim();
    let mut obsolete = false;
    let mut remove_on_upgrade = false;
    loop {
        if let Some(before) = rest.strip_suffix(" obsolete") {
            (rest, obsolete) = (before, true);
        } else if let Some(before) = rest.strip_suffix(" remove-on-upgrade") {
            (rest, remove_on_upgrade) = (before, true);
        } else {
            break;
        }
    }
    let (path, sum) = rest.rsplit_once(' ')?;
    Some((path, Checksum::from_hex(sum), Role::Configuration { obsolete, remove_on_upgrade }))
}

/// `status.d/NAME` and `status.d/NAME.md5sums` of images without dpkg.
fn parts(files: &dyn Files, wanted: Wanted, all: &mut PackageFiles) {
    let names = match files.list(Path::new(PARTS)) {
        Ok(names) => names,
        Err(why) => {
            all.unread.push(why);
            return;
        }
    };
    for name in names.iter().flat_map(|names| names.iter()).filter_map(|name| name.to_str()) {
        if name.ends_with(".md5sums") || all.owners.len() >= PACKAGE_LIMIT {
            continue;
        }
        let path = Path::new(PARTS).join(name);
        let Some(paragraph) = content(files, Some(path), all) else { continue };
        let text = String::from_utf8_lossy(&paragraph);
        let field = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.map(|value| value.trim().to_owned()).unwrap_or_default()
        };
        let number = u32::try_from(all.owners.len()).unwrap_or(u32::MAX);
        let sums = Path::new(PARTS).join(format!("{name}.md5sums"));
        let sums = content(files, Some(sums), all);
        if sums.is_none() {
            all.without_digests.push(field("Package:"));
        }
        let sums = sums.unwrap_or_default();
        for (path, sum) in md5sums(&sums) {
            let path = [b"/", path].concat();
            let role = Role::Part;
            let one = Claim { package: number, checksum: Some(sum), role, declared: None };
            claim(all, wanted, &path, one);
        }
        let manifest = blake3::hash(&sums).to_hex().chars().take(16).collect();
        all.owners.push(Owner { name: field("Package:"), version: field("Version:"), manifest });
        if !all.databases.iter().any(|known| known == Path::new(PARTS)) {
            all.databases.push(PARTS.into());
        }
    }
}

/// Where dpkg-divert(1) has moved files: by path, the place and the package whose file stays.
#[derive(Default)]
struct Diverted(HashMap<Vec<u8>, (Vec<u8>, Vec<u8>)>);

impl Diverted {
    fn moved(&self, path: &[u8], package: &str) -> Vec<u8> {
        match self.0.get(path) {
            Some((to, by)) if by != package.as_bytes() => to.clone(),
            _ => path.to_vec(),
        }
    }
}

/// Lines by three: from, to, package (`:` for the admin).
fn diversions(files: &dyn Files, all: &mut PackageFiles) -> Diverted {
    let content = match files.read(Path::new(DIVERSIONS)) {
        Ok(content) => content.unwrap_or_default(),
        Err(why) => {
            all.unread.push(why);
            return Diverted::default();
        }
    };
    let lines: Vec<&[u8]> =
        content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    if !lines.len().is_multiple_of(3) {
        let why = "its lines do not come by three".to_owned();
        all.unread.push(Unknown::new(DIVERSIONS, Cause::Malformed(why)));
    }
    let threes = lines.chunks_exact(3).filter_map(|three| match three {
        [from, to, by] => Some((from.to_vec(), (to.to_vec(), by.to_vec()))),
        _ => None,
    });
    Diverted(threes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn a_conffile_may_have_spaces_and_marks() {
        let line = format!(" /etc/a b {MD5} obsolete");
        let (path, sum, role) = conffile(&line).unwrap();
        assert_eq!((path, sum.is_some()), ("/etc/a b", true));
        assert_eq!(role, Role::Configuration { obsolete: true, remove_on_upgrade: false });
        let (_, sum, role) = conffile(" /etc/a newconffile remove-on-upgrade").unwrap();
        assert_eq!(sum, None);
        assert_eq!(role, Role::Configuration { obsolete: false, remove_on_upgrade: true });
    }

    #[test]
    fn md5sums_keep_spaces_in_names() {
        let content = format!("{MD5}  usr/a  b\n{MD5} *usr/c\nnonsense\n");
        let paths: Vec<&[u8]> = md5sums(content.as_bytes()).map(|(path, _)| path).collect();
        assert_eq!(paths, [&b"usr/a  b"[..], b"usr/c"]);
    }
}

//! What Debian keeps beside packages: owners and modes that the admin wants (dpkg-statoverride(1)),
//! configuration of ucf(1), and links of update-alternatives(1).

use super::claim;
use crate::facts::package_file::{Checksum, Claim, Owner, PackageFiles, Role};
use crate::host::Files;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const OVERRIDES: &str = "/var/lib/dpkg/statoverride";
const ALTERNATIVES: &str = "/var/lib/dpkg/alternatives";
const LINKS: &str = "/etc/alternatives";
const UCF_HASHES: &str = "/var/lib/ucf/hashfile";
const UCF_REGISTRY: &str = "/var/lib/ucf/registry";

pub(super) fn read(files: &dyn Files, all: &mut PackageFiles) {
    overrides(files, all);
    ucf(files, all);
    alternatives(files, all);
}

fn lines(files: &dyn Files, path: &str, all: &mut PackageFiles) -> Vec<String> {
    match files.read(Path::new(path)) {
        Ok(content) => {
            let content = content.unwrap_or_default();
            String::from_utf8_lossy(&content).lines().map(str::to_owned).collect()
        }
        Err(why) => {
            all.unread.push(why);
            Vec::new()
        }
    }
}

/// `user group mode path`.
fn overrides(files: &dyn Files, all: &mut PackageFiles) {
    for line in lines(files, OVERRIDES, all) {
        let mut words = line.splitn(4, ' ');
        let (Some(user), Some(group), Some(mode), Some(path)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if let Ok(mode) = u16::from_str_radix(mode, 8) {
            let path = all.canonical(path.as_bytes());
            all.overrides.insert(path, (user.to_owned(), group.to_owned(), mode & 0o7777));
        }
    }
}

/// `hashfile` has the digests of what packages brought last, `registry` the package of each path.
fn ucf(files: &dyn Files, all: &mut PackageFiles) {
    let registry: HashMap<String, String> = lines(files, UCF_REGISTRY, all)
        .iter()
        .filter_map(|line| line.split_once(char::is_whitespace))
        .map(|(package, path)| (path.trim().to_owned(), package.to_owned()))
        .collect();
    let mut numbers: HashMap<String, u32> = HashMap::new();
    for line in lines(files, UCF_HASHES, all) {
        let Some((sum, path)) = line.split_once(char::is_whitespace) else { continue };
        let path = path.trim();
        let package = registry.get(path).cloned().unwrap_or_else(|| "ucf".to_owned());
        let next = u32::try_from(all.owners.len()).unwrap_or(u32::MAX);
        let number = *numbers.entry(package.clone()).or_insert_with(|| {
            let known = all.owners.iter().position(|owner| owner.name == package);
            known.and_then(|known| u32::try_from(known).ok()).unwrap_or_else(|| {
                let (version, manifest) = (String::new(), String::new());
                all.owners.push(Owner { name: package, version, manifest });
                next
            })
        });
        let checksum = Checksum::from_hex(sum);
        let one = Claim { package: number, checksum, role: Role::Ucf, declared: None };
        claim(all, None, path.as_bytes(), one);
    }
}

/// A file for each name: `auto` or `manual`, the link, then name and link of each that follows it, an
/// empty line; then each choice with its priority and the targets of those that follow.
fn alternatives(files: &dyn Files, all: &mut PackageFiles) {
    let Ok(Some(names)) = files.list(Path::new(ALTERNATIVES)) else { return };
    for name in names.iter() {
        let path = Path::new(ALTERNATIVES).join(name);
        let content = match files.read(&path) {
            Ok(content) => content.unwrap_or_default(),
            Err(why) => {
                all.unread.push(why);
                continue;
            }
        };
        let mut lines = content.split(|byte| *byte == b'\n');
        let _how = lines.next();
        let Some(link) = lines.next() else { continue };
        let mut family = vec![(name.as_bytes().to_vec(), link.to_vec())];
        while let Some(slave) = lines.next().filter(|line| !line.is_empty()) {
            let Some(link) = lines.next() else { break };
            family.push((slave.to_vec(), link.to_vec()));
        }
        let mut targets: Vec<Vec<Vec<u8>>> = vec![Vec::new(); family.len()];
        while let Some(choice) = lines.next().filter(|line| !line.is_empty()) {
            let _priority = lines.next();
            for (index, place) in targets.iter_mut().enumerate() {
                let target = if index == 0 { Some(choice) } else { lines.next() };
                place.extend(target.filter(|target| !target.is_empty()).map(<[u8]>::to_vec));
            }
        }
        for ((name, link), targets) in family.into_iter().zip(targets) {
            let middle = [LINKS.as_bytes(), b"/", &name].concat();
            let link = all.canonical(&link);
            all.alternatives.insert(link, vec![middle.clone()]);
            all.alternatives.insert(middle, targets);
        }
    }
}

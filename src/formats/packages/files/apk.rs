//! apk: `F:` directories with `M:`, `R:` files with `a:` (owner, group, mode) and `Z:` (SHA-1, base64
//! behind `Q1`) of `/lib/apk/db/installed`.

use super::{Wanted, claim};
use crate::facts::package_file::{Checksum, Claim, Declared, Owner, PackageFiles, Role};
use crate::host::Files;
use std::path::Path;

const DATABASES: [&str; 2] = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];
const SIZE_LIMIT: u64 = 256 << 20;

pub(super) fn read(files: &dyn Files, wanted: Wanted, all: &mut PackageFiles) {
    for path in DATABASES {
        match files.read_up_to(Path::new(path), SIZE_LIMIT) {
            Ok(Some(content)) => {
                all.databases.push(path.into());
                database(&content, wanted, all);
                return;
            }
            Ok(None) => {}
            Err(why) => all.unread.push(why),
        }
    }
}

fn database(content: &[u8], wanted: Wanted, all: &mut PackageFiles) {
    let (mut name, mut version) = (String::new(), String::new());
    let mut folder: Vec<u8> = Vec::new();
    let mut pending: Option<(Vec<u8>, Claim)> = None;
    let mut manifest = blake3::Hasher::new();
    let mut begun = false;
    for line in content.split(|byte| *byte == b'\n') {
        let number = u32::try_from(all.owners.len()).unwrap_or(u32::MAX);
        if line.is_empty() {
            flush(&mut pending, wanted, all);
            if begun {
                let manifest = manifest.finalize().to_hex().chars().take(16).collect();
                let (name, version) = (std::mem::take(&mut name), std::mem::take(&mut version));
                all.owners.push(Owner { name, version, manifest });
            }
            manifest = blake3::Hasher::new();
            (folder, begun) = (Vec::new(), false);
            continue;
        }
        begun = true;
        manifest.update(line);
        let Some((key, value)) = line.split_first_chunk::<2>() else { continue };
        let text = || String::from_utf8_lossy(value).into_owned();
        match key {
            b"P:" => name = text(),
            b"V:" => version = text(),
            b"F:" => {
                flush(&mut pending, wanted, all);
                folder = [b"/", value].concat();
                pending = Some((folder.clone(), part(number)));
            }
            b"R:" => {
                flush(&mut pending, wanted, all);
                pending = Some(([folder.as_slice(), b"/", value].concat(), part(number)));
            }
            b"M:" | b"a:" => {
                if let Some((_, claim)) = &mut pending {
                    claim.declared = owner(&text());
                }
            }
            b"Z:" => {
                if let Some((_, claim)) = &mut pending {
                    claim.checksum = text().strip_prefix("Q1").and_then(base64).map(Checksum::Sha1);
                }
            }
            _ => {}
        }
    }
    flush(&mut pending, wanted, all);
}

fn part(package: u32) -> Claim {
    Claim { package, checksum: None, role: Role::Part, declared: None }
}

fn flush(pending: &mut Option<(Vec<u8>, Claim)>, wanted: Wanted, all: &mut PackageFiles) {
    if let Some((path, mut one)) = pending.take() {
        // apk leaves configuration alone that has been changed: what is in /etc is protected.
        if path.starts_with(b"/etc/") && one.checksum.is_some() {
            one.role = Role::CONFIGURATION;
        }
        claim(all, wanted, &path, one);
    }
}

/// `uid:gid:mode`.
fn owner(text: &str) -> Option<Box<Declared>> {
    let mut words = text.split(':');
    let (user, group, mode) = (words.next()?, words.next()?, words.next()?);
    Some(Box::new(Declared {
        mode: u32::from_str_radix(mode, 8).ok(),
        user: user.to_owned(),
        group: group.to_owned(),
        ..Declared::default()
    }))
}

/// 20 bytes in base64.
fn base64(text: &str) -> Option<[u8; 20]> {
    let mut bits = 0_u32;
    let mut count = 0;
    let mut out = Vec::with_capacity(21);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
        if out.len() > 20 {
            return None;
        }
    }
    out.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_digest() {
        let sum = base64("2jmj7l5rSw0yVb/vlWAYkK/YBwk=").unwrap();
        assert_eq!(sum[..4], [0xda, 0x39, 0xa3, 0xee]);
        assert!(base64("2jmj").is_none() && base64("!").is_none());
    }
}

//! The file of all certificate authorities, which update-ca-certificates(8) puts together.

use super::evidence::Evidence;
use crate::facts::file::FileKind;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Whom programs trust, in one file; update-ca-certificates(8) puts it together.
pub(super) const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
/// From what is in these, which the baseline has too.
const AUTHORITIES: [&str; 2] = ["/usr/share/ca-certificates", "/usr/local/share/ca-certificates"];
/// The most files that are read for that.
const AUTHORITIES_LIMIT: usize = 4096;

/// Which of those of packages are wanted, `!` before those that are not; update-ca-certificates(8).
const CONF: &str = "/etc/ca-certificates.conf";
const OF_PACKAGES: &str = "/usr/share/ca-certificates";

/// Whether every certificate in the file of all is one of those that it is made from: an authority
/// that somebody has only added there, or that the host does not want, is nobody's.
///
/// # Errors
/// In words, what is not so.
pub(super) fn judge(evidence: &Evidence) -> Result<(), String> {
    let target = evidence.target;
    if !evidence.has_tool(&["update-ca-certificates"], false) {
        return Err("that program is not here".to_owned());
    }
    let conf = target.read(Path::new(CONF)).map_err(|why| why.to_string())?;
    let conf = conf.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let refused: HashSet<PathBuf> = conf
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| Some(Path::new(OF_PACKAGES).join(line.trim().strip_prefix('!')?)))
        .collect();
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
                Ok(Some(file))
                    if file.kind == FileKind::File
                        && count < AUTHORITIES_LIMIT
                        && !refused.contains(&path) =>
                {
                    known.extend(read(&path).iter().flat_map(|text| blocks(text)));
                }
                _ => {}
            }
        }
    }
    let all = read(Path::new(CERTIFICATES)).ok_or("it could not be read")?;
    match blocks(&all).iter().all(|block| known.contains(block)) {
        true => Ok(()),
        false => Err("it has a certificate that is not one of those it is made from".to_owned()),
    }
}

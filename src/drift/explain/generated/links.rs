//! Links that programs make, each only with a target that it may have.

use super::evidence::Evidence;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Links of update-alternatives(1), systemctl(1), update-rc.d(8) and update-ca-certificates(8), each
/// only with a target that it may have.
pub(super) fn made_by(path: &[u8], link: &[u8], evidence: &Evidence) -> Option<&'static str> {
    let (packages, target) = (evidence.packages, evidence.target);
    let by = |tools: &[&str], by: &'static str| evidence.has_tool(tools, false).then_some(by);
    let targets = packages.alternatives.get(path);
    let targets = targets.or_else(|| packages.alternatives.get(&packages.canonical(path)));
    if targets.is_some_and(|targets| targets.iter().any(|legal| legal == link)) {
        // Who can write that list can put anything into it: what a package has is meant.
        let to = leads_to(path, link);
        let known = to.starts_with(b"/etc/alternatives/") || !packages.claims(&to).is_empty();
        let tools = ["update-alternatives", "alternatives"];
        return known.then(|| by(&tools, "update-alternatives")).flatten();
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
        let tools = ["systemctl", "deb-systemd-helper"];
        return claimed().then(|| by(&tools, "systemctl enable")).flatten();
    }
    let rc = folder_name.strip_prefix("rc").and_then(|rest| rest.strip_suffix(".d"));
    if rc.is_some_and(|level| level.len() == 1) && leads_to.starts_with("/etc/init.d") {
        let script = name.get(3..).unwrap_or_default();
        let same = leads_to.file_name().is_some_and(|target| target == script);
        let tools = ["update-rc.d", "chkconfig"];
        return (same && claimed()).then(|| by(&tools, "update-rc.d")).flatten();
    }
    if folder == Path::new("/etc/ssl/certs") {
        let inside = leads_to.starts_with("/etc/ssl/certs")
            || leads_to.starts_with("/usr/share/ca-certificates");
        let there = || target.file(&leads_to).is_ok_and(|file| file.is_some());
        let tools = ["update-ca-certificates", "openssl", "c_rehash"];
        return (inside && there()).then(|| by(&tools, "update-ca-certificates")).flatten();
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

//! What this host is, and how much of it the reader may see.

use crate::facts::host::{Host, Privilege, TargetKind};
use crate::host::{Files, READ_LIMIT};
use crate::targets::live::vantage::{self, Namespace};
use crate::targets::live::{filesystem, proc_file, status};
use crate::targets::rootfs::Rootfs;
use std::path::Path;

const CAP_DAC_OVERRIDE: u32 = 1;
const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_PTRACE: u32 = 19;
const PROC_LIMIT: usize = 2 << 20;

/// Looks at the host itself. What cannot be read is left out: nothing is decided by it.
pub(super) fn host() -> Host {
    // The name of process 1's UTS namespace where that may be joined.
    let ask = || Ok(nix::sys::utsname::uname().ok());
    let uname =
        vantage::as_process_1(Namespace::Uts, "the name of the host", ask).or_else(|_| ask());
    let uname: Option<_> = uname.ok().flatten();
    let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
    // os-release(5): /etc first.
    let host = host_root();
    let release = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|path| {
        let path = Path::new(path);
        match &host {
            Some(root) => root.read(path).ok().flatten().map(|bytes| bytes.to_vec()),
            None => filesystem::read(path, READ_LIMIT).ok().flatten(),
        }
    });
    Host {
        name: uname.as_ref().map(|u| text(u.nodename())).unwrap_or_default(),
        kind: TargetKind::Host,
        kernel: uname.as_ref().map(|u| text(u.release())),
        os_release: release.map(|bytes| os_release(&bytes)).unwrap_or_default(),
        privilege: privilege(),
        recorded: None,
        inside: container(),
    }
}

/// The engine of the container that spotcheck and process 1 are in: a pid namespace other than the first,
/// and the marks that engines leave.
fn container() -> Option<String> {
    const ENGINES: [(&str, &str); 4] = [
        ("/docker/", "docker"),
        ("/containers/storage/", "podman"),
        ("io.containerd.snapshotter", "containerd"),
        ("/crio/", "cri-o"),
    ];
    if vantage::is_first_pid_namespace() {
        return None;
    }
    if Path::new("/run/.containerenv").exists() {
        return Some("podman".to_owned());
    }
    // The layers of which the root directory is made say where they lie.
    let mounts = proc_file::bounded("/proc/1/mountinfo", PROC_LIMIT).ok().flatten()?;
    let text = String::from_utf8_lossy(&mounts);
    let root = text.lines().find(|line| line.split(' ').nth(4) == Some("/"))?;
    // A machine that was made of an image may have the file as well.
    if root.contains(" - overlay ") && Path::new("/.dockerenv").exists() {
        return Some("docker".to_owned());
    }
    let found = ENGINES.iter().find(|(place, _)| root.contains(place));
    found.map(|(_, engine)| (*engine).to_owned())
}

/// What process 1 calls `/`, where that is in another mount namespace and may be looked at: rules are
/// about its files, so `when: { os: }` is as well.
fn host_root() -> Option<Rootfs> {
    let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/mnt")).ok();
    if namespace("self")? == namespace("1")? {
        return None;
    }
    Rootfs::open(Path::new("/proc/1/root")).ok()
}

fn privilege() -> Privilege {
    let read = |path: &str| proc_file::bounded(path, PROC_LIMIT).ok().flatten().unwrap_or_default();
    let effective = status::parse(0, &read("/proc/self/status"))
        .map_or(0, |status| status.thread.capabilities.effective);
    let initial = maps_everything(&read("/proc/self/uid_map"));
    Privilege { uid: nix::unistd::geteuid().as_raw(), full: initial && sees_everything(effective) }
}

/// Whether these effective capabilities allow to read every process and every file.
fn sees_everything(effective: u64) -> bool {
    let has = |capability: u32| effective >> capability & 1 == 1;
    has(CAP_SYS_PTRACE) && (has(CAP_DAC_READ_SEARCH) || has(CAP_DAC_OVERRIDE))
}

/// Whether a `uid_map` is that of the initial user namespace, `user_namespaces(7)`: capabilities
/// reach no further than the namespace.
pub fn maps_everything(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    words == ["0", "0", "4294967295"]
}

/// Parses `os-release(5)`: assignments as a shell takes them, without expansions. The last of
/// several counts. What is no assignment is left out.
pub fn os_release(bytes: &[u8]) -> Vec<(String, String)> {
    const LIMIT: usize = 1000;
    let text = String::from_utf8_lossy(bytes);
    let mut found: Vec<(String, String)> = Vec::new();
    for line in text.lines().map(str::trim).take(LIMIT) {
        let Some((key, value)) = line.split_once('=') else { continue };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if key.is_empty() || !key.chars().all(plain) {
            continue;
        }
        let value = unquote(value);
        match found.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => found.push((key.to_owned(), value)),
        }
    }
    found
}

/// Removes quotes and backslashes as a shell would.
fn unquote(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut quote = None;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None) => out.extend(chars.next()),
            ('\\', Some('"')) => {
                // Within double quotes a backslash is special before these only.
                match chars.next_if(|next| matches!(next, '"' | '\\' | '$' | '`')) {
                    Some(next) => out.push(next),
                    None => out.push('\\'),
                }
            }
            (' ' | '\t', None) => break,
            (c, _) => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn os_release_is_read_as_a_shell_would() {
        let text = b"# comment\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n\
            VERSION='12 \\a'\nA=\"a\\\"b\\$c\\d\"\nB=a\\ b c\nID=ubuntu\nno assignment\n=x\nX-Y=1\n";
        let found = os_release(text);
        let get = |key: &str| found.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        assert_eq!(get("PRETTY_NAME"), Some("Debian GNU/Linux 12 (bookworm)"));
        assert_eq!(get("ID"), Some("ubuntu"));
        assert_eq!(get("VERSION"), Some("12 \\a"));
        assert_eq!(get("A"), Some("a\"b$c\\d"));
        assert_eq!(get("B"), Some("a b"));
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn full_sight_takes_both_kinds_of_capability() {
        let bit = |n: u32| 1u64 << n;
        assert!(sees_everything(bit(CAP_SYS_PTRACE) | bit(CAP_DAC_READ_SEARCH)));
        assert!(sees_everything(bit(CAP_SYS_PTRACE) | bit(CAP_DAC_OVERRIDE)));
        assert!(!sees_everything(bit(CAP_SYS_PTRACE)));
        assert!(!sees_everything(bit(CAP_DAC_READ_SEARCH) | bit(CAP_DAC_OVERRIDE)));
    }

    #[test]
    fn only_the_initial_user_namespace_maps_everything() {
        assert!(maps_everything(b"         0          0 4294967295\n"));
        assert!(!maps_everything(b"0 1000 1\n"));
        assert!(!maps_everything(b"0 100000 65536\n"));
        assert!(!maps_everything(b"0 0 1000\n1000 1000 4294966295\n"));
        assert!(!maps_everything(b""));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([A-Z=\"'\\\\ \n]|\\PC){0,80}") {
            let _ = os_release(text.as_bytes());
        }
    }
}

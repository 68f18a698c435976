//! Accounts and groups that are in none of the files: what `nsswitch.conf(5)` brings in beside them.
//!
//! Nobody lists them here: a directory may hold millions, and its modules would have to be run. So an
//! answer about all accounts is not known where there is such a service.

use crate::facts::Fact;
use crate::facts::name_services::services;
use crate::host::Files;
use std::path::Path;

/// The name service switch.
const SWITCH: &str = "/etc/nsswitch.conf";

/// Why there may be accounts or groups beside those of these contents of `/etc/passwd` and `/etc/group`.
///
/// # Errors
/// Where that cannot be seen.
pub fn elsewhere(files: &dyn Files, passwd: &[u8], group: &[u8]) -> Fact<Vec<String>> {
    let Some(content) = files.read(Path::new(SWITCH))? else { return Ok(Vec::new()) };
    let text = String::from_utf8_lossy(&content);
    let mut found = Vec::new();
    for (database, path, lines) in
        [("passwd", "/etc/passwd", passwd), ("group", "/etc/group", group)]
    {
        for service in services(&text, database).into_iter().flatten() {
            match service {
                "files" | "systemd" | "mymachines" => {}
                "compat" => found.extend(of_other_services(path, lines)),
                // sssd does not start without a configuration, sssd.conf(5).
                "sss" if !is_configured(files)? => {}
                other => found.push(format!(
                    "{database}: {other} in {SWITCH} brings in what is not listed here"
                )),
            }
        }
    }
    Ok(found)
}

fn is_configured(files: &dyn Files) -> Fact<bool> {
    let named = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".conf");
    Ok(files.file(Path::new("/etc/sssd/sssd.conf"))?.is_some()
        || files.list(Path::new("/etc/sssd/conf.d"))?.is_some_and(|names| names.iter().any(named)))
}

/// Lines that begin with `+`, which `compat` takes for accounts of other services: a name, `@` and a
/// netgroup, or everybody.
fn of_other_services<'a>(path: &'a str, lines: &'a [u8]) -> impl Iterator<Item = String> + 'a {
    let lines = (1..).zip(lines.split(|byte| *byte == b'\n'));
    let plus = lines.filter(|(_, line)| line.trim_ascii_start().starts_with(b"+"));
    plus.map(move |(number, line): (u32, &[u8])| {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let name = String::from_utf8_lossy(name.get(..64).unwrap_or(name)).trim().to_owned();
        format!("{path}:{number}: {name} brings in accounts of other services")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    fn of(switch: &str, passwd: &str) -> Vec<String> {
        let host = Memory::new().file(SWITCH, 0o644, 0, 0, switch);
        elsewhere(&host, passwd.as_bytes(), b"root:x:0:\n+:::\n").unwrap()
    }

    #[test]
    fn services_are_told_from_what_decides_whether_they_are_asked() {
        let text =
            "passwd: ldap\n passwd : files [NOTFOUND=return] sss[!UNAVAIL=return x]db # nis\n";
        assert_eq!(services(text, "passwd"), Some(vec!["files", "sss", "db"]));
        assert_eq!(services(text, "group"), None);
    }

    #[test]
    fn what_distributions_ship_brings_in_nobody() {
        let lines = "root:x:0:0::/root:/bin/sh\n+ann::::::\n";
        for switch in ["passwd: files systemd\ngroup: files systemd\n", "passwd: files sss\n", ""] {
            assert_eq!(of(switch, lines), Vec::<String>::new(), "{switch}");
        }
        assert_eq!(elsewhere(&Memory::new(), b"+\n", b"+\n"), Ok(Vec::new()));
    }

    #[test]
    fn directories_and_lines_of_compat_bring_in_others() {
        let lines = "root:x:0:0::/root:/bin/sh\n+ann::::::\n  +@staff::::::\n-eve\n";
        assert_eq!(
            of("passwd: compat\ngroup: compat\n", lines),
            [
                "/etc/passwd:2: +ann brings in accounts of other services",
                "/etc/passwd:3: +@staff brings in accounts of other services",
                "/etc/group:2: + brings in accounts of other services",
            ]
        );
        assert!(of("group: files ldap\n", lines)[0].starts_with("group: ldap in"));
        let host = Memory::new().file(SWITCH, 0o644, 0, 0, "passwd: files sss\n").file(
            "/etc/sssd/sssd.conf",
            0o600,
            0,
            0,
            "[sssd]\n",
        );
        assert_eq!(elsewhere(&host, b"", b"").unwrap().len(), 1);
        let closed = Memory::new().file(SWITCH, 0o600, 0, 0, "").unreadable(SWITCH);
        assert!(elsewhere(&closed, b"", b"").is_err());
    }
}

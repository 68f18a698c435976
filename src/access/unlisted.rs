//! Why somebody may be in a group whom no account file names: a service of `nsswitch.conf(5)` whose
//! accounts and groups are in no file that is read here.
//!
//! The C library asks every service of `initgroups` (of `group` where that is not named) for the
//! groups of an account, also for groups that the files have (`internal_getgrouplist()` of glibc's
//! `grp/initgroups.c`), and an account of any service of `passwd` may have any group as its first.

use crate::facts::name_services::services;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, Target};
use std::path::Path;

/// The name service switch.
const SWITCH: &str = "/etc/nsswitch.conf";
/// Records of `nss-systemd(8)`.
const USERDB: [&str; 5] =
    ["/etc/userdb", "/run/userdb", "/run/host/userdb", "/usr/local/lib/userdb", "/usr/lib/userdb"];
/// Home directories that carry their account, `systemd-homed(8)`.
const HOMED: &str = "/var/lib/systemd/home";
/// Where services offer accounts to systemd; its own are called `io.systemd.*`.
const PROVIDERS: &str = "/run/systemd/userdb";

/// What is known for the run.
#[derive(Clone)]
struct Known(Fact<Option<Unknown>>);

/// Why somebody may be missing from the members of any group; `None`: nobody is.
///
/// # Errors
/// Where that cannot be seen.
pub fn unlisted(target: &dyn Target) -> Fact<Option<Unknown>> {
    let Known(answer) = target.memo().get_or_init(|| Known(look(target)));
    answer
}

fn look(target: &dyn Target) -> Fact<Option<Unknown>> {
    let Some(content) = target.read(Path::new(SWITCH))? else { return Ok(None) };
    let text = String::from_utf8_lossy(&content);
    let of_groups = match services(&text, "initgroups") {
        Some(found) => ("initgroups", found),
        None => ("group", services(&text, "group").unwrap_or_default()),
    };
    let of_users = ("passwd", services(&text, "passwd").unwrap_or_default());
    for (database, service) in [of_groups, of_users]
        .into_iter()
        .flat_map(|(database, found)| found.into_iter().map(move |service| (database, service)))
    {
        if let Some(why) = adds(target, service)? {
            let what = format!("who else is in a group ({database}: {service} in {SWITCH})");
            return Ok(Some(Unknown::new(what, Cause::Unsupported(why))));
        }
    }
    Ok(None)
}

/// What a service may add that is not listed.
fn adds(files: &dyn Target, service: &str) -> Fact<Option<String>> {
    let unlisted = || Some(format!("what {service} answers is not listed here"));
    Ok(match service {
        "files" | "compat" | "mymachines" | "myhostname" => None,
        "systemd" => of_systemd(files)?,
        // sssd does not start without a configuration, sssd.conf(5).
        "sss" => {
            let configured = is_there(files, "/etc/sssd/sssd.conf")?
                || named(files, "/etc/sssd/conf.d", |name| name.ends_with(".conf"))?.is_some();
            if configured { unlisted() } else { None }
        }
        // libnss-extrausers: the files of accounts once more, for systems whose own are read-only.
        "extrausers" => {
            let mut used = false;
            for name in ["passwd", "group"] {
                let path = format!("/var/lib/extrausers/{name}");
                used |= files.file(Path::new(&path))?.is_some_and(|fact| fact.size > 0);
            }
            if used { unlisted() } else { None }
        }
        "db" => {
            let used = is_there(files, "/var/lib/misc/group.db")?
                || is_there(files, "/var/lib/misc/passwd.db")?;
            if used { unlisted() } else { None }
        }
        _ => unlisted(),
    })
}

/// systemd itself knows root, nobody and users of units, who are in no group but their own.
fn of_systemd(files: &dyn Target) -> Fact<Option<String>> {
    let is_record =
        |name: &str| [".membership", ".user", ".group"].iter().any(|ending| name.ends_with(ending));
    for place in USERDB {
        if let Some(name) = named(files, place, is_record)? {
            return Ok(Some(format!("the record {place}/{name} is not read")));
        }
    }
    let is_home = |name: &str| name.ends_with(".identity") || name.ends_with(".home");
    if let Some(name) = named(files, HOMED, is_home)? {
        return Ok(Some(format!("the record in {HOMED}/{name} is not read")));
    }
    let foreign = |name: &str| !name.starts_with("io.systemd.");
    let provider = named(files, PROVIDERS, foreign)?;
    Ok(provider.map(|name| format!("what {PROVIDERS}/{name} answers is not listed here")))
}

fn is_there(files: &dyn Files, path: &str) -> Fact<bool> {
    Ok(files.file(Path::new(path))?.is_some())
}

/// The first name in a directory that is of a kind.
fn named(files: &dyn Files, folder: &str, wanted: impl Fn(&str) -> bool) -> Fact<Option<String>> {
    let names = files.list(Path::new(folder))?;
    let mut names = names.iter().flat_map(|names| names.iter()).map(|name| name.to_string_lossy());
    Ok(names.find(|name| wanted(name)).map(|name| name.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    fn of(switch: &str, more: &[&str]) -> Option<String> {
        let mut host = Memory::new().file(SWITCH, 0o644, 0, 0, switch);
        for path in more {
            host = host.file(*path, 0o644, 0, 0, "x");
        }
        unlisted(&host).unwrap().map(|why| why.to_string())
    }

    #[test]
    fn what_distributions_ship_adds_nobody() {
        assert_eq!(
            of("passwd: files systemd\ngroup: files systemd\nhosts: files dns\n", &[]),
            None
        );
        assert_eq!(of("passwd: files sss systemd\ngroup: files [SUCCESS=merge] sss\n", &[]), None);
        assert_eq!(of("passwd: compat\ngroup: files extrausers\nnetgroup: nis\n", &[]), None);
        assert_eq!(unlisted(&Memory::new()).unwrap(), None);
    }

    #[test]
    fn a_service_whose_accounts_are_in_no_file_may_add_somebody() {
        for (switch, more, told) in [
            ("group: files ldap", &[][..], "(group: ldap in /etc/nsswitch.conf)"),
            ("passwd: files winbind\ngroup: files", &[], "(passwd: winbind in"),
            ("group: files\ninitgroups: files nis", &[], "(initgroups: nis in"),
            ("group: files sss", &["/etc/sssd/sssd.conf"], "what sss answers"),
            ("group: files sss", &["/etc/sssd/conf.d/a.conf"], "what sss answers"),
            ("group: files extrausers", &["/var/lib/extrausers/group"], "what extrausers answers"),
            ("group: files db", &["/var/lib/misc/group.db"], "what db answers"),
            ("group: systemd", &["/etc/userdb/bob:sudo.membership"], "bob:sudo.membership is not"),
            ("passwd: systemd", &["/var/lib/systemd/home/eve.identity"], "eve.identity is not"),
            ("group: systemd", &["/run/systemd/userdb/org.example"], "org.example answers"),
        ] {
            let found = of(switch, more).unwrap_or_default();
            assert!(found.contains(told), "{switch}: {found}");
        }
        // Where the groups of an account are asked of the files alone, a directory adds nobody to them.
        assert_eq!(of("group: files ldap\ninitgroups: files\npasswd: files", &[]), None);
    }
}

//! Where root looks: the programs of its search path, the directories of modules of interpreters,
//! the environment that everything is started with.

use super::{Items, command, environment};
use crate::facts::file::FileKind;
use crate::formats::glob3;
use crate::formats::systemd::words;
use crate::host::Target;
use crate::text;
use std::path::Path;

/// Where ids begin that a distribution does not allocate for good, `base-passwd` of Debian.
const STATIC: u32 = 100;
/// The most names of one directory.
const NAMES: usize = 20_000;
/// Directories of modules that interpreters search by themselves: `sys.path` of Python with
/// site(7)'s, `@INC` of Perl, `$LOAD_PATH` of Ruby, of node, PHP, Lua and the C library's own.
const MODULES: &[(&str, &str)] = &[
    ("/usr/lib/python3*", "directory of Python's modules"),
    ("/usr/lib/python3*/dist-packages", "directory of Python's modules"),
    ("/usr/lib/python3*/site-packages", "directory of Python's modules"),
    ("/usr/lib64/python3*/site-packages", "directory of Python's modules"),
    ("/usr/local/lib/python3*/dist-packages", "directory of Python's modules"),
    ("/usr/local/lib/python3*/site-packages", "directory of Python's modules"),
    ("/root/.local/lib/python3*/site-packages", "directory of Python's modules"),
    ("/etc/python3*", "directory of Python's modules"),
    ("/etc/perl", "directory of Perl's modules"),
    ("/usr/local/lib/*/perl/*", "directory of Perl's modules"),
    ("/usr/local/share/perl/*", "directory of Perl's modules"),
    ("/usr/local/lib/site_perl", "directory of Perl's modules"),
    ("/usr/lib/*/perl5/*", "directory of Perl's modules"),
    ("/usr/lib/*/perl/*", "directory of Perl's modules"),
    ("/usr/lib/*/perl-base", "directory of Perl's modules"),
    ("/usr/share/perl/*", "directory of Perl's modules"),
    ("/usr/share/perl5", "directory of Perl's modules"),
    ("/usr/local/lib/site_ruby", "directory of Ruby's modules"),
    ("/usr/lib/ruby/vendor_ruby", "directory of Ruby's modules"),
    ("/var/lib/gems/*", "directory of Ruby's modules"),
    ("/usr/local/lib/node_modules", "directory of node's modules"),
    ("/usr/lib/node_modules", "directory of node's modules"),
    ("/usr/lib/nodejs", "directory of node's modules"),
    ("/usr/share/nodejs", "directory of node's modules"),
    ("/usr/share/php", "directory of PHP's code"),
    ("/etc/php/*/cli/conf.d", "directory of PHP's configuration"),
    ("/usr/local/share/lua/*", "directory of Lua's modules"),
    ("/usr/local/lib/lua/*", "directory of Lua's modules"),
    ("/usr/lib/*/gconv", "directory of character sets, which are libraries"),
    ("/usr/lib64/gconv", "directory of character sets, which are libraries"),
    ("/usr/lib/*/nss", "directory of name services"),
    ("/usr/lib/*/engines-3", "directory of OpenSSL's engines"),
    ("/usr/lib/*/ossl-modules", "directory of OpenSSL's modules"),
];
/// Where systemd is told the environment of what it starts, systemd-system.conf(5).
const MANAGER: [&str; 4] = [
    "/etc/systemd/system.conf",
    "/etc/systemd/system.conf.d/*.conf",
    "/run/systemd/system.conf.d/*.conf",
    "/usr/lib/systemd/system.conf.d/*.conf",
];

/// Adds programs of root's search path that are not plainly root's own, and where interpreters look.
pub(super) fn add(target: &dyn Target, items: &mut Items) {
    for directory in command::PATH.split(':') {
        names(target, Path::new(directory), "program of root's PATH", items);
    }
    for (pattern, what) in MODULES {
        let mut unread = Vec::new();
        for folder in glob3::expand(target, pattern, &mut unread) {
            let is_directory =
                |fact: &crate::facts::file::FileFact| fact.kind == FileKind::Directory;
            match target.file(&folder) {
                Ok(Some(fact)) if is_directory(&fact) => {
                    items.add(&folder, *what);
                    names(target, &folder, &format!("in the {what}"), items);
                }
                Ok(_) => {}
                Err(why) => items.unread.push(why),
            }
        }
        items.unread.extend(unread);
    }
    for pattern in MANAGER {
        let mut unread = Vec::new();
        for file in glob3::expand(target, pattern, &mut unread) {
            items.add(&file, "configuration of systemd");
            manager(target, &file, items);
        }
        items.unread.extend(unread);
        if let Some(folder) = Path::new(pattern).parent().filter(|_| glob3::is_pattern(pattern))
            && matches!(target.file(folder), Ok(Some(_)))
        {
            items.add(folder, "directory of systemd's configuration");
        }
    }
}

/// Names in a directory that are links, or not root's alone. Whoever owns the directory itself is
/// told anyway.
fn names(target: &dyn Target, folder: &Path, what: &str, items: &mut Items) {
    const OTHERS: u16 = 0o022;
    const SETUID: u16 = 0o4000;
    // What /bin leads to is looked through under its own name.
    if matches!(target.file(folder), Ok(Some(fact)) if fact.kind == FileKind::Symlink) {
        return;
    }
    let names = match target.list(folder) {
        Ok(names) => names,
        Err(why) => return items.unread.push(why),
    };
    for name in names.iter().flat_map(|names| names.iter()).take(NAMES) {
        let path = folder.join(name);
        match target.file(&path) {
            Ok(Some(fact)) => {
                let elsewhere = fact.kind == FileKind::Symlink
                    && fact.link_target.as_ref().is_none_or(|to| to.components().count() > 1);
                let open =
                    fact.kind != FileKind::Symlink && (fact.uid != 0 || fact.mode.0 & OTHERS != 0);
                if elsewhere || open {
                    // Ids below 100 are the distribution's own: its packages leave programs to them.
                    // One that is setuid gives its owner nothing by itself.
                    let owners = (1..STATIC).contains(&fact.uid) || fact.mode.0 & SETUID != 0;
                    match owners {
                        true => items.add_but_for_owner(path, what, fact.uid),
                        false => drop(items.add(path, what)),
                    }
                }
            }
            Ok(None) => {}
            Err(why) => items.unread.push(why),
        }
    }
}

/// `DefaultEnvironment=` and `ManagerEnvironment=`.
fn manager(target: &dyn Target, file: &Path, items: &mut Items) {
    let content = match target.read(file) {
        Ok(content) => content.unwrap_or_default(),
        Err(why) => return items.unread.push(why),
    };
    for line in String::from_utf8_lossy(&content).lines().map(str::trim) {
        let keys = ["DefaultEnvironment=", "ManagerEnvironment="];
        if let Some(value) = keys.iter().find_map(|key| line.strip_prefix(key)) {
            for assignment in words(value) {
                environment::add_assignment(&assignment, &text::path(file), items);
            }
        }
    }
}

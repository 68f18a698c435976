//! Whether two names mean the same program.

use crate::access::{Credentials, Permission, decide};
use crate::facts::Fact;
use crate::facts::start::Start;
use crate::host::Files;
use std::path::{Path, PathBuf};

/// Programs of distributions that start a daemon and stay out of the way.
const STARTERS: [(&str, &[&str]); 4] = [
    ("apachectl", &["apache2", "httpd"]),
    ("apache2ctl", &["apache2"]),
    ("pg_ctlcluster", &["postgres"]),
    ("pg_ctl", &["postgres"]),
];

/// The last word of a path.
pub fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Whether what is started as `word` is the program `wanted`, which is a path or a mere name.
///
/// `/bin/x` and `/usr/bin/x` are one where directories are merged. A running process shows the path
/// at the end of all links, so that a rule may name that one.
///
/// # Errors
/// Where a path leads cannot be seen.
pub fn is(word: &str, wanted: &str, files: &dyn Files) -> Fact<bool> {
    let same_name = base(word) == base(wanted);
    if !wanted.starts_with('/') || !word.starts_with('/') {
        return Ok(same_name);
    }
    if without_usr(word) == without_usr(wanted) {
        return Ok(true);
    }
    let Some(at_the_end) = real(word, files)? else { return Ok(false) };
    Ok(without_usr(&at_the_end.to_string_lossy()) == without_usr(wanted)
        || same_name && real(wanted, files)?.is_some_and(|wanted| wanted == at_the_end))
}

/// Whether a declaration starts the program of that path or name, or a script that names it.
///
/// # Errors
/// Where one of the paths leads cannot be seen, and no other is the program.
pub fn runs(start: &Start, exe: &str, files: &dyn Files) -> Fact<bool> {
    runs_one(start, exe, &mut |word| is(word, exe, files))
}

/// The same for the mere name of a program, for which nothing has to be looked at.
pub fn runs_named(start: &Start, name: &str) -> bool {
    runs_one(start, name, &mut |word| Ok(base(word) == base(name))) == Ok(true)
}

fn runs_one(start: &Start, exe: &str, is: &mut dyn FnMut(&str) -> Fact<bool>) -> Fact<bool> {
    let mut unseen = None;
    let mut fits = |word: &str| match is(word) {
        Ok(fits) => fits,
        Err(why) => {
            unseen.get_or_insert(why);
            false
        }
    };
    let own = start.program.as_ref().map(|path| path.to_string_lossy());
    if own.is_some_and(|own| starts(&own, exe) || fits(&own)) {
        return Ok(true);
    }
    // Arguments of a wrapper (a script that ends in exec "$@", sh -c) and its own text.
    if start.script.is_some() || start.is_shell() {
        let arguments = start.command.iter().skip(1).chain(&start.script);
        let mut words = arguments
            .flat_map(|text| text.split(|c: char| c.is_whitespace() || "\"';&|()".contains(c)));
        if words.any(|word| !word.is_empty() && fits(word)) {
            return Ok(true);
        }
    }
    unseen.map_or(Ok(false), Err)
}

/// Whether a program is known to start the daemon `wanted`.
pub fn starts(word: &str, wanted: &str) -> bool {
    let mut starters = STARTERS.iter().filter(|(starter, _)| *starter == base(word));
    starters.any(|(_, daemons)| daemons.contains(&base(wanted)))
}

/// Where a path leads when all links are followed; `None` where that is nowhere.
///
/// # Errors
/// Where that cannot be seen.
pub fn real(path: &str, files: &dyn Files) -> Fact<Option<PathBuf>> {
    let root = Credentials::of(0, [0]);
    let ruling = decide(files, Path::new(path), &root, Permission::Read)?;
    Ok(ruling.filter(|ruling| ruling.allowed).map(|ruling| ruling.component))
}

fn without_usr(path: &str) -> &str {
    match path.strip_prefix("/usr") {
        Some(rest) if rest.starts_with('/') => rest,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    #[test]
    fn a_path_is_the_same_with_and_without_usr_and_at_the_end_of_its_links() {
        let files = Memory::new()
            .file("/opt/web/nginx", 0o755, 0, 0, "")
            .symlink("/usr/bin/nginx", "/etc/alternatives/nginx")
            .symlink("/etc/alternatives/nginx", "/opt/web/nginx")
            .file("/bin/busybox", 0o755, 0, 0, "")
            .symlink("/bin/sh", "busybox")
            .symlink("/bin/httpd", "busybox");
        let same = |word: &str, wanted: &str| is(word, wanted, &files).unwrap();
        assert!(same("/bin/nginx", "/usr/bin/nginx"));
        assert!(same("/usr/bin/nginx", "/opt/web/nginx"));
        assert!(same("/etc/alternatives/nginx", "/usr/bin/nginx"));
        assert!(same("nginx", "/usr/sbin/nginx"));
        assert!(same("/anywhere/nginx", "nginx"));
        // Another program of that name, and another applet of one program, are others.
        assert!(!same("/opt/evil/nginx", "/usr/bin/nginx"));
        assert!(!same("/bin/sh", "/bin/httpd"));
        assert!(same("/bin/sh", "/bin/busybox"));
    }

    #[test]
    fn a_path_that_cannot_be_followed_may_lead_to_the_program() {
        let files = Memory::new()
            .file("/opt/web/nginx", 0o755, 0, 0, "")
            .symlink("/closed/web", "/opt/web/nginx")
            .unreadable("/closed");
        assert!(is("/closed/web", "/opt/web/nginx", &files).is_err());
        assert_eq!(is("/opt/web/nginx", "/opt/web/nginx", &files), Ok(true));
    }
}

//! Whether two names mean the same program.

use crate::access::{Credentials, Permission, decide};
use crate::commands::{self, Context, Reading};
use crate::facts::start::Start;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, Target};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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

/// What commands come to, read once a run.
#[derive(Default)]
struct Readings(RefCell<HashMap<Vec<String>, Arc<Reading>>>);

/// Whether a declaration starts the program of that path or name, by itself, through wrappers or by a
/// script.
///
/// # Errors
/// Where one of the paths leads cannot be seen, and no other is the program; or where a script names
/// it and what the script starts is put together when it runs.
pub fn runs(start: &Start, exe: &str, target: &dyn Target) -> Fact<bool> {
    runs_one(start, exe, target, &mut |word| is(word, exe, target))
}

/// The same for the mere name of a program; where a script may start it, it does.
pub fn runs_named(start: &Start, name: &str, target: &dyn Target) -> bool {
    runs_one(start, name, target, &mut |word| Ok(base(word) == base(name))) != Ok(false)
}

fn runs_one(
    start: &Start,
    exe: &str,
    target: &dyn Target,
    is: &mut dyn FnMut(&str) -> Fact<bool>,
) -> Fact<bool> {
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
    // A program of its own starts what its configuration says, which is not asked here.
    let wrapper = start.command.first().is_some_and(|word| commands::is_wrapper(base(word)));
    if start.script.is_none() && !start.is_shell() && !wrapper {
        return unseen.map_or(Ok(false), Err);
    }
    let reading = reading(start, target);
    let programs = reading.runs.iter().map(|run| run.program.to_string_lossy());
    for program in programs {
        if starts(&program, exe) || fits(&program) {
            return Ok(true);
        }
    }
    // What another language starts is not read, and neither is what is put together.
    let of_shell = start.script.as_ref().is_none_or(|text| is_of_a_shell(text));
    if !reading.gaps.is_empty() || !of_shell {
        let texts = start.command.iter().skip(1).chain(&start.script);
        let mut words = texts
            .flat_map(|text| text.split(|c: char| c.is_whitespace() || "\"';&|()[],=".contains(c)));
        if words.any(|word| !word.is_empty() && fits(word)) {
            let why = "whether its script starts it is decided when it runs".to_owned();
            return Err(Unknown::new(format!("{exe} of {}", start.by), Cause::Unsupported(why)));
        }
    }
    unseen.map_or(Ok(false), Err)
}

fn reading(start: &Start, target: &dyn Target) -> Arc<Reading> {
    let mut words = start.command.clone();
    if let (Some(first), Some(path)) = (words.first_mut(), &start.program) {
        *first = path.to_string_lossy().into_owned();
    }
    let memo = target.memo().table::<Readings>();
    if let Some(known) = memo.0.borrow().get(&words) {
        return Arc::clone(known);
    }
    let reading = Arc::new(commands::argv(target, &words, Context::new(&start.by)));
    memo.0.borrow_mut().insert(words, Arc::clone(&reading));
    reading
}

/// Whether the first line of a script names a shell.
fn is_of_a_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let name = first.split_whitespace().map(base).find(|word| !word.is_empty() && *word != "env");
    name.is_some_and(|name| name.trim_start_matches("#!").ends_with("sh"))
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

    fn start(words: &[&str], script: Option<&str>) -> Start {
        Start {
            by: "the image's configuration".into(),
            at: crate::facts::settings::Location { file: "image configuration".into(), line: 0 },
            text: String::new(),
            unit: None,
            program: Some(PathBuf::from(words[0])),
            command: words.iter().map(|word| (*word).to_owned()).collect(),
            script: script.map(str::to_owned),
            identity: Ok(crate::facts::start::Identity::root()),
            enabled: Ok(true),
        }
    }

    #[test]
    fn what_a_script_only_mentions_it_does_not_start() {
        let judged = |text: &str, words: &[&str]| {
            let mut host = Memory::new().file("/start", 0o755, 0, 0, text);
            for name in ["sh", "nginx", "echo", "exec", "gosu", "app"] {
                host = host.file(format!("/usr/bin/{name}"), 0o755, 0, 0, "\u{7f}ELF");
            }
            let command: Vec<&str> = ["/start"].iter().chain(words).copied().collect();
            let start = start(&command, Some(text));
            (runs(&start, "/usr/bin/nginx", &host), runs_named(&start, "nginx", &host))
        };
        let yes = (Ok(true), true);
        let no = (Ok(false), false);
        assert_eq!(judged("#!/bin/sh\nexec nginx -g 'daemon off;'\n", &[]), yes);
        assert_eq!(judged("#!/bin/sh\nexec \"$@\"\n", &["nginx"]), yes);
        assert_eq!(judged("#!/bin/sh\nexec gosu app \"$@\"\n", &["/usr/bin/nginx", "-t"]), yes);
        assert_eq!(judged("#!/bin/sh\nD=/usr/bin/nginx\n$D &\nwait\n", &[]), yes);
        assert_eq!(judged("#!/bin/sh\necho starting nginx\nexec app\n", &[]), no);
        assert_eq!(judged("#!/bin/sh\n# nginx\nexec app\n", &["nginx"]), no);
        // What another language, or a name that is put together, starts is not told.
        for text in [
            "#!/usr/bin/python3\nimport os\nos.execv('/usr/bin/nginx', ['nginx'])\n",
            "#!/bin/sh\nkind=nginx\nexec $(cat /run/$kind)\n",
        ] {
            let (by_path, by_name) = judged(text, &[]);
            assert!(by_path.is_err() && by_name, "{text}: {by_path:?}");
        }
    }
}

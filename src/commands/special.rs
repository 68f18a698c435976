//! Programs that run something else in a way of their own: their options say what, not a command
//! that follows them.

use super::context::{Context, Who};
use super::options::{self, Valued, value};
use super::reader::{Reader, Stdin, who};
use super::reading::Wildcard;
use super::shell::word::{ANY, UNKNOWN, is_known, is_name};
use super::{configured, known};
use crate::facts::Cause;
use crate::facts::file::FileKind;
use std::path::{Path, PathBuf};

/// Those of them that do nothing but start the one command that they are given.
pub(super) const WRAPPERS: [&str; 4] = ["env", "runuser", "start-stop-daemon", "capsh"];

/// Reads what such a program is given; `false`: the name is none's.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &str,
    words: &[String],
    context: &Context,
    stdin: &Stdin,
) -> bool {
    match name {
        "env" => env(reader, words, context, stdin),
        "su" => su(reader, words, context),
        "runuser" => runuser(reader, words, context, stdin),
        "start-stop-daemon" => start_stop_daemon(reader, words, context),
        "capsh" => capsh(reader, words, context),
        "sg" => sg(reader, words, context),
        "find" => find(reader, words, context),
        "xargs" => xargs(reader, words, context),
        "parallel" => parallel(reader, words, context),
        "run-parts" => run_parts(reader, words, context),
        "busybox" | "toybox" => match words.split_first() {
            Some((applet, _)) if applet.starts_with('-') => return false,
            Some(_) => reader.command(words, context, stdin, false),
            None => return false,
        },
        "ip" => {
            let at = words.iter().position(|word| word == "exec");
            let Some(at) = at.filter(|_| words.iter().any(|word| word == "netns" || word == "vrf"))
            else {
                return false;
            };
            reader.command(words.get(at + 2..).unwrap_or_default(), context, stdin, false);
        }
        "script" => {
            let valued = Valued { letters: "cBIOTEmot", names: &["command", "log-out", "log-in"] };
            let (given, _) = options::permuted(words, valued);
            match value(&given, &["c", "command"]) {
                Some(text) => reader.inline(text, context),
                None => return false,
            }
        }
        "screen" | "tmux" => terminal(reader, name, words, context),
        "make" | "gmake" | "bmake" => make(reader, words, context),
        "git" => return git(reader, words, context),
        "tar" | "bsdtar" => tar(reader, words, context),
        "rsync" => rsync(reader, words, context),
        "at" | "batch" => match stdin {
            Stdin::Text(text) if !text.starts_with(UNKNOWN) => reader.inline(text, context),
            _ => return false,
        },
        _ => return configured::read(reader, name, words, context),
    }
    true
}

/// `env [-i] [-u NAME] [-C DIR] [-S TEXT] [NAME=VALUE]… COMMAND`.
fn env(reader: &mut Reader<'_>, words: &[String], context: &Context, stdin: &Stdin) {
    let valued = Valued { letters: "uCS", names: &["unset", "chdir", "split-string", "argv0"] };
    let mut inner = context.clone();
    let (given, rest) = options::leading(words, valued);
    if let Some(place) = value(&given, &["C", "chdir"]) {
        inner.go(place, false);
    }
    let mut command: Vec<String> = Vec::new();
    if let Some(text) = value(&given, &["S", "split-string"]) {
        command.extend(crate::formats::systemd::words(text));
    }
    command.extend(rest.iter().cloned());
    let mut rest = command.as_slice();
    while let Some((word, after)) = rest.split_first() {
        let options = word.starts_with('-');
        match word.split_once('=').filter(|(name, _)| is_name(name)) {
            Some((name, value)) => {
                reader.note_variable(name, value, &inner);
                inner.set(name, value);
            }
            None if options => {}
            None => break,
        }
        rest = after;
    }
    reader.command(rest, &inner, stdin, false);
}

/// `su [options] [-] [USER [arguments]]`.
fn su(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let valued = Valued {
        letters: "csgGwT",
        names: &[
            "command",
            "session-command",
            "shell",
            "group",
            "supp-group",
            "whitelist-environment",
        ],
    };
    let (given, operands) = options::permuted(words, valued);
    let mut operands = operands.into_iter().filter(|word| word != "-");
    let user = operands.next().unwrap_or_else(|| "root".to_owned());
    let mut inner = context.clone();
    inner.who = who(&user);
    let login = options::has(&given, &["l", "login"]) || words.iter().any(|word| word == "-");
    if login {
        inner.directories = vec![home(reader, &inner.who)];
    }
    if let Some(shell) = value(&given, &["s", "shell"]) {
        reader.command(&[shell.to_owned()], &inner, &Stdin::None, false);
    }
    if let Some(text) = value(&given, &["c", "command", "session-command"]) {
        return reader.inline(text, &inner);
    }
    let rest: Vec<String> = operands.collect();
    if !rest.is_empty() {
        let shell = std::iter::once("sh".to_owned()).chain(rest).collect::<Vec<_>>();
        reader.command(&shell, &inner, &Stdin::None, false);
    }
}

/// The home directory of whoever is to run something.
fn home(reader: &Reader<'_>, who: &Who) -> Option<PathBuf> {
    let Who::User(name) = who else { return None };
    let user = reader.target.user(name).ok().flatten()?;
    Some(PathBuf::from(user.home)).filter(|home| home.is_absolute())
}

/// `runuser -u USER [--] COMMAND`, or as `su`.
fn runuser(reader: &mut Reader<'_>, words: &[String], context: &Context, stdin: &Stdin) {
    let valued = Valued {
        letters: "ucgGswT",
        names: &[
            "user",
            "command",
            "session-command",
            "shell",
            "group",
            "supp-group",
            "whitelist-environment",
        ],
    };
    let (given, rest) = options::leading(words, valued);
    let Some(user) = value(&given, &["u", "user"]) else { return su(reader, words, context) };
    let mut inner = context.clone();
    inner.who = who(user);
    if let Some(text) = value(&given, &["c", "command"]) {
        return reader.inline(text, &inner);
    }
    reader.command(rest, &inner, stdin, false);
}

/// `start-stop-daemon --start --exec PROGRAM [-- arguments]`.
fn start_stop_daemon(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let valued = Valued {
        letters: "xapcugkrdNPInsRO",
        names: &[
            "exec",
            "startas",
            "pidfile",
            "chuid",
            "user",
            "group",
            "umask",
            "chroot",
            "chdir",
            "nicelevel",
            "procsched",
            "iosched",
            "name",
            "signal",
            "retry",
            "output",
            "pid",
            "ppid",
        ],
    };
    let (given, rest) = options::leading(words, valued);
    let starts = options::has(&given, &["S", "start"]);
    if !starts {
        return;
    }
    let mut inner = context.clone();
    if let Some(user) = value(&given, &["c", "chuid"]) {
        inner.who = who(user);
    }
    if let Some(root) = value(&given, &["r", "chroot"]) {
        inner.root = context.resolve(root).into_iter().flatten().next();
    }
    if let Some(place) = value(&given, &["d", "chdir"]) {
        inner.go(place, false);
    }
    let program = value(&given, &["a", "startas"]).or_else(|| value(&given, &["x", "exec"]));
    let Some(program) = program else { return };
    let command: Vec<String> =
        std::iter::once(program.to_owned()).chain(rest.iter().cloned()).collect();
    reader.command(&command, &inner, &Stdin::None, false);
}

/// `capsh --user=NAME … -- [-c TEXT]`: what follows `--` is for bash.
fn capsh(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let mut inner = context.clone();
    for (at, word) in words.iter().enumerate() {
        if let Some(user) = ["--user=", "--uid="].iter().find_map(|start| word.strip_prefix(start))
        {
            inner.who = who(user);
        }
        if word == "--" || word == "==" {
            let rest = words.get(at + 1..).unwrap_or_default().iter().cloned();
            let shell: Vec<String> = std::iter::once("bash".to_owned()).chain(rest).collect();
            return reader.command(&shell, &inner, &Stdin::None, false);
        }
    }
}

/// `sg GROUP -c TEXT`.
fn sg(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let rest = words.iter().skip_while(|word| word.starts_with('-')).skip(1);
    let text: Vec<&String> = rest.filter(|word| *word != "-c").collect();
    if let Some(text) = text.first() {
        reader.inline(text, context);
    }
}

/// `find … -exec COMMAND ;` and its relatives.
fn find(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        rest = after;
        if !matches!(word.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir") {
            continue;
        }
        let end = rest.iter().position(|word| word == ";" || word == "+" || word == "\\;");
        let (command, behind) = rest.split_at(end.unwrap_or(rest.len()));
        let command: Vec<String> =
            command.iter().map(|word| word.replace("{}", &UNKNOWN.to_string())).collect();
        let mut inner = context.clone();
        inner.main = false;
        if word.ends_with("dir") {
            inner.directories = vec![None];
        }
        reader.command(&command, &inner, &Stdin::None, false);
        rest = behind;
    }
}

fn xargs(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let valued = Valued {
        letters: "adEILnPs",
        names: &[
            "arg-file",
            "delimiter",
            "max-lines",
            "max-args",
            "max-procs",
            "max-chars",
            "process-slot-var",
        ],
    };
    let (given, rest) = options::leading(words, valued);
    let mark = value(&given, &["I", "replace"]).unwrap_or("{}");
    let mark = if mark.is_empty() { "{}" } else { mark };
    let mut command: Vec<String> =
        rest.iter().map(|word| word.replace(mark, &UNKNOWN.to_string())).collect();
    command.push(UNKNOWN.to_string());
    let mut inner = context.clone();
    inner.main = false;
    reader.command(&command, &inner, &Stdin::None, false);
}

fn parallel(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let valued = Valued {
        letters: "jNnSIadLsCt",
        names: &["jobs", "arg-file", "colsep", "joblog", "results", "delay", "timeout", "retries"],
    };
    let (_, rest) = options::leading(words, valued);
    let ends = |word: &&String| word.starts_with(":::");
    let command: Vec<String> = rest.iter().take_while(|word| !ends(word)).cloned().collect();
    let mut inner = context.clone();
    inner.main = false;
    reader.inline(&command.join(" ").replace("{}", &UNKNOWN.to_string()), &inner);
}

/// `run-parts DIR`: every program in it whose name counts.
fn run_parts(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let valued = Valued { letters: "aur", names: &["arg", "umask", "regex"] };
    let (_, operands) = options::permuted(words, valued);
    let Some(folder) = operands.first() else { return };
    for path in context.resolve(folder) {
        let Some(path) = path else {
            let why = "which directory that is, is decided when it runs".to_owned();
            reader.gap(&format!("run-parts {folder}"), Cause::Unsupported(why), context);
            continue;
        };
        reader.reads(path.clone(), format!("directory of run-parts, {}", context.why), context);
        for name in reader.names_in(&path, context) {
            let counts = name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
            if counts && !name.starts_with('.') && is_executable(reader, &path.join(&name)) {
                let mut inner = context.clone();
                inner.why = format!("run by run-parts, {}", context.why);
                inner.main = false;
                reader.program(&path.join(name), &[], &inner, &Stdin::None, false);
            }
        }
    }
}

fn is_executable(reader: &Reader<'_>, path: &Path) -> bool {
    const EXECUTABLE: u16 = 0o111;
    match reader.target.file(path) {
        Ok(Some(file)) if file.kind == FileKind::File => file.mode.0 & EXECUTABLE != 0,
        Ok(Some(file)) => file.kind == FileKind::Symlink,
        _ => false,
    }
}

/// `screen -dmS NAME COMMAND`, `tmux new-session -d TEXT`.
fn terminal(reader: &mut Reader<'_>, name: &str, words: &[String], context: &Context) {
    let valued = match name {
        "screen" => Valued { letters: "cehpSst", names: &[] },
        _ => Valued { letters: "sncxytFLSf", names: &[] },
    };
    let mut words = words;
    if name == "tmux" {
        let (_, rest) = options::leading(words, valued);
        if !rest.first().is_some_and(|word| word.starts_with("new") || word.starts_with("respawn"))
        {
            return;
        }
        words = rest.get(1..).unwrap_or_default();
    }
    let (_, rest) = options::leading(words, valued);
    match rest {
        [text] => reader.inline(text, context),
        rest => reader.command(rest, context, &Stdin::None, false),
    }
}

/// `make [-C DIR] [-f FILE]`: the makefile is code.
fn make(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let valued = Valued {
        letters: "CfIjloWE",
        names: &["directory", "file", "makefile", "include-dir", "jobs", "eval"],
    };
    let (given, _) = options::permuted(words, valued);
    let mut inner = context.clone();
    for (_, place) in given.iter().filter(|(name, _)| name == "C" || name == "directory") {
        inner.go(place.as_deref().unwrap_or_default(), false);
    }
    let why = format!("makefile of {},", context.why.trim_end_matches(','));
    if let Some(file) = value(&given, &["f", "file", "makefile"]) {
        for path in inner.resolve(file).into_iter().flatten() {
            reader.reads(path, why.clone(), &inner);
        }
        return;
    }
    for place in inner.directories.clone() {
        let Some(place) = place else {
            let why = "in which directory is decided when it runs".to_owned();
            reader.gap("make", Cause::Unsupported(why), context);
            continue;
        };
        // The first that is there is taken.
        for name in ["GNUmakefile", "makefile", "Makefile"] {
            let path = inner.outside(&place.join(name));
            let there = matches!(reader.target.file(&path), Ok(Some(_)));
            reader.reads(path, why.clone(), &inner);
            if there {
                break;
            }
        }
    }
}

/// `git [-C DIR]`: hooks and configuration of the repository. It refuses one of somebody else's
/// (`safe.directory` of git-config(1)).
fn git(reader: &mut Reader<'_>, words: &[String], context: &Context) -> bool {
    const HOOKS: [&str; 9] =
        ["pull", "merge", "commit", "checkout", "switch", "rebase", "am", "push", "reset"];
    let valued = Valued { letters: "Cc", names: &["git-dir", "work-tree", "namespace"] };
    let (given, rest) = options::leading(words, valued);
    let mut inner = context.clone();
    if let Some(place) = value(&given, &["C"]) {
        inner.go(place, false);
    }
    if !rest.first().is_some_and(|word| HOOKS.contains(&word.as_str()) || word == "gc") {
        return false;
    }
    for place in inner.directories.clone().into_iter().flatten() {
        let folder = inner.outside(&place.join(".git"));
        let owner = reader.target.file(&folder).ok().flatten().map(|file| file.uid);
        let own = match &context.who {
            Who::User(_) | Who::Unclear(_) => None,
            Who::Same => Some(0),
        };
        if owner.is_none() || own.is_some_and(|own| owner != Some(own)) {
            continue;
        }
        let why = format!("hook of git, {},", context.why.trim_end_matches(','));
        reader.reads(
            folder.join("config"),
            format!("configuration of git, {},", context.why),
            &inner,
        );
        let hooks = folder.join("hooks");
        reader.reads(hooks.clone(), format!("directory of {why}"), &inner);
        for name in reader.names_in(&hooks, &inner) {
            if !name.ends_with(".sample") {
                reader.reads(hooks.join(name), why.clone(), &inner);
            }
        }
    }
    true
}

/// Options of `tar(1)` that name programs, and `*` as operands.
fn tar(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let mut words_left = words.iter();
    while let Some(word) = words_left.next() {
        let named = [
            "--to-command",
            "--use-compress-program",
            "--info-script",
            "--new-volume-script",
            "--rsh-command",
        ]
        .iter()
        .find_map(|name| word.strip_prefix(name));
        let text = match (word.as_str(), named) {
            (_, Some("")) | ("-I" | "-F", _) => words_left.next().cloned(),
            (_, Some(rest)) => rest.strip_prefix('=').map(str::to_owned),
            _ => word.strip_prefix("--checkpoint-action=exec=").map(str::to_owned),
        };
        if let Some(text) = text {
            let mut inner = context.clone();
            inner.main = false;
            reader.inline(&text, &inner);
        }
    }
    reader.operands("tar", words, true, context);
}

/// `rsync -e COMMAND`, and `*` as operands.
fn rsync(reader: &mut Reader<'_>, words: &[String], context: &Context) {
    let mut left = words.iter();
    while let Some(word) = left.next() {
        let text = match word.as_str() {
            "-e" | "--rsh" => left.next().cloned(),
            _ => word.strip_prefix("--rsh=").map(str::to_owned),
        };
        if let Some(text) = text {
            let mut inner = context.clone();
            inner.main = false;
            reader.inline(&text, &inner);
        }
    }
    reader.operands("rsync", words, true, context);
}

/// `*` as an operand of a program that takes a file name like `--checkpoint-action=…` for an option.
pub(super) fn wildcard(reader: &mut Reader<'_>, program: &str, word: &str, context: &Context) {
    if !known::obeys_names(program) || word.starts_with('-') {
        return;
    }
    // Behind a directory a name cannot begin with a dash.
    if word.contains('/') || !word.starts_with(ANY) || !is_known(&word.replace(ANY, "")) {
        return;
    }
    for directory in context.directories.clone().into_iter().flatten() {
        let wildcard = Wildcard {
            directory: context.outside(&directory),
            program: program.to_owned(),
            who: context.who.clone(),
            why: context.why.trim_end_matches(',').to_owned(),
        };
        if !reader.reading.wildcards.contains(&wildcard) {
            reader.reading.wildcards.push(wildcard);
        }
    }
}

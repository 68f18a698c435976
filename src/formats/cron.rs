//! All places of cron, `cron(8)` and `crontab(5)`: `/etc/crontab`, `/etc/cron.d`, the users' own
//! tables, the folders of daily and other scripts, anacron.
//!
//! A place that does not exist holds no job. A line that is not understood is told: cron passes over
//! it, or over the whole file, depending on its make.

use crate::facts::cron::{CronJob, CronJobs};
use crate::facts::file::FileKind;
use crate::facts::settings::Location;
use crate::facts::{Cause, Unknown};
use crate::host::Files;
use std::path::Path;

/// The most jobs of all places.
const JOB_LIMIT: usize = 100_000;
/// Folders with a table for each user: Debian, Red Hat, SUSE, Alpine.
const SPOOLS: [&str; 4] =
    ["/var/spool/cron/crontabs", "/var/spool/cron", "/var/spool/cron/tabs", "/etc/crontabs"];
/// Folders of scripts that root runs.
const FOLDERS: [&str; 10] = [
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/cron.yearly",
    "/etc/periodic/15min",
    "/etc/periodic/hourly",
    "/etc/periodic/daily",
    "/etc/periodic/weekly",
    "/etc/periodic/monthly",
];

/// Whether the columns of a table name a user.
#[derive(Clone, Copy)]
enum Table<'a> {
    /// They do.
    System,
    /// All its jobs are this user's.
    Of(&'a str),
    /// anacron's: period, delay, name, command; root's.
    Anacron,
}

/// Reads all places. `debian`: files whose names cron of Debian passes over hold no jobs.
pub fn read(files: &dyn Files, debian: bool) -> CronJobs {
    let mut found = CronJobs::default();
    table(files, Path::new("/etc/crontab"), Table::System, &mut found);
    for name in names(files, Path::new("/etc/cron.d"), &mut found) {
        if counts(&name, debian) {
            table(files, &Path::new("/etc/cron.d").join(name), Table::System, &mut found);
        }
    }
    table(files, Path::new("/etc/anacrontab"), Table::Anacron, &mut found);
    for spool in SPOOLS.map(Path::new) {
        for user in names(files, spool, &mut found) {
            if !user.starts_with('.') {
                table(files, &spool.join(&user), Table::Of(&user), &mut found);
            }
        }
    }
    for folder in FOLDERS.map(Path::new) {
        for name in names(files, folder, &mut found) {
            script(files, folder, &name, debian, &mut found);
        }
    }
    if found.jobs.len() > JOB_LIMIT {
        let why = format!("more than {JOB_LIMIT} jobs");
        found.unread.push(Unknown::new("cron", Cause::TooLarge(why)));
    }
    found
}

/// Debian's cron and run-parts(8) take names of letters, digits, `_` and `-`; others leave out what
/// editors and rpm leave behind.
fn counts(name: &str, debian: bool) -> bool {
    const LEFTOVERS: [&str; 5] = ["~", ".rpmsave", ".rpmorig", ".rpmnew", ".swp"];
    if debian {
        return name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c));
    }
    !name.starts_with(['.', '#']) && !LEFTOVERS.iter().any(|end| name.ends_with(end))
}

fn names(files: &dyn Files, folder: &Path, found: &mut CronJobs) -> Vec<String> {
    match files.list(folder) {
        Ok(names) => {
            let names = names.iter().flat_map(|names| names.iter());
            names.map(|name| name.to_string_lossy().into_owned()).collect()
        }
        Err(why) => {
            found.unread.push(why);
            Vec::new()
        }
    }
}

fn script(files: &dyn Files, folder: &Path, name: &str, debian: bool, found: &mut CronJobs) {
    const EXECUTABLE: u16 = 0o111;
    if !counts(name, debian) {
        return;
    }
    let path = folder.join(name);
    match files.file(&path) {
        // What a link leads to may be executable.
        Ok(Some(file))
            if file.kind == FileKind::Symlink
                || file.kind == FileKind::File && file.mode.0 & EXECUTABLE != 0 =>
        {
            found.jobs.push(CronJob {
                user: "root".into(),
                schedule: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                command: path.display().to_string(),
                path: None,
                variables: Vec::new(),
                at: Location { file: path, line: 0 },
            });
        }
        Ok(_) => {}
        Err(why) => found.unread.push(why),
    }
}

fn table(files: &dyn Files, path: &Path, kind: Table<'_>, found: &mut CronJobs) {
    // A folder among the tables is another make's spool.
    if let Ok(Some(file)) = files.file(path)
        && file.kind == FileKind::Directory
    {
        return;
    }
    let content = match files.read(path) {
        Ok(Some(content)) => content,
        Ok(None) => return,
        Err(why) => {
            found.unread.push(why);
            return;
        }
    };
    let text = String::from_utf8_lossy(&content);
    let mut path_variable = None;
    let mut variables: Vec<(String, String)> = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, value)) = assignment(line) {
            if name == "PATH" {
                path_variable = Some(value.to_owned());
            }
            variables.retain(|(known, _)| known != name);
            variables.push((name.to_owned(), value.to_owned()));
            continue;
        }
        if found.jobs.len() > JOB_LIMIT {
            return;
        }
        let at = Location { file: path.to_owned(), line: number };
        match job(line, kind, at) {
            Some(job) => found.jobs.push(CronJob {
                path: path_variable.clone(),
                variables: variables.clone(),
                ..job
            }),
            None => {
                let why = format!("line {number} is no line of a crontab");
                let what = path.display().to_string();
                found.unread.push(Unknown::new(what, Cause::Malformed(why)));
            }
        }
    }
}

/// Name and value of `NAME = value`: a name and an equals sign before anything else.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once('=')?;
    let name = name.trim().trim_matches(['"', '\'']);
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    is_name.then(|| (name, value.trim().trim_matches(['"', '\''])))
}

fn job(line: &str, kind: Table<'_>, at: Location) -> Option<CronJob> {
    let fields = match kind {
        Table::Anacron => 3,
        // cronie lets a `-` before the schedule keep it out of the log.
        _ if line.trim_start_matches('-').starts_with('@') => 1,
        _ => 5,
    };
    let (schedule, rest) = split_words(line, fields)?;
    let (user, rest) = match kind {
        Table::System => split_words(rest, 1)?,
        Table::Of(user) => (user.to_owned(), rest),
        Table::Anacron => ("root".to_owned(), rest),
    };
    // FreeBSD and cronie allow a class or group behind the name; a percent sign begins the input.
    let user = user.split([':', '/']).next().unwrap_or_default().to_owned();
    let command = before_input(rest);
    (!command.is_empty()).then_some(CronJob {
        user,
        schedule,
        command,
        path: None,
        variables: Vec::new(),
        at,
    })
}

/// The first words, and what stands behind them.
fn split_words(line: &str, count: usize) -> Option<(String, &str)> {
    let mut rest = line;
    let mut words = Vec::new();
    for _ in 0..count {
        let (word, behind) = rest.split_once(char::is_whitespace)?;
        words.push(word);
        rest = behind.trim_start();
    }
    Some((words.join(" "), rest))
}

fn before_input(command: &str) -> String {
    let mut out = String::with_capacity(command.len());
    let mut chars = command.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '%' => break,
            '\\' if chars.peek() == Some(&'%') => out.extend(chars.next()),
            other => out.push(other),
        }
    }
    out.trim_end().to_owned()
}

/// The jobs of cron, read once a run; `debian` decides which names of files cron passes over.
pub fn jobs(target: &dyn crate::host::Target, debian: bool) -> std::sync::Arc<CronJobs> {
    target.memo().get_or_init(|| std::sync::Arc::new(read(target, debian)))
}

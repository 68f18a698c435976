//! Everything that root will run or obey: units, cron, and the many places where packages and
//! administrators leave something for root to do.

use super::{Items, command, engines, environment, places, searched, sources, ssh, unit};
use crate::commands::Context;
use crate::facts::account::User;
use crate::facts::cron::CronJob;
use crate::formats::ld_so_conf;
use crate::host::Target;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Directories of the load path of systemd: whoever may add a unit there is obeyed.
const UNITS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
];
/// Files of the kernel that hold the path of a program.
const KERNEL: [&str; 3] =
    ["/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hotplug"];

/// Everything that root will run or obey.
pub fn items(target: &dyn Target) -> Items {
    let mut items = Items { of_root: true, ..Items::default() };
    for directory in command::PATH.split(':') {
        items.add(directory, "directory of root's PATH");
    }
    for (pattern, what, content) in places::PLACES {
        places::place(target, pattern, what, *content, &mut items);
    }
    units(target, &mut items);
    cron(target, &mut items);
    linker(target, &mut items);
    kernel(target, &mut items);
    engines::add(target, &mut items);
    searched::add(target, &mut items);
    match ssh::config(target) {
        Ok(config) => {
            for file in config.trusted {
                items.add(file, "file that sshd trusts");
            }
            for line in config.commands {
                let why = "command that sshd asks for keys,";
                command::add_shell(target, &line, Context::new(why), &mut items);
            }
        }
        Err(why) => items.unread.push(why),
    }
    sources::add(target, &mut items);
    items
}

fn units(target: &dyn Target, items: &mut Items) {
    for directory in UNITS {
        match target.file(Path::new(directory)) {
            Ok(Some(_)) => drop(items.add(directory, "directory of units")),
            Ok(None) => {}
            Err(why) => items.unread.push(why),
        }
    }
    let index = crate::formats::systemd::units::index(target);
    items.unread.extend(index.unread.iter().cloned());
    // Instances that something links to are no files of their own.
    for name in index.all().into_iter().chain(index.wanted()).collect::<BTreeSet<_>>() {
        match crate::formats::systemd::units::unit(target, name) {
            Ok(Some(found)) if !found.masked => unit::add_as_root(target, &found, items),
            Ok(_) => {}
            Err(why) => items.unread.push(why),
        }
    }
}

/// Jobs of uid 0, and where they stand.
fn cron(target: &dyn Target, items: &mut Items) {
    for folder in [
        "/etc/cron.d",
        "/etc/cron.hourly",
        "/etc/cron.daily",
        "/etc/cron.weekly",
        "/etc/cron.monthly",
    ] {
        match target.file(Path::new(folder)) {
            Ok(Some(_)) => drop(items.add(folder, "directory of cron")),
            Ok(None) => {}
            Err(why) => items.unread.push(why),
        }
    }
    let debian = target.host().os_release.iter().any(|(key, value)| {
        (key == "ID" || key == "ID_LIKE") && value.split(' ').any(|word| word == "debian")
    });
    let jobs = crate::formats::cron::jobs(target, debian);
    items.unread.extend(jobs.unread.iter().cloned());
    for job in &jobs.jobs {
        items.add(&job.at.file, "file of cron");
        let root = match target.user(&job.user) {
            Ok(user) => user.is_none_or(|user| user.uid == 0),
            Err(why) => {
                items.unread.push(why);
                true
            }
        };
        if root {
            let user = target.user(&job.user).ok().flatten();
            job_of(target, job, "of cron", user.as_ref(), items);
        }
    }
}

/// What one job of cron runs.
pub(super) fn job_of(
    target: &dyn Target,
    job: &CronJob,
    whose: &str,
    user: Option<&User>,
    items: &mut Items,
) {
    let table = text::path(&job.at.file);
    if job.at.line == 0 {
        let context = Context::new(format!("script {whose}"));
        return command::add_program(target, &job.at.file, context, items);
    }
    for (name, value) in &job.variables {
        environment::add(name, value, &table, items);
        if name == "SHELL" && value.starts_with('/') {
            let why = format!("shell of jobs in {table},");
            command::add_program(target, Path::new(value), Context::new(why), items);
        }
    }
    let why = format!("job {whose} in {table},");
    let home = user.map(|user| user.home.as_str());
    command::add_shell(target, &job.command, Context::of_cron(job, why, home), items);
}

/// The dynamic linker's own files.
pub(super) fn linker(target: &dyn Target, items: &mut Items) {
    let preload = Path::new("/etc/ld.so.preload");
    items.add(preload, "libraries that every program loads");
    items.add("/etc/ld.so.cache", "where every program finds libraries");
    match target.read(preload) {
        Ok(content) => {
            let content = content.unwrap_or_default();
            let text = String::from_utf8_lossy(&content);
            environment::add("LD_PRELOAD", &text.replace('\n', " "), "/etc/ld.so.preload", items);
        }
        Err(why) => items.unread.push(why),
    }
    let conf = ld_so_conf::read(target);
    for file in conf.files {
        items.add(file, "directories of libraries");
    }
    for directory in conf.directories {
        items.add(directory, "directory of libraries");
    }
    items.unread.extend(conf.unread);
}

/// Programs that the kernel itself runs as root.
fn kernel(target: &dyn Target, items: &mut Items) {
    for file in KERNEL {
        let content = match target.read(Path::new(file)) {
            Ok(content) => content.unwrap_or_default(),
            Err(why) => {
                items.unread.push(why);
                continue;
            }
        };
        let text = String::from_utf8_lossy(&content);
        let text = text.trim();
        let command = match file.ends_with("core_pattern") {
            true => text.strip_prefix('|'),
            false => Some(text),
        };
        let first = command.and_then(|command| command.split_whitespace().next());
        if let Some(path) = first.filter(|path| path.starts_with('/')) {
            let why = format!("program of {file},");
            command::add_program(target, &PathBuf::from(path), Context::new(why), items);
        }
    }
}

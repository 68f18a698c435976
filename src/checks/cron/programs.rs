//! The programs and files of code that a job of cron leads to, and as whom: [`crate::commands`] reads
//! its command.

use crate::access::who_controls;
use crate::commands::{self, GapKind, Who};
use crate::facts::cron::CronJob;
use crate::facts::file::FileKind;
use crate::facts::{Cause, Unknown};
use crate::host::Target;
use crate::host::route::route;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What a job leads to.
pub(super) struct Told {
    /// Files, by whom they are run or read, and whether that is certain.
    pub(super) files: Vec<(PathBuf, String, bool)>,
    /// What the job itself leaves open.
    pub(super) gaps: Vec<Unknown>,
}

/// The files of a job, in its order.
pub(super) fn of(job: &CronJob, target: &dyn Target) -> Told {
    let home = target.user(&job.user).ok().flatten().map(|user| user.home);
    let reading = commands::cron(target, job, home.as_deref());
    let mut told = Told { files: Vec::new(), gaps: Vec::new() };
    let mut add = |path: &Path, who: &Who, certain: bool| {
        // What is in no directory of the search path is a gap.
        if !path.is_absolute() {
            return;
        }
        let (user, known) = match who {
            Who::Same => (job.user.clone(), true),
            Who::User(name) => (name.clone(), true),
            Who::Unclear(text) => (text.clone(), false),
        };
        told.files.push((path.to_owned(), user, certain && known));
    };
    for run in &reading.runs {
        add(&run.program, &run.who, true);
    }
    for read in &reading.reads {
        add(&read.path, &read.who, true);
    }
    for operand in reading.operands.iter().filter(|operand| !operand.is_data) {
        // A directory is no program.
        let end = route(target, &operand.path).ok().and_then(|route| route.end);
        if end.is_some_and(|(_, fact)| fact.kind == FileKind::File) {
            add(&operand.path, &operand.who, false);
        }
    }
    // What a script leaves open is not the job's: a script of a distribution often does.
    let own = |gap: &commands::Gap| gap.script.is_none() || gap.kind == GapKind::Unseen;
    let gaps = reading.gaps.into_iter().filter(own);
    told.gaps = gaps
        .map(|gap| Unknown::new(format!("{}: {}", job.at, gap.unknown.what), gap.unknown.cause))
        .collect();
    told
}

/// Those who could make a file that is not there.
pub(super) fn makers(file: &Path, allowed: &[&str], target: &dyn Target) -> Vec<String> {
    let control = who_controls(target, file);
    let others = control.ways.iter().filter(|way| way.who.uid != Some(0));
    let names = others.map(|way| way.who.to_string());
    names
        .filter(|name| !allowed.contains(&name.as_str()))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

/// The reason where somebody could change what a job may run.
pub(super) fn doubtful(file: &Path, others: &[String]) -> Unknown {
    let why = format!("whether it is run cannot be told; {}", others.join("; "));
    Unknown::new(text::path(file), Cause::Unsupported(why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::settings::Location;
    use crate::targets::memory::Memory;

    fn programs(command: &str, path: Option<&str>) -> Result<Vec<String>, String> {
        let at = Location { file: "/etc/crontab".into(), line: 1 };
        let job = CronJob {
            user: "root".into(),
            schedule: "@daily".into(),
            command: command.into(),
            path: path.map(str::to_owned),
            variables: Vec::new(),
            at,
        };
        let program = "\x7fELF\0";
        let host = Memory::new()
            .file("/usr/bin/run-parts", 0o755, 0, 0, program)
            .file("/opt/bin/backup", 0o755, 0, 0, program)
            .dir("/etc/cron.daily", 0o755, 0, 0)
            .file("/etc/cron.daily/a", 0o755, 0, 0, program)
            .file("/etc/cron.daily/b", 0o644, 0, 0, program);
        let told = of(&job, &host);
        match told.gaps.first() {
            Some(why) => Err(why.to_string()),
            None => Ok(told.files.iter().map(|(path, ..)| path.display().to_string()).collect()),
        }
    }

    #[test]
    fn lines_as_distributions_have_them_are_understood() {
        let parts = ["/usr/bin/run-parts", "/etc/cron.daily/a", "/etc/cron.daily"];
        for (command, found) in [
            ("cd / && run-parts --report /etc/cron.daily", &parts[..]),
            ("test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )", &parts),
            (
                "[ -x /usr/lib/x ] && if [ ! -d /run/systemd/system ]; then /usr/lib/x; fi",
                &["/usr/lib/x"],
            ),
            (
                "test -e /run/x || SERVICE_MODE=1 /usr/lib/scrub -A >/dev/null 2>&1",
                &["/usr/lib/scrub"],
            ),
            ("command -v run-parts > /dev/null && run-parts /etc/cron.daily", &parts),
            ("/usr/bin/perl -e 'print 1; exit'", &["/usr/bin/perl"]),
        ] {
            let found = found.iter().map(|path| (*path).to_owned()).collect();
            assert_eq!(programs(command, None), Ok(found), "{command}");
        }
        let told = programs(". /etc/profile; exec /usr/bin/x | logger", None);
        assert!(told.is_err_and(|why| why.contains("`logger`")));
    }

    #[test]
    fn a_name_is_looked_for_in_the_path_of_its_table() {
        assert!(programs("backup", None).is_err());
        assert_eq!(programs("backup", Some("/bin:/opt/bin")), Ok(vec!["/opt/bin/backup".into()]));
        assert!(programs("$SOMETHING/backup", Some("/opt/bin")).is_err());
    }
}

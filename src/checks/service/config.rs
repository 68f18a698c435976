//! Settings of a service's configuration as its processes were started: the file that the command line
//! names, and what the command line says instead.

use super::ServiceView;
use crate::checks::config::setting::SettingTest;
use crate::checks::config::settings;
use crate::facts::process::Process;
use crate::facts::settings::Location;
use crate::facts::{Cause, Unknown};
use crate::formats::Format;
use crate::formats::started::{Started, formats, started};
use crate::host::Target;
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::node::{Node, Value};
use crate::text;
use crate::verdict::outcome::Outcome;
use crate::verdict::{Assertion, Subject};
use std::path::PathBuf;

/// One setting, read for each format that could be the service's.
pub struct Wanted {
    name: String,
    tests: Vec<(&'static Format, SettingTest)>,
}

/// Reads the settings that a rule demands. Which daemon it is, only its processes tell.
pub fn read(node: &Node, problems: &mut Diagnostics) -> Option<Vec<Wanted>> {
    let Value::Map(entries) = &node.value else {
        problems.push(node.expected("settings and what they must be"));
        return None;
    };
    let mut wanted = Vec::new();
    for (key, value) in entries {
        let mut tests = Vec::new();
        let mut refused: Option<Diagnostic> = None;
        for format in formats() {
            match SettingTest::parse(&key.text, value, format) {
                Ok(test) => tests.push((format, test)),
                Err(why) => refused = Some(why),
            }
        }
        match (tests.is_empty(), refused) {
            (true, Some(why)) => problems.push(why),
            _ => wanted.push(Wanted { name: key.text.clone(), tests }),
        }
    }
    Some(wanted)
}

/// Compares them. What is violated is told first; the rest goes to the view.
pub fn config(view: &ServiceView, wanted: &[Wanted], target: &dyn Target) -> Assertion {
    let about = Assertion::of(&view.subject, "config").expected("settings as it was started");
    if view.declared.is_some() {
        return about.unknown(Unknown::new(view.service.name.clone(), Cause::NotRunning));
    }
    let mut mains = Vec::new();
    for process in &view.processes {
        match main(process) {
            Ok(found) => mains.extend(found.map(|started| (process.pid, started))),
            Err(why) => return about.unknown(why),
        }
    }
    if mains.is_empty() {
        let why = "none of its processes shows how it was started, or it is no daemon known here";
        let cause = Cause::Unsupported(why.to_owned());
        return about.unknown(Unknown::new(view.service.name.clone(), cause));
    }
    let mut answers: Vec<Assertion> = Vec::new();
    for (pid, started) in &mains {
        let subject = Subject::new("service", view.service.name.clone());
        let found = match settings(started.format, &started.file, target) {
            Ok(Some(mut settings)) => {
                let file = PathBuf::from(format!("/proc/{pid}/cmdline"));
                started.apply(&mut settings, &Location { file, line: 1 });
                // What the file leaves out, no other one says: it is the one that was named.
                settings.part = false;
                Ok(settings)
            }
            Ok(None) => {
                let why = format!("process {pid} was started with it, and it does not exist");
                Err(Unknown::new(text::path(&started.file), Cause::Unsupported(why)))
            }
            Err(why) => Err(why),
        };
        for one in wanted {
            let test = one.tests.iter().find(|(format, _)| format.name == started.format.name);
            answers.push(match (test, &found) {
                (Some((format, test)), Ok(settings)) => {
                    test.judge(&subject, settings, format, target)
                }
                (Some((_, test)), Err(why)) => test.unread(&subject, why.clone()),
                (None, _) => {
                    let why = format!("{} does not take such a value", started.format.name);
                    let why = Unknown::new(one.name.clone(), Cause::Unsupported(why));
                    Assertion::of(&subject, &one.name).expected("a value of it").unknown(why)
                }
            });
        }
    }
    // The gravest first; with a gap in what is seen of the service a pass is none.
    answers.sort_by_key(|answer| match () {
        () if answer.outcome == Outcome::Fail => 0,
        () if answer.outcome == Outcome::Unknown => 1,
        () => 2,
    });
    let mut answers = answers.into_iter();
    let first = answers.next();
    view.found.borrow_mut().extend(answers);
    match (first, &view.gap) {
        (Some(first), Some(why)) if first.outcome != Outcome::Fail => first.unknown(why.clone()),
        (Some(first), _) => first,
        (None, _) => about.expected("at least one setting").fail(),
    }
}

/// What a process was started with; none where it is one that the daemon has started itself.
fn main(process: &Process) -> Result<Option<Started>, Unknown> {
    let exe = process.exe.clone()?;
    let arguments = process.cmdline.clone()?;
    let Some(exe) = exe else { return Ok(None) };
    started(&exe.path, &arguments)
        .map_err(|why| Unknown::new(format!("process {}", process.pid), Cause::Unsupported(why)))
}

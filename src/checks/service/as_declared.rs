//! `declared_equals_live`: the unit as it is on disk against the processes as they are. systemd
//! applies a unit when it starts it; edited (or reloaded) and not restarted, what runs is another.
//!
//! A process may give up more than its unit says, so only what it still has beyond the declaration is
//! drift. Judged are the topmost processes of each unit, those that systemd itself has started.

use crate::checks::service::ServiceView;
use crate::checks::service::declared::Part;
use crate::checks::unit;
use crate::declared::units::{split_prefix, values};
use crate::facts::process::{Process, Thread};
use crate::facts::settings::Settings;
use crate::facts::unit::Unit;
use crate::facts::{Cause, Fact, Unknown, capability};
use crate::formats::systemd::{capability_set, is_yes, names};
use crate::host::Target;
use crate::text::shell;
use crate::verdict::{Assertion, Evidence};
use std::collections::BTreeMap;
use std::sync::Arc;

const NAME: &str = "declared_equals_live";

/// Whether everything that runs is as its unit declares it.
pub(crate) fn declared_equals_live(view: &ServiceView, target: &dyn Target) -> Assertion {
    let about =
        Assertion::of(&view.subject, NAME).expected("processes as their unit declares them");
    let mut by_unit: BTreeMap<String, Vec<Arc<Process>>> = BTreeMap::new();
    let mut gap = view.gap.clone();
    for process in &view.processes {
        match &process.cgroup {
            Ok(cgroup) => {
                let service = cgroup.unit.clone().filter(|unit| unit.ends_with(".service"));
                if let Some(unit) = service {
                    by_unit.entry(unit).or_default().push(Arc::clone(process));
                }
            }
            Err(why) => gap = gap.or(Some(why.clone())),
        }
    }
    if by_unit.is_empty() {
        let why = gap.unwrap_or_else(|| {
            let why = Cause::Unsupported("it belongs to no unit of systemd".into());
            Unknown::new(view.service.name.clone(), why)
        });
        return about.unknown(why);
    }
    let mut drift = Vec::new();
    let mut seen = Vec::new();
    let mut steps = Vec::new();
    for (name, processes) in by_unit {
        match of_unit(&name, processes, target) {
            Ok(found) if found.is_empty() => {}
            Ok(found) => {
                let name = shell::quote(name.as_bytes());
                steps.push(format!("systemctl daemon-reload && systemctl restart {name}"));
                for (process, words) in found {
                    seen.push(Evidence::process(&process));
                    drift.push(words);
                }
            }
            Err(why) => gap = gap.or(Some(why)),
        }
    }
    let about = steps.into_iter().fold(about, Assertion::repair).seen(seen);
    match (drift.is_empty(), gap) {
        (false, _) => about.observed(drift.join("; ")).fail(),
        (true, Some(why)) => about.unknown(why),
        (true, None) => about.observed("as declared").pass(),
    }
}

type Drift = Vec<(Arc<Process>, String)>;

fn of_unit(name: &str, processes: Vec<Arc<Process>>, target: &dyn Target) -> Fact<Drift> {
    let Some(unit) = unit::find(name, target)? else {
        let why = Cause::Unsupported("its unit is no longer there".into());
        return Err(Unknown::new(name, why));
    };
    let settings = unit.settings.as_ref().map_err(Unknown::clone)?;
    if let Some(why) = settings.unread.first() {
        return Err(why.clone());
    }
    let mut drift = Vec::new();
    for process in Part::Master.of(processes) {
        for words in of_process(&unit, settings, &process, target)? {
            drift.push((Arc::clone(&process), format!("pid {} of {name}: {words}", process.pid)));
        }
    }
    Ok(drift)
}

pub(super) fn last(settings: &Settings, key: &str) -> Option<String> {
    values(settings, &format!("Service.{key}")).pop().map(|(value, _)| value)
}

pub(super) fn on(settings: &Settings, key: &str) -> bool {
    last(settings, key).is_some_and(|value| is_yes(&value))
}

/// The differences of one process, each in words.
fn of_process(
    unit: &Unit,
    settings: &Settings,
    process: &Process,
    target: &dyn Target,
) -> Fact<Vec<String>> {
    let threads = process.seen_threads()?;
    let mut words = Vec::new();
    // Behind `+` nothing of this is applied, behind a single `!` no user, group and ambient set.
    let lines = values(settings, "Service.ExecStart");
    let prefixes: Vec<&str> = lines.iter().map(|(line, _)| split_prefix(line).0).collect();
    if prefixes.iter().any(|prefix| prefix.contains('+')) {
        return Ok(words);
    }
    let privileged = prefixes.iter().any(|prefix| prefix.matches('!').count() == 1);
    if !privileged {
        identity(&unit.id, settings, threads, target, &mut words)?;
    }
    let any = |has: &dyn Fn(&Thread) -> bool| threads.iter().any(has);
    if on(settings, "NoNewPrivileges") && any(&|thread| thread.no_new_privs == Some(false)) {
        words.push("NoNewPrivileges= is declared, and it has not got it".to_owned());
    }
    let declared = values(settings, "Service.CapabilityBoundingSet");
    if !declared.is_empty() {
        let set = capability_set(declared.iter().map(|(value, _)| value.as_str()));
        beyond(
            "CapabilityBoundingSet=",
            set,
            &|thread| thread.capabilities.bounding,
            threads,
            &mut words,
        );
    }
    let declared = values(settings, "Service.AmbientCapabilities");
    let set = capability_set(declared.iter().map(|(value, _)| value.as_str()));
    if !privileged {
        let ambient = |thread: &Thread| thread.capabilities.ambient;
        beyond("AmbientCapabilities=", set, &ambient, threads, &mut words);
    }
    words.extend(super::started::command(unit, settings, process, target)?);
    if !privileged {
        words.extend(super::started::groups(unit, settings, threads, target)?);
    }
    // What was found is told, whatever else could not be.
    match super::sandbox::differences(unit, settings, process, threads, target) {
        Ok(more) => words.extend(more),
        Err(why) if words.is_empty() => return Err(why),
        Err(_) => {}
    }
    Ok(words)
}

fn beyond(
    key: &str,
    declared: u64,
    live: &dyn Fn(&Thread) -> u64,
    threads: &[Thread],
    words: &mut Vec<String>,
) {
    let more = threads.iter().map(|thread| live(thread) & !declared & capability::ALL);
    let more = more.fold(0, |all, one| all | one);
    if more != 0 {
        words.push(format!("beyond {key} it has {}", capability::show(more)));
    }
}

/// Ids from which systemd takes those of `DynamicUser=`.
const DYNAMIC: std::ops::RangeInclusive<u32> = 61184..=65519;

/// Which ids a declaration allows.
enum Wanted {
    One(u32),
    Dynamic,
}

impl Wanted {
    fn has(&self, id: u32) -> bool {
        match self {
            Wanted::One(wanted) => *wanted == id,
            Wanted::Dynamic => DYNAMIC.contains(&id),
        }
    }
}

/// What `User=` or `Group=` comes to; `None`: it is not set. A name that no account has is dynamic
/// where that is declared; else nothing can be compared with it.
fn wanted(
    key: &str,
    unit: &str,
    settings: &Settings,
    id_of: &dyn Fn(&str) -> Fact<Option<u32>>,
) -> Fact<Option<(String, Wanted)>> {
    let dynamic = on(settings, "DynamicUser");
    let Some(written) = last(settings, key).filter(|name| !name.is_empty()) else {
        return Ok(dynamic.then(|| ("DynamicUser=yes".to_owned(), Wanted::Dynamic)));
    };
    let unsupported = |why: String| Err(Unknown::new(unit.to_owned(), Cause::Unsupported(why)));
    let Some(name) = names::expand(&written, unit) else {
        return unsupported(format!("{key}={written} has a specifier that only systemd knows"));
    };
    let id = match name.parse() {
        Ok(id) => Some(id),
        Err(_) => id_of(&name)?,
    };
    let words = format!("{key}={name}");
    match id {
        Some(id) => Ok(Some((words, Wanted::One(id)))),
        None if dynamic => Ok(Some((words, Wanted::Dynamic))),
        None => unsupported(format!("{words}: there is nobody of that name")),
    }
}

fn identity(
    unit: &str,
    settings: &Settings,
    threads: &[Thread],
    target: &dyn Target,
    words: &mut Vec<String>,
) -> Fact<()> {
    let mut gap = None;
    let user = |name: &str| Ok(target.user(name)?.map(|user| user.uid));
    let group = |name: &str| Ok(target.group(name)?.map(|group| group.gid));
    let mut compare =
        |wanted: Fact<Option<(String, Wanted)>>, what: &str, ids: &dyn Fn(&Thread) -> [u32; 4]| {
            match wanted {
                Ok(Some((declared, wanted))) => {
                    let other = |thread: &&Thread| ids(thread).iter().any(|id| !wanted.has(*id));
                    if let Some(thread) = threads.iter().find(other) {
                        let live: Vec<String> = ids(thread).iter().map(u32::to_string).collect();
                        let live = live.join(" ");
                        words.push(format!("{declared} is declared, its {what} are {live}"));
                    }
                }
                Ok(None) => {}
                Err(why) => gap = Some(why),
            }
        };
    compare(wanted("User", unit, settings, &user), "uids", &|thread| thread.uid.all());
    // An account of the user's name, where there is one, comes with its own group.
    let fixed = last(settings, "User").and_then(|name| names::expand(&name, unit));
    let fixed = fixed.is_some_and(|name| matches!(target.user(&name), Ok(Some(_))));
    if fixed && last(settings, "Group").is_none_or(|group| group.is_empty()) {
        return gap.filter(|_| words.is_empty()).map_or(Ok(()), Err);
    }
    compare(wanted("Group", unit, settings, &group), "gids", &|thread| thread.gid.all());
    // What was found is told, whatever else could not be.
    match gap {
        Some(why) if words.is_empty() => Err(why),
        _ => Ok(()),
    }
}

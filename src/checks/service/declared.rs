//! `service:` for a target that does not run: what is declared to start it, and as whom.
//!
//! `running: false`, `count: 0`, `run_as`, `never_root` and `controlled_only_by` can be told from the configuration of an image,
//! from systemd's units and from supervisord, for workers from the daemon's own configuration.
//! Everything else needs a running host.

use crate::checks::service::ServiceView;
use crate::declared::{changers, daemons, program, rights, starts};
use crate::facts::settings::Lookup;
use crate::facts::start::{Identity, Start};
use crate::facts::unit::UnitFileState;
use crate::facts::{Cause, Fact, Unknown, all, any};
use crate::formats::systemd::{names, units};
use crate::host::Target;
use crate::policy::expect::{Expect, Term};
use crate::policy::operand::{Number, Principal};
use crate::policy::service::Service;
use crate::rules::compile::Absent;
use crate::rules::identity::{group_is, user_id};
use crate::text;
use crate::verdict::{Assertion, Evidence, Subject};
use std::path::Path;

/// The answer where nothing is known to start the service.
pub fn none(subject: &Subject, found: Fact<&Found>, absent: Absent) -> Assertion {
    let nothing = declared(subject).observed("nothing is declared to start it");
    match found.map(|found| found.gap.clone()) {
        Err(why) => declared(subject).unknown(why),
        Ok(Some(why)) => nothing.unknown(why),
        Ok(None) if absent == Absent::Skip => nothing.absent("nothing is declared to start it"),
        Ok(None) => nothing.fail(),
    }
}

fn declared(subject: &Subject) -> Assertion {
    Assertion::of(subject, "declared").expected("something that starts it")
}

/// Declarations that start a service.
pub struct Found {
    /// These.
    pub starts: Vec<Start>,
    /// What keeps this from being known to be all.
    pub gap: Option<Unknown>,
}

/// Which processes of a service a rule means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Part {
    /// All of them.
    All,
    /// All but the topmost.
    Workers,
    /// The topmost.
    Master,
}

/// Looks for what starts a service.
///
/// # Errors
/// Where the service is recognised by something that only a running host has.
pub fn find(service: &Service, part: Part, target: &dyn Target) -> Fact<Found> {
    if service.pid_file.is_some() || service.selects_by_user() {
        return Err(Unknown::new(service.criteria(), Cause::NotRunning));
    }
    let declared = starts(target);
    let mut gap = declared.unread.first().cloned();
    let mut starts: Vec<Start> = Vec::new();
    let id = unit_id(service, target);
    for start in &declared.all {
        match is_of(service, id.as_ref(), start, target) {
            Ok(true) => starts.push(start.clone()),
            Ok(false) => {}
            // It may be a further start of the service.
            Err(why) => gap = gap.or(Some(why)),
        }
    }
    for start in &mut starts {
        changers::settle(start, target);
        rights::apply(start, target);
        if part == Part::Workers {
            start.identity = workers(start, target);
        }
    }
    Ok(Found { starts, gap })
}

fn workers(start: &Start, target: &dyn Target) -> Fact<Identity> {
    let unsaid = || Err(Unknown::new("workers of this program", Cause::NotRunning));
    let mut identity = daemons::workers(start, target).unwrap_or_else(unsaid)?;
    identity.words = format!("workers as {}", identity.words);
    Ok(identity)
}

/// The name that the unit of a service has behind all aliases. Aliases are found under the name of
/// their unit, for which no unit has to be read.
fn unit_id(service: &Service, target: &dyn Target) -> Option<Fact<String>> {
    let unit = service.unit.as_ref()?;
    let found = crate::formats::systemd::units::index(target).id_of(unit);
    Some(found.map(|found| found.unwrap_or_else(|| unit.clone())))
}

/// Whether it is a start of the service; `id` is the name that its unit has behind all aliases.
fn is_of(
    service: &Service,
    id: Option<&Fact<String>>,
    start: &Start,
    target: &dyn Target,
) -> Fact<bool> {
    let unit = id.map(|id| match &start.unit {
        Some(own) if service.unit.as_ref() == Some(own) => Ok(true),
        Some(own) => id.as_ref().map(|id| own == id).map_err(Unknown::clone),
        None => Ok(false),
    });
    let runs = |exe: &str| program::runs(start, exe, target);
    let exe = service.exe.as_ref().map(|exe| runs(&text::path(exe)));
    let name = service.process_name.as_ref().map(|name| runs(name));
    let arguments = service.cmdline.as_ref().map(|pattern| arguments_match(pattern, start));
    all([unit, exe, name, arguments].into_iter().flatten())
}

/// Whether the command line is as wanted. What variables stand for in it may be.
fn arguments_match(pattern: &str, start: &Start) -> Fact<bool> {
    let line = start.command.join(" ");
    let matches = regex::Regex::new(pattern).is_ok_and(|regex| regex.is_match(&line));
    if !matches && start.unit.is_some() && line.contains('$') {
        let why = "a command whose variables are not known here".to_owned();
        return Err(Unknown::new(line, Cause::Unsupported(why)));
    }
    Ok(matches)
}

fn about(view: &ServiceView, found: &Found, condition: &str) -> Assertion {
    let line = |start: &Start| Evidence::line(&start.at.file, start.at.line, start.text.clone());
    Assertion::of(&view.subject, condition)
        .seen(found.starts.iter().map(line))
        .observed(in_words(&found.starts))
}

/// Whether something starts it at boot, or with the container. What only somebody could start by hand
/// does not count; what a socket, a timer or a path starts does.
fn starts_by_itself(found: &Found, target: &dyn Target) -> Fact<bool> {
    let started = found.starts.iter().map(|start| match (&start.enabled, &start.unit) {
        (Ok(false), Some(unit)) => is_triggered(unit, target),
        (enabled, _) => enabled.clone(),
    });
    any(started.chain(found.gap.iter().map(|why| Err(why.clone()))))
}

/// Whether a unit that is not enabled is started all the same: by a unit that is and names it.
fn is_triggered(name: &str, target: &dyn Target) -> Fact<bool> {
    const TRIGGERS: [(&str, &str); 3] =
        [("socket", "Socket.Service"), ("timer", "Timer.Unit"), ("path", "Path.Unit")];
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let index = units::index(target);
    for candidate in index.all() {
        let Some((_, setting)) = TRIGGERS.iter().find(|(kind, _)| names::kind(candidate) == *kind)
        else {
            continue;
        };
        let Some(unit) = units::unit(target, candidate)? else { continue };
        if !unit.starts_at_boot() {
            continue;
        }
        // systemd.socket(5), systemd.timer(5), systemd.path(5): without it, the service of its name.
        let settings = unit.settings.as_ref().map_err(Unknown::clone)?;
        let named = settings.lookup(setting).into_iter().find_map(|found| match found {
            Lookup::Set(setting) => Some(setting.value.clone()),
            Lookup::NotSet(_) => None,
        });
        let own = candidate.rsplit_once('.').map_or(candidate, |(stem, _)| stem);
        // A socket with Accept=yes starts instances of a template.
        let instance_of = names::template(name)
            .and_then(|template| template.split_once('@').map(|(stem, _)| stem == own));
        if named.as_deref().map_or(own == stem || instance_of == Some(true), |named| named == name)
        {
            return Ok(true);
        }
    }
    match units::unit(target, name)? {
        Some(unit) if unit.state == UnitFileState::Static && !unit.masked => {
            let why = "static: whether another unit or a message starts it is not known here";
            Err(Unknown::new(name, Cause::Unsupported(why.to_owned())))
        }
        _ => Ok(false),
    }
}

/// `running: false`, where nothing runs: nothing is declared to start it.
pub fn nothing_starts(
    subject: &Subject,
    condition: &str,
    found: &Found,
    target: &dyn Target,
) -> Assertion {
    let assertion =
        Assertion::of(subject, condition).expected("nothing that is declared to start it");
    let line = |start: &Start| Evidence::line(&start.at.file, start.at.line, start.text.clone());
    let words = match found.starts.is_empty() {
        true => "nothing is declared to start it".to_owned(),
        false => in_words(&found.starts),
    };
    assertion
        .observed(words)
        .seen(found.starts.iter().map(line))
        .decide(starts_by_itself(found, target).map(|starts| !starts))
}

/// The answer to a condition that declarations say nothing of; `None` where they do.
pub fn needs_running(condition: &str, view: &ServiceView) -> Option<Assertion> {
    let found = view.declared.as_ref()?;
    let why = Unknown::new(condition, Cause::NotRunning);
    let told = matches!(
        condition,
        "run_as" | "never_root" | "controlled_only_by" | "root_equivalent" | "running" | "count"
    );
    (!told).then(|| about(view, found, condition).unknown(why))
}

/// `running`: on what does not run, something is to be declared to start it, or nothing is.
pub fn running(view: &ServiceView, found: &Found, wanted: bool, target: &dyn Target) -> Assertion {
    if !wanted {
        return nothing_starts(&view.subject, "running", found, target);
    }
    match found.starts.is_empty() {
        true => none(&view.subject, Ok(found), Absent::Fail),
        false => about(view, found, "running").unknown(Unknown::new("running", Cause::NotRunning)),
    }
}

/// `count`: nothing is declared to start it, or how many there will be is not known yet.
pub fn count(
    view: &ServiceView,
    found: &Found,
    expect: &Expect<Number>,
    target: &dyn Target,
) -> Assertion {
    let assertion = about(view, found, "count");
    let assertion = match found.starts.is_empty() {
        true => assertion.observed("nothing is declared to start it"),
        false => assertion,
    };
    let assertion = assertion.expected(format!("number of processes: {}", expect.show()));
    match starts_by_itself(found, target) {
        Err(why) => assertion.unknown(why),
        Ok(false) => assertion.decide(Ok(expect.holds_for(0))),
        // One process at least: what only none would satisfy does not hold.
        Ok(true) if is_none(expect) => assertion.fail(),
        Ok(true) => assertion.unknown(Unknown::new("count", Cause::NotRunning)),
    }
}

/// Whether no number but 0 is as wanted, as far as numbers of processes go.
fn is_none(expect: &Expect<Number>) -> bool {
    /// More processes than kernel.pid_max allows there cannot be.
    const MOST: u64 = 1 << 22;
    expect.holds_for(0)
        && ![1, 2, MOST].into_iter().any(|number| expect.holds_for(number))
        && expect.holds(&mut |term| match term {
            Term::Is(number) => Ok(number.0 == 0),
            Term::AtMost(most) => Ok(most.0 == 0),
            _ => Ok(false),
        }) == Ok(true)
}

/// `never_root`
pub fn never_root(view: &ServiceView, found: &Found) -> Assertion {
    about(view, found, "never_root")
        .expected("never uid 0")
        .decide(every(found, |identity| Ok(identity.uid != Some(0))))
}

/// `run_as`
pub fn run_as(
    view: &ServiceView,
    found: &Found,
    user: Option<&Expect<Principal>>,
    group: Option<&Expect<Principal>>,
    target: &dyn Target,
) -> Assertion {
    let words = [
        user.map(|user| format!("user {}", user.show())),
        group.map(|group| format!("group {}", group.show())),
    ];
    let holds = every(found, |identity| {
        let user = user.map_or(Ok(true), |user| is_user(user, identity, target))?;
        let group = match (group, identity.gid) {
            (None, _) => true,
            (Some(group), Some(gid)) => group_is(target, group, gid)?,
            (Some(_), None) => return Err(unnumbered(identity)),
        };
        Ok(user && group)
    });
    about(view, found, "run_as")
        .expected(words.into_iter().flatten().collect::<Vec<_>>().join(", "))
        .decide(holds)
}

/// Whether the user is one of these. One that is made when it starts has a name, and maybe no number.
fn is_user(user: &Expect<Principal>, identity: &Identity, target: &dyn Target) -> Fact<bool> {
    user.holds(&mut |term| match (term, identity.uid) {
        (Term::Is(Principal::Name(name)), _) if identity.name.as_ref() == Some(name) => Ok(true),
        (Term::Is(wanted), Some(uid)) => Ok(user_id(target, wanted)? == Some(uid)),
        (Term::Is(Principal::Name(_) | Principal::Id(0)), None) => Ok(false),
        _ => Err(unnumbered(identity)),
    })
}

fn unnumbered(identity: &Identity) -> Unknown {
    let why = "has no number before it runs".to_owned();
    Unknown::new(identity.words.clone(), Cause::Unsupported(why))
}

/// Whether it holds for every declaration; one that cannot be told, or one that was not read, makes
/// a pass unknown.
fn every(found: &Found, holds: impl Fn(&Identity) -> Fact<bool>) -> Fact<bool> {
    let each =
        found.starts.iter().map(|start| holds(start.identity.as_ref().map_err(Clone::clone)?));
    let gap = found.gap.iter().map(|why| Err(why.clone()));
    all(each.chain(gap))
}

fn in_words(starts: &[Start]) -> String {
    let words = starts.iter().map(|start| {
        let identity = match &start.identity {
            Ok(identity) => identity.words.clone(),
            Err(why) if why.cause == Cause::NotRunning => "somebody".to_owned(),
            Err(_) => "somebody who cannot be told".to_owned(),
        };
        let disabled = if start.enabled == Ok(false) { " (not enabled)" } else { "" };
        format!("declared by {}{disabled}: {identity}", start.by)
    });
    words.collect::<Vec<_>>().join("; ")
}

/// Whether a program belongs to a service, for ports.
pub fn runs(service: &Service, exe: &Path, starts: &[Start], target: &dyn Target) -> Fact<bool> {
    let exe = text::path(exe);
    let is = |wanted: &str| program::is(&exe, wanted, target);
    let exe_fits = service.exe.as_ref().map_or(Ok(true), |own| is(&text::path(own)));
    let name_fits = service.process_name.as_ref().map_or(Ok(true), |own| is(own));
    let by_program = service.exe.is_some() && service.unit.is_none();
    let id = unit_id(service, target);
    let one = |start: &Start| {
        let runs = || program::runs(start, &exe, target);
        all([is_of(service, id.as_ref(), start, target), runs()])
    };
    let started = if by_program { Ok(true) } else { any(starts.iter().map(one)) };
    all([exe_fits, name_fits, started])
}

//! What systemd would start: service units of a filesystem at rest, with their drop-ins, aliases and
//! masks ([`Index`]).

use super::{clusters, environment, program, sysusers};
use crate::facts::settings::{Location, Lookup, Settings};
use crate::facts::start::{Identity, Start};
use crate::facts::unit::Unit;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::systemd::units::Index;
use crate::formats::systemd::{self, names};
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// The most units that are looked at.
const LIMIT: usize = 10_000;

/// All units of a type (`service`) that could be started: masked ones, templates and mere aliases
/// left out. What cannot be read is told in `unread`.
pub fn of_kind(target: &dyn Target, kind: &str, unread: &mut Vec<Unknown>) -> Vec<Arc<Unit>> {
    let index = crate::formats::systemd::units::index(target);
    unread.extend(index.unread.iter().cloned());
    let mut found = Vec::new();
    for name in names_of(&index, kind) {
        match crate::formats::systemd::units::unit(target, &name) {
            Ok(Some(unit)) if unit.id == name && !unit.masked => found.push(unit),
            Ok(_) => {}
            // Told once above.
            Err(why) if index.unread.contains(&why) => {}
            Err(why) => unread.push(why),
        }
    }
    found
}

/// Names of units of a type, instances among them that something links to.
fn names_of(index: &Index, kind: &str) -> BTreeSet<String> {
    let all = index.all().into_iter().chain(index.wanted());
    all.filter(|name| names::kind(name) == kind && !names::is_template(name))
        .take(LIMIT)
        .map(str::to_owned)
        .collect()
}

/// All services, each with what its unit declares.
pub fn all(target: &dyn Target, unread: &mut Vec<Unknown>) -> Vec<Start> {
    let mut starts = Vec::new();
    let mut postgresql = Ok(false);
    for unit in of_kind(target, "service", unread) {
        match &unit.settings {
            Ok(settings) => {
                unread.extend(settings.unread.iter().cloned());
                let enabled = Ok(unit.starts_at_boot());
                if unit.id == "postgresql.service" {
                    postgresql = enabled.clone();
                }
                starts.extend(service(&unit.id, settings, &enabled, target));
            }
            Err(why) => unread.push(why.clone()),
        }
    }
    match clusters::all(target, &postgresql) {
        Ok(clusters) => {
            let known: BTreeSet<Option<String>> = starts.iter().map(|s| s.unit.clone()).collect();
            starts.extend(clusters.into_iter().filter(|cluster| !known.contains(&cluster.unit)));
        }
        Err(why) => unread.push(why),
    }
    starts
}

/// Values in force of a setting, in their order.
pub fn values(settings: &Settings, path: &str) -> Vec<(String, Location)> {
    let mut found = Vec::new();
    for lookup in settings.lookup(path) {
        if let Lookup::Set(setting) = lookup {
            found.push((setting.value.clone(), setting.at.clone()));
        }
    }
    found
}

fn service(
    name: &str,
    settings: &Settings,
    enabled: &Fact<bool>,
    target: &dyn Target,
) -> Vec<Start> {
    let user = values(settings, "Service.User").pop().filter(|(user, _)| !user.is_empty());
    let dynamic = settings.lookup("Service.DynamicUser").into_iter().any(environment::is_yes);
    let variables = environment::of(settings, target);
    let mut starts = Vec::new();
    for (line, at) in values(settings, "Service.ExecStart") {
        let (prefix, command) = split_prefix(&line);
        let words = systemd::words(command);
        let words: Vec<String> =
            words.into_iter().map(|word| names::expand(&word, name).unwrap_or(word)).collect();
        // Where a variable cannot be told, its name stays, for whoever needs to know.
        let words = match &variables {
            Ok(variables) => environment::expand(words, variables),
            Err(_) => words,
        };
        let Some(first) = words.first() else { continue };
        // With `+`, and with `!` that is not doubled, User= does not apply.
        let as_root = prefix.contains('+') || prefix.matches('!').count() == 1;
        if program::base(first) == clusters::STARTER
            && user.is_none()
            && let Some(cluster) = clusters::of_command(&words, enabled, target)
        {
            starts.push(Start { by: name.to_owned(), unit: Some(name.to_owned()), ..cluster });
            continue;
        }
        let identity = match (&user, as_root) {
            (_, true) => {
                Ok(Identity { words: "root (ExecStart with + or !)".into(), ..Identity::root() })
            }
            (Some((user, _)), _) => named(user, name, dynamic, target),
            (None, _) => Ok(Identity { words: "root (no User=)".into(), ..Identity::root() }),
        };
        let (at, text) = match &user {
            Some((user, at)) if !as_root => (at.clone(), format!("User={user}")),
            _ => (at, format!("ExecStart={line}")),
        };
        starts.push(Start {
            by: name.to_owned(),
            at,
            text,
            unit: Some(name.to_owned()),
            program: Some(PathBuf::from(first)),
            command: words,
            script: None,
            identity,
            enabled: enabled.clone(),
        });
    }
    starts
}

/// The user of `User=`: an account, or one that systemd makes.
fn named(user: &str, unit: &str, dynamic: bool, target: &dyn Target) -> Fact<Identity> {
    let Some(user) = names::expand(user, unit) else {
        let why = "User= with a specifier whose value only systemd knows".to_owned();
        return Err(Unknown::new(user, Cause::Unsupported(why)));
    };
    let account = match user.parse::<u32>() {
        Ok(uid) => {
            let account = target.user_by_id(uid)?;
            let gid = account.as_ref().map(|user| user.gid);
            let name = account.map(|user| user.name);
            return Ok(Identity { uid: Some(uid), gid, name, words: format!("uid {uid}") });
        }
        Err(_) => target.user(&user)?,
    };
    if let Some(account) = account {
        let words = format!("{user} (uid {})", account.uid);
        let (uid, gid) = (Some(account.uid), Some(account.gid));
        return Ok(Identity { uid, gid, name: Some(user), words });
    }
    if dynamic {
        let words = format!("{user} (dynamic user, 61184 to 65519)");
        return Ok(Identity { uid: None, gid: None, name: Some(user), words });
    }
    if let Some(made) = sysusers::user(&user, target)? {
        let words = match made.uid {
            Some(uid) => format!("{user} (uid {uid}, made at boot by {})", made.at),
            None => format!("{user} (made at boot by {})", made.at),
        };
        return Ok(Identity { uid: made.uid, gid: made.gid, name: Some(user), words });
    }
    let why = "there is no such user in /etc/passwd, and no line of sysusers.d(5) that makes one";
    Err(Unknown::new(format!("User={user}"), Cause::Unsupported(why.to_owned())))
}

/// Special characters before the path, `systemd.service(5)`.
pub fn split_prefix(line: &str) -> (&str, &str) {
    let command = line.trim_start_matches(['@', '-', ':', '+', '!', '|']);
    (line.get(..line.len() - command.len()).unwrap_or_default(), command)
}

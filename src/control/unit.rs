//! What decides what a unit of systemd runs: its files, the files of its environment, its commands,
//! its directories. Commands are looked at whoever they run as; who may change them is asked later.

use super::{Items, command, environment};
use crate::commands::{Context, UNKNOWN};
use crate::declared::environment as variables;
use crate::declared::units::{split_prefix, values};
use crate::facts::settings::Settings;
use crate::facts::unit::Unit;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::glob3;
use crate::formats::systemd::{is_yes, names, words};
use crate::host::Target;
use crate::text;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Settings of services that name commands.
const COMMANDS: [&str; 6] =
    ["ExecCondition", "ExecStartPre", "ExecStart", "ExecStartPost", "ExecReload", "ExecStop"];
/// Those of the sections of sockets, mounts and swaps.
const OTHER_COMMANDS: [&str; 5] = [
    "Socket.ExecStartPre",
    "Socket.ExecStartPost",
    "Socket.ExecStopPre",
    "Socket.ExecStopPost",
    "Service.ExecStopPost",
];
/// Adds what decides what a unit runs.
pub fn add(target: &dyn Target, unit: &Unit, items: &mut Items) {
    add_some(target, unit, false, items);
}

/// Adds what decides what root runs for a unit: its files, which systemd obeys, and those of its
/// commands that run as root.
pub fn add_as_root(target: &dyn Target, unit: &Unit, items: &mut Items) {
    add_some(target, unit, true, items);
}

fn add_some(target: &dyn Target, unit: &Unit, root_only: bool, items: &mut Items) {
    let id = &unit.id;
    items.add(&unit.fragment, format!("unit file of {id}"));
    for dropin in &unit.dropins {
        items.add(dropin, format!("drop-in of {id}"));
    }
    // A unit or drop-in of that name there would take the place of these, or be added to them.
    for directory in crate::formats::systemd::units::index(target).directories_of(id) {
        let reason = match directory.extension().is_some_and(|end| end == "d") {
            true => format!("drop-in directory of {id}"),
            false => "directory of units".to_owned(),
        };
        items.add(directory, reason);
    }
    let settings = match &unit.settings {
        Ok(settings) => settings,
        Err(why) => return items.unread.push(why.clone()),
    };
    items.unread.extend(settings.unread.iter().cloned());
    // Who cannot be told may be root.
    let root = runs_as_root(target, settings, id).unwrap_or_else(|why| {
        items.unread.push(why);
        true
    });
    let commands = Commands::of(target, id, settings, items);
    if root_only && !root {
        return commands.add(target, true, items);
    }
    for (line, _) in values(settings, "Service.Environment") {
        for assignment in words(&line) {
            environment::add_assignment(&assignment, id, items);
        }
    }
    for (line, _) in values(settings, "Service.EnvironmentFile") {
        environment_file(target, id, &line, items);
    }
    for (line, _) in values(settings, "Service.ExecSearchPath") {
        if let Some(line) = filled(&line, id, items) {
            environment::add("PATH", &line, id, items);
        }
    }
    for key in ["WorkingDirectory", "RootDirectory", "RootImage"] {
        for (line, _) in values(settings, &format!("Service.{key}")) {
            if let Some(place) = filled(line.trim_start_matches('-'), id, items) {
                items.add(PathBuf::from(place), format!("{key}= of {id}"));
            }
        }
    }
    if values(settings, "Service.RootImage").last().is_some_and(|(image, _)| !image.is_empty()) {
        let why = Cause::Unsupported("files within RootImage= are not looked at".into());
        items.unread.push(Unknown::new(id.clone(), why));
    }
    commands.add(target, false, items);
}

/// The commands of a unit, and under which circumstances they run.
struct Commands<'a> {
    id: &'a str,
    settings: &'a Settings,
    context: Context,
    variables: Fact<BTreeMap<String, String>>,
}

impl<'a> Commands<'a> {
    fn of(target: &dyn Target, id: &'a str, settings: &'a Settings, items: &mut Items) -> Self {
        let last = |key: &str| {
            let value = values(settings, &format!("Service.{key}")).pop();
            value.map(|(value, _)| value).filter(|value| !value.is_empty())
        };
        let variables = variables::of(settings, target);
        let mut context = Context::new(id);
        for (name, value) in variables.iter().flatten() {
            context = context.variable(name, value);
        }
        if let Some(line) = last("ExecSearchPath") {
            context = context.path(&filled(&line, id, items).unwrap_or_default());
        }
        if let Some(place) = last("WorkingDirectory") {
            let place = place.trim_start_matches('-');
            let home = || {
                let user = last("User").unwrap_or_else(|| "root".into());
                target.user(&user).ok().flatten().map(|user| PathBuf::from(user.home))
            };
            let place = match place {
                "~" => home(),
                place => expand(place, id).map(PathBuf::from),
            };
            context = context.directory(place);
        }
        let root = last("RootDirectory").and_then(|root| expand(&root, id));
        let context = context.root(root.filter(|root| root.starts_with('/')).map(PathBuf::from));
        Self { id, settings, context, variables }
    }

    /// Adds them; `privileged`: those alone that run as root although the unit has a user.
    fn add(&self, target: &dyn Target, privileged: bool, items: &mut Items) {
        let before = values(self.settings, "Service.PermissionsStartOnly").pop();
        let before = before.is_some_and(|(value, _)| is_yes(&value));
        let commands = COMMANDS.iter().map(|key| format!("Service.{key}"));
        for setting in commands.chain(OTHER_COMMANDS.iter().map(|key| (*key).to_owned())) {
            let key = setting.rsplit('.').next().unwrap_or_default();
            for (line, _) in values(self.settings, &setting) {
                let (prefix, line) = split_prefix(&line);
                let as_root = before && key != "ExecStart"
                    || prefix.contains('+')
                    || prefix.matches('!').count() == 1;
                if privileged && !as_root {
                    continue;
                }
                let mut words = words_of(line, self.id, items);
                // With `@` the second word is what the program is called.
                if prefix.contains('@') && words.len() > 1 {
                    words.remove(1);
                }
                let words = match &self.variables {
                    _ if prefix.contains(':') => words,
                    Ok(known) => variables::expand(words, known),
                    Err(_) => words.iter().map(|word| unknown(word)).collect(),
                };
                let context = self.context.clone().because(format!("{key}= of {}", self.id));
                command::add(target, &words, context, items);
            }
        }
    }
}

/// A word whose variables cannot be told.
fn unknown(word: &str) -> String {
    match word.split_once('$') {
        Some((before, rest)) => {
            let end = rest.split_once('}').map_or("", |(_, end)| end);
            format!("{before}{UNKNOWN}{end}")
        }
        None => word.to_owned(),
    }
}

fn environment_file(target: &dyn Target, id: &str, line: &str, items: &mut Items) {
    let Some(name) = filled(line.trim_start_matches('-'), id, items) else { return };
    let mut files = vec![PathBuf::from(&name)];
    if glob3::is_pattern(&name) {
        let mut unread = Vec::new();
        files = glob3::expand(target, &name, &mut unread);
        items.unread.extend(unread);
        // Whoever may add one is obeyed, too.
        let fixed: PathBuf = Path::new(&name)
            .components()
            .take_while(|part| !glob3::is_pattern(&part.as_os_str().to_string_lossy()))
            .collect();
        items.add(fixed, format!("directory of EnvironmentFile= of {id}"));
    }
    for file in files {
        items.add(&file, format!("EnvironmentFile= of {id}"));
        match target.read_marked(&file) {
            Ok(content) => {
                for line in String::from_utf8_lossy(&content.unwrap_or_default()).lines() {
                    environment::add_assignment(line, &text::path(&file), items);
                }
            }
            Err(why) => items.unread.push(why),
        }
    }
}

/// Whether a unit's commands run as root: no user, or one of uid 0.
fn runs_as_root(target: &dyn Target, settings: &Settings, id: &str) -> Fact<bool> {
    let user = values(settings, "Service.User").pop().map(|(user, _)| user).unwrap_or_default();
    let Some(user) = expand(&user, id) else {
        return Err(Unknown::new(format!("User={user} of {id}"), specifier()));
    };
    if let Ok(uid) = user.parse::<u32>() {
        return Ok(uid == 0);
    }
    let known = target.user(&user)?.is_some_and(|user| user.uid == 0);
    Ok(known || user.is_empty() || user == "root")
}

fn specifier() -> Cause {
    Cause::Unsupported("it has a specifier that only systemd knows".into())
}

/// A value with its specifiers filled in; what cannot be is a gap.
fn filled(value: &str, id: &str, items: &mut Items) -> Option<String> {
    let filled = expand(value, id);
    if filled.is_none() {
        items.unread.push(Unknown::new(format!("{value} of {id}"), specifier()));
    }
    filled
}

/// The words of a command. Of those behind the program only paths matter.
fn words_of(line: &str, id: &str, items: &mut Items) -> Vec<String> {
    let mut found = Vec::new();
    for (at, word) in words(line).iter().enumerate() {
        match expand(word, id) {
            Some(word) => found.push(word),
            None if at == 0 || word.starts_with('/') => {
                found.extend(filled(word, id, items));
            }
            None => found.push(word.clone()),
        }
    }
    found
}

/// Specifiers that follow from the unit's name, or are the same for all of the system's units,
/// `systemd.unit(5)`. `None`: there are others.
pub fn expand(word: &str, id: &str) -> Option<String> {
    if !word.contains('%') {
        return Some(word.to_owned());
    }
    let stem = id.rsplit_once('.').map_or(id, |(name, _)| name);
    let instance = names::instance(id).unwrap_or_default();
    let prefix = stem.split('@').next().unwrap_or_default();
    let plain = |text: &str| (!text.contains(['-', '\\'])).then(|| text.to_owned());
    let mut out = String::with_capacity(word.len());
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let value = match chars.next() {
            Some('%') => "%".to_owned(),
            Some('i') => instance.to_owned(),
            Some('I') => plain(instance)?,
            Some('n') => id.to_owned(),
            Some('N') => stem.to_owned(),
            Some('p') => prefix.to_owned(),
            Some('P') => plain(prefix)?,
            Some('j') => prefix.rsplit('-').next().unwrap_or_default().to_owned(),
            Some('t') => "/run".to_owned(),
            Some('S') => "/var/lib".to_owned(),
            Some('C') => "/var/cache".to_owned(),
            Some('L') => "/var/log".to_owned(),
            Some('E') => "/etc".to_owned(),
            Some('T') => "/tmp".to_owned(),
            Some('V') => "/var/tmp".to_owned(),
            Some('h') => "/root".to_owned(),
            Some('u') => "root".to_owned(),
            Some('U' | 'G') => "0".to_owned(),
            Some('g') => "root".to_owned(),
            // Made by systemd for the unit alone; what is below it is root's.
            Some('d') => format!("/run/credentials/{id}"),
            Some('f') => {
                format!("/{}", if instance.is_empty() { plain(prefix)? } else { plain(instance)? })
            }
            _ => return None,
        };
        out.push_str(&value);
    }
    Some(out)
}

//! What the rules of sudo make root run: its files, the programs that they name, the variables that
//! the caller may bring along.

use super::person::Route;
use super::sudo::{Allowed, path_of};
use super::{Items, command};
use crate::commands::Context;
use crate::facts::sudo::Sudoers;
use crate::formats::glob3;
use crate::host::Target;
use std::path::{Path, PathBuf};

/// Files of sudo, programs that may be run as root, directories of `secure_path`.
pub fn items(sudoers: &Sudoers, grants: &[Allowed], target: &dyn Target) -> Items {
    let mut items = Items::default();
    items.unread.extend(sudoers.unread.iter().cloned());
    for file in &sudoers.files {
        items.add(file, "sudoers file");
        if let Some(parent) = file.parent().filter(|parent| *parent != Path::new("/etc")) {
            items.add(parent, "directory of sudoers files");
        }
    }
    for one in sudoers.defaults.iter().filter(|one| one.name == "secure_path") {
        for place in one.value.as_deref().unwrap_or_default().split(':') {
            items.add(PathBuf::from(place), "directory of sudo's secure_path");
        }
    }
    for one in sudoers.defaults.iter().filter(|one| VARIABLES.contains(&one.name.as_str())) {
        let file = one.value.as_deref().unwrap_or_default();
        items.add(PathBuf::from(file), format!("file of variables, {} of sudo", one.name));
    }
    for one in sudoers.defaults.iter().filter(|one| PROGRAMS.contains(&one.name.as_str())) {
        let value = one.value.as_deref().unwrap_or_default();
        for word in value.split([':', ' ']).filter(|word| word.starts_with('/')) {
            let why = format!("{} of sudo,", one.name);
            command::add_program(target, Path::new(word), Context::new(why), &mut items);
        }
    }
    plugins(target, &mut items);
    for one in grants.iter().filter(|one| one.as_root) {
        for wanted in one.commands.iter().filter(|command| !command.negated) {
            let path = path_of(&wanted.text);
            // sudoedit writes what its arguments name.
            if path == "sudoedit" {
                for file in words_of(path, &wanted.text).iter().filter(|word| word.starts_with('/'))
                {
                    items.add(
                        PathBuf::from(file),
                        format!("file that {} may edit as root,", text_of(one)),
                    );
                }
            }
            // A directory: every program in it.
            if path.starts_with('/') && path.ends_with('/') {
                items.add(
                    PathBuf::from(path),
                    format!("directory of what {} may run as root,", text_of(one)),
                );
            }
            if path.starts_with('/') && !path.contains(['*', '?', '[', '\\']) {
                let why = format!("program that {} may run as root,", text_of(one));
                let words = words_of(path, &wanted.text);
                command::add(target, &words, Context::new(why), &mut items);
            }
        }
    }
    items
}

/// Settings that name a file with variables for every command.
const VARIABLES: [&str; 2] = ["env_file", "restricted_env_file"];
/// Settings that name programs and libraries which sudo and visudo run as root.
const PROGRAMS: [&str; 5] = ["editor", "mailerpath", "noexec_file", "group_plugin", "askpass"];
/// sudo's own configuration.
const CONF: &str = "/etc/sudo.conf";

/// A command with those of its words that mean one thing only.
fn words_of(path: &str, command: &str) -> Vec<String> {
    let words = command.split_whitespace().skip_while(|word| *word != path);
    words.filter(|word| !word.contains(['*', '?', '[', '\\'])).map(str::to_owned).collect()
}

fn text_of(one: &Allowed) -> String {
    let names: Vec<&str> = one.grant.users.iter().map(|user| user.text.as_str()).collect();
    names.join(", ")
}

/// Plugins and helpers of sudo.conf(5).
fn plugins(target: &dyn Target, items: &mut Items) {
    let content = match target.read(Path::new(CONF)) {
        Ok(content) => content.unwrap_or_default(),
        Err(why) => return items.unread.push(why),
    };
    for line in String::from_utf8_lossy(&content).lines().map(str::trim) {
        if !line.starts_with("Plugin") && !line.starts_with("Path") {
            continue;
        }
        for word in line.split_whitespace().filter(|word| word.starts_with('/')) {
            items.add(PathBuf::from(word), format!("named in {CONF},"));
        }
    }
}

/// Those who may bring variables along that decide which code root's programs load.
pub fn loaders(sudoers: &Sudoers, grants: &[Allowed], target: &dyn Target) -> Vec<Route> {
    let mut kept = None;
    for one in &sudoers.defaults {
        let value = one.value.as_deref().unwrap_or_default();
        let keeps = match one.name.as_str() {
            "env_keep" if one.operator != "-=" && !one.negated => {
                value.split_whitespace().find(|name| loads_code(name)).map(str::to_owned)
            }
            "env_reset" if one.negated => Some("any variable (!env_reset)".to_owned()),
            "setenv" if !one.negated => Some("any variable (setenv)".to_owned()),
            _ => None,
        };
        if let Some(keeps) = keeps {
            kept = Some((one.at.to_string(), keeps));
        }
    }
    let mut found = Vec::new();
    for one in grants.iter().filter(|one| one.as_root) {
        let people = one.others(target);
        let tagged = one.grant.tags.iter().any(|tag| tag == "SETENV");
        let kept = match tagged {
            true => Some((one.grant.at.to_string(), "any variable (SETENV)".to_owned())),
            false => kept.clone(),
        };
        if let Some((place, what)) = kept
            && !people.is_empty()
        {
            let right = format!("may run {} through sudo and bring along {what}", one.words());
            found.push(Route { place, people, right });
        }
    }
    found
}

/// Variables by which the dynamic linker, a shell or an interpreter loads or runs code; most of
/// sudo's own list of bad ones (`initial_badenv_table` of its `env.c`).
const LOADS_CODE: &[&str] = &[
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "GCONV_PATH",
    "BASH_ENV",
    "BASH_FUNC_x%%",
    "ENV",
    "SHELLOPTS",
    "BASHOPTS",
    "PS4",
    "ZDOTDIR",
    "FPATH",
    "PERL5LIB",
    "PERLLIB",
    "PERL5OPT",
    "PERL5DB",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "PYTHONINSPECT",
    "PYTHONUSERBASE",
    "RUBYLIB",
    "RUBYOPT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "GIT_SSH_COMMAND",
    "OPENSSL_CONF",
];

/// Whether a word of `env_keep`, in which an asterisk stands for any text and a value may follow,
/// keeps one of these.
pub fn loads_code(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    name.starts_with("LD_")
        || LOADS_CODE.iter().any(|known| glob3::matches(name.as_bytes(), known.as_bytes()))
}

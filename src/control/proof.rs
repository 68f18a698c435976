//! Ways into an account that ask for less than they seem to: PAM stacks that let in without proof,
//! keys whose private half lies with somebody else, services with capabilities that amount to root.

use super::person::Route;
use super::{Items, ssh};
use crate::access::root_equivalent::CAPABILITIES;
use crate::declared::units::values;
use crate::facts::account::User;
use crate::facts::capability;
use crate::formats::systemd::capability_set;
use crate::host::Target;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most accounts whose keys are compared.
const ACCOUNTS: usize = 10_000;
/// Services through which somebody becomes another user, and what they include.
const SERVICES: [&str; 12] = [
    "su",
    "su-l",
    "sudo",
    "sudo-i",
    "login",
    "sshd",
    "remote",
    "other",
    "common-auth",
    "system-auth",
    "password-auth",
    "polkit-1",
];
/// Modules that prove nothing, whatever they answer.
const NEUTRAL: [&str; 9] = [
    "pam_env.so",
    "pam_faildelay.so",
    "pam_nologin.so",
    "pam_securetty.so",
    "pam_warn.so",
    "pam_echo.so",
    "pam_shells.so",
    "pam_faillock.so",
    "pam_permit.so",
];

/// Stacks of PAM in which `pam_permit` suffices before anything was asked for.
pub(super) fn without_proof(target: &dyn Target, items: &mut Items) -> Vec<Route> {
    let mut found = Vec::new();
    for service in SERVICES {
        let path = PathBuf::from(format!("/etc/pam.d/{service}"));
        let content = match target.read(&path) {
            Ok(Some(content)) => content,
            Ok(None) => continue,
            Err(why) => {
                items.unread.push(why);
                continue;
            }
        };
        let mut asked = false;
        for (number, line) in (1..).zip(String::from_utf8_lossy(&content).lines()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [kind, control, rest @ ..] = words.as_slice() else { continue };
            if kind.trim_start_matches('-') != "auth" {
                asked |= *kind == "@include";
                continue;
            }
            let module = rest.iter().chain([control]).find(|word| word.ends_with(".so"));
            let module = module.and_then(|module| module.rsplit('/').next()).unwrap_or_default();
            let suffices = *control == "sufficient"
                || control.starts_with("[success=done")
                || control.starts_with("[default=done");
            if module == "pam_permit.so" && suffices && !asked {
                found.push(Route {
                    place: format!("{}:{number}", text::path(&path)),
                    people: BTreeSet::from(["everyone".to_owned()]),
                    right: format!("is let in by {service} without any proof ({})", line.trim()),
                });
            }
            let binding = !matches!(*control, "optional" | "sufficient");
            asked |= binding && !NEUTRAL.contains(&module);
        }
    }
    found
}

/// Keys that log in as a user and whose private half is another user's.
pub(super) fn shared_keys(target: &dyn Target, user: &User, items: &mut Items) -> Vec<Route> {
    let config = match ssh::config(target) {
        Ok(config) => config,
        Err(why) => {
            items.unread.push(why);
            return Vec::new();
        }
    };
    let mut allowed: BTreeSet<String> = BTreeSet::new();
    for file in ssh::files(&config, user) {
        match target.read(&file) {
            Ok(content) => {
                let content = content.unwrap_or_default();
                allowed.extend(String::from_utf8_lossy(&content).lines().filter_map(key));
            }
            Err(why) => items.unread.push(why),
        }
    }
    let Ok(accounts) = target.accounts() else { return Vec::new() };
    let mut found = Vec::new();
    if allowed.is_empty() {
        return found;
    }
    for other in
        accounts.users.iter().take(ACCOUNTS).filter(|other| other.uid != user.uid && other.uid != 0)
    {
        let folder = Path::new(&other.home).join(".ssh");
        if !folder.is_absolute() {
            continue;
        }
        let Ok(Some(names)) = target.list(&folder) else { continue };
        for name in names.iter().map(|name| name.to_string_lossy()) {
            let Some(private) = name.strip_suffix(".pub") else { continue };
            let there = matches!(target.file(&folder.join(private)), Ok(Some(_)));
            let public = target.read(&folder.join(&*name)).ok().flatten().unwrap_or_default();
            let public = String::from_utf8_lossy(&public).into_owned();
            if there && public.lines().filter_map(key).any(|key| allowed.contains(&key)) {
                found.push(Route {
                    place: text::path(&folder.join(private)),
                    people: BTreeSet::from([other.name.clone()]),
                    right: format!("holds the private half of a key that logs in as {}", user.name),
                });
            }
        }
    }
    found
}

/// The key itself of a line, `sshd(8)`: options, type and comment left out.
fn key(line: &str) -> Option<String> {
    const KINDS: [&str; 4] = ["ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"];
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with('#'));
    words.find(|word| KINDS.iter().any(|kind| word.starts_with(kind)))?;
    words.next().filter(|key| key.len() >= 16).map(str::to_owned)
}

/// Units that run as somebody with capabilities that amount to root.
pub(super) fn capable_units(target: &dyn Target, items: &mut Items) -> Vec<Route> {
    let mut found = Vec::new();
    for name in crate::formats::systemd::units::index(target).all() {
        let one = match crate::formats::systemd::units::unit(target, name) {
            Ok(Some(one)) if !one.masked && one.id == name => one,
            Ok(_) => continue,
            Err(why) => {
                items.unread.push(why);
                continue;
            }
        };
        let Ok(settings) = &one.settings else { continue };
        let Some((user, _)) = values(settings, "Service.User").pop() else { continue };
        let root = matches!(target.user(&user), Ok(Some(found)) if found.uid == 0) || user == "0";
        if user.is_empty() || root {
            continue;
        }
        let held = values(settings, "Service.AmbientCapabilities");
        let held = capability_set(held.iter().map(|(value, _)| value.as_str()));
        let mut mighty = CAPABILITIES.iter().filter(|(bit, _)| capability::has(held, *bit));
        // The packages of systemd and of network daemons do so by design.
        if let Some((bit, why)) = mighty.next()
            && !one.fragment.starts_with("/usr/lib/systemd")
            && !one.fragment.starts_with("/lib/systemd")
        {
            found.push(Route {
                place: text::path(&one.fragment),
                people: BTreeSet::from([user.clone()]),
                right: format!("runs {} with {}, which {why}", one.id, capability::name(*bit)),
            });
        }
    }
    found
}

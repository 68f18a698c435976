//! What supervisord would start: its `[program:x]` sections, and as whom.

use super::changers;
use super::invocation::{Invocation, absolute, arguments, each_option};
use crate::facts::settings::{Block, Location};
use crate::facts::start::{Identity, Start};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{supervisord, systemd};
use crate::host::Target;
use crate::host::redacted::Marked;
use std::path::PathBuf;

/// Where supervisord looks for its configuration (`supervisord -c` of its manual), the first that
/// exists. What it would look for below its working directory is looked for in `/`.
const PLACES: [&str; 5] = [
    "/usr/local/etc/supervisord.conf",
    "/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
    "/usr/etc/supervisord.conf",
];

/// Kinds of sections that start a program.
const KINDS: [&str; 3] = ["program", "fcgi-program", "eventlistener"];

/// All programs. Without `user=` a program runs as supervisord does: as its own `user=` says, or as
/// `host`, which starts it, or as root.
pub fn programs(
    target: &dyn Target,
    host: Option<&Start>,
    unread: &mut Vec<Unknown>,
) -> Vec<Start> {
    read(target, host, unread).unwrap_or_else(|why| {
        unread.push(why);
        Vec::new()
    })
}

fn read(target: &dyn Target, host: Option<&Start>, unread: &mut Vec<Unknown>) -> Fact<Vec<Start>> {
    let invocation = match host {
        Some(host) => options(&arguments(host, &["supervisord"], target)?)?,
        None => Invocation::default(),
    };
    let places: Vec<PathBuf> = match &invocation.file {
        Some(file) => vec![file.clone()],
        None => PLACES.iter().map(PathBuf::from).collect(),
    };
    for place in &places {
        let Some(content) = target.read_marked(place)? else { continue };
        let settings = supervisord::parse(&Marked(target), place, &content)?;
        unread.extend(settings.unread.iter().cloned());
        let blocks = &settings.root.blocks;
        let own = blocks.iter().find(|block| block.name == "supervisord");
        let user = match invocation.get("user").and_then(|users| users.last().copied()) {
            Some(user) => Some(user),
            None => own.and_then(|block| get(block, "user")).map(|(user, _)| user),
        };
        let host_identity = match user {
            Some(user) => account(user, target),
            None => host.map_or_else(|| Ok(Identity::root()), |host| host.identity.clone()),
        };
        let enabled = host.map_or(Ok(true), |host| host.enabled.clone());
        let programs = blocks.iter().filter(|block| KINDS.contains(&block.name.as_str()));
        return Ok(programs
            .filter_map(|block| start(block, &host_identity, &enabled, target))
            .collect());
    }
    let Some(host) = host else { return Ok(Vec::new()) };
    let why = "there is no configuration that says what it starts".to_owned();
    Err(Unknown::new(format!("supervisord from {}", host.by), Cause::Unsupported(why)))
}

/// `-c FILE` and `-u USER`, in their long forms too.
fn options(arguments: &[String]) -> Fact<Invocation> {
    let mut invocation = Invocation::default();
    let short: Vec<String> = arguments
        .iter()
        .flat_map(|word| {
            let long = [("--configuration", "-c"), ("--user", "-u")];
            for (name, letter) in long {
                match word.strip_prefix(name) {
                    Some("") => return vec![letter.to_owned()],
                    Some(rest) => {
                        let value = rest.strip_prefix('=').unwrap_or(rest);
                        return vec![letter.to_owned(), value.to_owned()];
                    }
                    None => {}
                }
            }
            if word.starts_with("--") { Vec::new() } else { vec![word.clone()] }
        })
        .collect();
    each_option(&short, "cudmlyzeji", |letter, value| {
        match letter {
            'c' => invocation.file = Some(absolute(value)?),
            'u' => invocation.settings.push(("user".to_owned(), value.to_owned())),
            _ => {}
        }
        Ok(())
    })?;
    Ok(invocation)
}

fn get<'a>(block: &'a Block, name: &str) -> Option<(&'a str, &'a Location)> {
    let setting = block.settings.iter().rev().find(|setting| setting.name == name)?;
    Some((&setting.value, &setting.at))
}

fn start(
    block: &Block,
    host: &Fact<Identity>,
    enabled: &Fact<bool>,
    target: &dyn Target,
) -> Option<Start> {
    let (line, _) = get(block, "command")?;
    let command = systemd::words(line);
    let program = PathBuf::from(command.first()?);
    let (identity, at, text) = match get(block, "user") {
        Some((user, at)) => (account(user, target), at.clone(), format!("user={user}")),
        None => {
            let text = format!("[{}:{}] without user=", block.name, block.label);
            (host.clone(), block.at.clone(), text)
        }
    };
    let off = ["false", "no", "off", "0"];
    let autostart = get(block, "autostart")
        .is_none_or(|(value, _)| !off.iter().any(|word| value.eq_ignore_ascii_case(word)));
    let mut start = Start {
        by: format!("supervisord's program {}", block.label),
        at,
        text,
        unit: None,
        program: Some(program),
        command,
        script: None,
        identity,
        enabled: if autostart { enabled.clone() } else { Ok(false) },
    };
    changers::settle(&mut start, target);
    Some(start)
}

fn account(user: &str, target: &dyn Target) -> Fact<Identity> {
    let found = match user.parse::<u32>() {
        Ok(uid) => target.user_by_id(uid)?,
        Err(_) => target.user(user)?,
    };
    // supervisord looks numbers up as well (`name_to_uid()`).
    let missing = || {
        let why = "no such user in /etc/passwd: supervisord does not start".to_owned();
        Unknown::new(format!("user={user}"), Cause::Malformed(why))
    };
    let account = found.ok_or_else(missing)?;
    let words = format!("{} (uid {})", account.name, account.uid);
    let (uid, gid) = (Some(account.uid), Some(account.gid));
    Ok(Identity { uid, gid, name: Some(account.name), words })
}

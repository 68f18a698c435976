//! Which corrective steps a machine may take, and in which order.
//!
//! Steps of a policy are written for people: some are commands, some are sentences. What a script
//! executes has to be a command beyond doubt: one line, of a program that repairs, used as it is used
//! for that. Everything else stays a task by hand, and is said to be one.

use super::Whole;
use crate::actions::items::item::Item;
use crate::text::printable;
use std::collections::BTreeSet;

/// A corrective step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A shell command.
    Command(String),
    /// A sentence, or a command that only a person may give, and why.
    ByHand(String, &'static str),
}

/// The work on one rule: all its items, and their steps, each once.
pub struct Work<'a> {
    /// Items, in the order of their numbers.
    pub items: Vec<&'a Item>,
    /// The command that verifies the rule.
    pub verify: &'a str,
    /// Steps.
    pub steps: Vec<Step>,
    /// Where its items were seen violated.
    pub hosts: BTreeSet<&'a str>,
}

impl Work<'_> {
    /// What it is about, in one line: `nginx-conf-owned (SC-3, SC-4)`.
    pub fn name(&self) -> String {
        let ids: Vec<String> = self.items.iter().map(|item| item.id.to_string()).collect();
        let rule = self.items.first().map(|item| item.key.rule.as_str()).unwrap_or_default();
        format!("{rule} ({})", ids.join(", "))
    }
}

/// The work that is to be done: of live items whose violation nobody has accepted, rule by rule, in
/// the order in which it can succeed. A service starts once its files are right and its port is free.
pub fn work(items: &[Whole], now: i64) -> Vec<Work<'_>> {
    let mut all: Vec<Work> = Vec::new();
    for whole in items {
        let item = &whole.item;
        let waived = item.waived_until.is_some_and(|until| until > now);
        if !item.state.is_live() || waived {
            continue;
        }
        let present = whole.occurrences.iter();
        let present = present.filter(|one| one.presence == crate::actions::Presence::Present);
        let hosts = present.map(|one| one.host.as_str());
        let elsewhere = is_elsewhere(&item.texts.command);
        let steps = item.texts.corrective.iter().map(|text| match elsewhere {
            true => {
                Step::ByHand(text.clone(), "it was seen in a root directory or image, not here")
            }
            false => step(text),
        });
        let is_same = |work: &&mut Work| work.verify == item.texts.command;
        match all.iter_mut().find(is_same) {
            Some(work) => {
                work.items.push(item);
                work.hosts.extend(hosts);
                for step in steps {
                    if !work.steps.contains(&step) {
                        work.steps.push(step);
                    }
                }
            }
            None => all.push(Work {
                items: vec![item],
                verify: &item.texts.command,
                steps: steps.collect(),
                hosts: hosts.collect(),
            }),
        }
    }
    for work in &mut all {
        work.items.sort_by_key(|item| item.id);
    }
    all.sort_by_key(|work| work.items.first().map(|item| (turn(item), item.id)));
    all
}

/// Whether what verifies an item looks at something else than the host that it runs on. A file of that
/// name is taken for one too: a step by hand too many does no harm.
fn is_elsewhere(verify: &str) -> bool {
    [" --root ", " --image "].iter().any(|option| verify.contains(option))
}

/// What has to be right before what: what comes first has the lower number.
pub fn turn(item: &Item) -> u8 {
    match item.key.thing.kind.as_str() {
        "package" => 0,
        "user" | "group" | "accounts" => 1,
        "port" | "listeners" => 3,
        "unit" => 4,
        "service" | "process" => 5,
        _ => 2,
    }
}

/// Longest command that is executed, in bytes.
const LONGEST: usize = 2000;

/// What a step of a policy or of a check is.
fn step(words: &str) -> Step {
    let words = words.trim();
    let by_hand = |why| Step::ByHand(words.to_owned(), why);
    if words.len() > LONGEST || printable(words) != words {
        return by_hand("it is no single line of plain text");
    }
    let first = words.split(' ').next().unwrap_or_default();
    if first == "kill" {
        return by_hand("process ids are of the moment in which they were seen");
    }
    if words.contains(" $'") || !ends_its_quotes(words) {
        return by_hand("not every shell reads it as it is meant");
    }
    if !is_command(words) {
        return by_hand("it is no command that can be told from a sentence");
    }
    Step::Command(words.to_owned())
}

/// Whether it begins as a command does that repairs something.
fn is_command(words: &str) -> bool {
    let mut parts = words.split(' ').filter(|part| !part.is_empty());
    let (program, second) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let names_a_path = words
        .split(' ')
        .skip(1)
        .any(|part| part.starts_with('/') || part.starts_with("'/") || part.starts_with("\"/"));
    let has_option = second.starts_with('-');
    let verb = |verbs: &[&str]| verbs.contains(&second);
    match program {
        "chown" | "chgrp" | "chmod" | "rm" | "mv" | "cp" | "ln" | "mkdir" | "setfacl" | "touch"
        | "truncate" | "setcap" => names_a_path,
        "sed" | "install" | "journalctl" | "usermod" | "groupmod" | "gpasswd" | "passwd"
        | "useradd" | "groupadd" | "nginx" | "apachectl" => has_option,
        "userdel" | "groupdel" | "modprobe" | "rmmod" => words.split(' ').count() <= 3,
        "systemctl" => verb(&[
            "start",
            "stop",
            "restart",
            "reload",
            "enable",
            "disable",
            "mask",
            "unmask",
            "daemon-reload",
            "try-restart",
            "reload-or-restart",
        ]),
        "sysctl" => verb(&["-w", "-p", "--system"]),
        "mount" | "umount" => has_option || second.starts_with('/'),
        "printf" => second.starts_with('\''),
        "apt-get" | "dnf" | "yum" | "apk" | "zypper" => {
            verb(&["install", "remove", "purge", "upgrade", "reinstall", "add", "del"])
        }
        _ => false,
    }
}

/// Whether every quote that is opened is closed, and nothing goes on behind the line.
fn ends_its_quotes(words: &str) -> bool {
    let mut open = None;
    let mut chars = words.chars();
    while let Some(c) = chars.next() {
        match (open, c) {
            (None | Some('"'), '\\') if chars.next().is_none() => return false,
            (None, '#') => return true,
            (None, '\'' | '"') => open = Some(c),
            (Some(quote), c) if c == quote => open = None,
            _ => {}
        }
    }
    open.is_none() && !words.contains("<<")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sentences() {
        for command in [
            "chown nginx:nginx /etc/nginx/nginx.conf",
            "chmod u+rw '/srv/a b'",
            "sed -i '13s|listen 8081|listen 8080|' /etc/nginx/nginx.conf",
            "systemctl start nginx.service # once everything else here is repaired",
            "mkdir -p /etc/systemd/system/x.service.d && printf '%s\\n' '[Service]' > /etc/y",
            "userdel mallory",
        ] {
            assert_eq!(step(command), Step::Command(command.into()));
        }
        for sentence in [
            "Set User=nginx in a drop-in of nginx.service, then systemctl restart nginx.service",
            "install the package from its repository",
            "chmod it to 0600",
            "kill 4711",
            "systemctl edit nginx.service",
            "rm it",
            "chmod 0600 /etc/x\nreboot",
            "chmod 0600 '/etc/x",
            "chmod 0600 /etc/x \\",
            "chmod 0600 $'/etc/a\\012b'",
            "reboot",
            "",
        ] {
            assert!(matches!(step(sentence), Step::ByHand(..)), "{sentence}");
        }
    }
}

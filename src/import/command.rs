//! Commands that ask what there is a key for. spotcheck starts none.

use super::Rule;
use super::words::{plain, quoted};

/// States of which `systemctl is-enabled` exits with 0. `systemctl(1)`.
pub const ENABLED: &str = "[enabled, enabled-runtime, static, alias, indirect, generated]";

/// The rule for a command that is to succeed (`success`), or to fail, printing nothing of interest.
pub fn by_exit(command: &str, success: bool) -> Option<Rule> {
    let words: Vec<&str> = command.split_whitespace().collect();
    // What a shell would make of it is not looked at.
    if command.contains(['|', ';', '&', '<', '>', '$', '`', '*', '?', '\'', '"', '(', '~']) {
        return None;
    }
    let truth = success.to_string();
    let rule = match words.as_slice() {
        // dpkg -s succeeds for what was removed and left its configuration.
        ["rpm", "-q", name] => Rule::new("package", plain(name)).must("installed", truth),
        ["systemctl", "is-active", name] => Rule::new("unit", unit(name)).must("active", truth),
        ["systemctl", "is-enabled", name] => match success {
            true => Rule::new("unit", unit(name)).must("state", ENABLED),
            false => Rule::new("unit", unit(name)).must("state", format!("{{ not: {ENABLED} }}")),
        },
        ["id", name] | ["getent", "passwd", name] if !name.starts_with('-') => {
            Rule::new("user", plain(name)).must("exists", truth)
        }
        ["getent", "group", name] => Rule::new("group", plain(name)).must("exists", truth),
        ["test", "-L" | "-h", path] if success && path.starts_with('/') => {
            Rule::new("file", quoted(path)).must("type", "symlink")
        }
        _ => return None,
    };
    Some(rule)
}

/// The rule for a command that is to print this.
pub fn by_output(command: &str, printed: &str) -> Option<Rule> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let printed = printed.trim();
    if printed.is_empty() || printed.contains(['\n', '/', '!']) {
        return None;
    }
    match words.as_slice() {
        ["sysctl", "-n", key] | ["/sbin/sysctl" | "/usr/sbin/sysctl", "-n", key]
            if printed.bytes().all(|b| b.is_ascii_digit()) =>
        {
            let note = "the value equals it; the output was to contain it".to_owned();
            let rule = Rule::new("sysctl", plain(key)).must("value", quoted(printed));
            Some(Rule { note: Some(note), ..rule })
        }
        _ => None,
    }
}

/// The name of a unit as systemd completes it.
pub fn unit(name: &str) -> String {
    const SUFFIXES: [&str; 10] = [
        ".service",
        ".socket",
        ".timer",
        ".mount",
        ".target",
        ".path",
        ".slice",
        ".swap",
        ".device",
        ".automount",
    ];
    match SUFFIXES.iter().any(|suffix| name.ends_with(suffix)) {
        true => plain(name),
        false => plain(&format!("{name}.service")),
    }
}

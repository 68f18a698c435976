//! Files of goss. Meanings are those of goss 0.4: `file` looks at the path itself (lstat), a list is
//! contained in what is found, patterns are matched line by line.

use super::command::{ENABLED, by_exit, by_output, unit};
use super::pattern::{escaped, of_line};
use super::words::{elements, entries, expectation, get, plain, quoted, set, text, truth};
use super::{Import, Rule};
use crate::policy::node::{Key, Node};

/// Reads a document.
pub fn read(document: &Node, import: &mut Import) {
    for (kind, resources) in entries(document) {
        for (name, resource) in entries(resources) {
            let told = format!("{} {}", kind.text, name.text);
            let skipped = get(resource, "skip").and_then(truth) == Some(true);
            if skipped {
                import.leave(&kind.text, told, "skip: true");
                continue;
            }
            one(&kind.text, &told, name, resource, import);
        }
    }
}

fn one(kind: &str, told: &str, name: &Key, resource: &Node, import: &mut Import) {
    let mut attributes = Attributes { import, kind, told, resource };
    match kind {
        "file" => file(&mut attributes, name),
        "package" => package(&mut attributes, name),
        "service" => service(&mut attributes, name),
        "user" => user(&mut attributes, name),
        "group" => group(&mut attributes, name),
        "port" => port(&mut attributes, name),
        "process" => process(&mut attributes, name),
        "mount" => mount(&mut attributes, name),
        "kernel-param" => kernel_parameter(&mut attributes, name),
        "command" => command(&mut attributes, name),
        "gossfile" => gossfile(&mut attributes, name),
        "http" | "dns" | "addr" | "interface" => {
            attributes.leave_all("spotcheck does not use the network");
        }
        "matching" => attributes.leave_all("no subject of a host"),
        _ => attributes.leave_all("not a kind of goss"),
    }
}

/// Another file of goss, named relative to this one.
fn gossfile(attributes: &mut Attributes, key: &Key) {
    let file = attributes.name(key, "file").to_owned();
    if file.contains(['*', '?', '[', '{']) {
        return attributes.leave_all("a pattern: give its files to `spotcheck import` as well");
    }
    attributes.rest(&["file"]);
    let path = attributes.import.folder.join(file);
    attributes.import.named.push((path, attributes.told.to_owned()));
}

/// The attributes of one resource.
struct Attributes<'a> {
    import: &'a mut Import,
    kind: &'a str,
    told: &'a str,
    resource: &'a Node,
}

/// Keys that say nothing about the host.
const ABOUT: [&str; 4] = ["title", "meta", "skip", "path"];

impl Attributes<'_> {
    fn leave(&mut self, attribute: &str, why: &str) {
        self.import.leave(self.kind, format!("{}: {attribute}", self.told), why);
    }

    fn leave_all(&mut self, why: &str) {
        self.import.leave(self.kind, self.told, why);
    }

    fn truth(&mut self, attribute: &str) -> Option<bool> {
        let node = get(self.resource, attribute)?;
        let truth = truth(node);
        if truth.is_none() {
            self.leave(attribute, "neither true nor false");
        }
        truth
    }

    /// An attribute of a single value.
    fn value(&mut self, attribute: &str) -> Option<String> {
        let node = get(self.resource, attribute)?;
        expectation(node).map_err(|why| self.leave(attribute, &why)).ok()
    }

    /// An attribute that is a set.
    fn set(&mut self, attribute: &str) -> Option<String> {
        let node = get(self.resource, attribute)?;
        if super::words::texts(node).is_some_and(|all| all.is_empty()) {
            return None;
        }
        set(node).map_err(|why| self.leave(attribute, &why)).ok()
    }

    fn rest(&mut self, known: &[&str]) {
        for (key, _) in entries(self.resource) {
            let name = key.text.as_str();
            if !known.contains(&name) && !ABOUT.contains(&name) {
                self.leave(name, "there is no key for it");
            }
        }
    }

    fn finish(self, mut rule: Rule) {
        rule.title = get(self.resource, "title").and_then(text).map(quoted);
        self.import.rule(self.kind, rule);
    }

    fn name<'a>(&'a self, key: &'a Key, attribute: &str) -> &'a str {
        get(self.resource, attribute).and_then(text).unwrap_or(&key.text)
    }
}

fn file(attributes: &mut Attributes, key: &Key) {
    let path = attributes.name(key, "path").to_owned();
    if !path.starts_with('/') || path.contains(['*', '?', '[', '{']) {
        return attributes.leave_all("not an absolute path, or one that reads as a pattern here");
    }
    let mut rule = Rule::new("file", plain(&path));
    let exists = attributes.truth("exists");
    if exists == Some(false) {
        // goss asks nothing else of what is not to be there.
        let rule = rule.must("exists", "false");
        return attributes.take().finish(rule);
    }
    let kind = get(attributes.resource, "filetype").and_then(text).map(str::to_owned);
    let is_link = kind.as_deref() == Some("symlink");
    let known = match kind.as_deref() {
        Some("file" | "directory" | "symlink" | "socket") => kind.clone(),
        Some("pipe") => Some("fifo".to_owned()),
        Some("character-device") => Some("char_device".to_owned()),
        Some("block-device") => Some("block_device".to_owned()),
        _ => None,
    };
    if get(attributes.resource, "filetype").is_some() && known.is_none() {
        attributes.leave("filetype", "not one type by its name");
    }
    let of_itself = ["mode", "owner", "group", "size", "uid", "gid"];
    let asks_itself = of_itself.iter().any(|name| get(attributes.resource, name).is_some());
    match known {
        Some(known) => rule = rule.must("type", known),
        // goss looks at the link, spotcheck at what it leads to: a link in its place must not pass.
        None if asks_itself => rule = rule.must("type", "{ not: symlink }"),
        None if exists == Some(true) => rule = rule.must("exists", "true"),
        None => {}
    }
    if let Some(target) = attributes.value("linked-to") {
        rule = rule.must("target", target);
    }
    for (attribute, condition) in [
        ("owner", "owner"),
        ("uid", "owner"),
        ("group", "group"),
        ("gid", "group"),
        ("size", "size"),
    ] {
        if get(attributes.resource, attribute).is_none() {
            continue;
        }
        if is_link {
            attributes.leave(attribute, "of the link itself, which gives no rights");
        } else if rule.must.iter().any(|(known, _)| known == condition) {
            attributes.leave(attribute, "said twice, by name and by number");
        } else if let Some(value) = attributes.value(attribute) {
            rule = rule.must(condition, value);
        }
    }
    match get(attributes.resource, "mode").map(|node| text(node).map(str::to_owned)) {
        None => {}
        Some(Some(mode)) if is_link && ["0777", "777"].contains(&mode.as_str()) => {}
        Some(_) if is_link => attributes.leave("mode", "a link has no mode of its own"),
        // goss compares the text, and writes a mode with four digits: setuid is "4755".
        Some(Some(mode)) if mode.len() == 4 && mode.bytes().all(|b| (b'0'..=b'7').contains(&b)) => {
            rule = rule.must("mode", format!("\"{mode}\""));
        }
        Some(_) => attributes.leave("mode", "not four octal digits, so goss itself never finds it"),
    }
    if let Some(digest) = attributes.value("sha256") {
        rule = rule.must("sha256", digest);
    }
    rule = contents(attributes, rule);
    attributes.rest(&[
        "exists",
        "filetype",
        "linked-to",
        "owner",
        "uid",
        "group",
        "gid",
        "size",
        "mode",
        "sha256",
        "contents",
        "contains",
    ]);
    attributes.take().finish(rule);
}

fn contents(attributes: &mut Attributes, mut rule: Rule) -> Rule {
    for name in ["contents", "contains"] {
        let Some(node) = get(attributes.resource, name) else { continue };
        if !entries(node).is_empty() || (text(node).is_some() && elements(node).is_empty()) {
            attributes.leave(name, "not a list of patterns");
            continue;
        }
        let (mut there, mut not_there) = (Vec::new(), Vec::new());
        for item in elements(node) {
            let Some(pattern) = text(item) else {
                attributes.leave(name, "not a pattern");
                continue;
            };
            let (negated, plain) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest),
                None => (false, pattern),
            };
            let expression = match plain.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
                Some(inner) => of_line(inner),
                None => Some(escaped(plain.strip_prefix('\\').unwrap_or(plain))),
            };
            match expression {
                Some(expression) if negated => not_there.push(quoted(&expression)),
                Some(expression) => there.push(quoted(&expression)),
                None => attributes.leave(
                    &format!("{name} {pattern}"),
                    "this expression cannot be kept within a line",
                ),
            }
        }
        match there.as_slice() {
            [] => {}
            [one] => rule = rule.must("contains", one.as_str()),
            several => rule = rule.must("contains", format!("{{ all: [{}] }}", several.join(", "))),
        }
        if !not_there.is_empty() {
            rule = rule.must("not_contains", format!("[{}]", not_there.join(", ")));
        }
    }
    rule
}

fn package(attributes: &mut Attributes, key: &Key) {
    let mut rule = Rule::new("package", plain(attributes.name(key, "name")));
    let installed = attributes.truth("installed");
    if let Some(installed) = installed {
        rule = rule.must("installed", installed.to_string());
    }
    if installed != Some(false)
        && let Some(node) = get(attributes.resource, "versions")
    {
        match super::words::texts(node).as_deref() {
            Some([]) => {}
            Some([one]) => rule = rule.must("version", quoted(one)),
            _ => attributes.leave("versions", "several versions at once, or a matcher"),
        }
    }
    attributes.rest(&["installed", "versions", "name"]);
    attributes.take().finish(rule);
}

fn service(attributes: &mut Attributes, key: &Key) {
    let mut rule = Rule::new("unit", unit(attributes.name(key, "name")));
    match attributes.truth("enabled") {
        Some(true) => rule = rule.must("state", ENABLED),
        Some(false) => rule = rule.must("state", format!("{{ not: {ENABLED} }}")),
        None => {}
    }
    if let Some(running) = attributes.truth("running") {
        rule = rule.must("active", running.to_string());
    }
    attributes.rest(&["enabled", "running", "name"]);
    attributes.take().finish(rule);
}

fn user(attributes: &mut Attributes, key: &Key) {
    let rule = Rule::new("user", plain(attributes.name(key, "username")));
    let Some(mut rule) = existing(attributes, rule, "exists") else { return };
    for (attribute, condition) in
        [("uid", "uid"), ("gid", "group"), ("home", "home"), ("shell", "shell")]
    {
        if let Some(value) = attributes.value(attribute) {
            rule = rule.must(condition, value);
        }
    }
    if let Some(groups) = attributes.set("groups") {
        rule = rule.must("groups", groups);
    }
    attributes.rest(&["exists", "uid", "gid", "home", "shell", "groups", "username"]);
    attributes.take().finish(rule);
}

/// The rule with what `exists` says of its subject. Of one that must not exist nothing else is asked: then the
/// rule is finished, and there is none to go on with.
fn existing(attributes: &mut Attributes, rule: Rule, condition: &'static str) -> Option<Rule> {
    match attributes.truth("exists") {
        Some(false) => {
            attributes.take().finish(rule.must(condition, "false"));
            None
        }
        Some(true) => Some(rule.must(condition, "true")),
        None => Some(rule),
    }
}

fn group(attributes: &mut Attributes, key: &Key) {
    let rule = Rule::new("group", plain(attributes.name(key, "groupname")));
    let Some(mut rule) = existing(attributes, rule, "exists") else { return };
    if let Some(gid) = attributes.value("gid") {
        rule = rule.must("gid", gid);
    }
    attributes.rest(&["exists", "gid", "groupname"]);
    attributes.take().finish(rule);
}

fn port(attributes: &mut Attributes, key: &Key) {
    let name = attributes.name(key, "port").to_owned();
    let Some((protocol, number)) = name.split_once(':') else {
        return attributes.leave_all("not a protocol and a port");
    };
    let (protocol, family) = match protocol {
        "tcp" | "udp" => (protocol, "ipv4"),
        "tcp6" => ("tcp", "ipv6"),
        "udp6" => ("udp", "ipv6"),
        _ => return attributes.leave_all("neither tcp nor udp"),
    };
    let mut rule = Rule::new("port", plain_port(number, protocol));
    match attributes.truth("listening") {
        Some(true) => {
            rule = rule.must("listening", "true");
            // goss tells the families apart.
            let addresses = attributes.set("ip");
            rule = match addresses {
                Some(addresses) => rule.must("addresses", addresses),
                None => rule.must("addresses", format!("{{ any: {family} }}")),
            };
        }
        Some(false) => {
            rule = rule.must("listening", "false");
            let note = "on no address of either family; goss asks of one family";
            rule.note = Some(note.to_owned());
        }
        None => {
            if let Some(addresses) = attributes.set("ip") {
                rule = rule.must("addresses", addresses);
            }
        }
    }
    attributes.rest(&["listening", "ip", "port"]);
    attributes.take().finish(rule);
}

fn plain_port(number: &str, protocol: &str) -> String {
    plain(&format!("{number}/{protocol}"))
}

fn process(attributes: &mut Attributes, key: &Key) {
    let name = attributes.name(key, "comm").to_owned();
    let mut rule = Rule::new("process", format!("{{ name: {} }}", plain(&name)));
    rule.id = Some(format!("process-{name}"));
    if let Some(running) = attributes.truth("running") {
        rule = rule.must("running", running.to_string());
        rule.note = Some("processes of containers are not the host's here".to_owned());
    }
    attributes.rest(&["running", "comm"]);
    attributes.take().finish(rule);
}

fn mount(attributes: &mut Attributes, key: &Key) {
    let rule = Rule::new("mount", plain(attributes.name(key, "mountpoint")));
    let Some(mut rule) = existing(attributes, rule, "mounted") else { return };
    if let Some(options) = attributes.set("opts") {
        rule = rule.must("options", options);
    }
    for attribute in ["source", "filesystem"] {
        if let Some(value) = attributes.value(attribute) {
            rule = rule.must(attribute, value);
        }
    }
    attributes.rest(&["exists", "opts", "source", "filesystem", "mountpoint"]);
    attributes.take().finish(rule);
}

fn kernel_parameter(attributes: &mut Attributes, key: &Key) {
    let mut rule = Rule::new("sysctl", plain(attributes.name(key, "name")));
    if let Some(value) = attributes.value("value") {
        rule = rule.must("value", value);
    }
    attributes.rest(&["value", "name"]);
    attributes.take().finish(rule);
}

fn command(attributes: &mut Attributes, key: &Key) {
    const WHY: &str = "spotcheck starts no process";
    let line = attributes.name(key, "exec").to_owned();
    let status = get(attributes.resource, "exit-status").and_then(text);
    let printed = |name: &str| get(attributes.resource, name).map(elements).unwrap_or_default();
    let (out, err) = (printed("stdout"), printed("stderr"));
    let asks_more = entries(attributes.resource).iter().any(|(key, _)| {
        !["exit-status", "stdout", "stderr", "exec", "timeout"].contains(&key.text.as_str())
            && !ABOUT.contains(&key.text.as_str())
    });
    let is_list = |name: &str| {
        get(attributes.resource, name).is_none_or(|node| super::words::texts(node).is_some())
    };
    let plain_lists = is_list("stdout") && is_list("stderr");
    let rule = match (status, out, err) {
        _ if asks_more || !plain_lists => None,
        (Some("0"), [], []) => by_exit(&line, true),
        (Some("0"), [one], []) => text(one).and_then(|printed| by_output(&line, printed)),
        _ => None,
    };
    match rule {
        Some(rule) => attributes.take().finish(rule),
        None => attributes.leave_all(WHY),
    }
}

impl<'a> Attributes<'a> {
    /// The same, to be finished.
    fn take<'b>(&'b mut self) -> Attributes<'b>
    where
        'a: 'b,
    {
        Attributes {
            import: self.import,
            kind: self.kind,
            told: self.told,
            resource: self.resource,
        }
    }
}

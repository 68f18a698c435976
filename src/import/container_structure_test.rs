//! Files of container-structure-test, schema 2.0.0. Patterns are matched with a whole text; files are
//! looked at without following a link at the end of their path.

use super::command::by_exit;
use super::pattern::of_text;
use super::words::{elements, entries, get, list, plain, quoted, text, texts, truth};
use super::{Import, Rule};
use crate::policy::node::Node;

/// Reads a document.
pub fn read(document: &Node, import: &mut Import) {
    for (key, value) in entries(document) {
        let kind = key.text.as_str();
        let each = |read: fn(&Node, &mut Import), import: &mut Import| {
            elements(value).iter().for_each(|test| read(test, import));
        };
        match kind {
            "schemaVersion" => {
                if text(value) != Some("2.0.0") {
                    import.leave(kind, "schemaVersion", "only 2.0.0 is known");
                }
            }
            "fileExistenceTests" => each(existence, import),
            "fileContentTests" => each(content, import),
            "commandTests" => each(command, import),
            "metadataTest" => metadata(value, import),
            "globalEnvVars" | "containerRunOptions" => {
                import.leave(kind, kind, "nothing is started");
            }
            "licenseTests" => import.leave(kind, kind, "spotcheck does not read licences"),
            _ => import.leave(kind, kind, "not a key of container-structure-test"),
        }
    }
}

fn name(test: &Node) -> String {
    get(test, "name").and_then(text).unwrap_or("without a name").to_owned()
}

fn titled(test: &Node, rule: Rule) -> Rule {
    let name = get(test, "name").and_then(text);
    let id = name.map(str::to_owned);
    Rule { title: name.map(quoted), id, ..rule }
}

/// The path of a test, absolute, as it would stand in a rule.
fn path(test: &Node, key: &str) -> Option<String> {
    let path = get(test, key).and_then(text)?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (!path.contains(['*', '?', '[', '{', '$'])).then(|| plain(&path))
}

fn existence(test: &Node, import: &mut Import) {
    const KIND: &str = "fileExistenceTests";
    let told = name(test);
    let Some(path) = path(test, "path") else {
        return import.leave(KIND, told, "no path, or one that reads as a pattern here");
    };
    let rule = titled(test, Rule::new("file", path));
    let wanted = get(test, "shouldExist");
    match wanted.map_or(Some(true), truth) {
        Some(true) => {}
        Some(false) => return import.rule(KIND, rule.must("exists", "false")),
        None => return import.leave(KIND, told, "shouldExist is neither true nor false"),
    }
    let mut rule = rule;
    let asks_itself =
        ["permissions", "uid", "gid", "isExecutableBy"].iter().any(|key| get(test, key).is_some());
    let mut modes = Vec::new();
    match get(test, "permissions").map(|node| text(node).and_then(permissions)) {
        None if asks_itself => rule = rule.must("type", "{ not: symlink }"),
        None => rule = rule.must("exists", "true"),
        Some(Some((kind, mode))) => {
            rule = rule.must("type", kind);
            if kind != "symlink" {
                modes.push(format!("\"{mode:04o}\""));
            }
        }
        Some(None) => {
            rule = rule.must("type", "{ not: symlink }");
            import.leave(KIND, format!("{told}: permissions"), "not as Go writes a mode");
        }
    }
    let is_link = rule.must.iter().any(|(key, value)| key == "type" && value == "symlink");
    for (key, condition) in [("uid", "owner"), ("gid", "group")] {
        let Some(node) = get(test, key) else { continue };
        match text(node).and_then(|id| id.parse::<u32>().ok()) {
            Some(_) if is_link => {
                import.leave(KIND, format!("{told}: {key}"), "of the link itself");
            }
            Some(id) => rule = rule.must(condition, id.to_string()),
            None => import.leave(KIND, format!("{told}: {key}"), "not a number"),
        }
    }
    match get(test, "isExecutableBy").map(text) {
        None => {}
        Some(_) if is_link => import.leave(KIND, format!("{told}: isExecutableBy"), "of a link"),
        Some(Some("owner")) => modes.push("\"u+x\"".to_owned()),
        Some(Some("group")) => modes.push("\"g+x\"".to_owned()),
        Some(Some("other")) => modes.push("\"o+x\"".to_owned()),
        Some(Some("any")) => {
            let any = "[{ mode: \"u+x\" }, { mode: \"g+x\" }, { mode: \"o+x\" }]";
            rule = rule.must("any", any);
        }
        Some(_) => import.leave(
            KIND,
            format!("{told}: isExecutableBy"),
            "neither owner, group, other nor any",
        ),
    }
    match modes.as_slice() {
        [] => {}
        [one] => rule = rule.must("mode", one.as_str()),
        several => {
            let groups: Vec<String> =
                several.iter().map(|mode| format!("{{ mode: {mode} }}")).collect();
            rule = rule.must("all", format!("[{}]", groups.join(", ")));
        }
    }
    import.rule(KIND, rule);
}

/// What Go's `FileMode.String()` says: letters for the type and `u`, `g`, `t`, then nine for rights.
fn permissions(text: &str) -> Option<(&'static str, u32)> {
    let split = text.len().checked_sub(9)?;
    let (letters, rights) = text.split_at_checked(split)?;
    let mut mode = 0;
    let mut kind = "file";
    for letter in letters.chars() {
        match letter {
            '-' => {}
            'd' => kind = "directory",
            'L' => kind = "symlink",
            'S' => kind = "socket",
            'p' => kind = "fifo",
            'D' => kind = "block_device",
            'c' => kind = "char_device",
            'u' => mode |= 0o4000,
            'g' => mode |= 0o2000,
            't' => mode |= 0o1000,
            _ => return None,
        }
    }
    for (letter, wanted) in rights.chars().zip("rwxrwxrwx".chars()) {
        mode = mode & 0o7000 | (mode & 0o777) << 1;
        match letter {
            '-' => {}
            letter if letter == wanted => mode |= 1,
            _ => return None,
        }
    }
    // A device has a D before its c.
    let kind = if letters.contains('D') && letters.contains('c') { "char_device" } else { kind };
    (!letters.is_empty()).then_some((kind, mode))
}

fn content(test: &Node, import: &mut Import) {
    const KIND: &str = "fileContentTests";
    let told = name(test);
    let Some(path) = path(test, "path") else {
        return import.leave(KIND, told, "no path, or one that reads as a pattern here");
    };
    let mut rule = titled(test, Rule::new("file", path));
    for (key, condition) in [("expectedContents", "contains"), ("excludedContents", "not_contains")]
    {
        let Some(node) = get(test, key) else { continue };
        let Some(patterns) = texts(node) else {
            import.leave(KIND, format!("{told}: {key}"), "not a list of patterns");
            continue;
        };
        let patterns: Vec<String> =
            patterns.iter().map(|pattern| quoted(&of_text(pattern))).collect();
        let joined = patterns.join(", ");
        rule = match patterns.as_slice() {
            [] => rule,
            [one] => rule.must(condition, one.as_str()),
            _ if condition == "contains" => rule.must(condition, format!("{{ all: [{joined}] }}")),
            _ => rule.must(condition, format!("[{joined}]")),
        };
    }
    import.rule(KIND, rule);
}

fn command(test: &Node, import: &mut Import) {
    const KIND: &str = "commandTests";
    let told = name(test);
    let known = ["name", "command", "args", "exitCode"];
    let asks_more = entries(test).iter().any(|(key, value)| {
        !known.contains(&key.text.as_str())
            && (!elements(value).is_empty() || text(value).is_some())
    });
    let arguments = get(test, "args").map_or(Some(Vec::new()), texts);
    let code = get(test, "exitCode").map_or(Some("0"), text);
    let rule = match (get(test, "command").and_then(text), arguments, code) {
        (Some(command), Some(arguments), Some("0")) if !asks_more => {
            let one_word = |word: &&str| !word.contains(char::is_whitespace);
            let words: Vec<&str> = std::iter::once(command).chain(arguments).collect();
            match words.iter().all(one_word) {
                true => by_exit(&words.join(" "), true),
                false => None,
            }
        }
        _ => None,
    };
    match rule {
        Some(rule) => import.rule(KIND, titled(test, rule)),
        None => import.leave(KIND, told, "spotcheck starts no process"),
    }
}

fn metadata(test: &Node, import: &mut Import) {
    const KIND: &str = "metadataTest";
    let mut rule = Rule::new("image", "config");
    rule.id = Some("image-metadata".to_owned());
    for (key, value) in entries(test) {
        let name = key.text.as_str();
        let set = |word: &str| match texts(value) {
            Some(all) if all.is_empty() => Ok(None),
            Some(all) => Ok(Some(format!("{{ {word}: {} }}", list(all)))),
            None => Err("not a list"),
        };
        let arguments = || match texts(value) {
            Some(all) => {
                let words: Vec<String> = all.into_iter().map(quoted).collect();
                Ok(Some(format!("[{}]", words.join(", "))))
            }
            None => Err("not a list of arguments"),
        };
        let read = match name {
            "envVars" | "env" => pairs(value).map(|all| ("env", Some(all))),
            "labels" => pairs(value).map(|all| ("labels", Some(all))),
            "exposedPorts" => ports(value, "all").map(|all| ("exposed_ports", all)),
            "unexposedPorts" => ports(value, "none").map(|all| ("exposed_ports", all)),
            "volumes" => set("all").map(|all| ("volumes", all)),
            "unmountedVolumes" => set("none").map(|all| ("volumes", all)),
            "entrypoint" => arguments().map(|all| ("entrypoint", all)),
            "cmd" => arguments().map(|all| ("cmd", all)),
            "workdir" => text(value).map(|at| ("workdir", Some(quoted(at)))).ok_or("not a text"),
            "user" => match text(value) {
                Some(user) if !user.is_empty() && !user.contains(':') => {
                    let note = "who it is, whether written as a name or as a number".to_owned();
                    let own = Rule::new("image", "config").must("user", plain(user));
                    let id = Some("image-user".to_owned());
                    import.rule(KIND, Rule { note: Some(note), id, ..own });
                    Ok(("user", None))
                }
                _ => Err("not one user"),
            },
            _ => Err("there is no key for it"),
        };
        match read {
            Ok((_, None)) => {}
            // Two keys there are two words of one set here.
            Ok((condition, Some(value))) => {
                match rule.must.iter_mut().find(|(known, _)| known == condition) {
                    Some((_, before)) => *before = merged(before, &value),
                    None => rule.must.push((condition.to_owned(), value)),
                }
            }
            Err(why) => import.leave(KIND, name, why),
        }
    }
    import.rule(KIND, rule);
}

fn merged(first: &str, second: &str) -> String {
    let inner =
        |text: &str| text.trim().trim_start_matches('{').trim_end_matches('}').trim().to_owned();
    format!("{{ {}, {} }}", inner(first), inner(second))
}

fn pairs(node: &Node) -> Result<String, &'static str> {
    let mut all = Vec::new();
    for one in elements(node) {
        let key = get(one, "key").and_then(text).ok_or("without a key")?;
        let value = match get(one, "value") {
            Some(node) => text(node).unwrap_or_default(),
            None => "",
        };
        let expected = match get(one, "isRegex").map_or(Some(false), truth) {
            Some(true) => format!("{{ matches: {} }}", quoted(value)),
            Some(false) => quoted(value),
            None => return Err("isRegex is neither true nor false"),
        };
        all.push(format!("{}: {expected}", quoted(key)));
    }
    match all.is_empty() {
        true => Err("names nothing"),
        false => Ok(format!("{{ {} }}", all.join(", "))),
    }
}

fn ports(node: &Node, word: &str) -> Result<Option<String>, &'static str> {
    let all = texts(node).ok_or("not a list of ports")?;
    if all.is_empty() {
        return Ok(None);
    }
    let ports: Vec<String> = all
        .into_iter()
        .map(|port| if port.contains('/') { port.to_owned() } else { format!("{port}/tcp") })
        .collect();
    let words: Vec<String> = ports.iter().map(|port| quoted(port)).collect();
    Ok(Some(format!("{{ {word}: [{}] }}", words.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn a_mode_is_read_as_go_writes_it() {
        assert_eq!(permissions("-rw-r--r--"), Some(("file", 0o644)));
        assert_eq!(permissions("drwxr-xr-x"), Some(("directory", 0o755)));
        assert_eq!(permissions("dtrwxrwxrwx"), Some(("directory", 0o1777)));
        assert_eq!(permissions("urwxr-xr-x"), Some(("file", 0o4755)));
        assert_eq!(permissions("Lrwxrwxrwx"), Some(("symlink", 0o777)));
        assert_eq!(permissions("Dcrw-rw-rw-"), Some(("char_device", 0o666)));
        assert_eq!(permissions("0644"), None);
        assert_eq!(permissions("-rw-r--r-é"), None);
    }
}

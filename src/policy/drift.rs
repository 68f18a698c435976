//! The `drift:` section of a policy: what a baseline is of, and what may happen to it.
//!
//! ```yaml
//! drift:
//!   paths: [/etc, /usr, /srv/app, ~/.ssh]   # ~ is the home of every user
//!   exclude: [/srv/app/tmp]
//!   log: /var/log/app
//!   secret: [/etc/shadow, /srv/app/key.pem]
//!   expected:
//!     - { path: /srv/app/version, why: written by every deployment }
//! ```

use super::diagnostic::{Diagnostic, Diagnostics};
use super::expect::each;
use super::node::{Node, Value};
use crate::facts::object::Class;
use crate::facts::scope::{Expected, FileUse, OTHERS, RIGHTS, Rules, Scope};
use std::path::PathBuf;

/// Keys of the section, with their meaning.
pub const KEYS: [(&str, &str); 9] = [
    (
        "paths",
        "files and directories, with all below; ~ is the home of every user; else /etc, /usr ...",
    ),
    ("exclude", "paths and patterns that are left out"),
    ("log", "files that grow and are rotated"),
    ("cache", "files that come, go and change"),
    ("database", "files that change and stay"),
    ("secret", "files whose content is never shown"),
    ("expected", "changes that are expected: path, why and maybe attributes"),
    ("cross_filesystems", "true: filesystems mounted below the paths are looked at too"),
    ("classes", "what beside files is compared: listener, service, account ...; all by default"),
];

/// Keys of an expected change.
pub const EXPECTED_KEYS: [(&str, &str); 3] = [
    ("path", "file, pattern, or a class and a name: listener 127.0.0.1:*"),
    ("attributes", "what may change; all but owner, group, mode, ACLs and capabilities by default"),
    ("why", "the reason"),
];

/// Reads the section.
pub fn parse(node: &Node, problems: &mut Diagnostics) -> Option<Scope> {
    let mut fields = problems.ok(node.fields("paths, exclude, log ..."))?;
    let mut scope = Scope::usual();
    if let Some(paths) = fields.take("paths") {
        scope.paths = each(&paths, problems, path);
        if items(&paths).is_empty() {
            problems.push(Diagnostic::at(&paths.span, "nothing would be looked at"));
        }
    }
    if let Some(patterns) = fields.take("exclude") {
        scope.exclude = each(&patterns, problems, pattern);
    }
    for kind in FileUse::NAMED {
        if let Some(patterns) = fields.take(kind.name()) {
            let found = each(&patterns, problems, pattern);
            scope.uses.extend(found.into_iter().map(|text| (text, kind)));
        }
    }
    if let Some(node) = fields.take("expected") {
        for item in items(&node) {
            scope.expected.extend(expected(item, problems));
        }
    }
    if let Some(node) = fields.take("cross_filesystems") {
        scope.cross_filesystems = problems.ok(node.boolean()).unwrap_or_default();
    }
    if let Some(node) = fields.take("classes") {
        let names = Class::ALL.map(Class::name);
        scope.classes = Some(each(&node, problems, |item| {
            let name = item.text("a class")?;
            match Class::by_name(name) {
                Some(class) => Ok(class.name().to_owned()),
                None => Err(Diagnostic::at(&item.span, format!("unknown class `{name}`"))
                    .suggest(name, names)),
            }
        }));
    }
    fields.finish(&KEYS.map(|(key, _)| key), problems);
    Some(scope)
}

fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

fn path(node: &Node) -> Result<PathBuf, Diagnostic> {
    let text = node.text("an absolute path")?;
    let fits = text.starts_with('/') || text == "~" || text.starts_with("~/");
    let plain = !text.contains(['*', '?', '[', '{']) && !text.split('/').any(|part| part == "..");
    match fits && plain {
        true => Ok(PathBuf::from(text)),
        false => {
            Err(node.expected("an absolute path, or one that begins with ~/, without patterns"))
        }
    }
}

fn pattern(node: &Node) -> Result<String, Diagnostic> {
    let text = node.text("an absolute path or pattern")?;
    if !text.starts_with('/') {
        return Err(node.expected("an absolute path or pattern"));
    }
    check(node, text).map(|()| text.to_owned())
}

/// Whether a text is a pattern.
fn check(node: &Node, text: &str) -> Result<(), Diagnostic> {
    let scope = Scope { exclude: vec![text.to_owned()], ..Scope::default() };
    Rules::new(&scope)
        .map(drop)
        .map_err(|why| Diagnostic::at(&node.span, "not a pattern").label(why))
}

fn expected(node: &Node, problems: &mut Diagnostics) -> Option<Expected> {
    let mut fields = problems.ok(node.fields("path, why and maybe attributes"))?;
    let path = fields.take("path");
    let why = fields.take_text("why", problems);
    let attributes = fields.take("attributes").map(|node| each(&node, problems, attribute));
    fields.finish(&EXPECTED_KEYS.map(|(key, _)| key), problems);
    let path = match path {
        Some(path) => {
            let text = path.text("a path or pattern").map(str::to_owned);
            let text = problems.ok(text)?;
            problems.ok(check(&path, &text))?;
            text
        }
        None => {
            problems.push(Diagnostic::at(&node.span, "an expected change without `path:`"));
            return None;
        }
    };
    let Some(why) = why else {
        problems.push(
            Diagnostic::at(&node.span, "an expected change without `why:`")
                .help("say why nobody has to look at it"),
        );
        return None;
    };
    Some(Expected { path, attributes: attributes.unwrap_or_default(), why })
}

fn attribute(node: &Node) -> Result<String, Diagnostic> {
    let text = node.text("an attribute")?;
    let known = || RIGHTS.into_iter().chain(OTHERS);
    // Listeners, accounts and the like have their own.
    let others =
        ["executable", "user", "unit", "uid", "gid", "home", "shell", "password", "members"];
    let more = ["state", "started by", "value", "options", "source", "version", "files"];
    match known().chain(others).chain(more).any(|name| name == text) {
        true => Ok(text.to_owned()),
        false => Err(Diagnostic::at(&node.span, format!("unknown attribute `{text}`"))
            .suggest(text, known())),
    }
}

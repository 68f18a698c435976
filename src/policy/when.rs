//! `when:`, what a policy or rule applies to.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::distribution;
use super::expect::{Expect, each};
use super::node::{Node, Value};
use super::operand::{Text, Version};
use super::service::absolute_path;
use super::source::Span;
use super::vars::Vars;
use crate::facts::host::TargetKind;
use std::path::PathBuf;

/// Conditions of applicability; all that are given must hold.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// `ID` or one of `ID_LIKE` of os-release(5).
    pub os: Option<Expect<Text>>,
    /// `VERSION_ID` of os-release(5).
    pub os_version: Option<Expect<Version>>,
    /// Paths that must exist.
    pub files: Vec<PathBuf>,
    /// Packages that must be installed.
    pub packages: Vec<String>,
    /// Services of the policy of which a process must run, each with where it is named.
    pub services: Vec<(String, Span)>,
    /// Kind of target.
    pub target: Option<TargetKind>,
    /// Names of the variables that it asks for.
    pub vars: Vec<String>,
    /// For each variable that is asked for, in words, how it is not as wanted; `None`: it is.
    /// Variables are known when a policy is loaded.
    pub vars_compared: Vec<Option<String>>,
    /// None of these conditions may hold, of none of these groups.
    pub none: Vec<When>,
    /// One of each of these groups must hold.
    pub any: Vec<When>,
}

/// The keys of `when:` with their meaning.
pub const KEYS: [(&str, &str); 9] = [
    ("os", "distribution, by ID or ID_LIKE of os-release(5): debian"),
    ("os_version", "its version, by VERSION_ID of os-release(5): { at_least: \"12\" }"),
    ("file", "path, or list of paths, that must exist"),
    ("package", "package, or list of packages, that must be installed"),
    ("service", "service of the policy, or list of services, of which a process must run"),
    ("target", "host (running) or image"),
    ("var", "variables and the values they must have: { role: web }"),
    ("not", "none of these conditions holds: { … }"),
    ("any", "at least one of these groups of conditions holds: [{ … }, { … }]"),
];

/// How deep `not` and `any` may be nested.
const DEPTH: usize = 8;

impl When {
    /// Reads a `when:`.
    pub fn parse(node: &Node, vars: &Vars, problems: &mut Diagnostics) -> Option<When> {
        Self::parse_within(node, vars, problems, 0)
    }

    /// This and all groups inside of it.
    pub fn groups(&self) -> Vec<&When> {
        let inner = self.none.iter().chain(&self.any).flat_map(When::groups);
        std::iter::once(self).chain(inner).collect()
    }

    fn parse_within(
        node: &Node,
        vars: &Vars,
        problems: &mut Diagnostics,
        depth: usize,
    ) -> Option<When> {
        if depth > DEPTH {
            problems.push(Diagnostic::at(&node.span, "conditions are nested too deeply"));
            return None;
        }
        let mut fields = problems.ok(node.fields("conditions such as { os: debian }"))?;
        let mut when = When {
            os: fields.take("os").and_then(|node| problems.ok(distribution::parse(&node))),
            ..When::default()
        };
        if let Some(node) = fields.take("file") {
            when.files = each(&node, problems, absolute_path);
        }
        when.os_version =
            fields.take("os_version").and_then(|node| problems.ok(Expect::parse(&node)));
        if let Some(node) = fields.take("package") {
            when.packages = each(&node, problems, |item| item.text("a package").map(str::to_owned));
        }
        if let Some(node) = fields.take("service") {
            when.services = each(&node, problems, |item| {
                Ok((item.text("a service of the policy")?.to_owned(), item.span.clone()))
            });
        }
        if let Some(node) = fields.take("target") {
            when.target = problems.ok(target_kind(&node));
        }
        if let Some(node) = fields.take("var")
            && let Some(wanted) = problems.ok(node.fields("variables and their values"))
        {
            for (key, value) in wanted.rest() {
                let Some(actual) = vars.get(&key.text) else {
                    let message = format!("unknown variable `{}`", key.text);
                    problems
                        .push(Diagnostic::at(&key.span, message).suggest(&key.text, vars.names()));
                    continue;
                };
                when.vars.push(key.text.clone());
                if let Some(expect) = problems.ok(Expect::<Text>::parse(value)) {
                    let differs = || format!("{} is {actual}, not {}", key.text, expect.show());
                    when.vars_compared.push((!expect.holds_for(actual)).then(differs));
                }
            }
        }
        for (key, into) in [("not", &mut when.none), ("any", &mut when.any)] {
            let Some(node) = fields.take(key) else { continue };
            let groups = node.items();
            if groups.is_empty() {
                problems.push(node.expected("conditions such as { os: debian }"));
            }
            for group in groups {
                if matches!(&group.value, Value::Map(entries) if entries.is_empty()) {
                    problems.push(group.expected("conditions such as { os: debian }"));
                }
                into.extend(Self::parse_within(group, vars, problems, depth + 1));
            }
        }
        fields.finish(&KEYS.map(|(key, _)| key), problems);
        Some(when)
    }
}

fn target_kind(node: &Node) -> Result<TargetKind, Diagnostic> {
    match node.text("host or image")? {
        "host" => Ok(TargetKind::Host),
        "image" => Ok(TargetKind::Image),
        _ => Err(node.expected("host or image")),
    }
}

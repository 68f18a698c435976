//! `when:`, what a policy or rule applies to.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::expect::{Expect, each};
use super::node::Node;
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
    /// Variables that are not as wanted, in words. Variables are known when a policy is loaded.
    pub vars_differ: Vec<String>,
}

/// The keys of `when:` with their meaning.
pub const KEYS: [(&str, &str); 7] = [
    ("os", "distribution, by ID or ID_LIKE of os-release(5): debian"),
    ("os_version", "its version, by VERSION_ID of os-release(5): { at_least: \"12\" }"),
    ("file", "path, or list of paths, that must exist"),
    ("package", "package, or list of packages, that must be installed"),
    ("service", "service of the policy, or list of services, of which a process must run"),
    ("target", "host (running) or image"),
    ("var", "variables and the values they must have: { role: web }"),
];

impl When {
    /// Reads a `when:`.
    pub fn parse(node: &Node, vars: &Vars, problems: &mut Diagnostics) -> Option<When> {
        let mut fields = problems.ok(node.fields("conditions such as { os: debian }"))?;
        let mut when = When {
            os: fields.take("os").and_then(|node| problems.ok(Expect::parse(&node))),
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
                if let Some(expect) = problems.ok(Expect::<Text>::parse(value))
                    && !expect.holds_for(actual)
                {
                    let expected = expect.show();
                    when.vars_differ.push(format!("{} is {actual}, not {expected}", key.text));
                }
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

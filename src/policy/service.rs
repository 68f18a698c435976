//! Services: said once under `services:`, used by name in rules.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::expect::{operand, pattern};
use super::node::Node;
use super::operand::Principal;
use super::source::Span;
use std::path::PathBuf;

/// How a service is recognised, and as whom it is meant to run.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name in the policy; for one written inline, a description made of its criteria.
    pub name: String,
    /// systemd unit with its suffix.
    pub unit: Option<String>,
    /// Path of the executable.
    pub exe: Option<PathBuf>,
    /// Process name.
    pub process_name: Option<String>,
    /// Regular expression over the arguments.
    pub cmdline: Option<String>,
    /// Pid file.
    pub pid_file: Option<PathBuf>,
    /// As whom the service is meant to run. It selects processes only when nothing else does:
    /// narrowing by it would hide exactly the process that runs as somebody else.
    pub user: Option<Principal>,
    /// Processes of containers count as well.
    pub containers: bool,
    /// Where it is defined.
    pub span: Span,
}

/// The keys of a service definition with their meaning, for errors, schema and reference.
pub const KEYS: [(&str, &str); 7] = [
    ("unit", "systemd unit that the processes belong to, with its suffix: nginx.service"),
    ("exe", "path of the executable: /usr/sbin/nginx"),
    ("name", "name of the process; the kernel keeps its first 15 bytes"),
    ("cmdline", "regular expression that the arguments, joined by spaces, must match"),
    ("pid_file", "file with the main process's id; its descendants count as well"),
    (
        "user",
        "as whom the service is meant to run; selects processes only when no other key is given",
    ),
    ("containers", "true: processes of containers on this host count as well"),
];

impl Service {
    /// Reads a definition; `name` is `None` for one that is written inline.
    pub fn parse(name: Option<&str>, node: &Node, problems: &mut Diagnostics) -> Option<Service> {
        let mut fields = problems.ok(node.fields("how to find the service, such as { exe: … }"))?;
        let given = fields.rest().iter().any(|(key, _)| key.text != "containers");
        let mut service = Service {
            name: String::new(),
            unit: fields.take("unit").and_then(|node| problems.ok(unit(&node))),
            exe: take_path(&mut fields, "exe", problems),
            process_name: fields.take_text("name", problems),
            cmdline: fields
                .take("cmdline")
                .and_then(|node| problems.ok(pattern(&node)))
                .map(|regex| regex.as_str().to_owned()),
            pid_file: take_path(&mut fields, "pid_file", problems),
            user: fields.take("user").and_then(|node| problems.ok(operand(&node))),
            containers: fields
                .take("containers")
                .and_then(|node| problems.ok(node.boolean()))
                .unwrap_or(false),
            span: node.span.clone(),
        };
        let criteria = service.criteria();
        if !given {
            problems.push(
                Diagnostic::at(&node.span, "nothing says how to find this service")
                    .help("give one or more of unit, exe, name, cmdline, pid_file, user"),
            );
        }
        fields.finish(&KEYS.map(|(key, _)| key), problems);
        service.name = name.map_or(criteria, str::to_owned);
        Some(service)
    }

    /// Whether processes are selected by their user.
    pub fn selects_by_user(&self) -> bool {
        self.unit.is_none()
            && self.exe.is_none()
            && self.process_name.is_none()
            && self.cmdline.is_none()
            && self.pid_file.is_none()
    }

    /// How it is recognised, in words: `exe /usr/sbin/nginx, unit nginx.service`.
    pub fn criteria(&self) -> String {
        let mut parts = Vec::new();
        let mut add = |what: &str, value: Option<String>| {
            parts.extend(value.map(|value| format!("{what} {value}")));
        };
        add("unit", self.unit.clone());
        add("exe", self.exe.as_deref().map(crate::text::path));
        add("name", self.process_name.clone());
        add("cmdline", self.cmdline.as_ref().map(|regex| format!("/{regex}/")));
        add("pid file", self.pid_file.as_deref().map(crate::text::path));
        if self.selects_by_user() {
            add("user", self.user.as_ref().map(Principal::to_string));
        }
        parts.join(", ")
    }
}

fn unit(node: &Node) -> Result<String, Diagnostic> {
    let unit = node.text("a unit")?;
    if unit.contains('.') {
        return Ok(unit.to_owned());
    }
    let message = format!("`{unit}` lacks the suffix of a unit");
    Err(Diagnostic::at(&node.span, message).help(format!("write {unit}.service")))
}

fn take_path(
    fields: &mut super::node::Fields,
    key: &str,
    problems: &mut Diagnostics,
) -> Option<PathBuf> {
    let node = fields.take(key)?;
    problems.ok(absolute_path(&node))
}

/// Reads an absolute path.
pub fn absolute_path(node: &Node) -> Result<PathBuf, Diagnostic> {
    let text = node.text("an absolute path")?;
    if text.starts_with('/') && !text.contains('\0') {
        Ok(PathBuf::from(text))
    } else {
        Err(node.expected("an absolute path"))
    }
}

//! Whether a rule applies to a target.

use crate::facts::package::Manager;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::versions;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::Term;
use crate::policy::operand::Version;
use crate::policy::service::Service;
use crate::policy::when::When;
use crate::policy::{Diagnostics, Policy};
use crate::rules::services::select;

/// What a rule applies to, its services looked up.
pub struct Applicability {
    when: When,
    services: Vec<Service>,
}

impl Applicability {
    /// Looks up the services that a `when:` names.
    pub fn new(when: When, policy: &Policy, problems: &mut Diagnostics) -> Self {
        let mut services = Vec::new();
        for (name, span) in &when.services {
            match policy.services.get(name) {
                Some(service) => services.push(service.clone()),
                None => {
                    let message = format!("there is no service `{name}` in this policy");
                    let known = policy.services.keys().map(String::as_str);
                    problems.push(Diagnostic::at(span, message).suggest(name, known));
                }
            }
        }
        Self { when, services }
    }

    /// `None`: it applies. Otherwise why it does not. Unknown when the evidence is.
    pub fn not_applicable(&self, target: &dyn Target) -> Fact<Option<String>> {
        if let Some(why) = not_applicable(&self.when, target)? {
            return Ok(Some(why));
        }
        for service in &self.services {
            let selection = select(service, target)?;
            if selection.processes.is_empty() {
                return match selection.gap() {
                    Some(why) => Err(why.clone()),
                    None => Ok(Some(format!("no process of {} runs", service.name))),
                };
            }
        }
        Ok(None)
    }
}

fn not_applicable(when: &When, target: &dyn Target) -> Fact<Option<String>> {
    if let Some(differs) = when.vars_differ.first() {
        return Ok(Some(differs.clone()));
    }
    let host = target.host();
    if let Some(wanted) = when.target
        && wanted != host.kind
    {
        return Ok(Some(format!("target is not {}", format!("{wanted:?}").to_lowercase())));
    }
    if let Some(expect) = &when.os {
        if host.os_release.is_empty() {
            let why = "missing or not to be read, so the system is not known";
            return Err(Unknown::new("os-release", Cause::Unsupported(why.into())));
        }
        // os-release(5): without ID it is linux.
        let id = host.os("ID").unwrap_or("linux");
        let like = host.os("ID_LIKE").unwrap_or_default();
        // Each comparison is with all names, so that `not: debian` is none of those like it either.
        let names = || std::iter::once(id).chain(like.split_whitespace());
        let fits = expect.holds(&mut |term| match term {
            Term::Is(wanted) => Ok(names().any(|name| name == wanted.0)),
            Term::Matches(pattern) => Ok(names().any(|name| pattern.is_match(name))),
            Term::AtMost(_) | Term::AtLeast(_) => Ok(false),
        })?;
        if !fits {
            return Ok(Some(format!("os is {id}, expected {}", expect.show())));
        }
    }
    if let Some(expect) = &when.os_version {
        let Some(version) = host.os("VERSION_ID") else {
            // Rolling distributions have none; what is not known is not older or newer.
            let why = "has no VERSION_ID, so the version is not known";
            return Err(Unknown::new("os-release", Cause::Unsupported(why.into())));
        };
        // Numbers between dots, which dpkg's order gets right.
        let order = |wanted: &Version| versions::compare(Manager::Dpkg, version, &wanted.0);
        let fits = expect.holds(&mut |term| {
            Ok(match term {
                Term::Is(wanted) => order(wanted).is_eq(),
                Term::AtMost(wanted) => order(wanted).is_le(),
                Term::AtLeast(wanted) => order(wanted).is_ge(),
                Term::Matches(pattern) => pattern.is_match(version),
            })
        })?;
        if !fits {
            return Ok(Some(format!("os version is {version}, expected {}", expect.show())));
        }
    }
    for name in &when.packages {
        if !crate::formats::packages::is_installed(name, target)? {
            return Ok(Some(format!("package {name} is not installed")));
        }
    }
    for path in &when.files {
        if target.file(path)?.is_none() {
            return Ok(Some(format!("{} does not exist", crate::text::path(path))));
        }
    }
    Ok(None)
}

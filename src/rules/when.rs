//! Whether a rule applies to a target.

use crate::facts::host::TargetKind;
use crate::facts::package::Manager;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::versions;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, Term};
use crate::policy::operand::{Text, Version};
use crate::policy::service::Service;
use crate::policy::when::When;
use crate::policy::{Diagnostics, Policy};
use crate::rules::services::select;
use std::collections::BTreeMap;

/// What a rule applies to, its services looked up.
pub struct Applicability {
    when: When,
    services: BTreeMap<String, Service>,
}

/// `None`: a condition holds. Otherwise why it does not. Unknown when the evidence is.
type Answer = Fact<Option<String>>;

/// A condition that has been read.
type Asked<'a> = Box<dyn Fn(&dyn Target) -> Answer + 'a>;

impl Applicability {
    /// Looks up the services that a `when:` names.
    pub fn new(when: When, policy: &Policy, problems: &mut Diagnostics) -> Self {
        let mut services = BTreeMap::new();
        for (name, span) in when.groups().into_iter().flat_map(|when| &when.services) {
            match policy.services.get(name) {
                Some(service) => {
                    services.insert(name.clone(), service.clone());
                }
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
    pub fn not_applicable(&self, target: &dyn Target) -> Answer {
        self.together(&self.when, target)
    }

    /// All conditions of a group: one that does not hold decides, whatever the others are.
    fn together(&self, when: &When, target: &dyn Target) -> Answer {
        let mut unknown = None;
        for condition in self.conditions(when) {
            match condition(target) {
                Ok(None) => {}
                Ok(Some(why)) => return Ok(Some(why)),
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Ok(None), Err)
    }

    /// The conditions of a group, one by one.
    fn conditions<'a>(&'a self, when: &'a When) -> Vec<Asked<'a>> {
        let mut all: Vec<Asked<'a>> = Vec::new();
        for compared in &when.vars_compared {
            all.push(Box::new(|_| Ok(compared.clone())));
        }
        if let Some(wanted) = when.target {
            all.push(Box::new(move |target| Ok(kind(wanted, target))));
        }
        if let Some(expect) = &when.os {
            all.push(Box::new(|target| os(expect, target)));
        }
        if let Some(expect) = &when.os_version {
            all.push(Box::new(|target| os_version(expect, target)));
        }
        for name in &when.packages {
            all.push(Box::new(move |target| {
                let installed = crate::formats::packages::is_installed(name, target)?;
                Ok((!installed).then(|| format!("package {name} is not installed")))
            }));
        }
        for path in &when.files {
            all.push(Box::new(move |target| {
                let missing = target.file(path)?.is_none();
                Ok(missing.then(|| format!("{} does not exist", crate::text::path(path))))
            }));
        }
        for (name, _) in &when.services {
            let service = self.services.get(name);
            all.push(Box::new(move |target| service.map_or(Ok(None), |one| runs(one, target))));
        }
        if !when.none.is_empty() {
            all.push(Box::new(|target| self.none(&when.none, target)));
        }
        if !when.any.is_empty() {
            all.push(Box::new(|target| self.any(&when.any, target)));
        }
        all
    }

    /// `not`: no condition of any group holds.
    fn none(&self, groups: &[When], target: &dyn Target) -> Answer {
        let mut unknown = None;
        for condition in groups.iter().flat_map(|group| self.conditions(group)) {
            match condition(target) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(Some("what `not` names applies here".to_owned())),
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or(Ok(None), Err)
    }

    /// `any`: the conditions of one group hold.
    fn any(&self, groups: &[When], target: &dyn Target) -> Answer {
        let mut unknown = None;
        let mut reasons = Vec::new();
        for group in groups {
            match self.together(group, target) {
                Ok(None) => return Ok(None),
                Ok(Some(why)) => reasons.push(why),
                Err(why) => unknown = unknown.or(Some(why)),
            }
        }
        unknown.map_or_else(|| Ok(Some(reasons.join(", and "))), Err)
    }
}

fn runs(service: &Service, target: &dyn Target) -> Answer {
    let selection = select(service, target)?;
    if !selection.processes.is_empty() {
        return Ok(None);
    }
    match selection.gap() {
        Some(why) => Err(why.clone()),
        None => Ok(Some(format!("no process of {} runs", service.name))),
    }
}

fn kind(wanted: TargetKind, target: &dyn Target) -> Option<String> {
    let differs = wanted != target.host().kind;
    differs.then(|| format!("target is not {}", format!("{wanted:?}").to_lowercase()))
}

fn os(expect: &Expect<Text>, target: &dyn Target) -> Answer {
    let host = target.host();
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
    Ok((!fits).then(|| format!("os is {id}, expected {}", expect.show())))
}

fn os_version(expect: &Expect<Version>, target: &dyn Target) -> Answer {
    let Some(version) = target.host().os("VERSION_ID") else {
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
    Ok((!fits).then(|| format!("os version is {version}, expected {}", expect.show())))
}

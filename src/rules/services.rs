//! Services of a policy: named by rules, found on a target.

use super::identity;
use crate::facts::Fact;
use crate::facts::process::Selector;
use crate::host::{Selection, Target};
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::{Node, Value};
use crate::policy::service::Service;
use crate::policy::{Diagnostics, Policy};

/// A service by name, or defined in place.
pub fn reference(node: &Node, policy: &Policy, problems: &mut Diagnostics) -> Option<Service> {
    if let Value::Map(_) = &node.value {
        return Service::parse(None, node, problems);
    }
    let name = problems.ok(node.text("a service"))?;
    let known = policy.services.get(name).cloned();
    if known.is_none() {
        problems.push(
            Diagnostic::at(&node.span, format!("there is no service `{name}` in this policy"))
                .suggest(name, policy.services.keys().map(String::as_str))
                .help(format!("define it: services: {{ {name}: {{ exe: /usr/sbin/{name} }} }}")),
        );
    }
    known
}

/// The processes of a service.
pub fn select(service: &Service, target: &dyn Target) -> Fact<Selection> {
    let Some(selector) = selector(service, target)? else { return Ok(Selection::default()) };
    let mut selection = target.processes(&selector)?;
    // A zombie has ended; only its parent has not asked how yet.
    selection.processes.retain(|process| process.exe != Ok(None));
    Ok(selection)
}

/// How a target finds the processes of a service. `None`: nobody has the name of the user by which
/// they are to be found, so there are none.
pub fn selector(service: &Service, target: &dyn Target) -> Fact<Option<Selector>> {
    let uid = match (&service.user, service.selects_by_user()) {
        (Some(user), true) => match identity::user_id(target, user)? {
            Some(uid) => Some(uid),
            None => return Ok(None),
        },
        _ => None,
    };
    Ok(Some(Selector {
        unit: service.unit.clone(),
        exe: service.exe.clone(),
        name: service.process_name.clone(),
        cmdline: service.cmdline.clone(),
        pid_file: service.pid_file.clone(),
        uid,
        containers: service.containers,
    }))
}

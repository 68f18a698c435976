//! `controlled_only_by` of a service: what decides what it runs, and who could change that.

use crate::checks::controllers::{Allowed, controlled};
use crate::checks::service::ServiceView;
use crate::checks::service::declared::Found;
use crate::commands::Context;
use crate::control::{Items, command, service};
use crate::facts::{Cause, Unknown};
use crate::host::Target;
use crate::policy::operand::Principal;
use crate::verdict::Assertion;
use std::collections::BTreeSet;

/// `controlled_only_by`
pub(crate) fn controlled_only_by(
    view: &ServiceView,
    users: &[Principal],
    target: &dyn Target,
) -> Assertion {
    const NAME: &str = "controlled_only_by";
    let allowed = match Allowed::of(users, target) {
        Ok(allowed) => allowed,
        Err(why) => return Assertion::of(&view.subject, NAME).unknown(why),
    };
    let found = controlled(&view.subject, NAME, &items(view, target), &allowed, target);
    let mut found = found.into_iter();
    let first = found.next().unwrap_or_else(|| {
        // `controlled` always answers; what would not have been answered is no pass.
        let why = Cause::Unsupported("there was no answer".into());
        Assertion::of(&view.subject, NAME).unknown(Unknown::new(NAME, why))
    });
    view.found.replace(found.collect());
    first
}

/// Everything that decides what the service does.
fn items(view: &ServiceView, target: &dyn Target) -> Items {
    let mut declares = Items::default();
    let mut units: BTreeSet<String> = view.service.unit.iter().cloned().collect();
    if let Some(found) = &view.declared {
        declared(found, target, &mut units, &mut declares);
    }
    let mut items = service::items(target, &view.processes, units, &view.configuration);
    items.extend(declares);
    items.unread.extend(view.gap.clone());
    items
}

/// What an image or root filesystem says that it starts.
fn declared(found: &Found, target: &dyn Target, units: &mut BTreeSet<String>, items: &mut Items) {
    items.unread.extend(found.gap.clone());
    for start in &found.starts {
        if let Some(unit) = &start.unit {
            units.insert(unit.clone());
            continue;
        }
        items.add(&start.at.file, format!("what declares {}", start.by));
        command::add(target, &start.command, Context::new(&start.by), items);
    }
}

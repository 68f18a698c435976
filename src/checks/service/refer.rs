//! What `same_as: service.NAME…` refers to.

use super::declared::Part;
use crate::facts::Fact;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::service::Service;
use crate::rules::identity::{group_name, user_name};
use crate::rules::reference::{Lookup, Refers, Written};
use crate::rules::services::select;
use crate::text;
use std::collections::BTreeSet;

pub(super) const REFERS: Refers = Refers {
    form: "service.NAME.user",
    facts: "of a service of the policy: user, group, executable; of one part of it: \
            workers.user, master.user",
    read,
};

fn read(written: &Written) -> Result<Lookup, Diagnostic> {
    let (name, word) = written.name_and_property()?;
    let (name, part) = match name.rsplit_once('.') {
        Some((name, "workers")) => (name, Part::Workers),
        Some((name, "master")) => (name, Part::Master),
        _ => (name, Part::All),
    };
    let known = &written.scope.policy.services;
    let service = known.get(name).cloned().ok_or_else(|| {
        written
            .error(format!("there is no service `{name}` in this policy"))
            .suggest(name, known.keys().map(String::as_str))
    })?;
    let property = written.property(word, &["user", "group", "executable"])?;
    Ok(Lookup::new(move |target| of_service(&service, part, property, target)))
}

fn of_service(
    service: &Service,
    part: Part,
    property: &str,
    target: &dyn Target,
) -> Fact<BTreeSet<String>> {
    let selection = select(service, target)?;
    if let Some(why) = selection.gap() {
        return Err(why.clone());
    }
    let mut values = BTreeSet::new();
    for process in part.of(selection.processes) {
        match property {
            "executable" => values.extend(process.exe.clone()?.map(|exe| text::path(&exe.path))),
            _ => {
                for thread in process.threads.clone()? {
                    match property {
                        "user" => {
                            values.extend(thread.uid.all().map(|uid| user_name(target, uid)));
                        }
                        _ => values.extend(thread.gid.all().map(|gid| group_name(target, gid))),
                    }
                }
            }
        }
    }
    Ok(values)
}

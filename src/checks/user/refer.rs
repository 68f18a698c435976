//! What `same_as: user.NAME…` refers to.

use crate::facts::Fact;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::rules::identity::group_name;
use crate::rules::reference::{Lookup, Refers, Written};
use std::collections::BTreeSet;

pub(super) const REFERS: Refers =
    Refers { form: "user.NAME.home", facts: "uid, group, home or shell", read };

fn read(written: &Written) -> Result<Lookup, Diagnostic> {
    let (name, word) = written.name_and_property()?;
    let property = written.property(word, &["uid", "group", "home", "shell"])?;
    let name = name.to_owned();
    Ok(Lookup::new(move |target| of_user(&name, property, target)))
}

/// One property of a user.
pub(crate) fn of_user(name: &str, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    let Some(user) = target.user(name)? else { return Ok(BTreeSet::new()) };
    Ok(BTreeSet::from([match property {
        "uid" => user.uid.to_string(),
        "group" => group_name(target, user.gid),
        "home" => user.home,
        // passwd(5): an empty field means /bin/sh.
        _ if user.shell.is_empty() => "/bin/sh".into(),
        _ => user.shell,
    }]))
}

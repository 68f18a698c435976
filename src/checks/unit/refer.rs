//! What `same_as: unit.NAME…` refers to.

use super::find;
use crate::checks::config::refer::of_settings;
use crate::checks::user::refer::of_user;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::systemd::names;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::rules::reference::{Lookup, Refers, Written};
use std::collections::BTreeSet;

pub(super) const REFERS: Refers = Refers {
    form: "unit.NAME.service.user",
    facts: "user, group, or a setting: unit.nginx.service.Service.User",
    read,
};

fn read(written: &Written) -> Result<Lookup, Diagnostic> {
    let (name, property) =
        unit(written.rest).ok_or_else(|| written.wrong("not a unit and what of it"))?;
    let setting = property.clone();
    Ok(Lookup::setting(&setting, move |target| of_unit(&name, &property, target)))
}

/// `nginx.service.user`, `nginx.service.Service.User`
fn unit(rest: &str) -> Option<(String, String)> {
    // The longest name: a setting has no type of unit in it.
    let dots = rest.match_indices('.').rev();
    let places = dots.filter_map(|(at, _)| Some((rest.get(..at)?, rest.get(at + 1..)?)));
    let (name, property) = places.into_iter().find(|(name, _)| names::is_valid(name))?;
    let property = match property {
        "user" => "Service.User",
        "group" => "Service.Group",
        setting if setting.split('.').count() == 2 => setting,
        _ => return None,
    };
    Some((name.to_owned(), property.to_owned()))
}

fn of_unit(name: &str, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    let Some(unit) = find(name, target)? else { return Ok(BTreeSet::new()) };
    let default = (crate::formats::systemd::FORMAT.default)(property);
    let settings = unit.settings.as_ref().map_err(Unknown::clone)?;
    let mut values = of_settings(settings, property, default, target)?;
    if property == "Service.Group" && values.is_empty() {
        // systemd.exec(5): without Group=, the default group of the user.
        let users = of_unit(name, "Service.User", target)?;
        for user in users {
            values.extend(of_user(&user, "group", target)?);
        }
    }
    let plain = |value: String| {
        names::expand(&value, &unit.id).ok_or_else(|| {
            let why = format!("what `{value}` stands for, only systemd knows");
            Unknown::new(unit.id.clone(), Cause::Unsupported(why))
        })
    };
    values.into_iter().map(plain).collect()
}

//! What `same_as: sysctl.NAME…` refers to.

use crate::facts::Fact;
use crate::formats::sysctl_d::slashed;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::rules::reference::{Lookup, Refers, Written};
use std::collections::BTreeSet;

pub(super) const REFERS: Refers =
    Refers { form: "sysctl.NAME.value", facts: "value, or configured", read };

fn read(written: &Written) -> Result<Lookup, Diagnostic> {
    let (name, word) = written.name_and_property()?;
    let property = written.property(word, &["value", "configured"])?;
    let key = slashed(name);
    Ok(Lookup::new(move |target| of_sysctl(&key, property, target)))
}

fn of_sysctl(key: &str, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    if property == "value" {
        return Ok(super::now(key, target)?.into_iter().collect());
    }
    let settings = crate::formats::sysctl_d::configured(target);
    match settings.unread.first() {
        Some(why) => Err(why.clone()),
        None => Ok(settings.of(key).and_then(|line| line.value.clone()).into_iter().collect()),
    }
}

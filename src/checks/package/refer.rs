//! What `same_as: package.NAME…` refers to.

use crate::facts::Fact;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::rules::reference::{Lookup, Refers, Written};
use std::collections::BTreeSet;

pub(super) const REFERS: Refers = Refers { form: "package.NAME.version", facts: "version", read };

fn read(written: &Written) -> Result<Lookup, Diagnostic> {
    let (name, word) = written.name_and_property()?;
    written.property(word, &["version"])?;
    let name = name.to_owned();
    Ok(Lookup::new(move |target| of_package(&name, target)))
}

fn of_package(name: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    let packages = crate::formats::packages::installed(target)?;
    let found = packages.named(name).map(|package| package.version.clone()).collect();
    match packages.unread.first() {
        Some(why) => Err(why.clone()),
        None => Ok(found),
    }
}

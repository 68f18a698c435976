//! What `same_as: file./PATH…` refers to.

use super::reached;
use crate::facts::Fact;
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::rules::identity::{group_name, user_name};
use crate::rules::reference::{Lookup, Refers, Written};
use crate::text;
use std::collections::BTreeSet;
use std::path::Path;

pub(super) const REFERS: Refers =
    Refers { form: "file./PATH.owner", facts: "owner, group, mode or target", read };

fn read(written: &Written) -> Result<Lookup, Diagnostic> {
    let (name, word) = written.name_and_property()?;
    let path = written.path(name)?;
    let property = written.property(word, &["owner", "group", "mode", "target"])?;
    Ok(Lookup::new(move |target| of_file(&path, property, target)))
}

fn of_file(path: &Path, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    if property == "target" {
        let link = target.file(path)?;
        let to = link.and_then(|file| file.link_target.as_deref().map(text::path));
        return Ok(to.into_iter().collect());
    }
    let Some((_, file)) = reached(path, target)? else { return Ok(BTreeSet::new()) };
    Ok(BTreeSet::from([match property {
        "owner" => user_name(target, file.uid),
        "group" => group_name(target, file.gid),
        _ => file.mode.to_string(),
    }]))
}

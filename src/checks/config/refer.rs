//! What `same_as: config./PATH.SETTING` refers to.

use super::settings;
use crate::facts::settings::{Lookup as Found, Settings};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{Format, for_path};
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::policy::diagnostic::Diagnostic;
use crate::rules::reference::{Lookup, Refers, Written};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) const REFERS: Refers = Refers {
    form: "config./PATH.SETTING",
    facts: "any setting of a file whose path tells its format",
    read,
};

/// Where the path ends and the setting begins, the files on the target tell.
type Place = (PathBuf, &'static Format, String);

fn read(written: &Written) -> Result<Lookup, Diagnostic> {
    let places = config(&written.path(written.rest)?).map_err(|message| written.wrong(&message))?;
    let name = places.first().map(|(_, _, setting)| setting.clone()).unwrap_or_default();
    let text = format!("config.{}", written.rest);
    Ok(Lookup::setting(&name, move |target| of_config(&places, &text, target)))
}

fn of_config(places: &[Place], text: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    for (path, format, setting) in places {
        if let Some(settings) = settings(format, path, target)? {
            return of_settings(&settings, setting, format.default_of(setting), target);
        }
    }
    Err(Unknown::new(text, Cause::Unsupported("there is no such file".into())))
}

/// Every way to read `/PATH.SETTING`, the longest path first.
fn config(text: &Path) -> Result<Vec<Place>, String> {
    let text = text.to_str().unwrap_or_default();
    let dots = text.match_indices('.').rev();
    let places: Vec<_> = dots
        .filter_map(|(at, _)| {
            let path = Path::new(text.get(..at)?);
            let setting = text.get(at + 1..).filter(|setting| !setting.is_empty())?;
            Some((path.to_owned(), for_path(path)?, setting.to_owned()))
        })
        .collect();
    match places.is_empty() {
        true => Err("neither a path that tells its format nor a setting of it".into()),
        false => Ok(places),
    }
}

/// The values of a setting, or its default.
pub(crate) fn of_settings(
    settings: &Settings,
    path: &str,
    default: Option<&str>,
    target: &dyn Target,
) -> Fact<BTreeSet<String>> {
    if let Some(why) = settings.unread.first() {
        return Err(why.clone());
    }
    let value = |found: Found<'_>| match found {
        // The barest spelling: the port of `8080 default_server`.
        Found::Set(setting) => {
            let all = setting.also.iter().chain([&setting.value]);
            all.min_by_key(|spelling| spelling.len()).cloned()
        }
        Found::NotSet(_) => default.map(str::to_owned),
    };
    let values: BTreeSet<String> = settings.lookup(path).into_iter().filter_map(value).collect();
    match values.iter().find_map(|value| left_out(target, path, value)) {
        Some(why) => Err(why),
        None => Ok(values),
    }
}

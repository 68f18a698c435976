//! What was before: how a target is compared with its baseline. Who runs spotcheck says where that is,
//! not the target.

use super::{Target, learn};
use crate::facts::drift::Drift;
use crate::facts::inventory::Formerly;
use crate::facts::{Cause, Fact, Unknown};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// How a target is compared with its baseline.
#[derive(Clone)]
pub struct Comparison(pub Rc<Compare>);

/// What has changed on a target since its baseline.
type Compare = dyn Fn(&dyn Target) -> Fact<Drift>;

/// What the baseline of a target knows of files, and where that is.
#[derive(Clone)]
pub struct Former(pub Rc<Remember>);

/// What a baseline knows of files.
type Remember = dyn Fn(&[PathBuf]) -> Fact<Vec<Formerly>>;

/// What the baseline knows of the files below a place that give rights. [`Former`] in the target's
/// memo says how that is found out.
///
/// # Errors
/// Where there is no baseline, or it cannot be read or trusted.
pub fn formerly(target: &dyn Target, place: &Path, paths: &[PathBuf]) -> Fact<Vec<Formerly>> {
    learn(target, "privileges before", place, |target| match target.memo().get() {
        Some(Former(ask)) => ask(paths),
        None => Err(none("baseline")),
    })
}

/// What has changed since the baseline. [`Comparison`] in the target's memo says how that is found
/// out.
///
/// # Errors
/// Where there is no baseline, or it cannot be read or trusted.
pub fn drift(target: &dyn Target) -> Fact<Arc<Drift>> {
    let compare = |target: &dyn Target| match target.memo().get() {
        Some(Comparison(compare)) => compare(target).map(Arc::new),
        None => Err(none("drift")),
    };
    target.memo().get_or_init(|| learn(target, "drift", Path::new("/"), compare))
}

fn none(what: &str) -> Unknown {
    Unknown::new(what, Cause::Unsupported("there is no baseline of this target".to_owned()))
}

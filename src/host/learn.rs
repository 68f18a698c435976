//! What is learnt from bytes that no recording keeps.

use super::Target;
use crate::facts::{Cause, Fact, Unknown};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// What is learnt from bytes that no recording keeps: programs, environments, millions of files. It is
/// recorded itself, as `kind` of `path`. Else it is just `ask`.
///
/// # Errors
/// Those of `ask`, and where a recording does not have it.
pub fn learn<T: Serialize + DeserializeOwned>(
    target: &dyn Target,
    kind: &'static str,
    path: &Path,
    ask: impl Fn(&dyn Target) -> Fact<T>,
) -> Fact<T> {
    let malformed = |why: serde_json::Error| {
        Unknown::new(crate::text::path(path), Cause::Malformed(why.to_string()))
    };
    let mut written = |target: &dyn Target| serde_json::to_value(ask(target)?).map_err(malformed);
    match target.learn(kind, path, &mut written) {
        None => ask(target),
        Some(answer) => serde_json::from_value(answer?).map_err(malformed),
    }
}

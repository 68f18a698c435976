//! Three-valued logic: what could not be seen decides nothing.

use super::{Cause, Fact, Unknown};

/// True when one is true, else unknown when one is unknown, else false.
pub fn any(facts: impl IntoIterator<Item = Fact<bool>>) -> Fact<bool> {
    let mut unknown = None;
    for fact in facts {
        match fact {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // What could not be seen here outweighs what no image could show: only that is skipped.
            Err(why) => {
                unknown =
                    Some(unknown.filter(|u: &Unknown| u.cause != Cause::NotRunning).unwrap_or(why));
            }
        }
    }
    unknown.map_or(Ok(false), Err)
}

/// False when one is false, else unknown when one is unknown, else true.
pub fn all(facts: impl IntoIterator<Item = Fact<bool>>) -> Fact<bool> {
    any(facts.into_iter().map(|fact| fact.map(|holds| !holds))).map(|none| !none)
}

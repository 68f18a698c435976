//! A change that somebody accepts.

use crate::facts::object::Class;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One attribute of one object, and the value that is accepted until a day.
///
/// What is accepted for good needs none: then the baseline itself says so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// Class of the object.
    pub class: Class,
    /// Its name; of a file the path, bytes that are not UTF-8 as `\xff`.
    pub name: String,
    /// The attribute; `exists` for an object that has come or gone.
    pub attribute: String,
    /// The value that is accepted; none where the object has gone.
    pub value: Option<String>,
    /// Why.
    pub reason: String,
    /// By whom.
    pub by: String,
    /// Where more is written.
    pub ticket: Option<String>,
    /// When it was accepted, seconds since 1970-01-01 UTC.
    pub time: i64,
    /// The end, seconds since 1970-01-01 UTC.
    pub expires: i64,
}

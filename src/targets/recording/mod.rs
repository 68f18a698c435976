//! Recordings: the facts of a target at one time, kept in a file, and judged anywhere later.
//!
//! A [`Recorder`] stands between policies and a target and keeps every question with its answer, "there
//! is none" and "unknown because" too; [`basics`] adds what later policies will probably ask. Then
//! [`redact`] leaves secrets out. A [`Playback`] is a target that gives the same answers again. What it
//! was not told is [`Cause::NotRecorded`]: never "absent", so never a pass that was not earned.
//!
//! The file is JSON compressed with zstd (`zstdcat FILE | jq .`). Its version grows when an older
//! spotcheck would misread it; new kinds of answers are only added, and a recording that lacks them
//! has no answer.
//!
//! [`Cause::NotRecorded`]: crate::facts::Cause::NotRecorded

pub mod answers;
pub mod basics;
pub mod contents;
pub mod playback;
pub mod recorder;
pub mod redact;
pub mod store;

pub use crate::targets::recording::playback::Playback;
pub use crate::targets::recording::recorder::Recorder;

use crate::facts::host::Host;
use crate::facts::image::Image;
use crate::facts::package::Packages;
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::recording::answers::Answers;
use serde::{Deserialize, Serialize};

/// Version of the format.
pub const VERSION: u32 = 1;

/// Everything that was recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recording {
    /// Version of the format, [`VERSION`].
    #[serde(rename = "spotcheck_recording")]
    pub version: u32,
    /// Version of the spotcheck that made it.
    pub made_by: String,
    /// When, seconds since 1970-01-01 UTC.
    pub time: i64,
    /// Stands where a secret was; occurs in nothing that was recorded.
    pub mark: String,
    /// What the target is.
    pub host: Host,
    /// The image, if it is one.
    pub image: Option<Image>,
    /// Installed packages, if somebody asked: their databases are too large to be kept.
    #[serde(default)]
    pub packages: Option<Fact<Packages>>,
    /// The answers.
    pub answers: Answers,
}

/// That a recording has no answer.
pub fn not_recorded<T>(what: impl Into<String>) -> Fact<T> {
    let why = "not in the recording; record again with this policy";
    Err(Unknown::new(what, Cause::NotRecorded(why.to_owned())))
}

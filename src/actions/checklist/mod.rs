//! Checklists: what is to be done, under the measure of the postmortem that it serves.
//!
//! A tick is an observation: a measure is ticked when every rule that serves it was seen to hold
//! wherever it was asked, an item when it was seen repaired. What was not seen is not ticked.

mod document;
mod ledger;
mod measure;
mod model;

pub use document::{document, entries};
pub use ledger::{from_ledger, seen_of};
pub use measure::{Progress, Seen};
pub use model::{Checklist, Group, Task};

//! Why things have changed.

mod because;
mod files;
pub mod generated;
mod objects;
mod packages;
mod timeline;
pub mod usage;

pub use files::{Explainer, Facts, left_behind};
pub use objects::{doubtful, doubtful_objects, explain_objects};
pub use timeline::attribute;

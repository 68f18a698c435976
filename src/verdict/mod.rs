//! What counts: assertions of checks become findings with everything a reader needs.

pub mod assertion;
pub mod backtest;
pub mod evidence;
pub mod finding;
pub mod measure;
pub mod outcome;
pub mod summary;
pub mod waiver;

pub use assertion::{Assertion, Object, Subject};
pub use evidence::Evidence;
pub use finding::{Finding, RuleInfo};
pub use measure::Promises;
pub use outcome::Outcome;
pub use summary::{Exit, Summary};

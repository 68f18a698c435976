//! What is done about it: violations become action items, and stay until seen repaired.
//!
//! ```text
//! findings of a run --> observations          observe     what the run says, host-independent
//! observations x ledger --> items             record      one transaction; lifecycle decides
//! items --> list, history, news               query, news
//! items, standings --> documents              checklist, export, postmortem
//! ```
//!
//! [`items`] says what a piece of work is, when two violations are the same one and what becomes of
//! it: without input or output. [`store`] is where items are kept, through the few words of SQL that
//! SQLite and PostgreSQL share. [`Ledger`] is the door to both.

pub mod checklist;
pub mod edit;
pub mod export;
pub mod items;
mod ledger;
pub mod postmortem;
pub mod query;
pub mod record;
pub mod rule_status;
pub mod store;
pub mod tell;
pub mod undecided;
mod upkeep;

pub use items::identity::ItemKey;
pub use items::item::{Event, EventKind, Item, Occurrence};
pub use items::lifecycle::{Presence, State};
pub use items::news::News;
pub use items::observe::Run;
pub use ledger::Ledger;
pub use store::{LedgerError, Location};

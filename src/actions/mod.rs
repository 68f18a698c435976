//! What is done about it: violations become action items, and stay until seen repaired.
//!
//! ```text
//! findings of a run --> observations          observe     what the run says, host-independent
//! observations x ledger --> items             record      one transaction; lifecycle decides
//! items --> list, history, news               query, news
//! items, standings --> documents              checklist, export, postmortem
//! ```
//!
//! [`identity`] says when two violations are the same piece of work, [`lifecycle`] what becomes of
//! one: both are pure. [`ledger`] is where items are kept, through the few words of SQL that SQLite
//! and PostgreSQL share ([`sql`]).

pub mod checklist;
pub mod danger;
pub mod edit;
pub mod evidence;
pub mod export;
pub mod identity;
pub mod item;
pub mod ledger;
pub mod lifecycle;
pub mod news;
pub mod observe;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod postmortem;
pub mod query;
pub mod record;
pub mod schema;
pub mod sql;
pub mod sqlite;
pub mod standing;
pub mod tell;
pub mod undecided;

pub use identity::ItemKey;
pub use item::{Event, EventKind, Item, Occurrence};
pub use ledger::{Ledger, LedgerError, Location};
pub use lifecycle::{Presence, State};
pub use news::News;
pub use observe::Run;

//! What an action item is, and what becomes of one: without input or output.

pub mod danger;
pub mod evidence;
pub mod identity;
pub mod item;
pub mod lifecycle;
pub mod news;
pub mod observe;

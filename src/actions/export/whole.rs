//! An action item with all that belongs to it.

use crate::actions::items::item::{Event, Item, Occurrence};
use crate::actions::items::lifecycle::Presence;

/// An item with everything that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// The item.
    pub item: Item,
    /// Where it occurs.
    pub occurrences: Vec<Occurrence>,
    /// What happened to it.
    pub events: Vec<Event>,
}

impl Whole {
    /// The conditions that are violated; where none is, those that ever were.
    pub fn conditions(&self) -> Vec<String> {
        let present = || self.occurrences.iter().filter(|one| one.presence == Presence::Present);
        let all = |some: &mut dyn Iterator<Item = &Occurrence>| -> Vec<String> {
            let mut names: Vec<String> = Vec::new();
            for one in some {
                if !names.contains(&one.condition) {
                    names.push(one.condition.clone());
                }
            }
            names
        };
        match present().next() {
            Some(_) => all(&mut present()),
            None => all(&mut self.occurrences.iter()),
        }
    }
}

//! Answers that follow from others, kept for the run. What is kept says its own type: the memo knows
//! nobody who keeps something in it, and whoever reads a file once a run needs no line here.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

/// One value of each type.
#[derive(Default)]
pub struct Memo(RefCell<HashMap<TypeId, Rc<dyn Any>>>);

impl Memo {
    /// The value of that type, which `read` finds out when it is first asked for.
    pub fn get_or_init<T: Any + Clone>(&self, read: impl FnOnce() -> T) -> T {
        if let Some(known) = self.get() {
            return known;
        }
        // Not while the map is borrowed: reading one thing may take another.
        let value = read();
        self.set(value.clone());
        value
    }

    /// The value of that type, if there is one.
    pub fn get<T: Any + Clone>(&self) -> Option<T> {
        let known = self.0.borrow().get(&TypeId::of::<T>()).cloned()?;
        known.downcast_ref().cloned()
    }

    /// Keeps a value, if there is none of its type yet.
    pub fn set<T: Any>(&self, value: T) {
        self.0.borrow_mut().entry(TypeId::of::<T>()).or_insert_with(|| Rc::new(value));
    }

    /// A table that its owner fills by itself; it begins empty.
    pub fn table<T: Any + Default>(&self) -> Rc<T> {
        let mut all = self.0.borrow_mut();
        let known = all.entry(TypeId::of::<T>()).or_insert_with(|| Rc::new(T::default()));
        // What stands under a type is of that type.
        Rc::clone(known).downcast().unwrap_or_default()
    }
}

impl Clone for Memo {
    /// Nothing is known yet: whoever clones a target may change the copy's files.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_value_is_read_once_and_by_its_type() {
        let memo = Memo::default();
        assert_eq!(memo.get_or_init(|| 1_u8), 1);
        assert_eq!(memo.get_or_init(|| 2_u8), 1);
        assert_eq!(memo.get_or_init(|| 3_u16), 3);
        assert_eq!(memo.clone().get::<u8>(), None);
    }

    #[test]
    fn reading_one_thing_may_take_another() {
        let memo = Memo::default();
        let length = memo.get_or_init(|| memo.get_or_init(|| "abc".to_owned()).len());
        assert_eq!((length, memo.get::<String>().as_deref()), (3, Some("abc")));
    }

    #[test]
    fn a_table_is_the_same_for_all_who_ask() {
        let memo = Memo::default();
        memo.table::<Cell<u8>>().set(7);
        assert_eq!(memo.table::<Cell<u8>>().get(), 7);
    }
}

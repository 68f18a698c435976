//! What an owner's documentation says of each of its settings, one row for each: what its values
//! count, which words it takes, what holds where it is not set, whether it is a set, and which values
//! mean that there is no limit. Kind, default, sets and what a rule may ask all come from the row.

use super::sets::Between;
use crate::facts::quantity::{Kind, Special};

/// What is known of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name, with the blocks that lead to it where another one has the same name:
    /// `authentication.anonymous.enabled`.
    pub name: &'static str,
    /// What its values count.
    pub kind: Kind,
    /// Which values mean "no limit".
    pub special: Special,
    /// What holds where it is not set, in all versions that are in use.
    pub default: Option<&'static str>,
    /// What separates its members, if it is a set.
    pub between: Option<Between>,
}

impl Row {
    /// A setting of which only the kind is known.
    pub const fn new(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, special: Special::None, default: None, between: None }
    }

    /// With what holds where it is not set.
    pub const fn or(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// With the values that mean "no limit".
    pub const fn without_limit(self, special: Special) -> Self {
        Self { special, ..self }
    }

    /// A set.
    pub const fn set(self, between: Between) -> Self {
        Self { between: Some(between), ..self }
    }
}

/// All settings of an owner that are known here.
#[derive(Debug)]
pub struct Table {
    /// The rows.
    pub rows: &'static [Row],
    /// What values of settings that are not listed count.
    pub others: Kind,
    /// Whether names are compared without regard to case.
    pub any_case: bool,
}

impl Table {
    /// The row of the setting at a path: the longest name that the path ends with.
    pub fn row(&self, path: &str) -> Option<&'static Row> {
        let ends = |row: &&Row| {
            let at = path.len().checked_sub(row.name.len());
            let (before, name) = at.and_then(|at| path.split_at_checked(at)).unwrap_or_default();
            let same = match self.any_case {
                true => name.eq_ignore_ascii_case(row.name),
                false => name == row.name,
            };
            same && (before.is_empty() || before.ends_with('.'))
        };
        self.rows.iter().filter(ends).max_by_key(|row| row.name.len())
    }

    /// What the values of the setting at a path count.
    pub fn kind(&self, path: &str) -> Kind {
        self.row(path).map_or(self.others, |row| row.kind)
    }

    /// What holds where it is not set.
    pub fn default(&self, path: &str) -> Option<&'static str> {
        self.row(path)?.default
    }

    /// Which of its values mean "no limit".
    pub fn special(&self, path: &str) -> Special {
        self.row(path).map_or(Special::None, |row| row.special)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table {
        rows: &[Row::new("a.b", Kind::Number).or("1"), Row::new("b", Kind::Text).or("2")],
        others: Kind::Open,
        any_case: false,
    };

    #[test]
    fn the_longest_name_that_a_path_ends_with_is_the_one() {
        assert_eq!(TABLE.default("x.a.b"), Some("1"));
        assert_eq!(TABLE.default("x.b"), Some("2"));
        assert_eq!(TABLE.default("xa.b"), Some("2"));
        assert_eq!(TABLE.kind("c"), Kind::Open);
        assert_eq!(TABLE.default(""), None);
    }
}

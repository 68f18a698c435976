//! Sets of system calls that `SystemCallFilter=` names with `@`, and what a filter lets through.
//!
//! The sets are those of systemd 252, as `systemd-analyze syscall-filter` tells them: a line for
//! each, its name first, then calls and further sets.

use std::collections::BTreeSet;

const SETS: &str = include_str!("syscall_sets.txt");
/// How deep sets hold sets.
const DEPTH: usize = 8;

/// What a filter says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only what is listed is let through; otherwise what is listed is not.
    pub allows: bool,
    /// The calls that are listed.
    pub listed: BTreeSet<String>,
}

impl Filter {
    /// The filter that these lines amount to, `systemd.exec(5)`: the first one decides whether it
    /// lists what is allowed, or (with `~`) what is not; an empty one begins anew.
    pub fn of<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut filter = Filter::default();
        let mut begun = false;
        for line in lines {
            if line.is_empty() {
                (filter, begun) = (Filter::default(), false);
                continue;
            }
            let (inverted, names) = match line.strip_prefix('~') {
                Some(names) => (true, names),
                None => (false, line),
            };
            if !begun {
                filter.allows = !inverted;
                begun = true;
                if filter.allows {
                    filter.listed.extend(calls("@default"));
                }
            }
            for word in names.split_whitespace() {
                let (name, action) =
                    word.split_once(':').map_or((word, None), |(n, a)| (n, Some(a)));
                for call in calls(name) {
                    // A call that is allowed and given an error is denied with that error.
                    if filter.allows == inverted || (filter.allows && action.is_some()) {
                        filter.listed.remove(&call);
                    } else {
                        filter.listed.insert(call);
                    }
                }
            }
        }
        filter
    }

    /// Whether nothing is filtered.
    pub fn is_none(&self) -> bool {
        !self.allows && self.listed.is_empty()
    }

    /// A call of a set that is let through, if there is one.
    pub fn lets_through(&self, set: &str) -> Option<String> {
        calls(set).into_iter().find(|call| self.listed.contains(call) == self.allows)
    }
}

/// The calls of a set, or the one call of that name.
fn calls(name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(name, 0, &mut found);
    found
}

fn collect(name: &str, depth: usize, found: &mut BTreeSet<String>) {
    if !name.starts_with('@') {
        found.insert(name.to_owned());
        return;
    }
    if depth > DEPTH {
        return;
    }
    for line in SETS.lines() {
        let mut words = line.split(' ');
        if words.next() == Some(name) {
            words.for_each(|word| collect(word, depth + 1, found));
        }
    }
}

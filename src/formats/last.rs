//! "The last value wins": what is in force of all that a configuration says.

use crate::facts::settings::Setting;
use std::collections::BTreeSet;

/// Settings without those that a later one replaces, in their order. `key` tells what replaces one
/// another; settings without a key all stay.
pub fn in_force<K: Ord>(said: Vec<Setting>, key: impl Fn(&Setting) -> Option<K>) -> Vec<Setting> {
    let mut seen = BTreeSet::new();
    let mut kept: Vec<Setting> = said
        .into_iter()
        .rev()
        .filter(|setting| key(setting).is_none_or(|key| seen.insert(key)))
        .collect();
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::settings::Location;

    fn setting(name: &str, value: &str) -> Setting {
        let at = Location { file: "/f".into(), line: 1 };
        Setting { name: name.into(), value: value.into(), also: Vec::new(), at }
    }

    #[test]
    fn the_last_value_of_a_key_stays_and_all_without_one() {
        let said = vec![setting("a", "1"), setting("add", "1"), setting("a", "2")];
        let mut said_more = said.clone();
        said_more.push(setting("add", "2"));
        let kept = in_force(said_more, |s| (s.name != "add").then(|| s.name.clone()));
        let values: Vec<&str> = kept.iter().map(|s| s.value.as_str()).collect();
        assert_eq!(values, ["1", "2", "2"]);
    }
}

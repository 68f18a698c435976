//! What can be explained beside checks and formats: the keys of policies and rules, conditions, waivers, exit
//! codes, the configuration.

use super::form_words;
use crate::checks::SUBJECTS;
use crate::policy::document::{POLICY_KEYS, RULE_KEYS};
use crate::policy::{service, when};
use std::fmt::Write as _;

/// Keys that have keys of their own.
const TABLES: [(&str, &[(&str, &str)]); 2] = [("when", &when::KEYS), ("services", &service::KEYS)];

/// Pages that are longer than a table.
const PAGES: [(&str, &str); 3] = [
    ("waivers", include_str!("waivers.md")),
    ("vars", include_str!("vars.md")),
    ("exit-codes", include_str!("exit_codes.md")),
];

/// The configuration file goes by several names.
const CONFIGURATION: [&str; 3] = ["configuration", "config.toml", "spotcheck.toml"];

/// The text about a word that is neither a check nor a format.
pub fn page(word: &str) -> Option<String> {
    let mut out = String::new();
    let keys = [("a policy", &POLICY_KEYS[..]), ("a rule", &RULE_KEYS[..])];
    for (of, table) in keys {
        if let Some((name, doc)) = table.iter().find(|(name, _)| *name == word) {
            let _ = writeln!(out, "{name}: a key of {of}\n\n{doc}\n");
        }
    }
    if let Some((_, table)) = TABLES.iter().find(|(name, _)| *name == word) {
        for (name, doc) in *table {
            let _ = writeln!(out, "  {name}: {doc}");
        }
    }
    out += &condition(word);
    if let Some((_, text)) = PAGES.iter().find(|(name, _)| *name == word) {
        out += text;
    }
    if CONFIGURATION.contains(&word) {
        out += crate::config::PAGE;
    }
    (!out.is_empty()).then_some(out)
}

/// A condition, in every subject that has it.
fn condition(word: &str) -> String {
    let mut out = String::new();
    for kind in SUBJECTS {
        for info in (kind.conditions)().into_iter().filter(|info| info.name == word) {
            let _ = writeln!(out, "{word}: a condition of `{}:`\n\n{}", kind.key, info.doc);
            let _ =
                writeln!(out, "Takes {}.\nExample: {word}: {}\n", form_words(info), info.example);
        }
    }
    out
}

/// Every word that has a text here.
pub fn words() -> Vec<&'static str> {
    let keys = POLICY_KEYS.iter().chain(&RULE_KEYS).map(|(name, _)| *name);
    let conditions = SUBJECTS.iter().flat_map(|kind| (kind.conditions)()).map(|info| info.name);
    let pages = PAGES.iter().map(|(name, _)| *name);
    keys.chain(conditions).chain(pages).chain(CONFIGURATION).collect()
}

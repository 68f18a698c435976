//! What a set is expected to be: the groups of a user, the options of a mount, the ports of an image.
//!
//! People read four things into a list that stands behind a set: nothing but these, at least these,
//! one of these, exactly these. So there is no bare list here; a word says which is meant.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::node::{Key, Node, Value};
use crate::facts::{Fact, Unknown, any};

/// How a set compares with the members that a rule names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing beyond these; none of them need be there.
    Only,
    /// Each of these, and maybe others.
    All,
    /// At least one of these.
    Any,
    /// Not one of these.
    None,
    /// Each of these, and no others.
    Exactly,
}

/// The words with their meaning, for errors, schema and reference.
pub const WORDS: [(&str, Word, &str); 5] = [
    ("only", Word::Only, "nothing beyond these"),
    ("all", Word::All, "each of these, and maybe others"),
    ("any", Word::Any, "at least one of these"),
    ("none", Word::None, "not one of these"),
    ("exactly", Word::Exactly, "each of these, and no others"),
];

/// What a rule wants of a set: every one of its demands holds.
#[derive(Clone, Debug)]
pub struct SetOf<T> {
    demands: Vec<(Word, Vec<T>)>,
}

/// What a set comes to.
#[derive(Clone, Debug)]
pub struct Judged<'a, T> {
    /// Whether it is as wanted.
    pub holds: Fact<bool>,
    /// Which members should not be there, as indices of what was found.
    pub strangers: Vec<usize>,
    /// Which members should be there and are not.
    pub missing: Vec<&'a T>,
}

impl<T> SetOf<T> {
    /// A set with one word.
    pub fn of(word: Word, members: Vec<T>) -> Self {
        Self { demands: vec![(word, members)] }
    }

    /// The members under all words.
    pub fn all_members(&self) -> impl Iterator<Item = &T> {
        self.demands.iter().flat_map(|(_, members)| members)
    }

    /// Reads what stands behind the key of a set. `[]` means that nothing is in it, which cannot be
    /// misread; every other list needs its word.
    pub fn parse(
        key: &str,
        node: &Node,
        problems: &mut Diagnostics,
        read: impl Fn(&Node) -> Result<T, Diagnostic>,
    ) -> Option<Self> {
        Self::parse_words(key, node, &WORDS.map(|(name, ..)| name), problems, read)
    }

    /// The same where only some of the words make sense.
    pub fn parse_words(
        key: &str,
        node: &Node,
        words: &[&str],
        problems: &mut Diagnostics,
        read: impl Fn(&Node) -> Result<T, Diagnostic>,
    ) -> Option<Self> {
        let entries = match &node.value {
            Value::List(items) if items.is_empty() && words.contains(&"only") => {
                return Some(Self { demands: vec![(Word::Only, Vec::new())] });
            }
            Value::Map(entries) => entries,
            _ => {
                problems.push(bare(key, node, words));
                return None;
            }
        };
        if entries.is_empty() {
            problems.push(bare(key, node, words));
            return None;
        }
        let before = problems.len();
        let mut demands = Vec::new();
        for (word_key, value) in entries {
            match word(word_key, words) {
                Some(word) => {
                    let empty_says_something = matches!(word, Word::Only | Word::Exactly);
                    if value.items().is_empty() && !empty_says_something {
                        problems.push(value.expected("at least one value"));
                    }
                    let members = value.items().iter().filter_map(|item| problems.ok(read(item)));
                    demands.push((word, members.collect()));
                }
                None => problems.push(unknown_word(key, word_key, words)),
            }
        }
        (problems.len() == before).then_some(Self { demands })
    }

    /// Compares it with what is in the set.
    pub fn judge<F>(&self, found: &[F], fits: impl Fn(&T, &F) -> Fact<bool>) -> Judged<'_, T> {
        self.judge_but(found, fits, |_| false)
    }

    /// The same where some members may be there whatever `only` and `exactly` say, such as the
    /// primary group of a process.
    pub fn judge_but<F>(
        &self,
        found: &[F],
        fits: impl Fn(&T, &F) -> Fact<bool>,
        excused: impl Fn(&F) -> bool,
    ) -> Judged<'_, T> {
        let mut judged = Judged { holds: Ok(true), strangers: Vec::new(), missing: Vec::new() };
        let mut unknown: Option<Unknown> = None;
        for (word, members) in &self.demands {
            if matches!(word, Word::Only | Word::Exactly) {
                for (index, one) in found.iter().enumerate().filter(|(_, one)| !excused(one)) {
                    match any(members.iter().map(|member| fits(member, one))) {
                        Ok(true) => {}
                        Ok(false) => judged.strangers.push(index),
                        Err(why) => unknown = unknown.or(Some(why)),
                    }
                }
            }
            if *word == Word::None {
                for (index, one) in found.iter().enumerate() {
                    match any(members.iter().map(|member| fits(member, one))) {
                        Ok(true) => judged.strangers.push(index),
                        Ok(false) => {}
                        Err(why) => unknown = unknown.or(Some(why)),
                    }
                }
            }
            if matches!(word, Word::All | Word::Exactly) {
                for member in members {
                    match any(found.iter().map(|one| fits(member, one))) {
                        Ok(true) => {}
                        Ok(false) => judged.missing.push(member),
                        Err(why) => unknown = unknown.or(Some(why)),
                    }
                }
            }
            if *word == Word::Any {
                let each = members.iter().flat_map(|m| found.iter().map(|one| fits(m, one)));
                match any(each) {
                    Ok(true) => {}
                    Ok(false) => judged.missing.extend(members),
                    Err(why) => unknown = unknown.or(Some(why)),
                }
            }
        }
        judged.strangers.sort_unstable();
        judged.strangers.dedup();
        judged.holds = match (judged.strangers.is_empty() && judged.missing.is_empty(), unknown) {
            (false, _) => Ok(false),
            (true, None) => Ok(true),
            (true, Some(why)) => Err(why),
        };
        judged
    }

    /// In words: `only a, b`, `all of a, b and none of c`; `none` for the empty set.
    pub fn show(&self, show: impl Fn(&T) -> String) -> String {
        let words = |(word, members): &(Word, Vec<T>)| {
            let names: Vec<String> = members.iter().map(&show).collect();
            match word {
                Word::Only | Word::Exactly if names.is_empty() => "none".to_owned(),
                Word::Only => format!("only {}", names.join(", ")),
                Word::Exactly => format!("exactly {}", names.join(", ")),
                Word::All if names.len() == 1 => names.concat(),
                Word::All => format!("all of {}", names.join(", ")),
                Word::Any => format!("any of {}", names.join(", ")),
                Word::None => format!("none of {}", names.join(", ")),
            }
        };
        self.demands.iter().map(words).collect::<Vec<_>>().join(" and ")
    }

    /// Whether one of its words can be violated by what is not there.
    pub fn wants_members(&self) -> bool {
        let wants = |word: &Word| matches!(word, Word::All | Word::Any | Word::Exactly);
        self.demands.iter().any(|(word, _)| wants(word))
    }

    /// Whether further members change nothing: it says only what has to be there.
    pub fn is_open_ended(&self) -> bool {
        self.demands.iter().all(|(word, _)| matches!(word, Word::All | Word::Any))
    }

    /// Whether it has no other word than this.
    pub fn is_only(&self, wanted: Word) -> bool {
        self.demands.iter().all(|(word, _)| *word == wanted)
    }

    /// The members under one word.
    pub fn members(&self, wanted: Word) -> impl Iterator<Item = &T> {
        self.demands.iter().filter(move |(word, _)| *word == wanted).flat_map(|(_, all)| all)
    }
}

/// Reads what may be there: `{ only: [...] }`, or `[]` for nothing. For questions that report each
/// thing beyond the list.
pub fn only<T>(
    key: &str,
    node: &Node,
    problems: &mut Diagnostics,
    read: impl Fn(&Node) -> Result<T, Diagnostic>,
) -> Option<Vec<T>> {
    let set = SetOf::parse_words(key, node, &["only"], problems, read)?;
    Some(set.demands.into_iter().flat_map(|(_, members)| members).collect())
}

fn word(key: &Key, words: &[&str]) -> Option<Word> {
    // `not: X` on a set: X is not in it.
    let name = if key.text == "not" { "none" } else { key.text.as_str() };
    let known = WORDS.iter().find(|(known, ..)| *known == name && words.contains(known));
    known.map(|(_, word, _)| *word)
}

/// The error for a value that does not say how it is meant, with all that it could mean.
fn bare(key: &str, node: &Node, words: &[&str]) -> Diagnostic {
    let shown = match &node.value {
        Value::Scalar(scalar) if !scalar.is_null() => quoted(&scalar.text),
        Value::List(items) => {
            let one = |item: &Node| match &item.value {
                Value::Scalar(scalar) => quoted(&scalar.text),
                _ => "…".to_owned(),
            };
            items.iter().map(one).collect::<Vec<_>>().join(", ")
        }
        _ => "…".to_owned(),
    };
    let ways = WORDS
        .iter()
        .filter(|(name, ..)| words.contains(name))
        .map(|(name, _, meaning)| format!("{key}: {{ {name}: [{shown}] }} ({meaning})"));
    Diagnostic::at(
        &node.span,
        format!("`{key}` is a set: say how it compares with {}", node.describe()),
    )
    .help(ways.collect::<Vec<_>>().join("\n        "))
}

fn quoted(text: &str) -> String {
    let plain = !text.is_empty()
        && text.chars().all(|c| c.is_alphanumeric() || "/._-@$".contains(c))
        && !text.starts_with(['-', '@']);
    if plain { text.to_owned() } else { format!("{text:?}") }
}

fn unknown_word(key: &str, word: &Key, words: &[&str]) -> Diagnostic {
    let message = format!("unknown key `{}`", word.text);
    let help = match word.text.as_str() {
        "contains" | "at_least" => Some("all: [...] or any: [...]"),
        "at_most" => Some("only: [...]"),
        "is" => Some("exactly: [...]"),
        "matches" => Some("any: [{ matches: ... }], or only: for every member"),
        _ => None,
    };
    match help {
        Some(help) => Diagnostic::at(&word.span, format!("`{}` is no word of a set", word.text))
            .help(format!("`{key}` is a set: write {help}")),
        None => Diagnostic::at(&word.span, message).suggest(&word.text, words.iter().copied()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(demands: &[(Word, &[u32])]) -> SetOf<u32> {
        SetOf { demands: demands.iter().map(|(word, all)| (*word, all.to_vec())).collect() }
    }

    fn holds(word: Word, members: &[u32], found: &[u32]) -> bool {
        set(&[(word, members)]).judge(found, |a, b| Ok(a == b)).holds == Ok(true)
    }

    #[test]
    fn each_word_has_one_meaning() {
        let cases: [(Word, &[u32], [bool; 5]); 5] = [
            // What is found:            {}     {1}    {1,2}  {1,2,3} {3}
            (Word::Only, &[1, 2], [true, true, true, false, false]),
            (Word::All, &[1, 2], [false, false, true, true, false]),
            (Word::Any, &[1, 2], [false, true, true, true, false]),
            (Word::None, &[1, 2], [true, false, false, false, true]),
            (Word::Exactly, &[1, 2], [false, false, true, false, false]),
        ];
        let found: [&[u32]; 5] = [&[], &[1], &[1, 2], &[1, 2, 3], &[3]];
        for (word, members, wanted) in cases {
            let got = found.map(|found| holds(word, members, found));
            assert_eq!(got, wanted, "{word:?}");
        }
    }

    #[test]
    fn several_words_hold_together() {
        let both = set(&[(Word::All, &[1]), (Word::None, &[2])]);
        assert_eq!(both.judge(&[1, 3], |a, b| Ok(a == b)).holds, Ok(true));
        let judged = both.judge(&[2, 3], |a, b| Ok(a == b));
        assert_eq!(judged.holds, Ok(false));
        assert_eq!((judged.strangers, judged.missing), (vec![0], vec![&1]));
    }

    #[test]
    fn what_cannot_be_compared_decides_nothing_unless_another_member_does() {
        use crate::facts::Cause;
        let unclear = |a: &u32, b: &u32| match b {
            9 => Err(Unknown::new("9", Cause::Vanished)),
            _ => Ok(a == b),
        };
        assert!(set(&[(Word::Only, &[1])]).judge(&[1, 9], unclear).holds.is_err());
        assert_eq!(set(&[(Word::Only, &[1])]).judge(&[2, 9], unclear).holds, Ok(false));
        assert_eq!(set(&[(Word::Any, &[1])]).judge(&[1, 9], unclear).holds, Ok(true));
        assert!(set(&[(Word::All, &[1])]).judge(&[2, 9], unclear).holds.is_err());
    }
}

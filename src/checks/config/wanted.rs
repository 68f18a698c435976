//! What a rule wants of a setting, in the words of the language.
//!
//! A path may lead to several places: blocks, elements, lines. What is wanted is asked of each, unless
//! a quantifier says otherwise: `some` of them, `none`, or how many (`count`). A set is compared within
//! one place, by the words of sets.

use crate::formats::Format;
use crate::formats::sets::{Between, between};
use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::expect::{Expect, OPERATORS};
use crate::policy::node::{Key, Node, Value, unknown_key};
use crate::policy::operand::{Number, SettingValue};
use crate::policy::set::{SetOf, WORDS};

/// What is wanted.
pub enum Wanted {
    /// Every value is as expected.
    Every(Expect<SettingValue>),
    /// At least one value is as expected.
    Some(Expect<SettingValue>),
    /// So many values are there.
    Count(Expect<Number>),
    /// It is set at all, or it is not.
    Set(bool),
    /// The members in each place.
    Members(SetOf<Expect<SettingValue>>, Option<Between>),
}

/// Keys that stand for the whole of what is wanted, with their meaning.
pub const QUANTIFIERS: [(&str, &str); 6] = [
    ("is", "every value of the setting, beside default"),
    ("every", "every value of the setting, as without a quantifier"),
    ("some", "at least one of its values"),
    ("none", "none of its values; of a set, none of its members"),
    ("count", "how many values there are"),
    ("set", "whether it is set at all"),
];

impl Wanted {
    /// Reads what stands behind the path of a setting.
    pub fn parse(path: &str, node: &Node, format: &Format) -> Result<Self, Diagnostic> {
        let (split, node) = take_split(node)?;
        known_keys(path, &node)?;
        let known = between(format.name, path);
        let between = split.or(known);
        match &node.value {
            Value::List(items) if known.is_some() && !items.is_empty() => {
                members(path, &node, between)
            }
            Value::Map(entries) => match entries.as_slice() {
                [(key, value)] if key.text == "set" => value.boolean().map(Wanted::Set),
                [(key, value)] if key.text == "count" => Expect::parse(value).map(Wanted::Count),
                [(key, value)] if key.text == "some" => Expect::parse(value).map(Wanted::Some),
                [(key, value)] if ["is", "every"].contains(&key.text.as_str()) => {
                    Expect::parse(value).map(Wanted::Every)
                }
                entries => {
                    let is_word = |key: &Key| WORDS.iter().any(|(word, ..)| *word == key.text);
                    let words = entries.iter().any(|(key, _)| is_word(key));
                    let not = between.is_some() && entries.iter().all(|(key, _)| key.text == "not");
                    match words || not {
                        true => members(path, &node, between),
                        false => Expect::parse(&node).map(Wanted::Every),
                    }
                }
            },
            _ => Expect::parse(&node).map(Wanted::Every),
        }
    }

    /// The expectation of single values, if it is one.
    pub fn expect(&self) -> Option<&Expect<SettingValue>> {
        match self {
            Wanted::Every(expect) | Wanted::Some(expect) => Some(expect),
            Wanted::Count(_) | Wanted::Set(_) | Wanted::Members(..) => None,
        }
    }

    /// In words.
    pub fn show(&self) -> String {
        match self {
            Wanted::Every(expect) => expect.show(),
            Wanted::Some(expect) => format!("a value that is {}", expect.show()),
            Wanted::Count(expect) => format!("{} values", expect.show()),
            Wanted::Set(true) => "to be set".into(),
            Wanted::Set(false) => "not to be set".into(),
            Wanted::Members(set, _) => set.show(Expect::show),
        }
    }
}

fn members(path: &str, node: &Node, between: Option<Between>) -> Result<Wanted, Diagnostic> {
    let mut problems = Diagnostics::default();
    match SetOf::parse(path, node, &mut problems, Expect::parse) {
        Some(set) => Ok(Wanted::Members(set, between)),
        // Of several errors in one value the first is told.
        None => {
            Err(problems.into_sorted().into_iter().next().unwrap_or_else(|| node.expected("a set")))
        }
    }
}

/// Takes `split:` out of a mapping.
fn take_split(node: &Node) -> Result<(Option<Between>, Node), Diagnostic> {
    let Value::Map(entries) = &node.value else { return Ok((None, node.clone())) };
    let (split, rest): (Vec<_>, Vec<(Key, Node)>) =
        entries.iter().cloned().partition(|(key, _)| key.text == "split");
    let Some((_, value)) = split.first() else { return Ok((None, node.clone())) };
    let text = value.text("what separates the members, such as \",\"")?;
    let mut chars = text.chars();
    let between = match (chars.next(), chars.next()) {
        _ if text == "space" => Between::Space,
        (Some(c), None) if c.is_whitespace() => Between::Space,
        (Some(c), None) => Between::Char(c),
        _ => return Err(value.expected("one character, or `space`")),
    };
    let is_set = |key: &Key| key.text == "not" || WORDS.iter().any(|(word, ..)| *word == key.text);
    if !rest.iter().any(|(key, _)| is_set(key)) {
        let message = "`split` makes a set of a value: say how it compares";
        return Err(
            Diagnostic::at(&value.span, message).help("such as { split: \",\", all: [a, b] }")
        );
    }
    Ok((Some(between), Node { span: node.span.clone(), value: Value::Map(rest) }))
}

/// Refuses keys that are none, and those that do not stand beside others.
fn known_keys(path: &str, node: &Node) -> Result<(), Diagnostic> {
    let Value::Map(entries) = &node.value else { return Ok(()) };
    for (key, value) in entries {
        let name = key.text.as_str();
        if name == "contains" {
            return Err(Diagnostic::at(&key.span, "`contains` is no word of a setting").help(
                format!(
                    "{path}: {{ some: X }} (one of its values, wherever it stands)\n        \
                     {path}: {{ all: [X] }} (in each place, among others)"
                ),
            ));
        }
        let quantifier = QUANTIFIERS.iter().any(|(known, _)| *known == name);
        let word = WORDS.iter().any(|(known, ..)| *known == name);
        if quantifier && !word && entries.len() > 1 {
            let message = format!("`{name}` cannot be combined with other demands");
            return Err(
                Diagnostic::at(&key.span, message).help("only `default:` may stand beside it")
            );
        }
        if !quantifier && !word && !OPERATORS.contains(&name) {
            let known: Vec<&str> = OPERATORS
                .into_iter()
                .chain(QUANTIFIERS.map(|(name, _)| name))
                .chain(WORDS.map(|(name, ..)| name))
                .chain(["default", "split"])
                .collect();
            return Err(unknown_key(key, value, &known));
        }
    }
    Ok(())
}

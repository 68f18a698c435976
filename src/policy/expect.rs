//! What a value is expected to be: literal, any of a list, `not`, `at_most`, `at_least`, `matches`.
//!
//! One implementation for every condition. The logic is three-valued: what is unknown stays
//! unknown unless the known part already decides.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::node::{Node, Scalar, Value};
use crate::facts::{Fact, any};
use regex::Regex;
use std::fmt::Debug;

/// Largest compiled size of a regular expression of a policy, in bytes.
const REGEX_LIMIT: usize = 1 << 20;

/// The operators, as keys of a mapping.
pub const OPERATORS: [&str; 4] = ["not", "at_most", "at_least", "matches"];

/// A type that a policy can expect a value of.
pub trait Operand: Sized + Clone + Debug {
    /// What it is called in a message: `a user name or id`.
    const WHAT: &'static str;
    /// Whether `at_most` and `at_least` mean something.
    const ORDERED: bool;
    /// Whether `matches` means something.
    const TEXTUAL: bool;

    /// Reads it from a scalar; the error completes "expected a mode: …".
    fn parse(scalar: &Scalar) -> Result<Self, String>;

    /// As a person would write it.
    fn show(&self) -> String;
}

/// An expectation of a value of type `T`.
#[derive(Clone, Debug)]
pub enum Expect<T> {
    /// One comparison.
    Term(Term<T>),
    /// At least one holds.
    Any(Vec<Expect<T>>),
    /// All hold.
    All(Vec<Expect<T>>),
    /// It does not hold.
    Not(Box<Expect<T>>),
}

/// One comparison.
#[derive(Clone, Debug)]
pub enum Term<T> {
    /// Is this value.
    Is(T),
    /// Is this value or less.
    AtMost(T),
    /// Is this value or more.
    AtLeast(T),
    /// Its text contains a match of this regular expression.
    Matches(Regex),
}

impl<T: Operand> Expect<T> {
    /// Reads an expectation.
    pub fn parse(node: &Node) -> Result<Self, Diagnostic> {
        match &node.value {
            Value::Scalar(_) => operand(node).map(|value| Expect::Term(Term::Is(value))),
            Value::List(items) if items.is_empty() => Err(node.expected("at least one value")),
            Value::List(items) => {
                items.iter().map(Self::parse).collect::<Result<_, _>>().map(Expect::Any)
            }
            Value::Map(entries) if entries.is_empty() => Err(node.expected("a value")),
            Value::Map(entries) => entries
                .iter()
                .map(|(key, value)| match key.text.as_str() {
                    "not" => Self::parse(value).map(|inner| Expect::Not(Box::new(inner))),
                    "at_most" if T::ORDERED => {
                        operand(value).map(|v| Expect::Term(Term::AtMost(v)))
                    }
                    "at_least" if T::ORDERED => {
                        operand(value).map(|v| Expect::Term(Term::AtLeast(v)))
                    }
                    "matches" if T::TEXTUAL => {
                        pattern(value).map(|v| Expect::Term(Term::Matches(v)))
                    }
                    known if OPERATORS.contains(&known) => {
                        let message = format!("`{known}` means nothing for {}", T::WHAT);
                        Err(Diagnostic::at(&key.span, message))
                    }
                    _ => Err(super::node::unknown_key(key, value, &OPERATORS)),
                })
                .collect::<Result<Vec<_>, _>>()
                .map(|mut all| if all.len() == 1 { all.remove(0) } else { Expect::All(all) }),
        }
    }

    /// In words: `nginx`, `one of a, b`, `not 0`, `at most 5`.
    pub fn show(&self) -> String {
        let join =
            |all: &[Self], with: &str| all.iter().map(Self::show).collect::<Vec<_>>().join(with);
        match self {
            Expect::Term(Term::Is(value)) => value.show(),
            Expect::Term(Term::AtMost(value)) => format!("at most {}", value.show()),
            Expect::Term(Term::AtLeast(value)) => format!("at least {}", value.show()),
            Expect::Term(Term::Matches(pattern)) => format!("matching /{pattern}/"),
            Expect::Any(all) if all.len() == 1 => join(all, ""),
            Expect::Any(all) => format!("one of {}", join(all, ", ")),
            Expect::All(all) => join(all, " and "),
            Expect::Not(inner) => format!("not {}", inner.show()),
        }
    }

    /// Whether it holds, given the answer for each single comparison.
    pub fn holds(&self, test: &mut dyn FnMut(&Term<T>) -> Fact<bool>) -> Fact<bool> {
        match self {
            Expect::Term(term) => test(term),
            Expect::Not(inner) => inner.holds(test).map(|holds| !holds),
            Expect::Any(all) => any(all.iter().map(|one| one.holds(test))),
            Expect::All(all) => {
                any(all.iter().map(|one| one.holds(test).map(|holds| !holds))).map(|none| !none)
            }
        }
    }

    /// Whether `at_most` is part of it.
    pub fn has_upper_limit(&self) -> bool {
        match self {
            Expect::Term(term) => matches!(term, Term::AtMost(_)),
            Expect::Any(all) | Expect::All(all) => all.iter().any(Self::has_upper_limit),
            Expect::Not(inner) => inner.has_upper_limit(),
        }
    }

    /// The one value that repairs a violation, when the expectation names it.
    pub fn wanted(&self) -> Option<&T> {
        match self {
            Expect::Term(Term::Is(value)) => Some(value),
            Expect::Any(all) | Expect::All(all) => all.iter().find_map(Self::wanted),
            _ => None,
        }
    }
}

/// Reads a single operand.
pub fn operand<T: Operand>(node: &Node) -> Result<T, Diagnostic> {
    let scalar = node.scalar(T::WHAT)?;
    T::parse(scalar).map_err(|why| node.expected(T::WHAT).label(why))
}

/// Reads a regular expression.
pub fn pattern(node: &Node) -> Result<Regex, Diagnostic> {
    let text = node.text("a regular expression")?;
    if text.len() > 2
        && let Some(inner) = text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/'))
        && !inner.contains('/')
    {
        // Elsewhere slashes say that it is an expression; here they would be looked for.
        return Err(Diagnostic::at(
            &node.span,
            "slashes around a regular expression are part of it",
        )
        .help(format!("write {inner:?}; where slashes are meant, \"[/]{inner}/\"")));
    }
    compile(text).map_err(|why| Diagnostic::at(&node.span, "not a regular expression").label(why))
}

fn compile(text: &str) -> Result<Regex, String> {
    regex::RegexBuilder::new(text).size_limit(REGEX_LIMIT).build().map_err(|error| {
        // The last line of regex's message says what; those before draw what our caret shows.
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

/// [`each`] for lists that say nothing when they are empty, so that they would always hold.
pub fn each_of_some<T>(
    node: &Node,
    problems: &mut Diagnostics,
    read: impl Fn(&Node) -> Result<T, Diagnostic>,
) -> Vec<T> {
    if node.items().is_empty() {
        problems.push(node.expected("at least one value"));
    }
    each(node, problems, read)
}

/// Collects the results of several readings, filing all errors.
pub fn each<T>(
    node: &Node,
    problems: &mut Diagnostics,
    read: impl Fn(&Node) -> Result<T, Diagnostic>,
) -> Vec<T> {
    node.items().iter().filter_map(|item| problems.ok(read(item))).collect()
}

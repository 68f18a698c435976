//! Whether a value of a setting is as expected: the file's value, the rule's words and a default are
//! read alike, by the owner's rules, and only then compared.

use crate::facts::quantity::{Kind, Special};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::Format;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, Term};
use crate::policy::node::{Node, Value};
use crate::policy::operand::SettingValue;

/// How the values of one setting are read.
#[derive(Clone)]
pub struct Reading {
    path: String,
    kind: Kind,
    special: Special,
    also: fn(&str, &str) -> Vec<String>,
}

impl Reading {
    /// How a format reads the setting at a path.
    pub fn of(path: &str, format: &Format) -> Self {
        let (kind, special) = (format.kind_of(path), format.special_of(path));
        Self { path: path.to_owned(), kind, special, also: format.also }
    }

    /// How the kernel reads its parameters.
    pub fn of_kernel() -> Self {
        let also = crate::formats::sysctl::spellings;
        Self { path: String::new(), kind: Kind::Number, special: Special::None, also }
    }

    /// All spellings of a text, the one written first.
    fn read<'a>(&self, text: &'a str) -> Vec<std::borrow::Cow<'a, str>> {
        let also = (self.also)(&self.path, text).into_iter().map(std::borrow::Cow::Owned);
        std::iter::once(std::borrow::Cow::Borrowed(text)).chain(also).collect()
    }

    /// Whether a value means that there is no limit.
    pub fn is_no_limit(&self, spellings: &[&str]) -> bool {
        self.special.no_limit(self.kind, spellings) == Ok(true)
    }

    /// Whether a text that the owner has yet to read is as expected: a default, the value of a file of
    /// which only the text is known.
    pub fn text_holds(&self, expect: &Expect<SettingValue>, text: &str) -> Fact<bool> {
        let read = self.read(text);
        let spellings: Vec<&str> = read.iter().map(AsRef::as_ref).collect();
        self.holds(expect, &spellings)
    }

    /// Whether one of several spellings of a value is as expected. Values of different kinds have no
    /// order: that is unknown, not a "no". A value that means "no limit" is never `at_most`
    /// something; for `at_least` it is the number that it is, so that `at_least: 1` keeps on
    /// demanding that there is a limit, and `infinity` more than any.
    pub fn holds(&self, expect: &Expect<SettingValue>, spellings: &[&str]) -> Fact<bool> {
        let shown = spellings.first().copied().unwrap_or_default();
        let unknown = |why| Unknown::new(format!("`{shown}`"), Cause::Malformed(why));
        let order = |limit: &SettingValue| {
            let read = self.read(&limit.0);
            let limit: Vec<&str> = read.iter().map(AsRef::as_ref).collect();
            self.kind.compare_read(spellings, &limit).map_err(unknown)
        };
        let no_limit = || self.special.no_limit(self.kind, spellings).map_err(unknown);
        expect.holds(&mut |term| match term {
            Term::Is(value) => {
                let read = self.read(&value.0);
                let word: Vec<&str> = read.iter().map(AsRef::as_ref).collect();
                Ok(self.kind.same(spellings, &word))
            }
            Term::Matches(pattern) => {
                let same = |text: &&str| match self.kind {
                    Kind::Words(words) => words.group(text),
                    _ => &[],
                };
                let mut all =
                    spellings.iter().flat_map(|text| std::iter::once(text).chain(same(text)));
                Ok(all.any(|text| pattern.is_match(text)))
            }
            Term::AtMost(_) if no_limit()? => Ok(false),
            Term::AtMost(limit) => order(limit).map(|order| order.at_most),
            Term::AtLeast(_) if self.special.is_endless(spellings) => Ok(true),
            Term::AtLeast(limit) => {
                no_limit()?;
                order(limit).map(|order| order.at_least)
            }
        })
    }

    /// Refuses what no value of this setting could be, and limits with which none can be compared.
    pub fn check(&self, node: &Node) -> Result<(), Diagnostic> {
        match &node.value {
            Value::Scalar(scalar) => {
                let read = self.read(&scalar.text);
                let word: Vec<&str> = read.iter().map(AsRef::as_ref).collect();
                self.kind.takes(&word).map_err(|why| {
                    let message = format!("`{}` is no value of this setting", scalar.text);
                    Diagnostic::at(&node.span, message).label(why)
                })
            }
            Value::List(items) => items.iter().try_for_each(|item| self.check(item)),
            Value::Map(entries) => entries.iter().try_for_each(|(key, value)| {
                match (key.text.as_str(), &value.value) {
                    ("at_most" | "at_least", Value::Scalar(scalar)) => {
                        self.limit(&key.text, &scalar.text, value)
                    }
                    ("matches" | "set" | "count" | "split" | "at_most" | "at_least", _) => Ok(()),
                    _ => self.check(value),
                }
            }),
        }
    }

    fn limit(&self, operator: &str, limit: &str, node: &Node) -> Result<(), Diagnostic> {
        let message = format!("`{limit}` cannot be compared here");
        let accepted = self.kind.accepts(limit);
        accepted.map_err(|why| Diagnostic::at(&node.span, message).label(why))?;
        if operator == "at_most" && self.is_no_limit(&[limit]) {
            return Err(Diagnostic::at(&node.span, format!("no value is at most `{limit}` here"))
                .label("means that there is no limit")
                .help(format!("to demand just that, write `{limit}` alone")));
        }
        Ok(())
    }
}

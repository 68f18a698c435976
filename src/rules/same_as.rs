//! Conditions whose value is a fact of another subject: read again, with the value in its place,
//! when the rule is evaluated. So every condition that takes a value takes `same_as` as well.

use crate::facts::{Cause, Fact, Unknown};
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::{Key, Node, Scalar, Value};
use crate::policy::{Diagnostics, Policy};
use crate::rules::Scope;
use crate::rules::condition::{Source, Test};
use crate::rules::reference::Reference;
use crate::text::secrets::HIDDEN;
use crate::verdict::{Assertion, Evidence};

const KEY: &str = "same_as";
/// Values of which each condition that takes any value takes one.
const SAMPLES: [&str; 3] = ["0", "0644", "/a"];

/// Whether a value refers to another subject.
pub fn is_in(node: &Node) -> bool {
    match &node.value {
        Value::Scalar(_) => false,
        Value::List(items) => items.iter().any(is_in),
        Value::Map(entries) => entries.iter().any(|(key, value)| key.text == KEY || is_in(value)),
    }
}

/// Reads a condition whose value refers to another subject.
pub fn read<S: 'static>(
    source: Source<S>,
    key: &Key,
    value: &Node,
    scope: &Scope,
    problems: &mut Diagnostics,
) -> Option<Test<S>> {
    let mut references = Vec::new();
    let parse = |node: &Node| Reference::parse(node, scope).map(|one| references.push(one));
    problems.ok(each(value, parse))?;
    // Whether the condition takes a value at all, a sample shows before the rule is evaluated.
    let sample = SAMPLES.iter().find_map(|sample| {
        let node = with_values(value, &mut |_| Some((*sample).to_owned()))?;
        let mut scratch = Diagnostics::default();
        let test = source.read(key, &node, scope, &mut scratch)??;
        scratch.is_empty().then_some(test)
    });
    let Some(sample) = sample else {
        let message = format!("`{}` does not take the value of another subject", key.text);
        problems.push(Diagnostic::at(&value.span, message));
        return None;
    };
    let policy = Policy { rules: Vec::new(), ..scope.policy.clone() };
    let subjects = scope.subjects;
    let (key, value) = (key.clone(), value.clone());
    Some(Box::new(move |view, target| {
        let texts: Vec<&str> = references.iter().map(Reference::text).collect();
        let unknown = |why: Unknown| {
            // What is compared with the sample says what the condition is about.
            let about: Assertion = sample(view, target);
            let expected = format!("the same as {}", texts.join(", "));
            let mut assertion =
                Assertion::of(&about.subject, about.condition).expected(expected).unknown(why);
            assertion.seen = about.seen;
            assertion
        };
        let values: Fact<Vec<String>> = references.iter().map(|one| one.resolve(target)).collect();
        let values = match values {
            Ok(values) => values,
            Err(why) => return unknown(why),
        };
        let mut left = values.iter();
        let node = with_values(&value, &mut |_| left.next().cloned());
        let mut scratch = Diagnostics::default();
        let scope = Scope { policy: &policy, subjects };
        let test = node.and_then(|node| source.read(&key, &node, &scope, &mut scratch)?);
        match test {
            Some(test) if scratch.is_empty() => {
                let mut assertion = test(view, target);
                if references.iter().any(Reference::is_secret) {
                    return hide(assertion, &values, &texts);
                }
                assertion.expected.push_str(&format!(" (the same as {})", texts.join(", ")));
                assertion
            }
            _ => {
                let secret = references.iter().any(Reference::is_secret);
                let shown = if secret { HIDDEN.to_owned() } else { values.join(", ") };
                let why = format!("is `{shown}`, which {} cannot be", key.text);
                unknown(Unknown::new(texts.join(", "), Cause::Malformed(why)))
            }
        }
    }))
}

/// Takes a secret that was compared with out of all words about it.
fn hide(mut assertion: Assertion, secrets: &[String], texts: &[&str]) -> Assertion {
    let without = |text: &str| {
        let known = secrets.iter().filter(|secret| !secret.is_empty());
        known.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), HIDDEN))
    };
    assertion.expected = format!("the same as {}", texts.join(", "));
    assertion.observed = without(&assertion.observed);
    for seen in &mut assertion.seen {
        if let Evidence::Line { text, .. } = seen {
            *text = without(text);
        }
    }
    assertion.corrective.clear();
    assertion
}

/// Calls `visit` with what stands behind every `same_as`.
fn each(
    node: &Node,
    mut visit: impl FnMut(&Node) -> Result<(), Diagnostic>,
) -> Result<(), Diagnostic> {
    let mut result = Ok(());
    with_values(node, &mut |node| {
        if result.is_ok() {
            result = visit(node);
        }
        Some(String::new())
    })
    .ok_or_else(|| node.expected("nothing beside `same_as`"))?;
    result
}

/// The tree with a value in the place of every `{ same_as: … }`. `None`: there is none for one of
/// them, or a `same_as` does not stand alone.
fn with_values(node: &Node, value: &mut dyn FnMut(&Node) -> Option<String>) -> Option<Node> {
    let replaced = match &node.value {
        Value::Scalar(scalar) => Value::Scalar(scalar.clone()),
        Value::List(items) => {
            Value::List(items.iter().map(|item| with_values(item, value)).collect::<Option<_>>()?)
        }
        Value::Map(entries) => match entries.as_slice() {
            [(key, inner)] if key.text == KEY => {
                Value::Scalar(Scalar { text: value(inner)?, quoted: true })
            }
            _ if entries.iter().any(|(key, _)| key.text == KEY) => return None,
            _ => {
                let inner =
                    |(key, node): &(Key, Node)| Some((key.clone(), with_values(node, value)?));
                Value::Map(entries.iter().map(inner).collect::<Option<_>>()?)
            }
        },
    };
    Some(Node { span: node.span.clone(), value: replaced })
}

//! From a rule as written to a check: find its subject, let that read the rest.

use crate::policy::diagnostic::{Diagnostic, Diagnostics};
use crate::policy::document::RULE_KEYS;
use crate::policy::expect::Expect;
use crate::policy::node::{Fields, Node, Value, unknown_key};
use crate::policy::operand::Text;
use crate::policy::{Policy, Rule};
use crate::rules::condition::nothing_demanded;
use crate::rules::{Check, Input, Scope, Subjects};

/// Reads the demands of a rule, taking them out of it. Errors are filed.
pub fn compile(
    rule: &mut Rule,
    policy: &Policy,
    subjects: Subjects,
    problems: &mut Diagnostics,
) -> Option<Box<dyn Check>> {
    let mut found: Vec<_> = rule
        .fields
        .rest()
        .iter()
        .filter_map(|(key, _)| {
            subjects.iter().find(|kind| kind.key == key.text).map(|kind| (*kind, key.clone()))
        })
        .collect();
    if let Some((_, second)) = found.get(1) {
        let message = "a rule is about one thing; this is a second subject";
        problems.push(Diagnostic::at(&second.span, message).help("make it a rule of its own"));
        return None;
    }
    let Some((kind, key)) = found.pop() else {
        no_subject(rule, subjects, problems);
        return None;
    };
    let nothing = Fields::of(rule.span.clone(), Vec::new());
    let mut fields = std::mem::replace(&mut rule.fields, nothing);
    let subject = fields.take(&key.text)?;
    let mut options = Vec::new();
    for (name, _) in kind.options {
        options.extend(fields.take_with_key(name));
    }
    let known: Vec<&str> = RULE_KEYS.iter().chain(kind.options).map(|(name, _)| *name).collect();
    fields.finish(&known, problems);
    let Some(must) = rule.must.take() else {
        problems.push(nothing_demanded(&rule.span));
        return None;
    };
    let fields = Fields::of(rule.span.clone(), options);
    let scope = Scope { policy, subjects };
    (kind.compile)(&scope, Input { subject, fields, must }, problems)
}

fn no_subject(rule: &Rule, subjects: Subjects, problems: &mut Diagnostics) {
    let keys: Vec<&str> = subjects.iter().map(|kind| kind.key).collect();
    let options = subjects.iter().flat_map(|kind| kind.options.iter().map(|(name, _)| *name));
    let rule_keys = RULE_KEYS.map(|(name, _)| name);
    let known: Vec<&str> = keys.iter().copied().chain(rule_keys).chain(options.clone()).collect();
    // An option without its subject is no slip of the subject's key.
    let mut slips = rule
        .fields
        .rest()
        .iter()
        .filter(|(key, _)| !options.clone().any(|o| o == key.text))
        .peekable();
    if slips.peek().is_none() {
        problems.push(
            Diagnostic::at(&rule.span, "this rule has no subject")
                .help(format!("say what it is about: {}", keys.join(", "))),
        );
    }
    for (key, node) in slips {
        problems.push(unknown_key(key, node, &known));
    }
}

/// What `absent:` says about a subject that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// It is a violation, the default.
    Fail,
    /// The rule does not apply.
    Skip,
}

/// Meaning of the option, for the tables of subjects.
pub const ABSENT: (&str, &str) = (
    "absent",
    "fail (default): that it does not exist is a violation; skip: the rule does not apply",
);

/// Takes the option `absent:`.
pub fn take_absent(input: &mut Input, problems: &mut Diagnostics) -> Absent {
    let Some(node) = input.fields.take("absent") else { return Absent::Fail };
    match problems.ok(one_of(&node, &["fail", "skip"])) {
        Some("skip") => Absent::Skip,
        _ => Absent::Fail,
    }
}

/// Reads an expectation of one of a few words: a word, a list of them, or `not`.
pub fn some_of(node: &Node, words: &'static [&'static str]) -> Result<Expect<Text>, Diagnostic> {
    match &node.value {
        Value::Scalar(_) => one_of(node, words).map(drop)?,
        Value::List(items) => items.iter().try_for_each(|item| some_of(item, words).map(drop))?,
        Value::Map(entries) => {
            for (key, value) in entries {
                if key.text != "not" {
                    return Err(unknown_key(key, value, &["not"]));
                }
                some_of(value, words)?;
            }
        }
    }
    Expect::parse(node)
}

/// Reads one of a few words.
pub fn one_of(node: &Node, words: &'static [&'static str]) -> Result<&'static str, Diagnostic> {
    let text = node.text(&format!("one of {}", words.join(", ")))?;
    words.iter().copied().find(|word| *word == text).ok_or_else(|| {
        let message = format!("unknown value `{text}`");
        Diagnostic::at(&node.span, message).suggest(text, words.iter().copied())
    })
}

//! Conditions as data: one table per subject says for each what it is called, what it means, what
//! value it takes, and how to read it. Errors, schema, reference and evaluation all use that table.

use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::{Key, Node, Value, unknown_key};
use crate::policy::source::Span;
use crate::rules::combine::{COMBINATORS, Combined, Demand};
use crate::rules::{Scope, same_as};
use crate::verdict::Assertion;
use std::sync::Arc;

/// What the reference and the schema need to know of a condition.
pub struct ConditionInfo {
    /// Key under `must`.
    pub name: &'static str,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// The kind of value.
    pub form: Form,
    /// A value as it would stand in a policy.
    pub example: &'static str,
}

/// The kinds of value that a condition takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `true` or `false`.
    Boolean,
    /// `true` only; leaving it out demands nothing.
    True,
    /// A literal, a list of alternatives, or `not`; with `ordered` also `at_most`, `at_least`; with
    /// `textual` also `matches`.
    Expectation {
        /// `at_most` and `at_least` make sense.
        ordered: bool,
        /// `matches` makes sense.
        textual: bool,
    },
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `false`, or `{ allow: [...] }` with names that are none all the same.
    FalseButAllowed,
    /// One of these words, a list of them for any of those, or `not`.
    SomeOf(&'static [&'static str]),
    /// A word or a list of words.
    Words,
    /// A set: `only`, `all`, `any`, `none`, `exactly`, each with the members that it is about.
    Set,
    /// A set of which only what is beyond a list is of interest: `{ only: [...] }`, or `[]`.
    Only,
    /// A regular expression, or a set of them: `all`, `any`, `none`.
    Patterns,
    /// The words of a command, compared as a list.
    Arguments,
    /// Names that the policy chooses, and what each must be: a text, a list, `not`, `matches`.
    Named,
    /// A shape of its own, described in the page.
    Special,
}

/// A condition of subject `S`.
pub struct Condition<S: 'static> {
    /// Its description.
    pub info: ConditionInfo,
    /// Reads its value.
    pub read: fn(&Node, &Scope, &mut Diagnostics) -> Option<Test<S>>,
}

/// A condition that has been read, ready to be compared with facts.
pub type Test<S> = Box<dyn Fn(&S, &dyn Target) -> Assertion + Send>;

/// Reads a condition that no table knows, such as the path of a setting. `None`: nobody knows it.
pub type Open<S> =
    Arc<dyn Fn(&Key, &Node, &mut Diagnostics) -> Option<Option<Test<S>>> + Send + Sync>;

/// The descriptions of a table.
pub fn infos<S>(table: &'static [Condition<S>]) -> Vec<&'static ConditionInfo> {
    table.iter().map(|condition| &condition.info).collect()
}

/// Reads everything under `must`, filing all errors.
pub fn read_all<S: 'static>(
    table: &'static [Condition<S>],
    must: &Node,
    scope: &Scope,
    problems: &mut Diagnostics,
) -> Vec<Demand<S>> {
    Reader { table, open: Arc::new(|_, _, _| None), scope }.read(must, problems, 0)
}

/// The same for a subject that takes names of its own beside those of the table.
pub fn read_open<S: 'static>(
    table: &'static [Condition<S>],
    open: Open<S>,
    must: &Node,
    scope: &Scope,
    problems: &mut Diagnostics,
) -> Vec<Demand<S>> {
    Reader { table, open, scope }.read(must, problems, 0)
}

/// Who reads a condition.
pub enum Source<S: 'static> {
    /// A line of the subject's table.
    Table(&'static Condition<S>),
    /// The subject itself.
    Open(Open<S>),
}

impl<S: 'static> Source<S> {
    /// Reads it. `None`: nobody knows the key.
    pub fn read(
        &self,
        key: &Key,
        node: &Node,
        scope: &Scope,
        problems: &mut Diagnostics,
    ) -> Option<Option<Test<S>>> {
        match self {
            Source::Table(condition) => Some((condition.read)(node, scope, problems)),
            Source::Open(open) => open(key, node, problems),
        }
    }
}

/// How deep `any`, `all` and `not` may be nested.
const DEPTH: usize = 16;

struct Reader<'a, S: 'static> {
    table: &'static [Condition<S>],
    open: Open<S>,
    scope: &'a Scope<'a>,
}

impl<S: 'static> Reader<'_, S> {
    fn read(&self, must: &Node, problems: &mut Diagnostics, depth: usize) -> Vec<Demand<S>> {
        let Value::Map(entries) = &must.value else {
            problems.push(must.expected("conditions, such as { key: value }"));
            return Vec::new();
        };
        if entries.is_empty() {
            problems.push(nothing_demanded(&must.span));
        }
        nothing_is_there(entries, problems);
        if depth > DEPTH {
            problems.push(Diagnostic::at(&must.span, "conditions are nested too deeply"));
            return Vec::new();
        }
        let read = |(key, value): &(Key, Node)| self.one(key, value, problems, depth);
        entries.iter().filter_map(read).collect()
    }

    fn one(
        &self,
        key: &Key,
        value: &Node,
        problems: &mut Diagnostics,
        depth: usize,
    ) -> Option<Demand<S>> {
        let mut inner = |node: &Node| self.read(node, problems, depth + 1);
        let combined = match key.text.as_str() {
            "any" => Some(Combined::Any(value.items().iter().map(inner).collect())),
            "all" => Some(Combined::All(value.items().iter().map(inner).collect())),
            "not" => Some(Combined::Not(inner(value))),
            _ => None,
        };
        if let Some(combined) = combined {
            if value.items().is_empty() {
                problems.push(nothing_demanded(&value.span));
            }
            return Some(Demand::combined(&key.text, combined));
        }
        let known = self.table.iter().find(|condition| condition.info.name == key.text);
        let source = known.map_or_else(|| Source::Open(Arc::clone(&self.open)), Source::Table);
        let test = if same_as::is_in(value) {
            same_as::read(source, key, value, self.scope, problems)
        } else {
            source.read(key, value, self.scope, problems).unwrap_or_else(|| {
                let names = self.table.iter().map(|condition| condition.info.name);
                let names: Vec<&str> = names.chain(COMBINATORS.map(|(name, _)| name)).collect();
                problems.push(unknown_key(key, value, &names));
                None
            })
        };
        test.map(|test| Demand::one(&key.text, value.as_boolean(), test))
    }
}

/// Refuses to ask more of what is not to be there: it has no owner, no mode and no version.
fn nothing_is_there(entries: &[(Key, Node)], problems: &mut Diagnostics) {
    const EXISTENCE: [&str; 3] = ["exists", "installed", "mounted"];
    let absent = |(key, node): &&(Key, Node)| {
        EXISTENCE.contains(&key.text.as_str()) && node.as_boolean() == Some(false)
    };
    let Some((key, _)) = entries.iter().find(absent) else { return };
    if let Some((other, _)) = entries.iter().find(|(other, _)| other.text != key.text) {
        let message = format!("`{}` asks for something of what is not to be there", other.text);
        problems.push(
            Diagnostic::at(&other.span, message).also(&key.span, "it is not to be there").help(
                format!("for either of both write any: [{{ {}: false }}, {{ … }}]", key.text),
            ),
        );
    }
}

/// Refuses `any`, `all` and `not` for a subject whose conditions do not simply hold or not.
pub fn refuse_combinators(must: &Node, infos: Vec<&ConditionInfo>, problems: &mut Diagnostics) {
    let Value::Map(entries) = &must.value else { return };
    let names: Vec<&str> = infos.iter().map(|info| info.name).collect();
    let combines = |key: &Key| COMBINATORS.iter().any(|(name, _)| *name == key.text);
    for (key, value) in entries.iter().filter(|(key, _)| combines(key)) {
        problems.push(unknown_key(key, value, &names));
    }
}

/// A rule that demands nothing would always pass.
pub fn nothing_demanded(span: &Span) -> Diagnostic {
    Diagnostic::at(span, "this rule demands nothing").help("say under `must:` what has to hold")
}

/// Reads a condition for which only `true` says something.
pub fn only_true(node: &Node, problems: &mut Diagnostics) -> Option<()> {
    if problems.ok(node.boolean())? {
        return Some(());
    }
    problems.push(
        Diagnostic::at(&node.span, "`false` demands nothing here")
            .help("leave the condition out instead"),
    );
    None
}

//! A policy document as a tree whose every node knows where it stands.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::source::Span;

/// Longest text that a message repeats, in characters. The line with the caret shows the rest.
const LONGEST_SHOWN: usize = 100;

/// One node of a document.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// The three shapes of YAML.
#[derive(Clone, Debug)]
pub enum Value {
    /// Text, not yet given a type: `0640` stays `0640`.
    Scalar(Scalar),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in its order; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// Text with the way it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// Content after YAML's escapes.
    pub text: String,
    /// Written in quotes or as a block, so that it is meant as text.
    pub quoted: bool,
}

/// A key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

impl Node {
    /// What it is, in words for a message.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Scalar(s) if s.is_null() => "nothing".into(),
            Value::Scalar(s) if s.text.is_empty() => "an empty text".into(),
            Value::Scalar(s) => match s.text.char_indices().nth(LONGEST_SHOWN) {
                Some((end, _)) => format!("`{}…`", s.text.get(..end).unwrap_or_default()),
                None => format!("`{}`", s.text),
            },
            Value::List(items) if items.is_empty() => "an empty list".into(),
            Value::List(_) => "a list".into(),
            Value::Map(_) => "a mapping".into(),
        }
    }

    /// An error at this node: `expected X, found Y`.
    pub fn expected(&self, what: &str) -> Diagnostic {
        Diagnostic::at(&self.span, format!("expected {what}, found {}", self.describe()))
    }

    /// The scalar, if it is one that says something.
    pub fn scalar(&self, what: &str) -> Result<&Scalar, Diagnostic> {
        match &self.value {
            Value::Scalar(s) if !s.is_null() => Ok(s),
            _ => Err(self.expected(what)),
        }
    }

    /// The text of a scalar.
    pub fn text(&self, what: &str) -> Result<&str, Diagnostic> {
        self.scalar(what).map(|s| s.text.as_str())
    }

    /// `true` or `false`, where that is what stands there.
    pub fn as_boolean(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar(s) if !s.quoted && s.text == "true" => Some(true),
            Value::Scalar(s) if !s.quoted && s.text == "false" => Some(false),
            _ => None,
        }
    }

    /// `true` or `false`, unquoted; YAML 1.1's `yes` and `on` are not booleans.
    pub fn boolean(&self) -> Result<bool, Diagnostic> {
        if let Some(value) = self.as_boolean() {
            return Ok(value);
        }
        match &self.value {
            Value::Scalar(s) => {
                let wrong = self.expected("true or false");
                Err(match s.text.to_lowercase().as_str() {
                    "true" | "yes" | "on" => wrong.label("write true, without quotes"),
                    "false" | "no" | "off" => wrong.label("write false, without quotes"),
                    _ => wrong,
                })
            }
            _ => Err(self.expected("true or false")),
        }
    }

    /// A list, or a single node as a list of one.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The mapping's fields, to be taken one by one.
    pub fn fields(&self, what: &str) -> Result<Fields, Diagnostic> {
        match &self.value {
            Value::Map(entries) => Ok(Fields { span: self.span.clone(), rest: entries.clone() }),
            _ => Err(self.expected(what)),
        }
    }

    /// The same without a copy, for the parts of a document that are large.
    pub fn into_fields(self, what: &str) -> Result<Fields, Diagnostic> {
        match self.value {
            Value::Map(rest) => Ok(Fields { span: self.span, rest }),
            _ => Err(self.expected(what)),
        }
    }
}

impl Scalar {
    /// An unquoted empty value, `~` or `null`.
    pub fn is_null(&self) -> bool {
        !self.quoted && matches!(self.text.as_str(), "" | "~" | "null")
    }
}

/// The fields of a mapping that have not been taken yet.
#[derive(Clone, Debug)]
pub struct Fields {
    /// Where the mapping stands.
    pub span: Span,
    rest: Vec<(Key, Node)>,
}

impl Fields {
    /// Fields given one by one.
    pub fn of(span: Span, rest: Vec<(Key, Node)>) -> Self {
        Self { span, rest }
    }

    /// Takes the field of that name.
    pub fn take(&mut self, name: &str) -> Option<Node> {
        self.take_with_key(name).map(|(_, node)| node)
    }

    /// Takes the field of that name together with its key.
    pub fn take_with_key(&mut self, name: &str) -> Option<(Key, Node)> {
        let index = self.rest.iter().position(|(key, _)| key.text == name)?;
        Some(self.rest.remove(index))
    }

    /// Takes a field whose value is some text.
    pub fn take_text(&mut self, name: &str, problems: &mut Diagnostics) -> Option<String> {
        let node = self.take(name)?;
        problems.ok(node.text("a text").map(str::to_owned))
    }

    /// What is left.
    pub fn rest(&self) -> &[(Key, Node)] {
        &self.rest
    }

    /// Reports every field that is left as unknown.
    pub fn finish(self, known: &[&str], problems: &mut Diagnostics) {
        for (key, node) in self.rest {
            problems.push(unknown_key(&key, &node, known));
        }
    }
}

/// The error for a key that nobody knows.
///
/// `{ mode: u+rw,o-w }` is a slip that everybody makes once: YAML ends the value at the comma, and
/// the rest of the mode becomes a key without a value. The caret goes to that column.
pub fn unknown_key(key: &Key, node: &Node, known: &[&str]) -> Diagnostic {
    let looks_like_mode = key.text.contains(['+', '-', '='])
        && key.text.chars().all(|c| "ugoarwxXst+-=".contains(c))
        && matches!(&node.value, Value::Scalar(s) if s.is_null());
    if looks_like_mode {
        return Diagnostic::at(&key.span, "a comma inside { } ends the value")
            .label("this became a key of its own")
            .help(format!("quote the whole mode, as in mode: \"u+rw,{}\"", key.text));
    }
    let unknown = Diagnostic::at(&key.span, format!("unknown key `{}`", key.text));
    match super::foreign::here(&key.text) {
        Some(here) => unknown.help(format!("here that is {here}")),
        None => unknown.suggest(&key.text, known.iter().copied()),
    }
}

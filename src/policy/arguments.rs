//! What the words of a command are expected to be.
//!
//! A list is the command's arguments one by one, as `exec` would get them. A text is compared with
//! all of them separated by single spaces, so that `matches` can look for a part.

use super::Diagnostic;
use super::expect::{Expect, operand};
use super::node::{Node, Value};
use super::operand::Text;

/// What a command is expected to be.
#[derive(Clone, Debug)]
pub enum Arguments {
    /// These, in their order, and no others.
    List(Vec<String>),
    /// Anything but these.
    NotList(Vec<String>),
    /// What comes of them separated by spaces.
    Joined(Expect<Text>),
}

impl Arguments {
    /// Reads it.
    pub fn parse(node: &Node) -> Result<Self, Diagnostic> {
        match &node.value {
            Value::List(items) => list(items).map(Self::List),
            Value::Map(entries) => match entries.as_slice() {
                [(key, Node { value: Value::List(items), .. })] if key.text == "not" => {
                    list(items).map(Self::NotList)
                }
                _ => Expect::parse(node).map(Self::Joined),
            },
            Value::Scalar(_) => Expect::parse(node).map(Self::Joined),
        }
    }

    /// Whether a command is as expected.
    pub fn hold_for(&self, found: &[String]) -> bool {
        match self {
            Self::List(wanted) => found == wanted,
            Self::NotList(unwanted) => found != unwanted,
            Self::Joined(expect) => expect.holds_for(&found.join(" ")),
        }
    }

    /// In words.
    pub fn show(&self) -> String {
        match self {
            Self::List(wanted) if wanted.is_empty() => "none".to_owned(),
            Self::List(wanted) => format!("[{}]", wanted.join(", ")),
            Self::NotList(unwanted) => format!("not [{}]", unwanted.join(", ")),
            Self::Joined(expect) => expect.show(),
        }
    }
}

fn list(items: &[Node]) -> Result<Vec<String>, Diagnostic> {
    items.iter().map(|item| operand::<Text>(item).map(|text| text.0)).collect()
}

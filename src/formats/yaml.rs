//! YAML 1.2, with aliases and merge keys resolved within bounds.
//!
//! Scalars are kept as written; `~`, `null` and nothing at all are `null`. Several documents of one
//! file count as one.

use super::Format;
use super::limits::{Budget, DEPTH_LIMIT, malformed};
use super::tree::{self, Node};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::Settings;
use crate::facts::words::Words;
use crate::host::Files;
use granit_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::BTreeMap;
use std::path::Path;

/// YAML files.
pub const FORMAT: Format = Format {
    name: "yaml",
    doc: "YAML: maps are blocks, every element of a list is a value of its own; scalars as written.",
    recognises: |path| {
        path.extension().is_some_and(|e| e == "yaml" || e == "yml")
            || path.ends_with("cloud/cloud.cfg")
            || path.parent().is_some_and(|parent| parent.ends_with("cloud/cloud.cfg.d"))
    },
    parse,
    also: |_, _| Vec::new(),
    default: |_| None,
    kind,
    special: |_| Special::None,
    table: None,
    blocks: &[],
};

/// What YAML 1.1 calls true and false in all its spellings but the single letters: readers of both
/// versions are common, and one of 1.2 finds no other meaning in `yes` than a person does.
static BOOLEANS: Words = Words::among_others(&[&["true", "yes", "on"], &["false", "no", "off"]]);

/// Quantities are where Kubernetes has them.
fn kind(path: &str) -> Kind {
    let mut words = path.rsplit('.');
    let (name, of) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let measured =
        matches!(name.trim_matches('"'), "cpu" | "memory" | "ephemeral-storage" | "storage");
    match measured && matches!(of, "limits" | "requests" | "hard" | "max" | "min" | "default") {
        true => Kind::Quantity,
        false => Kind::Words(&BOOLEANS),
    }
}

/// Parses all documents of a YAML file.
///
/// # Errors
/// When it is not YAML, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let text = tree::text(path, content)?;
    let mut reader =
        Reader { path, budget: Budget::default(), stack: Vec::new(), anchors: BTreeMap::new() };
    let mut documents = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let line = u32::try_from(error.marker().line()).unwrap_or(u32::MAX);
            malformed(path, line, error.info())
        })?;
        documents.extend(reader.event(&event, span)?);
    }
    tree::settings(path, documents)
}

/// A list or map whose end has not come yet.
struct Open {
    anchor: usize,
    line: u32,
    /// Keys and values of a map in turn, or the elements of a list, each with its line.
    nodes: Vec<(u32, Node)>,
    map: bool,
}

struct Reader<'a> {
    path: &'a Path,
    budget: Budget,
    stack: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
}

impl Reader<'_> {
    /// Takes one event; gives a document when that is its end.
    fn event(&mut self, event: &Event<'_>, span: Span) -> Fact<Option<Node>> {
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        let node = match event {
            Event::Scalar(text, style, anchor, _) => {
                self.budget.take(self.path)?;
                let node = scalar(text, *style, line);
                self.keep(*anchor, &node)?;
                node
            }
            Event::Alias(anchor) => match self.anchors.get(anchor) {
                Some(node) => copy(node, self.stack.len(), self.path, &mut self.budget)?,
                None => return Err(malformed(self.path, line, "an alias within its own anchor")),
            },
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                self.budget.take(self.path)?;
                if self.stack.len() >= DEPTH_LIMIT {
                    return Err(tree::too_deep(self.path));
                }
                let map = matches!(event, Event::MappingStart(..));
                self.stack.push(Open { anchor: *anchor, line, nodes: Vec::new(), map });
                return Ok(None);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return Ok(None) };
                let (anchor, start) = (open.anchor, open.line);
                let node = if open.map {
                    Node::Map(self.map(open.nodes)?, start)
                } else {
                    Node::List(open.nodes.into_iter().map(|(_, node)| node).collect())
                };
                self.keep(anchor, &node)?;
                return Ok(self.place(start, node));
            }
            Event::UnresolvedAlias(_) => {
                return Err(malformed(self.path, line, "an alias without its anchor"));
            }
            _ => return Ok(None),
        };
        Ok(self.place(line, node))
    }

    /// Puts a node into the list or map that is open; without one it is a document.
    fn place(&mut self, line: u32, node: Node) -> Option<Node> {
        match self.stack.last_mut() {
            Some(open) => {
                open.nodes.push((line, node));
                None
            }
            None => Some(node),
        }
    }

    fn keep(&mut self, anchor: usize, node: &Node) -> Fact<()> {
        if anchor != 0 {
            let kept = copy(node, self.stack.len(), self.path, &mut self.budget)?;
            self.anchors.insert(anchor, kept);
        }
        Ok(())
    }

    /// Pairs keys with values; what `<<` names is added where the map itself has no such key.
    fn map(&mut self, nodes: Vec<(u32, Node)>) -> Fact<Vec<(String, u32, Node)>> {
        let mut own = Vec::new();
        let mut merged = Vec::new();
        let mut nodes = nodes.into_iter();
        while let (Some((line, key)), Some((_, value))) = (nodes.next(), nodes.next()) {
            let Node::Scalar(key, line, _) = key else {
                return Err(malformed(self.path, line, "a key that is a list or a map"));
            };
            if key != "<<" {
                own.push((key, line, value));
                continue;
            }
            let sources = match value {
                Node::List(nodes) => nodes,
                other => vec![other],
            };
            for source in sources {
                let Node::Map(entries, _) = source else {
                    return Err(malformed(self.path, line, "only maps can be merged"));
                };
                merged.extend(entries);
            }
        }
        let mut known: std::collections::BTreeSet<String> =
            own.iter().map(|(key, _, _)| key.clone()).collect();
        own.extend(merged.into_iter().filter(|(key, _, _)| known.insert(key.clone())));
        Ok(own)
    }
}

fn scalar(text: &str, style: ScalarStyle, line: u32) -> Node {
    if style == ScalarStyle::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Node::scalar("null", line);
    }
    // A number with a leading zero is octal, as 0o is in YAML 1.2.
    let octal = text.strip_prefix("0o").or_else(|| text.strip_prefix('0'));
    let octal = octal.filter(|digits| !digits.is_empty() && style == ScalarStyle::Plain);
    let number = octal.and_then(|digits| u64::from_str_radix(digits, 8).ok());
    Node::Scalar(text.to_owned(), line, number.map(|n| n.to_string()).into_iter().collect())
}

/// A copy that counts, so that aliases of aliases cannot grow without bound.
fn copy(node: &Node, depth: usize, path: &Path, budget: &mut Budget) -> Fact<Node> {
    budget.take(path)?;
    if depth > DEPTH_LIMIT {
        return Err(tree::too_deep(path));
    }
    Ok(match node {
        Node::Scalar(..) => node.clone(),
        Node::List(nodes) => {
            Node::List(nodes.iter().map(|n| copy(n, depth + 1, path, budget)).collect::<Fact<_>>()?)
        }
        Node::Map(entries, line) => {
            let copied = entries.iter().map(|(key, line, node)| {
                Ok((key.clone(), *line, copy(node, depth + 1, path, budget)?))
            });
            Node::Map(copied.collect::<Fact<_>>()?, *line)
        }
    })
}

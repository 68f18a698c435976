//! TOML, with the line of every value.

use super::Format;
use super::limits::{DEPTH_LIMIT, NODE_LIMIT, malformed, too_large};
use super::tree::{self, Node};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::Settings;
use crate::facts::words::Words;
use crate::host::Files;
use ::toml::Spanned;
use ::toml::de::{DeTable, DeValue};
use std::borrow::Cow;
use std::path::Path;

/// TOML files.
pub const FORMAT: Format = Format {
    name: "toml",
    doc: "TOML: tables are blocks, every element of an array is a value of its own; numbers and \
          dates as written.",
    recognises: |path| path.extension().is_some_and(|extension| extension == "toml"),
    parse,
    also: |_, _| Vec::new(),
    default: |_| None,
    kind: |_| Kind::Words(&BOOLEANS),
    special: |_| Special::None,
    table: None,
    blocks: &[],
};

/// Of the words of a rule, `True` is `true`.
static BOOLEANS: Words = Words::among_others(&[&["true"], &["false"]]);

/// Parses a TOML document.
///
/// # Errors
/// When it is not TOML, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let text = tree::text(path, content)?;
    // Every value takes one of these; the parser itself has no bound on their number.
    let values = text.bytes().filter(|byte| matches!(byte, b'=' | b',' | b'[')).count();
    if values > 2 * NODE_LIMIT {
        return Err(too_large(path, format!("more than {NODE_LIMIT} settings")));
    }
    let lines = Lines::new(text);
    let table = DeTable::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| lines.of(span.start));
        malformed(path, line, error.message())
    })?;
    let document = Document { path, text, lines };
    tree::settings(path, vec![document.map(table.get_ref(), 1, 0)?])
}

/// Where lines begin, so that finding the line of an offset is cheap.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn of(&self, offset: usize) -> u32 {
        let before = self.0.partition_point(|at| *at < offset);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

struct Document<'a> {
    path: &'a Path,
    text: &'a str,
    lines: Lines,
}

impl Document<'_> {
    fn map(&self, table: &DeTable<'_>, line: u32, depth: usize) -> Fact<Node> {
        let entry = |(key, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
            let line = self.lines.of(key.span().start);
            Ok((key.get_ref().to_string(), line, self.node(value, depth + 1)?))
        };
        Ok(Node::Map(table.iter().map(entry).collect::<Fact<_>>()?, line))
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, depth: usize) -> Fact<Node> {
        if depth > DEPTH_LIMIT {
            return Err(tree::too_deep(self.path));
        }
        let line = self.lines.of(value.span().start);
        let written = self.text.get(value.span()).unwrap_or_default();
        Ok(match value.get_ref() {
            DeValue::Table(table) => self.map(table, line, depth)?,
            DeValue::Array(array) => {
                let nodes = array.iter().map(|value| self.node(value, depth + 1));
                Node::List(nodes.collect::<Fact<_>>()?)
            }
            DeValue::String(string) => Node::scalar(string.as_ref(), line),
            DeValue::Integer(integer) => {
                // `0o1_000` as written, and as the decimal number that it is.
                let number = i64::from_str_radix(integer.as_str(), integer.radix());
                let mut also: Vec<String> = number.map(|n| n.to_string()).into_iter().collect();
                also.retain(|spelling| spelling != written);
                Node::Scalar(written.to_owned(), line, also)
            }
            _ => Node::scalar(written, line),
        })
    }
}

//! JSON, RFC 8259, with the line of every value.

use super::Format;
use super::limits::{Budget, DEPTH_LIMIT, malformed};
use super::tree::{self, Node};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::Settings;
use crate::facts::words::Words;
use crate::host::Files;
use std::path::Path;

/// JSON files.
pub const FORMAT: Format = Format {
    name: "json",
    doc: "JSON: objects are blocks, every element of a list is a value of its own.",
    recognises: |path| path.extension().is_some_and(|extension| extension == "json"),
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

/// Parses one JSON text.
///
/// # Errors
/// When it is not JSON, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let text = tree::text(path, content)?;
    let mut reader = Reader { path, text, pos: 0, line: 1, budget: Budget::default() };
    let document = reader.value(0)?;
    reader.space();
    if reader.peek().is_some() {
        return reader.error("something follows the end of the JSON text");
    }
    tree::settings(path, vec![document])
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    pos: usize,
    line: u32,
    budget: Budget,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.pos..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    fn error<T>(&self, why: impl std::fmt::Display) -> Fact<T> {
        Err(malformed(self.path, self.line, why))
    }

    fn space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\r' | b'\n')) = self.peek() {
            self.line = self.line.saturating_add(u32::from(byte == b'\n'));
            self.pos += 1;
        }
    }

    /// Whether the next character, white space left out, is this one, which is then passed.
    fn takes(&mut self, wanted: u8) -> bool {
        self.space();
        let there = self.peek() == Some(wanted);
        self.pos += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Fact<Node> {
        if depth > DEPTH_LIMIT {
            return Err(tree::too_deep(self.path));
        }
        self.budget.take(self.path)?;
        self.space();
        let line = self.line;
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Node::scalar(self.string()?, line)),
            _ => {
                let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
                let rest = self.rest();
                let word = rest.get(..rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
                let word = word.unwrap_or_default();
                if !matches!(word, "true" | "false" | "null") && !is_number(word) {
                    return self.error("expected a value");
                }
                let node = Node::scalar(word, line);
                self.pos += word.len();
                Ok(node)
            }
        }
    }

    fn object(&mut self, depth: usize) -> Fact<Node> {
        self.pos += 1;
        let start = self.line;
        let mut entries = Vec::new();
        if self.takes(b'}') {
            return Ok(Node::Map(entries, start));
        }
        loop {
            self.space();
            let line = self.line;
            if self.peek() != Some(b'"') {
                return self.error("expected a name in double quotes");
            }
            let key = self.string()?;
            if !self.takes(b':') {
                return self.error("expected \":\"");
            }
            entries.push((key, line, self.value(depth + 1)?));
            if self.takes(b'}') {
                return Ok(Node::Map(entries, start));
            }
            if !self.takes(b',') {
                return self.error("expected \",\" or \"}\"");
            }
        }
    }

    fn list(&mut self, depth: usize) -> Fact<Node> {
        self.pos += 1;
        let mut nodes = Vec::new();
        if self.takes(b']') {
            return Ok(Node::List(nodes));
        }
        loop {
            nodes.push(self.value(depth + 1)?);
            if self.takes(b']') {
                return Ok(Node::List(nodes));
            }
            if !self.takes(b',') {
                return self.error("expected \",\" or \"]\"");
            }
        }
    }

    fn string(&mut self) -> Fact<String> {
        let body = self.text.as_bytes().get(self.pos + 1..).unwrap_or_default();
        let mut escaped = false;
        let end = body.iter().position(|byte| match byte {
            _ if std::mem::take(&mut escaped) => false,
            b'\\' => {
                escaped = true;
                false
            }
            byte => matches!(byte, b'"' | 0..0x20),
        });
        let end = end.map_or(self.text.len(), |length| self.pos + length + 2);
        let literal = self.text.get(self.pos..end).unwrap_or_default();
        // Escapes, surrogates among them, are a solved problem.
        match serde_json::from_str(literal) {
            Ok(text) => {
                self.pos = end;
                Ok(text)
            }
            Err(_) => self.error("not a valid string"),
        }
    }
}

/// The grammar of `number` in RFC 8259, section 6.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let word = word.strip_prefix('-').unwrap_or(word);
    let (number, exponent) = match word.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (word, None),
    };
    let (whole, fraction) = match number.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (number, None),
    };
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

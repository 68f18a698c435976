//! XML: elements are blocks, attributes their settings.
//!
//! An element without attributes and further elements is a setting, its text the value
//! (`<port>8080</port>`); where an element has both, its text is a setting without a name. Names are
//! taken without their prefixes. A document type with entities is refused, so nothing is put in.

use super::Format;
use super::limits::{Budget, malformed, too_large};
use super::tree;
use crate::facts::Fact;
use crate::facts::quantity::Kind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::host::Files;
use roxmltree::{Document, Node, ParsingOptions};
use std::path::Path;

/// XML files.
pub const FORMAT: Format = Format {
    name: "xml",
    doc: "XML: elements are blocks, attributes settings (`Server.Connector.port`), an element of \
          nothing but text a setting as well.",
    recognises: |path| path.extension().is_some_and(|extension| extension == "xml"),
    parse,
    kind: |_| Kind::Words(&BOOLEANS),
    ..Format::PLAIN
};

static BOOLEANS: Words = Words::among_others(&[&["true"], &["false"]]);

/// Parses one document.
///
/// # Errors
/// When it is not well-formed, has a document type, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let text = tree::text(path, content)?;
    let limit = u32::try_from(super::limits::NODE_LIMIT).unwrap_or(u32::MAX);
    // The parser goes down a call for each element that is open.
    if deepest(text) > super::limits::DEPTH_LIMIT {
        return Err(tree::too_deep(path));
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: limit, ..Default::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            too_large(path, format!("more than {limit} elements and texts"))
        }
        error => malformed(path, error.pos().row, error),
    })?;
    let mut root = Block::root(path);
    let lines = Lines::of(text);
    let mut reader = Reader { path, lines, budget: Budget::default() };
    reader.add(&mut root, document.root_element())?;
    Ok(Settings { root, files: vec![path.to_path_buf()], ..Settings::default() })
}

/// How many elements are open at once, at most; what looks like a tag within a comment counts too.
fn deepest(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    for part in text.split('<').skip(1) {
        match part.chars().next() {
            Some('/') => depth = depth.saturating_sub(1),
            Some('?' | '!') | None => {}
            Some(_) => {
                most = most.max(depth + 1);
                let tag = part.split('>').next().unwrap_or_default();
                depth += usize::from(!tag.ends_with('/'));
            }
        }
    }
    most
}

/// Where lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn at(&self, position: usize) -> u32 {
        let before = self.0.partition_point(|at| *at < position);
        u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
    }
}

struct Reader<'a> {
    path: &'a Path,
    lines: Lines,
    budget: Budget,
}

impl Reader<'_> {
    fn at(&self, position: usize) -> Location {
        Location { file: self.path.to_path_buf(), line: self.lines.at(position) }
    }

    fn add(&mut self, into: &mut Block, element: Node) -> Fact<()> {
        self.budget.take(self.path)?;
        let at = self.at(element.range().start);
        let name = element.tag_name().name().to_owned();
        let text: String =
            element.children().filter(Node::is_text).filter_map(|t| t.text()).collect();
        let text = text.trim().to_owned();
        let plain = element.attributes().len() == 0 && !element.children().any(|c| c.is_element());
        let setting = |name: &str, value: String, at: Location| Setting {
            name: name.to_owned(),
            value,
            also: Vec::new(),
            at,
        };
        if plain {
            into.settings.push(setting(&name, text, at));
            return Ok(());
        }
        let mut block = Block::new(name, "", at.clone());
        for attribute in element.attributes() {
            self.budget.take(self.path)?;
            let at = self.at(attribute.range().start);
            block.settings.push(setting(attribute.name(), attribute.value().to_owned(), at));
        }
        if !text.is_empty() {
            block.settings.push(setting("", text, at));
        }
        for child in element.children().filter(Node::is_element) {
            self.add(&mut block, child)?;
        }
        into.blocks.push(block);
        Ok(())
    }
}

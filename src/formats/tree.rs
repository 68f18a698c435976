//! Documents of scalars, lists and maps (JSON, YAML, TOML) as settings.
//!
//! A map is a block, a scalar a setting. Each element of a list is a setting or block of its own
//! under the list's name, lists within lists likewise. What has no name (a document that is a list
//! or a scalar) has the empty one. Repeated keys are kept, all of them: readers differ in which
//! they take, so a rule has to hold for each.

use super::limits::{Budget, DEPTH_LIMIT, malformed, too_large};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::{Fact, Unknown};
use std::path::Path;

/// A part of a document; lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A value, its line, and other spellings that mean the same.
    Scalar(String, u32, Vec<String>),
    /// A list.
    List(Vec<Node>),
    /// A map (key, line of the key, value), and its own line.
    Map(Vec<(String, u32, Node)>, u32),
}

impl Node {
    /// A value without other spellings.
    pub fn scalar(text: impl Into<String>, line: u32) -> Self {
        Self::Scalar(text.into(), line, Vec::new())
    }
}

/// The text of a document, without a byte order mark.
///
/// # Errors
/// When it is not UTF-8.
pub fn text<'a>(path: &Path, content: &'a [u8]) -> Fact<&'a str> {
    match std::str::from_utf8(content) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => {
            let before = content.get(..error.valid_up_to()).unwrap_or_default();
            Err(malformed(path, line_at(before), "not UTF-8"))
        }
    }
}

/// The line in which the text behind `before` stands.
pub fn line_at(before: &[u8]) -> u32 {
    let breaks = before.iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(breaks).unwrap_or(u32::MAX).saturating_add(1)
}

/// The settings of a file that consists of these documents.
///
/// # Errors
/// When there are too many or they are nested too deeply.
pub fn settings(path: &Path, documents: Vec<Node>) -> Fact<Settings> {
    let mut builder = Builder { path, budget: Budget::default() };
    let mut root = builder.block("", 0);
    for document in documents {
        match document {
            Node::Map(entries, _) => builder.fill(&mut root, entries, 0)?,
            other => builder.add(&mut root, "", 1, other, 0)?,
        }
    }
    let files = vec![path.to_path_buf()];
    Ok(Settings {
        root,
        files,
        unread: Vec::new(),
        inherits: false,
        ignore_case: false,
        ..Settings::default()
    })
}

/// The unknown for a document that is nested too deeply.
pub fn too_deep(path: &Path) -> Unknown {
    too_large(path, format!("nested more than {DEPTH_LIMIT} deep"))
}

struct Builder<'a> {
    path: &'a Path,
    budget: Budget,
}

impl Builder<'_> {
    fn block(&self, name: &str, line: u32) -> Block {
        Block {
            name: name.to_owned(),
            label: String::new(),
            at: Location { file: self.path.to_path_buf(), line },
            settings: Vec::new(),
            blocks: Vec::new(),
            empty_list: false,
        }
    }

    fn fill(
        &mut self,
        block: &mut Block,
        entries: Vec<(String, u32, Node)>,
        depth: usize,
    ) -> Fact<()> {
        entries
            .into_iter()
            .try_for_each(|(key, line, node)| self.add(block, &key, line, node, depth))
    }

    fn add(
        &mut self,
        into: &mut Block,
        name: &str,
        line: u32,
        node: Node,
        depth: usize,
    ) -> Fact<()> {
        self.budget.take(self.path)?;
        self.budget.depth(self.path, depth)?;
        match node {
            Node::Scalar(value, line, also) => {
                let at = Location { file: self.path.to_path_buf(), line };
                into.settings.push(Setting { name: name.to_owned(), value, also, at });
            }
            Node::List(nodes) if nodes.is_empty() => {
                let mut block = self.block(name, line);
                block.empty_list = true;
                into.blocks.push(block);
            }
            Node::List(nodes) => {
                for node in nodes {
                    let line = if let Node::Map(_, own) = &node { *own } else { line };
                    self.add(into, name, line, node, depth + 1)?;
                }
            }
            Node::Map(entries, _) => {
                let mut block = self.block(name, line);
                self.fill(&mut block, entries, depth + 1)?;
                into.blocks.push(block);
            }
        }
        Ok(())
    }
}

//! Sections of a file while it is being read: those of one name and label are one block.

use crate::facts::settings::{Block, Location, Setting};
use std::collections::BTreeMap;
use std::path::Path;

/// The sections so far, and the one that is open.
pub struct Sections {
    /// What stands before all sections.
    before: Block,
    all: Vec<Block>,
    known: BTreeMap<(String, String), usize>,
    open: Option<usize>,
}

impl Sections {
    /// No section yet.
    pub fn new(path: &Path) -> Self {
        Self { before: Block::root(path), all: Vec::new(), known: BTreeMap::new(), open: None }
    }

    /// Opens a section; `fold` says under which name those that the owner takes for one are.
    pub fn open(&mut self, name: &str, label: &str, at: Location, fold: fn(&str) -> String) {
        let all = &mut self.all;
        let index = self.known.entry((fold(name), label.to_owned())).or_insert_with(|| {
            all.push(Block::new(name, label, at));
            all.len() - 1
        });
        self.open = Some(*index);
    }

    /// The open section; what stands before all of them is in the outermost block.
    pub fn current(&mut self) -> &mut Block {
        let open = self.open.and_then(|index| self.all.get_mut(index));
        open.unwrap_or(&mut self.before)
    }

    /// Adds a setting to the open section.
    pub fn push(&mut self, setting: Setting) {
        self.current().settings.push(setting);
    }

    /// The outermost block with all of them.
    pub fn finish(self) -> Block {
        Block { blocks: self.all, ..self.before }
    }
}
